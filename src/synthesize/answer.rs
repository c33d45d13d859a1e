//! Codex's last message, read as the form that was asked for, and tolerantly where it is not quite.

use serde_json::Value;

use crate::rules::Severity;

/// An answer has not more entries of a kind than this; the rest is dropped.
const MAX_ENTRIES: usize = 200;

/// A field is not longer than this, in characters; the rest is dropped. The raw text is kept whole.
const MAX_FIELD: usize = 8_000;

/// An answer that could be read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answer {
    /// Prose for people.
    pub summary: String,
    /// One opinion for each hunk, under the label that it was given.
    pub hunks: Vec<HunkOpinion>,
    /// The flaws that it claims.
    pub findings: Vec<Claim>,
    /// What it would have to see.
    pub needs_context: Vec<ContextRequest>,
    /// Entries beyond what is read of one answer.
    pub dropped: usize,
}

/// What the model says of a hunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HunkOpinion {
    /// The label, as given by the model.
    pub label: String,
    /// Its opinion.
    pub opinion: Opinion,
    /// Why.
    pub note: String,
}

/// An opinion on a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opinion {
    /// There is a flaw.
    Finding,
    /// There is none.
    Clear,
    /// It cannot be told.
    Unsure,
}

/// A flaw that the model claims, before anything is checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    pub(super) label: String,
    pub(super) file: String,
    pub(super) start_line: u32,
    pub(super) end_line: u32,
    pub(super) category: String,
    /// `None` where the word is none of ours.
    pub(super) severity: Option<Severity>,
    pub(super) confidence: f64,
    pub(super) title: String,
    pub(super) evidence: String,
    pub(super) explanation: String,
    pub(super) recommendation: String,
}

/// Something that the model would have to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextRequest {
    /// Path of a file.
    pub path: String,
    /// Lines or a symbol.
    pub what: String,
    /// Why.
    pub why: String,
}

impl Answer {
    /// Reads an answer. `None` where it holds no JSON object with at least one of our keys.
    pub fn read(text: &str) -> Option<Answer> {
        let value = object(text)?;
        let lists = ["hunks", "findings", "needs_context"].map(|key| value[key].as_array());
        let beyond = |list: &Vec<Value>| list.len().saturating_sub(MAX_ENTRIES);
        Some(Answer {
            summary: field(&value, "summary"),
            hunks: entries(&value, "hunks").filter_map(opinion).collect(),
            findings: entries(&value, "findings").map(claim).collect(),
            needs_context: entries(&value, "needs_context").map(context).collect(),
            dropped: lists.into_iter().flatten().map(beyond).sum(),
        })
    }
}

/// More braces than this at which the object could begin are not tried.
const MAX_BRACES: usize = 200;

/// A longer text than this, in bytes, is read as prose: no model writes so much.
const MAX_TEXT: usize = 2 << 20;

/// So many bytes are tried in all: text of many braces could be read to its end from each of them.
const MAX_TRIED: usize = 4 * MAX_TEXT;

/// The object, wherever it stands in the text. Of several the one with most of our keys counts, and of those
/// the last: a model may quote another one before it gives its own.
fn object(text: &str) -> Option<Value> {
    let known = |value: &Value| {
        let keys = ["summary", "hunks", "findings", "needs_context"];
        keys.into_iter().filter(|key| value.get(key).is_some()).count()
    };
    let mut best: Option<Value> = None;
    let (mut from, mut tried) = (0, 0);
    for _ in 0..MAX_BRACES {
        let Some(start) = text[from..].find('{').map(|at| from + at) else { break };
        tried += text.len() - start;
        if text.len() > MAX_TEXT || tried > MAX_TRIED {
            break;
        }
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        from = start + 1;
        if let Some(Ok(value)) = values.next()
            && known(&value) > 0
        {
            from = start + values.byte_offset();
            if best.as_ref().is_none_or(|other| known(&value) >= known(other)) {
                best = Some(value);
            }
        }
    }
    best
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    let list = value.get(key).and_then(Value::as_array).into_iter().flatten();
    list.filter(|entry| entry.is_object()).take(MAX_ENTRIES)
}

