//! What an answer was given to, so that the same question is known again.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Part, Record};

/// Clocks of two machines that share a repository may differ by so much.
const SKEW: Duration = Duration::from_secs(300);

/// What an answer serves again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// Of everything that an answer depends on.
    pub digest: String,
    /// When Codex answered.
    pub at: Timestamp,
    /// The record of that call.
    pub record: String,
}

impl Asked {
    /// The digest of a question, as hexadecimal digits.
    pub fn digest(parts: &[&str]) -> String {
        let mut hash = Sha256::new();
        for part in parts {
            // Each part with its length: no two different lists of parts give the same bytes.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What a record says, where it can be read.
    pub fn read(record: &Record) -> Option<Asked> {
        serde_json::from_slice(&record.read(Part::Asked).ok()?).ok()
    }

    /// How old the answer is; none for one that claims to come from the future.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        let age = now.duration_since(self.at);
        match Duration::try_from(age) {
            Ok(age) => Some(age),
            Err(_) if age.unsigned_abs() <= SKEW => Some(Duration::ZERO),
            Err(_) => None,
        }
    }
}
