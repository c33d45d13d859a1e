//! A further round: what is asked now, and the context that was granted.

use super::{GUARD, Nonce, Prompt};
use crate::change::HunkId;
use crate::pack::Piece;
use crate::redact::{self, Redactor};
use crate::visible::{self, Visible};

const FORM: &str = include_str!("follow-up.md");

/// What is asked where the user grants context and says nothing.
const QUESTION: &str = "Here is context that you asked for. Judge again what it bears on.";

/// A request for context that is not granted, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Refused {
    /// Path of the file, as it was asked for.
    pub path: String,
    /// Why it is not given.
    pub why: String,
}

/// Renders a further round. The packet is not part of it: it stands in the session.
pub fn follow_up(
    question: Option<&str>,
    granted: &[Piece],
    refused: &[Refused],
    nonce: &Nonce,
) -> Prompt {
    let question = question.map_or_else(
        || QUESTION.to_owned(),
        |text| Redactor::default().text(visible::text(text).as_str()),
    );
    let mut text = format!("{GUARD}\n## Follow-up\n\n{question}\n\n");
    if !granted.is_empty() {
        text.push_str(&pieces(granted, nonce));
    }
    if !refused.is_empty() {
        text.push_str("Not given:\n");
        for refused in refused {
            let path = redact::line(visible::line(&refused.path).as_str());
            text.push_str(&format!("- {path}: {}\n", refused.why));
        }
        text.push('\n');
    }
    text.push_str(&format!("## Form of the answer\n\n{FORM}"));
    Prompt { text, question, own_question: true }
}

/// Pieces of files between fence lines.
fn pieces(pieces: &[Piece], nonce: &Nonce) -> String {
    let fence = &nonce.fence;
    let mut text = format!(
        "## Context\n\nFrom the revision under review, between the two fence lines that carry `{fence}`, each piece under \
         an id, each line with its number. Replaced secrets are numbered anew in each piece.\n\n\
         <<<<<< BEGIN UNTRUSTED CONTEXT {fence}\n"
    );
    for piece in pieces {
        text.push_str(&format!("{}\n", piece.packed(HunkId::default())));
    }
    text.push_str(&format!(">>>>>> END UNTRUSTED CONTEXT {fence}\n\n"));
    text
}

/// The whole conversation so far and the next round as one prompt, for a session that is gone: each earlier
/// answer stands between fence lines, since it is the model's own text and no instruction of ours.
pub fn anew(
    first: &str,
    earlier: &[(Option<&Prompt>, &str)],
    next: &Prompt,
    nonce: &Nonce,
) -> Prompt {
    let fence = &nonce.fence;
    let mut text = first.to_owned();
    for (prompt, answer) in earlier {
        if let Some(prompt) = prompt {
            text.push_str(&format!("\n## Then this was asked\n\n{}\n", prompt.text()));
        }
        let answer: Visible = visible::text(answer);
        let answer: String = answer.as_str().lines().map(|line| format!("|{line}\n")).collect();
        text.push_str(&format!(
            "\n## Your answer to it, of an earlier session\n\n<<<<<< BEGIN EARLIER ANSWER {fence}\n{answer}>>>>>> END EARLIER ANSWER {fence}\n"
        ));
    }
    text.push_str(&format!("\n{}", next.text()));
    Prompt { text, ..next.clone() }
}