fn field(value: &Value, key: &str) -> String {
    let text = match value.get(key) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(lines)) => {
            lines.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n")
        }
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    match text.char_indices().nth(MAX_FIELD) {
        Some((at, _)) => text[..at].to_owned(),
        None => text,
    }
}

/// A line number, given as a number or as text; 0 where there is none.
fn line(value: &Value, key: &str) -> u32 {
    let number = value.get(key);
    let number = number.and_then(|n| n.as_u64().or_else(|| n.as_str()?.trim().parse().ok()));
    number.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
}

fn opinion(value: &Value) -> Option<HunkOpinion> {
    let opinion = match field(value, "verdict").trim().to_ascii_lowercase().as_str() {
        "finding" => Opinion::Finding,
        "clear" => Opinion::Clear,
        "unsure" => Opinion::Unsure,
        _ => return None,
    };
    Some(HunkOpinion {
        label: field(value, "hunk").trim().to_owned(),
        opinion,
        note: field(value, "note"),
    })
}

fn claim(value: &Value) -> Claim {
    let start_line = line(value, "start_line");
    let confidence = value.get("confidence").and_then(Value::as_f64).unwrap_or(0.5);
    Claim {
        label: field(value, "hunk").trim().to_owned(),
        file: field(value, "file").trim().to_owned(),
        start_line,
        end_line: line(value, "end_line").max(start_line),
        category: field(value, "category").trim().to_ascii_lowercase(),
        severity: Severity::named(field(value, "severity").trim()),
        confidence: if confidence.is_finite() { confidence.clamp(0.0, 1.0) } else { 0.5 },
        title: field(value, "title"),
        evidence: field(value, "evidence"),
        explanation: field(value, "explanation"),
        recommendation: field(value, "recommendation"),
    }
}

fn context(value: &Value) -> ContextRequest {
    ContextRequest {
        path: field(value, "path"),
        what: field(value, "what"),
        why: field(value, "why"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = r#"{"summary":"s","hunks":[{"hunk":"H1-k7f3","verdict":"clear","note":"n"}],"findings":[],"needs_context":[]}"#;

    #[test]
    fn the_form_is_read_bare_fenced_and_within_prose() {
        for text in [
            FORM.to_owned(),
            format!("```json\n{FORM}\n```"),
            format!("Here it is: {FORM} I hope it helps."),
            format!("For a call f({{}}) {{ }} it is {FORM}"),
            format!("The change quotes {{\"summary\":\"x\"}}; mine is {FORM}"),
            format!("{{\"answer\": {FORM}}}"),
            format!(
                "{{\"summary\":\"\",\"hunks\":[],\"findings\":[],\"needs_context\":[]}}\n{FORM}"
            ),
        ] {
            let answer = Answer::read(&text).unwrap();
            assert_eq!(answer.hunks[0].opinion, Opinion::Clear, "{text}");
        }
    }

    #[test]
    fn what_is_no_answer_is_none() {
        for text in ["", "All good!", "[1, 2]", "{\"other\": 1}", "{\"summary\": "] {
            assert_eq!(Answer::read(text), None, "{text}");
        }
    }

    #[test]
    fn missing_and_odd_fields_are_borne() {
        let text = r#"{"findings":[{"start_line":"7","severity":"HIGH","confidence":9,"evidence":["a","b"]},3],"hunks":[{"hunk":"H1","verdict":"maybe"}]}"#;
        let answer = Answer::read(text).unwrap();
        let claim = &answer.findings[0];
        assert_eq!(
            (claim.start_line, claim.end_line, claim.severity),
            (7, 7, Some(Severity::High))
        );
        assert_eq!((claim.evidence.as_str(), claim.confidence), ("a\nb", 1.0));
        assert!(answer.hunks.is_empty() && answer.findings.len() == 1);
    }

    #[test]
    fn nested_braces_cost_no_more_than_a_long_answer() {
        let nested = format!("{}{}", "{\"x\":[".repeat(100), "1,".repeat(MAX_TEXT / 3));
        let begun = std::time::Instant::now();
        assert_eq!(Answer::read(&nested), None);
        assert_eq!(Answer::read(&format!("{nested}{nested}{FORM}")), None);
        assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _ = Answer::read(&text);
        }
    }
}
