//! Secrets out, before anything leaves the machine or is printed; the line stays readable.

mod key;

use std::collections::HashMap;
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;

use crate::change::Text;

pub use key::KeyLines;

/// Replaces secrets by placeholders: the same secret gets the same placeholder, so that a reader
/// can still tell that two places share one.
#[derive(Debug, Default)]
pub struct Redactor {
    placeholders: HashMap<String, String>,
}

#[derive(Deserialize)]
struct Shapes {
    secret: Vec<ShapeSyntax>,
}

#[derive(Deserialize)]
struct ShapeSyntax {
    name: String,
    pattern: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "the proof of the shape, walked by a test"))]
    matches: Vec<String>,
    #[cfg_attr(not(test), expect(dead_code, reason = "the proof of the shape, walked by a test"))]
    leaves: Vec<String>,
}

struct Shape {
    name: String,
    regex: Regex,
}

impl Redactor {
    /// How many different secrets have been replaced.
    pub fn count(&self) -> usize {
        self.placeholders.len()
    }

    /// A line with its secrets replaced; `inside` says that it begins within a private key.
    pub fn line(&mut self, line: &str, inside: bool) -> String {
        let mut out = String::with_capacity(line.len());
        let mut rest = line;
        if inside {
            let end = rest.find(key::END).unwrap_or(rest.len());
            out.push_str(&self.key(&rest[..end]));
            rest = &rest[end..];
        }
        while let Some(begin) = key::begin(rest) {
            let end = rest[begin..].find(key::END).map_or(rest.len(), |at| begin + at);
            let head = self.shapes(&rest[..begin]);
            out.push_str(&head);
            out.push_str(&self.key(&rest[begin..end]));
            rest = &rest[end..];
        }
        out.push_str(&self.shapes(rest));
        out
    }

    /// Text of several lines with its secrets replaced.
    pub fn text(&mut self, text: &str) -> String {
        let keys = KeyLines::of(&Text::whole(text.as_bytes().to_vec()));
        let lines = (1..).zip(text.split('\n'));
        let lines: Vec<String> =
            lines.map(|(at, line)| self.line(line, keys.contains(at))).collect();
        lines.join("\n")
    }

    /// A part of a private key as its placeholder, with the blanks around it.
    fn key(&mut self, text: &str) -> String {
        match text.trim() {
            "" => text.to_owned(),
            secret => text.replacen(secret, &self.placeholder("private-key", secret), 1),
        }
    }

    fn shapes(&mut self, text: &str) -> String {
        let mut out = text.to_owned();
        for shape in shapes() {
            out = self.replace(shape, &out);
        }
        out
    }

    fn replace(&mut self, shape: &Shape, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut from = 0;
        for found in shape.regex.captures_iter(text) {
            let Some(secret) = found.name("secret").or_else(|| found.get(0)) else {
                continue;
            };
            if secret.as_str().contains("<redacted:") {
                continue;
            }
            out.push_str(&text[from..secret.start()]);
            out.push_str(&self.placeholder(&shape.name, secret.as_str()));
            from = secret.end();
        }
        out.push_str(&text[from..]);
        out
    }

    fn placeholder(&mut self, name: &str, secret: &str) -> String {
        let next = self.placeholders.len() + 1;
        let found = self.placeholders.entry(secret.to_owned());
        found.or_insert_with(|| format!("<redacted:{name}:{next}>")).clone()
    }
}

fn shapes() -> &'static [Shape] {
    static SHAPES: OnceLock<Vec<Shape>> = OnceLock::new();
    SHAPES.get_or_init(|| {
        let shapes: Shapes =
            toml::from_str(include_str!("secrets.toml")).expect("a test proves secrets.toml");
        let compile = |shape: ShapeSyntax| Shape {
            regex: Regex::new(&shape.pattern).expect("a test proves secrets.toml"),
            name: shape.name,
        };
        shapes.secret.into_iter().map(compile).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_catches_its_examples_and_leaves_the_others() {
        let shapes: Shapes = toml::from_str(include_str!("secrets.toml")).unwrap();
        for shape in shapes.secret {
            let regex = Regex::new(&shape.pattern).unwrap();
            for line in &shape.matches {
                assert!(regex.is_match(&line.replace("{}", "")), "Missing {}: {line}", shape.name);
            }
            for line in &shape.leaves {
                assert!(!regex.is_match(line), "Noisy {}: {line}", shape.name);
            }
        }
    }

    #[test]
    fn the_same_secret_keeps_its_placeholder() {
        let mut redactor = Redactor::default();
        let key = format!("AKIA{}", "IOSFODNN7EXAMPLE");
        assert_eq!(redactor.line(&format!("a = {key}"), false), "a = <redacted:aws-access-key:1>");
        assert_eq!(
            redactor.line(&format!("b = '{key}'"), false),
            "b = '<redacted:aws-access-key:1>'"
        );
        assert_eq!(redactor.count(), 1);
    }

    #[test]
    fn a_private_key_block_keeps_its_borders() {
        let mut redactor = Redactor::default();
        let block = format!(
            "-----BEGIN RSA {0}-----\nMIIE\nabcd\n-----END RSA {0}-----\nafter",
            "PRIVATE KEY"
        );
        let expected = format!(
            "-----BEGIN RSA {0}-----\n<redacted:private-key:1>\n<redacted:private-key:2>\n-----END RSA {0}-----\nafter",
            "PRIVATE KEY"
        );
        assert_eq!(redactor.text(&block), expected);
        let one_line =
            format!("k = \"-----BEGIN {0}-----\\nMIIE\\n-----END {0}-----\"", "PRIVATE KEY");
        assert!(!redactor.text(&one_line).contains("MIIE"));
    }

    #[test]
    fn the_name_of_an_assignment_stays_readable() {
        let line =
            Redactor::default().line(&format!("db_password = \"{}\"", "correct-horse"), false);
        assert_eq!(line, "db_password = \"<redacted:assigned-secret:1>\"");
    }

    #[test]
    fn what_stands_beside_a_key_on_its_line_is_redacted_too() {
        let (begin, end) = (
            format!("-----BEGIN {}-----", "PRIVATE KEY"),
            format!("-----END {}-----", "PRIVATE KEY"),
        );
        let line = format!(
            "password: \"correcthorse1\", a: \"{begin}\\nMIIE1\\n{end}\", b: \"{begin}\\nMIIE2\\n{end}\", api_key: \"zzzzyyyyxxxx1\""
        );
        let out = Redactor::default().line(&line, false);
        for secret in ["correcthorse1", "MIIE1", "MIIE2", "zzzzyyyyxxxx1"] {
            assert!(!out.contains(secret), "{out}");
        }
    }

    #[test]
    fn the_last_line_of_a_key_goes_and_what_follows_is_read() {
        let line =
            format!("  'abcd=-----END {}-----'; const password = \"correcthorse1\"", "PRIVATE KEY");
        let out = Redactor::default().line(&line, true);
        assert!(!out.contains("abcd") && !out.contains("correcthorse1"), "{out}");
    }
}
