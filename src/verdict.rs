//! The last stage: from the synthesis to the exit status.

use serde::Serialize;

use crate::exit::Exit;
use crate::rules::Severity;
use crate::synthesize::{Checked, Recommendation};

/// How a review ends for whoever called the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// In one word.
    pub outcome: Outcome,
    /// The least severity that fails the run; `None` means never.
    pub threshold: Option<Severity>,
}

/// A verdict's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Findings at or above the threshold.
    Fail,
    /// Nothing blocks, but a person should know something.
    Warn,
    /// Nothing to say.
    Pass,
}

impl Outcome {
    /// The word of reports.
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Fail => "fail",
            Outcome::Warn => "warn",
            Outcome::Pass => "pass",
        }
    }
}

impl Verdict {
    /// The exit status that goes with it. A warning is no failure.
    pub fn exit(self) -> Exit {
        match self.outcome {
            Outcome::Fail => Exit::Findings,
            Outcome::Warn | Outcome::Pass => Exit::Clean,
        }
    }
}

/// Fails on findings that gate, warns on anything else that wants a look.
pub fn decide(checked: &Checked, threshold: Option<Severity>) -> Verdict {
    let outcome = if checked.findings.iter().any(|finding| finding.gates) {
        Outcome::Fail
    } else if checked.synthesis.recommendation == Recommendation::Proceed {
        Outcome::Pass
    } else {
        Outcome::Warn
    };
    Verdict { outcome, threshold }
}
