//! Two trees compared by walking both at once; equal subtrees are never opened.

use std::cmp::Ordering;
use std::sync::Arc;

use bstr::{BString, ByteSlice};
use gix_hash::ObjectId;
use gix_object::Kind;

use super::delta::{Delta, Entry};
use super::read::ReadError;
use crate::objects::{Object, ObjectError, Reader};

/// Folders nested deeper than this are refused: only a tree made by hand is, to exhaust the stack.
const MAX_DEPTH: usize = 1_000;

/// More differing files than this are refused: a small tree can unfold to any number.
const MAX_FILES: usize = 300_000;

/// Git's mode of a folder.
const TREE: u32 = 0o040_000;

/// The paths that differ between two trees, in the order of the paths; no tree means the empty one.
pub(super) fn compare(
    objects: &Reader,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
) -> Result<Vec<Delta>, ReadError> {
    if old == new {
        return Ok(Vec::new());
    }
    let mut walk = Walk { objects, found: Vec::new(), path: Vec::new(), depth: 0 };
    walk.pair(old, new)?;
    // Git's order within a tree is that of whole paths; only a broken tree has another.
    walk.found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(walk.found)
}

struct Walk<'a> {
    objects: &'a Reader,
    found: Vec<Delta>,
    /// The folder that is walked, with its slash.
    path: Vec<u8>,
    depth: usize,
}

/// An entry of a tree, as it stands in the tree's bytes.
#[derive(Clone, Copy)]
struct Child<'a> {
    name: &'a [u8],
    id: ObjectId,
    mode: u32,
}

impl Walk<'_> {
    fn pair(&mut self, old: Option<ObjectId>, new: Option<ObjectId>) -> Result<(), ReadError> {
        let (left, right) = (self.tree(old)?, self.tree(new)?);
        let length = |id: Option<ObjectId>| id.map_or(20, |id| id.as_slice().len());
        self.both(children(&left, length(old)), children(&right, length(new)))
    }

    /// The entries of two trees, side by side.
    fn both<'a>(
        &mut self,
        left: impl Iterator<Item = Result<Child<'a>, ReadError>>,
        right: impl Iterator<Item = Result<Child<'a>, ReadError>>,
    ) -> Result<(), ReadError> {
        let (mut left, mut right) = (left.peekable(), right.peekable());
        loop {
            let order = match (left.peek(), right.peek()) {
                (None, None) => return Ok(()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(Ok(a)), Some(Ok(b))) => a.order().cmp(&b.order()),
                (Some(Err(_)), _) | (_, Some(Err(_))) => Ordering::Equal,
            };
            let a = if order.is_le() { left.next().transpose()? } else { None };
            let b = if order.is_ge() { right.next().transpose()? } else { None };
            self.children(a, b)?;
        }
    }

    /// One name: equal entries are left alone, trees are walked, anything else is a difference.
    fn children(
        &mut self,
        old: Option<Child<'_>>,
        new: Option<Child<'_>>,
    ) -> Result<(), ReadError> {
        if let (Some(a), Some(b)) = (&old, &new)
            && (a.id, a.mode) == (b.id, b.mode)
        {
            return Ok(());
        }
        let Some(child) = old.or(new) else { return Ok(()) };
        let folder = self.path.len();
        self.path.extend_from_slice(child.name);
        if child.is_tree() {
            if self.depth == MAX_DEPTH {
                return Err(ReadError::TooDeep(MAX_DEPTH));
            }
            self.path.push(b'/');
            self.depth += 1;
            self.pair(old.map(|old| old.id), new.map(|new| new.id))?;
            self.depth -= 1;
        } else {
            let entry = |child: Child<'_>| Entry::object(child.id, child.mode);
            let path = BString::from(self.path.as_slice());
            self.found.push(Delta::at(path, old.map(entry), new.map(entry)));
            if self.found.len() > MAX_FILES {
                return Err(ReadError::TooMany(MAX_FILES));
            }
        }
        self.path.truncate(folder);
        Ok(())
    }

    fn tree(&self, id: Option<ObjectId>) -> Result<Arc<Vec<u8>>, ReadError> {
        let Some(id) = id else { return Ok(Arc::default()) };
        let problem = match self.objects.read(&id)? {
            Some(Object { kind: Kind::Tree, bytes }) => return Ok(bytes),
            Some(Object { kind, .. }) => format!("it is a {kind} and not a tree"),
            None => "the repository has no such object".to_owned(),
        };
        Err(ObjectError::Damaged { what: id.to_string(), problem }.into())
    }
}

impl<'a> Child<'a> {
    fn is_tree(&self) -> bool {
        self.mode == TREE
    }

    /// What git sorts entries by: the name, of a folder with its slash. A file and a folder of one
    /// name are thus two entries, one gone and one come.
    fn order(&self) -> Name<'a> {
        Name(self.name, if self.is_tree() { &b"/"[..] } else { b"" })
    }
}

/// A name in two parts, ordered as if it were one.
#[derive(PartialEq, Eq)]
struct Name<'a>(&'a [u8], &'a [u8]);

impl Ord for Name<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let both = self.0.len().min(other.0.len());
        let rest = |name: &Self| name.0[both..].iter().chain(name.1);
        self.0[..both].cmp(&other.0[..both]).then_with(|| rest(self).cmp(rest(other)))
    }
}

impl PartialOrd for Name<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The entries of a tree, whose ids have so many bytes.
fn children(tree: &[u8], length: usize) -> impl Iterator<Item = Result<Child<'_>, ReadError>> {
    let mut rest = tree;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let child = child(&mut rest, length);
        if child.is_none() {
            rest = &[];
        }
        Some(child.ok_or(ReadError::BrokenTree))
    })
}

/// `MODE NAME\0ID`, the mode in octal digits.
fn child<'a>(rest: &mut &'a [u8], length: usize) -> Option<Child<'a>> {
    let cut = |text: &'a [u8], byte| text.find_byte(byte).map(|at| (&text[..at], &text[at + 1..]));
    let (mode, after) = cut(rest, b' ')?;
    let (name, after) = cut(after, 0)?;
    let (id, after) = after.split_at_checked(length)?;
    *rest = after;
    let digit = |mode: u32, byte: &u8| match byte {
        b'0'..=b'7' if mode < 1 << 24 => Some(mode * 8 + u32::from(byte - b'0')),
        _ => None,
    };
    let mode = mode.iter().try_fold(0, digit)?;
    Some(Child { name, id: ObjectId::try_from(id).ok()?, mode })
}
