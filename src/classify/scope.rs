//! The lines that a line stands under: heads of functions, classes, lists and conditions around it.

use crate::change::Text;

/// How far up is looked, in lines.
const REACH: u32 = 400;

/// So many lines around are enough, the innermost ones.
const MAX_LINES: usize = 8;

/// The lines above a line that stand less deep, each less than the one before, the innermost first.
pub(super) fn around(text: &Text, number: u32) -> Vec<&[u8]> {
    numbered(text, number).into_iter().map(|(_, line)| line).collect()
}

/// The same with their numbers.
pub(super) fn numbered(text: &Text, number: u32) -> Vec<(u32, &[u8])> {
    let mut found = Vec::new();
    let below = number..number.saturating_add(6);
    let Some(mut depth) = below.filter_map(|at| text.line(at)).find_map(depth) else {
        return found;
    };
    for at in (number.saturating_sub(REACH).max(1)..number).rev() {
        if depth == 0 || found.len() == MAX_LINES {
            break;
        }
        let Some(line) = text.line(at) else { break };
        let Some(here) = self::depth(line) else { continue };
        let line = line.trim_ascii();
        if here >= depth || says_nothing(line) {
            continue;
        }
        // A brace on a line of its own belongs to the head above it.
        if line == b"{" {
            depth = here + 1;
        } else {
            found.push((at, line));
            depth = here;
        }
    }
    found
}

/// Whether a line is no head wherever it stands: a closing bracket, a comment, a label, a directive.
fn says_nothing(line: &[u8]) -> bool {
    let label = || {
        let name = line.strip_suffix(b":");
        name.is_some_and(|name| {
            name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_') && name != b"else"
        })
    };
    matches!(line.first(), Some(b'#' | b'}' | b')' | b']' | b'*'))
        || line.starts_with(b"//")
        || line.starts_with(b"/*")
        || label()
}

/// Columns before the first character, a tab counted as four; nothing for a blank line.
fn depth(line: &[u8]) -> Option<usize> {
    let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t'));
    let columns = blanks.map(|byte| if *byte == b'\t' { 4 } else { 1 }).sum();
    (!line.trim_ascii().is_empty()).then_some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stands_under_its_list_its_function_and_its_class() {
        let source =
            "class A:\n    unsafe_options = [\n        '--exec',\n        '--config',\n    ]\n";
        let text = Text::whole(source.into());
        assert_eq!(around(&text, 4), [&b"unsafe_options = ["[..], b"class A:"]);
        let c = "static int\nlogin(char *user)\n{\n#ifdef X\n  if(user)\nout:\n    return 1;\n}\n";
        assert_eq!(around(&Text::whole(c.into()), 7), [&b"if(user)"[..], b"login(char *user)"]);
    }
}
