//! A scripted stand-in for the Codex CLI, for the faults that the real one cannot be made to show.
//!
//! It is a shell script that answers the questions about itself (version, features, models,
//! servers, login) as the real one does, and for `exec` does what a list of verbs says. A verb is
//! appended to the script when it is called, so the stand-in is ready at any moment; `next_call`
//! turns to what the following `exec` shall do.

mod call;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

pub use call::Call;

use super::codex::VERSION;

/// The id that every session of the stand-in has.
pub const THREAD_ID: &str = "01a20000-0000-7000-8000-00000000c0de";

pub struct StandIn {
    dir: TempDir,
    /// The call that verbs are written for.
    call: usize,
    /// Numbers the files with bytes to print.
    prints: usize,
}

impl StandIn {
    /// Without verbs `exec` reads its prompt, prints nothing and exits with 0.
    pub fn new() -> Self {
        let dir = TempDir::with_prefix("stand-in-").expect("a temporary directory");
        let stand_in = Self { dir, call: 1, prints: 0 };
        let here = stand_in.dir.path().to_str().expect("paths of the bench are UTF-8").to_owned();
        let script = include_str!("codex.sh").replace("@HERE@", &here);
        for (name, contents) in [
            ("codex", script.as_str()),
            ("probe.sh", include_str!("probe.sh")),
            ("features.txt", include_str!("features.txt")),
            ("models.json", include_str!("models.json")),
            ("tools", ""),
            ("exec-1.sh", ""),
        ] {
            stand_in.write(name, contents);
        }
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(stand_in.path(), executable).expect("a file of ours");
        stand_in.with_version(&format!("codex-cli {VERSION}"))
    }

    /// The program to name as `codex`.
    pub fn path(&self) -> PathBuf {
        self.file("codex")
    }

    /// The text of a user's configuration that names the stand-in.
    pub fn user_config(&self) -> String {
        format!("[codex]\ncommand = \"{}\"\nmodel = \"gpt-5.5\"\n", self.path().display())
    }

    // What it says about itself.

    /// The whole line that `--version` prints.
    pub fn with_version(self, line: &str) -> Self {
        self.write("version", format!("{line}\n"));
        self
    }

    /// Takes a name out of the feature list, as an older version does not have it.
    pub fn without_feature(self, name: &str) -> Self {
        let list = fs::read_to_string(self.file("features.txt")).expect("a file of ours");
        let rest = list.lines().filter(|line| line.split_whitespace().next() != Some(name));
        self.write("features.txt", rest.map(|line| format!("{line}\n")).collect::<String>());
        self
    }

    /// Offers the model a tool whatever the flags say: a Codex that no leash holds.
    pub fn offering_tool(self, name: &str) -> Self {
        self.write("tools", json!({"type": "function", "name": name}).to_string());
        self
    }

    // What `exec` does, in this order.

    /// Leaves stdin alone, from the first call on.
    pub fn never_read(self) -> Self {
        self.write("never_reads", "");
        self
    }

    /// One line on stdout.
    pub fn emit_event(self, event: &Value) -> Self {
        self.emit_bytes(format!("{event}\n"))
    }

    /// These bytes on stdout.
    pub fn emit_bytes(self, bytes: impl AsRef<[u8]>) -> Self {
        self.print(bytes.as_ref(), "")
    }

    /// A line of so many bytes on stdout, which is no event.
    pub fn emit_huge_line(self, length: usize) -> Self {
        let mut line = vec![b'x'; length];
        line.push(b'\n');
        self.emit_bytes(line)
    }

    /// So many bytes on stdout, made as they are printed, in lines that are no events.
    pub fn flood(self, length: usize) -> Self {
        self.verb(&format!("yes 'no event at all, and so it goes on and on' | head -c {length}"))
    }

    /// So many bytes on stderr, in one line without an end.
    pub fn flood_stderr(self, length: usize) -> Self {
        self.verb(&format!("head -c {length} /dev/zero | tr '\\0' x >&2"))
    }

    /// Closes stdout and lives on.
    pub fn close_stdout(self) -> Self {
        self.verb("exec >&-")
    }

    /// Shows a sign of life five times a second, and nothing else.
    pub fn tick_for_ever(self) -> Self {
        self.verb("while :; do echo 'event.name=\"codex.sse_event\"' >&2; sleep 0.2; done")
    }

