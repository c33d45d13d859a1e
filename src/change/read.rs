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

/// What came of reading a side.
enum Side {
    Text(Vec<u8>),
    Binary,
    TooLarge,
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
        Ok(Side::Binary | Side::TooLarge) | Err(_) => None,
    };
    let mut deltas = rename::pair(deltas, load);
    deltas.sort_by(|a, b| a.path.cmp(&b.path));
    deltas.iter().map(|delta| file(repo, delta, select, languages)).collect()
}

fn file(
    repo: &Repository,
    delta: &Delta,
    select: &Select,
    languages: &Languages,
) -> Result<File, ReadError> {
    let mut file = File::named(delta.path.clone(), status(delta));
    file.old_path = delta.old_path.clone();
    if file.status == Status::Submodule {
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
    let text = if file.status == Status::Deleted { &file.old } else { &file.new };
    let path = file.path.as_ref();
    file.skipped = skip::by_path(path, select).or_else(|| skip::by_text(path, text, select));
    if file.skipped.is_some() {
        (file.old, file.new) = (Text::default(), Text::default());
        return;
    }
    file.hunks = window::cut(hunks, &file.old, &file.new, select.context_lines);
    name_functions(file, languages);
}

/// Gives each hunk the name of the function around its first changed line.
fn name_functions(file: &mut File, languages: &Languages) {
    let Some(language) = languages.of(file.path.as_ref()) else {
        return;
    };
    for hunk in &mut file.hunks {
        let Some(edit) = hunk.edits.first() else {
            continue;
        };
        let found = if edit.new.is_empty() && !edit.old.is_empty() {
            function::around(&file.old, edit.old.start, language)
        } else {
            function::around(&file.new, edit.new.start, language)
        };
        hunk.function = found.map(|function| function.name);
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
