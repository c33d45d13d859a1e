//! Secrets out, before anything leaves the machine or is printed; the line stays readable.

mod key;
mod placeholder;

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use bstr::ByteSlice;
use regex::bytes::{Captures, Regex, RegexBuilder};

use crate::change::Text;

pub use key::KeyLines;

/// Replaces secrets by placeholders: the same secret gets the same placeholder, so that a reader
/// can still tell that two places share one.
#[derive(Debug, Default)]
pub struct Redactor {
    placeholders: HashMap<String, String>,
}

// `SHAPES`, in the order of `secrets.toml`.
include!(concat!(env!("OUT_DIR"), "/shapes.rs"));

/// A shape of secrets as the build embeds it.
struct ShapeData {
    name: &'static str,
    pattern: &'static str,
    /// Literals of which each match contains one, in whatever case.
    literals: Option<&'static [&'static [u8]]>,
}

/// A shape of secrets, compiled when a line first needs it.
struct Shape {
    data: &'static ShapeData,
    compiled: OnceLock<Regex>,
}

/// A line of text with its secrets replaced, by itself.
pub fn line(text: &str) -> String {
    Redactor::default().line(text, false)
}

/// Whether the lines of a patch hold secrets.
pub fn patch_holds_secrets(patch: &[u8]) -> bool {
    let keys = KeyLines::of(&Text::whole(patch.to_vec()));
    let mut lines = (1..).zip(patch.lines());
    lines.any(|(at, line)| {
        let line = String::from_utf8_lossy(line);
        let line = line.strip_prefix(['+', '-', ' ']).unwrap_or(&line);
        let mut redactor = Redactor::default();
        drop(redactor.line(line, keys.contains(at)));
        redactor.count() > 0
    })
}

/// Whether a line holds tokens, and none that is more than a placeholder.
pub fn holds_placeholders_only(line: &str) -> bool {
    let shapes = SHAPES_READY.that_can_match(line);
    let mut tokens = shapes.flat_map(|shape| shape.secrets(line)).peekable();
    tokens.peek().is_some() && tokens.all(placeholder::is_placeholder)
}

impl Redactor {
    /// How many different secrets have been replaced.
    pub fn count(&self) -> usize {
        self.placeholders.len()
    }

    /// A line with its secrets replaced; `inside` says that it begins within a private key.
    pub fn line(&mut self, line: &str, inside: bool) -> String {
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        if inside {
            let end = rest.find(key::END).unwrap_or(rest.len());
            out.push_str(&self.key(&rest[..end]));
            rest = &rest[end..];
        }
        while let Some(begin) = key::begin(rest) {
            let end = rest[begin..].find(key::END).map_or(rest.len(), |at| begin + at);
            let head = self.shapes(&rest[..begin]);
            out.push_str(&head);
            out.push_str(&self.key(&rest[begin..end]));
            rest = &rest[end..];
        }
        out.push_str(&self.shapes(rest));
        out
    }

    /// Text of several lines with its secrets replaced.
    pub fn text(&mut self, text: &str) -> String {
        let keys = KeyLines::of(&Text::whole(text.as_bytes().to_vec()));
        let lines = (1..).zip(text.split('\n'));
        let lines: Vec<String> =
            lines.map(|(at, line)| self.line(line, keys.contains(at))).collect();
        lines.join("\n")
    }

    /// A part of a private key as its placeholder, with the blanks around it.
    fn key(&mut self, text: &str) -> String {
        match text.trim() {
            "" => text.to_owned(),
            secret => text.replacen(secret, &self.placeholder("private-key", secret), 1),
        }
    }

    fn shapes(&mut self, text: &str) -> String {
        let mut out = text.to_owned();
        for shape in SHAPES_READY.that_can_match(text) {
            out = self.replace(shape, &out);
        }
        out
    }

    fn replace(&mut self, shape: &Shape, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for Range { start, end } in shape.places(text) {
            // The last one may have taken the rest of a character along with which this one begins.
            let secret = text.get(start.max(from)..end).unwrap_or_default();
            if secret.is_empty() || secret.contains("<redacted:") {
                continue;
            }
            out.push_str(&text[from..start.max(from)]);
            out.push_str(&self.placeholder(shape.data.name, secret));
            from = end;
        }
        out.push_str(&text[from..]);
        out
    }

    fn placeholder(&mut self, name: &str, secret: &str) -> String {
        let next = self.placeholders.len() + 1;
        let found = self.placeholders.entry(secret.to_owned());
        found.or_insert_with(|| format!("<redacted:{name}:{next}>")).clone()
    }
}

