//! From what was typed to two sides.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use git2::{ErrorCode, ObjectFormat, Oid, Repository};
use gix_hash::ObjectId;

use super::commit::{self, Commit, Target};
use super::{Comparison, Kind, Sides, SourceError, Spec};
use crate::objects::{self, Objects, Reader};

/// A patch larger than this, in bytes, is refused.
const MAX_PATCH: u64 = 256 << 20;

/// Id of the empty tree, which hooks and scripts name although it need not be stored.
const EMPTY_TREE: [&str; 2] = [
    "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
];

/// The id of the empty tree in the format of another id.
pub(super) fn empty_tree(like: Oid) -> &'static str {
    match like.object_format() {
        ObjectFormat::Sha1 => EMPTY_TREE[0],
        ObjectFormat::Sha256 => EMPTY_TREE[1],
    }
}

/// Opens the repository of the current directory, or the one that `GIT_DIR` names.
///
/// # Errors
/// When there is none, or git refuses it.
pub fn open() -> Result<Repository, SourceError> {
    // The hash of each object that is read has been checked when it was stored; checking it again
    // takes a third of the time.
    git2::opts::strict_hash_verification(false);
    Repository::open_from_env().map_err(|error| refused(&error))
}

/// Opens the repository around a folder, whatever `GIT_DIR` names.
///
/// # Errors
/// When there is none, or git refuses it.
pub fn open_at(folder: &Path) -> Result<Repository, SourceError> {
    git2::opts::strict_hash_verification(false);
    Repository::discover(folder).map_err(|error| refused(&error))
}

fn refused(error: &git2::Error) -> SourceError {
    SourceError::NoRepository(crate::visible::line(error.message()).into_string())
}

/// Resolves a source. Only a patch needs no repository.
///
/// # Errors
/// When a revision names nothing, or the patch cannot be read.
pub fn resolve<'repo>(
    repo: Option<&'repo Repository>,
    spec: &Spec,
) -> Result<Comparison<'repo>, SourceError> {
    if let Spec::Patch(path) = spec {
        return patch(path);
    }
    let repo = repo.ok_or_else(|| SourceError::NoRepository("the current directory".to_owned()))?;
    match spec {
        Spec::Default => default(repo),
        Spec::Ends { old, new } => ends(repo, old, new),
        Spec::MergeBase { old, new } => merge_base(repo, old, new),
        Spec::Staged => {
            let (old, tree) = head(repo)?;
            let sides = Sides::Index { repo, old: tree };
            Ok(comparison(Kind::Staged, "--staged", old.map(objects::id), None, sides))
        }
        Spec::Worktree if repo.is_bare() => Err(SourceError::Bare("work tree")),
        Spec::Worktree => {
            let (old, tree) = head(repo)?;
            let sides = Sides::Worktree { repo, old: tree };
            Ok(comparison(Kind::Worktree, "--worktree", old.map(objects::id), None, sides))
        }
        Spec::Commit(rev) => commit(repo, rev),
        Spec::Patch(_) => unreachable!("a patch was handled above"),
    }
}

/// The tree whose configuration a change is held to: of what it is to be merged into, as that stands today,
/// where the source names it, else of what the change starts from; HEAD's for a patch. `None` is the empty one.
///
/// The merge base would be the author's choice: a change can begin at a commit as old as one likes.
///
/// # Errors
/// As [`resolve`].
pub fn base(repo: &Repository, spec: &Spec) -> Result<Option<Oid>, SourceError> {
    let target = match spec {
        Spec::Patch(_) => return head(repo).map(|(_, tree)| tree),
        Spec::MergeBase { old, .. } => Some(old.clone()),
        Spec::Default => upstream(repo),
        _ => None,
    };
    if let Some(target) = target {
        let side = side(repo, &Objects::of(repo)?.reader(), &target)?;
        return Ok(side.tree.map(objects::to_git).transpose()?);
    }
    Ok(match resolve(Some(repo), spec)?.sides {
        Sides::Trees { old, .. } => old.map(objects::to_git).transpose()?,
        Sides::Index { old, .. } | Sides::Worktree { old, .. } => old,
        Sides::Patch { .. } => None,
    })
}

fn comparison<'repo>(
    kind: Kind,
    spec: impl Into<String>,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
    sides: Sides<'repo>,
) -> Comparison<'repo> {
    let (old, new) = (old.map(|id| id.to_string()), new.map(|id| id.to_string()));
    Comparison { kind, spec: spec.into(), old, new, sides, notes: Vec::new() }
}

