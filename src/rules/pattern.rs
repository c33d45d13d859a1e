//! A pattern of a rule, compiled when a line first needs it.
//!
//! A small change tries most of its patterns a few times and in vain, and then compiling them is the most of
//! what they cost. So a pattern is compiled twice: at first for an engine that is ready in half the time,
//! and for the fast one when it has been tried often.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use regex_automata::meta::{BuildError, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;

use super::literals::{Required, required};
use crate::visible;

/// Compiled size of one pattern, in bytes; far above every sensible rule, far below what hurts.
const SIZE_LIMIT: usize = 2 << 20;

/// The same for an own pattern, which may come with a repository: the time that a search takes can
/// grow with this.
const OWN_SIZE_LIMIT: usize = 100 << 10;

/// So many tries are left to the engine that is ready first: it takes ten times as long for each.
const FEW: u32 = 32;

/// A pattern.
#[derive(Debug)]
pub(super) struct Pattern {
    /// As it is written.
    pub(super) written: Cow<'static, str>,
    /// The literals of an own pattern, if it has any; those of the packs are filed by the build.
    pub(super) literals: Option<Required>,
    /// For the first tries.
    first: OnceLock<Option<Regex>>,
    tries: AtomicU32,
    /// For all that follow.
    lasting: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern of a pack, which a test has proven.
    pub(super) fn built_in(written: &'static str) -> Pattern {
        Pattern::of(written.into(), None)
    }

    /// A user's own pattern.
    ///
    /// # Errors
    /// What is wrong with it, and at which byte.
    pub(super) fn own(written: &str) -> Result<Pattern, String> {
        let checked = compile(written, Engine::Lasting, OWN_SIZE_LIMIT);
        checked.map_err(|error| mistake(&error, written))?;
        Ok(Pattern::of(written.to_owned().into(), required(written)))
    }

    fn of(written: Cow<'static, str>, literals: Option<Required>) -> Pattern {
        let (first, lasting) = (OnceLock::new(), OnceLock::new());
        Pattern { written, literals, first, tries: AtomicU32::new(0), lasting }
    }

    /// The pattern compiled, for one try in a text as long as a line, or a longer one; none where it does not compile.
    pub(super) fn regex(&self, long: bool) -> Option<&Regex> {
        if let Some(lasting) = self.lasting.get() {
            return lasting.as_ref();
        }
        if long {
            return self.lasting();
        }
        match self.tries.fetch_add(1, Ordering::Relaxed) {
            ..FEW => self.first.get_or_init(|| self.compiled(Engine::First)).as_ref(),
            FEW.. => self.lasting(),
        }
    }

    fn lasting(&self) -> Option<&Regex> {
        self.lasting.get_or_init(|| self.compiled(Engine::Lasting)).as_ref()
    }

    fn compiled(&self, engine: Engine) -> Option<Regex> {
        compile(&self.written, engine, SIZE_LIMIT).ok()
    }

    /// Whether a try needs no compiling.
    pub(super) fn is_compiled(&self) -> bool {
        self.first.get().is_some() || self.lasting.get().is_some()
    }
}

/// What a pattern is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Engine {
    First,
    Lasting,
}

/// A pattern on bytes: `^` and `$` are line bounds, classes are ASCII (fifteen times faster). What the
/// library prepares for long texts is left out: a pattern is only tried on a line that holds one of its literals.
fn compile(pattern: &str, engine: Engine, bytes: usize) -> Result<Regex, Box<BuildError>> {
    let syntax = syntax::Config::new().multi_line(true).unicode(false).utf8(false);
    let config = Regex::config()
        .nfa_size_limit(Some(bytes))
        .which_captures(WhichCaptures::Implicit)
        .utf8_empty(false)
        .auto_prefilter(false)
        .onepass(false)
        .dfa(false)
        .hybrid(engine == Engine::Lasting);
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
            for engine in [Engine::First, Engine::Lasting] {
                compile(pattern, engine, SIZE_LIMIT)
                    .unwrap_or_else(|error| unreachable!("{id}: {error}"));
            }
        }
    }

    #[test]
    fn both_engines_find_the_same() {
        let lines: Vec<String> = packs::examples().collect();
        for (id, written) in packs::patterns() {
            let [first, lasting] = [Engine::First, Engine::Lasting]
                .map(|engine| compile(written, engine, SIZE_LIMIT).unwrap());
            for line in lines.iter().step_by(7) {
                assert_eq!(first.find(line), lasting.find(line), "{id}: {line}");
            }
        }
    }

    #[test]
    fn a_pattern_that_is_tried_often_is_compiled_anew() {
        let pattern = Pattern::built_in(r"\bexec\(");
        for _ in 0..FEW {
            assert!(pattern.regex(false).unwrap().is_match("exec(x)"));
        }
        assert!(pattern.is_compiled() && pattern.lasting.get().is_none());
        assert!(
            pattern.regex(false).unwrap().is_match("exec(x)") && pattern.lasting.get().is_some()
        );
    }
}
