//! What changes in a hunk, as figures: the checks, the literals, the words on its lines and around them.

use std::collections::HashMap;
use std::hash::BuildHasher;

use bstr::ByteSlice;
use foldhash::fast::RandomState;

use super::evidence::{Evidence, Feature};
use super::line::Line;
use super::scope;
use super::tokens::Token;
use super::vocabulary::{self, CATEGORIES, GUARD, Heard, ROUTINE};
use crate::change::{File, Hunk, LineKind};
use crate::rules::Language;

/// A refusal belongs to a condition that stands at most so many changed lines above it.
const BEHIND: usize = 4;

/// Lines of both sides are compared one by one up to so many pairs.
const MAX_PAIRS: usize = 900;

/// Hunks with more changed lines than this are left to the rules: such a change is no slip.
const MAX_LINES: usize = 80;

/// A hunk whose lines and path speak less of every category than one word does is left to the rules.
const LEAST: f32 = 0.5;

/// A string of so many words is a message for people.
const MESSAGE: usize = 4;

/// What a file gives to all of its hunks.
pub(super) struct Sight<'a> {
    file: &'a File,
    language: &'static Language,
    path: Heard,
    tooling: bool,
}

/// The changed lines of a hunk that are code, and what stands around them.
#[derive(Default)]
struct Sides<'a> {
    removed: Vec<&'a [u8]>,
    added: Vec<&'a [u8]>,
    context: Vec<&'a [u8]>,
    comments: Vec<&'a [u8]>,
    comments_near: Vec<&'a [u8]>,
}

impl<'a> Sight<'a> {
    pub(super) fn of(file: &'a File, language: &'static Language, tooling: bool) -> Sight<'a> {
        let mut path = Heard::default();
        file.path.rsplit(|&byte| byte == b'/').take(3).for_each(|part| path.read(part));
        Sight { file, language, path, tooling }
    }

    /// The figures of a hunk; nothing where no code changes but for its layout, where more changes than a
    /// reader judges at once, or where nothing on its lines speaks of a category.
    pub(super) fn evidence(&self, hunk: &Hunk) -> Option<Evidence> {
        if hunk.changed_lines() > MAX_LINES {
            return None;
        }
        let sides = self.sides(hunk);
        if sides.removed.is_empty() && sides.added.is_empty() || only_layout(&sides) {
            return None;
        }
        let removed: Vec<Line<'_>> = sides.removed.iter().map(|text| Line::of(text)).collect();
        let added: Vec<Line<'_>> = sides.added.iter().map(|text| Line::of(text)).collect();
        let code = || removed.iter().chain(&added).filter(|line| !line.is_import());
        let line = heard(code().map(|line| line.text));
        let context = heard(sides.context.iter().copied());
        let speaks =
            |subject| line.of(subject) + context.of(subject) + self.path.of(subject) >= LEAST;
        if !(0..CATEGORIES.len()).any(speaks) {
            return None;
        }
        let net = Net::of(&removed, &added);
        let around = self.around(hunk);
        let words = Words::of(self, &sides, (line, context), &net, &around, hunk);
        let mut evidence = Evidence::default();
        let shape = Shape::of(&removed, &added, &net);
        shape.tell(&mut evidence);
        words.tell(&shape, &mut evidence);
        evidence.set(Feature::Tooling, f32::from(u8::from(self.tooling)));
        Some(evidence)
    }

    /// The lines of a hunk by what they are; changed ones only where they do not stand on both sides.
    fn sides<'b>(&'b self, hunk: &'b Hunk) -> Sides<'b> {
        let mut sides = Sides::default();
        let (removes, adds) = hunk.edits.iter().fold((false, false), |(removes, adds), edit| {
            (removes || !edit.old.is_empty(), adds || !edit.new.is_empty())
        });
        let lines = self.file.lines(hunk).filter(|line| !line.text.trim_ascii().is_empty());
        let lines: Vec<_> =
            lines.map(|line| (line.kind, line.text, self.is_code(line.text))).collect();
        let state = RandomState::default();
        let mut counts: HashMap<u64, [u32; 2], RandomState> = HashMap::default();
        let changed = lines.iter().filter(|(kind, _, code)| *code && *kind != LineKind::Context);
        for (kind, text, _) in changed.filter(|_| removes && adds) {
            counts.entry(state.hash_one(plain(text))).or_default()
                [usize::from(*kind == LineKind::Added)] += 1;
        }
        for (kind, text, code) in lines {
            let both = || {
                let found =
                    (removes && adds).then(|| counts.get(&state.hash_one(plain(text)))).flatten();
                found.is_some_and(|counts| counts[0] > 0 && counts[1] > 0)
            };
            match (kind, code) {
                (LineKind::Context, true) => sides.context.push(text),
                (LineKind::Context, false) => sides.comments_near.push(text),
                (_, false) => sides.comments.push(text),
                (LineKind::Removed, true) if !both() => sides.removed.push(text),
                (LineKind::Added, true) if !both() => sides.added.push(text),
                (_, true) => {}
            }
        }
        sides
    }

    fn is_code(&self, text: &[u8]) -> bool {
        !self.language.is_comment(text) && !is_prose(text)
    }

    /// What the first edit stands under, on the side where it takes something out.
    fn around(&self, hunk: &Hunk) -> Vec<&'a [u8]> {
        let Some(edit) = hunk.edits.first() else { return Vec::new() };
        let old = || scope::around(&self.file.old, edit.old.start);
        let new = || scope::around(&self.file.new, edit.new.start);
        let found = if edit.old.is_empty() { new() } else { old() };
        if found.is_empty() { if edit.old.is_empty() { old() } else { new() } } else { found }
    }
}

