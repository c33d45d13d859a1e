//! The weighing: where the tool agrees, disagrees, misses something, and what it would do.

use serde::Serialize;

use super::answer::{Answer, ContextRequest, Opinion};
use super::coverage::Coverage;
use super::judge::Verdict;
use super::{Case, Finding, Reply, Subject, contradictions};
use crate::change::{Change, File, HunkId, Skip};
use crate::rules::Severity;

/// What a person should do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Recommendation {
    /// Do not merge.
    Block,
    /// Fix before the merge.
    Fix,
    /// Have a person look.
    Look,
    /// Go on.
    Proceed,
}

impl Recommendation {
    /// The word of reports.
    pub fn name(self) -> &'static str {
        match self {
            Recommendation::Block => "block",
            Recommendation::Fix => "fix",
            Recommendation::Look => "look",
            Recommendation::Proceed => "proceed",
        }
    }
}

/// The states of a review that must read differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Nothing changed.
    Empty,
    /// Something changed, nothing of it is risky.
    Harmless,
    /// Every risky hunk was judged.
    Complete,
    /// Some risky hunks were not judged.
    Partial,
    /// There is an answer that cannot be read.
    Unreadable,
    /// Codex could not be had.
    Outage,
    /// The user wanted no call.
    Skipped,
}

/// The synthesis.
#[derive(Debug, Clone)]
pub struct Synthesis {
    /// State of the review.
    pub state: State,
    /// Ids of findings that hold against the change.
    pub agrees: Vec<String>,
    /// Ids of findings that do not, and of rules that Codex contradicts.
    pub disagrees: Vec<String>,
    /// Ids of what the rules saw and Codex did not speak of.
    pub incomplete: Vec<String>,
    /// Ids of what somebody has accepted: shown, not counted.
    pub accepted: Vec<String>,
    /// Hunks that are not reviewed.
    pub not_reviewed: Vec<HunkId>,
    /// What Codex would have to see.
    pub needs_context: Vec<ContextRequest>,
    /// What to do.
    pub recommendation: Recommendation,
    /// All of it in words, a paragraph or list item a line, visible.
    pub text: String,
}

/// Weighs the checked findings; the synthesis, still without its text, and the reason of its
/// recommendation.
pub(super) fn weigh(case: &Case<'_>) -> (Synthesis, String) {
    let Case { change, findings, coverage, standing, reply, .. } = *case;
    let answer = standing.answer.as_ref();
    let ids = |wanted: &dyn Fn(&Finding) -> bool| -> Vec<String> {
        findings
            .iter()
            .filter(|finding| !finding.accepted && wanted(finding))
            .map(|finding| finding.id.clone())
            .collect()
    };
    let cleared = |finding: &Finding| {
        let opinion = finding.hunk.and_then(|hunk| coverage.opinion(hunk));
        finding.verdict == Verdict::AdvisorOnly && opinion == Some(Opinion::Clear)
    };
    let mut synthesis = Synthesis {
        state: state(change, coverage, answer, reply),
        agrees: ids(&|f| {
            matches!(f.verdict, Verdict::Confirmed | Verdict::Supported | Verdict::Misplaced)
        }),
        disagrees: ids(&|f| {
            matches!(f.verdict, Verdict::Unsupported | Verdict::PreExisting) || cleared(f)
        }),
        incomplete: ids(&|f| f.verdict == Verdict::AdvisorOnly && !cleared(f)),
        accepted: findings.iter().filter(|f| f.accepted).map(|f| f.id.clone()).collect(),
        not_reviewed: not_reviewed(coverage),
        needs_context: answer.map(|answer| answer.needs_context.clone()).unwrap_or_default(),
        recommendation: Recommendation::Proceed,
        text: String::new(),
    };
    let (recommendation, reason) = recommend(case, &synthesis);
    synthesis.recommendation = recommendation;
    (synthesis, reason)
}

fn state(change: &Change, coverage: &Coverage, answer: Option<&Answer>, reply: Reply<'_>) -> State {
    match reply {
        Reply::NotNeeded if change.files.is_empty() => State::Empty,
        Reply::NotNeeded => State::Harmless,
        Reply::Skipped => State::Skipped,
        Reply::Unavailable(_) => State::Outage,
        Reply::Answered(_) if answer.is_none() => State::Unreadable,
        Reply::Answered(_) if coverage.not_judged.is_empty() && coverage.left_out.is_empty() => {
            State::Complete
        }
        Reply::Answered(_) => State::Partial,
    }
}

