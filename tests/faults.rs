//! Every way in which Codex can fail: for each a row with what shows it, its class and its advice. The real
//! Codex where it can be made to show the fault, a scripted stand-in otherwise.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "what is measured is printed, with --nocapture")]

mod support;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use support::{
    Advisor, Home, KEY_VARIABLE, Output, Reply, Repo, ResponsesServer, StandIn, risky_repo,
    user_config, with_codex,
};

/// From what shows the fault to our exit. Well under a second on a machine that has nothing else to do;
/// the bound leaves room for one that has.
const BOUND: Duration = Duration::from_secs(10);

/// A fault of the service, as the real Codex meets it.
struct Row {
    name: &'static str,
    reply: Reply,
    class: &'static str,
    advice: &'static str,
    doghouse: bool,
}

fn row(name: &'static str, reply: Reply, class: &'static str, advice: &'static str) -> Row {
    Row { name, reply, class, advice, doghouse: false }
}

/// The same for a limit, after which Codex is left alone.
fn limit(name: &'static str, reply: Reply, class: &'static str, advice: &'static str) -> Row {
    Row { name, reply, class, advice, doghouse: true }
}

fn statuses() -> Vec<Row> {
    let error = Reply::error;
    let plain = |code: u16| Reply::status(code).json(&json!({"error": {"message": "no"}}));
    vec![
        row("400", error(400, "invalid_request_error", "no"), "bad-request", "give-up"),
        row(
            "400 schema",
            error(400, "invalid_json_schema", "Invalid schema"),
            "bad-schema",
            "give-up",
        ),
        row(
            "400 policy",
            error(400, "invalid_prompt", "Your prompt was flagged: content policy"),
            "refused",
            "give-up",
        ),
        row(
            "400 cyber",
            error(400, "cyber_policy", "limited access to this content"),
            "refused",
            "give-up",
        ),
        row(
            "400 context",
            error(400, "context_length_exceeded", "too long"),
            "context-too-long",
            "fix",
        ),
        row("401", Reply::unauthorized(), "key-refused", "fix"),
        row("402", plain(402), "forbidden", "fix"),
        row("403", plain(403), "forbidden", "fix"),
        row("404", plain(404), "forbidden", "fix"),
        row("404 model", Reply::model_not_found("gpt-5.5"), "unknown-model", "fix"),
        row("408", plain(408), "server-error", "retry"),
        row("409", plain(409), "server-error", "retry"),
        row("413", plain(413), "bad-request", "give-up"),
        limit("429", Reply::rate_limited(), "rate-limit", "wait"),
        limit("429 retry-after", Reply::rate_limited_for(3_600), "rate-limit", "wait"),
        limit("usage limit", Reply::usage_limit(None), "usage-limit", "wait"),
        limit("usage limit until", Reply::usage_limit(Some(4_000_000_000)), "usage-limit", "wait"),
        limit("quota", Reply::insufficient_quota(), "quota", "fix"),
        limit("plan", error(429, "usage_not_included", "no"), "plan", "fix"),
        row("500", Reply::server_error(), "overloaded", "retry"),
        row("502", plain(502), "server-error", "retry"),
        row("503", plain(503), "server-error", "retry"),
        row("503 retry-after", plain(503).header("retry-after", "3600"), "server-error", "retry"),
        row("503 overloaded", Reply::overloaded(), "overloaded", "retry"),
        limit("503 slow down", error(503, "slow_down", "slow down"), "rate-limit", "wait"),
        row("504", plain(504), "server-error", "retry"),
        row("529", plain(529), "overloaded", "retry"),
    ]
}

