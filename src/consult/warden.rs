//! A process that waits for our end, and ends the child where we could not.
//!
//! Killed without a word, the program can end nothing. So a second instance of it holds the other end of
//! a pipe: where that closes before we have said that all is well, it kills the child's group and takes
//! the call's folder away. On Windows the job object does that, the folder apart.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// Name of the hidden subcommand.
const COMMAND: &str = "warden";

/// What is written when the child has been ended in order.
const ALL_WELL: &[u8] = b".";

/// Watches over us until it is dropped. Where it cannot be started the call is made without it.
#[derive(Debug)]
pub(super) struct Warden {
    running: Option<(Child, ChildStdin)>,
}

impl Warden {
    /// Watches on behalf of a group of processes and a folder that goes with it.
    pub(super) fn of(group: Option<u32>, folder: &Path) -> Warden {
        let start = || {
            let mut command = Command::new(std::env::current_exe().ok()?);
            command.arg(COMMAND).arg(group?.to_string()).arg(folder);
            command.env_clear().stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            // Whoever ends our own group, as a terminal does, must not end it first.
            #[cfg(unix)]
            std::os::unix::process::CommandExt::process_group(&mut command, 0);
            let mut child = command.spawn().ok()?;
            let pipe = child.stdin.take()?;
            Some((child, pipe))
        };
        Warden { running: if cfg!(unix) { start() } else { None } }
    }
}

impl Drop for Warden {
    fn drop(&mut self) {
        if let Some((mut child, mut pipe)) = self.running.take() {
            // One that is gone needs no word.
            drop(pipe.write_all(ALL_WELL));
            drop(pipe);
            drop(child.wait());
        }
    }
}

/// What the subcommand does: waits for the end of the pipe on stdin.
pub fn watch(group: u32, folder: &Path) {
    let mut said = Vec::new();
    drop(std::io::stdin().take(1).read_to_end(&mut said));
    if said == ALL_WELL {
        return;
    }
    end(group);
    drop(std::fs::remove_dir_all(folder));
}

#[cfg(unix)]
fn end(group: u32) {
    use rustix::process::{Pid, Signal, kill_process_group};
    if let Some(group) = i32::try_from(group).ok().and_then(Pid::from_raw) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

#[cfg(not(unix))]
fn end(_: u32) {}
