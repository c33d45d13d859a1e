//! Runs the rules over the lines of a file's hunks.

use std::cell::{LazyCell, OnceCell};
use std::hash::BuildHasher;
use std::ops::Range;
use std::sync::Arc;

use regex_automata::{Anchored, Input};

use super::moved::{self, Bare, SEED, Told};
use super::quiet::Quiet;
use super::readers::Readers;
use super::telling::excerpt;
use super::{Found, Signal};
use crate::change::{File, Hunk, Text, without_feed};
use crate::redact::{self, KeyLines};
use crate::rules::{Hit, Prefilter, Rule, Rules, Side, Verdict};
use crate::visible;

/// A rule that fires more often than this in one run of lines has made its point.
const MAX_PER_RUN: usize = 4;

/// A pattern is tried so often where its literal stands before the rest of the text is searched at once, so that
/// many literals in a long line cost no more than the line.
const ANCHORED: u8 = 4;

/// The same of a pattern that may reach over several lines.
const ANCHORED_IN_STRETCH: usize = 16;

/// Nothing is left to be tried.
const DONE: u8 = ANCHORED + 1;

/// What a token weighs that plainly stands for one.
const IDLE: f64 = 0.1;

/// Longest excerpt, in characters.
const EXCERPT: usize = 160;

/// What a thread keeps from one file to the next.
#[derive(Debug, Default)]
pub struct Scratch {
    /// For each pattern the line on which it was tried last (the run's number and the line's offset), and how
    /// often.
    tried: Vec<(u64, usize, u8)>,
    run: u64,
    quiet: Quiet,
}

/// Reads the hunks of a file with the rules that fit it.
pub(super) fn read(
    file: &File,
    readers: &Readers<'_>,
    rules: &Rules,
    scratch: &mut Scratch,
) -> Found {
    let reader = Reader::new(file, readers, rules);
    let mut found = Found { lines: Told::with_room(file), ..Found::default() };
    for (at, hunk) in file.hunks.iter().enumerate() {
        let signals = reader.signals(hunk, scratch, &mut found.lines);
        if !signals.is_empty() {
            found.signals.resize_with(file.hunks.len(), Vec::new);
            found.signals[at] = signals;
        }
    }
    found
}

/// The rules for one file.
struct Reader<'a, 'r> {
    file: &'a File,
    rules: &'a Rules,
    readers: &'a Readers<'r>,
    lines: moved::Lines,
    /// Rules that fired on the file's path.
    on_path: OnceCell<Vec<&'a Arc<Rule>>>,
    old_keys: OnceCell<KeyLines>,
    new_keys: OnceCell<KeyLines>,
}

/// Consecutive lines of one side.
struct Run<'a> {
    side: Side,
    text: &'a Text,
    numbers: Range<u32>,
    /// Where the lines begin in the side's bytes.
    offset: usize,
    lines: &'a [u8],
}

impl<'a, 'r> Reader<'a, 'r> {
    fn new(file: &'a File, readers: &'a Readers<'r>, rules: &'a Rules) -> Self {
        let (old_keys, new_keys) = (OnceCell::new(), OnceCell::new());
        let lines = moved::Lines::of(file);
        Reader { file, rules, readers, lines, on_path: OnceCell::new(), old_keys, new_keys }
    }

    /// The rules that fire on the file's path.
    fn on_path(&self) -> &[&'a Arc<Rule>] {
        self.on_path.get_or_init(|| {
            let mut fired: Vec<&'a Arc<Rule>> = Vec::new();
            let path = self.readers.of(Side::Path);
            let mut try_pattern = |pattern: u32| {
                let rule = self.rules.owner(pattern);
                let known = fired.iter().any(|other| Arc::ptr_eq(other, rule));
                if !known && is_match(rule, pattern, &self.file.path, 0, Anchored::No, path) {
                    fired.push(rule);
                }
            };
            path.hits(&self.file.path, 0..self.file.path.len(), |hit| try_pattern(hit.pattern));
            path.always().iter().for_each(|&pattern| try_pattern(pattern));
            fired
        })
    }

    /// What fires in a hunk, in the order of the lines.
    fn signals(&self, hunk: &Hunk, scratch: &mut Scratch, told: &mut Told) -> Vec<Signal> {
        let mut found = Vec::new();
        for run in self.runs(hunk) {
            self.read(&run, scratch, told, &mut found);
        }
        if found.is_empty() {
            return found;
        }
        let first = hunk.edits.first().map_or(hunk.new.start, |edit| edit.new.start.max(1));
        let on_path = self.on_path().iter();
        found.extend(on_path.map(|rule| self.signal(rule, Side::Path, first..first + 1)));
        let key = |signal: &Signal| (signal.lines.start, signal.side, signal.rule.id.clone());
        found.sort_by_cached_key(key);
        found.dedup_by(|a, b| key(a) == key(b));
        found
    }

