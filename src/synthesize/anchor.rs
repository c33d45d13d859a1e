//! Places a claim by the code that it quotes, not by the line numbers that it gives.

use std::collections::HashMap;
use std::ops::Range;

use super::answer::Claim;
use crate::change::{Change, File, HunkId, LineKind};
use crate::pack::{PackedHunk, PackedLine, Packet};
use crate::visible::{self, Visible};

/// Where a claim's evidence stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Anchor {
    /// In a hunk that was sent.
    Sent(Place),
    /// In a file of the change, at lines that were not sent.
    Unsent(Place),
    /// Nowhere; this is why.
    Nowhere(&'static str),
}

/// A place in a file of the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) path: Visible,
    pub(super) hunk: Option<HunkId>,
    /// Half open and 1-based, of the old side for [`Stand::Removed`].
    pub(super) lines: Range<u32>,
    pub(super) stand: Stand,
    /// Whether the claim named this file and one of these lines.
    pub(super) as_claimed: bool,
}

/// On what kind of lines the evidence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stand {
    /// At least one line is added.
    Added,
    /// At least one line is removed, and none is added.
    Removed,
    /// The lines were there before.
    Unchanged,
}

/// More places than this at which a quote could begin are not tried.
const MAX_STARTS: usize = 2_000;

/// A longer quote than this, in lines, is compared by its beginning.
const MAX_QUOTE: usize = 60;

const TOO_MUCH: &str = "the answer claims more than can be searched for";

/// Shorter evidence than this, in characters without blanks, is found by whole lines only.
const SHORT: usize = 8;

/// How many lines all claims together may be compared with: an answer is hostile too.
const EFFORT: usize = 20_000_000;

/// Places the claims of one answer. What is searched is folded once and kept.
pub(super) struct Anchorer<'a> {
    packet: &'a Packet,
    change: &'a Change,
    /// The lines of each hunk of the packet, folded, in its order.
    hunks: Vec<Vec<String>>,
    /// The lines of files that were searched, folded, by index and side.
    files: HashMap<(usize, bool), Vec<String>>,
    effort: usize,
}

impl<'a> Anchorer<'a> {
    pub(super) fn new(packet: &'a Packet, change: &'a Change) -> Self {
        let folded = |hunk: &PackedHunk| hunk.lines.iter().map(|line| normal(&line.text)).collect();
        let hunks = packet.hunks.iter().map(folded).collect();
        Anchorer { packet, change, hunks, files: HashMap::new(), effort: EFFORT }
    }

    /// Looks for the evidence in the claimed hunk, then in the claimed file, then in the packet, at
    /// last in the whole files of the change.
    pub(super) fn anchor(&mut self, claim: &Claim) -> Anchor {
        let wanted: Vec<String> = claim
            .evidence
            .lines()
            .map(normal)
            .filter(|line| !line.is_empty())
            .take(MAX_QUOTE)
            .collect();
        if wanted.is_empty() {
            return Anchor::Nowhere("it quotes no code");
        }
        let rank =
            |hunk: &PackedHunk| (hunk.label != claim.label, hunk.path.as_str() != claim.file);
        let mut order: Vec<usize> = (0..self.packet.hunks.len()).collect();
        order.sort_by_key(|&at| rank(&self.packet.hunks[at]));
        for exact in [true, false] {
            for &at in &order {
                if !self.afford(self.hunks[at].len()) {
                    return Anchor::Nowhere(TOO_MUCH);
                }
                let (hunk, folded) = (&self.packet.hunks[at], &self.hunks[at]);
                if let Some(place) = in_hunk(hunk, folded, &wanted, claim, exact) {
                    return Anchor::Sent(place);
                }
            }
        }
        self.in_files(&wanted, claim)
    }

    fn in_files(&mut self, wanted: &[String], claim: &Claim) -> Anchor {
        let change = self.change;
        let named = |file: &File| visible::line(&file.path).as_str() == claim.file;
        let known = change.files.iter().any(&named);
        let mut order: Vec<usize> = (0..change.files.len()).collect();
        order.sort_by_key(|&at| !named(&change.files[at]));
        for at in order {
            let file = &change.files[at];
            for (text, stand) in [(&file.new, Stand::Unchanged), (&file.old, Stand::Removed)] {
                let numbers: Vec<u32> = text.numbers().collect();
                if !self.afford(numbers.len()) {
                    return Anchor::Nowhere(TOO_MUCH);
                }
                let key = (at, stand == Stand::Removed);
                let folded = self.files.entry(key).or_insert_with(|| {
                    let lines = numbers.iter().map(|&n| text.line(n).unwrap_or_default());
                    lines.map(normal_bytes).collect()
                });
                if let Some(lines) = nearest(folded, &numbers, wanted, claim.start_line) {
                    let path = visible::line(&file.path);
                    let as_claimed = named(file) && overlaps(&lines, claim);
                    return Anchor::Unsent(Place { path, hunk: None, lines, stand, as_claimed });
                }
            }
        }
        Anchor::Nowhere(if known {
            "the quoted code stands nowhere in that file, before or after the change"
        } else if claim.file.is_empty() {
            "the quoted code stands nowhere in the change"
        } else {
            "that file is not part of the change, and the quoted code stands nowhere in it"
        })
    }

