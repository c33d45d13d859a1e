//! The hunks worth asking about, within a token budget, secrets redacted.
//!
//! Best hunks first, then what goes along for their sake ([`companions`]); while the budget lasts the context of each
//! is widened to the function around.
//! What does not go along is listed with its reason.

mod companions;
mod denied;
mod piece;
mod text;
mod widen;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::rc::Rc;

use bstr::BString;
use serde::Serialize;

use crate::change::{Change, File, Hunk, HunkId, LineKind, Status};
use crate::classify::{Classified, Companion, HunkScore};
use crate::redact::{KeyLines, Redactor};
use crate::visible::{self, Visible};

pub use companions::{accompany, near};
pub use piece::Piece;

/// A line longer than this is cut in the packet, in characters.
const MAX_LINE: usize = 1_000;

/// A path longer than this is cut in the packet, in characters.
const MAX_PATH: usize = 300;

/// What goes to the model, and what does not.
#[derive(Debug, Clone, Default)]
pub struct Packet {
    /// Random characters of this review, part of every hunk's label.
    pub mark: String,
    /// The hunks in the order of the change, and behind them those that go along for the sake of one of them.
    pub hunks: Vec<PackedHunk>,
    /// Selected hunks that do not go along.
    pub left_out: Vec<LeftOut>,
    /// Number of secrets that were replaced.
    pub redacted: usize,
    /// Pieces of files that went along in later rounds.
    pub context: Vec<Piece>,
}

impl Packet {
    /// Names the hunks as in an earlier review, whose answer speaks of them by those labels.
    pub fn relabel(&mut self, mark: &str) {
        mark.clone_into(&mut self.mark);
        for hunk in &mut self.hunks {
            hunk.label = format!("{}-{mark}", hunk.id);
        }
    }
}

/// A hunk as it is sent.
#[derive(Debug, Clone)]
pub struct PackedHunk {
    /// The hunk.
    pub id: HunkId,
    /// Its name in the packet, for example `H1-k7f3`.
    pub label: String,
    /// The file's path.
    pub path: Visible,
    /// The old path of a renamed file.
    pub old_path: Option<Visible>,
    /// What happened to the file.
    pub status: Status,
    /// The function around the change.
    pub function: Option<String>,
    /// Why it goes along for the sake of another hunk, if it does.
    pub companion: Option<String>,
    /// The `@@` line of what is shown.
    pub header: String,
    /// The lines, context widened.
    pub lines: Vec<PackedLine>,
}

/// A line as it is sent: visible, redacted, cut.
#[derive(Debug, Clone)]
pub struct PackedLine {
    /// Added, removed or context.
    pub kind: LineKind,
    /// 1-based number on the old side.
    pub old: Option<u32>,
    /// 1-based number on the new side.
    pub new: Option<u32>,
    /// The text.
    pub text: String,
}

/// A selected hunk that does not go along.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The hunk.
    pub id: HunkId,
    /// Why.
    pub why: Why,
}

/// Why a selected hunk does not go along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The better hunks took the budget.
    Budget,
    /// The hunk alone is larger than the budget.
    Size,
    /// Files of this name hold secrets.
    DeniedPath,
}

impl Why {
    /// The reason in a sentence's words.
    pub fn words(self) -> &'static str {
        match self {
            Why::Budget => "the token budget went to hunks with a higher score",
            Why::Size => "larger than the whole token budget",
            Why::DeniedPath => "files of this name hold secrets and never leave the machine",
        }
    }
}

/// A rough count of tokens: one per three bytes, which errs on the safe side for code with line
/// numbers (measured tokenizers give 3.2 to 3.8 bytes a token).
pub fn estimated_tokens(bytes: usize) -> usize {
    bytes.div_ceil(3)
}

/// The paths of the files whose text packing will ask for: those of the best hunks, several times as many
/// as the budget has room for.
pub fn candidates(change: &Change, classified: &Classified, budget: usize) -> HashSet<BString> {
    let mut left = 4 * budget;
    let mut paths = HashSet::new();
    for (file, hunk) in best_first(classified).filter_map(|score| change.hunk(score.id)) {
        let raw = raw_tokens(hunk);
        if raw <= left {
            left -= raw;
            paths.insert(file.path.clone());
        }
    }
    paths
}

/// The selected hunks, best first; companions come last.
fn best_first(classified: &Classified) -> impl Iterator<Item = &HunkScore> {
    let worth = |hunk: &HunkScore| hunk.companion.as_ref().map_or(hunk.score, |it| it.worth);
    let mut best: Vec<_> = classified.selected().collect();
    best.sort_by(|a, b| worth(b).total_cmp(&worth(a)).then(a.id.cmp(&b.id)));
    best.sort_by_key(|hunk| hunk.companion.is_some());
    best.into_iter()
}

/// Estimated tokens of a hunk before it is rendered, which nearly always makes them more.
fn raw_tokens(hunk: &Hunk) -> usize {
    estimated_tokens(usize::try_from(hunk.bytes).unwrap_or(usize::MAX))
}

