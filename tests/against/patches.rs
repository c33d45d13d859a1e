//! git's own diff of the blobs of each file.
//!
//! The sides of a rename stand at different paths, and the attributes of a repository can declare
//! any text to be binary. So the blobs are laid into two trees of a scratch repository, under
//! their number, and git compares these: whatever the program paired, git compares the same.

use std::collections::HashMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::Git;
use super::blobs::{Blobs, blob};
use super::listing::Side;
use super::matching::Matched;
use crate::support::Home;

/// What git prints for a file.
pub enum Patch<'a> {
    Binary,
    /// The lines that are taken out and put in, each with its line feed, if it has one.
    Lines {
        removed: Vec<&'a [u8]>,
        added: Vec<&'a [u8]>,
    },
}

/// An empty repository that borrows the objects of another.
pub fn scratch<'a>(home: &'a Home, git: &Git<'_>) -> Git<'a> {
    let format = git.text(&["rev-parse", "--show-object-format"]);
    let objects = git.text(&["rev-parse", "--git-path", "objects"]);
    let objects = git.dir().join(objects).canonicalize().expect("a repository has objects");
    let place = home.path().join("scratch");
    let at_home = Git::new(home, home.path());
    at_home.run(&["init", "--quiet", "--bare", &format!("--object-format={format}"), "scratch"]);
    let alternates = place.join("objects/info/alternates");
    fs::write(&alternates, format!("{}\n", display(&objects))).expect("a repository of ours");
    // What git shows in place of an object there, it is to show here.
    let mut replaced = String::new();
    for line in
        git.text(&["for-each-ref", "--format=%(refname) %(objectname)", "refs/replace"]).lines()
    {
        writeln!(replaced, "create {line}").expect("a string takes all");
    }
    Git::new(home, &place).feed(&["update-ref", "--stdin"], replaced.into_bytes());
    Git::new(home, &place)
}

fn display(path: &Path) -> &str {
    path.to_str().expect("the folder of the repositories has a UTF-8 name")
}

/// One patch of all files whose blobs are there and differ.
pub fn between(scratch: &Git<'_>, files: &[Matched], blobs: &Blobs) -> Vec<u8> {
    let tree = |side: fn(&Matched) -> Option<&Side>| {
        let mut lines = String::new();
        for (at, file) in files.iter().enumerate() {
            let id = blob(side(file)).filter(|&id| blobs[id].is_some() && is_read(file));
            if let Some(id) = id {
                writeln!(lines, "100644 blob {id}\t{at:08}").expect("a string takes all");
            }
        }
        let id = scratch.feed(&["mktree", "--missing"], lines.into_bytes());
        String::from_utf8(id).expect("an id").trim_end().to_owned()
    };
    let (old, new) = (tree(|file| file.old.as_ref()), tree(|file| file.new.as_ref()));
    let plain = ["--no-color", "--no-ext-diff", "--no-textconv", "--no-renames"];
    scratch.run(&[&["diff-tree", "-r", "-p", "-U0"][..], &plain, &[&old, &new]].concat())
}

/// Whether the program looked into the file, so that there is something to compare.
fn is_read(file: &Matched) -> bool {
    !matches!(file.seen.skipped.as_deref(), Some("missing" | "too-large"))
}

/// The patch of each file, by its number; none for a file whose sides are equal.
pub fn parse(text: &[u8]) -> HashMap<usize, Patch<'_>> {
    let mut found = HashMap::new();
    let mut lines = text.split_inclusive(|&byte| byte == b'\n').peekable();
    let mut at = None;
    while let Some(line) = lines.next() {
        if let Some(names) = line.strip_prefix(b"diff --git a/") {
            let number = std::str::from_utf8(&names[..8]).expect("a number");
            at = Some(number.parse::<usize>().expect("a number"));
        } else if line.starts_with(b"Binary files ") {
            found.insert(at.expect("a file has a head"), Patch::Binary);
        } else if line.starts_with(b"@@ ") {
            let file = found.entry(at.expect("a file has a head"));
            let empty = Patch::Lines { removed: Vec::new(), added: Vec::new() };
            let Patch::Lines { removed, added } = file.or_insert(empty) else {
                panic!("a file is binary or has hunks");
            };
            let (old, new) = counts(line);
            take(&mut lines, old, removed);
            take(&mut lines, new, added);
        }
    }
    found
}

/// The next lines of a hunk, without their sign.
fn take<'a>(
    lines: &mut std::iter::Peekable<impl Iterator<Item = &'a [u8]>>,
    count: usize,
    into: &mut Vec<&'a [u8]>,
) {
    for _ in 0..count {
        into.push(&lines.next().expect("a hunk has the lines that it announces")[1..]);
    }
    // "\ No newline at end of file": the line feed is git's, not the file's.
    if count > 0 && lines.next_if(|line| line.starts_with(b"\\")).is_some() {
        let last = into.last_mut().expect("at least one line was taken");
        *last = &last[..last.len() - 1];
    }
}

/// The numbers of lines in `@@ -a,b +c,d @@`; without a comma, one.
fn counts(header: &[u8]) -> (usize, usize) {
    let header = String::from_utf8_lossy(header);
    let mut ranges = header.split(' ').skip(1).map(|range| {
        range.split_once(',').map_or(1, |(_, count)| count.parse().expect("a number of lines"))
    });
    (ranges.next().expect("the old range"), ranges.next().expect("the new range"))
}
