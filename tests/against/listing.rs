//! The paths that differ, as git lists them.

use std::collections::BTreeMap;

use super::{Git, Pair};

/// One side of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    pub mode: u32,
    pub id: String,
}

impl Side {
    /// Whether it is a file, and neither a link nor a submodule.
    pub fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }
}

/// Both sides of a path.
#[derive(Debug, Clone)]
pub struct Entry {
    pub old: Option<Side>,
    pub new: Option<Side>,
}

/// A rename that `git diff -M` finds.
pub struct Rename {
    pub from: Vec<u8>,
    pub to: Vec<u8>,
    /// In percent, as git measures it.
    pub similarity: u32,
    /// Whether both are the same object.
    pub exact: bool,
}

/// What differs, by path, a rename as a deletion and an addition.
pub type Listing = BTreeMap<Vec<u8>, Entry>;

pub fn list(git: &Git<'_>, pair: &Pair) -> Listing {
    raw(git, pair, "--no-renames")
        .into_iter()
        .map(|record| (record.path, Entry { old: record.old, new: record.new }))
        .collect()
}

/// The renames of files; those of links and submodules are deletions and additions to the program.
pub fn renames(git: &Git<'_>, pair: &Pair) -> Vec<Rename> {
    let renamed = |record: Record| {
        let similarity = record.status.strip_prefix('R')?.parse().ok()?;
        let (old, new) = (record.old?, record.new?);
        let exact = old.id == new.id;
        new.is_file().then_some(Rename { from: record.from?, to: record.path, similarity, exact })
    };
    raw(git, pair, "-M").into_iter().filter_map(renamed).collect()
}

struct Record {
    /// The old path of a rename.
    from: Option<Vec<u8>>,
    path: Vec<u8>,
    old: Option<Side>,
    new: Option<Side>,
    status: String,
}

fn raw(git: &Git<'_>, pair: &Pair, renames: &str) -> Vec<Record> {
    let output = git.run(&["diff-tree", "-r", "-z", "--raw", renames, &pair.old, &pair.new]);
    let mut fields = output.split(|&byte| byte == 0).filter(|field| !field.is_empty());
    let mut records = Vec::new();
    while let Some(about) = fields.next() {
        let about = std::str::from_utf8(about).expect("modes, ids and a letter");
        let words: Vec<&str> = about.trim_start_matches(':').split(' ').collect();
        let [old_mode, new_mode, old_id, new_id, status] = words[..] else {
            panic!("git's raw format has five fields: {about}");
        };
        let mut path = || fields.next().expect("a path follows").to_owned();
        let from = status.starts_with('R').then(&mut path);
        records.push(Record {
            from,
            path: path(),
            old: side(old_mode, old_id),
            new: side(new_mode, new_id),
            status: status.to_owned(),
        });
    }
    records
}

/// A side that does not exist has mode 0.
fn side(mode: &str, id: &str) -> Option<Side> {
    let mode = u32::from_str_radix(mode, 8).expect("a mode is octal");
    (mode != 0).then(|| Side { mode, id: id.to_owned() })
}
