//! The leash proves itself: before the first call with a Codex, a model and a set of arguments, the very
//! command is run against a listener of ours, and what it sends is looked at.
//!
//! Two rounds are proven, the first and one that resumes it, because a session does not remember the
//! arguments that hold it. A proof is kept in the state directory; a newer Codex, another model, login
//! or setting needs its own. Without one there is no call.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::codex::{Call, Destination, Leash};
use super::failure::Failure;
use super::listener::{Heard, Listener};
use super::stop::Stop;
use super::{Clock, Consulted, Outcome, home, supervise};
use crate::prompt::{self, Nonce};
use crate::visible;

/// What is asked: nothing of the user's.
const QUESTION: &str = "A listener on this machine looks at this request. No answer is needed.";

/// A turn against our own listener takes a fraction of a second; on a machine that is busy, a few.
const PATIENCE: Duration = Duration::from_secs(30);

/// Names of fields in which Codex tells of the repository around it.
const TELLING: [&str; 2] = ["remote_url", "commit_hash"];

/// Proofs that are kept; the oldest go first.
const MAX_PROOFS: usize = 50;

/// That a command was seen to offer no tool and to send our texts alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Version of Codex.
    pub codex: String,
    /// Model that was named.
    pub model: String,
    /// Everything else that the proof depends on, as a hash.
    pub command: String,
    /// What was sent beside the question, in bytes: instructions, form of the answer, and the fields
    /// of Codex itself.
    pub overhead: usize,
    /// When it was seen.
    pub at: Timestamp,
}

/// The proof for a command: one that is kept, or one that is made now.
///
/// # Errors
/// When the command does more than it may, or could not be seen to do less.
pub(super) async fn of(leash: &Leash<'_>, stop: &Stop) -> Result<Proof, Failure> {
    let command = fingerprint(leash);
    let version = leash.installed.version.to_string();
    if let Some(proof) = kept().into_iter().find(|proof| proof.command == command) {
        return Ok(proof);
    }
    let overhead = prove(leash, stop).await?;
    let model = leash.choice.model.clone();
    let proof = Proof { codex: version, model, command, overhead, at: Timestamp::now() };
    keep(&proof);
    Ok(proof)
}

/// Runs both rounds against a listener; gives the overhead of the first in bytes.
async fn prove(leash: &Leash<'_>, stop: &Stop) -> Result<usize, Failure> {
    let unproven = |problem: &str| Failure::of("leash-unproven", problem);
    let secret = Nonce::random().map_err(|error| unproven(&error.to_string()))?;
    let listener = Listener::start(&secret.fence)
        .await
        .map_err(|error| unproven(&format!("cannot listen on 127.0.0.1: {error}")))?;
    let destination = Destination::Listener(listener.address());
    let (first, overhead) = round(&leash.call(destination, None), &listener, stop).await?;
    let Some(session) = first.session_id else {
        return Err(unproven("Codex named no session"));
    };
    round(&leash.call(destination, Some(&session)), &listener, stop).await?;
    Ok(overhead)
}

/// One turn against the listener, and its overhead in bytes.
async fn round(
    call: &Call,
    listener: &Listener,
    stop: &Stop,
) -> Result<(Consulted, usize), Failure> {
    let clock = Clock { first_answer: PATIENCE, idle: PATIENCE, deadline: PATIENCE };
    let consulted = supervise::run(call, QUESTION, clock, stop, &mut |_| {}).await;
    let heard = listener.take();
    if let Outcome::Unavailable(failure) = &consulted.outcome
        && (heard.is_empty() || failure.exit().is_some())
    {
        if failure.class == "session-gone" {
            let message = "Codex could not keep a session in its home; the disk may be full";
            return Err(Failure::of("codex-home", message));
        }
        let message = format!("the leash could not be proven: {}", failure.message);
        return Err(Failure { message, ..failure.clone() });
    }
    match inspect(&heard) {
        Ok(overhead) => Ok((consulted, overhead)),
        Err(breach) => Err(Failure::of("leash-broken", &breach)),
    }
}

/// What is wrong with what was sent; where nothing is, the bytes beside the question.
fn inspect(heard: &[Heard]) -> Result<usize, String> {
    if let Some(other) = heard.iter().find(|heard| !heard.is_question()) {
        return Err(format!("Codex would also send something to `{}`", shown(&other.path)));
    }
    let [question] = heard else {
        return Err(format!("Codex would ask {} times where one question is due", heard.len()));
    };
    let body: Value = serde_json::from_slice(&question.body)
        .map_err(|_| "Codex would send something that cannot be read".to_owned())?;
    // Newer models get their tools as an item of the input.
    let holders = std::iter::once(&body).chain(list(&body["input"]));
    let tools: Vec<String> =
        holders.flat_map(|holder| list(&holder["tools"])).map(name_of).collect();
    if !tools.is_empty() {
        return Err(format!("Codex would offer the model tools: {}", shown(&tools.join(", "))));
    }
    let texts = texts(&body);
    let ours = [prompt::INSTRUCTIONS.trim(), QUESTION, "proven", ""];
    if let Some(foreign) = texts.iter().find(|text| !ours.contains(&text.trim())) {
        let begin: String = foreign.chars().take(80).collect();
        return Err(format!("Codex would add a text that is not ours: {}", shown(&begin)));
    }
    let asked = texts.iter().filter(|text| text.trim() == QUESTION).count();
    if asked == 0 {
        return Err("Codex would not send the question as it is".to_owned());
    }
    let sent = body.to_string();
    if let Some(field) = TELLING.iter().find(|field| sent.contains(**field)) {
        return Err(format!("Codex would tell of a repository (`{field}`)"));
    }
    Ok(question.body.len().saturating_sub(asked * Value::from(QUESTION).to_string().len()))
}

