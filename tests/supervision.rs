//! Faults that the real Codex cannot be made to show, by a scripted stand-in.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::fs;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Advisor, Home, Output, Repo, StandIn};

/// An answer without findings, under a label that no hunk has.
const ANSWER: &str = r#"{"summary":"Fine.","hunks":[],"findings":[],"needs_context":[]}"#;

fn risky() -> Repo {
    let repo = Repo::init();
    repo.write("a.py", "pass\n");
    repo.commit("Begin");
    repo.write("a.py", "import os\nos.system(input())\nsubprocess.run(cmd, shell=True)\n");
    repo.commit("Run");
    repo
}

fn review(codex: &StandIn, args: &[&str]) -> (Home, Repo, Output) {
    let (home, repo) = (Home::new(), risky());
    home.write_config(&codex.user_config());
    home.log_in();
    let run =
        Advisor::new(&home).in_dir(repo.path()).args(["review", "HEAD~1..", "--format", "json"]);
    let output = run.args(args).run();
    (home, repo, output)
}

/// Reviews and gives the class and the advice of the failure; an outage never fails.
#[track_caller]
fn check(codex: &StandIn, args: &[&str], class: &str, advice: &str) -> (Home, Repo, Output) {
    let (home, repo, output) = review(codex, args);
    let output = output.success();
    let failure = output.json()["consultation"]["failure"].clone();
    assert_eq!(
        (&failure["class"], &failure["advice"]),
        (&json!(class), &json!(advice)),
        "{output}"
    );
    // The temporary folder of the call is gone.
    let left: Vec<_> =
        fs::read_dir(home.tmp()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?} are left behind");
    (home, repo, output)
}

#[test]
fn codex_sees_named_variables_and_an_empty_folder_only() {
    let codex = StandIn::new().emit_answer(ANSWER).exit(0);
    let (home, repo) = (Home::new(), risky());
    home.write_config(&format!("{}env = [\"WANTED\"]\n", codex.user_config()));
    home.log_in();
    let run = Advisor::new(&home).in_dir(repo.path()).args(["review", "HEAD~1.."]);
    let run = run
        .env("AWS_SECRET_ACCESS_KEY", "s")
        .env("GITHUB_TOKEN", "t")
        .env("WANTED", "w")
        .env("https_proxy", "http://p");
    drop(run.run().success());
    let call = codex.last_call();
    let mut names: Vec<&str> = call.env.keys().map(String::as_str).collect();
    // What the shell of the stand-in sets by itself.
    names.retain(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name));
    names.sort_unstable();
    let mut expected = vec![
        "CODEX_HOME",
        "GIT_CEILING_DIRECTORIES",
        "HOME",
        "PATH",
        "RUST_LOG",
        "TMPDIR",
        "TZ",
        "WANTED",
        "https_proxy",
    ];
    expected.retain(|name| names.contains(name) || !["TMPDIR"].contains(name));
    names.retain(|name| !["LANG", "LC_ALL"].contains(name));
    assert_eq!(names, expected);
    assert!(call.listing.is_empty(), "{:?}", call.listing);
    assert!(!call.cwd.starts_with(repo.path()));
    assert!(call.prompt().contains("BEGIN UNTRUSTED CHANGE"));
}

#[test]
fn a_version_that_cannot_be_held_is_not_called() {
    let codex = StandIn::new().with_version("codex-cli 0.146.0").emit_answer(ANSWER).exit(0);
    drop(check(&codex, &[], "too-old", "fix"));
    assert_eq!(codex.started(), 0);
}

#[test]
fn without_a_login_nobody_is_asked() {
    let codex = StandIn::new().emit_answer(ANSWER).exit(0);
    let (home, repo) = (Home::new(), risky());
    home.write_config(&codex.user_config());
    let run = Advisor::new(&home).in_dir(repo.path());
    let output = run.args(["review", "HEAD~1..", "--format", "json"]).run().success();
    assert_eq!(output.json()["consultation"]["failure"]["class"], "not-logged-in", "{output}");
    assert_eq!(codex.started(), 0);
}

