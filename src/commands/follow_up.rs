//! `git advisor follow-up`: another round in the same Codex session.

use anyhow::{Context, Result, bail};

use super::news::{self, Notify};
use super::session::{MAX_RECALLED, Session};
use super::talk::{Next, Talk};
use super::{files, grants, log, review};
use crate::cli::FollowUpArgs;
use crate::exit::Exit;
use crate::prompt::{Prompt, Refused};
use crate::record::{Dialogue, Matter, Part, Record, Records};
use crate::report::{Review, Scan};
use crate::source::{self, Kind, Spec};
use crate::synthesize::ContextRequest;
use crate::visible;

/// Id of the empty tree, for a side that is none.
const EMPTY_TREE: &str = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/// What is asked on.
#[derive(Debug, Clone, Default)]
pub struct FollowUp {
    /// Name of the review; the newest when not given.
    pub id: Option<String>,
    /// The question.
    pub text: Option<String>,
    /// Numbers of the context requests that are granted, from 1.
    pub grant: Vec<usize>,
}

pub(super) fn run(args: &FollowUpArgs, flags: &[(String, String)]) -> Result<Exit> {
    let files = args.files.all();
    files::check(&files)?;
    let repo = source::open().ok();
    let records = Records::of(repo.as_ref());
    let wanted = wanted(records.as_ref(), args);
    let followed = record(records.as_ref(), wanted.id.as_deref(), Part::Answer)?;
    let change = dialogue(&followed).and_then(|dialogue| again(&dialogue, &followed));
    let session = Session::about(repo, change.as_ref(), flags)?;
    let review = follow_up(&session, &wanted, &mut news::on_stderr())?;
    review::show(&review, args.format.wanted(), &files)
}

/// A single word that names a review is its name, else it is the question.
fn wanted(records: Option<&Records>, args: &FollowUpArgs) -> FollowUp {
    let (id, text) = match (args.words.as_slice(), records) {
        ([id, text, ..], _) => (Some(id.clone()), Some(text.clone())),
        ([word], Some(records)) if records.find(Some(word)).is_some() => (Some(word.clone()), None),
        ([text], _) => (None, Some(text.clone())),
        ([], _) => (None, None),
    };
    FollowUp { id, text, grant: args.grant.clone() }
}

/// Asks on in the session of an earlier consultation, and judges all rounds again.
///
/// # Errors
/// When there is no such consultation, when its change is not the same any more, or when nothing is asked.
pub fn follow_up(session: &Session, wanted: &FollowUp, notify: &mut Notify<'_>) -> Result<Review> {
    let record = record(session.records.as_ref(), wanted.id.as_deref(), Part::Answer)?;
    let id = record.id.clone();
    let held = record.hold();
    let record = held.with_context(|| format!("review `{id}` is being talked about already"))?;
    let mut talk = resume(session, record)?;
    let next = next(session, &talk, wanted)?;
    talk.ask(session, &session.config, next, notify);
    talk.grant_by_policy(session, notify);
    Ok(talk.conclude(session, notify))
}

/// The record of a name; without one the newest that has a part.
pub(super) fn record(records: Option<&Records>, id: Option<&str>, part: Part) -> Result<Record> {
    if id.is_some() {
        return log::found(records, id);
    }
    let what = if part == Part::Answer { "an answer" } else { "findings" };
    records.and_then(|records| records.newest_with(part)).with_context(|| {
        format!("there is no review with {what} yet; `git advisor review` makes one")
    })
}

