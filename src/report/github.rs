//! GitHub's workflow commands: annotations in the log of a step.

use std::collections::HashMap;

use super::Review;
use super::alert::{self, Level};

/// Annotations of one level that GitHub shows of a step; it drops further ones without a word.
const MAX_OF_A_LEVEL: usize = 10;

/// The findings of a review as annotations, and a plain line for what they leave out.
pub(super) fn annotations(review: &Review) -> String {
    let mut out = String::new();
    let mut count: HashMap<Level, usize> = HashMap::new();
    if let Some(failure) = &review.consultation.failure {
        let text = format!("no second opinion: {}", failure.line());
        out.push_str(&format!("::warning title=git-advisor::{}\n", data(&text)));
        count.insert(Level::Warning, 1);
    }
    if let Some(text) = review.consultation.cached() {
        out.push_str(&format!("::notice title=git-advisor::{}\n", data(&text)));
        count.insert(Level::Note, 1);
    }
    for alert in alert::of(review) {
        let count = count.entry(alert.level()).or_default();
        *count += 1;
        if *count > MAX_OF_A_LEVEL {
            continue;
        }
        let title = format!("{} {}", alert.finding.severity.name(), alert.title());
        out.push_str(&format!(
            "::{} file={},line={},endLine={},title={}::{}\n",
            command(alert.level()),
            property(&alert.path()),
            alert.lines.start(),
            alert.lines.end(),
            property(&title),
            data(&alert.message()),
        ));
    }
    for level in [Level::Error, Level::Warning, Level::Note] {
        let more = count.get(&level).map_or(0, |count| count.saturating_sub(MAX_OF_A_LEVEL));
        if more > 0 {
            let name = command(level);
            out.push_str(&format!(
                "git-advisor: {more} more of level {name}; GitHub shows {MAX_OF_A_LEVEL} of a step\n"
            ));
        }
    }
    out
}

fn command(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    }
}

/// The text of a command, which ends with its line.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The value of a property, which ends with a comma or a colon too.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_ends_its_command() {
        assert_eq!(data("50%\n::set-env::"), "50%25%0A::set-env::");
        assert_eq!(property("a,line=9::x\r"), "a%2Cline=9%3A%3Ax%0D");
    }
}
