//! What to run: the arguments and the environment of the call, each with its reason.

use std::ffi::OsString;
use std::path::PathBuf;

use serde_json::Value;

use super::home::PrivateHome;
use super::installed::Installed;
use super::process::Environment;
use super::settings;
use super::workspace::Workspace;
use crate::config::Codex;
use crate::env;

/// A call that is ready to be made.
#[derive(Debug, Clone)]
pub struct Call {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// Its environment, complete.
    pub environment: Vec<(OsString, OsString)>,
    /// The empty folder in which it runs.
    pub folder: PathBuf,
    /// The model that is asked.
    pub model: String,
    /// The effort that is asked for.
    pub effort: String,
    /// Whether one call means one request, so that a second one shows a tool call.
    pub one_request: bool,
}

/// A model and its effort.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The model's slug.
    pub model: String,
    /// The reasoning effort.
    pub effort: String,
}

/// Tools and ambient text that a switch takes away. Unknown ones are left out: Codex refuses to
/// start with them, and a tool that a version does not know it cannot offer.
const DISABLED: [&str; 24] = [
    "shell_snapshot",   // runs a login shell at the start and writes its variables down
    "shell_tool",       // exec_command and write_stdin: reads any file of the machine
    "unified_exec",     // the same under its newer name
    "code_mode_host",   // exec and wait of the newer models
    "multi_agent",      // spawn_agent and its family
    "multi_agent_v2",   // the same for newer models
    "goals",            // get_goal, create_goal, update_goal
    "view_image",       // reads files
    "image_generation", // offered with a ChatGPT login only
    "sleep_tool",       // clock.sleep
    "tool_suggest",     // a tool that names tools
    "memories",         // ambient text, and a request of its own at start-up
    "apps",             // connectors of the account
    "plugins",          // network calls before the prompt
    "hooks",            // programs of the user
    "skill_search",     // ambient text
    "browser_use",      // acts
    "computer_use",     // acts
    "unbounded_connection_retries", // waits for the network for ever
    "web_search_request", // the search tool of older versions
    "daemon_auto_start", // a process that would outlive the call
    "remote_plugin",    // plugins from the network
    "skill_mcp_dependency_install", // installs servers
    "apply_patch_freeform", // the editing tool of older versions
];

/// Settings that take away what no switch does.
const SETTINGS: [&str; 17] = [
    "web_search=\"disabled\"", // runs at the service, whatever the sandbox says
    "tools.experimental_request_user_input.enabled=false", // asks a user who is not there
    "tools.update_plan.enabled=false", // the planning tool
    "agents.enabled=false",    // sub-agents of the newer models, and their text
    "approval_policy=\"never\"", // nothing is ever put to an approval
    "project_doc_max_bytes=0", // AGENTS.md of a project
    "project_root_markers=[]", // the temporary folder may lie within a project of anybody's
    "skills.include_instructions=false", // descriptions of every local skill
    "skills.bundled.enabled=false", // the skills that come with Codex
    "include_permissions_instructions=false", // text about the sandbox
    "include_environment_context=false", // cwd, shell, date and time zone
    "include_apps_instructions=false", // text about connectors
    "include_collaboration_mode_instructions=false", // text about modes
    "notify=[]",               // a program of the system's configuration
    "developer_instructions=\"\"", // a text of the system's configuration
    "analytics.enabled=false", // two requests about usage in each run
    "model_reasoning_summary=\"none\"", // a summary that nobody reads
];

/// Variables that are passed on where they are set, beside those of every program and those that the user names.
const PASSED_ON: [&str; 13] = [
    // The login, where it is no file.
    "CODEX_API_KEY",
    // The way out of the machine.
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "no_proxy",
    // Whom to trust on that way.
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "CODEX_CA_CERTIFICATE",
    "NODE_EXTRA_CA_CERTS",
];

/// The model and the effort to ask for.
///
/// `auto` is the first model that the installed Codex offers to users: its catalog lists the
/// heaviest first (seen in 0.147, 0.155 and 0.169). An effort that the model has not becomes the
/// highest that it has.
pub fn choose_model(codex: &Codex, installed: &Installed) -> Choice {
    let slug = |model: &Value| model["slug"].as_str().unwrap_or_default().to_owned();
    let model = match codex.model.as_str() {
        "auto" => installed.models().next().map(slug).unwrap_or_default(),
        named => named.to_owned(),
    };
    let all = installed.catalog["models"].as_array().into_iter().flatten();
    let levels: Vec<String> = all
        .filter(|entry| entry["slug"] == model.as_str())
        .flat_map(|entry| entry["supported_reasoning_levels"].as_array().into_iter().flatten())
        .filter_map(|level| level["effort"].as_str().map(str::to_owned))
        .collect();
    let effort = match levels.last() {
        Some(highest) if !levels.contains(&codex.effort) => highest.clone(),
        _ => codex.effort.clone(),
    };
    Choice { model, effort }
}

/// Whom a call asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Destination<'a> {
    /// The service, or the user's own provider.
    Service,
    /// A listener of ours at this address, which looks at what the call would send.
    Listener(&'a str),
}

/// All that a call is made of, whomever it asks and in whichever round.
#[derive(Debug)]
pub(super) struct Leash<'a> {
    pub(super) codex: &'a Codex,
    pub(super) installed: &'a Installed,
    pub(super) home: &'a PrivateHome,
    pub(super) workspace: &'a Workspace,
    pub(super) choice: Choice,
}

