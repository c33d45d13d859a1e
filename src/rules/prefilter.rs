//! Which patterns can match in a line at all, told by literals before any pattern is compiled.
//!
//! Compiling all patterns takes a hundred times longer than reading a small change, and an automaton
//! of all their literals still several times as long. So each literal is filed under one group of
//! four of its bytes, the rarest, and a text is read by looking each of its groups up in a table:
//! nothing to build but that, and no step that waits for the one before.

use std::ops::Range;

use super::filing::{DRAWERS, OF_FOUR, counting, drawer, drawer_of, fold, word};
use super::places::{BLOCK, Places, STEP};
use super::table::{Entry, Literals, Table};
use super::to_u32;

/// Some of the patterns in force, to be looked for together.
#[derive(Debug)]
pub struct Prefilter<'a> {
    table: &'a Table,
    /// Those of the table, at hand.
    starts: &'a [u32],
    words: &'a [u32],
    entries: &'a [Entry],
    /// A bit for each pattern that is looked for.
    wanted: Vec<u64>,
    /// A bit for each literal of such a pattern, in the order of the entries.
    literals: Vec<u64>,
    /// A bit for each drawer in which a short one lies.
    short: [u64; (DRAWERS - OF_FOUR) / 64],
    /// Whether one may be filed under nothing but blanks.
    blank: bool,
    /// The places under which such a literal is filed; nothing where there is none.
    places: Option<Places>,
    /// The wanted patterns that have no literal.
    always: Vec<u32>,
}

/// The bits that no blank has, folded, in each byte of a word.
const BEYOND_BLANKS: u32 = !(0x0101_0101 * (b' ' | b'\t') as u32);

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

impl<'a> Prefilter<'a> {
    pub(super) fn new(known: &'a Literals, patterns: impl Iterator<Item = u32>) -> Self {
        let table = &known.table;
        let (words, entries) = (&*table.words, &*table.entries);
        let mut wanted = vec![0; table.leads.len() / 64 + 1];
        let (mut literals, mut short) = (Vec::new(), [0; (DRAWERS - OF_FOUR) / 64]);
        let (mut places, mut blank) = (None, false);
        for pattern in patterns {
            set(&mut wanted, pattern as usize);
            let own = table.literals(pattern);
            if own.is_empty() {
                continue;
            }
            literals.resize(entries.len() / 64 + 1, 0);
            let places = places.get_or_insert_with(Places::none);
            for &literal in own {
                let word = words[literal as usize];
                let text = || table.text(&entries[literal as usize]);
                set(&mut literals, literal as usize);
                if counting(word) == u32::MAX {
                    places.set(word);
                } else {
                    places.set_short(word, text());
                    set(&mut short, drawer(word) - OF_FOUR);
                }
                blank |= word & BEYOND_BLANKS == 0 && text().iter().any(u8::is_ascii_whitespace);
            }
        }
        let always = known.always.iter().copied();
        let always = always.filter(|&pattern| is_set(&wanted, pattern as usize)).collect();
        let starts = &table.starts;
        Prefilter { table, starts, words, entries, wanted, literals, short, blank, places, always }
    }

    /// Whether there is no pattern.
    pub fn is_empty(&self) -> bool {
        self.places.is_none() && self.always.is_empty()
    }

    /// The patterns that have no literal, and must be tried on every line.
    pub fn always(&self) -> &[u32] {
        &self.always
    }

    /// Calls `found` wherever a literal of a pattern stands in a part of a text, such as a line; where it begins
    /// is counted from the part's first byte. The text around the part counts for nothing.
    pub fn hits(&self, text: &[u8], part: Range<usize>, mut found: impl FnMut(Hit)) {
        let Some(places) = &self.places else { return };
        let line = &text[part.clone()];
        let mut at = part.start;
        if !self.blank {
            // No group that is looked for begins so far before the first byte that is none.
            let blanks = line.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            at += blanks.saturating_sub(3);
        }
        while at < part.end {
            // The last block may reach beyond the part, and beyond the text.
            let mut padded = [0; BLOCK];
            let block = text[at..].first_chunk().unwrap_or_else(|| {
                padded[..text.len() - at].copy_from_slice(&text[at..]);
                &padded
            });
            let inside = u64::MAX >> (u64::BITS - 8 * to_u32(STEP.min(part.end - at)));
            let mut stand = places.stand_in(block) & inside;
            while stand != 0 {
                let group = at + stand.trailing_zeros() as usize / 8 - part.start;
                self.look_up(group, line, &mut found);
                stand &= stand - 1;
            }
            at += STEP;
        }
    }

