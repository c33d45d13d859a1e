//! Places a claim by the code that it quotes, not by the line numbers that it gives.
//!
//! The search widens: the hunk that the claim names, the file, all that was sent, at last both texts of each
//! file of the change. Where a quote stands more than once and the claim fits none of the places, the nearest
//! one counts only if it is alone in being nearest; else that is said, and nothing is guessed.

mod place;

use std::collections::HashMap;
use std::ops::Range;

use super::answer::Claim;
use super::quote::{Line, Quote, Strictness};
use crate::change::{Change, File, Hunk, HunkId, LineKind};
use crate::pack::{PackedHunk, PackedLine, Packet};
use crate::redact::Redactor;
use crate::visible;

pub(super) use place::{Place, Stand};

/// Where a claim's evidence stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Anchor {
    /// At one place.
    At(Place),
    /// At several, and the claim does not tell which.
    Ambiguous(Vec<Place>),
    /// Nowhere; this is why.
    Nowhere(&'static str),
}

/// How many lines all claims together may be compared with: an answer is hostile too.
const EFFORT: usize = 20_000_000;

const TOO_MUCH: &str = "the answer claims more than can be searched for";

/// Places the claims of one answer. What is searched is made ready once and kept.
pub(super) struct Anchorer<'a> {
    change: &'a Change,
    /// What was sent, pieces of context too, each with its lines.
    sent: Vec<(PackedHunk, Vec<Line>)>,
    /// The lines of files that were searched, by index, side, and whether secrets are replaced.
    files: HashMap<(usize, bool, bool), Vec<Line>>,
    effort: usize,
}

impl<'a> Anchorer<'a> {
    pub(super) fn new(packet: &'a Packet, change: &'a Change) -> Self {
        let pieces = packet.context.iter().map(|piece| piece.packed(HunkId::default()));
        let sent = packet.hunks.iter().cloned().chain(pieces);
        let sent = sent.map(|hunk| {
            let lines = hunk.lines.iter().map(|line| Line::new(&line.text)).collect();
            (hunk, lines)
        });
        Anchorer { change, sent: sent.collect(), files: HashMap::new(), effort: EFFORT }
    }

    /// Looks for the evidence, in a wider and wider scope.
    pub(super) fn anchor(&mut self, claim: &Claim) -> Anchor {
        let readings = Quote::readings(visible::text(&claim.evidence).as_str());
        if readings.is_empty() {
            return Anchor::Nowhere("it quotes no code");
        }
        self.in_packet(&readings, claim)
            .or_else(|| self.in_files(&readings, claim))
            .unwrap_or_else(|| Anchor::Nowhere(self.why_nowhere(claim)))
    }

    /// In the claimed hunk, then in the hunks of the claimed file, then in all that were sent.
    fn in_packet(&mut self, readings: &[Quote], claim: &Claim) -> Option<Anchor> {
        let scope = |hunk: &PackedHunk| match () {
            () if hunk.label == claim.label => 0,
            () if place::names(claim, [Some(&hunk.path), hunk.old_path.as_ref()]) => 1,
            () => 2,
        };
        (0..3).find_map(|wanted| {
            let all = 0..self.sent.len();
            let scope: Vec<usize> = all.filter(|&at| scope(&self.sent[at].0) == wanted).collect();
            let find = |at: usize, quote: &Quote, strictness| {
                let (hunk, lines) = &self.sent[at];
                self.effort = self.effort.checked_sub(lines.len())?;
                let places = in_hunk(hunk, lines, quote, strictness, claim).into_iter();
                Some(places.map(|place| within(self.change, hunk, place)).collect())
            };
            // Line numbers mean something in the file that is named.
            search(&scope, readings, claim, wanted < 2, find)
        })
    }

    /// In both texts of the claimed file, then of all files of the change.
    fn in_files(&mut self, readings: &[Quote], claim: &Claim) -> Option<Anchor> {
        [true, false].into_iter().find_map(|wanted| {
            let all = 0..self.change.files.len();
            let scope: Vec<usize> =
                all.filter(|&at| named(&self.change.files[at], claim) == wanted).collect();
            let find = |at: usize, quote: &Quote, strictness| {
                let mut places = self.in_text(at, false, quote, strictness, claim)?;
                places.extend(self.in_text(at, true, quote, strictness, claim)?);
                Some(places)
            };
            search(&scope, readings, claim, wanted, find)
        })
    }

    /// In one text of a file; `None` when there is no effort left. On the old side only lines that are gone
    /// count: the others stand on the new side too.
    fn in_text(
        &mut self,
        at: usize,
        old_side: bool,
        quote: &Quote,
        strictness: Strictness,
        claim: &Claim,
    ) -> Option<Vec<Place>> {
        let file = &self.change.files[at];
        let text = if old_side { &file.old } else { &file.new };
        let numbers: Vec<u32> = text.numbers().collect();
        self.effort = self.effort.checked_sub(numbers.len())?;
        let redacted = quote.is_redacted();
        let lines = self.files.entry((at, old_side, redacted)).or_insert_with(|| {
            let mut redactor = Redactor::default();
            let line = |number: &u32| {
                let line = visible::line(text.line(*number).unwrap_or_default());
                Line::new(&match redacted {
                    true => redactor.line(line.as_str(), false),
                    false => line.into_string(),
                })
            };
            numbers.iter().map(line).collect()
        });
        let lines: Vec<&Line> = lines.iter().collect();
        let spans = quote.spans(&lines, strictness).into_iter();
        let places = spans.filter_map(|span| {
            let lines = numbers[span.start]..numbers[span.end - 1] + 1;
            let touched = touching(file, &lines, old_side);
            let stand = match (touched, old_side) {
                (Some(_), false) => Stand::Added,
                (Some(_), true) => Stand::Removed,
                (None, false) => Stand::Unchanged,
                (None, true) => return None,
            };
            let as_claimed = named(file, claim) && place::overlaps(&lines, claim);
            let hunk = touched.map(|hunk| hunk.id);
            let path = visible::line(&file.path);
            Some(Place { path, hunk, lines, stand, as_claimed, sent: false })
        });
        Some(places.collect())
    }

