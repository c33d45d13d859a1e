//! Opinions on hunks that do not go together with what was found there: both sides, and whom to trust.

use super::Finding;
use super::answer::Opinion;
use super::coverage::Coverage;
use super::judge::Verdict;
use crate::change::HunkId;
use crate::classify::{Classified, HunkScore, Signal};
use crate::rules::{Severity, Side};
use crate::visible::{self, Visible};

/// One line for each hunk on which Codex contradicts itself, and lists of where a serious rule stands against it.
pub(super) fn of(
    findings: &[Finding],
    coverage: &Coverage,
    classified: &Classified,
) -> Vec<String> {
    let reported = |id: HunkId| -> Vec<&str> {
        let here = findings.iter().filter(|finding| finding.hunk == Some(id));
        let holding = here.filter(|finding| {
            matches!(finding.verdict, Verdict::Confirmed | Verdict::Supported | Verdict::Misplaced)
        });
        holding.map(|finding| finding.id.as_str()).collect()
    };
    let (mut itself, mut cleared) = (Vec::new(), Vec::new());
    for (id, (opinion, note)) in &coverage.opinions {
        let (reported, note) = (reported(*id), short(note));
        match opinion {
            Opinion::Finding if reported.is_empty() => itself.push(format!(
                "Codex calls {id} a finding, but nothing that it reports there holds against the change."
            )),
            Opinion::Clear if !reported.is_empty() => itself.push(format!(
                "Codex clears {id} ({note}) and reports {} there; what it quotes is in the change, so the finding counts.",
                reported.join(", ")
            )),
            Opinion::Clear => {
                let signals = classified.of(*id).into_iter().flat_map(serious);
                let strongest = signals.max_by(|a, b| a.weight.total_cmp(&b.weight));
                cleared.extend(strongest.map(|signal| format!("- {id} ({note}): {}", saw(signal))));
            }
            Opinion::Finding | Opinion::Unsure => {}
        }
    }
    let unspoken = unspoken(findings, coverage, classified).into_iter();
    let unspoken = unspoken.map(|(id, signal)| format!("- {id}: {}", saw(signal))).collect();
    let lists = [
        (
            "Codex clears what a serious rule saw. Trust Codex as far as its reason goes: it read the code around, the \
             rule a line; that the reason is true was not checked:",
            cleared,
        ),
        (
            "Codex does not speak of what a serious rule saw in a hunk with a finding; look yourself:",
            unspoken,
        ),
    ];
    for (heading, lines) in lists.into_iter().filter(|(_, lines)| !lines.is_empty()) {
        itself.push(heading.to_owned());
        itself.extend(lines);
    }
    itself
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

/// What a rule saw, and where.
fn saw(signal: &Signal) -> String {
    let side = if signal.side == Side::Removed { " of the old side" } else { "" };
    let rule = &signal.rule;
    format!("{} (line {}{side}, {})", rule.title, signal.lines.start, rule.id)
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
