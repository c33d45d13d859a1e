//! The review file. Foreign text stands in code only, so that no Markdown or HTML of it is active.

use super::terminal::{counted, gate};
use super::{Review, Round, Status, age};
use crate::change::Change;
use crate::prompt::Prompt;
use crate::source::Kind;
use crate::synthesize::Finding;
use crate::visible;

/// The whole review as Markdown: question, answer verbatim, synthesis.
pub fn review(review: &Review) -> String {
    let what = if review.scan.source.kind == Kind::Given { "consultation" } else { "review" };
    let mut out = format!("# git-advisor {what}\n\n");
    summary(&mut out, review);
    out.push_str("\n## Synthesis\n\n");
    out.push_str(&fenced("text", &review.checked.synthesis.text));
    if let Some(judgement) = &review.judgement {
        out.push_str(&format!("\n## Second judge: {}\n\n", code(judgement.program.as_str())));
        match &judgement.outcome {
            Ok(prose) => out.push_str(&fenced("text", prose.as_str())),
            Err(why) => out.push_str(&format!("Nothing: {}\n", code(why))),
        }
    }
    if !review.checked.findings.is_empty() {
        out.push_str("\n## Findings, checked against the change\n");
    }
    for found in &review.checked.findings {
        finding(&mut out, found);
    }
    answer(&mut out, review);
    question(&mut out, review);
    for (number, round) in (2..).zip(&review.rounds) {
        further(&mut out, number, round);
    }
    skipped(&mut out, &review.scan.change);
    out
}

fn summary(out: &mut String, review: &Review) {
    let counts = review.scan.stats.counts;
    let source = &review.scan.source;
    let mut row = |name: &str, value: &str| out.push_str(&format!("- {name}: {value}\n"));
    row("Source", &code(&source.spec));
    if let (Some(old), Some(new)) = (&source.old, &source.new) {
        row("Commits", &format!("{}..{}", code(old), code(new)));
    }
    match source.kind {
        Kind::Given => {
            let pieces = counted(review.scan.packet.hunks.len(), "piece");
            row("Given", &format!("{pieces} of text"));
        }
        _ => row(
            "Changed",
            &format!(
                "{}, {}, {} picked",
                counted(counts.files, "file"),
                counted(counts.hunks, "hunk"),
                counts.selected_hunks
            ),
        ),
    }
    let consultation = &review.consultation;
    match consultation.status {
        Status::Answered | Status::Cached => {
            let model = consultation.model.as_deref().unwrap_or("unknown");
            let effort = consultation.effort.as_deref().unwrap_or("unknown");
            let cached = consultation.status == Status::Cached;
            let took = match consultation.answered.as_ref().filter(|_| cached) {
                Some(answered) => format!("cached, {} old", age(answered.age)),
                None => format!("{} s", consultation.duration.as_secs()),
            };
            row("Asked", &format!("{}, effort {}, {took}", code(model), code(effort)));
        }
        Status::NotNeeded => row("Asked", "nobody: nothing risky changed"),
        Status::Skipped => row("Asked", "nobody, as wanted"),
        Status::Unavailable => {
            let line = consultation.failure.as_ref().map(crate::consult::Failure::line);
            row("No answer", &code(&line.unwrap_or_default()));
        }
    }
    let outcome = review.verdict.outcome.name();
    row("Verdict", &format!("**{outcome}** ({})", gate(review)));
    row("Recommendation", review.checked.synthesis.recommendation.name());
    for note in &source.notes {
        row("Note", &code(note));
    }
}