/// A revision: the id that was named and its tree (`None` is the empty one).
struct Side {
    id: Option<ObjectId>,
    tree: Option<ObjectId>,
    commit: Option<Commit>,
}

fn side(repo: &Repository, reader: &Reader, rev: &str) -> Result<Side, SourceError> {
    if EMPTY_TREE.contains(&rev) {
        return Ok(Side { id: None, tree: None, commit: None });
    }
    let id = objects::id(named(repo, rev).map_err(|error| unknown(repo, rev, error.code()))?);
    match commit::target(reader, id)? {
        Some(Target::Commit(commit)) => {
            Ok(Side { id: Some(commit.id), tree: Some(commit.tree), commit: Some(commit) })
        }
        Some(Target::Tree(tree)) => Ok(Side { id: Some(tree), tree: Some(tree), commit: None }),
        Some(Target::Blob) => Err(SourceError::NoTree(shown(rev))),
        None => Err(unknown(repo, rev, ErrorCode::NotFound)),
    }
}

/// The id for which a revision stands. A whole id and a name are told without an object: libgit2, which knows the rest
/// of the grammar, opens the index of a pack for one, which takes longer than all that is read of a small change.
fn named(repo: &Repository, rev: &str) -> Result<Oid, git2::Error> {
    let format = repo.object_format();
    if let Ok(id) = Oid::from_str_ext(rev, format)
        && id.to_string().len() == rev.len()
    {
        return Ok(id);
    }
    // To libgit2 nothing is a name of HEAD; git refuses it.
    let reference = (!rev.is_empty()).then(|| repo.resolve_reference_from_short_name(rev));
    let reference = reference.and_then(Result::ok).and_then(|found| found.resolve().ok());
    match reference.and_then(|found| found.target()) {
        Some(id) => Ok(id),
        None => repo.revparse_single(rev).map(|object| object.id()),
    }
}

fn unknown(repo: &Repository, rev: &str, why: ErrorCode) -> SourceError {
    if why == ErrorCode::UnbornBranch || (rev == "HEAD" && repo.head().is_err()) {
        return SourceError::NoCommit;
    }
    SourceError::UnknownRevision(shown(rev), shallow_hint(repo, "; `git log --oneline` lists some"))
}

fn shallow_hint(repo: &Repository, otherwise: &'static str) -> &'static str {
    if repo.is_shallow() {
        " (it is a shallow clone; `git fetch --unshallow` brings the rest)"
    } else {
        otherwise
    }
}

fn ends<'repo>(
    repo: &'repo Repository,
    old: &str,
    new: &str,
) -> Result<Comparison<'repo>, SourceError> {
    let objects = Objects::of(repo)?;
    let reader = objects.reader();
    let (a, b) = (side(repo, &reader, old)?, side(repo, &reader, new)?);
    let sides = Sides::Trees { objects, old: a.tree, new: b.tree };
    let mut found = comparison(Kind::Range, format!("{old}..{new}"), a.id, b.id, sides);
    // A history that is cut off, or too long to tell, gives no note, so that no false one is given.
    if let (Some(a), Some(b)) = (&a.commit, &b.commit)
        && !is_cut_off(repo)
        && commit::have_grown_apart(&reader, a, b) == Some(true)
    {
        let (old, new) = (shown(old), shown(new));
        found.notes.push(format!(
            "`{old}` and `{new}` have grown apart: commits that only `{old}` has show up reversed; \
             `{old}...{new}` shows what `{new}` brings"
        ));
    }
    Ok(found)
}

/// Whether commits of the history stand without their parents, as in a shallow clone.
fn is_cut_off(repo: &Repository) -> bool {
    repo.is_shallow() || repo.commondir().join("info/grafts").exists()
}

fn merge_base<'repo>(
    repo: &'repo Repository,
    old: &str,
    new: &str,
) -> Result<Comparison<'repo>, SourceError> {
    let objects = Objects::of(repo)?;
    let reader = objects.reader();
    let commit =
        |rev: &str| side(repo, &reader, rev)?.commit.ok_or_else(|| SourceError::NoTree(shown(rev)));
    let (a, b) = (commit(old)?, commit(new)?);
    let none = || SourceError::NoMergeBase(shown(old), shown(new), shallow_hint(repo, ""));
    let base = repo.merge_base(objects::to_git(a.id)?, objects::to_git(b.id)?);
    let base = commit::commit(&reader, objects::id(base.map_err(|_| none())?))?.ok_or_else(none)?;
    let sides = Sides::Trees { objects, old: Some(base.tree), new: Some(b.tree) };
    Ok(comparison(Kind::Range, format!("{old}...{new}"), Some(base.id), Some(b.id), sides))
}

