//! The gate that foreign text passes before a terminal, a prompt, a report or a CI log.
//!
//! Diffs, file names, Codex's answers and git's own data can carry terminal escapes, bidi overrides
//! and zero-width characters. Whatever a reader would not see is written out as `<U+202E>`, and a
//! byte that is no UTF-8 as `<0xFF>`; the [`Visible`] type remembers that this has been done.

use std::borrow::Cow;
use std::fmt;

use bstr::ByteSlice;

/// Text without any active or invisible character, safe to print.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Visible(String);

impl Visible {
    /// The gated text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Gives up the type and keeps the text.
    pub fn into_string(self) -> String {
        self.0
    }
}

impl serde::Serialize for Visible {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl fmt::Display for Visible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// Gates one line: line breaks are made visible too, so the result can never become two lines.
pub fn line(text: impl AsRef<[u8]>) -> Visible {
    gate(text.as_ref(), false)
}

/// Gates text of several lines: `\n` stays, `\r\n` becomes `\n`, anything else as in [`line()`].
pub fn text(text: impl AsRef<[u8]>) -> Visible {
    gate(text.as_ref(), true)
}

fn gate(bytes: &[u8], keep_newlines: bool) -> Visible {
    // Nearly all text is plain.
    if bytes.iter().all(|&byte| (b' '..=b'~').contains(&byte) || byte == b'\t') {
        return Visible(String::from_utf8_lossy(bytes).into_owned());
    }
    let bytes: Cow<'_, [u8]> = if keep_newlines && bytes.contains_str("\r\n") {
        Cow::Owned(bytes.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(bytes)
    };
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c == '\t' || (c == '\n' && keep_newlines) || !is_hidden(c) {
                out.push(c);
            } else {
                out.push_str(&format!("<U+{:04X}>", u32::from(c)));
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("<0x{byte:02X}>"));
        }
    }
    Visible(out)
}

/// Text whose lines are no commands to the runner of a CI job, which reads them from the log:
/// `::name::` at the beginning of a line (GitHub), `##[name]`, `##vso[` and `##teamcity[` anywhere.
/// A space takes their meaning away.
pub fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let begun = line.trim_start();
        let (margin, mut rest) = line.split_at(line.len() - begun.len());
        out.push_str(margin);
        if let Some(command) = rest.strip_prefix("::") {
            out.push_str(": :");
            rest = command;
        }
        let mut from = 0;
        for at in commands(rest) {
            out.push_str(&rest[from..at]);
            out.push(' ');
            from = at;
        }
        out.push_str(&rest[from..]);
    }
    out
}

/// Where a runner would read a command anywhere in a line: the second `#` of `##[name]` and `##name[`.
pub fn commands(text: &str) -> impl Iterator<Item = usize> + '_ {
    let marks = memchr::memchr_iter(b'#', text.as_bytes()).map(|at| at + 1);
    marks.filter(|&at| {
        let behind = text[at..].strip_prefix('#').map(|behind| {
            behind.trim_start_matches(|c: char| c.is_ascii_alphanumeric()).starts_with('[')
        });
        behind == Some(true)
    })
}

/// Whether a character acts on the terminal or on the reading order, or shows nothing at all.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}'
            | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(input: &[u8], expected: &str) {
        assert_eq!(line(input).as_str(), expected);
    }

    #[test]
    fn ordinary_text_in_any_script_passes_unchanged() {
        check("let größe = 1; // 日本語 ñ\t→".as_bytes(), "let größe = 1; // 日本語 ñ\t→");
    }

    #[test]
    fn terminal_escapes_are_shown() {
        check(b"\x1b[2Jgone", "<U+001B>[2Jgone");
        check("\u{9b}2J".as_bytes(), "<U+009B>2J");
    }

    #[test]
    fn trojan_source_bidi_controls_are_shown() {
        check("/* \u{202E} } \u{2066}if admin */".as_bytes(), "/* <U+202E> } <U+2066>if admin */");
    }

    #[test]
    fn zero_width_and_tag_characters_are_shown() {
        check("ad\u{200B}min\u{E0041}".as_bytes(), "ad<U+200B>min<U+E0041>");
    }

    #[test]
    fn bytes_that_are_no_utf8_are_shown() {
        check(b"caf\xe9", "caf<0xE9>");
    }

    #[test]
    fn a_line_never_becomes_two() {
        check(b"a\nb\r", "a<U+000A>b<U+000D>");
    }

    #[test]
    fn text_keeps_its_lines_and_loses_carriage_returns() {
        assert_eq!(text(b"a\r\nb\n").as_str(), "a\nb\n");
        assert_eq!(text(b"a\rb").as_str(), "a<U+000D>b");
    }

    #[test]
    fn no_line_is_a_command_to_a_ci_runner() {
        assert_eq!(inert("  ::add-path::x\n::error::y"), "  : :add-path::x\n: :error::y");
        assert_eq!(inert("a ##[add-path]b ##vso[x]"), "a # #[add-path]b # #vso[x]");
        assert_eq!(inert("## Synthesis\n###[x]\na::b\n"), "## Synthesis\n## #[x]\na::b\n");
    }

    proptest::proptest! {
        #[test]
        fn nothing_active_survives(bytes: Vec<u8>) {
            let out = text(&bytes);
            proptest::prop_assert!(!out.as_str().chars().any(|c| c != '\n' && c != '\t' && is_hidden(c)));
        }
    }
}
