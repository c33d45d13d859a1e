//! Source snippets of findings in the terminal.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::change::{Change, Text};
use crate::redact::{KeyLines, Redactor};
use crate::rules::Severity;
use crate::synthesize::Finding;
use crate::visible;

/// Unchanged lines shown around a finding.
const AROUND: u32 = 1;

/// Most lines of a finding that are shown.
const MAX_LINES: u32 = 12;

/// Longest line that is shown, in characters.
const MAX_WIDTH: usize = 160;

/// A finding with its source lines, its reasons and what to do.
pub(super) fn finding(finding: &Finding, change: &Change, width: usize) -> String {
    let level = match finding.severity {
        Severity::Critical | Severity::High => Level::ERROR,
        Severity::Medium => Level::WARNING,
        Severity::Low | Severity::Info => Level::NOTE,
    };
    let name = format!("{} {}", finding.severity.name(), finding.verdict.name());
    let level = level.with_name(name);
    let title =
        if finding.title.as_str().is_empty() { "(no title)" } else { finding.title.as_str() };
    let source = source(finding, change);
    let mut group = Group::with_title(level.primary_title(title).id(finding.id.as_str()));
    if let Some(source) = &source {
        let snippet = Snippet::source(source.text.as_str())
            .line_start(source.first as usize)
            .path(finding.file.as_str())
            .annotation(AnnotationKind::Primary.span(source.span.clone()).label(source.label));
        group = group.element(snippet);
    }
    let renderer = Renderer::styled().decor_style(DecorStyle::Ascii).term_width(width);
    renderer.render(&[group])
}

/// The lines around a finding as one text, and the part of it that the finding is about.
struct Source {
    text: String,
    first: u32,
    span: std::ops::Range<usize>,
    label: &'static str,
}

fn source(finding: &Finding, change: &Change) -> Option<Source> {
    let (file, _) = change.hunk(finding.hunk?)?;
    let (text, label): (&Text, _) =
        if finding.on_old_side { (&file.old, "removed") } else { (&file.new, "") };
    let last = finding.end_line.min(finding.start_line + MAX_LINES - 1);
    let first = (finding.start_line.saturating_sub(AROUND).max(1)..=finding.start_line)
        .find(|&number| text.line(number).is_some())?;
    let mut shown = String::new();
    let mut span = 0..0;
    let (mut redactor, keys) = (Redactor::default(), KeyLines::of(text));
    for number in first..=last + AROUND {
        let Some(line) = text.line(number) else { break };
        let line: String = redactor
            .line(visible::line(line).as_str(), keys.contains(number))
            .replace('\t', "    ")
            .chars()
            .take(MAX_WIDTH)
            .collect();
        let start = shown.len() + line.len() - line.trim_start().len();
        if number == finding.start_line {
            span.start = start;
        }
        shown.push_str(&line);
        if number <= last {
            span.end = shown.len().max(span.start);
        }
        shown.push('\n');
    }
    Some(Source { text: shown, first, span, label })
}
