//! Reads the two sides of a path that differs, and makes them a file with its hunks.

use std::fs;
use std::io;
use std::path::Path;

use bstr::{BStr, ByteSlice};
use git2::{ObjectType, Oid, Repository};
use thiserror::Error;

use super::delta::{Delta, Entry, Place};
use super::{File, MAX_FILE_BYTES, PatchError, Skip, Status, Text};
use super::{diff, function, rename, skip, window};
use crate::config::Select;
use crate::rules::Languages;

/// Why a change could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// An object is missing or damaged.
    #[error("git could not read `{what}`")]
    Object {
        /// The path or object in question.
        what: String,
        /// What libgit2 says.
        source: git2::Error,
    },
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

/// Git's mode of a submodule's commit.
const GITLINK: u32 = 0o160_000;

/// What all sides together may take in memory, in bytes; files behind that are listed as too large.
const MAX_TOTAL: u64 = 512 << 20;

/// What a line takes beside its bytes.
const PER_LINE: u64 = 16;

/// What came of reading a side.
enum Side {
    Text(Vec<u8>),
    Binary,
    TooLarge,
    /// The object is not here, as in a partial clone.
    Missing,
    /// The path is in conflict.
    Unmerged,
}

/// Reads every file of the list; renames are paired first.
pub(super) fn read(
    repo: &Repository,
    deltas: Vec<Delta>,
    select: &Select,
    languages: &Languages,
) -> Result<Vec<File>, ReadError> {
    let load = |entry: &Entry, path: &BStr| match side(repo, entry, path) {
        Ok(Side::Text(bytes)) => Some(bytes),
        Ok(Side::Binary | Side::TooLarge | Side::Missing | Side::Unmerged) | Err(_) => None,
    };
    let mut deltas = rename::pair(deltas, load);
    deltas.sort_by(|a, b| a.path.cmp(&b.path));
    let mut left = MAX_TOTAL;
    let mut files = Vec::with_capacity(deltas.len());
    for delta in &deltas {
        let file = file(repo, delta, select, languages, left)?;
        let lines = u64::from(file.old.last_line()) + u64::from(file.new.last_line());
        left = left.saturating_sub((file.old.len() + file.new.len()) as u64 + PER_LINE * lines);
        files.push(file);
    }
    Ok(files)
}

fn file(
    repo: &Repository,
    delta: &Delta,
    select: &Select,
    languages: &Languages,
    left: u64,
) -> Result<File, ReadError> {
    let mut file = File::named(delta.path.clone(), status(delta));
    file.old_path = delta.old_path.clone();
    if file.status == Status::Submodule {
        return Ok(file);
    }
    if left == 0 {
        file.skipped = Some(Skip::TooLarge);
        return Ok(file);
    }
    let read = |entry: &Option<Entry>, path: &BStr| match entry {
        Some(entry) if entry.mode != GITLINK => side(repo, entry, path),
        _ => Ok(Side::Text(Vec::new())),
    };
    let old_path = delta.old_path.as_ref().unwrap_or(&delta.path);
    match (read(&delta.old, old_path.as_ref())?, read(&delta.new, delta.path.as_ref())?) {
        (Side::Text(old), Side::Text(new)) => {
            file.old = Text::whole(old);
            file.new = Text::whole(new);
        }
        (_, Side::Unmerged) | (Side::Unmerged, _) => {
            file.status = Status::Modified;
            file.skipped = Some(Skip::Unmerged);
        }
        (Side::Missing, _) | (_, Side::Missing) => file.skipped = Some(Skip::Missing),
        (Side::TooLarge, _) | (_, Side::TooLarge) => file.skipped = Some(Skip::TooLarge),
        (Side::Binary, _) | (_, Side::Binary) => {
            file.status = Status::Binary;
            file.skipped = Some(Skip::Binary);
        }
    }
    if file.skipped.is_none() {
        let edits = diff::edits(&file.old, &file.new);
        finish(&mut file, edits, select, languages);
    }
    Ok(file)
}

/// Gives a file with both texts its hunks, unless it is passed over.
fn finish(file: &mut File, edits: Vec<super::Edit>, select: &Select, languages: &Languages) {
    let hunks = diff::hunks(edits, &file.old, &file.new, select.context_lines);
    file.diff_bytes = hunks.iter().map(|hunk| diff::bytes(hunk, &file.old, &file.new)).sum();
    file.skipped = skip::of(file, select);
    file.hunks = window::cut(hunks, &file.old, &file.new, select.context_lines);
    name_functions(file, languages);
}

/// Gives each hunk the name of the function around its first changed line.
fn name_functions(file: &mut File, languages: &Languages) {
    let Some(language) = languages.of(file.path.as_ref()) else {
        return;
    };
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
        (Some(old), Some(new)) if old != new && same_object(delta) => Status::Mode,
        _ => Status::Modified,
    }
}

fn same_object(delta: &Delta) -> bool {
    match (&delta.old, &delta.new) {
        (
            Some(Entry { place: Place::Object(a), .. }),
            Some(Entry { place: Place::Object(b), .. }),
        ) => a == b,
        _ => false,
    }
}

fn side(repo: &Repository, entry: &Entry, path: &BStr) -> Result<Side, ReadError> {
    let bytes = match &entry.place {
        Place::Unmerged => return Ok(Side::Unmerged),
        Place::Object(id) if !repo.odb()?.exists(*id) => return Ok(Side::Missing),
        Place::Object(id) => object(repo, *id, path)?,
        Place::File { path: file, normalise } => on_disk(file, *normalise, path)?,
    };
    Ok(match bytes {
        None => Side::TooLarge,
        Some(bytes) if skip::is_binary(&bytes) => Side::Binary,
        Some(bytes) => Side::Text(bytes),
    })
}

/// An object's bytes; `None` above the size limit, which is asked before anything is inflated.
fn object(repo: &Repository, id: Oid, path: &BStr) -> Result<Option<Vec<u8>>, ReadError> {
    let failed =
        |source| ReadError::Object { what: crate::visible::line(path).into_string(), source };
    let database = repo.odb().map_err(failed)?;
    let (size, kind) = database.read_header(id).map_err(failed)?;
    if kind != ObjectType::Blob || size as u64 > MAX_FILE_BYTES {
        return Ok(None);
    }
    Ok(Some(database.read(id).map_err(failed)?.data().to_vec()))
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