/// The shapes, with their literals in one automaton.
struct Shapes {
    shapes: Vec<Shape>,
    literals: AhoCorasick,
    /// The shape of each literal, in the order of the automaton.
    of_literal: Vec<usize>,
}

static SHAPES_READY: LazyLock<Shapes> = LazyLock::new(|| {
    let of_shape = |data: &ShapeData| data.literals.unwrap_or_default();
    let literals = SHAPES.iter().flat_map(of_shape);
    let of_literal = SHAPES.iter().enumerate();
    let of_literal = of_literal.flat_map(|(at, data)| of_shape(data).iter().map(move |_| at));
    let automaton = AhoCorasick::builder().ascii_case_insensitive(true).build(literals);
    Shapes {
        shapes: SHAPES.iter().map(|data| Shape { data, compiled: OnceLock::new() }).collect(),
        literals: automaton.expect("a few dozen literals make an automaton; every test needs it"),
        of_literal: of_literal.collect(),
    }
});

impl Shapes {
    /// The shapes that can be in a text. What is replaced by one only makes the others less.
    fn that_can_match(&self, text: &str) -> impl Iterator<Item = &Shape> {
        let mut likely: Vec<bool> = SHAPES.iter().map(|data| data.literals.is_none()).collect();
        for hit in self.literals.find_overlapping_iter(&*with_plain_blanks(text)) {
            likely[self.of_literal[hit.pattern().as_usize()]] = true;
        }
        self.shapes.iter().zip(likely).filter(|(_, likely)| *likely).map(|(shape, _)| shape)
    }
}

impl Shape {
    /// The secrets of this shape in a text.
    fn secrets<'t>(&self, text: &'t str) -> impl Iterator<Item = &'t str> {
        self.places(text).into_iter().map(|place| &text[place])
    }

    /// Where they stand, as whole characters.
    fn places(&self, text: &str) -> Vec<Range<usize>> {
        let place = |found: Captures<'_>| {
            let secret = found.name("secret").or_else(|| found.get(0))?;
            let start = (0..=secret.start()).rev().find(|at| text.is_char_boundary(*at))?;
            let end = (secret.end()..=text.len()).find(|at| text.is_char_boundary(*at))?;
            Some(start..end)
        };
        self.regex().captures_iter(&with_plain_blanks(text)).filter_map(place).collect()
    }

    fn regex(&self) -> &Regex {
        self.compiled.get_or_init(|| {
            RegexBuilder::new(&behind_escapes(self.data.pattern))
                .unicode(false)
                .build()
                .expect("a test compiles the pattern of every shape")
        })
    }
}

/// A text with blanks of ASCII in the place of all others, such as the no-break space, each as long as it was: the
/// patterns know no others.
fn with_plain_blanks(text: &str) -> Cow<'_, [u8]> {
    if text.is_ascii() {
        return text.as_bytes().into();
    }
    let mut plain = text.as_bytes().to_vec();
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_whitespace()) {
        plain[at..at + c.len_utf8()].fill(b' ');
    }
    plain.into()
}

