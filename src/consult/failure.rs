//! Every way of failing has a class and an advice; which shows which is data (`failures.toml`).

use std::sync::OnceLock;

use jiff::Timestamp;
use regex::bytes::{RegexSet, RegexSetBuilder};
use serde::{Deserialize, Serialize};

use crate::exit::Exit;
use crate::{redact, visible};

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Class of `failures.toml`.
    pub class: &'static str,
    /// What to do.
    pub advice: Advice,
    /// What happened, in one visible line.
    pub message: String,
    /// What the user can do, in a few words.
    pub mend: &'static str,
    /// Until when to wait, where that is known.
    pub until: Option<Timestamp>,
}

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Advice {
    /// Ask again soon.
    Retry,
    /// Ask again after a time.
    Wait,
    /// Mend something here first.
    Fix,
    /// Asking again changes nothing.
    GiveUp,
}

impl Advice {
    /// The word of reports.
    pub fn name(self) -> &'static str {
        match self {
            Advice::Retry => "retry",
            Advice::Wait => "wait",
            Advice::Fix => "fix",
            Advice::GiveUp => "give-up",
        }
    }
}

/// A row of the table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    class: String,
    advice: Advice,
    #[serde(default)]
    doghouse: bool,
    #[serde(default)]
    shows: Vec<String>,
    mend: String,
}

#[derive(Deserialize)]
struct Table {
    failure: Vec<Row>,
}

/// The table with its patterns compiled.
struct Compiled {
    rows: Vec<Row>,
    patterns: RegexSet,
    /// The row of each pattern.
    of_pattern: Vec<usize>,
}

/// Longest message that is kept, in characters.
const MAX_MESSAGE: usize = 300;

impl Failure {
    /// A failure of a class that the supervisor itself has recognised.
    pub fn of(class: &str, message: &str) -> Failure {
        let rows = &table().rows;
        let row = rows.iter().find(|row| row.class == class);
        let row = row.or_else(|| rows.iter().find(|row| row.class == "crashed"));
        row.map_or_else(
            || unreachable!("a test proves that failures.toml has `crashed`"),
            |row| row.failure(message),
        )
    }

    /// The failure that one of Codex's messages shows, if it shows one.
    pub fn shown_by(message: &str) -> Option<Failure> {
        let table = table();
        let row = table
            .patterns
            .matches(message.as_bytes())
            .into_iter()
            .map(|at| table.of_pattern[at])
            .min()?;
        Some(table.rows[row].failure(message))
    }

    /// Whether further calls are held back after this one.
    pub fn is_limit(&self) -> bool {
        table().rows.iter().any(|row| row.doghouse && row.class == self.class)
    }

    /// The exit status, where the program was told to stop: whatever the rules found, it says so.
    pub fn exit(&self) -> Option<Exit> {
        match self.class {
            "interrupted" => Some(Exit::Interrupted),
            "terminated" => Some(Exit::Terminated),
            _ => None,
        }
    }

    /// One line: what happened and what to do.
    pub fn line(&self) -> String {
        let until = self.until.map(|until| format!(" until {}", utc(until))).unwrap_or_default();
        let advice = match self.advice {
            Advice::Retry => "retry",
            Advice::Wait => "wait",
            Advice::Fix => "fix",
            Advice::GiveUp => "give up",
        };
        format!("{} ({}); {advice}{until}: {}", self.message, self.class, self.mend)
    }
}

impl Row {
    fn failure(&'static self, message: &str) -> Failure {
        // Services and gateways quote keys and addresses.
        let message = redact::line(visible::line(message.trim()).as_str());
        let short: String = message.chars().take(MAX_MESSAGE).collect();
        Failure {
            class: &self.class,
            advice: self.advice,
            message: short,
            mend: &self.mend,
            until: None,
        }
    }
}

