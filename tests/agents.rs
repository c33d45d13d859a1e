//! `git advisor agent`: what is written for other agents and taken out again, and what real clients make of it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use support::{
    Advisor, Home, KEY_VARIABLE, Output, Repo, ResponsesServer, StandIn, all_clear, risky_repo,
    user_config, with_claude, with_codex, with_inspector,
};

/// A test by its name.
type Plain = (&'static str, fn());

fn main() -> ExitCode {
    let plain: [Plain; 8] = [
        ("installing_twice_is_installing_once", installing_twice_is_installing_once),
        ("uninstalling_leaves_what_was_there", uninstalling_leaves_what_was_there),
        ("what_was_edited_is_left", what_was_edited_is_left),
        ("showing_writes_nothing", showing_writes_nothing),
        ("a_link_of_the_repository_is_not_followed", a_link_of_the_repository_is_not_followed),
        (
            "the_users_own_files_keep_their_links_and_modes",
            the_users_own_files_keep_their_links_and_modes,
        ),
        (
            "a_push_of_the_agents_is_held_back_by_findings_alone",
            a_push_of_the_agents_is_held_back_by_findings_alone,
        ),
        ("a_shell_gets_a_last_line_for_programs", a_shell_gets_a_last_line_for_programs),
    ];
    let plain = plain.into_iter().map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    let clients = [
        with_inspector("the_inspector_lists_portable_tools", the_inspector_lists_portable_tools),
        with_inspector("the_inspector_calls_every_tool", the_inspector_calls_every_tool),
        with_claude("claude_connects_in_a_project", claude_connects_in_a_project),
        with_claude("claude_connects_for_a_user", claude_connects_for_a_user),
        with_claude("claude_reads_what_it_had_before", claude_reads_what_it_had_before),
        with_codex("every_command_has_a_form_for_agents", every_command_has_a_form_for_agents),
    ];
    libtest_mimic::run(&Arguments::from_args(), plain.chain(clients).collect()).exit_code()
}

fn agent(home: &Home, repo: &Repo, args: &[&str]) -> Output {
    Advisor::new(home).in_dir(repo.path()).args(["agent"]).args(args).run().success()
}

/// All files of a folder but git's own, by their paths.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in fs::read_dir(&at).unwrap().map(Result::unwrap) {
            let path = entry.path();
            match path.is_dir() && !path.is_symlink() {
                true if entry.file_name() == ".git" => {}
                true => open.push(path),
                false => {
                    let name = path.strip_prefix(folder).unwrap().display().to_string();
                    let content = fs::read(&path).unwrap();
                    found.insert(name, String::from_utf8_lossy(&content).into_owned());
                }
            }
        }
    }
    found
}

/// Programs of Node's start slowly on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(180);

const ALL: [&str; 4] = ["install", "--claude", "--hook", "--agents-md"];

fn installing_twice_is_installing_once() {
    let (home, repo) = (Home::new(), risky_repo());
    let first = agent(&home, &repo, &ALL);
    assert!(first.stdout.contains("wrote .mcp.json: the MCP server git-advisor\n"), "{first}");
    let written = files(repo.path());
    let names: Vec<&str> = written.keys().map(String::as_str).collect();
    let wanted = [
        ".claude/agents/codex-advisor.md",
        ".claude/settings.json",
        ".mcp.json",
        "AGENTS.md",
        "app.py",
    ];
    assert_eq!(names, wanted);
    let servers: Value = serde_json::from_str(&written[".mcp.json"]).unwrap();
    assert_eq!(servers["mcpServers"]["git-advisor"]["args"], json!(["mcp"]));
    let settings: Value = serde_json::from_str(&written[".claude/settings.json"]).unwrap();
    let hook = &settings["hooks"]["PreToolUse"][0];
    assert_eq!(hook["hooks"][0]["command"], "git-advisor agent before-tool");
    let subagent = &written[".claude/agents/codex-advisor.md"];
    assert!(subagent.starts_with("---\nname: codex-advisor\n"), "{subagent}");
    let second = agent(&home, &repo, &ALL);
    assert_eq!(second.stdout.matches("as it should be: ").count(), 4, "{second}");
    assert_eq!(files(repo.path()), written);
    agent(&home, &repo, &["uninstall"]);
    assert_eq!(files(repo.path()).keys().collect::<Vec<_>>(), ["app.py"]);
    assert!(!repo.path().join(".claude").exists());
    let nothing = agent(&home, &repo, &["uninstall"]);
    assert_eq!(nothing.stdout, "nothing of git-advisor's is installed here\n");
}