/// A pattern that also begins behind an escape, whose last letter hides the bound of the word: `\nghp_…`,
/// `%3Dghp_…`. The escape itself stays.
fn behind_escapes(pattern: &str) -> String {
    const ESCAPE: &str = r"\\[abefnrtv]|\\[ux][0-9A-Fa-f]{2,4}|%[0-9A-Fa-f]{2}";
    match pattern.strip_prefix(r"\b") {
        Some(rest) if !rest.contains("(?P<secret>") => {
            format!(r"(?:\b|{ESCAPE})(?P<secret>{rest})")
        }
        _ => pattern.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(serde::Deserialize)]
    struct Written {
        secret: Vec<WrittenShape>,
    }

    #[derive(serde::Deserialize)]
    struct WrittenShape {
        name: String,
        matches: Vec<String>,
        leaves: Vec<String>,
    }

    #[test]
    fn every_shape_catches_its_examples_and_leaves_the_others() {
        let written: Written = toml::from_str(include_str!("secrets.toml")).unwrap();
        assert_eq!(written.secret.len(), SHAPES.len());
        for (shape, written) in SHAPES_READY.shapes.iter().zip(written.secret) {
            assert_eq!(shape.data.name, written.name);
            let fires = |line: &str| {
                let mut likely = SHAPES_READY.that_can_match(line);
                likely.any(|likely| likely.data.name == shape.data.name)
                    && !shape.places(line).is_empty()
            };
            for line in &written.matches {
                assert!(fires(&line.replace("{}", "")), "Missing {}: {line}", written.name);
            }
            for line in &written.leaves {
                assert!(!fires(line), "Noisy {}: {line}", written.name);
            }
        }
    }

    #[test]
    fn the_same_secret_keeps_its_placeholder() {
        let mut redactor = Redactor::default();
        let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        assert_eq!(redactor.line(&format!("a = {key}"), false), "a = <redacted:aws-access-key:1>");
        assert_eq!(
            redactor.line(&format!("b = '{key}'"), false),
            "b = '<redacted:aws-access-key:1>'"
        );
        assert_eq!(redactor.count(), 1);
    }

    proptest! {
        #[test]
        fn text_of_many_scripts_stays_whole_characters(pieces in prop::collection::vec(
            prop_oneof![
                Just("password = \"".to_owned()), Just("curl -u x:".to_owned()),
                Just("\"".to_owned()), Just("<password>".to_owned()), "\\PC{0,12}", "[é–日 ]{0,20}",
            ], 1..8))
        {
            let text = pieces.concat();
            let out = Redactor::default().line(&text, false);
            if !out.contains("<redacted:") {
                prop_assert_eq!(out, text);
            }
        }
    }

    #[test]
    fn a_blank_that_is_not_of_ascii_hides_no_secret() {
        for blank in ["\u{a0}", "\u{3000}", "\u{2009}\u{a0}"] {
            for (before, secret, behind) in [
                ("password =", "\"hunter2secretX\"", ""),
                ("Authorization: Bearer", "abcdefgh1234abcd", ""),
                ("curl -u", "deploy:hunter2secret", " https://x"),
                ("wget --password", "hunter2secret", ""),
                ("login app password", "hunter2secret", ""),
            ] {
                let out = line(&format!("{before}{blank}{secret}{behind}"));
                assert!(out.contains("<redacted:") && !out.contains("hunter2secret"), "{out}");
                assert!(out.contains(blank) && !out.contains("abcdefgh1234abcd"), "{out}");
            }
        }
    }

    #[test]
    fn a_secret_of_other_letters_is_one_too() {
        let out = line(&format!("password = \"{}\"", "пароль-надёжный"));
        assert_eq!(out, "password = \"<redacted:assigned-secret:1>\"");
    }

    #[test]
    fn an_escape_before_a_token_hides_it_not() {
        let token = format!("ghp{}", "_a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8");
        for before in ["\\n", "%3D", "\\u003d", "\\x3d", "a=", "'"] {
            assert_eq!(
                line(&format!("{before}{token}")),
                format!("{before}<redacted:github-token:1>")
            );
        }
        assert_eq!(line(&format!("a{token}")), format!("a{token}"));
    }

    #[test]
    fn a_private_key_block_keeps_its_borders() {
        let mut redactor = Redactor::default();
        let block = format!(
            "-----BEGIN RSA {0}-----\nMIIE\nabcd\n-----END RSA {0}-----\nafter",
            "PRIVATE KEY"
        );
        let expected = format!(
            "-----BEGIN RSA {0}-----\n<redacted:private-key:1>\n<redacted:private-key:2>\n-----END RSA {0}-----\nafter",
            "PRIVATE KEY"
        );
        assert_eq!(redactor.text(&block), expected);
        let one_line =
            format!("k = \"-----BEGIN {0}-----\\nMIIE\\n-----END {0}-----\"", "PRIVATE KEY");
        assert!(!redactor.text(&one_line).contains("MIIE"));
    }

    #[test]
    fn the_name_of_an_assignment_stays_readable() {
        let line =
            Redactor::default().line(&format!("db_password = \"{}\"", "correct-horse"), false);
        assert_eq!(line, "db_password = \"<redacted:assigned-secret:1>\"");
    }

    #[test]
    fn what_stands_beside_a_key_on_its_line_is_redacted_too() {
        let (begin, end) = (
            format!("-----BEGIN {}-----", "PRIVATE KEY"),
            format!("-----END {}-----", "PRIVATE KEY"),
        );
        let line = format!(
            "password: \"correcthorse1\", a: \"{begin}\\nMIIE1\\n{end}\", b: \"{begin}\\nMIIE2\\n{end}\", api_key: \"zzzzyyyyxxxx1\""
        );
        let out = Redactor::default().line(&line, false);
        for secret in ["correcthorse1", "MIIE1", "MIIE2", "zzzzyyyyxxxx1"] {
            assert!(!out.contains(secret), "{out}");
        }
    }

    #[test]
    fn the_last_line_of_a_key_goes_and_what_follows_is_read() {
        let line =
            format!("  'abcd=-----END {}-----'; const password = \"correcthorse1\"", "PRIVATE KEY");
        let out = Redactor::default().line(&line, true);
        assert!(!out.contains("abcd") && !out.contains("correcthorse1"), "{out}");
    }
}