fn streams() -> Vec<Row> {
    let error = Reply::stream_error;
    let incomplete = |reason: &str| {
        Reply::Events(vec![
            json!({"type": "response.created", "response": {"id": "r"}}),
            json!({"type": "response.incomplete", "response": {"id": "r", "status": "incomplete",
                   "incomplete_details": {"reason": reason}}}),
        ])
    };
    vec![
        limit(
            "stream rate limit",
            error("rate_limit_exceeded", "try again in 90s"),
            "rate-limit",
            "wait",
        ),
        limit("stream quota", error("insufficient_quota", "no"), "quota", "fix"),
        limit("stream plan", error("usage_not_included", "no"), "plan", "fix"),
        row("stream overloaded", error("server_is_overloaded", "no"), "overloaded", "retry"),
        limit("stream slow down", error("slow_down", "no"), "rate-limit", "wait"),
        row("stream server error", error("server_error", "no"), "stream-broken", "retry"),
        row("stream context", error("context_length_exceeded", "no"), "context-too-long", "fix"),
        row(
            "stream cyber",
            error("cyber_policy", "limited access to this content"),
            "refused",
            "give-up",
        ),
        row(
            "stream policy",
            error("invalid_prompt", "flagged: content policy"),
            "refused",
            "give-up",
        ),
        row("cut off", Reply::Incomplete("{".to_owned()), "cut-off", "retry"),
        row("filtered", incomplete("content_filter"), "cut-off", "retry"),
        row("ends early", Reply::EndsEarly, "stream-broken", "retry"),
        row("cut in mid-stream", Reply::CutInMidStream, "stream-broken", "retry"),
        row("closed unanswered", Reply::CloseUnanswered, "no-connection", "retry"),
        row("page for people", Reply::Html, "stream-broken", "retry"),
        row("no answer", Reply::Empty, "no-answer", "retry"),
        row("refusal", Reply::Refusal("I will not.".to_owned()), "no-answer", "retry"),
        row("no events", Reply::Events(Vec::new()), "stream-broken", "retry"),
        row("blank answer", Reply::answer(" \n"), "no-answer", "retry"),
        row(
            "tool call",
            Reply::tool_call("exec_command", json!({"cmd": "id"})),
            "tool-attempt",
            "give-up",
        ),
        row("no headers", Reply::StallBeforeHeaders, "no-headers", "retry"),
        row("no event", Reply::StallAfterCreated, "idle", "retry"),
        row("comments only", Reply::CommentsOnly, "idle", "retry"),
    ]
}

/// A fault of the program itself, as a stand-in shows it.
struct Scripted {
    name: &'static str,
    codex: StandIn,
    class: &'static str,
    advice: &'static str,
    doghouse: bool,
}

fn scripted() -> Vec<Scripted> {
    let new = || StandIn::new();
    let begun = || StandIn::new().emit_start();
    let reconnecting =
        |why: &str| json!({"type": "error", "message": format!("Reconnecting... 1/5 ({why})")});
    let row = |name, codex, class, advice| Scripted { name, codex, class, advice, doghouse: false };
    let limit =
        |name, codex, class, advice| Scripted { name, codex, class, advice, doghouse: true };
    let said = |text: &str| new().emit_stderr(text).exit(1);
    vec![
        row("crash", new().exit(101), "crashed", "retry"),
        row("silent exit", new().exit(0), "crashed", "retry"),
        row("message without end", begun().emit_message("{}").exit(0), "crashed", "retry"),
        row("KILL", begun().die_of("KILL"), "killed", "retry"),
        row("KILL, by a launcher", begun().exit(137), "killed", "retry"),
        row("memory", said("memory allocation of 65536 bytes failed"), "out-of-memory", "retry"),
        row("threads", said("Error: Resource temporarily unavailable (os error 11)"), "out-of-memory", "retry"),
        row("memory of node", begun().emit_stderr("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory").exit(134), "out-of-memory", "retry"),
        row("SEGV", begun().die_of("SEGV"), "killed", "retry"),
        row("bad flag", said("error: unexpected argument '--x' found"), "bad-flags", "fix"),
        row("bad feature", said("Error: Unknown feature flag: x"), "bad-flags", "fix"),
        row("bad setting", said("Error: unknown configuration field `x`"), "bad-flags", "fix"),
        row("bad catalog", said("Error: failed to parse model_catalog_json path"), "bad-flags", "fix"),
        row("no home", said("Error finding codex home: no such file"), "codex-home", "fix"),
        row("home unwritable", said("Error: failed to initialize in-process app-server client: Read-only file system"), "codex-home", "fix"),
        row("disk full", said("Error: No space left on device (os error 28)"), "codex-home", "fix"),
        row("variable", begun().emit_failure("Missing environment variable: `KEY`.").exit(1), "missing-variable", "fix"),
        row("login expired", begun().emit_failure("Your access token could not be refreshed because your refresh token has expired. Please log out and sign in again.").exit(1), "login-expired", "fix"),
        row("no route", begun().emit_failure("workspace routing discovery failed").exit(1), "no-connection", "retry"),
        row("offline", begun().emit_event(&reconnecting("waiting for network")).hang(), "no-connection", "retry"),
        row("DNS or TLS", begun().emit_failure("Connection failed: error sending request").hang(), "no-connection", "retry"),
        row("retried 5xx", begun().emit_event(&reconnecting("unexpected status 503 Service Unavailable")).hang(), "server-error", "retry"),
        limit("retried 429", begun().emit_event(&reconnecting("exceeded retry limit, last status: 429 Too Many Requests")).hang(), "rate-limit", "wait"),
        limit("headers 429", begun().emit_headers(429).hang(), "rate-limit", "wait"),
        row("headers 503", begun().emit_headers(503).hang(), "server-error", "retry"),
        limit("spend cap", begun().emit_failure("You've reached your spend cap").exit(1), "usage-limit", "wait"),
        limit("usage limit, free", begun().emit_failure("You’ve hit your usage limit. Try again at 9:13 AM.").exit(1), "usage-limit", "wait"),
        row("not UTF-8", begun().emit_bytes(b"\xff\xfe\n").exit(1), "crashed", "retry"),
        row("flood", begun().flood(40_000_000).hang(), "too-large", "give-up"),
        row("flood on stderr", begun().flood_stderr(40_000_000).hang(), "too-large", "give-up"),
        row("endless line", begun().emit_huge_line(9 << 20).hang(), "too-large", "give-up"),
        row("command", begun().emit_event(&json!({"type": "item.started", "item": {"type": "command_execution"}})).hang(), "tool-attempt", "give-up"),
        row("refused tool", begun().emit_stderr("ERROR codex_core::tools::router: error=unsupported call: x").hang(), "tool-attempt", "give-up"),
        row("second request", begun().emit_headers(200).emit_headers(200).hang(), "tool-attempt", "give-up"),
        row("closed stdout", begun().close_stdout().hang(), "no-headers", "retry"),
        row("never reads", new().never_read().emit_start().hang(), "no-headers", "retry"),
        row("ignores signals", begun().ignore_signals().hang(), "no-headers", "retry"),
        row("double fork", begun().leave_escaped_descendant(Duration::from_secs(1)).emit_failure("status 503").hang(), "server-error", "retry"),
        row("holds the pipe", begun().leave_descendant(Duration::from_secs(60)).emit_failure("status 503").exit(1), "server-error", "retry"),
        row("works for ever", begun().emit_headers(200).tick_for_ever(), "deadline", "retry"),
        row("unknown words", begun().emit_failure("something that nobody has seen").exit(1), "crashed", "retry"),
        row("not leashed", new().offering_tool("teleport"), "leash-broken", "give-up"),
        row("too old", new().with_version("codex-cli 0.146.9"), "too-old", "fix"),
        row("no version", new().with_version("what?"), "crashed", "retry"),
    ]
}

