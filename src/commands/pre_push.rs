//! `git advisor hook pre-push`: a review of what a push would bring.
//!
//! Only findings hold a push back. Whatever else goes wrong is a warning, and what is harmless is
//! passed without a word. All that is printed goes to stderr: stdout is that of `git push`.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use super::news::{self, News};
use super::review::{self, Wish};
use super::session::Session;
use super::{print_aside, tell, width};
use crate::background::Background;
use crate::cli::PrePushArgs;
use crate::env;
use crate::exit::Exit;
use crate::report::{Review, Status, terminal};
use crate::source::{self, Brings, Spec, Update};
use crate::verdict::Outcome;

/// More than this is no list of refs, in bytes.
const MAX_STDIN: u64 = 64 << 20;

/// With less time than this left a call is not begun: a model that thinks needs more.
const MIN_CALL: Duration = Duration::from_secs(10);

pub(super) fn run(args: &PrePushArgs, flags: &[(String, String)]) -> Result<Exit> {
    let mut lines = Vec::new();
    std::io::stdin().lock().take(MAX_STDIN).read_to_end(&mut lines).context("cannot read stdin")?;
    if let Some(before) = args.before.as_deref().filter(|before| before.exists())
        && !passes(before, &args.git, &lines)?
    {
        return Ok(Exit::Findings);
    }
    if env::skip() {
        return Ok(Exit::Clean);
    }
    let updates = source::updates(&String::from_utf8_lossy(&lines));
    let reviewed =
        if updates.is_empty() { of_pre_commit(flags) } else { review_all(&updates, flags) };
    reviewed.or_else(|error| {
        tell("warning", &format!("pushing without a review: {error:#}"));
        Ok(Exit::Clean)
    })
}

/// Runs the hook that was there before, with what git gave to this one. One that cannot be run is as
/// none, as git has it.
fn passes(before: &Path, args: &[OsString], lines: &[u8]) -> Result<bool> {
    let mut child = match Command::new(before).args(args).stdin(Stdio::piped()).spawn() {
        Ok(child) => child,
        Err(error) => {
            tell("warning", &format!("`{}` cannot be run: {error}", before.display()));
            return Ok(true);
        }
    };
    if let Some(mut stdin) = child.stdin.take() {
        // A hook that does not read what it is given has not failed.
        drop(stdin.write_all(lines));
    }
    Ok(child.wait().context("the hook that was here before got lost")?.success())
}

/// Reviews what the updates bring, all of it within the deadline of the hook.
fn review_all(updates: &[Update], flags: &[(String, String)]) -> Result<Exit> {
    let begun = Instant::now();
    let repo = source::open()?;
    let brought = source::brings(&repo, updates).context("cannot tell what the push brings")?;
    let mut wanted = Vec::new();
    for (update, brings) in updates.iter().zip(brought) {
        match brings {
            Brings::Nothing => {}
            Brings::Range(spec) => wanted.push((update.remote_ref.clone(), spec)),
            Brings::Unknown(why) => {
                tell(
                    "warning",
                    &format!("{} is pushed without a review: {why}", update.remote_ref),
                );
            }
        }
    }
    if wanted.is_empty() {
        return Ok(Exit::Clean);
    }
    let background = Background::of(&repo);
    let mut exit = Exit::Clean;
    for (name, spec) in &wanted {
        let mut session = Session::open(spec, flags)?;
        let limits = session.config.limits;
        // The connection to the remote is already open, and servers drop an idle one after some minutes.
        let end = begun + limits.hook_deadline.min(limits.deadline);
        match review_one(&mut session, &background, name, spec, end)? {
            stopped @ (Exit::Interrupted | Exit::Terminated) => return Ok(stopped),
            Exit::Findings => exit = Exit::Findings,
            Exit::Clean | Exit::BadRequest => {}
        }
    }
    if exit == Exit::Findings {
        tell("git-advisor", "the push is held back: findings at or above the threshold, see above");
        tell("git-advisor", "to push anyway: git push --no-verify, or GIT_ADVISOR_SKIP=1 git push");
    }
    Ok(exit)
}

/// Reviews one range, with an answer of before where there is one, by `end` at the latest.
fn review_one(
    session: &mut Session,
    background: &Background,
    name: &str,
    spec: &Spec,
    end: Instant,
) -> Result<Exit> {
    let name = name.strip_prefix("refs/heads/").unwrap_or(name);
    let mut notify = news::on_stderr();
    // Nobody has typed this range, so notes on it are for nobody; what is harmless passes without a word.
    let mut without_notes = |news: News<'_>| {
        if !matches!(news, News::Note(_)) {
            notify(news);
        }
    };
    let left = || end.saturating_duration_since(Instant::now());
    let mut seen = review::look(session, spec, None, &mut without_notes)?;
    let digest = seen.digest(session).filter(|_| seen.asks());
    if let Some(digest) = digest.filter(|digest| background.is_on(digest)) {
        let seconds = left().as_secs();
        tell(
            "git-advisor",
            &format!("{name}: a review of it is running; waiting for it, for {seconds} s at most"),
        );
        background.wait_for(&digest, left());
        seen.recall(session);
    }
    session.config.limits.deadline = left();
    let mut wish = Wish::SecondOpinion;
    if seen.asks() && left() < MIN_CALL {
        tell("warning", &format!("no time is left for a second opinion on {name}"));
        wish = Wish::LocalOnly;
    } else if seen.asks() {
        let hunks = match seen.scan.stats.counts.selected_hunks {
            1 => "1 hunk".to_owned(),
            count => format!("{count} hunks"),
        };
        let seconds = left().as_millis().div_ceil(1000);
        tell(
            "git-advisor",
            &format!("{name}: asking Codex about {hunks}, for {seconds} s at most"),
        );
    }
    let review = review::conclude(session, seen, wish, &mut notify);
    drop(notify);
    if is_worth_a_word(&review) {
        print_aside(&terminal::review(&review, width()));
    }
    Ok(review::exit(&review))
}

/// Whether a person who pushes needs to see the review.
fn is_worth_a_word(review: &Review) -> bool {
    review.consultation.status != Status::NotNeeded || review.verdict.outcome != Outcome::Pass
}

/// Under pre-commit there is no stdin; it names the two ends, or none of them where it means all files.
fn of_pre_commit(flags: &[(String, String)]) -> Result<Exit> {
    let Some(ends) = env::pre_commit() else { return Ok(Exit::Clean) };
    let repo = source::open()?;
    let update =
        Update::between(&repo, ends.from.as_deref(), ends.to.as_deref().unwrap_or("HEAD"))?;
    review_all(&[update], flags)
}
