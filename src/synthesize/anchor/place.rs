//! A place of the change, and whether it is the one that a claim names.

use std::fmt;
use std::ops::Range;

use crate::change::{HunkId, LineKind};
use crate::pack::{PackedHunk, PackedLine};
use crate::redact;
use crate::synthesize::answer::Claim;
use crate::visible::Visible;

/// A place in a file of the change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::synthesize) struct Place {
    pub(in crate::synthesize) path: Visible,
    pub(in crate::synthesize) hunk: Option<HunkId>,
    /// Half open and 1-based, of the old side for [`Stand::Removed`].
    pub(in crate::synthesize) lines: Range<u32>,
    pub(in crate::synthesize) stand: Stand,
    /// Whether the claim named this file and one of these lines.
    pub(in crate::synthesize) as_claimed: bool,
    /// Whether the lines were sent.
    pub(in crate::synthesize) sent: bool,
}

/// On what kind of lines the evidence stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::synthesize) enum Stand {
    /// At least one line is added.
    Added,
    /// At least one line is removed, and none is added.
    Removed,
    /// The lines were there before.
    Unchanged,
}

impl Place {
    /// Lines of a hunk that was sent.
    pub(super) fn in_hunk(
        hunk: &PackedHunk,
        lines: &[&PackedLine],
        claim: &Claim,
    ) -> Option<Place> {
        let any = |kind| lines.iter().any(|line| line.kind == kind);
        let stand = match () {
            () if any(LineKind::Added) => Stand::Added,
            () if any(LineKind::Removed) => Stand::Removed,
            () => Stand::Unchanged,
        };
        let number = |line: &&PackedLine| if stand == Stand::Removed { line.old } else { line.new };
        let numbers = lines.iter().filter_map(number);
        let lines = numbers.clone().min()?..numbers.max()? + 1;
        let in_file = hunk.label == claim.label && claim.file.is_empty()
            || names(claim, [Some(&hunk.path), hunk.old_path.as_ref()]);
        Some(Place {
            path: hunk.path.clone(),
            hunk: Some(hunk.id),
            as_claimed: in_file && overlaps(&lines, claim),
            lines,
            stand,
            sent: true,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let removed = if self.stand == Stand::Removed { " (removed)" } else { "" };
        write!(f, "{}:{}{removed}", self.path, self.lines.start)
    }
}

/// Whether a claim names one of these paths, as they are or as a diff writes them.
pub(super) fn names<'a>(
    claim: &Claim,
    paths: impl IntoIterator<Item = Option<&'a Visible>>,
) -> bool {
    let claimed = claim.file.as_str();
    let bare = ["./", "a/", "b/"].iter().find_map(|prefix| claimed.strip_prefix(prefix));
    let fits = |path: &Visible| {
        let sent = redact::line(path.as_str());
        [path.as_str(), &sent].iter().any(|path| *path == claimed || Some(*path) == bare)
    };
    paths.into_iter().flatten().any(fits)
}

/// Whether a claim names one of these lines. One that gives no line means its file.
pub(super) fn overlaps(lines: &Range<u32>, claim: &Claim) -> bool {
    claim.start_line == 0 || (claim.start_line < lines.end && lines.start <= claim.end_line)
}