    /// Takes lines from the effort that is left.
    fn afford(&mut self, lines: usize) -> bool {
        self.effort = self.effort.saturating_sub(lines + 1);
        self.effort > 0
    }
}

/// The match nearest to the claimed line, on the new side or on the old.
fn in_hunk(
    hunk: &PackedHunk,
    folded: &[String],
    wanted: &[String],
    claim: &Claim,
    exact: bool,
) -> Option<Place> {
    let mut best: Option<(u32, Place)> = None;
    for old_side in [false, true] {
        let gone = if old_side { LineKind::Added } else { LineKind::Removed };
        let side = hunk.lines.iter().zip(folded).filter(|(line, _)| line.kind != gone);
        let (lines, texts): (Vec<&PackedLine>, Vec<&str>) =
            side.map(|(line, text)| (line, text.as_str())).unzip();
        for span in spans(&texts, wanted, exact) {
            let found = &lines[span];
            let stand = stand(found);
            let number = |line: &PackedLine| {
                if stand == Stand::Removed { line.old } else { line.new.or(line.old) }
            };
            let numbers = found.iter().filter_map(|line| number(line));
            let (Some(first), Some(last)) = (numbers.clone().min(), numbers.max()) else {
                continue;
            };
            let range = first..last + 1;
            let distance = first.abs_diff(claim.start_line);
            // Of two matches the one on changed lines counts, then the nearer one.
            let better = best.as_ref().is_none_or(|(other, place)| {
                (stand == Stand::Unchanged, distance) < (place.stand == Stand::Unchanged, *other)
            });
            if better {
                let as_claimed = hunk.path.as_str() == claim.file && overlaps(&range, claim);
                let (path, hunk) = (hunk.path.clone(), Some(hunk.id));
                best = Some((distance, Place { path, hunk, lines: range, stand, as_claimed }));
            }
        }
    }
    best.map(|(_, place)| place)
}

fn stand(lines: &[&PackedLine]) -> Stand {
    if lines.iter().any(|line| line.kind == LineKind::Added) {
        Stand::Added
    } else if lines.iter().any(|line| line.kind == LineKind::Removed) {
        Stand::Removed
    } else {
        Stand::Unchanged
    }
}

/// The match nearest to a line, among the folded lines of a file.
fn nearest(folded: &[String], numbers: &[u32], wanted: &[String], near: u32) -> Option<Range<u32>> {
    let texts: Vec<&str> = folded.iter().map(String::as_str).collect();
    let found = spans(&texts, wanted, true).into_iter().chain(spans(&texts, wanted, false));
    let ranges = found.map(|span| numbers[span.start]..numbers[span.end - 1] + 1);
    ranges.min_by_key(|range| range.start.abs_diff(near))
}

/// All places at which the wanted lines stand one after the other, blank lines passed over.
fn spans(texts: &[&str], wanted: &[String], exact: bool) -> Vec<Range<usize>> {
    let fits = |text: &str, wanted: &str| {
        if exact || wanted.chars().filter(|c| !c.is_whitespace()).count() < SHORT {
            text == wanted
        } else {
            text.contains(wanted)
        }
    };
    let mut found = Vec::new();
    // Where the first line recurs without end, most places are as good as all.
    let starts =
        (0..texts.len()).filter(|&at| wanted.first().is_some_and(|line| fits(texts[at], line)));
    for start in starts.take(MAX_STARTS) {
        let mut rest = wanted.iter();
        let mut want = rest.next();
        for (at, text) in texts.iter().enumerate().skip(start) {
            match want {
                Some(line) if fits(text, line) => want = rest.next(),
                Some(_) if at > start && text.is_empty() => continue,
                _ => break,
            }
            if want.is_none() {
                found.push(start..at + 1);
                break;
            }
        }
    }
    found
}

fn overlaps(lines: &Range<u32>, claim: &Claim) -> bool {
    claim.start_line < lines.end && lines.start <= claim.end_line
}

