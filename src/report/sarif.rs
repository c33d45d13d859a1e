//! SARIF 2.1.0, as code scanning services read it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::alert::{self, Alert, Level};
use super::{Review, json};
use crate::rules::Severity;

/// Most results that GitHub shows of a run; it drops the rest of a longer list without a word.
const MAX_RESULTS: usize = 5_000;

/// Longest text, in characters, of the fields that GitHub bounds.
const MAX_TEXT: usize = 1_024;

/// A review as one SARIF log, with a line feed at the end.
pub(super) fn review(review: &Review) -> String {
    let alerts = alert::of(review);
    let shown = &alerts[..alerts.len().min(MAX_RESULTS)];
    let rules = rules(shown);
    let index = |id: &str| rules.keys().position(|other| other == id);
    let results: Vec<Value> = shown
        .iter()
        .map(|alert| {
            let id = alert.rule_id();
            result(alert, &id, index(&id))
        })
        .collect();
    json::written(&json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "git-advisor",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.values().collect::<Vec<_>>(),
            }},
            "automationDetails": { "id": "git-advisor/" },
            "invocations": [{
                "executionSuccessful": true,
                "toolExecutionNotifications": notifications(review, alerts.len() - shown.len()),
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

/// The rules behind the results, by id. The severity stands with the rule, so one that is made of a
/// category has that of its worst result.
fn rules(alerts: &[Alert<'_>]) -> BTreeMap<String, Value> {
    let mut worst: BTreeMap<String, &Alert<'_>> = BTreeMap::new();
    for alert in alerts {
        let severity = |alert: &Alert<'_>| alert.finding.severity;
        worst
            .entry(alert.rule_id())
            .and_modify(|other| {
                if severity(alert) > severity(other) {
                    *other = alert;
                }
            })
            .or_insert(alert);
    }
    worst.into_iter().map(|(id, alert)| (id.clone(), rule(&id, alert))).collect()
}

fn rule(id: &str, alert: &Alert<'_>) -> Value {
    let category = alert.finding.category.as_str();
    let (title, severity, cwe) = match alert.rule {
        Some(rule) => (rule.title.to_string(), rule.severity, &rule.cwe[..]),
        None => (format!("A flaw of the kind `{category}`"), alert.finding.severity, &[][..]),
    };
    let title = cut(&title);
    let weakness: Vec<String> = cwe
        .iter()
        .map(|id| {
            let number = id.trim_start_matches("CWE-");
            format!("[{id}](https://cwe.mitre.org/data/definitions/{number}.html)")
        })
        .collect();
    let help = match alert.rule {
        Some(_) => {
            format!("The rule {id} of git-advisor names lines that deserve a look: {title}.")
        }
        None => format!(
            "No rule of git-advisor names this: it is the second opinion's finding in the category {category}, \
             and the code that it quotes stands in the change."
        ),
    };
    let mut tags = vec!["security".to_owned(), category.to_owned()];
    tags.extend(cwe.iter().map(|id| format!("external/cwe/{}", id.to_ascii_lowercase())));
    json!({
        "id": id,
        "name": id,
        "shortDescription": { "text": title },
        "fullDescription": { "text": title },
        "help": { "text": help, "markdown": format!("{help}\n\n{}", weakness.join(", ")) },
        "defaultConfiguration": { "level": of_severity(severity) },
        "properties": {
            "tags": tags,
            "precision": if alert.rule.is_some_and(|rule| rule.explicit) { "very-high" } else { "medium" },
            "security-severity": score(severity),
        },
    })
}

fn result(alert: &Alert<'_>, id: &str, index: Option<usize>) -> Value {
    let finding = alert.finding;
    json!({
        "ruleId": id,
        "ruleIndex": index,
        "level": level(alert.level()),
        // `[text](address)` would be a link.
        "message": { "text": alert.message().replace("](", "] (") },
        "locations": [{
            "physicalLocation": {
                "artifactLocation": { "uri": alert.uri(), "uriBaseId": "%SRCROOT%" },
                "region": {
                    "startLine": alert.lines.start(),
                    "endLine": alert.lines.end(),
                    "snippet": { "text": finding.evidence },
                },
            },
        }],
        "partialFingerprints": { "gitAdvisor/v1": alert.fingerprint },
        "properties": {
            "id": finding.id,
            "source": finding.source,
            "verdict": finding.verdict,
            "trusts": finding.trusts,
            "severity": finding.severity,
            "confidence": finding.confidence,
            "gates": finding.gates,
        },
    })
}

/// What a reader of the results has to know beside them.
fn notifications(review: &Review, cut: usize) -> Vec<Value> {
    let mut told = Vec::new();
    let mut tell = |level: &str, text: String| {
        told.push(json!({ "level": level, "message": { "text": text } }));
    };
    if let Some(failure) = &review.consultation.failure {
        tell("warning", format!("no second opinion: {}", failure.line()));
    }
    if let Some(text) = review.consultation.cached() {
        tell("note", text);
    }
    let not_reviewed = review.checked.synthesis.not_reviewed.len();
    if not_reviewed > 0 {
        tell("warning", format!("picked hunks without a second opinion: {not_reviewed}"));
    }
    if cut > 0 {
        tell(
            "warning",
            format!("{cut} further results are left out: GitHub shows {MAX_RESULTS} of a run"),
        );
    }
    told
}

fn level(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

fn of_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low | Severity::Info => "note",
    }
}

/// A score in the middle of the band that GitHub gives the same word.
fn score(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
        Severity::Info => "0.1",
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT).collect()
}
