//! Change and rules to signals and scores.
//!
//! A signal is a rule that fired on a line of a hunk. Signals of one category add up to a score
//! between 0 and 1 as independent evidence does: `1 - (1 - w1)(1 - w2)…`, each rule counted once.
//!
//! Most flaws match no rule: a condition changes, and what it guarded stands elsewhere. So hunks of code are
//! weighed too ([`sight`]): what changes in them ([`shape`]), and what the words on their lines and around
//! speak of ([`words`]). The higher of the two scores counts.
//!
//! Files are studied one by one while their text is at hand ([`Classifier`]); what can only be told of
//! the change as a whole, such as lines that moved, is settled at the end ([`settle`]).

mod evidence;
mod lately;
mod line;
mod link;
mod moved;
mod name;
mod plain;
mod quiet;
mod reach;
mod readers;
mod role;
mod said;
mod scope;
mod score;
mod shape;
mod sight;
mod signal;
mod telling;
mod tokens;
mod vocabulary;
mod words;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use crate::change::{Change, File, Hunk, HunkId, Skip, Status, Study};
use crate::config::Select;
use crate::rules::{Rule, Rules, Side};
use crate::visible::Visible;

use evidence::Evidence;
pub use evidence::{Feature, Figures};
pub use link::{Companion, Link, Places};
pub use reach::{Unreached, unreached};
use readers::Ready;
pub use said::{Said, is_linked};
use score::Size;
use sight::Sight;
pub use signal::Scratch;
pub use telling::telling_line;

/// What the rules say of a change: one entry per hunk, in the order of the hunks.
#[derive(Debug, Clone, Default)]
pub struct Classified {
    /// One entry per hunk.
    pub hunks: Vec<HunkScore>,
}

/// What the rules say of a hunk.
#[derive(Debug, Clone, Default)]
pub struct HunkScore {
    /// The hunk.
    pub id: HunkId,
    /// Categories with their scores, the highest first.
    pub categories: Vec<(String, f64)>,
    /// The highest score of a category, between 0 and 1.
    pub score: f64,
    /// Whether it goes along: some hunk earns a call, and the score of this one is high enough too.
    pub selected: bool,
    /// Which hunk it goes along for, where its own score would not let it.
    pub companion: Option<Companion>,
    /// The rules that fired, in the order of the lines.
    pub signals: Vec<Signal>,
    /// For each category that was looked at beyond the rules, the figures that speak for and against it.
    pub figures: Vec<(&'static str, Figures)>,
}

/// A rule that fired.
#[derive(Debug, Clone)]
pub struct Signal {
    /// The rule.
    pub rule: Arc<Rule>,
    /// Where it fired.
    pub side: Side,
    /// Lines of its side, half open and 1-based; for [`Side::Path`] the hunk's first changed line.
    pub lines: Range<u32>,
    /// The first of the lines, shortened, or the path.
    pub excerpt: Visible,
    /// What it adds to the score: the rule's weight, less where the line merely moved.
    pub weight: f64,
    /// Whether the line is itself the proof of a flaw.
    pub explicit: bool,
    /// Whether the same line stands on the other side elsewhere in the change.
    pub moved: bool,
    /// What stands for each of the lines when looking for it elsewhere; see [`moved`].
    told: Vec<Option<moved::Mark>>,
}

/// How often each state occurred; the numbers of `stats` in the report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Changed files.
    pub files: usize,
    /// Hunks of files that are not skipped.
    pub hunks: usize,
    /// Hunks that go along.
    pub selected_hunks: usize,
}

/// Reads each file of a change with every rule that fits it.
pub struct Classifier<'a> {
    rules: &'a Rules,
    ready: Ready<'a>,
    /// The least score that goes along.
    along: f64,
}

/// What was found in a file.
#[derive(Debug, Default)]
pub struct Found {
    /// The signals of each hunk; nothing where no rule fired in the whole file.
    signals: Vec<Vec<Signal>>,
    /// The evidence of each hunk in which there is enough; nothing where there is none in the whole file.
    evidence: Vec<Option<Box<Evidence>>>,
    /// How much code of the product changes in it.
    size: Size,
    /// The changed lines.
    lines: moved::Told,
}

impl<'a> Classifier<'a> {
    /// A classifier with these rules.
    pub fn new(rules: &'a Rules, select: &Select) -> Self {
        Classifier { rules, ready: Ready::default(), along: select.along }
    }

