//! A unified diff from a file or from stdin, read into the same values as two trees.

use bstr::{BString, ByteSlice};
use thiserror::Error;

use super::hunk::{Edit, Hunk, HunkId};
use super::{File, Skip, Status, Text};
use super::{diff, function, skip, window};
use crate::config::Select;
use crate::rules::Languages;

/// Why a text could not be read as a patch. Line numbers are 1-based lines of the patch.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PatchError {
    /// Text without a single file header.
    #[error(
        "this is no patch: it has no `diff --git` and no `---`/`+++` header; `git diff` writes one"
    )]
    NotAPatch,
    /// A hunk header that cannot be read, or that contradicts the ones before.
    #[error("line {line} of the patch is no valid hunk header: `{text}`")]
    Header {
        /// Line of the patch.
        line: usize,
        /// The line itself, made visible.
        text: String,
    },
    /// A line within a hunk that begins with none of ` `, `+`, `-`, `\`.
    #[error(
        "line {line} of the patch is no line of a hunk, though its header promises more: `{text}`"
    )]
    Body {
        /// Line of the patch.
        line: usize,
        /// The line itself, made visible.
        text: String,
    },
    /// The patch ends before the lines that its last header promises.
    #[error("the patch is cut off: its last hunk header promises more lines")]
    CutOff,
    /// A merge's combined diff, which has more than two sides.
    #[error(
        "line {line} of the patch begins a combined diff of a merge; write it with `git diff A B`"
    )]
    Combined {
        /// Line of the patch.
        line: usize,
    },
}