    /// A line on stderr.
    pub fn emit_stderr(self, line: &str) -> Self {
        self.print(format!("{line}\n").as_bytes(), " >&2")
    }

    /// The two events with which every turn begins.
    pub fn emit_start(self) -> Self {
        self.emit_event(&json!({"type": "thread.started", "thread_id": THREAD_ID}))
            .emit_event(&json!({"type": "turn.started"}))
    }

    /// The log line that says that the headers of an answer have come.
    pub fn emit_headers(self, status: u16) -> Self {
        self.emit_log(&format!(
            "event.name=\"codex.api_request\" http.response.status_code={status} attempt=0"
        ))
    }

    /// The log line of one piece of an answer.
    pub fn emit_delta(self) -> Self {
        self.emit_log(
            "event.name=\"codex.sse_event\" event.kind=response.output_text.delta duration_ms=1",
        )
    }

    pub fn emit_message(self, text: &str) -> Self {
        self.emit_event(&json!({"type": "item.completed", "item": {
            "id": "item_0", "type": "agent_message", "text": text,
        }}))
    }

    pub fn emit_completed(self) -> Self {
        self.emit_event(&json!({"type": "turn.completed", "usage": {
            "input_tokens": 1200, "cached_input_tokens": 300, "cache_write_input_tokens": 0,
            "output_tokens": 45, "reasoning_output_tokens": 6,
        }}))
    }

    /// A whole turn that went well, with its log lines.
    pub fn emit_answer(self, text: &str) -> Self {
        self.emit_start().emit_headers(200).emit_delta().emit_message(text).emit_completed()
    }

    /// The two events with which a turn fails.
    pub fn emit_failure(self, message: &str) -> Self {
        self.emit_event(&json!({"type": "error", "message": message}))
            .emit_event(&json!({"type": "turn.failed", "error": {"message": message}}))
    }

    /// A whole turn that clears the only hunk, under the label that the prompt gives it.
    pub fn emit_all_clear(mut self) -> Self {
        let answer = json!({"summary": "Fine.", "findings": [], "needs_context": [],
            "hunks": [{"hunk": "@LABEL@", "verdict": "clear", "note": "a fixed list"}]});
        self = self.emit_start().emit_headers(200).emit_delta();
        let event = json!({"type": "item.completed", "item": {
            "id": "item_0", "type": "agent_message", "text": answer.to_string(),
        }});
        self.write("all-clear", format!("{event}\n"));
        let label = "$(sed -n 's/^### \\(H1-[a-z0-9]*\\) .*/\\1/p' \"$call/stdin\")";
        let file = self.file("all-clear");
        self.verb(&format!("sed \"s/@LABEL@/{label}/\" '{}'", file.display())).emit_completed()
    }

    pub fn sleep(self, length: Duration) -> Self {
        self.verb(&format!("sleep {}", length.as_secs_f64()))
    }

    /// Stays until it is killed.
    pub fn hang(self) -> Self {
        self.verb("while :; do sleep 1; done")
    }

    /// Lets polite signals pass by from here on, also for what it starts.
    pub fn ignore_signals(self) -> Self {
        self.verb("trap '' TERM INT HUP")
    }

    /// Starts a process that holds stdout and stderr open for so long.
    pub fn leave_descendant(self, length: Duration) -> Self {
        let file = self.file("descendant");
        self.verb(&format!("sleep {} & echo $! >> '{}'", length.as_secs_f64(), file.display()))
    }

    /// The same in a process group of its own, where a signal to the group does not reach.
    pub fn leave_escaped_descendant(self, length: Duration) -> Self {
        let file = self.file("descendant");
        self.verb(&format!(
            "bash -mc 'sleep {} & echo $! >> \"{}\"'",
            length.as_secs_f64(),
            file.display()
        ))
    }

    /// Notes which descriptors it has been given.
    pub fn list_descriptors(self) -> Self {
        let file = self.file("descriptors");
        self.verb(&format!("ls /proc/$$/fd > '{}'", file.display()))
    }

    pub fn exit(self, status: u8) -> Self {
        self.verb(&format!("exit {status}"))
    }

    /// Is ended by this signal (`"KILL"`, `"SEGV"`, …).
    pub fn die_of(self, signal: &str) -> Self {
        self.verb(&format!("kill -s {signal} $$; sleep 1"))
    }

