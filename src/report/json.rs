//! The JSON of `scan` and `review`: frozen wire types, filled from the values of the stages.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_json::ser::Formatter;

use super::{Compared, Review, Round, Scan, Status};
use crate::change::{File, Hunk, HunkId};
use crate::classify::{Companion, Figures, HunkScore, Link, Signal};
use crate::consult::Failure;
use crate::consult::doghouse::State;
use crate::pack::Why;
use crate::prompt::{Prompt, Refused};
use crate::rules::{Severity, Side};
use crate::source::Kind;
use crate::synthesize::{Finding, Recommendation, Source, Trust, Verdict};
use crate::visible::{self, Visible};

#[derive(Serialize)]
struct V1Scan<'a> {
    schema: u8,
    source: V1Source<'a>,
    #[serde(serialize_with = "each_file")]
    files: &'a Scan,
    stats: V1Stats,
}

#[derive(Serialize)]
struct V1Source<'a> {
    kind: Kind,
    spec: String,
    old: Option<&'a str>,
    new: Option<&'a str>,
    notes: &'a [String],
}

#[derive(Serialize)]
struct V1File<'a> {
    path: Visible,
    old_path: Option<Visible>,
    status: crate::change::Status,
    skipped: Option<crate::change::Skip>,
    hunks: Vec<V1Hunk<'a>>,
}

#[derive(Serialize)]
struct V1Hunk<'a> {
    id: Display<HunkId>,
    old_start: u32,
    old_lines: usize,
    new_start: u32,
    new_lines: usize,
    function: Option<&'a str>,
    categories: Vec<&'a str>,
    score: f64,
    selected: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    companion: Option<V1Companion<'a>>,
    signals: Vec<V1Signal<'a>>,
    /// For each category that was weighed, the figures that are not zero.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    evidence: BTreeMap<&'static str, BTreeMap<&'static str, f32>>,
}

/// What a hunk goes along for, where its own score would not let it.
#[derive(Serialize)]
struct V1Companion<'a> {
    of: Display<HunkId>,
    link: Link,
    name: &'a Visible,
    why: String,
}

#[derive(Serialize)]
struct V1Signal<'a> {
    rule: &'a str,
    category: &'a str,
    side: Side,
    line: u32,
    end_line: u32,
    excerpt: &'a str,
    weight: f64,
    severity: Severity,
    moved: bool,
}

/// A value that is written as it prints.
struct Display<T>(T);

impl<T: std::fmt::Display> Serialize for Display<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// A change has tens of thousands of hunks, so each file is made when it is written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands on a reference to the field")]
fn each_file<S: Serializer>(scan: &&Scan, serializer: S) -> Result<S::Ok, S::Error> {
    let mut scores = scan.classified.hunks.iter();
    serializer.collect_seq(scan.change.files.iter().map(|file| v1_file(file, &mut scores)))
}

#[derive(Serialize)]
struct V1Stats {
    files: usize,
    hunks: usize,
    selected_hunks: usize,
    diff_bytes: u64,
    selected_bytes: u64,
    prompt_tokens_estimate: usize,
    duration_ms: u64,
}

#[derive(Serialize)]
struct V1Review<'a> {
    schema: u8,
    scan: V1Scan<'a>,
    #[serde(flatten)]
    case: V1Case<'a>,
    judge: Option<V1Judgement<'a>>,
    record: Option<&'a str>,
}

/// What a second judge reads: nothing of what was not sent.
#[derive(Serialize)]
struct V1Brief<'a> {
    schema: u8,
    source: V1Source<'a>,
    #[serde(flatten)]
    case: V1Case<'a>,
}

/// Question, answer, and what the checks gave.
#[derive(Serialize)]
struct V1Case<'a> {
    consultation: V1Consultation<'a>,
    question: Option<&'a str>,
    answer: Option<&'a str>,
    follow_ups: Vec<V1Round<'a>>,
    findings: Vec<V1Finding<'a>>,
    synthesis: V1Synthesis<'a>,
    verdict: V1Verdict,
}

#[derive(Serialize)]
struct V1Judgement<'a> {
    program: &'a str,
    text: Option<&'a str>,
    failure: Option<&'a str>,
    duration_ms: u64,
}

#[derive(Serialize)]
struct V1Consultation<'a> {
    status: Status,
    coverage: V1Coverage,
    failure: Option<V1Failure<'a>>,
    answered_at: Option<jiff::Timestamp>,
    age_seconds: Option<u64>,
    answered_by: Option<&'a str>,
    session_id: Option<&'a str>,
    model: Option<&'a str>,
    effort: Option<&'a str>,
    rounds: usize,
    usage: Option<&'a Value>,
    duration_ms: u64,
}

