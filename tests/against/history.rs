//! A history of everything that can happen to a path, the same in every run.
//!
//! It goes through `git fast-import`, the only way to write some hundred commits in no time, and
//! one that takes names and contents that no work tree could hold.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;

use crate::support::Repo;

/// Numbers that look random (the `SplitMix64` sequence).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("smaller than the bound")
    }

    fn of<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())].clone()
    }
}

/// A path's contents.
#[derive(Clone)]
enum Node {
    Text { lines: Vec<Vec<u8>>, executable: bool },
    Link(Vec<u8>),
    Module(u64),
}

type Tree = BTreeMap<Vec<u8>, Node>;

const FOLDERS: &[&[u8]] = &[b"", b"src/", b"src/a/", b"src/a/b/", b"lib/", b"a.b/", b"tests/"];

/// Names that sort, quote or read badly among names that do not.
const NAMES: &[&[u8]] = &[
    b"a",
    b"a.py",
    b"a-b.py",
    b"a.b",
    b"main.rs",
    b"main.go",
    b"with space.py",
    b" ",
    b"tab\there.py",
    b"line\nfeed.py",
    b"quote\".py",
    b"back\\slash.py",
    b"caf\xe9.py",
    b"caf<0xE9>.py",
    "größe.py".as_bytes(),
    "rtl\u{202e}yp.py".as_bytes(),
    b"-rf",
    b"--format",
    b"*.py",
    b"[x].py",
    b":(top)x.py",
    b"README.md",
    b"Cargo.lock",
    b"x.min.js",
    b"very-long-name-0123456789-0123456789-0123456789-0123456789-0123456789-0123456789.py",
];

/// Lines of which many recur, as in any program.
const LINES: &[&[u8]] = &[
    b"",
    b"",
    b"}",
    b"}",
    b"    }",
    b"{",
    b"    return x;",
    b"    x += 1;",
    b"fn f() {",
    b"\t",
    b"    ",
    b"--- a/x",
    b"+++ b/x",
    b"@@ -1,3 +1,4 @@",
    b"diff --git a/00000000 b/00000000",
    b"\\ No newline at end of file",
    b"-",
    b"+",
    b"\xff\xfe",
    b"lone\rreturn",
    b"form\x0cfeed",
];

fn line(random: &mut Random) -> Vec<u8> {
    let mut line = match random.below(3) {
        0 => format!("    let v{} = f({});", random.below(1000), random.below(10)).into_bytes(),
        _ => random.of(LINES).to_vec(),
    };
    line.push(b'\n');
    line
}

fn text(random: &mut Random) -> Node {
    let longest = random.of(&[1, 4, 30, 30, 150]);
    let lines = (0..random.below(longest)).map(|_| line(random)).collect();
    Node::Text { lines, executable: random.below(8) == 0 }
}

fn path(random: &mut Random) -> Vec<u8> {
    [random.of(FOLDERS), random.of(NAMES)].concat()
}

/// Puts something at a path; a file above it and files below it go.
fn put(tree: &mut Tree, path: Vec<u8>, node: Node) {
    let below = [path.as_slice(), b"/"].concat();
    tree.retain(|other, _| {
        !other.starts_with(&below) && !path.starts_with(&[other.as_slice(), b"/"].concat())
    });
    tree.insert(path, node);
}

/// One thing that a commit does.
fn step(random: &mut Random, tree: &mut Tree) {
    let paths: Vec<Vec<u8>> = tree.keys().cloned().collect();
    if paths.len() < 12 || (paths.len() < 40 && random.below(5) == 0) {
        return put(tree, path(random), text(random));
    }
    let at = random.of(&paths);
    match random.below(16) {
        0 | 1 => drop(tree.remove(&at)),
        2 | 3 => rename(random, tree, &at),
        4 => put(tree, path(random), tree[&at].clone()),
        5 => put(tree, at, Node::Link(path(random))),
        6 => put(tree, at, Node::Module(random.next())),
        7 => put(tree, [at.as_slice(), b"/below.py"].concat(), text(random)),
        8 => put(
            tree,
            random.of(FOLDERS).strip_suffix(b"/").unwrap_or(b"top").to_vec(),
            text(random),
        ),
        9 => put(tree, at, text(random)),
        _ => edit(random, tree.entry(at).or_insert(Node::Module(0))),
    }
}

/// A new name, most often with an edit; a link and a submodule keep what they are.
fn rename(random: &mut Random, tree: &mut Tree, from: &[u8]) {
    let mut node = tree.remove(from).expect("a path of the tree");
    if random.below(3) > 0 {
        edit(random, &mut node);
    }
    put(tree, path(random), node);
}

