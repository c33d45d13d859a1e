//! Tells a line that moved from one that was lost or is new.

use std::collections::HashSet;

use bstr::ByteSlice;

use super::{HunkScore, Signal};
use crate::change::{Change, LineKind};
use crate::rules::Side;

/// Lines shorter than this, without their indentation, say too little to be told apart.
const SHORT: usize = 8;

/// What a sink that merely moved still adds: it runs in another place now, perhaps unguarded.
const MOVED_SINK: f64 = 0.25;

/// Marks the signals whose lines stand on the other side too, and takes their weight.
pub(super) fn mark(change: &Change, hunks: &mut [HunkScore]) {
    if hunks.iter().all(|hunk| hunk.signals.is_empty()) {
        return;
    }
    let (added, removed) = lines(change);
    for (hunk, (file, _)) in hunks.iter_mut().zip(change.hunks()) {
        for signal in &mut hunk.signals {
            let (text, other) = match signal.side {
                Side::Added => (&file.new, &removed),
                Side::Removed => (&file.old, &added),
                Side::Context | Side::Path => continue,
            };
            let moved = signal.lines.clone().all(|number| {
                text.line(number).is_some_and(|line| {
                    let line = line.trim();
                    line.len() >= SHORT && other.contains(line)
                })
            });
            if moved {
                discount(signal);
            }
        }
    }
}

fn discount(signal: &mut Signal) {
    signal.moved = true;
    signal.weight *= if signal.side == Side::Added { MOVED_SINK } else { 0.0 };
}

/// All added and all removed lines of the change, without indentation.
fn lines(change: &Change) -> (HashSet<&[u8]>, HashSet<&[u8]>) {
    let (mut added, mut removed) = (HashSet::new(), HashSet::new());
    for (file, hunk) in change.hunks() {
        for line in hunk.lines(&file.old, &file.new) {
            match line.kind {
                LineKind::Added => added.insert(line.text.trim()),
                LineKind::Removed => removed.insert(line.text.trim()),
                LineKind::Context => continue,
            };
        }
    }
    (added, removed)
}
