//! A hunk: a stretch of a file in which lines differ, with the context around it.

use std::fmt;
use std::ops::Range;

use super::Text;

/// The number of a hunk within a change: `H1`, `H2`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HunkId(pub u32);

impl fmt::Display for HunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("H{}", self.0))
    }
}

/// Lines of both sides that replace each other; one of the two ranges may be empty.
///
/// Ranges are half open and 1-based; an empty one stands where the lines would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// Lines taken out of the old side.
    pub old: Range<u32>,
    /// Lines put into the new side.
    pub new: Range<u32>,
}

/// A hunk as ranges of both sides, context included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Its number within the change.
    pub id: HunkId,
    /// Lines of the old side, half open and 1-based.
    pub old: Range<u32>,
    /// Lines of the new side, half open and 1-based.
    pub new: Range<u32>,
    /// The edits, in order; what lies between them is context.
    pub edits: Vec<Edit>,
    /// Bytes that it takes in a unified diff: its lines with their sign and line feed.
    pub bytes: u64,
    /// Name of the function around the first changed line, as far as it can be told.
    pub function: Option<String>,
}

/// What a line of a hunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LineKind {
    /// On both sides.
    Context,
    /// On the old side only.
    Removed,
    /// On the new side only.
    Added,
}

impl LineKind {
    /// The sign of a unified diff.
    pub fn sign(self) -> char {
        match self {
            LineKind::Context => ' ',
            LineKind::Removed => '-',
            LineKind::Added => '+',
        }
    }
}

/// A line of a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Added, removed or context.
    pub kind: LineKind,
    /// Number on the old side, where it stands there.
    pub old: Option<u32>,
    /// Number on the new side, where it stands there.
    pub new: Option<u32>,
    /// The line without its line feed.
    pub text: &'a [u8],
}

impl Hunk {
    /// A hunk of these edits, which are not empty, with so many unchanged lines before and after.
    pub(super) fn around(
        edits: Vec<Edit>,
        before: u32,
        after: u32,
        old: &Text,
        new: &Text,
    ) -> Option<Hunk> {
        let (first, last) = (edits.first()?, edits.last()?);
        let mut hunk = Hunk {
            id: HunkId::default(),
            old: first.old.start - before..last.old.end + after,
            new: first.new.start - before..last.new.end + after,
            edits,
            bytes: 0,
            function: None,
        };
        hunk.bytes = hunk.measured(old, new);
        Some(hunk)
    }

    /// Bytes that it takes in a unified diff.
    pub(super) fn measured(&self, old: &Text, new: &Text) -> u64 {
        let block = |text: &Text, lines| text.block(lines).map_or(0, |block| block.len() as u64);
        let removed: u64 = self.edits.iter().map(|edit| block(old, edit.old.clone())).sum();
        let signs = self.new.len() + self.edits.iter().map(|edit| edit.old.len()).sum::<usize>();
        block(new, self.new.clone()) + removed + signs as u64
    }

    /// The lines in the order of a unified diff: removed before added within an edit.
    pub fn lines<'a>(&'a self, old: &'a Text, new: &'a Text) -> impl Iterator<Item = Line<'a>> {
        let mut parts = Vec::with_capacity(3 * self.edits.len() + 1);
        let (mut at_old, mut at_new) = (self.old.start, self.new.start);
        for edit in &self.edits {
            parts.push((LineKind::Context, at_old..edit.old.start, at_new..edit.new.start));
            parts.push((LineKind::Removed, edit.old.clone(), 0..0));
            parts.push((LineKind::Added, 0..0, edit.new.clone()));
            (at_old, at_new) = (edit.old.end, edit.new.end);
        }
        parts.push((LineKind::Context, at_old..self.old.end, at_new..self.new.end));
        parts.into_iter().flat_map(move |(kind, in_old, in_new)| {
            let count = if kind == LineKind::Removed { in_old.len() } else { in_new.len() };
            (0..u32::try_from(count).unwrap_or(u32::MAX)).filter_map(move |step| {
                let old_number = (kind != LineKind::Added).then_some(in_old.start + step);
                let new_number = (kind != LineKind::Removed).then_some(in_new.start + step);
                let text = match (new_number, old_number) {
                    (Some(number), _) => new.line(number),
                    (None, Some(number)) => old.line(number),
                    (None, None) => None,
                };
                text.map(|text| Line { kind, old: old_number, new: new_number, text })
            })
        })
    }

    /// Number of lines that are added or removed.
    pub fn changed_lines(&self) -> usize {
        self.edits.iter().map(|edit| edit.old.len() + edit.new.len()).sum()
    }

    /// The start of the old side as git writes it: the line before where the range is empty.
    pub fn old_start(&self) -> u32 {
        as_git_writes(&self.old)
    }

    /// The start of the new side as git writes it: the line before where the range is empty.
    pub fn new_start(&self) -> u32 {
        as_git_writes(&self.new)
    }

    /// The `@@` line without its section heading.
    pub fn header(&self) -> String {
        let (old, new) = (self.old.len(), self.new.len());
        format!("@@ -{},{old} +{},{new} @@", self.old_start(), self.new_start())
    }
}

fn as_git_writes(range: &Range<u32>) -> u32 {
    if range.is_empty() { range.start.saturating_sub(1) } else { range.start }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_the_order_of_a_unified_diff() {
        let old = Text::whole(b"a\nb\nc\n".to_vec());
        let new = Text::whole(b"a\nB\nC\nc\n".to_vec());
        let hunk = Hunk {
            id: HunkId(1),
            old: 1..4,
            new: 1..5,
            edits: vec![Edit { old: 2..3, new: 2..4 }],
            bytes: 0,
            function: None,
        };
        let shown: Vec<String> = hunk
            .lines(&old, &new)
            .map(|line| format!("{}{}", line.kind.sign(), String::from_utf8_lossy(line.text)))
            .collect();
        assert_eq!(shown, [" a", "-b", "+B", "+C", " c"]);
        assert_eq!(hunk.header(), "@@ -1,3 +1,4 @@");
        let last = hunk.lines(&old, &new).last().unwrap();
        assert_eq!((last.old, last.new), (Some(3), Some(4)));
    }
}
