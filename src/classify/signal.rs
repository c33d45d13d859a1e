//! Runs the rules over the lines of a hunk.

use std::ops::Range;

use bstr::ByteSlice;

use super::Signal;
use crate::change::{File, Hunk, Text};
use crate::redact::{KeyLines, Redactor};
use crate::rules::{Candidates, Language, Languages, Prefilter, Rule, Side};
use crate::visible;

/// A rule that fires more often than this in one run of lines has made its point.
const MAX_PER_RUN: usize = 4;

/// Longest excerpt, in characters.
const EXCERPT: usize = 160;

/// The rules for one file, ready to read its hunks.
pub(super) struct Reader<'a> {
    file: &'a File,
    language: Option<&'static Language>,
    prefilter: &'a Prefilter,
    rules: Vec<&'a Rule>,
    /// Rules that fired on the file's path.
    on_path: Vec<&'a Rule>,
    old_keys: KeyLines,
    new_keys: KeyLines,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a File, rules: Vec<&'a Rule>, prefilter: &'a Prefilter) -> Self {
        let candidates = prefilter.candidates(&file.path);
        let fires = |rule: &Rule| rule.regexes(&candidates).any(|regex| regex.is_match(&file.path));
        let of_path = rules.iter().copied().filter(|rule| rule.sides.contains(&Side::Path));
        let on_path = of_path.filter(|rule| fires(rule)).collect();
        let language = Languages::built_in().of(file.path.as_ref());
        let (old_keys, new_keys) = (KeyLines::of(&file.old), KeyLines::of(&file.new));
        Reader { file, language, prefilter, rules, on_path, old_keys, new_keys }
    }

    /// What fires in a hunk, in the order of the lines.
    pub(super) fn signals(&self, hunk: &Hunk) -> Vec<Signal> {
        let runs = self.runs(hunk);
        let mut found = Vec::new();
        for rule in &self.rules {
            for run in runs.iter().filter(|run| rule.sides.contains(&run.side)) {
                for regex in rule.regexes(&run.candidates) {
                    self.collect(rule, regex, run, &mut found);
                }
            }
        }
        let first = hunk.edits.first().map_or(hunk.new.start, |edit| edit.new.start.max(1));
        for rule in &self.on_path {
            found.push(signal(rule, Side::Path, first..first + 1, &self.file.path, false));
        }
        found.sort_by(|a, b| {
            (a.lines.start, a.side, &a.rule).cmp(&(b.lines.start, b.side, &b.rule))
        });
        found.dedup_by(|a, b| (a.lines.start, a.side, &a.rule) == (b.lines.start, b.side, &b.rule));
        found
    }

    fn collect(
        &self,
        rule: &Rule,
        regex: &regex::bytes::Regex,
        run: &Run<'a>,
        found: &mut Vec<Signal>,
    ) {
        let read = |hit: regex::bytes::Match<'_>| {
            // A pattern may begin with the bracket or the line feed before the word that it is about.
            let word = hit.as_bytes().iter().position(u8::is_ascii_alphanumeric).unwrap_or(0);
            let at = |offset: usize| run.side_text.line_at(run.offset + offset);
            let (first, last) = (at(hit.start() + word), at(hit.end().max(hit.start() + 1) - 1));
            let text = run.side_text.line(first)?;
            let only_comment = self.language.is_some_and(|language| language.is_comment(text));
            (rule.reads_comments || !only_comment).then_some((first..last.max(first) + 1, text))
        };
        for (lines, text) in regex.find_iter(run.text).filter_map(read).take(MAX_PER_RUN) {
            let keys = if run.side == Side::Removed { &self.old_keys } else { &self.new_keys };
            let inside = keys.contains(lines.start);
            found.push(signal(rule, run.side, lines, text, inside));
        }
    }

    /// The runs of consecutive lines of a hunk, side by side.
    fn runs(&self, hunk: &Hunk) -> Vec<Run<'a>> {
        let (old, new) = (&self.file.old, &self.file.new);
        let mut runs = Vec::new();
        let mut push = |side, side_text: &'a Text, lines: Range<u32>| {
            if !lines.is_empty()
                && let Some(text) = side_text.block(lines.clone())
                && let Some(offset) = side_text.offset(lines.start)
            {
                let candidates = self.prefilter.candidates(text);
                runs.push(Run { side, side_text, offset, text, candidates });
            }
        };
        let mut at = hunk.new.start;
        for edit in &hunk.edits {
            push(Side::Context, new, at..edit.new.start);
            push(Side::Removed, old, edit.old.clone());
            push(Side::Added, new, edit.new.clone());
            at = edit.new.end;
        }
        push(Side::Context, new, at..hunk.new.end);
        runs
    }
}

/// Consecutive lines of one side.
struct Run<'a> {
    side: Side,
    side_text: &'a Text,
    /// Where the lines begin in the side's bytes.
    offset: usize,
    text: &'a [u8],
    /// The patterns that can match in it.
    candidates: Candidates,
}

fn signal(rule: &Rule, side: Side, lines: Range<u32>, text: &[u8], inside: bool) -> Signal {
    let text = text.trim();
    // Redacted before it is cut: half a secret has no shape. What is cut off first is never shown.
    let text = visible::line(&text[..text.len().min(16 * EXCERPT)]);
    let redacted = Redactor::default().line(text.as_str(), inside);
    let excerpt: String = redacted.chars().take(EXCERPT).collect();
    Signal {
        rule: rule.id.clone(),
        title: rule.title.clone(),
        category: rule.category.clone(),
        side,
        lines,
        excerpt: visible::line(excerpt),
        weight: rule.weight,
        severity: rule.severity,
        cwe: rule.cwe.clone(),
        explicit: rule.explicit && side != Side::Removed,
        moved: false,
    }
}
