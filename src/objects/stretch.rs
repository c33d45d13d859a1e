//! Stretches of a file, read once for whatever is asked of them.
//!
//! Nothing is mapped here: what is mapped counts as memory that the scan takes, and a file that another program cuts
//! short meanwhile would end this one.

use std::fs::File;
use std::io;
use std::ops::RangeInclusive;

/// A file, and the number by which it is told from others.
pub(super) struct Numbered {
    pub(super) number: usize,
    pub(super) file: File,
}

/// What was read last of some files.
pub(super) struct Stretches {
    kept: Vec<Stretch>,
    /// The one that is given up next.
    oldest: usize,
    /// So many bytes before the place that is asked for are read too, as neighbours are asked for in either order …
    before: usize,
    /// … and from that place on so many, at least.
    least: usize,
}

struct Stretch {
    /// The number of the file.
    number: usize,
    /// Where it begins in that, in bytes.
    from: u64,
    bytes: Vec<u8>,
}

impl Stretches {
    /// So many at most, of which each will begin so many bytes before the place that is asked for, and reach so many
    /// bytes beyond it, at least.
    pub(super) fn new(count: usize, before: usize, least: usize) -> Stretches {
        let nothing = || Stretch { number: 0, from: 0, bytes: Vec::new() };
        let kept = std::iter::repeat_with(nothing).take(count).collect();
        Stretches { kept, oldest: 0, before, least }
    }

    /// From a place in a file as many bytes of those that are wanted as are at hand, or fewer at its end. Where fewer
    /// are at hand than are needed, it is read.
    pub(super) fn some(
        &mut self,
        file: &Numbered,
        at: u64,
        wanted: RangeInclusive<usize>,
    ) -> io::Result<&[u8]> {
        let (needed, wanted) = wanted.into_inner();
        let place = |stretch: &Stretch| {
            let skip = usize::try_from(at.checked_sub(stretch.from)?).ok()?;
            let held = stretch.bytes.len().checked_sub(skip)?;
            (stretch.number == file.number && held >= needed).then_some(skip)
        };
        let held = self.kept.iter().enumerate().find_map(|(nth, it)| Some((nth, place(it)?)));
        let (nth, skip) = match held {
            Some(held) => held,
            None => self.read(file, at, wanted)?,
        };
        let bytes = &self.kept[nth].bytes;
        let behind = bytes.get(skip..).unwrap_or_default();
        Ok(&behind[..behind.len().min(wanted)])
    }

    /// So many bytes from a place in a file.
    ///
    /// # Errors
    /// When there are fewer.
    pub(super) fn exactly(&mut self, file: &Numbered, at: u64, length: usize) -> io::Result<&[u8]> {
        let bytes = self.some(file, at, length..=length)?;
        if bytes.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }

    /// Reads a stretch in the place of the oldest, and gives its number and where in it the place is.
    fn read(&mut self, file: &Numbered, at: u64, wanted: usize) -> io::Result<(usize, usize)> {
        let nth = self.oldest;
        let stretch = &mut self.kept[nth];
        let before = usize::try_from(at).map_or(self.before, |at| self.before.min(at));
        (stretch.number, stretch.from) = (file.number, at - before as u64);
        stretch.bytes.resize(before + wanted.max(self.least), 0);
        let read = fill(&file.file, stretch.from, &mut stretch.bytes);
        stretch.bytes.truncate(*read.as_ref().unwrap_or(&0));
        self.oldest = (nth + 1) % self.kept.len();
        read.map(|_| (nth, before))
    }
}

/// Reads from a place in a file until there is no more room, or no more to be read; how many bytes that were.
fn fill(file: &File, at: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < into.len() {
        match part(file, at + read as u64, &mut into[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

#[cfg(unix)]
fn part(file: &File, at: u64, into: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

/// There is no reading at a place that leaves the place of the file alone, but nobody asks for that one.
#[cfg(windows)]
fn part(file: &File, at: u64, into: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, at)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A file of ten digits, which become letters once it is open.
    struct Digits(tempfile::TempDir);

    impl Digits {
        fn open() -> (Digits, Numbered) {
            let digits = Digits(tempfile::tempdir().unwrap());
            digits.write("0123456789");
            let file = File::open(digits.0.path().join("a")).unwrap();
            (digits, Numbered { number: 0, file })
        }

        fn write(&self, text: &str) {
            fs::write(self.0.path().join("a"), text).unwrap();
        }
    }

    #[test]
    fn what_was_read_is_not_read_again() {
        let (digits, file) = Digits::open();
        let other = Numbered { number: 1, file: file.file.try_clone().unwrap() };
        let mut stretches = Stretches::new(2, 0, 4);
        assert_eq!(stretches.some(&file, 2, 1..=1).unwrap(), b"2");
        digits.write("abcdefghij");
        assert_eq!(stretches.some(&file, 3, 3..=3).unwrap(), b"345");
        assert_eq!(stretches.some(&file, 4, 1..=9).unwrap(), b"45");
        // Another file, a place before, more than is at hand.
        assert_eq!(stretches.some(&other, 3, 3..=3).unwrap(), b"def");
        assert_eq!(stretches.some(&file, 5, 1..=1).unwrap(), b"5");
        assert_eq!(stretches.some(&file, 0, 1..=1).unwrap(), b"a");
        assert_eq!(stretches.some(&file, 5, 1..=1).unwrap(), b"f");
        assert_eq!(stretches.some(&file, 6, 4..=4).unwrap(), b"ghij");
    }

    #[test]
    fn what_stands_before_is_read_too() {
        let (digits, file) = Digits::open();
        let mut stretches = Stretches::new(1, 3, 2);
        assert_eq!(stretches.some(&file, 5, 1..=1).unwrap(), b"5");
        digits.write("abcdefghij");
        assert_eq!(stretches.some(&file, 2, 1..=9).unwrap(), b"23456");
        assert_eq!(stretches.some(&file, 1, 1..=1).unwrap(), b"b");
        assert_eq!(stretches.some(&file, 0, 3..=3).unwrap(), b"abc");
    }

    #[test]
    fn a_file_ends_where_it_ends() {
        let (_digits, file) = Digits::open();
        let mut stretches = Stretches::new(1, 3, 4);
        assert_eq!(stretches.some(&file, 8, 4..=4).unwrap(), b"89");
        assert_eq!(stretches.some(&file, 20, 1..=4).unwrap(), b"");
        assert!(stretches.exactly(&file, 8, 4).is_err());
        assert_eq!(stretches.exactly(&file, 8, 2).unwrap(), b"89");
        let behind = stretches.some(&file, u64::MAX, 4..=4);
        assert!(behind.map_or(true, <[u8]>::is_empty));
    }
}
