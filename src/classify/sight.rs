//! A hunk of code looked at: which of its lines say something, and the figures that speak for a look at it.

use std::collections::HashMap;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;

use super::evidence::{Evidence, Feature};
use super::line::Line;
use super::scope;
use super::shape::{Net, Shape};
use super::vocabulary::{CATEGORIES, Heard};
use super::words::{Late, Words};
use crate::change::{File, Hunk, LineKind};
use crate::rules::Language;

/// Hunks with more changed lines than this are left to the rules: such a change is no slip.
const MAX_LINES: usize = 80;

/// A hunk whose lines and path speak less of every category than one word does is left to the rules.
const LEAST: f32 = 0.5;

/// What a file gives to all of its hunks.
pub(super) struct Sight<'a> {
    file: &'a File,
    language: &'static Language,
    path: Heard,
    tooling: bool,
}

/// A hunk of which the figures are known that are quickly found.
pub(super) struct Seen<'a> {
    pub(super) evidence: Evidence,
    hunk: &'a Hunk,
    sides: Sides<'a>,
    words: Words,
    literal: f32,
    messages: Vec<&'a [u8]>,
}

/// The changed lines of a hunk that are code, and what stands around them.
#[derive(Default)]
struct Sides<'a> {
    removed: Vec<&'a [u8]>,
    added: Vec<&'a [u8]>,
    context: Vec<&'a [u8]>,
    comments: Vec<&'a [u8]>,
    comments_near: Vec<&'a [u8]>,
}

impl<'a> Sight<'a> {
    pub(super) fn of(file: &'a File, language: &'static Language, tooling: bool) -> Sight<'a> {
        let mut path = Heard::default();
        file.path.rsplit(|&byte| byte == b'/').take(3).for_each(|part| path.read(part));
        Sight { file, language, path, tooling }
    }

    /// A first look at a hunk; nothing where no code changes but for its layout, where more changes than a
    /// reader judges at once, or where nothing on its lines speaks of a category.
    pub(super) fn look(&self, hunk: &'a Hunk) -> Option<Seen<'a>> {
        if hunk.changed_lines() > MAX_LINES {
            return None;
        }
        let sides = self.sides(hunk);
        if sides.removed.is_empty() && sides.added.is_empty() || only_layout(&sides) {
            return None;
        }
        let removed: Vec<Line<'_>> = sides.removed.iter().map(|text| Line::of(text)).collect();
        let added: Vec<Line<'_>> = sides.added.iter().map(|text| Line::of(text)).collect();
        let code = || removed.iter().chain(&added).filter(|line| !line.is_import);
        let line = Heard::of_all(code().map(|line| line.text));
        let context = Heard::of_all(sides.context.iter().copied());
        let speaks =
            |subject| line.of(subject) + context.of(subject) + self.path.of(subject) >= LEAST;
        if !(0..CATEGORIES.len()).any(speaks) {
            return None;
        }
        let checks = code().filter(|line| line.is_condition || line.is_refusal);
        let check = Heard::of_all(checks.map(|line| line.text));
        let net = Net::of(&removed, &added);
        let shape = Shape::of(&removed, &added, &net);
        let words = Words::of(&net, line, context, check, self.path.clone());
        let lines = u32::try_from(hunk.changed_lines()).unwrap_or(u32::MAX);
        let mut evidence = Evidence { lines, ..Evidence::default() };
        shape.tell(&mut evidence);
        words.tell(&mut evidence);
        evidence.set(Feature::Tooling, f32::from(u8::from(self.tooling)));
        let (literal, messages) = (shape.literal(), net.messages().collect());
        Some(Seen { evidence, hunk, sides, words, literal, messages })
    }

    /// Whether a hunk could still reach a score, with all that a closer look may find.
    pub(super) fn could_reach(seen: &Seen<'_>, score: f64) -> bool {
        let late = [Feature::GuardComment, Feature::WordsComment, Feature::WordsCommentNear];
        let of_literals = [Feature::GuardAndLiteral, Feature::ContextAndLiteral];
        let literals = if seen.literal > 0.0 { &of_literals[..] } else { &[] };
        seen.evidence.best_with(late.iter().chain(literals).copied()) >= score
    }

    /// The closer look: comments, and what the hunk stands under.
    pub(super) fn complete(&self, seen: Seen<'a>) -> Evidence {
        let Seen { mut evidence, hunk, sides, words, literal, messages } = seen;
        let around = if literal > 0.0 { self.around(hunk) } else { Vec::new() };
        let function = hunk.function.as_deref().map(str::as_bytes);
        let late = Late {
            scope: Heard::of_all(around.into_iter().chain(function)),
            comment: Heard::of_comments(sides.comments.into_iter().chain(messages)),
            near: Heard::of_comments(sides.comments_near.into_iter()),
        };
        words.tell_late(&late, literal, &mut evidence);
        evidence
    }

    /// The lines of a hunk by what they are; changed ones only where they do not stand on both sides.
    fn sides(&self, hunk: &'a Hunk) -> Sides<'a> {
        let mut sides = Sides::default();
        let two_sided = hunk.edits.iter().any(|edit| !edit.old.is_empty())
            && hunk.edits.iter().any(|edit| !edit.new.is_empty());
        let state = RandomState::default();
        let mut plainly = Vec::new();
        let mut on_sides: HashMap<u64, [bool; 2], RandomState> = HashMap::default();
        let mut lines = Vec::with_capacity(hunk.old.len() + hunk.new.len());
        for line in self.file.lines(hunk).filter(|line| !line.text.trim_ascii().is_empty()) {
            let code = self.is_code(line.text);
            let mut key = 0;
            if two_sided && code && line.kind != LineKind::Context {
                key = state.hash_one(plain_into(line.text, &mut plainly));
                on_sides.entry(key).or_default()[usize::from(line.kind == LineKind::Added)] = true;
            }
            lines.push((line.kind, line.text, code, key));
        }
        for list in [&mut sides.removed, &mut sides.added, &mut sides.context] {
            list.reserve(lines.len());
        }
        for (kind, text, code, key) in lines {
            let both = || on_sides.get(&key) == Some(&[true, true]);
            match (kind, code) {
                (LineKind::Context, true) => sides.context.push(text),
                (LineKind::Context, false) => sides.comments_near.push(text),
                (_, false) => sides.comments.push(text),
                (LineKind::Removed, true) if !both() => sides.removed.push(text),
                (LineKind::Added, true) if !both() => sides.added.push(text),
                (_, true) => {}
            }
        }
        sides
    }

    fn is_code(&self, text: &[u8]) -> bool {
        is_code(self.language, text)
    }

    /// What the first edit stands under, on the side where it takes something out.
    fn around(&self, hunk: &Hunk) -> Vec<&'a [u8]> {
        let Some(edit) = hunk.edits.first() else { return Vec::new() };
        let old = || scope::around(&self.file.old, edit.old.start);
        let new = || scope::around(&self.file.new, edit.new.start);
        let found = if edit.old.is_empty() { new() } else { old() };
        if found.is_empty() { if edit.old.is_empty() { old() } else { new() } } else { found }
    }
}