fn finding(out: &mut String, finding: &Finding) {
    let side = if finding.on_old_side { " (removed)" } else { "" };
    let place = code(&format!("{}:{}-{}", finding.file, finding.start_line, finding.end_line));
    out.push_str(&format!(
        "\n### {}: {}, {}\n\n{}\n\n{place}{side}, {}, confidence {:.2}{}\n\n",
        finding.id,
        finding.severity.name(),
        finding.verdict.name(),
        code(finding.title.as_str()),
        code(finding.category.as_str()),
        finding.confidence,
        if finding.gates { ", **blocks**" } else { "" },
    ));
    out.push_str(&fenced("", finding.evidence.as_str()));
    let mut part = |name: &str, text: &str| {
        if !text.trim().is_empty() {
            out.push_str(&format!("\n{name}:\n\n{}", fenced("text", text)));
        }
    };
    part("Why", finding.explanation.as_str());
    part("What to change", finding.recommendation.as_str());
    part("Checked", &finding.reasons.join("\n"));
}

fn answer(out: &mut String, review: &Review) {
    let Some(raw) = &review.answer else { return };
    out.push_str("\n## Answer, verbatim\n\n");
    if let Some(answer) = &review.checked.answer {
        out.push_str(&fenced("text", visible::text(&answer.summary).as_str()));
        out.push('\n');
    }
    out.push_str("<details><summary>The raw message</summary>\n\n");
    out.push_str(&fenced("json", visible::text(raw).as_str()));
    out.push_str("\n</details>\n");
}

fn question(out: &mut String, review: &Review) {
    let Some(prompt) = &review.prompt else { return };
    out.push_str("\n## Question\n\n");
    out.push_str(&fenced("text", &prompt.question));
    out.push_str("\n<details><summary>The prompt as it was sent</summary>\n\n");
    out.push_str(&fenced("text", Prompt::text(prompt)));
    out.push_str("\n</details>\n");
}

/// A round after the first: what was asked on and given, and the answer verbatim.
fn further(out: &mut String, number: usize, round: &Round) {
    out.push_str(&format!("\n## Round {number}\n\n"));
    out.push_str(&fenced("text", &round.prompt.question));
    out.push('\n');
    for piece in &round.granted {
        let place = code(&format!("{}:{}", piece.path, piece.first));
        out.push_str(&format!("- given: {place}, {} lines\n", piece.lines.len()));
    }
    for refused in &round.refused {
        out.push_str(&format!("- not given: {}: {}\n", code(&refused.path), refused.why));
    }
    if round.anew {
        out.push_str("- the session was gone; a new one began with all that was said\n");
    }
    match &round.outcome {
        Ok(text) => out.push_str(&format!("\n{}", fenced("json", visible::text(text).as_str()))),
        Err(failure) => out.push_str(&format!("- no answer: {}\n", code(&failure.line()))),
    }
    out.push_str("\n<details><summary>The prompt as it was sent</summary>\n\n");
    out.push_str(&fenced("text", Prompt::text(&round.prompt)));
    out.push_str("\n</details>\n");
}

fn skipped(out: &mut String, change: &Change) {
    let mut skipped = change.files.iter().filter_map(|file| Some((file, file.skipped?))).peekable();
    if skipped.peek().is_some() {
        out.push_str("\n## Skipped files\n\n");
    }
    for (file, skip) in skipped {
        out.push_str(&format!(
            "- {} ({})\n",
            code(visible::line(&file.path).as_str()),
            skip.name()
        ));
    }
}

/// Inline code that its content cannot end.
pub(super) fn code(text: &str) -> String {
    let text = visible::line(text).into_string();
    let fence = "`".repeat(longest_run(&text) + 1);
    let pad =
        if text.starts_with('`') || text.ends_with('`') || text.is_empty() { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// A code block that its content cannot end.
pub(super) fn fenced(language: &str, text: &str) -> String {
    let fence = "`".repeat((longest_run(text) + 1).max(3));
    format!("{fence}{language}\n{}\n{fence}\n", text.trim_end_matches('\n'))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_leave_its_code() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`x"), "`` `x ``");
        assert_eq!(fenced("", "```\n<script>\n````"), "`````\n```\n<script>\n````\n`````\n");
        assert_eq!(code("a\nb"), "`a<U+000A>b`");
    }
}
