//! One file: its status, why it was passed over, its lines.

use std::collections::{BTreeMap, BTreeSet};

use super::blobs::{Blobs, GITLINK, blob};
use super::listing::Side;
use super::matching::Matched;
use super::patches::Patch;
use super::script::Script;
use super::{Pair, Tally};

/// Larger files are listed and not read.
const MAX_FILE_BYTES: usize = 4 << 20;

/// git looks for a NUL in so many bytes.
const HEAD: usize = 8_000;

/// A script with more lines than git's counts as longer from so many percent …
const LONGER_PERCENT: usize = 5;

/// … and is wrong from so many. Neither looks for the shortest script: both give up early.
const WRONG_PERCENT: usize = 50;

/// So many lines more are neither: of a short script, a twentieth is no line at all.
const LINES_MORE: usize = 4;

/// All files of a change together are read up to 512 MiB, lines that are short counted several
/// times; below this many bytes nothing may be left out.
const HEAVY: usize = 128 << 20;

/// What the sides of a file are.
struct Content<'a> {
    /// `None` for an object that is not here; nothing and a submodule are empty.
    old: Option<&'a [u8]>,
    new: Option<&'a [u8]>,
}

/// The pairs of which the program need not read everything.
pub fn heavy<'a>(files: &'a [Matched], blobs: &Blobs) -> BTreeSet<&'a Pair> {
    let mut sizes: BTreeMap<&Pair, usize> = BTreeMap::new();
    for file in files {
        let sides = [file.old.as_ref(), file.new.as_ref()].into_iter().filter_map(blob);
        let bytes = sides.filter_map(|id| blobs[id].as_ref()).map(Vec::len).sum::<usize>();
        *sizes.entry(&file.pair).or_default() += bytes;
    }
    sizes.into_iter().filter(|(_, bytes)| *bytes > HEAVY).map(|(pair, _)| pair).collect()
}

pub fn file(file: &Matched, blobs: &Blobs, patch: Option<&Patch<'_>>, tally: &mut Tally) {
    let side = |side: Option<&Side>| match blob(side) {
        Some(id) => blobs[id].as_deref(),
        None => Some(&[][..]),
    };
    let content = Content { old: side(file.old.as_ref()), new: side(file.new.as_ref()) };
    let expected_skip = skip(file, &content);
    let seen = &file.seen;
    let expected = status(file, expected_skip == Some("binary"));
    if (seen.status.as_str(), seen.skipped.as_deref()) != (expected, expected_skip) {
        let complaint = format!(
            "is {} and skipped: {:?}; by git {expected} and {expected_skip:?}",
            seen.status, seen.skipped
        );
        tally.fail(&file.pair, &seen.path, &complaint);
        return;
    }
    let is_binary = matches!(patch, Some(Patch::Binary));
    if is_binary && expected_skip != Some("binary") {
        tally.fail(&file.pair, &seen.path, "no text to git");
        return;
    }
    match (expected_skip, content.old, content.new) {
        (None, Some(old), Some(new)) if !is_submodule(file) => lines(file, old, new, patch, tally),
        _ => {
            tally.listed_only += 1;
            if !seen.hunks.is_empty() {
                tally.fail(&file.pair, &seen.path, "has hunks although it was not read");
            }
        }
    }
}

/// Why a file is not read, when all is taken in that could be.
fn skip(file: &Matched, content: &Content<'_>) -> Option<&'static str> {
    if is_submodule(file) || is_same_object(file) {
        return None;
    }
    let (Some(old), Some(new)) = (content.old, content.new) else {
        return Some("missing");
    };
    let either = |holds: fn(&[u8]) -> bool| holds(old) || holds(new);
    if either(|bytes| bytes.len() > MAX_FILE_BYTES) {
        Some("too-large")
    } else if either(|bytes| bytes[..bytes.len().min(HEAD)].contains(&0)) {
        Some("binary")
    } else {
        None
    }
}

/// Only the name or the mode differs: there is nothing to read.
fn is_same_object(file: &Matched) -> bool {
    matches!((&file.old, &file.new), (Some(old), Some(new)) if old.id == new.id)
}

/// A submodule that comes, goes or moves; one that takes the place of a file is not only that.
fn is_submodule(file: &Matched) -> bool {
    let all = |holds: fn(&Side) -> bool| [&file.old, &file.new].into_iter().flatten().all(holds);
    all(|side| side.mode == GITLINK)
}

fn status(file: &Matched, binary: bool) -> &'static str {
    match (&file.old, &file.new) {
        _ if is_submodule(file) => "submodule",
        _ if binary => "binary",
        (None, _) => "added",
        (_, None) => "deleted",
        _ if file.seen.old_path.is_some() => "renamed",
        (Some(old), Some(new)) if old.id == new.id => "mode",
        _ => "modified",
    }
}

fn lines(file: &Matched, old: &[u8], new: &[u8], patch: Option<&Patch<'_>>, tally: &mut Tally) {
    let mut ours = match Script::apply(&file.seen.hunks, old, new) {
        Ok(script) => script,
        Err(complaint) => return tally.fail(&file.pair, &file.seen.path, &complaint),
    };
    let (mut removed, mut added) = match patch {
        Some(Patch::Lines { removed, added }) => (removed.clone(), added.clone()),
        Some(Patch::Binary) | None => (Vec::new(), Vec::new()),
    };
    for lines in [&mut ours.removed, &mut ours.added, &mut removed, &mut added] {
        lines.sort_unstable();
    }
    let (length, gits) = (ours.removed.len() + ours.added.len(), removed.len() + added.len());
    tally.texts += 1;
    tally.lines += length;
    tally.git_lines += gits;
    if ours.removed == removed && ours.added == added {
        return;
    }
    tally.different += 1;
    let beyond = |percent| length * 100 > gits * (100 + percent) + 100 * LINES_MORE;
    tally.longer += usize::from(beyond(LONGER_PERCENT));
    if beyond(WRONG_PERCENT) {
        let complaint = format!("a script of {length} lines where git needs {gits}");
        tally.fail(&file.pair, &file.seen.path, &complaint);
    }
}
