//! Reads the two sides of a path that differs, and makes them a file with its hunks.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bstr::{BStr, ByteSlice};
use thiserror::Error;

use super::delta::{Delta, Entry, GITLINK, Place};
use super::{Edit, File, PatchError, Skip, Status, Study, Text};
use super::{diff, function, rename, skip, spread, window};
use crate::config::Select;
use crate::objects::{Blob, MAX_FILE_BYTES, ObjectError, Objects, Reader};

/// Why a change could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// An object cannot be read.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// A tree's bytes are none.
    #[error("a tree of this range is damaged; `git fsck` names it")]
    BrokenTree,
    /// A tree made by hand.
    #[error("a path of this range is longer than {0} bytes")]
    PathTooLong(usize),
    /// Trees that are larger together than any that a review could read.
    #[error("the folders that differ have more than {0} MiB of entries; name a smaller range")]
    TreesTooLarge(usize),
    /// More files and folders than a review could ever read.
    #[error("more than {0} files and folders differ; name a smaller range")]
    TooMany(usize),
    /// A listing of the repository failed.
    #[error("git could not compare the two sides")]
    Compare(#[from] git2::Error),
    /// A file of the work tree cannot be read.
    #[error("cannot read `{path}`")]
    Worktree {
        /// Path of the file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The patch is none.
    #[error(transparent)]
    Patch(#[from] PatchError),
}

/// What is read of all sides together, in bytes; files behind that are listed as too large.
const MAX_TOTAL: u64 = 512 << 20;

/// Texts that a later stage will want are kept up to so many bytes, and read again beyond.
const KEPT: u64 = 8 << 20;

/// What came of reading a side.
enum Side {
    Text(Arc<Vec<u8>>),
    /// No text, of so many bytes.
    Binary(u64),
    TooLarge,
    /// The object is not here, as in a partial clone.
    Missing,
    /// The path is in conflict.
    Unmerged,
}

impl Side {
    /// How much of it was read, in bytes; what is too large has cost as much as the limit allows.
    fn bytes(&self) -> u64 {
        match self {
            Side::Text(bytes) => bytes.len() as u64,
            Side::Binary(bytes) => *bytes,
            Side::TooLarge => MAX_FILE_BYTES,
            Side::Missing | Side::Unmerged => 0,
        }
    }
}

/// A file, and what the study found in it.
pub(super) type Studied<S> = (File, <S as Study>::Found);

/// Reads every file of the list, in the order of the paths, and has each studied while its text is at
/// hand; renames are paired first.
pub(super) fn read<S: Study>(
    objects: &Objects,
    deltas: Vec<Delta>,
    select: &Select,
    study: &S,
) -> Result<Vec<Studied<S>>, ReadError> {
    let reader = objects.reader();
    let load = |entry: &Entry, path: &BStr| match side(&reader, entry, path) {
        Ok(Side::Text(bytes)) => Some(bytes),
        Ok(Side::Binary(_) | Side::TooLarge | Side::Missing | Side::Unmerged) | Err(_) => None,
    };
    let mut deltas = rename::pair(deltas, load);
    drop(reader);
    deltas.sort_by(|a, b| a.path.cmp(&b.path));
    let (total, kept) = (AtomicU64::new(0), AtomicU64::new(0));
    let state = || (objects.reader(), S::Scratch::default());
    let one = |(reader, scratch): &mut (Reader, S::Scratch), at: usize| {
        let room = total.load(Ordering::Relaxed) < MAX_TOTAL;
        let files = files(reader, &deltas[at], room, select)?;
        total.fetch_add(files.iter().map(|file| file.read_bytes).sum(), Ordering::Relaxed);
        let studied = files.into_iter().map(|mut file| {
            let found = study.study(&file, scratch);
            let size = (file.old.len() + file.new.len()) as u64;
            if !S::wants_text(&found) || kept.fetch_add(size, Ordering::Relaxed) > KEPT {
                file.forget();
            }
            (file, found)
        });
        Ok(studied.collect::<Vec<_>>())
    };
    let studied: Result<Vec<Vec<Studied<S>>>, ReadError> =
        spread::over(deltas.len(), state, one).into_iter().collect();
    let mut files: Vec<Studied<S>> = studied?.into_iter().flatten().collect();
    // What turned out to be no rename stands at two places.
    files.sort_by(|(a, _), (b, _)| a.path.cmp(&b.path));
    cut_off::<S>(&mut files);
    Ok(files)
}

/// Reads the texts of a file again that were let go.
pub(super) fn recall(reader: &Reader, file: &mut File) -> Result<(), ReadError> {
    if let Some((old, new)) = &file.origin {
        let old_path = file.old_path.as_ref().unwrap_or(&file.path);
        let old = text_side(reader, old, old_path.as_ref())?;
        let new = text_side(reader, new, file.path.as_ref())?;
        if let (Side::Text(old), Side::Text(new)) = (old, new) {
            (file.old, file.new) = (Text::shared(old), Text::shared(new));
        }
    }
    Ok(())
}

/// Lists the files behind [`MAX_TOTAL`] as too large: those for which there was no room left, and those
/// that were read in the meantime, so that it is the same ones whatever the number of threads.
fn cut_off<S: Study>(files: &mut [Studied<S>]) {
    let mut total = 0u64;
    for (file, found) in files {
        if total >= MAX_TOTAL {
            let (path, old_path) = (std::mem::take(&mut file.path), file.old_path.take());
            *file =
                File { old_path, skipped: Some(Skip::TooLarge), ..File::named(path, file.status) };
            *found = S::Found::default();
        }
        total += file.read_bytes;
    }
}

/// The file of a difference; two where it was taken for a rename and is none.
fn files(
    reader: &Reader,
    delta: &Delta,
    room: bool,
    select: &Select,
) -> Result<Vec<File>, ReadError> {
    let mut file = File::named(delta.path.clone(), status(delta));
    file.old_path = delta.old_path.clone();
    if file.status == Status::Submodule {
        return Ok(vec![file]);
    }
    if !room {
        file.skipped = Some(Skip::TooLarge);
        return Ok(vec![file]);
    }
    if delta.is_same_object() {
        file.skipped = skip::of(&file, select);
        return Ok(vec![file]);
    }
    let old_path = delta.old_path.as_ref().unwrap_or(&delta.path);
    let old = text_side(reader, &delta.old, old_path.as_ref())?;
    let new = text_side(reader, &delta.new, delta.path.as_ref())?;
    file.read_bytes = old.bytes() + new.bytes();
    match (old, new) {
        (Side::Text(old), Side::Text(new)) => {
            (file.old, file.new) = (Text::shared(old), Text::shared(new));
        }
        (_, Side::Unmerged) | (Side::Unmerged, _) => {
            file.status = Status::Modified;
            file.skipped = Some(Skip::Unmerged);
        }
        (Side::Missing, _) | (_, Side::Missing) => file.skipped = Some(Skip::Missing),
        (Side::TooLarge, _) | (_, Side::TooLarge) => file.skipped = Some(Skip::TooLarge),
        (Side::Binary(_), _) | (_, Side::Binary(_)) => {
            file.status = Status::Binary;
            file.skipped = Some(Skip::Binary);
        }
    }
    if file.skipped.is_some() {
        return Ok(vec![file]);
    }
    let edits = diff::edits(&file.old, &file.new);
    if delta.unproven && !is_rename(&file, &edits) {
        let old = Delta::at(old_path.clone(), delta.old.clone(), None);
        let new = Delta::at(delta.path.clone(), None, delta.new.clone());
        let mut both = files(reader, &old, room, select)?;
        both.extend(files(reader, &new, room, select)?);
        return Ok(both);
    }
    file.origin = Some((delta.old.clone(), delta.new.clone()));
    finish(&mut file, edits, select);
    Ok(vec![file])
}

fn is_rename(file: &File, edits: &[Edit]) -> bool {
    let added = edits.iter().filter_map(|edit| file.new.block(edit.new.clone()));
    let added = added.map(|block| block.len() as u64).sum();
    rename::is_proven(file.old.len(), file.new.len(), added)
}

/// Gives a file with both texts its hunks, unless it is passed over.
fn finish(file: &mut File, edits: Vec<Edit>, select: &Select) {
    let hunks = diff::hunks(edits, &file.old, &file.new, select.context_lines);
    file.diff_bytes = hunks.iter().map(|hunk| hunk.bytes).sum();
    file.skipped = skip::of(file, select);
    file.hunks = window::cut(hunks, &file.old, &file.new, select.context_lines);
    name_functions(file);
}

/// Gives each hunk the name of the function around its first changed line.
fn name_functions(file: &mut File) {
    let Some(language) = file.language else { return };
    let mut effort = function::Effort::default();
    for hunk in &mut file.hunks {
        hunk.function = function::of_hunk(&file.old, &file.new, hunk, language, &mut effort);
    }
}

fn status(delta: &Delta) -> Status {
    let mode = |entry: &Option<Entry>| entry.as_ref().map(|entry| entry.mode);
    match (mode(&delta.old), mode(&delta.new)) {
        (Some(GITLINK), Some(GITLINK) | None) | (None, Some(GITLINK)) => Status::Submodule,
        (None, _) => Status::Added,
        (_, None) => Status::Deleted,
        _ if delta.old_path.is_some() => Status::Renamed,
        (Some(old), Some(new)) if old != new && delta.is_same_object() => Status::Mode,
        _ => Status::Modified,
    }
}

/// A side; nothing where the path is not there or is a submodule's commit.
fn text_side(reader: &Reader, entry: &Option<Entry>, path: &BStr) -> Result<Side, ReadError> {
    match entry {
        Some(entry) if entry.mode != GITLINK => side(reader, entry, path),
        _ => Ok(Side::Text(Arc::default())),
    }
}

fn side(reader: &Reader, entry: &Entry, path: &BStr) -> Result<Side, ReadError> {
    let bytes = match &entry.place {
        Place::Unmerged => return Ok(Side::Unmerged),
        Place::Object(id) => match reader.blob(id)? {
            Blob::Bytes(bytes) => bytes,
            Blob::TooLarge => return Ok(Side::TooLarge),
            Blob::Missing => return Ok(Side::Missing),
        },
        Place::File { path: file, normalise } => match on_disk(file, *normalise, path)? {
            Some(bytes) => Arc::new(bytes),
            None => return Ok(Side::TooLarge),
        },
    };
    let binary = skip::is_binary(&bytes);
    Ok(if binary { Side::Binary(bytes.len() as u64) } else { Side::Text(bytes) })
}

/// A work tree file's bytes as git would store them; a symbolic link is its target, never followed.
fn on_disk(file: &Path, normalise: bool, path: &BStr) -> Result<Option<Vec<u8>>, ReadError> {
    let failed =
        |source| ReadError::Worktree { path: crate::visible::line(path).into_string(), source };
    let about = fs::symlink_metadata(file).map_err(failed)?;
    if about.is_symlink() {
        let target = fs::read_link(file).map_err(failed)?;
        return Ok(Some(<[u8]>::from_path(&target).unwrap_or_default().to_vec()));
    }
    if !about.is_file() || about.len() > MAX_FILE_BYTES {
        return Ok(None);
    }
    let bytes = fs::read(file).map_err(failed)?;
    Ok(Some(if normalise { bytes.replace("\r\n", "\n") } else { bytes }))
}
