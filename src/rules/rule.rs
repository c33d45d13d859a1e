//! A rule, checked and ready to read lines.

use std::sync::OnceLock;

use bstr::{BStr, ByteSlice};
use globset::{Glob, GlobSet, GlobSetBuilder};
use regex::bytes::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::syntax::check_name;
use super::{Candidates, Category, Languages, RuleError, RuleSyntax};
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
    pub id: String,
    /// The category it speaks for.
    pub category: String,
    /// What a person reads.
    pub title: String,
    /// The sides that it reads.
    pub sides: Vec<Side>,
    /// How much it alone says that a hunk deserves a look, above 0 and at most 1.
    pub weight: f64,
    /// How bad it would be if it is a real flaw.
    pub severity: Severity,
    /// Weakness ids.
    pub cwe: Vec<String>,
    /// Whether a match is itself the proof of a flaw.
    pub explicit: bool,
    /// Whether lines that are only a comment count.
    pub reads_comments: bool,
    /// Bits of the languages it reads (see [`Languages::all_of`]).
    languages: u64,
    globs: Vec<String>,
    compiled_globs: OnceLock<GlobSet>,
    patterns: Vec<Pattern>,
    /// Number of the first pattern among those of all rules.
    first_pattern: u32,
}

/// A pattern, compiled when a text first needs it.
#[derive(Debug)]
struct Pattern {
    written: String,
    compiled: OnceLock<Option<Regex>>,
}

/// Compiled size of one pattern, in bytes; far above every sensible rule, far below what hurts.
const SIZE_LIMIT: usize = 2 << 20;

/// The same for an own pattern, which may come with a repository: the time that a search takes can
/// grow with this.
const OWN_SIZE_LIMIT: usize = 100 << 10;

impl Rule {
    /// A rule of a built-in pack; what it holds has been proven by a test.
    pub(super) fn built_in(syntax: RuleSyntax, category: &str, languages: &Languages) -> Rule {
        let bits = languages.bits(&syntax.languages).unwrap_or(0);
        Rule::new(syntax, category.to_owned(), bits)
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
        for pattern in &syntax.patterns {
            compile_within(pattern, OWN_SIZE_LIMIT)
                .map_err(|error| wrong(format!("`patterns`: {}", one_line(&error))))?;
        }
        for glob in &syntax.globs {
            Glob::new(glob).map_err(|error| wrong(format!("`globs`: {error}")))?;
        }
        let mut syntax = syntax.clone();
        // It is printed, and may come with a repository.
        syntax.title = visible::line(&syntax.title).into_string();
        Ok(Rule::new(syntax, category, bits))
    }

    fn new(syntax: RuleSyntax, category: String, languages: u64) -> Rule {
        Rule {
            id: syntax.id,
            category,
            title: syntax.title,
            sides: syntax.sides,
            weight: syntax.weight,
            severity: syntax.severity,
            cwe: syntax.cwe,
            explicit: syntax.explicit,
            reads_comments: syntax.comments,
            languages,
            globs: syntax.globs,
            compiled_globs: OnceLock::new(),
            patterns: syntax.patterns.into_iter().map(Pattern::new).collect(),
            first_pattern: 0,
        }
    }

    /// Whether the rule reads a file, given the bits of its languages.
    pub(super) fn reads(&self, path: &BStr, languages: u64) -> bool {
        let anywhere = self.languages == 0 && self.globs.is_empty();
        anywhere
            || self.languages & languages != 0
            || (!self.globs.is_empty() && self.globs().is_match(path.to_path_lossy()))
    }

    /// The patterns as they are written, each with its number among those of all rules.
    pub(super) fn patterns(&self) -> impl Iterator<Item = (u32, &str)> {
        (self.first_pattern..).zip(self.patterns.iter().map(|pattern| pattern.written.as_str()))
    }

    /// Numbers the patterns, from `first` on; gives the number after the last.
    pub(super) fn number_patterns_from(&mut self, first: u32) -> u32 {
        self.first_pattern = first;
        (first..).zip(&self.patterns).last().map_or(first, |(number, _)| number + 1)
    }

    /// The patterns that can match, compiled. One that does not compile is left out: own rules are
    /// checked when they are loaded and built-in ones by a test.
    pub fn regexes<'a>(&'a self, candidates: &'a Candidates) -> impl Iterator<Item = &'a Regex> {
        let numbered = (self.first_pattern..).zip(&self.patterns);
        let wanted = numbered.filter(|(number, _)| candidates.contains(*number));
        wanted.filter_map(|(_, pattern)| pattern.regex())
    }

    fn globs(&self) -> &GlobSet {
        self.compiled_globs.get_or_init(|| {
            let mut builder = GlobSetBuilder::new();
            for glob in self.globs.iter().filter_map(|glob| Glob::new(glob).ok()) {
                builder.add(glob);
            }
            builder.build().unwrap_or_default()
        })
    }
}

impl Pattern {
    fn new(written: String) -> Pattern {
        Pattern { written, compiled: OnceLock::new() }
    }

    fn regex(&self) -> Option<&Regex> {
        self.compiled.get_or_init(|| compile(&self.written).ok()).as_ref()
    }
}

fn compile(pattern: &str) -> Result<Regex, regex::Error> {
    compile_within(pattern, SIZE_LIMIT)
}

/// A pattern on bytes: `^` and `$` are line bounds, classes are ASCII (fifteen times faster).
fn compile_within(pattern: &str, bytes: usize) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).multi_line(true).unicode(false).size_limit(bytes).build()
}

fn one_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().last().unwrap_or_default();
    last.trim().to_owned()
}

#[cfg(test)]
impl Rule {
    /// All patterns with their numbers, compiled.
    pub(super) fn numbered_regexes(&self) -> impl Iterator<Item = (u32, &Regex)> {
        let numbered = (self.first_pattern..).zip(&self.patterns);
        numbered.filter_map(|(number, pattern)| Some((number, pattern.regex()?)))
    }
}

#[cfg(test)]
pub(super) fn compiles(pattern: &str) -> Result<(), regex::Error> {
    compile(pattern).map(drop)
}
