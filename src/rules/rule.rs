//! A rule, checked and ready to read lines.

use std::borrow::Cow;

use bstr::{BStr, ByteSlice};
use globset::{Glob, GlobSet, GlobSetBuilder};
use regex_automata::Anchored;
use regex_automata::meta::Regex;
use serde::{Deserialize, Serialize};

use super::automaton::Verdict;
use super::literals::Required;
use super::packs::RuleData;
use super::pattern::Pattern;
use super::syntax::check_name;
use super::{Category, Languages, RuleError, RuleSyntax};
use crate::visible;

/// How bad a flaw would be. Ordered: `Info` is the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A weakness that needs others to matter.
    Low,
    /// A flaw under some conditions.
    Medium,
    /// A flaw that an attacker can use.
    High,
    /// A flaw that gives an attacker the system.
    Critical,
}

impl Severity {
    /// All severities, the worst first.
    pub const ALL: [Severity; 5] =
        [Severity::Critical, Severity::High, Severity::Medium, Severity::Low, Severity::Info];

    /// The word of reports and configuration.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Critical => "critical",
            Severity::High => "high",
            Severity::Medium => "medium",
            Severity::Low => "low",
            Severity::Info => "info",
        }
    }

    /// The severity of a word, in any case.
    pub fn named(word: &str) -> Option<Severity> {
        Severity::ALL.into_iter().find(|severity| severity.name().eq_ignore_ascii_case(word))
    }
}

/// What a rule reads of a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Lines that the change adds.
    Added,
    /// Lines that the change removes.
    Removed,
    /// Unchanged lines around.
    Context,
    /// The file's path.
    Path,
}

/// A rule in force.
#[derive(Debug)]
pub struct Rule {
    /// `category/kebab-case`.
    pub id: Cow<'static, str>,
    /// The category it speaks for.
    pub category: Cow<'static, str>,
    /// What a person reads.
    pub title: Cow<'static, str>,
    /// The sides that it reads.
    pub sides: Cow<'static, [Side]>,
    /// How much it alone says that a hunk deserves a look, above 0 and at most 1.
    pub weight: f64,
    /// How bad it would be if it is a real flaw.
    pub severity: Severity,
    /// Weakness ids.
    pub cwe: Vec<Cow<'static, str>>,
    /// Whether a match is itself the proof of a flaw.
    pub explicit: bool,
    /// Whether a match is a secret token, which may only stand for one.
    pub tokens: bool,
    /// Whether lines that are only a comment count.
    pub reads_comments: bool,
    /// Whether a match may reach over several lines.
    pub multiline: bool,
    /// Bits of the languages it reads (see [`Languages::all_of`]).
    languages: u64,
    /// Further files that a built-in rule reads, as [`crate::paths::Paths`] has them.
    pub(super) paths: &'static [&'static str],
    /// Further files that an own rule reads.
    globs: GlobSet,
    patterns: Vec<Pattern>,
    /// Number of the first pattern among those of all rules.
    first_pattern: u32,
}

impl Rule {
    /// A rule of a built-in pack; what it holds has been proven by a test.
    pub(super) fn built_in(data: &'static RuleData, pack: &'static str) -> Rule {
        Rule {
            id: data.id.into(),
            category: pack.into(),
            title: data.title.into(),
            sides: data.sides.into(),
            weight: data.weight,
            severity: data.severity,
            cwe: data.cwe.iter().copied().map(Cow::Borrowed).collect(),
            explicit: data.explicit,
            tokens: data.tokens,
            reads_comments: data.comments,
            multiline: data.multiline,
            languages: data.languages,
            paths: data.globs,
            globs: GlobSet::empty(),
            patterns: data.patterns.iter().map(Pattern::built_in).collect(),
            first_pattern: 0,
        }
    }