fn uninstalling_leaves_what_was_there() {
    let (home, repo) = (Home::new(), risky_repo());
    repo.write(
        ".mcp.json",
        "{\n\t\"other\": 1.0,\n\t\"mcpServers\": {\n\t\t\"x\": {\"command\": \"y\"}\n\t}\n}",
    );
    repo.write(
        ".claude/settings.json",
        "{\n  \"hooks\": {\n    \"Stop\": []\n  },\n  \"model\":\"m\"\n}\n",
    );
    repo.write(".claude/agents/other.md", "theirs\n");
    repo.write("AGENTS.md", "# House rules\n\nBe kind.\n");
    let before = files(repo.path());
    agent(&home, &repo, &ALL);
    let with = files(repo.path());
    assert!(
        before
            .keys()
            .filter(|name| *name != "app.py")
            .all(|name| name.ends_with("other.md") || with[name] != before[name])
    );
    agent(&home, &repo, &["uninstall"]);
    assert_eq!(files(repo.path()), before);
}

fn what_was_edited_is_left() {
    let (home, repo) = (Home::new(), risky_repo());
    agent(&home, &repo, &ALL);
    let edit = |path: &str, from: &str, to: &str| {
        let text = fs::read_to_string(repo.path().join(path)).unwrap();
        assert!(text.contains(from), "{path}");
        repo.write(path, text.replace(from, to));
    };
    edit(".claude/agents/codex-advisor.md", "one question", "one hard question");
    edit(".mcp.json", "\"mcp\"", "\"--quiet\", \"mcp\"");
    edit(".claude/settings.json", "260", "30");
    edit("AGENTS.md", "Second opinions", "Further opinions");
    let edited = files(repo.path());
    for args in [&ALL[..], &["uninstall"]] {
        let output = agent(&home, &repo, args);
        assert_eq!(output.stdout.matches("left alone: ").count(), 4, "{output}");
        assert_eq!(files(repo.path()), edited);
    }
}

fn showing_writes_nothing() {
    let (home, repo) = (Home::new(), risky_repo());
    let before = (files(repo.path()), files(home.path()));
    let shown = agent(&home, &repo, &["install", "--hook", "--print"]);
    for part in [
        "would be written: .mcp.json: the MCP server git-advisor",
        "+      \"command\": \"git-advisor\",",
        "+name: codex-advisor",
        "for AGENTS.md, which `--agents-md` writes:",
    ] {
        assert!(shown.stdout.contains(part), "{part} is missing in {shown}");
    }
    assert_eq!((files(repo.path()), files(home.path())), before);
}

fn a_link_of_the_repository_is_not_followed() {
    let (home, repo) = (Home::new(), risky_repo());
    let elsewhere = home.write("elsewhere/settings.json", "{}\n");
    symlink(elsewhere.parent().unwrap(), repo.path().join(".claude")).unwrap();
    symlink(&elsewhere, repo.path().join(".mcp.json")).unwrap();
    let output = agent(&home, &repo, &["install", "--hook"]);
    assert_eq!(output.stdout.matches("is a link within the repository").count(), 3, "{output}");
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "{}\n");
    assert_eq!(fs::read_dir(elsewhere.parent().unwrap()).unwrap().count(), 1);
}

fn the_users_own_files_keep_their_links_and_modes() {
    let (home, repo) = (Home::new(), risky_repo());
    let real = home.write("dotfiles/claude.json", "{\n  \"numStartups\": 3\n}\n");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&real, home.path().join(".claude.json")).unwrap();
    agent(&home, &repo, &["install", "--user", "--hook"]);
    assert!(home.path().join(".claude.json").is_symlink());
    let text = fs::read_to_string(&real).unwrap();
    let servers: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(servers["mcpServers"]["git-advisor"]["type"], "stdio");
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(home.path().join(".claude/agents/codex-advisor.md").is_file());
    agent(&home, &repo, &["uninstall", "--user"]);
    assert_eq!(fs::read_to_string(&real).unwrap(), "{\n  \"numStartups\": 3\n}\n");
    assert!(!home.path().join(".claude").exists());
    // A user needs no repository, and another folder of Claude Code's is honoured.
    let elsewhere = home.path().join("claude");
    let output = Advisor::new(&home).env("CLAUDE_CONFIG_DIR", &elsewhere);
    drop(output.args(["agent", "install", "--user"]).run().success());
    assert!(
        elsewhere.join(".claude.json").is_file()
            && elsewhere.join("agents/codex-advisor.md").is_file()
    );
}

