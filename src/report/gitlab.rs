//! GitLab's two lists: Code Quality, shown to everyone in a merge request, and the security report.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::alert::{self, Alert};
use super::markdown::fenced;
use super::{Review, json};
use crate::rules::Severity;

/// The version of GitLab's security report schema that the report follows.
const SCHEMA: &str = "15.2.1";

/// Longest name in the security report, in characters.
const MAX_NAME: usize = 255;

/// Longest solution, in characters: GitLab takes 7,000, and a fence can be as long as what it holds.
const MAX_SOLUTION: usize = 2_300;

/// A review as a Code Quality report.
pub(super) fn code_quality(review: &Review) -> String {
    let entry = |alert: &Alert<'_>| {
        json!({
            "description": format!("{} {}: {}", alert.finding.severity.name(), alert.finding.verdict.name(), alert.title()),
            "check_name": alert.rule_id(),
            "fingerprint": alert.fingerprint,
            "severity": quality(alert.finding.severity),
            "location": {
                "path": alert.path(),
                "lines": { "begin": alert.lines.start(), "end": alert.lines.end() },
            },
        })
    };
    json::written(&alert::of(review).iter().map(entry).collect::<Vec<_>>())
}

/// A review as a report of static application security testing, made at this time.
pub(super) fn sast(review: &Review, now: Timestamp) -> String {
    let took = review.scan.stats.duration + review.consultation.duration;
    let begun = now - SignedDuration::try_from(took).unwrap_or_default();
    let program = json!({
        "id": "git-advisor",
        "name": "git-advisor",
        "url": env!("CARGO_PKG_REPOSITORY"),
        "version": env!("CARGO_PKG_VERSION"),
        "vendor": { "name": "git-advisor" },
    });
    let mut scan = json!({
        "type": "sast",
        "status": "success",
        "start_time": time(begun),
        "end_time": time(now),
        "analyzer": program,
        "scanner": program,
    });
    if let Some(failure) = &review.consultation.failure {
        let text = format!("no second opinion: {}", failure.line());
        scan["messages"] = json!([{ "level": "warn", "value": text }]);
    } else if let Some(text) = review.consultation.cached() {
        scan["messages"] = json!([{ "level": "info", "value": text }]);
    }
    json::written(&json!({
        "version": SCHEMA,
        "scan": scan,
        "vulnerabilities": alert::of(review).iter().map(vulnerability).collect::<Vec<_>>(),
    }))
}

fn vulnerability(alert: &Alert<'_>) -> Value {
    let rule = alert.rule_id();
    let mut identifiers = vec![json!({
        "type": "git_advisor_rule", "name": format!("git-advisor {rule}"), "value": rule,
    })];
    for cwe in alert.rule.iter().flat_map(|rule| &rule.cwe) {
        let number = cwe.trim_start_matches("CWE-");
        identifiers.push(json!({
            "type": "cwe",
            "name": cwe,
            "value": number,
            "url": format!("https://cwe.mitre.org/data/definitions/{number}.html"),
        }));
    }
    json!({
        "id": alert.fingerprint,
        "name": cut(alert.title(), MAX_NAME),
        // GitLab renders both as Markdown.
        "description": alert.markdown(),
        "severity": capital(alert.finding.severity),
        "solution": solution(alert.finding.recommendation.as_str()),
        "identifiers": identifiers,
        "location": {
            "file": alert.path(),
            "start_line": alert.lines.start(),
            "end_line": alert.lines.end(),
        },
        "tracking": {
            "type": "source",
            "items": [{
                "file": alert.path(),
                "start_line": alert.lines.start(),
                "end_line": alert.lines.end(),
                "signatures": [{ "algorithm": "git_advisor_v1", "value": alert.fingerprint }],
            }],
        },
    })
}

fn solution(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        text => fenced("text", &cut(text, MAX_SOLUTION)),
    }
}

fn quality(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "blocker",
        Severity::High => "critical",
        Severity::Medium => "major",
        Severity::Low => "minor",
        Severity::Info => "info",
    }
}

fn capital(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "Critical",
        Severity::High => "High",
        Severity::Medium => "Medium",
        Severity::Low => "Low",
        Severity::Info => "Info",
    }
}

/// UTC without an offset, as the schema wants it.
fn time(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string()
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
