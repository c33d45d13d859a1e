//! A path that differs, before anything of it is read.

use std::path::PathBuf;

use bstr::BString;
use gix_hash::ObjectId;

/// A path on which the two sides differ, before anything is read.
#[derive(Debug, Clone)]
pub(super) struct Delta {
    pub(super) path: BString,
    pub(super) old_path: Option<BString>,
    pub(super) old: Option<Entry>,
    pub(super) new: Option<Entry>,
    /// Whether it is a rename by its paths alone, and becomes two files where the texts differ too much.
    pub(super) unproven: bool,
}

/// One side of a path.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) place: Place,
    /// Git's file mode, for example `0o100644`.
    pub(super) mode: u32,
}

/// Where the bytes of a side are.
#[derive(Debug, Clone)]
pub(super) enum Place {
    /// An object of the repository.
    Object(ObjectId),
    /// A file of the work tree.
    File {
        path: PathBuf,
        /// Whether git would turn CRLF into LF on its way into the repository.
        normalise: bool,
    },
    /// Nowhere: the path is in conflict.
    Unmerged,
}

/// Git's mode of a submodule's commit.
pub(super) const GITLINK: u32 = 0o160_000;

impl Delta {
    /// A difference on one path.
    pub(super) fn at(path: BString, old: Option<Entry>, new: Option<Entry>) -> Delta {
        Delta { path, old_path: None, old, new, unproven: false }
    }

    /// Whether both sides are the same object, so that nothing but the name or the mode has changed.
    pub(super) fn is_same_object(&self) -> bool {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => old.id().is_some() && old.id() == new.id(),
            _ => false,
        }
    }

    /// The objects that will be read of it.
    pub(super) fn ids(&self) -> impl Iterator<Item = ObjectId> {
        let read = !self.is_same_object();
        let sides = [&self.old, &self.new].into_iter().flatten();
        sides.filter(move |side| read && side.mode != GITLINK).filter_map(Entry::id)
    }
}

impl Entry {
    /// A side that is an object.
    pub(super) fn object(id: ObjectId, mode: u32) -> Entry {
        Entry { place: Place::Object(id), mode }
    }

    fn id(&self) -> Option<ObjectId> {
        match self.place {
            Place::Object(id) => Some(id),
            Place::File { .. } | Place::Unmerged => None,
        }
    }

    /// The side of a path that is in conflict.
    pub(super) fn unmerged() -> Entry {
        Entry { place: Place::Unmerged, mode: 0o100_644 }
    }

    /// Whether it is a file, executable or not: no link and no submodule.
    pub(super) fn is_file(&self) -> bool {
        self.mode & 0o170_000 == 0o100_000
    }
}
