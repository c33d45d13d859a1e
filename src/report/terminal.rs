//! The report for a person at a terminal: question, answer, synthesis.
//!
//! Colours are always written; the stream that prints them takes them out where they do not belong.

use std::fmt::Write;

use owo_colors::{OwoColorize, Style};

use super::{Consultation, Review, Round, Scan, Status, age, snippet};
use crate::change::{Change, HunkId};
use crate::classify::{HunkScore, Signal, telling_line};
use crate::consult::Advice;
use crate::rules::Side;
use crate::source::Kind;
use crate::synthesize::{Answer, Finding, Opinion, State, Trust};
use crate::verdict::Outcome;
use crate::visible;

/// Most skipped files that are listed one by one.
const MAX_SKIPPED: usize = 12;

/// Most figures that are named for a hunk.
const MAX_FIGURES: usize = 5;

/// Most signals that are listed for a hunk.
const MAX_SIGNALS: usize = 6;

/// The analyzer's report.
pub fn scan(scan: &Scan) -> String {
    let mut out = String::new();
    heading(&mut out, scan);
    for score in scan.classified.selected() {
        out.push('\n');
        hunk(&mut out, &scan.change, score);
    }
    let below =
        scan.classified.hunks.iter().filter(|hunk| !hunk.selected && hunk.score > 0.0).count();
    if below > 0 {
        line(
            &mut out,
            &format!(
                "\n{} below the threshold with some signal (--format json lists them)",
                counted(below, "hunk")
            ),
        );
    }
    skipped(&mut out, &scan.change);
    out
}

/// The review's report, wrapped to `width` columns.
pub fn review(review: &Review, width: usize) -> String {
    let mut out = String::new();
    heading(&mut out, &review.scan);
    skipped(&mut out, &review.scan.change);
    let asked = review.consultation.status != Status::Skipped;
    if let Some(prompt) = review.prompt.as_ref().filter(|_| asked) {
        section(&mut out, "Question");
        // The built-in question is always the same: its first line says what it asks.
        let lines = if prompt.own_question { usize::MAX } else { 1 };
        let asked: Vec<&str> = prompt.question.lines().take(lines).collect();
        paragraphs(&mut out, &asked.join("\n"), width, "  ");
        question(&mut out, review);
        section(&mut out, &answer_heading(&review.consultation));
        answer(&mut out, review, width);
    }
    for (number, round) in (2..).zip(&review.rounds) {
        further(&mut out, number, round, review, width);
    }
    if !review.checked.findings.is_empty() {
        section(&mut out, "Findings, checked against the change");
        for finding in &review.checked.findings {
            checked(&mut out, finding, &review.scan.change, width);
        }
    }
    if review.checked.synthesis.state != State::Empty {
        section(&mut out, "Synthesis");
        paragraphs(&mut out, &review.checked.synthesis.text, width, "  ");
    }
    if let Some(judgement) = &review.judgement {
        section(&mut out, &format!("Second judge: {}", judgement.program));
        match &judgement.outcome {
            Ok(prose) => paragraphs(&mut out, prose.as_str(), width, "  | "),
            Err(why) => line(&mut out, &format!("  nothing: {why}").yellow().to_string()),
        }
    }
    out.push('\n');
    next_steps(&mut out, review, width);
    verdict(&mut out, review);
    out
}

fn heading(out: &mut String, scan: &Scan) {
    let counts = scan.stats.counts;
    let spec = visible::line(&scan.source.spec);
    if scan.source.kind == Kind::Given {
        let given = counted(scan.packet.hunks.len(), "piece");
        line(out, &format!("{spec}: {given} of text").bold().to_string());
        return;
    }
    if counts.files == 0 {
        line(out, &format!("{spec}: nothing changed"));
        return;
    }
    let skipped = scan.change.files.iter().filter(|file| file.skipped.is_some()).count();
    let skipped = if skipped > 0 { format!(", {skipped} skipped") } else { String::new() };
    let picked = if counts.selected_hunks == 0 {
        "none touches anything risky".to_owned()
    } else {
        let share = scan.stats.selected_bytes * 100 / scan.stats.diff_bytes.max(1);
        let companions = scan.classified.companions().count();
        let worth = counts.selected_hunks - companions;
        let are = if worth == 1 { "is" } else { "are" };
        let along = match companions {
            0 => String::new(),
            1 => ", 1 goes along".to_owned(),
            more => format!(", {more} go along"),
        };
        format!("{worth} {are} worth a question{along} ({share} % of the diff)")
    };
    let text = format!(
        "{spec}: {} in {}{skipped}; {picked}",
        counted(counts.hunks, "hunk"),
        counted(counts.files, "file")
    );
    line(out, &text.bold().to_string());
}