/// What Claude Code is told before it runs a command.
fn before(home: &Home, repo: &Repo, command: &str) -> Output {
    let event = json!({"hook_event_name": "PreToolUse", "tool_name": "Bash", "cwd": repo.path(),
                       "tool_input": {"command": command}});
    let advisor = Advisor::new(home).env(KEY_VARIABLE, "sk-loopback");
    advisor.args(["agent", "before-tool"]).stdin(event.to_string()).run().success()
}

fn a_push_of_the_agents_is_held_back_by_findings_alone() {
    let (home, repo, remote) = (Home::new(), risky_repo(), Repo::bare());
    repo.git(&["remote", "add", "origin", remote.path().to_str().unwrap()]);
    repo.git(&["push", "--quiet", "origin", "HEAD~1:refs/heads/main"]);
    repo.git(&["branch", "--quiet", "--set-upstream-to", "origin/main"]);
    // No Codex: a warning for the user, and the command runs.
    home.write_config("[codex]\ncommand = \"/nowhere/codex\"\n");
    let outage = before(&home, &repo, "git push").json();
    let message = outage["systemMessage"].as_str().unwrap();
    assert!(
        message.contains("goes on without a second opinion") && message.contains("(not-found)"),
        "{outage}"
    );
    // A key that is committed is a finding without any Codex.
    repo.write("key.pem", "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLM\n-----END RSA PRIVATE KEY-----\n");
    let held = before(&home, &repo, "git add -A && git commit -m 'Add a key'").json();
    let decision = &held["hookSpecificOutput"];
    assert_eq!(decision["permissionDecision"], "deny", "{held:#}");
    let reason = decision["permissionDecisionReason"].as_str().unwrap();
    assert!(reason.contains("key.pem") && reason.contains("GIT_ADVISOR_SKIP=1"), "{reason}");
    // What brings nothing further, or is let through by the user, passes without a word.
    for command in ["git status", "git commit -m x", "GIT_ADVISOR_SKIP=1 git commit -am x", "ls"] {
        assert_eq!(before(&home, &repo, command).stdout, "", "{command}");
    }
    // Where git's own hook will look, it is not asked twice.
    drop(Advisor::new(&home).in_dir(repo.path()).args(["hook", "install"]).run().success());
    assert_eq!(before(&home, &repo, "git push").stdout, "");
    let nonsense =
        Advisor::new(&home).args(["agent", "before-tool"]).stdin("no event").run().success();
    assert!(nonsense.json()["systemMessage"].as_str().unwrap().contains("cannot be read"));
}

/// The object in the last line.
#[track_caller]
fn last_line(output: &Output) -> Value {
    let last = output.stdout.lines().last().unwrap_or_default();
    let object = last.strip_prefix("git-advisor-result ").unwrap_or_else(|| panic!("{output}"));
    assert!(!output.stdout.contains('\u{1b}'), "{output}");
    serde_json::from_str(object).unwrap()
}

fn a_shell_gets_a_last_line_for_programs() {
    let codex = StandIn::new();
    let (home, repo) = (Home::new(), risky_repo());
    home.write_config(&codex.user_config());
    let run = |args: &[&str]| {
        Advisor::new(&home)
            .in_dir(repo.path())
            .args(args)
            .args(["--for-agent", "--color", "always"])
            .run()
    };
    let scan = last_line(&run(&["scan", "HEAD~1.."]).success());
    assert_eq!((&scan["hunks"], &scan["selected_hunks"]), (&json!(1), &json!(1)));
    let outage = run(&["review", "HEAD~1.."]).code(0);
    let result = last_line(&outage);
    assert_eq!(
        result,
        json!({"schema": 1, "outcome": "warn", "exit_code": 0, "status": "unavailable", "state": "outage",
               "recommendation": "look", "findings": 1, "gating": [], "not_reviewed": result["not_reviewed"],
               "needs_context": 0, "failure": {"class": "not-logged-in", "advice": "fix", "until": null},
               "record": result["record"]}),
        "{outage}"
    );
    assert!(result["record"].is_string(), "{outage}");
    let wrong = run(&["review", "nowhere.."]).code(2);
    assert_eq!(wrong.stdout, "");
    let both = Advisor::new(&home)
        .in_dir(repo.path())
        .args(["scan", "--for-agent", "--format", "json"])
        .run();
    assert!(both.code(2).stderr.contains("cannot be used with"));
}