#[test]
fn a_codex_that_no_leash_holds_is_not_asked() {
    let codex = StandIn::new().offering_tool("teleport").emit_answer(ANSWER).exit(0);
    let (home, _, output) = check(&codex, &[], "leash-broken", "give-up");
    let message = "Codex would offer the model tools: teleport";
    assert_eq!(output.json()["consultation"]["failure"]["message"], message);
    assert_eq!((codex.probed(), codex.started()), (1, 0));
    let doctor = Advisor::new(&home).args(["doctor"]).run().success();
    assert!(doctor.stdout.contains(&format!("no leash: {message}")), "{doctor}");
}

#[test]
fn a_proof_is_of_one_codex_and_one_command() {
    let codex = StandIn::new().emit_answer(ANSWER).exit(0);
    let (home, repo) = (Home::new(), risky());
    home.write_config(&codex.user_config());
    home.log_in();
    let review = |question: &str, more: &[&str]| {
        let run = Advisor::new(&home).in_dir(repo.path());
        let run = run.args(["review", "HEAD~1..", "--question", question]).args(more);
        drop(run.run().success());
    };
    review("first", &[]);
    review("second", &[]);
    // A first round and one that resumes it, once.
    assert_eq!((codex.probed(), codex.started()), (2, 2));
    review("other effort", &["--config", "codex.effort=low"]);
    assert_eq!(codex.probed(), 4);
    review("other setting", &["--config", "codex.config=service_tier=\"flex\""]);
    assert_eq!(codex.probed(), 6);
    let codex = codex.with_version("codex-cli 0.170.0");
    review("newer Codex", &[]);
    assert_eq!(codex.probed(), 8);
    // What was kept is not believed when it cannot be read.
    fs::write(home.state().join("git-advisor/leash.json"), "{").unwrap();
    review("no proof", &[]);
    assert_eq!(codex.probed(), 10);
}

#[test]
fn a_switch_that_a_version_does_not_know_is_left_out() {
    let codex = StandIn::new().without_feature("sleep_tool").emit_answer(ANSWER).exit(0);
    let (_, _, output) = review(&codex, &[]);
    drop(output.success());
    let disabled = codex.last_call().values_of("--disable").join(" ");
    assert!(disabled.contains("shell_tool") && !disabled.contains("sleep_tool"), "{disabled}");
}

#[test]
fn a_command_that_is_missing_or_no_program_is_said() {
    let (home, repo) = (Home::new(), risky());
    let run = |command: &str| {
        home.write_config(&format!("[codex]\ncommand = \"{command}\"\n"));
        let run = Advisor::new(&home)
            .in_dir(repo.path())
            .args(["review", "HEAD~1..", "--format", "json"]);
        run.run().success().json()["consultation"]["failure"]["class"].clone()
    };
    assert_eq!(run("/no/such/codex"), "not-found");
    assert_eq!(run("no-such-codex"), "not-found");
    let text = home.write("text", "just text\n");
    assert_eq!(run(text.to_str().unwrap()), "not-executable");
}

#[test]
fn an_answer_is_used_although_a_descendant_holds_the_pipe() {
    let codex =
        StandIn::new().leave_descendant(Duration::from_secs(30)).emit_answer(ANSWER).exit(0);
    let begun = Instant::now();
    let (_, _, output) = review(&codex, &[]);
    let output = output.success();
    assert_eq!(output.json()["consultation"]["status"], "answered", "{output}");
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert!(codex.descendants_have_ended());
}

#[test]
fn an_answer_without_a_completed_turn_is_none() {
    let codex = StandIn::new().emit_start().emit_message(ANSWER).exit(0);
    drop(check(&codex, &[], "crashed", "retry"));
}

#[test]
fn a_child_that_hangs_and_ignores_signals_is_ended() {
    let codex = StandIn::new().ignore_signals().emit_start().hang();
    let begun = Instant::now();
    drop(check(&codex, &["--config", "limits.first_answer=1s"], "no-headers", "retry"));
    assert!(begun.elapsed() < Duration::from_secs(12));
}

