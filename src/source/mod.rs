//! Which two sides are compared: SOURCE as it was typed, resolved in a repository.

mod ci;
mod commit;
mod push;
mod resolve;
mod spec;
mod tracked;

use git2::{Oid, Repository};
use gix_hash::ObjectId;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::objects::{ObjectError, Objects};

pub use ci::{Job, Service};
pub use push::{Brings, Update, brings, updates};
pub use resolve::{base, open, open_at, resolve};
pub use spec::Spec;
pub use tracked::{Withheld, tracked};

/// What kind of source it is; the word of the JSON output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Two revisions.
    Range,
    /// HEAD and the index.
    Staged,
    /// HEAD and the work tree.
    Worktree,
    /// A commit and its first parent.
    Commit,
    /// A unified diff.
    Patch,
    /// No change: pieces of text that the user hands over.
    Given,
}

/// Two sides, ready to be read.
pub struct Comparison<'repo> {
    /// Kind of the source.
    pub kind: Kind,
    /// The source as it was typed, or what stands for it.
    pub spec: String,
    /// Id of the old commit (or tree), where there is one.
    pub old: Option<String>,
    /// Id of the new commit (or tree), where there is one.
    pub new: Option<String>,
    /// The sides themselves.
    pub sides: Sides<'repo>,
    /// What the user should know about the choice of the sides.
    pub notes: Vec<String>,
}

impl Comparison<'_> {
    /// That of a patch which is at hand, and was named by nobody.
    pub fn of_patch(text: Vec<u8>) -> Self {
        Comparison {
            kind: Kind::Patch,
            spec: String::new(),
            old: None,
            new: None,
            sides: Sides::Patch { text },
            notes: Vec::new(),
        }
    }
}

/// Where the two sides are.
pub enum Sides<'repo> {
    /// Two trees; `None` is the empty one.
    Trees {
        /// The objects of the repository.
        objects: Objects,
        /// Old tree.
        old: Option<ObjectId>,
        /// New tree.
        new: Option<ObjectId>,
    },
    /// A tree and the index.
    Index {
        /// The repository.
        repo: &'repo Repository,
        /// Tree of HEAD.
        old: Option<Oid>,
    },
    /// A tree and the work tree.
    Worktree {
        /// The repository.
        repo: &'repo Repository,
        /// Tree of HEAD.
        old: Option<Oid>,
    },
    /// A unified diff.
    Patch {
        /// The patch as it was read.
        text: Vec<u8>,
    },
}

/// Why a source cannot be resolved. Each message names the mend.
#[derive(Debug, Error)]
pub enum SourceError {
    /// No repository here.
    #[error(
        "not a git repository (or any parent directory): {0}; change into one, or give `--patch FILE`"
    )]
    NoRepository(String),
    /// A revision that names nothing.
    #[error("`{0}` names no commit in this repository{1}")]
    UnknownRevision(String, &'static str),
    /// A revision that names something without a tree.
    #[error("`{0}` names neither a commit nor a tree")]
    NoTree(String),
    /// Two revisions without a common ancestor.
    #[error(
        "`{0}` and `{1}` have no common ancestor here{2}; `{0}..{1}` compares the two end points"
    )]
    NoMergeBase(String, String, &'static str),
    /// Nothing was given and nothing stands for it.
    #[error(
        "no upstream branch and no default branch of a remote to compare with; name a range such as `HEAD~1..`"
    )]
    NoUpstream,
    /// A branch without a commit.
    #[error("this branch has no commit yet; `--staged` or `--worktree` compare with nothing")]
    NoCommit,
    /// A work tree was asked for in a bare repository.
    #[error("this repository is bare: it has no {0}; name a range such as `HEAD~1..`")]
    Bare(&'static str),
    /// The patch cannot be read.
    #[error("cannot read the patch `{path}`")]
    Patch {
        /// File as it was given.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// The patch is larger than any that a review could use.
    #[error("the patch `{0}` is larger than 256 MiB")]
    PatchTooLarge(String),
    /// An object cannot be read.
    #[error(transparent)]
    Object(#[from] ObjectError),
    /// Anything else that git says.
    #[error("git cannot read this repository")]
    Git(#[from] git2::Error),
}
