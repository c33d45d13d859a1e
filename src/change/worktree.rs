//! What differs in the index and in the work tree, as libgit2 lists it.

use bstr::{BString, ByteSlice};
use git2::{Delta as Kind, Diff, DiffDelta, DiffFile, DiffOptions, Oid, Repository};

use super::delta::{Delta, Entry, Place};
use crate::objects;

/// What the index holds that the tree does not.
pub(super) fn staged(repo: &Repository, old: Option<Oid>) -> Result<Vec<Delta>, git2::Error> {
    let tree = old.map(|id| repo.find_tree(id)).transpose()?;
    let diff = repo.diff_tree_to_index(tree.as_ref(), None, Some(&mut DiffOptions::new()))?;
    let mut found = deltas(repo, &diff);
    // A path in conflict has up to three versions in the index and none that would be committed.
    for path in unmerged(repo)? {
        found.retain(|delta| delta.path != path);
        found.push(Delta::at(path, None, Some(Entry::unmerged())));
    }
    Ok(found)
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
    let mut found = deltas(repo, &diff);
    // A path in conflict is what its file holds, marks and all; libgit2 lists it without a side.
    for path in unmerged(repo)? {
        found.retain(|delta| delta.path != path);
        let old = tree.as_ref().and_then(|tree| tree.get_path(path.to_path().ok()?).ok());
        let mode = |entry: &git2::TreeEntry<'_>| u32::try_from(entry.filemode()).unwrap_or(0);
        let old = old.map(|entry| Entry::object(objects::id(entry.id()), mode(&entry)));
        let new = on_disk(repo, path.as_ref(), 0o100_644);
        if old.is_some() || new.is_some() {
            found.push(Delta::at(path, old, new));
        }
    }
    Ok(found)
}

/// The paths in conflict.
fn unmerged(repo: &Repository) -> Result<Vec<BString>, git2::Error> {
    let index = repo.index()?;
    let mut paths = Vec::new();
    for conflict in index.conflicts()? {
        let conflict = conflict?;
        let entry = conflict.our.or(conflict.their).or(conflict.ancestor);
        paths.extend(entry.map(|entry| BString::from(entry.path)));
    }
    paths.dedup();
    Ok(paths)
}

fn deltas(repo: &Repository, diff: &Diff<'_>) -> Vec<Delta> {
    diff.deltas().filter_map(|delta| read(repo, &delta)).collect()
}

fn read(repo: &Repository, delta: &DiffDelta<'_>) -> Option<Delta> {
    let (old, new) = match delta.status() {
        Kind::Added | Kind::Untracked => (false, true),
        Kind::Deleted => (true, false),
        Kind::Modified | Kind::Typechange => (true, true),
        _ => return None,
    };
    let path = delta.new_file().path_bytes().or(delta.old_file().path_bytes())?;
    Some(Delta::at(
        BString::from(path),
        old.then(|| entry(repo, &delta.old_file())).flatten(),
        new.then(|| entry(repo, &delta.new_file())).flatten(),
    ))
}

/// A side of a delta. An object that git has not hashed yet is read from the work tree.
fn entry(repo: &Repository, file: &DiffFile<'_>) -> Option<Entry> {
    let mode = u32::from(file.mode());
    let stored = || repo.odb().is_ok_and(|odb| odb.exists(file.id()));
    if mode == 0o160_000 || (file.is_valid_id() && !file.id().is_zero() && stored()) {
        return Some(Entry::object(objects::id(file.id()), mode));
    }
    on_disk(repo, file.path_bytes()?, mode)
}

/// A file of the work tree, if it is there.
fn on_disk(repo: &Repository, path: &[u8], mode: u32) -> Option<Entry> {
    let path = repo.workdir()?.join(path.to_path().ok()?);
    path.symlink_metadata().ok()?;
    Some(Entry { place: Place::File { path, normalise: normalises(repo) }, mode })
}

/// Whether `core.autocrlf` makes git store LF where the work tree has CRLF.
fn normalises(repo: &Repository) -> bool {
    let value = repo.config().and_then(|config| config.get_string("core.autocrlf"));
    value.is_ok_and(|value| value == "true" || value == "input")
}
