//! What a claim is worth: one function of where its evidence stands and of what the rules saw there.

use serde::Serialize;

use super::anchor::{Anchor, Anchorer, Place, Stand};
use super::answer::{Answer, Claim};
use super::moved::{Fate, Moves};
use super::{Finding, Grounds, Source, Subject, duplicates};
use crate::classify::{Classified, Signal, Unreached};
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

/// What claims are checked against.
struct Ground<'a> {
    subject: Subject,
    classified: &'a Classified,
    moves: Moves<'a>,
}

/// Every claim of an answer, checked; claims of the same flaw at the same place are one finding.
pub(super) fn claims(answer: &Answer, grounds: &Grounds<'_>) -> Vec<Finding> {
    let Grounds { change, classified, packet, subject, .. } = *grounds;
    let mut anchorer = Anchorer::new(packet, change);
    let ground = Ground { classified, moves: Moves::of(change), subject };
    let check = |claim| check(claim, anchorer.anchor(claim), &ground);
    duplicates::merged(answer.findings.iter().map(check).collect())
}

fn check(claim: &Claim, anchor: Anchor, ground: &Ground<'_>) -> Finding {
    let (evidence, place, mut reasons) = match anchor {
        Anchor::At(place) => {
            let (evidence, reason) = at(&place, claim, ground);
            (evidence, Some(place), vec![reason])
        }
        Anchor::Ambiguous(places) => ambiguous(places, claim, ground),
        Anchor::Nowhere(why) => (Evidence::Missing, None, vec![why.to_owned()]),
    };
    let signal = place.as_ref().and_then(|place| signal_at(place, claim, ground.classified));
    let (verdict, trusts) = match (ground.subject, &place) {
        // Whether a rule would have agreed was not asked.
        (Subject::Given, None) if claim.evidence.trim().is_empty() => {
            reasons =
                vec!["an opinion: it quotes nothing, so nothing of it was checked".to_owned()];
            (Verdict::Unsupported, Trust::Neither)
        }
        _ => verdict(evidence, signal.is_some()),
    };
    match (evidence, ground.subject) {
        (Evidence::InChange { .. }, Subject::Change) => reasons.push(agreement(signal, claim)),
        (Evidence::InChange { .. }, Subject::Given) => {
            reasons.push("whether the point is right was not checked".to_owned());
        }
        (Evidence::Untouched | Evidence::Missing, _) => {}
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
        fingerprint: String::new(),
        accepted: false,
        gates: false,
    }
}

/// Evidence at one place: on changed lines or not, as claimed or not.
fn at(place: &Place, claim: &Claim, ground: &Ground<'_>) -> (Evidence, String) {
    let evidence = Evidence::InChange { as_claimed: place.as_claimed };
    let lines = shown(&place.lines);
    let reason = match (place.stand, ground.fate(place)) {
        _ if ground.subject == Subject::Given => format!("the quoted text stands at {lines}"),
        (Stand::Unchanged, _) if place.sent => {
            let reason = "the quoted lines were there before and this change does not touch them";
            return (Evidence::Untouched, reason.to_owned());
        }
        (Stand::Unchanged, _) => {
            let reason = "the quoted code stands outside of what was sent, where this change touches nothing";
            return (Evidence::Untouched, reason.to_owned());
        }
        (Stand::Removed, Fate::Moved(to)) => {
            let reason = format!(
                "the quoted check is not gone: the change only moves it, to {to}; nothing in the changed files shows that it is not reached there"
            );
            return (Evidence::Untouched, reason);
        }
        (Stand::Removed, Fate::Unreached(to, why)) => format!(
            "the quoted code is removed ({lines} of the old side) and stands at {to} again, but {}",
            unreached(&why)
        ),
        (Stand::Removed, Fate::Gone) => {
            format!("the quoted code is removed ({lines} of the old side)")
        }
        (Stand::Added, _) => format!("the quoted code stands on added {lines}"),
    };
    let reason = match place.sent {
        true => reason,
        false => format!("{reason}; it was not sent to Codex, but the change itself bears it out"),
    };
    if place.as_claimed {
        return (evidence, reason);
    }
    (evidence, format!("{reason} of {}, not at {} as claimed", place.path, claimed(claim)))
}

/// Why code may not run where it stands now, after "but".
fn unreached(why: &Unreached) -> String {
    match why {
        Unreached::Within(line) => format!(
            "within a condition or block in which it did not stand before (line {line}) and which may never run"
        ),
        Unreached::OnAnother(name) => {
            format!("on `{}`, which is another function", visible::line(name))
        }
        Unreached::Uncalled(name) => {
            format!(
                "in the new function `{}`, which nothing in the changed files calls",
                visible::line(name)
            )
        }
    }
}

/// Evidence at several places of which the claim names none. It counts only where all of them say the same.
fn ambiguous(
    places: Vec<Place>,
    claim: &Claim,
    ground: &Ground<'_>,
) -> (Evidence, Option<Place>, Vec<String>) {
    let kinds: Vec<Evidence> = places.iter().map(|place| at(place, claim, ground).0).collect();
    let listed: Vec<String> = places.iter().take(5).map(ToString::to_string).collect();
    let more = if places.len() > 5 { " and more" } else { "" };
    let several = format!(
        "the quoted code stands at {} places ({}{more}), and the claim ({}) names none of them",
        places.len(),
        listed.join(", "),
        claimed(claim)
    );
    if kinds.iter().any(|kind| *kind != kinds[0]) {
        let reason = format!("{several}: some of them are changed and some are not");
        return (Evidence::Missing, None, vec![reason]);
    }
    let first = places.into_iter().next();
    (kinds[0], first, vec![format!("{several}; the first is shown")])
}

/// What the rules say of the place. Agreement is named as what it is: a pattern and a model.
fn agreement(signal: Option<&Signal>, claim: &Claim) -> String {
    let Some(signal) = signal else {
        return "no rule fired there: a place that the rules do not see".to_owned();
    };
    let rule = format!("the rule {} fired there too ({})", signal.rule.id, signal.rule.title);
    match *signal.rule.category == *claim.category {
        true => rule,
        false => format!("{rule}, which is another kind of flaw: the place agrees, not the reason"),
    }
}

fn claimed(claim: &Claim) -> String {
    let file = if claim.file.is_empty() { "no file" } else { claim.file.as_str() };
    format!("{}:{}", visible::line(file), claim.start_line)
}

impl Ground<'_> {
    fn fate(&self, place: &Place) -> Fate {
        if place.stand == Stand::Removed { self.moves.fate(place) } else { Fate::Gone }
    }
}

/// The strongest signal on the lines of a place, of the claimed category if there is one.
fn signal_at<'a>(place: &Place, claim: &Claim, classified: &'a Classified) -> Option<&'a Signal> {
    let side = match place.stand {
        Stand::Added => Side::Added,
        Stand::Removed => Side::Removed,
        Stand::Unchanged => return None,
    };
    let signals = classified.of(place.hunk?)?.signals.iter();
    let here = signals.filter(|signal| {
        signal.side == side
            && signal.lines.start < place.lines.end
            && place.lines.start < signal.lines.end
            && !signal.moved
    });
    let fits = |signal: &Signal| *signal.rule.category == *claim.category;
    here.max_by(|a, b| fits(a).cmp(&fits(b)).then(a.weight.total_cmp(&b.weight)))
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