/// Packs the selected hunks into at most `budget` estimated tokens.
pub fn pack(change: &Change, classified: &Classified, mark: &str, budget: usize) -> Packet {
    let mut redactor = Redactor::default();
    let mut chosen: Vec<Chosen<'_>> = Vec::new();
    let mut keys = KnownKeys::default();
    let mut left_out = Vec::new();
    let mut left = budget;
    for score in best_first(classified) {
        let id = score.id;
        let Some((file, hunk)) = change.hunk(id) else {
            continue;
        };
        let companion = score.companion.as_ref();
        let (shown, keys) = (Shown::of(hunk), keys.of(file));
        let candidate = Chosen { file, hunk, companion, shown, keys };
        let raw = raw_tokens(hunk);
        // Only what was among the candidates has its text at hand.
        let rendered = raw <= left && file.has_text();
        let cost = if rendered { candidate.cost(mark, &mut redactor) } else { raw };
        let why = if denied::is_denied(file) {
            Some(Why::DeniedPath)
        } else if cost > budget {
            Some(Why::Size)
        } else if cost > left || !rendered {
            Some(Why::Budget)
        } else {
            None
        };
        match why {
            Some(why) => left_out.push(LeftOut { id, why }),
            None => {
                left -= cost;
                chosen.push(candidate);
            }
        }
    }
    widen_all(&mut chosen, mark, left, &mut redactor);
    let companions = chosen.partition_point(|chosen| chosen.companion.is_none());
    chosen[..companions].sort_by_key(|chosen| chosen.hunk.id);
    left_out.sort_by_key(|left| left.id);
    // Placeholders are numbered in the order in which a reader meets them.
    let mut redactor = Redactor::default();
    let hunks = chosen.iter().map(|chosen| chosen.packed(mark, &mut redactor)).collect();
    Packet {
        mark: mark.to_owned(),
        hunks,
        left_out,
        redacted: redactor.count(),
        context: Vec::new(),
    }
}

/// Widens each chosen hunk to the function around it, best first, while `left` tokens last.
fn widen_all(chosen: &mut [Chosen<'_>], mark: &str, mut left: usize, redactor: &mut Redactor) {
    for at in 0..chosen.len() {
        let (file, hunk) = (chosen[at].file, chosen[at].hunk);
        let Some(language) = file.language else { continue };
        let others = chosen
            .iter()
            .filter(|other| other.hunk.id != hunk.id && std::ptr::eq(other.file, file));
        let taken: Vec<Range<u32>> = others.map(|other| other.shown.new.clone()).collect();
        let Some(wider) = widen::to_function(file, hunk, language, &taken) else {
            continue;
        };
        let before = chosen[at].cost(mark, redactor);
        let candidate = Chosen { shown: wider, ..chosen[at].clone() };
        let more = candidate.cost(mark, redactor).saturating_sub(before);
        if more <= left {
            left -= more;
            chosen[at] = candidate;
        }
    }
}

/// The lines of a hunk that are shown: its own, or wider.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Shown {
    old: Range<u32>,
    new: Range<u32>,
}

impl Shown {
    fn of(hunk: &Hunk) -> Shown {
        Shown { old: hunk.old.clone(), new: hunk.new.clone() }
    }
}

/// A hunk that goes along.
#[derive(Clone)]
struct Chosen<'a> {
    file: &'a File,
    hunk: &'a Hunk,
    companion: Option<&'a Companion>,
    shown: Shown,
    keys: Rc<Keys>,
}

/// The lines of a file that are part of a private key, on its two sides.
struct Keys {
    old: KeyLines,
    new: KeyLines,
}

/// The keys of each file, looked for once.
#[derive(Default)]
struct KnownKeys {
    of_path: HashMap<BString, Rc<Keys>>,
}

impl KnownKeys {
    fn of(&mut self, file: &File) -> Rc<Keys> {
        let found = self.of_path.entry(file.path.clone());
        let keys = || Rc::new(Keys { old: KeyLines::of(&file.old), new: KeyLines::of(&file.new) });
        Rc::clone(found.or_insert_with(keys))
    }
}

impl Chosen<'_> {
    /// Estimated tokens of the hunk as it is rendered.
    fn cost(&self, mark: &str, redactor: &mut Redactor) -> usize {
        estimated_tokens(self.packed(mark, redactor).to_string().len())
    }

    fn packed(&self, mark: &str, redactor: &mut Redactor) -> PackedHunk {
        let Shown { old, new } = self.shown.clone();
        let wide = Hunk { old, new, ..self.hunk.clone() };
        let whole_crlf = self.file.lines(&wide).all(|line| line.text.ends_with(b"\r"));
        let lines = self.file.lines(&wide).map(|line| {
            let text = if whole_crlf { &line.text[..line.text.len() - 1] } else { line.text };
            let inside = line.new.map_or_else(
                || line.old.is_some_and(|old| self.keys.old.contains(old)),
                |new| self.keys.new.contains(new),
            );
            PackedLine {
                kind: line.kind,
                old: line.old,
                new: line.new,
                text: cut(&redactor.line(visible::line(text).as_str(), inside), MAX_LINE),
            }
        });
        let path = |path: &[u8]| visible::line(cut(visible::line(path).as_str(), MAX_PATH));
        PackedHunk {
            id: self.hunk.id,
            label: format!("{}-{mark}", self.hunk.id),
            path: path(&self.file.path),
            old_path: self.file.old_path.as_ref().map(|old| path(old)),
            status: self.file.status,
            function: wide.function.as_deref().map(|name| cut(name, 100)),
            companion: self.companion.map(|companion| cut(&companion.why(), 200)),
            header: wide.header(),
            lines: lines.collect(),
        }
    }
}

/// Text cut to a number of characters, saying how much is missing.
fn cut(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        None => text.to_owned(),
        Some((at, _)) => format!("{} <{} more bytes>", &text[..at], text.len() - at),
    }
}