/// A round after the first.
#[derive(Serialize)]
struct V1Round<'a> {
    round: usize,
    question: &'a str,
    answer: Option<&'a str>,
    failure: Option<V1Failure<'a>>,
    granted: Vec<V1Piece<'a>>,
    refused: &'a [Refused],
    new_session: bool,
    usage: Option<&'a Value>,
    duration_ms: u64,
}

#[derive(Serialize)]
struct V1Piece<'a> {
    id: &'a str,
    path: &'a str,
    start_line: u32,
    lines: usize,
}

#[derive(Serialize)]
struct V1Coverage {
    sent: Vec<String>,
    judged: Vec<String>,
    not_judged: Vec<String>,
    left_out: Vec<V1LeftOut>,
}

#[derive(Serialize)]
struct V1LeftOut {
    hunk: String,
    why: Why,
}

#[derive(Serialize)]
struct V1Failure<'a> {
    class: &'a str,
    advice: crate::consult::Advice,
    message: &'a str,
    until: Option<jiff::Timestamp>,
    mend: &'a str,
}

/// Whose limit it is is left out: an account is nobody else's business.
#[derive(Serialize)]
struct V1Doghouse<'a> {
    schema: u8,
    held: bool,
    class: Option<&'a str>,
    message: Option<&'a str>,
    since: Option<jiff::Timestamp>,
    until: Option<jiff::Timestamp>,
}

#[derive(Serialize)]
struct V1Finding<'a> {
    id: &'a str,
    source: Source,
    category: &'a str,
    severity: Severity,
    confidence: f64,
    title: &'a str,
    file: &'a str,
    start_line: u32,
    end_line: u32,
    hunk: Option<String>,
    evidence: &'a str,
    explanation: &'a str,
    recommendation: &'a str,
    verdict: Verdict,
    trusts: Trust,
    reasons: &'a [String],
    fingerprint: &'a str,
    accepted: bool,
    gates: bool,
}

#[derive(Serialize)]
struct V1Synthesis<'a> {
    state: crate::synthesize::State,
    agrees: &'a [String],
    disagrees: &'a [String],
    incomplete: &'a [String],
    accepted: &'a [String],
    not_reviewed: Vec<String>,
    needs_context: Vec<V1Context<'a>>,
    recommendation: Recommendation,
    text: &'a str,
}

#[derive(Serialize)]
struct V1Context<'a> {
    path: &'a str,
    what: &'a str,
    why: &'a str,
}

#[derive(Serialize)]
struct V1Verdict {
    outcome: crate::verdict::Outcome,
    threshold: &'static str,
    exit_code: u8,
}

/// Writes a scan as one JSON object, with a line feed at the end.
///
/// # Errors
/// When it cannot be written.
pub fn scan(scan: &Scan, out: impl Write) -> io::Result<()> {
    print(&v1_scan(scan), out)
}

/// A scan as a value.
pub fn value_of_scan(of: &Scan) -> Value {
    let mut text = Vec::new();
    // The wire types have string keys and finite numbers, and a vector takes all of it.
    drop(scan(of, &mut text));
    serde_json::from_slice(&text).unwrap_or_default()
}

/// A review as a value.
pub fn value_of_review(of: &Review) -> Value {
    serde_json::from_str(&review(of)).unwrap_or_default()
}

/// Whether calls are held back, as a value.
pub fn value_of_doghouse(state: &State) -> Value {
    let marker = if let State::Held(marker) = state { Some(marker) } else { None };
    let wire = V1Doghouse {
        schema: 1,
        held: marker.is_some(),
        class: marker.map(|marker| marker.class.as_str()),
        message: marker.map(|marker| marker.message.as_str()),
        since: marker.map(|marker| marker.since),
        until: marker.map(|marker| marker.until),
    };
    serde_json::to_value(wire).unwrap_or_default()
}

/// A review as one JSON object, with a line feed at the end.
pub fn review(review: &Review) -> String {
    written(&V1Review {
        schema: 1,
        scan: v1_scan(&review.scan),
        case: v1_case(review),
        judge: review.judgement.as_ref().map(|judgement| V1Judgement {
            program: judgement.program.as_str(),
            text: judgement.outcome.as_ref().ok().map(Visible::as_str),
            failure: judgement.outcome.as_ref().err().map(String::as_str),
            duration_ms: milliseconds(judgement.duration),
        }),
        record: review.record.as_deref(),
    })
}

