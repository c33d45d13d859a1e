//! The tools: what each is called, what an agent reads about it, and what it does.

use std::sync::Arc;

use anyhow::{Context, Result};
use rmcp::handler::server::tool::schema_for_input;
use rmcp::model::{JsonObject, MetaObject, Tool as Listed, ToolAnnotations};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::arguments::{self, Request};
use super::places::Place;
use crate::commands::{self, News, Session, Wish};
use crate::consult::Stop;
use crate::report::{agent, json as wire, progress};
use crate::visible;

/// What earns a call and what does not, for the tools that make one.
const EARNS: &str = include_str!("earns.md");

/// Claude Code keeps longer results than 25,000 tokens from the model unless a tool names a bound, in characters.
const MAX_RESULT: (&str, usize) = ("anthropic/maxResultSizeChars", 400_000);

/// A tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tool {
    Review,
    Scan,
    Consult,
    FollowUp,
    Show,
    Doghouse,
}

impl Tool {
    /// All of them, in the order in which they are listed.
    pub(super) const ALL: [Tool; 6] =
        [Tool::Review, Tool::Scan, Tool::Consult, Tool::FollowUp, Tool::Show, Tool::Doghouse];

    /// The tool of a name.
    pub(super) fn named(name: &str) -> Option<Tool> {
        Tool::ALL.into_iter().find(|tool| tool.name() == name)
    }

    /// What it is called.
    pub(super) fn name(self) -> &'static str {
        match self {
            Tool::Review => "review",
            Tool::Scan => "scan",
            Tool::Consult => "consult",
            Tool::FollowUp => "follow_up",
            Tool::Show => "show",
            Tool::Doghouse => "doghouse",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Tool::Review => "Second opinion on a change",
            Tool::Scan => "Risky hunks of a change",
            Tool::Consult => "Second opinion on a decision, a cause, an algorithm or a plan",
            Tool::FollowUp => "Ask on",
            Tool::Show => "An earlier review",
            Tool::Doghouse => "Whether Codex can be asked",
        }
    }

    fn description(self) -> String {
        let own = match self {
            Tool::Review => include_str!("tools/review.md"),
            Tool::Scan => include_str!("tools/scan.md"),
            Tool::Consult => include_str!("tools/consult.md"),
            Tool::FollowUp => include_str!("tools/follow_up.md"),
            Tool::Show => include_str!("tools/show.md"),
            Tool::Doghouse => include_str!("tools/doghouse.md"),
        };
        let earns = if matches!(self, Tool::Review | Tool::Consult) { EARNS } else { "" };
        format!("{own}\n{earns}").trim_end().to_owned()
    }

    /// Whether it may make a call.
    pub(super) fn asks_codex(self) -> bool {
        matches!(self, Tool::Review | Tool::Consult | Tool::FollowUp)
    }

    fn input(self) -> Result<Arc<JsonObject>, String> {
        match self {
            Tool::Review => schema_for_input::<arguments::Review>(),
            Tool::Scan => schema_for_input::<arguments::Scan>(),
            Tool::Consult => schema_for_input::<arguments::Consult>(),
            Tool::FollowUp => schema_for_input::<arguments::FollowOn>(),
            Tool::Show => schema_for_input::<arguments::Show>(),
            Tool::Doghouse => schema_for_input::<arguments::Doghouse>(),
        }
    }

    fn output(self) -> &'static str {
        match self {
            Tool::Review | Tool::Consult | Tool::FollowUp | Tool::Show => {
                include_str!("schemas/review.json")
            }
            Tool::Scan => include_str!("schemas/scan.json"),
            Tool::Doghouse => include_str!("schemas/doghouse.json"),
        }
    }

    /// The tool as a client sees it.
    pub(super) fn listed(self) -> Result<Listed> {
        let input = self.input().map_err(anyhow::Error::msg)?;
        let output: JsonObject = serde_json::from_str(self.output())
            .with_context(|| format!("the schema of `{}` is none", self.name()))?;
        let hints = ToolAnnotations::with_title(self.title())
            .read_only(!self.asks_codex())
            .destructive(false)
            .open_world(self.asks_codex());
        let bound = json!({MAX_RESULT.0: MAX_RESULT.1});
        let bound = bound.as_object().cloned().unwrap_or_default();
        Ok(Listed::new(self.name(), self.description(), input)
            .with_title(self.title())
            .with_raw_output_schema(Arc::new(output))
            .with_annotations(hints)
            .with_meta(MetaObject::from(bound)))
    }
}