/// A line without blanks and separators, so that a list that is laid out anew has the same lines.
fn plain(text: &[u8]) -> Vec<u8> {
    text.iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace() && *byte != b',' && *byte != b';')
        .collect()
}

/// Whether both sides are the same but for blanks, separators and quotes.
fn only_layout(sides: &Sides<'_>) -> bool {
    let all = |lines: &[&[u8]]| -> Vec<u8> {
        let bytes = lines.iter().flat_map(|text| plain(text));
        bytes.map(|byte| if byte == b'\'' { b'"' } else { byte }).collect()
    };
    !sides.removed.is_empty() && !sides.added.is_empty() && all(&sides.removed) == all(&sides.added)
}

/// Whether a line is prose, as in a block comment or a text of several lines: words and no code.
fn is_prose(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    if text.len() < 16 || text.iter().any(|byte| b"=(){}[];<>$\"|&".contains(byte)) {
        return false;
    }
    let mut words =
        text.split(|byte| *byte == b' ').filter(|word| word.iter().any(u8::is_ascii_alphabetic));
    let first = words.next().unwrap_or_default();
    const CODE: [&str; 44] = [
        "if", "elif", "else", "while", "for", "and", "or", "not", "return", "raise", "assert",
        "unless", "when", "case", "with", "def", "class", "import", "from", "in", "then", "elsif",
        "end", "do", "test", "set", "local", "except", "try", "yield", "await", "pub", "let",
        "var", "const", "use", "fn", "func", "type", "public", "switch", "until", "function",
        "command",
    ];
    let keyword = CODE.iter().any(|word| word.as_bytes() == first);
    !keyword && words.count() + 1 >= 4
}

/// The tokens that stand more often on one side than on the other.
struct Net<'a> {
    /// Those of the removed side, with how many more there are.
    lost: Vec<(Token<'a>, u32)>,
    /// Those of the added side.
    new: Vec<(Token<'a>, u32)>,
    /// Those that stand on one side only.
    apart: Vec<Token<'a>>,
    /// The share of all tokens that is net.
    share: f32,
}

impl<'a> Net<'a> {
    fn of(removed: &[Line<'a>], added: &[Line<'a>]) -> Net<'a> {
        let mut counts: HashMap<Token<'a>, (u32, u32), RandomState> = HashMap::default();
        let mut order = Vec::new();
        let all =
            removed.iter().map(|line| (line, false)).chain(added.iter().map(|line| (line, true)));
        for (line, new) in all.filter(|(line, _)| !line.is_import()) {
            for token in &line.tokens {
                let count = counts.entry(*token).or_insert_with(|| {
                    order.push(*token);
                    (0, 0)
                });
                if new { count.1 += 1 } else { count.0 += 1 }
            }
        }
        let mut net = Net { lost: Vec::new(), new: Vec::new(), apart: Vec::new(), share: 0.0 };
        let (mut total, mut differ) = (0, 0);
        for token in order {
            let (old, new) = counts[&token];
            total += old + new;
            differ += old.abs_diff(new);
            if old > new {
                net.lost.push((token, old - new));
            } else if new > old {
                net.new.push((token, new - old));
            }
            if old == 0 || new == 0 {
                net.apart.push(token);
            }
        }
        net.share = ratio(differ, total.max(1));
        net
    }
}

