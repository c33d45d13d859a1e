//! The judgement suite: small changes in several languages, answers that a model could give to them, and what
//! the program makes of each. The cases are data, in `tests/judgement`.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use git_advisor::change::{self, Change};
use git_advisor::classify::{self, Classified, Classifier};
use git_advisor::config::Select;
use git_advisor::pack::{self, Packet};
use git_advisor::rules::{Rules, Severity};
use git_advisor::source::{self, Spec};
use git_advisor::synthesize::{self, Checked, Finding, Grounds, Reply, Subject};
use git_advisor::verdict;
use serde::Deserialize;
use serde_json::{Value, json};
use support::Repo;

/// The random characters of every hunk's label.
const MARK: &str = "aaaa";

/// A change with the answers to it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    /// The change in a sentence.
    #[expect(dead_code, reason = "for whoever reads the data")]
    about: String,
    files: BTreeMap<String, Sides>,
    case: Vec<Case>,
}

/// A file's two texts; one of them may be missing.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sides {
    old: Option<String>,
    new: Option<String>,
}

/// An answer and what is expected of it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    /// The answer word for word, with `{H1}` for the label of a hunk; without it, the form is made of the rest.
    answer: Option<String>,
    /// `H1 clear because …`: label or id, verdict, note.
    #[serde(default)]
    hunks: Vec<String>,
    #[serde(default)]
    findings: Vec<Claimed>,
    #[serde(default = "high")]
    fail_on: String,
    /// One line for each finding, in reading order: verdict, trust, `gates` or `-`, place.
    expect: Vec<String>,
    exit: u8,
    recommend: String,
    /// Ids of hunks that are not reviewed.
    #[serde(default)]
    not_reviewed: Vec<String>,
    /// What the synthesis or the reasons say, among other things.
    #[serde(default)]
    says: Vec<String>,
}

/// A claim, short: what is left out is as in an ordinary answer.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Claimed {
    /// `H1 app.py:6` or `H1 app.py:6-8`.
    at: String,
    quote: Value,
    #[serde(default = "shell")]
    category: String,
    #[serde(default = "high")]
    severity: String,
    /// The same claim so many times.
    #[serde(default = "once")]
    times: usize,
}

fn high() -> String {
    "high".to_owned()
}

fn shell() -> String {
    "shell".to_owned()
}

fn once() -> usize {
    1
}

/// A change that was read, classified and packed, as for a review.
struct Ground {
    change: Change,
    classified: Classified,
    packet: Packet,
}

