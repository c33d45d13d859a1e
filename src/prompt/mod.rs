//! The text that is sent: guard block, question, the fenced packet, the answer's required form.
//!
//! The texts are files of their own beside this one, so that they can be reviewed as prose.

mod follow_up;
mod kind;

use crate::change::Change;
use crate::classify::Counts;
use crate::pack::{Packet, estimated_tokens};
use crate::redact::{self, Redactor};
use crate::rules::Category;
use crate::visible;

pub use follow_up::{Refused, anew, follow_up};
pub use kind::{Kind, consultation, unearned};

/// What every prompt begins with.
pub const GUARD: &str = include_str!("guard.md");

/// Codex's instructions, in place of its own for a coding agent. Some models get them twice.
pub const INSTRUCTIONS: &str = include_str!("instructions.md");

/// The JSON schema of the answer, under the service's strict rules.
pub const SCHEMA: &str = include_str!("schema.json");

/// The question where the user asks none.
const QUESTION: &str = include_str!("review.md");

const FORM: &str = include_str!("form.md");

/// Longest list of what was left out, in entries; the rest is counted.
const MAX_LISTED: usize = 40;

/// Random characters that a change cannot know beforehand.
#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
pub struct Nonce {
    /// In the fence.
    pub fence: String,
    /// In the hunks' labels.
    pub mark: String,
}

impl Nonce {
    /// Fresh from the operating system.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    pub fn random() -> Result<Nonce, getrandom::Error> {
        Ok(Nonce { fence: characters(16)?, mark: characters(4)? })
    }
}

/// Characters of `a-z0-9`, each as likely as the other (256 is cut to 252 = 7 x 36).
fn characters(count: usize) -> Result<String, getrandom::Error> {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut text = String::with_capacity(count);
    let mut bytes = [0; 32];
    while text.len() < count {
        getrandom::fill(&mut bytes)?;
        let even = bytes.into_iter().filter(|byte| *byte < 252);
        let characters = even.map(|byte| char::from(ALPHABET[usize::from(byte % 36)]));
        text.extend(characters.take(count - text.len()));
    }
    Ok(text)
}

/// A prompt, ready to be sent.
#[derive(Debug, Clone)]
pub struct Prompt {
    text: String,
    /// What is asked, without the packet around it.
    pub question: String,
    /// Whether the user asked something else than the built-in question.
    pub own_question: bool,
}

impl Prompt {
    /// A prompt that was sent before.
    pub fn kept(text: String, question: String) -> Prompt {
        Prompt { text, question, own_question: true }
    }

    /// The text, byte for byte.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text without the random characters of its fence and its labels: what two prompts about the same
    /// packet have in common.
    pub fn apart_from(&self, nonce: &Nonce) -> String {
        self.text.replace(&nonce.fence, "").replace(&format!("-{}", nonce.mark), "-")
    }

    /// The same prompt as it was sent before.
    pub fn as_sent(self, text: String) -> Prompt {
        Prompt { text, ..self }
    }
}

/// Estimated tokens of everything but the packet.
pub fn overhead(question: Option<&str>, categories: &[Category]) -> usize {
    let question = question.unwrap_or(QUESTION);
    let names: usize = categories.iter().map(|category| category.name.len() + 4).sum();
    // The headings and the fence lines come to less than 1,200 bytes.
    estimated_tokens(GUARD.len() + FORM.len() + question.len() + names + 1_200)
}

/// Renders the prompt for a packet.
pub fn render(
    packet: &Packet,
    change: &Change,
    counts: Counts,
    categories: &[Category],
    question: Option<&str>,
    nonce: &Nonce,
) -> Prompt {
    let own_question = question.is_some();
    let question = question.map_or_else(
        || QUESTION.trim().to_owned(),
        |text| Redactor::default().text(visible::text(text).as_str()),
    );
    let fence = &nonce.fence;
    let files: std::collections::BTreeSet<_> = packet.hunks.iter().map(|hunk| &hunk.path).collect();
    let mut text = format!("{GUARD}\n## Question\n\n{question}\n\n## The change\n\n");
    text.push_str(&format!(
        "Picked for this question: {} of {} hunks, in {} of {} changed files. They stand between the two fence lines \
         that carry `{fence}`. Each hunk has an id. Each line of it begins with its number on the old side, its number \
         on the new side and a sign (`-` removed, `+` added, blank: unchanged), then `|` and the line itself. Secrets \
         are replaced by `<redacted:…>`, invisible characters are written as `<U+XXXX>`.\n\n",
        packet.hunks.len(),
        counts.hunks,
        files.len(),
        counts.files,
    ));
    text.push_str(&format!("<<<<<< BEGIN UNTRUSTED CHANGE {fence}\n"));
    for hunk in &packet.hunks {
        text.push_str(&format!("{hunk}\n"));
    }
    text.push_str(&left_out(packet, change));
    text.push_str(&format!(">>>>>> END UNTRUSTED CHANGE {fence}\n\n## Form of the answer\n\n"));
    let names: Vec<String> =
        categories.iter().map(|category| format!("`{}`", category.name)).collect();
    text.push_str(&FORM.replace("{categories}", &names.join(", ")));
    Prompt { text, question, own_question }
}

/// What was selected and does not go along, so that nobody takes it for seen.
fn left_out(packet: &Packet, change: &Change) -> String {
    if packet.left_out.is_empty() {
        return "### Nothing that was picked is left out.\n".to_owned();
    }
    let mut text = "### Left out of this packet\n".to_owned();
    for left in packet.left_out.iter().take(MAX_LISTED) {
        let path =
            change.hunk(left.id).map(|(file, _)| visible::line(&file.path)).unwrap_or_default();
        let path: String = redact::line(path.as_str()).chars().take(300).collect();
        text.push_str(&format!("{} | {path} | {}\n", left.id, left.why.words()));
    }
    if packet.left_out.len() > MAX_LISTED {
        text.push_str(&format!("and {} more\n", packet.left_out.len() - MAX_LISTED));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_requires_every_key_as_the_service_demands() {
        fn walk(schema: &serde_json::Value) {
            if schema["type"] == "object" {
                let properties = schema["properties"].as_object().unwrap();
                let required: Vec<&str> = schema["required"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|v| v.as_str().unwrap())
                    .collect();
                assert_eq!(properties.keys().map(String::as_str).collect::<Vec<_>>(), required);
                assert_eq!(schema["additionalProperties"], false);
                properties.values().for_each(walk);
            } else if schema["type"] == "array" {
                walk(&schema["items"]);
            }
        }
        walk(&serde_json::from_str(SCHEMA).unwrap());
    }

    #[test]
    fn the_form_names_every_key_of_the_schema() {
        let schema: serde_json::Value = serde_json::from_str(SCHEMA).unwrap();
        for (key, value) in schema["properties"].as_object().unwrap() {
            assert!(FORM.contains(&format!("`{key}`")), "{key}");
            for inner in value["items"]["properties"].as_object().into_iter().flatten() {
                assert!(FORM.contains(&format!("`{}`", inner.0)), "{key}.{}", inner.0);
            }
        }
    }

    #[test]
    fn random_characters_are_of_the_alphabet_and_differ() {
        let (a, b) = (Nonce::random().unwrap(), Nonce::random().unwrap());
        assert_ne!(a.fence, b.fence);
        assert!(
            a.mark.len() == 4
                && a.mark.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        );
    }
}
