//! The second judge: a program of the user's that reads a checked review and writes prose.
//!
//! It runs as Codex does: in a group of its own, in an empty folder, with named variables only, within
//! clocks and bounds. What it writes is shown; nothing depends on it.

use std::fs;
use std::io;
use std::process::ExitStatus;

use thiserror::Error;
use tokio::time::{Instant, sleep_until};

use super::process::{self, Environment, Group, SpawnError};
use super::supervise::{DRAIN, feed, read};
use super::warden::Warden;
use super::{Clock, home};
use crate::config::Judge;
use crate::{env, visible};

/// Most that it may write, in bytes: it is prose for a person.
const MAX_PROSE: usize = 256 << 10;

/// Variables that it gets beside those of every program and those that the user names: where its login is.
const PASSED_ON: [&str; 4] = ["HOME", "TMP", "USERPROFILE", "APPDATA"];

/// Why a judge has nothing to say. Each message goes on after "the second judge gives nothing: ".
#[derive(Debug, Error)]
pub enum NoJudgement {
    /// It cannot be started.
    #[error("it cannot be run: {0}")]
    NotRun(String),
    /// The whole call took too long.
    #[error("it took longer than the {0} s that were left")]
    Deadline(u64),
    /// It has shown no sign of life.
    #[error("it has written nothing for {0} s")]
    Idle(u64),
    /// It writes without end.
    #[error("it wrote more than {} KiB", MAX_PROSE >> 10)]
    TooLong,
    /// It ended badly; with the last line of its stderr.
    #[error("it ended with {status}{said}")]
    Failed {
        /// How it ended.
        status: ExitStatus,
        /// What it said, behind a colon.
        said: String,
    },
    /// It ended well and wrote nothing.
    #[error("it wrote nothing")]
    Silent,
}

impl From<io::Error> for NoJudgement {
    fn from(error: io::Error) -> Self {
        NoJudgement::NotRun(error.to_string())
    }
}

impl From<SpawnError> for NoJudgement {
    fn from(error: SpawnError) -> Self {
        NoJudgement::NotRun(error.to_string())
    }
}

/// Lets the judge read a review, and gives its prose as it was written. Of the clock, `idle` and `deadline` count.
///
/// # Errors
/// When there is no prose; nothing of the judge is left running.
pub fn judge(judge: &Judge, review: &str, clock: Clock) -> Result<String, NoJudgement> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // An interruption ends the program; the warden then takes the judge along.
    runtime.block_on(run(judge, review, clock))
}

async fn run(judge: &Judge, review: &str, clock: Clock) -> Result<String, NoJudgement> {
    let folder = home::temporary("git-advisor-judge-", &std::env::temp_dir())?;
    let empty = folder.path().join("empty");
    fs::create_dir(&empty)?;
    let program = judge.program.as_ref();
    let mut group = process::start(program, &judge.args, &environment(judge), &empty)?;
    let warden = Warden::of(group.id(), folder.path());
    feed(&mut group, review);
    let heard = listen(&mut group, clock).await;
    process::end(&mut group).await;
    drop(warden);
    heard
}

fn environment(judge: &Judge) -> Environment {
    let ours = env::EVERY_PROGRAM.iter().chain(&PASSED_ON).copied();
    let named = ours.chain(judge.env.iter().map(String::as_str));
    named.filter_map(|name| Some((name.into(), env::passed_on(name)?))).collect()
}

/// Reads both pipes until the judge has ended. A descendant that keeps them open is not waited for.
async fn listen(group: &mut Group, clock: Clock) -> Result<String, NoJudgement> {
    let (mut stdout, mut stderr) = (group.stdout().take(), group.stderr().take());
    let (mut out_buffer, mut err_buffer) = (vec![0; 16 << 10], vec![0; 16 << 10]);
    let (mut prose, mut complaint) = (Vec::new(), Vec::new());
    let deadline = Instant::now() + clock.deadline;
    let mut quiet = Instant::now() + clock.idle;
    let mut ended: Option<(ExitStatus, Instant)> = None;
    loop {
        let alarm = ended.map_or(quiet.min(deadline), |(_, at)| at + DRAIN);
        tokio::select! {
            count = read(&mut stdout, &mut out_buffer) => {
                prose.extend_from_slice(&out_buffer[..count]);
                quiet = Instant::now() + clock.idle;
                stdout = stdout.filter(|_| count > 0);
            }
            count = read(&mut stderr, &mut err_buffer) => {
                complaint.extend_from_slice(&err_buffer[..count]);
                quiet = Instant::now() + clock.idle;
                stderr = stderr.filter(|_| count > 0);
            }
            status = group.wait(), if ended.is_none() => ended = Some((status?, Instant::now())),
            () = sleep_until(alarm) => match ended {
                Some((status, _)) => return said(status, &prose, &complaint),
                None if Instant::now() >= deadline => {
                    return Err(NoJudgement::Deadline(clock.deadline.as_secs()));
                }
                None => return Err(NoJudgement::Idle(clock.idle.as_secs())),
            },
        }
        if prose.len() + complaint.len() > MAX_PROSE {
            return Err(NoJudgement::TooLong);
        }
        if let (Some((status, _)), None, None) = (ended, &stdout, &stderr) {
            return said(status, &prose, &complaint);
        }
    }
}

/// What a judge that has ended by itself leaves behind.
fn said(status: ExitStatus, prose: &[u8], complaint: &[u8]) -> Result<String, NoJudgement> {
    let prose = String::from_utf8_lossy(prose);
    if status.success() {
        return match prose.trim() {
            "" => Err(NoJudgement::Silent),
            prose => Ok(prose.to_owned()),
        };
    }
    let complaint = String::from_utf8_lossy(complaint);
    let last = complaint.lines().rev().map(str::trim).find(|line| !line.is_empty());
    let said = last.map(|line| {
        let short: String = line.chars().take(200).collect();
        format!(": {}", visible::line(short))
    });
    Err(NoJudgement::Failed { status, said: said.unwrap_or_default() })
}