#[test]
fn every_answer_is_judged_as_the_data_say() {
    let mut failures = Vec::new();
    let mut count = 0;
    for path in suites() {
        let suite = read(&path);
        let ground = ground(&suite);
        for case in &suite.case {
            count += 1;
            let found = judged(&ground, case);
            if let Err(problem) = compare(case, &found) {
                let file = path.file_stem().unwrap().display();
                failures.push(format!("{file}: {}\n{problem}", case.name));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    assert!(count >= 80, "only {count} cases");
}

#[test]
fn no_two_cases_have_the_same_name() {
    let mut names: Vec<String> =
        suites().iter().flat_map(|path| read(path).case).map(|case| case.name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
}

fn suites() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/judgement");
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn read(path: &Path) -> Suite {
    let text = fs::read_to_string(path).unwrap();
    toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Commits both sides with real git and takes the change as far as the packet.
fn ground(suite: &Suite) -> Ground {
    let repo = Repo::init();
    for new in [false, true] {
        for (path, sides) in &suite.files {
            match if new { &sides.new } else { &sides.old } {
                Some(text) => repo.write(path, text),
                None if repo.path().join(path).exists() => repo.remove(path),
                None => {}
            }
        }
        repo.commit("Go on");
    }
    let repository = git2::Repository::open(repo.path()).unwrap();
    let comparison = source::resolve(Some(&repository), &Spec::revisions("HEAD~1..")).unwrap();
    let select = Select::default();
    let classifier = Classifier::new(Rules::built_in(), &select);
    let (mut change, found) = change::read(&comparison, &select, &classifier).unwrap();
    let classified = classify::settle(&change, found, &select);
    // As a review does: texts that were let go are read again before an answer is checked.
    change.recall(|_| true, 1 << 20).unwrap();
    let packet = pack::pack(&change, &classified, MARK, 20_000);
    Ground { change, classified, packet }
}

/// What came of a case.
struct Judged {
    checked: Checked,
    exit: u8,
}

fn judged(ground: &Ground, case: &Case) -> Judged {
    let Ground { change, classified, packet } = ground;
    let threshold = match case.fail_on.as_str() {
        "never" => None,
        word => Some(Severity::named(word).unwrap()),
    };
    let text = answer(case);
    let answers = [text.as_str()];
    let reply = if packet.hunks.is_empty() { Reply::NotNeeded } else { Reply::Answered(&answers) };
    let grounds = Grounds {
        change,
        classified,
        packet,
        notes: &[],
        threshold,
        subject: Subject::Change,
        accepts: &[],
        today: jiff::civil::date(2026, 1, 1),
    };
    let checked = synthesize::synthesize(&grounds, reply);
    let exit = verdict::decide(&checked, threshold).exit().code();
    Judged { checked, exit }
}

fn answer(case: &Case) -> String {
    if let Some(text) = &case.answer {
        let labels = (1..10).map(|id| (format!("{{H{id}}}"), format!("H{id}-{MARK}")));
        return labels.fold(text.clone(), |text, (short, label)| text.replace(&short, &label));
    }
    let hunk = |line: &String| {
        let mut words = line.splitn(3, ' ');
        let (id, verdict) = (words.next().unwrap(), words.next().unwrap());
        json!({"hunk": label(id), "verdict": verdict, "note": words.next().unwrap_or_default()})
    };
    let claims = case.findings.iter().flat_map(|claim| vec![form(claim); claim.times]);
    json!({
        "summary": "An answer.",
        "hunks": case.hunks.iter().map(hunk).collect::<Vec<_>>(),
        "findings": claims.collect::<Vec<_>>(),
        "needs_context": [],
    })
    .to_string()
}

fn label(id: &str) -> String {
    if id.contains('-') { id.to_owned() } else { format!("{id}-{MARK}") }
}

fn form(claim: &Claimed) -> Value {
    let (id, place) = claim.at.split_once(' ').unwrap();
    let (file, lines) = place.rsplit_once(':').unwrap();
    let (start, end) = lines.split_once('-').unwrap_or((lines, lines));
    let number = |text: &str| text.parse::<u32>().unwrap();
    json!({
        "hunk": label(id), "file": file, "start_line": number(start), "end_line": number(end),
        "category": claim.category, "severity": claim.severity, "confidence": 0.8,
        "title": "A flaw", "evidence": claim.quote, "explanation": "From input to harm.",
        "recommendation": "Mend it.",
    })
}

fn shown(finding: &Finding) -> String {
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let removed = if finding.on_old_side { " removed" } else { "" };
    let lines = match finding.end_line - finding.start_line {
        0 => finding.start_line.to_string(),
        _ => format!("{}-{}", finding.start_line, finding.end_line),
    };
    format!(
        "{} {} {} {}:{lines}{removed}",
        finding.verdict.name(),
        word(serde_json::to_value(finding.trusts).unwrap()),
        if finding.gates { "gates" } else { "-" },
        finding.file,
    )
}

/// Holds what came of a case against what was expected; says all of it where they differ.
fn compare(case: &Case, found: &Judged) -> Result<(), String> {
    let checked = &found.checked;
    let findings: Vec<String> = checked.findings.iter().map(shown).collect();
    let not_reviewed: Vec<String> =
        checked.synthesis.not_reviewed.iter().map(ToString::to_string).collect();
    let recommend = checked.synthesis.recommendation.name();
    let reasons: Vec<String> =
        checked.findings.iter().flat_map(|finding| finding.reasons.clone()).collect();
    let said = format!("{}\n{}", checked.synthesis.text, reasons.join("\n"));
    let unsaid: Vec<&String> = case.says.iter().filter(|text| !said.contains(*text)).collect();
    let fits = findings == case.expect
        && (found.exit, recommend) == (case.exit, case.recommend.as_str())
        && not_reviewed == case.not_reviewed
        && unsaid.is_empty();
    if fits {
        return Ok(());
    }
    Err(format!(
        "found    {findings:#?}\nexpected {:#?}\nexit {} for {}, {recommend} for {}, not reviewed {not_reviewed:?} for {:?}, \
         not said {unsaid:?} in\n{said}",
        case.expect, found.exit, case.exit, case.recommend, case.not_reviewed
    ))
}