    /// A user's own rule, checked.
    pub(super) fn own(
        syntax: &RuleSyntax,
        languages: &Languages,
        categories: &[Category],
    ) -> Result<Rule, RuleError> {
        let wrong = |problem: String| RuleError { rule: syntax.id.clone(), problem };
        let (pack, name) = syntax.id.split_once('/').unwrap_or(("", &syntax.id));
        check_name(&syntax.id, pack)?;
        check_name(&syntax.id, name)?;
        let category = syntax.category.clone().unwrap_or_else(|| pack.to_owned());
        if !categories.iter().any(|known| known.name == category) {
            let known: Vec<_> = categories.iter().map(|known| known.name.as_str()).collect();
            let known = known.join(", ");
            return Err(wrong(format!(
                "`category` `{category}` is none of {known}; a `[[category]]` adds one"
            )));
        }
        if syntax.patterns.is_empty() {
            return Err(wrong("`patterns` is empty".to_owned()));
        }
        if !(syntax.weight > 0.0 && syntax.weight <= 1.0) {
            return Err(wrong(format!("`weight` {} is not above 0 and at most 1", syntax.weight)));
        }
        let bits = languages
            .bits(&syntax.languages)
            .map_err(|name| wrong(format!("`languages` has no `{name}`")))?;
        let numbered = (1..).zip(&syntax.patterns);
        let patterns = numbered.map(|(at, written)| {
            Pattern::own(written).map_err(|what| wrong(format!("`patterns`, number {at}{what}")))
        });
        let patterns = patterns.collect::<Result<_, _>>()?;
        let mut globs = GlobSetBuilder::new();
        for (at, glob) in (1..).zip(&syntax.globs) {
            let glob = Glob::new(glob);
            globs.add(glob.map_err(|error| wrong(format!("`globs`, number {at}: {error}")))?);
        }
        Ok(Rule {
            id: syntax.id.clone().into(),
            category: category.into(),
            // It is printed, and may come with a repository.
            title: visible::line(&syntax.title).into_string().into(),
            sides: syntax.sides.clone().into(),
            weight: syntax.weight,
            severity: syntax.severity,
            cwe: syntax.cwe.iter().cloned().map(Cow::Owned).collect(),
            explicit: syntax.explicit,
            tokens: syntax.tokens,
            reads_comments: syntax.comments,
            multiline: syntax.multiline,
            languages: bits,
            paths: &[],
            globs: globs.build().map_err(|error| wrong(format!("`globs`: {error}")))?,
            patterns,
            first_pattern: 0,
        })
    }

    /// Whether it is a user's own rule, and not built in.
    pub fn is_own(&self) -> bool {
        matches!(self.id, Cow::Owned(_))
    }

    /// The names of the languages that it reads; none where it reads files of all of them, or by path only.
    pub fn languages(&self) -> Vec<&'static str> {
        Languages::built_in().named(self.languages)
    }

    /// Whether the rule reads files of one of these languages, whatever they are called.
    pub(super) fn reads_languages(&self, languages: u64) -> bool {
        let anywhere = self.languages == 0 && !self.names_paths();
        anywhere || self.languages & languages != 0
    }

    /// Whether the rule names files by their path.
    pub(super) fn names_paths(&self) -> bool {
        !self.paths.is_empty() || !self.globs.is_empty()
    }

    /// Whether an own rule reads a file by its path.
    pub(super) fn reads_path(&self, path: &BStr) -> bool {
        !self.globs.is_empty() && self.globs.is_match(path.to_path_lossy())
    }

    /// The pattern of this number as it is written.
    #[cfg(test)]
    pub(super) fn written(&self, number: u32) -> &str {
        &self.patterns[(number - self.first_pattern) as usize].written
    }

    /// The patterns as they are written, each with its number among those of all rules.
    pub fn patterns(&self) -> impl Iterator<Item = (u32, &str)> {
        (self.first_pattern..).zip(self.patterns.iter().map(|pattern| &*pattern.written))
    }

    /// The numbers of the patterns of an own rule, each with its literals.
    pub(super) fn literals(&self) -> impl Iterator<Item = (u32, Option<&Required>)> {
        (self.first_pattern..).zip(self.patterns.iter().map(|pattern| pattern.literals.as_ref()))
    }

    /// Numbers the patterns, from `first` on.
    pub(super) fn number_patterns_from(&mut self, first: u32) {
        self.first_pattern = first;
    }

    /// The numbers of the patterns.
    pub fn numbers(&self) -> impl Iterator<Item = u32> {
        (self.first_pattern..).take(self.patterns.len())
    }

    /// What is told without compiling it: whether the pattern of this number matches from a byte of a text on,
    /// or there.
    pub fn look(&self, number: u32, text: &[u8], at: usize, anchored: Anchored) -> Verdict {
        self.pattern(number).map_or(Verdict::No, |pattern| pattern.look(text, at, anchored))
    }

    /// The pattern of this number, compiled.
    pub fn regex(&self, number: u32) -> Option<&Regex> {
        self.pattern(number)?.regex()
    }

    fn pattern(&self, number: u32) -> Option<&Pattern> {
        self.patterns.get(number.checked_sub(self.first_pattern)? as usize)
    }

    /// All patterns with their numbers, compiled.
    pub fn regexes(&self) -> impl Iterator<Item = (u32, &Regex)> {
        let numbered = (self.first_pattern..).zip(&self.patterns);
        numbered.filter_map(|(number, pattern)| Some((number, pattern.regex()?)))
    }
}