/// What happens to the checks, calls and literals of a hunk.
#[derive(Debug, Default)]
struct Shape {
    guard: [bool; 2],
    conditions: [bool; 2],
    edited: bool,
    reshaped: bool,
    condition_lost: f32,
    condition_any: bool,
    comparison_lost: f32,
    comparison_any: bool,
    refusals_differ: f32,
    one_sided: bool,
    entries: f32,
    pattern: bool,
    guard_calls: f32,
    marked: bool,
    dotted: bool,
    lines: usize,
    only: [bool; 3],
    share: f32,
    guard_named: bool,
}

impl Shape {
    fn of(removed: &[Line<'_>], added: &[Line<'_>], net: &Net<'_>) -> Shape {
        let code: Vec<&Line<'_>> =
            removed.iter().chain(added).filter(|line| !line.is_import()).collect();
        let asks = |token: &Token<'_>| {
            ["if", "elif", "unless", "while", "elsif", "elseif", "case", "assert", "when"]
                .iter()
                .any(|word| token.is(word))
        };
        let compares = |token: &Token<'_>| {
            [
                "==", "!=", "===", "!==", "<", ">", "<=", ">=", "&&", "||", "and", "or", "not",
                "in", "is", "!",
            ]
            .iter()
            .any(|sign| token.is(sign))
        };
        let count = |net: &[(Token<'_>, u32)], fits: &dyn Fn(&Token<'_>) -> bool| -> u32 {
            net.iter().filter(|(token, _)| fits(token)).map(|(_, count)| count).sum()
        };
        let refusals = |lines: &[Line<'_>]| lines.iter().filter(|line| line.is_refusal()).count();
        let (edited, reshaped) = pairs(removed, added);
        let lost = count(&net.lost, &asks);
        let compared = count(&net.lost, &compares);
        Shape {
            guard: [has_guard(removed), has_guard(added)],
            conditions: [removed, added].map(|lines| lines.iter().any(Line::is_condition)),
            edited,
            reshaped,
            condition_lost: upto(lost as usize, 2),
            condition_any: lost + count(&net.new, &asks) > 0,
            comparison_lost: upto(compared as usize, 3),
            comparison_any: compared + count(&net.new, &compares) > 0,
            refusals_differ: upto(refusals(removed).abs_diff(refusals(added)), 2),
            one_sided: removed.is_empty() || added.is_empty(),
            entries: upto(code.iter().filter(|line| line.is_entry()).count(), 2),
            pattern: code.iter().any(|line| line.has_pattern()),
            guard_calls: upto(guard_calls(removed, added), 2),
            marked: net
                .apart
                .iter()
                .any(|token| matches!(token, Token::Quoted(text) if is_marked(text))),
            dotted: net
                .apart
                .iter()
                .any(|token| matches!(token, Token::Quoted(text) if climbs(text))),
            lines: removed.len() + added.len(),
            only: [
                code.is_empty(),
                !code.is_empty() && code.iter().all(|line| line.is_log()),
                !code.is_empty() && code.iter().all(|line| line.is_head()),
            ],
            share: net.share,
            guard_named: removed.iter().chain(added).any(defines_a_guard),
        }
    }

    /// How clearly a check changes.
    fn check(&self) -> f32 {
        let flag = |flag: bool, value: f32| if flag { value } else { 0.0 };
        [
            flag(self.guard[0] != self.guard[1], 1.0),
            flag(self.condition_any, 0.7),
            0.6 * self.guard_calls,
            flag(self.comparison_any, 0.5),
            0.5 * self.refusals_differ,
            flag(self.edited, 0.6),
        ]
        .into_iter()
        .fold(0.0, f32::max)
    }

    /// How clearly a telling literal changes.
    fn literal(&self) -> f32 {
        let flag = |flag: bool, value: f32| if flag { value } else { 0.0 };
        [self.entries, flag(self.marked, 1.0), flag(self.dotted, 1.0), flag(self.pattern, 0.7)]
            .into_iter()
            .fold(0.0, f32::max)
    }

    fn tell(&self, evidence: &mut Evidence) {
        let flag = |flag: bool| f32::from(u8::from(flag));
        let [old, new] = self.guard;
        let [imports, logs, heads] = self.only;
        for (feature, value) in [
            (Feature::GuardLost, flag(old && !new)),
            (Feature::GuardNew, flag(new && !old)),
            (Feature::GuardRewritten, flag(old && new)),
            (Feature::ConditionLost, self.condition_lost),
            (Feature::ComparisonLost, self.comparison_lost),
            (Feature::ConditionsBoth, flag(self.conditions == [true, true])),
            (Feature::ConditionEdited, flag(self.edited)),
            (Feature::OneSided, flag(self.one_sided)),
            (Feature::ListEntry, self.entries),
            (Feature::Pattern, flag(self.pattern)),
            (Feature::GuardCall, self.guard_calls),
            (Feature::MarkedLiteral, flag(self.marked)),
            (Feature::Small, flag(self.lines <= 12)),
            (Feature::Large, flag(self.lines > 30)),
            (Feature::ImportsOnly, flag(imports)),
            (Feature::LogsOnly, flag(logs)),
            (Feature::HeadsOnly, flag(heads)),
            (Feature::NetShare, self.share),
            (Feature::GuardNamed, flag(self.guard_named)),
        ] {
            evidence.set(feature, value);
        }
    }
}