/// What an answer is made in, and with.
pub(super) struct Work {
    pub(super) place: Place,
    pub(super) flags: Vec<(String, String)>,
    pub(super) stop: Stop,
    /// Where it says how far it is.
    pub(super) say: watch::Sender<String>,
}

/// What a tool gives.
#[derive(Debug)]
pub(super) struct Answer {
    /// The JSON of the command line, with what is invisible made visible: a model reads it.
    pub(super) report: Value,
    /// The short form in Markdown.
    pub(super) text: String,
}

/// Does what the command of the same name does.
///
/// # Errors
/// When the request is wrong, in the words of the command line.
pub(super) fn answer(tool: Tool, request: Request, work: Work) -> Result<Answer> {
    let Work { place, mut flags, stop, say } = work;
    flags.extend(request.fresh().flag());
    let mut warnings: Vec<String> = Vec::new();
    let mut notify = |news: News<'_>| match news {
        News::Step(_) => drop(say.send("the change is read".to_owned())),
        News::Progress(far) => drop(say.send(progress::state(far))),
        News::Warning(text) => warnings.push(text.to_owned()),
        News::Note(_) => {}
    };
    let session = |spec| -> Result<Session> {
        let mut session = Session::about(Some(place.repo), spec, &flags)?;
        (session.here, session.stop) = (place.folder, stop);
        Ok(session)
    };
    let mut report = match request {
        Request::Review(asked) => {
            let spec = arguments::spec(asked.source.as_deref());
            let local = asked.local_only.unwrap_or_default();
            let wish = if local { Wish::LocalOnly } else { Wish::SecondOpinion };
            let (session, question) = (session(Some(&spec))?, asked.question.as_deref());
            let review = commands::review(&session, &spec, question, wish, &mut notify)?;
            wire::value_of_review(&review)
        }
        Request::Scan(asked) => {
            let spec = arguments::spec(asked.source.as_deref());
            wire::value_of_scan(&commands::scan(&session(Some(&spec))?, &spec)?)
        }
        Request::Consult(asked) => {
            let (session, kind) = (session(None)?, asked.kind());
            let review = commands::consult(&session, kind, &asked.inquiry(), &mut notify)?;
            wire::value_of_review(&review)
        }
        Request::FollowUp(asked) => {
            let review = commands::follow_up(&session(None)?, &asked.into(), &mut notify)?;
            wire::value_of_review(&review)
        }
        Request::Show(asked) => commands::shown(&session(None)?, asked.id.as_deref())?,
        Request::Doghouse(_) => wire::value_of_doghouse(&commands::held(&session(None)?)),
    };
    make_visible(&mut report);
    let mut text = match tool {
        Tool::Scan => agent::brief_scan(&report),
        Tool::Doghouse => agent::brief_doghouse(&report),
        Tool::Review | Tool::Consult | Tool::FollowUp | Tool::Show => agent::brief(&report),
    };
    for warning in warnings {
        text.push_str(&format!("\nwarning: {}\n", visible::line(warning)));
    }
    Ok(Answer { report, text })
}

/// What a program takes for an escape, a model would read as nothing at all.
fn make_visible(value: &mut Value) {
    match value {
        Value::String(text)
            if text.contains(|c| c != '\n' && c != '\t' && visible::is_hidden(c)) =>
        {
            *text = visible::text(text.as_bytes()).into_string();
        }
        Value::Array(items) => items.iter_mut().for_each(make_visible),
        Value::Object(fields) => fields.values_mut().for_each(make_visible),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Claude Code shows a model no more of a description.
    #[test]
    fn every_description_fits_into_what_is_shown() {
        for tool in Tool::ALL {
            let description = tool.description();
            assert!(description.len() <= 2_048, "{}: {}", tool.name(), description.len());
        }
        assert!(super::super::INSTRUCTIONS.len() <= 2_048);
    }

    #[test]
    fn every_tool_has_its_schemas() {
        for tool in Tool::ALL {
            let listed = tool.listed().unwrap();
            assert_eq!(listed.input_schema["type"], "object", "{}", tool.name());
            assert_eq!(listed.input_schema["additionalProperties"], false, "{}", tool.name());
            let output = listed.output_schema.unwrap();
            assert_eq!(output["type"], "object", "{}", tool.name());
        }
    }

    #[test]
    fn a_model_sees_what_is_invisible() {
        let mut report = json!({"answer": "a\u{202e}b\nc", "list": ["\u{200b}"]});
        make_visible(&mut report);
        assert_eq!(report, json!({"answer": "a<U+202E>b\nc", "list": ["<U+200B>"]}));
    }
}
