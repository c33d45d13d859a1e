//! The literals of all patterns, in the drawers in which a text's own bytes are looked up.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::filing::{DRAWERS, Filed, counting, drawer, filed, fold, word};
use super::literals::{Required, sought};
use super::{Rule, to_u32};

// `LITERALS`: those of the packs; `ALWAYS`: the patterns without any.
include!(concat!(env!("OUT_DIR"), "/literals.rs"));

/// The literals of all patterns in force, filed under one of their groups.
#[derive(Debug)]
pub(super) struct Literals {
    pub(super) table: Table,
    /// Patterns without a literal: they can match anything.
    pub(super) always: Vec<u32>,
}

/// Literals in the order of their drawers. It holds no pointers, so that nothing is done to the embedded
/// one when the program starts.
#[derive(Debug, Clone)]
pub(super) struct Table {
    /// Where the literals of each drawer begin in `entries`, and one past the last.
    pub(super) starts: Cow<'static, [u32]>,
    /// The bytes under which each literal is filed, apart from `entries` because many are looked at in vain.
    pub(super) words: Cow<'static, [u32]>,
    pub(super) entries: Cow<'static, [Entry]>,
    /// The bytes of all literals.
    texts: Cow<'static, [u8]>,
    /// The patterns of all literals.
    patterns: Cow<'static, [u32]>,
    /// The literals of all patterns, by their index in `entries`.
    literals: Cow<'static, [u32]>,
    /// For each pattern where its own begin in `literals`, and one past the last.
    of_pattern: Cow<'static, [u32]>,
    /// For each pattern whether all its matches begin with their literal.
    pub(super) leads: Cow<'static, [bool]>,
    /// For each pattern the first of its further texts in `pieces`, and their number.
    also: Cow<'static, [(usize, usize)]>,
    pieces: Cow<'static, [Piece]>,
}

/// A further text of a pattern, in the table's `texts`.
#[derive(Debug, Clone, Copy)]
struct Piece {
    start: usize,
    length: usize,
    /// How far within it its rarest byte stands.
    rarest: usize,
    /// Whether a word must begin and end with it.
    bounds: [bool; 2],
}

/// A literal, and whose it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    /// Where it begins in the table's `texts`.
    text: u32,
    /// Another group of its bytes ([`Filed::other`]).
    other: u32,
    /// Where its patterns begin in the table's `patterns`.
    patterns: u32,
    /// How many patterns have it.
    owners: u32,
    /// How far within the literal the word begins under which it is filed.
    at: u8,
    /// How far within the literal the other group begins.
    other_at: u8,
    /// Its length in bytes.
    length: u8,
    /// Whether a word must begin with its first byte.
    begins: bool,
    /// Whether a word must end with its last byte.
    ends: bool,
}

impl Literals {
    /// Those of the packs, and of own rules.
    pub(super) fn with<'a>(own: impl Iterator<Item = &'a Rule>) -> Literals {
        let mut literals = Literals { table: LITERALS.clone(), always: ALWAYS.to_vec() };
        let mut patterns: BTreeMap<&[u8], Vec<u32>> = BTreeMap::new();
        for (pattern, required) in own.flat_map(Rule::literals) {
            literals.table.number(required);
            match required {
                Some(required) => required
                    .texts
                    .iter()
                    .for_each(|text| patterns.entry(text).or_default().push(pattern)),
                None => literals.always.push(pattern),
            }
        }
        for (text, patterns) in patterns {
            literals.table.add(filed(text), &patterns);
        }
        if literals.table.leads.len() > LITERALS.leads.len() {
            literals.table.sort();
        }
        literals
    }
}

impl Table {
    /// Adds what is known of the next pattern, by its number.
    fn number(&mut self, required: Option<&Required>) {
        let also = required.map_or(&[][..], |required| &required.also);
        self.leads.to_mut().push(required.is_some_and(|required| required.leads));
        self.also.to_mut().push((self.pieces.len(), also.len()));
        for text in also {
            let (bare, rarest, bounds) = sought(text);
            let (start, length) = (self.texts.len(), bare.len());
            self.pieces.to_mut().push(Piece { start, length, rarest, bounds });
            self.texts.to_mut().extend(bare);
        }
    }

    /// Adds a literal; to be sorted afterwards.
    fn add(&mut self, filed: Filed, patterns: &[u32]) {
        let Filed { word, at, other, other_at, bare, begins, ends } = filed;
        self.entries.to_mut().push(Entry {
            text: to_u32(self.texts.len()),
            other,
            patterns: to_u32(self.patterns.len()),
            owners: to_u32(patterns.len()),
            at,
            other_at,
            length: u8::try_from(bare.len()).unwrap_or(u8::MAX),
            begins,
            ends,
        });
        self.words.to_mut().push(word);
        self.texts.to_mut().extend(&bare);
        self.patterns.to_mut().extend(patterns);
    }

