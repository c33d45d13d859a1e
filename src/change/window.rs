//! Cuts a long hunk into windows, so that a new file of thousands of lines is not all or nothing.

use std::ops::Range;

use super::Text;
use super::hunk::{Edit, Hunk};

/// A hunk with more changed lines than this is cut. About two screens: enough to judge a function.
const MAX_LINES: u32 = 80;

/// How far before the limit a better place to cut (a line without indentation after a blank one)
/// is looked for, in lines.
const SLACK: u32 = 40;

/// An edit, or a part of one, and the number of unchanged lines between it and the one before.
struct Piece {
    lead: u32,
    edit: Edit,
}

/// The hunks with every long one cut into windows of at most [`MAX_LINES`] changed lines.
pub(super) fn cut(hunks: Vec<Hunk>, old: &Text, new: &Text, context: u32) -> Vec<Hunk> {
    hunks.into_iter().flat_map(|hunk| windows(hunk, old, new, context)).collect()
}

fn windows(hunk: Hunk, old: &Text, new: &Text, context: u32) -> Vec<Hunk> {
    if hunk.changed_lines() <= MAX_LINES as usize {
        return vec![hunk];
    }
    let tail = hunk.edits.last().map_or(0, |last| hunk.old.end - last.old.end);
    let groups = grouped(pieces(&hunk, old, new));
    let mut afters: Vec<u32> =
        groups.iter().skip(1).map(|group| group[0].lead.min(context)).collect();
    afters.push(tail);
    let window = |(at, (group, after)): (usize, (Vec<Piece>, u32))| {
        let before = if at == 0 { group[0].lead } else { group[0].lead.min(context) };
        let edits = group.into_iter().map(|piece| piece.edit).collect();
        Hunk::around(edits, before, after, old, new)
    };
    groups.into_iter().zip(afters).enumerate().filter_map(window).collect()
}

/// The pieces in groups that stay within the limit; no group is empty.
fn grouped(pieces: Vec<Piece>) -> Vec<Vec<Piece>> {
    let mut groups: Vec<Vec<Piece>> = Vec::new();
    let mut room = 0;
    for piece in pieces {
        let size = size(&piece.edit);
        match groups.last_mut() {
            Some(group) if size <= room => group.push(piece),
            _ => {
                groups.push(vec![piece]);
                room = MAX_LINES;
            }
        }
        room = room.saturating_sub(size);
    }
    groups
}

fn pieces(hunk: &Hunk, old: &Text, new: &Text) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut at = hunk.old.start;
    for edit in &hunk.edits {
        let mut lead = edit.old.start - at;
        for edit in parts(edit, old, new) {
            found.push(Piece { lead, edit });
            lead = 0;
        }
        at = edit.old.end;
    }
    found
}

/// An edit in parts of at most [`MAX_LINES`]: first what is removed, then what is added.
fn parts(edit: &Edit, old: &Text, new: &Text) -> Vec<Edit> {
    if size(edit) <= MAX_LINES {
        return vec![edit.clone()];
    }
    let removed = stretches(&edit.old, old).into_iter();
    let removed = removed.map(|lines| Edit { old: lines, new: edit.new.start..edit.new.start });
    let added = stretches(&edit.new, new).into_iter();
    let added = added.map(|lines| Edit { old: edit.old.end..edit.old.end, new: lines });
    removed.chain(added).collect()
}

fn stretches(lines: &Range<u32>, text: &Text) -> Vec<Range<u32>> {
    let mut found = Vec::new();
    let mut start = lines.start;
    while lines.end - start > MAX_LINES {
        let limit = start + MAX_LINES;
        let best = (limit - SLACK..=limit).rev().find(|&at| starts_a_block(text, at));
        let end = best.unwrap_or(limit);
        found.push(start..end);
        start = end;
    }
    if start < lines.end {
        found.push(start..lines.end);
    }
    found
}

/// Whether a line begins something new: it is not indented and the line before is blank.
fn starts_a_block(text: &Text, number: u32) -> bool {
    let first = text.line(number).and_then(<[u8]>::first);
    first.is_some_and(|byte| !byte.is_ascii_whitespace())
        && text.line(number - 1).is_some_and(|line| line.trim_ascii().is_empty())
}

fn size(edit: &Edit) -> u32 {
    (edit.old.end - edit.old.start) + (edit.new.end - edit.new.start)
}

#[cfg(test)]
mod tests {
    use super::super::diff;
    use super::*;
    use proptest::prelude::*;

    fn cut_all(old: &Text, new: &Text) -> (Vec<Hunk>, Vec<Hunk>) {
        let hunks = diff::hunks(diff::edits(old, new), old, new, 3);
        (hunks.clone(), cut(hunks, old, new, 3))
    }

    #[test]
    fn a_new_file_of_300_lines_is_cut_where_blocks_begin() {
        let body: String =
            (0..10).map(|n| format!("def f{n}():\n{}\n", "    pass\n".repeat(28))).collect();
        let (_, windows) = cut_all(&Text::default(), &Text::whole(body.into()));
        let spans: Vec<_> = windows.iter().map(|hunk| hunk.new.clone()).collect();
        assert_eq!(spans, [1..61, 61..121, 121..181, 181..241, 241..301]);
    }

    proptest! {
        #[test]
        fn windows_hold_every_changed_line_once(old in "([ab]\n){0,300}", new in "([abc]\n){0,300}") {
            let (old, new) = (Text::whole(old.into()), Text::whole(new.into()));
            let (hunks, windows) = cut_all(&old, &new);
            let changed = |hunks: &[Hunk]| {
                let lines = hunks.iter().flat_map(|hunk| hunk.lines(&old, &new));
                lines.filter(|line| line.kind != crate::change::LineKind::Context)
                    .map(|line| (line.kind, line.old, line.new)).collect::<std::collections::BTreeSet<_>>()
            };
            prop_assert_eq!(changed(&hunks), changed(&windows));
            for hunk in &windows {
                prop_assert!(hunk.changed_lines() <= 2 * MAX_LINES as usize);
                prop_assert_eq!(
                    hunk.old.len() + hunk.edits.iter().map(|e| e.new.len()).sum::<usize>(),
                    hunk.new.len() + hunk.edits.iter().map(|e| e.old.len()).sum::<usize>()
                );
            }
        }
    }
}
