//! From two texts to hunks.

use std::ops::Range;

use gix_imara_diff::{Algorithm, Diff, InternedInput};

use super::Text;
use super::hunk::{Edit, Hunk};
use super::text::to_u32;

/// The edits that turn one text into the other. A side that is empty needs no comparison.
pub(super) fn edits(old: &Text, new: &Text) -> Vec<Edit> {
    match (old.is_empty(), new.is_empty()) {
        (true, true) => Vec::new(),
        (true, false) => vec![Edit { old: 1..1, new: 1..new.last_line() + 1 }],
        (false, true) => vec![Edit { old: 1..old.last_line() + 1, new: 1..1 }],
        (false, false) => compared(old, new),
    }
}

/// Lines around the differing part that are compared with it, so that an edit among equal lines can
/// slide to the place where a reader would put it.
const MARGIN: u32 = 40;

fn compared(old: &Text, new: &Text) -> Vec<Edit> {
    let (from, old_end, new_end) = differing(old, new);
    let mut input = InternedInput::default();
    input.reserve(old_end - from, new_end - from);
    input.update_before(old.lines(from..old_end));
    input.update_after(new.lines(from..new_end));
    let (lines, distinct) = (input.before.len() + input.after.len(), input.interner.num_tokens());
    // Where few lines recur very often the search is nearly all there is to do, and libgit2's takes half the steps.
    let few = lines > 2_000 && lines > 8 * distinct as usize;
    let blocks = || Some((old.block(from..old_end)?, new.block(from..new_end)?));
    let edits = blocks().filter(|_| few).and_then(|(old, new)| by_libgit2(old, new).ok());
    let edits = edits.unwrap_or_else(|| by_imara(&input));
    let shift = |lines: Range<u32>| lines.start + from - 1..lines.end + from - 1;
    edits.into_iter().map(|edit| Edit { old: shift(edit.old), new: shift(edit.new) }).collect()
}

/// The first line of the part in which two texts differ, and one past its last on each side, with a
/// margin of equal lines.
fn differing(old: &Text, new: &Text) -> (u32, u32, u32) {
    let (a, b) = (old.bytes(), new.bytes());
    let head = equal_head(a, b);
    let tail = equal_tail(&a[head..], &b[head..]);
    let line_feeds = |text: &[u8]| to_u32(memchr::memchr_iter(b'\n', text).count());
    let before = line_feeds(&a[..head]);
    // The first line feed of the tail ends a line that may differ.
    let tail = &a[a.len() - tail..];
    let ended = u32::from(tail.ends_with(b"\n"));
    let after = line_feeds(tail).saturating_sub(ended);
    let first = before.saturating_sub(MARGIN) + 1;
    let end = |text: &Text| text.last_line() + 1 - after.saturating_sub(MARGIN);
    (first, end(old), end(new))
}

/// How many bytes are equal from the start.
fn equal_head(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK));
    let whole = blocks.take_while(|(a, b)| a == b).count() * BLOCK;
    whole + a[whole..].iter().zip(&b[whole..]).take_while(|(a, b)| a == b).count()
}

