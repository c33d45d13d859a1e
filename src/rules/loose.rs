//! Built-in patterns as automata that the build makes ready, so that a run has next to nothing to compile.
//!
//! An automaton that counts is large. So what a pattern counts is loosened: the automaton finds whatever the pattern
//! finds, and perhaps more, which is then for the pattern to tell.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::error::Error;

use regex_automata::Anchored;
use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::util::alphabet::Unit;
use regex_automata::util::primitives::StateID;
use regex_automata::util::{start, syntax};
use regex_syntax::hir::{Hir, HirKind, Repetition};

/// Automata are given up that become larger than this, in bytes before they are made smaller.
const LARGEST: usize = 1 << 20;

/// What is counted further than this is loosened.
const COUNTED: u32 = 2;

/// What may stand before a match, one of each kind: nothing, the end of a line, a part of a word, anything else.
const BEHIND: [Option<u8>; 4] = [None, Some(b'\n'), Some(b'a'), Some(b' ')];

/// The state in which nothing is found any more.
const DEAD: u16 = 0;

/// The state in which something has been found.
const FOUND: u16 = 1;

/// A cell that is of no state.
const FREE: Pair = [u16::MAX, DEAD];

type Outcome<T> = Result<T, Box<dyn Error>>;

/// A row of one of the two lists.
type Pair = [u16; 2];

/// An automaton to be embedded, for matches that begin where it begins to read.
pub(super) struct Loose {
    /// Whether it finds nothing but what the pattern finds.
    pub(super) exact: bool,
    /// For each of [`BEHIND`] the state in which it begins.
    pub(super) starts: [u16; BEHIND.len()],
    /// For each of these a bit for each byte with which a match may begin.
    pub(super) begins: [[u64; 4]; BEHIND.len()],
    /// The class of each byte.
    pub(super) classes: [u8; 256],
    /// The class of the end of the text.
    pub(super) end: u8,
    /// For each state where its cells begin, and the next state for a class that has none.
    pub(super) states: Vec<Pair>,
    /// The state that a cell is of, and the next one; the cells of all states lie between each other.
    pub(super) cells: Vec<Pair>,
}

