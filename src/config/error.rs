//! What can be wrong with a configuration: file, line, key, mend, in one line.

use thiserror::Error;

use super::Origin;
use super::setting::Setting;
use crate::rules::RuleError;

/// A configuration that cannot be used.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{place}: {problem}")]
pub struct ConfigError {
    /// File and line, variable or flag.
    pub place: String,
    /// What is wrong, and what would be right.
    pub problem: String,
}

impl ConfigError {
    pub(super) fn new(place: impl Into<String>, problem: impl Into<String>) -> Self {
        ConfigError { place: place.into(), problem: problem.into() }
    }

    pub(super) fn unknown_key(setting: &Setting, nearest: Option<&str>) -> Self {
        let key = crate::visible::line(&setting.key);
        let mend = nearest.map_or_else(
            || "`git advisor doctor` lists the valid ones".to_owned(),
            |nearest| format!("did you mean `{nearest}`?"),
        );
        ConfigError::new(setting.place(), format!("unknown key `{key}`; {mend}"))
    }

    pub(super) fn not_for_a_repository(setting: &Setting, key: &str) -> Self {
        let problem = format!(
            "`{key}` is about safety and is not taken from a repository's file; \
             set it in your own config.toml or with `git config advisor.{key}`"
        );
        ConfigError::new(setting.place(), problem)
    }

    pub(super) fn value(setting: &Setting, key: &str, problem: &str) -> Self {
        ConfigError::new(setting.place(), format!("`{key}` {problem}"))
    }

    pub(super) fn rule(file: &str, error: &RuleError) -> Self {
        ConfigError::new(file, crate::visible::line(error.to_string()).into_string())
    }
}

impl Setting {
    /// File and line, variable or flag.
    fn place(&self) -> String {
        match (&self.origin, self.line) {
            (Origin::User(path) | Origin::Repository(path), Some(line)) => format!("{path}:{line}"),
            (Origin::Flag, _) => format!("--config {}", crate::visible::line(&self.key)),
            (origin, _) => origin.to_string(),
        }
    }
}
