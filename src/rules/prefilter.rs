//! Which patterns can match in a line at all, told by literals before any pattern is compiled.
//!
//! Compiling all patterns takes a hundred times longer than reading a small change, and an automaton
//! of all their literals still several times as long. So each literal is filed under one group of
//! three of its bytes, the rarest, and a text is read by looking each of its groups up in a bitmap:
//! nothing to build but a table, and no step that waits for the one before.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Rule;
use super::literals::{WIDTH, filed, place, place_of};

// `LITERALS`: those of the packs, in the order of their places; `ALWAYS`: the patterns without any.
include!(concat!(env!("OUT_DIR"), "/literals.rs"));

/// The literals of all patterns in force, filed under one of their groups.
#[derive(Debug)]
pub(super) struct Literals {
    /// In the order of their places.
    entries: Cow<'static, [Entry]>,
    /// Where the literals of each place begin in `entries`, and one past the last.
    starts: Vec<u16>,
    /// Patterns without a literal: they can match anything.
    always: Vec<u32>,
}

/// A literal, and whose it is.
#[derive(Debug, Clone)]
struct Entry {
    place: u16,
    /// How far within the literal its group begins, in bytes.
    at: usize,
    literal: Cow<'static, [u8]>,
    /// Whether a word must begin with its first byte.
    begins: bool,
    /// Whether a word must end with its last byte.
    ends: bool,
    /// The patterns that have this literal.
    patterns: Cow<'static, [u32]>,
}

impl Literals {
    /// Those of the packs, and of own rules.
    pub(super) fn with<'a>(own: impl Iterator<Item = &'a Rule>) -> Literals {
        let mut patterns: BTreeMap<&[u8], Vec<u32>> = BTreeMap::new();
        let mut always = ALWAYS.to_vec();
        for (pattern, literals) in own.flat_map(Rule::literals) {
            let texts = literals.map(|set| set.iter().map(Vec::as_slice));
            match texts {
                Some(texts) => {
                    texts.for_each(|text| patterns.entry(text).or_default().push(pattern));
                }
                None => always.push(pattern),
            }
        }
        let mut entries = Cow::Borrowed(LITERALS);
        if !patterns.is_empty() {
            let all = entries.to_mut();
            all.extend(patterns.into_iter().map(|(text, patterns)| Entry::new(text, patterns)));
            all.sort_by_key(|entry| entry.place);
        }
        let mut starts = vec![0u16; (1 << WIDTH) + 1];
        entries.iter().for_each(|entry| starts[usize::from(entry.place) + 1] += 1);
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        Literals { entries, starts, always }
    }
}

impl Entry {
    fn new(text: &[u8], patterns: Vec<u32>) -> Entry {
        let filed = filed(text);
        Entry {
            place: filed.place,
            at: filed.at,
            literal: filed.bare.into(),
            begins: filed.begins,
            ends: filed.ends,
            patterns: patterns.into(),
        }
    }

    /// Whether the literal stands in a text where its group begins at `at`.
    fn stands(&self, at: usize, text: &[u8]) -> bool {
        let Some(start) = at.checked_sub(self.at) else { return false };
        let end = start + self.literal.len();
        let Some(there) = text.get(start..end) else { return false };
        there.iter().zip(self.literal.iter()).all(|(a, b)| a.to_ascii_lowercase() == *b)
            && !(self.begins && start.checked_sub(1).is_some_and(|before| is_word(text[before])))
            && !(self.ends && text.get(end).is_some_and(|&after| is_word(after)))
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Some of the patterns in force, to be looked for together.
#[derive(Debug)]
pub struct Prefilter<'a> {
    literals: &'a Literals,
    /// A bit for each pattern.
    wanted: Vec<u64>,
    /// A bit for each literal of a wanted pattern, in the order of the entries.
    entries: Vec<u64>,
    /// The places under which a literal of a wanted pattern is filed.
    threes: Places,
    /// The same for literals of two bytes; nothing where there is none, as in most kinds of file.
    twos: Option<Places>,
    /// The wanted patterns that have no literal.
    always: Vec<u32>,
}

/// A place of a text at which a literal of a pattern stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The pattern.
    pub pattern: u32,
    /// Byte offset of a byte of the literal.
    pub at: usize,
}

/// Groups that are looked up before the first answer is asked for.
const STEP: usize = 16;