fn not_reviewed(coverage: &Coverage) -> Vec<HunkId> {
    let left_out = coverage.left_out.iter().map(|left| left.id);
    let mut hunks: Vec<HunkId> = coverage.not_judged.iter().copied().chain(left_out).collect();
    hunks.sort_unstable();
    hunks
}

fn recommend(case: &Case<'_>, synthesis: &Synthesis) -> (Recommendation, String) {
    let findings = case.findings;
    let gating = findings.iter().filter(|finding| finding.gates).count();
    let stands = |finding: &&Finding| synthesis.agrees.contains(&finding.id);
    let worst = findings.iter().filter(stands).map(|finding| finding.severity).max();
    let look = |reason: String| (Recommendation::Look, reason);
    let proceed = |reason: &str| (Recommendation::Proceed, reason.to_owned());
    if case.subject == Subject::Given && matches!(case.reply, Reply::Answered(_)) {
        let no_objection = findings.is_empty() && synthesis.state == State::Complete;
        return match no_objection {
            true => proceed("Codex has no objection, which is one opinion"),
            false => look(
                "weigh the points yourself; the quotes were checked, the reasoning was not".into(),
            ),
        };
    }
    match (synthesis.state, worst, doubt(case, synthesis)) {
        _ if gating > 0 => {
            let reason = format!(
                "{} at or above the threshold",
                counted(gating, "finding stands", "findings stand")
            );
            (Recommendation::Block, reason)
        }
        (_, Some(worst), _) if worst >= Severity::Medium => {
            let reason =
                format!("the worst finding that holds is {}, below the threshold", worst.name());
            (Recommendation::Fix, reason)
        }
        (_, _, Some(doubt)) => look(doubt),
        (_, Some(_), None) => proceed("only minor findings hold"),
        (State::Empty, ..) => proceed("nothing changed"),
        (State::Harmless, ..) => proceed("no rule fired; the rules see only some kinds of flaws"),
        _ => proceed("Codex cleared every hunk that was sent, and no explicit rule contradicts it"),
    }
}

/// Why a person should look although nothing that holds is serious: the weightiest reason.
fn doubt(case: &Case<'_>, synthesis: &Synthesis) -> Option<String> {
    let Case { change, findings, coverage, standing, notes, .. } = *case;
    let unread = |file: &&File| matches!(file.skipped, Some(Skip::Missing | Skip::Unmerged));
    let missing = change.files.iter().filter(unread).count();
    let unsure = coverage.opinions.values().any(|(opinion, _)| *opinion == Opinion::Unsure);
    let claimed = |verdict| findings.iter().any(|f| f.verdict == verdict && !f.accepted);
    let reason = match synthesis.state {
        State::Outage if case.subject == Subject::Given => "nobody has answered the question",
        State::Outage | State::Skipped => "risky hunks have no second opinion",
        State::Unreadable => "the answer could not be read as findings; read it yourself",
        State::Partial => "not every risky hunk was reviewed",
        _ if !synthesis.incomplete.is_empty() => {
            "the rules saw something that Codex did not speak of"
        }
        _ if claimed(Verdict::AdvisorOnly) => "Codex clears what an explicit rule sees",
        _ if claimed(Verdict::Unsupported) => "Codex claims something that could not be borne out",
        _ if !synthesis.disagrees.is_empty() => {
            "Codex sees a flaw that was there before this change"
        }
        _ if unfounded(coverage, findings) => {
            "Codex calls a hunk a finding and reports nothing there"
        }
        _ if !contradictions::unspoken(findings, coverage, case.classified).is_empty() => {
            "a rule saw something serious of which Codex does not speak"
        }
        _ if !standing.unread.is_empty() => "a later answer could not be read as findings",
        _ if unsure => "Codex is unsure about a hunk",
        _ if !synthesis.needs_context.is_empty() => "Codex asks for context that it was not given",
        _ if !notes.is_empty() => "the call was not quite as asked for",
        State::Harmless if missing > 0 => {
            return Some(format!("{} could not be read", counted(missing, "file", "files")));
        }
        State::Empty | State::Harmless | State::Complete => return None,
    };
    Some(reason.to_owned())
}

/// Whether some hunk is called a finding although no finding is of it.
fn unfounded(coverage: &Coverage, findings: &[Finding]) -> bool {
    let mut called =
        coverage.opinions.iter().filter(|(_, (opinion, _))| *opinion == Opinion::Finding);
    called.any(|(id, _)| findings.iter().all(|finding| finding.hunk != Some(*id)))
}

fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}