/// A review with clocks that leave a busy machine its time, or with short ones where the fault is that
/// one runs out.
fn review(home: &Home, repo: &Repo, class: &str) -> Output {
    let clocks = match clock(class) {
        0 => ["first_answer=30s", "idle=30s", "deadline=40s"],
        _ => ["first_answer=5s", "idle=5s", "deadline=8s"],
    };
    let run = Advisor::new(home).in_dir(repo.path()).env(KEY_VARIABLE, "sk-loopback");
    let run = run.args(["review", "HEAD~1..", "--format", "json"]);
    let clocks = clocks.map(|clock| format!("limits.{clock}"));
    run.args(clocks.iter().flat_map(|clock| ["--config", clock])).run()
}

/// How long the clock of a class runs, in milliseconds.
fn clock(class: &str) -> u64 {
    match class {
        "deadline" => 8_000,
        "no-headers" | "idle" => 5_000,
        _ => 0,
    }
}

/// What must hold after any fault; gives the failure.
#[track_caller]
fn check(name: &str, output: &Output, home: &Home, repo: &Repo, expected: (&str, &str, bool)) {
    let (class, advice, doghouse) = expected;
    // An outage never fails: the review goes on without Codex.
    assert_eq!(output.status, Some(0), "{name}\n{output}");
    let report = output.json();
    let consultation = &report["consultation"];
    assert_eq!(consultation["status"], "unavailable", "{name}");
    let failure = &consultation["failure"];
    assert_eq!(failure["class"], class, "{name}\n{}", output.stderr);
    assert_eq!(failure["advice"], advice, "{name}");
    assert_eq!(report["answer"], Value::Null, "{name}");
    assert_eq!(report["findings"][0]["verdict"], "advisor-only", "{name}: the rules still speak");
    let lines: Vec<&str> =
        output.stderr.lines().filter(|line| line.starts_with("warning: ")).collect();
    let told = lines.iter().filter(|line| line.contains(&format!("({class}); ")));
    assert_eq!(told.count(), 1, "{name}\n{}", output.stderr);
    // Nothing is left running or lying about.
    assert!(home.processes().is_empty(), "{name}: {:?}", home.processes());
    assert!(fs::read_dir(home.tmp()).unwrap().next().is_none(), "{name}");
    // What was obtained is kept, and a call that was made keeps its prompt.
    if let Some(id) = report["record"].as_str() {
        let record = repo.path().join(".git/git-advisor/reviews").join(id);
        let prompt = fs::read_to_string(record.join("prompt.md")).unwrap();
        assert_eq!(Some(prompt.as_str()), report["question"].as_str(), "{name}");
        assert!(record.join("report.json").is_file(), "{name}");
    } else {
        assert!(consultation["session_id"].is_null(), "{name}: a session without a record");
    }
    assert_eq!(home.is_doghoused(), doghouse, "{name}");
    if doghouse {
        let until: jiff::Timestamp = failure["until"].as_str().unwrap().parse().unwrap();
        let wait = until.as_second() - jiff::Timestamp::now().as_second();
        assert!(wait > 0 && wait <= 7 * 86_400 + 60, "{name}: {until}");
        drop(Advisor::new(home).args(["doghouse", "clear"]).run().success());
    }
}

