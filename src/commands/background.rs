//! Reviews in the background: begun after a commit, read by the push, shown by `status`, ended by `cancel`.

use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use git2::{Repository, RepositoryState};
use jiff::Timestamp;
use process_wrap::std::CommandWrap;
#[cfg(unix)]
use process_wrap::std::ProcessSession;

use super::review::{self, Wish};
use super::session::Session;
use super::{print, tell};
use crate::background::{Background, Last, Subject, Turn};
use crate::cli::BackgroundArgs;
use crate::env;
use crate::exit::Exit;
use crate::report::{Review, age};
use crate::source::{self, Brings, Update};
use crate::visible;

/// How long a commit is left alone before Codex is asked about it: another one may follow at once.
const SETTLE: Duration = Duration::from_secs(1);

/// How often the worker looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// How often it reminds itself where the end takes its time.
const REMIND: Duration = Duration::from_secs(5);

/// How long `cancel` waits for the end, which takes a child that does not listen four seconds.
const PATIENCE: Duration = Duration::from_secs(10);

/// What git runs after a commit: begins a review and does not wait for it. Nothing that goes wrong here is a
/// reason to trouble whoever commits with more than a line.
pub(super) fn post_commit() -> Exit {
    if !env::skip()
        && let Err(error) = begin()
    {
        tell("note", &format!("no review in the background: {error:#}"));
    }
    Exit::Clean
}

fn begin() -> Result<()> {
    let repo = source::open()?;
    if is_in_the_middle(&repo) {
        return Ok(());
    }
    let background = Background::of(&repo);
    let failed = || format!("cannot write `{}`", background.folder().display());
    let wanted = background.want().with_context(failed)?;
    let program = std::env::current_exe().context("the program does not know where it is")?;
    let mut command = Command::new(program);
    command.arg("background").arg(wanted.token);
    // git waits until nobody holds its pipes any more.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    #[cfg(windows)]
    {
        const DETACHED_PROCESS: u32 = 0x8;
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        let flags = DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP;
        std::os::windows::process::CommandExt::creation_flags(&mut command, flags);
    }
    let mut command = CommandWrap::from(command);
    // The terminal of the commit may go at once: the session is another one before the program begins.
    #[cfg(unix)]
    command.wrap(ProcessSession);
    command.spawn().context("cannot start it")?;
    Ok(())
}

/// Whether the commit is one of many, of a rebase for example, or on no branch that a push would bring.
fn is_in_the_middle(repo: &Repository) -> bool {
    use RepositoryState::{
        ApplyMailbox, ApplyMailboxOrRebase, CherryPickSequence, Rebase, RebaseInteractive,
        RebaseMerge, RevertSequence,
    };
    let sequence = matches!(
        repo.state(),
        ApplyMailbox
            | ApplyMailboxOrRebase
            | CherryPickSequence
            | Rebase
            | RebaseInteractive
            | RebaseMerge
            | RevertSequence
    );
    sequence || repo.head_detached().unwrap_or(true)
}

/// The worker: reviews what a push of the current branch would bring, if it is still the one that is wanted.
pub(super) fn work(args: &BackgroundArgs, flags: &[(String, String)]) -> Result<Exit> {
    let repo = source::open()?;
    let background = Background::of(&repo);
    let Some(turn) = background.turn(&args.token) else {
        return Ok(Exit::Clean);
    };
    end_when_unwanted(background, args.token.clone());
    let on = subject(&repo)?;
    turn.tell(on.clone(), None, 0)?;
    let reviewed = reviewed(repo, &turn, &on, flags);
    let exit = match &reviewed {
        Ok(Some(review)) => review::exit(review),
        Ok(None) => Exit::Clean,
        Err(_) => Exit::BadRequest,
    };
    if matches!(exit, Exit::Interrupted | Exit::Terminated) {
        return Ok(exit);
    }
    let said = match &reviewed {
        Ok(Some(review)) => said(review),
        Ok(None) => "nothing that a push would bring".to_owned(),
        Err(error) => format!("no review: {error:#}"),
    };
    let record = reviewed.ok().flatten().and_then(|review| review.record);
    turn.end(Last { on, at: Timestamp::now(), said, record })?;
    Ok(exit)
}

