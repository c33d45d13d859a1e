//! What a claim quotes, and whether lines say the same.
//!
//! Only what carries no meaning is forgiven: blanks, a gutter, signs of a diff, fences, dots for lines left
//! out, one layer of escapes too many. A quote that differs in one letter is not found: that letter may be the
//! flaw, so there is no matching by likeness.

use std::borrow::Cow;
use std::ops::Range;

/// A longer quote than this, in lines, is compared by its beginning.
const MAX_LINES: usize = 60;

/// More places than this at which a quote could begin are not tried.
const MAX_STARTS: usize = 2_000;

/// Shorter lines than this, in characters without blanks, are found as whole lines only.
const SHORT: usize = 8;

/// A line to search in, or one that is quoted: as it stands, and without blanks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    verbatim: String,
    bare: String,
}

/// One way to read a quote: its lines, and the gaps where it leaves some out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quote {
    items: Vec<Item>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Item {
    Line(Line),
    Gap,
}

/// How strictly lines are compared, the strictest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    /// The whole line, indentation included.
    Verbatim,
    /// The whole line, whatever its blanks.
    Bare,
    /// A part of the line, whatever its blanks.
    Part,
}

impl Strictness {
    pub(super) const ALL: [Strictness; 3] =
        [Strictness::Verbatim, Strictness::Bare, Strictness::Part];
}

impl Line {
    pub(super) fn new(text: &str) -> Line {
        let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
        Line { verbatim: text.trim_end().to_owned(), bare: unnumbered(&bare).into_owned() }
    }

    fn says(&self, quoted: &Line, strictness: Strictness) -> bool {
        let part = |quoted: &str| {
            // The quote may break off within the line, as the packet itself does in long ones.
            let begun = ["...", "…"].iter().find_map(|dots| quoted.strip_suffix(dots));
            let quoted = begun.or_else(|| before_cut(quoted)).unwrap_or(quoted);
            quoted.chars().count() >= SHORT && self.bare.contains(quoted)
        };
        match strictness {
            Strictness::Verbatim => self.verbatim == quoted.verbatim,
            Strictness::Bare => self.bare == quoted.bare,
            Strictness::Part => self.bare == quoted.bare || part(&quoted.bare),
        }
    }
}

impl Quote {
    /// The ways in which evidence can be meant, the most literal first; none where it quotes nothing.
    pub(super) fn readings(evidence: &str) -> Vec<Quote> {
        let literal: Vec<&str> = evidence.lines().collect();
        let unescaped = evidence.replace("\\n", "\n").replace("\\\"", "\"");
        let ways: [Vec<&str>; 5] = [
            literal.clone(),
            strip_all(&literal, gutter),
            strip_all(&literal, sign),
            strip_all(&literal, number),
            unescaped.lines().collect(),
        ];
        let mut readings: Vec<Quote> = Vec::new();
        for reading in ways.iter().map(|lines| Quote::of(lines)) {
            if reading.lines().next().is_some() && !readings.contains(&reading) {
                readings.push(reading);
            }
        }
        readings
    }

    fn of(lines: &[&str]) -> Quote {
        let wanted = lines.iter().filter(|line| !line.trim().is_empty() && !is_fence(line));
        let item = |line: &&str| match is_gap(line) {
            true => Item::Gap,
            false => Item::Line(Line::new(unticked(line))),
        };
        let mut items: Vec<Item> = wanted.map(item).take(MAX_LINES).collect();
        items.dedup_by(|a, b| *a == Item::Gap && *b == Item::Gap);
        // Dots at the ends say nothing.
        while items.last() == Some(&Item::Gap) {
            items.pop();
        }
        let start = items.iter().take_while(|item| **item == Item::Gap).count();
        Quote { items: items.split_off(start) }
    }

    fn lines(&self) -> impl Iterator<Item = &Line> {
        self.items.iter().filter_map(|item| match item {
            Item::Line(line) => Some(line),
            Item::Gap => None,
        })
    }

    /// Whether a secret was replaced in what is quoted.
    pub(super) fn is_redacted(&self) -> bool {
        self.lines().any(|line| line.bare.contains("<redacted:"))
    }

    /// All places at which the quoted lines stand one after the other, blank lines passed over.
    pub(super) fn spans(&self, lines: &[&Line], strictness: Strictness) -> Vec<Range<usize>> {
        let Some(first) = self.lines().next() else { return Vec::new() };
        let starts = (0..lines.len()).filter(|&at| lines[at].says(first, strictness));
        // Where the first line recurs without end, most places are as good as all.
        starts
            .take(MAX_STARTS)
            .filter_map(|start| Some(start..self.end(lines, start, strictness)?))
            .collect()
    }

    /// One past the last line of the quote that begins at `start`.
    fn end(&self, lines: &[&Line], start: usize, strictness: Strictness) -> Option<usize> {
        let mut at = start;
        let mut gap = false;
        for item in &self.items {
            let Item::Line(quoted) = item else {
                gap = true;
                continue;
            };
            while !lines.get(at)?.says(quoted, strictness) {
                let passed_over = gap || (at > start && lines[at].bare.is_empty());
                if !passed_over {
                    return None;
                }
                at += 1;
            }
            gap = false;
            at += 1;
        }
        Some(at)
    }
}

/// `<redacted:password:3>` as `<redacted:password>`: two packets number the same secret differently.
fn unnumbered(bare: &str) -> Cow<'_, str> {
    if !bare.contains("<redacted:") {
        return Cow::Borrowed(bare);
    }
    let mut parts = bare.split("<redacted:");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (placeholder, rest) = part.split_once('>').unwrap_or((part, ""));
        let kind = placeholder.split(':').next().unwrap_or_default();
        out.push_str(&format!("<redacted:{kind}>{rest}"));
    }
    Cow::Owned(out)
}

