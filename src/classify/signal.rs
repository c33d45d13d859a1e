//! Runs the rules over the lines of a hunk.

use std::ops::Range;

use bstr::ByteSlice;

use super::Signal;
use crate::change::{File, Hunk, Text};
use crate::rules::{Candidates, Language, Languages, Prefilter, Rule, Side};
use crate::visible;

/// A rule that fires more often than this in one run of lines has made its point.
const MAX_PER_RUN: usize = 4;

/// Longest excerpt, in bytes of the source line.
const EXCERPT: usize = 160;

/// The rules for one file, ready to read its hunks.
pub(super) struct Reader<'a> {
    file: &'a File,
    language: Option<&'static Language>,
    prefilter: &'a Prefilter,
    rules: Vec<&'a Rule>,
    /// Rules that fired on the file's path.
    on_path: Vec<&'a Rule>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(file: &'a File, rules: Vec<&'a Rule>, prefilter: &'a Prefilter) -> Self {
        let candidates = prefilter.candidates(&file.path);
        let fires = |rule: &Rule| rule.regexes(&candidates).any(|regex| regex.is_match(&file.path));
        let of_path = rules.iter().copied().filter(|rule| rule.sides.contains(&Side::Path));
        let on_path = of_path.filter(|rule| fires(rule)).collect();
        let language = Languages::built_in().of(file.path.as_ref());
        Reader { file, language, prefilter, rules, on_path }
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
            found.push(signal(rule, Side::Path, first..first + 1, &self.file.path));
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
        for hit in regex.find_iter(run.text).take(MAX_PER_RUN) {
            let line = |offset: usize| run.lines.start + line_feeds(&run.text[..offset]);
            let (first, last) = (line(hit.start()), line(hit.end().max(hit.start() + 1) - 1));
            let Some(text) = run.side_text.line(first) else {
                continue;
            };
            let only_comment = self.language.is_some_and(|language| language.is_comment(text));
            if only_comment && !rule.reads_comments {
                continue;
            }
            found.push(signal(rule, run.side, first..last.max(first) + 1, text));
        }
    }

    /// The runs of consecutive lines of a hunk, side by side.
    fn runs(&self, hunk: &Hunk) -> Vec<Run<'a>> {
        let (old, new) = (&self.file.old, &self.file.new);
        let mut runs = Vec::new();
        let mut push = |side, side_text: &'a Text, lines: Range<u32>| {
            if !lines.is_empty()
                && let Some(text) = side_text.block(lines.clone())
            {
                let candidates = self.prefilter.candidates(text);
                runs.push(Run { side, side_text, lines, text, candidates });
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
    lines: Range<u32>,
    text: &'a [u8],
    /// The patterns that can match in it.
    candidates: Candidates,
}

fn line_feeds(text: &[u8]) -> u32 {
    u32::try_from(text.find_iter(b"\n").count()).unwrap_or(u32::MAX)
}

fn signal(rule: &Rule, side: Side, lines: Range<u32>, text: &[u8]) -> Signal {
    let text = text.trim();
    let cut = &text[..text.len().min(EXCERPT)];
    Signal {
        rule: rule.id.clone(),
        title: rule.title.clone(),
        category: rule.category.clone(),
        side,
        lines,
        excerpt: visible::line(cut),
        weight: rule.weight,
        severity: rule.severity,
        cwe: rule.cwe.clone(),
        explicit: rule.explicit && side != Side::Removed,
        moved: false,
    }
}
