//! What other tools' lists show: the findings that a person should see there, each at a place of
//! the new side, under a name that stays when lines move.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use bstr::{BStr, ByteSlice};
use sha2::{Digest, Sha256};

use super::Review;
use super::markdown::fenced;
use crate::change::{Change, Hunk, HunkId};
use crate::classify::Classified;
use crate::rules::{Rule, Severity, Side};
use crate::synthesize::{Finding, Verdict, digest};
use crate::visible;

/// A finding as a list of another tool shows it.
pub(super) struct Alert<'a> {
    pub(super) finding: &'a Finding,
    /// The rule that fired there too, if one did.
    pub(super) rule: Option<&'a Rule>,
    /// The file, as git stores its path.
    path: &'a BStr,
    /// Lines of the new side, 1-based; for removed lines the place where they were.
    pub(super) lines: RangeInclusive<u32>,
    /// 32 hexadecimal digits of rule or category, path and quoted code; no line number goes in.
    pub(super) fingerprint: String,
}

/// How loud a list shows a finding: most tools know three levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Level {
    /// It blocks.
    Error,
    /// A person should look.
    Warning,
    /// Worth knowing.
    Note,
}

impl Alert<'_> {
    pub(super) fn level(&self) -> Level {
        match self.finding.severity {
            _ if self.finding.gates => Level::Error,
            Severity::Critical | Severity::High | Severity::Medium => Level::Warning,
            Severity::Low | Severity::Info => Level::Note,
        }
    }

    /// The rule's id, or one made of the category where Codex alone has seen it.
    pub(super) fn rule_id(&self) -> String {
        let of_codex = || format!("codex/{}", self.finding.category);
        self.rule.map_or_else(of_codex, |rule| rule.id.to_string())
    }

    /// The path as text: what is no UTF-8 or would not be seen is written out.
    pub(super) fn path(&self) -> String {
        visible::line(self.path).into_string()
    }

    /// The path as a relative URI.
    pub(super) fn uri(&self) -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
        let encode = |byte: u8| {
            if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        };
        self.path.bytes().map(encode).collect()
    }

    /// One line that says what it is.
    pub(super) fn title(&self) -> &str {
        let title = self.finding.title.as_str();
        if title.is_empty() { "(no title)" } else { title }
    }

    /// All that a person needs to know, in paragraphs.
    pub(super) fn message(&self) -> String {
        self.parts().join("\n\n")
    }

    /// The same for a tool that reads Markdown: none of it is active.
    pub(super) fn markdown(&self) -> String {
        let parts = self.parts();
        parts.iter().map(|part| fenced("text", part)).collect::<Vec<_>>().join("\n")
    }

    fn parts(&self) -> Vec<String> {
        let finding = self.finding;
        let checked = format!(
            "{}: {} (confidence {:.2})",
            finding.verdict.name(),
            finding.reasons.join("; "),
            finding.confidence
        );
        let foreign = [self.title(), finding.explanation.as_str(), finding.recommendation.as_str()];
        let parts = foreign.into_iter().map(str::to_owned).chain([checked]);
        parts.filter(|part| !part.trim().is_empty()).collect()
    }
}

/// The findings for other tools' lists, in reading order: what holds against the change, and what
/// the rules saw where Codex did not clear it. A claim that nothing bears out has no place there.
pub(super) fn of(review: &Review) -> Vec<Alert<'_>> {
    let checked = &review.checked;
    let wanted =
        |finding: &&Finding| finding.gates || !checked.synthesis.disagrees.contains(&finding.id);
    let mut seen = HashMap::new();
    let mut alert =
        |finding| alert(finding, &review.scan.change, &review.scan.classified, &mut seen);
    checked.findings.iter().filter(wanted).filter_map(&mut alert).collect()
}

fn alert<'a>(
    finding: &'a Finding,
    change: &'a Change,
    classified: &'a Classified,
    seen: &mut HashMap<[u8; 32], u32>,
) -> Option<Alert<'a>> {
    let id = finding.hunk?;
    let (file, hunk) = change.hunk(id)?;
    let rule = rule_at(finding, id, classified);
    let name: &str = rule.map_or(finding.category.as_str(), |rule| &rule.id);
    let digest = digest(name, file.path.as_bstr(), finding.evidence.as_str());
    // The same line twice in a file is two findings, told apart by their order.
    let nth = seen.entry(digest).and_modify(|nth| *nth += 1).or_insert(0);
    let digest = if *nth == 0 {
        digest
    } else {
        Sha256::digest([&digest[..], &nth.to_be_bytes()].concat()).into()
    };
    let lines = if finding.on_old_side {
        let line = place_of_removed(hunk, finding.start_line);
        line..=line
    } else {
        finding.start_line..=finding.end_line.max(finding.start_line)
    };
    let fingerprint = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    Some(Alert { finding, rule, path: file.path.as_bstr(), lines, fingerprint })
}

/// The strongest rule of the finding's category that fired on its lines.
fn rule_at<'a>(finding: &Finding, id: HunkId, classified: &'a Classified) -> Option<&'a Rule> {
    if finding.verdict == Verdict::Supported {
        return None;
    }
    let score = classified.hunks.get((id.0 as usize).checked_sub(1)?)?;
    let fits = |side: Side| {
        if finding.on_old_side { side == Side::Removed } else { side != Side::Removed }
    };
    let there = score.signals.iter().filter(|signal| {
        *signal.rule.category == *finding.category.as_str()
            && fits(signal.side)
            && signal.lines.start <= finding.end_line
            && signal.lines.end > finding.start_line
    });
    let strongest = there.max_by_key(|signal| (signal.explicit, signal.rule.severity))?;
    Some(&strongest.rule)
}

/// The line of the new side where a removed line was.
fn place_of_removed(hunk: &Hunk, removed: u32) -> u32 {
    let edit = hunk.edits.iter().find(|edit| edit.old.contains(&removed));
    let line = edit.map_or(hunk.new.start, |edit| edit.new.start);
    line.min(hunk.new.end.saturating_sub(1)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::change::Edit;

    #[test]
    fn a_removed_line_is_shown_where_it_was() {
        let hunk = Hunk {
            id: HunkId(1),
            old: 1..8,
            new: 1..6,
            edits: vec![Edit { old: 4..6, new: 4..4 }],
            bytes: 0,
            function: None,
        };
        assert_eq!(place_of_removed(&hunk, 5), 4);
        let emptied = Hunk { new: 1..1, edits: vec![Edit { old: 1..8, new: 1..1 }], ..hunk };
        assert_eq!(place_of_removed(&emptied, 5), 1);
    }
}
