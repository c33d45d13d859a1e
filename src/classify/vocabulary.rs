//! What the words of code speak of, by the lists of `vocabulary.toml`.

use std::cell::RefCell;
use std::collections::HashSet;
use std::hash::BuildHasher;
use std::sync::OnceLock;

use foldhash::fast::RandomState;
use memchr::memmem::Finder;

use super::lately::Lately;

// `WORDS`, in the order of their text, and their `TEXTS`.
include!(concat!(env!("OUT_DIR"), "/words.rs"));

/// A word as the build embeds it. It holds no pointer, which would have to be set right when the program starts.
struct Word {
    /// Where its text begins in `TEXTS`, in bytes.
    start: u16,
    /// How long that is.
    length: u8,
    kind: Kind,
    /// How strongly it speaks of each subject, in hundredths.
    hundredths: [u8; SUBJECTS],
}

impl Word {
    fn text(&self) -> &'static str {
        &TEXTS[usize::from(self.start)..][..usize::from(self.length)]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    /// The word itself.
    Whole,
    /// The word with any ending.
    Stem,
    /// Anywhere within a longer word.
    Within,
}

/// Number of subjects.
const SUBJECTS: usize = 7;

/// The categories among the subjects, in the order of the vocabulary.
pub(super) const CATEGORIES: [&str; 5] = ["auth", "crypto", "shell", "deserialization", "path"];

/// What is said where something is checked or refused.
pub(super) const GUARD: usize = 5;

/// What is said where nothing is at stake.
pub(super) const ROUTINE: usize = 6;

/// Parts of an identifier that are read; longer ones are names that a program made.
const MAX_PARTS: usize = 12;

/// Bytes of an identifier that are read.
const MAX_BYTES: usize = 64;

/// A word within another is looked for in parts of at least this length, in bytes.
const LONG: usize = 7;

/// So many identifiers are remembered at a time, so that the memory of them fits a core's cache.
const MOST: usize = 1 << 13;

/// The same at first.
const LEAST: usize = 1 << 8;

/// Identifiers of more words than this are read anew each time.
const FEW: usize = 4;

/// Stands for no word.
const NONE: u16 = u16::MAX;

thread_local! {
    /// The words of the identifiers that were read lately.
    static KNOWN: RefCell<Known> = RefCell::default();
}

/// Identifiers and their words.
struct Known {
    lately: Lately<[u16; FEW]>,
    state: RandomState,
}

impl Default for Known {
    fn default() -> Known {
        Known { lately: Lately::new(LEAST, MOST), state: RandomState::default() }
    }
}

impl Known {
    /// Calls `hear` with each word of an identifier.
    fn words(&mut self, identifier: &[u8], hear: impl FnMut(usize)) {
        let hash = self.state.hash_one(identifier);
        if let Some(few) = self.lately.get(hash) {
            let words = few.into_iter().take_while(|word| *word != NONE);
            return words.map(usize::from).for_each(hear);
        }
        let words = words(identifier);
        if words.len() <= FEW {
            let mut few = [NONE; FEW];
            for (place, word) in few.iter_mut().zip(&words) {
                *place = u16::try_from(*word).unwrap_or(NONE);
            }
            self.lately.add(hash, few);
        }
        words.into_iter().for_each(hear);
    }
}

/// The words that an identifier is made of.
fn words(identifier: &[u8]) -> Vec<usize> {
    let parts = Parts::of(identifier);
    let mut words = Vec::new();
    let mut at = 0;
    while at < parts.count {
        let found = parts.find(at, 3.min(parts.count - at));
        words.extend(found.map(|(_, word)| word));
        at += found.map_or(1, |(count, _)| count);
    }
    words
}

/// What a text speaks of: each word counts once.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    seen: [u64; WORDS.len().div_ceil(64)],
    hundredths: [u16; SUBJECTS],
}

impl Heard {
    /// Reads the identifiers of a text.
    pub(super) fn read(&mut self, text: &[u8]) {
        KNOWN.with_borrow_mut(|known| {
            let mut at = 0;
            while let Some(start) = text[at..].iter().position(|&byte| begins_word(byte)) {
                let start = at + start;
                let length = text[start..].iter().position(|&byte| !continues_word(byte));
                at = length.map_or(text.len(), |length| start + length);
                known.words(&text[start..at], |word| self.hear(word));
            }
        });
    }

