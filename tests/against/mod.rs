//! The program held against git: what `scan` lists, pair of revisions by pair, is what git lists.
//!
//! Three witnesses are asked: the program through its command line, `git diff-tree` for paths,
//! modes and renames, and git's own diff of the blobs for the lines.
#![allow(unreachable_pub, reason = "a library in all but its crate type")]
#![allow(clippy::panic, reason = "to panic is how a test fails")]

mod blobs;
mod folder;
mod git;
mod history;
mod judge;
mod listing;
mod matching;
mod patches;
mod renames;
mod scan;
mod script;
mod tally;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::support::Home;

pub use folder::repositories;
pub use git::Git;
pub use history::{Random, write};
pub use tally::Tally;

/// Pairs whose blobs are asked for at once: few enough that they fit into memory.
const BATCH: usize = 8;

/// The machine of whoever runs this has at least so many cores.
const THREADS: usize = 2;

/// Two revisions, the older side first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pair {
    pub old: String,
    pub new: String,
}

impl Pair {
    pub fn of(old: &str, new: &str) -> Self {
        Self { old: old.to_owned(), new: new.to_owned() }
    }

    /// A complaint about a path of this pair.
    fn about(&self, path: &str, complaint: &str) -> String {
        format!("{}..{} {path}: {complaint}", self.old, self.new)
    }
}

/// Compares every pair of a repository.
pub fn compare(repo: &Path, pairs: &[Pair]) -> Tally {
    let home = Home::new();
    let git = Git::new(&home, repo);
    let scratch = patches::scratch(&home, &git);
    let batches: Vec<&[Pair]> = pairs.chunks(BATCH).collect();
    let next = AtomicUsize::new(0);
    let total = Mutex::new(Tally::default());
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(batch) = batches.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let tally = compare_batch(&home, &git, &scratch, batch);
                    total.lock().expect("no thread panics with the lock").add(tally);
                }
            });
        }
    });
    total.into_inner().expect("no thread panics with the lock")
}

fn compare_batch(home: &Home, git: &Git<'_>, scratch: &Git<'_>, pairs: &[Pair]) -> Tally {
    let mut tally = Tally { pairs: pairs.len(), ..Tally::default() };
    let mut files = Vec::new();
    for pair in pairs {
        let listing = listing::list(git, pair);
        match scan::run(home, git.dir(), pair) {
            Ok(seen) => {
                renames::check(git, pair, &listing, &seen, &mut tally);
                files.extend(matching::matched(pair, &listing, seen, &mut tally));
            }
            Err(complaint) => tally.fail(pair, "", &complaint),
        }
    }
    let blobs = blobs::read(git, &files);
    let text = patches::between(scratch, &files, &blobs);
    let patches = patches::parse(&text);
    let heavy = judge::heavy(&files, &blobs);
    for (at, file) in files.iter().enumerate() {
        if file.is_too_large() && heavy.contains(&file.pair) {
            tally.out_of_budget += 1;
        } else {
            judge::file(file, &blobs, patches.get(&at), &mut tally);
        }
    }
    tally
}
