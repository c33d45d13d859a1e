//! A packed hunk as text: a heading, then each line with its numbers and its sign.
//!
//! Every line of the change stands behind a gutter of our own, so none of them can look like a
//! heading or like the fence around the packet.

use std::fmt;

use super::PackedHunk;
use crate::change::Status;

impl fmt::Display for PackedHunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "### {} | {}", self.label, self.path)?;
        match (&self.old_path, self.status) {
            (Some(old), _) => write!(f, " | renamed from {old}")?,
            (None, Status::Added) => f.write_str(" | new file")?,
            (None, Status::Deleted) => f.write_str(" | deleted file")?,
            (None, _) => {}
        }
        if let Some(function) = &self.function {
            write!(f, " | in {function}")?;
        }
        writeln!(f, "\n{}", self.header)?;
        let width = self.lines.iter().flat_map(|line| [line.old, line.new]).flatten().max();
        let width = width.unwrap_or(1).to_string().len();
        for line in &self.lines {
            let number =
                |number: Option<u32>| number.map(|number| number.to_string()).unwrap_or_default();
            let gutter = format!(
                "{:>width$} {:>width$} {}",
                number(line.old),
                number(line.new),
                line.kind.sign()
            );
            writeln!(f, "{gutter}|{}", line.text)?;
        }
        Ok(())
    }
}