fn skipped(out: &mut String, change: &Change) {
    let skipped: Vec<_> =
        change.files.iter().filter_map(|file| Some((file, file.skipped?))).collect();
    for (file, skip) in skipped.iter().take(MAX_SKIPPED) {
        let text = format!("skipped {} ({})", visible::line(&file.path), skip.name());
        line(out, &text.dimmed().to_string());
    }
    if skipped.len() > MAX_SKIPPED {
        let text =
            format!("skipped {} more (--format json lists them)", skipped.len() - MAX_SKIPPED);
        line(out, &text.dimmed().to_string());
    }
}

/// Where a hunk stands, for people.
pub(super) fn place(change: &Change, id: HunkId) -> String {
    let Some((file, hunk)) = change.hunk(id) else {
        return id.to_string();
    };
    let path = visible::line(&file.path);
    let start = if hunk.new.is_empty() { hunk.old.start } else { hunk.new.start };
    let end =
        if hunk.new.is_empty() { hunk.old.end } else { hunk.new.end }.saturating_sub(1).max(start);
    let function = hunk.function.as_ref().map(|name| format!(" in {name}")).unwrap_or_default();
    format!("{path}:{start}-{end}{function}")
}

fn hunk(out: &mut String, change: &Change, score: &HunkScore) {
    let categories: Vec<String> =
        score.categories.iter().map(|(name, score)| format!("{name} {score:.2}")).collect();
    let title = format!("{} {}", score.id.bold(), place(change, score.id));
    if categories.is_empty() {
        line(out, &title);
    } else {
        line(out, &format!("{title}  {}", categories.join(", ").yellow()));
    }
    if let Some(companion) = &score.companion {
        line(out, &format!("   goes along: {}", companion.why()));
    }
    if let Some(why) = score.why() {
        line(out, &format!("   {why}"));
        if let Some(telling) =
            change.hunk(score.id).and_then(|(file, hunk)| telling_line(file, hunk))
        {
            line(out, &format!("        {}", telling.dimmed()));
        }
    }
    if let Some(figures) = figures(score) {
        line(out, &format!("   {figures}"));
    }
    let mut strongest: Vec<&Signal> = score.signals.iter().collect();
    strongest.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let mut shown: Vec<&Signal> = strongest.iter().copied().take(MAX_SIGNALS).collect();
    shown.sort_by_key(|signal| signal.lines.start);
    for signal in &shown {
        let sign = match signal.side {
            Side::Added => "+",
            Side::Removed => "-",
            Side::Context => " ",
            Side::Path => "path ",
        };
        let number = match signal.side {
            Side::Path => String::new(),
            _ => format!("{} ", signal.lines.start),
        };
        let moved = if signal.moved { " (only moved)" } else { "" };
        let what = format!("{:.2} {} {}{moved}", signal.weight, signal.rule.id, signal.rule.title);
        let excerpt = &signal.excerpt;
        line(out, &format!("   {what}"));
        line(out, &format!("        {}", format!("{sign}{number}{excerpt}").dimmed()));
    }
    if strongest.len() > MAX_SIGNALS {
        line(out, &format!("   and {}", counted(strongest.len() - MAX_SIGNALS, "more signal")));
    }
}

/// What speaks most for the strongest category beside the rules, and against it.
fn figures(score: &HunkScore) -> Option<String> {
    let (strongest, _) = score.categories.first()?;
    let (category, figures) = score.figures.iter().find(|(category, _)| category == strongest)?;
    let mut parts: Vec<_> = figures.parts().filter(|(_, _, adds)| adds.abs() >= 0.1).collect();
    parts.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
    let told = parts.iter().take(MAX_FIGURES);
    let told: Vec<String> =
        told.map(|(feature, _, adds)| format!("{adds:+.1} {}", feature.name())).collect();
    (!told.is_empty()).then(|| format!("{category}: {}", told.join(", ")))
}

