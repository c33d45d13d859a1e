//! `git advisor ci`: a review in a CI job.
//!
//! The range is found from what the service says; configuration and rules come from the base of the
//! range, so that a change cannot loosen its own review.

use std::fs::{self, OpenOptions};
use std::io::Write;

use anyhow::{Context, Error, Result, bail};
use git2::Repository;
use jiff::Timestamp;
use serde_json::Value;

use super::news;
use super::review::{self, Wish};
use super::session::Session;
use super::{files, print, print_report, tell, width};
use crate::cli::CiArgs;
use crate::consult::home;
use crate::env;
use crate::exit::Exit;
use crate::report::{Format, Review, View, render};
use crate::source::{self, Job, Service, SourceError, Spec};

/// A larger event file than this, in bytes, is none of GitHub's.
const MAX_EVENT: u64 = 64 << 20;

pub(super) fn run(args: &CiArgs, flags: &[(String, String)]) -> Result<Exit> {
    let reports = args.files.all();
    files::check(&reports)?;
    let mut flags = flags.to_vec();
    flags.insert(0, ("config.from".to_owned(), "base".to_owned()));
    flags.extend(args.fail_on.iter().map(|level| ("gate.fail_on".to_owned(), level.clone())));
    flags.extend(args.fresh.flag());
    let job = Job::of(&env::job(), &event()?);
    let spec = match &args.range {
        Some(range) => Spec::revisions(range),
        None => range(&source::open()?, &job)?,
    };
    let session = Session::open(&spec, &flags).map_err(|error| mended(error, &job))?;
    let wish = wish(args, &job, &session);
    let review = review::review(&session, &spec, None, wish, &mut news::on_stderr())
        .map_err(|error| mended(error, &job))?;
    let view = View { width: width(), now: Timestamp::now() };
    print_report(&render(&review, Format::Text, view), Format::Text)?;
    if job.service == Service::GitHub {
        print(&render(&review, Format::Github, view))?;
        add_step_summary(&review, view);
    }
    files::write(&reports, &review, view)?;
    Ok(review::exit(&review))
}

/// Adds what to change in the job where commits are not there.
fn mended(error: Error, job: &Job) -> Error {
    match error.downcast_ref() {
        Some(SourceError::UnknownRevision(..) | SourceError::NoMergeBase(..)) => {
            error.context(job.mend())
        }
        _ => error,
    }
}

/// The event that started a job of GitHub's.
fn event() -> Result<Value> {
    let Some(path) = env::job().remove("GITHUB_EVENT_PATH") else { return Ok(Value::Null) };
    let failed = || format!("cannot read the event `{path}` that GITHUB_EVENT_PATH names");
    if fs::metadata(&path).with_context(failed)?.len() > MAX_EVENT {
        bail!("`{path}` is too large for an event of GitHub's");
    }
    serde_json::from_slice(&fs::read(&path).with_context(failed)?).with_context(failed)
}

/// The first range of the job whose ends are both here.
fn range(repo: &Repository, job: &Job) -> Result<Spec> {
    let here = |rev: &str| repo.revparse_single(rev).is_ok();
    let found = job.ends.iter().find(|(old, new)| here(old) && here(new));
    match (found, job.ends.first()) {
        (Some(ends), _) => Ok(Job::spec(ends)),
        (None, Some((old, new))) => {
            bail!("this job is about {old}...{new}, and this clone has not both; {}", job.mend())
        }
        (None, None) if job.service == Service::Other => Ok(Spec::Default),
        (None, None) => {
            bail!("this job is about no range of commits; name one: `git advisor ci A...B`")
        }
    }
}

/// A change from a fork comes without a key: that is said plainly, and is no outage.
fn wish(args: &CiArgs, job: &Job, session: &Session) -> Wish {
    if args.no_codex {
        return Wish::LocalOnly;
    }
    let provider = session.config.codex.config.contains_key("model_provider");
    if job.fork && !home::has_login() && !provider {
        tell(
            "note",
            "the change comes from a fork, whose jobs get no key: the rules alone look at it",
        );
        return Wish::LocalOnly;
    }
    Wish::SecondOpinion
}

/// Adds the review to the page of the run. What cannot be written there is still in the log.
fn add_step_summary(review: &Review, view: View) {
    let Some(path) = env::job().remove("GITHUB_STEP_SUMMARY") else { return };
    let file = OpenOptions::new().append(true).create(true).open(&path);
    let text = render(review, Format::Summary, view);
    if let Err(error) = file.and_then(|mut file| file.write_all(text.as_bytes())) {
        tell("warning", &format!("no step summary: cannot write `{path}`: {error}"));
    }
}
