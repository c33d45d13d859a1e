//! The literals that every match of a pattern must contain; the build derives those of the packs.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

/// A larger set of literals than this tells too little for what it costs.
const MAX_LITERALS: usize = 64;

/// Lower-case literals of which each match of the pattern contains one, in whatever case.
pub(super) fn required(pattern: &str) -> Option<Vec<Vec<u8>>> {
    // The same settings as those under which the pattern is compiled.
    let mut parser = ParserBuilder::new().multi_line(true).unicode(false).utf8(false).build();
    let set = literals(&parser.parse(pattern).ok()?)?;
    set.iter().all(|literal| !literal.is_empty()).then_some(set)
}

fn literals(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(vec![literal.0.to_ascii_lowercase()]),
        HirKind::Class(class) => one_letter(class).map(|byte| vec![vec![byte]]),
        HirKind::Capture(capture) => literals(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => literals(&repetition.sub),
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(literals(part)?);
            }
            (all.len() <= MAX_LITERALS).then_some(all)
        }
        HirKind::Concat(parts) => best_of(parts),
        HirKind::Empty | HirKind::Look(_) | HirKind::Repetition(_) => None,
    }
}

/// The most telling set of a sequence: neighbouring single literals count as one.
fn best_of(parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut sets: Vec<Vec<Vec<u8>>> = Vec::new();
    let mut joined: Vec<u8> = Vec::new();
    for part in parts {
        let single = match part.kind() {
            HirKind::Literal(literal) => Some(literal.0.to_ascii_lowercase()),
            HirKind::Class(class) => one_letter(class).map(|byte| vec![byte]),
            _ => None,
        };
        match single {
            Some(bytes) => joined.extend(bytes),
            None => {
                sets.push(vec![std::mem::take(&mut joined)]);
                sets.extend(literals(part));
            }
        }
    }
    sets.push(vec![joined]);
    let shortest = |set: &Vec<Vec<u8>>| set.iter().map(Vec::len).min().unwrap_or(0);
    let telling = sets.into_iter().filter(|set| shortest(set) > 0);
    telling.max_by_key(|set| (shortest(set), std::cmp::Reverse(set.len())))
}

/// The letter of a class that holds one letter in both cases, or one byte alone.
fn one_letter(class: &Class) -> Option<u8> {
    let bytes: Vec<u8> = match class {
        Class::Bytes(class) => {
            let ranges = class.ranges().iter().take(3);
            ranges.flat_map(|range| range.start()..=range.end()).take(3).collect()
        }
        Class::Unicode(_) => return None,
    };
    match bytes[..] {
        [byte] => Some(byte.to_ascii_lowercase()),
        [a, b] if a.eq_ignore_ascii_case(&b) => Some(a.to_ascii_lowercase()),
        _ => None,
    }
}
