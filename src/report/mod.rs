//! The finished review, written down: one file per format, each a leaf.

pub mod agent;
mod alert;
mod github;
mod gitlab;
pub mod json;
mod junit;
pub mod links;
pub mod log;
pub mod markdown;
pub mod progress;
mod rdjson;
mod sarif;
mod snippet;
mod summary;
pub mod terminal;

use std::time::Duration;

use clap::ValueEnum;
use jiff::Timestamp;
use serde_json::Value;

use crate::change::{Change, HunkId};
use crate::classify::{Classified, Counts};
use crate::consult::Failure;
use crate::pack::{Packet, Piece};
use crate::prompt::{Prompt, Refused};
use crate::source::Kind;
use crate::synthesize::Checked;
use crate::verdict::Verdict;
use crate::visible::Visible;

/// The forms in which a review is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For a person at a terminal
    Text,
    /// One object, documented in docs/report.md
    Json,
    /// The review file
    Markdown,
    /// For an agent in a shell: short, its last line for programs
    Agent,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
    /// The step summary of GitHub Actions
    Summary,
    /// GitLab Code Quality
    Gitlab,
    /// GitLab's security report
    GitlabSast,
    /// reviewdog's diagnostics
    Rdjson,
    /// JUnit XML
    Junit,
}

/// What a report has to know beside the review.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Columns that a text is wrapped to.
    pub width: usize,
    /// The time of the report.
    pub now: Timestamp,
}

/// Writes a review down.
pub fn render(review: &Review, format: Format, view: View) -> String {
    match format {
        Format::Text => terminal::review(review, view.width),
        Format::Json => json::review(review),
        Format::Markdown => markdown::review(review),
        Format::Agent => agent::review(&json::value_of_review(review)),
        Format::Sarif => sarif::review(review),
        Format::Github => github::annotations(review),
        Format::Summary => summary::review(review),
        Format::Gitlab => gitlab::code_quality(review),
        Format::GitlabSast => gitlab::sast(review, view.now),
        Format::Rdjson => rdjson::review(review),
        Format::Junit => junit::review(review),
    }
}

/// What was compared.
#[derive(Debug, Clone)]
pub struct Compared {
    /// Kind of the source.
    pub kind: Kind,
    /// The source as it was typed.
    pub spec: String,
    /// Id of the old side.
    pub old: Option<String>,
    /// Id of the new side.
    pub new: Option<String>,
    /// What the user should know about the choice of the sides.
    pub notes: Vec<String>,
}

/// What the analyzer found.
#[derive(Debug)]
pub struct Scan {
    /// What was compared.
    pub source: Compared,
    /// The change.
    pub change: Change,
    /// The rules' signals and scores.
    pub classified: Classified,
    /// What would be sent.
    pub packet: Packet,
    /// Size of the numbers.
    pub stats: Stats,
    /// The patch, where it is one and not too large to be kept.
    pub patch: Option<Vec<u8>>,
}

impl Scan {
    /// Pieces of text that are asked about without any change; `head` is the commit at which more of the
    /// repository could be given.
    pub fn of_pieces(pieces: &[Piece], spec: &str, head: Option<String>) -> Scan {
        let hunks = (1..).zip(pieces).map(|(number, piece)| piece.packed(HunkId(number)));
        let packet = Packet { hunks: hunks.collect(), ..Packet::default() };
        let source = Compared {
            kind: Kind::Given,
            spec: spec.to_owned(),
            old: None,
            new: head,
            notes: Vec::new(),
        };
        let (change, classified) = (Change::default(), Classified::default());
        Scan { source, change, classified, packet, stats: Stats::default(), patch: None }
    }
}

/// The numbers of a scan.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stats {
    /// Files and hunks.
    pub counts: Counts,
    /// Size of the unified diff, in bytes: its lines with sign and line feed.
    pub diff_bytes: u64,
    /// The same of the selected hunks.
    pub selected_bytes: u64,
    /// Estimated tokens of the prompt, 0 where none is needed.
    pub prompt_tokens: usize,
    /// Wall time of reading, classifying and packing.
    pub duration: Duration,
}