/// Every text that a model would read. What is no text stands as it is, and is foreign.
fn texts(body: &Value) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    texts.extend(body["instructions"].as_str().map(str::to_owned));
    for item in list(&body["input"]) {
        match &item["content"] {
            _ if is_setting(item) => {}
            Value::String(text) => texts.push(text.clone()),
            Value::Array(parts) => texts.extend(parts.iter().map(text_of)),
            _ => texts.push(item.to_string()),
        }
    }
    texts
}

/// The reasoning effort, which some models get as an item beside the messages.
fn is_setting(item: &Value) -> bool {
    let mut rest = item.as_object().into_iter().flatten().filter(|(key, _)| *key != "id");
    item["type"] == "configuration_update"
        && rest.all(|(key, value)| {
            key == "type" || (key == "reasoning" && value.to_string().len() < 100)
        })
}

fn text_of(part: &Value) -> String {
    part["text"].as_str().map_or_else(|| part.to_string(), str::to_owned)
}

fn name_of(tool: &Value) -> String {
    let name = tool["name"].as_str().or(tool["type"].as_str());
    name.map_or_else(|| tool.to_string(), str::to_owned)
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn shown(text: &str) -> String {
    visible::line(text).into_string()
}

/// Everything that a proof depends on: the binary, the kind of login, the arguments, and the texts that
/// the call names by their place in its temporary folder.
fn fingerprint(leash: &Leash<'_>) -> String {
    let call = leash.call(Destination::Service, None);
    let workspace = leash.workspace.path().to_string_lossy();
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_PKG_VERSION"), leash.installed.version.to_string()).hash(&mut hasher);
    call.program.hash(&mut hasher);
    if let Ok(about) = fs::metadata(&call.program) {
        (about.len(), about.modified().ok()).hash(&mut hasher);
    }
    home::login_kind().hash(&mut hasher);
    for arg in &call.args {
        arg.to_string_lossy().replace(&*workspace, "").hash(&mut hasher);
    }
    for (name, _) in &call.environment {
        name.hash(&mut hasher);
    }
    for file in leash.workspace.texts() {
        fs::read(file).unwrap_or_default().hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

fn path() -> Option<PathBuf> {
    Some(home::state_dir()?.join("leash.json"))
}

/// The proofs that are kept; a file that is none of ours holds none.
fn kept() -> Vec<Proof> {
    let text = path().and_then(|path| fs::read(path).ok()).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

/// Keeps a proof. Where that fails, or another process keeps one at the same moment, it is made again.
fn keep(proof: &Proof) {
    let mut proofs = kept();
    proofs.push(proof.clone());
    let oldest = proofs.len().saturating_sub(MAX_PROOFS);
    if let Some(path) = path() {
        drop(write(&path, &proofs[oldest..]));
    }
}

fn write(path: &Path, proofs: &[Proof]) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    home::create_private(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, proofs)?;
    file.write_all(b"\n")?;
    file.persist(path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(body: &Value) -> Heard {
        Heard { path: "/x/v1/responses".to_owned(), body: body.to_string().into() }
    }

    fn message(role: &str, text: &str) -> Value {
        json!({"type": "message", "role": role, "content": [{"type": "input_text", "text": text}]})
    }

    fn honest() -> Value {
        json!({"instructions": prompt::INSTRUCTIONS, "tools": [],
               "input": [message("developer", prompt::INSTRUCTIONS), message("user", QUESTION)]})
    }

    #[track_caller]
    fn check(change: impl Fn(&mut Value), expected: &str) {
        let mut body = honest();
        change(&mut body);
        let found = inspect(&[asked(&body)]).unwrap_err();
        assert!(found.starts_with(expected), "{found}");
    }

    #[test]
    fn our_texts_alone_are_a_proof() {
        assert!(inspect(&[asked(&honest())]).unwrap() < 1_000);
    }

    #[test]
    fn anything_else_is_none() {
        check(
            |body| {
                body["tools"] =
                    json!([{"type": "function", "name": "exec"}, {"type": "web_search"}]);
            },
            "Codex would offer the model tools: exec, web_search",
        );
        check(
            |body| {
                body["input"][0] = json!({"type": "additional_tools", "tools": [{"name": "exec"}]});
            },
            "Codex would offer the model tools: exec",
        );
        let add = |item: Value| {
            move |body: &mut Value| body["input"].as_array_mut().unwrap().push(item.clone())
        };
        check(
            add(message("user", "# AGENTS.md")),
            "Codex would add a text that is not ours: # AGENTS",
        );
        check(add(json!({"type": "reasoning"})), "Codex would add a text that is not ours");
        check(
            |body| drop(body["input"].as_array_mut().unwrap().pop()),
            "Codex would not send the question as it is",
        );
        check(
            |body| body["instructions"] = json!("You are a coding agent"),
            "Codex would add a text",
        );
        check(
            |body| body["client_metadata"] = json!({"associated_remote_urls": {"origin": "x"}}),
            "Codex would tell of a repository",
        );
        assert!(inspect(&[]).is_err());
        assert!(inspect(&[asked(&honest()), asked(&honest())]).is_err());
        let elsewhere = Heard { path: "/x/v1/events".to_owned(), body: "{}".into() };
        assert!(inspect(&[asked(&honest()), elsewhere]).is_err());
    }
}
