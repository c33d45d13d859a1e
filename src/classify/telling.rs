//! The line that tells most of what changes in a hunk, for people.

use super::line::Line;
use super::sight::is_code;
use crate::change::{File, Hunk, LineKind};
use crate::redact::{KeyLines, Redactor};
use crate::visible::{self, Visible};

/// Longest line that is shown to explain a hunk, in characters.
const EXCERPT: usize = 100;

/// The line of code that tells most, with its sign and number: `-12 if not is_safe(path):`. A check rather than
/// another line, one that is taken out rather than one that is put in. Nothing where the text is not at hand, or
/// in a language that is not known.
pub fn telling_line(file: &File, hunk: &Hunk) -> Option<String> {
    let language = file.language?;
    let changed = file.lines(hunk).filter(|line| line.kind != LineKind::Context);
    let code =
        changed.filter(|line| !line.text.trim_ascii().is_empty() && is_code(language, line.text));
    let key = |line: &crate::change::Line<'_>| (rank(line.text), line.kind == LineKind::Removed);
    // Of several that tell as much the first.
    let telling = code.reduce(|best, next| if key(&next) > key(&best) { next } else { best })?;
    let (number, text) = match telling.kind {
        LineKind::Removed => (telling.old?, &file.old),
        LineKind::Added | LineKind::Context => (telling.new?, &file.new),
    };
    let shown = excerpt(telling.text, KeyLines::of(text).contains(number), EXCERPT);
    Some(format!("{}{number} {shown}", telling.kind.sign()))
}

/// How much a line tells.
fn rank(text: &[u8]) -> u8 {
    let line = Line::of(text);
    let checks = 2 * u8::from(line.is_condition) + u8::from(line.is_refusal);
    if line.is_import { 0 } else { 1 + checks }
}

/// A line of foreign text with at most so many characters, secrets out.
pub(super) fn excerpt(text: &[u8], in_key: bool, characters: usize) -> Visible {
    let text = text.trim_ascii();
    // Redacted before it is cut: half a secret has no shape. What is cut off first is never shown.
    let text = visible::line(&text[..text.len().min(16 * characters)]);
    let redacted = Redactor::default().line(text.as_str(), in_key);
    let cut: String = redacted.chars().take(characters).collect();
    visible::line(cut)
}
