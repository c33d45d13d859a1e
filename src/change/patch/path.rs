//! Paths as git writes them into a patch, perhaps quoted.

use bstr::{BString, ByteSlice};

/// The two paths of a `diff --git` line. They are ambiguous where a path has blanks and no quotes;
/// then both are the same, so the line is split in the middle.
pub(super) fn git_header_paths(names: &[u8]) -> (Option<BString>, Option<BString>) {
    let strip = |path: BString| -> BString {
        let cut = path.strip_prefix(b"a/").or_else(|| path.strip_prefix(b"b/"));
        cut.map_or_else(|| path.clone(), BString::from)
    };
    if names.starts_with(b"\"") {
        let end = closing_quote(names).unwrap_or(names.len());
        let second = names.get(end + 1..).unwrap_or_default().trim_ascii_start();
        return (
            Some(strip(unquote(&names[..end.min(names.len())]))),
            Some(strip(unquote(second))),
        );
    }
    let middle = names.len() / 2;
    let same = names.get(middle) == Some(&b' ')
        && names.len() > middle + 3
        && names.get(2..middle) == names.get(middle + 3..);
    let at = if same { Some(middle) } else { names.find(" b/").or_else(|| names.find(" \"")) };
    match at {
        Some(at) => {
            (Some(strip(BString::from(&names[..at]))), Some(strip(unquote(&names[at + 1..]))))
        }
        None => (Some(strip(BString::from(names))), None),
    }
}

/// One past the quote that closes the one at the start.
fn closing_quote(text: &[u8]) -> Option<usize> {
    let mut escaped = false;
    for (at, &byte) in text.iter().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The path of a `---` or `+++` line; `None` for `/dev/null`.
pub(super) fn path_of_header(text: &[u8]) -> Option<BString> {
    let text =
        if text.starts_with(b"\"") { text } else { text.split_str("\t").next().unwrap_or(text) };
    let path = unquote(text);
    if path == "/dev/null" {
        return None;
    }
    let cut = path.strip_prefix(b"a/").or_else(|| path.strip_prefix(b"b/"));
    Some(cut.map_or_else(|| path.clone(), BString::from))
}

/// Undoes git's quoting of unusual paths: `"caf\303\251"`.
pub(super) fn unquote(text: &[u8]) -> BString {
    let Some(inner) = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")) else {
        return BString::from(text);
    };
    let mut out = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'\\' {
            out.push(*first);
            continue;
        }
        let [kind, tail @ ..] = rest else { break };
        let octal =
            rest.get(..3).and_then(|digits| u8::from_str_radix(digits.to_str().ok()?, 8).ok());
        if let Some(byte) = octal {
            out.push(byte);
            rest = &rest[3..];
            continue;
        }
        out.push(match kind {
            b'a' => 7,
            b'b' => 8,
            b't' => b'\t',
            b'n' => b'\n',
            b'v' => 11,
            b'f' => 12,
            b'r' => b'\r',
            other => *other,
        });
        rest = tail;
    }
    BString::from(out)
}
