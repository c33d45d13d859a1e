//! Which of many path patterns fit a path, without compiling any.
//!
//! The patterns are the globs of the data files that come with the program: `**/Makefile`, `**/*.py`,
//! `**/vendor/**`. A general glob set takes milliseconds to compile them, which is more than a whole
//! review of a small push may cost. Users' own globs go through `globset`.

use std::collections::HashMap;

use bstr::ByteSlice;
use foldhash::fast::FixedState;

/// Built-in path patterns, numbered in the order in which they were given.
#[derive(Debug, Default)]
pub(crate) struct Paths {
    globs: Vec<Glob>,
    /// Patterns that name the file: `**/Makefile`.
    by_name: Index,
    /// Patterns that name its last ending: `**/*.py`.
    by_ending: Index,
    /// Patterns that name a folder above it: `**/vendor/**`.
    by_folder: Index,
    /// Patterns that have to be tried on every path: `**/LICENSE*`.
    others: Vec<usize>,
    /// For each pattern the one before it that is found under the same key.
    before: Vec<Option<usize>>,
}

/// The last pattern that is found under each key.
type Index = HashMap<&'static [u8], usize, FixedState>;

/// A pattern.
#[derive(Debug)]
struct Glob {
    text: &'static [u8],
    /// Whether it says no more than the key under which it is found.
    is_key: bool,
    /// Its longest part without wildcards, which every path that fits contains.
    plain: &'static [u8],
}

