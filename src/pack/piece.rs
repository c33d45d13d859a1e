//! A piece of a file that goes along as context: lines or a symbol, bounded, redacted, never of a denied file.

use std::ops::Range;

use bstr::{BStr, ByteSlice};
use serde::{Deserialize, Serialize};

use super::{MAX_LINE, PackedHunk, PackedLine, cut, denied, estimated_tokens};
use crate::change::{Effort, HunkId, LineKind, Status, Text, enclosing};
use crate::redact::{KeyLines, Redactor};
use crate::rules::Languages;
use crate::visible;

/// A piece is not longer than this, in lines.
const MAX_LINES: u32 = 200;

/// More words than this are not looked for.
const MAX_WORDS: usize = 20;

/// Lines around a symbol that stands in no function.
const AROUND: u32 = 20;

/// Lines of a file, as they are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Its name in the prompt, for example `C1-k7f3`.
    pub label: String,
    /// The file's path.
    pub path: String,
    /// What it is, where the path does not say it: `attempt 1`.
    #[serde(default)]
    pub about: String,
    /// Number of the first line, 1-based; in a hunk on the new side.
    pub first: u32,
    /// In a hunk the same on the old side.
    #[serde(default)]
    pub first_old: u32,
    /// In a hunk the sign of each line; empty for text that does not change.
    #[serde(default)]
    pub signs: String,
    /// The lines: visible, redacted, cut.
    pub lines: Vec<String>,
}

impl Piece {
    /// The part of a file that is asked for in words (`lines 10-40`, `the function check_path`), in at most
    /// `budget` estimated tokens. Words that say nothing mean the beginning of the file.
    ///
    /// # Errors
    /// With the reason why nothing of it goes along, for a sentence.
    pub fn of(
        label: &str,
        path: &str,
        text: &Text,
        what: &str,
        budget: usize,
    ) -> Result<Piece, &'static str> {
        let wanted = wanted(path.into(), text, what).ok_or("it has no such lines")?;
        Piece::cut(label, path, text, wanted, budget)
    }

    /// A whole file or text, in at most `budget` estimated tokens.
    ///
    /// # Errors
    /// With the reason why nothing of it goes along, for a sentence.
    pub fn whole(
        label: &str,
        path: &str,
        text: &Text,
        budget: usize,
    ) -> Result<Piece, &'static str> {
        Piece::cut(label, path, text, 1..text.last_line() + 1, budget)
    }

    /// A hunk that is packed already, under a label of its own.
    pub fn of_hunk(label: &str, hunk: &PackedHunk) -> Piece {
        let first = |number: fn(&PackedLine) -> Option<u32>| {
            hunk.lines.iter().find_map(number).unwrap_or_default()
        };
        Piece {
            label: label.to_owned(),
            path: hunk.path.as_str().to_owned(),
            about: String::new(),
            first: first(|line| line.new),
            first_old: first(|line| line.old),
            signs: hunk.lines.iter().map(|line| line.kind.sign()).collect(),
            lines: hunk.lines.iter().map(|line| line.text.clone()).collect(),
        }
    }

    fn cut(
        label: &str,
        path: &str,
        text: &Text,
        wanted: Range<u32>,
        budget: usize,
    ) -> Result<Piece, &'static str> {
        if denied::is_denied_path(path.into()) {
            return Err("files of this name hold secrets and never leave the machine");
        }
        if text.bytes().contains(&0) {
            return Err("it is no text");
        }
        let keys = KeyLines::of(text);
        let mut redactor = Redactor::default();
        let lines = wanted.clone().map_while(|number| {
            let line = visible::line(text.line(number)?);
            Some(cut(&redactor.line(line.as_str(), keys.contains(number)), MAX_LINE))
        });
        let piece = Piece {
            label: label.to_owned(),
            path: visible::line(path).into_string(),
            about: String::new(),
            first: wanted.start,
            first_old: 0,
            signs: String::new(),
            lines: lines.collect(),
        };
        match piece.tokens() {
            _ if piece.lines.is_empty() => Err("it has no such lines"),
            tokens if tokens > budget => Err("it is larger than what is left of the token budget"),
            _ => Ok(piece),
        }
    }

    /// Estimated tokens of the piece as it is rendered.
    pub fn tokens(&self) -> usize {
        estimated_tokens(self.packed(HunkId::default()).to_string().len())
    }

    /// The piece in the form of a hunk without a change, under an id.
    pub fn packed(&self, id: HunkId) -> PackedHunk {
        let (mut old, mut new) = (self.first_old, self.first);
        let next = |kind, gone, number: &mut u32| {
            let here = (kind != gone).then_some(*number);
            *number = number.saturating_add(u32::from(here.is_some()));
            here
        };
        let signs = self.signs.chars().map(Some).chain(std::iter::repeat(None));
        let line = |(sign, text): (Option<char>, &String)| {
            let kind = match sign {
                Some('+') => LineKind::Added,
                Some('-') => LineKind::Removed,
                _ => LineKind::Context,
            };
            PackedLine {
                kind,
                old: sign.and_then(|_| next(kind, LineKind::Added, &mut old)),
                new: next(kind, LineKind::Removed, &mut new),
                text: text.clone(),
            }
        };
        let lines: Vec<PackedLine> = signs.zip(&self.lines).map(line).collect();
        let last = lines.iter().filter_map(|line| line.new).next_back().unwrap_or(self.first);
        let place = format!("lines {}-{last}", self.first);
        PackedHunk {
            id,
            label: self.label.clone(),
            path: visible::line(&self.path),
            old_path: None,
            status: Status::Modified,
            function: None,
            companion: None,
            header: if self.about.is_empty() { place } else { format!("{}, {place}", self.about) },
            lines,
        }
    }
}