/// What a second judge is given to read, with a line feed at the end.
pub fn brief(review: &Review) -> String {
    let source = v1_source(&review.scan.source);
    written(&V1Brief { schema: 1, source, case: v1_case(review) })
}

fn v1_case(review: &Review) -> V1Case<'_> {
    let checked = &review.checked;
    let consultation = &review.consultation;
    let ids = |ids: &[HunkId]| ids.iter().map(ToString::to_string).collect();
    let failure = consultation.failure.as_ref().map(v1_failure);
    let left_out = checked.coverage.left_out.iter();
    let answered = consultation.answered.as_ref();
    V1Case {
        consultation: V1Consultation {
            status: consultation.status,
            coverage: V1Coverage {
                sent: ids(&checked.coverage.sent),
                judged: ids(&checked.coverage.judged),
                not_judged: ids(&checked.coverage.not_judged),
                left_out: left_out
                    .map(|left| V1LeftOut { hunk: left.id.to_string(), why: left.why })
                    .collect(),
            },
            failure,
            answered_at: answered.map(|answered| answered.at),
            age_seconds: answered.map(|answered| answered.age.as_secs()),
            answered_by: answered.and_then(|answered| answered.by.as_deref()),
            session_id: consultation.session_id.as_deref(),
            model: consultation.model.as_deref(),
            effort: consultation.effort.as_deref(),
            rounds: usize::from(review.answer.is_some()) + review.rounds.len(),
            usage: consultation.usage.as_ref(),
            duration_ms: milliseconds(consultation.duration),
        },
        question: review.prompt.as_ref().map(Prompt::text),
        answer: review.answer.as_deref(),
        follow_ups: (2..).zip(&review.rounds).map(v1_round).collect(),
        findings: checked.findings.iter().map(v1_finding).collect(),
        synthesis: V1Synthesis {
            state: checked.synthesis.state,
            agrees: &checked.synthesis.agrees,
            disagrees: &checked.synthesis.disagrees,
            incomplete: &checked.synthesis.incomplete,
            accepted: &checked.synthesis.accepted,
            not_reviewed: ids(&checked.synthesis.not_reviewed),
            needs_context: checked
                .synthesis
                .needs_context
                .iter()
                .map(|request| V1Context {
                    path: &request.path,
                    what: &request.what,
                    why: &request.why,
                })
                .collect(),
            recommendation: checked.synthesis.recommendation,
            text: &checked.synthesis.text,
        },
        verdict: V1Verdict {
            outcome: review.verdict.outcome,
            threshold: review.verdict.threshold.map_or("never", Severity::name),
            exit_code: review.verdict.exit().code(),
        },
    }
}

/// A value as JSON that shows no invisible character, with a line feed at the end.
pub(super) fn written(wire: &impl Serialize) -> String {
    let mut text = Vec::new();
    print(wire, &mut text).unwrap_or_else(|error| {
        unreachable!("the wire types have string keys and finite numbers: {error}")
    });
    String::from_utf8_lossy(&text).into_owned()
}

fn v1_scan(scan: &Scan) -> V1Scan<'_> {
    let stats = &scan.stats;
    V1Scan {
        schema: 1,
        source: v1_source(&scan.source),
        files: scan,
        stats: V1Stats {
            files: stats.counts.files,
            hunks: stats.counts.hunks,
            selected_hunks: stats.counts.selected_hunks,
            diff_bytes: stats.diff_bytes,
            selected_bytes: stats.selected_bytes,
            prompt_tokens_estimate: stats.prompt_tokens,
            duration_ms: milliseconds(stats.duration),
        },
    }
}

fn v1_source(source: &Compared) -> V1Source<'_> {
    V1Source {
        kind: source.kind,
        spec: visible::line(&source.spec).into_string(),
        old: source.old.as_deref(),
        new: source.new.as_deref(),
        notes: &source.notes,
    }
}

fn v1_failure(failure: &Failure) -> V1Failure<'_> {
    V1Failure {
        class: failure.class,
        advice: failure.advice,
        message: &failure.message,
        until: failure.until,
        mend: failure.mend,
    }
}

fn v1_round((number, round): (usize, &Round)) -> V1Round<'_> {
    let granted = round.granted.iter().map(|piece| V1Piece {
        id: &piece.label,
        path: &piece.path,
        start_line: piece.first,
        lines: piece.lines.len(),
    });
    V1Round {
        round: number,
        question: round.prompt.text(),
        answer: round.outcome.as_deref().ok(),
        failure: round.outcome.as_ref().err().map(v1_failure),
        granted: granted.collect(),
        refused: &round.refused,
        new_session: round.anew,
        usage: round.usage.as_ref(),
        duration_ms: milliseconds(round.duration),
    }
}