    fn sort(&mut self) {
        let both = self.entries.iter().copied().zip(self.words.iter().copied());
        let mut both: Vec<(Entry, u32)> = both.collect();
        both.sort_by_key(|(_, word)| drawer(*word));
        let (entries, words): (Vec<Entry>, Vec<u32>) = both.into_iter().unzip();
        (self.entries, self.words) = (entries.into(), words.into());
        let drawers = (0..).zip(self.words.iter()).map(|(at, word)| (drawer(*word), at));
        self.starts = listed(drawers, DRAWERS).0.into();
        let owned = (0..).zip(self.entries.iter()).flat_map(|(at, entry)| {
            self.patterns(entry).iter().map(move |&pattern| (pattern as usize, at))
        });
        let (starts, literals) = listed(owned, self.leads.len());
        (self.of_pattern, self.literals) = (starts.into(), literals.into());
    }

    /// The literals of a pattern.
    pub(super) fn literals(&self, pattern: u32) -> &[u32] {
        let at = pattern as usize;
        &self.literals[self.of_pattern[at] as usize..self.of_pattern[at + 1] as usize]
    }

    /// The patterns of a literal.
    pub(super) fn patterns(&self, entry: &Entry) -> &[u32] {
        &self.patterns[entry.patterns as usize..][..entry.owners as usize]
    }

    /// The bytes of a literal.
    pub(super) fn text(&self, entry: &Entry) -> &[u8] {
        &self.texts[entry.text as usize..][..usize::from(entry.length)]
    }

    /// Where a literal begins in a text in which its word stands at `at`; nothing if it does not stand there.
    #[inline]
    pub(super) fn start(&self, entry: &Entry, at: usize, text: &[u8]) -> Option<usize> {
        let start = at.checked_sub(entry.at.into())?;
        let other = fold(word(text.get(start + usize::from(entry.other_at)..)?));
        if (other ^ entry.other) & counting(entry.other) != 0 {
            return None;
        }
        stands_at(text, start, self.text(entry), [entry.begins, entry.ends]).then_some(start)
    }

    /// Whether a text holds one of the further texts of a pattern, if that has any.
    pub(super) fn holds_further(&self, pattern: u32, text: &[u8]) -> bool {
        let (first, count) = self.also[pattern as usize];
        let pieces = &self.pieces[first..][..count];
        let stands = |piece: &Piece| {
            let own = &self.texts[piece.start..][..piece.length];
            stands_in(text, own, piece.rarest, piece.bounds)
        };
        count == 0 || pieces.iter().any(stands)
    }
}

/// Numbers under so many keys as one list in the order of the keys, with the place where each key begins in it and
/// one past the last.
fn listed(pairs: impl Iterator<Item = (usize, u32)>, keys: usize) -> (Vec<u32>, Vec<u32>) {
    let mut pairs: Vec<(usize, u32)> = pairs.collect();
    pairs.sort_by_key(|(key, _)| *key);
    let mut starts = vec![0; keys + 1];
    pairs.iter().for_each(|(key, _)| starts[key + 1] += 1);
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    (starts, pairs.into_iter().map(|(_, number)| number).collect())
}

/// Whether a lower-case literal stands at a place of a text, in whatever case, and a word begins and ends with it
/// where one must.
#[inline]
fn stands_at(text: &[u8], start: usize, literal: &[u8], [begins, ends]: [bool; 2]) -> bool {
    let end = start + literal.len();
    text.get(start..end).is_some_and(|part| part.eq_ignore_ascii_case(literal))
        && !(begins && start.checked_sub(1).is_some_and(|before| is_word(text[before])))
        && !(ends && text.get(end).is_some_and(|&after| is_word(after)))
}

/// Whether it stands in a text at all; it is looked for by its byte at `rarest`.
pub(super) fn stands_in(text: &[u8], literal: &[u8], rarest: usize, bounds: [bool; 2]) -> bool {
    let byte = literal[rarest];
    memchr::memchr2_iter(byte, byte.to_ascii_uppercase(), text).any(|at| {
        let start = at.checked_sub(rarest);
        start.is_some_and(|start| stands_at(text, start, literal, bounds))
    })
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::super::Rules;
    use super::super::literals::required;
    use super::*;

    #[test]
    fn the_build_has_filed_the_literals_of_every_pattern() {
        for (pattern, written) in Rules::built_in().iter().flat_map(Rule::patterns) {
            let required = required(written).expect("every built-in pattern has literals");
            assert_eq!(LITERALS.leads[pattern as usize], required.leads, "{written}");
            for text in required.texts {
                let filed = filed(&text);
                let same = |(entry, word): &(&Entry, &u32)| {
                    LITERALS.text(entry) == filed.bare
                        && (entry.begins, entry.ends) == (filed.begins, filed.ends)
                        && (**word, entry.at) == (filed.word, filed.at)
                        && (entry.other, entry.other_at) == (filed.other, filed.other_at)
                };
                let found = LITERALS.entries.iter().zip(LITERALS.words.iter()).find(same);
                let owned =
                    found.is_some_and(|(entry, _)| LITERALS.patterns(entry).contains(&pattern));
                assert!(owned, "{written}");
            }
        }
        assert!(LITERALS.words.is_sorted_by_key(|word| drawer(*word)) && ALWAYS.is_empty());
    }
}
