//! The consultations beside a review: what each asks, and what earns no call.

use clap::ValueEnum;
use regex::bytes::RegexSetBuilder;
use serde::{Deserialize, Serialize};

use super::{GUARD, Nonce, Prompt};
use crate::pack::Packet;
use crate::redact::Redactor;
use crate::visible;

const FORM: &str = include_str!("consultation.md");

/// Questions that earn no call, as data.
const UNEARNED: &str = include_str!("unearned.toml");

/// A kind of consultation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A decision that is hard to reverse
    Architecture,
    /// What two failed fixes have in common
    RootCause,
    /// Edge cases, complexity, a standard structure
    Algorithm,
    /// The strongest case against a plan
    Plan,
    /// An answer that its author does not trust
    LowConfidence,
}

impl Kind {
    /// The word of the command line and of reports.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Architecture => "architecture",
            Kind::RootCause => "root-cause",
            Kind::Algorithm => "algorithm",
            Kind::Plan => "plan",
            Kind::LowConfidence => "low-confidence",
        }
    }

    /// What is asked, whatever the user adds.
    fn asks(self) -> &'static str {
        match self {
            Kind::Architecture => include_str!("kinds/architecture.md"),
            Kind::RootCause => include_str!("kinds/root-cause.md"),
            Kind::Algorithm => include_str!("kinds/algorithm.md"),
            Kind::Plan => include_str!("kinds/plan.md"),
            Kind::LowConfidence => include_str!("kinds/low-confidence.md"),
        }
    }
}

#[derive(Deserialize)]
struct Unearned {
    question: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    shows: Vec<String>,
    reason: String,
}

/// Why a question earns no call, if it is one of those that do not.
pub fn unearned(question: &str) -> Option<String> {
    let rows: Unearned = toml::from_str(UNEARNED).unwrap_or_else(|error| {
        unreachable!("a test proves that unearned.toml can be read: {error}")
    });
    let shown = |row: &Row| {
        let mut patterns = RegexSetBuilder::new(&row.shows);
        let patterns = patterns.case_insensitive(true).unicode(false).build();
        patterns.is_ok_and(|set| set.is_match(question.as_bytes()))
    };
    rows.question.into_iter().find(shown).map(|row| row.reason)
}

/// Renders a consultation on pieces of text.
pub fn consultation(kind: Kind, question: Option<&str>, packet: &Packet, nonce: &Nonce) -> Prompt {
    let fence = &nonce.fence;
    let own = question.map(|text| Redactor::default().text(visible::text(text).as_str()));
    let asked = [Some(kind.asks().trim().to_owned()), own];
    let asked = asked.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
    let mut text = format!(
        "{GUARD}\n## Question\n\n{asked}\n\n## What is given\n\nThe pieces stand between the two fence lines that carry \
         `{fence}`. Each has an id. Each line of it begins with its number (in a diff: on the old side and on the new, \
         and a sign), then `|` and the line itself. Secrets are replaced by `<redacted:…>`, invisible characters are \
         written as `<U+XXXX>`.\n\n<<<<<< BEGIN UNTRUSTED TEXT {fence}\n"
    );
    for piece in &packet.hunks {
        text.push_str(&format!("{piece}\n"));
    }
    text.push_str(&format!(">>>>>> END UNTRUSTED TEXT {fence}\n\n## Form of the answer\n\n{FORM}"));
    Prompt { text, question: asked, own_question: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earns_no_call_is_told_from_what_does() {
        let table: Unearned = toml::from_str(UNEARNED).unwrap();
        for row in &table.question {
            RegexSetBuilder::new(&row.shows).unicode(false).build().unwrap();
        }
        for question in [
            "What does this function do?",
            "What is a better name for `tmp`?",
            "how should I name this variable",
            "Is the formatting right?",
            "fix the typo in the comment",
            "explain this code to me",
            "write a docstring for it",
        ] {
            assert!(unearned(question).is_some(), "{question}");
        }
        for question in [
            "Why does the lock time out under load although the queue is empty?",
            "Shall we shard by tenant or by time?",
            "Does this handle an empty tree and a cycle?",
            "Which name service should the cluster use, and can we change it later?",
            "Explain why the cache returns stale entries after both fixes",
        ] {
            assert_eq!(unearned(question), None, "{question}");
        }
    }
}