fn edit(random: &mut Random, node: &mut Node) {
    match node {
        Node::Link(target) => *target = path(random),
        Node::Module(commit) => *commit = random.next(),
        Node::Text { lines, executable } => match random.below(9) {
            0 => *executable = !*executable,
            1 => turn_line_ends(lines),
            2 => toggle_last_line_feed(lines),
            3 => insert(random, lines, b"a\0b\n".to_vec()),
            4 => lines.retain(|line| !line.contains(&0)),
            5 => move_block(random, lines),
            _ => replace_some(random, lines),
        },
    }
}

fn insert(random: &mut Random, lines: &mut Vec<Vec<u8>>, line: Vec<u8>) {
    lines.insert(random.below(lines.len() + 1), line);
}

fn turn_line_ends(lines: &mut [Vec<u8>]) {
    for line in lines {
        if line.ends_with(b"\r\n") {
            line.remove(line.len() - 2);
        } else if line.ends_with(b"\n") {
            line.insert(line.len() - 1, b'\r');
        }
    }
}

fn toggle_last_line_feed(lines: &mut [Vec<u8>]) {
    if let Some(last) = lines.last_mut()
        && last.pop_if(|byte| *byte == b'\n').is_none()
    {
        last.push(b'\n');
    }
}

fn move_block(random: &mut Random, lines: &mut Vec<Vec<u8>>) {
    let from = random.below(lines.len() + 1);
    let to = (from + random.below(20)).min(lines.len());
    let block: Vec<Vec<u8>> = lines.drain(from..to).collect();
    let at = random.below(lines.len() + 1);
    lines.splice(at..at, block);
}

fn replace_some(random: &mut Random, lines: &mut Vec<Vec<u8>>) {
    for _ in 0..=random.below(6) {
        let from = random.below(lines.len() + 1);
        let to = (from + random.below(4)).min(lines.len());
        let new: Vec<Vec<u8>> = (0..random.below(4)).map(|_| line(random)).collect();
        lines.splice(from..to, new);
    }
}

/// Writes so many commits to the branch `main`, as loose objects, and gives their ids, oldest
/// first.
pub fn write(repo: &Repo, random: &mut Random, commits: usize) -> Vec<String> {
    let id_digits = repo.git(&["hash-object", "-t", "tree", "/dev/null"]).len();
    let mut tree = Tree::new();
    let mut stream = Vec::new();
    for at in 0..commits {
        for _ in 0..=random.below(6) {
            step(random, &mut tree);
        }
        commit(&mut stream, at, &tree, id_digits);
    }
    import(repo, &stream);
    repo.git(&["rev-list", "--reverse", "main"]).lines().map(str::to_owned).collect()
}

fn commit(stream: &mut Vec<u8>, at: usize, tree: &Tree, id_digits: usize) {
    let when = 1_767_225_600 + 60 * at;
    let head = format!("commit refs/heads/main\ncommitter Cleo <cleo@example.com> {when} +0000\n");
    stream.extend_from_slice(head.as_bytes());
    stream.extend_from_slice(b"data 1\nx\ndeleteall\n");
    for (path, node) in tree {
        let (mode, data) = match node {
            Node::Text { lines, executable: false } => ("100644", lines.concat()),
            Node::Text { lines, executable: true } => ("100755", lines.concat()),
            Node::Link(target) => ("120000", target.clone()),
            Node::Module(commit) => {
                let id = format!("M 160000 {commit:0>id_digits$x} ").into_bytes();
                stream.extend([id, quoted(path), b"\n".to_vec()].concat());
                continue;
            }
        };
        let head = [format!("M {mode} inline ").into_bytes(), quoted(path)].concat();
        stream.extend([head, format!("\ndata {}\n", data.len()).into_bytes()].concat());
        stream.extend([data.as_slice(), b"\n"].concat());
    }
}

/// A path as the stream wants it, every byte in octal: there is nothing to get wrong in that.
fn quoted(path: &[u8]) -> Vec<u8> {
    let octal: String = path.iter().map(|byte| format!("\\{byte:03o}")).collect();
    format!("\"{octal}\"").into_bytes()
}

fn import(repo: &Repo, stream: &[u8]) {
    let mut command = repo.command();
    // Below this number of objects they are left loose.
    command.args(["-c", "fastimport.unpackLimit=1000000", "fast-import", "--quiet"]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("git can be started");
    child.stdin.take().expect("stdin is piped").write_all(stream).expect("git reads all");
    assert!(child.wait().expect("git was started").success(), "git fast-import failed");
}
