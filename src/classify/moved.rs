//! Tells a line that moved from one that was lost or is new.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::Range;
use std::sync::LazyLock;

use bstr::ByteSlice;
use foldhash::fast::RandomState as FastState;
use foldhash::quality::RandomState;

use super::{Found, Signal};
use crate::change::{File, Hunk, Text, without_feed};
use crate::rules::Side;

/// Seeded anew for each run, so that nobody can write a line that passes for another.
pub(super) static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// Lines shorter than this, without their indentation, say too little to be told apart.
const SHORT: usize = 8;

/// What a sink that merely moved still adds: it runs in another place now, perhaps unguarded.
const MOVED_SINK: f64 = 0.25;

/// What stands for a line ([`Lines::line`]): 48 bits of a hash, kept in six bytes, since a large change has millions of
/// lines. Of two million lines that are compared with 100,000 one passes for another by accident in one of a thousand
/// scans, and none on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark([u16; 3]);

impl Mark {
    #[inline]
    fn of(hash: u64) -> Mark {
        let part = |at: u32| (hash >> at & 0xffff) as u16;
        Mark([part(16), part(32), part(48)])
    }

    #[inline]
    fn number(self) -> u64 {
        let [low, middle, high] = self.0;
        u64::from(high) << 32 | u64::from(middle) << 16 | u64::from(low)
    }

    /// A bit in a map of all that a part of it can be: the number of its word, and the bit.
    fn bit(self) -> (usize, u64) {
        (usize::from(self.0[0] >> 6), 1 << (self.0[0] & 63))
    }
}

impl Hash for Mark {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.number());
    }
}

/// The changed lines of a file.
#[derive(Debug, Clone, Default)]
pub(super) struct Told {
    added: Vec<Mark>,
    removed: Vec<Mark>,
}

impl Told {
    /// With room for all changed lines of a file.
    pub(super) fn with_room(file: &File) -> Told {
        let edits = || file.hunks.iter().flat_map(|hunk| &hunk.edits);
        Told {
            added: Vec::with_capacity(edits().map(|edit| edit.new.len()).sum()),
            removed: Vec::with_capacity(edits().map(|edit| edit.old.len()).sum()),
        }
    }

    fn lines(&self) -> impl Iterator<Item = &Mark> {
        self.added.iter().chain(&self.removed)
    }

    /// The lines of a side; unchanged ones are not taken down.
    pub(super) fn of(&mut self, side: Side) -> Option<&mut Vec<Mark>> {
        match side {
            Side::Added => Some(&mut self.added),
            Side::Removed => Some(&mut self.removed),
            Side::Context | Side::Path => None,
        }
    }
}

/// What stands for the lines of a file: a hash of the text without the blanks around it, and of the
/// ending of the file's name, since in another kind of file a line has not moved but is another thing.
pub(super) struct Lines {
    ending: u64,
}

impl Lines {
    pub(super) fn of(file: &File) -> Lines {
        let ending = file.path.rfind_byte(b'.').map_or(&[][..], |at| &file.path[at..]);
        Lines { ending: SEED.hash_one(ending) }
    }

    /// What stands for a line; nothing for one that says too little.
    pub(super) fn line(&self, text: &[u8]) -> Option<Mark> {
        self.of_bare(&Bare::of(text))
    }

    /// The same of a line of which is known what it says.
    #[inline]
    pub(super) fn of_bare(&self, bare: &Bare<'_>) -> Option<Mark> {
        (bare.text.len() >= SHORT).then(|| Mark::of(bare.hash ^ self.ending))
    }

    /// Takes down all lines of a stretch that was added or removed.
    fn tell(&self, lines: Range<u32>, text: &Text, told: &mut Vec<Mark>) {
        told.extend(text.lines(lines).filter_map(|line| self.line(line)));
    }
}

/// What a line says, and the blanks around it.
pub(super) struct Bare<'a> {
    text: &'a [u8],
    /// A hash of the text.
    pub(super) hash: u64,
    /// What stands for the blanks before and behind it.
    pub(super) blanks: u64,
}

