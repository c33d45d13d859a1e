//! What differs in the index and in the work tree, as libgit2 lists it.

use bstr::{BString, ByteSlice};
use git2::{Delta as Kind, Diff, DiffDelta, DiffFile, DiffOptions, Oid, Repository};

use super::delta::{Delta, Entry, Place};

/// What the index holds that the tree does not.
pub(super) fn staged(repo: &Repository, old: Option<Oid>) -> Result<Vec<Delta>, git2::Error> {
    let tree = old.map(|id| repo.find_tree(id)).transpose()?;
    let diff = repo.diff_tree_to_index(tree.as_ref(), None, Some(&mut DiffOptions::new()))?;
    Ok(deltas(repo, &diff))
}

/// What the work tree holds that the tree does not: staged or not, tracked or not, never ignored.
pub(super) fn tracked_and_untracked(
    repo: &Repository,
    old: Option<Oid>,
) -> Result<Vec<Delta>, git2::Error> {
    let tree = old.map(|id| repo.find_tree(id)).transpose()?;
    let mut options = DiffOptions::new();
    options.include_untracked(true).recurse_untracked_dirs(true).include_typechange(true);
    let diff = repo.diff_tree_to_workdir_with_index(tree.as_ref(), Some(&mut options))?;
    Ok(deltas(repo, &diff))
}

fn deltas(repo: &Repository, diff: &Diff<'_>) -> Vec<Delta> {
    diff.deltas().filter_map(|delta| read(repo, &delta)).collect()
}

fn read(repo: &Repository, delta: &DiffDelta<'_>) -> Option<Delta> {
    let (old, new) = match delta.status() {
        Kind::Added | Kind::Untracked => (false, true),
        Kind::Deleted => (true, false),
        Kind::Modified | Kind::Typechange | Kind::Conflicted => (true, true),
        _ => return None,
    };
    let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes())?;
    Some(Delta {
        path: BString::from(path),
        old_path: None,
        old: old.then(|| entry(repo, &delta.old_file())).flatten(),
        new: new.then(|| entry(repo, &delta.new_file())).flatten(),
    })
}

/// A side of a delta. An object that git has not hashed yet is read from the work tree.
fn entry(repo: &Repository, file: &DiffFile<'_>) -> Option<Entry> {
    let mode = u32::from(file.mode());
    let stored = || repo.odb().is_ok_and(|odb| odb.exists(file.id()));
    if mode == 0o160_000 || (file.is_valid_id() && !file.id().is_zero() && stored()) {
        return Some(Entry { place: Place::Object(file.id()), mode });
    }
    let path = repo.workdir()?.join(file.path_bytes()?.to_path().ok()?);
    path.symlink_metadata().ok()?;
    Some(Entry { place: Place::File { path, normalise: normalises(repo) }, mode })
}

/// Whether `core.autocrlf` makes git store LF where the work tree has CRLF.
fn normalises(repo: &Repository) -> bool {
    let value = repo.config().and_then(|config| config.get_string("core.autocrlf"));
    value.is_ok_and(|value| value == "true" || value == "input")
}