/// The lines that are asked for: by number, by a name that stands in the file, or the first ones.
fn wanted(path: &BStr, text: &Text, what: &str) -> Option<Range<u32>> {
    let last = text.last_line();
    let within = |lines: Range<u32>| {
        let (start, end) = (lines.start.max(1), lines.end.min(last + 1));
        (start < end).then(|| start..end.min(start + MAX_LINES))
    };
    if let Some(lines) = numbers(what) {
        return within(lines);
    }
    within(named(path, text, what).unwrap_or(1..last + 1))
}

/// `10-40`, `lines 10 to 40`, `L10`, `line 10`; nothing where a number is only a part of a name.
fn numbers(what: &str) -> Option<Range<u32>> {
    let words = what.split(|c: char| !c.is_alphanumeric() && c != '_');
    let number = |word: &str| word.trim_start_matches(['L', 'l']).parse::<u32>().ok();
    let mut numbers = words.filter(|word| !word.is_empty()).filter_map(number);
    let first = numbers.next()?;
    let last = numbers.next().filter(|last| *last >= first).unwrap_or(first);
    Some(first..last.saturating_add(1))
}

/// The function of a name that stands in the file, or the lines around the first mention of it.
fn named(path: &BStr, text: &Text, what: &str) -> Option<Range<u32>> {
    let language = Languages::built_in().of(path);
    let mut effort = Effort::default();
    let mut mention = None;
    // `the function check_path`: a word that names a function counts for more than one that is mentioned.
    let words = what.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|w| w.len() > 2);
    for word in words.take(MAX_WORDS) {
        let lines =
            text.numbers().filter(|&at| text.line(at).is_some_and(|line| holds(line, word)));
        for at in lines {
            let function = language.and_then(|known| enclosing(text, at, known, &mut effort));
            match function {
                Some(function) if function.name == word => return Some(function.lines),
                Some(function) if mention.is_none() => mention = Some(function.lines),
                None if mention.is_none() => {
                    mention = Some(at.saturating_sub(AROUND)..at + AROUND + 1);
                }
                _ => {}
            }
        }
    }
    mention
}

/// Whether a line holds a name as a whole word.
fn holds(line: &[u8], name: &str) -> bool {
    let part = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    line.find_iter(name).any(|at| {
        !part(at.checked_sub(1).and_then(|before| line.get(before)))
            && !part(line.get(at + name.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "import os\n\n\ndef other():\n    check_path(1)\n\n\ndef check_path(p):\n    return os.path.join(\"a\", p)\n";

    #[track_caller]
    fn check(what: &str, expected: Result<(u32, usize), &str>) {
        let text = Text::whole(TEXT.into());
        let found = Piece::of("C1-aaaa", "a.py", &text, what, 1_000);
        assert_eq!(found.map(|piece| (piece.first, piece.lines.len())), expected, "{what}");
    }

    #[test]
    fn lines_and_names_are_understood() {
        check("lines 4-5", Ok((4, 2)));
        check("L4", Ok((4, 1)));
        check("8 to 100", Ok((8, 2)));
        check("the function check_path", Ok((8, 2)));
        check("`other`", Ok((4, 2)));
        check("everything", Ok((1, 9)));
        check("", Ok((1, 9)));
        check("lines 50-60", Err("it has no such lines"));
    }

    #[test]
    fn a_denied_file_a_binary_and_a_large_piece_are_withheld() {
        let text = Text::whole(TEXT.into());
        let of =
            |path, text: &Text, budget| Piece::of("C1-aaaa", path, text, "", budget).unwrap_err();
        assert!(of(".env", &text, 1_000).contains("hold secrets"));
        assert!(of("a.py", &Text::whole(b"a\0b".to_vec()), 1_000).contains("no text"));
        assert!(of("a.py", &text, 10).contains("larger"));
    }

    #[test]
    fn secrets_and_hidden_characters_are_replaced() {
        let text = Text::whole("a\u{202e}b\npassword = \"hunter2-and-more\"\n".into());
        let piece = Piece::of("C1-aaaa", "a.py", &text, "", 1_000).unwrap();
        assert_eq!(piece.lines, ["a<U+202E>b", "password = \"<redacted:assigned-secret:1>\""]);
    }

    proptest::proptest! {
        #[test]
        fn no_request_makes_it_panic(what: String, text: String) {
            let _ = Piece::of("C1", "a.py", &Text::whole(text.into()), &what, 500);
        }
    }
}
