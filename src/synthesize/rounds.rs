//! Several answers of one session as the one that stands now.

use super::answer::{Answer, Claim};

/// A claim that a later round no longer makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Withdrawn {
    /// The round that left it out, counted from 1.
    pub(super) round: usize,
    pub(super) label: String,
    pub(super) title: String,
    /// What that round says of the hunk.
    pub(super) note: String,
}

/// What stands after all rounds.
#[derive(Debug, Clone, Default)]
pub(super) struct Standing {
    /// The answer; none where no round could be read.
    pub(super) answer: Option<Answer>,
    pub(super) withdrawn: Vec<Withdrawn>,
    /// Later rounds that could not be read as findings, counted from 1.
    pub(super) unread: Vec<usize>,
}

/// Reads the answers in order. A later verdict on a hunk takes the place of the earlier one, and so do its
/// findings; what a later round does not speak of stands.
pub(super) fn read(answers: &[&str]) -> Standing {
    let mut standing = Standing::default();
    for (round, text) in (1..).zip(answers) {
        match (&mut standing.answer, Answer::read(text)) {
            (Some(answer), Some(later)) => {
                let withdrawn = replace(answer, later, round);
                standing.withdrawn.extend(withdrawn);
            }
            (none @ None, Some(first)) => *none = Some(first),
            (_, None) => standing.unread.push(round),
        }
    }
    standing
}

fn replace(answer: &mut Answer, later: Answer, round: usize) -> Vec<Withdrawn> {
    let judged = |label: &str| later.hunks.iter().find(|opinion| opinion.label == label);
    let (gone, kept): (Vec<Claim>, Vec<Claim>) = std::mem::take(&mut answer.findings)
        .into_iter()
        .partition(|claim| judged(&claim.label).is_some());
    let repeated = |old: &Claim| later.findings.iter().any(|new| is_same(old, new));
    let withdrawn = gone.into_iter().filter(|claim| !repeated(claim)).map(|claim| Withdrawn {
        round,
        note: judged(&claim.label).map(|opinion| opinion.note.clone()).unwrap_or_default(),
        label: claim.label,
        title: claim.title,
    });
    let withdrawn = withdrawn.collect();
    let (hunks, labels) = (std::mem::take(&mut answer.hunks), &later.hunks);
    let unchanged = hunks.into_iter().filter(|old| labels.iter().all(|new| new.label != old.label));
    *answer = Answer {
        hunks: unchanged.chain(later.hunks.iter().cloned()).collect(),
        findings: kept.into_iter().chain(later.findings).collect(),
        summary: later.summary,
        needs_context: later.needs_context,
        dropped: answer.dropped + later.dropped,
    };
    withdrawn
}

/// The same quote, blanks aside, or the same title, of the same hunk.
fn is_same(a: &Claim, b: &Claim) -> bool {
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    a.label == b.label && (bare(&a.evidence) == bare(&b.evidence) || a.title == b.title)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(hunks: &[(&str, &str)], findings: &[(&str, &str)]) -> String {
        let hunks = hunks.iter().map(|(label, verdict)| {
            serde_json::json!({"hunk": label, "verdict": verdict, "note": "why"})
        });
        let findings = findings.iter().map(|(label, evidence)| {
            serde_json::json!({"hunk": label, "title": format!("t {evidence}"), "evidence": evidence})
        });
        let (hunks, findings): (Vec<_>, Vec<_>) = (hunks.collect(), findings.collect());
        serde_json::json!({"summary": "s", "hunks": hunks, "findings": findings, "needs_context": []})
            .to_string()
    }

    /// What stands after two rounds: the evidence of all findings, and the titles of those withdrawn.
    #[track_caller]
    fn check(second: &str, findings: &[&str], withdrawn: &[&str]) {
        let first =
            answer(&[("H1", "finding"), ("H2", "finding")], &[("H1", "a()"), ("H2", "b()")]);
        let standing = read(&[&first, second]);
        let answer = standing.answer.unwrap();
        assert_eq!(
            answer.findings.iter().map(|f| f.evidence.as_str()).collect::<Vec<_>>(),
            findings
        );
        let titles: Vec<&str> = standing.withdrawn.iter().map(|w| w.title.as_str()).collect();
        assert_eq!(titles, withdrawn);
        assert_eq!(answer.hunks.len(), 2);
    }

    #[test]
    fn what_a_later_round_does_not_speak_of_stands() {
        check(&answer(&[], &[]), &["a()", "b()"], &[]);
    }

    #[test]
    fn a_hunk_that_is_judged_anew_loses_its_earlier_findings() {
        check(&answer(&[("H1", "clear")], &[]), &["b()"], &["t a()"]);
        check(&answer(&[("H1", "finding")], &[("H1", "a( )")]), &["b()", "a( )"], &[]);
        check(&answer(&[("H2", "finding")], &[("H2", "c()")]), &["a()", "c()"], &["t b()"]);
    }

    #[test]
    fn prose_in_a_later_round_changes_nothing_and_is_told() {
        check("I stand by it.", &["a()", "b()"], &[]);
        assert_eq!(read(&["prose", "I stand by it."]).unread, [1, 2]);
        assert!(read(&[]).answer.is_none());
    }
}
