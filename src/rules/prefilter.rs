//! Which patterns can match in a line at all, told by literals before any pattern is compiled.
//!
//! Compiling all patterns takes a hundred times longer than reading a small change, and an automaton
//! of all their literals still several times as long. So each literal is filed under one group of
//! four of its bytes, the rarest, and a text is read by looking each of its groups up in a table:
//! nothing to build but that, and no step that waits for the one before.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::Rule;
use super::filing::{Filed, WIDTH, counting, filed, fold, place_of, word};
use super::literals::{Required, rarest_byte};

// `LITERALS`: those of the packs; `ALWAYS`: the patterns without any.
include!(concat!(env!("OUT_DIR"), "/literals.rs"));

/// The literals of all patterns in force, filed under one of their groups.
#[derive(Debug)]
pub(super) struct Literals {
    table: Table,
    /// Patterns without a literal: they can match anything.
    always: Vec<u32>,
}

/// Literals in the order of their places. It holds no pointers, so that nothing is done to the embedded
/// one when the program starts.
#[derive(Debug, Clone)]
struct Table {
    /// Where the literals of each place begin in `entries`, and one past the last.
    starts: Cow<'static, [u32]>,
    /// The bytes under which each literal is filed, apart from `entries` because most are looked at in vain.
    words: Cow<'static, [u32]>,
    entries: Cow<'static, [Entry]>,
    /// The bytes of all literals.
    texts: Cow<'static, [u8]>,
    /// The patterns of all literals.
    patterns: Cow<'static, [u32]>,
    /// The literals of all patterns, by their index in `entries`.
    literals: Cow<'static, [u32]>,
    /// For each pattern where its own begin in `literals`, and one past the last.
    of_pattern: Cow<'static, [u32]>,
    /// For each pattern whether all its matches begin with their literal.
    leads: Cow<'static, [bool]>,
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
}

/// A literal, and whose it is.
#[derive(Debug, Clone, Copy)]
struct Entry {
    place: u16,
    /// How far within the literal these bytes begin.
    at: usize,
    /// Its length in bytes.
    length: usize,
    /// Whether a word must begin with its first byte.
    begins: bool,
    /// Whether a word must end with its last byte.
    ends: bool,
    /// Where it begins in the table's `texts`.
    text: usize,
    /// Where its patterns begin in the table's `patterns`.
    patterns: usize,
    /// How many patterns have it.
    owners: usize,
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
            self.pieces.to_mut().push(Piece {
                start: self.texts.len(),
                length: text.len(),
                rarest: rarest_byte(text),
            });
            self.texts.to_mut().extend(text);
        }
    }

    /// Adds a literal; to be sorted afterwards.
    fn add(&mut self, filed: Filed, patterns: &[u32]) {
        let Filed { place, at, word, bare, begins, ends } = filed;
        let (text, first) = (self.texts.len(), self.patterns.len());
        self.texts.to_mut().extend(&bare);
        self.patterns.to_mut().extend(patterns);
        self.words.to_mut().push(word);
        self.entries.to_mut().push(Entry {
            place,
            at,
            length: bare.len(),
            begins,
            ends,
            text,
            patterns: first,
            owners: patterns.len(),
        });
    }

    fn sort(&mut self) {
        let both = self.entries.iter().copied().zip(self.words.iter().copied());
        let mut both: Vec<(Entry, u32)> = both.collect();
        both.sort_by_key(|(entry, _)| entry.place);
        let (entries, words): (Vec<Entry>, Vec<u32>) = both.into_iter().unzip();
        (self.entries, self.words) = (entries.into(), words.into());
        let places = (0..).zip(self.entries.iter()).map(|(at, entry)| (entry.place.into(), at));
        self.starts = listed(places, 1 << WIDTH).0.into();
        let owned = (0..).zip(self.entries.iter()).flat_map(|(at, entry)| {
            self.patterns(entry).iter().map(move |&pattern| (pattern as usize, at))
        });
        let (starts, literals) = listed(owned, self.leads.len());
        (self.of_pattern, self.literals) = (starts.into(), literals.into());
    }

    /// The literals of a pattern.
    fn literals(&self, pattern: u32) -> &[u32] {
        let at = pattern as usize;
        &self.literals[self.of_pattern[at] as usize..self.of_pattern[at + 1] as usize]
    }

    fn patterns(&self, entry: &Entry) -> &[u32] {
        &self.patterns[entry.patterns..][..entry.owners]
    }

    /// The bytes of a literal, by its index.
    fn text(&self, entry: u32) -> &[u8] {
        let entry = &self.entries[entry as usize];
        &self.texts[entry.text..][..entry.length]
    }

    /// Where a literal begins in a text in which its word stands at `at`; nothing if it does not stand there.
    fn start(&self, entry: &Entry, at: usize, text: &[u8]) -> Option<usize> {
        let start = at.checked_sub(entry.at)?;
        let end = start + entry.length;
        let literal = &self.texts[entry.text..][..entry.length];
        let stands = text.get(start..end)?.eq_ignore_ascii_case(literal)
            && !(entry.begins && start.checked_sub(1).is_some_and(|before| is_word(text[before])))
            && !(entry.ends && text.get(end).is_some_and(|&after| is_word(after)));
        stands.then_some(start)
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

/// Whether a literal of two bytes is filed under a word.
fn is_two(word: u32) -> bool {
    counting(word) == 0xffff
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Some of the patterns in force, to be looked for together.
#[derive(Debug)]
pub struct Prefilter<'a> {
    table: &'a Table,
    /// A bit for each pattern.
    wanted: Vec<u64>,
    /// A bit for each literal of a wanted pattern, in the order of the entries.
    entries: Vec<u64>,
    /// The places under which a literal of a wanted pattern is filed; nothing where there is none.
    places: Option<Places>,
    /// A bit for each place under which a literal of two bytes is filed.
    twos: Vec<u64>,
    /// The wanted patterns that have no literal.
    always: Vec<u32>,
}

/// A place of a text at which a literal of a pattern stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hit {
    /// The pattern.
    pub pattern: u32,
    /// Byte offset at which the literal begins.
    pub at: usize,
    /// Whether a match of the pattern must begin there, or with another of its literals.
    pub leads: bool,
}

