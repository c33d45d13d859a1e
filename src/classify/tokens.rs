//! A line of code as tokens, roughly and alike for all languages.

use super::vocabulary::{begins_word, continues_word};

/// A line with more tokens than this is data; the rest of it is not read.
const MAX_TOKENS: usize = 400;

/// A token of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Token<'a> {
    /// An identifier or a keyword.
    Word(&'a [u8]),
    /// A number.
    Number(&'a [u8]),
    /// A string with its quotes.
    Quoted(&'a [u8]),
    /// An operator or a bracket.
    Sign(&'a [u8]),
}

impl<'a> Token<'a> {
    /// The bytes of the token.
    pub(super) fn text(self) -> &'a [u8] {
        match self {
            Token::Word(text) | Token::Number(text) | Token::Quoted(text) | Token::Sign(text) => {
                text
            }
        }
    }

    /// Whether it is this word or sign.
    pub(super) fn is(self, text: &str) -> bool {
        !matches!(self, Token::Quoted(_)) && self.text() == text.as_bytes()
    }

    /// Whether it is one of these signs of one byte.
    pub(super) fn is_one_of(self, signs: &[u8]) -> bool {
        matches!(self, Token::Sign([sign]) if signs.contains(sign))
    }

    /// Whether it is a word, and which.
    pub(super) fn word(self) -> Option<&'a [u8]> {
        match self {
            Token::Word(text) => Some(text),
            _ => None,
        }
    }
}

/// The tokens of a line.
pub(super) fn tokens(line: &[u8]) -> Vec<Token<'_>> {
    let mut found = Vec::with_capacity(line.len() / 4 + 1);
    let mut rest = line;
    while let Some(&first) = rest.first() {
        if first.is_ascii_whitespace() {
            rest = &rest[1..];
            continue;
        }
        if found.len() == MAX_TOKENS {
            break;
        }
        let (length, token) = next(rest, first);
        found.push(token(&rest[..length]));
        rest = &rest[length..];
    }
    found
}

/// The length of the token at the start, in bytes, and its kind.
fn next<'a>(rest: &'a [u8], first: u8) -> (usize, fn(&'a [u8]) -> Token<'a>) {
    let run = |fits: fn(u8) -> bool| rest.iter().position(|&b| !fits(b)).unwrap_or(rest.len());
    if begins_word(first) {
        return (run(continues_word), Token::Word);
    }
    if first.is_ascii_digit() {
        return (run(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'_'), Token::Number);
    }
    if matches!(first, b'"' | b'\'' | b'`')
        && let Some(length) = quoted(rest, first)
    {
        return (length, Token::Quoted);
    }
    let second = rest.get(1).copied();
    let length = match (first, second) {
        (b'=' | b'!' | b'<' | b'>', Some(b'=')) => 2 + usize::from(rest.get(2) == Some(&b'=')),
        (b'&', Some(b'&')) | (b'|', Some(b'|')) | (b'=', Some(b'~' | b'>')) => 2,
        _ => 1,
    };
    (length, Token::Sign)
}

/// The length of a string that ends on its line, in bytes with its quotes.
fn quoted(rest: &[u8], quote: u8) -> Option<usize> {
    let mut at = 1;
    while let Some(&byte) = rest.get(at) {
        match byte {
            b'\\' => at += 2,
            _ if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}
