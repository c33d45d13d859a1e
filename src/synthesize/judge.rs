//! What a claim is worth: one function of where its evidence stands and of what the rules saw there.

use std::collections::HashSet;

use serde::Serialize;

use super::anchor::{Anchor, Anchorer, Place, Stand};
use super::answer::{Answer, Claim};
use super::{Finding, Source};
use crate::change::{Change, LineKind};
use crate::classify::{Classified, Signal};
use crate::pack::Packet;
use crate::redact::Redactor;
use crate::rules::{Severity, Side};
use crate::visible::{self, Visible};

/// What the check of a finding against the change gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The evidence stands in the change where the finding says, and a rule fired there too.
    Confirmed,
    /// The same, but no rule fired there.
    Supported,
    /// The evidence stands in the change, but at another place; it was re-anchored.
    Misplaced,
    /// The evidence is real, but this change neither adds nor touches it.
    PreExisting,
    /// Nothing bears it out.
    Unsupported,
    /// A rule fired, and Codex did not speak of it.
    AdvisorOnly,
}

impl Verdict {
    /// The word of reports.
    pub fn name(self) -> &'static str {
        match self {
            Verdict::Confirmed => "confirmed",
            Verdict::Supported => "supported",
            Verdict::Misplaced => "misplaced",
            Verdict::PreExisting => "pre-existing",
            Verdict::Unsupported => "unsupported",
            Verdict::AdvisorOnly => "advisor-only",
        }
    }
}

/// Who is trusted for a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// The model: its evidence holds and the rules are blind there.
    Codex,
    /// The rules.
    Advisor,
    /// Both say the same.
    Both,
    /// Nobody has shown anything about this change.
    Neither,
}

/// Where evidence stands, as far as the verdict depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Evidence {
    /// On lines that the change adds or removes; whether at the claimed place.
    InChange { as_claimed: bool },
    /// On lines that the change leaves as they were, or only moves.
    Untouched,
    /// Nowhere.
    Missing,
}

/// The verdict and the trust that go with it.
fn verdict(evidence: Evidence, signal: bool) -> (Verdict, Trust) {
    let trust = if signal { Trust::Both } else { Trust::Codex };
    match (evidence, signal) {
        (Evidence::InChange { as_claimed: true }, true) => (Verdict::Confirmed, trust),
        (Evidence::InChange { as_claimed: true }, false) => (Verdict::Supported, trust),
        (Evidence::InChange { as_claimed: false }, _) => (Verdict::Misplaced, trust),
        (Evidence::Untouched, _) => (Verdict::PreExisting, Trust::Neither),
        (Evidence::Missing, _) => (Verdict::Unsupported, Trust::Advisor),
    }
}

/// Whether a finding fails the run.
pub(super) fn gates(finding: &Finding, threshold: Option<Severity>) -> bool {
    let counts = match finding.verdict {
        Verdict::Confirmed | Verdict::Supported | Verdict::Misplaced => true,
        Verdict::AdvisorOnly => finding.explicit,
        Verdict::PreExisting | Verdict::Unsupported => false,
    };
    counts && threshold.is_some_and(|threshold| finding.severity >= threshold)
}

/// Every claim of an answer, checked.
pub(super) fn claims(
    answer: &Answer,
    change: &Change,
    classified: &Classified,
    packet: &Packet,
) -> Vec<Finding> {
    let mut anchorer = Anchorer::new(packet, change);
    let added = added_lines(change);
    let check = |claim| check(claim, &mut anchorer, &added, change, classified);
    answer.findings.iter().map(check).collect()
}

fn check<'a>(
    claim: &Claim,
    anchorer: &mut Anchorer<'a>,
    added: &HashSet<&'a [u8]>,
    change: &'a Change,
    classified: &Classified,
) -> Finding {
    let anchor = anchorer.anchor(claim);
    let (evidence, place, mut reasons) = match anchor {
        Anchor::Sent(place) => {
            let (evidence, reason) = sent(&place, claim, change, added);
            (evidence, Some(place), vec![reason])
        }
        Anchor::Unsent(place) => (Evidence::Untouched, Some(place), vec![unsent()]),
        Anchor::Nowhere(why) => (Evidence::Missing, None, vec![why.to_owned()]),
    };
    let signal = place.as_ref().and_then(|place| signal_at(place, classified));
    let (verdict, trusts) = verdict(evidence, signal.is_some());
    if let (Evidence::InChange { .. }, signal) = (evidence, signal) {
        reasons.push(match signal {
            Some(signal) => {
                format!("the rule {} fired there too ({})", signal.rule.id, signal.rule.title)
            }
            None => "no rule fired there: a place that the rules do not see".to_owned(),
        });
    }
    if claim.severity.is_none() {
        reasons.push("its severity is none of the known words and is taken as medium".to_owned());
    }
    let mut redactor = Redactor::default();
    let mut foreign = |text: &str| visible::text(redactor.text(text));
    let in_change = matches!(evidence, Evidence::InChange { .. });
    Finding {
        id: String::new(),
        source: if in_change && signal.is_some() { Source::Both } else { Source::Codex },
        category: word(&claim.category),
        severity: claim.severity.unwrap_or(Severity::Medium),
        confidence: claim.confidence,
        title: visible::line(foreign(claim.title.lines().next().unwrap_or_default()).as_str()),
        file: place.as_ref().map_or_else(|| visible::line(&claim.file), |place| place.path.clone()),
        start_line: place.as_ref().map_or(claim.start_line, |place| place.lines.start),
        end_line: place.as_ref().map_or(claim.end_line, |place| place.lines.end - 1),
        hunk: place.as_ref().and_then(|place| place.hunk),
        on_old_side: place.as_ref().is_some_and(|place| place.stand == Stand::Removed),
        evidence: foreign(&claim.evidence),
        explanation: foreign(&claim.explanation),
        recommendation: foreign(&claim.recommendation),
        verdict,
        trusts,
        reasons,
        explicit: false,
        gates: false,
    }
}

