//! The weighing: where the tool agrees, disagrees, misses something, and what it would do.

use serde::Serialize;

use super::answer::{Answer, ContextRequest, Opinion};
use super::coverage::Coverage;
use super::judge::Verdict;
use super::{Finding, Reply};
use crate::change::{Change, HunkId};
use crate::rules::Severity;
use crate::visible;

/// What a person should do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Recommendation {
    /// Do not merge.
    Block,
    /// Fix before the merge.
    Fix,
    /// Have a person look.
    Look,
    /// Go on.
    Proceed,
}

impl Recommendation {
    /// The word of reports.
    pub fn name(self) -> &'static str {
        match self {
            Recommendation::Block => "block",
            Recommendation::Fix => "fix",
            Recommendation::Look => "look",
            Recommendation::Proceed => "proceed",
        }
    }
}

/// The states of a review that must read differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing changed.
    Empty,
    /// Something changed, nothing of it is risky.
    Harmless,
    /// Every risky hunk was judged.
    Complete,
    /// Some risky hunks were not judged.
    Partial,
    /// There is an answer that cannot be read.
    Unreadable,
    /// Codex could not be had.
    Outage,
    /// The user wanted no call.
    Skipped,
}

/// The synthesis.
#[derive(Debug, Clone)]
pub struct Synthesis {
    /// State of the review.
    pub state: State,
    /// Ids of findings that hold against the change.
    pub agrees: Vec<String>,
    /// Ids of findings that do not, and of rules that Codex contradicts.
    pub disagrees: Vec<String>,
    /// Ids of what the rules saw and Codex did not speak of.
    pub incomplete: Vec<String>,
    /// Hunks that are not reviewed.
    pub not_reviewed: Vec<HunkId>,
    /// What Codex would have to see.
    pub needs_context: Vec<ContextRequest>,
    /// What to do.
    pub recommendation: Recommendation,
    /// All of it in words, a paragraph or list item a line, visible.
    pub text: String,
}

/// Weighs the checked findings.
pub(super) fn weigh(
    change: &Change,
    findings: &[Finding],
    coverage: &Coverage,
    answer: Option<&Answer>,
    reply: Reply<'_>,
    notes: &[String],
) -> Synthesis {
    let ids = |wanted: &dyn Fn(&Finding) -> bool| -> Vec<String> {
        findings
            .iter()
            .filter(|finding| wanted(finding))
            .map(|finding| finding.id.clone())
            .collect()
    };
    let cleared = |finding: &Finding| {
        let opinion = finding.hunk.and_then(|hunk| coverage.opinion(hunk));
        finding.verdict == Verdict::AdvisorOnly && opinion == Some(Opinion::Clear)
    };
    let mut synthesis = Synthesis {
        state: state(change, coverage, answer, reply),
        agrees: ids(&|f| {
            matches!(
                f.verdict,
                Verdict::Confirmed | Verdict::Supported | Verdict::Misplaced
            )
        }),
        disagrees: ids(&|f| {
            matches!(f.verdict, Verdict::Unsupported | Verdict::PreExisting) || cleared(f)
        }),
        incomplete: ids(&|f| f.verdict == Verdict::AdvisorOnly && !cleared(f)),
        not_reviewed: not_reviewed(coverage),
        needs_context: answer
            .map(|answer| answer.needs_context.clone())
            .unwrap_or_default(),
        recommendation: Recommendation::Proceed,
        text: String::new(),
    };
    let (recommendation, reason) = recommend(&synthesis, findings, coverage, notes);
    synthesis.recommendation = recommendation;
    synthesis.text = text(&synthesis, findings, coverage, reply, notes, &reason);
    synthesis
}

fn state(change: &Change, coverage: &Coverage, answer: Option<&Answer>, reply: Reply<'_>) -> State {
    match reply {
        Reply::NotNeeded if change.files.is_empty() => State::Empty,
        Reply::NotNeeded => State::Harmless,
        Reply::Skipped => State::Skipped,
        Reply::Unavailable(_) => State::Outage,
        Reply::Answered(_) if answer.is_none() => State::Unreadable,
        Reply::Answered(_) if coverage.not_judged.is_empty() && coverage.left_out.is_empty() => {
            State::Complete
        }
        Reply::Answered(_) => State::Partial,
    }
}

fn not_reviewed(coverage: &Coverage) -> Vec<HunkId> {
    let left_out = coverage.left_out.iter().map(|left| left.id);
    let mut hunks: Vec<HunkId> = coverage
        .not_judged
        .iter()
        .copied()
        .chain(left_out)
        .collect();
    hunks.sort_unstable();
    hunks
}

