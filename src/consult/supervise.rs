//! The one loop in which output, exit, silence, deadlines and interrupts meet.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};

use super::codex::Call;
use super::events::{Event, Sign};
use super::failure::Failure;
use super::lines::Lines;
use super::process::{self, Group};
use super::stop::Stop;
use super::warden::Warden;
use super::{Clock, Consulted, Outcome, installed};
use crate::redact;

/// Longest line that is read, in bytes; an answer is one line.
const MAX_LINE: usize = 8 << 20;

/// More output than this, in bytes, and the call is ended.
const MAX_OUTPUT: usize = 32 << 20;

/// How long what is still in the pipes is read after the child has ended; a descendant may keep
/// them open for ever.
pub(super) const DRAIN: Duration = Duration::from_millis(500);

/// How long what is in the pipes is read after the call has been decided, while the child still runs.
const REST: Duration = Duration::from_millis(20);

/// How long after the first sign of a failure its full message is waited for, where Codex retries by itself.
const LAST_WORDS: Duration = Duration::from_millis(700);

/// The same where it does not: its message then follows in milliseconds, on a machine that is busy in seconds,
/// and it alone tells a usage limit with its end from any other.
const SURE_WORDS: Duration = Duration::from_secs(2);

/// How far a call is, for whoever waits for it.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// Since the call was made.
    pub elapsed: Duration,
    /// Since the last sign of life.
    pub silent: Duration,
    /// Whether the server has begun to answer.
    pub answering: bool,
}

/// Makes the call and watches it to its end. Nothing of it is left running.
pub(super) async fn run(
    call: &Call,
    prompt: &str,
    clock: Clock,
    stop: &Stop,
    progress: &mut dyn FnMut(&Progress),
) -> Consulted {
    let mut group = match process::start(&call.program, &call.args, &call.environment, &call.folder)
    {
        Ok(group) => group,
        Err(error) => {
            let failure = installed::spawn_failure(&call.program, &error);
            return Consulted { outcome: Outcome::Unavailable(failure), ..Consulted::default() };
        }
    };
    let warden = Warden::of(group.id(), call.folder.parent().unwrap_or(&call.folder));
    feed(&mut group, prompt);
    let mut watch = Watch::new(clock, call.one_request);
    let end = watch.watch(&mut group, stop, progress).await;
    let status = process::end(&mut group).await;
    drop(warden);
    watch.concluded(end, status)
}

/// Writes the prompt and closes the pipe, beside the loop: a child that never reads must not hang us.
pub(super) fn feed(group: &mut Group, prompt: &str) {
    if let Some(mut stdin) = group.stdin().take() {
        let prompt = prompt.to_owned();
        tokio::spawn(async move {
            drop(stdin.write_all(prompt.as_bytes()).await);
            drop(stdin.shutdown().await);
        });
    }
}

/// Why the loop was left.
enum End {
    /// The child ended by itself.
    Exited,
    /// The turn is complete; nothing more is wanted.
    Completed,
    /// Something showed that the call has failed.
    Failed(Failure),
}

/// What has been seen of a call.
struct Watch {
    clock: Clock,
    begun: Instant,
    last_sign: Instant,
    answering: bool,
    one_request: bool,
    answers: usize,
    out_lines: Lines,
    err_lines: Lines,
    read: usize,
    consulted: Consulted,
    message: Option<String>,
    completed: bool,
    /// The last error that was said, whether or not it was final.
    last_error: Option<String>,
    /// A failure of which the headers told; its message may follow until then.
    impending: Option<(Failure, Instant)>,
}

impl Watch {
    fn new(clock: Clock, one_request: bool) -> Self {
        let now = Instant::now();
        Watch {
            clock,
            begun: now,
            last_sign: now,
            answering: false,
            one_request,
            answers: 0,
            out_lines: Lines::new(MAX_LINE),
            err_lines: Lines::new(64 << 10),
            read: 0,
            consulted: Consulted { started: true, ..Consulted::default() },
            message: None,
            completed: false,
            last_error: None,
            impending: None,
        }
    }

    async fn watch(
        &mut self,
        group: &mut Group,
        stop: &Stop,
        progress: &mut dyn FnMut(&Progress),
    ) -> End {
        let (mut stdout, mut stderr) = (group.stdout().take(), group.stderr().take());
        let (mut out_buffer, mut err_buffer) = (vec![0; 64 << 10], vec![0; 64 << 10]);
        let mut stop = std::pin::pin!(stop.stopped());
        let mut exited_at: Option<Instant> = None;
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        loop {
            let alarm = match exited_at {
                Some(at) => at + DRAIN,
                None => self.alarm(),
            };
            let end = tokio::select! {
                count = read(&mut stdout, &mut out_buffer) => self.output(&out_buffer[..count], &mut stdout),
                count = read(&mut stderr, &mut err_buffer) => self.diagnostics(&err_buffer[..count], &mut stderr),
                _ = group.wait(), if exited_at.is_none() => { exited_at = Some(Instant::now()); None }
                () = sleep_until(alarm) => Some(if exited_at.is_some() { End::Exited } else { self.alarmed() }),
                stopped = &mut stop => Some(End::Failed(stopped)),
                _ = tick.tick() => { progress(&self.progress()); None }
            };
            if let Some(end) = end {
                return self.last(end, stdout, stderr).await;
            }
            if exited_at.is_some() && stdout.is_none() && stderr.is_none() {
                return End::Exited;
            }
        }
    }

