//! The JSON of `scan` and `review`: frozen wire types, filled from the values of the stages.

use serde::Serialize;
use serde_json::Value;

use super::{Review, Scan, Status};
use crate::change::{File, Hunk};
use crate::classify::{HunkScore, Signal};
use crate::pack::Why;
use crate::prompt::Prompt;
use crate::rules::{Severity, Side};
use crate::source::Kind;
use crate::synthesize::{Finding, Recommendation, Source, Trust, Verdict};
use crate::visible;

#[derive(Serialize)]
struct V1Scan<'a> {
    schema: u8,
    source: V1Source<'a>,
    files: Vec<V1File>,
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
struct V1File {
    path: String,
    old_path: Option<String>,
    status: crate::change::Status,
    skipped: Option<crate::change::Skip>,
    hunks: Vec<V1Hunk>,
}

#[derive(Serialize)]
struct V1Hunk {
    id: String,
    old_start: u32,
    old_lines: usize,
    new_start: u32,
    new_lines: usize,
    function: Option<String>,
    categories: Vec<String>,
    score: f64,
    selected: bool,
    signals: Vec<V1Signal>,
}

#[derive(Serialize)]
struct V1Signal {
    rule: String,
    category: String,
    side: Side,
    line: u32,
    end_line: u32,
    excerpt: String,
    weight: f64,
    severity: Severity,
    moved: bool,
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
    consultation: V1Consultation<'a>,
    question: Option<&'a str>,
    answer: Option<&'a str>,
    findings: Vec<V1Finding<'a>>,
    synthesis: V1Synthesis<'a>,
    verdict: V1Verdict,
    record: Option<&'a str>,
}

#[derive(Serialize)]
struct V1Consultation<'a> {
    status: Status,
    coverage: V1Coverage,
    failure: Option<V1Failure<'a>>,
    session_id: Option<&'a str>,
    model: Option<&'a str>,
    effort: Option<&'a str>,
    rounds: u8,
    usage: Option<&'a Value>,
    duration_ms: u64,
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
    gates: bool,
}

#[derive(Serialize)]
struct V1Synthesis<'a> {
    state: crate::synthesize::State,
    agrees: &'a [String],
    disagrees: &'a [String],
    incomplete: &'a [String],
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

/// A scan as one JSON object, with a line feed at the end.
pub fn scan(scan: &Scan) -> String {
    print(&v1_scan(scan))
}

/// A review as one JSON object, with a line feed at the end.
pub fn review(review: &Review) -> String {
    let checked = &review.checked;
    let consultation = &review.consultation;
    let ids = |ids: &[crate::change::HunkId]| ids.iter().map(ToString::to_string).collect();
    let failure = consultation.failure.as_ref().map(|failure| V1Failure {
        class: failure.class,
        advice: failure.advice,
        message: &failure.message,
        until: failure.until,
        mend: failure.mend,
    });
    let left_out = checked.coverage.left_out.iter();
    let wire = V1Review {
        schema: 1,
        scan: v1_scan(&review.scan),
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
            session_id: consultation.session_id.as_deref(),
            model: consultation.model.as_deref(),
            effort: consultation.effort.as_deref(),
            rounds: u8::from(consultation.status == Status::Answered),
            usage: consultation.usage.as_ref(),
            duration_ms: milliseconds(consultation.duration),
        },
        question: review.prompt.as_ref().map(Prompt::text),
        answer: review.answer.as_deref(),
        findings: checked.findings.iter().map(v1_finding).collect(),
        synthesis: V1Synthesis {
            state: checked.synthesis.state,
            agrees: &checked.synthesis.agrees,
            disagrees: &checked.synthesis.disagrees,
            incomplete: &checked.synthesis.incomplete,
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
        record: review.record.as_deref(),
    };
    print(&wire)
}

fn v1_scan(scan: &Scan) -> V1Scan<'_> {
    let mut scores = scan.classified.hunks.iter();
    let stats = &scan.stats;
    V1Scan {
        schema: 1,
        source: V1Source {
            kind: scan.source.kind,
            spec: visible::line(&scan.source.spec).into_string(),
            old: scan.source.old.as_deref(),
            new: scan.source.new.as_deref(),
            notes: &scan.source.notes,
        },
        files: scan.change.files.iter().map(|file| v1_file(file, &mut scores)).collect(),
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

fn v1_file<'a>(file: &File, scores: &mut impl Iterator<Item = &'a HunkScore>) -> V1File {
    V1File {
        path: visible::line(&file.path).into_string(),
        old_path: file.old_path.as_ref().map(|path| visible::line(path).into_string()),
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

fn v1_hunk(hunk: &Hunk, score: &HunkScore) -> V1Hunk {
    V1Hunk {
        id: hunk.id.to_string(),
        old_start: hunk.old_start(),
        old_lines: hunk.old.len(),
        new_start: hunk.new_start(),
        new_lines: hunk.new.len(),
        function: hunk.function.clone(),
        categories: score.categories.iter().map(|(name, _)| name.clone()).collect(),
        score: score.score,
        selected: score.selected,
        signals: score.signals.iter().map(v1_signal).collect(),
    }
}

fn v1_signal(signal: &Signal) -> V1Signal {
    V1Signal {
        rule: signal.rule.clone(),
        category: signal.category.clone(),
        side: signal.side,
        line: signal.lines.start,
        end_line: signal.lines.end - 1,
        excerpt: signal.excerpt.as_str().to_owned(),
        weight: signal.weight,
        severity: signal.severity,
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
        gates: finding.gates,
    }
}

fn milliseconds(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn print(wire: &impl Serialize) -> String {
    let mut text = serde_json::to_string(wire).unwrap_or_else(|error| {
        unreachable!("the wire types have string keys and finite numbers: {error}")
    });
    text = visible_in_json(&text);
    text.push('\n');
    text
}

/// Invisible characters as escapes, which mean the same: outside of strings JSON has none.
fn visible_in_json(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if visible::is_hidden(c) {
            let mut units = [0; 2];
            c.encode_utf16(&mut units)
                .iter()
                .for_each(|unit| out.push_str(&format!("\\u{unit:04x}")));
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::visible_in_json;

    #[test]
    fn invisible_characters_are_escaped_and_mean_the_same() {
        let text = "a\u{202e}b\u{9b}c\u{e0041}d\u{7f} ü";
        let json = visible_in_json(&serde_json::to_string(text).unwrap());
        assert_eq!(json, "\"a\\u202eb\\u009bc\\udb40\\udc41d\\u007f ü\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
