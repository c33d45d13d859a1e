//! `git advisor review`: the whole path.

use std::io;

use anyhow::{Context, Result};
use jiff::Timestamp;

use super::accept::today;
use super::news::{self, News, Notify};
use super::recall::{Kept, digest, recall};
use super::session::{MAX_RECALLED, Session};
use super::talk::{Opening, Talk};
use super::{files, print_report, print_with_links, width};
use crate::cli::{ReportFile, ReviewArgs};
use crate::consult::Failure;
use crate::exit::Exit;
use crate::prompt::{Nonce, Prompt};
use crate::record::{Matter, Part};
use crate::report::{
    Compared, Consultation, Format, Review, Scan, Status, View, json, markdown, render,
};
use crate::source::Spec;
use crate::synthesize::{self, Grounds, Reply, Subject};
use crate::verdict;

pub(super) fn run(args: &ReviewArgs, flags: &[(String, String)]) -> Result<Exit> {
    let spec = args.source.spec();
    let files = args.files.all();
    files::check(&files)?;
    let mut flags = flags.to_vec();
    flags.extend(args.fail_on.iter().map(|level| ("gate.fail_on".to_owned(), level.clone())));
    flags.extend(args.fresh.flag());
    let session = Session::open(&spec, &flags)?;
    let wish = if args.no_codex { Wish::LocalOnly } else { Wish::SecondOpinion };
    let question = args.question.as_deref();
    let review = review(&session, &spec, question, wish, &mut news::on_stderr())?;
    show(&review, args.format.wanted(), &files)
}

/// Prints a review and writes its files; the exit status that goes with it.
pub(super) fn show(review: &Review, format: Format, files: &[ReportFile]) -> Result<Exit> {
    let view = View { width: width(), now: Timestamp::now() };
    let text = render(review, format, view);
    match format {
        Format::Text => print_with_links(&text, &review.checked.findings)?,
        _ => print_report(&text, format)?,
    }
    files::write(files, review, view)?;
    Ok(exit(review))
}

/// Whether the user wants Codex to be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Ask it, if anything is risky.
    SecondOpinion,
    /// Do not.
    LocalOnly,
}

/// Source to verdict; what was obtained is recorded on the way.
///
/// # Errors
/// When the source names nothing or cannot be read.
pub fn review(
    session: &Session,
    spec: &Spec,
    question: Option<&str>,
    wish: Wish,
    notify: &mut Notify<'_>,
) -> Result<Review> {
    let seen = look(session, spec, question, notify)?;
    Ok(conclude(session, seen, wish, notify))
}

/// A change that was looked at, and what would be asked about it.
pub(super) struct Seen {
    pub(super) scan: Scan,
    /// None where nothing is worth a question.
    prompt: Option<Prompt>,
    nonce: Nonce,
    question: Option<String>,
    /// What Codex has answered already.
    kept: Option<Kept>,
}

impl Seen {
    /// What would be asked, as a record knows it.
    pub(super) fn digest(&self, session: &Session) -> Option<String> {
        self.prompt.as_ref().map(|prompt| digest(&session.config, prompt, &self.nonce))
    }

    /// Looks again for what Codex has answered in the meantime.
    pub(super) fn recall(&mut self, session: &Session) {
        let prompt = self.prompt.as_ref();
        self.kept =
            prompt.and_then(|prompt| recall(session, prompt, &self.nonce, &self.scan.packet));
    }

    /// Whether Codex would have to be asked.
    pub(super) fn asks(&self) -> bool {
        self.kept.is_none() && !self.scan.packet.hunks.is_empty()
    }
}

/// Source to prompt, where anything is worth a question.
pub(super) fn look(
    session: &Session,
    spec: &Spec,
    question: Option<&str>,
    notify: &mut Notify<'_>,
) -> Result<Seen> {
    let nonce = Nonce::random().context("the system has no randomness to give")?;
    let mut scan = session.scan(spec, question, &nonce)?;
    for note in &scan.source.notes {
        notify(News::Note(note));
    }
    let (stats, counts) = (scan.stats, scan.stats.counts);
    notify(News::Step(&format!(
        "{}: files {}, hunks {}, bytes of diff {}, read in {} ms; hunks picked {}, tokens to send about {}",
        scan.source.spec,
        counts.files,
        counts.hunks,
        stats.diff_bytes,
        stats.duration.as_millis(),
        counts.selected_hunks,
        stats.prompt_tokens,
    )));
    let asks = scan.stats.counts.selected_hunks > 0;
    if asks {
        // An answer may quote any line of the change, and a check that is gone may stand in any file.
        scan.change.recall(|_| true, MAX_RECALLED)?;
    }
    let prompt = asks.then(|| session.prompt(&scan, question, &nonce));
    let question = question.map(str::to_owned);
    let mut seen = Seen { scan, prompt, nonce, question, kept: None };
    seen.recall(session);
    Ok(seen)
}

