//! Texts of ours, known by a seal: a digest of the text in its last line. One that fits says that nobody has changed
//! the text since, whatever version wrote it.

use sha2::{Digest, Sha256};

use super::Change;

const SEAL: &str = "<!-- git-advisor, as installed: ";

/// The first line of a block of ours in somebody's file.
const BEGIN: &str = "<!-- git-advisor begins -->\n";

/// What its last line begins with.
const END: &str = "<!-- git-advisor ends: ";

const EDITED: &str =
    "it has been edited, or is not of git-advisor; move it away to have it written anew";

/// A whole file of ours.
pub(super) fn file(before: Option<&str>, text: &str) -> Change {
    let text = format!("{text}{SEAL}{} -->\n", digest(text));
    match before {
        None => Change::Write(text),
        Some(before) if even(before) == text => Change::Nothing,
        Some(before) if is_ours(before, SEAL) => Change::Write(text),
        Some(_) => Change::Left(EDITED.to_owned()),
    }
}

/// The place without it.
pub(super) fn without_file(before: Option<&str>) -> Change {
    match before {
        None => Change::Nothing,
        Some(before) if is_ours(before, SEAL) => Change::Remove,
        Some(_) => Change::Left("it has been edited, or is not of git-advisor".to_owned()),
    }
}

/// A block of ours at the end of somebody's file.
pub(super) fn block(before: Option<&str>, text: &str) -> Change {
    let block = format!("{BEGIN}{text}{END}{} -->\n", digest(text));
    let before = before.unwrap_or_default();
    match found(before) {
        Found::Nothing if before.is_empty() => Change::Write(block),
        Found::Nothing => {
            let ended = if before.ends_with('\n') { "" } else { "\n" };
            Change::Write(format!("{before}{ended}\n{block}"))
        }
        Found::Ours(start, end) if before[start..end] == block => Change::Nothing,
        Found::Ours(start, end) => {
            Change::Write(format!("{}{block}{}", &before[..start], &before[end..]))
        }
        Found::Edited => Change::Left(EDITED.to_owned()),
    }
}

/// The file without it.
pub(super) fn without_block(before: Option<&str>) -> Change {
    let before = before.unwrap_or_default();
    match found(before) {
        Found::Nothing => Change::Nothing,
        Found::Edited => Change::Left("the block has been edited; take it out by hand".to_owned()),
        Found::Ours(start, end) => {
            // The blank line that was put before it goes too.
            let head = &before[..start];
            let head = if head.ends_with("\n\n") { &head[..start - 1] } else { head };
            match format!("{head}{}", &before[end..]) {
                rest if rest.is_empty() => Change::Remove,
                rest => Change::Write(rest),
            }
        }
    }
}

/// What is there of a block.
enum Found {
    Nothing,
    /// From where to where.
    Ours(usize, usize),
    Edited,
}

fn found(text: &str) -> Found {
    let starts: Vec<usize> = text.match_indices(BEGIN).map(|(at, _)| at).collect();
    let [start] = starts.as_slice() else {
        let named = !starts.is_empty() || text.contains(BEGIN.trim_end()) || text.contains(END);
        return if named { Found::Edited } else { Found::Nothing };
    };
    let inner = &text[start + BEGIN.len()..];
    let line = inner.find(END).and_then(|end| Some((end, inner[end..].find('\n')? + end + 1)));
    match line {
        Some((_, end)) if is_ours(&inner[..end], END) => {
            Found::Ours(*start, start + BEGIN.len() + end)
        }
        _ => Found::Edited,
    }
}

/// Whether the last line is the seal of all that stands before it.
fn is_ours(text: &str, seal: &str) -> bool {
    let text = even(text);
    let Some(at) = text.rfind(seal) else { return false };
    text[at..] == format!("{seal}{} -->\n", digest(&text[..at]))
}

/// git may have turned the line ends.
fn even(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn digest(text: &str) -> String {
    let digest = Sha256::digest(even(text).as_bytes());
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn written(change: Change) -> String {
        match change {
            Change::Write(text) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_of_any_version_is_ours_until_somebody_edits_it() {
        let old = written(file(None, "old\n"));
        assert_eq!(file(Some(&old), "old\n"), Change::Nothing);
        assert_eq!(without_file(Some(&old)), Change::Remove);
        let new = written(file(Some(&old), "new\n"));
        assert!(new.starts_with("new\n"));
        assert_eq!(without_file(Some(&new.replace('\n', "\r\n"))), Change::Remove);
        let edited = new.replace("new", "newer");
        for change in [file(Some(&edited), "new\n"), without_file(Some(&edited))] {
            assert!(matches!(change, Change::Left(_)), "{change:?}");
        }
        assert!(matches!(without_file(Some("theirs\n")), Change::Left(_)));
    }

    #[test]
    fn a_block_goes_in_and_out_of_a_file_without_a_trace() {
        for theirs in ["# Ours\n\nText.\n", "x\n", "\n"] {
            let with = written(block(Some(theirs), "ours\n"));
            assert!(with.starts_with(theirs));
            assert_eq!(block(Some(&with), "ours\n"), Change::Nothing);
            assert_eq!(written(without_block(Some(&with))), theirs);
            // What they add around it later stays.
            let renewed = written(block(Some(&format!("{with}more\n")), "newer\n"));
            assert_eq!(written(without_block(Some(&renewed))), format!("{theirs}more\n"));
        }
        let alone = written(block(None, "ours\n"));
        assert_eq!(without_block(Some(&alone)), Change::Remove);
        assert_eq!(without_block(Some("theirs\n")), Change::Nothing);
    }

    #[test]
    fn a_block_that_was_edited_is_left() {
        let with = written(block(Some("x\n"), "ours\n"));
        for edited in [
            with.replace("ours", "theirs"),
            with.replace(END, ""),
            with.replace(BEGIN, ""),
            format!("{with}{with}"),
        ] {
            assert!(matches!(block(Some(&edited), "ours\n"), Change::Left(_)), "{edited}");
            assert!(matches!(without_block(Some(&edited)), Change::Left(_)), "{edited}");
        }
    }
}
