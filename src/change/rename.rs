//! Pairs deleted files with added ones, in time that grows with the number of files alone.
//!
//! First by equal content, then by the longest tail of the path that only one file on each side
//! has, at last, where few are left, by the text they share.

use std::collections::HashMap;

use bstr::{BStr, ByteSlice};

use super::delta::{Delta, Entry, Place};

/// Share of the bytes that must be the same, in percent; git's default for `-M`.
const SIMILAR: usize = 50;

/// Up to so many files on each side are compared each with each when nothing else pairs them.
const FEW: usize = 25;

/// Larger files than this, in bytes, are not compared each with each.
const SMALL: usize = 256 << 10;

/// The list with each rename as one entry instead of a deletion and an addition.
pub(super) fn pair(
    deltas: Vec<Delta>,
    load: impl Fn(&Entry, &BStr) -> Option<Vec<u8>>,
) -> Vec<Delta> {
    let (mut gone, rest): (Vec<_>, Vec<_>) =
        deltas.into_iter().partition(|delta| delta.new.is_none() && is_file(delta.old.as_ref()));
    let (mut come, mut paired): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|delta| delta.old.is_none() && is_file(delta.new.as_ref()));
    if !gone.is_empty() && !come.is_empty() {
        by_id(&mut gone, &mut come, &mut paired);
        by_tail(&mut gone, &mut come, &mut paired, &load);
        by_text(&mut gone, &mut come, &mut paired, &load);
    }
    paired.extend(gone);
    paired.extend(come);
    paired
}

/// Submodules and links are never renames of files.
fn is_file(entry: Option<&Entry>) -> bool {
    entry.is_some_and(|entry| entry.mode & 0o170_000 == 0o100_000)
}

fn id(entry: Option<&Entry>) -> Option<git2::Oid> {
    match entry.map(|entry| &entry.place) {
        Some(Place::Object(id)) => Some(*id),
        _ => None,
    }
}

fn by_id(gone: &mut Vec<Delta>, come: &mut Vec<Delta>, paired: &mut Vec<Delta>) {
    let mut sources: HashMap<git2::Oid, Vec<usize>> = HashMap::new();
    for (at, delta) in gone.iter().enumerate().rev() {
        if let Some(id) = id(delta.old.as_ref()) {
            sources.entry(id).or_default().push(at);
        }
    }
    let choose = |delta: &Delta| {
        let places = sources.get_mut(&id(delta.new.as_ref())?)?;
        let same_name = places.iter().position(|&at| name(&gone[at].path) == name(&delta.path));
        match same_name {
            Some(position) => Some(places.remove(position)),
            None => places.pop(),
        }
    };
    let chosen: Vec<Option<usize>> = come.iter().map(choose).collect();
    join(gone, come, paired, &chosen);
}

fn by_tail(
    gone: &mut Vec<Delta>,
    come: &mut Vec<Delta>,
    paired: &mut Vec<Delta>,
    load: &impl Fn(&Entry, &BStr) -> Option<Vec<u8>>,
) {
    let from = unique_tails(gone);
    let to = unique_tails(come);
    let mut taken = vec![false; gone.len()];
    let chosen: Vec<Option<usize>> = come
        .iter()
        .map(|delta| {
            let unique =
                tails(&delta.path).filter(|tail| to.get(tail).is_some_and(Option::is_some));
            let at = unique.filter_map(|tail| from.get(&tail).copied().flatten()).last()?;
            let fits = !taken[at] && shared(&gone[at], delta, load) >= Some(SIMILAR);
            taken[at] |= fits;
            fits.then_some(at)
        })
        .collect();
    join(gone, come, paired, &chosen);
}

fn by_text(
    gone: &mut Vec<Delta>,
    come: &mut Vec<Delta>,
    paired: &mut Vec<Delta>,
    load: &impl Fn(&Entry, &BStr) -> Option<Vec<u8>>,
) {
    if gone.len() > FEW || come.len() > FEW {
        return;
    }
    let small = |entry: Option<&Entry>, path: &BStr| {
        entry.and_then(|entry| load(entry, path)).filter(|text| text.len() <= SMALL)
    };
    let olds: Vec<_> =
        gone.iter().map(|delta| small(delta.old.as_ref(), delta.path.as_ref())).collect();
    let news: Vec<_> =
        come.iter().map(|delta| small(delta.new.as_ref(), delta.path.as_ref())).collect();
    let share =
        |old: &Option<Vec<u8>>, new: &Option<Vec<u8>>| in_common(old.as_ref()?, new.as_ref()?);
    let mut scores = Vec::new();
    for (to, new) in news.iter().enumerate() {
        for (from, old) in olds.iter().enumerate() {
            if let Some(share) = share(old, new).filter(|&share| share >= SIMILAR) {
                scores.push((share, to, from));
            }
        }
    }
    scores.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut chosen = vec![None; come.len()];
    let mut taken = vec![false; gone.len()];
    for (_, to, from) in scores {
        if chosen[to].is_none() && !taken[from] {
            chosen[to] = Some(from);
            taken[from] = true;
        }
    }
    join(gone, come, paired, &chosen);
}