/// Reads a record back, and the change that it is about.
fn resume(session: &Session, record: Record) -> Result<Talk> {
    let id = record.id.clone();
    let nothing =
        || format!("review `{id}` has no answer to follow up; `git advisor log` lists the others");
    let dialogue = dialogue(&record).with_context(nothing)?;
    let sent = record.read(Part::Prompt).with_context(nothing)?;
    record.read(Part::Answer).with_context(nothing)?;
    let sent = String::from_utf8_lossy(&sent).into_owned();
    let (scan, prompt) = match &dialogue.matter {
        Matter::Change { .. } => {
            let (scan, prompt) = scanned(session, &dialogue, &record)?;
            if prompt.text() != sent {
                bail!(
                    "the change, the rules or the configuration are not those of review `{id}` any more; \
                     `git advisor review` begins a new one"
                );
            }
            (scan, prompt)
        }
        Matter::Pieces { kind, head, pieces } => {
            let question = dialogue.question.clone().unwrap_or_default();
            let scan = Scan::of_pieces(pieces, kind.name(), head.clone());
            (scan, Prompt::kept(sent, question))
        }
    };
    Talk::resumed(scan, prompt, dialogue, record).with_context(nothing)
}

/// What a record keeps for a follow-up; nothing where there was no answer.
fn dialogue(record: &Record) -> Option<Dialogue> {
    serde_json::from_slice(&record.read(Part::Dialogue).ok()?).ok()
}

/// The change of a conversation as a source, where it is about one.
fn again(dialogue: &Dialogue, record: &Record) -> Option<Spec> {
    let Matter::Change { kind, old, new, .. } = &dialogue.matter else { return None };
    let end = |id: &Option<String>| id.clone().unwrap_or_else(|| EMPTY_TREE.to_owned());
    Some(match kind {
        Kind::Range | Kind::Commit => Spec::Ends { old: end(old), new: end(new) },
        Kind::Staged => Spec::Staged,
        Kind::Worktree => Spec::Worktree,
        Kind::Patch | Kind::Given => {
            Spec::Patch(record.path(Part::Patch, 1).to_string_lossy().into_owned())
        }
    })
}

/// The same change again, packed under the same labels.
fn scanned(session: &Session, dialogue: &Dialogue, record: &Record) -> Result<(Scan, Prompt)> {
    let (Matter::Change { kind, spec, .. }, Some(again)) =
        (&dialogue.matter, again(dialogue, record))
    else {
        bail!("review `{}` is not about a change", record.id);
    };
    if *kind == Kind::Patch && !record.path(Part::Patch, 1).exists() {
        bail!(
            "the patch of review `{}` was not kept, because it holds secrets or is very large; \
             `git advisor review --patch FILE --question TEXT` asks anew",
            record.id
        );
    }
    let question = dialogue.question.as_deref();
    let mut scan = session.scan(&again, question, &dialogue.nonce)?;
    scan.change.recall(|_| true, MAX_RECALLED)?;
    (scan.source.kind, scan.source.spec) = (*kind, spec.clone());
    scan.source.notes.clear();
    let prompt = session.prompt(&scan, question, &dialogue.nonce);
    Ok((scan, prompt))
}

/// What is asked next: the user's words, and the context that is granted by number.
fn next(session: &Session, talk: &Talk, wanted: &FollowUp) -> Result<Next> {
    let requests = talk.requests();
    let granted: Vec<ContextRequest> = wanted
        .grant
        .iter()
        .map(|number| {
            number.checked_sub(1).and_then(|at| requests.get(at)).cloned().with_context(|| {
                match requests.len() {
                    0 => "Codex asks for no context there; give a question instead".to_owned(),
                    1 => format!("Codex asks for one thing, number 1; there is no {number}"),
                    count => {
                        format!("Codex asks for {count} things, and none has the number {number}")
                    }
                }
            })
        })
        .collect::<Result<_>>()?;
    let next = grants::resolve(session, talk, &granted);
    if let (Some(Refused { path, why }), true, None) =
        (next.refused.first(), next.granted.is_empty(), &wanted.text)
    {
        bail!("`{}` is not given to Codex: {why}; nothing is left to ask", visible::line(path));
    }
    if wanted.text.is_none() && next.granted.is_empty() {
        bail!("nothing is asked: give a question, or `--grant N` for context that Codex asks for");
    }
    Ok(Next { question: wanted.text.clone(), ..next })
}
