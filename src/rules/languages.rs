//! Which language a file is in, what its comments and its function heads look like.

use std::fmt;
use std::sync::OnceLock;

use bstr::{BStr, ByteSlice};
use regex_automata::Anchored;
use regex_automata::meta::{BuildError, Regex};
use regex_automata::util::syntax;

use super::automaton::{AutomatonData, Verdict};
use super::table::stands_in;
use crate::paths::Paths;

// `LANGUAGES`, in the order of `languages.toml`.
include!(concat!(env!("OUT_DIR"), "/languages.rs"));

/// A language as the build embeds it.
struct LanguageData {
    name: &'static str,
    globs: &'static [&'static str],
    comments: &'static [&'static str],
    heads: &'static [HeadData],
    keywords: &'static [&'static str],
}

/// How a function begins.
struct HeadData {
    pattern: &'static str,
    /// Texts of which each such line holds one, like those of the rules; none where there are no such. For each the
    /// place of its rarest byte, and whether a word must begin and end with it.
    literals: &'static [(&'static [u8], usize, [bool; 2])],
    automaton: Option<AutomatonData>,
}

/// All languages that the rules tell apart; at most 64, so that a set of them fits a word.
pub struct Languages {
    languages: Vec<Language>,
    paths: Paths,
    /// The language of each path pattern, in the order of `paths`.
    of_path: Vec<usize>,
}

/// A language.
pub struct Language {
    data: &'static LanguageData,
    heads: Vec<Head>,
}

/// The same, compiled when a line is likely to be one.
struct Head {
    data: &'static HeadData,
    regex: OnceLock<Option<Regex>>,
}

impl Languages {
    /// The languages of `languages.toml`.
    pub fn built_in() -> &'static Languages {
        static BUILT_IN: OnceLock<Languages> = OnceLock::new();
        BUILT_IN.get_or_init(|| {
            let of_path = LANGUAGES.iter().enumerate();
            let of_path = of_path.flat_map(|(at, language)| language.globs.iter().map(move |_| at));
            let head = |data| Head { data, regex: OnceLock::new() };
            let language = |data: &'static LanguageData| Language {
                data,
                heads: data.heads.iter().map(head).collect(),
            };
            Languages {
                languages: LANGUAGES.iter().map(language).collect(),
                paths: Paths::new(LANGUAGES.iter().flat_map(|language| language.globs).copied()),
                of_path: of_path.collect(),
            }
        })
    }

    /// The language of a file; where several fit, the one that stands last in the data.
    pub fn of(&self, path: &BStr) -> Option<&Language> {
        let last = self.paths.matches(path).map(|glob| self.of_path[glob]).max();
        last.map(|at| &self.languages[at])
    }

    /// All languages that a file can be read as, one bit each.
    pub(super) fn all_of(&self, path: &BStr) -> u64 {
        self.paths.matches(path).fold(0, |bits, glob| bits | 1 << self.of_path[glob])
    }

    /// The names of languages by their bits.
    pub(super) fn named(&self, bits: u64) -> Vec<&'static str> {
        let names = self.languages.iter().map(Language::name).enumerate();
        names.filter(|(at, _)| bits >> at & 1 == 1).map(|(_, name)| name).collect()
    }

    /// The bits of languages by name, or the first name that is not known.
    pub(super) fn bits(&self, names: &[String]) -> Result<u64, String> {
        names.iter().try_fold(0, |bits, name| {
            let at = LANGUAGES.iter().position(|language| language.name == name);
            at.map(|at| bits | 1 << at).ok_or_else(|| name.clone())
        })
    }
}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Language").field(&self.data.name).finish()
    }
}

