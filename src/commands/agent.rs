//! `git advisor agent install` and `uninstall`: what other agents need to ask for a second opinion.
//!
//! Each part is a file of ours or a piece of somebody's file, and a function from the text that is there to the text
//! that shall be. What is ours is known by its seal or its value; whatever else stands there stays as it is.

mod disk;
mod entry;
mod sealed;

use std::path::Path;

use anyhow::{Context, Result, bail};
use gix_imara_diff::{Algorithm, BasicLineDiffPrinter, Diff, InternedInput, UnifiedDiffConfig};
use serde_json::{Value, json};

use super::{before_tool, print};
use crate::cli::{AgentAction, AgentArgs, InstallArgs, ScopeArgs};
use crate::env;
use crate::exit::Exit;
use crate::{source, visible};

use disk::Place;

/// The subagent of Claude Code.
const SUBAGENT: &str = include_str!("../../agents/codex-advisor.md");

/// What any agent that reads AGENTS.md is told.
const SNIPPET: &str = include_str!("../../agents/AGENTS.md");

/// Under what keys the MCP server stands.
const SERVER: [&str; 2] = ["mcpServers", "git-advisor"];

/// Under what keys the hooks before a tool stand.
const HOOKS: [&str; 2] = ["hooks", "PreToolUse"];

/// What Claude Code runs before a command of the agent's.
const BEFORE_TOOL: &str = "git-advisor agent before-tool";

/// How long Claude Code waits for it, in seconds: `limits.hook_deadline`, and what goes before and after.
const HOOK_SECONDS: u32 = 260;

/// What shall become of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    /// It is as it should be.
    Nothing,
    /// It shall hold this.
    Write(String),
    /// It shall go.
    Remove,
    /// It is not ours to change, for a reason.
    Left(String),
}

/// A file that is looked at.
struct Part {
    what: &'static str,
    place: Place,
    before: Option<String>,
    change: Change,
}

pub(super) fn run(args: &AgentArgs, flags: &[(String, String)]) -> Result<Exit> {
    let report = match &args.action {
        AgentAction::Install(args) => install(args)?,
        AgentAction::Uninstall(scope) => uninstall(*scope)?,
        AgentAction::BeforeTool => return before_tool::run(flags),
    };
    print(&report)?;
    Ok(Exit::Clean)
}

fn install(args: &InstallArgs) -> Result<String> {
    let files = Files::of(args.scope)?;
    let mut parts = Vec::new();
    if args.claude || args.hook || !args.agents_md {
        parts.push(part("the subagent codex-advisor", &files.subagent, |before| {
            sealed::file(before, SUBAGENT)
        })?);
        parts.push(part("the MCP server git-advisor", &files.servers, |before| {
            entry::member(before, SERVER, &server())
        })?);
    }
    if args.hook {
        parts.push(part("the hook before a push or commit", &files.settings, |before| {
            entry::element(before, HOOKS, &hook(), BEFORE_TOOL)
        })?);
    }
    if args.agents_md {
        let path = files.agents_md.as_ref().context("AGENTS.md belongs to a project")?;
        parts.push(part("the block in AGENTS.md", path, |before| sealed::block(before, SNIPPET))?);
    }
    if args.print {
        let mut report: String = parts.iter().map(shown).collect();
        if !args.agents_md {
            report.push_str("for AGENTS.md, which `--agents-md` writes:\n\n");
            report.push_str(SNIPPET);
        }
        return Ok(report);
    }
    let mut report = done(&parts)?;
    if parts.iter().any(|part| matches!(part.change, Change::Write(_))) {
        report.push_str(
            "an agent that runs already sees it when it is started anew; `claude mcp list` shows the server, and one of \
             a project is approved in `claude` first\n",
        );
    }
    Ok(report)
}

fn uninstall(scope: ScopeArgs) -> Result<String> {
    let files = Files::of(scope)?;
    let mut parts = vec![
        part("the subagent codex-advisor", &files.subagent, sealed::without_file)?,
        part("the MCP server git-advisor", &files.servers, |before| {
            entry::without_member(before, SERVER, &server())
        })?,
        part("the hook before a push or commit", &files.settings, |before| {
            entry::without_element(before, HOOKS, &hook(), BEFORE_TOOL)
        })?,
    ];
    if let Some(path) = &files.agents_md {
        parts.push(part("the block in AGENTS.md", path, sealed::without_block)?);
    }
    parts.retain(|part| part.change != Change::Nothing);
    if parts.is_empty() {
        return Ok("nothing of git-advisor's is installed here\n".to_owned());
    }
    done(&parts)
}

