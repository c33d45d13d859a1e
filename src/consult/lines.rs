//! Bytes to lines, with a bound on what is kept.

/// Splits a stream into lines; a line over the limit is cut and the rest of it dropped.
#[derive(Debug)]
pub(super) struct Lines {
    partial: Vec<u8>,
    limit: usize,
    /// Whether a line had to be cut.
    pub(super) overflowed: bool,
}

impl Lines {
    pub(super) fn new(limit: usize) -> Self {
        Lines { partial: Vec::new(), limit, overflowed: false }
    }

    /// Adds bytes and gives the lines that they complete, without their line feeds.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut complete = Vec::new();
        for piece in bytes.split_inclusive(|&byte| byte == b'\n') {
            let (text, ends) = match piece.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (piece, false),
            };
            let room = self.limit.saturating_sub(self.partial.len());
            self.overflowed |= text.len() > room;
            self.partial.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                complete.push(self.take());
            }
        }
        complete
    }

    /// The last line, where the stream ended without a line feed.
    pub(super) fn rest(&mut self) -> Option<String> {
        (!self.partial.is_empty()).then(|| self.take())
    }

    fn take(&mut self) -> String {
        let line = String::from_utf8_lossy(&self.partial).trim_end_matches('\r').to_owned();
        self.partial.clear();
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn lines_are_the_same_however_the_bytes_arrive(text in "[ab\n]{0,60}", cut in 1usize..7) {
            let mut lines = Lines::new(100);
            let mut found: Vec<String> = text.as_bytes().chunks(cut).flat_map(|chunk| lines.push(chunk)).collect();
            found.extend(lines.rest());
            proptest::prop_assert_eq!(found, text.lines().map(str::to_owned).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_line_without_end_stays_within_the_limit() {
        let mut lines = Lines::new(4);
        assert!(lines.push(b"abcdefgh").is_empty());
        assert_eq!(lines.push(b"ij\nkl\n"), ["abcd", "kl"]);
        assert!(lines.overflowed);
    }
}
