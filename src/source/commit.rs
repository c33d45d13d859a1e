//! Commits, as far as a comparison asks for them.

use std::collections::{BinaryHeap, HashMap};

use gix_hash::ObjectId;
use gix_object::commit::ref_iter::Token;
use gix_object::{CommitRefIter, Kind, TagRefIter};

use crate::objects::{Object, ObjectError, Reader};

/// Tags on tags are followed so far: with replaced objects they can lead in a circle.
const MAX_TAGS: usize = 100;

/// So many commits are read to tell whether two have grown apart; walking a whole history would take longer than the
/// scan.
const MAX_WALK: usize = 64;

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
                let tag = TagRefIter::from_bytes(&bytes, id.kind());
                id = tag.target_id().map_err(|error| ObjectError::damaged(&id, error))?;
            }
        }
    }
    Err(ObjectError::damaged(&id, "too many tags stand on each other, or they lead in a circle"))
}

/// Reads a commit; `None` where there is none of this id.
pub(super) fn commit(reader: &Reader, id: ObjectId) -> Result<Option<Commit>, ObjectError> {
    match reader.read(&id)? {
        Some(Object { kind: Kind::Commit, bytes }) => parsed(id, &bytes).map(Some),
        _ => Ok(None),
    }
}

fn parsed(id: ObjectId, bytes: &[u8]) -> Result<Commit, ObjectError> {
    let mut fields = CommitRefIter::from_bytes(bytes, id.kind());
    let tree = fields.tree_id().map_err(|error| ObjectError::damaged(&id, error))?;
    let mut commit = Commit { id, tree, parents: Vec::new(), seconds: 0 };
    let mut is_behind_parents = false;
    for field in fields {
        match field {
            Ok(Token::Parent { id }) => commit.parents.push(id),
            Ok(Token::Committer { signature }) => {
                commit.seconds = signature.seconds();
                break;
            }
            Ok(_) => is_behind_parents = true,
            Err(error) if !is_behind_parents => return Err(ObjectError::damaged(&id, error)),
            // One without a date is the oldest.
            Err(_) => break,
        }
    }
    Ok(commit)
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
    let mut read = 0;
    while let Some((_, id, parents)) = open.pop() {
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
            if read == MAX_WALK {
                return None;
            }
            read += 1;
            let parent = commit(reader, parent).ok()??;
            open.push((parent.seconds, parent.id, parent.parents));
        }
        if open.iter().all(|(_, id, _)| reached_from.get(id) == Some(&BOTH)) {
            return Some(true);
        }
    }
    Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";
    const OTHER: &str = "1111111111111111111111111111111111111111";

    fn id(hex: &str) -> ObjectId {
        ObjectId::from_hex(hex.as_bytes()).unwrap()
    }

    fn read(text: &str) -> Result<Commit, ObjectError> {
        parsed(id(OTHER), text.as_bytes())
    }

    #[test]
    fn a_commit_is_its_tree_its_parents_and_its_date() {
        let people =
            |date: &str| format!("author A <a@b> 1 +0000\ncommitter B <b@c> {date}\n\nOne\n");
        let parents = format!("parent {OTHER}\nparent {TREE}\n");
        let commit =
            read(&format!("tree {TREE}\n{parents}{}", people("1700000000 -0130"))).unwrap();
        assert_eq!((commit.tree, commit.parents), (id(TREE), vec![id(OTHER), id(TREE)]));
        assert_eq!(commit.seconds, 1_700_000_000);
        let first = read(&format!("tree {TREE}\n{}", people("long ago"))).unwrap();
        assert_eq!((first.parents, first.seconds), (Vec::new(), 0));
    }

    #[test]
    fn what_has_no_tree_or_no_such_parents_is_damaged() {
        let bad_parent = format!("tree {TREE}\nparent 1111\nauthor A <a@b> 1 +0000\n");
        for text in ["", "tree", "parent 1\n", "tree 1111\n", &bad_parent] {
            assert!(matches!(read(text), Err(ObjectError::Damaged { .. })), "{text:?}");
        }
    }
}