    /// The verbs that follow are for the next call.
    pub fn next_call(mut self) -> Self {
        self.call += 1;
        self.write(&format!("exec-{}.sh", self.call), "");
        self
    }

    // What came of it.

    /// How often it was started for anything at all, a question about itself included.
    pub fn invoked(&self) -> usize {
        self.lines_of("invocations")
    }

    /// How often `exec` was started in earnest.
    pub fn started(&self) -> usize {
        self.calls().len()
    }

    /// How often `exec` was started at a loopback address, to prove the leash.
    pub fn probed(&self) -> usize {
        self.lines_of("probes")
    }

    /// What each `exec` was given.
    pub fn calls(&self) -> Vec<Call> {
        (1..)
            .map(|number| self.file(&format!("call-{number}")))
            .take_while(|directory| directory.join("started").exists())
            .map(|directory| Call::read(&directory))
            .collect()
    }

    /// What the last `exec` was given.
    #[track_caller]
    pub fn last_call(&self) -> Call {
        self.calls().pop().expect("exec was started")
    }

    /// Waits for the start of the `number`th call.
    #[track_caller]
    pub fn await_call(&self, number: usize) {
        let started = self.file(&format!("call-{number}")).join("started");
        let until = Instant::now() + Duration::from_secs(20);
        while !started.exists() {
            assert!(Instant::now() < until, "call {number} was not started");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// The descriptors that it had when it was asked to note them, but for the script that it reads.
    pub fn descriptors(&self) -> Vec<String> {
        let listed = fs::read_to_string(self.file("descriptors")).expect("they were noted");
        // A shell holds the script, and the file that is sourced, above the ones that it hands on.
        listed
            .lines()
            .filter(|number| number.parse::<u32>().is_ok_and(|n| n < 10))
            .map(str::to_owned)
            .collect()
    }

    /// Waits until a descendant has been started.
    #[track_caller]
    pub fn await_descendant(&self) {
        let until = Instant::now() + Duration::from_secs(20);
        while !self.descendant_lives() {
            assert!(Instant::now() < until, "no descendant was started");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether a descendant is still there.
    pub fn descendant_lives(&self) -> bool {
        self.descendants().iter().any(|id| signal(id, "0"))
    }

    /// Whether no descendant is left, within a few seconds: one that was ended stays as a zombie
    /// until the machine's first process gets round to it.
    pub fn descendants_have_ended(&self) -> bool {
        let begun = Instant::now();
        while self.descendant_lives() && begun.elapsed() < Duration::from_secs(5) {
            thread::sleep(Duration::from_millis(50));
        }
        !self.descendant_lives()
    }

    fn descendants(&self) -> Vec<String> {
        let ids = fs::read_to_string(self.file("descendant")).unwrap_or_default();
        ids.lines().map(str::to_owned).collect()
    }

    fn lines_of(&self, name: &str) -> usize {
        fs::read_to_string(self.file(name)).map_or(0, |text| text.lines().count())
    }

    fn emit_log(self, fields: &str) -> Self {
        self.emit_stderr(&format!(
            "2026-01-01T00:00:00.000000Z  INFO codex_otel.log_only: {fields}"
        ))
    }

    /// The bytes go through a file, where no shell quotes them.
    fn print(mut self, bytes: &[u8], redirection: &str) -> Self {
        self.prints += 1;
        let name = format!("print-{}", self.prints);
        self.write(&name, bytes);
        let file = self.file(&name);
        self.verb(&format!("cat '{}'{redirection}", file.display()))
    }

    fn verb(self, line: &str) -> Self {
        let name = format!("exec-{}.sh", self.call);
        let script = fs::read_to_string(self.file(&name)).expect("a file of ours");
        self.write(&name, format!("{script}{line}\n"));
        self
    }

    fn write(&self, name: &str, contents: impl AsRef<[u8]>) {
        fs::write(self.file(name), contents).expect("a file of ours");
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// A descendant that outlives its test would stay for as long as it sleeps.
impl Drop for StandIn {
    fn drop(&mut self) {
        for id in self.descendants() {
            signal(&id, "KILL");
        }
    }
}

/// Sends a signal and tells whether there was a process to take it.
fn signal(id: &str, name: &str) -> bool {
    let sent = Command::new("kill").args(["-s", name, id]).output();
    sent.is_ok_and(|output| output.status.success())
}
