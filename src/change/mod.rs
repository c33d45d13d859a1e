//! What changed: files, hunks, lines, the enclosing function, and what is passed over.
//!
//! git stays at the door: whatever the source was (two trees, the index, the work tree, a patch),
//! it arrives here as the same owned values. A hunk holds ranges; its lines are made when asked for.

mod delta;
mod diff;
mod function;
mod hunk;
mod patch;
mod read;
mod rename;
mod skip;
mod text;
mod trees;
mod window;
mod worktree;

use bstr::BString;

use crate::config::Select;
use crate::rules::Languages;
use crate::source::{Comparison, Sides};

pub use function::{Effort, Function, around as enclosing};
pub use hunk::{Edit, Hunk, HunkId, Line, LineKind};
pub use patch::PatchError;
pub use read::ReadError;
pub use skip::Skip;
pub use text::Text;

/// Files larger than this, in bytes, are listed as too large and not read.
/// Hand-written sources stay far below; what is above is generated or data.
pub const MAX_FILE_BYTES: u64 = 4 << 20;

/// Everything that changed between two sides, in the order of the paths.
#[derive(Debug, Clone, Default)]
pub struct Change {
    /// The changed files, skipped ones included.
    pub files: Vec<File>,
    /// For each hunk, in the order of the ids, the index of its file and its own within that.
    places: Vec<(usize, usize)>,
}

/// One changed file.
#[derive(Debug, Clone)]
pub struct File {
    /// Path on the new side (of a deleted file: on the old side), as git stores it.
    pub path: BString,
    /// Path on the old side where it differs.
    pub old_path: Option<BString>,
    /// What happened to the file.
    pub status: Status,
    /// Why the file is not looked at, if it is not.
    pub skipped: Option<Skip>,
    /// The old side, as far as it is known and was read.
    pub old: Text,
    /// The new side, as far as it is known and was read.
    pub new: Text,
    /// The hunks, in order; none where there is no text to compare. Of a file that is skipped they are
    /// read by explicit rules only.
    pub hunks: Vec<Hunk>,
    /// Size in bytes of this file's unified diff: its lines with their sign and line feed.
    pub diff_bytes: u64,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Only the new side exists.
    Added,
    /// Both sides exist and the text differs.
    Modified,
    /// Only the old side exists.
    Deleted,
    /// The path differs; the text may differ too.
    Renamed,
    /// One side is no text.
    Binary,
    /// A submodule's commit changed.
    Submodule,
    /// Only the mode changed (executable, symbolic link).
    Mode,
}

impl File {
    /// A file of which nothing but its name and fate is known yet.
    pub fn named(path: impl Into<BString>, status: Status) -> Self {
        File {
            path: path.into(),
            old_path: None,
            status,
            skipped: None,
            old: Text::default(),
            new: Text::default(),
            hunks: Vec::new(),
            diff_bytes: 0,
        }
    }

    /// The lines of a hunk in the order of a unified diff.
    pub fn lines<'a>(&'a self, hunk: &'a Hunk) -> impl Iterator<Item = Line<'a>> {
        hunk.lines(&self.old, &self.new)
    }
}

impl Change {
    /// A change of these files; gives each hunk its id, H1 onwards, in their order.
    fn of(mut files: Vec<File>) -> Change {
        let mut places = Vec::new();
        for (in_files, file) in files.iter_mut().enumerate() {
            for (in_hunks, hunk) in file.hunks.iter_mut().enumerate() {
                places.push((in_files, in_hunks));
                hunk.id = HunkId(u32::try_from(places.len()).unwrap_or(u32::MAX));
            }
        }
        Change { files, places }
    }

    /// The file and the hunk of an id.
    pub fn hunk(&self, id: HunkId) -> Option<(&File, &Hunk)> {
        let (in_files, in_hunks) = *self.places.get((id.0 as usize).checked_sub(1)?)?;
        let file = &self.files[in_files];
        Some((file, &file.hunks[in_hunks]))
    }

    /// All hunks with their files, in order.
    pub fn hunks(&self) -> impl Iterator<Item = (&File, &Hunk)> {
        self.files.iter().flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)))
    }

    /// Bytes that a hunk takes in a unified diff: its lines with their sign and line feed.
    pub fn hunk_bytes(&self, id: HunkId) -> u64 {
        self.hunk(id).map_or(0, |(file, hunk)| diff::bytes(hunk, &file.old, &file.new))
    }
}

/// Reads what changed between the two sides of a comparison.
///
/// # Errors
/// When an object or a file of the work tree cannot be read, or a patch is none.
pub fn read(
    comparison: &Comparison<'_>,
    select: &Select,
    languages: &Languages,
) -> Result<Change, ReadError> {
    let files = match &comparison.sides {
        Sides::Trees { repo, old, new } => {
            let deltas = trees::compare(repo, *old, *new)?;
            read::read(repo, deltas, select, languages)?
        }
        Sides::Index { repo, old } => {
            let deltas = worktree::staged(repo, *old)?;
            read::read(repo, deltas, select, languages)?
        }
        Sides::Worktree { repo, old } => {
            let deltas = worktree::tracked_and_untracked(repo, *old)?;
            read::read(repo, deltas, select, languages)?
        }
        Sides::Patch { text } => patch::read(text, select, languages)?,
    };
    Ok(Change::of(files))
}
