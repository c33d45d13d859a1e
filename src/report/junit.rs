//! JUnit XML: a test case for each hunk that was worth a question.

use std::collections::HashMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::Review;
use super::alert::{self, Alert};
use super::terminal::place;
use crate::change::HunkId;
use crate::synthesize::State;

/// A review as a JUnit report: what blocks is a failure, what was not reviewed is skipped.
pub(super) fn review(review: &Review) -> String {
    let mut of_hunk: HashMap<HunkId, Vec<Alert<'_>>> = HashMap::new();
    for alert in alert::of(review) {
        if let Some(hunk) = alert.finding.hunk {
            of_hunk.entry(hunk).or_default().push(alert);
        }
    }
    let mut suite = TestSuite::new("git-advisor");
    if let Some(text) = review.consultation.cached() {
        suite.set_system_out(text);
    }
    for score in &review.scan.classified.hunks {
        let alerts = of_hunk.remove(&score.id).unwrap_or_default();
        if score.selected || !alerts.is_empty() {
            suite.add_test_case(case(review, score.id, &alerts));
        }
    }
    let mut report = Report::new("git-advisor");
    report.add_test_suite(suite);
    report.to_string().unwrap_or_else(|error| unreachable!("text takes every write: {error}"))
}

fn case(review: &Review, id: HunkId, alerts: &[Alert<'_>]) -> TestCase {
    let texts = |gating: bool| -> Vec<String> {
        alerts
            .iter()
            .filter(|alert| alert.finding.gates == gating)
            .map(|alert| {
                format!(
                    "{} {}: {}",
                    alert.finding.id,
                    alert.finding.severity.name(),
                    alert.message()
                )
            })
            .collect()
    };
    let (blocking, others) = (texts(true), texts(false));
    let mut status = TestCaseStatus::success();
    if let Some(first) = alerts.iter().find(|alert| alert.finding.gates) {
        status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(first.rule_id()).set_message(first.title());
        status.set_description(blocking.join("\n\n"));
    } else if let Some(why) = not_reviewed(review, id) {
        status = TestCaseStatus::skipped();
        status.set_message(why);
    }
    let mut case = TestCase::new(place(&review.scan.change, id), status);
    case.set_classname("git-advisor");
    if !others.is_empty() {
        case.set_system_out(others.join("\n\n"));
    }
    case
}

/// Why a hunk has no second opinion, if it has none.
fn not_reviewed(review: &Review, id: HunkId) -> Option<&'static str> {
    match review.checked.synthesis.state {
        State::Outage => Some("Codex is not available"),
        State::Skipped => Some("no second opinion was wanted"),
        State::Unreadable => Some("the answer cannot be read"),
        State::Empty | State::Harmless | State::Complete | State::Partial => {
            let left_out = review.checked.coverage.left_out.iter().find(|left| left.id == id);
            left_out.map(|left| left.why.words()).or_else(|| {
                review.checked.coverage.not_judged.contains(&id).then_some("Codex did not judge it")
            })
        }
    }
}