impl Bare<'_> {
    pub(super) fn of(line: &[u8]) -> Bare<'_> {
        let seed = &*SEED;
        // Nearly all lines are indented by blanks of one kind, and end in nothing but a line feed.
        let kind = line.first().copied().filter(|byte| matches!(byte, b' ' | b'\t'));
        let indent = line.iter().take_while(|byte| Some(**byte) == kind).count();
        let mut text = without_feed(&line[indent..]);
        let ends = (text.first(), text.last());
        if matches!(ends, (Some(first), Some(last)) if first.is_ascii_whitespace() || last.is_ascii_whitespace())
        {
            text = text.trim_ascii();
        }
        let behind = line.len() - indent - text.len();
        let blanks = if behind == 0 || behind == 1 && line.last() == Some(&b'\n') {
            (4 * indent + 2 * behind + usize::from(kind == Some(b'\t'))) as u64
        } else {
            let before = line.len() - line.trim_ascii_start().len();
            seed.hash_one((&line[..before], &line[before + text.len()..]))
        };
        Bare { text, hash: hash(seed, text), blanks }
    }
}

fn hash(seed: &RandomState, text: &[u8]) -> u64 {
    let mut hasher = seed.build_hasher();
    hasher.write(text);
    hasher.finish()
}

impl Lines {
    /// Takes down the changed lines of a hunk.
    pub(super) fn changed(&self, file: &File, hunk: &Hunk) -> Told {
        let mut told = Told::default();
        for edit in &hunk.edits {
            self.tell(edit.old.clone(), &file.old, &mut told.removed);
            self.tell(edit.new.clone(), &file.new, &mut told.added);
        }
        told
    }
}

/// How often each line on which a rule fired, or that was weighed, is added and removed in the whole change.
pub(super) struct Moved {
    counts: HashMap<Mark, Counts, FastState>,
    /// Those that stand as often as before and are not reached any more.
    pub(super) lost: HashSet<Mark>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    added: u32,
    removed: u32,
}

impl Moved {
    pub(super) fn of(found: &[Found]) -> Moved {
        let signals = found.iter().flat_map(|found| found.signals.iter().flatten());
        let of_signals = signals.flat_map(|signal| signal.told.iter().flatten());
        let weighed = found.iter().flat_map(|found| found.evidence.iter().flatten());
        let of_evidence = weighed.flat_map(|evidence| evidence.told.lines());
        let mut counts: HashMap<Mark, Counts, FastState> =
            of_signals.chain(of_evidence).map(|&line| (line, Counts::default())).collect();
        // Most changed lines are none of these, which one bit of the many that a part of a mark names tells.
        let mut bits = vec![0u64; 1 << 10];
        counts.keys().map(|line| line.bit()).for_each(|(word, bit)| bits[word] |= bit);
        let known = |line: &&Mark| {
            let (word, bit) = line.bit();
            bits[word] & bit != 0
        };
        for found in found {
            for line in found.lines.added.iter().filter(known) {
                if let Some(counts) = counts.get_mut(line) {
                    counts.added += 1;
                }
            }
            for line in found.lines.removed.iter().filter(known) {
                if let Some(counts) = counts.get_mut(line) {
                    counts.removed += 1;
                }
            }
        }
        Moved { counts, lost: HashSet::new() }
    }

    /// The share of lines that stand on the other side too.
    pub(super) fn share(&self, told: &Told) -> f32 {
        let on_both = |line: &&Mark| {
            self.counts.get(line).is_some_and(|counts| counts.added > 0 && counts.removed > 0)
        };
        let (all, both) = (told.lines().count(), told.lines().filter(on_both).count());
        if all == 0 { 0.0 } else { both as f32 / all as f32 }
    }

    /// How often a line is added.
    pub(super) fn added(&self, line: Mark) -> u32 {
        self.counts.get(&line).map_or(0, |counts| counts.added)
    }

    /// Whether a line that is removed stands as often as before: only then is a check kept.
    pub(super) fn is_kept(&self, line: Mark) -> bool {
        self.counts.get(&line).is_some_and(|counts| counts.added >= counts.removed)
    }

    /// Marks a signal whose lines all stand on the other side too, and takes its weight.
    pub(super) fn mark(&self, signal: &mut Signal) {
        let stands = |line: &Option<Mark>| {
            line.is_some_and(|line| match signal.side {
                Side::Removed => self.is_kept(line) && !self.lost.contains(&line),
                _ => self.counts.get(&line).is_some_and(|counts| counts.removed > 0),
            })
        };
        let changed = matches!(signal.side, Side::Added | Side::Removed);
        if changed && !signal.told.is_empty() && signal.told.iter().all(stands) {
            signal.moved = true;
            signal.weight *= if signal.side == Side::Added { MOVED_SINK } else { 0.0 };
        }
    }
}
