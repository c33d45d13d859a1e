//! Signals and evidence to scores.

use std::collections::BTreeMap;

use super::evidence::{Evidence, Feature, Figures};
use super::vocabulary::CATEGORIES;
use super::{HunkScore, Signal};
use crate::rules::Side;

/// A change of at most so many hunks of code is a focused one.
const FEW: u32 = 3;

/// A change of more hunks of code than this sweeps.
const MANY: u32 = 12;

/// Odds that go along, as a part of the best ones.
const ODDS: f64 = 20.0;

/// Scores above this count as this beside others.
const SURE: f64 = 0.99;

/// A category is named beside the strongest one if its odds are at least this share of that one's: scores near 1
/// are all alike.
const BESIDE: f64 = 0.2;

/// What the built-in rules say alone of a hunk that was weighed too is multiplied with this: what stands
/// around them is known there, and they are in its sum.
const WEIGHED: f64 = 0.8;

/// Fills in the scores of a hunk from its signals and its evidence.
pub(super) fn fill(hunk: &mut HunkScore, evidence: Option<&Evidence>, factor: f64) {
    let own = |category: &str| {
        let mut of_category = hunk.signals.iter().filter(|signal| signal.rule.category == category);
        of_category.any(|signal| signal.rule.is_own() || signal.explicit)
    };
    let alone = |category: &str| if evidence.is_none() || own(category) { 1.0 } else { WEIGHED };
    let mut scores: BTreeMap<String, f64> = by_rules(&hunk.signals, |_| true)
        .into_iter()
        .filter(|(category, _)| is_read(&hunk.signals, category))
        .map(|(category, score)| (category.to_owned(), rounded(factor * alone(category) * score)))
        .collect();
    let weighed: Vec<(&'static str, Figures)> =
        evidence.iter().flat_map(|evidence| CATEGORIES.into_iter().zip(evidence.of)).collect();
    let best = weighed.iter().map(|(_, figures)| figures.score()).fold(0.0, f64::max);
    for (category, figures) in weighed {
        let weight = figures.score();
        if odds(weight) >= BESIDE * odds(best) {
            let score = scores.entry(category.to_owned()).or_default();
            *score = score.max(rounded(weight));
        }
        hunk.figures.push((category, figures));
    }
    let mut categories: Vec<(String, f64)> =
        scores.into_iter().filter(|(_, score)| *score > 0.0).collect();
    categories.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    hunk.score = categories.first().map_or(0.0, |(_, score)| *score);
    hunk.categories = categories;
}

/// Whether a line of the hunk is itself the proof of a flaw: it is looked at wherever it stands, in tests too.
pub(super) fn is_explicit(hunk: &HunkScore) -> bool {
    hunk.signals.iter().any(|signal| signal.explicit && !signal.moved)
}

/// Whether one of the user's own rules fired in the hunk.
pub(super) fn is_own(hunk: &HunkScore) -> bool {
    hunk.signals.iter().any(|signal| signal.rule.is_own() && !signal.moved)
}

/// The least score that goes along beside the best one: a twentieth of its odds. Up to a best score of 0.95 that
/// is below one half.
pub(super) fn beside(best: f64) -> f64 {
    let odds = odds(best) / ODDS;
    odds / (1.0 + odds)
}

/// The odds that a score stands for; of one that is nearly 1 those of [`SURE`].
fn odds(score: f64) -> f64 {
    let score = score.min(SURE);
    score / (1.0 - score)
}

/// Adds what the rules say to the evidence of a hunk.
#[expect(clippy::cast_possible_truncation, reason = "a score has three digits")]
pub(super) fn add_rules(evidence: &mut Evidence, signals: &[Signal]) {
    // What a file is called and what an area looks like is in the words already.
    let tells = |signal: &Signal| signal.side != Side::Path && !signal.rule.id.contains("/area-");
    let scores = by_rules(signals, tells);
    let of = |category: &str| scores.get(category).copied().unwrap_or(0.0) as f32;
    evidence.set(Feature::RulesAny, scores.values().copied().fold(0.0, f64::max) as f32);
    evidence.set(Feature::RulesInput, of("input"));
    for (category, figures) in CATEGORIES.iter().zip(&mut evidence.of) {
        figures.set(Feature::Rules, of(category));
    }
}

/// How large a change is, as far as it is code of the product.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Size {
    pub(super) hunks: u32,
    /// Lines that are added or removed.
    pub(super) lines: u32,
}

impl std::iter::Sum for Size {
    fn sum<I: Iterator<Item = Size>>(sizes: I) -> Size {
        sizes.fold(Size::default(), |sum, size| Size {
            hunks: sum.hunks.saturating_add(size.hunks),
            lines: sum.lines.saturating_add(size.lines),
        })
    }
}

/// Adds how large the change is.
pub(super) fn add_size(evidence: &mut Evidence, size: Size) {
    evidence.set(Feature::FewHunks, f32::from(u8::from(size.hunks <= FEW)));
    evidence.set(Feature::ManyHunks, f32::from(u8::from(size.hunks > MANY)));
    evidence.set(Feature::HunkCount, (1.0 + size.hunks as f32).ln() / 4.0);
    evidence.set(Feature::LineCount, ((1.0 + size.lines as f32).ln() / 7.0).min(1.0));
}

/// For each category the weights of its rules, taken as independent, each rule counted once.
fn by_rules(signals: &[Signal], counts: impl Fn(&Signal) -> bool) -> BTreeMap<&str, f64> {
    let mut weights: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for signal in signals.iter().filter(|signal| counts(signal)) {
        let rules = weights.entry(&signal.rule.category).or_default();
        let weight = rules.entry(&signal.rule.id).or_default();
        *weight = weight.max(signal.weight);
    }
    weights.into_iter().map(|(category, rules)| (category, combined(rules.values()))).collect()
}

/// Whether a category is told by a line, and not by the path alone.
fn is_read(signals: &[Signal], category: &str) -> bool {
    signals.iter().any(|signal| signal.rule.category == category && signal.side != Side::Path)
}

/// Evidence that is taken as independent.
fn combined<'a>(weights: impl Iterator<Item = &'a f64>) -> f64 {
    let doubt: f64 = weights.map(|weight| 1.0 - weight).product();
    rounded(1.0 - doubt)
}

/// Rounded to three digits, so that a score prints as it counts.
fn rounded(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::{beside, combined};

    #[test]
    fn two_halves_make_three_quarters() {
        assert!((combined([0.5, 0.5].iter()) - 0.75).abs() < 1e-9);
        assert!(combined([].iter()).abs() < 1e-9);
    }

    #[test]
    fn what_would_earn_a_call_goes_along_unless_another_is_nearly_certain() {
        assert!(beside(0.5) < 0.05);
        assert!(beside(0.95) < 0.5);
        assert!((0.5..0.9).contains(&beside(0.99)));
        assert!((beside(1.0) - beside(0.99)).abs() < 1e-9);
    }
}
