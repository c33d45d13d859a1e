//! A stretch of a file, read once for whatever is asked of it.
//!
//! No file of the repository is mapped: what is mapped counts as memory that the scan takes, and a file that another
//! program cuts short meanwhile would end this one.

use std::fs::File;
use std::io;

/// What was read last of a file.
pub(super) struct Stretch {
    /// The number by which the caller knows the file.
    file: usize,
    /// Where it begins in that, in bytes.
    from: u64,
    bytes: Vec<u8>,
    /// What is read at once, at least, in bytes.
    least: usize,
}

impl Stretch {
    /// Nothing yet; so many bytes will be read at once, at least.
    pub(super) fn of_at_least(least: usize) -> Stretch {
        Stretch { file: 0, from: 0, bytes: Vec::new(), least }
    }

    /// So many bytes from a place in a file, or up to its end.
    pub(super) fn upto(
        &mut self,
        (number, file): (usize, &File),
        at: u64,
        length: usize,
    ) -> io::Result<&[u8]> {
        let skip = at.checked_sub(self.from).and_then(|skip| usize::try_from(skip).ok());
        let held = |skip: &usize| skip.saturating_add(length) <= self.bytes.len();
        let skip = match skip.filter(|skip| self.file == number && held(skip)) {
            Some(skip) => skip,
            None => {
                (self.file, self.from) = (number, at);
                self.bytes.resize(length.max(self.least), 0);
                let read = fill(file, at, &mut self.bytes);
                self.bytes.truncate(*read.as_ref().unwrap_or(&0));
                read?;
                0
            }
        };
        let end = self.bytes.len().min(skip + length);
        Ok(&self.bytes[skip..end])
    }

    /// So many bytes from a place in a file.
    ///
    /// # Errors
    /// When there are fewer.
    pub(super) fn exactly(
        &mut self,
        file: (usize, &File),
        at: u64,
        length: usize,
    ) -> io::Result<&[u8]> {
        let bytes = self.upto(file, at, length)?;
        if bytes.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(bytes)
    }
}

/// Reads from a place in a file until there is no more room, or no more to be read; how many bytes that were.
fn fill(file: &File, at: u64, into: &mut [u8]) -> io::Result<usize> {
    let mut read = 0;
    while read < into.len() {
        match some(file, at + read as u64, &mut into[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(read)
}

#[cfg(unix)]
fn some(file: &File, at: u64, into: &mut [u8]) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, into, at)
}

/// There is no reading at a place that leaves the place of the file alone, but nobody asks for that one.
#[cfg(windows)]
fn some(file: &File, at: u64, into: &mut [u8]) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, into, at)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_was_read_is_not_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "0123456789").unwrap();
        let (file, mut stretch) = (File::open(&path).unwrap(), Stretch::of_at_least(4));
        assert_eq!(stretch.upto((0, &file), 2, 1).unwrap(), b"2");
        fs::write(&path, "abcdefghij").unwrap();
        assert_eq!(stretch.upto((0, &file), 3, 3).unwrap(), b"345");
        assert_eq!(stretch.upto((1, &file), 3, 3).unwrap(), b"def");
        assert_eq!(stretch.upto((1, &file), 2, 3).unwrap(), b"cde");
    }

    #[test]
    fn a_file_ends_where_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        fs::write(&path, "0123456789").unwrap();
        let (file, mut stretch) = (File::open(&path).unwrap(), Stretch::of_at_least(4));
        assert_eq!(stretch.upto((0, &file), 8, 4).unwrap(), b"89");
        assert_eq!(stretch.upto((0, &file), 20, 4).unwrap(), b"");
        assert!(stretch.exactly((0, &file), 8, 4).is_err());
        assert_eq!(stretch.exactly((0, &file), 8, 2).unwrap(), b"89");
        assert!(stretch.upto((0, &file), u64::MAX, 4).map_or(true, <[u8]>::is_empty));
    }
}
