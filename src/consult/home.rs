//! The private home in which Codex runs, and the user's login linked into it.
//!
//! Codex reads instructions, skills and settings from its home and from the user's; a home of ours
//! has none of them. It is kept between calls, so that a session can be resumed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use tempfile::TempDir;

use super::Failure;
use crate::env;

/// Codex's own files of the login.
const AUTH: &str = "auth.json";

/// A private home, ready to be used.
#[derive(Debug, Clone)]
pub struct PrivateHome {
    /// Its path; both `HOME` and `CODEX_HOME` of the child.
    pub path: PathBuf,
}

/// Where the program keeps what outlives a run: `$XDG_STATE_HOME/git-advisor`.
pub fn state_dir() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(
        strategy
            .state_dir()
            .unwrap_or_else(|| strategy.data_dir())
            .join("git-advisor"),
    )
}

/// Whether the user has a login that Codex will find.
pub fn has_login() -> bool {
    env::codex_api_key_is_set() || user_auth().is_some()
}

fn user_auth() -> Option<PathBuf> {
    let file = env::codex_home()?.join(AUTH);
    file.is_file().then_some(file)
}

/// Makes the private home, with the user's login linked in.
///
/// # Errors
/// When the state directory cannot be written.
pub fn private() -> Result<PrivateHome, Failure> {
    let failed = |path: &Path, error: &io::Error| {
        let message = format!("cannot prepare `{}`: {error}", path.display());
        Failure::of("state-unwritable", &message)
    };
    let state = state_dir()
        .ok_or_else(|| Failure::of("state-unwritable", "the user has no home directory"))?;
    let path = state.join("codex");
    create_private(&path).map_err(|error| failed(&path, &error))?;
    link_login(&path).map_err(|error| failed(&path, &error))?;
    Ok(PrivateHome { path })
}

/// Creates a folder that only the user can read, and its parents.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// A temporary folder that only the user can read.
pub(crate) fn temporary(prefix: &str, within: &Path) -> io::Result<TempDir> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(prefix);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o700));
    }
    builder.tempdir_in(within)
}

/// Points `auth.json` at the user's file. It is a link and never a copy: tokens are renewed in place.
fn link_login(home: &Path) -> io::Result<()> {
    let link = home.join(AUTH);
    let target = user_auth();
    if fs::read_link(&link).ok() == target {
        return Ok(());
    }
    match fs::remove_file(&link) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    match target.map(|target| symlink(&target, &link)).transpose() {
        // Another review made the link in the meantime.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(windows)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, link)
}