fn every_command_has_a_form_for_agents(codex: &Path) {
    let service = ResponsesServer::answering(all_clear);
    let (home, repo) = (Home::new(), risky_repo());
    home.write_config(&user_config(&service, codex));
    let run = |args: &[&str]| {
        let advisor = Advisor::new(&home).in_dir(repo.path()).env(KEY_VARIABLE, "sk-loopback");
        advisor.args(args).args(["--for-agent"]).run().success()
    };
    let reviewed = run(&["review", "HEAD~1.."]);
    let result = last_line(&reviewed);
    assert_eq!(
        (&result["status"], &result["state"]),
        (&json!("answered"), &json!("complete")),
        "{reviewed}"
    );
    assert!(reviewed.stdout.contains("```text\nFine.\n```"), "{reviewed}");
    // One from the records reads like one of now.
    let shown = run(&["show", result["record"].as_str().unwrap()]);
    assert_eq!(shown.stdout, reviewed.stdout);
    let consulted = last_line(&run(&[
        "consult",
        "low-confidence",
        "--question",
        "Is it safe?",
        "--context",
        "app.py",
    ]));
    assert_eq!(consulted["status"], "answered");
    let followed = last_line(&run(&["follow-up", "And on Windows?"]));
    assert_eq!((&followed["record"], &followed["failure"]), (&consulted["record"], &Value::Null));
}

/// The inspector's command line on our server.
fn inspected(inspector: &Path, home: &Home, repo: &Repo, args: &[&str]) -> Output {
    let inspector = Advisor::program(home, inspector).in_dir(repo.path()).within(PATIENCE);
    let key = format!("{KEY_VARIABLE}=sk-loopback");
    inspector.args(["--cli", "git-advisor", "mcp", "-e", &key]).args(args).run().success()
}

fn the_inspector_lists_portable_tools(inspector: &Path) {
    let (home, repo) = (Home::new(), risky_repo());
    let output = inspected(inspector, &home, &repo, &["--method", "tools/list", "--strict"]);
    let listed = output.json();
    let tools = listed["tools"].as_array().unwrap();
    assert_eq!(tools.len(), 6, "{output}");
    assert!(tools.iter().all(|tool| tool["outputSchema"]["type"] == "object"), "{output}");
}

fn the_inspector_calls_every_tool(inspector: &Path) {
    let answer = r#"{"summary":"An opinion.","hunks":[],"findings":[],"needs_context":[]}"#;
    let codex = StandIn::new().emit_answer(answer);
    let (home, repo) = (Home::new(), risky_repo());
    home.log_in();
    home.write_config(&codex.user_config());
    let call = |tool: &str, args: &[&str]| {
        let mut all = vec!["--method", "tools/call", "--tool-name", tool];
        if !args.is_empty() {
            all.push("--tool-arg");
        }
        let output = inspected(inspector, &home, &repo, &[&all, args].concat());
        let result = output.json();
        assert_ne!(result["isError"], true, "{output}");
        result["structuredContent"].clone()
    };
    assert_eq!(call("doghouse", &[])["held"], false);
    assert_eq!(call("scan", &["source=HEAD~1.."])["stats"]["selected_hunks"], 1);
    let reviewed = call("review", &["source=HEAD~1.."]);
    assert_eq!(reviewed["consultation"]["status"], "answered", "{reviewed:#}");
    let consulted = call("consult", &["kind=plan", "text=1. Drop the table."]);
    let record = consulted["record"].as_str().unwrap();
    assert_eq!(call("show", &[])["record"], record);
    let followed = call("follow_up", &[&format!("id={record}"), "text=And then?"]);
    assert_eq!(followed["consultation"]["rounds"], 2, "{followed:#}");
}