/// A line without the gutter or sign that a model may have quoted along, blanks folded.
fn normal(line: &str) -> String {
    let line = without_gutter(line);
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn normal_bytes(line: &[u8]) -> String {
    normal(visible::line(line).as_str())
}

/// Takes `12 13 +|` off, as the packet shows it.
fn without_gutter(line: &str) -> &str {
    match line.split_once('|') {
        Some((gutter, rest)) => {
            let mut parts = gutter.trim().chars().filter(|c| !c.is_whitespace());
            let is_gutter = !gutter.trim().is_empty()
                && parts.all(|c| c.is_ascii_digit() || matches!(c, '+' | '-'));
            if is_gutter { rest } else { line }
        }
        None => line.strip_prefix("+ ").or_else(|| line.strip_prefix("- ")).unwrap_or(line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Status;

    fn hunk(path: &str, lines: &[(&str, &str)]) -> PackedHunk {
        let (mut old, mut new) = (10, 10);
        let lines = lines.iter().map(|(sign, text)| {
            let kind = match *sign {
                "+" => LineKind::Added,
                "-" => LineKind::Removed,
                _ => LineKind::Context,
            };
            let line = PackedLine {
                kind,
                old: (kind != LineKind::Added).then_some(old),
                new: (kind != LineKind::Removed).then_some(new),
                text: (*text).to_owned(),
            };
            old += u32::from(kind != LineKind::Added);
            new += u32::from(kind != LineKind::Removed);
            line
        });
        PackedHunk {
            id: HunkId(1),
            label: "H1-aaaa".into(),
            path: visible::line(path),
            old_path: None,
            status: Status::Modified,
            function: None,
            header: String::new(),
            lines: lines.collect(),
        }
    }

    /// Evidence in a hunk of `a.py` whose line 11 is removed and whose lines 11 and 12 are added.
    #[track_caller]
    fn check(file: &str, start: u32, evidence: &str, expected: Option<&(Stand, Range<u32>, bool)>) {
        let packet = Packet {
            hunks: vec![hunk(
                "a.py",
                &[
                    (" ", "def run(cmd):"),
                    ("-", "    check(cmd)"),
                    ("+", "    log(cmd)"),
                    ("+", "    os.system(cmd)"),
                    (" ", "    return cmd"),
                ],
            )],
            ..Packet::default()
        };
        let claim = Claim {
            label: "H1-aaaa".into(),
            file: file.into(),
            start_line: start,
            end_line: start,
            category: "shell".into(),
            severity: None,
            confidence: 0.5,
            title: String::new(),
            evidence: evidence.into(),
            explanation: String::new(),
            recommendation: String::new(),
        };
        let change = Change::default();
        let found = match Anchorer::new(&packet, &change).anchor(&claim) {
            Anchor::Sent(place) => Some((place.stand, place.lines, place.as_claimed)),
            Anchor::Unsent(_) | Anchor::Nowhere(_) => None,
        };
        assert_eq!(found.as_ref(), expected);
    }

    #[test]
    fn evidence_on_added_lines_is_found_where_it_is_claimed() {
        check("a.py", 12, "os.system(cmd)", Some(&(Stand::Added, 12..13, true)));
        check("a.py", 12, "    os.system(cmd)", Some(&(Stand::Added, 12..13, true)));
    }

    #[test]
    fn evidence_at_other_lines_or_in_another_file_is_found_and_says_so() {
        check("a.py", 40, "os.system(cmd)", Some(&(Stand::Added, 12..13, false)));
        check("b.py", 12, "os.system(cmd)", Some(&(Stand::Added, 12..13, false)));
    }

    #[test]
    fn a_removed_check_is_found_on_the_old_side() {
        check("a.py", 11, "check(cmd)", Some(&(Stand::Removed, 11..12, true)));
    }

    #[test]
    fn several_lines_quoted_with_their_gutter_are_found() {
        check(
            "a.py",
            11,
            "   11 +|    log(cmd)\n   12 +|    os.system(cmd)",
            Some(&(Stand::Added, 11..13, true)),
        );
        check("a.py", 11, "+ log(cmd)\n+ os.system(cmd)", Some(&(Stand::Added, 11..13, true)));
    }

    #[test]
    fn context_was_there_before() {
        check("a.py", 10, "def run(cmd):", Some(&(Stand::Unchanged, 10..11, true)));
    }

    #[test]
    fn invented_code_is_found_nowhere() {
        check("a.py", 12, "eval(cmd)", None);
        check("a.py", 12, "", None);
    }
}