    /// Whether a pattern can match in a text, by the further texts that each of its matches contains.
    pub fn may_match(&self, pattern: u32, text: &[u8]) -> bool {
        self.table.holds_further(pattern, text)
    }

    fn look_up(&self, at: usize, line: &[u8], found: &mut impl FnMut(Hit)) {
        let word = fold(word(&line[at..]));
        self.search::<4>(word, at, line, found);
        self.search::<3>(word, at, line, found);
        self.search::<2>(word, at, line, found);
    }

    /// Looks for what is filed under the first `N` bytes of the word that stands at `at`.
    #[inline]
    fn search<const N: usize>(
        &self,
        word: u32,
        at: usize,
        line: &[u8],
        found: &mut impl FnMut(Hit),
    ) {
        let drawer = drawer_of::<N>(word);
        if N < 4 && !is_set(&self.short, drawer - OF_FOUR) {
            return;
        }
        let (first, end) = (self.starts[drawer] as usize, self.starts[drawer + 1] as usize);
        for (literal, filed) in (first..).zip(&self.words[first..end]) {
            if (word ^ filed) << (8 * (4 - N)) == 0 && is_set(&self.literals, literal) {
                self.tell(&self.entries[literal], at, line, found);
            }
        }
    }

    /// Tells of a literal whose word stands at `at`, if all of it does.
    fn tell(&self, entry: &Entry, at: usize, line: &[u8], found: &mut impl FnMut(Hit)) {
        let Some(at) = self.table.start(entry, at, line) else { return };
        for &pattern in self.table.patterns(entry) {
            if is_set(&self.wanted, pattern as usize) {
                found(Hit { pattern, at, leads: self.table.leads[pattern as usize] });
            }
        }
    }
}

fn set(bits: &mut [u64], at: usize) {
    bits[at / 64] |= 1 << (at % 64);
}

#[inline]
fn is_set(bits: &[u64], at: usize) -> bool {
    bits.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {

    use proptest::prelude::*;

    use super::super::literals::required;
    use super::super::{Rules, packs};

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
        assert_eq!(of(r"(?:curl|wget)\b.*\|\s*sh\b"), (true, vec!["sh\0".to_owned()]));
        // What is found behind the `x` would be no start of a match.
        let texts = required("(?:xfoo[1-9]|foo[ab])").unwrap().texts;
        assert_eq!(texts, ["fooa", "foob", "xfoo"].map(|text| text.as_bytes().to_vec()));
    }

    /// What the plain engine finds is among the hits, and where they say.
    fn holds(text: &[u8]) {
        let rules = Rules::built_in();
        let prefilter = rules.prefilter(rules.iter());
        let mut hits = Vec::new();
        prefilter.hits(text, 0..text.len(), |hit| hits.push(hit));
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

    /// Looks for a literal behind and before all that may stand around it in a line.
    #[track_caller]
    fn stands_anywhere(written: &str, literal: &str) {
        let rule = format!("id = 'auth/own'\ntitle = 'T'\npatterns = ['{written}']");
        let rules = Rules::with(&[toml::from_str(&rule).unwrap()], &[]).unwrap();
        let prefilter = rules.prefilter(rules.iter().last().into_iter());
        for before in ["", " ", "\t", "      ", "if x:"] {
            for behind in ["", "\n", "\r\n", " and some more\n"] {
                let line = format!("{before}{literal}{behind}");
                let text = format!("first\n{line}next\n");
                let mut found = Vec::new();
                prefilter.hits(text.as_bytes(), 6..6 + line.len(), |hit| found.push(hit.at));
                assert!(found.contains(&before.len()), "{line:?}: {found:?}");
            }
        }
    }

    #[test]
    fn a_literal_is_found_wherever_it_stands_in_a_line() {
        stands_anywhere("    x", "    x");
        stands_anywhere(r"\t\t\t\t\t", "\t\t\t\t\t");
        stands_anywhere("a=", "a=");
        stands_anywhere("<>;", "<>;");
        stands_anywhere("secretly", "secretly");
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
