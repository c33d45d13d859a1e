//! What a client asks for: the arguments of each tool as they come, and their bounds.
//!
//! Their documentation is what an agent reads in the schema of the tool.

use anyhow::{Context, Result, bail};
use rmcp::model::JsonObject;
use rmcp::schemars::{self, JsonSchema};
use serde::Deserialize;
use serde_json::json;

use super::tools::Tool;
use crate::cli::FreshArg;
use crate::commands::{FollowUp, Inquiry};
use crate::prompt::Kind;
use crate::source::Spec;
use crate::visible;

/// A longer name of a revision, a path or a review than this, in bytes, is a mistake.
const MAX_NAME: usize = 1_000;

/// A longer text than this, in bytes, is no question and no plan.
const MAX_TEXT: usize = 1 << 20;

/// More attempts, files or changes than this are no question either.
const MAX_ITEMS: usize = 100;

/// What is asked, by the name of the tool.
#[derive(Debug, Deserialize)]
#[serde(tag = "tool", content = "arguments", rename_all = "snake_case")]
pub(super) enum Request {
    Review(Review),
    Scan(Scan),
    Consult(Consult),
    FollowUp(FollowOn),
    Show(Show),
    Doghouse(Doghouse),
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Review {
    /// What to compare: `A..B`, `A...B` (from the merge base), `REV` for `REV..HEAD`, `staged`, or `worktree`.
    /// Without it from the merge base with the upstream branch to HEAD.
    pub(super) source: Option<String>,
    /// A question in place of the built-in one about security.
    pub(super) question: Option<String>,
    /// Show what the rules alone say, and do not ask Codex.
    pub(super) local_only: Option<bool>,
    /// Ask although the same question about the same change was answered before.
    pub(super) fresh: Option<bool>,
    /// Path of the repository, where it is not the one that the server was started in.
    pub(super) repository: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Scan {
    /// What to compare: `A..B`, `A...B` (from the merge base), `REV` for `REV..HEAD`, `staged`, or `worktree`.
    /// Without it from the merge base with the upstream branch to HEAD.
    pub(super) source: Option<String>,
    /// Path of the repository, where it is not the one that the server was started in.
    pub(super) repository: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Consult {
    /// What kind of question it is.
    pub(super) kind: Asked,
    /// The question in your words.
    #[serde(default)]
    pub(super) question: Option<String>,
    /// What goes wrong; for a root cause.
    #[serde(default)]
    pub(super) symptom: Option<String>,
    /// The fixes that failed, two at least for a root cause: each a source (`A..B`, `staged`, `worktree`) or in words.
    #[serde(default)]
    pub(super) attempts: Vec<String>,
    /// Files of the repository that belong to it, `PATH` or `PATH:A-B` for some of its lines.
    #[serde(default)]
    pub(super) context: Vec<String>,
    /// Changes that belong to it: each a source.
    #[serde(default)]
    pub(super) diffs: Vec<String>,
    /// A text that it is about: the plan, the answer that you do not trust, code with its surroundings.
    #[serde(default)]
    pub(super) text: Option<String>,
    /// Ask although the same question was answered before.
    #[serde(default)]
    pub(super) fresh: Option<bool>,
    /// Path of the repository, where it is not the one that the server was started in.
    #[serde(default)]
    pub(super) repository: Option<String>,
}

/// A kind of consultation, as the schema lists it.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub(super) enum Asked {
    Architecture,
    RootCause,
    Algorithm,
    Plan,
    LowConfidence,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct FollowOn {
    /// The `record` of the review or consultation; the newest without it.
    pub(super) id: Option<String>,
    /// The question.
    pub(super) text: Option<String>,
    /// Numbers, from 1, of what `synthesis.needs_context` asks to see and may see.
    pub(super) grants: Vec<usize>,
    /// Path of the repository, where it is not the one that the server was started in.
    pub(super) repository: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Show {
    /// The `record` of the review, or its beginning or end; the newest without it.
    pub(super) id: Option<String>,
    /// Path of the repository, where it is not the one that the server was started in.
    pub(super) repository: Option<String>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Doghouse {}

impl Request {
    /// Whether an answer of before will not do.
    pub(super) fn fresh(&self) -> FreshArg {
        let fresh = match self {
            Request::Review(asked) => asked.fresh,
            Request::Consult(asked) => asked.fresh,
            Request::Scan(_) | Request::FollowUp(_) | Request::Show(_) | Request::Doghouse(_) => {
                None
            }
        };
        FreshArg { fresh: fresh.unwrap_or_default() }
    }

    /// Reads the arguments of a tool.
    ///
    /// # Errors
    /// When one is missing, unknown, of the wrong kind or too large.
    pub(super) fn read(tool: Tool, mut arguments: JsonObject) -> Result<Request> {
        // Some clients send every argument, and an empty one where there is nothing to say.
        arguments.retain(|_, value| !value.is_null() && value != "");
        let request = json!({"tool": tool.name(), "arguments": arguments});
        let request: Request = serde_json::from_value(request)
            .with_context(|| format!("the arguments of `{}` are wrong", tool.name()))?;
        request.check()?;
        Ok(request)
    }

    /// The repository that is named.
    pub(super) fn repository(&self) -> Option<&str> {
        let named = match self {
            Request::Review(Review { repository, .. })
            | Request::Scan(Scan { repository, .. })
            | Request::Consult(Consult { repository, .. })
            | Request::FollowUp(FollowOn { repository, .. })
            | Request::Show(Show { repository, .. }) => repository,
            Request::Doghouse(Doghouse {}) => &None,
        };
        named.as_deref()
    }

    fn check(&self) -> Result<()> {
        each("repository", self.repository(), name)?;
        match self {
            Request::Review(Review { source, question, .. }) => {
                each("source", source, name)?;
                each("question", question, text)
            }
            Request::Scan(Scan { source, .. }) => each("source", source, name),
            Request::Consult(consult) => consult.check(),
            Request::FollowUp(FollowOn { id, text: asked, .. }) => {
                each("id", id, name)?;
                each("text", asked, text)
            }
            Request::Show(Show { id, .. }) => each("id", id, name),
            Request::Doghouse(Doghouse {}) => Ok(()),
        }
    }
}

impl Consult {
    fn check(&self) -> Result<()> {
        let Consult { question, symptom, text: given, attempts, context, diffs, .. } = self;
        for (what, items) in [("attempts", attempts), ("context", context), ("diffs", diffs)] {
            if items.len() > MAX_ITEMS {
                bail!("`{what}` has more than {MAX_ITEMS} entries; give those that matter");
            }
        }
        each("question", question, text)?;
        each("symptom", symptom, text)?;
        each("text", given, text)?;
        each("context", context, name)?;
        each("diffs", diffs, name)?;
        // An attempt in words is a text, and one without a space a source.
        each("attempts", attempts, |what, attempt| match attempt.contains(char::is_whitespace) {
            true => text(what, attempt),
            false => name(what, attempt),
        })
    }

    /// The kind, as the command line knows it.
    pub(super) fn kind(&self) -> Kind {
        match self.kind {
            Asked::Architecture => Kind::Architecture,
            Asked::RootCause => Kind::RootCause,
            Asked::Algorithm => Kind::Algorithm,
            Asked::Plan => Kind::Plan,
            Asked::LowConfidence => Kind::LowConfidence,
        }
    }

    /// What is asked. What earns no call stays refused: to insist is for a person.
    pub(super) fn inquiry(self) -> Inquiry {
        let name = if matches!(self.kind, Asked::Plan) { "plan" } else { "text" };
        Inquiry {
            question: self.question,
            symptom: self.symptom,
            attempts: self.attempts,
            context: self.context,
            diffs: self.diffs,
            text: self.text.map(|text| (name.to_owned(), text)),
            anyway: false,
        }
    }
}

impl From<FollowOn> for FollowUp {
    fn from(wanted: FollowOn) -> FollowUp {
        FollowUp { id: wanted.id, text: wanted.text, grant: wanted.grants }
    }
}

/// The source that is named.
pub(super) fn spec(source: Option<&str>) -> Spec {
    source.map_or(Spec::Default, Spec::named)
}

/// Checks each of the texts of an argument.
fn each(
    what: &str,
    texts: impl IntoIterator<Item = impl AsRef<str>>,
    check: impl Fn(&str, &str) -> Result<()>,
) -> Result<()> {
    texts.into_iter().try_for_each(|text| check(what, text.as_ref()))
}

fn text(what: &str, text: &str) -> Result<()> {
    match text.len() > MAX_TEXT {
        true => bail!("`{what}` is larger than 1 MiB; give the part that matters"),
        false => Ok(()),
    }
}

/// A revision, a path or a name: short, one line, and no option.
fn name(what: &str, name: &str) -> Result<()> {
    let shown = || visible::line(name.chars().take(80).collect::<String>());
    match () {
        () if name.len() > MAX_NAME => {
            bail!("`{what}` is longer than {MAX_NAME} bytes: `{}…`", shown())
        }
        () if name.starts_with('-') => {
            bail!("`{what}` is `{}`, which reads like an option; none is taken here", shown())
        }
        () if name.chars().any(char::is_control) => {
            bail!("`{what}` has control characters: `{}`", shown())
        }
        () => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[track_caller]
    fn refused(tool: Tool, arguments: Value, says: &str) {
        let Value::Object(arguments) = arguments else { panic!("no arguments") };
        let error = format!("{:#}", Request::read(tool, arguments).unwrap_err());
        assert!(error.contains(says) && !error.contains('\n'), "{error}");
        assert!(error.len() < 400, "{} bytes", error.len());
    }

    #[test]
    fn hostile_arguments_are_refused_in_one_line() {
        let long = "x".repeat(MAX_TEXT + 1);
        refused(Tool::Review, json!({"source": "--output=/etc/x"}), "reads like an option");
        refused(Tool::Scan, json!({"source": "a\u{0}b"}), "control characters");
        refused(Tool::Review, json!({"source": long.as_str()}), "longer than 1000 bytes");
        refused(Tool::Review, json!({"question": long.as_str()}), "larger than 1 MiB");
        refused(Tool::Review, json!({"repository": "-C"}), "reads like an option");
        refused(Tool::Review, json!({"sources": "x"}), "unknown field `sources`");
        refused(Tool::Show, json!({"id": ["x"]}), "invalid type");
        refused(Tool::Consult, json!({}), "missing field `kind`");
        refused(Tool::Consult, json!({"kind": "naming"}), "unknown variant `naming`");
        refused(Tool::Consult, json!({"kind": "plan", "context": ["--x"]}), "`context` is `--x`");
        refused(
            Tool::Consult,
            json!({"kind": "root-cause", "attempts": ["--upload-pack=x"]}),
            "reads like an option",
        );
        refused(Tool::FollowUp, json!({"grants": [-1]}), "invalid value");
    }

    #[test]
    fn an_empty_argument_is_none() {
        let arguments = json!({"source": "", "question": null});
        let request = Request::read(Tool::Review, arguments.as_object().unwrap().clone()).unwrap();
        assert!(matches!(request, Request::Review(Review { source: None, question: None, .. })));
    }

    #[test]
    fn every_kind_can_be_asked() {
        use clap::ValueEnum;
        for kind in Kind::value_variants() {
            let arguments = json!({"kind": kind.name()}).as_object().unwrap().clone();
            let request = Request::read(Tool::Consult, arguments).unwrap();
            assert!(matches!(request, Request::Consult(asked) if asked.kind() == *kind));
        }
    }
}