/// Moves what was chosen (for each added file the index of its source) over to `paired`.
fn join(
    gone: &mut Vec<Delta>,
    come: &mut Vec<Delta>,
    paired: &mut Vec<Delta>,
    chosen: &[Option<usize>],
) {
    let mut sources: Vec<Option<Delta>> = std::mem::take(gone).into_iter().map(Some).collect();
    let added = std::mem::take(come).into_iter().zip(chosen);
    for (delta, source) in added {
        match source.and_then(|at| sources[at].take()) {
            Some(old) => {
                paired.push(Delta { old_path: Some(old.path), old: old.old, ..delta });
            }
            None => come.push(delta),
        }
    }
    gone.extend(sources.into_iter().flatten());
}

/// The tails of a path, shortest first: `c`, `b/c`, `a/b/c`.
fn tails(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let cuts: Vec<usize> = path.rfind_iter("/").map(|at| at + 1).chain([0]).collect();
    cuts.into_iter().map(|at| &path[at..])
}

/// For each tail the only file that has it, or `None` where several do.
fn unique_tails(deltas: &[Delta]) -> HashMap<&[u8], Option<usize>> {
    let mut found: HashMap<&[u8], Option<usize>> = HashMap::new();
    for (at, delta) in deltas.iter().enumerate() {
        for tail in tails(&delta.path) {
            found.entry(tail).and_modify(|only| *only = None).or_insert(Some(at));
        }
    }
    found
}

fn name(path: &[u8]) -> &[u8] {
    path.rfind_byte(b'/').map_or(path, |at| &path[at + 1..])
}

/// How much of the larger text stands in the other too, in percent of its bytes.
fn shared(
    old: &Delta,
    new: &Delta,
    load: &impl Fn(&Entry, &BStr) -> Option<Vec<u8>>,
) -> Option<usize> {
    let before = load(old.old.as_ref()?, old.path.as_ref())?;
    let after = load(new.new.as_ref()?, new.path.as_ref())?;
    in_common(&before, &after)
}

/// The bytes of equal lines, in percent of the larger text; `None` where the sizes alone rule it out.
fn in_common(before: &[u8], after: &[u8]) -> Option<usize> {
    let larger = before.len().max(after.len());
    if larger == 0 || before.len().min(after.len()) * 100 < larger * SIMILAR {
        return None;
    }
    let mut lines: HashMap<&[u8], usize> = HashMap::new();
    for line in before.lines_with_terminator() {
        *lines.entry(line).or_default() += 1;
    }
    let kept = after.lines_with_terminator().filter(|line| match lines.get_mut(line) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    });
    Some(kept.map(<[u8]>::len).sum::<usize>() * 100 / larger)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Entry {
        // The stand-in loader below reads the text out of the path.
        Entry { place: Place::File { path: path.into(), normalise: false }, mode: 0o100_644 }
    }

    /// Each file is `path=text`; the result lists the pairs.
    #[track_caller]
    fn check(gone: &[&str], come: &[&str], expected: &[(&str, &str)]) {
        let split = |text: &str| {
            let (path, text) = text.split_once('=').unwrap();
            (path.to_owned(), file(&text.replace(',', "\n")))
        };
        let gone = gone.iter().map(|text| split(text)).map(|(path, entry)| Delta {
            path: path.into(),
            old_path: None,
            old: Some(entry),
            new: None,
        });
        let come = come.iter().map(|text| split(text)).map(|(path, entry)| Delta {
            path: path.into(),
            old_path: None,
            old: None,
            new: Some(entry),
        });
        let load = |entry: &Entry, _: &BStr| match &entry.place {
            Place::File { path, .. } => Some(path.to_string_lossy().into_owned().into_bytes()),
            Place::Object(_) | Place::Unmerged => None,
        };
        let mut found: Vec<(String, String)> = pair(gone.chain(come).collect(), load)
            .into_iter()
            .filter_map(|delta| Some((delta.old_path?.to_string(), delta.path.to_string())))
            .collect();
        found.sort();
        let expected: Vec<_> =
            expected.iter().map(|&(a, b)| (a.to_owned(), b.to_owned())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_moved_folder_is_paired_by_the_tail_of_the_path() {
        check(
            &["a/x/lib.rs=1,2,3,4", "a/y/lib.rs=5,6,7,8"],
            &["b/x/lib.rs=1,2,3,9", "b/y/lib.rs=5,6,7,8"],
            &[("a/x/lib.rs", "b/x/lib.rs"), ("a/y/lib.rs", "b/y/lib.rs")],
        );
    }

    #[test]
    fn a_new_name_is_paired_by_its_text() {
        check(
            &["auth.py=one,two,three,four"],
            &["login.py=one,two,three,five"],
            &[("auth.py", "login.py")],
        );
    }

    #[test]
    fn different_files_of_one_name_are_not_paired() {
        check(&["a/mod.rs=one,two,three"], &["b/mod.rs=vier,fuenf,sechs"], &[]);
    }
}
