//! A folder of real repositories, and which of their commits are compared.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Git, Pair};
use crate::support::Home;

/// So many commits are compared with their first parent …
const NEAR: usize = 200;

/// … and so many with an ancestor …
const FAR: usize = 60;

/// … so many steps before them.
const STEPS: usize = 50;

/// A repository of the folder, with the name that it has there.
pub struct Found {
    pub name: String,
    pub path: PathBuf,
}

/// Every folder that is a repository, or holds one that is called `repo`, in the order of names.
pub fn repositories(folder: &Path) -> Vec<Found> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut found: Vec<Found> = entries
        .map(|entry| entry.expect("a folder that can be read"))
        .filter_map(|entry| {
            let path = entry.path();
            let path = [path.join("repo"), path].into_iter().find(|path| is_repository(path))?;
            Some(Found { name: entry.file_name().to_string_lossy().into_owned(), path })
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn is_repository(path: &Path) -> bool {
    path.join(".git").exists() || (path.join("HEAD").is_file() && path.join("objects").is_dir())
}

impl Found {
    /// Commits spread evenly over the first parents of HEAD, the same in every run.
    pub fn pairs(&self) -> Vec<Pair> {
        let home = Home::new();
        let git = Git::new(&home, &self.path);
        let commits = git.text(&["rev-list", "--first-parent", "HEAD"]);
        let commits: Vec<&str> = commits.lines().collect();
        let mut pairs = spread(&commits, 1, NEAR);
        pairs.extend(spread(&commits, STEPS, FAR));
        pairs
    }
}

/// Up to `count` pairs of commits that stand `steps` apart; the newest commit comes first.
fn spread(commits: &[&str], steps: usize, count: usize) -> Vec<Pair> {
    let last = commits.len().saturating_sub(steps);
    let stride = last.div_ceil(count).max(1);
    (0..last).step_by(stride).map(|at| Pair::of(commits[at + steps], commits[at])).collect()
}
