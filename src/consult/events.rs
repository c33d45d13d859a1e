//! What Codex's lines mean: events on stdout, the heartbeat on stderr.

use serde_json::Value;

/// An event line of `codex exec --json`.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The session has an id; printed before any request.
    ThreadStarted(String),
    /// A message of the model; the last one is the answer, if the turn completes.
    Message(String),
    /// The turn is complete, with its token counts.
    Completed(Value),
    /// The turn has failed.
    Failed(String),
    /// An error that need not be final.
    Error(String),
    /// A warning; the turn goes on.
    Warning(String),
    /// The model acted or tried to.
    Acted(String),
    /// Anything else: kept and passed over.
    Other,
}

/// Item types that show no action.
const HARMLESS: [&str; 3] = ["agent_message", "reasoning", "error"];

/// Item types known to be actions, and parts of names that a future one would have.
const ACTIONS: [&str; 16] = [
    "command",
    "file_change",
    "tool",
    "web_search",
    "todo_list",
    "exec",
    "patch",
    "search",
    "call",
    "browser",
    "computer",
    "shell",
    "edit",
    "mcp",
    "function",
    "agent",
];

impl Event {
    /// Reads a line; one that is no event is [`Event::Other`].
    pub fn read(line: &str) -> Event {
        let Ok(value) = serde_json::from_str::<Value>(line) else {
            return Event::Other;
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match value["type"].as_str().unwrap_or_default() {
            "thread.started" => Event::ThreadStarted(text(&value["thread_id"])),
            "turn.completed" => Event::Completed(value["usage"].clone()),
            "turn.failed" => Event::Failed(text(&value["error"]["message"])),
            "error" => Event::Error(text(&value["message"])),
            "item.started" | "item.updated" | "item.completed" => Event::item(&value),
            _ => Event::Other,
        }
    }

    fn item(event: &Value) -> Event {
        let item = &event["item"];
        let kind = item["type"].as_str().unwrap_or_default();
        let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
        match (kind, event["type"].as_str()) {
            ("agent_message", Some("item.completed")) => Event::Message(text("text")),
            ("error", _) => Event::Warning(text("message")),
            (kind, _) if HARMLESS.contains(&kind) => Event::Other,
            (kind, _) if ACTIONS.iter().any(|action| kind.contains(action)) => {
                Event::Acted(kind.to_owned())
            }
            _ => Event::Other,
        }
    }
}

/// A sign on stderr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sign {
    /// The headers of an HTTP answer have arrived, with this status.
    Headers(u16),
    /// A connection could not be made.
    NoConnection,
    /// One event of the stream: the model is alive.
    Alive,
    /// A tool was called, or refused.
    Acted(String),
    /// The heartbeat's other lines.
    Beat,
    /// An ordinary line.
    Text,
}

impl Sign {
    /// Reads a line of stderr. Heartbeat lines name the account: they are read and never kept.
    pub fn read(line: &str) -> Sign {
        if let Some(name) = after(line, "unsupported call: ") {
            return Sign::Acted(name.to_owned());
        }
        if line.contains("codex_core::tools::router") && line.contains("ERROR") {
            return Sign::Acted("a refused tool".to_owned());
        }
        let Some(event) = after(line, "event.name=\"") else {
            return if line.contains("codex_otel") { Sign::Beat } else { Sign::Text };
        };
        if event.starts_with("codex.tool_result") || event.starts_with("codex.tool_decision") {
            let name = after(line, "tool_name=").unwrap_or("a tool");
            return Sign::Acted(name.trim_matches('"').to_owned());
        }
        if event.starts_with("codex.sse_event") || event.starts_with("codex.websocket_event") {
            return Sign::Alive;
        }
        if !event.starts_with("codex.api_request") {
            return Sign::Beat;
        }
        match after(line, "http.response.status_code=").and_then(|code| code.parse().ok()) {
            Some(status) => Sign::Headers(status),
            None if line.contains("error sending request") => Sign::NoConnection,
            None => Sign::Beat,
        }
    }

    /// Whether the line may be kept in a record.
    pub fn may_be_kept(&self) -> bool {
        matches!(self, Sign::Text)
    }
}

/// The word behind a mark, up to the next blank.
fn after<'a>(line: &'a str, mark: &str) -> Option<&'a str> {
    let at = line.find(mark)? + mark.len();
    line[at..].split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_a_turn_are_read() {
        let check = |line: &str, expected: Event| assert_eq!(Event::read(line), expected, "{line}");
        check(
            r#"{"type":"thread.started","thread_id":"0199"}"#,
            Event::ThreadStarted("0199".into()),
        );
        check(
            r#"{"type":"item.completed","item":{"id":"i","type":"agent_message","text":"hi"}}"#,
            Event::Message("hi".into()),
        );
        check(r#"{"type":"turn.failed","error":{"message":"no"}}"#, Event::Failed("no".into()));
        check(
            r#"{"type":"error","message":"Reconnecting... 1/5"}"#,
            Event::Error("Reconnecting... 1/5".into()),
        );
        check(
            r#"{"type":"item.completed","item":{"type":"error","message":"model rerouted: a -> b"}}"#,
            Event::Warning("model rerouted: a -> b".into()),
        );
        check(r#"{"type":"something.new"}"#, Event::Other);
        check("no json", Event::Other);
        check(r#"{"type":"item.started","item":{"type":"reasoning","text":"x"}}"#, Event::Other);
    }

    #[test]
    fn every_acting_item_is_one() {
        for kind in [
            "command_execution",
            "file_change",
            "mcp_tool_call",
            "collab_tool_call",
            "web_search",
            "todo_list",
            "image_generation_call",
            "spawned_agent",
        ] {
            let line = format!(r#"{{"type":"item.started","item":{{"id":"i","type":"{kind}"}}}}"#);
            assert_eq!(Event::read(&line), Event::Acted(kind.to_owned()));
        }
    }

    #[test]
    fn the_heartbeat_is_read_and_not_kept() {
        let check = |line: &str, expected: Sign| assert_eq!(Sign::read(line), expected, "{line}");
        check(
            r#"INFO codex_otel.log_only: event.name="codex.api_request" user.email="a@b" http.response.status_code=503 attempt=0"#,
            Sign::Headers(503),
        );
        check(
            r#"event.name="codex.api_request" error.message="error sending request" attempt=0"#,
            Sign::NoConnection,
        );
        check(r#"event.name="codex.sse_event" event.kind=response.output_text.delta"#, Sign::Alive);
        check(
            r#"event.name="codex.tool_result" tool_name=exec_command call_id=1"#,
            Sign::Acted("exec_command".into()),
        );
        check(
            "ERROR codex_core::tools::router: error=unsupported call: shell",
            Sign::Acted("shell".into()),
        );
        check("WARNING: proceeding", Sign::Text);
        assert!(
            !Sign::read(r#"event.name="codex.conversation_starts" user.email="a@b""#).may_be_kept()
        );
    }

    proptest::proptest! {
        #[test]
        fn no_line_makes_it_panic(line: String) {
            let _ = (Event::read(&line), Sign::read(&line));
        }
    }
}