/// Evidence that was sent: on changed lines or not, at the claimed place or not.
fn sent(
    place: &Place,
    claim: &Claim,
    change: &Change,
    added: &HashSet<&[u8]>,
) -> (Evidence, String) {
    let evidence = Evidence::InChange { as_claimed: place.as_claimed };
    let lines = shown(&place.lines);
    let reason = match place.stand {
        Stand::Unchanged => {
            let reason = "the quoted lines were there before and this change does not touch them";
            return (Evidence::Untouched, reason.to_owned());
        }
        Stand::Removed if only_moved(place, change, added) => {
            let reason = "the quoted check is not gone: the change only moves it";
            return (Evidence::Untouched, reason.to_owned());
        }
        Stand::Added => format!("the quoted code stands on added {lines}"),
        Stand::Removed => format!("the quoted code is removed ({lines} of the old side)"),
    };
    if place.as_claimed {
        return (evidence, reason);
    }
    let claimed = format!("{}:{}", visible::line(&claim.file), claim.start_line);
    (evidence, format!("{reason} of {}, not at {claimed} as claimed", place.path))
}

fn unsent() -> String {
    "the quoted code stands outside of what was sent, where this change touches nothing".to_owned()
}

/// Whether every removed line of a place is added again somewhere in the change.
fn only_moved(place: &Place, change: &Change, added: &HashSet<&[u8]>) -> bool {
    let Some((file, _)) = place.hunk.and_then(|id| change.hunk(id)) else { return false };
    let mut removed = place.lines.clone().filter_map(|number| file.old.line(number));
    removed.all(|gone| gone.trim_ascii().is_empty() || added.contains(gone.trim_ascii()))
}

/// All added lines of the change, without the blanks around them.
fn added_lines(change: &Change) -> HashSet<&[u8]> {
    let lines = change.hunks().flat_map(|(file, hunk)| file.lines(hunk));
    lines.filter(|line| line.kind == LineKind::Added).map(|line| line.text.trim_ascii()).collect()
}

/// A signal on the lines of a place.
fn signal_at<'a>(place: &Place, classified: &'a Classified) -> Option<&'a Signal> {
    let side = match place.stand {
        Stand::Added => Side::Added,
        Stand::Removed => Side::Removed,
        Stand::Unchanged => return None,
    };
    let signals = classified.of(place.hunk?)?.signals.iter();
    let mut here = signals.filter(|signal| {
        signal.side == side
            && signal.lines.start < place.lines.end
            && place.lines.start < signal.lines.end
    });
    here.find(|signal| !signal.moved)
}

fn shown(lines: &std::ops::Range<u32>) -> String {
    match lines.end - lines.start {
        1 => format!("line {}", lines.start),
        _ => format!("lines {}-{}", lines.start, lines.end - 1),
    }
}

/// A category as one short visible word.
fn word(text: &str) -> Visible {
    let short: String = text.chars().take(40).collect();
    visible::line(if short.is_empty() { "other" } else { &short })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_truth_table() {
        let here = Evidence::InChange { as_claimed: true };
        let there = Evidence::InChange { as_claimed: false };
        let table = [
            (here, true, Verdict::Confirmed, Trust::Both),
            (here, false, Verdict::Supported, Trust::Codex),
            (there, true, Verdict::Misplaced, Trust::Both),
            (there, false, Verdict::Misplaced, Trust::Codex),
            (Evidence::Untouched, true, Verdict::PreExisting, Trust::Neither),
            (Evidence::Untouched, false, Verdict::PreExisting, Trust::Neither),
            (Evidence::Missing, true, Verdict::Unsupported, Trust::Advisor),
            (Evidence::Missing, false, Verdict::Unsupported, Trust::Advisor),
        ];
        for (evidence, signal, expected, trust) in table {
            assert_eq!(verdict(evidence, signal), (expected, trust), "{evidence:?} {signal}");
        }
    }
}
