//! Which repositories are read: the one in which the server was started, and those below a root that the client
//! declares.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use git2::Repository;
use percent_encoding::percent_decode_str;
use rmcp::service::{RequestContext, RoleServer};

use crate::{source, visible};

/// How long a client may take to list its roots; it has them at hand.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the server was started.
pub(super) struct Places {
    /// Top of the repository there, if there is one.
    start: Option<PathBuf>,
}

/// A repository that is read, and the folder that paths in it are named from.
pub(super) struct Place {
    pub(super) repo: Repository,
    pub(super) folder: PathBuf,
}

impl Places {
    /// The current folder.
    pub(super) fn here() -> Places {
        Places { start: source::open().ok().map(|repo| top(&repo)) }
    }

    /// The repository of a path; without one that in which the server was started, else that of the only root.
    pub(super) async fn find(
        &self,
        named: Option<&str>,
        context: &RequestContext<RoleServer>,
    ) -> Result<Place> {
        let named = named.map(|path| real(path, self.start.as_deref())).transpose()?;
        let at_start = self.start.as_ref().filter(|top| named.as_ref().is_none_or(|at| at == *top));
        if let Some(folder) = at_start {
            return Ok(Place { repo: source::open()?, folder: folder.clone() });
        }
        let roots: Vec<PathBuf> = self.start.iter().cloned().chain(roots(context).await).collect();
        match (named, roots.as_slice()) {
            (Some(path), roots) => within(&path, roots),
            (None, [root]) => within(root, std::slice::from_ref(root)),
            (None, []) => Err(source::open().err().map_or_else(
                || anyhow::anyhow!("there is no repository here"),
                anyhow::Error::from,
            )),
            (None, _) => bail!(
                "the server was started outside of a repository, and the client has several roots: \
                 name one with `repository`"
            ),
        }
    }
}

/// The repository around a path, where all of it lies within a root.
fn within(path: &Path, roots: &[PathBuf]) -> Result<Place> {
    let shown = visible::line(path.display().to_string());
    let refusal = || {
        format!(
            "`{shown}` is neither in the repository in which the server was started nor below a root of the client"
        )
    };
    let root = roots.iter().find(|root| path.starts_with(root)).with_context(refusal)?;
    let repo = source::open_at(path)?;
    let folder = top(&repo);
    if !folder.starts_with(root) {
        bail!("the repository of `{shown}` begins above the client's root, and is not read");
    }
    Ok(Place { repo, folder })
}

/// The work tree, or the folder of a bare repository, without links.
fn top(repo: &Repository) -> PathBuf {
    let top = repo.workdir().unwrap_or(repo.path());
    top.canonicalize().unwrap_or(top.to_owned())
}

fn real(path: &str, from: Option<&Path>) -> Result<PathBuf> {
    let path = from.unwrap_or(Path::new(".")).join(path);
    let shown = || format!("there is no `{}`", visible::line(path.display().to_string()));
    path.canonicalize().with_context(shown)
}

/// The folders that the client declares. One that does not answer has none.
#[expect(
    deprecated,
    reason = "clients declare roots, and newer ones have no other word for it yet"
)]
async fn roots(context: &RequestContext<RoleServer>) -> Vec<PathBuf> {
    let declared = context.client_capabilities().is_some_and(|it| it.roots.is_some());
    if !declared {
        return Vec::new();
    }
    let listed = tokio::time::timeout(PATIENCE, context.peer.list_roots()).await;
    let roots = listed.ok().and_then(Result::ok).map(|listed| listed.roots).unwrap_or_default();
    let folders = roots.iter().filter_map(|root| folder_of(&root.uri));
    folders.filter_map(|folder| folder.canonicalize().ok()).collect()
}

/// The folder of a `file://` address on this machine.
fn folder_of(uri: &str) -> Option<PathBuf> {
    let rest = uri.strip_prefix("file://")?;
    let path = rest.strip_prefix("localhost").unwrap_or(rest);
    let path = percent_decode_str(path).decode_utf8().ok()?.into_owned();
    let path = if cfg!(windows) { path.trim_start_matches('/').to_owned() } else { path };
    let path = PathBuf::from(path);
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_root_is_a_folder_of_this_machine() {
        let folder = |uri| folder_of(uri).map(|path| path.display().to_string());
        assert_eq!(folder("file:///a%20b/c"), Some("/a b/c".to_owned()));
        assert_eq!(folder("file://localhost/a"), Some("/a".to_owned()));
        assert_eq!(folder("file://elsewhere/a"), None);
        assert_eq!(folder("https://a/b"), None);
    }

    #[test]
    fn a_repository_above_the_root_is_not_read() {
        let ground = tempfile::tempdir().unwrap();
        let ground = ground.path().canonicalize().unwrap();
        let (outer, inner) = (ground.join("outer"), ground.join("outer/inner"));
        Repository::init(&outer).unwrap();
        std::fs::create_dir(&inner).unwrap();
        assert_eq!(within(&inner, std::slice::from_ref(&outer)).unwrap().folder, outer);
        let refused = |path: &Path, root: &Path| {
            format!("{:#}", within(path, &[root.to_owned()]).err().unwrap())
        };
        assert!(refused(&inner, &inner).contains("begins above the client's root"));
        assert!(refused(&ground, &outer).contains("nor below a root"));
    }
}
