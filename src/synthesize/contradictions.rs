//! Opinions on hunks that do not go together with what was found there: both sides, and whom to trust.

use super::Finding;
use super::answer::Opinion;
use super::coverage::Coverage;
use super::judge::Verdict;
use crate::change::HunkId;
use crate::classify::{Classified, HunkScore, Signal};
use crate::rules::{Severity, Side};
use crate::visible::{self, Visible};

/// One line for each hunk on which Codex contradicts itself or the rules.
pub(super) fn of(
    findings: &[Finding],
    coverage: &Coverage,
    classified: &Classified,
) -> Vec<String> {
    let holding = |id: HunkId| {
        let here = findings.iter().filter(move |finding| finding.hunk == Some(id));
        here.filter(|finding| {
            matches!(finding.verdict, Verdict::Confirmed | Verdict::Supported | Verdict::Misplaced)
        })
    };
    let contradiction = |(id, (opinion, note)): (&HunkId, &(Opinion, String))| {
        let reported: Vec<&str> = holding(*id).map(|finding| finding.id.as_str()).collect();
        match opinion {
            Opinion::Finding if reported.is_empty() => Some(format!(
                "Codex calls {id} a finding, but nothing that it reports there holds against the change."
            )),
            Opinion::Clear if !reported.is_empty() => Some(format!(
                "Codex clears {id} ({}) and reports {} there; what it quotes is in the change, so the finding counts.",
                short(note),
                reported.join(", ")
            )),
            Opinion::Clear => cleared(*id, note, classified.of(*id)?),
            Opinion::Finding | Opinion::Unsure => None,
        }
    };
    coverage.opinions.iter().filter_map(contradiction).collect()
}

/// A clearance where a serious rule fired. An explicit rule has a finding of its own.
fn cleared(id: HunkId, note: &str, score: &HunkScore) -> Option<String> {
    let signal = strongest(score)?;
    Some(format!(
        "Codex clears {id} ({}); the rule {} saw there: {} (line {}). Trust Codex as far as its reason goes: it read the \
         code around, the rule a line; that the reason is true was not checked.",
        short(note),
        signal.rule.id,
        signal.rule.title,
        signal.lines.start
    ))
}

/// The signal on changed lines that weighs most, if it is serious.
fn strongest(score: &HunkScore) -> Option<&Signal> {
    let told =
        |signal: &&Signal| matches!(signal.side, Side::Added | Side::Removed) && !signal.moved;
    let serious = |signal: &&Signal| signal.rule.severity >= Severity::High && !signal.explicit;
    let signals = score.signals.iter().filter(told).filter(serious);
    signals.max_by(|a, b| a.weight.total_cmp(&b.weight))
}

fn short(note: &str) -> Visible {
    visible::line(note.chars().take(300).collect::<String>())
}