impl<'a> Prefilter<'a> {
    pub(super) fn new(literals: &'a Literals, patterns: impl Iterator<Item = u32>) -> Self {
        let mut wanted = Vec::new();
        patterns.for_each(|pattern| set(&mut wanted, pattern as usize));
        let (mut threes, mut twos) = (Places::none(), None);
        let mut entries = Vec::new();
        for (at, entry) in literals.entries.iter().enumerate() {
            if entry.patterns.iter().any(|&pattern| is_set(&wanted, pattern as usize)) {
                let places = match entry.literal.len() {
                    2 => twos.get_or_insert_with(Places::none),
                    _ => &mut threes,
                };
                places.set(entry.place);
                set(&mut entries, at);
            }
        }
        let always = literals.always.iter().copied();
        let always = always.filter(|&pattern| is_set(&wanted, pattern as usize)).collect();
        Prefilter { literals, wanted, entries, threes, twos, always }
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// The patterns that have no literal, and must be tried on every line.
    pub fn always(&self) -> &[u32] {
        &self.always
    }

    /// Calls `found` wherever a literal of a pattern stands in a text.
    pub fn hits(&self, text: &[u8], mut found: impl FnMut(Hit)) {
        self.scan::<3>(&self.threes, text, &mut found);
        if let Some(twos) = &self.twos {
            self.scan::<2>(twos, text, &mut found);
        }
    }

    /// Looks each group of `N` bytes up, several before the first answer is asked for.
    fn scan<const N: usize>(&self, places: &Places, text: &[u8], found: &mut impl FnMut(Hit)) {
        let mut at = 0;
        while let Some(block) = text.get(at..at + STEP + 3) {
            let mut set = 0u32;
            for (step, word) in block.windows(4).enumerate() {
                let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
                set |= places.at(place_of::<N>(word)) << step;
            }
            while set != 0 {
                self.look_up::<N>(at + set.trailing_zeros() as usize, text, found);
                set &= set - 1;
            }
            at += STEP;
        }
        for here in at..(text.len() + 1).saturating_sub(N) {
            if places.at(place::<N>(&text[here..])) == 1 {
                self.look_up::<N>(here, text, found);
            }
        }
    }

    fn look_up<const N: usize>(&self, at: usize, text: &[u8], found: &mut impl FnMut(Hit)) {
        let place = usize::from(place::<N>(&text[at..]));
        let starts = &self.literals.starts;
        for index in usize::from(starts[place])..usize::from(starts[place + 1]) {
            if !is_set(&self.entries, index) {
                continue;
            }
            let entry = &self.literals.entries[index];
            let of_length = (entry.literal.len() == 2) == (N == 2);
            if of_length && entry.stands(at, text) {
                let patterns = entry.patterns.iter().copied();
                let wanted = patterns.filter(|&pattern| is_set(&self.wanted, pattern as usize));
                wanted.for_each(|pattern| found(Hit { pattern, at }));
            }
        }
    }
}

/// Whether a place is taken, a byte for each: bits would be smaller, but take longer to look up. It is of a
/// fixed size, so that this needs no check.
#[derive(Debug)]
struct Places(Box<[u8; 1 << WIDTH]>);

impl Places {
    fn none() -> Places {
        Places(Box::new([0; 1 << WIDTH]))
    }

    fn set(&mut self, place: u16) {
        self.0[usize::from(place) % (1 << WIDTH)] = 1;
    }

    /// 1 where a place is taken, else 0.
    fn at(&self, place: u16) -> u32 {
        self.0[usize::from(place) % (1 << WIDTH)].into()
    }
}

fn set(bits: &mut Vec<u64>, at: usize) {
    if bits.len() <= at / 64 {
        bits.resize(at / 64 + 1, 0);
    }
    bits[at / 64] |= 1 << (at % 64);
}

fn is_set(bits: &[u64], at: usize) -> bool {
    bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::literals::required;
    use super::super::{Rules, packs};
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expected: Option<&[&str]>) {
        let found = required(pattern);
        let text = |literal: Vec<u8>| String::from_utf8(literal).unwrap();
        let found: Option<Vec<String>> = found.map(|set| set.into_iter().map(text).collect());
        let found: Option<Vec<&str>> =
            found.as_ref().map(|set| set.iter().map(String::as_str).collect());
        assert_eq!(found.as_deref(), expected, "{pattern}");
    }

    #[test]
    fn literals_are_what_each_match_must_contain() {
        check(r"\bos\.system\(", Some(&["\0os.system("]));
        check(r"(?i)password\s*=", Some(&["password"]));
        check(r"\b(?:md5|sha1)\(", Some(&["\0md5(", "\0sha1("]));
        check(r"x?\w+", None);
        check(r"(?:eval|)\s", None);
        check(r"shell\s*=\s*True", Some(&["shell"]));
        check(r"\brm\s+-r", Some(&["\0rm\t", "\0rm\n", "\0rm\x0b", "\0rm\x0c", "\0rm\r", "\0rm "]));
        check(r"is_?admin", Some(&["is_admin", "isadmin"]));
        check(r"\bif\b.*\bok\b", Some(&["\0ok\0"]));
    }

    /// What the plain engine finds is among the hits.
    fn holds(text: &[u8]) {
        let rules = Rules::built_in();
        let prefilter = rules.prefilter(rules.iter());
        let mut candidates: BTreeSet<u32> = prefilter.always().iter().copied().collect();
        prefilter.hits(text, |hit| {
            candidates.insert(hit.pattern);
        });
        for rule in rules.iter() {
            for (number, regex) in rule.regexes() {
                let lost = regex.is_match(text) && !candidates.contains(&number);
                assert!(!lost, "{} {}", rule.id, rule.written(number));
            }
        }
    }

    #[test]
    fn no_example_of_a_rule_is_lost() {
        packs::examples().for_each(|example| holds(example.as_bytes()));
    }

    #[test]
    fn the_build_has_filed_the_literals_of_every_pattern() {
        for (pattern, written) in Rules::built_in().iter().flat_map(Rule::patterns) {
            for text in required(written).expect("every built-in pattern has literals") {
                let filed = filed(&text);
                let same = |entry: &&Entry| {
                    *entry.literal == filed.bare
                        && (entry.begins, entry.ends) == (filed.begins, filed.ends)
                        && (entry.place, entry.at) == (filed.place, filed.at)
                };
                let entry = LITERALS.iter().find(same);
                assert!(entry.is_some_and(|entry| entry.patterns.contains(&pattern)), "{written}");
            }
        }
        assert!(LITERALS.is_sorted_by_key(|entry| entry.place) && ALWAYS.is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn no_hit_in_mixed_text_is_lost(cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..60, 1usize..60), 1..6)) {
            let examples: Vec<String> = packs::examples().collect();
            let pieces = cuts.iter().map(|(at, from, length)| {
                let text = at.get(&examples).as_bytes();
                let from = (*from).min(text.len());
                &text[from..(from + length).min(text.len())]
            });
            holds(&pieces.collect::<Vec<_>>().concat());
        }
    }
}
