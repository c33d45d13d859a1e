//! A file that is tracked at the revision under review, for whoever asks for context.

use std::path::{Component, Path};

use git2::{FileMode, ObjectType, Oid, Repository};

use super::Kind;

/// A larger file than this, in bytes, gives no context.
const MAX_BYTES: usize = 4 << 20;

/// Why a file is not given. Each message is a reason that can stand in a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Withheld {
    /// A patch comes without a repository.
    #[error("a patch has no repository to take it from")]
    NoRepository,
    /// The path leads out of the repository, or names git's own folder.
    #[error("it is no path within the repository")]
    NoPath,
    /// Not tracked at that revision.
    #[error("it is not tracked at the revision under review")]
    NotTracked,
    /// A folder, a link or a submodule.
    #[error("it is no regular file")]
    NoFile,
    /// Too large.
    #[error("it is larger than 4 MiB")]
    TooLarge,
}

/// The bytes of a file on the new side of a comparison: of the commit (or tree) `new` where there is one, and
/// of the index for what is staged and for the work tree, whose changed files are in the change itself.
///
/// # Errors
/// When the file is not tracked there, or is nothing that could be given.
pub fn tracked(
    repo: Option<&Repository>,
    kind: Kind,
    new: Option<&str>,
    path: &str,
) -> Result<Vec<u8>, Withheld> {
    let repo = repo.filter(|_| kind != Kind::Patch).ok_or(Withheld::NoRepository)?;
    let path = Path::new(path);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || path.as_os_str().is_empty() || path.starts_with(".git") {
        return Err(Withheld::NoPath);
    }
    let (id, mode) = match kind {
        Kind::Staged | Kind::Worktree => in_index(repo, path),
        Kind::Range | Kind::Commit | Kind::Given => in_tree(repo, new, path),
        Kind::Patch => None,
    }
    .ok_or(Withheld::NotTracked)?;
    if mode != i32::from(FileMode::Blob) && mode != i32::from(FileMode::BlobExecutable) {
        return Err(Withheld::NoFile);
    }
    let database = repo.odb().map_err(|_| Withheld::NotTracked)?;
    let (size, _) = database.read_header(id).map_err(|_| Withheld::NotTracked)?;
    if size > MAX_BYTES {
        return Err(Withheld::TooLarge);
    }
    let blob = repo.find_blob(id).map_err(|_| Withheld::NoFile)?;
    Ok(blob.content().to_vec())
}

fn in_tree(repo: &Repository, new: Option<&str>, path: &Path) -> Option<(Oid, i32)> {
    let object = repo.find_object(new?.parse().ok()?, None).ok()?;
    let tree = object.peel(ObjectType::Tree).ok()?.into_tree().ok()?;
    let entry = tree.get_path(path).ok()?;
    Some((entry.id(), entry.filemode()))
}

fn in_index(repo: &Repository, path: &Path) -> Option<(Oid, i32)> {
    let entry = repo.index().ok()?.get_path(path, 0)?;
    Some((entry.id, i32::try_from(entry.mode).ok()?))
}