/// A line without the mark that the packet puts where it cuts long lines.
fn before_cut(bare: &str) -> Option<&str> {
    let (before, mark) = bare.rsplit_once('<')?;
    let digits = mark.strip_suffix("morebytes>")?;
    digits.chars().all(|c| c.is_ascii_digit()).then_some(before)
}

fn is_fence(line: &str) -> bool {
    line.trim_start().starts_with("```")
}

/// A line that stands for lines left out: dots, perhaps in a comment or in brackets.
fn is_gap(line: &str) -> bool {
    let dots = line.trim().trim_matches(|c: char| "#/*-[]() ".contains(c));
    dots == "..." || dots == "…"
}

/// A line without the backticks around the whole of it.
fn unticked(line: &str) -> &str {
    let inside = line.trim().strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    inside.filter(|inside| !inside.contains('`')).unwrap_or(line)
}

/// Takes something off every line, or off none.
fn strip_all<'a>(lines: &[&'a str], strip: fn(&'a str) -> Option<&'a str>) -> Vec<&'a str> {
    let told = |line: &&&str| !line.trim().is_empty() && !is_gap(line) && !is_fence(line);
    if lines.iter().filter(told).any(|line| strip(line).is_none()) {
        return Vec::new();
    }
    lines.iter().map(|line| strip(line).unwrap_or(line)).collect()
}

/// Takes `12 13 +|` off, as the packet shows it.
fn gutter(line: &str) -> Option<&str> {
    let (gutter, rest) = line.split_once('|')?;
    gutter.chars().all(|c| c.is_ascii_digit() || " +-".contains(c)).then_some(rest)
}

/// Takes the sign of a diff off.
fn sign(line: &str) -> Option<&str> {
    line.strip_prefix(['+', '-', ' '])
}

/// Takes `12: ` or `L12 ` off.
fn number(line: &str) -> Option<&str> {
    let rest = line.trim_start().trim_start_matches(['L', 'l']);
    let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    (digits > 0).then(|| rest[digits..].trim_start_matches([':', '.', ')'])).filter(|rest| {
        rest.len() < line.trim_start().len() && !rest.starts_with(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: [&str; 6] = [
        "def run(cmd):",
        "    check(cmd)",
        "",
        "    secret = \"<redacted:password:1>\"",
        "    os.system(cmd)  # \"quoted\"",
        "    return cmd",
    ];

    /// The first span of the first reading that is found, by the least strictness that finds it.
    #[track_caller]
    fn check(evidence: &str, expected: Option<(usize, usize)>) {
        let lines: Vec<Line> = TEXT.iter().map(|line| Line::new(line)).collect();
        let lines: Vec<&Line> = lines.iter().collect();
        let readings = Quote::readings(evidence);
        let found = readings.iter().find_map(|quote| {
            Strictness::ALL.iter().find_map(|s| quote.spans(&lines, *s).into_iter().next())
        });
        assert_eq!(found.map(|span| (span.start, span.end)), expected, "{evidence}");
    }

    #[test]
    fn what_carries_no_meaning_is_forgiven() {
        check("    os.system(cmd)  # \"quoted\"", Some((4, 5)));
        check("os.system( cmd )", Some((4, 5)));
        check("`os.system(cmd)`", Some((4, 5)));
        check("```python\n    os.system(cmd)\n```", Some((4, 5)));
        check("  5   5  |    os.system(cmd)", Some((4, 5)));
        check("+    os.system(cmd)", Some((4, 5)));
        check("5: os.system(cmd)\n6: return cmd", Some((4, 6)));
        check("os.system(cmd)  # \\\"quoted\\\"", Some((4, 5)));
        check("check(cmd)\\n    secret", None);
        check("def run(cmd):\n    check(cmd)\\n", Some((0, 2)));
    }

    #[test]
    fn lines_and_parts_of_lines_may_be_left_out() {
        check("def run(cmd):\n    ...\n    return cmd", Some((0, 6)));
        check("def run(cmd):\n    # ...\n    return cmd\n...", Some((0, 6)));
        check("os.system(cm...", Some((4, 5)));
        check("os.system(cmd <400 more bytes>", Some((4, 5)));
    }

    #[test]
    fn a_redacted_secret_matches_whatever_its_number() {
        check("secret = \"<redacted:password:7>\"", Some((3, 4)));
        check("secret = \"<redacted:token:1>\"", None);
    }

    #[test]
    fn one_letter_that_differs_is_not_forgiven() {
        check("os.system(cmdx)", None);
        check("def run(cmd):\n    os.system(cmd)", None);
        check("return", None);
        check("...", None);
        check("", None);
    }

    proptest::proptest! {
        #[test]
        fn no_evidence_makes_it_panic(evidence: String, line: String) {
            let line = Line::new(&line);
            for quote in Quote::readings(&evidence) {
                for strictness in Strictness::ALL {
                    let _ = quote.spans(&[&line], strictness);
                }
            }
        }

        /// A line that is quoted as it stands is found there.
        #[test]
        fn what_stands_there_is_found(text in "[a-z(]{1,12}[ -~]{0,20}") {
            proptest::prop_assume!(!text.trim().is_empty() && !is_gap(&text) && !is_fence(&text));
            let line = Line::new(&text);
            let readings = Quote::readings(&text);
            let found = readings.iter().any(|quote| !quote.spans(&[&line], Strictness::Verbatim).is_empty());
            proptest::prop_assert!(found);
        }
    }
}