#[test]
fn a_child_that_never_reads_does_not_hold_us() {
    let codex = StandIn::new().never_read().emit_start().hang();
    let (home, repo) = (Home::new(), risky());
    // Larger than any pipe.
    let body: String = (0..3000).map(|n| format!("subprocess.run(cmd{n}, shell=True)\n")).collect();
    repo.write("b.py", body);
    repo.commit("Large");
    home.write_config(&codex.user_config());
    home.log_in();
    let run =
        Advisor::new(&home).in_dir(repo.path()).args(["review", "HEAD~1..", "--format", "json"]);
    let run =
        run.args(["--config", "limits.first_answer=1s", "--config", "limits.prompt_tokens=100000"]);
    let output = run.run().success();
    assert_eq!(output.json()["consultation"]["failure"]["class"], "no-headers");
    assert!(output.json()["scan"]["stats"]["prompt_tokens_estimate"].as_u64().unwrap() > 40_000);
}

#[test]
fn the_heartbeat_keeps_a_silent_model_alive_and_is_not_kept() {
    let mut codex = StandIn::new().emit_start().emit_headers(200);
    for _ in 0..8 {
        codex = codex.sleep(Duration::from_secs(1)).emit_delta();
    }
    let codex = codex
        .emit_stderr("user.email=\"me@example.com\" event.name=\"codex.sse_event\"")
        .emit_stderr("plain words");
    let codex = codex.emit_message(ANSWER).emit_completed().exit(0);
    let (home, repo, output) = review(&codex, &["--config", "limits.idle=6s"]);
    let output = output.success();
    assert_eq!(output.json()["consultation"]["status"], "answered", "{output}");
    let stderr =
        Advisor::new(&home).in_dir(repo.path()).args(["show", "--stderr"]).run().success().stdout;
    assert!(stderr.contains("plain words") && !stderr.contains("example.com"), "{stderr}");
}

#[test]
fn the_first_line_of_a_limit_ends_the_call() {
    let line = json!({"type": "error", "message": "Reconnecting... 1/5 (exceeded retry limit, last status: 429 Too Many Requests)"});
    let codex =
        StandIn::new().emit_start().emit_event(&line).sleep(Duration::from_secs(30)).exit(1);
    let begun = Instant::now();
    let (home, _, _) = check(&codex, &[], "rate-limit", "wait");
    assert!(begun.elapsed() < Duration::from_secs(8));
    assert!(home.is_doghoused());
}

#[test]
fn headers_of_a_limit_end_the_call_without_any_word() {
    let codex =
        StandIn::new().emit_start().emit_headers(429).sleep(Duration::from_secs(30)).exit(1);
    let begun = Instant::now();
    drop(check(&codex, &[], "rate-limit", "wait"));
    assert!(begun.elapsed() < Duration::from_secs(8));
}

#[test]
fn a_login_that_is_renewed_costs_no_answer() {
    let codex = StandIn::new().emit_start().emit_headers(401).sleep(Duration::from_millis(1500));
    let codex = codex.emit_headers(200).emit_message(ANSWER).emit_completed().exit(0);
    let (_, _, output) = review(&codex, &[]);
    assert_eq!(output.success().json()["consultation"]["status"], "answered");
}

#[test]
fn every_sign_of_acting_ends_the_call() {
    let item = |kind: &str| json!({"type": "item.started", "item": {"id": "i", "type": kind}});
    for kind in
        ["command_execution", "file_change", "mcp_tool_call", "web_search", "collab_tool_call"]
    {
        let codex = StandIn::new().emit_start().emit_event(&item(kind)).emit_answer(ANSWER).exit(0);
        let (_, _, output) = check(&codex, &[], "tool-attempt", "give-up");
        assert_eq!(output.json()["answer"], Value::Null);
    }
    let refused = "ERROR codex_core::tools::router: error=unsupported call: shell";
    let codex = StandIn::new()
        .emit_start()
        .emit_stderr(refused)
        .sleep(Duration::from_secs(2))
        .emit_answer(ANSWER)
        .exit(0);
    drop(check(&codex, &[], "tool-attempt", "give-up"));
}

