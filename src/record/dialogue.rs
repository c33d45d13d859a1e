//! What a follow-up needs to go on where a consultation ended.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::pack::Piece;
use crate::prompt::{Kind, Nonce, Refused};
use crate::source;

/// The state of a conversation with Codex. Prompts and answers stand in files of their own.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Dialogue {
    /// What it is about.
    pub matter: Matter,
    /// What the user asked, if it was not the built-in question.
    pub question: Option<String>,
    /// The random characters of fence and labels.
    pub nonce: Nonce,
    /// Codex's session.
    pub session_id: Option<String>,
    /// The model that was asked.
    pub model: Option<String>,
    /// The effort that was asked for.
    pub effort: Option<String>,
    /// Token counts of the whole session, as Codex reports them.
    pub usage: Option<Value>,
    /// What the user should know of the calls.
    pub notes: Vec<String>,
    /// The rounds after the first.
    pub rounds: Vec<KeptRound>,
}

/// What a consultation is about.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Matter {
    /// A change, which is read again.
    Change {
        /// Kind of the source.
        kind: source::Kind,
        /// The source as it was typed.
        spec: String,
        /// Id of the old side.
        old: Option<String>,
        /// Id of the new side.
        new: Option<String>,
    },
    /// Pieces of text, kept as they were sent.
    Pieces {
        /// What was asked about them.
        kind: Kind,
        /// The commit at which more of the repository can be given.
        head: Option<String>,
        /// The pieces.
        pieces: Vec<Piece>,
    },
}

/// A round after the first.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeptRound {
    /// What was asked.
    pub question: String,
    /// Context that went along.
    pub granted: Vec<Piece>,
    /// Context that did not.
    pub refused: Vec<Refused>,
    /// Whether the session was gone and a new one began.
    pub anew: bool,
    /// Class and message of a failure.
    pub failure: Option<(String, String)>,
    /// Token counts of this round alone.
    pub usage: Option<Value>,
    /// Wall time of the call, in milliseconds.
    pub duration_ms: u64,
}