/// How many bytes are equal from the end.
fn equal_tail(a: &[u8], b: &[u8]) -> usize {
    let blocks = a.rchunks_exact(BLOCK).zip(b.rchunks_exact(BLOCK));
    let whole = blocks.take_while(|(a, b)| a == b).count() * BLOCK;
    let (a, b) = (&a[..a.len() - whole], &b[..b.len() - whole]);
    whole + a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

/// Bytes that are compared at once.
const BLOCK: usize = 64;

/// Myers with git's own shortcuts: the histogram variant is quadratic on files with very many hunks.
fn by_imara(input: &InternedInput<&[u8]>) -> Vec<Edit> {
    let mut diff = Diff::compute(Algorithm::Myers, input);
    diff.postprocess_lines(input);
    diff.hunks()
        .map(|hunk| Edit {
            old: hunk.before.start + 1..hunk.before.end + 1,
            new: hunk.after.start + 1..hunk.after.end + 1,
        })
        .collect()
}

/// The same by libgit2's xdiff.
fn by_libgit2(old: &[u8], new: &[u8]) -> Result<Vec<Edit>, git2::Error> {
    let mut options = git2::DiffOptions::new();
    options.context_lines(0).interhunk_lines(0).force_text(true);
    let patch = git2::Patch::from_buffers(old, None, new, None, Some(&mut options))?;
    // A range without lines is written with the line before it.
    let range = |start: u32, lines: u32| {
        let start = if lines == 0 { start + 1 } else { start };
        start..start + lines
    };
    (0..patch.num_hunks())
        .map(|at| {
            let (hunk, _) = patch.hunk(at)?;
            Ok(Edit {
                old: range(hunk.old_start(), hunk.old_lines()),
                new: range(hunk.new_start(), hunk.new_lines()),
            })
        })
        .collect()
}

/// Groups edits into hunks with `context` lines around each, as `git diff -U<context>` does.
pub(super) fn hunks(edits: Vec<Edit>, old: &Text, new: &Text, context: u32) -> Vec<Hunk> {
    let mut groups: Vec<Group> = Vec::new();
    for edit in edits {
        let before = context.min(edit.old.start - 1).min(edit.new.start - 1);
        let left_old = (old.last_line() + 1).saturating_sub(edit.old.end);
        let left_new = (new.last_line() + 1).saturating_sub(edit.new.end);
        let after = context.min(left_old).min(left_new);
        match groups.last_mut() {
            Some(group) if group.reaches(edit.old.start - before, edit.new.start - before) => {
                group.after = after;
                group.edits.push(edit);
            }
            _ => groups.push(Group { before, edits: vec![edit], after }),
        }
    }
    let hunk = |group: Group| Hunk::around(group.edits, group.before, group.after, old, new);
    groups.into_iter().filter_map(hunk).collect()
}

/// Edits that stand so close together that their context meets.
struct Group {
    before: u32,
    edits: Vec<Edit>,
    after: u32,
}

impl Group {
    fn reaches(&self, old: u32, new: u32) -> bool {
        let end = |last: &Edit| (last.old.end + self.after, last.new.end + self.after);
        let end = self.edits.last().map(end);
        end.is_some_and(|(in_old, in_new)| old <= in_old && new <= in_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(old: &str, new: &str, expected: &[&str]) {
        let (old, new) = (Text::whole(old.into()), Text::whole(new.into()));
        let found = hunks(edits(&old, &new), &old, &new, 3);
        assert_eq!(found.iter().map(Hunk::header).collect::<Vec<_>>(), expected);
    }

    fn numbered(count: usize) -> String {
        (1..=count).map(|n| format!("line {n}\n")).collect()
    }

    #[test]
    fn equal_texts_have_no_hunk() {
        check("a\n", "a\n", &[]);
    }

    #[test]
    fn a_new_file_is_one_hunk() {
        check("", "a\nb\n", &["@@ -0,0 +1,2 @@"]);
        check("a\nb\n", "", &["@@ -1,2 +0,0 @@"]);
    }

    #[test]
    fn distant_edits_are_hunks_of_their_own_and_near_ones_are_not() {
        let old = numbered(40);
        let far = old.replace("line 5\n", "five\n").replace("line 30\n", "thirty\n");
        check(&old, &far, &["@@ -2,7 +2,7 @@", "@@ -27,7 +27,7 @@"]);
        let near = old.replace("line 5\n", "five\n").replace("line 10\n", "ten\n");
        check(&old, &near, &["@@ -2,12 +2,12 @@"]);
    }

    #[test]
    fn a_missing_line_feed_at_the_end_is_a_difference() {
        check("a\nb\n", "a\nb", &["@@ -1,2 +1,2 @@"]);
    }

    #[test]
    fn carriage_returns_are_a_difference() {
        check("a\n", "a\r\n", &["@@ -1,1 +1,1 @@"]);
    }

    #[test]
    fn the_two_ways_give_the_same_hunks() {
        let old = numbered(60);
        for new in [
            old.replace("line 5\n", "five\n").replace("line 30\n", ""),
            format!("first\n{old}last\n"),
            old.replace("line 1\n", ""),
            old.replace("line 60\n", "line 60"),
        ] {
            let (old, new) = (Text::whole(old.clone().into()), Text::whole(new.into()));
            assert_eq!(compared(&old, &new), by_libgit2(old.bytes(), new.bytes()).unwrap());
        }
    }

    #[test]
    fn few_lines_that_recur_are_compared_in_no_time() {
        let old = "a\nb\n".repeat(60_000);
        let (old, new) =
            (Text::whole(old.clone().into()), Text::whole(old.replace('a', "c").into()));
        assert_eq!(edits(&old, &new).len(), 60_000);
    }
}
