//! From what was typed to two sides.

use std::collections::{BinaryHeap, HashMap};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use git2::{Commit, ErrorCode, ObjectFormat, ObjectType, Oid, Repository};

use super::{Comparison, Kind, Sides, SourceError, Spec};

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
            Ok(comparison(Kind::Staged, "--staged", old, None, sides))
        }
        Spec::Worktree if repo.is_bare() => Err(SourceError::Bare("work tree")),
        Spec::Worktree => {
            let (old, tree) = head(repo)?;
            let sides = Sides::Worktree { repo, old: tree };
            Ok(comparison(Kind::Worktree, "--worktree", old, None, sides))
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
        return side(repo, &target).map(|side| side.tree);
    }
    Ok(match resolve(Some(repo), spec)?.sides {
        Sides::Trees { old, .. } | Sides::Index { old, .. } | Sides::Worktree { old, .. } => old,
        Sides::Patch { .. } => None,
    })
}

fn comparison<'repo>(
    kind: Kind,
    spec: impl Into<String>,
    old: Option<Oid>,
    new: Option<Oid>,
    sides: Sides<'repo>,
) -> Comparison<'repo> {
    let text = |id: Option<Oid>| id.map(|id| id.to_string());
    Comparison { kind, spec: spec.into(), old: text(old), new: text(new), sides, notes: Vec::new() }
}

/// A revision: the id that was named and its tree (`None` is the empty one).
struct Side<'repo> {
    id: Option<Oid>,
    tree: Option<Oid>,
    commit: Option<Commit<'repo>>,
}

fn side<'repo>(repo: &'repo Repository, rev: &str) -> Result<Side<'repo>, SourceError> {
    if EMPTY_TREE.contains(&rev) {
        return Ok(Side { id: None, tree: None, commit: None });
    }
    let object = repo.revparse_single(rev).map_err(|error| unknown(repo, rev, &error))?;
    if let Ok(commit) = object.peel_to_commit() {
        let tree = replacement(repo, commit.id()).map_or(commit.tree_id(), |other| other.tree_id());
        return Ok(Side { id: Some(commit.id()), tree: Some(tree), commit: Some(commit) });
    }
    let tree = object.peel(ObjectType::Tree).map_err(|_| SourceError::NoTree(shown(rev)))?;
    Ok(Side { id: Some(tree.id()), tree: Some(tree.id()), commit: None })
}

/// The commit that `git replace` has put in the place of another; libgit2 knows of none.
fn replacement(repo: &Repository, id: Oid) -> Option<Commit<'_>> {
    let reference = repo.find_reference(&format!("refs/replace/{id}")).ok()?;
    repo.find_commit(reference.target()?).ok()
}

fn unknown(repo: &Repository, rev: &str, error: &git2::Error) -> SourceError {
    if error.code() == ErrorCode::UnbornBranch || (rev == "HEAD" && repo.head().is_err()) {
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
    let (a, b) = (side(repo, old)?, side(repo, new)?);
    let sides = Sides::Trees { repo, old: a.tree, new: b.tree };
    let mut found = comparison(Kind::Range, format!("{old}..{new}"), a.id, b.id, sides);
    if let (Some(a), Some(b)) = (&a.commit, &b.commit)
        && have_grown_apart(repo, a, b)
    {
        let (old, new) = (shown(old), shown(new));
        found.notes.push(format!(
            "`{old}` and `{new}` have grown apart: commits that only `{old}` has show up reversed; \
             `{old}...{new}` shows what `{new}` brings"
        ));
    }
    Ok(found)
}

/// So many commits are looked at to tell whether two have grown apart; walking a whole history would take
/// longer than the scan.
const MAX_WALK: usize = 48;

/// Whether neither commit is reached from the other. A history that is cut off (a shallow clone), or too long to
/// tell, gives no note, so that no false one is given; dates only say where to look first.
fn have_grown_apart(repo: &Repository, a: &Commit<'_>, b: &Commit<'_>) -> bool {
    !repo.is_shallow() && neither_is_reached(repo, a, b) == Some(true)
}

/// Walks down from both until all that is left to walk is reached from both: from there no way leads up to either.
/// `None` where a commit is missing or that takes too many steps.
fn neither_is_reached(repo: &Repository, a: &Commit<'_>, b: &Commit<'_>) -> Option<bool> {
    const BOTH: u8 = 0b11;
    let mut reached_from = HashMap::from([(a.id(), 0b01), (b.id(), 0b10)]);
    let mut open = BinaryHeap::from([a, b].map(|commit| (commit.time().seconds(), commit.id())));
    if a.id() == b.id() {
        return Some(false);
    }
    for _ in 0..MAX_WALK {
        let Some((_, id)) = open.pop() else { return Some(true) };
        let from = reached_from.get(&id).copied().unwrap_or_default();
        for parent in repo.find_commit(id).ok()?.parent_ids() {
            let known = reached_from.entry(parent).or_default();
            if *known | from == *known {
                continue;
            }
            *known |= from;
            if *known == BOTH && [a.id(), b.id()].contains(&parent) {
                return Some(false);
            }
            open.push((repo.find_commit(parent).ok()?.time().seconds(), parent));
        }
        if open.iter().all(|(_, id)| reached_from.get(id) == Some(&BOTH)) {
            return Some(true);
        }
    }
    None
}

fn merge_base<'repo>(
    repo: &'repo Repository,
    old: &str,
    new: &str,
) -> Result<Comparison<'repo>, SourceError> {
    let (a, b) = (side(repo, old)?, side(repo, new)?);
    let commit =
        |side: Side<'repo>, rev: &str| side.commit.ok_or_else(|| SourceError::NoTree(shown(rev)));
    let (a, b) = (commit(a, old)?, commit(b, new)?);
    let base = repo
        .merge_base(a.id(), b.id())
        .map_err(|_| SourceError::NoMergeBase(shown(old), shown(new), shallow_hint(repo, "")))?;
    let tree = repo.find_commit(base)?.tree_id();
    let sides = Sides::Trees { repo, old: Some(tree), new: Some(b.tree_id()) };
    Ok(comparison(Kind::Range, format!("{old}...{new}"), Some(base), Some(b.id()), sides))
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
    let commit = side(repo, rev)?.commit.ok_or_else(|| SourceError::NoTree(shown(rev)))?;
    let parent = match commit.parent_count() {
        0 => None,
        _ => Some(commit.parent(0).map_err(|_| {
            let hint = shallow_hint(repo, "; its object is missing");
            SourceError::UnknownRevision(format!("{}^", shown(rev)), hint)
        })?),
    };
    let sides = Sides::Trees {
        repo,
        old: parent.as_ref().map(Commit::tree_id),
        new: Some(commit.tree_id()),
    };
    let old = parent.as_ref().map(Commit::id);
    let mut found =
        comparison(Kind::Commit, format!("--commit {rev}"), old, Some(commit.id()), sides);
    if commit.parent_count() > 1 {
        let count = commit.parent_count();
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