/// Reads all files of a patch. Text before a file header (a mail's head, say) is passed over;
/// an empty patch is an empty change.
pub(super) fn read(
    bytes: &[u8],
    select: &Select,
    languages: &Languages,
) -> Result<Vec<File>, PatchError> {
    let mut reader = Reader { lines: bytes.lines_with_terminator().collect(), at: 0 };
    let mut files = Vec::new();
    while let Some(draft) = reader.next_file()? {
        files.push(draft.finish(select, languages));
    }
    if files.is_empty() && !bytes.trim_ascii().is_empty() {
        return Err(PatchError::NotAPatch);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

/// A file as its headers and hunks describe it.
#[derive(Default)]
struct Draft {
    old_path: Option<BString>,
    new_path: Option<BString>,
    added: bool,
    deleted: bool,
    renamed: bool,
    binary: bool,
    submodule: bool,
    old: Vec<(u32, Vec<u8>)>,
    new: Vec<(u32, Vec<u8>)>,
    hunks: Vec<(Hunk, BString)>,
}

/// A hunk's `@@` line.
struct Header {
    old: Extent,
    new: Extent,
    heading: BString,
}

/// Lines of a side: the first, 1-based, and how many.
#[derive(Clone, Copy)]
struct Extent {
    start: u32,
    count: u32,
}

/// No line number is higher than this: no file within the size limit has so many lines.
const MAX_LINES: u32 = 1 << 30;

struct Reader<'a> {
    lines: Vec<&'a [u8]>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a [u8]> {
        self.lines.get(self.at).copied()
    }

    /// The next file, from its header to its last hunk.
    fn next_file(&mut self) -> Result<Option<Draft>, PatchError> {
        loop {
            let Some(line) = self.peek() else {
                return Ok(None);
            };
            if line.starts_with(b"diff --cc ") || line.starts_with(b"diff --combined ") {
                return Err(PatchError::Combined { line: self.at + 1 });
            }
            if line.starts_with(b"diff --git ") || self.at_plain_header() {
                break;
            }
            self.at += 1;
        }
        let mut draft = Draft::default();
        if let Some(names) = self.peek().and_then(|line| line.strip_prefix(b"diff --git ")) {
            self.at += 1;
            (draft.old_path, draft.new_path) = git_header_paths(chomp(names));
            self.extended_headers(&mut draft);
        }
        if self.at_plain_header() {
            let header = |line: &[u8]| path_of_header(&chomp(line)[4..]);
            let (old, new) = (header(self.lines[self.at]), header(self.lines[self.at + 1]));
            draft.added |= old.is_none();
            draft.deleted |= new.is_none();
            draft.old_path = old.or(draft.old_path);
            draft.new_path = new.or(draft.new_path);
            self.at += 2;
            while self.peek().is_some_and(|line| line.starts_with(b"@@ ")) {
                self.hunk(&mut draft)?;
            }
        }
        Ok(Some(draft))
    }

    fn at_plain_header(&self) -> bool {
        let next = self.lines.get(self.at + 1);
        self.peek().is_some_and(|line| line.starts_with(b"--- "))
            && next.is_some_and(|line| line.starts_with(b"+++ "))
    }

    fn extended_headers(&mut self, draft: &mut Draft) {
        while let Some(line) = self.peek() {
            let line = chomp(line);
            if let Some(mode) = line.strip_prefix(b"new file mode ") {
                draft.added = true;
                draft.submodule |= mode == b"160000";
            } else if let Some(mode) = line.strip_prefix(b"deleted file mode ") {
                draft.deleted = true;
                draft.submodule |= mode == b"160000";
            } else if let Some(path) = line.strip_prefix(b"rename from ") {
                draft.renamed = true;
                draft.old_path = Some(unquote(path));
            } else if let Some(path) = line.strip_prefix(b"rename to ") {
                draft.new_path = Some(unquote(path));
            } else if line.starts_with(b"Binary files ") || line == b"GIT binary patch" {
                draft.binary = true;
            } else if let Some(ids) = line.strip_prefix(b"index ") {
                draft.submodule |= ids.ends_with(b" 160000");
            } else if !is_extended_header(line) {
                return;
            }
            self.at += 1;
        }
    }

    fn hunk(&mut self, draft: &mut Draft) -> Result<(), PatchError> {
        let header = self.lines[self.at];
        let bad = || PatchError::Header { line: self.at + 1, text: shown(header) };
        let Header { old, new, heading } = hunk_header(chomp(header)).ok_or_else(bad)?;
        let follows = |parts: &[(u32, Vec<u8>)], hunks: &[(Hunk, BString)], start, on_old: bool| {
            let end = hunks
                .last()
                .map_or(0, |(hunk, _)| if on_old { hunk.old.end } else { hunk.new.end });
            parts.is_empty() || start >= end
        };
        if !follows(&draft.old, &draft.hunks, old.start, true)
            || !follows(&draft.new, &draft.hunks, new.start, false)
        {
            return Err(bad());
        }
        self.at += 1;
        let mut body = Body::new(old, new);
        while body.wants_more() {
            let Some(line) = self.peek() else {
                return Err(PatchError::CutOff);
            };
            let taken = body.take(line);
            if !taken {
                return Err(PatchError::Body { line: self.at + 1, text: shown(line) });
            }
            self.at += 1;
        }
        while self.peek().is_some_and(|line| line.starts_with(b"\\")) {
            body.no_newline();
            self.at += 1;
        }
        draft.old.push((old.start, body.old_text));
        draft.new.push((new.start, body.new_text));
        let hunk = Hunk {
            id: HunkId::default(),
            old: old.start..body.at_old,
            new: new.start..body.at_new,
            edits: body.edits,
            function: None,
        };
        draft.hunks.push((hunk, heading));
        Ok(())
    }
}

/// The lines of a hunk while they are being read.
struct Body {
    old_left: u32,
    new_left: u32,
    at_old: u32,
    at_new: u32,
    old_text: Vec<u8>,
    new_text: Vec<u8>,
    edits: Vec<Edit>,
    /// Sign of the line before, which a `\ No newline at end of file` speaks of.
    last: u8,
}

