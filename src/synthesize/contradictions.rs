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
    let unspoken = unspoken(findings, coverage, classified).into_iter().map(|(id, signal)| {
        format!(
            "Codex calls {id} a finding and does not speak of what the rule {} saw there: {} ({}). Look at that yourself.",
            signal.rule.id,
            signal.rule.title,
            place(signal)
        )
    });
    let contradictions = coverage.opinions.iter().filter_map(contradiction);
    contradictions.chain(unspoken).collect()
}

/// Serious signals of which nobody speaks, in hunks that Codex calls a finding; for each hunk and category the
/// strongest. An explicit rule has a finding of its own.
pub(super) fn unspoken<'a>(
    findings: &[Finding],
    coverage: &Coverage,
    classified: &'a Classified,
) -> Vec<(HunkId, &'a Signal)> {
    let spoken_of = |id: HunkId, signal: &Signal| {
        findings.iter().filter(|finding| finding.hunk == Some(id)).any(|finding| {
            let there =
                signal.lines.start <= finding.end_line && finding.start_line < signal.lines.end;
            let same_side = finding.on_old_side == (signal.side == Side::Removed);
            there && same_side || finding.category.as_str() == &*signal.rule.category
        })
    };
    let is_finding = |id: &&HunkId| coverage.opinion(**id) == Some(Opinion::Finding);
    let mut found: Vec<(HunkId, &Signal)> = Vec::new();
    for id in coverage.opinions.keys().filter(is_finding) {
        let Some(score) = classified.of(*id) else { continue };
        let mut there: Vec<&Signal> =
            serious(score).filter(|signal| !spoken_of(*id, signal)).collect();
        there.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        for signal in there {
            let known = |(other, known): &(HunkId, &Signal)| {
                other == id && known.rule.category == signal.rule.category
            };
            if !found.iter().any(known) {
                found.push((*id, signal));
            }
        }
    }
    found
}

fn place(signal: &Signal) -> String {
    let removed = if signal.side == Side::Removed { ", removed" } else { "" };
    format!("line {}{removed}", signal.lines.start)
}

/// A clearance where a serious rule fired. An explicit rule has a finding of its own.
fn cleared(id: HunkId, note: &str, score: &HunkScore) -> Option<String> {
    let signal = serious(score).max_by(|a, b| a.weight.total_cmp(&b.weight))?;
    Some(format!(
        "Codex clears {id} ({}); the rule {} saw there: {} ({}). Trust Codex as far as its reason goes: it read the \
         code around, the rule a line; that the reason is true was not checked.",
        short(note),
        signal.rule.id,
        signal.rule.title,
        place(signal)
    ))
}

/// Signals on changed lines that are serious and no finding of their own.
fn serious(score: &HunkScore) -> impl Iterator<Item = &Signal> {
    let told =
        |signal: &&Signal| matches!(signal.side, Side::Added | Side::Removed) && !signal.moved;
    let serious = |signal: &&Signal| signal.rule.severity >= Severity::High && !signal.explicit;
    score.signals.iter().filter(told).filter(serious)
}

fn short(note: &str) -> Visible {
    visible::line(note.chars().take(300).collect::<String>())
}
