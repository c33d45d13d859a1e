//! Lines of which is known that nothing fires in them: a large change says half of its lines more than once.

use std::hash::BuildHasher;

use super::moved::SEED;

/// Lines that are remembered at a time, so that the memory of them fits a core's cache.
const MOST: usize = 1 << 14;

/// The same at first: a small change says little twice.
const LEAST: usize = 1 << 9;

/// What the lines read lately were found to be.
#[derive(Debug)]
pub(super) struct Quiet {
    lines: Vec<Known>,
    /// How many have been added.
    added: usize,
}

/// A line in which nothing fires.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Known {
    /// What the line is known by; 0 stands for no line.
    key: u64,
    /// What stands for it in whatever file, if anything ([`super::moved::bare`]).
    pub(super) told: Option<u32>,
}

impl Default for Quiet {
    fn default() -> Self {
        Quiet { lines: vec![Known::default(); LEAST], added: 0 }
    }
}

impl Quiet {
    /// What a line is known by to the patterns that a number stands for. Two lines are taken for one another by
    /// accident once in 2^63 times, and never on purpose.
    pub(super) fn key(patterns: u64, line: &[u8]) -> u64 {
        (SEED.hash_one(line) ^ patterns) | 1
    }

    /// The line of a key, if nothing fires in it.
    pub(super) fn get(&self, key: u64) -> Option<Known> {
        Some(self.lines[self.place(key)]).filter(|known| known.key == key)
    }

    /// Remembers that nothing fires in a line.
    pub(super) fn add(&mut self, key: u64, told: Option<u32>) {
        self.added += 1;
        if self.added == self.lines.len() && self.added < MOST {
            // What was known is found again where it is said again.
            self.lines = vec![Known::default(); MOST];
        }
        let place = self.place(key);
        self.lines[place] = Known { key, told };
    }

    /// By the upper bits, since the lowest is always set; the number of places is a power of two.
    fn place(&self, key: u64) -> usize {
        (key >> 40) as usize & (self.lines.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_quiet_only_for_the_patterns_that_read_it() {
        let mut quiet = Quiet::default();
        quiet.add(Quiet::key(1, b"x = y\n"), Some(7));
        assert_eq!(quiet.get(Quiet::key(1, b"x = y\n")).map(|known| known.told), Some(Some(7)));
        assert!(quiet.get(Quiet::key(2, b"x = y\n")).is_none());
        assert!(quiet.get(Quiet::key(1, b" x = y\n")).is_none());
        assert!(quiet.get(Quiet::key(1, b"")).is_none());
    }
}
