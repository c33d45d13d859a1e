//! What a line of code does, told by its tokens: the common languages look alike enough.

use bstr::ByteSlice;

use super::tokens::{Token, tokens};

/// A line of code and its tokens.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// The line.
    pub(super) text: &'a [u8],
    /// Its tokens.
    pub(super) tokens: Vec<Token<'a>>,
    /// Whether it asks something.
    pub(super) is_condition: bool,
    /// Whether it ends what was going on: raises, returns an error, gives up.
    pub(super) is_refusal: bool,
    /// Whether it brings in another file.
    pub(super) is_import: bool,
}

/// Words that begin a condition.
const CONDITIONS: [&str; 18] = [
    "if", "elif", "elsif", "elseif", "unless", "while", "guard", "assert", "ensure", "require",
    "when", "case", "match", "test", "not", "and", "or", "until",
];

/// Words that refuse, in lower case; what begins with `fail` or `forbid` does too.
const REFUSALS: [&str; 13] = [
    "raise",
    "throw",
    "throws",
    "abort",
    "die",
    "panic",
    "bail",
    "reject",
    "deny",
    "exit",
    "continue",
    "exception",
    "unreachable",
];

/// Words that bring in other files.
const IMPORTS: [&str; 7] = ["import", "from", "use", "using", "require", "include", "package"];

/// Words that begin a definition.
const HEADS: [&str; 16] = [
    "pub",
    "public",
    "private",
    "protected",
    "static",
    "def",
    "func",
    "function",
    "fn",
    "async",
    "class",
    "type",
    "struct",
    "interface",
    "sub",
    "trait",
];

/// Words that ask something in the middle of a line.
const KEYWORDS: [&str; 12] = [
    "if", "for", "while", "switch", "return", "catch", "elif", "and", "or", "not", "in", "function",
];

impl<'a> Line<'a> {
    pub(super) fn of(text: &'a [u8]) -> Line<'a> {
        let tokens = tokens(text);
        let mut line =
            Line { text, tokens, is_condition: false, is_refusal: false, is_import: false };
        line.is_condition = line.asks();
        line.is_refusal = line.refuses();
        line.is_import = line.imports();
        line
    }

    /// The first token behind closing brackets.
    fn first(&self) -> Option<Token<'a>> {
        self.tokens.iter().copied().find(|token| !matches!(token.text(), b"}" | b")"))
    }

    fn begins_with(&self, words: &[&str]) -> bool {
        let first = self.first().and_then(Token::word);
        first.is_some_and(|first| words.iter().any(|word| word.as_bytes() == first))
    }

