//! Which listed file of the program is which path of git.

use std::collections::BTreeMap;

use git_advisor::visible;

use super::listing::{Entry, Listing, Side};
use super::scan::Seen;
use super::{Pair, Tally};

/// A file of the program, with the sides that git has for it.
pub struct Matched {
    pub pair: Pair,
    pub seen: Seen,
    pub old: Option<Side>,
    pub new: Option<Side>,
}

impl Matched {
    /// Whether the program says that it did not read it for its size.
    pub fn is_too_large(&self) -> bool {
        self.seen.skipped.as_deref() == Some("too-large")
    }
}

/// Paths under the name that the program shows for them. It writes out what a terminal would hide,
/// so two paths can look the same; what stands behind such a name is counted and not compared.
struct Names<'a> {
    entries: BTreeMap<String, Vec<&'a Entry>>,
    used: BTreeMap<String, usize>,
}

impl<'a> Names<'a> {
    fn of(listing: &'a Listing) -> Self {
        let mut entries: BTreeMap<String, Vec<&Entry>> = BTreeMap::new();
        for (path, entry) in listing {
            entries.entry(shown(path)).or_default().push(entry);
        }
        Self { entries, used: BTreeMap::new() }
    }

    /// The entry of a name; `None` where several paths look like it.
    fn take(&mut self, name: &str) -> Result<Option<&'a Entry>, String> {
        *self.used.entry(name.to_owned()).or_default() += 1;
        match self.entries.get(name).map(Vec::as_slice) {
            None => Err("listed, but git sees no difference there".to_owned()),
            Some([entry]) => Ok(Some(entry)),
            Some(_) => Ok(None),
        }
    }

    /// Names that the program lists less or more often than git.
    fn uneven(&self) -> impl Iterator<Item = (&str, usize, usize)> {
        self.entries.iter().filter_map(|(name, entries)| {
            let used = self.used.get(name).copied().unwrap_or(0);
            (used != entries.len()).then_some((name.as_str(), used, entries.len()))
        })
    }
}

/// A path as the program shows it.
pub fn shown(path: &[u8]) -> String {
    visible::line(path).into_string()
}

/// Finds git's sides of every listed file; what has no counterpart is a failure.
pub fn matched(
    pair: &Pair,
    listing: &Listing,
    files: Vec<Seen>,
    tally: &mut Tally,
) -> Vec<Matched> {
    let mut names = Names::of(listing);
    let mut found = Vec::new();
    for seen in files {
        tally.files += 1;
        match sides(&mut names, &seen) {
            Ok(Some((old, new))) => found.push(Matched { pair: pair.clone(), seen, old, new }),
            Ok(None) => tally.look_alikes += 1,
            Err(complaint) => tally.fail(pair, &seen.path, &complaint),
        }
    }
    for (name, ours, gits) in names.uneven() {
        tally.fail(pair, name, &format!("listed {ours} times, by git {gits} times"));
    }
    found
}

type Sides = (Option<Side>, Option<Side>);

/// A rename is the deletion of one path and the addition of another.
fn sides(names: &mut Names<'_>, seen: &Seen) -> Result<Option<Sides>, String> {
    let entry = names.take(&seen.path)?;
    let Some(old_path) = &seen.old_path else {
        return Ok(entry.map(|entry| (entry.old.clone(), entry.new.clone())));
    };
    let (Some(source), Some(target)) = (names.take(old_path)?, entry) else {
        return Ok(None);
    };
    if source.new.is_some() || target.old.is_some() {
        return Err(format!("renamed from {old_path}, but git has both paths on one side"));
    }
    Ok(Some((source.old.clone(), target.new.clone())))
}