fn default(repo: &Repository) -> Result<Comparison<'_>, SourceError> {
    if repo.head().is_err_and(|error| error.code() == ErrorCode::UnbornBranch) {
        return Err(SourceError::NoCommit);
    }
    let upstream = upstream(repo).ok_or(SourceError::NoUpstream)?;
    merge_base(repo, &upstream, "HEAD")
}

/// The upstream branch of HEAD, else the default branch of a remote, `origin` first.
fn upstream(repo: &Repository) -> Option<String> {
    let head = repo.head().ok()?;
    let own = head.name().ok().and_then(|name| repo.branch_upstream_name(name).ok());
    let own = own.and_then(|name| name.as_str().ok().map(str::to_owned));
    // An upstream that was deleted on the remote is none.
    if let Some(name) = own.filter(|name| repo.find_reference(name).is_ok()) {
        return Some(short(&name));
    }
    let remotes = repo.remotes().ok()?;
    let mut names: Vec<&str> = remotes.iter().filter_map(Result::ok).flatten().collect();
    names.sort_by_key(|&name| (name != "origin", name.to_owned()));
    let candidates = names
        .iter()
        .flat_map(|remote| ["HEAD", "main", "master"].map(|branch| format!("{remote}/{branch}")));
    candidates.into_iter().find(|name| repo.find_reference(&format!("refs/remotes/{name}")).is_ok())
}

fn short(name: &str) -> String {
    name.strip_prefix("refs/remotes/")
        .or_else(|| name.strip_prefix("refs/heads/"))
        .unwrap_or(name)
        .to_owned()
}

fn commit<'repo>(repo: &'repo Repository, rev: &str) -> Result<Comparison<'repo>, SourceError> {
    let objects = Objects::of(repo)?;
    let reader = objects.reader();
    let commit = side(repo, &reader, rev)?.commit;
    let commit = commit.ok_or_else(|| SourceError::NoTree(shown(rev)))?;
    let parents = match is_cut_off(repo) {
        true => {
            repo.find_commit(objects::to_git(commit.id)?)?.parent_ids().map(objects::id).collect()
        }
        false => commit.parents,
    };
    let parent = match parents.first() {
        None => None,
        Some(parent) => Some(commit::commit(&reader, *parent)?.ok_or_else(|| {
            let hint = shallow_hint(repo, "; its object is missing");
            SourceError::UnknownRevision(format!("{}^", shown(rev)), hint)
        })?),
    };
    let (old, old_tree) = (parent.as_ref().map(|it| it.id), parent.as_ref().map(|it| it.tree));
    let sides = Sides::Trees { objects, old: old_tree, new: Some(commit.tree) };
    let mut found =
        comparison(Kind::Commit, format!("--commit {rev}"), old, Some(commit.id), sides);
    if parents.len() > 1 {
        let count = parents.len();
        found.notes.push(format!(
            "`{}` is a merge of {count} parents: it is compared with the first, so it shows all that the merge brought in",
            shown(rev)
        ));
    }
    Ok(found)
}

/// HEAD's commit and tree; nothing on a branch without a commit.
fn head(repo: &Repository) -> Result<(Option<Oid>, Option<Oid>), SourceError> {
    match repo.head().and_then(|head| head.peel_to_commit()) {
        Ok(commit) => Ok((Some(commit.id()), Some(commit.tree_id()))),
        Err(error) if matches!(error.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => {
            Ok((None, None))
        }
        Err(error) => Err(error.into()),
    }
}

fn patch<'repo>(path: &str) -> Result<Comparison<'repo>, SourceError> {
    let failed = |source| SourceError::Patch { path: shown(path), source };
    let mut text = Vec::new();
    let read = if path == "-" {
        io::stdin().lock().take(MAX_PATCH + 1).read_to_end(&mut text)
    } else {
        File::open(path).and_then(|file| file.take(MAX_PATCH + 1).read_to_end(&mut text))
    };
    read.map_err(failed)?;
    if text.len() as u64 > MAX_PATCH {
        return Err(SourceError::PatchTooLarge(shown(path)));
    }
    Ok(comparison(Kind::Patch, format!("--patch {path}"), None, None, Sides::Patch { text }))
}

fn shown(text: &str) -> String {
    crate::visible::line(text).into_string()
}
