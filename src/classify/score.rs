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

/// A category is named beside the strongest one if its score is at least this share of that one's.
const BESIDE: f64 = 0.5;

/// Fills in the scores of a hunk from its signals and its evidence.
pub(super) fn fill(hunk: &mut HunkScore, evidence: Option<&Evidence>, factor: f64) {
    let mut scores: BTreeMap<String, f64> = by_rules(&hunk.signals, |_| true)
        .into_iter()
        .filter(|(category, _)| is_read(&hunk.signals, category))
        .map(|(category, score)| (category.to_owned(), rounded(factor * score)))
        .collect();
    let weighed: Vec<(&'static str, Figures)> =
        evidence.iter().flat_map(|evidence| CATEGORIES.into_iter().zip(evidence.of)).collect();
    let best = weighed.iter().map(|(_, figures)| figures.score()).fold(0.0, f64::max);
    for (category, figures) in weighed {
        let weight = figures.score();
        if weight >= BESIDE * best {
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

/// Adds how large the change is, in hunks and files of code.
pub(super) fn add_size(evidence: &mut Evidence, hunks: u32, files: u32) {
    let few = f32::from(u8::from(hunks <= FEW));
    evidence.set(Feature::FewHunks, few);
    evidence.set(Feature::ManyHunks, f32::from(u8::from(hunks > MANY)));
    evidence.set(Feature::HunkCount, (1.0 + hunks as f32).ln() / 4.0);
    evidence.set(Feature::FileCount, (files as f32 / 8.0).min(1.0));
    for figures in &mut evidence.of {
        let words = figures.get(Feature::WordsNet).max(0.6 * figures.get(Feature::WordsLine));
        figures.set(Feature::WordsAndFew, few * words);
    }
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
    use super::combined;

    #[test]
    fn two_halves_make_three_quarters() {
        assert!((combined([0.5, 0.5].iter()) - 0.75).abs() < 1e-9);
        assert!(combined([].iter()).abs() < 1e-9);
    }
}
