//! The blobs behind the listed files, all in one question to git.

use std::collections::{BTreeSet, HashMap};

use super::Git;
use super::listing::Side;
use super::matching::Matched;

/// Git's mode of a submodule's commit.
pub const GITLINK: u32 = 0o160_000;

/// Blobs by id; `None` for one that the repository has not.
pub type Blobs = HashMap<String, Option<Vec<u8>>>;

/// The object that a side is, unless it is a submodule, of which nothing is here.
pub fn blob(side: Option<&Side>) -> Option<&str> {
    side.filter(|side| side.mode != GITLINK).map(|side| side.id.as_str())
}

pub fn read(git: &Git<'_>, files: &[Matched]) -> Blobs {
    let sides = files.iter().flat_map(|file| [file.old.as_ref(), file.new.as_ref()]);
    let ids: BTreeSet<&str> = sides.filter_map(blob).collect();
    let question: String = ids.iter().map(|id| format!("{id}\n")).collect();
    let answer = git.feed(&["cat-file", "--batch"], question.into_bytes());
    let mut rest = answer.as_slice();
    ids.into_iter().map(|id| (id.to_owned(), next(&mut rest, id))).collect()
}

/// The next object of `cat-file --batch`: a line with id, type and size, the bytes, a line feed.
fn next(rest: &mut &[u8], id: &str) -> Option<Vec<u8>> {
    let end = rest.iter().position(|&byte| byte == b'\n').expect("a line about each object");
    let about = std::str::from_utf8(&rest[..end]).expect("an id, a type and a size");
    *rest = &rest[end + 1..];
    if about.ends_with(" missing") {
        return None;
    }
    let size = about.strip_prefix(id).and_then(|about| about.strip_prefix(" blob "));
    let size: usize = size.and_then(|size| size.parse().ok()).expect("the blob that was asked for");
    let bytes = rest[..size].to_vec();
    *rest = &rest[size + 1..];
    Some(bytes)
}
