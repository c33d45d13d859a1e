//! Where in a text a literal may stand at all, told from four bytes at a time.

use super::filing::{counting, fold, mixed};

/// Groups that are looked up at a time: none of these look-ups waits for another.
pub(super) const STEP: usize = 8;

/// The bytes of so many groups.
pub(super) const BLOCK: usize = STEP + 3;

/// For each place the classes of the fourth byte at which a literal stands there: bits would be smaller, but
/// take longer to look up. It is of a fixed size, so that this needs no check.
#[derive(Debug)]
pub(super) struct Places {
    classes: Box<[u8; 1 << WIDTH]>,
    /// Whether there is a literal of two bytes one of which is odd ([`is_odd`]): taking all places of such literals
    /// would make most of the table say yes, the more so as an odd byte folded is a common one.
    odd: bool,
}

impl Places {
    pub(super) fn none() -> Places {
        Places { classes: Box::new([0; 1 << WIDTH]), odd: false }
    }

    /// Takes the place of the four bytes under which a literal is filed.
    #[inline]
    pub(super) fn set(&mut self, word: u32) {
        *self.of(word) |= CLASSES[(word >> 24) as usize];
    }

    /// Takes the place of the three bytes under which a literal is filed; of two those of all groups that begin with
    /// them.
    pub(super) fn set_short(&mut self, word: u32, literal: &[u8]) {
        if counting(word) != 0xffff {
            *self.of(word) = u8::MAX;
        } else if literal.iter().any(|byte| is_odd(*byte)) {
            self.odd = true;
        } else {
            let groups = (0..=u32::from(u8::MAX)).map(|third| word | third << 16);
            groups.for_each(|group| *self.of(group) = u8::MAX);
        }
    }

    #[inline]
    fn of(&mut self, word: u32) -> &mut u8 {
        &mut self.classes[place_of(word) % (1 << WIDTH)]
    }

    /// The groups of a block under which a literal may be filed: one bit in a byte for each, the first one lowest.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "a group is the lower half of a number")]
    pub(super) fn stand_in(&self, block: &[u8; BLOCK]) -> u64 {
        // Two numbers that hold all of the block are quicker to take apart than its bytes, and folded at once.
        let first = number(block, 0);
        let folded = [first, number(block, BLOCK - STEP)].map(|bytes| bytes | FOLDED);
        let group = |at: usize| match at {
            0..=4 => (folded[0] >> (8 * at)) as u32,
            _ => (folded[1] >> (8 * (at + STEP - BLOCK))) as u32,
        };
        let mut stand = 0;
        for at in 0..STEP {
            let word = group(at);
            let classes = self.classes[place_of(word) % (1 << WIDTH)];
            // The class of a byte is that of the folded one.
            stand |= u64::from(classes & CLASSES[(word >> 24) as usize]) << (8 * at);
        }
        if self.odd && (has_odd(first) || is_odd(block[STEP])) {
            for at in 0..STEP {
                let odd = is_odd(block[at]) || is_odd(block[at + 1]);
                if odd && stand >> (8 * at) & 0xff == 0 {
                    stand |= 1 << (8 * at);
                }
            }
        }
        stand
    }
}

/// The bits that [`fold`] sets, in two words.
const FOLDED: u64 = fold(0) as u64 * 0x1_0000_0001;

/// Eight bytes of a block as a number, the first one lowest.
#[inline]
fn number(block: &[u8; BLOCK], from: usize) -> u64 {
    block[from..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// Whether a byte is rare in a text: no ASCII, or a control character other than those between words and lines.
fn is_odd(byte: u8) -> bool {
    byte >= 0x80 || (byte < b' ' && byte != b'\t' && byte != b'\n')
}

/// Whether one of eight bytes is odd.
#[inline]
fn has_odd(bytes: u64) -> bool {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x80 * EACH;
    // In none of these does anything carry from one byte to the next; what is told is the highest bit of each.
    let low = !((bytes | HIGHEST) - u64::from(b' ') * EACH) | bytes;
    low & HIGHEST != 0 && {
        let other = |byte: u8| {
            let differs = bytes ^ (u64::from(byte) * EACH);
            ((differs & !HIGHEST) + !HIGHEST) | differs
        };
        low & HIGHEST & other(b'\n') & other(b'\t') != 0
    }
}

/// Places are numbers of so many bits.
const WIDTH: u32 = 15;

/// The place of a group, by its first three bytes.
#[inline]
fn place_of(word: u32) -> usize {
    (mixed::<3>(word) >> (u32::BITS - WIDTH)) as usize
}

/// The class of each byte, as the one bit of it.
static CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = 1 << (byte % 8);
        byte += 1;
    }
    classes
};

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn odd_bytes_are_told_from_others(bytes: [u8; 8]) {
            prop_assert_eq!(has_odd(u64::from_le_bytes(bytes)), bytes.into_iter().any(is_odd));
        }
    }

    #[test]
    fn a_group_is_told_where_it_stands() {
        let word = |text: &[u8; 4]| u32::from_le_bytes(*text);
        let mut places = Places::none();
        places.set(word(b"exec"));
        places.set_short(word(b"md5\0"), b"md5");
        places.set_short(word(b"r|\0\0"), b"r|");
        let stand = |text: &[u8; BLOCK]| {
            let stand = places.stand_in(text).to_le_bytes();
            (0..STEP).filter(|at| stand[*at] != 0).collect::<Vec<_>>()
        };
        assert_eq!(stand(b"xxexec(xxxx"), [2]);
        assert_eq!(stand(b"xxxxxxxEXEC"), [7]);
        assert_eq!(stand(b"md5xxr|xxxx"), [0, 5]);
        assert!(stand(b"xxxxxxxxxxx").is_empty());
    }
}
