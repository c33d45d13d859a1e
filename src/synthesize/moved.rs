//! Whether a check that is gone from one place stands at another.

use std::collections::HashMap;

use bstr::ByteSlice;

use super::anchor::Place;
use crate::change::{Change, File, LineKind};
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
    indent: usize,
}

/// What became of removed lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// They are gone, all or some.
    Gone,
    /// They stand as often as before, here, and no deeper.
    Moved(String),
    /// They stand as often as before, but deeper: under a condition that may never hold.
    Deeper(String),
}

impl<'a> Moves<'a> {
    pub(super) fn of(change: &'a Change) -> Self {
        let mut changed: HashMap<_, Changed<'_>> = HashMap::new();
        for (file, hunk) in change.hunks() {
            for line in file.lines(hunk).filter(|line| line.kind != LineKind::Context) {
                let entry = changed.entry((line.text.trim(), ending(file))).or_default();
                match line.new {
                    Some(number) => {
                        entry.added.push(Copy { file, number, indent: indent(line.text) });
                    }
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
        for text in place.lines.clone().filter_map(|number| file.old.line(number)) {
            let changed = self.changed.get(&(text.trim(), ending(file)));
            let Some(changed) = changed.filter(|_| !text.trim().is_empty()) else {
                continue;
            };
            if changed.added.len() < changed.removed {
                return Fate::Gone;
            }
            let shallow = changed.added.iter().find(|copy| copy.indent <= indent(text));
            fate = match (shallow, changed.added.first(), fate) {
                (_, _, deeper @ Fate::Deeper(_)) => deeper,
                (Some(copy), _, Fate::Gone) => Fate::Moved(copy.place()),
                (Some(_), _, moved) => moved,
                (None, Some(copy), _) => Fate::Deeper(copy.place()),
                (None, None, _) => return Fate::Gone,
            };
        }
        fate
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

/// Columns before the text; a tab counts as four.
fn indent(text: &[u8]) -> usize {
    let blanks = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    blanks.map(|byte| if *byte == b'\t' { 4 } else { 1 }).sum()
}
