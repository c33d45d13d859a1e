//! What speaks for a look at a hunk beside the rules, as named figures with fitted weights.
//!
//! No figure says much alone: a condition that vanishes is ordinary, and so is code about passwords. Their
//! sum, with the weights of `weights.toml`, says how likely it is that a reviewer would want a second pair
//! of eyes. `benches/corpus.py` fits the weights, on labelled changes of public repositories.

use std::sync::OnceLock;

use super::moved::Told;
use super::vocabulary::CATEGORIES;

// `WEIGHTS`, in the order of `weights.toml`.
include!(concat!(env!("OUT_DIR"), "/weights.rs"));

macro_rules! features {
    ($($(#[doc = $doc:literal])* $variant:ident $name:literal,)*) => {
        /// A figure. All lie between 0 and 1 but those that count.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Feature { $($(#[doc = $doc])* $variant,)* }

        impl Feature {
            /// All figures.
            pub const ALL: &'static [Feature] = &[$(Feature::$variant,)*];

            /// The name in `weights.toml` and in reports.
            pub fn name(self) -> &'static str {
                match self { $(Feature::$variant => $name,)* }
            }
        }
    };
}

features! {
    /// A condition with the refusal behind it is taken out.
    GuardLost "guard-lost",
    /// A condition with the refusal behind it is put in.
    GuardNew "guard-new",
    /// A condition with a refusal behind it stands on both sides, in other words.
    GuardRewritten "guard-rewritten",
    /// Fewer conditions than before.
    ConditionLost "condition-lost",
    /// Fewer comparisons and logical operators than before.
    ComparisonLost "comparison-lost",
    /// Conditions on both sides.
    ConditionsBoth "conditions-on-both-sides",
    /// A regular expression.
    Pattern "pattern",
    /// A call of something that checks by its name.
    GuardCall "guard-call",
    /// A literal that begins with a slash, dashes or dots.
    MarkedLiteral "marked-literal",
    /// At most twelve lines change.
    Small "small",
    /// More than thirty lines change.
    Large "large",
    /// Only imports.
    ImportsOnly "imports-only",
    /// Only heads of definitions.
    HeadsOnly "heads-only",
    /// Only messages for people differ.
    MessagesOnly "messages-only",
    /// The share of what differs that is one name for another, more than once.
    Renamed "renamed",
    /// At most four tokens differ.
    Tiny "tiny",
    /// The share of the tokens that is really other.
    NetShare "net-share",
    /// The share of words that speak of routine.
    RoutineWords "routine-words",
    /// A file that helps to build or to develop.
    Tooling "tooling",
    /// Words of checking in what really changes.
    GuardNet "guard-words-net",
    /// The same on the changed lines.
    GuardLine "guard-words-line",
    /// The same on the lines around.
    GuardContext "guard-words-context",
    /// The same on the lines that ask or refuse.
    GuardCheck "guard-words-check",
    /// The same in the path.
    GuardPath "guard-words-path",
    /// The same in comments that change.
    GuardComment "guard-words-comment",
    /// Words of the category in what really changes.
    WordsNet "words-net",
    /// How dense they are.
    WordsDensity "words-density",
    /// The same on the changed lines.
    WordsLine "words-line",
    /// The same on the lines around.
    WordsContext "words-context",
    /// The same in comments that change.
    WordsComment "words-comment",
    /// The same in comments around.
    WordsCommentNear "words-comment-near",
    /// Surroundings of the category and a literal that changes.
    ContextAndLiteral "context-and-literal",
    /// The hunk stands under something that checks, and a literal changes.
    GuardAndLiteral "guard-and-literal",
    /// The rules of the category that fired.
    Rules "rules",
    /// The rules of any category that fired.
    RulesAny "rules-any",
    /// The rules about input that fired.
    RulesInput "rules-input",
    /// The share of the lines that stand on the other side elsewhere.
    Moved "moved",
    /// At most three hunks of code in the change.
    FewHunks "few-hunks",
    /// More than twelve hunks of code in the change.
    ManyHunks "many-hunks",
    /// How many hunks of code, on a logarithmic scale.
    HunkCount "hunk-count",
    /// How many lines of code change, on a logarithmic scale.
    LineCount "line-count",
}

/// Number of figures.
const COUNT: usize = Feature::ALL.len();

/// The figures of a hunk for one category.
#[derive(Debug, Clone, Copy)]
pub struct Figures([f32; COUNT]);

impl Default for Figures {
    fn default() -> Self {
        Figures([0.0; COUNT])
    }
}

impl Figures {
    /// The value of a figure.
    pub fn get(&self, feature: Feature) -> f32 {
        self.0[feature as usize]
    }

    /// Sets a figure.
    pub(super) fn set(&mut self, feature: Feature, value: f32) {
        self.0[feature as usize] = value;
    }

    /// The figures that are not zero, with what each adds to the sum.
    pub fn parts(&self) -> impl Iterator<Item = (Feature, f32, f32)> + '_ {
        let parts = Feature::ALL.iter().map(|&feature| {
            let value = self.get(feature);
            (feature, value, value * weights().of[feature as usize])
        });
        parts.filter(|(_, value, _)| *value != 0.0)
    }

    /// The sum, from 0 to 1: one half is what earns a call by default.
    pub(super) fn score(&self) -> f64 {
        self.score_with(0.0)
    }

    fn score_with(&self, more: f32) -> f64 {
        let weights = weights();
        let sum: f32 = self.0.iter().zip(weights.of).map(|(value, weight)| value * weight).sum();
        1.0 / (1.0 + f64::from(-(sum + more + weights.bias)).exp())
    }
}

/// The figures of a hunk, for each category of the vocabulary.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence {
    pub(super) of: [Figures; CATEGORIES.len()],
    /// The changed lines, to tell how many of them merely moved.
    pub(super) told: Told,
    /// How many lines change.
    pub(super) lines: u32,
}

impl Evidence {
    /// Sets a figure for all categories.
    pub(super) fn set(&mut self, feature: Feature, value: f32) {
        self.of.iter_mut().for_each(|figures| figures.set(feature, value));
    }

    /// The highest score of a category.
    pub(super) fn best(&self) -> f64 {
        self.best_with([].into_iter())
    }

    /// The highest score that a category can have once these figures are known too.
    pub(super) fn best_with(&self, open: impl Iterator<Item = Feature>) -> f64 {
        let more: f32 = open.map(|feature| weights().of[feature as usize].max(0.0)).sum();
        self.of.iter().map(|figures| figures.score_with(more)).fold(0.0, f64::max)
    }
}

struct Weights {
    bias: f32,
    of: [f32; COUNT],
}

fn weights() -> &'static Weights {
    static READY: OnceLock<Weights> = OnceLock::new();
    READY.get_or_init(|| {
        let of = |name: &str| {
            WEIGHTS.iter().find(|(known, _)| *known == name).map_or(0.0, |(_, weight)| *weight)
        };
        Weights { bias: of("bias"), of: std::array::from_fn(|at| of(Feature::ALL[at].name())) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_a_weight_and_every_weight_a_figure() {
        let names: Vec<&str> = Feature::ALL.iter().map(|feature| feature.name()).collect();
        for name in &names {
            assert!(WEIGHTS.iter().any(|(known, _)| known == name), "{name} has no weight");
        }
        for (name, _) in WEIGHTS {
            assert!(*name == "bias" || names.contains(name), "{name} is no figure");
        }
    }
}