    /// How strongly the text speaks of a subject; a strong word adds one.
    pub(super) fn of(&self, subject: usize) -> f32 {
        f32::from(self.hundredths[subject]) / 100.0
    }

    fn hear(&mut self, word: usize) {
        let (place, bit) = (word / 64, 1u64 << (word % 64));
        if self.seen[place] & bit == 0 {
            self.seen[place] |= bit;
            for (sum, weight) in self.hundredths.iter_mut().zip(WORDS[word].hundredths) {
                *sum += u16::from(weight);
            }
        }
    }
}

/// How many different parts of identifiers a text has, and how many of them are words of a subject.
pub(super) fn share(text: &[u8], subject: usize) -> (usize, usize) {
    // Identifiers have few parts, and room that is made once is cheaper than room that grows.
    let mut parts: HashSet<u64, RandomState> =
        HashSet::with_capacity_and_hasher(text.len() / 8, RandomState::default());
    let mut known = 0;
    for identifier in text.split(|&byte| !continues_word(byte)).filter(|text| !text.is_empty()) {
        let read = Parts::of(identifier);
        for at in 0..read.count {
            if parts.insert(parts.hasher().hash_one(read.joined(at, 1))) {
                let word = read.find(at, 1);
                let speaks = |(_, word): (usize, usize)| WORDS[word].hundredths[subject] > 0;
                known += usize::from(word.is_some_and(speaks));
            }
        }
    }
    (parts.len(), known)
}

/// An identifier in lower case, without underscores, and where its parts begin.
struct Parts {
    text: [u8; MAX_BYTES],
    /// Where each part begins, and where the last one ends.
    bounds: [u8; MAX_PARTS + 1],
    count: usize,
}

impl Parts {
    fn of(identifier: &[u8]) -> Parts {
        let mut parts = Parts { text: [0; MAX_BYTES], bounds: [0; MAX_PARTS + 1], count: 0 };
        let mut length = 0u8;
        let mut before = b'_';
        for (at, &byte) in identifier.iter().enumerate().take(MAX_BYTES) {
            if !byte.is_ascii_alphanumeric() {
                before = b'_';
                continue;
            }
            let next = identifier.get(at + 1).copied().unwrap_or(b'_');
            let humps = byte.is_ascii_uppercase()
                && (!before.is_ascii_uppercase() || next.is_ascii_lowercase());
            if before == b'_' || humps {
                if parts.count == MAX_PARTS {
                    break;
                }
                parts.bounds[parts.count] = length;
                parts.count += 1;
            }
            parts.text[usize::from(length)] = byte.to_ascii_lowercase();
            length += 1;
            before = byte;
        }
        parts.bounds[parts.count] = length;
        parts
    }

    /// So many parts from one on, as one word.
    fn joined(&self, at: usize, count: usize) -> &[u8] {
        &self.text[usize::from(self.bounds[at])..usize::from(self.bounds[at + count])]
    }

    /// The word that some parts from one on are, with their number: the one of the most parts, of these the whole
    /// rather than a stem, and the longest stem that reaches into the last of them.
    fn find(&self, at: usize, most: usize) -> Option<(usize, usize)> {
        let text = self.joined(at, most);
        let length = |count: usize| usize::from(self.bounds[at + count] - self.bounds[at]);
        // How many parts a word is.
        let fits = |index: usize| {
            let word = &WORDS[index];
            let count = (1..=most).find(|&count| word.text().len() <= length(count))?;
            let fits = match word.kind {
                Kind::Whole => word.text().len() == length(count),
                Kind::Stem => true,
                Kind::Within => false,
            };
            let stands = fits && text.starts_with(word.text().as_bytes());
            stands.then_some(((count, word.kind == Kind::Whole, word.text().len()), index))
        };
        let third = text.get(2);
        let near = near(text).filter(|&index| {
            let other = WORDS[index].text().as_bytes().get(2);
            other.is_none() || other == third
        });
        let best = near.filter_map(fits).max().map(|((count, ..), index)| (count, index));
        let one = || Some(self.joined(at, 1)).filter(|one| one.len() >= LONG);
        best.or_else(|| within(one()?).map(|index| (1, index)))
    }
}