    /// Reads what had been written when the end was seen, so that the record has it; an attempt to act among it
    /// still counts.
    async fn last(
        &mut self,
        end: End,
        mut stdout: Option<impl AsyncRead + Unpin>,
        mut stderr: Option<impl AsyncRead + Unpin>,
    ) -> End {
        let (mut out_buffer, mut err_buffer) = (vec![0; 64 << 10], vec![0; 64 << 10]);
        let until = Instant::now() + REST;
        while Instant::now() < until && (stdout.is_some() || stderr.is_some()) {
            let found = tokio::select! {
                count = read(&mut stdout, &mut out_buffer) => self.output(&out_buffer[..count], &mut stdout),
                count = read(&mut stderr, &mut err_buffer) => self.diagnostics(&err_buffer[..count], &mut stderr),
                () = sleep_until(until) => None,
            };
            match (&end, found) {
                (End::Completed, Some(failed @ End::Failed(_))) => return failed,
                (_, Some(End::Failed(_))) => return end,
                _ => {}
            }
        }
        end
    }

    fn progress(&self) -> Progress {
        Progress {
            elapsed: self.begun.elapsed(),
            silent: self.last_sign.elapsed(),
            answering: self.answering,
        }
    }

    /// When the next clock runs out.
    fn alarm(&self) -> Instant {
        let quiet = if self.answering {
            self.last_sign + self.clock.idle
        } else {
            self.begun + self.clock.first_answer
        };
        let alarm = quiet.min(self.begun + self.clock.deadline);
        self.impending.as_ref().map_or(alarm, |(_, until)| alarm.min(*until))
    }

    /// Which clock ran out.
    fn alarmed(&mut self) -> End {
        if let Some((failure, until)) = self.impending.take()
            && Instant::now() >= until
        {
            return End::Failed(failure);
        }
        let seconds = |duration: Duration| format!("{} s", duration.as_secs_f32());
        let failure = if self.begun.elapsed() >= self.clock.deadline {
            let message =
                format!("Codex took longer than the deadline of {}", seconds(self.clock.deadline));
            Failure::of("deadline", &message)
        } else if self.answering {
            let message =
                format!("Codex has shown no sign of life for {}", seconds(self.clock.idle));
            Failure::of("idle", &message)
        } else {
            let message = format!(
                "the server has not begun to answer within {}",
                seconds(self.clock.first_answer)
            );
            Failure::of("no-headers", &message)
        };
        End::Failed(failure)
    }

    fn output(&mut self, bytes: &[u8], pipe: &mut Option<impl AsyncRead>) -> Option<End> {
        if bytes.is_empty() {
            *pipe = None;
            let rest = self.out_lines.rest();
            return rest.and_then(|line| self.event(&line));
        }
        self.last_sign = Instant::now();
        self.read += bytes.len();
        self.consulted.events.extend_from_slice(bytes);
        let lines = self.out_lines.push(bytes);
        if self.read > MAX_OUTPUT || self.out_lines.overflowed {
            return Some(End::Failed(Failure::of(
                "too-large",
                "Codex wrote more than an answer can be",
            )));
        }
        lines.iter().find_map(|line| self.event(line))
    }

    fn event(&mut self, line: &str) -> Option<End> {
        match Event::read(line) {
            Event::ThreadStarted(id) => self.consulted.session_id = Some(id),
            Event::Message(text) => {
                self.answering = true;
                self.message = Some(text);
            }
            Event::Completed(usage) => {
                self.completed = true;
                self.consulted.usage = (!usage.is_null()).then_some(usage);
                return Some(End::Completed);
            }
            Event::Failed(message) => return Some(End::Failed(failed(&message))),
            Event::Error(message) => {
                let limit =
                    Failure::shown_by(&message).filter(|_| message.starts_with("Reconnecting"));
                self.last_error = Some(message);
                // Codex would go on trying for minutes; the first line already says why.
                return limit.map(End::Failed);
            }
            Event::Warning(message) => self.warning(message),
            Event::Acted(what) => return Some(End::Failed(attempt(&what))),
            Event::Other => {}
        }
        None
    }

    fn warning(&mut self, message: String) {
        if message.starts_with("model rerouted") {
            let first = message.lines().next().unwrap_or_default();
            self.consulted
                .notes
                .push(format!("another model answered than the one asked for: {first}"));
        }
        self.last_error.get_or_insert(message);
    }

