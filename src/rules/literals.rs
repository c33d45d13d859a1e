//! The literals of which every match of a pattern must contain one; the build derives those of the packs.

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind, Look};

/// Shorter literals than this are found nearly everywhere, in bytes.
pub(super) const MIN_LITERAL: usize = 2;

/// A larger set of literals than this tells too little for what it costs.
const MAX_LITERALS: usize = 256;

/// Longer literals than this tell no more, in bytes.
const MAX_LITERAL: usize = 24;

/// Words that stand in every source file, so that looking for them finds nothing in particular.
const COMMON: &[&str] = &[
    "and", "args", "as", "class", "config", "const", "data", "def", "dict", "do", "else", "end",
    "err", "false", "file", "for", "from", "func", "function", "get", "host", "http", "if",
    "import", "in", "int", "is", "key", "let", "list", "mode", "name", "new", "none", "not",
    "null", "object", "or", "param", "path", "port", "public", "request", "require", "result",
    "return", "self", "set", "source", "state", "static", "string", "test", "this", "to", "true",
    "type", "use", "user", "value", "var", "with",
];

/// Stands in a literal for the bound of a word: before its first byte or behind its last.
pub(super) const BOUND: u8 = 0;

/// What a pattern needs of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Required {
    /// Lower-case literals, each of at least [`MIN_LITERAL`] bytes, of which each match contains one, in whatever
    /// case, with [`BOUND`] where a word must begin or end.
    pub(super) texts: Vec<Vec<u8>>,
    /// Whether each match begins with its literal, so that there is nowhere else to look for it.
    pub(super) leads: bool,
    /// Further texts of which each match contains one too, like the first; none where there are no such, or too many.
    pub(super) also: Vec<Vec<u8>>,
}

/// Looking for more than so many further texts takes longer than trying the pattern.
const MAX_ALSO: usize = 8;

/// A match that begins with its literal is found where that stands, and the line around it need not be
/// searched: worth literals that are found so many times as often.
const LEADS: f64 = 4.0;

/// The literals of a pattern; `None` where it has no such set.
pub(super) fn required(pattern: &str) -> Option<Required> {
    // The same settings as those under which the pattern is compiled.
    let mut parser = ParserBuilder::new().multi_line(true).unicode(false).utf8(false).build();
    let pattern = parser.parse(pattern).ok()?;
    let sets = ranked(&pattern);
    let best = sets.first()?;
    let leading = leading_behind(vec![Vec::new()], sequence(&pattern));
    let leading = leading.filter(|set| chance(set) <= LEADS * chance(best));
    let leads = leading.is_some();
    let set = leading.as_ref().unwrap_or(best);
    let texts = fewest(
        set.iter().map(|text| with_outer_bounds(text)),
        if leads { starts_with } else { contains },
    );
    let also = sets.iter().filter(|other| !follows(set, other));
    let also =
        also.map(|other| fewest(other.iter().map(|text| with_outer_bounds(text)), contains)).next();
    let also = also.filter(|also| also.len() <= MAX_ALSO).unwrap_or_default();
    Some(Required { texts, leads, also })
}

/// Whether a text with one of the first literals always has one of the others.
fn follows(set: &[Vec<u8>], others: &[Vec<u8>]) -> bool {
    set.iter().all(|text| others.iter().any(|other| contains(&bare(text), &bare(other))))
}

/// A literal with the bounds of words that tell something: those beside a letter, at its two ends.
fn with_outer_bounds(text: &[u8]) -> Vec<u8> {
    let is_word = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let bare = bare(text);
    let first = text.first() == Some(&BOUND) && is_word(bare.first());
    let last = text.last() == Some(&BOUND) && is_word(bare.last());
    let bound = |there: bool| if there { &[BOUND][..] } else { &[] };
    [bound(first), &bare, bound(last)].concat()
}

/// A literal without the bounds.
pub(super) fn bare(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|&byte| byte != BOUND).collect()
}

/// The set without those for which another of them stands.
fn fewest(set: impl Iterator<Item = Vec<u8>>, needless: fn(&[u8], &[u8]) -> bool) -> Vec<Vec<u8>> {
    let mut set: Vec<Vec<u8>> = set.collect();
    set.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for text in set {
        if !kept.iter().any(|other| needless(&text, other)) {
            kept.push(text);
        }
    }
    kept.sort();
    kept
}

/// Where this one stands, the other does.
fn contains(text: &[u8], other: &[u8]) -> bool {
    text.windows(other.len()).any(|part| part == other)
}

/// Where this one stands, the other begins at the same place.
fn starts_with(text: &[u8], other: &[u8]) -> bool {
    text.starts_with(other)
}

