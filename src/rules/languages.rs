//! Which language a file is in, what its comments and its function heads look like.

use std::sync::OnceLock;

use bstr::{BStr, ByteSlice};
use globset::{Glob, GlobSet, GlobSetBuilder};
use regex::bytes::Regex;
use serde::Deserialize;

/// All languages that the rules tell apart; at most 64, so that a set of them fits a word.
#[derive(Debug)]
pub struct Languages {
    languages: Vec<Language>,
    globs: GlobSet,
    /// The language of each glob, in the order of `globs`.
    of_glob: Vec<usize>,
}

/// A language.
#[derive(Debug)]
pub struct Language {
    /// Its name in rules, for example `python`.
    pub name: String,
    comments: Vec<String>,
    heads: Vec<String>,
    compiled: OnceLock<Vec<Regex>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LanguageSyntax {
    globs: Vec<String>,
    #[serde(default)]
    comments: Vec<String>,
    #[serde(default)]
    function: Vec<String>,
}

impl Languages {
    /// The languages of `languages.toml`.
    pub fn built_in() -> &'static Languages {
        static BUILT_IN: OnceLock<Languages> = OnceLock::new();
        BUILT_IN.get_or_init(|| {
            load(include_str!("languages.toml")).expect("a test proves languages.toml")
        })
    }

    /// The language of a file; where several fit, the one that stands last in the data.
    pub fn of(&self, path: &BStr) -> Option<&Language> {
        let matches = self.globs.matches(path.to_path_lossy());
        matches.into_iter().map(|glob| self.of_glob[glob]).max().map(|at| &self.languages[at])
    }

    /// All languages that a file can be read as, one bit each.
    pub(super) fn all_of(&self, path: &BStr) -> u64 {
        let matches = self.globs.matches(path.to_path_lossy());
        matches.into_iter().fold(0, |bits, glob| bits | 1 << self.of_glob[glob])
    }

    /// The bits of languages by name, or the first name that is not known.
    pub(super) fn bits(&self, names: &[String]) -> Result<u64, String> {
        names.iter().try_fold(0, |bits, name| {
            let at = self.languages.iter().position(|language| &language.name == name);
            at.map(|at| bits | 1 << at).ok_or_else(|| name.clone())
        })
    }
}

impl Language {
    /// Whether a line is only a comment: nothing stands behind a comment that the line also ends.
    pub fn is_comment(&self, line: &[u8]) -> bool {
        let line = line.trim_ascii();
        self.comments.iter().any(|prefix| match prefix.as_str() {
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
        let heads = self.compiled.get_or_init(|| {
            self.heads.iter().filter_map(|head| Regex::new(&format!("(?-u){head}")).ok()).collect()
        });
        let name = heads.iter().find_map(|head| head.captures(line)?.name("name"))?;
        Some(crate::visible::line(name.as_bytes()).into_string())
    }
}

/// Whether nothing stands behind the first end of a comment.
fn ends_with_comment(line: &[u8], end: &str) -> bool {
    line.find(end).is_none_or(|at| line[at + end.len()..].trim_ascii().is_empty())
}

fn load(text: &str) -> Result<Languages, String> {
    let table: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
    let mut languages = Vec::new();
    let mut globs = GlobSetBuilder::new();
    let mut of_glob = Vec::new();
    for (name, value) in table {
        let syntax: LanguageSyntax =
            value.try_into().map_err(|error| format!("{name}: {error}"))?;
        for glob in &syntax.globs {
            globs.add(Glob::new(glob).map_err(|error| error.to_string())?);
            of_glob.push(languages.len());
        }
        languages.push(Language {
            name,
            comments: syntax.comments,
            heads: syntax.function,
            compiled: OnceLock::new(),
        });
    }
    let globs = globs.build().map_err(|error| error.to_string())?;
    Ok(Languages { languages, globs, of_glob })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_loads_and_fits_a_word() {
        let languages = load(include_str!("languages.toml")).unwrap();
        assert!((10..=64).contains(&languages.languages.len()));
        for language in &languages.languages {
            for head in &language.heads {
                let regex = Regex::new(&format!("(?-u){head}")).unwrap();
                assert!(
                    regex.capture_names().any(|name| name == Some("name")),
                    "{}",
                    language.name
                );
            }
        }
    }

    #[test]
    fn a_workflow_is_more_than_yaml() {
        let languages = Languages::built_in();
        assert_eq!(languages.of(".github/workflows/ci.yml".into()).unwrap().name, "workflow");
        assert_eq!(languages.of("deploy/app.yml".into()).unwrap().name, "yaml");
        assert_eq!(languages.of("a.tsx".into()).unwrap().name, "typescript");
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