    fn diagnostics(&mut self, bytes: &[u8], pipe: &mut Option<impl AsyncRead>) -> Option<End> {
        let lines = if bytes.is_empty() {
            *pipe = None;
            self.err_lines.rest().into_iter().collect()
        } else {
            self.read += bytes.len();
            self.err_lines.push(bytes)
        };
        if self.read > MAX_OUTPUT {
            return Some(End::Failed(Failure::of(
                "too-large",
                "Codex wrote more than an answer can be",
            )));
        }
        lines.iter().find_map(|line| self.sign(line))
    }

    fn sign(&mut self, line: &str) -> Option<End> {
        let sign = Sign::read(line);
        if sign.may_be_kept() {
            self.consulted.stderr.extend_from_slice(redact::line(line).as_bytes());
            self.consulted.stderr.push(b'\n');
            return None;
        }
        self.last_sign = Instant::now();
        match sign {
            Sign::Headers(200) => {
                self.answering = true;
                self.impending = None;
                self.answers += 1;
                let more = self.answers > 1 && self.one_request;
                more.then(|| End::Failed(attempt("a second request, which only a tool call makes")))
            }
            // A ChatGPT login is renewed after a 401 and asked again; Codex says when that fails.
            Sign::Headers(401) | Sign::Alive | Sign::Beat | Sign::Text => None,
            Sign::Headers(status) => {
                self.impend(&format!("the server answered with status {status}"));
                None
            }
            Sign::NoConnection => {
                self.impend("Connection failed: error sending request");
                None
            }
            Sign::Acted(name) => Some(End::Failed(attempt(&name))),
        }
    }

    /// The headers show a failure; Codex's own words for it are better, if they come soon.
    fn impend(&mut self, message: &str) {
        if self.impending.is_none() {
            let patience = if self.one_request { SURE_WORDS } else { LAST_WORDS };
            self.impending = Some((failed(message), Instant::now() + patience));
        }
    }

    /// Makes the result of what was seen.
    fn concluded(mut self, end: End, status: Option<std::process::ExitStatus>) -> Consulted {
        let outcome = match end {
            End::Failed(failure) => Outcome::Unavailable(failure),
            End::Completed | End::Exited if self.completed => match self.message.take() {
                Some(text) if !text.trim().is_empty() => Outcome::Answered(text),
                _ => Outcome::Unavailable(Failure::of(
                    "no-answer",
                    "Codex completed its turn without an answer",
                )),
            },
            End::Completed | End::Exited => Outcome::Unavailable(self.unfinished(status)),
        };
        self.consulted.outcome = outcome;
        self.consulted
    }

    /// Why a call ended that never completed its turn.
    fn unfinished(&self, status: Option<std::process::ExitStatus>) -> Failure {
        if let Some((failure, _)) = &self.impending {
            return failure.clone();
        }
        let stderr = String::from_utf8_lossy(&self.consulted.stderr);
        let said = self.last_error.as_deref().or_else(|| telling_line(&stderr));
        if let Some(failure) = said.and_then(Failure::shown_by) {
            return failure;
        }
        let said = said.map(|said| format!(": {said}")).unwrap_or_default();
        match status {
            Some(status) if killed(status) => {
                Failure::of("killed", &format!("Codex was ended from outside ({status}){said}"))
            }
            Some(status) => {
                Failure::of("crashed", &format!("Codex ended without an answer ({status}){said}"))
            }
            None => Failure::of("crashed", &format!("Codex ended without an answer{said}")),
        }
    }
}

/// The line of stderr that says most: the last that begins like an error, else the last.
fn telling_line(stderr: &str) -> Option<&str> {
    let mut lines = stderr
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("WARNING"));
    let mut errors = lines.clone().filter(|line| line.to_ascii_lowercase().starts_with("error"));
    errors.next_back().or_else(|| lines.next_back())
}

fn failed(message: &str) -> Failure {
    Failure::shown_by(message).unwrap_or_else(|| Failure::of("crashed", message))
}

fn attempt(what: &str) -> Failure {
    Failure::of(
        "tool-attempt",
        &format!("Codex tried to act ({what}) although it was given no tool"),
    )
}

/// Whether a signal was the end; a launcher between says so by a status above 128, as shells do.
#[cfg(unix)]
fn killed(status: std::process::ExitStatus) -> bool {
    std::os::unix::process::ExitStatusExt::signal(&status).is_some()
        || status.code().is_some_and(|code| code > 128)
}

#[cfg(windows)]
fn killed(_: std::process::ExitStatus) -> bool {
    false
}

/// Reads what is there; 0 is the end of the pipe. A pipe that is gone never wakes the loop.
pub(super) async fn read(pipe: &mut Option<impl AsyncRead + Unpin>, buffer: &mut [u8]) -> usize {
    match pipe {
        Some(pipe) => pipe.read(buffer).await.unwrap_or(0),
        None => std::future::pending().await,
    }
}