fn v1_file<'a>(file: &'a File, scores: &mut impl Iterator<Item = &'a HunkScore>) -> V1File<'a> {
    V1File {
        path: visible::line(&file.path),
        old_path: file.old_path.as_ref().map(visible::line),
        status: file.status,
        skipped: file.skipped,
        hunks: file
            .hunks
            .iter()
            .zip(scores)
            .filter(|(_, score)| file.skipped.is_none() || score.selected)
            .map(|(hunk, score)| v1_hunk(hunk, score))
            .collect(),
    }
}

fn v1_hunk<'a>(hunk: &'a Hunk, score: &'a HunkScore) -> V1Hunk<'a> {
    V1Hunk {
        id: Display(hunk.id),
        old_start: hunk.old_start(),
        old_lines: hunk.old.len(),
        new_start: hunk.new_start(),
        new_lines: hunk.new.len(),
        function: hunk.function.as_deref(),
        categories: score.categories.iter().map(|(name, _)| name.as_str()).collect(),
        score: score.score,
        selected: score.selected,
        companion: score.companion.as_ref().map(v1_companion),
        signals: score.signals.iter().map(v1_signal).collect(),
        evidence: score
            .figures
            .iter()
            .map(|(category, figures)| (*category, v1_figures(figures)))
            .collect(),
    }
}

fn v1_companion(companion: &Companion) -> V1Companion<'_> {
    V1Companion {
        of: Display(companion.of),
        link: companion.link,
        name: &companion.name,
        why: companion.why(),
    }
}

fn v1_figures(figures: &Figures) -> BTreeMap<&'static str, f32> {
    figures.parts().map(|(feature, value, _)| (feature.name(), value)).collect()
}

fn v1_signal(signal: &Signal) -> V1Signal<'_> {
    V1Signal {
        rule: &signal.rule.id,
        category: &signal.rule.category,
        side: signal.side,
        line: signal.lines.start,
        end_line: signal.lines.end - 1,
        excerpt: signal.excerpt.as_str(),
        weight: signal.weight,
        severity: signal.rule.severity,
        moved: signal.moved,
    }
}

fn v1_finding(finding: &Finding) -> V1Finding<'_> {
    V1Finding {
        id: &finding.id,
        source: finding.source,
        category: finding.category.as_str(),
        severity: finding.severity,
        confidence: finding.confidence,
        title: finding.title.as_str(),
        file: finding.file.as_str(),
        start_line: finding.start_line,
        end_line: finding.end_line,
        hunk: finding.hunk.map(|id| id.to_string()),
        evidence: finding.evidence.as_str(),
        explanation: finding.explanation.as_str(),
        recommendation: finding.recommendation.as_str(),
        verdict: finding.verdict,
        trusts: finding.trusts,
        reasons: &finding.reasons,
        fingerprint: &finding.fingerprint,
        accepted: finding.accepted,
        gates: finding.gates,
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn print(wire: &impl Serialize, out: impl Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(out, VisibleText);
    wire.serialize(&mut serializer)?;
    serializer.into_inner().write_all(b"\n")
}

/// Writes invisible characters, and what a CI runner would obey in its log, as escapes, which mean the same.
struct VisibleText;

impl Formatter for VisibleText {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        out: &mut W,
        text: &str,
    ) -> io::Result<()> {
        let mut from = 0;
        // Nearly all text is plain, and none of it is hidden.
        if !text.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'#') {
            let commands: Vec<usize> = visible::commands(text).collect();
            let escaped = |(at, c): &(usize, char)| visible::is_hidden(*c) || commands.contains(at);
            for (at, c) in text.char_indices().filter(escaped) {
                out.write_all(&text.as_bytes()[from..at])?;
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(out, "\\u{unit:04x}")?;
                }
                from = at + c.len_utf8();
            }
        }
        out.write_all(&text.as_bytes()[from..])
    }
}

#[cfg(test)]
mod tests {
    use super::print;

    #[test]
    fn invisible_characters_are_escaped_and_mean_the_same() {
        let text = "a\u{202e}b\u{9b}c\u{e0041}d\u{7f} ü ## ##vso[";
        let mut json = Vec::new();
        print(&text, &mut json).unwrap();
        let json = String::from_utf8(json).unwrap();
        assert_eq!(json, "\"a\\u202eb\\u009bc\\udb40\\udc41d\\u007f ü ## #\\u0023vso[\"\n");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
