//! Which hunks go along for the sake of one that earned a call: what belongs to it, in order of worth, as little as
//! tells something.

use std::collections::{HashMap, HashSet};

use bstr::{BStr, BString, ByteSlice};

use super::{denied, estimated_tokens};
use crate::change::{Change, File, HunkId};
use crate::classify::{Classified, Companion, Places, Said, is_linked};

/// Hunks that get companions, at most: the best ones.
const MAX_LEADS: usize = 12;

/// Companions of one hunk, at most.
const EACH: usize = 3;

/// Companions that are worth less than this stay behind.
const LEAST: f64 = 0.5;

/// Files in which companions are looked for, at most: the nearest ones.
const MAX_FILES: usize = 60;

/// So many bytes of companions cost nothing worth saving: one hunk or two of a common size.
const FREE: u64 = 400;

/// The paths of the files in which companions are looked for, whose texts that takes. There are none where no hunk
/// earned a call, and none where what was selected fills half of the budget: a companion would push out another hunk.
pub fn near(
    change: &Change,
    classified: &Classified,
    threshold: f64,
    budget: usize,
) -> HashSet<BString> {
    let leads = leads(change, classified, threshold);
    if leads.is_empty() || room(change, classified, budget) == 0 {
        return HashSet::new();
    }
    let of_leads = leads.iter().filter_map(|(id, _)| Some(change.hunk(*id)?.0.path.as_ref()));
    let paths: HashSet<&BStr> = of_leads.collect();
    let folders: HashSet<&[u8]> = paths.iter().map(|path| folder(path)).collect();
    let mut files: Vec<&File> = change.files.iter().filter(|file| is_linked(file)).collect();
    files.sort_by_cached_key(|file| {
        let path: &BStr = file.path.as_ref();
        (!paths.contains(path), !folders.contains(folder(path)))
    });
    files.into_iter().take(MAX_FILES).map(|file| file.path.clone()).collect()
}

/// Selects the companions, from the files that are [`near`] and have their texts at hand.
pub fn accompany(
    change: &Change,
    classified: &mut Classified,
    threshold: f64,
    near: &HashSet<BString>,
    budget: usize,
) {
    let found = found(change, classified, &leads(change, classified, threshold), near);
    let mut left = room(change, classified, budget);
    let mut given: HashMap<HunkId, usize> = HashMap::new();
    for (id, companion) in found {
        let given = given.entry(companion.of).or_default();
        let bytes = change.hunk(id).map_or(0, |(_, hunk)| hunk.bytes);
        if let Some(score) = classified.of_mut(id)
            && !score.selected
            && *given < EACH
            && bytes <= left
        {
            *given += 1;
            left -= bytes;
            score.selected = true;
            score.companion = Some(companion);
        }
    }
}

/// Every hunk that could go along, and what for; the worthiest first.
fn found(
    change: &Change,
    classified: &Classified,
    leads: &[(HunkId, f64)],
    near: &HashSet<BString>,
) -> Vec<(HunkId, Companion)> {
    let files = change.files.iter().filter(|file| near.contains(&file.path) && file.has_text());
    let hunks = files.flat_map(|file| file.hunks.iter().map(move |hunk| (file, hunk)));
    let all: Vec<Said<'_>> = hunks.filter_map(|(file, hunk)| Said::of(file, hunk)).collect();
    let places = Places::of(&all);
    let free = |said: &&Said<'_>| {
        let id = said.hunk().id;
        classified.of(id).is_some_and(|score| !score.selected)
            && change.hunk(id).is_some_and(|(file, _)| !denied::is_denied(file))
    };
    let others: Vec<&Said<'_>> = all.iter().filter(free).collect();
    let mut found = Vec::new();
    for (id, score) in leads {
        let Some(lead) = all.iter().find(|said| said.hunk().id == *id) else { continue };
        for other in &others {
            let Some(companion) = lead.companion(other, &places) else { continue };
            let worth = score * companion.worth;
            if worth >= LEAST {
                found.push((other.hunk().id, Companion { worth, ..companion }));
            }
        }
    }
    found.sort_by(|a, b| b.1.worth.total_cmp(&a.1.worth).then(a.0.cmp(&b.0)));
    found
}

/// The hunks that earned a call by their score, with it; the best first.
fn leads(change: &Change, classified: &Classified, threshold: f64) -> Vec<(HunkId, f64)> {
    let mut leads: Vec<(HunkId, f64)> = classified
        .selected()
        .filter(|score| score.score >= threshold)
        .filter(|score| change.hunk(score.id).is_some_and(|(file, _)| is_linked(file)))
        .map(|score| (score.id, score.score))
        .collect();
    leads.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    leads.truncate(MAX_LEADS);
    leads
}

/// How many bytes of companions go along, at most: half as many as what was selected by its score, and no more than
/// keep all of it below two fifths of the change; of a small change a little all the same.
fn room(change: &Change, classified: &Classified, budget: usize) -> u64 {
    let selected: u64 = classified
        .selected()
        .filter_map(|score| change.hunk(score.id))
        .map(|(_, hunk)| hunk.bytes)
        .sum();
    if estimated_tokens(usize::try_from(selected).unwrap_or(usize::MAX)) > budget / 2 {
        return 0;
    }
    let whole: u64 = change.files.iter().map(|file| file.diff_bytes).sum();
    (selected / 2).min((whole / 5 * 2).saturating_sub(selected)).max(FREE)
}

fn folder(path: &BStr) -> &[u8] {
    path.rfind_byte(b'/').map_or(&[][..], |at| &path[..at])
}
