//! A child process that cannot hang a test.
//!
//! Every wait has a bound. When it is over, the process group is killed and the test fails with all
//! that was printed up to then, since a hang without a trace is the one failure that nobody can
//! read.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::output::Output;

/// How often the state of a child is looked at.
const POLL: Duration = Duration::from_millis(5);

/// How long the pipes may stay open after the process has ended. Longer than that, a descendant
/// holds them.
const DRAIN: Duration = Duration::from_secs(2);

/// A started process, killed with its whole group when a test drops it early.
pub struct Running {
    child: Child,
    stdout: Pipe,
    stderr: Pipe,
    started: Instant,
    bound: Duration,
    reaped: bool,
}

impl Running {
    /// Starts `command` in a process group of its own. Without `stdin` the child reads from the
    /// null device.
    pub fn start(mut command: Command, stdin: Option<Vec<u8>>, bound: Duration) -> Self {
        command
            .process_group(0)
            .stdin(if stdin.is_some() { Stdio::piped() } else { Stdio::null() })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let started = Instant::now();
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("could not start {command:?}: {error}"),
        };
        if let (Some(bytes), Some(mut pipe)) = (stdin, child.stdin.take()) {
            // On a thread, because a child that prints before it has read all would block both
            // sides. A child that never reads ends the write with a broken pipe, which is its
            // right.
            thread::spawn(move || pipe.write_all(&bytes));
        }
        Self {
            stdout: Pipe::drain(child.stdout.take().expect("stdout is piped")),
            stderr: Pipe::drain(child.stderr.take().expect("stderr is piped")),
            child,
            started,
            bound,
            reaped: false,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal (`"INT"`, `"TERM"`, …) to the process alone, as `kill` in another terminal
    /// would.
    pub fn signal(&self, name: &str) {
        send(name, &self.id().to_string());
    }

    /// Sends a signal to the whole group, as Ctrl-C in a terminal would.
    pub fn signal_group(&self, name: &str) {
        send(name, &format!("-{}", self.id()));
    }

    /// stdout and stderr as far as they came.
    pub fn so_far(&self) -> (String, String) {
        (self.stdout.text(), self.stderr.text())
    }

    /// Waits until `ready` holds for stdout and stderr as far as they came.
    #[track_caller]
    pub fn wait_until(&mut self, what: &str, ready: impl Fn(&str, &str) -> bool) {
        loop {
            // The end is looked up first: what is printed before it then is surely in the buffers.
            let ended = self.try_reap().is_some();
            let (stdout, stderr) = self.so_far();
            if ready(&stdout, &stderr) {
                return;
            }
            if ended {
                panic!("ended before {what}\n{}", self.transcript());
            }
            if let Err(complaint) = self.check_bound(what) {
                panic!("{complaint}");
            }
            thread::sleep(POLL);
        }
    }

    /// Waits for the end of the process and gives what it printed; fails the test where there is no
    /// end.
    #[must_use = "a process whose outcome nobody looks at proves nothing"]
    #[track_caller]
    pub fn wait(self) -> Output {
        match self.try_wait() {
            Ok(output) => output,
            Err(complaint) => panic!("{complaint}"),
        }
    }

    /// Waits for the end of the process, or tells why there was none in time.
    pub fn try_wait(mut self) -> Result<Output, String> {
        let status = loop {
            match self.try_reap() {
                Some(status) => break status,
                None => self.check_bound("its end")?,
            }
            thread::sleep(POLL);
        };
        let duration = self.started.elapsed();
        self.check_closed()?;
        Ok(Output::new(status, self.stdout.bytes(), &self.stderr.bytes(), duration))
    }

    fn try_reap(&mut self) -> Option<ExitStatus> {
        let status = self.child.try_wait().expect("the child can be waited for");
        self.reaped = status.is_some();
        status
    }

    fn check_bound(&mut self, what: &str) -> Result<(), String> {
        if self.started.elapsed() <= self.bound {
            return Ok(());
        }
        self.kill_group();
        Err(format!("no sign of {what} after {:?}\n{}", self.bound, self.transcript()))
    }

    /// A descendant that outlives the program with its stdout in hand would hang a shell pipeline:
    /// a bug to be seen.
    fn check_closed(&self) -> Result<(), String> {
        let until = Instant::now() + DRAIN;
        while !(self.stdout.is_closed() && self.stderr.is_closed()) {
            if Instant::now() > until {
                send("KILL", &format!("-{}", self.id()));
                return Err(format!(
                    "ended, but a descendant keeps its output open\n{}",
                    self.transcript()
                ));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn transcript(&self) -> String {
        let (stdout, stderr) = self.so_far();
        format!("--- stdout so far ---\n{stdout}\n--- stderr so far ---\n{stderr}")
    }

    fn kill_group(&mut self) {
        send("KILL", &format!("-{}", self.id()));
        // Reaped, so that no zombie stays; the kill above makes this short.
        let _ = self.child.wait();
        self.reaped = true;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if !self.reaped {
            self.kill_group();
        }
    }
}

/// Sends a signal through the `kill` program; `target` is a process id, or a group id with a dash
/// before it.
fn send(signal: &str, target: &str) {
    // The target may be gone by now, which is what a signal is for as often as not: the status says
    // nothing.
    let _ = Command::new("kill").args(["-s", signal, "--", target]).stderr(Stdio::null()).status();
}

/// A pipe of the child, emptied by a thread so that the child never blocks on it.
struct Pipe {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Pipe {
    fn drain(mut source: impl Read + Send + 'static) -> Self {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&bytes);
        let reader = thread::spawn(move || {
            let mut chunk = [0; 16 * 1024];
            while let Ok(count @ 1..) = source.read(&mut chunk) {
                sink.lock().expect("no reader panics").extend_from_slice(&chunk[..count]);
            }
        });
        Self { bytes, reader }
    }

    fn is_closed(&self) -> bool {
        self.reader.is_finished()
    }

    fn bytes(&self) -> Vec<u8> {
        self.bytes.lock().expect("no reader panics").clone()
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes()).into_owned()
    }
}
