//! A finding that somebody has accepted, as a configuration file states it.

use jiff::civil::Date;
use serde::Deserialize;

/// `[[accept]]`
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Accept {
    /// What the finding is known by: category, path and code, never a line number.
    pub fingerprint: String,
    /// The category, for whoever reads the file.
    #[serde(default)]
    pub category: String,
    /// The path, for whoever reads the file.
    #[serde(default)]
    pub path: String,
    /// Why it is accepted.
    pub reason: String,
    /// The last day on which it is.
    pub until: Option<Date>,
}

/// The entries of a file that may be anything; none where it cannot be read.
pub fn accepts_in(text: &[u8]) -> Vec<Accept> {
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        accept: Vec<Accept>,
    }
    let text = std::str::from_utf8(text).unwrap_or_default();
    toml::from_str(text).map(|file: File| file.accept).unwrap_or_default()
}