/// Whether a condition has its refusal on one of the changed lines behind it.
fn has_guard(lines: &[Line<'_>]) -> bool {
    lines.iter().enumerate().any(|(at, line)| {
        line.is_condition() && lines[at..].iter().take(BEHIND).any(Line::is_refusal)
    })
}

/// Whether a condition was edited, and whether a call was given another shape: told by lines of the two
/// sides that have at least half of their tokens in common.
fn pairs(removed: &[Line<'_>], added: &[Line<'_>]) -> (bool, bool) {
    let (mut edited, mut reshaped) = (false, false);
    if removed.len() * added.len() > MAX_PAIRS {
        return (edited, reshaped);
    }
    let state = RandomState::default();
    let distinct = |line: &Line<'_>| {
        let mut tokens: Vec<u64> =
            line.tokens.iter().map(|token| state.hash_one(token.text())).collect();
        tokens.sort_unstable();
        tokens.dedup();
        tokens
    };
    let others: Vec<Vec<u64>> = added.iter().map(distinct).collect();
    for old in removed {
        let tokens = distinct(old);
        for (new, others) in added.iter().zip(&others) {
            if !alike(&tokens, others) {
                continue;
            }
            edited |= old.is_condition() && new.is_condition();
            let (calls, others): (Vec<_>, Vec<_>) =
                (old.callees().collect(), new.callees().collect());
            let within = |few: &[&[u8]], many: &[&[u8]]| few.iter().all(|name| many.contains(name));
            let called = !calls.is_empty() || !others.is_empty();
            reshaped |= called && (within(&calls, &others) || within(&others, &calls));
        }
    }
    (edited, reshaped)
}

/// Whether at least half of the different tokens of two lines stand on both; they are sorted.
fn alike(old: &[u64], new: &[u64]) -> bool {
    let both = old.iter().filter(|token| new.binary_search(token).is_ok()).count();
    both > 0 && 2 * both >= old.len() + new.len() - both
}

