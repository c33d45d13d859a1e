//! Secrets out, before anything leaves the machine; the line stays readable.

use std::collections::HashMap;
use std::sync::OnceLock;

use regex::Regex;
use serde::Deserialize;

/// Replaces secrets by placeholders: the same secret gets the same placeholder, so that a reader
/// can still tell that two places share one.
#[derive(Debug, Default)]
pub struct Redactor {
    placeholders: HashMap<String, String>,
    in_key_block: bool,
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
    /// Begins a new piece of text: a private key block does not reach over from the last one.
    pub fn begin(&mut self) {
        self.in_key_block = false;
    }

    /// How many different secrets have been replaced.
    pub fn count(&self) -> usize {
        self.placeholders.len()
    }

    /// A line with its secrets replaced. Lines of a private key block must come in order.
    pub fn line(&mut self, line: &str) -> String {
        if self.in_key_block {
            self.in_key_block = !line.contains("-----END ");
            return if self.in_key_block {
                self.placeholder("private-key", line.trim())
            } else {
                line.to_owned()
            };
        }
        let mut out = line.to_owned();
        if let Some(begin) = key_block_start(line) {
            let closed = line[begin..].contains("-----END ");
            self.in_key_block = !closed;
            if closed || line.len() > begin {
                let inner = line[begin..].split("-----END ").next().unwrap_or_default();
                if !inner.trim().is_empty() {
                    let placeholder = self.placeholder("private-key", inner);
                    out = line.replacen(inner, &placeholder, 1);
                }
            }
            return out;
        }
        for shape in shapes() {
            out = self.replace(shape, &out);
        }
        out
    }

    /// Text of several lines with its secrets replaced.
    pub fn text(&mut self, text: &str) -> String {
        self.begin();
        let lines: Vec<String> = text.split('\n').map(|line| self.line(line)).collect();
        lines.join("\n")
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

/// Where the text of a private key begins on a line that opens one.
fn key_block_start(line: &str) -> Option<usize> {
    let begin = line.find("-----BEGIN ")?;
    let rest = &line[begin + 11..];
    let end = rest.find("-----")?;
    rest[..end].contains("PRIVATE KEY").then_some(begin + 11 + end + 5)
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
        assert_eq!(redactor.line(&format!("a = {key}")), "a = <redacted:aws-access-key:1>");
        assert_eq!(redactor.line(&format!("b = '{key}'")), "b = '<redacted:aws-access-key:1>'");
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
        let line = Redactor::default().line(&format!("db_password = \"{}\"", "correct-horse"));
        assert_eq!(line, "db_password = \"<redacted:assigned-secret:1>\"");
    }
}
