//! What a process left behind: status, stdout and stderr as one value.
//!
//! A test that looks at one of the three and fails wants to see the other two, so every assertion
//! here shows all of them, and so does the text that goes into a snapshot.

use std::fmt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use serde_json::Value;

#[derive(Clone)]
pub struct Output {
    /// The exit status; `None` when a signal ended the process.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
    /// The bytes behind `stdout`, for tests about text that is not UTF-8.
    pub stdout_bytes: Vec<u8>,
    pub duration: Duration,
}

impl Output {
    pub fn new(status: ExitStatus, stdout: Vec<u8>, stderr: &[u8], duration: Duration) -> Self {
        Self {
            status: status.code(),
            stdout: String::from_utf8_lossy(&stdout).into_owned(),
            stderr: String::from_utf8_lossy(stderr).into_owned(),
            stdout_bytes: stdout,
            duration,
        }
    }

    /// Asserts exit status 0.
    #[track_caller]
    pub fn success(self) -> Self {
        self.code(0)
    }

    /// Asserts this exit status.
    #[track_caller]
    pub fn code(self, expected: i32) -> Self {
        assert!(self.status == Some(expected), "expected exit status {expected}\n{self}");
        self
    }

    /// stdout as one JSON value.
    #[track_caller]
    pub fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(value) => value,
            Err(error) => panic!("stdout is not JSON: {error}\n{self}"),
        }
    }

    /// The same output with a path that differs from run to run replaced, so that it can stand in a
    /// snapshot.
    pub fn masking(mut self, path: &Path, placeholder: &str) -> Self {
        let path = path.to_str().expect("paths of the bench are UTF-8");
        self.stdout = self.stdout.replace(path, placeholder);
        self.stderr = self.stderr.replace(path, placeholder);
        self
    }
}

/// Leaves the duration out: the text has to be the same in every run.
impl fmt::Display for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Some(code) => writeln!(f, "status: {code}")?,
            None => writeln!(f, "status: ended by a signal")?,
        }
        for (name, text) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            writeln!(f, "--- {name} ---")?;
            f.write_str(text)?;
            if !text.is_empty() && !text.ends_with('\n') {
                f.write_str("\n\\ no newline at the end\n")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
