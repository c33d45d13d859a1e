//! `git advisor consult`: the questions beside a review that earn a call.

use std::io::{IsTerminal, Read};

use anyhow::{Context, Result, bail};

use super::material::{self, Material};
use super::news::{self, Notify};
use super::recall::recall;
use super::session::Session;
use super::talk::{Opening, Talk};
use super::{files, review};
use crate::cli::ConsultArgs;
use crate::exit::Exit;
use crate::pack;
use crate::prompt::{self, Kind, Nonce};
use crate::record::Matter;
use crate::report::{Review, Scan};
use crate::source::{self, Spec};

/// A larger text than this, in bytes, is no plan.
const MAX_TEXT: u64 = 1 << 20;

/// What is asked, and about what.
#[derive(Debug, Clone, Default)]
pub struct Inquiry {
    /// The question in the user's words.
    pub question: Option<String>,
    /// What goes wrong, for a root cause.
    pub symptom: Option<String>,
    /// Fixes that failed: sources, or descriptions in words.
    pub attempts: Vec<String>,
    /// Files of the repository, as `PATH` or `PATH:A-B`.
    pub context: Vec<String>,
    /// Changes, as sources.
    pub diffs: Vec<String>,
    /// A text with its name: a plan, or the answer that is not trusted.
    pub text: Option<(String, String)>,
    /// Ask although it earns no call.
    pub anyway: bool,
}

pub(super) fn run(args: &ConsultArgs, flags: &[(String, String)]) -> Result<Exit> {
    let files = args.files.all();
    files::check(&files)?;
    let flags: Vec<_> = flags.iter().cloned().chain(args.fresh.flag()).collect();
    let change = args.diff.first().map(|spec| Spec::named(spec));
    let session = Session::about(source::open().ok(), change.as_ref(), &flags)?;
    let inquiry = Inquiry {
        question: args.question.clone(),
        symptom: args.symptom.clone(),
        attempts: args.attempt.clone(),
        context: args.context.clone(),
        diffs: args.diff.clone(),
        text: text(args)?,
        anyway: args.anyway,
    };
    let review = consult(&session, args.kind, &inquiry, &mut news::on_stderr())?;
    review::show(&review, args.format.wanted(), &files)
}

/// The text that is named, or for a plan what comes on stdin.
fn text(args: &ConsultArgs) -> Result<Option<(String, String)>> {
    let mut bytes = Vec::new();
    let name = match args.file.as_deref() {
        Some("-") => "(stdin)",
        Some(path) => path,
        None if args.kind == Kind::Plan && !std::io::stdin().is_terminal() => "(stdin)",
        None => return Ok(None),
    };
    let failed = || format!("cannot read `{name}`");
    match name {
        "(stdin)" => std::io::stdin().take(MAX_TEXT + 1).read_to_end(&mut bytes),
        path => std::fs::File::open(path)
            .and_then(|file| file.take(MAX_TEXT + 1).read_to_end(&mut bytes)),
    }
    .with_context(failed)?;
    if bytes.len() as u64 > MAX_TEXT {
        bail!("`{name}` is larger than 1 MiB; give the part that matters");
    }
    let text = String::from_utf8(bytes).with_context(|| format!("`{name}` is not UTF-8"))?;
    Ok((!text.trim().is_empty()).then(|| (name.to_owned(), text)))
}

/// Asks Codex about a decision, a cause, an algorithm, a plan or an answer.
///
/// # Errors
/// When it earns no call, when there is nothing to ask about, or when something that is named cannot be given.
pub fn consult(
    session: &Session,
    kind: Kind,
    inquiry: &Inquiry,
    notify: &mut Notify<'_>,
) -> Result<Review> {
    if let Some(reason) = unearned(kind, inquiry).filter(|_| !inquiry.anyway) {
        bail!("this earns no call: {reason}; `--anyway` asks all the same");
    }
    let nonce = Nonce::random().context("the system has no randomness to give")?;
    let Material { pieces, head } = material::gathered(session, inquiry, &nonce.mark)?;
    let question = question(inquiry);
    if pieces.is_empty() && question.is_none() {
        bail!("there is nothing to ask about: give `--question`, `--context`, `--diff` or a text");
    }
    let mut scan = Scan::of_pieces(&pieces, kind.name(), head.clone());
    let prompt = prompt::consultation(kind, question.as_deref(), &scan.packet, &nonce);
    scan.stats.prompt_tokens = pack::estimated_tokens(prompt.text().len());
    let asked = prompt.question.clone();
    let matter = Matter::Pieces { kind, head, pieces };
    let kept = recall(session, &prompt, &nonce, &scan.packet);
    let opening = Opening { scan, prompt, matter, nonce, question: Some(&asked) };
    let mut talk = Talk::open(session, opening, kept, notify);
    talk.grant_by_policy(session, notify);
    Ok(talk.conclude(session, notify))
}

/// Why an inquiry earns no call.
fn unearned(kind: Kind, inquiry: &Inquiry) -> Option<String> {
    let Inquiry { question, symptom, attempts, context, diffs, text, .. } = inquiry;
    let shown = !context.is_empty() || !diffs.is_empty() || text.is_some();
    let missing = match kind {
        Kind::RootCause if attempts.len() < 2 => {
            Some("a root cause is asked for after two failed fixes (`--attempt` twice)")
        }
        Kind::RootCause if symptom.is_none() && question.is_none() => {
            Some("nobody can tell a cause without what goes wrong (`--symptom`)")
        }
        Kind::Architecture | Kind::LowConfidence if question.is_none() => {
            Some("it asks nothing in particular (`--question`)")
        }
        Kind::Algorithm if !shown => {
            Some("there is no algorithm to look at (`--context PATH:A-B`, `--diff` or a file)")
        }
        Kind::Plan if text.is_none() => Some("there is no plan (a file, or on stdin)"),
        _ => None,
    };
    let words = [question, symptom].into_iter().flatten();
    missing.map(str::to_owned).or_else(|| words.map(String::as_str).find_map(prompt::unearned))
}

/// The user's words, the symptom first.
fn question(inquiry: &Inquiry) -> Option<String> {
    let symptom = inquiry.symptom.as_ref().map(|symptom| format!("What goes wrong: {symptom}"));
    let words: Vec<String> = symptom.into_iter().chain(inquiry.question.clone()).collect();
    (!words.is_empty()).then(|| words.join("\n\n"))
}