fn question(out: &mut String, review: &Review) {
    out.push('\n');
    for packed in &review.scan.packet.hunks {
        let lines = counted(packed.lines.len(), "line");
        let place = match review.scan.source.kind {
            Kind::Given => format!("{} {}", packed.path, packed.header),
            _ => place(&review.scan.change, packed.id),
        };
        line(out, &format!("  {} {place} ({lines})", packed.label.bold()));
    }
    for left in &review.scan.packet.left_out {
        let text = format!(
            "  {} {} left out: {}",
            left.id,
            place(&review.scan.change, left.id),
            left.why.words()
        );
        line(out, &text.yellow().to_string());
    }
    let redacted = match review.scan.packet.redacted {
        0 => String::new(),
        count => format!(", {} redacted", counted(count, "secret")),
    };
    let tokens = review.scan.stats.prompt_tokens;
    let record =
        review.record.as_ref().map(|id| format!("; all of it: git advisor show {id} --prompt"));
    let text = format!("  about {tokens} tokens{redacted}{}", record.unwrap_or_default());
    line(out, &text.dimmed().to_string());
}

fn answer_heading(consultation: &Consultation) -> String {
    let model = consultation.model.as_deref().unwrap_or("Codex");
    let effort = consultation.effort.as_ref();
    let effort = effort.map(|effort| format!(", effort {effort}")).unwrap_or_default();
    match (consultation.status, &consultation.answered) {
        (Status::Cached, Some(answered)) => {
            format!("Answer of {model}{effort}, cached, {} old", age(answered.age))
        }
        (_, Some(_)) => {
            format!("Answer of {model}{effort}, {} s", consultation.duration.as_secs())
        }
        (_, None) => "No answer".to_owned(),
    }
}

/// What Codex said, in its own words. The findings follow with what the check of each gave.
fn answer(out: &mut String, review: &Review, width: usize) {
    match (&review.answer, &review.checked.answer) {
        (Some(_), Some(read)) => verbatim(out, read, width),
        (Some(raw), None) => {
            line(out, &"  It cannot be read as findings; this is all of it:".yellow().to_string());
            paragraphs(out, visible::text(raw).as_str(), width, "  | ");
        }
        (None, _) => match &review.consultation.failure {
            Some(failure) => {
                let text = format!("warning: {}", failure.line());
                let text =
                    if failure.advice == Advice::Wait { text.dimmed().to_string() } else { text };
                line(out, &format!("  {}", text.yellow()));
            }
            None => line(out, "  Codex was not asked (--no-codex)."),
        },
    }
    if let (Some(_), Some(id)) = (&review.answer, &review.record) {
        let text = format!("  the raw answer: git advisor show {id} --answer");
        line(out, &text.dimmed().to_string());
    }
}

/// A round after the first: what was asked on and given, and the answer.
fn further(out: &mut String, number: usize, round: &Round, review: &Review, width: usize) {
    section(out, &format!("Question of round {number}"));
    paragraphs(out, &round.prompt.question, width, "  ");
    for piece in &round.granted {
        let lines = counted(piece.lines.len(), "line");
        line(out, &format!("  {} {}:{} ({lines})", piece.label.bold(), piece.path, piece.first));
    }
    for refused in &round.refused {
        let text = format!("  not given: {}: {}", visible::line(&refused.path), refused.why);
        line(out, &text.yellow().to_string());
    }
    if round.anew {
        line(
            out,
            &"  the session was gone; a new one began with all that was said".yellow().to_string(),
        );
    }
    section(out, &format!("Answer of round {number}, {} s", round.duration.as_secs()));
    match &round.outcome {
        Ok(text) => match Answer::read(text) {
            Some(read) => verbatim(out, &read, width),
            None => paragraphs(out, visible::text(text).as_str(), width, "  | "),
        },
        Err(failure) => {
            line(out, &format!("  {}", format!("warning: {}", failure.line()).yellow()));
        }
    }
    if let (Ok(_), Some(id)) = (&round.outcome, &review.record) {
        let text = format!("  the raw answer: git advisor show {id} --answer --round {number}");
        line(out, &text.dimmed().to_string());
    }
}

fn verbatim(out: &mut String, answer: &Answer, width: usize) {
    paragraphs(out, visible::text(&answer.summary).as_str(), width, "  | ");
    for opinion in &answer.hunks {
        let word = match opinion.opinion {
            Opinion::Finding => "finding",
            Opinion::Clear => "clear",
            Opinion::Unsure => "unsure",
        };
        let text =
            format!("{}: {word}: {}", visible::line(&opinion.label), visible::line(&opinion.note));
        paragraphs(out, &text, width, "  | ");
    }
}