/// The review; none where there is nothing to push, or nowhere to push it to.
fn reviewed(
    repo: Repository,
    turn: &Turn,
    on: &Subject,
    flags: &[(String, String)],
) -> Result<Option<Review>> {
    let Some(spec) = wanted(&repo)? else {
        return Ok(None);
    };
    let session = Session::within(Some(repo), flags)?;
    let seen = review::look(&session, &spec, None, &mut |_| {})?;
    let hunks = seen.scan.stats.counts.selected_hunks;
    turn.tell(on.clone(), seen.digest(&session), hunks)?;
    if seen.asks() {
        thread::sleep(SETTLE);
    }
    Ok(Some(review::conclude(&session, seen, Wish::SecondOpinion, &mut |_| {})))
}

/// The branch and the commit that are reviewed.
fn subject(repo: &Repository) -> Result<Subject> {
    let head = repo.head().context("there is no commit yet")?;
    let name = String::from_utf8_lossy(head.name_bytes()).into_owned();
    let commit = head.peel_to_commit()?;
    let short = commit.as_object().short_id()?;
    Ok(Subject { name, commit: String::from_utf8_lossy(&short).into_owned() })
}

/// What a push of the current branch would bring, as far as this clone knows.
fn wanted(repo: &Repository) -> Result<Option<source::Spec>> {
    if repo.remotes()?.is_empty() {
        return Ok(None);
    }
    let update = Update::between(repo, None, "HEAD")?;
    match source::brings(repo, &[update])?.pop() {
        Some(Brings::Range(spec)) => Ok(Some(spec)),
        Some(Brings::Unknown(why)) => bail!("{why}"),
        Some(Brings::Nothing) | None => Ok(None),
    }
}

/// Ends this very process in order once another review is wanted, or none: by the signal that it would get from
/// outside, which ends Codex, writes the record and exits.
fn end_when_unwanted(background: Background, token: String) {
    thread::spawn(move || {
        loop {
            thread::sleep(LOOK);
            if !background.is_wanted(&token) {
                end_this_process();
                thread::sleep(REMIND);
            }
        }
    });
}

#[cfg(unix)]
fn end_this_process() {
    use rustix::process::{Signal, getpid, kill_process};
    let _ = kill_process(getpid(), Signal::TERM);
}

/// There are no signals; the job object takes Codex along.
#[cfg(windows)]
fn end_this_process() {
    std::process::exit(i32::from(Exit::Terminated.code()));
}

/// What a review came to, in a line.
fn said(review: &Review) -> String {
    let outcome = review.verdict.outcome.name();
    match &review.consultation.failure {
        Some(failure) => format!("{outcome}, no second opinion: {}", failure.line()),
        None => {
            let status = review.consultation.status.name();
            let findings = match review.checked.findings.len() {
                1 => "1 finding".to_owned(),
                count => format!("{count} findings"),
            };
            format!("{outcome}, {status}, {findings}")
        }
    }
}

/// `git advisor status`.
pub(super) fn status() -> Result<Exit> {
    let background = Background::of(&source::open()?);
    let ago = |at: Timestamp| {
        age(Duration::try_from(Timestamp::now().duration_since(at)).unwrap_or_default())
    };
    let of = |on: &Subject| {
        let name = on.name.strip_prefix("refs/heads/").unwrap_or(&on.name);
        format!("{} at {}", visible::line(name), visible::line(&on.commit))
    };
    let mut out = String::new();
    if let Some(running) = background.running() {
        let hunks = match running.hunks {
            0 => String::new(),
            1 => ", 1 hunk".to_owned(),
            count => format!(", {count} hunks"),
        };
        out.push_str(&format!(
            "running since {}: {}{hunks} (process {}); `git advisor cancel` ends it\n",
            ago(running.since),
            of(&running.on),
            running.process
        ));
    } else {
        out.push_str("no review is running in the background\n");
    }
    if let Some(last) = background.last() {
        let record = last.record.map(|id| format!("; git advisor show {}", visible::line(&id)));
        out.push_str(&format!(
            "last, {} ago: {}: {}{}\n",
            ago(last.at),
            of(&last.on),
            visible::line(&last.said),
            record.unwrap_or_default()
        ));
    }
    print(&out)?;
    Ok(Exit::Clean)
}

/// `git advisor cancel`.
pub(super) fn cancel() -> Result<Exit> {
    let background = Background::of(&source::open()?);
    let running = background.running();
    let failed = || format!("cannot write `{}`", background.folder().display());
    if !background.withdraw(PATIENCE).with_context(failed)? {
        let process = running.map(|running| format!(" (process {})", running.process));
        bail!("the review in the background{} does not end", process.unwrap_or_default());
    }
    print(match running {
        Some(_) => "cancelled\n",
        None => "no review was running in the background\n",
    })?;
    Ok(Exit::Clean)
}