/// Groups that are looked up at a time: none of these look-ups waits for another.
const STEP: usize = 8;

/// The bytes of so many groups.
const BLOCK: usize = STEP + 3;

impl<'a> Prefilter<'a> {
    pub(super) fn new(literals: &'a Literals, patterns: impl Iterator<Item = u32>) -> Self {
        let table = &literals.table;
        let (mut wanted, mut entries) = (Vec::new(), Vec::new());
        let (mut places, mut twos) = (None, Vec::new());
        for pattern in patterns {
            set(&mut wanted, pattern as usize);
            let literals = table.literals(pattern);
            if !literals.is_empty() {
                entries.resize(table.entries.len() / 64 + 1, 0);
                let places = places.get_or_insert_with(Places::none);
                for &entry in literals {
                    let word = table.words[entry as usize];
                    places.set(word, || table.text(entry));
                    if is_two(word) {
                        set(&mut twos, place_of::<2>(word).into());
                    }
                    set(&mut entries, entry as usize);
                }
            }
        }
        let always = literals.always.iter().copied();
        let always = always.filter(|&pattern| is_set(&wanted, pattern as usize)).collect();
        Prefilter { table, wanted, entries, places, twos, always }
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
        let Some(places) = &self.places else { return };
        let mut at = 0;
        let mut look_up = |at: usize, stand: u32| {
            let mut stand = stand;
            while stand != 0 {
                self.look_up(at + stand.trailing_zeros() as usize, text, &mut found);
                stand &= stand - 1;
            }
        };
        while let Some(block) = text[at..].first_chunk() {
            look_up(at, places.stand_in(block));
            at += STEP;
        }
        // What is left is less than a block, so that two blocks hold it with zeros behind.
        let rest = &text[at..];
        let mut last = [0; 2 * STEP + 3];
        last[..rest.len()].copy_from_slice(rest);
        for (from, block) in [0, STEP].into_iter().zip(last.windows(BLOCK).step_by(STEP)) {
            let Some(block) = block.first_chunk() else { return };
            let there = (1u32 << rest.len().saturating_sub(from).min(STEP)) - 1;
            look_up(at + from, places.stand_in(block) & there);
        }
    }

