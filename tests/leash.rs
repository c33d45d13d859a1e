//! The leash, proven from outside: on the wire, in the file system, and by its own proof.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "what is measured is printed, with --nocapture")]

mod support;

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use support::{
    Advisor, Home, KEY_VARIABLE, Output, Reply, Repo, Request, ResponsesServer, all_clear,
    risky_repo, user_config, with_codex, with_codex_and_namespaces,
};

/// A test by its name; it takes the path of the real Codex.
type Named = (&'static str, fn(&Path));

/// Most bytes of a request beside our prompt and the form of the answer.
const MAX_OVERHEAD: usize = 3_000;

fn main() -> ExitCode {
    let trials: [Named; 10] = [
        ("no_model_gets_a_tool_or_a_foreign_text", no_model_gets_a_tool_or_a_foreign_text),
        ("no_login_adds_a_tool_or_a_foreign_text", no_login_adds_a_tool_or_a_foreign_text),
        ("a_plain_call_sends_many_times_more", a_plain_call_sends_many_times_more),
        ("a_mention_of_a_skill_pulls_nothing_in", a_mention_of_a_skill_pulls_nothing_in),
        ("a_folder_around_ours_brings_nothing_along", a_folder_around_ours_brings_nothing_along),
        ("a_further_round_is_held_just_the_same", a_further_round_is_held_just_the_same),
        ("a_gateway_is_asked_in_its_own_way", a_gateway_is_asked_in_its_own_way),
        ("every_attempt_to_act_ends_the_call", every_attempt_to_act_ends_the_call),
        (
            "a_profile_says_whom_to_ask_and_nothing_else",
            a_profile_says_whom_to_ask_and_nothing_else,
        ),
        ("the_proof_is_made_once_and_shown", the_proof_is_made_once_and_shown),
    ];
    let mut trials: Vec<Trial> =
        trials.into_iter().map(|(name, test)| with_codex(name, test)).collect();
    trials.push(with_codex_and_namespaces(
        "what_the_system_configures_is_switched_off",
        what_the_system_configures_is_switched_off,
    ));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A skill whose name the changes of these tests mention.
const SKILL: &str = "---\nname: cmd\ndescription: AMBIENT\n---\nAMBIENT skill\n";

/// Everything that a repository and a user can have lying about and that must not be sent.
fn furnish(home: &Home, repo: &Repo) {
    repo.git(&["remote", "add", "origin", "https://example.invalid/private/repository.git"]);
    repo.write("AGENTS.md", "AMBIENT project text\n");
    repo.write(".codex/skills/cmd/SKILL.md", SKILL);
    repo.write(".codex/config.toml", "developer_instructions = \"AMBIENT\"\n");
    home.write(".codex/AGENTS.md", "AMBIENT user text\n");
    home.write(".codex/skills/cmd/SKILL.md", SKILL);
    home.write(".agents/skills/cmd/SKILL.md", SKILL);
    home.write(
        ".codex/config.toml",
        "developer_instructions = \"AMBIENT\"\n[mcp_servers.x]\ncommand = \"false\"\n",
    );
}

/// Holds a request of a first round against the promise.
#[track_caller]
fn check_held(request: &Request, repo: &Repo, home: &Home) {
    check_held_with(request, "", repo, home);
    assert!(request.overhead() < MAX_OVERHEAD, "{} bytes beside the prompt", request.overhead());
}

/// The same for any round; `answer` is what the model said in the one before.
#[track_caller]
fn check_held_with(request: &Request, answer: &str, repo: &Repo, home: &Home) {
    assert!(request.tools().is_empty(), "{:?}", request.tools());
    let ours = include_str!("../src/prompt/instructions.md").trim();
    for (role, text) in request.input_texts() {
        let effort = text == r#"{"type":"configuration_update","reasoning":{"effort":"xhigh"}}"#;
        let known = [ours, answer].contains(&text.trim())
            || text.starts_with("This is a text-only advisory");
        let known = known || effort;
        assert!(known, "{role}: {text}");
    }
    assert!([ours, ""].contains(&request.instructions().trim()), "{}", request.instructions());
    let sent = format!("{} {:?}", request.body, request.headers);
    let head = repo.git(&["rev-parse", "HEAD"]);
    for leaked in [
        "AMBIENT",
        "example.invalid",
        &head,
        repo.path().to_str().unwrap(),
        home.path().to_str().unwrap(),
        "ada@example.com",
    ] {
        assert!(!sent.contains(leaked), "{leaked} was sent");
    }
}

fn review(home: &Home, repo: &Repo, args: &[&str]) -> Output {
    Advisor::new(home)
        .in_dir(repo.path())
        .env(KEY_VARIABLE, "sk-loopback")
        .args(["review", "HEAD~1..", "--format", "json"])
        .args(args)
        .run()
        .success()
}

/// A user whose built-in provider is moved to the server, so that logins count as they do for real.
fn moved(server: &ResponsesServer, codex: &Path) -> Home {
    let home = Home::new();
    let base = server.base_url();
    home.write_config(&format!(
        "[codex]\ncommand = \"{}\"\nmodel = \"gpt-5.5\"\nconfig = {{ openai_base_url = \"{base}\", chatgpt_base_url = \"{base}\" }}\n",
        codex.display(),
    ));
    home
}

/// The models that the installed Codex knows, and one that it does not.
fn models(codex: &Path) -> Vec<String> {
    let said = Command::new(codex).args(["debug", "models", "--bundled"]).output().unwrap();
    let catalog: Value = serde_json::from_slice(&said.stdout).unwrap();
    let known = catalog["models"].as_array().unwrap().iter();
    let mut models: Vec<String> =
        known.map(|model| model["slug"].as_str().unwrap().to_owned()).collect();
    assert!(models.len() > 5, "{models:?}");
    models.push("gpt-5.4".to_owned());
    models
}

fn no_model_gets_a_tool_or_a_foreign_text(codex: &Path) {
    let server = ResponsesServer::answering(all_clear);
    let (home, repo) = (moved(&server, codex), risky_repo());
    home.log_in_with_chatgpt();
    furnish(&home, &repo);
    let models = models(codex);
    for (asked, model) in models.iter().enumerate() {
        // Without `--fresh` an answer could come from a record.
        let output = review(&home, &repo, &["--config", &format!("codex.model={model}")]);
        assert_eq!(output.json()["consultation"]["status"], "answered", "{model}\n{output}");
        let calls = server.responses_requests();
        assert_eq!(calls.len(), asked + 1, "{model}");
        assert_eq!(calls[asked].body["model"], model.as_str());
        check_held(&calls[asked], &repo, &home);
        println!("{model}: {} bytes beside the prompt", calls[asked].overhead());
    }
}

fn no_login_adds_a_tool_or_a_foreign_text(codex: &Path) {
    for model in ["gpt-5.5", "gpt-6.1-sol"] {
        let model = format!("codex.model={model}");
        // No login at all: the user's own provider brings its key.
        let server = ResponsesServer::answering(all_clear);
        let (home, repo) = (Home::new(), risky_repo());
        home.write_config(&user_config(&server, codex));
        furnish(&home, &repo);
        drop(review(&home, &repo, &["--config", &model]));
        check_held(&server.responses_requests()[0], &repo, &home);
        // An API key in the user's login.
        let server = ResponsesServer::answering(all_clear);
        let (home, repo) = (moved(&server, codex), risky_repo());
        home.log_in();
        furnish(&home, &repo);
        drop(review(&home, &repo, &["--config", &model]));
        let calls = server.responses_requests();
        assert_eq!(calls[0].header("authorization"), Some("Bearer sk-test-0000000000000000"));
        check_held(&calls[0], &repo, &home);
    }
}

/// The peers on the same change: `codex exec` with the same prompt, and `codex review`.
fn a_plain_call_sends_many_times_more(codex: &Path) {
    for model in ["gpt-5.5", "gpt-6.1-sol"] {
        let server = ResponsesServer::answering(all_clear);
        let (home, repo) = (Home::new(), risky_repo());
        home.write_config(&user_config(&server, codex));
        drop(review(&home, &repo, &["--config", &format!("codex.model={model}")]));
        let ours = server.responses_requests()[0].clone();
        let peer = |arguments: &[&str]| {
            let server = ResponsesServer::answering(|_| Reply::answer("fine"));
            let provider = format!(
                "model_providers.l={{name=\"l\",base_url=\"{}\",env_key=\"{KEY_VARIABLE}\",wire_api=\"responses\"}}",
                server.base_url()
            );
            let run = Advisor::program(&home, codex)
                .in_dir(repo.path())
                .env(KEY_VARIABLE, "k")
                .args(["exec", "-m", model, "-c", "model_provider=\"l\"", "-c", &provider])
                .args(arguments)
                .stdin(ours.prompt());
            drop(run.run().success());
            server.responses_requests()[0].clone()
        };
        let (exec, review) = (peer(&["-"]), peer(&["review", "--base", "HEAD~1"]));
        let review_bytes = review.body.to_string().len();
        println!(
            "{model}: ours {} bytes beside the prompt, codex exec {}, codex review {review_bytes} in all",
            ours.overhead(),
            exec.overhead()
        );
        assert!(exec.overhead() > 10 * ours.overhead());
        assert!(review_bytes > 5 * ours.overhead());
        assert!(!exec.tools().is_empty() && !review.tools().is_empty());
    }
}

fn a_mention_of_a_skill_pulls_nothing_in(codex: &Path) {
    let server = ResponsesServer::answering(all_clear);
    let (home, repo) = (Home::new(), Repo::init());
    home.write_config(&user_config(&server, codex));
    furnish(&home, &repo);
    repo.commit("Begin");
    repo.write("a.sh", "eval \"$cmd\" `$cmd` $cmd\n");
    repo.commit("Run");
    drop(review(&home, &repo, &[]));
    let call = &server.responses_requests()[0];
    assert!(call.prompt().contains("$cmd"));
    check_held(call, &repo, &home);
}

fn a_further_round_is_held_just_the_same(codex: &Path) {
    for model in ["gpt-5.5", "gpt-6.1-sol"] {
        let model = format!("codex.model={model}");
        let asked = std::sync::atomic::AtomicUsize::new(0);
        let server = ResponsesServer::answering(move |_| {
            match asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) {
                0 | 1 => Reply::answer("fine"),
                _ => acting(&attempts()[0].1),
            }
        });
        let (home, repo) = (moved(&server, codex), risky_repo());
        home.log_in_with_chatgpt();
        furnish(&home, &repo);
        drop(review(&home, &repo, &["--config", &model]));
        let ask_on = || {
            let run = Advisor::new(&home).in_dir(repo.path());
            run.args(["follow-up", "And `$cmd`?", "--format", "json", "--config", &model]).run()
        };
        drop(ask_on().success());
        check_held_with(&server.responses_requests()[1], "fine", &repo, &home);
        let report = ask_on().success().json();
        assert_eq!(report["follow_ups"][1]["failure"]["class"], "tool-attempt", "{report}");
    }
}

/// Azure wants a version in the query and its key in a header of its own.
fn a_gateway_is_asked_in_its_own_way(codex: &Path) {
    let server = ResponsesServer::answering(all_clear);
    let (home, repo) = (Home::new(), risky_repo());
    furnish(&home, &repo);
    home.write_config(&format!(
        "[codex]\ncommand = \"{}\"\nmodel = \"my-deployment\"\nenv = [\"{KEY_VARIABLE}\"]\n\
         [codex.config]\nmodel_provider = \"azure\"\n[codex.config.model_providers.azure]\nname = \"Azure\"\n\
         base_url = \"{}\"\nwire_api = \"responses\"\nquery_params = {{ api-version = \"2026-04-01\" }}\n\
         env_http_headers = {{ \"api-key\" = \"{KEY_VARIABLE}\" }}\n",
        codex.display(),
        server.base_url(),
    ));
    drop(review(&home, &repo, &[]));
    let calls = server.responses_requests();
    assert_eq!(calls.len(), 1);
    assert!(calls[0].path.ends_with("/responses?api-version=2026-04-01"), "{}", calls[0].path);
    assert_eq!(calls[0].header("api-key"), Some("sk-loopback"));
    assert_eq!(calls[0].body["model"], "my-deployment");
    check_held(&calls[0], &repo, &home);
}

/// Temporary folders can lie within a project of anybody's, as in `/tmp` of a machine that is shared.
fn a_folder_around_ours_brings_nothing_along(codex: &Path) {
    let server = ResponsesServer::answering(all_clear);
    let (home, repo) = (Home::new(), Repo::init());
    home.write_config(&user_config(&server, codex));
    furnish(&home, &repo);
    let around = |args: &[&str]| {
        let git = Advisor::git(&home).in_dir(&home.tmp()).args(args).run().success();
        assert!(git.stderr.is_empty(), "{git}");
    };
    around(&["init", "--quiet", "--initial-branch=AMBIENT"]);
    around(&["remote", "add", "origin", "https://example.invalid/AMBIENT.git"]);
    for place in [".agents", ".codex"] {
        home.write(&format!("tmp/{place}/skills/cmd/SKILL.md"), SKILL);
    }
    home.write("tmp/AGENTS.md", "AMBIENT text\n");
    repo.commit("Begin");
    repo.write("a.sh", "eval \"$cmd\" `$cmd` $cmd\n");
    repo.commit("Run");
    drop(review(&home, &repo, &[]));
    check_held(&server.responses_requests()[0], &repo, &home);
}

/// Servers, programs, texts and skills that administrators configure for all users.
fn what_the_system_configures_is_switched_off(codex: &Path) {
    let server = ResponsesServer::answering(all_clear);
    let (home, repo) = (Home::new(), Repo::init());
    home.write_config(&user_config(&server, codex));
    repo.commit("Begin");
    repo.write("a.sh", "eval \"$cmd\" `$deep` $cmd\n");
    repo.commit("Run");
    let started = home.path().join("started");
    let touch =
        |name: &str| format!("[mcp_servers.{name}]\ncommand = \"touch\"\nargs = [{started:?}]\n");
    home.write(
        "etc/codex/config.toml",
        format!(
            "developer_instructions = \"AMBIENT\"\nnotify = [\"touch\", {started:?}]\n{}{}",
            touch("plain"),
            touch("\"an odd.name\""),
        ),
    );
    home.write("etc/codex/skills/cmd/SKILL.md", SKILL);
    home.write("etc/codex/skills/a/b/deep/SKILL.md", SKILL.replace("cmd", "deep"));
    let within = "mount --bind \"$0\" /etc && exec \"$@\"";
    let run = Advisor::program(&home, support::find_on_path("unshare").unwrap())
        .in_dir(repo.path())
        .env("PATH", format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", home.bin().display()))
        .env(KEY_VARIABLE, "sk-loopback")
        .args(["--user", "--map-root-user", "--mount", "sh", "-c", within])
        .args([home.path().join("etc")])
        .args([env!("CARGO_BIN_EXE_git-advisor"), "review", "HEAD~1..", "--format", "json"]);
    let output = run.run().success();
    assert_eq!(output.json()["consultation"]["status"], "answered", "{output}");
    check_held(&server.responses_requests()[0], &repo, &home);
    assert!(!started.exists());
}

/// What a model can send to make Codex act, as the items of a stream.
fn attempts() -> Vec<(&'static str, Value)> {
    let function = |name: &str, arguments: Value| json!({"type": "function_call", "id": "fc", "call_id": "c1", "name": name, "arguments": arguments.to_string()});
    let patch = "*** Begin Patch\n*** Add File: planted\n+x\n*** End Patch";
    vec![
        ("exec_command", function("exec_command", json!({"cmd": "touch planted"}))),
        ("shell", function("shell", json!({"command": ["touch", "planted"]}))),
        ("apply_patch", function("apply_patch", json!({"input": patch}))),
        (
            "custom apply_patch",
            json!({"type": "custom_tool_call", "id": "ct", "call_id": "c1", "name": "apply_patch", "input": patch}),
        ),
        (
            "custom exec",
            json!({"type": "custom_tool_call", "id": "ct", "call_id": "c1", "name": "exec", "input": "touch planted"}),
        ),
        (
            "local_shell_call",
            json!({"type": "local_shell_call", "id": "ls", "call_id": "c1", "status": "completed",
                   "action": {"type": "exec", "command": ["touch", "planted"]}}),
        ),
        (
            "web_search_call",
            json!({"type": "web_search_call", "id": "ws", "status": "completed", "action": {"type": "search", "query": "q"}}),
        ),
        ("mcp", function("mcp__x__run", json!({}))),
        ("update_plan", function("update_plan", json!({"plan": []}))),
        ("view_image", function("view_image", json!({"path": "/etc/passwd"}))),
        ("spawn_agent", function("spawn_agent", json!({"message": "act"}))),
    ]
}

/// A turn in which the model does nothing but act.
fn acting(item: &Value) -> Reply {
    Reply::Events(vec![
        json!({"type": "response.created", "response": {"id": "r"}}),
        json!({"type": "response.output_item.done", "output_index": 0, "item": item}),
        json!({"type": "response.completed", "response": {"id": "r", "status": "completed", "usage":
            {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}}}),
    ])
}

fn every_attempt_to_act_ends_the_call(codex: &Path) {
    let repo = risky_repo();
    let state = || {
        let ids = repo.git(&["for-each-ref"]) + &repo.git(&["ls-files", "--stage"]);
        let top = fs::read_dir(repo.path()).unwrap().count();
        (ids, repo.git(&["status", "--porcelain", "--ignored"]), top)
    };
    let before = state();
    for (name, item) in attempts() {
        let acted = std::sync::atomic::AtomicUsize::new(0);
        let server = ResponsesServer::answering(move |request| {
            if acted.fetch_add(1, std::sync::atomic::Ordering::SeqCst) > 0 {
                return all_clear(request);
            }
            acting(&item)
        });
        let home = Home::new();
        home.write_config(&user_config(&server, codex));
        let output = review(&home, &repo, &[]);
        let report = output.json();
        let failure = &report["consultation"]["failure"];
        // Codex leaves this one alone without a word, a further request or an item.
        let class = if name == "local_shell_call" { "no-answer" } else { "tool-attempt" };
        assert_eq!(failure["class"], class, "{name}\n{output}");
        assert_eq!(report["answer"], Value::Null, "{name}");
        assert_eq!(before, state(), "{name}");
        let left: Vec<_> = fs::read_dir(home.tmp()).unwrap().collect();
        assert!(left.is_empty(), "{name}: {left:?}");
    }
}

fn the_proof_is_made_once_and_shown(codex: &Path) {
    let server = ResponsesServer::answering(all_clear);
    let (home, repo) = (Home::new(), risky_repo());
    home.write_config(&user_config(&server, codex));
    let kept = home.state().join("git-advisor/leash.json");
    drop(review(&home, &repo, &[]));
    let first = fs::read_to_string(&kept).unwrap();
    drop(review(&home, &repo, &["--question", "Again?"]));
    assert_eq!(fs::read_to_string(&kept).unwrap(), first);
    // The service saw the two questions and nothing of the proof.
    assert_eq!(server.responses_requests().len(), 2);
    drop(review(&home, &repo, &["--config", "codex.model=gpt-6-luna"]));
    let proofs: Value = serde_json::from_str(&fs::read_to_string(&kept).unwrap()).unwrap();
    assert_eq!(proofs.as_array().unwrap().len(), 2);
    let doctor = Advisor::new(&home).in_dir(repo.path()).env(KEY_VARIABLE, "k").args(["doctor"]);
    let doctor = doctor.run().success();
    assert!(doctor.stdout.contains("ok leash: proven on "), "{doctor}");
    assert!(doctor.stdout.contains("no tool, our texts alone"), "{doctor}");
}

fn a_profile_says_whom_to_ask_and_nothing_else(codex: &Path) {
    let server = ResponsesServer::answering(all_clear);
    let (home, repo) = (Home::new(), risky_repo());
    let config = user_config(&server, codex).replace("model = \"gpt-5.5\"", "profile = \"heavy\"");
    home.write_config(&config);
    furnish(&home, &repo);
    home.write(
        ".codex/heavy.config.toml",
        "model = \"gpt-6-luna\"\nmodel_reasoning_effort = \"high\"\nservice_tier = \"priority\"\n\
         developer_instructions = \"AMBIENT\"\n[mcp_servers.x]\ncommand = \"false\"\n",
    );
    drop(review(&home, &repo, &[]));
    let call = server.responses_requests()[0].clone();
    assert_eq!(call.body["model"], "gpt-6-luna");
    assert_eq!(call.body["reasoning"]["effort"], "high");
    assert_eq!(call.body["service_tier"], "priority");
    assert!(call.tools().is_empty() && !call.body.to_string().contains("AMBIENT"));
    // A flag is above it, and a profile that is not there is no silence.
    drop(review(&home, &repo, &["--config", "codex.effort=low"]));
    assert_eq!(server.responses_requests()[1].body["reasoning"]["effort"], "low");
    let missing = ["scan", "HEAD~1..", "--config", "codex.profile=light"];
    let output = Advisor::new(&home).in_dir(repo.path()).args(missing).run().code(2);
    assert!(output.stderr.contains("`codex.profile` has no file `"), "{output}");
}
