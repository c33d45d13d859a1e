//! The list of earlier reviews.

use owo_colors::OwoColorize;

use crate::record::Entry;
use crate::visible;

/// One line for each review, the newest first.
pub fn entries(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "no reviews yet\n".to_owned();
    }
    let mut out = String::new();
    for entry in entries {
        let id = entry.id.yellow();
        let spec = visible::line(&entry.spec);
        let status = visible::line(&entry.status);
        let outcome = visible::line(&entry.outcome);
        let findings = match entry.findings {
            1 => "1 finding".to_owned(),
            count => format!("{count} findings"),
        };
        out.push_str(&format!("{id}  {outcome:<5} {status:<12} {findings:<12} {spec}\n"));
    }
    out
}