    fn why_nowhere(&self, claim: &Claim) -> &'static str {
        let file = self.change.files.iter().find(|file| named(file, claim));
        let names =
            |hunk: &PackedHunk| place::names(claim, [Some(&hunk.path), hunk.old_path.as_ref()]);
        match file {
            _ if claim.file.is_empty() => "the quoted code stands nowhere in the change",
            None if self.sent.iter().any(|(hunk, _)| names(hunk)) => {
                "the quoted code stands nowhere in what was sent of it"
            }
            None => "that file is not part of the change, and the quoted code stands nowhere in it",
            Some(file) if !file.has_text() => {
                "the quoted code was not sent, and the file could not be read again"
            }
            Some(_) if !self.sent.iter().any(|(hunk, _)| names(hunk)) => {
                "nothing of that file was sent, and the quoted code stands nowhere in it"
            }
            Some(_) => "the quoted code stands nowhere in that file, before or after the change",
        }
    }
}

/// Searches hunks or files for each reading of a quote, as strictly as can be. `find` gives nothing when there
/// is no effort left.
fn search(
    scope: &[usize],
    readings: &[Quote],
    claim: &Claim,
    lines_count: bool,
    mut find: impl FnMut(usize, &Quote, Strictness) -> Option<Vec<Place>>,
) -> Option<Anchor> {
    for quote in readings {
        // Whatever is found more strictly is found in part too.
        let mut rough = Vec::new();
        for &at in scope {
            match find(at, quote, Strictness::Part) {
                Some(places) if places.is_empty() => {}
                Some(_) => rough.push(at),
                None => return Some(Anchor::Nowhere(TOO_MUCH)),
            }
        }
        for strictness in Strictness::ALL {
            let found = rough.iter().filter_map(|&at| find(at, quote, strictness));
            if let Some(anchor) = choose(found.flatten().collect(), claim, lines_count) {
                return Some(anchor);
            }
        }
    }
    None
}

fn named(file: &File, claim: &Claim) -> bool {
    let (path, old) = (visible::line(&file.path), file.old_path.as_ref().map(visible::line));
    place::names(claim, [Some(&path), old.as_ref()])
}

/// A place in a piece of context, which may be a part of the change too.
fn within(change: &Change, hunk: &PackedHunk, place: Place) -> Place {
    if hunk.id != HunkId::default() {
        return place;
    }
    let mut files = change.files.iter();
    let file = files.find(|file| visible::line(&file.path) == place.path);
    let touched = file.and_then(|file| touching(file, &place.lines, false)).map(|hunk| hunk.id);
    let stand = if touched.is_some() { Stand::Added } else { Stand::Unchanged };
    Place { hunk: touched, stand, ..place }
}

/// The hunk of which some changed line is among these of its side.
fn touching<'a>(file: &'a File, lines: &Range<u32>, old_side: bool) -> Option<&'a Hunk> {
    file.hunks.iter().find(|hunk| {
        hunk.edits.iter().any(|edit| {
            let edit = if old_side { &edit.old } else { &edit.new };
            edit.start < lines.end && lines.start < edit.end
        })
    })
}

/// The places in a hunk: among the lines of the new side, of the old, or of both in the order of a diff.
fn in_hunk(
    hunk: &PackedHunk,
    lines: &[Line],
    quote: &Quote,
    strictness: Strictness,
    claim: &Claim,
) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for gone in [Some(LineKind::Removed), Some(LineKind::Added), None] {
        let side = hunk.lines.iter().zip(lines).filter(|(line, _)| Some(line.kind) != gone);
        let (packed, lines): (Vec<&PackedLine>, Vec<&Line>) = side.unzip();
        let spans = quote.spans(&lines, strictness).into_iter();
        for place in spans.filter_map(|span| Place::in_hunk(hunk, &packed[span], claim)) {
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }
    places
}

/// The place that the claim means, if one can be told; `None` where there is none at all.
fn choose(mut places: Vec<Place>, claim: &Claim, lines_count: bool) -> Option<Anchor> {
    let lines_count = lines_count && claim.start_line > 0;
    let distance = |place: &Place| match lines_count {
        true => place.lines.start.abs_diff(claim.start_line),
        false => 0,
    };
    // Of several that fit, one on changed lines is meant, since the question is about the change.
    places.sort_by_key(|place| {
        (!place.as_claimed, place.as_claimed && place.stand == Stand::Unchanged, distance(place))
    });
    let first = places.first()?.clone();
    let alone =
        places.get(1).is_none_or(|second| first.as_claimed || distance(&first) < distance(second));
    Some(if alone { Anchor::At(first) } else { Anchor::Ambiguous(places) })
}

#[cfg(test)]
mod tests;
