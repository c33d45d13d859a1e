//! A path that differs, before anything of it is read.

use std::path::PathBuf;

use bstr::BString;
use git2::Oid;

/// A path on which the two sides differ, before anything is read.
#[derive(Debug, Clone)]
pub(super) struct Delta {
    pub(super) path: BString,
    pub(super) old_path: Option<BString>,
    pub(super) old: Option<Entry>,
    pub(super) new: Option<Entry>,
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
    Object(Oid),
    /// A file of the work tree.
    File {
        path: PathBuf,
        /// Whether git would turn CRLF into LF on its way into the repository.
        normalise: bool,
    },
    /// Nowhere: the path is in conflict.
    Unmerged,
}

impl Entry {
    /// The side of a path that is in conflict.
    pub(super) fn unmerged() -> Entry {
        Entry { place: Place::Unmerged, mode: 0o100_644 }
    }
}
