//! What must hold for any bytes: run by cargo-fuzz, and as properties with the tests.
#![allow(dead_code, unreachable_pub, reason = "each fuzz target uses one of these")]

use git_advisor::change::{self, Change};
use git_advisor::classify::{self, Classified, Classifier};
use git_advisor::config::{Config, Origin};
use git_advisor::consult::events::{Event, Sign};
use git_advisor::pack::{self, Packet};
use git_advisor::prompt::{self, Nonce};
use git_advisor::rules::{Rules, Severity};
use git_advisor::source::Comparison;
use git_advisor::synthesize::{self, Answer, Grounds, Reply, Subject};
use git_advisor::visible;
use jiff::civil::Date;

/// Tokens for a packet; enough for whatever a fuzzer writes.
const BUDGET: usize = 20_000;

/// A patch, up to the prompt that it would make: the fence and the gutters hold whatever it says.
pub fn patch(data: &[u8]) {
    let Some((change, classified, packet)) = packed(data) else { return };
    let nonce = Nonce { fence: "q".repeat(16), mark: "k7f3".to_owned() };
    let categories = Rules::built_in().categories();
    let counts = classified.counts(&change);
    let prompt = prompt::render(&packet, &change, counts, categories, None, &nonce);
    let text = prompt.text();
    assert!(!text.chars().any(|c| c != '\n' && c != '\t' && visible::is_hidden(c)));
    for (mark, times) in [("<<<<<< ", 1), (">>>>>> ", 1), ("## ", 3)] {
        assert_eq!(text.lines().filter(|line| line.starts_with(mark)).count(), times, "{mark}");
    }
    let within = text.lines().skip_while(|line| !line.starts_with("<<<<<< ")).skip(1);
    for line in within.take_while(|line| !line.starts_with(">>>>>> ")) {
        let ours = ["### ", "@@ ", "H", "and "].iter().any(|begin| line.starts_with(begin));
        let gutter = line.split('|').next().unwrap_or_default();
        let numbered = gutter.chars().all(|c| c.is_ascii_digit() || " +-".contains(c));
        assert!(ours || line.is_empty() || (line.contains('|') && numbered), "{line}");
    }
}

fn packed(data: &[u8]) -> Option<(Change, Classified, Packet)> {
    let comparison = Comparison::of_patch(data.to_vec());
    let select = Config::default().select;
    let classifier = Classifier::new(Rules::built_in(), &select);
    let read = change::read(&comparison, &select, &classifier);
    let (change, found) = read.ok()?;
    let classified = classify::settle(&change, found, &select);
    let packet = pack::pack(&change, &classified, "k7f3", BUDGET);
    Some((change, classified, packet))
}

/// A repository's configuration: it is read or refused in one visible line, and names no program.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Config::of_file(&text, &Origin::Repository("advisor.toml".to_owned())) {
        Ok(config) => {
            let user = Config::default();
            assert_eq!(config.codex.command, user.codex.command);
            assert!(config.codex.env.is_empty() && config.codex.config.is_empty());
            assert_eq!(config.doghouse.duration, user.doghouse.duration);
            drop(config.rules());
        }
        Err(error) => {
            let line = error.to_string();
            assert!(!line.chars().any(visible::is_hidden), "{line}");
        }
    }
}

/// Codex's lines, on either stream. What names the account is never kept.
pub fn events(data: &[u8]) {
    for line in String::from_utf8_lossy(data).lines() {
        drop(Event::read(line));
        let kept = Sign::read(line).may_be_kept();
        assert!(!(kept && line.contains("event.name=\"codex.")), "{line}");
    }
}

/// An answer, checked against a change: nothing active is passed on, and nothing gates that does not stand
/// in the change.
pub fn answer(data: &[u8]) {
    const PATCH: &[u8] =
        b"--- a/a.py\n+++ b/a.py\n@@ -1,1 +1,2 @@\n import os\n+os.system(request.args['cmd'])\n";
    let text = String::from_utf8_lossy(data);
    drop(Answer::read(&text));
    let Some((change, classified, packet)) = packed(PATCH) else { return };
    let grounds = Grounds {
        change: &change,
        classified: &classified,
        packet: &packet,
        notes: &[],
        threshold: Some(Severity::Low),
        subject: Subject::Change,
        accepts: &[],
        today: Date::MIN,
    };
    let checked = synthesize::synthesize(&grounds, Reply::Answered(&[&text]));
    for finding in &checked.findings {
        assert!(!finding.title.as_str().chars().any(visible::is_hidden));
        assert!(!finding.gates || finding.hunk.is_some());
    }
}
