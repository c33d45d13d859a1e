//! Under which of its bytes a literal is filed, so that a text finds it by looking its own bytes up.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::literals::{BOUND, bare, chance_of};

/// How a literal is filed, and told in a text.
pub(super) struct Filed {
    /// The bytes of its rarest group, up to four, folded as [`fold`] does; zeros for what is not there.
    pub(super) word: u32,
    /// How far within the literal that group begins, in bytes.
    pub(super) at: u8,
    /// The same of another group: where that stands too, most other texts with the first one are told apart.
    pub(super) other: u32,
    /// How far within the literal that one begins, in bytes.
    pub(super) other_at: u8,
    /// The literal without its bounds; at most [`LONGEST`] bytes.
    pub(super) bare: Vec<u8>,
    /// Whether a word must begin with its first byte.
    pub(super) begins: bool,
    /// Whether a word must end with its last byte.
    pub(super) ends: bool,
}

/// What a literal says beyond this is left out, in bytes.
const LONGEST: usize = 48;

/// Files a literal.
pub(super) fn filed(literal: &[u8]) -> Filed {
    let mut bare = bare(literal);
    let whole = bare.len() <= LONGEST;
    let (begins, ends) = (literal.first() == Some(&BOUND), whole && literal.last() == Some(&BOUND));
    bare.truncate(LONGEST);
    let at = rarest(&bare);
    // The end that is farther from it.
    let last = bare.len().saturating_sub(4);
    let other_at = if 2 * at < last { last } else { 0 };
    let group = |at: usize| fold(word(&bare[at..])) & counting(word(&bare[at..]));
    let [word, other] = [at, other_at].map(group);
    let [at, other_at] = [at, other_at].map(|at| u8::try_from(at).unwrap_or(u8::MAX));
    Filed { word, at, other, other_at, bare, begins, ends }
}

/// The first four bytes of a text as a number, with zeros for what is not there.
#[inline]
pub(super) fn word(text: &[u8]) -> u32 {
    if let Some(bytes) = text.first_chunk() {
        return u32::from_le_bytes(*bytes);
    }
    let byte = |at: usize| text.get(at).copied().unwrap_or(0);
    u32::from_le_bytes([byte(0), byte(1), byte(2), 0])
}

/// Letters in lower case; some other bytes become equal too, which are told apart later.
#[inline]
pub(super) const fn fold(word: u32) -> u32 {
    word | 0x2020_2020
}

/// The bits that count of a word under which a literal is filed: those of its bytes.
#[inline]
pub(super) fn counting(word: u32) -> u32 {
    match word {
        0x100_0000.. => u32::MAX,
        0x1_0000.. => 0xff_ffff,
        _ => 0xffff,
    }
}

/// Drawers for the words of four bytes, for those of three and for those of two: powers of two.
pub(super) const OF_FOUR: usize = 1 << 13;
const OF_THREE: usize = 1 << 9;
const OF_TWO: usize = 1 << 9;

/// Drawers in all.
pub(super) const DRAWERS: usize = OF_FOUR + OF_THREE + OF_TWO;

/// The drawer in which the literals lie that are filed under a word.
pub(super) fn drawer(word: u32) -> usize {
    match counting(word) {
        u32::MAX => drawer_of::<4>(word),
        0xff_ffff => drawer_of::<3>(word),
        _ => drawer_of::<2>(word),
    }
}

/// The drawer of the literals that are filed under the first `N` bytes of a word, folded.
#[inline]
pub(super) fn drawer_of<const N: usize>(word: u32) -> usize {
    let (before, drawers) = match N {
        4 => (0, OF_FOUR),
        3 => (OF_FOUR, OF_THREE),
        _ => (OF_FOUR + OF_THREE, OF_TWO),
    };
    before + (mixed::<N>(word) >> (u32::BITS - drawers.ilog2())) as usize
}

/// The first `N` bytes of a word, folded and mixed, the upper bits best: their product with a large odd number,
/// which is shifted so that the other bytes count for nothing.
#[inline]
pub(super) fn mixed<const N: usize>(word: u32) -> u32 {
    fold(word).wrapping_mul(0x9e37_79b1 << (8 * (4 - N)))
}

/// Where in a literal the four bytes stand that are least often seen together.
fn rarest(literal: &[u8]) -> usize {
    let often = |at: usize| {
        let four = &literal[at..literal.len().min(at + 4)];
        (RANKS.get(four).copied().unwrap_or(0), chance_of(four))
    };
    let all = (0..=literal.len().saturating_sub(4)).map(|at| (often(at), at));
    let rarest = all
        .min_by(|((rank, chance), _), ((other, by), _)| rank.cmp(other).then(chance.total_cmp(by)));
    rarest.map_or(0, |(_, at)| at)
}

/// For each group of [`FREQUENT`] its number from the end.
static RANKS: LazyLock<HashMap<&[u8], usize>> = LazyLock::new(|| {
    let groups = FREQUENT.split_ascii_whitespace().rev();
    groups.zip(1..).map(|(group, rank)| (group.as_bytes(), rank)).collect()
});

/// The groups of four bytes that are most often seen in source text, the most frequent first: counted over some 900
/// files of public projects in Python, YAML, C, C++, Java, C#, Go, Rust, Ruby, PHP and JavaScript, each
/// project weighing the same; groups with blanks are left out.
const FREQUENT: &str = include_str!("frequent.txt");
