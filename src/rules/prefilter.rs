//! Which patterns can match a text at all, told by literals before any pattern is compiled.
//!
//! Compiling all patterns takes a hundred times longer than reading a small change. The literals are
//! derived from the patterns themselves: a set of which every match must contain at least one.

use super::Rule;
use super::literals::required;
use aho_corasick::{AhoCorasick, MatchKind};

// `BUILT_IN`: the patterns of the packs in order, each with its literals, if it has any.
include!(concat!(env!("OUT_DIR"), "/literals.rs"));

/// Literals of the patterns of some rules in one automaton.
#[derive(Debug)]
pub struct Prefilter {
    automaton: Option<AhoCorasick>,
    /// The pattern of each literal, in the order of the automaton.
    of_literal: Vec<u32>,
    /// Patterns without a literal: they can match anything.
    always: Vec<u32>,
}

/// Patterns that can match a text; a bit for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Candidates {
    bits: Vec<u64>,
}

impl Candidates {
    /// Whether the pattern of this number can match.
    pub fn contains(&self, pattern: u32) -> bool {
        let word = self.bits.get(pattern as usize / 64);
        word.is_some_and(|word| word >> (pattern % 64) & 1 == 1)
    }

    fn insert(&mut self, pattern: u32) {
        let at = pattern as usize / 64;
        if self.bits.len() <= at {
            self.bits.resize(at + 1, 0);
        }
        self.bits[at] |= 1 << (pattern % 64);
    }
}

impl Prefilter {
    /// Derives the literals of the rules' patterns.
    pub fn new<'a>(rules: impl IntoIterator<Item = &'a Rule>) -> Prefilter {
        let mut prefilter =
            Prefilter { automaton: None, of_literal: Vec::new(), always: Vec::new() };
        let mut literals: Vec<Vec<u8>> = Vec::new();
        for (number, pattern) in rules.into_iter().flat_map(Rule::patterns) {
            let before = literals.len();
            let found = match BUILT_IN.binary_search_by_key(&pattern, |(pattern, _)| pattern) {
                Ok(at) => BUILT_IN[at].1.map(|set| set.iter().map(|text| text.to_vec()).collect()),
                Err(_) => required(pattern),
            };
            match found {
                Some(set) => literals.extend(set),
                None => prefilter.always.push(number),
            }
            prefilter.of_literal.extend(literals[before..].iter().map(|_| number));
        }
        let builder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::Standard)
            .build(&literals);
        match builder {
            Ok(automaton) => prefilter.automaton = Some(automaton),
            // Too many literals for the automaton: then every pattern is a candidate.
            Err(_) => prefilter.always.extend(prefilter.of_literal.iter().copied()),
        }
        prefilter
    }

    /// The patterns that can match in a text.
    pub fn candidates(&self, text: &[u8]) -> Candidates {
        let mut found = Candidates::default();
        for &pattern in &self.always {
            found.insert(pattern);
        }
        let hits =
            self.automaton.iter().flat_map(|automaton| automaton.find_overlapping_iter(text));
        for hit in hits {
            found.insert(self.of_literal[hit.pattern().as_usize()]);
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
        check(r"\bos\.system\(", Some(&["os.system("]));
        check(r"(?i)password\s*=", Some(&["password"]));
        check(r"\b(?:md5|sha1)\(", Some(&["md5", "sha1"]));
        check(r"x?\w+", None);
        check(r"(?:eval|)\s", None);
        check(r"shell\s*=\s*True", Some(&["shell"]));
    }

    fn prefilter() -> &'static Prefilter {
        static ALL: std::sync::OnceLock<Prefilter> = std::sync::OnceLock::new();
        ALL.get_or_init(|| Prefilter::new(Rules::built_in().iter()))
    }

    /// Every hit of the plain engine is a candidate.
    fn holds(text: &[u8]) {
        let rules = Rules::built_in();
        let candidates = prefilter().candidates(text);
        for rule in rules.iter() {
            for (number, regex) in rule.numbered_regexes() {
                assert!(
                    !regex.is_match(text) || candidates.contains(number),
                    "{} {regex}",
                    rule.id
                );
            }
        }
    }

    #[test]
    fn no_example_of_a_rule_is_lost() {
        packs::examples().for_each(|example| holds(example.as_bytes()));
    }

    #[test]
    fn the_build_has_derived_the_literals_of_every_pack() {
        for (_, pattern) in Rules::built_in().iter().flat_map(Rule::patterns) {
            let at = BUILT_IN.binary_search_by_key(&pattern, |(pattern, _)| pattern).unwrap();
            let built = BUILT_IN[at].1.map(|set| set.iter().map(|text| text.to_vec()).collect());
            assert_eq!(built, required(pattern), "{pattern}");
        }
    }

    #[test]
    fn few_patterns_have_no_literal() {
        let nothing = prefilter().candidates(b"");
        let patterns = Rules::built_in().iter().flat_map(Rule::patterns);
        let always: Vec<_> = patterns.filter(|(number, _)| nothing.contains(*number)).collect();
        assert!(always.len() <= 6, "{always:?}");
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
