//! Two trees compared by walking both at once; equal subtrees are never opened.

use bstr::{BString, ByteSlice};
use git2::{ObjectType, Oid, Repository, Tree};

use super::delta::{Delta, Entry, Place};

/// The paths that differ between two trees, in the order of the paths; no tree means the empty one.
pub(super) fn compare(
    repo: &Repository,
    old: Option<Oid>,
    new: Option<Oid>,
) -> Result<Vec<Delta>, git2::Error> {
    let open = |id: Option<Oid>| id.map(|id| repo.find_tree(id)).transpose();
    let mut walk = Walk { repo, found: Vec::new(), depth: 0 };
    walk.pair(open(old)?.as_ref(), open(new)?.as_ref(), &mut Vec::new())?;
    walk.found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.found)
}

/// Folders nested deeper than this are refused: only a tree made by hand is, to exhaust the stack.
const MAX_DEPTH: usize = 1_000;

/// More differing files than this are refused: a small tree can unfold to any number.
const MAX_FILES: usize = 300_000;

struct Walk<'repo> {
    repo: &'repo Repository,
    found: Vec<Delta>,
    depth: usize,
}

/// An entry of a tree as the walk needs it, free of the tree's lifetime.
struct Child {
    name: BString,
    id: Oid,
    mode: u32,
    is_tree: bool,
}

impl Walk<'_> {
    fn pair(
        &mut self,
        old: Option<&Tree<'_>>,
        new: Option<&Tree<'_>>,
        prefix: &mut Vec<u8>,
    ) -> Result<(), git2::Error> {
        let (mut left, mut right) = (children(old), children(new));
        left.sort_by(|a, b| a.name.cmp(&b.name));
        right.sort_by(|a, b| a.name.cmp(&b.name));
        let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => std::cmp::Ordering::Less,
                (None, Some(_)) => std::cmp::Ordering::Greater,
                (Some(a), Some(b)) => a.name.cmp(&b.name),
            };
            let a = if order.is_le() { left.next() } else { None };
            let b = if order.is_ge() { right.next() } else { None };
            self.children(a, b, prefix)?;
        }
    }

    /// One name: equal entries are left alone, trees are walked, anything else is a difference.
    fn children(
        &mut self,
        old: Option<Child>,
        new: Option<Child>,
        prefix: &mut Vec<u8>,
    ) -> Result<(), git2::Error> {
        if let (Some(a), Some(b)) = (&old, &new)
            && (a.id, a.mode) == (b.id, b.mode)
        {
            return Ok(());
        }
        let Some(name) = old.as_ref().or(new.as_ref()).map(|child| child.name.clone()) else {
            return Ok(());
        };
        let depth = prefix.len();
        prefix.extend_from_slice(&name);
        let (old_tree, old_file) = split(old);
        let (new_tree, new_file) = split(new);
        if old_file.is_some() || new_file.is_some() {
            let path = BString::from(prefix.clone());
            self.found.push(Delta { path, old_path: None, old: old_file, new: new_file });
            if self.found.len() > MAX_FILES {
                return Err(git2::Error::from_str(
                    "more than 300000 files differ; name a smaller range",
                ));
            }
        }
        if old_tree.is_some() || new_tree.is_some() {
            if self.depth == MAX_DEPTH {
                return Err(git2::Error::from_str("folders are nested deeper than 1000 levels"));
            }
            prefix.push(b'/');
            self.depth += 1;
            let open = |child: Option<Child>| child.map(|c| self.repo.find_tree(c.id)).transpose();
            let (old, new) = (open(old_tree)?, open(new_tree)?);
            self.pair(old.as_ref(), new.as_ref(), prefix)?;
            self.depth -= 1;
        }
        prefix.truncate(depth);
        Ok(())
    }
}

fn split(child: Option<Child>) -> (Option<Child>, Option<Entry>) {
    match child {
        Some(child) if child.is_tree => (Some(child), None),
        Some(child) => (None, Some(Entry { place: Place::Object(child.id), mode: child.mode })),
        None => (None, None),
    }
}

fn children(tree: Option<&Tree<'_>>) -> Vec<Child> {
    let Some(tree) = tree else { return Vec::new() };
    tree.iter()
        .map(|entry| Child {
            name: entry.name_bytes().as_bstr().to_owned(),
            id: entry.id(),
            // Git's modes are small positive numbers; libgit2 hands them out signed.
            mode: u32::try_from(entry.filemode()).unwrap_or(0),
            is_tree: entry.kind() == Some(ObjectType::Tree),
        })
        .collect()
}
