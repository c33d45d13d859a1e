//! How the program ends: five statuses, in one place.

use std::process::{ExitCode, Termination};

/// The exit status of the program; other people's scripts depend on these.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Nothing that blocks. An outage of Codex is a warning and ends here too.
    Clean = 0,
    /// Security findings at or above the threshold.
    Findings = 1,
    /// The request itself is wrong: no repository, unknown revision, unreadable configuration.
    BadRequest = 2,
    /// The user interrupted the run (Ctrl-C).
    Interrupted = 130,
    /// The run was told to end (SIGTERM).
    Terminated = 143,
}

impl Exit {
    /// The status as the shell sees it.
    pub fn code(self) -> u8 {
        self as u8
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
