//! What the rules alone have to say: where Codex was silent, and where it was not asked.

use std::collections::BTreeMap;

use super::answer::Opinion;
use super::coverage::Coverage;
use super::judge::{Trust, Verdict};
use super::{Finding, Source};
use crate::change::{Change, File, HunkId};
use crate::classify::{Classified, HunkScore, Signal};
use crate::rules::{Severity, Side};
use crate::visible::{self, Visible};

/// Where there is no answer, a category with a lower score than this is not listed.
const WEIGHTY: f64 = 0.5;

/// Explicit signals of hunks on which Codex reported nothing at that place.
pub(super) fn uncovered(
    change: &Change,
    classified: &Classified,
    coverage: &Coverage,
    findings: &[Finding],
) -> Vec<Finding> {
    let mut found = Vec::new();
    for (file, id, signal) in strongest(change, classified, |_, signal| signal.explicit) {
        let reported = findings.iter().any(|finding| {
            finding.hunk == Some(id)
                && signal.lines.start <= finding.end_line
                && finding.start_line < signal.lines.end
                && finding.source == Source::Both
        });
        if reported {
            continue;
        }
        let reason = match coverage.opinions.get(&id) {
            Some((Opinion::Clear, note)) => {
                format!(
                    "Codex cleared the hunk ({}), but the line itself is the proof",
                    visible::line(note)
                )
            }
            Some(_) => "Codex judged the hunk but did not report this line".to_owned(),
            None => "Codex did not judge the hunk".to_owned(),
        };
        found.push(finding(file, id, signal, reason));
    }
    found
}

/// The strongest signal of each category of each selected hunk, where there is no answer at all.
pub(super) fn all(change: &Change, classified: &Classified) -> Vec<Finding> {
    let reason = "the rules saw this; there is no second opinion on it";
    let telling = |score: &HunkScore, signal: &Signal| {
        let category = score.categories.iter().find(|(name, _)| *name == signal.rule.category);
        let weighty = category.is_some_and(|(_, share)| *share >= WEIGHTY);
        signal.explicit || (weighty && signal.rule.severity > Severity::Info)
    };
    strongest(change, classified, telling)
        .into_iter()
        .map(|(file, id, signal)| finding(file, id, signal, reason.to_owned()))
        .collect()
}

fn strongest<'a>(
    change: &'a Change,
    classified: &'a Classified,
    wanted: impl Fn(&HunkScore, &Signal) -> bool,
) -> Vec<(&'a File, HunkId, &'a Signal)> {
    let mut found = Vec::new();
    for score in classified.selected() {
        let Some((file, _)) = change.hunk(score.id) else {
            continue;
        };
        let mut best: BTreeMap<&str, &Signal> = BTreeMap::new();
        let told = |signal: &&Signal| {
            !matches!(signal.side, Side::Path | Side::Context) && signal.weight > 0.0
        };
        for signal in score
            .signals
            .iter()
            .filter(told)
            .filter(|signal| !signal.moved && wanted(score, signal))
        {
            let place = best.entry(&signal.rule.category).or_insert(signal);
            let order =
                (signal.explicit, signal.rule.severity).cmp(&(place.explicit, place.rule.severity));
            if order.then(signal.weight.total_cmp(&place.weight)).is_gt() {
                *place = signal;
            }
        }
        found.extend(best.into_values().map(|signal| (file, score.id, signal)));
    }
    found
}

fn finding(file: &File, id: HunkId, signal: &Signal, reason: String) -> Finding {
    let old_path = file.old_path.as_ref().filter(|_| signal.side == Side::Removed);
    let cwe = if signal.rule.cwe.is_empty() {
        String::new()
    } else {
        format!(" ({})", signal.rule.cwe.join(", "))
    };
    Finding {
        id: String::new(),
        source: Source::Advisor,
        category: visible::line(&*signal.rule.category),
        severity: signal.rule.severity,
        confidence: (signal.weight * 100.0).round() / 100.0,
        title: visible::line(&*signal.rule.title),
        file: visible::line(old_path.unwrap_or(&file.path)),
        start_line: signal.lines.start,
        end_line: signal.lines.end - 1,
        hunk: Some(id),
        on_old_side: signal.side == Side::Removed,
        evidence: signal.excerpt.clone(),
        explanation: visible::line(format!("The rule {}{cwe} fired on this line.", signal.rule.id)),
        recommendation: Visible::default(),
        verdict: Verdict::AdvisorOnly,
        trusts: Trust::Advisor,
        reasons: vec![reason],
        explicit: signal.explicit,
        fingerprint: String::new(),
        accepted: false,
        gates: false,
    }
}