    /// Whether a pattern can match in a text, by the further texts that each of its matches contains.
    pub fn may_match(&self, pattern: u32, text: &[u8]) -> bool {
        let (first, count) = self.table.also[pattern as usize];
        let pieces = &self.table.pieces[first..][..count];
        let stands = |piece: &Piece| {
            stands_in(&self.table.texts[piece.start..][..piece.length], piece.rarest, text)
        };
        count == 0 || pieces.iter().any(stands)
    }

    fn look_up(&self, at: usize, text: &[u8], found: &mut impl FnMut(Hit)) {
        let word = fold(word(&text[at..]));
        self.filed_at(place_of::<3>(word), word, at, text, found);
        let two = place_of::<2>(word);
        if is_set(&self.twos, two.into()) {
            self.filed_at(two, word, at, text, found);
        }
    }

    fn filed_at(&self, place: u16, word: u32, at: usize, text: &[u8], found: &mut impl FnMut(Hit)) {
        let starts = &self.table.starts[usize::from(place)..];
        let here = starts[0] as usize..starts[1] as usize;
        for (index, &filed) in here.clone().zip(&self.table.words[here]) {
            let entry = &self.table.entries[index];
            if (word ^ filed) & counting(filed) == 0
                && is_set(&self.entries, index)
                && let Some(at) = self.table.start(entry, at, text)
            {
                for &pattern in self.table.patterns(entry) {
                    if is_set(&self.wanted, pattern as usize) {
                        found(Hit { pattern, at, leads: self.table.leads[pattern as usize] });
                    }
                }
            }
        }
    }
}

/// Whether a lower-case piece stands in a text, in whatever case; it is looked for by the byte at `rarest`.
fn stands_in(piece: &[u8], rarest: usize, text: &[u8]) -> bool {
    let byte = piece[rarest];
    memchr::memchr2_iter(byte, byte.to_ascii_uppercase(), text).any(|at| {
        let start = at.checked_sub(rarest);
        let part = start.and_then(|start| text[start..].get(..piece.len()));
        part.is_some_and(|part| part.eq_ignore_ascii_case(piece))
    })
}

/// For each place the classes of the fourth byte at which a literal stands there: bits would be smaller, but
/// take longer to look up. It is of a fixed size, so that this needs no check.
#[derive(Debug)]
struct Places {
    classes: Box<[u8; 1 << WIDTH]>,
    /// Whether there is a literal of two bytes one of which is odd ([`is_odd`]): taking all places of such literals
    /// would make most of the table say yes, the more so as an odd byte folded is a common one.
    odd: bool,
}

impl Places {
    fn none() -> Places {
        Places { classes: Box::new([0; 1 << WIDTH]), odd: false }
    }

    /// Takes the place of the word under which a literal is filed; of one of two bytes those of all groups that
    /// begin with them.
    fn set<'t>(&mut self, word: u32, literal: impl Fn() -> &'t [u8]) {
        match counting(word) {
            u32::MAX => *self.of(place_of::<3>(word)) |= 1 << class_of(word),
            0xffff if literal().iter().any(|byte| is_odd(*byte)) => self.odd = true,
            0xffff => {
                let groups = (0..=u32::from(u8::MAX)).map(|third| word | third << 16);
                groups.for_each(|group| *self.of(place_of::<3>(group)) = u8::MAX);
            }
            _ => *self.of(place_of::<3>(word)) = u8::MAX,
        }
    }

    fn of(&mut self, place: u16) -> &mut u8 {
        &mut self.classes[usize::from(place) % (1 << WIDTH)]
    }

    /// The groups of a block under which a literal may be filed, a bit each, the first one lowest.
    #[inline]
    fn stand_in(&self, block: &[u8; BLOCK]) -> u32 {
        let group = |at: usize| {
            u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
        };
        let mut stand = 0;
        for at in 0..STEP {
            let word = group(at);
            let classes = self.classes[usize::from(place_of::<3>(word)) % (1 << WIDTH)];
            stand |= (u32::from(classes) >> class_of(word) & 1) << at;
        }
        if self.odd && [0, 4, BLOCK - 4].into_iter().any(|at| may_be_odd(group(at))) {
            let is_odd = |at: &usize| is_odd(block[*at]) || is_odd(block[at + 1]);
            (0..STEP).filter(is_odd).for_each(|at| stand |= 1 << at);
        }
        stand
    }
}

