//! Lines of which is known that nothing fires in them: a large change says half of its lines more than once.

use super::lately::Lately;
use super::moved::Bare;

/// Lines that are remembered at a time, so that the memory of them fits a core's cache.
const MOST: usize = 1 << 14;

/// The same at first.
const LEAST: usize = 1 << 9;

/// The lines read lately in which nothing fires.
#[derive(Debug)]
pub(super) struct Quiet(Lately<()>);

impl Default for Quiet {
    fn default() -> Self {
        Quiet(Lately::new(LEAST, MOST))
    }
}

impl Quiet {
    /// What a line is known by to the patterns that a number stands for.
    pub(super) fn key(patterns: u64, line: &Bare<'_>) -> u64 {
        line.hash ^ line.blanks.rotate_left(16) ^ patterns
    }

    /// Whether the line of a key is one in which nothing fires.
    pub(super) fn holds(&self, key: u64) -> bool {
        self.0.get(key).is_some()
    }

    /// Remembers that nothing fires in a line.
    pub(super) fn add(&mut self, key: u64) {
        self.0.add(key, ());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_quiet_only_for_the_patterns_that_read_it() {
        let key = |patterns: u64, line: &[u8]| Quiet::key(patterns, &Bare::of(line));
        let mut quiet = Quiet::default();
        quiet.add(key(1, b"x = y\n"));
        assert!(quiet.holds(key(1, b"x = y\n")));
        for (patterns, line) in [
            (2, &b"x = y\n"[..]),
            (1, b" x = y\n"),
            (1, b"x = y"),
            (1, b"x = y \n"),
            (1, b"\nx = y\n"),
            (1, b"x = y\r\n"),
            (1, b""),
        ] {
            assert!(!quiet.holds(key(patterns, line)), "{line:?}");
        }
    }
}
