//! The renames that git finds, held against those of the program.
//!
//! The two do not measure likeness in the same way, and of several likely sources each may choose
//! its own. So a rename that only git finds is sorted by what the program made of its two paths.

use std::collections::BTreeSet;

use super::listing::{self, Listing, Rename, Side};
use super::matching::shown;
use super::scan::Seen;
use super::{Git, Pair, Tally};

/// Files that are neither the same nor named alike are compared where so many are left, no more.
const FEW: usize = 25;

/// What the program made of renames.
struct Ours<'a> {
    sources: BTreeSet<&'a str>,
    targets: BTreeSet<&'a str>,
    /// Whether so few files are left that each was compared with each.
    few_left: bool,
}

impl<'a> Ours<'a> {
    fn of(listing: &Listing, files: &'a [Seen]) -> Self {
        let renamed = files.iter().filter_map(|file| Some((file.old_path.as_deref()?, &file.path)));
        let (sources, targets): (BTreeSet<_>, BTreeSet<_>) =
            renamed.map(|(from, to)| (from, to.as_str())).unzip();
        let is_file = |side: &Option<Side>| side.as_ref().is_some_and(Side::is_file);
        let gone = listing.values().filter(|entry| entry.new.is_none() && is_file(&entry.old));
        let come = listing.values().filter(|entry| entry.old.is_none() && is_file(&entry.new));
        let few_left = gone.count() <= sources.len() + FEW && come.count() <= targets.len() + FEW;
        Self { sources, targets, few_left }
    }
}

/// Looks for every rename of git among those of the program.
pub fn check(git: &Git<'_>, pair: &Pair, listing: &Listing, files: &[Seen], tally: &mut Tally) {
    let deleted = listing.values().any(|entry| entry.new.is_none());
    let added = listing.values().any(|entry| entry.old.is_none());
    // Without the blobs git has nothing to measure.
    let unread = files.iter().any(|file| file.skipped.as_deref() == Some("missing"));
    if !deleted || !added || unread {
        return;
    }
    let ours = Ours::of(listing, files);
    for rename in listing::renames(git, pair) {
        tally.renames += 1;
        let (from, to) = (shown(&rename.from), shown(&rename.to));
        if !ours.targets.contains(to.as_str()) {
            sort(&rename, &from, &ours, pair, tally);
        }
    }
}

fn sort(rename: &Rename, from: &str, ours: &Ours<'_>, pair: &Pair, tally: &mut Tally) {
    let what = format!("renamed from {from}, to git alone ({} %)", rename.similarity);
    if ours.sources.contains(from) {
        tally.other_source += 1;
    } else if rename.exact {
        tally.fail(pair, &shown(&rename.to), &what);
    } else if ours.few_left {
        tally.missed.push(pair.about(&shown(&rename.to), &what));
    } else {
        tally.not_sought += 1;
    }
}
