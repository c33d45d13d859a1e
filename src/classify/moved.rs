//! Tells a line that moved from one that was lost or is new.

use std::collections::HashMap;

use bstr::ByteSlice;

use super::{HunkScore, Signal};
use crate::change::{Change, File, LineKind};
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
    let lines = lines(change);
    for (hunk, (file, _)) in hunks.iter_mut().zip(change.hunks()) {
        let kind = kind(file);
        for signal in &mut hunk.signals {
            let text = match signal.side {
                Side::Added => &file.new,
                Side::Removed => &file.old,
                Side::Context | Side::Path => continue,
            };
            let moved = signal.lines.clone().all(|number| {
                let line = text.line(number).map(<[u8]>::trim_ascii).unwrap_or_default();
                let counts = lines.get(&(kind, line)).copied().unwrap_or_default();
                let stands = match signal.side {
                    // A check is kept only if it stands as often as before.
                    Side::Removed => counts.added >= counts.removed,
                    _ => counts.removed > 0,
                };
                line.len() >= SHORT && stands
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

/// How often a line is added and removed.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    added: u32,
    removed: u32,
}

/// The ending of a file's name: a line that turns up in another kind of file has not moved, it is
/// another thing there.
fn kind(file: &File) -> &[u8] {
    file.path.rfind_byte(b'.').map_or(&[], |at| &file.path[at..])
}

/// All changed lines by the kind of their file, without the blanks around them.
fn lines(change: &Change) -> HashMap<(&[u8], &[u8]), Counts> {
    let mut found: HashMap<(&[u8], &[u8]), Counts> = HashMap::new();
    for (file, hunk) in change.hunks() {
        let kind = kind(file);
        for line in hunk.lines(&file.old, &file.new) {
            let key = (kind, line.text.trim_ascii());
            match line.kind {
                LineKind::Added => found.entry(key).or_default().added += 1,
                LineKind::Removed => found.entry(key).or_default().removed += 1,
                LineKind::Context => {}
            }
        }
    }
    found
}
