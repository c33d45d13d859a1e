//! Which lines of a file are part of a private key.

use std::ops::Range;

use bstr::ByteSlice;

use crate::change::Text;

/// How the line that ends a block begins.
pub(super) const END: &str = "-----END ";

/// Lines within private keys: all behind a `BEGIN` line up to the `END` line, that one included.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyLines {
    ranges: Vec<Range<u32>>,
}

impl KeyLines {
    /// The lines of a side. Where a side is known in places, a place whose first mark is an `END` is
    /// taken to begin within a key.
    pub fn of(text: &Text) -> KeyLines {
        let mut keys = KeyLines::default();
        if !text.bytes().contains_str("PRIVATE KEY") {
            return keys;
        }
        let mut open: Option<u32> = None;
        let mut run: Option<Range<u32>> = None;
        for number in text.numbers() {
            let first_of_run = run.as_ref().is_none_or(|run| run.end != number);
            if first_of_run {
                keys.close(&mut open, run.as_ref().map_or(number, |run| run.end));
                run = Some(number..number);
            }
            let known = run.get_or_insert(number..number);
            known.end = number + 1;
            let line = text.line(number).unwrap_or_default();
            if !line.contains_str("PRIVATE KEY") {
                continue;
            }
            match (line.rfind("-----BEGIN "), line.rfind(END)) {
                (Some(begin), end) if end.is_none_or(|end| end < begin) => {
                    open = Some(number + 1);
                }
                (begin, Some(_)) => {
                    // Without a beginning in sight the key reaches in from above.
                    let untold = keys.ranges.last().is_none_or(|last| last.end <= known.start);
                    if begin.is_none() && open.is_none() && untold {
                        open = Some(known.start);
                    }
                    keys.close(&mut open, number + 1);
                }
                _ => {}
            }
        }
        keys.close(&mut open, run.map_or(0, |run| run.end));
        keys
    }

    /// Whether a line begins within a key.
    pub fn contains(&self, line: u32) -> bool {
        self.ranges.iter().any(|range| range.contains(&line))
    }

    fn close(&mut self, open: &mut Option<u32>, end: u32) {
        if let Some(start) = open.take()
            && start < end
        {
            self.ranges.push(start..end);
        }
    }
}

/// Where the text of a private key begins in a line that opens one.
pub(super) fn begin(line: &str) -> Option<usize> {
    let mut from = 0;
    while let Some(at) = line[from..].find("-----BEGIN ") {
        let name = from + at + "-----BEGIN ".len();
        let end = name + line[name..].find("-----")?;
        if line[name..end].contains("PRIVATE KEY") {
            return Some(end + "-----".len());
        }
        from = name;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(text: &str) -> String {
        text.replace("BEGIN", &format!("-----BEGIN {}-----", "PRIVATE KEY"))
            .replace("END", &format!("-----END {}-----", "PRIVATE KEY"))
    }

    fn shown(text: &Text) -> String {
        let ranges = KeyLines::of(text).ranges;
        ranges.iter().map(|range| format!("{range:?}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_key_is_known_wherever_a_hunk_begins() {
        let text = Text::whole(block("a\nBEGIN\nx\ny\nEND\nb\nBEGIN\nz\nEND\n").into());
        assert_eq!(shown(&text), "3..6 8..10");
    }

    #[test]
    fn a_key_that_reaches_into_a_patch_is_known_by_its_end() {
        let part = block("x\ny\nEND\nb\n");
        let text = Text::parts([(40, part.as_bytes()), (90, &b"c\n"[..])]);
        assert_eq!(shown(&text), "40..43");
        let open = block("BEGIN\nx\n");
        assert_eq!(shown(&Text::parts([(5, open.as_bytes()), (9, &b"d\n"[..])])), "6..7");
    }
}
