//! Under which of its bytes a literal is filed, so that a text finds it by looking its own bytes up.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::literals::{BOUND, bare, chance_of};

/// Where a literal is filed, and how it is told in a text.
pub(super) struct Filed {
    /// Its place in the table: that of the first three bytes of its rarest group, or of its only two.
    pub(super) place: u16,
    /// How far within the literal that group begins, in bytes.
    pub(super) at: usize,
    /// The group's bytes, up to four, folded as [`fold`] does; zeros for what is not there.
    pub(super) word: u32,
    /// The literal without its bounds.
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
    let word = fold(word(&bare[at..])) & counting(word(&bare[at..]));
    let place = if bare.len() == 2 { place_of::<2>(word) } else { place_of::<3>(word) };
    Filed { place, at, word, bare, begins, ends }
}

/// The first four bytes of a text as a number, with zeros for what is not there.
#[inline]
pub(super) fn word(text: &[u8]) -> u32 {
    let byte = |at: usize| text.get(at).copied().unwrap_or(0);
    u32::from_le_bytes([byte(0), byte(1), byte(2), byte(3)])
}

/// Letters in lower case; some other bytes become equal too, which are told apart later.
#[inline]
pub(super) fn fold(word: u32) -> u32 {
    word | 0x2020_2020
}

/// The bits that count of a word under which a literal is filed: those of its bytes.
#[inline]
pub(super) fn counting(word: u32) -> u32 {
    match word {
        0..=0xffff => 0xffff,
        0x1_0000..=0xff_ffff => 0xff_ffff,
        _ => u32::MAX,
    }
}

/// Places are numbers of so many bits.
pub(super) const WIDTH: u32 = 15;

/// The place of the lower `N` bytes of a word, folded: the upper bits of their product with a large odd
/// number, which is shifted so that the other bytes count for nothing.
#[inline]
pub(super) fn place_of<const N: usize>(word: u32) -> u16 {
    let factor = if N == 3 { 0x9e37_79b1 << 8 } else { 0x9e37_79b1 << 16 };
    (fold(word).wrapping_mul(factor) >> (u32::BITS - WIDTH)) as u16
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
