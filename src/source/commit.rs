//! Commits, as far as a comparison asks for them.

use std::collections::{BinaryHeap, HashMap};

use gix_hash::ObjectId;
use gix_object::{CommitRef, Kind, TagRef};

use crate::objects::{Object, ObjectError, Reader};
use crate::visible;

/// Tags on tags are followed so far; with replaced objects they can lead in a circle.
const MAX_TAGS: usize = 100;

/// So many commits are looked at to tell whether two have grown apart; walking a whole history would take
/// longer than the scan.
const MAX_WALK: usize = 48;

/// A commit.
pub(super) struct Commit {
    pub(super) id: ObjectId,
    pub(super) tree: ObjectId,
    pub(super) parents: Vec<ObjectId>,
    /// When it was made, in seconds since 1970.
    seconds: i64,
}

/// What a name leads to, through its tags.
pub(super) enum Target {
    Commit(Commit),
    Tree(ObjectId),
    Blob,
}

/// Reads what an id stands for; `None` where it is not in the repository.
pub(super) fn target(reader: &Reader, id: ObjectId) -> Result<Option<Target>, ObjectError> {
    let mut id = id;
    for _ in 0..MAX_TAGS {
        let Some(Object { kind, bytes }) = reader.read(&id)? else { return Ok(None) };
        match kind {
            Kind::Commit => return parsed(id, &bytes).map(Target::Commit).map(Some),
            Kind::Tree => return Ok(Some(Target::Tree(id))),
            Kind::Blob => return Ok(Some(Target::Blob)),
            Kind::Tag => {
                let tag = TagRef::from_bytes(&bytes, id.kind());
                id = tag.map_err(|error| damaged(id, &error))?.target();
            }
        }
    }
    Err(damaged(id, &"its tags lead in a circle"))
}

/// Reads a commit; `None` where there is none of this id.
pub(super) fn commit(reader: &Reader, id: ObjectId) -> Result<Option<Commit>, ObjectError> {
    match reader.read(&id)? {
        Some(Object { kind: Kind::Commit, bytes }) => parsed(id, &bytes).map(Some),
        _ => Ok(None),
    }
}

fn parsed(id: ObjectId, bytes: &[u8]) -> Result<Commit, ObjectError> {
    let commit = CommitRef::from_bytes(bytes, id.kind()).map_err(|error| damaged(id, &error))?;
    Ok(Commit {
        id,
        tree: commit.tree(),
        parents: commit.parents().collect(),
        // One without a date is the oldest.
        seconds: commit.time().map_or(0, |time| time.seconds),
    })
}

fn damaged(id: ObjectId, problem: &dyn std::fmt::Display) -> ObjectError {
    let problem = visible::line(problem.to_string()).into_string();
    ObjectError::Damaged { what: id.to_string(), problem }
}

/// Whether neither of two commits is reached from the other: walks down from both until all that is left to walk is
/// reached from both, since from there no way leads up to either. Dates only say where to look first.
///
/// `None` where a commit is missing or that takes too many steps, so that nothing false is said.
pub(super) fn have_grown_apart(reader: &Reader, a: &Commit, b: &Commit) -> Option<bool> {
    const BOTH: u8 = 0b11;
    if a.id == b.id {
        return Some(false);
    }
    let mut reached_from = HashMap::from([(a.id, 0b01), (b.id, 0b10)]);
    let open = [a, b].map(|commit| (commit.seconds, commit.id, commit.parents.clone()));
    let mut open = BinaryHeap::from(open);
    for _ in 0..MAX_WALK {
        let Some((_, id, parents)) = open.pop() else { return Some(true) };
        let from = reached_from.get(&id).copied().unwrap_or_default();
        for parent in parents {
            let known = reached_from.entry(parent).or_default();
            if *known | from == *known {
                continue;
            }
            *known |= from;
            if *known == BOTH && [a.id, b.id].contains(&parent) {
                return Some(false);
            }
            let parent = commit(reader, parent).ok()??;
            open.push((parent.seconds, parent.id, parent.parents));
        }
        if open.iter().all(|(_, id, _)| reached_from.get(id) == Some(&BOTH)) {
            return Some(true);
        }
    }
    None
}