#[test]
fn death_and_crashes_have_their_classes() {
    drop(check(&StandIn::new().emit_start().die_of("KILL"), &[], "killed", "retry"));
    drop(check(&StandIn::new().exit(101), &[], "crashed", "retry"));
    let codex = StandIn::new().emit_stderr("Error: Unknown feature flag: x").exit(1);
    drop(check(&codex, &[], "bad-flags", "fix"));
    drop(check(
        &StandIn::new().emit_bytes(b"\xff\xfe{]\n").emit_start().exit(1),
        &[],
        "crashed",
        "retry",
    ));
}

#[test]
fn a_flood_is_cut_off() {
    let codex = StandIn::new().emit_start().emit_huge_line(9 << 20).emit_answer(ANSWER).exit(0);
    drop(check(&codex, &[], "too-large", "give-up"));
}

#[test]
fn another_model_is_reported() {
    let item = json!({"type": "item.completed", "item": {"id": "i", "type": "error", "message": "model rerouted: gpt-a -> gpt-b (HighRiskCyberActivity)"}});
    let codex =
        StandIn::new().emit_start().emit_event(&item).emit_message(ANSWER).emit_completed().exit(0);
    let (_, _, output) = review(&codex, &[]);
    let output = output.success();
    let text = output.json()["synthesis"]["text"].as_str().unwrap().to_owned();
    assert!(
        text.contains(
            "another model answered than the one asked for: model rerouted: gpt-a -> gpt-b"
        ),
        "{output}"
    );
    assert!(output.stderr.contains("another model answered"), "{output}");
}

#[test]
fn a_home_that_cannot_be_written_is_said() {
    let codex = StandIn::new().emit_answer(ANSWER).exit(0);
    let (home, repo) = (Home::new(), risky());
    home.write_config(&codex.user_config());
    home.log_in();
    fs::create_dir_all(home.state()).unwrap();
    fs::write(home.state().join("git-advisor"), "a file where a folder belongs").unwrap();
    let run =
        Advisor::new(&home).in_dir(repo.path()).args(["review", "HEAD~1..", "--format", "json"]);
    let output = run.run().success();
    assert_eq!(output.json()["consultation"]["failure"]["class"], "state-unwritable", "{output}");
}

#[test]
fn a_git_directory_that_cannot_be_written_costs_the_record_alone() {
    let codex = StandIn::new().emit_answer(ANSWER).exit(0);
    let (home, repo) = (Home::new(), risky());
    home.write_config(&codex.user_config());
    home.log_in();
    fs::write(repo.path().join(".git/git-advisor"), "a file where a folder belongs").unwrap();
    let run =
        Advisor::new(&home).in_dir(repo.path()).args(["review", "HEAD~1..", "--format", "json"]);
    let output = run.run().success();
    assert_eq!(output.json()["consultation"]["status"], "answered");
    assert!(output.stderr.contains("warning: the review is not recorded"), "{output}");
}

#[test]
fn the_work_tree_and_the_refs_are_what_they_were() {
    let codex = StandIn::new().emit_answer(ANSWER).exit(0);
    let (_, repo, output) = review(&codex, &[]);
    drop(output.success());
    assert_eq!(repo.git(&["status", "--porcelain"]), "");
    assert_eq!(repo.git(&["for-each-ref"]).lines().count(), 1);
}

#[test]
fn codex_inherits_three_pipes_and_nothing_else() {
    let codex = StandIn::new().list_descriptors().emit_answer(ANSWER).exit(0);
    let (home, repo) = (Home::new(), risky());
    home.write_config(&codex.user_config());
    home.log_in();
    let advisor = env!("CARGO_BIN_EXE_git-advisor");
    let script = format!("exec 7</dev/null 9>/dev/null; exec '{advisor}' review HEAD~1..");
    let run = Advisor::program(&home, "sh").in_dir(repo.path()).args(["-c", &script]);
    drop(run.run().success());
    assert_eq!(codex.descriptors(), ["0", "1", "2"]);
}