    /// What fires in a run; takes its lines down if they are changed ones.
    fn read(&self, run: &Run<'a>, scratch: &mut Scratch, told: &mut Told, found: &mut Vec<Signal>) {
        let prefilter = self.readers.of(run.side);
        let patterns = SEED.hash_one((self.readers.number, run.side));
        let mut told = told.of(run.side);
        scratch.run += 1;
        let mut fired: Vec<(u32, Range<usize>)> = Vec::new();
        let mut of_stretches: Vec<Hit> = Vec::new();
        let mut start = 0;
        for line in run.text.lines(run.numbers.clone()) {
            let bare = Bare::of(line);
            let key = Quiet::key(patterns, &bare);
            if !scratch.quiet.holds(key) {
                let before = fired.len() + of_stretches.len();
                let part = start..start + line.len();
                self.read_line(run, part, prefilter, scratch, &mut fired, &mut of_stretches);
                if fired.len() + of_stretches.len() == before {
                    scratch.quiet.add(key);
                }
            }
            if let (Some(told), Some(said)) = (&mut told, self.lines.of_bare(&bare)) {
                told.push(said);
            }
            start += line.len();
        }
        of_stretches.sort_unstable_by_key(|hit| (hit.pattern, hit.at));
        for same in of_stretches.chunk_by(|a, b| a.pattern == b.pattern) {
            self.try_stretch(same, run.lines, prefilter, &mut fired);
        }
        // In the order of the lines, so that what is left out is what comes last.
        fired.sort_by_key(|(pattern, part)| (part.start, *pattern));
        fired.dedup();
        let mut times: Vec<((u32, bool), usize)> = Vec::new();
        for (pattern, part) in fired {
            let lines = run.numbers(&part);
            let rule = self.rules.owner(pattern);
            let line = || visible::line(run.text.line(lines.start).unwrap_or_default());
            let idle = rule.tokens && redact::holds_placeholders_only(line().as_str());
            // Counted apart, so that tokens that are none hide none that is one.
            if !full(&mut times, (pattern, idle)) {
                let told = lines.clone().map(|at| self.lines.line(run.text.line(at)?)).collect();
                let signal = Signal { told, ..self.signal(rule, run.side, lines) };
                found.push(if idle {
                    Signal { explicit: false, weight: IDLE, ..signal }
                } else {
                    signal
                });
            }
        }
    }

    /// Adds what fires in a line, and where literals stand of patterns that may reach over several lines.
    fn read_line(
        &self,
        run: &Run<'_>,
        line: Range<usize>,
        prefilter: &Prefilter<'_>,
        scratch: &mut Scratch,
        fired: &mut Vec<(u32, Range<usize>)>,
        of_stretches: &mut Vec<Hit>,
    ) {
        let text = without_feed(&run.lines[line.clone()]);
        let mut try_at = |hit: Hit| {
            let rule = self.rules.owner(hit.pattern);
            if rule.multiline {
                of_stretches.push(Hit { at: line.start + hit.at, ..hit });
                return;
            }
            let tried = scratch.tried(hit.pattern, line.start);
            let how = match *tried {
                tries if hit.leads && tries < ANCHORED => Anchored::Yes,
                tries if tries <= ANCHORED => Anchored::No,
                _ => return,
            };
            *tried = if how == Anchored::No { DONE } else { *tried + 1 };
            let start = if how == Anchored::No { 0 } else { hit.at };
            let matches = is_match(rule, hit.pattern, text, start, how, prefilter);
            if matches && !self.is_comment(rule, text) {
                *tried = DONE;
                fired.push((hit.pattern, line.start..line.start + text.len()));
            }
        };
        prefilter.hits(run.lines, line.clone(), &mut try_at);
        let always = prefilter.always().iter();
        always.for_each(|&pattern| try_at(Hit { pattern, at: 0, leads: false }));
    }

