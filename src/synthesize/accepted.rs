//! Findings that somebody has accepted: shown, with the reason, and not counted.

use jiff::civil::Date;

use super::Finding;
use crate::change::Change;
use crate::config::{Accept, accepts_in};
use crate::visible;

/// Where a repository states what is accepted.
const FILE: &str = "advisor.toml";

/// Marks the findings that are accepted, and says of the others why an entry does not count.
pub(super) fn mark(findings: &mut [Finding], accepts: &[Accept], change: &Change, today: Date) {
    let added = added_by(change);
    for finding in findings {
        let Some(accept) = accepts.iter().find(|a| finding.fingerprint == a.fingerprint) else {
            continue;
        };
        let reason = visible::line(&accept.reason);
        let until = accept.until.map(|until| format!(" until {until}")).unwrap_or_default();
        finding.reasons.push(match accept.until {
            Some(end) if end < today => format!("it was accepted{until} ({reason}), which is over"),
            _ if added.contains(accept) => {
                format!("this change itself accepts it ({reason}), which is shown and not obeyed")
            }
            _ => {
                finding.accepted = true;
                format!("accepted{until}: {reason}")
            }
        });
    }
}

/// The entries that the change under review brings in, or makes last longer.
fn added_by(change: &Change) -> Vec<Accept> {
    let Some(file) = change.files.iter().find(|file| file.path == FILE) else {
        return Vec::new();
    };
    let before = accepts_in(file.old.bytes());
    let is_new = |accept: &Accept| !before.contains(accept);
    accepts_in(file.new.bytes()).into_iter().filter(is_new).collect()
}