/// A time to the minute, in UTC: it is read in logs of machines elsewhere too.
pub fn utc(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

fn table() -> &'static Compiled {
    static TABLE: OnceLock<Compiled> = OnceLock::new();
    TABLE.get_or_init(|| {
        let table: Table =
            toml::from_str(include_str!("failures.toml")).expect("a test proves failures.toml");
        let rows = table.failure;
        let of_pattern = rows
            .iter()
            .enumerate()
            .flat_map(|(at, row)| row.shows.iter().map(move |_| at))
            .collect();
        let patterns = rows.iter().flat_map(|row| &row.shows);
        let mut patterns = RegexSetBuilder::new(patterns);
        patterns.case_insensitive(true).unicode(false);
        let patterns = patterns.build().expect("a test proves failures.toml");
        Compiled { rows, patterns, of_pattern }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the real Codex says, seen with 0.169.0, and what it shows.
    const SAID: &[(&str, &str, Advice)] = &[
        (
            "You’ve hit your usage limit. Upgrade to Pro or try again at 9:13 AM.",
            "usage-limit",
            Advice::Wait,
        ),
        (
            "exceeded retry limit, last status: 429 Too Many Requests, request id: r",
            "rate-limit",
            Advice::Wait,
        ),
        ("Quota exceeded. Check your plan and billing details.", "quota", Advice::Fix),
        ("To use Codex with your ChatGPT plan, upgrade to Plus: x", "plan", Advice::Fix),
        (
            "unexpected status 401 Unauthorized: no, url: http://x/v1/responses",
            "key-refused",
            Advice::Fix,
        ),
        (
            "Your access token could not be refreshed because your refresh token has expired. Please log out and sign in again.",
            "login-expired",
            Advice::Fix,
        ),
        (
            "The model `gpt-9` does not exist or you do not have access to it.",
            "unknown-model",
            Advice::Fix,
        ),
        (
            "Codex ran out of room in the model's context window. Start a new thread",
            "context-too-long",
            Advice::Fix,
        ),
        (
            "Selected model is at capacity. Please try a different model.",
            "overloaded",
            Advice::Retry,
        ),
        (
            "We’re currently experiencing high demand, which may cause temporary errors.",
            "overloaded",
            Advice::Retry,
        ),
        ("unexpected status 503 Service Unavailable: x", "server-error", Advice::Retry),
        ("Connection failed: error sending request", "no-connection", Advice::Retry),
        (
            "stream disconnected before completion: stream closed before response.completed",
            "stream-broken",
            Advice::Retry,
        ),
        ("Incomplete response returned, reason: max_output_tokens", "cut-off", Advice::Retry),
        ("Missing environment variable: `KEY`.", "missing-variable", Advice::Fix),
        ("error: unexpected argument '--ignore-user-config' found", "bad-flags", Advice::Fix),
        (
            "Reconnecting... 1/5 (exceeded retry limit, last status: 429 Too Many Requests)",
            "rate-limit",
            Advice::Wait,
        ),
    ];

    #[test]
    fn the_messages_of_the_real_codex_have_their_classes() {
        for (message, class, advice) in SAID {
            let failure = Failure::shown_by(message).unwrap();
            assert_eq!((failure.class, failure.advice), (*class, *advice), "{message}");
        }
        assert_eq!(Failure::shown_by("something new"), None);
    }

    #[test]
    fn limits_are_held_back_and_nothing_else() {
        for (message, limit) in
            [("hit your usage limit", true), ("429 Too Many Requests", true), ("status 503", false)]
        {
            assert_eq!(Failure::shown_by(message).unwrap().is_limit(), limit, "{message}");
        }
    }

    #[test]
    fn every_class_stands_once() {
        let mut classes: Vec<&str> = table().rows.iter().map(|row| row.class.as_str()).collect();
        classes.sort_unstable();
        let count = classes.len();
        classes.dedup();
        assert_eq!(classes.len(), count);
        assert!(classes.contains(&"crashed"));
    }

    #[test]
    fn a_hostile_message_stays_one_visible_line() {
        let failure = Failure::of("crashed", "a\u{1b}[2J\nb");
        assert_eq!(failure.message, "a<U+001B>[2J<U+000A>b");
    }

    #[test]
    fn a_key_in_a_message_is_not_repeated() {
        let said = format!("Incorrect API key provided: sk-{}", "proj-abcdefghij0123456789abcd");
        assert_eq!(
            Failure::of("key-refused", &said).message,
            "Incorrect API key provided: <redacted:openai-key:1>"
        );
    }
}