/// Where a pattern is found.
enum Key {
    Name(&'static [u8]),
    Ending(&'static [u8]),
    Folder(&'static [u8]),
    Other,
}

impl Paths {
    /// The set of these patterns. In them `*` is any part of a name, `**` any folders and `[…]` one of
    /// the characters given; each begins with `**/`.
    pub(crate) fn new(globs: impl IntoIterator<Item = &'static str>) -> Paths {
        let mut paths = Paths::default();
        for (at, glob) in globs.into_iter().map(str::as_bytes).enumerate() {
            let key = key(glob);
            let is_key = key.says_all(glob);
            let plain = if is_key { b"" } else { plain(glob) };
            paths.globs.push(Glob { text: glob, is_key, plain });
            let before = match key {
                Key::Name(name) => paths.by_name.insert(name, at),
                Key::Ending(ending) => paths.by_ending.insert(ending, at),
                Key::Folder(folder) => paths.by_folder.insert(folder, at),
                Key::Other => {
                    paths.others.push(at);
                    None
                }
            };
            paths.before.push(before);
        }
        paths
    }

    /// The numbers of the patterns that fit a path, in no order.
    pub(crate) fn matches<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let mut folders = path.split(|&byte| byte == b'/');
        let name = folders.next_back().unwrap_or_default();
        let listed = |index: &'a Index, key: &[u8]| {
            std::iter::successors(index.get(key).copied(), |&at| self.before[at])
        };
        let of_folders = folders.flat_map(move |folder| listed(&self.by_folder, folder));
        listed(&self.by_name, name)
            .chain(ending(name).into_iter().flat_map(move |ending| listed(&self.by_ending, ending)))
            .chain(of_folders)
            .chain(self.others.iter().copied())
            .filter(move |&at| self.globs[at].fits(path))
    }

    /// Whether one of the patterns fits a path.
    pub(crate) fn is_match(&self, path: &[u8]) -> bool {
        self.matches(path).next().is_some()
    }
}

impl Glob {
    fn fits(&self, path: &[u8]) -> bool {
        self.is_key || (contains(path, self.plain) && fits(self.text, path))
    }
}

/// Whether a path contains a text. Paths are too short for what a searcher prepares.
fn contains(path: &[u8], text: &[u8]) -> bool {
    let Some(first) = text.first() else { return true };
    memchr::memchr_iter(*first, path).any(|at| path[at..].starts_with(text))
}

impl Key {
    /// Whether a pattern says no more than this: `**/NAME`, `**/*.ENDING`, `**/FOLDER/**`.
    fn says_all(&self, glob: &[u8]) -> bool {
        let (before, key, behind) = match self {
            Key::Name(name) => ("**/", name, ""),
            Key::Ending(ending) => ("**/*.", ending, ""),
            Key::Folder(folder) => ("**/", folder, "/**"),
            Key::Other => return false,
        };
        let rest = glob.strip_prefix(before.as_bytes()).and_then(|rest| rest.strip_prefix(*key));
        rest == Some(behind.as_bytes())
    }
}

fn key(glob: &'static [u8]) -> Key {
    let mut parts = glob.rsplit(|&byte| byte == b'/');
    let last = parts.next().unwrap_or_default();
    let plain = |part: &[u8]| part.find_byteset(b"*[").is_none();
    match ending(last) {
        _ if last == b"**" => {
            parts.next().filter(|part| plain(part)).map_or(Key::Other, Key::Folder)
        }
        _ if plain(last) => Key::Name(last),
        Some(ending) if plain(ending) => Key::Ending(ending),
        _ => Key::Other,
    }
}

/// The longest part of a pattern without wildcards. What `**` stands for may be nothing with its slash, so a slash
/// beside it is none of it.
fn plain(glob: &'static [u8]) -> &'static [u8] {
    let class = |part: &'static [u8]| part.find_byte(b'[').map_or(part, |at| &part[..at]);
    let behind = |part: &'static [u8]| part.rfind_byte(b']').map_or(part, |at| &part[at + 1..]);
    // Between the two of `**` stands nothing.
    let mut behind_two = true;
    let parts = glob.split(|&byte| byte == b'*').filter_map(|part| {
        let cut = if behind_two { part.strip_prefix(b"/").unwrap_or(part) } else { part };
        behind_two = part.is_empty();
        (!part.is_empty()).then_some(cut)
    });
    let parts = parts.flat_map(|part| [class(part), behind(part)]);
    parts.max_by_key(|part| part.len()).unwrap_or_default()
}

/// What stands behind the last dot of a name.
fn ending(name: &[u8]) -> Option<&[u8]> {
    name.rfind_byte(b'.').map(|at| &name[at + 1..])
}

/// Whether a pattern fits a path. Patterns are short and few are tried, so going back is cheap.
fn fits(glob: &[u8], path: &[u8]) -> bool {
    if let Some(rest) = glob.strip_prefix(b"**/") {
        if !rest.contains(&b'/') {
            let name = path.rfind_byte(b'/').map_or(0, |at| at + 1);
            return fits(rest, &path[name..]);
        }
        let folders = path.find_iter("/").map(|at| at + 1);
        return [0].into_iter().chain(folders).any(|at| fits(rest, &path[at..]));
    }
    match glob {
        [] => path.is_empty(),
        b"**" => !path.is_empty(),
        [b'*', rest @ ..] => {
            let end = path.find_byte(b'/').unwrap_or(path.len());
            (0..=end).any(|at| fits(rest, &path[at..]))
        }
        [b'[', rest @ ..] => {
            let Some(close) = rest.find_byte(b']') else { return false };
            path.first().is_some_and(|byte| *byte != b'/' && one_of(&rest[..close], *byte))
                && fits(&rest[close + 1..], &path[1..])
        }
        [byte, rest @ ..] => path.first() == Some(byte) && fits(rest, &path[1..]),
    }
}

/// Whether a byte is one of those that a class like `1-9` or `3457` lists.
fn one_of(class: &[u8], byte: u8) -> bool {
    match class {
        [first, b'-', last, rest @ ..] => (*first..=*last).contains(&byte) || one_of(rest, byte),
        [first, rest @ ..] => *first == byte || one_of(rest, byte),
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use globset::GlobBuilder;
    use proptest::prelude::*;

    use super::*;

    const GLOBS: [&str; 12] = [
        "**/Makefile",
        "**/*.py",
        "**/*.min.js",
        "**/vendor/**",
        "**/.yarn/releases/**",
        "**/LICENSE*",
        "**/*.[1-9]",
        "**/*.php[3457]",
        "**/.github/workflows/*.yml",
        "**/.gitlab/ci/**/*.yml",
        "**/test_*.py",
        "**/*_test.*",
    ];

    fn path() -> impl Strategy<Value = String> {
        let name = "(a|vendor|\\.yarn|releases|\\.github|workflows|\\.gitlab|ci|Makefile|LICENSE|test_|_test|x)";
        let part = format!("{name}{{1,2}}(\\.(py|js|min\\.js|1|php5|yml|md))?");
        let part = proptest::string::string_regex(&part).unwrap();
        proptest::collection::vec(part, 1..5).prop_map(|parts| parts.join("/"))
    }

    proptest! {
        #[test]
        fn a_pattern_fits_what_globset_says(path in path()) {
            let paths = Paths::new(GLOBS);
            let mut found: Vec<usize> = paths.matches(path.as_bytes()).collect();
            found.sort_unstable();
            found.dedup();
            let globset = |glob: &str| {
                let glob = GlobBuilder::new(glob).literal_separator(true).build().unwrap();
                glob.compile_matcher().is_match(&path)
            };
            let expected: Vec<usize> = (0..GLOBS.len()).filter(|&at| globset(GLOBS[at])).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