    /// Adds what a pattern matches that may reach over several lines, given the places of its literals.
    fn try_stretch(
        &self,
        places: &[Hit],
        text: &[u8],
        prefilter: &Prefilter<'_>,
        fired: &mut Vec<(u32, Range<usize>)>,
    ) {
        let Hit { pattern, leads, .. } = places[0];
        let rule = self.rules.owner(pattern);
        let may_match = LazyCell::new(|| prefilter.may_match(pattern, text));
        let find = |at: usize, anchored: Anchored| {
            if rule.look(pattern, text, at, anchored) == Verdict::No || !*may_match {
                return None;
            }
            rule.regex(pattern)?.search(&Input::new(text).range(at..).anchored(anchored))
        };
        let mut hit = |found: Range<usize>| {
            // A pattern may begin with the bracket or the line feed before the word that it is about.
            let word = text[found.clone()].iter().position(u8::is_ascii_alphanumeric).unwrap_or(0);
            let start = found.start + word;
            if !self.is_comment(rule, &text[line_around(text, start)]) {
                fired.push((pattern, start..found.end.max(start + 1)));
            }
        };
        let mut from = 0;
        // As with a line, but for the number: what a match begins with stands in many a stretch.
        if leads && places.len() <= ANCHORED_IN_STRETCH {
            for &Hit { at, .. } in places {
                if at >= from
                    && let Some(found) = find(at, Anchored::Yes)
                {
                    from = found.end().max(at + 1);
                    hit(found.range());
                }
            }
            return;
        }
        from = if leads { places[0].at } else { 0 };
        while from <= text.len()
            && let Some(found) = find(from, Anchored::No)
        {
            from = found.end().max(found.start() + 1);
            hit(found.range());
        }
    }

    fn is_comment(&self, rule: &Rule, line: &[u8]) -> bool {
        !rule.reads_comments && self.file.language.is_some_and(|language| language.is_comment(line))
    }

    /// The runs of consecutive lines of a hunk, side by side.
    fn runs(&self, hunk: &Hunk) -> Vec<Run<'a>> {
        let (old, new) = (&self.file.old, &self.file.new);
        let mut runs = Vec::new();
        let mut push = |side, text: &'a Text, lines: Range<u32>| {
            let unread = side == Side::Context && self.readers.of(Side::Context).is_empty();
            if !lines.is_empty()
                && !unread
                && let Some(block) = text.block(lines.clone())
                && let Some(offset) = text.offset(lines.start)
            {
                runs.push(Run { side, text, numbers: lines, offset, lines: block });
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

    fn signal(&self, rule: &Arc<Rule>, side: Side, lines: Range<u32>) -> Signal {
        let of = |text: &'a Text, keys: &OnceCell<KeyLines>| {
            let inside = keys.get_or_init(|| KeyLines::of(text)).contains(lines.start);
            (text.line(lines.start).unwrap_or_default(), inside)
        };
        let (text, inside) = match side {
            Side::Path => (self.file.path.as_slice(), false),
            Side::Removed => of(&self.file.old, &self.old_keys),
            Side::Added | Side::Context => of(&self.file.new, &self.new_keys),
        };
        Signal {
            rule: Arc::clone(rule),
            side,
            lines,
            excerpt: excerpt(text, inside, EXCERPT),
            weight: rule.weight,
            explicit: rule.explicit && side != Side::Removed,
            moved: false,
            told: Vec::new(),
        }
    }
}

impl Run<'_> {
    /// The numbers of the lines of a part.
    fn numbers(&self, part: &Range<usize>) -> Range<u32> {
        let at = |offset: usize| self.text.line_at(self.offset + offset);
        let (first, last) = (at(part.start), at(part.end.max(part.start + 1) - 1));
        first..last.max(first) + 1
    }
}

impl Scratch {
    /// How often a pattern has been tried on the line at this offset of the run.
    fn tried(&mut self, pattern: u32, line: usize) -> &mut u8 {
        let at = pattern as usize;
        if self.tried.len() <= at {
            self.tried.resize(at + 1, (0, 0, 0));
        }
        let (run, other, tries) = &mut self.tried[at];
        if (*run, *other) != (self.run, line) {
            (*run, *other, *tries) = (self.run, line, 0);
        }
        tries
    }
}

/// Whether a pattern matches from a byte of a text on, or there. Its further texts are looked for before it is
/// compiled.
fn is_match(
    rule: &Rule,
    pattern: u32,
    text: &[u8],
    at: usize,
    anchored: Anchored,
    prefilter: &Prefilter<'_>,
) -> bool {
    match rule.look(pattern, text, at, anchored) {
        Verdict::No => false,
        Verdict::Yes => true,
        Verdict::Perhaps => {
            let input = Input::new(text).range(at..).anchored(anchored).earliest(true);
            let regex = || rule.regex(pattern);
            prefilter.may_match(pattern, text) && regex().is_some_and(|regex| regex.is_match(input))
        }
    }
}

/// Counts a kind of match; whether it has been counted often enough before.
fn full(times: &mut Vec<((u32, bool), usize)>, kind: (u32, bool)) -> bool {
    match times.iter_mut().find(|(counted, _)| *counted == kind) {
        Some((_, count)) => {
            *count += 1;
            *count > MAX_PER_RUN
        }
        None => {
            times.push((kind, 1));
            false
        }
    }
}

/// The line at an offset, without its line feed.
fn line_around(text: &[u8], at: usize) -> Range<usize> {
    let start = memchr::memrchr(b'\n', &text[..at]).map_or(0, |before| before + 1);
    let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |after| at + after);
    start..end
}