/// The median and the longest of some times, printed.
fn tell(what: &str, mut times: Vec<(Duration, &str)>) {
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "{what}: {} rows, from the trigger to the exit {} ms in the median, {} ms at worst ({})",
        times.len(),
        median.0.as_millis(),
        worst.0.as_millis(),
        worst.1,
    );
}

/// One server and one user for many rows: the leash is proven once.
fn with_the_real_codex(codex: &Path, what: &str, rows: Vec<Row>) {
    let current = Arc::new(Mutex::new((Reply::Empty, Instant::now())));
    let given = Arc::clone(&current);
    let server = ResponsesServer::answering(move |_| {
        let mut given = given.lock().unwrap();
        given.1 = Instant::now();
        given.0.clone()
    });
    let (home, repo) = (Home::new(), risky_repo());
    home.write_config(&user_config(&server, codex));
    let mut times = Vec::new();
    for row in rows {
        *current.lock().unwrap() = (row.reply, Instant::now());
        let asked = server.responses_requests().len();
        let output = review(&home, &repo, row.class);
        let ended = Instant::now();
        let calls = server.responses_requests().len() - asked;
        assert!(
            calls == 1 || row.class == "tool-attempt",
            "{}: {calls} requests\n{output}",
            row.name
        );
        let took = ended.duration_since(current.lock().unwrap().1);
        let took = took.saturating_sub(Duration::from_millis(clock(row.class)));
        assert!(took < BOUND, "{}: {took:?}", row.name);
        times.push((took, row.name));
        check(row.name, &output, &home, &repo, (row.class, row.advice, row.doghouse));
    }
    tell(what, times);
}

fn every_status_has_its_class(codex: &Path) {
    with_the_real_codex(codex, "statuses, real Codex", statuses());
}

fn every_broken_stream_has_its_class(codex: &Path) {
    with_the_real_codex(codex, "streams, real Codex", streams());
}

/// Nobody listens where the service should be; the real Codex would wait for ever.
fn a_service_that_is_not_there_is_left(codex: &Path) {
    let (home, repo) = (Home::new(), risky_repo());
    let server = ResponsesServer::start(Vec::new());
    home.write_config(&user_config(&server, codex));
    drop(server);
    let output = review(&home, &repo, "no-connection");
    check("refused", &output, &home, &repo, ("no-connection", "retry", false));
}

fn every_scripted_fault_has_its_class() {
    let repo = risky_repo();
    let mut times = Vec::new();
    for row in scripted() {
        let home = Home::new();
        home.write_config(&row.codex.user_config());
        home.log_in();
        let output = review(&home, &repo, row.class);
        // What shows the fault of a clock is that it runs out.
        let took = output.duration.saturating_sub(Duration::from_millis(clock(row.class)));
        assert!(took < BOUND, "{}: {took:?}", row.name);
        times.push((took, row.name));
        check(row.name, &output, &home, &repo, (row.class, row.advice, row.doghouse));
    }
    tell("scripted, with start-up and proof", times);
}

fn main() -> ExitCode {
    let mut trials = vec![
        with_codex("every_status_has_its_class", every_status_has_its_class),
        with_codex("every_broken_stream_has_its_class", every_broken_stream_has_its_class),
        with_codex("a_service_that_is_not_there_is_left", a_service_that_is_not_there_is_left),
    ];
    trials.push(Trial::test("every_scripted_fault_has_its_class", || {
        every_scripted_fault_has_its_class();
        Ok(())
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}
