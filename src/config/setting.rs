//! What a layer says: keys with their values, rules, categories.

use super::{Accept, Origin};
use crate::rules::{CategorySyntax, RuleSyntax};

/// A value for a key, as a layer gives it.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    /// Dotted key as it was written.
    pub(super) key: String,
    /// The value.
    pub(super) value: Written,
    /// Which layer.
    pub(super) origin: Origin,
    /// 1-based line of the file, where there is one.
    pub(super) line: Option<usize>,
}

/// A value as it was written.
#[derive(Debug, Clone)]
pub(super) enum Written {
    /// In TOML.
    Toml(toml::Value),
    /// In git's configuration, a variable or a flag.
    Text(String),
}

/// All that the layers hold, lowest first.
#[derive(Default)]
pub(super) struct Read {
    pub(super) settings: Vec<Setting>,
    pub(super) rules: Vec<RuleSyntax>,
    pub(super) categories: Vec<CategorySyntax>,
    pub(super) accepts: Vec<Accept>,
    /// The file that gave the last rules, for messages.
    pub(super) rule_file: String,
}