fn checked(out: &mut String, finding: &Finding, change: &Change, width: usize) {
    line(out, &snippet::finding(finding, change, width));
    if finding.hunk.and_then(|id| change.hunk(id)).is_none() {
        let found = if finding.trusts == Trust::Codex { "at" } else { "claimed at" };
        let text = format!("{found} {}:{}\n{}", finding.file, finding.start_line, finding.evidence);
        paragraphs(out, &text, width, "   > ");
    }
    let note = |out: &mut String, name: &str, text: &str| {
        if !text.trim().is_empty() {
            paragraphs(out, &format!("{name}: {text}"), width, "   = ");
        }
    };
    note(out, finding.category.as_str(), finding.explanation.as_str());
    note(out, "do", finding.recommendation.as_str());
    let trust = match finding.trusts {
        Trust::Codex => "Codex",
        Trust::Advisor => "the rules",
        Trust::Both => "both",
        Trust::Neither => "neither",
    };
    let gates = if finding.gates { "; blocks" } else { "" };
    note(
        out,
        "checked",
        &format!(
            "{} (trust: {trust}, confidence {:.2}{gates})",
            finding.reasons.join("; "),
            finding.confidence
        ),
    );
    out.push('\n');
}

fn verdict(out: &mut String, review: &Review) {
    let state = match review.checked.synthesis.state {
        State::Empty => "nothing changed",
        State::Harmless if review.verdict.outcome == Outcome::Warn => {
            "no rule fired, but not every file could be read"
        }
        State::Harmless => "nothing risky changed",
        State::Complete if review.scan.source.kind == Kind::Given => "answered",
        State::Complete => "reviewed",
        State::Partial if review.checked.coverage.judged.is_empty() => {
            "not reviewed: Codex judged no hunk"
        }
        State::Partial => "reviewed in part",
        State::Unreadable => "answered, but the answer could not be read",
        State::Outage => "not reviewed: Codex is not available",
        State::Skipped => "not reviewed: no second opinion was wanted",
    };
    let threshold = gate(review);
    let word = review.verdict.outcome.name();
    let style = match review.verdict.outcome {
        Outcome::Fail => Style::new().red(),
        Outcome::Warn => Style::new().yellow(),
        Outcome::Pass => Style::new().green(),
    };
    let record = review.record.as_ref().map(|id| format!("; record {id}")).unwrap_or_default();
    line(out, &format!("{}: {state} ({threshold}){record}", word.style(style.bold())));
}

/// What a person may do about findings that block, beside mending the code.
fn next_steps(out: &mut String, review: &Review, width: usize) {
    let blocks = review.checked.findings.iter().find(|finding| finding.gates);
    let Some(finding) = blocks.filter(|_| review.record.is_some()) else { return };
    let accept = format!("git advisor accept {} --reason TEXT", finding.id);
    let text = match review.answer {
        Some(_) => format!("to ask on: git advisor follow-up TEXT; to accept a finding: {accept}"),
        None => format!("to accept a finding: {accept}"),
    };
    paragraphs(out, &text, width, "");
}

/// What fails the run.
pub(super) fn gate(review: &Review) -> String {
    match (review.scan.source.kind, review.verdict.threshold) {
        (Kind::Given, _) => "a consultation fails nothing".to_owned(),
        (_, Some(least)) => format!("fails on {}", least.name()),
        (_, None) => "never fails".to_owned(),
    }
}

fn section(out: &mut String, title: &str) {
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
    line(out, &visible::line(title).as_str().cyan().bold().to_string());
}

/// Text wrapped to the width, each line behind a margin.
fn paragraphs(out: &mut String, text: &str, width: usize, margin: &str) {
    let room = width.saturating_sub(margin.len()).max(30);
    for paragraph in text.trim_end().lines() {
        let hang = if paragraph.starts_with("- ") { "  " } else { "" };
        let options = textwrap::Options::new(room)
            .subsequent_indent(hang)
            .break_words(false)
            // A flag or a CWE is not cut at its hyphen.
            .word_splitter(textwrap::WordSplitter::NoHyphenation);
        if paragraph.trim().is_empty() {
            line(out, margin.trim_end());
            continue;
        }
        for wrapped in textwrap::wrap(paragraph, options) {
            line(out, &format!("{margin}{wrapped}"));
        }
    }
}

fn line(out: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
