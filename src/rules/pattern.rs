//! A pattern of a rule: an automaton that the build has made tells nearly all texts that it does not match, and
//! the pattern itself is compiled when it has to be asked.

use std::borrow::Cow;
use std::sync::OnceLock;

use regex_automata::Anchored;
use regex_automata::meta::{BuildError, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;

use super::automaton::{AutomatonData, Verdict};
use super::literals::{Required, required};
use crate::visible;

/// Compiled size of one pattern, in bytes; far above every sensible rule, far below what hurts.
const SIZE_LIMIT: usize = 2 << 20;

/// The same for an own pattern, which may come with a repository: the time that a search takes can
/// grow with this.
const OWN_SIZE_LIMIT: usize = 100 << 10;

/// A pattern as the build embeds it. It holds no pointer, which would have to be set right when the program starts.
#[derive(Debug)]
pub(super) struct PatternData {
    /// Where it begins in the text of all patterns, in bytes.
    pub(super) start: usize,
    /// How long it is.
    pub(super) length: usize,
    pub(super) automaton: Option<AutomatonData>,
}

/// A pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    /// As it is written.
    pub(super) written: Cow<'static, str>,
    /// The literals of an own pattern, if it has any; those of the packs are filed by the build.
    pub(super) literals: Option<Required>,
    /// That of a built-in one, unless it would be too large.
    automaton: Option<&'static AutomatonData>,
    regex: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern of a pack, which a test has proven.
    pub(super) fn built_in(data: &'static PatternData) -> Pattern {
        let (written, automaton) = (data.written().into(), data.automaton.as_ref());
        Pattern { written, literals: None, automaton, regex: OnceLock::new() }
    }

    /// A user's own pattern.
    ///
    /// # Errors
    /// What is wrong with it, and at which byte.
    pub(super) fn own(written: &str) -> Result<Pattern, String> {
        let checked = compile(written, OWN_SIZE_LIMIT);
        checked.map_err(|error| mistake(&error, written))?;
        let (literals, regex) = (required(written), OnceLock::new());
        Ok(Pattern { written: written.to_owned().into(), literals, automaton: None, regex })
    }

    /// What is told without compiling it: whether it matches from a byte of a text on, or there.
    pub(super) fn look(&self, text: &[u8], at: usize, anchored: Anchored) -> Verdict {
        self.automaton.map_or(Verdict::Perhaps, |it| it.look(text, at, anchored))
    }

    /// The pattern, compiled. One that does not compile is left out: own patterns are checked when they are
    /// loaded, and built-in ones by a test.
    pub(super) fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| compile(&self.written, SIZE_LIMIT).ok()).as_ref()
    }
}

/// A pattern on bytes: `^` and `$` are line bounds, classes are ASCII (fifteen times faster). What the
/// library prepares for long texts is left out: a pattern is only tried on a line that holds one of its literals.
fn compile(pattern: &str, bytes: usize) -> Result<Regex, Box<BuildError>> {
    let syntax = syntax::Config::new().multi_line(true).unicode(false).utf8(false);
    let config = Regex::config()
        .nfa_size_limit(Some(bytes))
        .which_captures(WhichCaptures::Implicit)
        .utf8_empty(false)
        .auto_prefilter(false)
        .onepass(false)
        .dfa(false);
    Regex::builder().syntax(syntax).configure(config).build(pattern).map_err(Box::new)
}

/// Said of classes, and of letters in any case, that are to be those of Unicode.
const ONLY_ASCII: &str =
    "classes and letters in any case are those of ASCII, leave out what asks for others";

/// What is wrong with a pattern, and at which byte of it: `, byte 4: unclosed group: (b`.
fn mistake(error: &BuildError, pattern: &str) -> String {
    use regex_syntax::Error;
    use regex_syntax::hir::ErrorKind;

    let (span, what) = match error.syntax_error() {
        Some(Error::Parse(error)) => (Some(error.span()), error.kind().to_string()),
        Some(Error::Translate(error)) => {
            let what = match error.kind() {
                ErrorKind::UnicodeNotAllowed
                | ErrorKind::UnicodePerlClassNotFound
                | ErrorKind::UnicodeCaseUnavailable
                | ErrorKind::UnicodePropertyNotFound
                | ErrorKind::UnicodePropertyValueNotFound => ONLY_ASCII.to_owned(),
                other => other.to_string(),
            };
            (Some(error.span()), what)
        }
        _ => (None, error.to_string()),
    };
    let Some(start) = span.map(|span| span.start.offset) else {
        return format!(": {what}; at most {} KiB once compiled", OWN_SIZE_LIMIT >> 10);
    };
    let rest: String = pattern.get(start..).unwrap_or_default().chars().take(20).collect();
    format!(", byte {}: {what}: `{}`", start + 1, visible::line(&rest))
}

#[cfg(test)]
mod tests {
    use bstr::ByteSlice;
    use proptest::prelude::*;
    use regex_automata::Input;

    use super::super::{Rules, packs};
    use super::*;

    #[test]
    fn every_built_in_pattern_compiles() {
        for (id, pattern) in packs::patterns() {
            compile(pattern, SIZE_LIMIT).unwrap_or_else(|error| unreachable!("{id}: {error}"));
        }
    }

    #[test]
    fn a_class_of_unicode_is_said_to_be_none() {
        let error = Pattern::own(r"key_\p{Greek}").unwrap_err();
        assert_eq!(error, format!(", byte 5: {ONLY_ASCII}: `\\p{{Greek}}`"));
    }

    /// Holds what is told of every pattern and a text against what the pattern says.
    #[track_caller]
    fn is_told(text: &[u8], at: usize) {
        for rule in Rules::built_in().iter() {
            for (number, regex) in rule.regexes() {
                for anchored in [Anchored::No, Anchored::Yes] {
                    let matches = regex.is_match(Input::new(text).range(at..).anchored(anchored));
                    let told = rule.look(number, text, at, anchored);
                    let other = if matches { Verdict::No } else { Verdict::Yes };
                    let shown = || format!("{}: {:?}, {at}", rule.written(number), text.as_bstr());
                    assert_ne!(told, other, "{}", shown());
                }
            }
        }
    }

    #[test]
    fn nearly_all_texts_are_told_without_compiling() {
        let patterns =
            Rules::built_in().iter().flat_map(|rule| rule.numbers().map(move |at| (rule, at)));
        let (mut asked, mut told) = (0, 0);
        for (rule, number) in patterns {
            for text in packs::examples().step_by(29).filter(|text| !text.is_empty()) {
                asked += 1;
                let verdict = rule.look(number, text.as_bytes(), 0, Anchored::No);
                told += usize::from(verdict != Verdict::Perhaps);
            }
        }
        assert!(told * 100 > asked * 95, "{told} of {asked}");
    }

    #[test]
    fn what_is_told_of_examples_is_so() {
        for example in packs::examples().step_by(7) {
            is_told(example.as_bytes(), 0);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn what_is_told_of_mixed_text_is_so(
            cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..60, 1usize..80), 1..6),
            at: prop::sample::Index,
            odd: u8,
        ) {
            let examples: Vec<String> = packs::examples().collect();
            let mut text = Vec::new();
            for (which, from, length) in cuts {
                let example = which.get(&examples).as_bytes();
                let from = from.min(example.len());
                text.extend_from_slice(&example[from..(from + length).min(example.len())]);
                text.push(odd);
            }
            let at = at.index(text.len());
            is_told(&text, at);
        }
    }
}
