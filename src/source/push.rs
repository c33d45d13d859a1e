//! What a push would bring, from the lines that git gives to a pre-push hook.

use std::collections::{BTreeSet, HashSet};

use git2::{ObjectFormat, Oid, Repository};

use super::Spec;
use super::resolve::empty_tree;

/// Where new commits begin at more commits than this, the rest is not weighed.
const MAX_STARTS: usize = 16;

/// One line: a ref of the remote that is to be moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The ref on the remote.
    pub remote_ref: String,
    /// What it shall hold; nothing for a deletion.
    new: Option<Oid>,
    /// What it holds, as the remote says; nothing where it is new.
    old: Option<Oid>,
}

/// What an update brings to the remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Brings {
    /// Nothing that the remote has not got already: a deletion, a tag on a known commit.
    Nothing,
    /// The commits of this range.
    Range(Spec),
    /// Something that cannot be told, and why.
    Unknown(&'static str),
}

impl Update {
    /// The update that brings what lies between two revisions, to a ref that has no name.
    ///
    /// # Errors
    /// When one of them names no commit.
    pub fn between(repo: &Repository, old: Option<&str>, new: &str) -> Result<Update, git2::Error> {
        let id = |rev: &str| repo.revparse_single(rev)?.peel_to_commit().map(|commit| commit.id());
        let old = old.map(id).transpose()?;
        Ok(Update { remote_ref: new.to_owned(), new: Some(id(new)?), old })
    }
}

/// Reads the lines: local ref, local id, remote ref, remote id. A local ref may be an expression with
/// spaces (`:/fix typo`), so a line is read from its end. What is no such line is passed over.
pub fn updates(lines: &str) -> Vec<Update> {
    lines.lines().filter_map(update).collect()
}

fn update(line: &str) -> Option<Update> {
    let mut fields = line.rsplitn(4, ' ');
    let (old, remote_ref, new) = (fields.next()?, fields.next()?, fields.next()?);
    fields.next()?;
    Some(Update { remote_ref: remote_ref.to_owned(), new: id(new)?, old: id(old)? })
}

/// An id; one of zeros only stands for nothing.
fn id(text: &str) -> Option<Option<Oid>> {
    let format = match text.len() {
        40 => ObjectFormat::Sha1,
        64 => ObjectFormat::Sha256,
        _ => return None,
    };
    let id = Oid::from_str_ext(text, format).ok()?;
    Some((!id.is_zero()).then_some(id))
}

/// What each update brings, in their order. A commit that an earlier one brings is not counted again.
///
/// # Errors
/// When the history cannot be read.
pub fn brings(repo: &Repository, updates: &[Update]) -> Result<Vec<Brings>, git2::Error> {
    // What the remote holds is only of use where it is known here: after a force push of somebody
    // else it is not.
    let known = |id: &Oid| commit(repo, *id).is_some();
    let mut had: Vec<Oid> = updates.iter().filter_map(|update| update.old).filter(known).collect();
    let mut found = Vec::new();
    for update in updates {
        let Some(tip) = update.new.and_then(|new| commit(repo, new)) else {
            // Besides deletions there are tags on trees and blobs, which nobody merges.
            found.push(Brings::Nothing);
            continue;
        };
        found.push(range(repo, tip, &had)?);
        had.push(tip);
    }
    Ok(found)
}

/// The commit of an id, through tags.
fn commit(repo: &Repository, id: Oid) -> Option<Oid> {
    repo.find_object(id, None).ok()?.peel_to_commit().ok().map(|commit| commit.id())
}

/// From where the new commits of a tip begin up to it. New is what neither the remote nor any
/// remote-tracking ref has.
fn range(repo: &Repository, tip: Oid, had: &[Oid]) -> Result<Brings, git2::Error> {
    let mut walk = repo.revwalk()?;
    walk.push(tip)?;
    walk.hide_glob("refs/remotes")?;
    had.iter().try_for_each(|id| walk.hide(*id))?;
    let new: HashSet<Oid> = walk.collect::<Result<_, _>>()?;
    if new.is_empty() {
        return Ok(Brings::Nothing);
    }
    let mut starts = BTreeSet::new();
    for id in &new {
        let commit = repo.find_commit(*id)?;
        if commit.parent_count() == 0 && repo.is_shallow() {
            return Ok(Brings::Unknown(
                "this clone is shallow and does not know where its commits begin; `git fetch --unshallow` mends that",
            ));
        }
        starts.extend(commit.parent_ids().filter(|parent| !new.contains(parent)));
    }
    // Where other branches were merged there are several starts. Each is an ancestor that the remote
    // has, so each shows all that is new; the nearest shows the least beside it.
    let ahead =
        |start: &Oid| repo.graph_ahead_behind(tip, *start).map_or(usize::MAX, |(ahead, _)| ahead);
    let start = starts.into_iter().take(MAX_STARTS).min_by_key(ahead);
    let old = start.map_or_else(|| empty_tree(tip).to_owned(), |start| short(repo, start));
    Ok(Brings::Range(Spec::Ends { old, new: short(repo, tip) }))
}

/// An id as people read it.
fn short(repo: &Repository, id: Oid) -> String {
    let short = repo.find_object(id, None).and_then(|object| object.short_id());
    short.ok().and_then(|short| short.as_str().ok().map(str::to_owned)).unwrap_or(id.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "1111111111111111111111111111111111111111";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    #[test]
    fn lines_are_read_from_their_end() {
        let read = updates(&format!(
            "refs/heads/a {ONE} refs/heads/a {ZERO}\n(delete) {ZERO} refs/heads/b {ONE}\n\
             :/fix a bug {ONE} refs/heads/c {ONE}\nnonsense\n\n"
        ));
        let refs: Vec<&str> = read.iter().map(|update| update.remote_ref.as_str()).collect();
        assert_eq!(refs, ["refs/heads/a", "refs/heads/b", "refs/heads/c"]);
        assert_eq!((read[0].old, read[1].new), (None, None));
        assert_eq!(read[2].new, read[2].old);
    }

    #[test]
    fn ids_of_sha256_are_read_too() {
        let (one, zero) = ("1".repeat(64), "0".repeat(64));
        let read = updates(&format!("refs/heads/a {one} refs/heads/a {zero}\n"));
        assert_eq!((read[0].new.map(|id| id.to_string()), read[0].old), (Some(one), None));
    }
}
