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
    "args", "class", "config", "const", "data", "dict", "else", "false", "file", "for", "from",
    "func", "function", "get", "host", "http", "import", "int", "key", "list", "mode", "name",
    "new", "none", "null", "object", "param", "path", "port", "public", "request", "require",
    "result", "return", "self", "set", "source", "state", "static", "string", "this", "true",
    "type", "use", "user", "value", "var", "with",
];

/// Stands in a literal for the bound of a word: before its first byte or behind its last.
const BOUND: u8 = 0;

/// Lower-case literals, each of at least [`MIN_LITERAL`] bytes, of which each match of the pattern
/// contains one, in whatever case, with [`BOUND`] where a word must begin or end. `None` where the pattern
/// has no such set.
pub(super) fn required(pattern: &str) -> Option<Vec<Vec<u8>>> {
    // The same settings as those under which the pattern is compiled.
    let mut parser = ParserBuilder::new().multi_line(true).unicode(false).utf8(false).build();
    let set = best(&parser.parse(pattern).ok()?)?;
    Some(fewest(set.iter().map(|text| with_outer_bounds(text)).collect()))
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
fn bare(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(|&byte| byte != BOUND).collect()
}

/// The set without those that contain another of them.
fn fewest(mut set: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    set.sort_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b)));
    let mut kept: Vec<Vec<u8>> = Vec::new();
    for text in set {
        let within = |other: &Vec<u8>| text.windows(other.len()).any(|part| part == other);
        if !kept.iter().any(within) {
            kept.push(text);
        }
    }
    kept.sort();
    kept
}

/// The most telling set of a part of a pattern.
fn best(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    if exact(hir).is_some() {
        return best_of(std::slice::from_ref(hir));
    }
    match hir.kind() {
        HirKind::Concat(parts) => best_of(parts),
        HirKind::Capture(capture) => best(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => best(&repetition.sub),
        HirKind::Alternation(branches) => each_behind(&[Vec::new()], branches),
        _ => None,
    }
}

/// The most telling set of a sequence: what stands side by side counts as one.
fn best_of(parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
    best_behind(vec![Vec::new()], parts)
}

/// The same of a sequence that stands behind one of these literals.
fn best_behind(mut joined: Vec<Vec<u8>>, parts: &[Hir]) -> Option<Vec<Vec<u8>>> {
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
            sets.extend(first_of(part).and_then(|first| product(&before, &first)));
            sets.extend(best(part));
        }
        sets.push(before);
    }
    sets.push(joined);
    let telling =
        sets.into_iter().filter(|set| set.iter().all(|text| bare(text).len() >= MIN_LITERAL));
    telling.min_by(|a, b| chance(a).total_cmp(&chance(b)))
}

/// The sets of all branches behind these literals, as one.
fn each_behind(before: &[Vec<u8>], branches: &[Hir]) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    for branch in branches {
        let parts = match uncaptured(branch).kind() {
            HirKind::Concat(parts) => parts,
            _ => std::slice::from_ref(branch),
        };
        all.extend(best_behind(before.to_vec(), parts)?);
    }
    (all.len() <= MAX_LITERALS).then_some(all)
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
        HirKind::Literal(literal) => Some(vec![literal.0.to_ascii_lowercase()]),
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

/// The few bytes with which a part begins that occurs at least once.
fn first_of(hir: &Hir) -> Option<Vec<Vec<u8>>> {
    match hir.kind() {
        HirKind::Repetition(repetition) if repetition.min > 0 => exact(&repetition.sub),
        _ => None,
    }
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
    set.iter().all(|text| text.len() <= MAX_LITERAL).then_some(set)
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
    fewest(set.to_vec()).iter().map(|text| of_literal(text)).sum()
}

fn of_literal(text: &[u8]) -> f64 {
    let bare = bare(text);
    if COMMON.iter().any(|word| word.as_bytes() == bare) {
        return 1e-3;
    }
    let byte = |byte: &u8| if *byte == BOUND { 0.3 } else { f64::from(frequency(*byte)) / 1000.0 };
    text.iter().map(byte).product()
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

/// Where a literal is filed, and how it is told in a text.
pub(super) struct Filed {
    /// Its place in the table: that of its rarest group of three bytes, or of its only two.
    pub(super) place: u16,
    /// How far within the literal that group begins, in bytes.
    pub(super) at: usize,
    /// The literal without its bounds.
    pub(super) bare: Vec<u8>,
    /// Whether a word must begin with its first byte.
    pub(super) begins: bool,
    /// Whether a word must end with its last byte.
    pub(super) ends: bool,
}

/// Files a literal.
pub(super) fn filed(literal: &[u8]) -> Filed {
    let (begins, ends) = (literal.first() == Some(&BOUND), literal.last() == Some(&BOUND));
    let bare = bare(literal);
    let at = rarest(&bare);
    let place = if bare.len() == 2 { place::<2>(&bare) } else { place::<3>(&bare[at..]) };
    Filed { place, at, bare, begins, ends }
}

/// Places are numbers of so many bits.
pub(super) const WIDTH: u32 = 15;

/// The place of the first `N` bytes of a text.
pub(super) fn place<const N: usize>(text: &[u8]) -> u16 {
    let third = if N == 3 { text[2] } else { 0 };
    place_of::<N>(u32::from_le_bytes([text[0], text[1], third, 0]))
}

/// The place of the lower `N` bytes of a word, letters in lower case: the upper bits of their product with
/// a large odd number, which is shifted so that the other bytes count for nothing. Some other bytes become
/// equal too, which are told apart later.
pub(super) fn place_of<const N: usize>(word: u32) -> u16 {
    let factor = if N == 3 { 0x9e37_79b1 << 8 } else { 0x9e37_79b1 << 16 };
    ((word | 0x2020_2020).wrapping_mul(factor) >> (u32::BITS - WIDTH)) as u16
}

/// Where in a literal the three bytes stand that are least often seen together.
fn rarest(literal: &[u8]) -> usize {
    let weight = |at: &usize| {
        let three = &literal[*at..literal.len().min(*at + 3)];
        let common = FREQUENT.split_ascii_whitespace().any(|group| group.as_bytes() == three);
        (common, three.iter().map(|&byte| u64::from(frequency(byte))).product::<u64>())
    };
    (0..=literal.len().saturating_sub(3)).min_by_key(weight).unwrap_or(0)
}

/// The groups of three letters that are most often seen in source text: by a count over code in Python,
/// YAML, C, Java, Go, Rust and JavaScript a third of all groups.
const FREQUENT: &str = "\
    abl ack act add age ail ain all als alu ame and ang ans app ara are arg ass ata ate ath ati \
    aut ble boo cat cen cep ces cha che cla cod com con cri cti cur dat def der des dic dis dul \
    ect elf end ens ent ept equ err ers ert erv esc ess est esu eta etu exc ext fac fal fig fil \
    for get han his hos htt ibl ice ict ile imp ind ine ing ins int ion ipt ire ist ite ith ize \
    jec key las les lic lis lse lue men met mod mpl mpo nam nce nde net nfi nne not nse nsi nst \
    nte nul ock ode odu one onf onn ons ont ope opt ork ort ost our out par pat pec per ple por \
    pre pri pro pti qui ram rat rce rea red req res ret rin rip ror rro rsi rti ruc scr sel sen \
    ser set sib sio son spe ssh sta str sul tat ted tem ten ter tes the thi tho tio tor tri tru \
    ttp tur typ uct ule ull ult url urn use val ver war wit wor ype";