impl Leash<'_> {
    /// Puts a call together; `session` is the one to go on with, where it is not the first round.
    pub(super) fn call(&self, destination: Destination<'_>, session: Option<&str>) -> Call {
        // Codex's own idle clock stays out of the way of ours.
        const FOREVER_MS: i64 = 86_400_000;
        let Leash { codex, installed, home, workspace, choice } = self;
        let handed = settings::handed(&codex.config, codex.provider, FOREVER_MS, destination);
        let mut args: Vec<OsString> = Vec::new();
        let mut add = |parts: &[&str]| args.extend(parts.iter().map(OsString::from));
        add(&["exec", "--json"]); // events as they come
        add(&["--skip-git-repo-check"]); // the empty folder is no repository
        add(&["-C", &text(&workspace.empty)]); // in a work tree remote URLs and HEAD would go along
        add(&["-m", &choice.model]);
        add(&["--sandbox", "read-only"]); // belt and braces: there is no tool that it could stop
        add(&["--ignore-user-config", "--ignore-rules"]); // the user's servers, hooks and rules
        add(&["--strict-config"]); // a setting that this version does not know is an error, not a silence
        add(&["--output-schema", &text(&workspace.schema)]);
        let mut disabled = DISABLED.to_vec();
        if destination != Destination::Service {
            disabled.push("enable_request_compression"); // our listener reads plain text
        }
        for feature in disabled.into_iter().filter(|name| installed.features.contains(*name)) {
            add(&["--disable", feature]);
        }
        for setting in SETTINGS {
            add(&["-c", setting]);
        }
        if !installed.mcp_servers.is_empty() {
            // Servers of the system's configuration stay unless each is switched off by its name.
            add(&["-c", &format!("mcp_servers={}", switched_off(&installed.mcp_servers))]);
        }
        if !installed.skills.is_empty() {
            // `$name` in a line of the change would bring the whole text of a skill along.
            add(&["-c", &format!("skills.config={}", left_alone(&installed.skills))]);
        }
        add(&["-c", &format!("model_reasoning_effort={}", quoted(&choice.effort))]);
        add(&[
            "-c",
            &format!("model_instructions_file={}", quoted(&text(&workspace.instructions))),
        ]);
        add(&["-c", &format!("model_catalog_json={}", quoted(&text(&workspace.catalog)))]);
        for setting in &handed.settings {
            add(&["-c", setting]);
        }
        if let Some(session) = session {
            add(&["resume", session]); // the flags before it are not stored with a session
        }
        add(&["-"]); // the prompt comes on stdin
        let more: Vec<String> = codex.env.iter().cloned().chain(handed.key_variable).collect();
        let mut environment = environment(home, &more);
        // The temporary folder may lie within a work tree, whose remote URLs and HEAD would go along.
        environment.push(("GIT_CEILING_DIRECTORIES".into(), workspace.path().into()));
        if let Destination::Listener(address) = destination {
            stay_here(&mut environment, address);
        }
        Call {
            program: installed.program.clone(),
            args,
            environment,
            folder: workspace.empty.clone(),
            model: choice.model.clone(),
            effort: choice.effort.clone(),
            one_request: codex.provider == crate::config::Provider::Isolated,
        }
    }
}

/// No proxy between Codex and our listener, and no login that is renewed elsewhere.
fn stay_here(environment: &mut Environment, address: &str) {
    environment
        .retain(|(name, _)| !name.to_string_lossy().to_ascii_uppercase().ends_with("_PROXY"));
    let here = [("NO_PROXY", "*"), ("CODEX_REFRESH_TOKEN_URL_OVERRIDE", address)];
    environment.extend(here.map(|(name, value)| (name.into(), value.into())));
}

/// The whole environment of any of Codex's processes.
pub(super) fn environment(home: &PrivateHome, more: &[String]) -> Environment {
    let fixed = [
        ("HOME", home.path.clone().into_os_string()),
        ("CODEX_HOME", home.path.clone().into_os_string()),
        ("TZ", "UTC".into()), // clock times in its messages are then UTC
        // The heartbeat: without it a healthy model that thinks looks like a hung one.
        ("RUST_LOG", "error,codex_otel.log_only=info".into()),
    ];
    let fixed = fixed.into_iter().map(|(name, value)| (OsString::from(name), value));
    let ours = env::EVERY_PROGRAM.iter().chain(&PASSED_ON).copied();
    let named = ours.chain(more.iter().map(String::as_str));
    let named = named.filter(|name| !["HOME", "CODEX_HOME", "TZ", "RUST_LOG"].contains(name));
    let passed = named.filter_map(|name| Some((OsString::from(name), env::passed_on(name)?)));
    fixed.chain(passed).collect()
}

fn text(path: &std::path::Path) -> String {
    path.to_string_lossy().into_owned()
}

/// A table that switches servers off. They are keys of a value: in the key of `-c` Codex reads neither
/// quotes nor a dot within a name.
fn switched_off(servers: &[String]) -> toml::Value {
    let off = toml::Table::from_iter([("enabled".to_owned(), false.into())]);
    let each = servers.iter().map(|name| (name.clone(), off.clone().into()));
    toml::Value::Table(each.collect())
}

/// A list that switches skills off by their files.
fn left_alone(skills: &[PathBuf]) -> toml::Value {
    let off = |skill: &PathBuf| {
        let each = [("path".to_owned(), text(skill).into()), ("enabled".to_owned(), false.into())];
        toml::Value::Table(toml::Table::from_iter(each))
    };
    toml::Value::Array(skills.iter().map(off).collect())
}

/// A TOML string, as Codex reads the value of `-c`.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