/// The sets of a part of a pattern, of each of which every match contains one: the most telling first.
fn ranked(hir: &Hir) -> Vec<Vec<Vec<u8>>> {
    if exact(hir).is_some() {
        return ranked_behind(vec![Vec::new()], std::slice::from_ref(hir));
    }
    match hir.kind() {
        HirKind::Concat(parts) => ranked_behind(vec![Vec::new()], parts),
        HirKind::Capture(capture) => ranked(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => ranked(&repetition.sub),
        HirKind::Alternation(branches) => each_behind(&[Vec::new()], branches),
        _ => Vec::new(),
    }
}

/// The sets of a sequence that stands behind one of these literals: what stands side by side counts as one.
fn ranked_behind(mut joined: Vec<Vec<u8>>, parts: &[Hir]) -> Vec<Vec<Vec<u8>>> {
    let mut sets = Vec::new();
    for part in parts {
        let next = exact(part);
        if let Some(longer) = next.as_ref().and_then(|next| product(&joined, next)) {
            joined = longer;
            continue;
        }
        let before = std::mem::replace(&mut joined, vec![Vec::new()]);
        if let Some(next) = next {
            joined = next;
        } else if let HirKind::Alternation(branches) = uncaptured(part).kind() {
            sets.extend(each_behind(&before, branches));
        } else {
            // What begins with one of a few bytes ends a literal, and says more inside.
            sets.extend(first_behind(&before, part));
            sets.extend(ranked(part));
        }
        sets.push(before);
    }
    sets.push(joined);
    sets.retain(|set| tells(set));
    sets.sort_by(|a, b| chance(a).total_cmp(&chance(b)));
    sets.truncate(MAX_RANKED);
    sets
}

/// More sets than this of a sequence tell no more.
const MAX_RANKED: usize = 4;

/// Whether no literal of a set is too short.
fn tells(set: &[Vec<u8>]) -> bool {
    set.iter().all(|text| bare(text).len() >= MIN_LITERAL)
}

/// The literals with one of which each match of a sequence begins that stands behind one of these.
fn leading_behind(mut joined: Vec<Vec<u8>>, parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
    for part in parts {
        if let Some(longer) = exact(part).and_then(|next| product(&joined, &next)) {
            joined = longer;
            continue;
        }
        if let HirKind::Alternation(branches) = uncaptured(part).kind() {
            let each =
                branches.iter().map(|branch| leading_behind(joined.clone(), sequence(branch)));
            let all: Option<Vec<Vec<Vec<u8>>>> = each.collect();
            let all = all.map(|sets| sets.concat()).filter(|all| all.len() <= MAX_LITERALS);
            joined = all.unwrap_or(joined);
        } else if let Some(longer) = first_behind(&joined, part) {
            joined = longer;
        }
        break;
    }
    tells(&joined).then_some(joined)
}

/// The parts of a sequence; what is none is its only part.
fn sequence(hir: &Hir) -> &[Hir] {
    match uncaptured(hir).kind() {
        HirKind::Concat(parts) => parts,
        _ => std::slice::from_ref(uncaptured(hir)),
    }
}

/// The sets of all branches behind these literals: the first of each as one, and so on.
fn each_behind(before: &[Vec<u8>], branches: &[Hir]) -> Vec<Vec<Vec<u8>>> {
    let each = branches.iter().map(|branch| ranked_behind(before.to_vec(), sequence(branch)));
    let each: Vec<_> = each.collect();
    let most = if each.iter().any(Vec::is_empty) { 0 } else { MAX_RANKED };
    let of = |rank: usize| each.iter().flat_map(move |sets| &sets[rank.min(sets.len() - 1)]);
    let all = (0..most).map(|rank| of(rank).cloned().collect::<Vec<_>>());
    let mut all: Vec<_> = all.filter(|set| set.len() <= MAX_LITERALS).collect();
    all.dedup();
    all
}

fn uncaptured(hir: &Hir) -> &Hir {
    match hir.kind() {
        HirKind::Capture(capture) => uncaptured(&capture.sub),
        _ => hir,
    }
}

/// The texts that a part stands for, where these are few and none is left out.
fn exact(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Look(Look::WordAscii) => Some(vec![vec![BOUND]]),
        HirKind::Empty | HirKind::Look(_) => Some(vec![Vec::new()]),
        HirKind::Literal(literal) => Some(vec![literal.0.to_ascii_lowercase()])
            .filter(|set| set.iter().all(|text| is_in_line(text))),
        HirKind::Class(class) => bytes_of(class),
        HirKind::Capture(capture) => exact(&capture.sub),
        HirKind::Repetition(repetition) if repetition.max == Some(1) => {
            let mut set = exact(&repetition.sub)?;
            if repetition.min == 0 {
                set.push(Vec::new());
            }
            Some(set)
        }
        HirKind::Repetition(repetition) if repetition.max == Some(repetition.min) => {
            let once = exact(&repetition.sub)?;
            (0..repetition.min.min(8))
                .try_fold(vec![Vec::new()], |set, _| product(&set, &once))
                .filter(|_| repetition.min <= 8)
        }
        HirKind::Repetition(_) => None,
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(exact(part)?);
            }
            (all.len() <= MAX_LITERALS).then_some(all)
        }
        HirKind::Concat(parts) => {
            parts.iter().try_fold(vec![Vec::new()], |set, part| product(&set, &exact(part)?))
        }
    }
}