/// Claude Code as a user who knows no service.
fn claude(claude: &Path, home: &Home, repo: &Repo) -> Advisor {
    let advisor = Advisor::program(home, claude).in_dir(repo.path()).within(PATIENCE);
    advisor
        .env("ANTHROPIC_API_KEY", "sk-ant-none")
        .env("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("CLAUDE_CODE_MAX_RETRIES", "0")
        .env("DISABLE_AUTOUPDATER", "1")
}

/// What Claude Code says of a session before it asks its model, which is not there.
fn session(program: &Path, home: &Home, repo: &Repo) -> Value {
    let args = ["-p", "--output-format", "stream-json", "--verbose", "hello"];
    let output = claude(program, home, repo).args(args).run();
    let init = output.stdout.lines().find(|line| line.contains("\"subtype\":\"init\""));
    serde_json::from_str(init.unwrap_or_else(|| panic!("{output}"))).unwrap()
}

#[track_caller]
fn assert_known(session: &Value) {
    let has =
        |list: &str, name: &str| session[list].as_array().unwrap().iter().any(|it| it == name);
    assert!(has("agents", "codex-advisor"), "{:#}", session["agents"]);
    for tool in ["review", "scan", "consult", "follow_up", "show", "doghouse"] {
        assert!(has("tools", &format!("mcp__git-advisor__{tool}")), "{:#}", session["tools"]);
    }
    let server =
        session["mcp_servers"].as_array().unwrap().iter().find(|it| it["name"] == "git-advisor");
    assert_eq!(server.unwrap()["status"], "connected");
}

fn claude_connects_in_a_project(program: &Path) {
    let (home, repo) = (Home::new(), risky_repo());
    agent(&home, &repo, &["install", "--hook"]);
    assert_known(&session(program, &home, &repo));
    // A project's servers are approved by the user, as a clone could bring any.
    let pending = claude(program, &home, &repo).args(["mcp", "list"]).run().success();
    assert!(pending.stdout.contains("git-advisor: git-advisor mcp"), "{pending}");
    home.write(".claude/settings.json", "{\"enabledMcpjsonServers\": [\"git-advisor\"]}");
    let approved =
        claude(program, &home, &repo).args(["mcp", "get", "git-advisor"]).run().success();
    assert!(approved.stdout.contains("Connected"), "{approved}");
    agent(&home, &repo, &["uninstall"]);
    let gone = session(program, &home, &repo);
    assert!(!gone.to_string().contains("codex-advisor"), "{:#}", gone["agents"]);
}

fn claude_connects_for_a_user(program: &Path) {
    let (home, repo) = (Home::new(), risky_repo());
    agent(&home, &repo, &["install", "--user"]);
    assert_known(&session(program, &home, &repo));
    let listed = claude(program, &home, &repo).args(["mcp", "list"]).run().success();
    let line = listed.stdout.lines().find(|line| line.starts_with("git-advisor: ")).unwrap();
    assert!(line.contains("Connected"), "{listed}");
    agent(&home, &repo, &["uninstall", "--user"]);
    let gone = claude(program, &home, &repo).args(["mcp", "list"]).run().success();
    assert!(!gone.stdout.contains("git-advisor"), "{gone}");
}

/// What `claude mcp add` writes is the same as ours, and its own file keeps all that it holds.
fn claude_reads_what_it_had_before(program: &Path) {
    let (home, repo) = (Home::new(), risky_repo());
    let add = ["mcp", "add", "--scope", "user", "git-advisor", "--", "git-advisor", "mcp"];
    drop(claude(program, &home, &repo).args(add).run().success());
    let path = home.path().join(".claude.json");
    let theirs = fs::read_to_string(&path).unwrap();
    let output = agent(&home, &repo, &["install", "--user"]);
    assert!(output.stdout.contains("the MCP server git-advisor"), "{output}");
    assert!(output.stdout.contains("as it should be: "), "{output}");
    assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
    agent(&home, &repo, &["uninstall", "--user"]);
    let parsed = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    let mut without = parsed(&theirs);
    without.as_object_mut().unwrap().shift_remove("mcpServers");
    assert_eq!(parsed(&fs::read_to_string(&path).unwrap()), without);
}
