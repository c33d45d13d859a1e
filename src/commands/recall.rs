//! An answer that a record holds already: to the same question about the same packet, by the same model,
//! under the same guard, within the keep time.

use std::io;
use std::time::Duration;

use jiff::Timestamp;

use super::session::Session;
use crate::config::Config;
use crate::consult::{Failure, installed};
use crate::pack::Packet;
use crate::prompt::{self, Nonce, Prompt};
use crate::record::{Asked, Dialogue, Part, Record};
use crate::report::Round;
use crate::synthesize;

/// A conversation as a record holds it.
pub(super) struct Kept {
    pub(super) asked: Asked,
    pub(super) dialogue: Dialogue,
    /// The prompt as it was sent.
    pub(super) text: String,
    pub(super) first: String,
    /// The rounds after the first.
    pub(super) rounds: Vec<Round>,
}

/// What an answer depends on: the prompt with its guard, what goes along beside it, and who answers. The
/// random characters of the prompt are no part of it.
pub(super) fn digest(config: &Config, prompt: &Prompt, nonce: &Nonce) -> String {
    let codex = &config.codex;
    Asked::digest(&[
        &prompt.apart_from(nonce),
        prompt::INSTRUCTIONS,
        prompt::SCHEMA,
        &codex.model,
        &codex.effort,
        &codex.config.to_string(),
        &format!("{:?}", codex.provider),
        // A newer Codex may mean another model by `auto`, and another effort by the highest.
        &installed::stamp(&codex.command),
    ])
}

/// The newest conversation that answers a prompt. A record that does not hold what it says is passed over.
pub(super) fn recall(
    session: &Session,
    prompt: &Prompt,
    nonce: &Nonce,
    packet: &Packet,
) -> Option<Kept> {
    let keep = session.config.limits.keep;
    let records = session.records.as_ref().filter(|_| keep > Duration::ZERO)?;
    let digest = digest(&session.config, prompt, nonce);
    let mut records = records.answered(&digest, Timestamp::now(), keep);
    records.find_map(|(record, asked)| {
        let kept = read(&record, asked).ok()?;
        let sent = Prompt::kept(kept.text.clone(), String::new());
        let is_same = sent.apart_from(&kept.dialogue.nonce) == prompt.apart_from(nonce);
        (is_same && kept.is_whole(packet)).then_some(kept)
    })
}

impl Kept {
    /// Whether the answers can be read and speak of all that was sent.
    fn is_whole(&self, packet: &Packet) -> bool {
        let mut packet = packet.clone();
        packet.relabel(&self.dialogue.nonce.mark);
        let later = self.rounds.iter().filter_map(|round| round.outcome.as_deref().ok());
        let answers: Vec<&str> = std::iter::once(self.first.as_str()).chain(later).collect();
        synthesize::is_whole(&answers, &packet)
    }
}

/// Reads a conversation. Rounds without an answer have nothing to say again.
fn read(record: &Record, asked: Asked) -> io::Result<Kept> {
    let mut dialogue: Dialogue = serde_json::from_slice(&record.read(Part::Dialogue)?)?;
    let (text, first) = (read_text(record, 1, Part::Prompt)?, read_text(record, 1, Part::Answer)?);
    let mut rounds = rounds(record, &dialogue)?;
    rounds.retain(|round| round.outcome.is_ok());
    dialogue.rounds.clear();
    Ok(Kept { asked, dialogue, text, first, rounds })
}

/// The rounds after the first, as a record holds them.
pub(super) fn rounds(record: &Record, dialogue: &Dialogue) -> io::Result<Vec<Round>> {
    let rounds = (2..).zip(&dialogue.rounds).map(|(number, kept)| {
        let prompt = Prompt::kept(read_text(record, number, Part::Prompt)?, kept.question.clone());
        let outcome = match &kept.failure {
            Some((class, message)) => Err(Failure::of(class, message)),
            None => Ok(read_text(record, number, Part::Answer)?),
        };
        Ok(Round {
            prompt,
            granted: kept.granted.clone(),
            refused: kept.refused.clone(),
            anew: kept.anew,
            outcome,
            usage: kept.usage.clone(),
            duration: Duration::from_millis(kept.duration_ms),
        })
    });
    rounds.collect()
}

/// A part of a record as text.
pub(super) fn read_text(record: &Record, round: usize, part: Part) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&record.read_round(round, part)?).into_owned())
}
