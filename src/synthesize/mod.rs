//! Each claim of the answer checked against the change; agree, disagree, missing, recommend.
//!
//! The program decides here, not the model: a finding counts only where the code that it quotes
//! stands in the change ([`anchor`]), and [`judge`] is one function of where that is and of what
//! the rules saw there.

mod accepted;
mod anchor;
mod answer;
mod contradictions;
mod coverage;
mod duplicates;
mod fingerprint;
mod judge;
mod local;
mod moved;
mod quote;
mod rounds;
mod weigh;
mod words;

use jiff::civil::Date;
use serde::Serialize;

use crate::change::{Change, HunkId};
use crate::classify::Classified;
use crate::config::Accept;
use crate::pack::Packet;
use crate::rules::Severity;
use crate::visible::Visible;

use rounds::Standing;

pub use answer::{Answer, ContextRequest, HunkOpinion, Opinion};
pub use coverage::Coverage;
pub use fingerprint::digest;
pub use judge::{Trust, Verdict};
pub use weigh::{Recommendation, State, Synthesis};

/// Something that was found, by Codex, by the rules, or by both.
#[derive(Debug, Clone)]
pub struct Finding {
    /// `F1`, `F2`, … in the order in which a person should read them.
    pub id: String,
    /// Who found it.
    pub source: Source,
    /// Category, as the finder names it.
    pub category: Visible,
    /// How bad it is if it is real.
    pub severity: Severity,
    /// How sure its finder is, 0 to 1. Not the same as severity.
    pub confidence: f64,
    /// One line.
    pub title: Visible,
    /// Path, as anchored where it could be, else as claimed.
    pub file: Visible,
    /// First line, 1-based, on the new side, or on the old side for removed lines.
    pub start_line: u32,
    /// Last line.
    pub end_line: u32,
    /// The hunk in which it stands.
    pub hunk: Option<HunkId>,
    /// Whether the lines are of the old side.
    pub on_old_side: bool,
    /// The quoted code.
    pub evidence: Visible,
    /// From input to harm.
    pub explanation: Visible,
    /// What to change.
    pub recommendation: Visible,
    /// What the check against the change gave.
    pub verdict: Verdict,
    /// Who is trusted for it.
    pub trusts: Trust,
    /// Why, in plain words.
    pub reasons: Vec<String>,
    /// Whether it stands on an explicit rule.
    pub explicit: bool,
    /// What it is known by from one review to the next; empty where it stands nowhere in the change.
    pub fingerprint: String,
    /// Whether somebody has accepted it.
    pub accepted: bool,
    /// Whether it fails the run.
    pub gates: bool,
}

/// Who found something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The model.
    Codex,
    /// The rules.
    Advisor,
    /// Each of them at the same place.
    Both,
}

/// The checked answer.
#[derive(Debug, Clone)]
pub struct Checked {
    /// Findings, the ones to read first at the top.
    pub findings: Vec<Finding>,
    /// Which hunks were sent, judged, not judged, left out.
    pub coverage: Coverage,
    /// The synthesis.
    pub synthesis: Synthesis,
    /// The answer, if it could be read.
    pub answer: Option<Answer>,
}

/// What happened to the question, as far as the synthesis needs to know.
#[derive(Debug, Clone, Copy)]
pub enum Reply<'a> {
    /// Codex answered, in one round or several.
    Answered(&'a [&'a str]),
    /// There was no hunk to ask about.
    NotNeeded,
    /// Codex could not be had.
    Unavailable(&'a crate::consult::Failure),
    /// The user wanted no call.
    Skipped,
}

/// All that the weighing looks at.
#[derive(Clone, Copy)]
struct Case<'a> {
    change: &'a Change,
    classified: &'a Classified,
    findings: &'a [Finding],
    coverage: &'a Coverage,
    standing: &'a Standing,
    reply: Reply<'a>,
    notes: &'a [String],
    subject: Subject,
}

/// What a reply is checked against.
#[derive(Debug, Clone, Copy)]
pub struct Grounds<'a> {
    /// The change, with its texts.
    pub change: &'a Change,
    /// The rules' signals.
    pub classified: &'a Classified,
    /// What was sent, in all rounds.
    pub packet: &'a Packet,
    /// What the user should know of the call.
    pub notes: &'a [String],
    /// The least severity that fails the run; `None` means never.
    pub threshold: Option<Severity>,
    /// What the question is about.
    pub subject: Subject,
    /// Findings that are accepted.
    pub accepts: &'a [Accept],
    /// The present day, for those that are accepted until one.
    pub today: Date,
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A change: what counts is whether a claim is about changed lines.
    Change,
    /// Text that was given: what counts is whether a claim quotes it. Nothing of it gates.
    Given,
}

/// Checks a reply against the change and the rules' signals.
pub fn synthesize(grounds: &Grounds<'_>, reply: Reply<'_>) -> Checked {
    let Grounds { change, classified, packet, notes, threshold, subject, .. } = *grounds;
    let standing = match reply {
        Reply::Answered(answers) => rounds::read(answers),
        Reply::NotNeeded | Reply::Unavailable(_) | Reply::Skipped => Standing::default(),
    };
    let answer = standing.answer.as_ref();
    let coverage = coverage::of(packet, answer);
    let mut findings = match answer {
        Some(answer) => judge::claims(answer, grounds),
        None => Vec::new(),
    };
    match (answer, reply) {
        (Some(_), _) => findings.extend(local::uncovered(change, classified, &coverage, &findings)),
        (None, Reply::NotNeeded) => {}
        (None, _) => findings.extend(local::all(change, classified)),
    }
    for finding in &mut findings {
        finding.fingerprint = fingerprint::of(finding, change);
    }
    accepted::mark(&mut findings, grounds.accepts, change, grounds.today);
    for finding in &mut findings {
        let counts = subject == Subject::Change && !finding.accepted;
        finding.gates = counts && judge::gates(finding, threshold);
    }
    findings.sort_by_key(reading_order);
    for (number, finding) in (1..).zip(&mut findings) {
        finding.id = format!("F{number}");
    }
    let case = Case {
        change,
        classified,
        findings: &findings,
        coverage: &coverage,
        standing: &standing,
        reply,
        notes,
        subject,
    };
    let (mut synthesis, reason) = weigh::weigh(&case);
    synthesis.text = words::of(&case, &synthesis, &reason);
    Checked { findings, coverage, synthesis, answer: standing.answer }
}

/// Whether answers can be read and judge all that was sent.
pub fn is_whole(answers: &[&str], packet: &Packet) -> bool {
    let answer = rounds::read(answers).answer;
    answer.is_some() && coverage::of(packet, answer.as_ref()).not_judged.is_empty()
}

/// What Codex would have to see, by the last of its answers that can be read.
pub fn requests(answers: &[&str]) -> Vec<ContextRequest> {
    rounds::read(answers).answer.map(|answer| answer.needs_context).unwrap_or_default()
}

/// What blocks first, then what stands, then by severity, then by place.
fn reading_order(
    finding: &Finding,
) -> (bool, bool, std::cmp::Reverse<Severity>, Option<HunkId>, u32) {
    let stands =
        matches!(finding.verdict, Verdict::Confirmed | Verdict::Supported | Verdict::Misplaced);
    (
        !finding.gates,
        !stands || finding.accepted,
        std::cmp::Reverse(finding.severity),
        finding.hunk,
        finding.start_line,
    )
}
