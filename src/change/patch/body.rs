//! A hunk of a patch: its `@@` line and the lines that follow.

use bstr::{BString, ByteSlice};

use crate::change::hunk::Edit;

/// A hunk's `@@` line.
pub(super) struct Header {
    pub(super) old: Extent,
    pub(super) new: Extent,
    pub(super) heading: BString,
}

/// Lines of a side: the first, 1-based, and how many.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) start: u32,
    pub(super) count: u32,
}

/// No line number is higher than this: no file within the size limit has so many lines.
const MAX_LINES: u32 = 1 << 30;

/// The lines of a hunk while they are being read.
pub(super) struct Body {
    old_left: u32,
    new_left: u32,
    pub(super) at_old: u32,
    pub(super) at_new: u32,
    pub(super) old_text: Vec<u8>,
    pub(super) new_text: Vec<u8>,
    pub(super) edits: Vec<Edit>,
    /// Sign of the line before, which a `\ No newline at end of file` speaks of.
    last: u8,
}

impl Body {
    pub(super) fn new(old: Extent, new: Extent) -> Self {
        Body {
            old_left: old.count,
            new_left: new.count,
            at_old: old.start,
            at_new: new.start,
            old_text: Vec::new(),
            new_text: Vec::new(),
            edits: Vec::new(),
            last: b' ',
        }
    }

    pub(super) fn wants_more(&self) -> bool {
        self.old_left > 0 || self.new_left > 0
    }

    /// Takes a line, or says that it is none of a hunk.
    pub(super) fn take(&mut self, line: &[u8]) -> bool {
        let (sign, text) = match line {
            [b'\\', ..] => {
                self.no_newline();
                return true;
            }
            [sign @ (b' ' | b'+' | b'-'), text @ ..] => (*sign, text),
            // Mailers strip the blank of an empty context line.
            [b'\n'] | [b'\r', b'\n'] => (b' ', line),
            _ => return false,
        };
        let on_old = sign != b'+';
        let on_new = sign != b'-';
        if (on_old && self.old_left == 0) || (on_new && self.new_left == 0) {
            return false;
        }
        let edit =
            self.edits.last().filter(|e| e.old.end == self.at_old && e.new.end == self.at_new);
        if sign != b' ' && edit.is_none() {
            let (old, new) = (self.at_old..self.at_old, self.at_new..self.at_new);
            self.edits.push(Edit { old, new });
        }
        if on_old {
            self.old_text.extend_from_slice(text);
            self.old_left -= 1;
            self.at_old += 1;
        }
        if on_new {
            self.new_text.extend_from_slice(text);
            self.new_left -= 1;
            self.at_new += 1;
        }
        if sign != b' '
            && let Some(edit) = self.edits.last_mut()
        {
            edit.old.end = self.at_old;
            edit.new.end = self.at_new;
        }
        self.last = sign;
        true
    }

    pub(super) fn no_newline(&mut self) {
        let strip = |text: &mut Vec<u8>| {
            if text.last() == Some(&b'\n') {
                text.pop();
            }
        };
        if self.last != b'+' {
            strip(&mut self.old_text);
        }
        if self.last != b'-' {
            strip(&mut self.new_text);
        }
    }
}

/// `@@ -a,b +c,d @@ heading`: start and count of both sides; a start of an empty side is moved to
/// the line behind it, so that ranges are half open.
pub(super) fn hunk_header(line: &[u8]) -> Option<Header> {
    let rest = line.strip_prefix(b"@@ -")?;
    let end = rest.find(" @@")?;
    let (old, new) = rest[..end].split_once_str(" +")?;
    let side = |text: &[u8]| {
        let (start, count) = text.split_once_str(",").unwrap_or((text, b"1"));
        let number = |text: &[u8]| text.to_str().ok()?.parse::<u32>().ok();
        let (start, count) = (number(start)?, number(count)?);
        let start = if count == 0 { start.checked_add(1)? } else { start };
        let fits = (1..=MAX_LINES).contains(&start) && count <= MAX_LINES;
        fits.then_some(Extent { start, count })
    };
    Some(Header {
        old: side(old)?,
        new: side(new)?,
        heading: BString::from(rest[end + 3..].trim_ascii()),
    })
}
