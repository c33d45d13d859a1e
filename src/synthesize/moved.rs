//! Whether a check that is gone from one place stands at another.

use std::collections::HashMap;

use bstr::ByteSlice;

use super::anchor::Place;
use crate::change::{Change, File, LineKind};
use crate::classify::{self, Unreached};
use crate::visible;

/// The changed lines of a change, by their text without the blanks around it and the ending of their file's
/// name: in another kind of file a line is another thing.
pub(super) struct Moves<'a> {
    change: &'a Change,
    changed: HashMap<(&'a [u8], &'a [u8]), Changed<'a>>,
}

#[derive(Default)]
struct Changed<'a> {
    removed: usize,
    added: Vec<Copy<'a>>,
}

/// An added line.
struct Copy<'a> {
    file: &'a File,
    number: u32,
}

/// So many copies of a line are looked at; one that stands more often says too little.
const MAX_COPIES: usize = 20;

/// What became of removed lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// They are gone, all or some.
    Gone,
    /// They stand as often as before, here.
    Moved(String),
    /// They stand as often as before, here, but may not be reached there.
    Unreached(String, Unreached),
}

impl<'a> Moves<'a> {
    pub(super) fn of(change: &'a Change) -> Self {
        let mut changed: HashMap<_, Changed<'_>> = HashMap::new();
        for (file, hunk) in change.hunks() {
            for line in file.lines(hunk).filter(|line| line.kind != LineKind::Context) {
                let entry = changed.entry((line.text.trim(), ending(file))).or_default();
                match line.new {
                    Some(number) => entry.added.push(Copy { file, number }),
                    None => entry.removed += 1,
                }
            }
        }
        Moves { change, changed }
    }

    /// What became of the removed lines of a place.
    pub(super) fn fate(&self, place: &Place) -> Fate {
        let Some((file, _)) = place.hunk.and_then(|id| self.change.hunk(id)) else {
            return Fate::Gone;
        };
        let mut fate = Fate::Gone;
        for number in place.lines.clone() {
            let text = file.old.line(number).unwrap_or_default().trim();
            let changed = self.changed.get(&(text, ending(file)));
            let Some(changed) = changed.filter(|_| !text.is_empty()) else {
                continue;
            };
            fate = match (self.stands((file, number), changed), fate) {
                (Fate::Gone, _) => return Fate::Gone,
                (_, unreached @ Fate::Unreached(..)) => unreached,
                (Fate::Moved(_), moved @ Fate::Moved(_)) => moved,
                (found, _) => found,
            };
        }
        fate
    }

    /// Where a removed line stands now: where it is reached, if there is such a place.
    fn stands(&self, from: (&File, u32), line: &Changed<'_>) -> Fate {
        if line.added.len() < line.removed {
            return Fate::Gone;
        }
        let mut unreached = Fate::Gone;
        for (seen, copy) in line.added.iter().enumerate() {
            match classify::unreached(self.change, from, (copy.file, copy.number)) {
                Some(why) if seen < MAX_COPIES => {
                    if unreached == Fate::Gone {
                        unreached = Fate::Unreached(copy.place(), why);
                    }
                }
                _ => return Fate::Moved(copy.place()),
            }
        }
        unreached
    }
}

impl Copy<'_> {
    fn place(&self) -> String {
        format!("{}:{}", visible::line(&self.file.path), self.number)
    }
}

fn ending(file: &File) -> &[u8] {
    file.path.rfind_byte(b'.').map_or(&[], |at| &file.path[at..])
}
