//! Runs the program under test as a private user, bounded in time.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::home::Home;
use super::output::Output;
use super::running::Running;

/// Longer than any honest run, short enough that a hang fails the suite and not the patience.
const BOUND: Duration = Duration::from_secs(60);

/// A command line in the making.
pub struct Advisor {
    command: Command,
    stdin: Option<Vec<u8>>,
    bound: Duration,
}

impl Advisor {
    /// The program itself, with the home as its directory until told otherwise.
    pub fn new(home: &Home) -> Self {
        Self::program(home, env!("CARGO_BIN_EXE_git-advisor"))
    }

    /// git in the same surroundings, for what reaches the program through it: `git advisor …`, a
    /// push with its hook.
    pub fn git(home: &Home) -> Self {
        Self::program(home, home.bin().join("git"))
    }

    /// Any other program in the same surroundings.
    pub fn program(home: &Home, program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(program);
        command.current_dir(home.path());
        home.inhabit(&mut command);
        Self { command, stdin: None, bound: BOUND }
    }

    pub fn in_dir(mut self, path: &Path) -> Self {
        self.command.current_dir(path);
        self
    }

    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// What the program reads on stdin; without it, nothing.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.stdin = Some(bytes.into());
        self
    }

    /// The time after which a run that has not ended fails the test.
    pub fn within(mut self, bound: Duration) -> Self {
        self.bound = bound;
        self
    }

    /// The command itself, for a test that talks with it.
    pub fn into_command(self) -> Command {
        self.command
    }

    /// Starts it and leaves it to the test.
    pub fn spawn(self) -> Running {
        Running::start(self.command, self.stdin, self.bound)
    }

    /// Runs it to the end.
    #[must_use = "a process whose outcome nobody looks at proves nothing"]
    #[track_caller]
    pub fn run(self) -> Output {
        self.spawn().wait()
    }
}