impl Language {
    /// Its name in rules, for example `python`.
    pub fn name(&self) -> &'static str {
        self.data.name
    }

    /// Whether a line is only a comment: nothing stands behind a comment that the line also ends.
    pub fn is_comment(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        self.data.comments.iter().any(|prefix| match *prefix {
            "/*" => line.starts_with(b"/*") && ends_with_comment(line, "*/"),
            "<!--" => line.starts_with(b"<!--") && ends_with_comment(line, "-->"),
            // The middle of a block comment; `*pointer = x` is none.
            "*" => {
                let middle = line.strip_prefix(b"*").and_then(|rest| rest.first());
                line == b"*"
                    || (middle.is_some_and(|next| b" \t/".contains(next))
                        && ends_with_comment(line, "*/"))
            }
            prefix => line.starts_with(prefix.as_bytes()),
        })
    }

    /// The name of the function that a line begins, if it begins one.
    pub fn function_name(&self, line: &[u8]) -> Option<String> {
        if line.len() > 400 || self.is_comment(line) {
            return None;
        }
        let keyword = |word: &[u8]| self.data.keywords.iter().any(|other| other.as_bytes() == word);
        let heads = self.heads.iter().filter(|head| head.may_be(line));
        let name = heads.filter_map(Head::regex).find_map(|head| {
            let mut found = head.create_captures();
            head.captures(line, &mut found);
            let group =
                |name: &str| found.get_group_by_name(name).map(|group| &line[group.range()]);
            let name = group("name")?;
            (!group("first").is_some_and(keyword) && !keyword(name)).then_some(name)
        })?;
        Some(crate::visible::line(name.as_bytes()).into_string())
    }
}

impl Head {
    /// Whether a line may be one, told without compiling the pattern.
    fn may_be(&self, line: &[u8]) -> bool {
        let HeadData { literals, automaton, .. } = self.data;
        let mut stand =
            literals.iter().map(|(text, rarest, bounds)| stands_in(line, text, *rarest, *bounds));
        (literals.is_empty() || stand.any(|stands| stands))
            && automaton.as_ref().is_none_or(|it| it.look(line, 0, Anchored::No) != Verdict::No)
    }

    fn regex(&self) -> Option<&Regex> {
        self.regex.get_or_init(|| compile(self.data.pattern).ok()).as_ref()
    }
}

/// A pattern for few lines, nearly all of which it matches: what makes a search fast is left out.
fn compile(pattern: &str) -> Result<Regex, Box<BuildError>> {
    let syntax = syntax::Config::new().unicode(false).utf8(false);
    let config = Regex::config().utf8_empty(false).auto_prefilter(false).hybrid(false).dfa(false);
    Regex::builder().syntax(syntax).configure(config).build(pattern).map_err(Box::new)
}

/// Whether nothing stands behind the first end of a comment.
fn ends_with_comment(line: &[u8], end: &str) -> bool {
    line.find(end).is_none_or(|at| line[at + end.len()..].trim_ascii().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_loads_and_fits_a_word() {
        assert!((10..=64).contains(&LANGUAGES.len()));
        for language in LANGUAGES {
            for head in language.heads {
                let regex = compile(head.pattern).unwrap();
                let names = regex.group_info().all_names();
                assert!(
                    names.into_iter().any(|(.., name)| name == Some("name")),
                    "{}",
                    language.name
                );
            }
        }
    }

    #[test]
    fn a_workflow_is_more_than_yaml() {
        let languages = Languages::built_in();
        assert_eq!(languages.of(".github/workflows/ci.yml".into()).unwrap().name(), "workflow");
        assert_eq!(languages.of("deploy/app.yml".into()).unwrap().name(), "yaml");
        assert_eq!(languages.of("a.tsx".into()).unwrap().name(), "typescript");
        assert!(languages.of("LICENSE".into()).is_none());
    }

    #[test]
    fn code_beside_a_comment_is_code() {
        let language = Languages::built_in().of("a.c".into()).unwrap();
        for line in ["// x", "/* x", " * x", "*/", "/* x */", "*"] {
            assert!(language.is_comment(line.as_bytes()), "{line}");
        }
        for line in ["/**/ system(x);", "*p = system(x);", "* x */ system(x);", "x /* y */"] {
            assert!(!language.is_comment(line.as_bytes()), "{line}");
        }
    }
}
