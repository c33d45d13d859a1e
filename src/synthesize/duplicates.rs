//! Several claims of the same flaw at the same place are one finding.

use super::Finding;

/// Merges what says the same: the worst of them stays, and says how often it was said.
pub(super) fn merged(findings: Vec<Finding>) -> Vec<Finding> {
    let mut kept: Vec<(Finding, usize)> = Vec::new();
    for finding in findings {
        match kept.iter_mut().find(|(other, _)| is_same(other, &finding)) {
            Some((other, count)) => {
                *count += 1;
                if (finding.severity, finding.confidence) > (other.severity, other.confidence) {
                    *other = finding;
                }
            }
            None => kept.push((finding, 1)),
        }
    }
    let told = kept.into_iter().map(|(mut finding, count)| {
        if count > 1 {
            finding.reasons.push(format!("Codex reports it {count} times; the worst is shown"));
        }
        finding
    });
    told.collect()
}

/// The same category at the same lines; where nothing was found, the same quote of the same file.
fn is_same(a: &Finding, b: &Finding) -> bool {
    let place = |f: &Finding| (f.hunk, f.on_old_side, f.start_line, f.end_line);
    let quote = |f: &Finding| f.hunk.is_some() || f.evidence == a.evidence;
    a.category == b.category && a.file == b.file && place(a) == place(b) && quote(b)
}
