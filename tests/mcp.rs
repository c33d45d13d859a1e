//! `git advisor mcp`: what a client asks and gets, with the real Codex where one is asked.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "what is measured is printed, with --nocapture")]

mod support;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use support::{
    Advisor, Client, Home, KEY_VARIABLE, Reply, Repo, Request, ResponsesServer, StandIn, all_clear,
    label, risky_repo, user_config, with_codex,
};

/// A test by its name.
type Plain = (&'static str, fn());

/// The same for one that takes the path of the real Codex.
type WithCodex = (&'static str, fn(&Path));

fn main() -> ExitCode {
    let plain: [Plain; 11] = [
        ("a_client_is_told_what_earns_a_call", a_client_is_told_what_earns_a_call),
        ("every_result_fits_its_schema", every_result_fits_its_schema),
        ("a_wrong_request_is_one_line", a_wrong_request_is_one_line),
        ("only_declared_repositories_are_read", only_declared_repositories_are_read),
        (
            "a_client_that_lists_no_roots_holds_nothing_up",
            a_client_that_lists_no_roots_holds_nothing_up,
        ),
        ("the_newest_protocol_is_spoken", the_newest_protocol_is_spoken),
        ("an_outage_is_a_result", an_outage_is_a_result),
        ("what_is_no_message_ends_nothing", what_is_no_message_ends_nothing),
        ("a_terminal_is_no_client", a_terminal_is_no_client),
        ("one_call_too_many_is_refused", one_call_too_many_is_refused),
        ("a_client_that_goes_away_ends_its_calls", a_client_that_goes_away_ends_its_calls),
    ];
    let codex: [WithCodex; 7] = [
        ("a_review_says_what_the_command_line_says", a_review_says_what_the_command_line_says),
        ("every_tool_that_asks_gets_an_answer", every_tool_that_asks_gets_an_answer),
        ("calls_at_once_keep_apart", calls_at_once_keep_apart),
        ("a_limit_is_a_result_and_holds_the_next", a_limit_is_a_result_and_holds_the_next),
        ("a_hang_ends_at_its_deadline", a_hang_ends_at_its_deadline),
        ("a_cancelled_call_ends_codex", a_cancelled_call_ends_codex),
        ("a_signal_ends_server_and_codex", a_signal_ends_server_and_codex),
    ];
    let plain = plain.into_iter().map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    let codex = codex.into_iter().map(|(name, test)| with_codex(name, test));
    libtest_mimic::run(&Arguments::from_args(), plain.chain(codex).collect()).exit_code()
}

fn server(home: &Home, repo: &Repo) -> Client {
    Client::start(advisor(home, repo))
}

fn advisor(home: &Home, repo: &Repo) -> Advisor {
    Advisor::new(home).in_dir(repo.path()).env(KEY_VARIABLE, "sk-loopback")
}

/// A user whose configuration turns the real Codex to a server.
fn user(server: &ResponsesServer, codex: &Path) -> Home {
    let home = Home::new();
    home.write_config(&user_config(server, codex));
    home
}

/// An answer that reports the shell call of [`risky_repo`] under the prompt's own label.
fn true_answer(request: &Request) -> Reply {
    let texts = request.input_texts();
    let (_, first) = texts.iter().find(|(role, _)| role == "user").unwrap();
    let label = label(first, "H1");
    Reply::answer(
        json!({
            "summary": "One command injection.",
            "hunks": [{"hunk": label, "verdict": "finding", "note": "a shell runs request data"}],
            "findings": [{
                "hunk": label, "file": "app.py", "start_line": 6, "end_line": 6, "category": "shell",
                "severity": "high", "confidence": 0.9, "title": "A request reaches a shell",
                "evidence": "return subprocess.run(cmd, shell=True)",
                "explanation": "e", "recommendation": "r",
            }],
            "needs_context": [],
        })
        .to_string(),
    )
}

/// Fails where a result breaks the schema that its tool has declared.
#[track_caller]
fn assert_fits(tools: &Value, tool: &str, result: &Value) {
    let listed = tools["tools"].as_array().unwrap().iter().find(|it| it["name"] == tool).unwrap();
    let validator = jsonschema::validator_for(&listed["outputSchema"]).unwrap();
    let report = &result["structuredContent"];
    let errors: Vec<String> =
        validator.iter_errors(report).map(|it| format!("{}: {it}", it.instance_path())).collect();
    assert!(errors.is_empty(), "{}\nin {report:#}", errors.join("\n"));
}

fn text(result: &Value) -> &str {
    result["content"][0]["text"].as_str().unwrap()
}

fn tools(client: &mut Client) -> Value {
    let id = client.request("tools/list", json!({}));
    client.answer(id)["result"].clone()
}

fn a_client_is_told_what_earns_a_call() {
    let (home, repo) = (Home::new(), risky_repo());
    let mut client = server(&home, &repo);
    assert_eq!(client.info["serverInfo"]["name"], "git-advisor");
    assert!(client.info["instructions"].as_str().unwrap().contains("second opinion"));
    let listed = tools(&mut client);
    let listed = listed["tools"].as_array().unwrap();
    let names: Vec<&str> = listed.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["review", "scan", "consult", "follow_up", "show", "doghouse"]);
    for tool in listed.iter().filter(|it| it["name"] == "review" || it["name"] == "consult") {
        let description = tool["description"].as_str().unwrap();
        for part in ["two fixes have failed", "hard to reverse", "not earned by: naming"] {
            assert!(description.contains(part), "{part} is missing in {description}");
        }
    }
    let (status, stderr, _) = client.close();
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
}

fn every_result_fits_its_schema() {
    let (home, repo) = (Home::new(), risky_repo());
    let mut client = server(&home, &repo);
    let tools = tools(&mut client);
    let scan = client.call("scan", json!({"source": "HEAD~1.."}));
    assert_fits(&tools, "scan", &scan);
    assert_eq!(scan["structuredContent"]["stats"]["selected_hunks"], 1);
    assert!(text(&scan).contains("- H1 `app.py:2` in `run`: shell"), "{}", text(&scan));
    let local = client.call("review", json!({"source": "HEAD~1..", "local_only": true}));
    assert_fits(&tools, "review", &local);
    assert_eq!(local["structuredContent"]["consultation"]["status"], "skipped");
    repo.write("README", "Nothing that could be risky.\n");
    let harmless = client.call("review", json!({"source": "worktree"}));
    assert_fits(&tools, "review", &harmless);
    assert_eq!(harmless["structuredContent"]["consultation"]["status"], "not-needed");
    let free = client.call("doghouse", json!({}));
    assert_fits(&tools, "doghouse", &free);
    assert_eq!(free["structuredContent"]["held"], false);
    // The command line says the same, the times apart.
    let typed = Advisor::new(&home).in_dir(repo.path());
    let mut typed = typed.args(["scan", "HEAD~1..", "--format", "json"]).run().json();
    let mut served = scan["structuredContent"].clone();
    for report in [&mut typed, &mut served] {
        report["stats"]["duration_ms"] = json!(0);
    }
    assert_eq!(typed, served);
}

fn a_wrong_request_is_one_line() {
    let (home, repo) = (Home::new(), risky_repo());
    let mut client = server(&home, &repo);
    let unknown = client.refusal("review", json!({"source": "nowhere..HEAD"}));
    let typed = Advisor::new(&home).in_dir(repo.path()).args(["review", "nowhere..HEAD"]).run();
    assert_eq!(format!("error: {unknown}\n"), typed.code(2).stderr);
    for (tool, arguments, says) in [
        ("review", json!({"source": "--output=/tmp/x"}), "reads like an option"),
        ("review", json!({"source": "x".repeat(100_000)}), "longer than 1000 bytes"),
        ("review", json!({"question": "q".repeat(2 << 20)}), "larger than 1 MiB"),
        ("scan", json!({"file": "x"}), "unknown field"),
        ("show", json!({}), "no review yet"),
        ("show", json!({"id": "../../../etc"}), "there is no review"),
        ("follow_up", json!({"text": "Why?"}), "no review with an answer yet"),
        (
            "consult",
            json!({"kind": "architecture", "question": "What does this code do?"}),
            "earns no call",
        ),
        (
            "consult",
            json!({"kind": "root-cause", "symptom": "s", "attempts": ["a b"]}),
            "two failed fixes",
        ),
        (
            "consult",
            json!({"kind": "plan", "text": "t", "context": ["/etc/passwd"]}),
            "is not within",
        ),
        ("consult", json!({"kind": "plan", "text": "t", "context": ["../../x"]}), "cannot read"),
        ("consult", json!({"kind": "plan", "text": "t", "context": [".git/config"]}), "git's own"),
    ] {
        let line = client.refusal(tool, arguments);
        assert!(line.contains(says), "{line}");
    }
    let id = client.request("tools/call", json!({"name": "exec", "arguments": {}}));
    assert_eq!(client.answer(id)["error"]["message"], "there is no tool `exec`");
    // It serves on as if nothing had been.
    assert_eq!(client.call("doghouse", json!({}))["isError"], false);
}

fn only_declared_repositories_are_read() {
    let (home, here, there) = (Home::new(), risky_repo(), risky_repo());
    there.write("app.py", "import os\nos.system(input())\n");
    let named = json!({"source": "worktree", "repository": there.path()});
    let mut client = server(&home, &here);
    let line = client.refusal("scan", named.clone());
    assert!(line.contains("nor below a root of the client"), "{line}");
    let own = client.call("scan", json!({"source": "worktree", "repository": here.path()}));
    assert_eq!(own["structuredContent"]["stats"]["files"], 0);
    // A root of the client is read too, and a folder above it is not.
    let root = format!("file://{}", there.path().display());
    let mut client = Client::with_roots(advisor(&home, &here), std::slice::from_ref(&root));
    let other = client.call("scan", named);
    assert_eq!(other["structuredContent"]["stats"]["files"], 1);
    let above = client.refusal("scan", json!({"repository": there.path().parent().unwrap()}));
    assert!(above.contains("nor below a root"), "{above}");
    // Started outside of any repository, the only root is meant.
    let mut client = Client::with_roots(Advisor::new(&home), &[root]);
    let only = client.call("scan", json!({"source": "worktree"}));
    assert_eq!(only["structuredContent"]["stats"]["files"], 1);
    let mut client = Client::start(Advisor::new(&home));
    let none = client.refusal("scan", json!({}));
    assert!(none.starts_with("not a git repository"), "{none}");
}

fn a_client_that_lists_no_roots_holds_nothing_up() {
    let home = Home::new();
    let mut client = Client::hiding_roots(Advisor::new(&home));
    let begun = Instant::now();
    let none = client.refusal("scan", json!({}));
    assert!(none.starts_with("not a git repository"), "{none}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}

/// Without a handshake: every request says what it speaks.
fn the_newest_protocol_is_spoken() {
    let (home, repo) = (Home::new(), risky_repo());
    let mut client = Client::silent(advisor(&home, &repo));
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let arguments = json!({"source": "HEAD~1.."});
    let call = json!({"name": "scan", "arguments": arguments, "_meta": meta});
    let id = client.request("tools/call", call);
    let answer = client.answer(id);
    let report = &answer["result"]["structuredContent"];
    assert_eq!(report["stats"]["selected_hunks"], 1, "{answer:#}");
}

fn an_outage_is_a_result() {
    let (home, repo) = (Home::new(), risky_repo());
    home.write_config("[codex]\ncommand = \"/nowhere/codex\"\n");
    let mut client = server(&home, &repo);
    let tools = tools(&mut client);
    let result = client.call("review", json!({"source": "HEAD~1.."}));
    assert_fits(&tools, "review", &result);
    assert_eq!(result["isError"], false);
    let consultation = &result["structuredContent"]["consultation"];
    assert_eq!(
        (&consultation["status"], &consultation["failure"]["class"]),
        (&json!("unavailable"), &json!("not-found"))
    );
    assert!(text(&result).contains("(not-found); fix: install it"), "{}", text(&result));
}

fn what_is_no_message_ends_nothing() {
    let (home, repo) = (Home::new(), risky_repo());
    let mut client = server(&home, &repo);
    client.send_line("this is no message");
    client.send_line("{\"jsonrpc\":\"2.0\",\"id\":77,\"method\":\"tools/call\",\"params\":17}");
    client.send_line(&format!("\"{}\"", "x".repeat(17 << 20)));
    assert_eq!(client.call("doghouse", json!({}))["isError"], false);
}

fn a_terminal_is_no_client() {
    let home = Home::new();
    let typed = Advisor::new(&home)
        .args(["mcp"])
        .stdin("hello\n{\"jsonrpc\":\"2.0\",\"method\":\"x\"}\n")
        .run();
    assert_eq!((typed.status, typed.stdout.as_str()), (Some(2), ""), "{typed}");
    assert!(typed.stderr.starts_with("error: no MCP client is on stdin: "), "{typed}");
    // A client that goes away at once is none's fault.
    let silent = Advisor::new(&home).args(["mcp"]).run();
    assert_eq!((silent.status, silent.stderr.as_str()), (Some(0), ""), "{silent}");
}

/// A user whose Codex never answers.
fn hanging(codex: &StandIn) -> Home {
    let home = Home::new();
    home.log_in();
    home.write_config(&codex.user_config());
    home
}

fn one_call_too_many_is_refused() {
    let codex = StandIn::new().emit_start().hang();
    let (home, repo) = (hanging(&codex), risky_repo());
    let mut client = server(&home, &repo);
    let begun: Vec<u64> =
        (0..4).map(|_| client.begin("review", json!({"source": "HEAD~1.."}))).collect();
    let line = client.refusal("review", json!({"source": "HEAD~1.."}));
    assert!(line.starts_with("4 calls run already"), "{line}");
    // What makes no call is served all the same.
    assert_eq!(client.call("scan", json!({"source": "HEAD~1.."}))["isError"], false);
    assert!(begun.iter().all(|id| !client.has_answered(*id)));
    drop(client.end_by("TERM"));
    assert_eq!(home.processes(), Vec::<String>::new());
}

fn a_client_that_goes_away_ends_its_calls() {
    let codex = StandIn::new().emit_start().hang();
    let (home, repo) = (hanging(&codex), risky_repo());
    let mut client = server(&home, &repo);
    let id = client.begin("review", json!({"source": "HEAD~1.."}));
    thinking(&mut client, id);
    let (status, stderr, took) = client.close();
    assert_eq!((status, stderr.as_str()), (Some(0), ""));
    assert!(took < Duration::from_secs(20), "{took:?}");
    assert_eq!(home.processes(), Vec::<String>::new());
    assert_eq!(failure_on_record(&home, &repo), "interrupted");
}

/// Waits until a call has told that Codex was started.
#[track_caller]
fn thinking(client: &mut Client, id: u64) {
    client.wait_for("a sign of life", |message| {
        let params = &message["params"];
        let said = params["message"].as_str().unwrap_or_default();
        params["progressToken"] == id && (said.contains("waiting for") || said.contains("thinking"))
    });
}

/// The class of failure that the newest record tells of.
fn failure_on_record(home: &Home, repo: &Repo) -> String {
    let shown = Advisor::new(home).in_dir(repo.path()).args(["show", "--json"]).run();
    if shown.status != Some(0) {
        return "none".to_owned();
    }
    shown.json()["consultation"]["failure"]["class"].as_str().unwrap_or("none").to_owned()
}

fn a_review_says_what_the_command_line_says(codex: &Path) {
    let service = ResponsesServer::answering(true_answer);
    let (home, repo) = (user(&service, codex), risky_repo());
    let mut client = server(&home, &repo);
    let tools = tools(&mut client);
    let id = client.begin("review", json!({"source": "HEAD~1.."}));
    let result = client.answer(id)["result"].clone();
    assert_fits(&tools, "review", &result);
    assert!(!client.progress(id).is_empty());
    let served = &result["structuredContent"];
    let typed =
        advisor(&home, &repo).args(["review", "HEAD~1..", "--fresh", "--format", "json"]).run();
    let typed = typed.code(1).json();
    assert_eq!(served["verdict"], json!({"outcome": "fail", "threshold": "high", "exit_code": 1}));
    for part in ["verdict", "findings", "synthesis"] {
        assert_eq!(served[part], typed[part], "{part}");
    }
    let keys = |report: &Value| report.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(served), keys(&typed));
    for part in [
        "**fail**",
        "recommendation **block**",
        "One command injection.",
        "F1 high confirmed app.py:6",
    ] {
        assert!(text(&result).contains(part), "{part} is missing in {}", text(&result));
    }
    // And the record is the same as well.
    let record = served["record"].as_str().unwrap();
    let shown = client.call("show", json!({"id": record}));
    assert_fits(&tools, "show", &shown);
    assert_eq!(shown["structuredContent"], *served);
    assert_eq!(text(&shown), text(&result));
    // Asked again, the answer of before serves, unless a new one is wanted.
    let asked = service.responses_requests().len();
    let again = client.call("review", json!({"source": "HEAD~1.."}));
    assert_fits(&tools, "review", &again);
    assert_eq!(again["structuredContent"]["consultation"]["status"], "cached");
    assert_eq!(service.responses_requests().len(), asked);
    let fresh = client.call("review", json!({"source": "HEAD~1..", "fresh": true}));
    assert_eq!(fresh["structuredContent"]["consultation"]["status"], "answered");
    assert_eq!(service.responses_requests().len(), asked + 1);
}

fn every_tool_that_asks_gets_an_answer(codex: &Path) {
    let service = ResponsesServer::answering(all_clear);
    let (home, repo) = (user(&service, codex), risky_repo());
    let mut client = server(&home, &repo);
    let tools = tools(&mut client);
    let plan = json!({"kind": "plan", "text": "1. Drop the table.\n2. Copy it.\n", "context": ["app.py:1-2"]});
    let consulted = client.call("consult", plan);
    assert_fits(&tools, "consult", &consulted);
    let report = &consulted["structuredContent"];
    assert_eq!(report["consultation"]["status"], "answered", "{report:#}");
    assert!(service.responses_requests()[0].prompt().contains("Drop the table."));
    let record = report["record"].as_str().unwrap();
    let on = json!({"id": record, "text": "And the indexes?"});
    let followed = client.call("follow_up", on);
    assert_fits(&tools, "follow_up", &followed);
    assert_eq!(followed["structuredContent"]["follow_ups"][0]["failure"], Value::Null);
    assert_eq!(followed["structuredContent"]["record"], record);
}

fn calls_at_once_keep_apart(codex: &Path) {
    let service = ResponsesServer::answering(true_answer);
    let (home, repo) = (user(&service, codex), risky_repo());
    let mut client = server(&home, &repo);
    let ids: Vec<u64> = (0..4)
        .map(|at| {
            client.begin(
                "review",
                json!({"source": "HEAD~1..", "question": format!("Question {at}?")}),
            )
        })
        .collect();
    let mut records = Vec::new();
    for (at, id) in ids.iter().enumerate() {
        let result = client.answer(*id)["result"].clone();
        let report = &result["structuredContent"];
        assert!(report["question"].as_str().unwrap().contains(&format!("Question {at}?")));
        assert_eq!(report["findings"][0]["verdict"], "confirmed", "{report:#}");
        records.push(report["record"].as_str().unwrap().to_owned());
    }
    // Two who go on with the same conversation: one is told that the other does.
    let on = json!({"id": records[0], "text": "Why?"});
    let both = [client.begin("follow_up", on.clone()), client.begin("follow_up", on)];
    let results = both.map(|id| client.answer(id)["result"].clone());
    let refused = results.iter().filter(|it| it["isError"] == true).collect::<Vec<_>>();
    if let [refused] = refused.as_slice() {
        assert!(text(refused).contains("is being talked about already"), "{refused:#}");
    }
    let shown = client.call("show", json!({"id": records[0]}));
    let rounds = shown["structuredContent"]["follow_ups"].as_array().unwrap().len();
    assert_eq!(rounds, 2 - refused.len());
    records.sort();
    records.dedup();
    assert_eq!(records.len(), 4);
}

fn a_limit_is_a_result_and_holds_the_next(codex: &Path) {
    let service = ResponsesServer::start(vec![Reply::rate_limited()]);
    let (home, repo) = (user(&service, codex), risky_repo());
    let mut client = server(&home, &repo);
    let tools = tools(&mut client);
    let limited = client.call("review", json!({"source": "HEAD~1.."}));
    assert_fits(&tools, "review", &limited);
    let failure = |result: &Value| result["structuredContent"]["consultation"]["failure"].clone();
    assert_eq!(
        (&failure(&limited)["class"], &failure(&limited)["advice"]),
        (&json!("rate-limit"), &json!("wait"))
    );
    let begun = Instant::now();
    let held = client.call("review", json!({"source": "HEAD~1.."}));
    assert_eq!(failure(&held)["class"], "doghouse");
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(service.responses_requests().len(), 1);
    let state = client.call("doghouse", json!({}));
    assert_fits(&tools, "doghouse", &state);
    assert_eq!(state["structuredContent"]["held"], true);
    assert_eq!(state["structuredContent"]["until"], failure(&held)["until"]);
    assert_eq!(home.processes(), Vec::<String>::new());
}

fn a_hang_ends_at_its_deadline(codex: &Path) {
    let service = ResponsesServer::start(vec![Reply::StallBeforeHeaders, Reply::CommentsOnly]);
    let (home, repo) = (user(&service, codex), risky_repo());
    for (limit, class) in
        [("limits.first_answer=2s", "no-headers"), ("limits.deadline=4s", "deadline")]
    {
        let mut client = Client::start(advisor(&home, &repo).args(["--config", limit]));
        let begun = Instant::now();
        let id = client.begin("review", json!({"source": "HEAD~1.."}));
        let result = client.answer(id)["result"].clone();
        assert_eq!(result["structuredContent"]["consultation"]["failure"]["class"], class);
        assert!(begun.elapsed() < Duration::from_secs(40), "{:?}", begun.elapsed());
        // It was told every second, with a number that grows.
        let told: Vec<f64> =
            client.progress(id).iter().map(|it| it["progress"].as_f64().unwrap()).collect();
        assert!(told.len() >= 2 && told.is_sorted(), "{told:?}");
        assert_eq!(home.processes(), Vec::<String>::new());
    }
}

fn a_cancelled_call_ends_codex(codex: &Path) {
    let service = ResponsesServer::answering(|_| Reply::StallAfterCreated);
    let (home, repo) = (user(&service, codex), risky_repo());
    let mut client = server(&home, &repo);
    let id = client.begin("review", json!({"source": "HEAD~1.."}));
    client.wait_for("Codex's thinking", |message| {
        let said = message["params"]["message"].as_str().unwrap_or_default();
        message["params"]["progressToken"] == id && said.contains("thinking")
    });
    assert!(!home.processes().is_empty());
    let begun = Instant::now();
    client.notify("notifications/cancelled", json!({"requestId": id, "reason": "enough"}));
    while failure_on_record(&home, &repo) == "none" || !home.processes().is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(15), "Codex runs on");
    }
    println!("from the cancellation to Codex's end and the record: {:?}", begun.elapsed());
    assert_eq!(failure_on_record(&home, &repo), "interrupted");
    // The protocol wants no answer to what was cancelled, and the server serves on.
    assert_eq!(client.call("doghouse", json!({}))["structuredContent"]["held"], false);
    assert!(!client.has_answered(id));
    assert_eq!(client.close().0, Some(0));
}

fn a_signal_ends_server_and_codex(codex: &Path) {
    let service = ResponsesServer::answering(|_| Reply::StallAfterCreated);
    let (home, repo) = (user(&service, codex), risky_repo());
    for (signal, status) in [("TERM", 143), ("INT", 130)] {
        let mut client = server(&home, &repo);
        let id = client.begin("review", json!({"source": "HEAD~1.."}));
        thinking(&mut client, id);
        let (ended, stderr, took) = client.end_by(signal);
        assert_eq!((ended, stderr.as_str()), (Some(status), ""), "{signal}");
        assert!(took < Duration::from_secs(15), "{took:?}");
        assert_eq!(home.processes(), Vec::<String>::new());
        assert_eq!(failure_on_record(&home, &repo), "interrupted");
    }
}