/// The files of a project, or of the user.
struct Files {
    subagent: Place,
    servers: Place,
    settings: Place,
    agents_md: Option<Place>,
}

impl Files {
    fn of(scope: ScopeArgs) -> Result<Files> {
        if scope.user {
            let (folder, state) = env::claude().context("there is no home directory")?;
            return Ok(Files {
                subagent: Place::of_user(folder.join("agents/codex-advisor.md")),
                servers: Place::of_user(state),
                settings: Place::of_user(folder.join("settings.json")),
                agents_md: None,
            });
        }
        let repo = source::open()?;
        let Some(top) = repo.workdir().map(Path::to_owned) else {
            bail!(
                "this repository is bare and has no files for an agent; `--user` installs for you"
            );
        };
        let place = |path: &str| Place::in_project(&top, path);
        Ok(Files {
            subagent: place(".claude/agents/codex-advisor.md"),
            servers: place(".mcp.json"),
            settings: place(".claude/settings.json"),
            agents_md: Some(place("AGENTS.md")),
        })
    }
}

/// The entry as `claude mcp add` writes it. A team shares it, so the program has a name and no path.
fn server() -> Value {
    json!({"type": "stdio", "command": "git-advisor", "args": ["mcp"], "env": {}})
}

fn hook() -> Value {
    let command = json!({"type": "command", "command": BEFORE_TOOL, "timeout": HOOK_SECONDS});
    json!({"matcher": "Bash", "hooks": [command]})
}

fn part(
    what: &'static str,
    place: &Place,
    change: impl FnOnce(Option<&str>) -> Change,
) -> Result<Part> {
    let (before, change) = match place.link() {
        Some(link) => {
            let link = visible::line(link.display().to_string());
            let why = format!("`{link}` is a link within the repository, which leads elsewhere");
            (None, Change::Left(why))
        }
        None => {
            let before = place.read()?;
            let change = change(before.as_deref());
            (before, change)
        }
    };
    Ok(Part { what, place: place.clone(), before, change })
}

/// Does what is to be done, and says so.
fn done(parts: &[Part]) -> Result<String> {
    let mut report = String::new();
    for Part { what, place, change, .. } in parts {
        let path = shown_path(&place.path);
        report.push_str(&match change {
            Change::Nothing => format!("as it should be: {path}: {what}\n"),
            Change::Left(why) => format!("left alone: {path}: {what}: {why}\n"),
            Change::Write(text) => {
                place.write(text)?;
                format!("wrote {path}: {what}\n")
            }
            Change::Remove => {
                place.remove()?;
                format!("removed {path}: {what}\n")
            }
        });
    }
    Ok(report)
}

/// What would be done, as a diff.
fn shown(part: &Part) -> String {
    let Part { what, place, before, change } = part;
    let path = shown_path(&place.path);
    match change {
        Change::Nothing => format!("as it should be: {path}: {what}\n\n"),
        Change::Left(why) => format!("would be left alone: {path}: {what}: {why}\n\n"),
        Change::Remove => format!("would be removed: {path}: {what}\n\n"),
        Change::Write(text) => {
            let before = visible::text(before.as_deref().unwrap_or_default()).into_string();
            let text = visible::text(text).into_string();
            let input = InternedInput::new(before.as_str(), text.as_str());
            let diff = Diff::compute(Algorithm::Histogram, &input);
            let printer = BasicLineDiffPrinter(&input.interner);
            let lines = diff.unified_diff(&printer, UnifiedDiffConfig::default(), &input);
            format!("would be written: {path}: {what}\n{lines}\n")
        }
    }
}

fn shown_path(path: &Path) -> String {
    let here = std::env::current_dir().ok();
    let near = here.as_deref().and_then(|here| path.strip_prefix(here).ok());
    visible::line(near.unwrap_or(path).display().to_string()).into_string()
}
