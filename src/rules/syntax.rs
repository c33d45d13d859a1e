//! A rule as it is written in TOML.

use serde::Deserialize;

use super::{RuleError, Severity, Side};

/// A rule as it is written, in a pack or in the user's configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleSyntax {
    /// `category/kebab-case`, unique.
    pub id: String,
    /// One of the categories; in a pack it is the pack's.
    #[serde(default)]
    pub category: Option<String>,
    /// What a person reads, without a full stop.
    pub title: String,
    /// Names from languages.toml.
    #[serde(default)]
    pub languages: Vec<String>,
    /// Further files, as globs.
    #[serde(default)]
    pub globs: Vec<String>,
    /// Regular expressions (the `regex` crate's syntax, on bytes, `^` and `$` are line bounds).
    pub patterns: Vec<String>,
    /// The sides that are read; added and removed lines when not given.
    #[serde(default = "both_sides")]
    pub sides: Vec<Side>,
    /// How much this alone says that the hunk deserves a look: above 0, at most 1.
    #[serde(default = "half")]
    pub weight: f64,
    /// How bad it would be if it is a real flaw.
    #[serde(default = "medium")]
    pub severity: Severity,
    /// Weakness ids, for example `CWE-78`.
    #[serde(default)]
    pub cwe: Vec<String>,
    /// Whether the matched line is itself the proof of a flaw, so that it may block alone.
    #[serde(default)]
    pub explicit: bool,
    /// Whether lines that are only a comment are read too.
    #[serde(default)]
    pub comments: bool,
    /// Whether a pattern reads a whole stretch of added or removed lines at once; else line by line.
    #[serde(default)]
    pub multiline: bool,
    /// Whether a match is a secret token: one that plainly stands for a token proves nothing.
    #[serde(default)]
    pub tokens: bool,
    /// Lines in which a pattern must be found.
    #[serde(default)]
    pub matches: Vec<String>,
    /// Lines in which no pattern may be found.
    #[serde(default)]
    pub leaves: Vec<String>,
}

/// A category of the user's own.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategorySyntax {
    /// Its name, lower case letters, digits and dashes.
    pub id: String,
    /// A heading for people; the name when not given.
    #[serde(default)]
    pub title: Option<String>,
}

/// A built-in pack: a category and its rules. The program has the packs as the build embeds them.
#[cfg(test)]
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PackSyntax {
    pub(super) category: String,
    #[serde(rename = "title")]
    _title: String,
    #[serde(rename = "summary")]
    _summary: String,
    #[serde(rename = "rule")]
    pub(super) rules: Vec<RuleSyntax>,
}

fn both_sides() -> Vec<Side> {
    vec![Side::Added, Side::Removed]
}

fn half() -> f64 {
    0.5
}

fn medium() -> Severity {
    Severity::Medium
}

/// Checks a part of a rule's name: it stands in prompts and reports, so it is letters, digits and
/// dashes and nothing else.
pub(super) fn check_name(rule: &str, name: &str) -> Result<(), RuleError> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.len() <= 60 && name.chars().all(fits) {
        return Ok(());
    }
    let name = crate::visible::line(name);
    let problem = format!("`{name}` is no name of lower case letters, digits and dashes");
    Err(RuleError { rule: rule.to_owned(), problem })
}