/// Whether a byte is rare in a text: no ASCII, or a control character other than those between words and lines.
fn is_odd(byte: u8) -> bool {
    byte >= 0x80 || (byte < b' ' && byte != b'\t' && byte != b'\n')
}

/// Whether one of four bytes may be odd: it has its highest bit, or is below a blank.
#[inline]
fn may_be_odd(word: u32) -> bool {
    (word | (word.wrapping_sub(0x2020_2020) & !word)) & 0x8080_8080 != 0
}

/// The class of a group's fourth byte.
#[inline]
fn class_of(word: u32) -> u32 {
    word >> 24 & 7
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
    use proptest::prelude::*;

    use super::super::literals::required;
    use super::super::{Rules, packs};
    use super::*;

    #[track_caller]
    fn check(pattern: &str, expected: Option<&[&str]>) {
        let found = required(pattern);
        let text = |literal: Vec<u8>| String::from_utf8(literal).unwrap();
        let found: Option<Vec<String>> = found.map(|set| set.texts.into_iter().map(text).collect());
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
        check(r"\bsudo\s+-u", Some(&["\0sudo\0"]));
        check(r"is_?admin", Some(&["is_admin", "isadmin"]));
        check(r"\bif\b.*\bgood\b", Some(&["\0good\0"]));
    }

    #[test]
    fn a_pattern_that_begins_with_its_literal_is_tried_there_only() {
        let of = |pattern: &str| {
            let found = required(pattern).unwrap();
            let also = found.also.iter().map(|text| String::from_utf8_lossy(text).into_owned());
            (found.leads, also.collect::<Vec<_>>())
        };
        assert_eq!(of(r"\bos\.system\("), (true, vec![]));
        assert_eq!(of(r"(?i)^unserialize\s*\(.*get"), (true, vec!["get".to_owned()]));
        // The other one is so much rarer that it is worth to look around it.
        assert_eq!(of(r"(?i)^eval\s*\(\s*\$_get"), (false, vec!["eval".to_owned()]));
        assert_eq!(of(r"\w+\.innerHTML\s*=="), (false, vec!["==".to_owned()]));
        assert_eq!(of(r"(?:curl|wget)\b.*\|\s*sh\b"), (true, vec!["sh".to_owned()]));
        // What is found behind the `x` would be no start of a match.
        let texts = required("(?:xfoo[1-9]|foo[ab])").unwrap().texts;
        assert_eq!(texts, ["fooa", "foob", "xfoo"].map(|text| text.as_bytes().to_vec()));
    }

    /// What the plain engine finds is among the hits, and where they say.
    fn holds(text: &[u8]) {
        let rules = Rules::built_in();
        let prefilter = rules.prefilter(rules.iter());
        let mut hits = Vec::new();
        prefilter.hits(text, |hit| hits.push(hit));
        for rule in rules.iter() {
            for (number, regex) in rule.regexes() {
                let Some(found) = regex.find(text) else { continue };
                let hit = hits
                    .iter()
                    .any(|hit| hit.pattern == number && (!hit.leads || hit.at == found.start()));
                let kept = hit && prefilter.may_match(number, text);
                assert!(kept, "{} {}", rule.id, rule.written(number));
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
            let required = required(written).expect("every built-in pattern has literals");
            assert_eq!(LITERALS.leads[pattern as usize], required.leads, "{written}");
            for text in required.texts {
                let filed = filed(&text);
                let same = |(entry, word): &(&Entry, &u32)| {
                    LITERALS.texts[entry.text..][..entry.length] == filed.bare
                        && (entry.begins, entry.ends) == (filed.begins, filed.ends)
                        && (entry.place, entry.at, **word) == (filed.place, filed.at, filed.word)
                };
                let found = LITERALS.entries.iter().zip(LITERALS.words.iter()).find(same);
                let owned =
                    found.is_some_and(|(entry, _)| LITERALS.patterns(entry).contains(&pattern));
                assert!(owned, "{written}");
            }
        }
        assert!(LITERALS.entries.is_sorted_by_key(|entry| entry.place) && ALWAYS.is_empty());
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
