//! What changes in a hunk, as figures: its checks, its literals, and how much it is.

use std::collections::HashMap;

use bstr::ByteSlice;
use foldhash::fast::RandomState;

use super::evidence::{Evidence, Feature};
use super::line::Line;
use super::tokens::Token;
use super::vocabulary::{GUARD, Heard};

/// A refusal belongs to a condition that stands at most so many changed lines above it.
const BEHIND: usize = 4;

/// A change of at most so many tokens is a tiny one.
const TINY: u32 = 4;

/// A string of so many words is a message for people.
const MESSAGE: usize = 4;

/// The tokens that stand more often on one side than on the other.
pub(super) struct Net<'a> {
    /// Those of the removed side, with how many more there are.
    lost: Vec<(Token<'a>, u32)>,
    /// Those of the added side.
    new: Vec<(Token<'a>, u32)>,
    /// Those that stand on one side only.
    apart: Vec<Token<'a>>,
    /// How many tokens are net.
    differ: u32,
    /// The share of all tokens that is net.
    share: f32,
}

impl<'a> Net<'a> {
    pub(super) fn of(removed: &[Line<'a>], added: &[Line<'a>]) -> Net<'a> {
        let all = removed.iter().map(|line| (line, 0)).chain(added.iter().map(|line| (line, 1)));
        let all = all.filter(|(line, _)| !line.is_import);
        let most = all.clone().map(|(line, _)| line.tokens.len()).sum();
        let mut places: HashMap<Token<'a>, usize, RandomState> =
            HashMap::with_capacity_and_hasher(most, RandomState::default());
        let mut counts: Vec<(Token<'a>, [u32; 2])> = Vec::with_capacity(most);
        for (line, side) in all {
            for token in &line.tokens {
                let place = *places.entry(*token).or_insert_with(|| {
                    counts.push((*token, [0, 0]));
                    counts.len() - 1
                });
                counts[place].1[side] += 1;
            }
        }
        let (lost, new) = (Vec::with_capacity(counts.len()), Vec::with_capacity(counts.len()));
        let apart = Vec::with_capacity(counts.len());
        let mut net = Net { lost, new, apart, differ: 0, share: 0.0 };
        let (mut total, mut differ) = (0, 0);
        for (token, [old, new]) in counts {
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
        net.differ = differ;
        net.share = ratio(differ, total.max(1));
        net
    }

    /// The texts that stand on one side only, but for messages.
    pub(super) fn words(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.apart.iter().filter(|token| !is_message(token)).map(|token| token.text())
    }

    /// The messages that stand on one side only.
    pub(super) fn messages(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.apart.iter().filter(|token| is_message(token)).map(|token| token.text())
    }

    /// Whether what differs is the text of messages alone.
    fn is_of_messages(&self) -> bool {
        let all = || self.lost.iter().chain(&self.new).map(|(token, _)| token);
        let joins = |token: &Token<'_>| [",", "(", ")", "+", "."].iter().any(|sign| token.is(sign));
        let message =
            |token: &Token<'_>| matches!(token, Token::Quoted(text) if text.contains(&b' '));
        all().any(message) && all().all(|token| message(token) || joins(token))
    }

    /// The share of what differs that is one word for another, as often on both sides and more than once.
    fn renamed(&self) -> f32 {
        let often = |(token, count): &&(Token<'_>, u32)| *count > 1 && token.word().is_some();
        let mut free: Vec<u32> = self.new.iter().filter(often).map(|(_, count)| *count).collect();
        let mut renamed = 0;
        for (_, count) in self.lost.iter().filter(often) {
            if let Some(at) = free.iter().position(|other| other == count) {
                renamed += 2 * free.swap_remove(at);
            }
        }
        ratio(renamed, self.differ.max(1))
    }
}

/// What happens to the checks, calls and literals of a hunk.
#[derive(Debug, Default)]
pub(super) struct Shape {
    guard: [bool; 2],
    conditions: [bool; 2],
    condition_lost: f32,
    comparison_lost: f32,
    entries: f32,
    pattern: bool,
    guard_calls: f32,
    marked: bool,
    dotted: bool,
    lines: usize,
    imports_only: bool,
    heads_only: bool,
    messages_only: bool,
    renamed: f32,
    tiny: bool,
    share: f32,
}

impl Shape {
    pub(super) fn of(removed: &[Line<'_>], added: &[Line<'_>], net: &Net<'_>) -> Shape {
        let code = || removed.iter().chain(added).filter(|line| !line.is_import);
        let quoted = |fits: fn(&[u8]) -> bool| {
            net.apart.iter().any(|token| matches!(token, Token::Quoted(text) if fits(text)))
        };
        let any = code().next().is_some();
        Shape {
            guard: [has_guard(removed), has_guard(added)],
            conditions: [removed, added].map(|lines| lines.iter().any(|line| line.is_condition)),
            condition_lost: upto(lost(net, &ASKS), 2),
            comparison_lost: upto(lost(net, &COMPARES), 3),
            entries: upto(code().filter(|line| line.is_entry()).count(), 2),
            pattern: code().any(Line::has_pattern),
            guard_calls: upto(guard_calls(removed, added), 2),
            marked: quoted(is_marked),
            dotted: quoted(climbs),
            lines: removed.len() + added.len(),
            imports_only: !any,
            heads_only: any && code().all(Line::is_head),
            messages_only: net.is_of_messages(),
            renamed: net.renamed(),
            tiny: net.differ <= TINY,
            share: net.share,
        }
    }

    /// How clearly a telling literal changes.
    pub(super) fn literal(&self) -> f32 {
        let flag = |flag: bool, value: f32| if flag { value } else { 0.0 };
        [self.entries, flag(self.marked, 1.0), flag(self.dotted, 1.0), flag(self.pattern, 0.7)]
            .into_iter()
            .fold(0.0, f32::max)
    }

    pub(super) fn tell(&self, evidence: &mut Evidence) {
        let flag = |flag: bool| f32::from(u8::from(flag));
        let [old, new] = self.guard;
        for (feature, value) in [
            (Feature::GuardLost, flag(old && !new)),
            (Feature::GuardNew, flag(new && !old)),
            (Feature::GuardRewritten, flag(old && new)),
            (Feature::ConditionLost, self.condition_lost),
            (Feature::ComparisonLost, self.comparison_lost),
            (Feature::ConditionsBoth, flag(self.conditions == [true, true])),
            (Feature::Pattern, flag(self.pattern)),
            (Feature::GuardCall, self.guard_calls),
            (Feature::MarkedLiteral, flag(self.marked)),
            (Feature::Small, flag(self.lines <= 12)),
            (Feature::Large, flag(self.lines > 30)),
            (Feature::ImportsOnly, flag(self.imports_only)),
            (Feature::HeadsOnly, flag(self.heads_only)),
            (Feature::MessagesOnly, flag(self.messages_only)),
            (Feature::Renamed, self.renamed),
            (Feature::Tiny, flag(self.tiny)),
            (Feature::NetShare, self.share),
        ] {
            evidence.set(feature, value);
        }
    }
}

/// Words that ask something.
const ASKS: [&str; 9] =
    ["if", "elif", "unless", "while", "elsif", "elseif", "case", "assert", "when"];

/// Words and signs that compare, or join what is compared.
const COMPARES: [&str; 16] = [
    "==", "!=", "===", "!==", "<", ">", "<=", ">=", "&&", "||", "and", "or", "not", "in", "is", "!",
];

/// How many fewer of some tokens there are than before.
fn lost(net: &Net<'_>, texts: &[&str]) -> usize {
    let fits = |token: &Token<'_>| texts.iter().any(|text| token.is(text));
    let counts = net.lost.iter().filter(|(token, _)| fits(token)).map(|(_, count)| count);
    counts.sum::<u32>() as usize
}

/// Whether a condition has its refusal on one of the changed lines behind it.
fn has_guard(lines: &[Line<'_>]) -> bool {
    lines.iter().enumerate().any(|(at, line)| {
        line.is_condition && lines[at..].iter().take(BEHIND).any(|line| line.is_refusal)
    })
}

/// How many calls of something that checks by its name stand on one side only.
fn guard_calls(removed: &[Line<'_>], added: &[Line<'_>]) -> usize {
    let (old, new) = (callees(removed), callees(added));
    let lacks = |names: &[&[u8]], name: &&&[u8]| names.binary_search(*name).is_err();
    let gone = old.iter().filter(|name| lacks(&new, name));
    let come = new.iter().filter(|name| lacks(&old, name));
    gone.chain(come).filter(|name| speaks_of_checking(name)).count()
}

/// The names of what some lines call, sorted.
fn callees<'a>(lines: &[Line<'a>]) -> Vec<&'a [u8]> {
    let mut names: Vec<&[u8]> = lines.iter().flat_map(Line::callees).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn speaks_of_checking(text: &[u8]) -> bool {
    Heard::of_all([text].into_iter()).of(GUARD) >= 0.6
}

fn is_message(token: &Token<'_>) -> bool {
    matches!(token, Token::Quoted(text) if text.fields().count() >= MESSAGE)
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
    inner == b".." || inner.windows(3).any(|part| matches!(part, b"../" | b"..\\" | b"/.."))
}

/// A count as a share of a number that is enough.
fn upto(count: usize, enough: u8) -> f32 {
    f32::from(u8::try_from(count).unwrap_or(u8::MAX).min(enough)) / f32::from(enough)
}

/// A part as a share of a whole that is not zero.
pub(super) fn ratio(part: u32, whole: u32) -> f32 {
    part as f32 / whole as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines<'a>(texts: &[&'a str]) -> Vec<Line<'a>> {
        texts.iter().map(|text| Line::of(text.as_bytes())).collect()
    }

    #[track_caller]
    fn check(feature: Feature, removed: &[&str], added: &[&str], expected: f32) {
        let (removed, added) = (lines(removed), lines(added));
        let mut evidence = Evidence::default();
        Shape::of(&removed, &added, &Net::of(&removed, &added)).tell(&mut evidence);
        let found = evidence.of[0].get(feature);
        assert!((found - expected).abs() < 0.01, "{}: {found}", feature.name());
    }

    #[test]
    fn a_guard_is_a_condition_with_a_refusal_close_behind() {
        let guard = ["if not ok(path):", "    raise ValueError(path)"];
        check(Feature::GuardLost, &guard, &[], 1.0);
        check(Feature::GuardNew, &[], &guard, 1.0);
        check(Feature::GuardLost, &["if not ok(path):", "    path = None"], &[], 0.0);
    }

    #[test]
    fn one_name_for_another_is_a_renaming_if_it_is_more_than_once() {
        check(Feature::Renamed, &["a(old, 1)", "b(old, 2)"], &["a(new, 1)", "b(new, 2)"], 1.0);
        check(Feature::Renamed, &["a(old, 1)"], &["a(new, 1)"], 0.0);
    }

    #[test]
    fn a_typo_in_a_message_is_a_change_of_messages_only() {
        let (old, new) = ("f(\"certicate %d revoked\", n)", "f(\"certificate %d revoked\", n)");
        check(Feature::MessagesOnly, &[old], &[new], 1.0);
        check(Feature::MessagesOnly, &[old], &["f(\"certificate %d revoked\", m)"], 0.0);
    }

    #[test]
    fn a_call_of_what_checks_is_told_by_its_name() {
        check(Feature::GuardCall, &["x = validate_path(x)"], &["x = join(x)"], 0.5);
        check(Feature::GuardCall, &["x = read(x)"], &["x = join(x)"], 0.0);
    }
}
