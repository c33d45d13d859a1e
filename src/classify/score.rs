//! Signals to scores.

use std::collections::BTreeMap;

use super::HunkScore;
use crate::rules::Side;

/// Fills in the scores of a hunk from its signals.
pub(super) fn fill(hunk: &mut HunkScore, factor: f64, threshold: f64) {
    let mut weights: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for signal in &hunk.signals {
        let rules = weights.entry(&signal.rule.category).or_default();
        let weight = rules.entry(&signal.rule.id).or_default();
        *weight = weight.max(signal.weight);
    }
    let read = |category: &str| {
        hunk.signals
            .iter()
            .any(|signal| signal.rule.category == category && signal.side != Side::Path)
    };
    let mut categories: Vec<(String, f64)> = weights
        .iter()
        .filter(|(category, _)| read(category))
        .map(|(category, rules)| ((*category).to_owned(), factor * combined(rules.values())))
        .filter(|(_, score)| *score > 0.0)
        .collect();
    categories.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    hunk.score = categories.first().map_or(0.0, |(_, score)| *score);
    // An explicit match is looked at wherever it stands, in tests too.
    let explicit = hunk.signals.iter().any(|signal| signal.explicit && !signal.moved);
    hunk.selected = explicit || (hunk.score >= threshold && hunk.score > 0.0);
    hunk.categories = categories;
}

/// Evidence that is taken as independent, rounded to three digits so that it prints as it counts.
fn combined<'a>(weights: impl Iterator<Item = &'a f64>) -> f64 {
    let doubt: f64 = weights.map(|weight| 1.0 - weight).product();
    ((1.0 - doubt) * 1000.0).round() / 1000.0
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
