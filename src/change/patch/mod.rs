//! A unified diff from a file or from stdin, read into the same values as two trees.

mod body;
mod path;

use bstr::{BString, ByteSlice};
use thiserror::Error;

use super::hunk::{Hunk, HunkId};
use super::{File, Skip, Status, Text};
use super::{function, skip, window};
use crate::config::Select;

use body::{Body, Header, hunk_header};
use path::{git_header_paths, path_of_header, unquote};

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
pub(super) fn read(bytes: &[u8], select: &Select) -> Result<Vec<File>, PatchError> {
    let mut reader = Reader { lines: bytes.lines_with_terminator().collect(), at: 0 };
    let mut files = Vec::new();
    while let Some(draft) = reader.next_file()? {
        files.push(draft.finish(select));
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
            bytes: 0,
            function: None,
        };
        draft.hunks.push((hunk, heading));
        Ok(())
    }
}

impl Draft {
    fn finish(self, select: &Select) -> File {
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
        let mut hunks: Vec<Hunk> = self.hunks.into_iter().map(|(hunk, _)| hunk).collect();
        hunks.iter_mut().for_each(|hunk| hunk.bytes = hunk.measured(&file.old, &file.new));
        file.diff_bytes = hunks.iter().map(|hunk| hunk.bytes).sum();
        file.skipped = skip::of(&file, select);
        let mut effort = function::Effort::default();
        for (hunk, heading) in hunks.into_iter().zip(headings) {
            let windows = window::cut(vec![hunk], &file.old, &file.new, select.context_lines);
            for mut hunk in windows {
                hunk.function = name_function(&file, &hunk, heading.as_ref(), &mut effort);
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
    effort: &mut function::Effort,
) -> Option<String> {
    let shown = file
        .language
        .and_then(|language| function::of_hunk(&file.old, &file.new, hunk, language, effort));
    let heading_name = || file.language?.function_name(heading);
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
        read(text.as_bytes(), &Select::default())
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

    #[test]
    fn a_written_file_does_not_become_generated_by_saying_so() {
        let text = "--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n+# @generated\n x = 1\n";
        assert_eq!(parse(text).unwrap()[0].skipped, None);
        let new = "--- /dev/null\n+++ b/a.py\n@@ -0,0 +1 @@\n+# @generated\n";
        assert_eq!(parse(new).unwrap()[0].skipped, Some(Skip::Generated));
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
