//! The receipt: which hunks were sent, judged, not judged, left out.

use std::collections::BTreeMap;

use super::answer::{Answer, Opinion};
use crate::change::HunkId;
use crate::pack::{LeftOut, Packet};

/// What became of each selected hunk.
#[derive(Debug, Clone, Default)]
pub struct Coverage {
    /// Hunks in the packet.
    pub sent: Vec<HunkId>,
    /// Hunks with an opinion under their own label.
    pub judged: Vec<HunkId>,
    /// Hunks without one: not reviewed, never clean.
    pub not_judged: Vec<HunkId>,
    /// Selected hunks that were not sent.
    pub left_out: Vec<LeftOut>,
    /// The opinion on each judged hunk, and why.
    pub opinions: BTreeMap<HunkId, (Opinion, String)>,
}

/// Holds the answer against the packet. Only the exact label counts: it carries random characters,
/// so an opinion that was made up without reading has none. The worse of two opinions stands, and to clear a
/// hunk without a reason is not to judge it.
pub(super) fn of(packet: &Packet, answer: Option<&Answer>) -> Coverage {
    let mut coverage = Coverage { left_out: packet.left_out.clone(), ..Coverage::default() };
    for hunk in &packet.hunks {
        coverage.sent.push(hunk.id);
        let given = answer
            .into_iter()
            .flat_map(|answer| &answer.hunks)
            .filter(|said| said.label == hunk.label)
            .filter(|said| said.opinion != Opinion::Clear || !said.note.trim().is_empty());
        match given.min_by_key(|said| rank(said.opinion)) {
            Some(said) => {
                coverage.judged.push(hunk.id);
                coverage.opinions.insert(hunk.id, (said.opinion, said.note.clone()));
            }
            None => coverage.not_judged.push(hunk.id),
        }
    }
    coverage
}

fn rank(opinion: Opinion) -> u8 {
    match opinion {
        Opinion::Finding => 0,
        Opinion::Unsure => 1,
        Opinion::Clear => 2,
    }
}

impl Coverage {
    /// The opinion on a hunk.
    pub fn opinion(&self, id: HunkId) -> Option<Opinion> {
        self.opinions.get(&id).map(|(opinion, _)| *opinion)
    }
}
