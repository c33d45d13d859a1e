//! Change and rules to signals and scores.
//!
//! A signal is a rule that fired on a line of a hunk. Signals of one category add up to a score
//! between 0 and 1 as independent evidence does: `1 - (1 - w1)(1 - w2)…`, each rule counted once.

mod moved;
mod role;
mod score;
mod signal;

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Serialize;

use crate::change::{Change, File, HunkId, Skip};
use crate::config::Select;
use crate::rules::{Prefilter, Rule, Rules, Severity, Side};
use crate::visible::Visible;

/// What the rules say of a change: one entry per hunk, in the order of the hunks.
#[derive(Debug, Clone, Default)]
pub struct Classified {
    /// One entry per hunk.
    pub hunks: Vec<HunkScore>,
}

/// What the rules say of a hunk.
#[derive(Debug, Clone)]
pub struct HunkScore {
    /// The hunk.
    pub id: HunkId,
    /// Categories with their scores, the highest first.
    pub categories: Vec<(String, f64)>,
    /// The highest score of a category, between 0 and 1.
    pub score: f64,
    /// Whether the score reaches the threshold.
    pub selected: bool,
    /// The rules that fired, in the order of the lines.
    pub signals: Vec<Signal>,
}

/// A rule that fired.
#[derive(Debug, Clone)]
pub struct Signal {
    /// Id of the rule.
    pub rule: String,
    /// What the rule says to a person.
    pub title: String,
    /// The rule's category.
    pub category: String,
    /// Where it fired.
    pub side: Side,
    /// Lines of its side, half open and 1-based; for [`Side::Path`] the hunk's first changed line.
    pub lines: Range<u32>,
    /// The first of the lines, shortened, or the path.
    pub excerpt: Visible,
    /// What it adds to the score: the rule's weight, less where the line merely moved.
    pub weight: f64,
    /// The rule's severity.
    pub severity: Severity,
    /// Weakness ids of the rule.
    pub cwe: Vec<String>,
    /// Whether the line is itself the proof of a flaw.
    pub explicit: bool,
    /// Whether the same line stands on the other side elsewhere in the change.
    pub moved: bool,
}

/// How often each state occurred; the numbers of `stats` in the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Changed files.
    pub files: usize,
    /// Hunks of files that are not skipped.
    pub hunks: usize,
    /// Hunks at or above the threshold.
    pub selected_hunks: usize,
}

/// Reads every hunk with every rule that fits its file.
pub fn classify(change: &Change, rules: &Rules, select: &Select) -> Classified {
    let files = change.files.iter().filter(|file| !file.hunks.is_empty());
    let files: Vec<(&File, Vec<&Rule>)> = files.map(|file| (file, readers(file, rules))).collect();
    let used: BTreeMap<&str, &Rule> =
        files.iter().flat_map(|(_, rules)| rules).map(|&rule| (rule.id.as_str(), rule)).collect();
    let prefilter = Prefilter::new(used.into_values());
    let mut hunks: Vec<HunkScore> = Vec::new();
    for (file, rules) in files {
        let reader = signal::Reader::new(file, rules, &prefilter);
        for hunk in &file.hunks {
            hunks.push(HunkScore {
                id: hunk.id,
                categories: Vec::new(),
                score: 0.0,
                selected: false,
                signals: reader.signals(hunk),
            });
        }
    }
    moved::mark(change, &mut hunks);
    for (hunk, (file, _)) in hunks.iter_mut().zip(change.hunks()) {
        score::fill(hunk, role::factor(file.path.as_ref()), select.threshold);
    }
    Classified { hunks }
}

/// The rules that read a file. A secret is one in a document or a generated file too, so explicit
/// rules read what is skipped, unless the user excluded it.
fn readers<'a>(file: &File, rules: &'a Rules) -> Vec<&'a Rule> {
    let all = rules.of(file.path.as_ref());
    match file.skipped {
        None => all,
        Some(Skip::Excluded) => Vec::new(),
        Some(_) => all.into_iter().filter(|rule| rule.explicit).collect(),
    }
}

impl Classified {
    /// The entry of a hunk.
    pub fn of(&self, id: HunkId) -> Option<&HunkScore> {
        self.hunks.get((id.0 as usize).checked_sub(1)?)
    }

    /// The hunks at or above the threshold, in order.
    pub fn selected(&self) -> impl Iterator<Item = &HunkScore> {
        self.hunks.iter().filter(|hunk| hunk.selected)
    }

    /// Files, hunks, selected hunks.
    pub fn counts(&self, change: &Change) -> Counts {
        Counts {
            files: change.files.len(),
            hunks: change.hunks().filter(|(file, _)| file.skipped.is_none()).count(),
            selected_hunks: self.selected().count(),
        }
    }
}