/// A finished review.
#[derive(Debug)]
pub struct Review {
    /// What the analyzer found.
    pub scan: Scan,
    /// What was asked; none where nothing was risky.
    pub prompt: Option<Prompt>,
    /// What became of the question.
    pub consultation: Consultation,
    /// Codex's last message, verbatim.
    pub answer: Option<String>,
    /// The rounds after the first, in order.
    pub rounds: Vec<Round>,
    /// All answers, checked.
    pub checked: Checked,
    /// The verdict.
    pub verdict: Verdict,
    /// What the second judge says, if the user has one and there was an answer.
    pub judgement: Option<Judgement>,
    /// Id of the record, where there is one.
    pub record: Option<String>,
}

/// What the user's own program says of a review. No verdict depends on it.
#[derive(Debug, Clone)]
pub struct Judgement {
    /// The program.
    pub program: Visible,
    /// Its prose, or why there is none.
    pub outcome: Result<Visible, String>,
    /// Wall time.
    pub duration: Duration,
}

/// A round after the first: what was asked on, and what came of it.
#[derive(Debug, Clone)]
pub struct Round {
    /// What was asked.
    pub prompt: Prompt,
    /// Context that went along.
    pub granted: Vec<Piece>,
    /// Context that Codex asked for and did not get.
    pub refused: Vec<Refused>,
    /// Whether the session was gone, so that all that was said before went along.
    pub anew: bool,
    /// Codex's message, verbatim, or why there is none.
    pub outcome: Result<String, Failure>,
    /// Token counts of this round alone.
    pub usage: Option<Value>,
    /// Wall time of the call.
    pub duration: Duration,
}

/// What became of the question.
#[derive(Debug, Clone)]
pub struct Consultation {
    /// In one word.
    pub status: Status,
    /// Why there is no answer.
    pub failure: Option<Failure>,
    /// When Codex answered, and where that is recorded.
    pub answered: Option<Answered>,
    /// Codex's session.
    pub session_id: Option<String>,
    /// The model that was asked.
    pub model: Option<String>,
    /// The effort that was asked for.
    pub effort: Option<String>,
    /// Token counts as Codex reports them.
    pub usage: Option<Value>,
    /// Wall time of the call.
    pub duration: Duration,
}

/// When an answer was given.
#[derive(Debug, Clone)]
pub struct Answered {
    /// The time.
    pub at: Timestamp,
    /// How long before the review that was; zero where the review asked itself.
    pub age: Duration,
    /// The review that asked; none where it was this one.
    pub by: Option<String>,
}

/// An age as people say it.
pub fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} h", seconds / 3_600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

/// What became of the question, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Codex answered.
    Answered,
    /// It had answered the same question before.
    Cached,
    /// No hunk was worth a question.
    NotNeeded,
    /// Codex could not be had.
    Unavailable,
    /// The user wanted no call.
    Skipped,
}

impl Status {
    /// The word of reports.
    pub fn name(self) -> &'static str {
        match self {
            Status::Answered => "answered",
            Status::Cached => "cached",
            Status::NotNeeded => "not-needed",
            Status::Unavailable => "unavailable",
            Status::Skipped => "skipped",
        }
    }
}

impl Consultation {
    /// What a reader has to know of an answer that is not of this review.
    pub fn cached(&self) -> Option<String> {
        let answered = self.answered.as_ref().filter(|_| self.status == Status::Cached)?;
        let by = answered.by.as_ref().map(|id| format!(" (review {id})")).unwrap_or_default();
        let age = age(answered.age);
        Some(format!(
            "cached: Codex answered the same question {age} ago{by}; `--fresh` asks again"
        ))
    }

    /// A consultation that did not take place.
    pub fn none(status: Status) -> Self {
        Consultation {
            status,
            failure: None,
            answered: None,
            session_id: None,
            model: None,
            effort: None,
            usage: None,
            duration: Duration::ZERO,
        }
    }
}
