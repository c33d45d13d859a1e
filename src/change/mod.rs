//! What changed: files, hunks, lines, the enclosing function, and what is passed over.
//!
//! git stays at the door: whatever the source was (two trees, the index, the work tree, a patch),
//! it arrives here as the same owned values. A hunk holds ranges; its lines are made when asked for.
//!
//! A change can be larger than memory should be, so each file is studied by the caller ([`Study`]) while
//! its text is at hand; then the text is let go unless a later stage will want it, and can be read again
//! ([`Change::recall`]).

mod delta;
mod diff;
mod function;
mod hunk;
mod patch;
mod read;
mod rename;
mod skip;
mod spread;
mod text;
mod trees;
mod window;
mod worktree;

use bstr::BString;

use delta::{Delta, Entry};

use crate::config::Select;
use crate::objects::Objects;
use crate::rules::{Language, Languages};
use crate::source::{Comparison, Sides};

pub use function::{Effort, Function, around as enclosing};
pub use hunk::{Edit, Hunk, HunkId, Line, LineKind};
pub use patch::PatchError;
pub use read::ReadError;
pub use skip::Skip;
pub use text::Text;
pub(crate) use text::without_feed;

/// Everything that changed between two sides, in the order of the paths.
#[derive(Default)]
pub struct Change {
    /// The changed files, skipped ones included.
    pub files: Vec<File>,
    /// For each hunk, in the order of the ids, the index of its file and its own within that.
    places: Vec<(usize, usize)>,
    /// Where texts are read again; nothing for a patch, whose texts are all kept.
    objects: Option<Objects>,
}

/// What is done with each file while its text is at hand, on as many threads as there are cores.
pub trait Study: Sync {
    /// What a thread keeps from one file to the next.
    type Scratch: Default;
    /// What is found in a file.
    type Found: Send + Default;

    /// Looks at one file.
    fn study(&self, file: &File, scratch: &mut Self::Scratch) -> Self::Found;

    /// Whether a later stage will ask for the text of a file in which this was found.
    fn wants_text(found: &Self::Found) -> bool;
}

/// One changed file.
#[derive(Debug, Clone)]
pub struct File {
    /// Path on the new side (of a deleted file: on the old side), as git stores it.
    pub path: BString,
    /// Path on the old side where it differs.
    pub old_path: Option<BString>,
    /// The language that its path tells, if it is a known one.
    pub language: Option<&'static Language>,
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
    /// Bytes that were read of both sides, whatever came of them.
    read_bytes: u64,
    /// Where both texts came from, if they can be read again.
    origin: Option<(Option<Entry>, Option<Entry>)>,
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
        let path = path.into();
        File {
            language: Languages::built_in().of(path.as_ref()),
            path,
            old_path: None,
            status,
            skipped: None,
            old: Text::default(),
            new: Text::default(),
            hunks: Vec::new(),
            diff_bytes: 0,
            read_bytes: 0,
            origin: None,
        }
    }

    /// Whether the text is at hand, or there is none.
    pub fn has_text(&self) -> bool {
        self.origin.is_none() || !(self.old.is_empty() && self.new.is_empty())
    }

    /// Lets the text go, if it can be read again.
    fn forget(&mut self) {
        if self.origin.is_some() {
            (self.old, self.new) = (Text::default(), Text::default());
        }
    }

    /// The lines of a hunk in the order of a unified diff.
    pub fn lines<'a>(&'a self, hunk: &'a Hunk) -> impl Iterator<Item = Line<'a>> {
        hunk.lines(&self.old, &self.new)
    }
}

impl Change {
    /// A change of these files; gives each hunk its id, H1 onwards, in their order.
    fn of(mut files: Vec<File>, objects: Option<Objects>) -> Change {
        let mut places = Vec::new();
        for (in_files, file) in files.iter_mut().enumerate() {
            for (in_hunks, hunk) in file.hunks.iter_mut().enumerate() {
                places.push((in_files, in_hunks));
                hunk.id = HunkId(u32::try_from(places.len()).unwrap_or(u32::MAX));
            }
        }
        Change { files, places, objects }
    }

    /// Makes sure that the texts of the wanted files are at hand, up to `limit` bytes of what is read
    /// again; files behind that stay without.
    ///
    /// # Errors
    /// When an object that was read before cannot be read any more.
    pub fn recall(&mut self, wanted: impl Fn(&File) -> bool, limit: u64) -> Result<(), ReadError> {
        let Some(objects) = &self.objects else { return Ok(()) };
        let reader = objects.reader();
        let mut left = limit;
        for file in self.files.iter_mut().filter(|file| !file.has_text() && wanted(file)) {
            if left == 0 {
                break;
            }
            read::recall(&reader, file)?;
            left = left.saturating_sub((file.old.len() + file.new.len()) as u64);
        }
        Ok(())
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
}

impl std::fmt::Debug for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Change").field("files", &self.files).finish_non_exhaustive()
    }
}

/// Reads what changed between the two sides of a comparison, and has each file studied; what was
/// found comes in the order of the files.
///
/// # Errors
/// When an object or a file of the work tree cannot be read, or a patch is none.
pub fn read<S: Study>(
    comparison: &Comparison<'_>,
    select: &Select,
    study: &S,
) -> Result<(Change, Vec<S::Found>), ReadError> {
    let (deltas, objects) = match &comparison.sides {
        Sides::Trees { objects, old, new } => {
            (trees::compare(&objects.reader(), *old, *new)?, objects.clone())
        }
        Sides::Index { repo, old } => (worktree::staged(repo, *old)?, Objects::of(repo)?),
        Sides::Worktree { repo, old } => {
            (worktree::tracked_and_untracked(repo, *old)?, Objects::of(repo)?)
        }
        Sides::Patch { text } => {
            let files = patch::read(text, select)?;
            let mut scratch = S::Scratch::default();
            let found = files.iter().map(|file| study.study(file, &mut scratch)).collect();
            return Ok((Change::of(files, None), found));
        }
    };
    let objects = objects.expecting(deltas.iter().flat_map(Delta::ids).collect());
    let studied = read::read(&objects, deltas, select, study)?;
    let (files, found) = studied.into_iter().unzip();
    Ok((Change::of(files, Some(objects)), found))
}
