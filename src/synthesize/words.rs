//! The synthesis in words: what was not reviewed first, then what holds, what does not, what is missing.

use super::answer::Opinion;
use super::coverage::Coverage;
use super::judge::Verdict;
use super::weigh::Synthesis;
use super::{Case, Finding, Reply};
use crate::change::HunkId;
use crate::classify::{Classified, HunkScore, Signal};
use crate::rules::{Severity, Side};
use crate::visible;

/// The text, one paragraph or list item a line; `reason` is the recommendation's.
pub(super) fn of(case: &Case<'_>, synthesis: &Synthesis, reason: &str) -> String {
    let Case { findings, coverage, classified, reply, notes, .. } = *case;
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
    let alone = !matches!(reply, Reply::Answered(_));
    let each = |ids: &[String], heading: &str, lines: &mut Vec<String>| {
        if !ids.is_empty() {
            lines.push(format!("{heading}:"));
            let listed = findings.iter().filter(|finding| ids.contains(&finding.id));
            lines.extend(listed.map(|finding| line_of(finding, alone)));
        }
    };
    each(&synthesis.agrees, "Holds against the change", &mut lines);
    each(&synthesis.disagrees, "Does not hold, or is contradicted", &mut lines);
    let incomplete = match reply {
        Reply::Answered(_) => "Seen by the rules, not spoken of by Codex",
        _ => "Seen by the rules alone",
    };
    each(&synthesis.incomplete, incomplete, &mut lines);
    lines.extend(contradictions(findings, coverage, classified));
    if !synthesis.needs_context.is_empty() {
        lines.push("Codex would have to see:".to_owned());
        let one = |text: &str| visible::line(text.chars().take(300).collect::<String>());
        lines.extend(synthesis.needs_context.iter().take(20).map(|request| {
            format!("- {} {}: {}", one(&request.path), one(&request.what), one(&request.why))
        }));
    }
    lines.push(format!("Recommendation: {}: {reason}.", synthesis.recommendation.name()));
    lines.join("\n")
}

/// Opinions on hunks that do not go together with what was found there.
fn contradictions(
    findings: &[Finding],
    coverage: &Coverage,
    classified: &Classified,
) -> Vec<String> {
    let holds = |id: HunkId| {
        let here = findings.iter().filter(|finding| finding.hunk == Some(id));
        here.into_iter().any(|f| !matches!(f.verdict, Verdict::Unsupported | Verdict::PreExisting))
    };
    let contradiction = |(id, (opinion, note)): (&HunkId, &(Opinion, String))| match opinion {
        Opinion::Finding if !holds(*id) => Some(format!(
            "Codex calls {id} a finding, but nothing that it reports there holds against the change."
        )),
        Opinion::Clear => {
            let signal = strongest(classified.of(*id)?)?;
            let note: String = note.chars().take(300).collect();
            Some(format!(
                "Codex clears {id} ({}); the rule {} saw there: {} (line {}).",
                visible::line(note),
                signal.rule.id,
                signal.rule.title,
                signal.lines.start
            ))
        }
        Opinion::Finding | Opinion::Unsure => None,
    };
    coverage.opinions.iter().filter_map(contradiction).collect()
}

/// The signal on changed lines that weighs most, if it is serious.
fn strongest(score: &HunkScore) -> Option<&Signal> {
    let told =
        |signal: &&Signal| matches!(signal.side, Side::Added | Side::Removed) && !signal.moved;
    let serious =
        score.signals.iter().filter(told).filter(|signal| signal.rule.severity >= Severity::High);
    serious.max_by(|a, b| a.weight.total_cmp(&b.weight))
}

/// What was not reviewed is said first.
fn not_reviewed_lines(coverage: &Coverage, reply: Reply<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if matches!(reply, Reply::Answered(_)) && !coverage.not_judged.is_empty() {
        let ids: Vec<String> = coverage.not_judged.iter().map(ToString::to_string).collect();
        let total = coverage.sent.len();
        lines.push(format!(
            "Not reviewed: Codex gave no verdict on {} of {total} hunks ({}).",
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
