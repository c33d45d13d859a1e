//! The function around a line, told by heads and indentation.

use std::ops::Range;

use super::{Hunk, Text};
use crate::rules::Language;

/// How far up a head is looked for, in lines; functions longer than this are rare.
const REACH: usize = 500;

/// The function around a line: its name and its lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// The name that its head gives.
    pub name: String,
    /// From its head to its last line, half open and 1-based.
    pub lines: Range<u32>,
}

/// How many lines may still be looked at: a file of many hunks and few heads would take for ever.
#[derive(Debug, Clone, Copy)]
pub struct Effort(u32);

impl Default for Effort {
    fn default() -> Self {
        Effort(500_000)
    }
}

impl Effort {
    /// Takes a line; `false` when there is none left.
    fn line(&mut self) -> bool {
        self.0 = self.0.saturating_sub(1);
        self.0 > 0
    }
}

/// The name of the function around a hunk's first changed line: on the old side where that is removed.
pub(super) fn of_hunk(
    old: &Text,
    new: &Text,
    hunk: &Hunk,
    language: &Language,
    effort: &mut Effort,
) -> Option<String> {
    let edit = hunk.edits.first()?;
    let (text, line) =
        if edit.new.is_empty() { (old, edit.old.start) } else { (new, edit.new.start) };
    head(text, line, language, effort).map(|head| head.name)
}

/// The innermost function around line `number`: the nearest head above with smaller indentation,
/// or the line itself where it is a head.
pub fn around(
    text: &Text,
    number: u32,
    language: &Language,
    effort: &mut Effort,
) -> Option<Function> {
    let head = head(text, number, language, effort)?;
    let end = end(text, head.line, head.indent, effort);
    Some(Function { name: head.name, lines: head.line..end })
}

/// The line that begins a function.
struct Head {
    name: String,
    line: u32,
    indent: usize,
}

/// The head of the innermost function around a line. The lines above are read until one tells that no
/// head further up can reach down to it.
fn head(text: &Text, number: u32, language: &Language, effort: &mut Effort) -> Option<Head> {
    let (number, _) = first_line_with_text(text, number)?;
    // A head holds the lines below it that stand deeper, and braces of its own indentation.
    let mut least = usize::MAX;
    let mut least_brace = usize::MAX;
    for (at, line) in text.upwards(number).take(REACH + 1) {
        if !effort.line() {
            return None;
        }
        // A line that stands as deep as one below it holds nothing, and rules nothing out.
        let Some(indent) = indentation(line).filter(|indent| *indent < least) else { continue };
        if indent <= least_brace
            && let Some(name) = language.function_name(line)
        {
            return Some(Head { name, line: at, indent });
        }
        match continues(line) {
            true => least_brace = least_brace.min(indent),
            false => least = least.min(indent),
        }
        if least == 0 {
            return None;
        }
    }
    None
}

/// The line itself, or where it is blank the next below with text; and its indentation.
fn first_line_with_text(text: &Text, number: u32) -> Option<(u32, usize)> {
    (number..number.saturating_add(20))
        .map_while(|at| text.line(at).map(|line| (at, indentation(line))))
        .find_map(|(at, indent)| indent.map(|indent| (at, indent)))
        .or_else(|| {
            let above = (1..=number).rev().take(20);
            let mut lines = above.filter_map(|at| Some((at, indentation(text.line(at)?)?)));
            lines.next()
        })
}

/// One past the last line of a block whose head stands at `head` with the given indentation.
fn end(text: &Text, head: u32, indent: usize, effort: &mut Effort) -> u32 {
    let mut last = head;
    for at in head + 1..=text.last_line() {
        if !effort.line() {
            break;
        }
        let Some(line) = text.line(at) else { break };
        match indentation(line) {
            None => {}
            Some(deeper) if deeper > indent => last = at,
            // The closing brace, a brace on a line of its own below the head, or `end`.
            Some(same) if same == indent && continues(line) => last = at,
            Some(_) => break,
        }
    }
    last + 1
}

fn continues(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start(), [b'}' | b'{' | b')', ..] | [b'e', b'n', b'd', ..])
}

/// Columns before the first character, a tab counted as four; `None` for a blank line.
fn indentation(line: &[u8]) -> Option<usize> {
    let mut columns = 0;
    for byte in line {
        match byte {
            b' ' => columns += 1,
            b'\t' => columns += 4,
            b'\r' => {}
            _ => return Some(columns),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Languages;

    #[track_caller]
    fn check(path: &str, source: &str, line: u32, expected: Option<(&str, Range<u32>)>) {
        let languages = Languages::built_in();
        let language = languages.of(path.into()).expect("a known language");
        let found = around(&Text::whole(source.into()), line, language, &mut Effort::default());
        let found = found.map(|function| (function.name, function.lines));
        assert_eq!(found, expected.map(|(name, lines)| (name.to_owned(), lines)));
    }

    const PYTHON: &str = "import os\n\nclass A:\n    def one(self):\n        return 1\n\n    def two(self):\n        if x:\n            y()\n        return 2\n\ndef three():\n    pass\n";

    #[test]
    fn python_methods_end_where_the_indentation_does() {
        check("a.py", PYTHON, 1, None);
        check("a.py", PYTHON, 5, Some(("one", 4..6)));
        check("a.py", PYTHON, 9, Some(("two", 7..11)));
        check("a.py", PYTHON, 13, Some(("three", 12..14)));
    }

    #[test]
    fn braces_close_a_function() {
        let go = "package a\n\nfunc (s *S) Run(ctx C) error {\n\tif x {\n\t\ty()\n\t}\n\treturn nil\n}\n\nvar z = 1\n";
        check("a.go", go, 5, Some(("Run", 3..9)));
        check("a.go", go, 8, Some(("Run", 3..9)));
        check("a.go", go, 10, None);
    }

    #[test]
    fn a_brace_below_the_head_belongs_to_the_function() {
        let c = "static int\nlogin(const char *user)\n{\n  return check(user);\n}\n";
        check("a.c", c, 4, Some(("login", 2..6)));
    }
}