    /// Takes down what speaks for a hunk beside the rules, where it could be enough to go along. New and
    /// deleted files are left to the rules: nothing in them was changed.
    fn weigh(&self, file: &File, found: &mut Found) {
        let path = file.path.as_ref();
        let Some(language) = file.language else { return };
        if file.skipped.is_some() || !role::is_product_code(path, language) {
            return;
        }
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let lines = file.hunks.iter().map(Hunk::changed_lines).sum();
        found.size = Size { hunks: count(file.hunks.len()), lines: count(lines) };
        if !matches!(file.status, Status::Modified | Status::Renamed) {
            return;
        }
        let sight = Sight::of(file, language, role::is_tooling(path));
        let lines = moved::Lines::of(file);
        for (at, hunk) in file.hunks.iter().enumerate() {
            let Some(mut seen) = sight.look(hunk) else { continue };
            let signals = found.signals.get(at).map_or(&[][..], Vec::as_slice);
            score::add_rules(&mut seen.evidence, signals);
            let alone = Size { hunks: 1, lines: seen.evidence.lines };
            score::add_size(&mut seen.evidence, alone);
            if !Sight::could_reach(&seen, self.along) {
                continue;
            }
            let mut evidence = sight.complete(seen);
            if evidence.best() >= self.along {
                evidence.told = lines.changed(file, hunk);
                found.evidence.resize(file.hunks.len(), None);
                found.evidence[at] = Some(Box::new(evidence));
            }
        }
    }
}

impl Study for Classifier<'_> {
    type Scratch = Scratch;
    type Found = Found;

    fn study(&self, file: &File, scratch: &mut Scratch) -> Found {
        // A secret is one in a document or a generated file too, so explicit rules read what is skipped,
        // unless the user excluded it.
        if file.hunks.is_empty() || file.skipped == Some(Skip::Excluded) {
            return Found::default();
        }
        let readers = self.ready.of(self.rules, file);
        let mut found = signal::read(file, &readers, self.rules, scratch);
        self.weigh(file, &mut found);
        found
    }

    fn wants_text(found: &Found) -> bool {
        !found.signals.is_empty() || !found.evidence.is_empty()
    }
}

/// Scores every hunk, from what was found in each file, and selects: all that goes along, if there is
/// anything that earns a call. Beside a hunk of its category that is nearly certain, a doubtful one stays behind.
pub fn settle(change: &Change, found: Vec<Found>, select: &Select) -> Classified {
    let mut moved = moved::Moved::of(&found);
    moved.lost = reach::lost(change, &found, &moved);
    let size = found.iter().map(|found| found.size).sum();
    let mut hunks = Vec::with_capacity(change.hunks().count());
    for (file, found) in change.files.iter().zip(found) {
        let mut signals = found.signals.into_iter();
        let mut evidence = found.evidence.into_iter();
        let factor = if signals.len() == 0 { 1.0 } else { role::factor(file.path.as_ref()) };
        for hunk in &file.hunks {
            let signals = signals.next().unwrap_or_default();
            let mut score = HunkScore { id: hunk.id, signals, ..HunkScore::default() };
            score.signals.iter_mut().for_each(|signal| moved.mark(signal));
            let evidence = evidence.next().flatten().map(|mut evidence| {
                evidence.set(Feature::Moved, moved.share(&evidence.told));
                score::add_rules(&mut evidence, &score.signals);
                score::add_size(&mut evidence, size);
                evidence
            });
            score::fill(&mut score, evidence.as_deref(), factor);
            hunks.push(score);
        }
    }
    let earns = |hunk: &HunkScore| {
        score::is_explicit(hunk) || hunk.score >= select.threshold && hunk.score > 0.0
    };
    if hunks.iter().any(earns) {
        let along = select.along.min(select.threshold);
        let mut best: HashMap<String, f64> = HashMap::new();
        for (category, score) in hunks.iter().filter_map(|hunk| hunk.categories.first()) {
            let best = best.entry(category.clone()).or_default();
            *best = best.max(*score);
        }
        for hunk in &mut hunks {
            let of_category = hunk.categories.first().and_then(|(category, _)| best.get(category));
            let least = along.max(of_category.map_or(0.0, |best| score::beside(*best)));
            let own = score::is_own(hunk) && earns(hunk);
            let goes = hunk.score >= least && hunk.score > 0.0;
            hunk.selected = score::is_explicit(hunk) || own || goes;
        }
    }
    Classified { hunks }
}

impl Classified {
    /// Every hunk that is not of a skipped file, selected without asking any rule.
    pub fn all_selected(change: &Change) -> Classified {
        let score = |(file, hunk): (&File, &Hunk)| HunkScore {
            id: hunk.id,
            score: 1.0,
            selected: file.skipped.is_none(),
            ..HunkScore::default()
        };
        Classified { hunks: change.hunks().map(score).collect() }
    }

    /// The entry of a hunk.
    pub fn of(&self, id: HunkId) -> Option<&HunkScore> {
        self.hunks.get((id.0 as usize).checked_sub(1)?)
    }

    /// The entry of a hunk, to be changed.
    pub fn of_mut(&mut self, id: HunkId) -> Option<&mut HunkScore> {
        self.hunks.get_mut((id.0 as usize).checked_sub(1)?)
    }

    /// The hunks that go along, in order.
    pub fn selected(&self) -> impl Iterator<Item = &HunkScore> {
        self.hunks.iter().filter(|hunk| hunk.selected)
    }

    /// Those of them that go along for the sake of another one.
    pub fn companions(&self) -> impl Iterator<Item = &Companion> {
        self.hunks.iter().filter_map(|hunk| hunk.companion.as_ref())
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
