//! The automata that the build has made of the built-in patterns: they are ready when the program starts, and tell
//! nearly every text that a pattern does not match.

use regex_automata::Anchored;

/// All automata, one behind the other: the class of each byte, the states, the cells.
static AUTOMATA: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/automata"));

/// The state in which something has been found, as the build numbers it; the one before is that in which nothing is
/// found any more.
const FOUND: u16 = 1;

/// A text in which a match may begin at more places than this is left to the pattern, which is quicker to search it.
const LONGEST: usize = 512;

/// A text is read no more often than this, wherever matches may begin in it, before it is left to the pattern.
const TIMES: usize = 4;

/// An automaton as the build embeds it.
#[derive(Debug)]
pub(super) struct AutomatonData {
    /// Where it begins in the list of all, in bytes.
    pub(super) offset: usize,
    /// How many states it has.
    pub(super) states: usize,
    /// How many cells it has.
    pub(super) cells: usize,
    /// For each of what may stand before a match ([`BEHIND`]) the state in which it begins.
    pub(super) starts: [u16; 4],
    /// For each of these a bit for each byte with which a match may begin.
    pub(super) begins: [[u64; 4]; 4],
    /// The class of the end of a text.
    pub(super) end: u8,
    /// Whether it finds nothing but what its pattern finds, which is so of patterns of rules only.
    pub(super) exact: bool,
}

/// What is told of a pattern and a text without compiling the pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The pattern does not match.
    No,
    /// It matches.
    Yes,
    /// It has to be tried.
    Perhaps,
}

/// An automaton that finds whatever a pattern finds, and perhaps more.
struct Automaton {
    /// The class of each byte.
    classes: &'static [u8],
    /// For each state where its cells begin, and the next state for a class that has none.
    states: &'static [[u8; 4]],
    /// The state that a cell is of, and the next one.
    cells: &'static [[u8; 4]],
    end: u8,
}

impl AutomatonData {
    /// Whether the pattern matches at a byte of a text, or from there on.
    pub(super) fn look(&self, text: &[u8], at: usize, anchored: Anchored) -> Verdict {
        let places = if anchored == Anchored::No { at..text.len() } else { at..at + 1 };
        if places.len() > LONGEST {
            return Verdict::Perhaps;
        }
        let mut left = TIMES * (text.len() - at);
        let automaton = self.automaton();
        let kind = |byte: u8| usize::from(BEHIND[usize::from(byte)]);
        let mut behind = at.checked_sub(1).map_or(0, |before| kind(text[before]));
        for at in places {
            let Some(&byte) = text.get(at) else { break };
            if self.begins[behind][usize::from(byte / 64)] >> (byte % 64) & 1 == 1 {
                match automaton.finds(self.starts[behind], &text[at..], &mut left) {
                    Some(false) => {}
                    Some(true) if self.exact => return Verdict::Yes,
                    Some(true) | None => return Verdict::Perhaps,
                }
            }
            behind = kind(byte);
        }
        Verdict::No
    }

    fn automaton(&self) -> Automaton {
        let (classes, rest) = AUTOMATA[self.offset..].split_at(256);
        let (states, cells) = rest.as_chunks().0.split_at(self.states);
        Automaton { classes, states, cells: &cells[..self.cells], end: self.end }
    }
}

impl Automaton {
    /// Whether something is found from a state on; nothing where the bytes that are `left` to read do not tell.
    fn finds(&self, mut state: u16, text: &[u8], left: &mut usize) -> Option<bool> {
        for byte in text {
            if state <= FOUND {
                return Some(state == FOUND);
            }
            *left = left.checked_sub(1)?;
            state = self.next(state, self.classes[usize::from(*byte)]);
        }
        Some(self.next(state, self.end) == FOUND)
    }

    #[inline]
    fn next(&self, state: u16, class: u8) -> u16 {
        let [first, usual] = pair(self.states[usize::from(state)]);
        let [of, next] = pair(self.cells[usize::from(first) + usize::from(class)]);
        if of == state { next } else { usual }
    }
}

/// Two numbers as the build writes them.
#[inline]
fn pair([a, b, c, d]: [u8; 4]) -> [u16; 2] {
    [u16::from_le_bytes([a, b]), u16::from_le_bytes([c, d])]
}

/// What a byte is to a match that begins behind it, as the build numbers it: the end of a line, a part of a word,
/// anything else. 0 is where nothing stands before.
static BEHIND: [u8; 256] = {
    let mut kinds = [3; 256];
    let mut byte = 0u8;
    while byte < u8::MAX {
        if byte == b'\n' {
            kinds[byte as usize] = 1;
        } else if byte == b'_' || byte.is_ascii_alphanumeric() {
            kinds[byte as usize] = 2;
        }
        byte += 1;
    }
    kinds
};
