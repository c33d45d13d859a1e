//! One side of a file, as far as it is known.

use std::ops::Range;
use std::sync::Arc;

/// The lines of one side of a file.
///
/// A side read from git is known whole; a side read from a patch is known only where a hunk shows
/// it. Both answer the same questions: lines are 1-based and numbered as in the file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text {
    /// Shared with the objects that are kept for others to be built on.
    bytes: Arc<Vec<u8>>,
    /// Byte offset at which each known line starts, and one past the last.
    starts: Vec<u32>,
    /// Runs of consecutive known lines: number of the first line, and its index in `starts`.
    runs: Vec<Run>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Run {
    first_line: u32,
    first_index: usize,
}

impl Text {
    /// A side that is known from its first byte to its last.
    pub fn whole(bytes: Vec<u8>) -> Self {
        Text::shared(Arc::new(bytes))
    }

    /// The same of bytes that others hold too.
    pub(super) fn shared(bytes: Arc<Vec<u8>>) -> Self {
        let starts = line_starts(&bytes);
        let runs = vec![Run { first_line: 1, first_index: 0 }];
        Text { bytes, starts, runs }
    }

    /// A side that is known in places: each part is the number of its first line and its text.
    /// The parts must come in order and must not overlap.
    pub fn parts<'a>(parts: impl IntoIterator<Item = (u32, &'a [u8])>) -> Self {
        let (mut bytes, mut starts, mut runs) = (Vec::new(), vec![0], Vec::new());
        for (first_line, part) in parts {
            if part.is_empty() {
                continue;
            }
            if bytes.last().is_some_and(|&byte| byte != b'\n') {
                bytes.push(b'\n');
                *starts.last_mut().expect("starts is never empty") += 1;
            }
            runs.push(Run { first_line, first_index: starts.len() - 1 });
            let base = to_u32(bytes.len());
            bytes.extend_from_slice(part);
            starts.extend(line_starts(part).into_iter().skip(1).map(|start| base + start));
        }
        Text { bytes: Arc::new(bytes), starts, runs }
    }

    /// Whether nothing of this side is known, or there is nothing.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes that are held.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// All known bytes, in order.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The numbers of all known lines, in order.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.runs.iter().enumerate().flat_map(|(at, run)| {
            let count = self.run_end(at) - run.first_index;
            run.first_line..run.first_line + to_u32(count)
        })
    }

    /// The last known line's number, 0 when there is none.
    pub fn last_line(&self) -> u32 {
        self.runs
            .last()
            .map_or(0, |run| run.first_line + to_u32(self.line_total() - run.first_index) - 1)
    }

    /// One line without its line feed, if it is known.
    pub fn line(&self, number: u32) -> Option<&[u8]> {
        let index = self.index(number)?;
        let line = &self.bytes[self.start(index)..self.start(index + 1)];
        Some(without_feed(line))
    }

    /// Consecutive lines as one piece of text; `None` where one of them is not known.
    pub fn block(&self, lines: Range<u32>) -> Option<&[u8]> {
        if lines.is_empty() {
            return Some(&[]);
        }
        let (first, last) = (self.index(lines.start)?, self.index(lines.end - 1)?);
        (last - first == (lines.end - 1 - lines.start) as usize)
            .then(|| &self.bytes[self.start(first)..self.start(last + 1)])
    }

    /// Consecutive lines one by one, each with its line feed; none where one of them is not known.
    pub fn lines(&self, numbers: Range<u32>) -> impl Iterator<Item = &[u8]> {
        let first =
            if self.block(numbers.clone()).is_some() { self.index(numbers.start) } else { None };
        let starts = first.map_or(&[][..], |first| &self.starts[first..=first + numbers.len()]);
        starts.windows(2).map(|pair| &self.bytes[pair[0] as usize..pair[1] as usize])
    }

    /// A line and those above it, as far as they are known, from below, each with its number and without its line
    /// feed.
    pub(super) fn upwards(&self, number: u32) -> impl Iterator<Item = (u32, &[u8])> {
        let run = self.runs.partition_point(|run| run.first_line <= number).checked_sub(1);
        let run = run.map_or(Run { first_line: 1, first_index: 0 }, |at| self.runs[at]);
        let starts =
            self.index(number).map_or(&[][..], |at| &self.starts[run.first_index..=at + 1]);
        let lines = starts.windows(2).map(|pair| &self.bytes[pair[0] as usize..pair[1] as usize]);
        let lines = lines.map(without_feed);
        (1..=number).rev().zip(lines.rev())
    }

    /// The byte offset into [`Text::bytes`] at which a known line begins.
    pub fn offset(&self, number: u32) -> Option<usize> {
        self.index(number).map(|index| self.start(index))
    }

    /// The number of the line at a byte offset into [`Text::bytes`].
    pub fn line_at(&self, offset: usize) -> u32 {
        let after = self.starts.partition_point(|&start| start as usize <= offset);
        let index = after.saturating_sub(1).min(self.line_total().saturating_sub(1));
        let run = self.runs.partition_point(|run| run.first_index <= index);
        match run.checked_sub(1).and_then(|at| self.runs.get(at)) {
            Some(run) => run.first_line + to_u32(index - run.first_index),
            None => 1,
        }
    }

    /// The length of the longest known line, in bytes with its line feed.
    pub fn longest_line(&self) -> u32 {
        self.starts.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0)
    }

    /// Whether the last known line ends in a line feed. An empty side counts as ended.
    pub fn ends_in_newline(&self) -> bool {
        self.bytes.last().is_none_or(|&byte| byte == b'\n')
    }

    /// The byte offset at which a known line starts, by its index.
    fn start(&self, index: usize) -> usize {
        self.starts[index] as usize
    }

    fn line_total(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    fn run_end(&self, at: usize) -> usize {
        self.runs.get(at + 1).map_or_else(|| self.line_total(), |next| next.first_index)
    }

    fn index(&self, number: u32) -> Option<usize> {
        let at = self.runs.partition_point(|run| run.first_line <= number).checked_sub(1)?;
        let run = self.runs[at];
        let index = run.first_index + (number - run.first_line) as usize;
        (index < self.run_end(at)).then_some(index)
    }
}