/// The automaton of a pattern; nothing where it would be too large.
///
/// # Errors
/// The pattern is none, or matches where nothing stands.
pub(super) fn automaton(pattern: &str) -> Outcome<Option<Loose>> {
    // The same settings as those under which the pattern of a rule is compiled; what begins a function, where `^` is the
    // begin of the text, finds no more than with these.
    let settings = syntax::Config::new().multi_line(true).unicode(false).utf8(false);
    let (pattern, exact) = loosened(syntax::parse_with(pattern, &settings)?);
    if pattern.properties().minimum_len().is_none_or(|bytes| bytes == 0) {
        return Err("the pattern matches nothing at all".into());
    }
    let settings = thompson::Config::new().utf8(false).which_captures(WhichCaptures::None);
    let nfa = thompson::Compiler::new().configure(settings).build_from_hir(&pattern)?;
    let settings = dense::Config::new()
        .start_kind(StartKind::Anchored)
        .accelerate(false)
        .dfa_size_limit(Some(LARGEST))
        .determinize_size_limit(Some(2 * LARGEST));
    let dfa = match dense::Builder::new().configure(settings).build_from_nfa(&nfa) {
        Ok(dfa) => dfa,
        Err(error) if error.is_size_limit_exceeded() => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let table = Table::of(&dfa)?.smallest()?;
    let (states, cells) = table.packed()?;
    let classes = dfa.byte_classes();
    let end = u8::try_from(classes.alphabet_len() - 1)?;
    let mut bytes = 0..=u8::MAX;
    let classes = [(); 256].map(|()| bytes.next().map_or(end, |byte| classes.get(byte)));
    let begins = table.starts.map(|start| {
        let row = &table.rows[usize::from(start)];
        let goes_on = |byte: usize| row[usize::from(classes[byte])] != DEAD;
        let bytes = (0..classes.len()).filter(|byte| goes_on(*byte));
        bytes.fold([0; 4], |mut bits, byte| {
            bits[byte / 64] |= 1 << (byte % 64);
            bits
        })
    });
    Ok(Some(Loose { exact, starts: table.starts, begins, classes, end, states, cells }))
}

/// A pattern that counts no further than [`COUNTED`], and whether it is still the same.
fn loosened(pattern: Hir) -> (Hir, bool) {
    let all = |parts: Vec<Hir>| {
        let (parts, same): (Vec<Hir>, Vec<bool>) = parts.into_iter().map(loosened).unzip();
        (parts, !same.contains(&false))
    };
    match pattern.into_kind() {
        HirKind::Empty => (Hir::empty(), true),
        HirKind::Literal(literal) => (Hir::literal(literal.0), true),
        HirKind::Class(class) => (Hir::class(class), true),
        HirKind::Look(look) => (Hir::look(look), true),
        HirKind::Capture(capture) => loosened(*capture.sub),
        HirKind::Repetition(Repetition { min, max, greedy, sub }) => {
            let (sub, same) = loosened(*sub);
            let counts = min > COUNTED || max.is_some_and(|max| max > COUNTED);
            let (min, max) = if counts { (min.min(COUNTED), None) } else { (min, max) };
            let sub = Box::new(sub);
            (Hir::repetition(Repetition { min, max, greedy, sub }), same && !counts)
        }
        HirKind::Concat(parts) => {
            let (parts, same) = all(parts);
            (Hir::concat(parts), same)
        }
        HirKind::Alternation(parts) => {
            let (parts, same) = all(parts);
            (Hir::alternation(parts), same)
        }
    }
}

/// An automaton that ends with the first match: the next state by state and class, the end of the text last.
struct Table {
    starts: [u16; BEHIND.len()],
    rows: Vec<Vec<u16>>,
}

impl Table {
    /// The states of an automaton that are reached before one in which something has been found.
    fn of(dfa: &dense::DFA<Vec<u32>>) -> Outcome<Table> {
        let classes = dfa.byte_classes().representatives(0..=u8::MAX);
        let classes: Vec<u8> = classes.filter_map(Unit::as_u8).collect();
        let (mut numbers, mut reached) = (HashMap::new(), Vec::new());
        let mut number = |state: StateID, reached: &mut Vec<StateID>| -> Outcome<u16> {
            if dfa.is_dead_state(state) {
                return Ok(DEAD);
            }
            if dfa.is_match_state(state) {
                return Ok(FOUND);
            }
            let next = u16::try_from(numbers.len())? + FOUND + 1;
            Ok(*numbers.entry(state).or_insert_with(|| {
                reached.push(state);
                next
            }))
        };
        let mut starts = [DEAD; BEHIND.len()];
        for (start, behind) in starts.iter_mut().zip(BEHIND) {
            let from = start::Config::new().anchored(Anchored::Yes).look_behind(behind);
            *start = number(dfa.start_state(&from)?, &mut reached)?;
        }
        let mut rows = [DEAD, FOUND].map(|state| vec![state; classes.len() + 1]).to_vec();
        while let Some(&state) = reached.get(rows.len() - 2) {
            let next = classes.iter().map(|class| dfa.next_state(state, *class));
            let next = next.chain([dfa.next_eoi_state(state)]);
            rows.push(next.map(|next| number(next, &mut reached)).collect::<Outcome<_>>()?);
        }
        Ok(Table { starts, rows })
    }

    /// The same with those states as one that nothing tells apart.
    fn smallest(self) -> Outcome<Table> {
        let mut kinds: Vec<u16> =
            (0..self.rows.len()).map(|at| if at == 1 { 1 } else { 0 }).collect();
        loop {
            // Those first seen come first, so that the two that end a search stay the first.
            let mut known: HashMap<(u16, Vec<u16>), u16> = HashMap::new();
            let mut rows = Vec::new();
            let mut next = Vec::new();
            for (row, kind) in self.rows.iter().zip(&kinds) {
                let row: Vec<u16> = row.iter().map(|next| kinds[usize::from(*next)]).collect();
                let new = u16::try_from(rows.len())?;
                next.push(*known.entry((*kind, row)).or_insert_with_key(|(_, row)| {
                    rows.push(row.clone());
                    new
                }));
            }
            if next == kinds {
                let starts = self.starts.map(|start| kinds[usize::from(start)]);
                return Ok(Table { starts, rows });
            }
            kinds = next;
        }
    }

    /// The states and the cells of an automaton to be embedded.
    fn packed(&self) -> Outcome<(Vec<Pair>, Vec<Pair>)> {
        let rows: Vec<(u16, Vec<(usize, u16)>)> =
            self.rows.iter().map(|row| exceptions(row)).collect();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|state| Reverse(rows[*state].1.len()));
        let (mut states, mut cells) = (vec![[0; 2]; rows.len()], Vec::new());
        for state in order {
            let (usual, others) = &rows[state];
            let is_free = |cell: usize| cells.get(cell).is_none_or(|cell| *cell == FREE);
            let fits = |first: &usize| others.iter().all(|(class, _)| is_free(first + class));
            let first = (0..).find(fits).unwrap_or(cells.len());
            cells.resize(cells.len().max(first + self.rows[state].len()), FREE);
            for (class, next) in others {
                cells[first + class] = [u16::try_from(state)?, *next];
            }
            states[state] = [u16::try_from(first)?, *usual];
        }
        Ok((states, cells))
    }
}

/// What follows most often in a row, and the classes behind which another state follows.
fn exceptions(row: &[u16]) -> (u16, Vec<(usize, u16)>) {
    let times = |next: &u16| row.iter().filter(|other| *other == next).count();
    let usual = row.iter().copied().max_by_key(times).unwrap_or(DEAD);
    (usual, row.iter().copied().enumerate().filter(|(_, next)| *next != usual).collect())
}
