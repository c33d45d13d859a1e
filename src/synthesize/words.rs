//! The synthesis in words: what was not reviewed first, then what holds, what does not, what is missing.

use super::answer::ContextRequest;
use super::coverage::Coverage;
use super::rounds::Standing;
use super::weigh::Synthesis;
use super::{Case, Finding, Reply, Subject, contradictions};
use crate::visible::{self, Visible};

/// The text, one paragraph or list item a line; `reason` is the recommendation's.
pub(super) fn of(case: &Case<'_>, synthesis: &Synthesis, reason: &str) -> String {
    let Case { findings, coverage, classified, standing, reply, notes, .. } = *case;
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
    lines.extend(notes.iter().map(|note| format!("Note: {}.", visible::line(note))));
    // An answer that cannot be read says of nothing whether it was seen.
    let alone = !matches!(reply, Reply::Answered(_)) || standing.answer.is_none();
    let each = |ids: &[String], heading: &str, lines: &mut Vec<String>| {
        if !ids.is_empty() {
            lines.push(format!("{heading}:"));
            let listed = findings.iter().filter(|finding| ids.contains(&finding.id));
            lines.extend(listed.map(|finding| line_of(finding, alone)));
        }
    };
    let (holds, does_not) = match case.subject {
        Subject::Change => ("Holds against the change", "Does not hold, or is contradicted"),
        Subject::Given => ("Quotes what was given", "Opinion, or quotes what was not given"),
    };
    each(&synthesis.agrees, holds, &mut lines);
    each(&synthesis.disagrees, does_not, &mut lines);
    let incomplete = match alone {
        false => "Seen by the rules, not spoken of by Codex",
        true => "Seen by the rules alone",
    };
    each(&synthesis.incomplete, incomplete, &mut lines);
    each(&synthesis.accepted, "Accepted earlier, not counted", &mut lines);
    lines.extend(contradictions::of(findings, coverage, classified));
    lines.extend(later_rounds(standing));
    lines.extend(requests(&synthesis.needs_context));
    lines.push(format!("Recommendation: {}: {reason}.", synthesis.recommendation.name()));
    lines.join("\n")
}

/// What later rounds changed, and what could not be read of any.
fn later_rounds(standing: &Standing) -> Vec<String> {
    let withdrawn = standing.withdrawn.iter().map(|claim| {
        format!(
            "Codex withdraws \"{}\" ({}) in round {}: {}.",
            short(&claim.title),
            short(&claim.label),
            claim.round,
            short(&claim.note)
        )
    });
    let unread = standing.unread.iter().filter(|_| standing.answer.is_some()).map(|round| {
        format!("The answer of round {round} could not be read as findings; it changes nothing.")
    });
    let dropped = standing.answer.as_ref().map_or(0, |answer| answer.dropped);
    let dropped =
        (dropped > 0).then(|| format!("Not read: {dropped} further entries of the answer."));
    withdrawn.chain(unread).chain(dropped).collect()
}

/// What Codex asks to see, under the numbers by which it is granted.
fn requests(needs_context: &[ContextRequest]) -> Vec<String> {
    let shown = (1..).zip(needs_context.iter().take(20)).map(|(number, request)| {
        format!(
            "- {number}. {} {}: {}",
            short(&request.path),
            short(&request.what),
            short(&request.why)
        )
    });
    let heading = "Codex would have to see (git advisor follow-up --grant N,…):".to_owned();
    let heading = (!needs_context.is_empty()).then_some(heading);
    heading.into_iter().chain(shown).collect()
}

fn short(text: &str) -> Visible {
    visible::line(text.chars().take(300).collect::<String>())
}

/// What was not reviewed is said first.
fn not_reviewed_lines(coverage: &Coverage, reply: Reply<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if matches!(reply, Reply::Answered(_)) && !coverage.not_judged.is_empty() {
        let ids: Vec<String> = coverage.not_judged.iter().map(ToString::to_string).collect();
        let total = coverage.sent.len();
        lines.push(format!(
            "Not reviewed: Codex gave no verdict, or no reason to clear, on {} of {total} hunks ({}).",
            ids.len(),
            ids.join(", ")
        ));
    }
    for left in coverage.left_out.iter().take(20) {
        lines.push(format!("Not reviewed: {} was not sent: {}.", left.id, left.why.words()));
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
    let side = if finding.on_old_side { " (removed)" } else { "" };
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
    if alone { head } else { format!("{head}; {}", finding.reasons.join("; ")) }
}
