//! The step summary of a CI job: the verdict and the findings, short. Foreign text stands in code
//! only, as in the review file.

use super::Review;
use super::alert::{self, Alert};
use super::markdown::{code, fenced};
use super::terminal::counted;

/// Most findings that are shown; the review file has all of them.
const MAX_FINDINGS: usize = 50;

/// Longest text of a finding, in characters. With [`MAX_FINDINGS`] the summary stays below the
/// 1 MiB that GitHub takes of a step.
const MAX_TEXT: usize = 4_000;

/// A review as a short page of Markdown.
pub(super) fn review(review: &Review) -> String {
    let counts = review.scan.stats.counts;
    let mut out = format!(
        "## git-advisor: {}\n\nWorth a question: {} of {} in {}. Recommendation: {}.\n\n",
        review.verdict.outcome.name(),
        counts.selected_hunks,
        counted(counts.hunks, "hunk"),
        counted(counts.files, "file"),
        review.checked.synthesis.recommendation.name(),
    );
    out.push_str(&fenced("text", &cut(&review.checked.synthesis.text)));
    let alerts = alert::of(review);
    for alert in alerts.iter().take(MAX_FINDINGS) {
        finding(&mut out, alert);
    }
    if alerts.len() > MAX_FINDINGS {
        out.push_str(&format!("\nand {} more\n", alerts.len() - MAX_FINDINGS));
    }
    out
}

fn finding(out: &mut String, alert: &Alert<'_>) {
    let finding = alert.finding;
    out.push_str(&format!(
        "\n**{}** {} {} {}{}\n\n{}",
        finding.id,
        finding.severity.name(),
        finding.verdict.name(),
        code(&format!("{}:{}", alert.path(), alert.lines.start())),
        if finding.gates { ", **blocks**" } else { "" },
        fenced("text", &cut(&alert.message())),
    ));
}

fn cut(text: &str) -> String {
    if text.chars().nth(MAX_TEXT).is_none() {
        return text.to_owned();
    }
    text.chars().take(MAX_TEXT).chain("\n[cut]".chars()).collect()
}
