//! `git advisor review`: the whole path.

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::session::{MAX_RECALLED, Session};
use super::{files, print_report, tell, width};
use crate::cli::ReviewArgs;
use crate::consult::{self, Clock, Consulted, Failure, Outcome};
use crate::exit::Exit;
use crate::prompt::{Nonce, Prompt};
use crate::record::{Part, Record};
use crate::report::progress::ProgressLine;
use crate::report::{Consultation, Review, Scan, Status, View, json, markdown, render};
use crate::source::Spec;
use crate::synthesize::{self, Reply};
use crate::verdict;

pub(super) fn run(args: &ReviewArgs, flags: &[(String, String)]) -> Result<Exit> {
    let spec = args.source.spec();
    let files = args.files.all();
    files::check(&files)?;
    let mut flags = flags.to_vec();
    flags.extend(args.fail_on.iter().map(|level| ("gate.fail_on".to_owned(), level.clone())));
    let session = Session::open(&spec, &flags)?;
    let wish = if args.no_codex { Wish::LocalOnly } else { Wish::SecondOpinion };
    let review = review(&session, &spec, args.question.as_deref(), wish)?;
    let view = View { width: width(), now: Timestamp::now() };
    print_report(&render(&review, args.format, view), args.format)?;
    files::write(&files, &review, view)?;
    Ok(exit(&review))
}

/// Whether the user wants Codex to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// Ask it, if anything is risky.
    SecondOpinion,
    /// Do not.
    LocalOnly,
}

/// Source to verdict; what was obtained is recorded on the way.
pub(super) fn review(
    session: &Session,
    spec: &Spec,
    question: Option<&str>,
    wish: Wish,
) -> Result<Review> {
    let (scan, prompt) = look(session, spec, question)?;
    Ok(conclude(session, scan, prompt, wish))
}

/// Source to prompt, where anything is worth a question.
pub(super) fn look(
    session: &Session,
    spec: &Spec,
    question: Option<&str>,
) -> Result<(Scan, Option<Prompt>)> {
    let nonce = Nonce::random().context("the system has no randomness to give")?;
    let mut scan = session.scan(spec, question, &nonce)?;
    if scan.stats.counts.selected_hunks > 0 {
        // An answer may quote any line of the change, and a check that is gone may stand in any file.
        scan.change.recall(|_| true, MAX_RECALLED)?;
    }
    for note in &scan.source.notes {
        tell("note", note);
    }
    let prompt =
        (scan.stats.counts.selected_hunks > 0).then(|| session.prompt(&scan, question, &nonce));
    Ok((scan, prompt))
}

/// Prompt to verdict.
pub(super) fn conclude(
    session: &Session,
    scan: Scan,
    prompt: Option<Prompt>,
    wish: Wish,
) -> Review {
    match (&prompt, wish) {
        (Some(prompt), Wish::SecondOpinion) if !scan.packet.hunks.is_empty() => {
            let (consulted, record) = ask(session, prompt);
            concluded(session, scan, Some(prompt.clone()), &consulted, record)
        }
        (Some(_), Wish::SecondOpinion) => {
            let failure = Failure::of(
                "nothing-sent",
                "every picked hunk is left out: too large, or of a file that never leaves the machine",
            );
            let consulted =
                Consulted { outcome: Outcome::Unavailable(failure), ..Consulted::default() };
            concluded(session, scan, prompt, &consulted, None)
        }
        (Some(_), Wish::LocalOnly) => without_call(session, scan, prompt, Reply::Skipped),
        (None, _) => without_call(session, scan, prompt, Reply::NotNeeded),
    }
}

/// Asks Codex; the record is begun before, so that an interruption leaves the prompt behind.
fn ask(session: &Session, prompt: &Prompt) -> (Consulted, Option<Record>) {
    let mut record = begin_record(session, prompt);
    let progress = ProgressLine::begin();
    let clock = Clock::of(&session.config);
    let consulted = consult::consult(prompt.text(), &session.config, clock, &mut |at| {
        progress.show(at);
    });
    drop(progress);
    if let Outcome::Unavailable(failure) = &consulted.outcome {
        tell("warning", &format!("no second opinion: {}", failure.line()));
    }
    for note in &consulted.notes {
        tell("warning", note);
    }
    // What never started leaves nothing behind that is worth a place.
    if !consulted.started
        && let Some(Err(error)) = record.take().map(Record::discard)
    {
        tell("warning", &format!("an empty record is left behind: {error}"));
    }
    (consulted, record)
}