/// A line without blanks and separators, so that a list that is laid out anew has the same lines.
fn plain(text: &[u8]) -> impl Iterator<Item = u8> + '_ {
    text.iter().copied().filter(|byte| says(*byte))
}

/// The same in a buffer.
fn plain_into<'b>(text: &[u8], buffer: &'b mut Vec<u8>) -> &'b [u8] {
    buffer.resize(buffer.len().max(text.len()), 0);
    let mut length = 0;
    for &byte in text {
        buffer[length] = byte;
        length += usize::from(says(byte));
    }
    &buffer[..length]
}

fn says(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && byte != b',' && byte != b';'
}

/// Whether both sides are the same but for blanks, separators and quotes.
fn only_layout(sides: &Sides<'_>) -> bool {
    fn all<'l>(lines: &'l [&[u8]]) -> impl Iterator<Item = u8> + 'l {
        let bytes = lines.iter().flat_map(|text| plain(text));
        bytes.map(|byte| if byte == b'\'' { b'"' } else { byte })
    }
    !sides.removed.is_empty()
        && !sides.added.is_empty()
        && all(&sides.removed).eq(all(&sides.added))
}

/// Whether a line is code, and neither a comment nor prose.
pub(super) fn is_code(language: &Language, text: &[u8]) -> bool {
    !language.is_comment(text) && !is_prose(text)
}

/// Whether a line is prose, as in a block comment or a text of several lines: words and no code.
fn is_prose(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let signs = text.iter().fold(0, |signs, byte| signs | SIGNS[usize::from(*byte)]);
    if signs & QUOTES == 0 && reads_as_a_sentence(text) {
        return true;
    }
    if text.len() < 16 || signs & OF_CODE != 0 {
        return false;
    }
    let mut words =
        text.split(|byte| *byte == b' ').filter(|word| word.iter().any(u8::is_ascii_alphabetic));
    let first = words.next().unwrap_or_default();
    const CODE: [&str; 44] = [
        "if", "elif", "else", "while", "for", "and", "or", "not", "return", "raise", "assert",
        "unless", "when", "case", "with", "def", "class", "import", "from", "in", "then", "elsif",
        "end", "do", "test", "set", "local", "except", "try", "yield", "await", "pub", "let",
        "var", "const", "use", "fn", "func", "type", "public", "switch", "until", "function",
        "command",
    ];
    let keyword = CODE.iter().any(|word| word.as_bytes() == first);
    !keyword && words.count() + 1 >= 4
}

/// A line with such a sign is no prose, unless it reads as a sentence.
const OF_CODE: u8 = 1;

/// A line with such a sign does not read as a sentence, whatever it says.
const QUOTES: u8 = 2;

/// What each byte says of the line in which it stands.
static SIGNS: [u8; 256] =
    with_signs(with_signs([0; 256], b"=(){}[];<>$\"|&", OF_CODE), b"\"=;$", QUOTES);

const fn with_signs(mut signs: [u8; 256], bytes: &[u8], say: u8) -> [u8; 256] {
    let mut at = 0;
    while at < bytes.len() {
        signs[bytes[at] as usize] |= say;
        at += 1;
    }
    signs
}

/// Whether so many plain words follow each other that the line is prose, whatever else but [`QUOTES`] stands on it.
fn reads_as_a_sentence(text: &[u8]) -> bool {
    const ENOUGH: usize = 6;
    let plain = |word: &[u8]| {
        let word = word.strip_suffix(b",").or(word.strip_suffix(b".")).unwrap_or(word);
        !word.is_empty() && word.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'\'')
    };
    let mut run = 0;
    text.split(|byte| *byte == b' ').any(|word| {
        run = if plain(word) { run + 1 } else { 0 };
        run == ENOUGH
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_told_from_code() {
        for text in [
            "by :py:func:`os.path.isdir`, otherwise it will be set again (a folder)",
            "Returns the first header that fits",
        ] {
            assert!(is_prose(text.as_bytes()), "{text}");
        }
        for text in [
            "if not path.startswith(root):",
            "set -l package apt-get install",
            "x = \"a text of more than six plain words in it\"",
            "return user and user.is_admin",
        ] {
            assert!(!is_prose(text.as_bytes()), "{text}");
        }
    }
}
