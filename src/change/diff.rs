//! From two texts to hunks.

use imara_diff::{Algorithm, Diff, InternedInput};

use super::Text;
use super::hunk::{Edit, Hunk, HunkId};

/// The edits that turn one text into the other. A side that is empty needs no comparison.
pub(super) fn edits(old: &Text, new: &Text) -> Vec<Edit> {
    match (old.is_empty(), new.is_empty()) {
        (true, true) => Vec::new(),
        (true, false) => vec![Edit { old: 1..1, new: 1..new.last_line() + 1 }],
        (false, true) => vec![Edit { old: 1..old.last_line() + 1, new: 1..1 }],
        (false, false) => compared(old, new),
    }
}

fn compared(old: &Text, new: &Text) -> Vec<Edit> {
    let input = InternedInput::new(old.bytes(), new.bytes());
    let (lines, distinct) = (input.before.len() + input.after.len(), input.interner.num_tokens());
    // imara's preparation is quadratic where few lines recur very often; libgit2's is not.
    if lines > 2_000
        && lines > 8 * distinct as usize
        && let Ok(edits) = by_libgit2(old, new)
    {
        return edits;
    }
    // Myers, as git: the histogram variant is quadratic on files with very many hunks.
    let mut diff = Diff::compute(Algorithm::Myers, &input);
    diff.postprocess_lines(&input);
    diff.hunks()
        .map(|hunk| Edit {
            old: hunk.before.start + 1..hunk.before.end + 1,
            new: hunk.after.start + 1..hunk.after.end + 1,
        })
        .collect()
}

/// The same by libgit2's xdiff.
fn by_libgit2(old: &Text, new: &Text) -> Result<Vec<Edit>, git2::Error> {
    let mut options = git2::DiffOptions::new();
    options.context_lines(0).interhunk_lines(0).force_text(true);
    let patch =
        git2::Patch::from_buffers(old.bytes(), None, new.bytes(), None, Some(&mut options))?;
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
    let mut hunks: Vec<Hunk> = Vec::new();
    for edit in edits {
        let before = context.min(edit.old.start - 1).min(edit.new.start - 1);
        let left_old = (old.last_line() + 1).saturating_sub(edit.old.end);
        let left_new = (new.last_line() + 1).saturating_sub(edit.new.end);
        let after = context.min(left_old).min(left_new);
        let in_old = edit.old.start - before..edit.old.end + after;
        let in_new = edit.new.start - before..edit.new.end + after;
        match hunks.last_mut() {
            Some(last) if in_old.start <= last.old.end && in_new.start <= last.new.end => {
                last.old.end = in_old.end;
                last.new.end = in_new.end;
                last.edits.push(edit);
            }
            _ => hunks.push(Hunk {
                id: HunkId::default(),
                old: in_old,
                new: in_new,
                edits: vec![edit],
                function: None,
            }),
        }
    }
    hunks
}

/// Bytes that a hunk takes in a unified diff: its lines with their sign and line feed.
pub(super) fn bytes(hunk: &Hunk, old: &Text, new: &Text) -> u64 {
    let block = |text: &Text, lines| text.block(lines).map_or(0, |block| block.len() as u64);
    let removed: u64 = hunk.edits.iter().map(|edit| block(old, edit.old.clone())).sum();
    let signs = hunk.new.len() + hunk.edits.iter().map(|edit| edit.old.len()).sum::<usize>();
    block(new, hunk.new.clone()) + removed + signs as u64
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
            assert_eq!(compared(&old, &new), by_libgit2(&old, &new).unwrap());
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
