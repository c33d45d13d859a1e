//! Widens the context of a hunk to the function around it.

use std::ops::Range;

use super::Shown;
use crate::change::{Effort, File, Hunk, enclosing};
use crate::rules::Language;

/// A longer function than this, in lines, is not shown whole.
const MAX_FUNCTION: u32 = 150;

/// The lines to show, or `None` where there is nothing to widen. Lines of other hunks that go along
/// (`taken`, on the new side) are not shown twice.
pub(super) fn to_function(
    file: &File,
    hunk: &Hunk,
    language: &Language,
    taken: &[Range<u32>],
) -> Option<Shown> {
    let edit = hunk.edits.first()?;
    let function = enclosing(&file.new, edit.new.start, language, &mut Effort::default())?;
    if function.lines.end - function.lines.start > MAX_FUNCTION {
        return None;
    }
    let floor = taken.iter().map(|lines| lines.end).filter(|&end| end <= hunk.new.start).max();
    let ceiling =
        taken.iter().map(|lines| lines.start).filter(|&start| start >= hunk.new.end).min();
    let start = function.lines.start.max(floor.unwrap_or(1)).max(previous_change(file, hunk));
    let end = function.lines.end.min(ceiling.unwrap_or(u32::MAX)).min(next_change(file, hunk));
    let above = hunk.new.start.saturating_sub(start).min(hunk.old.start - 1);
    let below = end.saturating_sub(hunk.new.end);
    let wider = Shown {
        old: hunk.old.start - above..hunk.old.end + below,
        new: hunk.new.start - above..hunk.new.end + below,
    };
    let known = file.new.block(wider.new.clone()).is_some();
    ((above, below) != (0, 0) && known).then_some(wider)
}

/// One past the last line, on the new side, that another hunk above changes.
fn previous_change(file: &File, hunk: &Hunk) -> u32 {
    let at = file.hunks.partition_point(|other| other.id < hunk.id);
    at.checked_sub(1)
        .and_then(|above| file.hunks.get(above))
        .and_then(|other| other.edits.last())
        .map_or(1, |edit| edit.new.end)
}

/// The first line, on the new side, that another hunk below changes.
fn next_change(file: &File, hunk: &Hunk) -> u32 {
    let at = file.hunks.partition_point(|other| other.id <= hunk.id);
    file.hunks.get(at).and_then(|other| other.edits.first()).map_or(u32::MAX, |edit| edit.new.start)
}