/// The words that begin with the same two letters as a text.
fn near(text: &[u8]) -> std::ops::Range<usize> {
    static STARTS: OnceLock<Vec<usize>> = OnceLock::new();
    let starts = STARTS.get_or_init(|| {
        let mut starts = vec![0; place(b"zz").unwrap_or(0) + 2];
        let places = WORDS.iter().map(|word| place(word.text().as_bytes()));
        for (end, at) in (1..).zip(places).filter_map(|(end, at)| Some((end, at?))) {
            starts[at + 1] = end;
        }
        for at in 1..starts.len() {
            starts[at] = starts[at].max(starts[at - 1]);
        }
        starts
    });
    place(text).map_or(0..0, |at| starts[at]..starts[at + 1])
}

/// The place of a text's first two bytes among all pairs of digits and letters, in their order.
fn place(text: &[u8]) -> Option<usize> {
    let rank = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'z' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (first, second) = (rank(*text.first()?)?, rank(*text.get(1)?)?);
    Some(usize::from(first) * 36 + usize::from(second))
}

/// The first word that stands within a text.
fn within(text: &[u8]) -> Option<usize> {
    static WITHIN: OnceLock<Vec<(usize, Finder<'static>)>> = OnceLock::new();
    let words = WITHIN.get_or_init(|| {
        let words = WORDS.iter().enumerate().filter(|(_, word)| word.kind == Kind::Within);
        words.map(|(at, word)| (at, Finder::new(word.text()))).collect()
    });
    words.iter().find(|(_, finder)| finder.find(text).is_some()).map(|(at, _)| *at)
}

/// Whether a byte can begin an identifier.
pub(super) fn begins_word(byte: u8) -> bool {
    is(byte, BEGINS)
}

/// Whether a byte can stand in an identifier.
pub(super) fn continues_word(byte: u8) -> bool {
    is(byte, CONTINUES)
}

const BEGINS: u8 = 1;
const CONTINUES: u8 = 2;

/// What each byte can do in an identifier.
static IN_IDENTIFIERS: [u8; 256] = {
    let mut table = [0; 256];
    let mut byte = 0u8;
    loop {
        table[byte as usize] = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' | b'$' => BEGINS | CONTINUES,
            b'0'..=b'9' => CONTINUES,
            _ => 0,
        };
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    table
};

fn is(byte: u8, kind: u8) -> bool {
    IN_IDENTIFIERS[usize::from(byte)] & kind != 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The word that exactly so many parts are, looked for among all.
    fn plainly(parts: &Parts, at: usize, count: usize) -> Option<usize> {
        let text = parts.joined(at, count);
        let least = usize::from(parts.bounds[at + count - 1] - parts.bounds[at]);
        let fits = |&at: &usize| match WORDS[at].kind {
            Kind::Whole => WORDS[at].text().as_bytes() == text,
            Kind::Stem => {
                WORDS[at].text().len() > least && text.starts_with(WORDS[at].text().as_bytes())
            }
            Kind::Within => false,
        };
        let key = |&at: &usize| (WORDS[at].kind == Kind::Whole, WORDS[at].text().len());
        let best = (0..WORDS.len()).filter(fits).max_by_key(key);
        let holds = |&at: &usize| {
            let inside = memchr::memmem::find(text, WORDS[at].text().as_bytes()).is_some();
            WORDS[at].kind == Kind::Within && inside
        };
        let inside = || (0..WORDS.len()).find(holds).filter(|_| count == 1 && text.len() >= LONG);
        best.or_else(inside)
    }

    proptest! {
        #[test]
        fn a_word_is_found_as_among_all(picks in prop::collection::vec((any::<prop::sample::Index>(), 0usize..4, "[a-z0-9]{0,3}"), 1..5)) {
            let texts = picks.iter().map(|(pick, cut, more)| {
                let text = pick.get(WORDS).text();
                format!("{}{more}", &text[..text.len().saturating_sub(*cut)])
            });
            let identifier = texts.collect::<Vec<_>>().join("_");
            let parts = Parts::of(identifier.as_bytes());
            for at in 0..parts.count {
                let most = 3.min(parts.count - at);
                let plain = (1..=most).rev().find_map(|count| Some((count, plainly(&parts, at, count)?)));
                prop_assert_eq!(parts.find(at, most), plain);
                prop_assert_eq!(parts.find(at, 1).map(|(_, word)| word), plainly(&parts, at, 1));
            }
        }
    }
}
