//! Two trees compared folder by folder; equal subtrees are never opened.

use std::cmp::Ordering;
use std::sync::Arc;

use bstr::{BString, ByteSlice};
use gix_hash::ObjectId;
use gix_object::Kind;

use super::delta::{Delta, Entry, GITLINK};
use super::read::ReadError;
use crate::objects::{Object, ObjectError, Reader};

/// Paths longer than this, in bytes, are refused: no system has them, and only a tree made by hand does.
const MAX_PATH: usize = 1 << 14;

/// More differing files and folders than this are refused: a small tree can unfold to any number.
const MAX_FOUND: usize = 300_000;

/// Trees and paths that are larger together than this are refused, in bytes: one large tree can stand in many folders.
const MAX_TREES: usize = 512 << 20;

/// Git's mode of a folder.
const TREE: u32 = 0o040_000;

/// Git's modes of a file, but for who may read it, and of a link; and the bits that tell these apart.
const FILE: u32 = 0o100_000;
const LINK: u32 = 0o120_000;
const KIND: u32 = 0o170_000;

/// A folder that differs: its two trees, of which one may not be there.
struct Folder {
    /// Its path, with a slash at the end.
    path: Vec<u8>,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
}

/// An entry of a tree, as it stands in the tree's bytes.
#[derive(Clone, Copy)]
struct Child<'a> {
    name: &'a [u8],
    id: ObjectId,
    mode: u32,
}

/// The paths that differ between two trees, in the order of the paths; no tree means the empty one.
pub(super) fn compare(
    reader: &Reader,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
) -> Result<Vec<Delta>, ReadError> {
    if old == new {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let mut folders = vec![Folder { path: Vec::new(), old, new }];
    let (mut opened, mut bytes) = (0, 0);
    while let Some(folder) = folders.pop() {
        bytes += open(reader, &folder, &mut found, &mut folders)?;
        opened += 1;
        if bytes > MAX_TREES {
            return Err(ReadError::TreesTooLarge(MAX_TREES >> 20));
        }
        if found.len() + folders.len() + opened > MAX_FOUND {
            return Err(ReadError::TooMany(MAX_FOUND));
        }
    }
    // Git's order within a tree is that of whole paths; only a broken tree has another.
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// Compares the entries of a folder, side by side; the folders that differ in it are left to be opened. Tells how many
/// bytes its trees and the paths of these have.
fn open(
    reader: &Reader,
    folder: &Folder,
    files: &mut Vec<Delta>,
    folders: &mut Vec<Folder>,
) -> Result<usize, ReadError> {
    let (old, new) = (tree(reader, folder.old)?, tree(reader, folder.new)?);
    let mut bytes = old.len() + new.len();
    let length = |id: Option<ObjectId>| id.map_or(20, |id| id.as_slice().len());
    let mut left = children(&old, length(folder.old)).peekable();
    let mut right = children(&new, length(folder.new)).peekable();
    loop {
        let order = match (left.peek(), right.peek()) {
            (None, None) => return Ok(bytes),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(Ok(a)), Some(Ok(b))) => a.order().cmp(&b.order()),
            (Some(Err(_)), _) | (_, Some(Err(_))) => Ordering::Equal,
        };
        let old = if order.is_le() { left.next().transpose()? } else { None };
        let new = if order.is_ge() { right.next().transpose()? } else { None };
        match (old, new) {
            (Some(a), Some(b)) if (a.id, a.mode) == (b.id, b.mode) => {}
            _ => bytes += folder.differs_in(old, new, files, folders)?,
        }
    }
}

impl Folder {
    /// One name that differs, whose path has so many bytes.
    fn differs_in(
        &self,
        old: Option<Child<'_>>,
        new: Option<Child<'_>>,
        files: &mut Vec<Delta>,
        folders: &mut Vec<Folder>,
    ) -> Result<usize, ReadError> {
        let Some(child) = old.or(new) else { return Ok(0) };
        let mut path = [&self.path, child.name].concat();
        let length = path.len();
        if length > MAX_PATH {
            return Err(ReadError::PathTooLong(MAX_PATH));
        }
        if child.is_tree() {
            path.push(b'/');
            let (old, new) = (old.map(|old| old.id), new.map(|new| new.id));
            folders.push(Folder { path, old, new });
        } else {
            let entry = |child: Child<'_>| Entry::object(child.id, child.mode);
            files.push(Delta::at(BString::from(path), old.map(entry), new.map(entry)));
        }
        Ok(length)
    }
}

fn tree(reader: &Reader, id: Option<ObjectId>) -> Result<Arc<Vec<u8>>, ReadError> {
    let Some(id) = id else { return Ok(Arc::default()) };
    let problem = match reader.read(&id)? {
        Some(Object { kind: Kind::Tree, bytes }) => return Ok(bytes),
        Some(Object { kind, .. }) => format!("it is a {kind} and not a tree"),
        None => "the repository has no such object".to_owned(),
    };
    Err(ObjectError::damaged(&id, problem).into())
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
    // git reads no other modes than those that it writes today.
    let mode = match mode.iter().try_fold(0, digit)? {
        mode if mode & KIND == TREE => TREE,
        mode if mode & KIND == FILE => FILE | if mode & 0o100 == 0 { 0o644 } else { 0o755 },
        mode if mode & KIND == LINK => LINK,
        _ => GITLINK,
    };
    Some(Child { name, id: ObjectId::try_from(id).ok()?, mode })
}