/// How many calls of something that checks by its name stand on one side only.
fn guard_calls(removed: &[Line<'_>], added: &[Line<'_>]) -> usize {
    let names = |lines: &[Line<'_>]| -> Vec<Vec<u8>> {
        lines.iter().flat_map(Line::callees).map(<[u8]>::to_vec).collect()
    };
    let (old, new) = (names(removed), names(added));
    let apart = old
        .iter()
        .filter(|name| !new.contains(name))
        .chain(new.iter().filter(|name| !old.contains(name)));
    let mut apart: Vec<&Vec<u8>> = apart.collect();
    apart.sort_unstable();
    apart.dedup();
    apart.into_iter().filter(|name| speaks_of_checking(name)).count()
}

fn defines_a_guard(line: &Line<'_>) -> bool {
    let head = line.text.find_byte(b'(').map_or(line.text, |at| &line.text[..at]);
    line.is_head() && speaks_of_checking(head)
}

fn speaks_of_checking(text: &[u8]) -> bool {
    let mut heard = Heard::default();
    heard.read(text);
    heard.of(GUARD) >= 0.6
}

/// Whether a string begins as a path, an option or a scheme does.
fn is_marked(quoted: &[u8]) -> bool {
    let inner = &quoted[1..];
    [&b"/"[..], b"\\\\", b"./", b"--", b"..", b"::", b"://"]
        .iter()
        .any(|start| inner.starts_with(start))
        || (inner.starts_with(b"-") && inner.get(1).is_some_and(u8::is_ascii_alphabetic))
}

/// Whether a string holds a step up to the parent folder.
fn climbs(quoted: &[u8]) -> bool {
    let inner = &quoted[1..quoted.len().saturating_sub(1)];
    inner == b".."
        || inner.contains_str("../")
        || inner.contains_str("..\\")
        || inner.contains_str("/..")
}

fn heard<'a>(texts: impl Iterator<Item = &'a [u8]>) -> Heard {
    let mut heard = Heard::default();
    texts.for_each(|text| heard.read(text));
    heard
}

/// What the parts of a hunk speak of.
struct Words {
    net: Heard,
    line: Heard,
    context: Heard,
    scope: Heard,
    path: Heard,
    comment: Heard,
    comment_near: Heard,
    /// Different parts of the words that really change.
    parts: usize,
    routine: f32,
    routine_scope: f32,
}

impl Words {
    fn of(
        sight: &Sight<'_>,
        sides: &Sides<'_>,
        (line, context): (Heard, Heard),
        net: &Net<'_>,
        around: &[&[u8]],
        hunk: &Hunk,
    ) -> Words {
        let is_message = |token: &&Token<'_>| matches!(token, Token::Quoted(text) if text.fields().count() >= MESSAGE);
        let mut words = Vec::new();
        for token in net.apart.iter().filter(|token| !is_message(token)) {
            words.extend_from_slice(token.text());
            words.push(b' ');
        }
        let messages = net.apart.iter().filter(is_message).map(|token| token.text());
        let comments = sides.comments.iter().copied().chain(messages);
        let comments: Vec<Vec<u8>> = comments.map(without_claims).collect();
        let near: Vec<Vec<u8>> =
            sides.comments_near.iter().map(|text| without_claims(text)).collect();
        let function = hunk.function.as_deref().map_or(&[][..], str::as_bytes);
        let heads = around.iter().copied().chain([function]);
        let (parts, routine) = vocabulary::share(&words, ROUTINE);
        let inner: Vec<u8> = around
            .iter()
            .take(2)
            .copied()
            .chain([function])
            .flat_map(|text| [text, b" "].concat())
            .collect();
        Words {
            net: heard([words.as_slice()].into_iter()),
            line,
            context,
            scope: heard(heads),
            path: sight.path.clone(),
            comment: heard(comments.iter().map(Vec::as_slice)),
            comment_near: heard(near.iter().map(Vec::as_slice)),
            parts,
            routine: ratio(
                u32::try_from(routine).unwrap_or(0),
                u32::try_from(parts).unwrap_or(0).max(3),
            ),
            routine_scope: upto(vocabulary::share(&inner, ROUTINE).1, 2),
        }
    }