/// A line without its line feed.
pub(crate) fn without_feed(line: &[u8]) -> &[u8] {
    if let [text @ .., b'\n'] = line { text } else { line }
}

/// Where each line starts, and the length as the last entry.
fn line_starts(bytes: &[u8]) -> Vec<u32> {
    let mut starts = Vec::with_capacity(bytes.len() / 32 + 2);
    starts.push(0);
    // Lines are short: it is quicker to look at eight bytes for all that end there than for each end in turn.
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let mut feeds = line_feeds(u64::from_le_bytes(*word));
        while feeds != 0 {
            starts.push(to_u32(8 * at + 1) + feeds.trailing_zeros() / 8);
            feeds &= feeds - 1;
        }
    }
    let feeds =
        memchr::memchr_iter(b'\n', rest).map(|at| to_u32(bytes.len() - rest.len() + at + 1));
    starts.extend(feeds);
    if starts.last() != Some(&to_u32(bytes.len())) {
        starts.push(to_u32(bytes.len()));
    }
    starts
}

/// The highest bit of each of eight bytes that is a line feed.
fn line_feeds(word: u64) -> u64 {
    const LOW: u64 = 0x7f7f_7f7f_7f7f_7f7f;
    let other = word ^ 0x0a0a_0a0a_0a0a_0a0a;
    // Adding carries into the highest bit of a byte unless its lower bits are all zero, and never further.
    !(((other & LOW) + LOW) | other | LOW)
}

/// Counts of bytes and lines fit `u32`: a side is bounded to far less than 4 GiB before it is read.
pub(super) fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_side_knows_each_line() {
        let text = Text::whole(b"a\nb\nc".to_vec());
        assert_eq!(text.line(1), Some(&b"a"[..]));
        assert_eq!(text.line(3), Some(&b"c"[..]));
        assert_eq!(text.line(4), None);
        assert_eq!(text.line(0), None);
        assert_eq!(text.block(2..4), Some(&b"b\nc"[..]));
        assert_eq!(text.last_line(), 3);
        assert!(!text.ends_in_newline());
    }

    #[test]
    fn lines_begin_behind_each_line_feed() {
        let bytes: Vec<u8> =
            (0..=255).chain([b'\n', b'\n', 0x8a, b'\n']).cycle().take(1_003).collect();
        let feeds = (1..).zip(&bytes).filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
        let expected: Vec<u32> = [0].into_iter().chain(feeds).chain([1_003]).collect();
        assert_eq!(line_starts(&bytes), expected);
    }

    #[test]
    fn an_empty_side_has_no_line() {
        let text = Text::whole(Vec::new());
        assert_eq!((text.line(1), text.last_line()), (None, 0));
        assert_eq!(text.numbers().count(), 0);
    }

    #[test]
    fn a_side_in_parts_knows_only_what_was_shown() {
        let text = Text::parts([(3, &b"c\nd\n"[..]), (10, &b"j\n"[..])]);
        assert_eq!(text.line(4), Some(&b"d"[..]));
        assert_eq!((text.line(5), text.line(2)), (None, None));
        assert_eq!(text.line(10), Some(&b"j"[..]));
        assert_eq!(text.block(4..11), None);
        assert_eq!(text.numbers().collect::<Vec<_>>(), [3, 4, 10]);
        assert_eq!(text.line_at(0), 3);
        assert_eq!(text.line_at(4), 10);
    }
}
