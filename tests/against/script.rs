//! The hunks of a file as an edit script.

use super::scan::Hunk;

/// What a script takes out and puts in.
pub struct Script<'a> {
    pub removed: Vec<&'a [u8]>,
    pub added: Vec<&'a [u8]>,
}

impl<'a> Script<'a> {
    /// Applies the hunks: whatever they do not name must be the same on both sides. Then the old
    /// text without the removed and with the added lines is the new one, byte for byte.
    pub fn apply(hunks: &[Hunk], old: &'a [u8], new: &'a [u8]) -> Result<Self, String> {
        let (old, new) = (lines(old), lines(new));
        let mut script = Self { removed: Vec::new(), added: Vec::new() };
        let (mut at_old, mut at_new) = (0, 0);
        for hunk in hunks {
            let from = begin(hunk.old_start, hunk.old_lines);
            let to = begin(hunk.new_start, hunk.new_lines);
            let outside = || format!("{hunk:?} is out of order or out of the file");
            let kept = old.get(at_old..from).ok_or_else(outside)?;
            if new.get(at_new..to).ok_or_else(outside)? != kept {
                return Err(format!("lines before {hunk:?} differ and are in no hunk"));
            }
            (at_old, at_new) = (from + hunk.old_lines, to + hunk.new_lines);
            script.removed.extend(old.get(from..at_old).ok_or_else(outside)?);
            script.added.extend(new.get(to..at_new).ok_or_else(outside)?);
        }
        if old[at_old..] == new[at_new..] {
            Ok(script)
        } else {
            Err("lines after the last hunk differ".to_owned())
        }
    }
}

/// The index of a hunk's first line: an empty range names the line before.
fn begin(start: usize, lines: usize) -> usize {
    if lines == 0 { start } else { start.wrapping_sub(1) }
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    text.split_inclusive(|&byte| byte == b'\n').collect()
}

#[test]
fn a_line_too_few_or_out_of_place_is_caught() {
    let hunk = |old_start, old_lines, new_start, new_lines| Hunk {
        old_start,
        old_lines,
        new_start,
        new_lines,
    };
    let check = |hunks: &[Hunk], right: bool| {
        let script = Script::apply(hunks, b"a\nb\nc\nd", b"a\nX\nc\nd\n");
        assert_eq!(script.is_ok(), right, "{hunks:?}");
    };
    check(&[hunk(2, 1, 2, 1), hunk(4, 1, 4, 1)], true);
    check(&[hunk(2, 1, 1, 0), hunk(2, 0, 2, 1), hunk(4, 1, 4, 1)], true);
    check(&[hunk(2, 1, 2, 1)], false);
    check(&[hunk(4, 1, 4, 1)], false);
    check(&[hunk(4, 1, 4, 1), hunk(2, 1, 2, 1)], false);
    check(&[hunk(2, 1, 2, 1), hunk(4, 2, 4, 1)], false);
    check(&[hunk(2, 1, 1, 1), hunk(4, 1, 4, 1)], false);
    check(&[hunk(0, 1, 0, 1)], false);
}
