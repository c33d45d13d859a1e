//! Runs any child: in a group of its own, with named variables only, three pipes and no more.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use process_wrap::tokio::{ChildWrapper, CommandWrap, KillOnDrop};
use thiserror::Error;
use tokio::io::AsyncReadExt;
use tokio::process::Command;
use tokio::time::timeout;

/// Variables of a child, complete: nothing is inherited.
pub(super) type Environment = Vec<(OsString, OsString)>;

/// A child together with everything that it starts.
pub(super) type Group = Box<dyn ChildWrapper>;

/// How long a child may take to end after it was asked to.
const GRACE: Duration = Duration::from_secs(2);

/// A question's answer is not larger than this, in bytes.
const MAX_OUTPUT: u64 = 16 << 20;

/// Why a child could not be started. The mends differ, so the kinds do.
#[derive(Debug, Error)]
pub(super) enum SpawnError {
    /// There is no such program.
    #[error("there is no such file")]
    NotFound,
    /// It is no program, or may not be run.
    #[error("{0}")]
    NotExecutable(io::Error),
    /// Anything else.
    #[error("{0}")]
    Other(io::Error),
}

impl From<io::Error> for SpawnError {
    fn from(error: io::Error) -> Self {
        // 8 is ENOEXEC on every Unix: a file that is marked as a program and is none.
        match error.kind() {
            io::ErrorKind::NotFound => SpawnError::NotFound,
            io::ErrorKind::PermissionDenied => SpawnError::NotExecutable(error),
            _ if error.raw_os_error() == Some(8) => SpawnError::NotExecutable(error),
            _ => SpawnError::Other(error),
        }
    }
}

/// Starts a child with its three pipes.
pub(super) fn start(
    program: &Path,
    args: &[impl AsRef<OsStr>],
    environment: &Environment,
    folder: &Path,
) -> Result<Group, SpawnError> {
    let mut command = Command::new(program);
    command.args(args).env_clear().envs(environment.iter().map(|(name, value)| (name, value)));
    command.current_dir(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut command = CommandWrap::from(command);
    command.wrap(KillOnDrop);
    // The npm launcher starts the native binary: ending the launcher alone would orphan it.
    #[cfg(unix)]
    command.wrap(process_wrap::tokio::ProcessGroup::leader());
    #[cfg(windows)]
    command.wrap(process_wrap::tokio::JobObject);
    Ok(command.spawn()?)
}

/// Ends a group: politely, and after a grace period for good. Waits for neither without a bound.
pub(super) async fn end(group: &mut Group) -> Option<ExitStatus> {
    ask_to_end(group);
    let polite = timeout(GRACE, group.wait()).await;
    // Members of the group that outlived its leader are ended too.
    drop(group.start_kill());
    match polite {
        Ok(status) => status.ok(),
        Err(_) => timeout(GRACE, group.wait()).await.ok().and_then(Result::ok),
    }
}

#[cfg(unix)]
fn ask_to_end(group: &mut Group) {
    const TERM: i32 = 15;
    drop(group.signal(TERM));
}

#[cfg(windows)]
fn ask_to_end(_: &mut Group) {}

/// A child that has run to its end.
#[derive(Debug)]
pub(super) struct Finished {
    /// Whether it ended by itself with status 0.
    pub(super) success: bool,
    /// Whether it had to be ended.
    pub(super) timed_out: bool,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

/// Runs a child that reads nothing to its end, at most for `patience`.
pub(super) async fn finish(
    program: &Path,
    args: &[&OsStr],
    environment: &Environment,
    folder: &Path,
    patience: Duration,
) -> Result<Finished, SpawnError> {
    let mut group = start(program, args, environment, folder)?;
    drop(group.stdin().take());
    let (stdout, stderr) = (group.stdout().take(), group.stderr().take());
    let mut found =
        Finished { success: false, timed_out: true, stdout: Vec::new(), stderr: Vec::new() };
    let read = async {
        let out = async {
            if let Some(pipe) = stdout {
                drop(pipe.take(MAX_OUTPUT).read_to_end(&mut found.stdout).await);
            }
        };
        let err = async {
            if let Some(pipe) = stderr {
                drop(pipe.take(MAX_OUTPUT).read_to_end(&mut found.stderr).await);
            }
        };
        tokio::join!(out, err);
        group.wait().await
    };
    if let Ok(status) = timeout(patience, read).await {
        found.timed_out = false;
        found.success = status.is_ok_and(|status| status.success());
    } else {
        end(&mut group).await;
    }
    Ok(found)
}