fn recommend(
    synthesis: &Synthesis,
    findings: &[Finding],
    coverage: &Coverage,
    notes: &[String],
) -> (Recommendation, String) {
    let gating = findings.iter().filter(|finding| finding.gates).count();
    let stands = |finding: &&Finding| synthesis.agrees.contains(&finding.id);
    let worst = findings
        .iter()
        .filter(stands)
        .map(|finding| finding.severity)
        .max();
    let unsure = coverage
        .opinions
        .values()
        .filter(|(opinion, _)| *opinion == Opinion::Unsure)
        .count();
    let look = |reason: &str| (Recommendation::Look, reason.to_owned());
    match (synthesis.state, worst) {
        _ if gating > 0 => {
            let reason = format!(
                "{} at or above the threshold",
                counted(gating, "finding stands", "findings stand")
            );
            (Recommendation::Block, reason)
        }
        (_, Some(worst)) if worst >= Severity::Medium => {
            let reason = format!(
                "the worst finding that holds is {}, below the threshold",
                worst.name()
            );
            (Recommendation::Fix, reason)
        }
        (State::Outage | State::Skipped, _) => look("risky hunks have no second opinion"),
        (State::Unreadable, _) => {
            look("the answer could not be read as findings; read it yourself")
        }
        (State::Partial, _) => look("not every risky hunk was reviewed"),
        _ if !synthesis.incomplete.is_empty() => {
            look("the rules saw something that Codex did not speak of")
        }
        _ if !synthesis.disagrees.is_empty() => {
            look("Codex claims something that could not be borne out")
        }
        _ if unsure > 0 => look("Codex is unsure about a hunk"),
        _ if !synthesis.needs_context.is_empty() => {
            look("Codex asks for context that it was not given")
        }
        _ if !notes.is_empty() => look("the call was not quite as asked for"),
        (_, Some(_)) => (
            Recommendation::Proceed,
            "only minor findings hold".to_owned(),
        ),
        (State::Empty, None) => (Recommendation::Proceed, "nothing changed".to_owned()),
        (State::Harmless, None) => (
            Recommendation::Proceed,
            "no hunk touches anything risky".to_owned(),
        ),
        _ => {
            let reason =
                "Codex cleared every hunk that was sent, and no explicit rule contradicts it";
            (Recommendation::Proceed, reason.to_owned())
        }
    }
}

fn text(
    synthesis: &Synthesis,
    findings: &[Finding],
    coverage: &Coverage,
    reply: Reply<'_>,
    notes: &[String],
    reason: &str,
) -> String {
    let mut lines: Vec<String> = Vec::new();
    match reply {
        Reply::Unavailable(failure) => {
            lines.push(format!("No second opinion: {}.", failure.line()));
        }
        Reply::Skipped => {
            lines.push("No second opinion: Codex was not asked (--no-codex).".to_owned());
        }
        Reply::NotNeeded | Reply::Answered(_) => {}
    }
    lines.extend(not_reviewed_lines(coverage, reply));
    lines.extend(
        notes
            .iter()
            .map(|note| format!("Note: {}.", visible::line(note))),
    );
    let alone = !matches!(reply, Reply::Answered(_));
    let each = |ids: &[String], heading: &str, lines: &mut Vec<String>| {
        if !ids.is_empty() {
            lines.push(format!("{heading}:"));
            let listed = findings.iter().filter(|finding| ids.contains(&finding.id));
            lines.extend(listed.map(|finding| line_of(finding, alone)));
        }
    };
    each(&synthesis.agrees, "Holds against the change", &mut lines);
    each(
        &synthesis.disagrees,
        "Does not hold, or is contradicted",
        &mut lines,
    );
    let incomplete = match reply {
        Reply::Answered(_) => "Seen by the rules, not spoken of by Codex",
        _ => "Seen by the rules alone",
    };
    each(&synthesis.incomplete, incomplete, &mut lines);
    if !synthesis.needs_context.is_empty() {
        lines.push("Codex would have to see:".to_owned());
        let one = |text: &str| visible::line(text.chars().take(300).collect::<String>());
        lines.extend(synthesis.needs_context.iter().take(20).map(|request| {
            format!(
                "- {} {}: {}",
                one(&request.path),
                one(&request.what),
                one(&request.why)
            )
        }));
    }
    lines.push(format!(
        "Recommendation: {}: {reason}.",
        synthesis.recommendation.name()
    ));
    lines.join("\n")
}

/// What was not reviewed is said first.
fn not_reviewed_lines(coverage: &Coverage, reply: Reply<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if matches!(reply, Reply::Answered(_)) && !coverage.not_judged.is_empty() {
        let ids: Vec<String> = coverage
            .not_judged
            .iter()
            .map(ToString::to_string)
            .collect();
        let total = coverage.sent.len();
        lines.push(format!(
            "Not reviewed: Codex gave no verdict on {} of {total} hunks ({}).",
            ids.len(),
            ids.join(", ")
        ));
    }
    for left in coverage.left_out.iter().take(20) {
        lines.push(format!(
            "Not reviewed: {} was not sent: {}.",
            left.id,
            left.why.words()
        ));
    }
    if coverage.left_out.len() > 20 {
        lines.push(format!(
            "Not reviewed: {} more hunks were not sent.",
            coverage.left_out.len() - 20
        ));
    }
    lines
}

fn line_of(finding: &Finding, alone: bool) -> String {
    let side = if finding.on_old_side {
        " (removed)"
    } else {
        ""
    };
    let head = format!(
        "- {} {} {} {}:{}{side}: {}",
        finding.id,
        finding.severity.name(),
        finding.verdict.name(),
        finding.file,
        finding.start_line,
        finding.title
    );
    // Where nobody was asked, each line would give the same reason as the heading.
    if alone {
        head
    } else {
        format!("{head}; {}", finding.reasons.join("; "))
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {many}")
    }
}
