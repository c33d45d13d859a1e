//! The bench, proven: a bench that is wrong makes every other test wrong with it.
#![allow(clippy::unwrap_used, reason = "to panic is how a test fails")]

mod support;

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use support::{
    Advisor, Home, KEY_VARIABLE, Output, Reply, Repo, ResponsesServer, StandIn, with_codex,
};

fn main() -> ExitCode {
    let trials = vec![
        alone("equal_steps_give_equal_ids", equal_steps_give_equal_ids),
        alone("clones_and_worktrees_share_history", clones_and_worktrees_share_history),
        alone("sha256_repositories_have_long_ids", sha256_repositories_have_long_ids),
        alone("the_machine_does_not_leak_in", the_machine_does_not_leak_in),
        alone("a_hang_fails_with_what_was_printed", a_hang_fails_with_what_was_printed),
        alone(
            "a_descendant_with_the_pipe_in_hand_is_seen",
            a_descendant_with_the_pipe_in_hand_is_seen,
        ),
        alone("a_signal_reaches_the_program", a_signal_reaches_the_program),
        alone("output_prints_as_one_text", output_prints_as_one_text),
        alone("stand_in_answers_and_remembers", stand_in_answers_and_remembers),
        alone("stand_in_takes_one_script_per_call", stand_in_takes_one_script_per_call),
        alone("stand_in_dies_as_told", stand_in_dies_as_told),
        alone("stand_in_asks_as_the_leash_demands", stand_in_asks_as_the_leash_demands),
        alone("a_stalled_server_can_be_dropped", a_stalled_server_can_be_dropped),
        with_codex("an_answer_makes_the_round", an_answer_makes_the_round),
        with_codex("an_answer_can_follow_from_the_prompt", an_answer_can_follow_from_the_prompt),
        with_codex("failures_read_as_codex_words_them", failures_read_as_codex_words_them),
        with_codex("a_tool_call_is_an_attempt_to_act", a_tool_call_is_an_attempt_to_act),
        with_codex(
            "stand_in_lists_what_the_real_one_lists",
            stand_in_lists_what_the_real_one_lists,
        ),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A trial that needs no Codex.
fn alone(name: &str, test: fn()) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

fn equal_steps_give_equal_ids() {
    let build = || {
        let repo = Repo::init();
        repo.write("src/lib.rs", "fn a() {}\n");
        repo.commit("one");
        repo.remove("src/lib.rs");
        repo.write(Path::new("täst"), b"\xff\n");
        (repo.commit("two"), repo.git(&["log", "--format=%an %cn %aI %s"]))
    };
    let (id, log) = build();
    assert_eq!(build(), (id.clone(), log.clone()));
    assert_eq!(id.len(), 40);
    assert_eq!(
        log,
        "Ada Author Cleo Committer 2026-01-01T00:01:00Z two\n\
         Ada Author Cleo Committer 2026-01-01T00:00:00Z one"
    );
}

fn clones_and_worktrees_share_history() {
    let repo = Repo::init();
    for message in ["one", "two", "three"] {
        repo.commit(message);
    }
    let count = |repo: &Repo| repo.git(&["rev-list", "--count", "HEAD"]);
    assert_eq!(count(&repo.clone_shallow(1)), "1");
    assert_eq!(count(&repo.clone_bare()), "3");
    assert_eq!(repo.clone_bare().git(&["rev-parse", "--is-bare-repository"]), "true");

    let tree = repo.worktree("side");
    tree.commit("four");
    assert_eq!((count(&tree), count(&repo)), ("4".to_owned(), "3".to_owned()));
    assert_eq!(tree.git(&["log", "-1", "--format=%aI"]), "2026-01-01T00:03:00Z");
    assert!(repo.try_git(&["rev-parse", "--verify", "nowhere"]).code(128).stderr.contains("fatal"));
}

fn sha256_repositories_have_long_ids() {
    assert_eq!(Repo::init_with(&["--object-format=sha256"]).commit("one").len(), 64);
    assert_eq!(Repo::bare().git(&["rev-parse", "--is-bare-repository"]), "true");
}

fn the_machine_does_not_leak_in() {
    let home = Home::new();
    let output = Advisor::program(&home, home.bin().join("env")).env("EXTRA", "1").run().success();
    let mut names: Vec<&str> =
        output.stdout.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    insta::assert_snapshot!(names.join("\n"), @"
    CODEX_HOME
    EXTRA
    GIT_AUTHOR_EMAIL
    GIT_AUTHOR_NAME
    GIT_COMMITTER_EMAIL
    GIT_COMMITTER_NAME
    GIT_CONFIG_NOSYSTEM
    GIT_TERMINAL_PROMPT
    HOME
    LC_ALL
    PATH
    TMPDIR
    TZ
    XDG_CACHE_HOME
    XDG_CONFIG_HOME
    XDG_STATE_HOME
    ");
    assert!(output.stdout.contains(&format!("PATH={}\n", home.bin().display())));
    assert_eq!(Advisor::git(&home).args(["config", "--list"]).run().success().stdout, "");
    let parrot = home.write("stdin", "what comes in\0goes out");
    let output =
        Advisor::program(&home, home.bin().join("cat")).stdin(fs::read(parrot).unwrap()).run();
    assert_eq!(output.stdout_bytes, b"what comes in\0goes out");
}

fn a_hang_fails_with_what_was_printed() {
    let home = Home::new();
    let started = Instant::now();
    let advisor = shell(&home, "echo first words; sleep 60").within(Duration::from_millis(300));
    let complaint = advisor.spawn().try_wait().unwrap_err();
    assert!(complaint.contains("first words"), "{complaint}");
    assert!(started.elapsed() < Duration::from_secs(5));
}

fn a_descendant_with_the_pipe_in_hand_is_seen() {
    let home = Home::new();
    let complaint = shell(&home, "sleep 60 & echo done").spawn().try_wait().unwrap_err();
    assert!(complaint.contains("a descendant keeps its output open"), "{complaint}");
    assert!(complaint.contains("done"), "{complaint}");
}

fn a_signal_reaches_the_program() {
    let home = Home::new();
    let mut running =
        shell(&home, "trap 'echo caught; exit 130' INT; echo ready; while :; do sleep 0.05; done")
            .spawn();
    running.wait_until("readiness", |stdout, _| stdout.contains("ready"));
    running.signal("INT");
    assert_eq!(running.wait().code(130).stdout, "ready\ncaught\n");
}

fn output_prints_as_one_text() {
    let home = Home::new();
    let output = shell(&home, "echo $HOME; printf 'a warning' >&2; exit 3")
        .run()
        .masking(home.path(), "[HOME]");
    insta::assert_snapshot!(output, @r"
    status: 3
    --- stdout ---
    [HOME]
    --- stderr ---
    a warning
    \ no newline at the end
    ");
}

fn stand_in_answers_and_remembers() {
    let home = Home::new();
    let stand_in = StandIn::new().emit_answer("It's \"fine\".").exit(0);
    let ask = |args: &[&str]| Advisor::program(&home, stand_in.path()).args(args).run().success();
    assert_eq!(ask(&["--version"]).stdout, "codex-cli 0.169.0\n");
    assert_eq!(ask(&["mcp", "list", "--json"]).json(), json!([]));
    assert_eq!(
        ask(&["debug", "models", "--bundled"]).json()["models"].as_array().map(Vec::len),
        Some(2)
    );
    assert_eq!((stand_in.invoked(), stand_in.started()), (3, 0));

    let arguments = ["exec", "--json", "-c", "a=\"b c\"", "-c", "two\nlines", "-"];
    let output =
        Advisor::program(&home, stand_in.path()).args(arguments).stdin("prompt\n").run().success();
    let events: Vec<Value> =
        output.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events[2]["item"]["text"], "It's \"fine\".");
    assert_eq!(events.last().unwrap()["type"], "turn.completed");

    let call = stand_in.last_call();
    assert_eq!(
        (call.args.as_slice(), call.prompt().as_str()),
        (arguments.map(str::to_owned).as_slice(), "prompt\n")
    );
    assert_eq!(call.values_of("-c"), ["a=\"b c\"", "two\nlines"]);
    assert_eq!(call.env["HOME"], home.path().to_str().unwrap());
    assert_eq!(call.cwd, home.path());
    assert_eq!((stand_in.started(), stand_in.probed()), (1, 0));
}

fn stand_in_takes_one_script_per_call() {
    let home = Home::new();
    let stand_in = StandIn::new()
        .emit_failure("no")
        .exit(1)
        .next_call()
        .emit_bytes(b"\xff")
        .emit_huge_line(100_000);
    let call = || Advisor::program(&home, stand_in.path()).args(["exec", "-"]).run();
    assert!(call().code(1).stdout.contains("turn.failed"));
    assert_eq!(call().success().stdout_bytes.len(), 100_002);
    assert_eq!(call().success().stdout_bytes.len(), 100_002);
    assert_eq!(stand_in.started(), 3);
}

fn stand_in_dies_as_told() {
    let home = Home::new();
    let stand_in = StandIn::new().die_of("KILL");
    assert_eq!(Advisor::program(&home, stand_in.path()).args(["exec", "-"]).run().status, None);

    let stubborn = StandIn::new()
        .never_read()
        .ignore_signals()
        .leave_escaped_descendant(Duration::from_secs(30))
        .emit_start()
        .hang();
    let mut running = Advisor::program(&home, stubborn.path()).args(["exec", "-"]).spawn();
    stubborn.await_call(1);
    running.wait_until("its start", |stdout, _| stdout.contains("turn.started"));
    running.signal_group("TERM");
    std::thread::sleep(Duration::from_millis(100));
    assert!(stubborn.descendant_lives());
    running.signal_group("KILL");
    drop(running);
    assert!(stubborn.descendant_lives(), "it is in a group of its own");
}

fn stand_in_asks_as_the_leash_demands() {
    let home = Home::new();
    let instructions = home.write("ours.md", "Advise.\n\tNo \"tools\".\n");
    for (stand_in, tools) in [(StandIn::new(), 0), (StandIn::new().offering_tool("shell"), 1)] {
        let server = ResponsesServer::start(vec![Reply::answer("seen")]);
        let prompt = "one\n\"two\" \\ three\ttabs\r\nünï\n\n";
        let provider = format!(
            "model_providers.adv={{base_url=\"{}\",wire_api=\"responses\"}}",
            server.base_url()
        );
        let file = format!("model_instructions_file={instructions:?}");
        let arguments = ["exec", "-m", "gpt-5.5", "-c", &file, "-c", &provider, "-"];
        Advisor::program(&home, stand_in.path()).args(arguments).stdin(prompt).run().success();
        let request = &server.responses_requests()[0];
        assert_eq!(request.tools().len(), tools);
        let texts = [("developer", "Advise.\n\tNo \"tools\"."), ("user", prompt)];
        assert_eq!(
            request.input_texts(),
            texts.map(|(role, text)| (role.to_owned(), text.to_owned()))
        );
        assert_eq!((stand_in.probed(), stand_in.started()), (1, 0));
    }
}

fn a_stalled_server_can_be_dropped() {
    let home = Home::new();
    let server = ResponsesServer::start(vec![Reply::StallBeforeHeaders]);
    let address =
        server.base_url().trim_start_matches("http://").trim_end_matches("/v1").to_owned();
    let mut client = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(
        &mut client,
        b"POST /v1/responses HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    )
    .unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    while server.responses_requests().is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(server.responses_requests()[0].body, json!({}));
    let started = Instant::now();
    drop(server);
    assert!(started.elapsed() < Duration::from_secs(1));
    drop(home);
}

fn an_answer_makes_the_round(codex: &Path) {
    let server = ResponsesServer::start(vec![Reply::answer(
        "Hello there, said in more than one piece of a stream.\nEnd.",
    )]);
    let output = exec(codex, &server).success();
    assert!(
        output.stdout.contains(r"Hello there, said in more than one piece of a stream.\nEnd."),
        "{output}"
    );
    assert!(output.stdout.contains(r#""output_tokens":45"#), "{output}");
    let requests = server.responses_requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].prompt(), PROMPT);
    assert_eq!(requests[0].header("Authorization"), Some("Bearer sk-test"));
    assert_ne!(requests[0].tools().len(), 0, "without a leash Codex offers tools");
}

fn an_answer_can_follow_from_the_prompt(codex: &Path) {
    let server =
        ResponsesServer::answering(|request| Reply::answer(request.prompt().to_uppercase()));
    assert!(exec(codex, &server).success().stdout.contains("SAY HELLO."));
}

/// One reply after the other, since the runs share two cores with the rest of the suite.
fn failures_read_as_codex_words_them(codex: &Path) {
    for (reply, words) in [
        (Reply::rate_limited(), "exceeded retry limit, last status: 429 Too Many Requests"),
        (Reply::usage_limit(Some(1_800_000_000)), "hit your usage limit"),
        (Reply::overloaded(), "Selected model is at capacity."),
        (Reply::unauthorized(), "unexpected status 401 Unauthorized: Incorrect API key provided."),
        (
            Reply::Incomplete("Half an ans".to_owned()),
            "Incomplete response returned, reason: max_output_tokens",
        ),
        (Reply::CutInMidStream, "Transport error: network error: error decoding response body"),
        (Reply::CloseUnanswered, "error sending request"),
    ] {
        let server = ResponsesServer::start(vec![reply]);
        let output = exec(codex, &server).code(1);
        assert!(
            output.stdout.contains("turn.failed") && output.stdout.contains(words),
            "{words}\n{output}"
        );
        assert_eq!(server.responses_requests().len(), 1);
    }
}

fn a_tool_call_is_an_attempt_to_act(codex: &Path) {
    let call = Reply::tool_call("exec_command", json!({"cmd": "echo acted"}));
    let server = ResponsesServer::start(vec![call, Reply::answer("done")]);
    let output = exec(codex, &server).success();
    assert!(output.stdout.contains("command_execution"), "{output}");
    let requests = server.responses_requests();
    let outcome = requests[1].input_texts().pop().unwrap();
    assert_eq!((requests.len(), outcome.0.as_str()), (2, "function_call_output"));
}

/// Where the real one is another version than the stand-in, there is nothing to compare.
fn stand_in_lists_what_the_real_one_lists(codex: &Path) {
    let home = Home::new();
    let stand_in = StandIn::new();
    let ask =
        |program: &Path, args: &[&str]| Advisor::program(&home, program).args(args).run().success();
    if ask(codex, &["--version"]).stdout != ask(&stand_in.path(), &["--version"]).stdout {
        return;
    }
    let real = ask(codex, &["features", "list"]).stdout;
    for line in ask(&stand_in.path(), &["features", "list"]).stdout.lines() {
        let same = |other: &str| other.split_whitespace().eq(line.split_whitespace());
        assert!(real.lines().any(same), "the real one does not list: {line}");
    }
    let models = ["debug", "models", "--bundled"];
    let real = ask(codex, &models).json();
    for model in ask(&stand_in.path(), &models).json()["models"].as_array().unwrap() {
        let twin = real["models"]
            .as_array()
            .unwrap()
            .iter()
            .find(|other| other["slug"] == model["slug"])
            .unwrap();
        let keys = |model: &Value| model.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        assert_eq!(keys(model), keys(twin));
    }
}

const PROMPT: &str = "Say hello.";

/// The real Codex without a leash, aimed at the server, without retries.
fn exec(codex: &Path, server: &ResponsesServer) -> Output {
    let home = Home::new();
    let provider = format!(
        "model_providers.loopback={{name=\"loopback\",base_url=\"{}\",env_key=\"{KEY_VARIABLE}\",\
         wire_api=\"responses\",request_max_retries=0,stream_max_retries=0}}",
        server.base_url(),
    );
    Advisor::program(&home, codex)
        .args([
            "exec",
            "--json",
            "--skip-git-repo-check",
            "--sandbox",
            "read-only",
            "-m",
            "gpt-5.5",
        ])
        .args([
            "--disable",
            "unbounded_connection_retries",
            "--disable",
            "plugins",
            "--disable",
            "apps",
        ])
        .args(["-c", "model_provider=\"loopback\"", "-c", &provider, "-"])
        .env(KEY_VARIABLE, "sk-test")
        .stdin(PROMPT)
        .run()
}

fn shell(home: &Home, script: &str) -> Advisor {
    Advisor::program(home, "/bin/sh").args(["-c", script])
}
