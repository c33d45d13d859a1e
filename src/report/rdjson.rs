//! reviewdog's diagnostic format, `rdjson`.

use serde_json::json;

use super::alert::{self, Alert, Level};
use super::{Review, json};

/// A review as one diagnostic result, with a line feed at the end.
pub(super) fn review(review: &Review) -> String {
    let diagnostic = |alert: &Alert<'_>| {
        json!({
            // reviewdog posts it as a comment, in Markdown.
            "message": alert.markdown(),
            "location": {
                "path": alert.path(),
                "range": {
                    "start": { "line": alert.lines.start() },
                    "end": { "line": alert.lines.end() },
                },
            },
            "severity": match alert.level() {
                Level::Error => "ERROR",
                Level::Warning => "WARNING",
                Level::Note => "INFO",
            },
            "code": { "value": alert.rule_id() },
        })
    };
    json::written(&json!({
        "source": { "name": "git-advisor", "url": env!("CARGO_PKG_REPOSITORY") },
        "diagnostics": alert::of(review).iter().map(diagnostic).collect::<Vec<_>>(),
    }))
}
