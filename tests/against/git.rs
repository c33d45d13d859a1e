//! Real git in a repository, with nothing of the machine's configuration.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;

use crate::support::Home;

/// git as a private user in one repository.
pub struct Git<'a> {
    home: &'a Home,
    dir: PathBuf,
}

impl<'a> Git<'a> {
    pub fn new(home: &'a Home, dir: &Path) -> Self {
        Self { home, dir: dir.to_owned() }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Runs git and gives the bytes of its stdout. Anything but success fails the test.
    pub fn run(&self, arguments: &[&str]) -> Vec<u8> {
        self.feed(arguments, Vec::new())
    }

    /// stdout as text, without the last line end.
    pub fn text(&self, arguments: &[&str]) -> String {
        let text = String::from_utf8(self.run(arguments)).expect("git prints ids and numbers here");
        text.trim_end().to_owned()
    }

    /// Runs git with these bytes on its stdin.
    pub fn feed(&self, arguments: &[&str], stdin: Vec<u8>) -> Vec<u8> {
        let mut child = self.command(arguments).spawn().expect("git can be started");
        let mut pipe = child.stdin.take().expect("stdin is piped");
        // On a thread, because git answers before it has read all.
        let writer = thread::spawn(move || pipe.write_all(&stdin));
        let output = child.wait_with_output().expect("git was started");
        let written = writer.join().expect("writing does not panic");
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {complaint}");
        written.unwrap_or_else(|error| panic!("git {arguments:?}: {error}"));
        output.stdout
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("git");
        self.home.inhabit(&mut command);
        command
            .current_dir(&self.dir)
            .args(arguments)
            // What a partial clone has not is to stay missing, as it does for the program.
            .env("GIT_NO_LAZY_FETCH", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}