/// Prompt to verdict; what was obtained is recorded on the way.
pub(super) fn conclude(
    session: &Session,
    seen: Seen,
    wish: Wish,
    notify: &mut Notify<'_>,
) -> Review {
    let Seen { scan, prompt, nonce, question, kept } = seen;
    let Some(prompt) = prompt else {
        return without_call(session, scan, None, Reply::NotNeeded);
    };
    let review = match wish {
        Wish::LocalOnly => without_call(session, scan, Some(prompt), Reply::Skipped),
        Wish::SecondOpinion if scan.packet.hunks.is_empty() => {
            let failure = Failure::of(
                "nothing-sent",
                "every picked hunk is left out: too large, or of a file that never leaves the machine",
            );
            without_call(session, scan, Some(prompt), Reply::Unavailable(&failure))
        }
        Wish::SecondOpinion => {
            let matter = matter(&scan);
            let question = question.as_deref();
            let opening = Opening { scan, prompt, matter, nonce, question };
            let mut talk = Talk::open(session, opening, kept, notify);
            talk.grant_by_policy(session, notify);
            talk.conclude(session, notify)
        }
    };
    recorded(session, review, notify)
}

/// Records a review that got no call and still has findings, so that they can be shown and accepted.
fn recorded(session: &Session, mut review: Review, notify: &mut Notify<'_>) -> Review {
    let unrecorded = review.record.is_none() && !review.checked.findings.is_empty();
    let Some(records) = session.records.as_ref().filter(|_| unrecorded) else { return review };
    let mut keep = || -> io::Result<()> {
        let record = records.begin(Timestamp::now())?;
        review.record = Some(record.id.clone());
        if let Some(prompt) = &review.prompt {
            record.write(Part::Prompt, prompt.text().as_bytes())?;
        }
        record.write(Part::Markdown, markdown::review(&review).as_bytes())?;
        record.write(Part::Json, json::review(&review).as_bytes())
    };
    if let Err(error) = keep() {
        notify(News::Warning(&format!("the review is not recorded: {error}")));
    }
    review
}

fn matter(scan: &Scan) -> Matter {
    let Compared { kind, spec, old, new, .. } = scan.source.clone();
    Matter::Change { kind, spec, old, new }
}

/// The review where no call was needed, wanted or possible.
fn without_call(session: &Session, scan: Scan, prompt: Option<Prompt>, reply: Reply<'_>) -> Review {
    let threshold = session.config.gate.fail_on;
    let grounds = Grounds {
        change: &scan.change,
        classified: &scan.classified,
        packet: &scan.packet,
        notes: &[],
        threshold,
        subject: Subject::Change,
        accepts: &session.config.accepts,
        today: today(),
    };
    let checked = synthesize::synthesize(&grounds, reply);
    let verdict = verdict::decide(&checked, threshold);
    let consultation = match reply {
        Reply::Unavailable(failure) => Consultation {
            failure: Some(failure.clone()),
            ..Consultation::none(Status::Unavailable)
        },
        Reply::Skipped => Consultation::none(Status::Skipped),
        Reply::NotNeeded | Reply::Answered(_) => Consultation::none(Status::NotNeeded),
    };
    Review {
        scan,
        prompt,
        consultation,
        answer: None,
        rounds: Vec::new(),
        checked,
        verdict,
        judgement: None,
        record: None,
    }
}

/// An interrupted review says so by its status, whatever the rules found.
pub(super) fn exit(review: &Review) -> Exit {
    let last = review.rounds.last().map(|round| round.outcome.as_ref().err());
    let failure = last.unwrap_or(review.consultation.failure.as_ref());
    failure.and_then(Failure::exit).unwrap_or_else(|| review.verdict.exit())
}