#[test]
fn killed_without_a_word_we_take_codex_along() {
    let codex = StandIn::new()
        .emit_start()
        .emit_headers(200)
        .leave_descendant(Duration::from_secs(60))
        .ignore_signals()
        .hang();
    let (home, repo) = (Home::new(), risky());
    home.write_config(&codex.user_config());
    home.log_in();
    let running = Advisor::new(&home).in_dir(repo.path()).args(["review", "HEAD~1.."]).spawn();
    codex.await_call(1);
    codex.await_descendant();
    assert!(fs::read_dir(home.tmp()).unwrap().next().is_some());
    running.signal("KILL");
    assert!(codex.descendants_have_ended());
    let gone = || fs::read_dir(home.tmp()).unwrap().next().is_none();
    let begun = Instant::now();
    while !gone() && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(gone(), "the folder of the call is left behind");
    assert!(home.processes().is_empty(), "{:?}", home.processes());
    drop(running);
}

#[test]
fn a_request_to_end_is_obeyed_with_its_own_status() {
    for (signal, status, class) in
        [("INT", 130, "interrupted"), ("HUP", 130, "interrupted"), ("TERM", 143, "terminated")]
    {
        let codex = StandIn::new().emit_start().emit_headers(200).hang();
        let (home, repo) = (Home::new(), risky());
        home.write_config(&codex.user_config());
        home.log_in();
        let run = Advisor::new(&home).in_dir(repo.path());
        let running = run.args(["review", "HEAD~1..", "--format", "json"]).spawn();
        codex.await_call(1);
        running.signal(signal);
        let output = running.wait().code(status);
        assert_eq!(output.json()["consultation"]["failure"]["class"], class);
        assert!(home.processes().is_empty(), "{:?}", home.processes());
        let shown = Advisor::new(&home).in_dir(repo.path()).args(["show", "--prompt"]).run();
        assert!(shown.stdout.contains("BEGIN UNTRUSTED CHANGE"), "{shown}");
    }
}

#[test]
fn the_doghouse_is_of_one_account() {
    let codex = StandIn::new().emit_start().emit_headers(429).hang();
    let (home, repo) = (Home::new(), risky());
    home.write_config(&codex.user_config());
    home.log_in();
    let class = |key: Option<&str>| {
        let mut run = Advisor::new(&home).in_dir(repo.path());
        if let Some(key) = key {
            run = run.env("CODEX_API_KEY", key);
        }
        let output = run.args(["review", "HEAD~1..", "--format", "json"]).run().success();
        output.json()["consultation"]["failure"]["class"].clone()
    };
    assert_eq!(class(None), "rate-limit");
    assert_eq!(class(None), "doghouse");
    assert_eq!(class(Some("another")), "rate-limit");
    assert_eq!(class(Some("another")), "doghouse");
    let status = Advisor::new(&home).args(["doghouse"]).run().success();
    assert_eq!(status.stdout.lines().filter(|line| line.starts_with("held until ")).count(), 2);
    assert!(!status.stdout.contains("another") && !status.stdout.contains("sk-test"), "{status}");
    drop(Advisor::new(&home).args(["doghouse", "clear"]).run().success());
    assert_eq!(class(None), "rate-limit");
}

#[test]
fn twenty_reviews_at_once_leave_everything_whole() {
    let codex = StandIn::new().emit_start().emit_headers(429).hang();
    let (home, repo) = (Home::new(), risky());
    home.write_config(&codex.user_config());
    home.log_in();
    let start = |_| {
        let run = Advisor::new(&home).in_dir(repo.path());
        run.args(["review", "HEAD~1..", "--format", "json"])
            .within(Duration::from_secs(120))
            .spawn()
    };
    let running: Vec<_> = (0..20).map(start).collect();
    for running in running {
        let output = running.wait().success();
        let class = output.json()["consultation"]["failure"]["class"].clone();
        assert!(class == "rate-limit" || class == "doghouse", "{output}");
    }
    let state = home.state().join("git-advisor");
    let proofs = fs::read(state.join("leash.json")).unwrap();
    assert!(serde_json::from_slice::<Vec<Value>>(&proofs).is_ok_and(|proofs| !proofs.is_empty()));
    let status = Advisor::new(&home).args(["doghouse"]).run().success();
    assert!(status.stdout.starts_with("held until ") && status.stdout.lines().count() == 1);
    assert!(fs::read_dir(home.tmp()).unwrap().next().is_none());
    assert!(home.processes().is_empty(), "{:?}", home.processes());
}