    fn tell(&self, shape: &Shape, evidence: &mut Evidence) {
        let within = |heard: &Heard, subject: usize, cap: f32| heard.of(subject).min(cap) / cap;
        let guard = |heard: &Heard, cap: f32| within(heard, GUARD, cap);
        let (check, literal) = (shape.check(), shape.literal());
        let (guard_scope, guard_path) = (guard(&self.scope, 3.0), guard(&self.path, 1.5));
        let guarded = (guard(&self.net, 3.0)
            + 0.3 * guard(&self.line, 3.0)
            + 0.3 * guard(&self.comment, 2.0))
        .min(1.0);
        for (feature, value) in [
            (Feature::RoutineWords, self.routine),
            (Feature::RoutineScope, self.routine_scope),
            (Feature::GuardNet, guard(&self.net, 3.0)),
            (Feature::GuardLine, guard(&self.line, 3.0)),
            (Feature::GuardContext, guard(&self.context, 3.0)),
            (Feature::GuardScope, guard_scope),
            (Feature::GuardPath, guard_path),
            (Feature::GuardComment, guard(&self.comment, 2.0)),
            (Feature::GuardCommentNear, guard(&self.comment_near, 2.0)),
            (Feature::GuardAndCheck, guarded * check),
            (Feature::GuardAndLiteral, (guard_scope + guard_path).min(1.0) * literal),
        ] {
            evidence.set(feature, value);
        }
        for (subject, figures) in evidence.of.iter_mut().enumerate() {
            let of = |heard: &Heard, cap: f32| within(heard, subject, cap);
            let (net, line, context) =
                (of(&self.net, 3.0), of(&self.line, 3.0), of(&self.context, 3.0));
            let (scope, path, comment) =
                (of(&self.scope, 3.0), of(&self.path, 1.5), of(&self.comment, 2.0));
            let words = net.max(0.6 * line);
            let surroundings = (0.5 * context + scope + 0.5 * path + 0.5 * comment).min(1.0);
            let guard_near = (guard_scope + guard_path + guard(&self.context, 3.0)).min(1.0);
            for (feature, value) in [
                (Feature::WordsNet, net),
                (Feature::WordsNetAny, self.net.of(subject).min(1.0)),
                (Feature::WordsDensity, (self.net.of(subject) / self.parts.max(2) as f32).min(1.0)),
                (Feature::WordsLine, line),
                (Feature::WordsContext, context),
                (Feature::WordsScope, scope),
                (Feature::WordsComment, comment),
                (Feature::WordsCommentNear, of(&self.comment_near, 2.0)),
                (Feature::WordsAndGuard, words * guarded),
                (Feature::ContextAndGuard, surroundings * guarded),
                (Feature::ContextAndCheck, surroundings * check),
                (Feature::ScopeAndCheck, (1.5 * scope).min(1.0) * check),
                (Feature::ContextAndLiteral, surroundings * literal),
                (Feature::GuardAround, guard_near * words),
                (Feature::CallReshaped, if shape.reshaped { words } else { 0.0 }),
            ] {
                figures.set(feature, value);
            }
        }
        debug_assert_eq!(evidence.of.len(), CATEGORIES.len());
    }
}

/// A comment without what only says that it is about security: a fix says so, a flaw does not.
fn without_claims(text: &[u8]) -> Vec<u8> {
    let claims = ["cve", "ghsa", "security", "vulnerab", "advisory", "exploit"];
    let claim = |word: &&[u8]| {
        let lower = word.to_ascii_lowercase();
        !claims.iter().any(|claim| lower.starts_with(claim.as_bytes()))
    };
    text.split(|&byte| !vocabulary::continues_word(byte))
        .filter(claim)
        .flat_map(|word| [word, b" "].concat())
        .collect()
}

/// A count as a share of a number that is enough.
fn upto(count: usize, enough: u8) -> f32 {
    f32::from(u8::try_from(count).unwrap_or(u8::MAX).min(enough)) / f32::from(enough)
}

fn ratio(part: u32, whole: u32) -> f32 {
    part as f32 / whole as f32
}
