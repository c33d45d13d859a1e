//! Pairs deleted files with added ones, in time that grows with the number of files alone.
//!
//! First by equal content, then by the longest tail of the path that only one file on each side
//! has, at last by the lines they share. Where so many are left that git gives up, only paths are
//! compared, and a pair is proven when its two texts are compared anyway.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use bstr::{BStr, ByteSlice};
use foldhash::fast::RandomState;
use gix_hash::ObjectId;

use super::delta::{Delta, Entry, Place};

/// Share of the bytes that must be the same, in percent; git's default for `-M`.
const SIMILAR: u64 = 50;

/// Up to so many pairs texts are compared; the square of git's default for `diff.renameLimit`.
const MAX_PAIRS: usize = 1_000 * 1_000;

/// Up to so many files on each side are compared each with each.
const FEW: usize = 25;

/// Larger files than this, in bytes, are not compared by their lines.
const SMALL: usize = 256 << 10;

/// So many bytes on each side are compared by their lines; the files behind that are not.
const MAX_COMPARED: usize = 32 << 20;

/// A line that more files have than this tells none of them apart.
const SHARED_BY: usize = 16;

/// The list with each rename as one entry instead of a deletion and an addition. `load` gives the text
/// of a side, where it is one.
pub(super) fn pair(
    deltas: Vec<Delta>,
    load: impl Fn(&Entry, &BStr) -> Option<Arc<Vec<u8>>>,
) -> Vec<Delta> {
    let file = |entry: &Option<Entry>| entry.as_ref().is_some_and(Entry::is_file);
    let (mut gone, rest): (Vec<_>, Vec<_>) =
        deltas.into_iter().partition(|delta| delta.new.is_none() && file(&delta.old));
    let (mut come, mut paired): (Vec<_>, Vec<_>) =
        rest.into_iter().partition(|delta| delta.old.is_none() && file(&delta.new));
    if !gone.is_empty() && !come.is_empty() {
        by_id(&mut gone, &mut come, &mut paired);
        let few = gone.len() * come.len() <= MAX_PAIRS;
        by_tail(&mut gone, &mut come, &mut paired, |old, new| {
            !few || share(old, new, &load) >= Some(SIMILAR)
        });
        if few {
            by_text(&mut gone, &mut come, &mut paired, &load);
        } else {
            paired.iter_mut().for_each(|delta| delta.unproven |= !same_id(delta));
        }
    }
    paired.extend(gone);
    paired.extend(come);
    paired
}

/// Whether a pair that was made by its paths alone is a rename, by the bytes of its lines that are
/// taken out and put in.
pub(super) fn is_proven(old: usize, new: usize, added: u64) -> bool {
    let larger = old.max(new) as u64;
    (new as u64).saturating_sub(added) * 100 >= larger * SIMILAR
}

fn id(entry: Option<&Entry>) -> Option<ObjectId> {
    match entry.map(|entry| &entry.place) {
        Some(Place::Object(id)) => Some(*id),
        _ => None,
    }
}

fn same_id(delta: &Delta) -> bool {
    id(delta.old.as_ref()).is_some() && id(delta.old.as_ref()) == id(delta.new.as_ref())
}

fn by_id(gone: &mut Vec<Delta>, come: &mut Vec<Delta>, paired: &mut Vec<Delta>) {
    let mut sources: HashMap<ObjectId, Vec<usize>, RandomState> = HashMap::default();
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
    fits: impl Fn(&Delta, &Delta) -> bool,
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
            let fits = !taken[at] && fits(&gone[at], delta);
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
    load: &impl Fn(&Entry, &BStr) -> Option<Arc<Vec<u8>>>,
) {
    let texts = |deltas: &[Delta]| {
        let mut left = MAX_COMPARED;
        let text = |delta: &Delta| {
            let entry = delta.old.as_ref().or(delta.new.as_ref()).filter(|_| left > 0)?;
            let text = load(entry, delta.path.as_ref()).filter(|text| text.len() <= SMALL)?;
            left = left.saturating_sub(text.len());
            Some(text).filter(|text| !text.is_empty())
        };
        deltas.iter().map(text).collect::<Vec<_>>()
    };
    let (olds, news) = (texts(gone), texts(come));
    let few = gone.len() <= FEW && come.len() <= FEW;
    let lines = if few { HashMap::new() } else { by_line(&olds) };
    let mut scores = Vec::new();
    for (to, new) in news.iter().enumerate() {
        let Some(new) = new else { continue };
        let sources = if few { (0..olds.len()).collect() } else { likely(new, &lines) };
        for from in sources {
            let share = olds[from].as_ref().and_then(|old| in_common(old, new));
            if let Some(share) = share.filter(|&share| share >= SIMILAR) {
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

/// For each line, told by a hash, the files that have it, up to one more than tell anything.
fn by_line(texts: &[Option<Arc<Vec<u8>>>]) -> HashMap<u64, Vec<usize>> {
    let mut found: HashMap<u64, Vec<usize>> = HashMap::new();
    for (at, text) in texts.iter().enumerate() {
        for line in text.iter().flat_map(|text| text.lines()) {
            let files = found.entry(hash(line)).or_default();
            if files.last() != Some(&at) && files.len() <= SHARED_BY {
                files.push(at);
            }
        }
    }
    found
}

/// The files that share the most bytes of telling lines with a text, the best first.
fn likely(text: &[u8], lines: &HashMap<u64, Vec<usize>>) -> Vec<usize> {
    let mut votes: HashMap<usize, usize> = HashMap::new();
    for line in text.lines() {
        let files = lines.get(&hash(line)).filter(|files| files.len() <= SHARED_BY);
        for &at in files.into_iter().flatten() {
            *votes.entry(at).or_default() += line.len() + 1;
        }
    }
    let mut best: Vec<(usize, usize)> = votes.into_iter().collect();
    best.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    best.into_iter().take(3).map(|(at, _)| at).collect()
}

fn hash(line: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
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
fn unique_tails(deltas: &[Delta]) -> HashMap<&[u8], Option<usize>, RandomState> {
    let mut found: HashMap<&[u8], Option<usize>, RandomState> = HashMap::default();
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
fn share(
    old: &Delta,
    new: &Delta,
    load: &impl Fn(&Entry, &BStr) -> Option<Arc<Vec<u8>>>,
) -> Option<u64> {
    let before = load(old.old.as_ref()?, old.path.as_ref())?;
    let after = load(new.new.as_ref()?, new.path.as_ref())?;
    in_common(&before, &after)
}

/// The bytes of equal lines, in percent of the larger text; `None` where the sizes alone rule it out.
fn in_common(before: &[u8], after: &[u8]) -> Option<u64> {
    let larger = before.len().max(after.len()) as u64;
    if larger == 0 || (before.len().min(after.len()) as u64) * 100 < larger * SIMILAR {
        return None;
    }
    let mut lines: HashMap<&[u8], usize, RandomState> = HashMap::default();
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
    Some(kept.map(|line| line.len() as u64).sum::<u64>() * 100 / larger)
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
            unproven: false,
        });
        let come = come.iter().map(|text| split(text)).map(|(path, entry)| Delta {
            path: path.into(),
            old_path: None,
            old: None,
            new: Some(entry),
            unproven: false,
        });
        let load = |entry: &Entry, _: &BStr| match &entry.place {
            Place::File { path, .. } => {
                Some(Arc::new(path.to_string_lossy().into_owned().into_bytes()))
            }
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
