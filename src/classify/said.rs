//! What a hunk says by which others belong to it: the functions that it changes and calls, the settings that it
//! names or sets.

use std::collections::BTreeSet;

use bstr::ByteSlice;

use super::line::Line;
use super::name;
use super::role;
use super::sight::is_code;
use super::tokens::Token;
use crate::change::{File, Hunk, LineKind};
use crate::rules::Language;

/// Hunks with more changed lines than this are read by nobody for the sake of another.
const MAX_LINES: usize = 60;

/// Languages that settings are written in.
const SETTINGS: [&str; 4] = ["yaml", "json", "toml", "ini"];

/// A hunk and what it says.
pub struct Said<'a> {
    pub(super) file: &'a File,
    pub(super) hunk: &'a Hunk,
    pub(super) matter: Matter<'a>,
}

/// What a hunk is made of.
pub(super) enum Matter<'a> {
    Code(Code<'a>),
    /// The keys of settings on its changed lines, plainly written.
    Settings(BTreeSet<Vec<u8>>),
}

/// The names in a hunk of code.
pub(super) struct Code<'a> {
    pub(super) language: &'static Language,
    /// The functions that it calls on its changed lines.
    pub(super) calls: BTreeSet<&'a [u8]>,
    /// The functions that it changes: the one around, and those that begin on its changed lines.
    pub(super) touches: BTreeSet<Vec<u8>>,
    /// What could be the name of a setting on its changed lines, plainly written.
    pub(super) names: BTreeSet<Vec<u8>>,
}

/// Whether hunks of a file can belong to others: it is code of the product, or holds its settings.
pub fn is_linked(file: &File) -> bool {
    let path = file.path.as_ref();
    let linked = |language: &Language| {
        let code = role::is_product_code(path, language);
        code || holds_settings(language) && role::factor(path) >= 1.0 && !role::is_tooling(path)
    };
    file.skipped.is_none() && file.language.is_some_and(linked)
}

fn holds_settings(language: &Language) -> bool {
    SETTINGS.contains(&language.name())
}

impl<'a> Said<'a> {
    /// What a hunk of a file says whose hunks can belong to others. Nothing where no line of code but imports
    /// really changes, or too many do.
    pub fn of(file: &'a File, hunk: &'a Hunk) -> Option<Said<'a>> {
        if hunk.changed_lines() > MAX_LINES {
            return None;
        }
        let language = file.language?;
        let lines = changed(file, hunk, language);
        let matter = if holds_settings(language) {
            let keys = lines.into_iter().filter_map(key).filter(|key| name::is_of_setting(key));
            Matter::Settings(keys.map(name::plain).collect())
        } else {
            let lines: Vec<Line<'_>> = lines.into_iter().map(Line::of).collect();
            if lines.iter().all(|line| line.is_import) {
                return None;
            }
            Matter::Code(Code::of(hunk, language, &lines))
        };
        Some(Said { file, hunk, matter })
    }

    /// The hunk.
    pub fn hunk(&self) -> &'a Hunk {
        self.hunk
    }

    /// The functions that it changes, or the settings.
    pub(super) fn touches(&self) -> &BTreeSet<Vec<u8>> {
        match &self.matter {
            Matter::Code(code) => &code.touches,
            Matter::Settings(keys) => keys,
        }
    }
}

impl<'a> Code<'a> {
    fn of(hunk: &Hunk, language: &'static Language, lines: &[Line<'a>]) -> Code<'a> {
        let lines = || lines.iter().filter(|line| !line.is_import);
        let heads = lines().filter_map(|line| language.function_name(line.text));
        let around = hunk.function.clone();
        let touches: BTreeSet<Vec<u8>> = heads.chain(around).map(String::into_bytes).collect();
        // The head of a function looks as a call of it does.
        let calls = lines().flat_map(Line::callees).filter(|name| !touches.contains(*name));
        let names = lines().flat_map(|line| &line.tokens).flat_map(|token| match *token {
            Token::Quoted(text) => text.split(|byte| !is_of_key(*byte)).collect(),
            Token::Word(word) => vec![word],
            Token::Number(_) | Token::Sign(_) => Vec::new(),
        });
        let names = names.filter(|name| name::is_of_setting(name)).map(name::plain).collect();
        Code { language, calls: calls.collect(), touches, names }
    }
}

/// The changed lines of a hunk that are code, without those that stand on both sides.
fn changed<'a>(file: &'a File, hunk: &'a Hunk, language: &Language) -> Vec<&'a [u8]> {
    let of = |kind| file.lines(hunk).filter(move |line| line.kind == kind).map(|line| line.text);
    let bare = |kind| of(kind).map(<[u8]>::trim_ascii).collect::<BTreeSet<_>>();
    let (removed, added) = (bare(LineKind::Removed), bare(LineKind::Added));
    let differs = |text: &&[u8]| {
        let bare = text.trim_ascii();
        !(bare.is_empty() || removed.contains(bare) && added.contains(bare))
    };
    let changed = of(LineKind::Removed).chain(of(LineKind::Added));
    changed.filter(differs).filter(|text| is_code(language, text)).collect()
}

/// The key that a line of settings sets.
fn key(line: &[u8]) -> Option<&[u8]> {
    let line = line.trim_ascii();
    let line = line.strip_prefix(b"export ").unwrap_or(line);
    let line = line.trim_start_with(|c| c == '-' || c == ' ');
    let end = line.find_byteset(b":=")?;
    let key = line[..end].trim_with(|c| c == ' ' || c == '"' || c == '\'');
    key.iter().all(|byte| is_of_key(*byte)).then_some(key)
}

fn is_of_key(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_settings_sets_its_key() {
        for line in [
            "cookie_secure: true",
            "  - cookie_secure = 1",
            "  \"cookie_secure\": false,",
            "export cookie_secure=1",
        ] {
            assert_eq!(key(line.as_bytes()), Some(&b"cookie_secure"[..]), "{line}");
        }
        assert_eq!(key(b"see https://example.org"), None);
        assert_eq!(key(b"[section]"), None);
    }
}
