//! The private home in which Codex runs, and the user's login linked into it.
//!
//! Codex reads instructions, skills and settings from its home and from the user's; a home of ours
//! has none of them. It is kept between calls, so that a session can be resumed.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tempfile::TempDir;

use super::Failure;
use crate::env;

/// How long a session can be resumed, in days.
const KEPT_DAYS: i64 = 30;

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
    Some(strategy.state_dir().unwrap_or_else(|| strategy.data_dir()).join("git-advisor"))
}

/// Whether the user has a login that Codex will find.
pub fn has_login() -> bool {
    env::codex_api_key_is_set() || user_auth().is_some()
}

fn user_auth() -> Option<PathBuf> {
    let file = env::codex_home()?.join(AUTH);
    file.is_file().then_some(file)
}

/// What kind of login Codex will find: it decides what Codex offers to the model.
pub(super) fn login_kind() -> String {
    if env::codex_api_key_is_set() {
        return "key in the environment".to_owned();
    }
    login()["auth_mode"].as_str().unwrap_or("none").to_owned()
}

/// The account that Codex will use, in a form that tells two apart and opens neither.
pub(super) fn account() -> String {
    let named = |key: &str| {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        format!("key {:08x}", hasher.finish() >> 32)
    };
    if let Some(key) = env::passed_on("CODEX_API_KEY") {
        return named(&key.to_string_lossy());
    }
    let login = login();
    match (&login["tokens"]["account_id"], &login["OPENAI_API_KEY"]) {
        (Value::String(account), _) => account.clone(),
        (_, Value::String(key)) => named(key),
        _ => "no login".to_owned(),
    }
}

/// The user's login as Codex wrote it; null where there is none.
fn login() -> Value {
    let text = user_auth().and_then(|file| fs::read(file).ok()).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
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
    forget_old_sessions(&path.join("sessions"), Timestamp::now());
    Ok(PrivateHome { path })
}

/// Takes Codex's own files of sessions away that are older than [`KEPT_DAYS`]: they hold prompts and
/// answers. Their folders are named by the day, `2026/11/22`. What cannot be removed stays.
fn forget_old_sessions(sessions: &Path, now: Timestamp) {
    let oldest =
        now.checked_sub(SignedDuration::from_hours(24 * KEPT_DAYS)).unwrap_or(Timestamp::MIN);
    let oldest = oldest.strftime("%Y/%m/%d").to_string();
    let below = |folder: &Path| {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir())
    };
    let days = below(sessions).flat_map(|year| below(&year)).flat_map(|month| below(&month));
    for day in days.collect::<Vec<_>>() {
        let name = day.strip_prefix(sessions).ok().and_then(Path::to_str).unwrap_or_default();
        if name.replace('\\', "/") < oldest {
            drop(fs::remove_dir_all(day));
        }
    }
}

/// Creates a folder that only the user can read, and its parents.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_sessions_are_forgotten_and_new_ones_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let day = |name: &str| folder.path().join(name);
        for name in ["2025/12/31", "2026/10/20", "2026/11/01"] {
            fs::create_dir_all(day(name)).unwrap();
        }
        forget_old_sessions(folder.path(), "2026-11-22T12:00:00Z".parse().unwrap());
        assert!(!day("2025/12/31").exists() && !day("2026/10/20").exists());
        assert!(day("2026/11/01").exists());
    }
}
