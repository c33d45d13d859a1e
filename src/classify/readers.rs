//! The rules that read files of one kind, made ready once for all such files.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::change::File;
use crate::rules::{Kind, Prefilter, Rule, Rules, Side};

/// The rules that read files of one kind, with the literals of their patterns.
#[derive(Debug)]
pub(super) struct Readers<'a> {
    /// Their number among all that were made ready.
    pub(super) number: usize,
    /// The patterns that read added lines, removed lines, unchanged ones, and the path; each made ready when
    /// there is something for them to read.
    of_sides: [OnceLock<Prefilter<'a>>; 4],
    all: &'a Rules,
    rules: Vec<&'a Arc<Rule>>,
}

/// The readers that have been made ready so far, for all threads.
#[derive(Debug, Default)]
pub(super) struct Ready<'a> {
    of_kind: Mutex<Vec<(Kind, bool, Arc<Readers<'a>>)>>,
}

impl<'a> Ready<'a> {
    /// The readers of a file; of one that is skipped only the rules whose match is itself the proof.
    pub(super) fn of(&self, rules: &'a Rules, file: &File) -> Arc<Readers<'a>> {
        let kind = rules.kind(file.path.as_ref());
        let skipped = file.skipped.is_some();
        // A thread that panicked while it held the lock has left a list that is whole.
        let mut of_kind = self.of_kind.lock().unwrap_or_else(PoisonError::into_inner);
        let known = of_kind.iter().find(|(other, only, _)| *other == kind && *only == skipped);
        if let Some((_, _, readers)) = known {
            return Arc::clone(readers);
        }
        let all = rules.readers(&kind).filter(|rule| !skipped || rule.explicit);
        let readers = Arc::new(Readers::new(of_kind.len(), rules, all.collect()));
        of_kind.push((kind, skipped, Arc::clone(&readers)));
        readers
    }
}

impl<'a> Readers<'a> {
    fn new(number: usize, all: &'a Rules, rules: Vec<&'a Arc<Rule>>) -> Readers<'a> {
        Readers { number, of_sides: [const { OnceLock::new() }; 4], all, rules }
    }

    /// The patterns that read a side.
    pub(super) fn of(&self, side: Side) -> &Prefilter<'a> {
        self.of_sides[side as usize].get_or_init(|| {
            let readers = self.rules.iter().copied().filter(|rule| rule.sides.contains(&side));
            self.all.prefilter(readers.map(AsRef::as_ref))
        })
    }
}