impl Body {
    fn new(old: Extent, new: Extent) -> Self {
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

    fn wants_more(&self) -> bool {
        self.old_left > 0 || self.new_left > 0
    }

    /// Takes a line, or says that it is none of a hunk.
    fn take(&mut self, line: &[u8]) -> bool {
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

    fn no_newline(&mut self) {
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

impl Draft {
    fn finish(self, select: &Select, languages: &Languages) -> File {
        let renamed = self.renamed;
        let status = match (self.submodule, self.binary, self.added, self.deleted) {
            (true, ..) => Status::Submodule,
            (_, true, ..) => Status::Binary,
            (.., true, _) => Status::Added,
            (.., true) => Status::Deleted,
            _ if renamed => Status::Renamed,
            _ if self.hunks.is_empty() => Status::Mode,
            _ => Status::Modified,
        };
        let path = if self.deleted {
            self.old_path.clone()
        } else {
            self.new_path.or(self.old_path.clone())
        };
        let mut file = File::named(path.unwrap_or_default(), status);
        file.old_path = self.old_path.filter(|_| renamed);
        if self.binary {
            file.skipped = Some(Skip::Binary);
        }
        if self.submodule || self.binary {
            return file;
        }
        let whole = |parts: &[(u32, Vec<u8>)]| {
            Text::parts(parts.iter().map(|(at, text)| (*at, text.as_slice())))
        };
        (file.old, file.new) = (whole(&self.old), whole(&self.new));
        let headings: Vec<BString> =
            self.hunks.iter().map(|(_, heading)| heading.clone()).collect();
        let hunks: Vec<Hunk> = self.hunks.into_iter().map(|(hunk, _)| hunk).collect();
        file.diff_bytes = hunks.iter().map(|hunk| diff::bytes(hunk, &file.old, &file.new)).sum();
        let text = if self.deleted { &file.old } else { &file.new };
        let path = file.path.as_ref();
        file.skipped = skip::by_path(path, select).or_else(|| skip::by_text(path, text, select));
        if file.skipped.is_some() {
            (file.old, file.new) = (Text::default(), Text::default());
            return file;
        }
        for (hunk, heading) in hunks.into_iter().zip(headings) {
            let windows = window::cut(vec![hunk], &file.old, &file.new, select.context_lines);
            for mut hunk in windows {
                hunk.function = name_function(&file, &hunk, heading.as_ref(), languages);
                file.hunks.push(hunk);
            }
        }
        file
    }
}

/// The function's name as far as the shown lines tell it, else what the hunk header says.
fn name_function(
    file: &File,
    hunk: &Hunk,
    heading: &[u8],
    languages: &Languages,
) -> Option<String> {
    let language = languages.of(file.path.as_ref());
    let shown = language.zip(hunk.edits.first()).and_then(|(language, edit)| {
        let around = if edit.new.is_empty() {
            function::around(&file.old, edit.old.start, language)
        } else {
            function::around(&file.new, edit.new.start, language)
        };
        around.map(|function| function.name)
    });
    let heading_name = || language.and_then(|language| language.function_name(heading));
    shown.or_else(heading_name)
}

fn is_extended_header(line: &[u8]) -> bool {
    [
        "old mode ",
        "new mode ",
        "similarity index ",
        "dissimilarity index ",
        "copy from ",
        "copy to ",
    ]
    .iter()
    .any(|prefix| line.starts_with(prefix.as_bytes()))
}

/// `@@ -a,b +c,d @@ heading`: start and count of both sides; a start of an empty side is moved to
/// the line behind it, so that ranges are half open.
fn hunk_header(line: &[u8]) -> Option<Header> {
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

/// The two paths of a `diff --git` line. They are ambiguous where a path has blanks and no quotes;
/// then both are the same, so the line is split in the middle.
fn git_header_paths(names: &[u8]) -> (Option<BString>, Option<BString>) {
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
fn path_of_header(text: &[u8]) -> Option<BString> {
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
fn unquote(text: &[u8]) -> BString {
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

fn chomp(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

fn shown(line: &[u8]) -> String {
    let line = chomp(line);
    crate::visible::line(&line[..line.len().min(80)]).into_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<File>, PatchError> {
        read(text.as_bytes(), &Select::default(), Languages::built_in())
    }

    #[track_caller]
    fn check(text: &str, expected: &[(&str, Status, &[&str])]) {
        let files = parse(text).unwrap();
        let found: Vec<_> = files
            .iter()
            .map(|file| {
                let headers: Vec<String> = file.hunks.iter().map(Hunk::header).collect();
                (file.path.to_string(), file.status, headers)
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(path, status, headers)| {
                (
                    (*path).to_owned(),
                    *status,
                    headers.iter().map(|&h| h.to_owned()).collect::<Vec<_>>(),
                )
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_git_diff_becomes_files_and_hunks() {
        let text = "diff --git a/x.py b/x.py\nindex 1..2 100644\n--- a/x.py\n+++ b/x.py\n@@ -1,3 +1,3 @@ def f():\n a\n-b\n+B\n c\n@@ -9 +9,2 @@\n-i\n+I\n+J\ndiff --git a/y b/y\nnew file mode 100644\n--- /dev/null\n+++ b/y\n@@ -0,0 +1 @@\n+one\n";
        check(
            text,
            &[
                ("x.py", Status::Modified, &["@@ -1,3 +1,3 @@", "@@ -9,1 +9,2 @@"]),
                ("y", Status::Added, &["@@ -0,0 +1,1 @@"]),
            ],
        );
        let files = parse(text).unwrap();
        assert_eq!(files[0].hunks[0].function.as_deref(), Some("f"));
        let lines: Vec<_> =
            files[0].lines(&files[0].hunks[1]).map(|line| (line.old, line.new)).collect();
        assert_eq!(lines, [(Some(9), None), (None, Some(9)), (None, Some(10))]);
    }

    #[test]
    fn renames_modes_binaries_and_deletions_are_told_apart() {
        check(
            "diff --git a/old name b/new name\nsimilarity index 100%\nrename from old name\nrename to new name\n",
            &[("new name", Status::Renamed, &[])],
        );
        check(
            "diff --git a/run b/run\nold mode 100644\nnew mode 100755\n",
            &[("run", Status::Mode, &[])],
        );
        check(
            "diff --git a/p.png b/p.png\nindex 1..2 100644\nBinary files a/p.png and b/p.png differ\n",
            &[("p.png", Status::Binary, &[])],
        );
        check(
            "diff --git a/z b/z\ndeleted file mode 100644\n--- a/z\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n",
            &[("z", Status::Deleted, &["@@ -1,1 +0,0 @@"])],
        );
        check(
            "diff --git a/sub b/sub\nindex 1..2 160000\n--- a/sub\n+++ b/sub\n@@ -1 +1 @@\n-Subproject commit 1\n+Subproject commit 2\n",
            &[("sub", Status::Submodule, &[])],
        );
    }

    #[test]
    fn quoted_paths_are_bytes() {
        let text = "diff --git \"a/caf\\303\\251 \\\"x\\\".py\" \"b/caf\\303\\251 \\\"x\\\".py\"\n--- \"a/caf\\303\\251 \\\"x\\\".py\"\n+++ \"b/caf\\303\\251 \\\"x\\\".py\"\n@@ -1 +1 @@\n-a\n+b\n";
        assert_eq!(parse(text).unwrap()[0].path, "café \"x\".py");
    }

    #[test]
    fn a_mail_head_is_passed_over_and_a_plain_diff_is_read() {
        check(
            "From 1\nSubject: x\n---\n f | 2 +-\n\n--- f.c\t2020-01-01\n+++ f.c\t2020-01-02\n@@ -1 +1 @@\n-a\n+b\n",
            &[("f.c", Status::Modified, &["@@ -1,1 +1,1 @@"])],
        );
    }

    #[test]
    fn what_is_no_patch_is_said() {
        assert_eq!(parse("hello\nworld\n").unwrap_err(), PatchError::NotAPatch);
        assert!(parse("").unwrap().is_empty());
        let head = "--- a/f\n+++ b/f\n";
        assert_eq!(parse(&format!("{head}@@ -1,2 +1,2 @@\n a\n")).unwrap_err(), PatchError::CutOff);
        assert!(matches!(
            parse(&format!("{head}@@ -x +1 @@\n")),
            Err(PatchError::Header { line: 3, .. })
        ));
        assert!(matches!(
            parse(&format!("{head}@@ -1,2 +1,2 @@\n*a\n")),
            Err(PatchError::Body { line: 4, .. })
        ));
        let backwards = format!("{head}@@ -9 +9 @@\n-a\n+b\n@@ -1 +1 @@\n-a\n+b\n");
        assert!(matches!(parse(&backwards), Err(PatchError::Header { line: 6, .. })));
    }

    #[test]
    fn no_newline_at_the_end_is_kept() {
        let text = "--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n";
        let files = parse(text).unwrap();
        assert!(!files[0].old.ends_in_newline());
        assert!(files[0].new.ends_in_newline());
    }

    proptest::proptest! {
        #[test]
        fn no_input_makes_it_panic(text in "(diff --git a/x b/x\n|--- a/x\n|\\+\\+\\+ b/x\n|@@ -[0-9]{1,10}(,[0-9]{1,10})? \\+[0-9]{1,10}(,[0-9]{1,2})? @@.?\n|[-+ ].{0,3}\n|\"\\\\?.{0,4}\n){0,20}") {
            if let Ok(files) = parse(&text) {
                for file in &files {
                    for hunk in &file.hunks {
                        proptest::prop_assert_eq!(file.lines(hunk).filter(|l| l.new.is_some()).count(), hunk.new.len());
                    }
                }
            }
        }
    }
}