    fn asks(&self) -> bool {
        let asks = |token: &Token<'_>| match token {
            Token::Word(text) => matches!(*text, b"if" | b"unless"),
            Token::Sign(text) => matches!(*text, b"&&" | b"||" | b"?"),
            Token::Number(_) | Token::Quoted(_) => false,
        };
        let assertion = |word: &[u8]| word.starts_with(b"assert");
        self.begins_with(&CONDITIONS)
            || self.first().and_then(Token::word).is_some_and(assertion)
            || (self.begins_with(&["else"]) && self.tokens.iter().any(|token| token.is("if")))
            || self.tokens.iter().any(asks)
    }

    fn refuses(&self) -> bool {
        let mut before: Option<Token<'_>> = None;
        self.tokens.iter().enumerate().any(|(at, token)| {
            let last = before.replace(*token);
            let Some(word) = token.word() else { return false };
            let is = |other: &str| {
                word.len() == other.len() && word.eq_ignore_ascii_case(other.as_bytes())
            };
            let next = self.tokens.get(at + 1);
            let refuses = REFUSALS.iter().any(|refusal| is(refusal))
                || begins(word, b"fail")
                || begins(word, b"forbid")
                || ends(word, b"exception")
                || (is("err") && next.is_some_and(|next| next.is("!") || next.is("(")))
                || (word == b"Errorf" || word == b"Newf")
                || (ends(word, b"error") && last.is_some_and(|last| last.is("new")))
                || (is("errors") && next.is_some_and(|next| next.is(".")));
            refuses
                || (is("return") && returns_an_error(&self.tokens[at + 1..]))
                || jumps_out(last, word)
        })
    }

    fn imports(&self) -> bool {
        let included = self.tokens.first().is_some_and(|token| token.is("#"))
            && self.tokens.get(1).is_some_and(|token| token.is("include"));
        // A line of a list of imports, as Go has them: a name in quotes and nothing behind it.
        let listed = matches!(self.tokens[..], [Token::Quoted(text)]
            if text[1..].iter().all(|b| b.is_ascii_alphanumeric() || b"./-_\"'".contains(b)) && text.contains(&b'/'));
        let opens = self.tokens.get(1).is_some_and(|token| token.is("("));
        let imports = self.begins_with(&IMPORTS) && !(opens && self.begins_with(&["using"]));
        let bound = self.begins_with(&["const", "var", "let"])
            && self.tokens.windows(2).any(|pair| pair[0].is("require") && pair[1].is("("));
        let strict = matches!(self.tokens[..], [Token::Quoted(text), ..] if &text[1..text.len() - 1] == b"use strict");
        imports || bound || included || listed || strict
    }

    /// Whether it begins a definition.
    pub(super) fn is_head(&self) -> bool {
        self.begins_with(&HEADS)
    }

    /// Whether it is an entry of a list or a table: one string, with hardly anything around it.
    pub(super) fn is_entry(&self) -> bool {
        // Most lines have no string.
        if !self.tokens.iter().any(|token| matches!(token, Token::Quoted(_))) {
            return false;
        }
        let says = |token: &&Token<'_>| !token.is_one_of(b"(),;[]");
        let kept: Vec<&Token<'_>> = self.tokens.iter().filter(says).collect();
        let Some(at) =
            kept.iter().position(|token| matches!(token, Token::Quoted(text) if text.len() > 3))
        else {
            return false;
        };
        let called = |token: &&Token<'_>| token.word().is_some() || token.is(".");
        let named = |rest: &[&Token<'_>]| match rest {
            [] => true,
            [sign, value @ ..] => {
                (sign.is(":") || sign.is("=") || sign.is("=>")) && value.len() <= 3
            }
        };
        at <= 3 && kept[..at].iter().all(called) && named(&kept[at + 1..])
    }

    /// Whether it holds a regular expression.
    pub(super) fn has_pattern(&self) -> bool {
        self.tokens.iter().enumerate().any(|(at, token)| match *token {
            Token::Word(word) => {
                let calls = |names: &[&str]| {
                    self.tokens.get(at + 1).is_some_and(|next| next.is("."))
                        && self
                            .tokens
                            .get(at + 2)
                            .is_some_and(|name| names.iter().any(|other| name.is(other)))
                };
                begins(word, b"regex")
                    || begins(word, b"preg_")
                    || (word == b"re"
                        && calls(&["compile", "match", "search", "sub", "fullmatch", "findall"]))
                    || (word == b"Pattern" && calls(&["compile"]))
            }
            Token::Sign(sign) => {
                let tests = || {
                    let next = self.tokens.get(at + 1);
                    next.is_some_and(|next| next.is("match") || next.is("test"))
                        && self.tokens.get(at + 2).is_some_and(|next| next.is("("))
                };
                sign == b"=~"
                    || (sign == b"." && tests())
                    || (sign == b"/" && self.text.contains_str("/^"))
            }
            Token::Quoted(text) => text
                .windows(2)
                .any(|part| matches!(part, b"\\s" | b"\\d" | b"\\w" | b"\\b" | b"[^")),
            Token::Number(_) => false,
        })
    }

    /// The names of what it calls.
    pub(super) fn callees(&self) -> impl Iterator<Item = &'a [u8]> {
        let name = |pair: &[Token<'a>]| pair[1].is("(").then(|| pair[0].word()).flatten();
        let keyword = |word: &&[u8]| !KEYWORDS.iter().any(|other| other.as_bytes() == *word);
        self.tokens.windows(2).filter_map(name).filter(keyword)
    }
}

/// Whether what is returned says that something went wrong.
fn returns_an_error(value: &[Token<'_>]) -> bool {
    let mut value = value.iter().filter(|token| !token.is("(") && !token.is("-"));
    let Some(first) = value.clone().next().filter(|token| !token.is(";") && !token.is("}")) else {
        return true;
    };
    let nothing = |token: &&Token<'_>| {
        ["false", "False", "FALSE", "null", "NULL", "nil", "None", "1", "EINVAL"]
            .iter()
            .any(|text| token.is(text))
            || token.word().is_some_and(|word| begins(word, b"err"))
    };
    let constant = first.word().is_some_and(|word| {
        let loud = |b: &u8| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_';
        let fine = ["OK", "TRUE", "SUCCESS"].iter().any(|end| word.ends_with(end.as_bytes()));
        word.len() > 4 && word.contains(&b'_') && word.iter().all(loud) && !fine
    });
    constant || value.any(|token| nothing(&token))
}

/// Whether a jump leaves for the end of the function.
fn jumps_out(before: Option<Token<'_>>, label: &[u8]) -> bool {
    let labels = ["err", "error", "fail", "failed", "out", "end", "done"];
    before.is_some_and(|before| before.is("goto"))
        && labels.iter().any(|end| ends(label, end.as_bytes()))
}

/// Whether a word begins so, in any case.
fn begins(word: &[u8], start: &[u8]) -> bool {
    word.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start))
}

/// Whether a word ends so, in any case.
fn ends(word: &[u8], end: &[u8]) -> bool {
    let at = word.len().checked_sub(end.len());
    at.is_some_and(|at| word[at..].eq_ignore_ascii_case(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_of_the_common_languages_are_told() {
        for text in [
            "import os",
            "const { x } = require('./x')",
            "\"golang.org/x/crypto/ssh\"",
            "#include <a.h>",
            "'use strict';",
            "using System.IO;",
        ] {
            assert!(Line::of(text.as_bytes()).is_import, "{text}");
        }
        for text in
            ["using (var f = Open(path))", "const x = load('./x')", "run('use strict mode')"]
        {
            assert!(!Line::of(text.as_bytes()).is_import, "{text}");
        }
    }
}