/// The literals with the few bytes with which a part begins behind them that occurs at least once. Of blanks only
/// that a word ends before them, unless a literal would stay too short to be told by its bytes.
fn first_behind(before: &[Vec<u8>], hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            let long = before.iter().all(|text| bare(text).len() > MIN_LITERAL);
            let first = match is_blank(&repetition.sub) && long {
                true => vec![vec![BOUND]],
                false => exact(&repetition.sub)?,
            };
            product(before, &first)
        }
        _ => None,
    }
}

fn is_blank(hir: &Hir) -> bool {
    let blanks = |class: &Class| match class {
        Class::Bytes(class) => class.ranges().iter().all(|range| {
            let blank = |byte: u8| byte.is_ascii_whitespace() || byte == b'\x0b';
            (range.start()..=range.end()).all(blank)
        }),
        Class::Unicode(_) => false,
    };
    matches!(hir.kind(), HirKind::Class(class) if blanks(class))
}

/// Each of the first followed by each of the second.
fn product(first: &[Vec<u8>], second: &[Vec<u8>]) -> Option<Vec<Vec<u8>>> {
    if first.len() * second.len() > MAX_LITERALS {
        return None;
    }
    let each = first.iter().flat_map(|a| second.iter().map(move |b| [&a[..], &b[..]].concat()));
    let mut set: Vec<Vec<u8>> = each.collect();
    set.sort();
    set.dedup();
    set.iter().all(|text| text.len() <= MAX_LITERAL && is_in_line(text)).then_some(set)
}

/// Whether a literal stands in one line, its line feed included: texts are read line by line.
fn is_in_line(text: &[u8]) -> bool {
    let mut behind = text.iter().skip_while(|byte| **byte != b'\n').skip(1);
    behind.all(|byte| *byte == BOUND)
}

/// The bytes of a class in lower case, where they are few.
fn bytes_of(class: &Class) -> Option<Vec<Vec<u8>>> {
    let Class::Bytes(class) = class else { return None };
    let all = class.ranges().iter().flat_map(|range| range.start()..=range.end());
    let mut bytes: Vec<Vec<u8>> =
        all.take(32).map(|byte| vec![byte.to_ascii_lowercase()]).collect();
    bytes.sort();
    bytes.dedup();
    (bytes.len() <= 8).then_some(bytes)
}

/// How often one of the literals stands at a place of source text, roughly: what sets are compared by.
fn chance(set: &[Vec<u8>]) -> f64 {
    fewest(set.iter().cloned(), contains).iter().map(|text| of_literal(text)).sum()
}

fn of_literal(text: &[u8]) -> f64 {
    let bare = bare(text);
    if bare.len() <= MIN_LITERAL {
        // It stands in the table under every byte that can follow.
        return 1e-2;
    }
    let end = bare.iter().rposition(u8::is_ascii_alphanumeric).map_or(0, |last| last + 1);
    if COMMON.iter().any(|word| word.as_bytes() == &bare[..end]) {
        return 1e-3;
    }
    chance_of(text)
}

/// How often these bytes stand at a place of source text, if each stood there by itself.
pub(super) fn chance_of(text: &[u8]) -> f64 {
    let byte = |byte: &u8| if *byte == BOUND { 0.3 } else { f64::from(frequency(*byte)) / 1000.0 };
    text.iter().map(byte).product()
}

/// What a literal is looked for by: its bytes, the place of its rarest one, and whether a word must begin and end
/// with it.
pub(super) fn sought(text: &[u8]) -> (Vec<u8>, usize, [bool; 2]) {
    let bare = bare(text);
    let rarest = rarest_byte(&bare);
    (bare, rarest, [text.first(), text.last()].map(|end| end == Some(&BOUND)))
}

/// Where in a text the byte stands that is seen least often.
fn rarest_byte(text: &[u8]) -> usize {
    let rarest = text.iter().enumerate().min_by_key(|(_, byte)| frequency(**byte));
    rarest.map_or(0, |(at, _)| at)
}

/// How many of a thousand bytes of source text are this one, in either case. Rounded from a count
/// over the source of several public projects.
fn frequency(byte: u8) -> u16 {
    match byte.to_ascii_lowercase() {
        b' ' => 200,
        b'e' => 75,
        b't' => 60,
        b'a' | b'i' | b'n' | b'o' | b'r' | b's' => 45,
        b'l' => 33,
        b'c' | b'd' | b'u' | b'm' | b'p' => 25,
        b'f' | b'h' | b'g' | b'b' | b'_' | b'.' => 16,
        b'y' | b'v' | b'w' | b'(' | b')' | b'"' | b'\'' | b',' | b'=' | b'-' | b':' | b'/' => 11,
        b'k' | b'x' | b'0'..=b'9' | b'{' | b'}' | b';' | b'#' | b'*' | b'\n' | b'\t' => 7,
        _ => 2,
    }
}