fn begin_record(session: &Session, prompt: &Prompt) -> Option<Record> {
    let begin = || -> std::io::Result<Option<Record>> {
        let Some(records) = &session.records else {
            return Ok(None);
        };
        let record = records.begin(Timestamp::now())?;
        record.write(Part::Prompt, prompt.text().as_bytes())?;
        Ok(Some(record))
    };
    begin().unwrap_or_else(|error| {
        tell("warning", &format!("the review is not recorded: {error}"));
        None
    })
}

/// The review of a call that was made or tried.
fn concluded(
    session: &Session,
    scan: Scan,
    prompt: Option<Prompt>,
    consulted: &Consulted,
    record: Option<Record>,
) -> Review {
    let threshold = session.config.gate.fail_on;
    let (reply, status) = match &consulted.outcome {
        Outcome::Answered(text) => (Reply::Answered(text), Status::Answered),
        Outcome::Unavailable(failure) => (Reply::Unavailable(failure), Status::Unavailable),
    };
    let checked = synthesize::synthesize(
        &scan.change,
        &scan.classified,
        &scan.packet,
        reply,
        &consulted.notes,
        threshold,
    );
    let verdict = verdict::decide(&checked, threshold);
    let (answer, failure) = match consulted.outcome.clone() {
        Outcome::Answered(text) => (Some(text), None),
        Outcome::Unavailable(failure) => (None, Some(failure)),
    };
    let consultation = Consultation {
        status,
        failure,
        session_id: consulted.session_id.clone(),
        model: consulted.model.clone(),
        effort: consulted.effort.clone(),
        usage: consulted.usage.clone(),
        duration: consulted.duration,
    };
    let id = record.as_ref().map(|record| record.id.clone());
    let review = Review { scan, prompt, consultation, answer, checked, verdict, record: id };
    if let Some(record) = record {
        keep(&record, consulted, &review);
    }
    review
}

/// Writes what was obtained. A full disk costs the record, not the review.
fn keep(record: &Record, consulted: &Consulted, review: &Review) {
    let report = json::review(review);
    let markdown = markdown::review(review);
    let parts: [(Part, &[u8]); 5] = [
        (Part::Events, &consulted.events),
        (Part::Stderr, &consulted.stderr),
        (Part::Answer, review.answer.as_deref().unwrap_or_default().as_bytes()),
        (Part::Json, report.as_bytes()),
        (Part::Markdown, markdown.as_bytes()),
    ];
    let written: std::io::Result<()> = parts
        .iter()
        .filter(|(_, content)| !content.is_empty())
        .try_for_each(|(part, content)| record.write(*part, content));
    if let Err(error) = written {
        tell("warning", &format!("the record of the review is not complete: {error}"));
    }
}

/// The review where no call was needed or wanted.
fn without_call(session: &Session, scan: Scan, prompt: Option<Prompt>, reply: Reply<'_>) -> Review {
    let threshold = session.config.gate.fail_on;
    let checked =
        synthesize::synthesize(&scan.change, &scan.classified, &scan.packet, reply, &[], threshold);
    let verdict = verdict::decide(&checked, threshold);
    let status = if matches!(reply, Reply::Skipped) { Status::Skipped } else { Status::NotNeeded };
    let consultation = Consultation::none(status);
    Review { scan, prompt, consultation, answer: None, checked, verdict, record: None }
}

/// An interrupted review says so by its status, whatever the rules found.
pub(super) fn exit(review: &Review) -> Exit {
    let stopped = review.consultation.failure.as_ref().and_then(Failure::exit);
    stopped.unwrap_or_else(|| review.verdict.exit())
}
