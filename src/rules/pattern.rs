//! A pattern of a rule, compiled when a line first needs it.
//!
//! A small change tries most of its patterns a few times and in vain, and then compiling them is the most of
//! what they cost. So a pattern is compiled twice: at first for an engine that is ready in a quarter of the time,
//! and for the fast one when it has read more.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use regex_automata::meta::{BuildError, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use super::literals::{Required, required};
use crate::visible;

/// Compiled size of one pattern, in bytes; far above every sensible rule, far below what hurts.
const SIZE_LIMIT: usize = 2 << 20;

/// The same for an own pattern, which may come with a repository: the time that a search takes can
/// grow with this.
const OWN_SIZE_LIMIT: usize = 100 << 10;

/// So many bytes of text are left to the engine that is ready first, which takes ten times as long for each:
/// some ten lines.
const FEW: usize = 512;

/// A pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    /// As it is written.
    pub(super) written: Cow<'static, str>,
    /// The literals of an own pattern, if it has any; those of the packs are filed by the build.
    pub(super) literals: Option<Required>,
    /// For the first texts.
    first: OnceLock<Option<regex_lite::Regex>>,
    /// How much the first engine has been given to read, in bytes.
    read: AtomicUsize,
    /// For all that follow.
    lasting: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern of a pack, which a test has proven.
    pub(super) fn built_in(written: &'static str) -> Pattern {
        Pattern::of(written.into(), None, 0)
    }

    /// A user's own pattern. No test has shown that both engines understand it alike, so that it has but one.
    ///
    /// # Errors
    /// What is wrong with it, and at which byte.
    pub(super) fn own(written: &str) -> Result<Pattern, String> {
        let checked = compile(written, OWN_SIZE_LIMIT);
        checked.map_err(|error| mistake(&error, written))?;
        Ok(Pattern::of(written.to_owned().into(), required(written), FEW))
    }

    fn of(written: Cow<'static, str>, literals: Option<Required>, read: usize) -> Pattern {
        let (first, lasting) = (OnceLock::new(), OnceLock::new());
        Pattern { written, literals, first, read: AtomicUsize::new(read), lasting }
    }

    /// The pattern on a text; none where it does not compile.
    pub(super) fn on<'p>(&'p self, text: &'p [u8]) -> Option<Attempt<'p>> {
        if self.lasting.get().is_none()
            && text.len() <= FEW
            && self.read.fetch_add(text.len(), Ordering::Relaxed) + text.len() <= FEW
            // In other text a class may stand for more than a byte.
            && text.is_ascii()
            && let Ok(text) = str::from_utf8(text)
            && let Some(regex) = self.first.get_or_init(|| first(&self.written)).as_ref()
        {
            return Some(Attempt::First { regex, text });
        }
        Some(Attempt::Lasting { regex: self.regex()?, text })
    }

    /// The pattern for any number of texts; none where it does not compile.
    pub(super) fn regex(&self) -> Option<&Regex> {
        self.lasting.get_or_init(|| compile(&self.written, SIZE_LIMIT).ok()).as_ref()
    }

    /// Whether a try needs no compiling.
    pub(super) fn is_compiled(&self) -> bool {
        self.first.get().is_some() || self.lasting.get().is_some()
    }
}

/// A pattern and a text.
#[derive(Debug)]
pub enum Attempt<'p> {
    /// For the engine that is ready first.
    First {
        /// The pattern.
        regex: &'p regex_lite::Regex,
        /// The text, which is ASCII.
        text: &'p str,
    },
    /// For the one that reads fast.
    Lasting {
        /// The pattern.
        regex: &'p Regex,
        /// The text.
        text: &'p [u8],
    },
}

impl Attempt<'_> {
    /// Whether the pattern matches from a byte of the text on, or there.
    pub fn is_match(&self, at: usize, anchored: Anchored) -> bool {
        match self {
            Attempt::First { .. } => self.find(at, anchored).is_some(),
            Attempt::Lasting { regex, text } => {
                regex.is_match(Input::new(*text).range(at..).anchored(anchored).earliest(true))
            }
        }
    }

    /// The first match from a byte of the text on, or the one that begins there.
    pub fn find(&self, at: usize, anchored: Anchored) -> Option<Range<usize>> {
        match self {
            Attempt::First { regex, text } => {
                let found = regex.find_at(text, at)?.range();
                (anchored == Anchored::No || found.start == at).then_some(found)
            }
            Attempt::Lasting { regex, text } => {
                let found = regex.search(&Input::new(*text).range(at..).anchored(anchored))?;
                Some(found.range())
            }
        }
    }
}

/// A pattern for ASCII, as [`compile`] makes it.
fn first(pattern: &str) -> Option<regex_lite::Regex> {
    let mut builder = regex_lite::RegexBuilder::new(pattern);
    builder.multi_line(true).size_limit(SIZE_LIMIT).build().ok()
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

/// What is wrong with a pattern, and at which byte of it: `, byte 4: unclosed group: (b`.
fn mistake(error: &BuildError, pattern: &str) -> String {
    use regex_syntax::Error;

    let (span, what) = match error.syntax_error() {
        Some(Error::Parse(error)) => (Some(error.span()), error.kind().to_string()),
        Some(Error::Translate(error)) => (Some(error.span()), error.kind().to_string()),
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
    use super::super::packs;
    use super::*;

    #[test]
    fn every_built_in_pattern_compiles() {
        for (id, pattern) in packs::patterns() {
            compile(pattern, SIZE_LIMIT).unwrap_or_else(|error| unreachable!("{id}: {error}"));
            assert!(first(pattern).is_some(), "{id}");
        }
    }

    #[test]
    fn both_engines_find_the_same() {
        let lines: Vec<String> = packs::examples().filter(|line| line.is_ascii()).collect();
        for (id, written) in packs::patterns() {
            let (first, lasting) = (first(written).unwrap(), compile(written, SIZE_LIMIT).unwrap());
            for line in lines.iter().step_by(7) {
                let attempts = [
                    Attempt::First { regex: &first, text: line },
                    Attempt::Lasting { regex: &lasting, text: line.as_bytes() },
                ];
                let [first, lasting] = attempts.each_ref().map(|on| on.find(0, Anchored::No));
                assert_eq!(first, lasting, "{id}: {line}");
                let at = lasting.map_or(line.len() / 2, |found| found.start);
                let [first, lasting] = attempts.each_ref().map(|on| on.find(at, Anchored::Yes));
                assert_eq!(first, lasting, "{id}: {line}, at {at}");
                let [first, lasting] = attempts.map(|on| on.is_match(at, Anchored::No));
                assert_eq!(first, lasting, "{id}: {line}, from {at}");
            }
        }
    }

    #[test]
    fn a_pattern_that_reads_more_is_compiled_anew() {
        let pattern = Pattern::built_in(r"\bexec\(");
        let matches = |text: &str| pattern.on(text.as_bytes()).unwrap().is_match(0, Anchored::No);
        for _ in 0..FEW / 7 {
            assert!(matches("exec(x)"));
        }
        assert!(pattern.is_compiled() && pattern.lasting.get().is_none());
        assert!(matches("exec(x)") && pattern.lasting.get().is_some());
        let own = Pattern::own(r"\bexec\(").unwrap();
        assert!(matches!(own.on(b"exec(x)"), Some(Attempt::Lasting { .. })));
        let other = Pattern::built_in(r"\bexec\(");
        assert!(matches!(other.on("größe = exec(x)".as_bytes()), Some(Attempt::Lasting { .. })));
    }
}
