//! Answers that serve the same question again, with the real Codex against a loopback server.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use support::{
    Advisor, Home, KEY_VARIABLE, Output, Reply, Repo, Request, ResponsesServer, StandIn, all_clear,
    label, risky_repo, user_config, with_codex,
};

/// A test by its name; it takes the path of the real Codex.
type Named = (&'static str, fn(&Path));

fn main() -> ExitCode {
    let trials: [Named; 8] = [
        (
            "the_same_question_is_answered_from_the_record",
            the_same_question_is_answered_from_the_record,
        ),
        ("another_question_is_asked", another_question_is_asked),
        (
            "only_a_whole_and_trusted_answer_serves_again",
            only_a_whole_and_trusted_answer_serves_again,
        ),
        ("a_spoilt_record_serves_nobody", a_spoilt_record_serves_nobody),
        (
            "a_conversation_goes_on_from_a_cached_answer",
            a_conversation_goes_on_from_a_cached_answer,
        ),
        ("a_limit_does_not_take_away_what_is_known", a_limit_does_not_take_away_what_is_known),
        ("a_consultation_is_answered_from_the_record", a_consultation_is_answered_from_the_record),
        ("hook_and_ci_use_what_a_review_was_answered", hook_and_ci_use_what_a_review_was_answered),
    ];
    let mut trials: Vec<Trial> =
        trials.into_iter().map(|(name, test)| with_codex(name, test)).collect();
    let more: [(&str, fn()); 2] = [
        ("a_cached_review_starts_no_process", a_cached_review_starts_no_process),
        ("twenty_at_once_share_what_is_known", twenty_at_once_share_what_is_known),
    ];
    trials.extend(more.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Reports the flaw in the only hunk.
fn flaw(request: &Request) -> Reply {
    let texts = request.input_texts();
    let first = &texts.iter().find(|(role, _)| role == "user").unwrap().1;
    let label = label(first, "H1");
    let findings = json!([{
        "hunk": label, "file": "app.py", "start_line": 6, "end_line": 6, "category": "shell",
        "severity": "high", "confidence": 0.9, "title": "A request reaches a shell",
        "evidence": "return subprocess.run(cmd, shell=True)", "explanation": "e", "recommendation": "r",
    }]);
    let hunks = json!([{"hunk": label, "verdict": "finding", "note": "n"}]);
    answered(&json!({"summary": "s", "hunks": hunks, "findings": findings, "needs_context": []}))
}

fn answered(answer: &Value) -> Reply {
    Reply::answer(answer.to_string())
}

/// A user whose Codex asks a server that answers in this way, and a repository with one risky hunk.
struct Bench {
    server: ResponsesServer,
    home: Home,
    repo: Repo,
}

impl Bench {
    fn new(codex: &Path, reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Bench {
        let server = ResponsesServer::answering(reply);
        let (home, repo) = (Home::new(), risky_repo());
        home.write_config(&user_config(&server, codex));
        Bench { server, home, repo }
    }

    fn run(&self, args: &[&str]) -> Output {
        let run = Advisor::new(&self.home).in_dir(self.repo.path());
        run.env(KEY_VARIABLE, "sk-loopback").args(args).run()
    }

    fn review(&self, more: &[&str]) -> Output {
        self.run(&[&["review", "HEAD~1..", "--format", "json"], more].concat())
    }

    fn requests(&self) -> usize {
        self.server.responses_requests().len()
    }

    fn records(&self) -> PathBuf {
        self.repo.path().join(".git/git-advisor/reviews")
    }
}

fn status(output: &Output) -> Value {
    output.json()["consultation"]["status"].clone()
}

fn the_same_question_is_answered_from_the_record(codex: &Path) {
    let bench = Bench::new(codex, flaw);
    let first = bench.review(&[]).code(1).json();
    let output = bench.review(&[]).code(1);
    let second = output.json();
    assert_eq!(bench.requests(), 1, "{output}");
    let consultation = &second["consultation"];
    assert_eq!(consultation["status"], "cached");
    assert_eq!(consultation["answered_at"], first["consultation"]["answered_at"]);
    assert_eq!(consultation["answered_by"], first["record"]);
    assert!(consultation["age_seconds"].as_u64().unwrap() < 600);
    assert_eq!(consultation["usage"], Value::Null);
    for key in ["answer", "findings", "verdict", "question"] {
        assert_eq!(second[key], first[key], "{key}");
    }
    assert_eq!(consultation["coverage"], first["consultation"]["coverage"]);
    // Every report for people says so, and so do those that have a place for it.
    let words = "cached: Codex answered the same question ";
    assert!(second["synthesis"]["text"].as_str().unwrap().contains(words));
    for format in ["text", "markdown", "summary", "github", "gitlab-sast", "sarif", "junit"] {
        let report = bench.run(&["review", "HEAD~1..", "--format", format]).code(1);
        assert!(report.stdout.contains("cached: Codex answered"), "{format}: {report}");
    }
    // A copy of a copy is still the answer of the first, and as old.
    let last = bench.review(&[]).code(1).json();
    assert_eq!(last["consultation"]["answered_by"], first["record"]);
    assert_eq!(bench.requests(), 1);
    // Its record is one of its own, and the newest.
    let shown = bench.run(&["show", "--json"]).success().json();
    assert_eq!((&shown["record"], status_of(&shown)), (&last["record"], "cached".into()));
    let logged = bench.run(&["log"]).success().stdout;
    assert!(logged.lines().next().unwrap().contains(" cached "), "{logged}");
    // The same change under another name is the same question.
    let id = bench.repo.git(&["rev-parse", "HEAD"]);
    assert_eq!(status(&bench.run(&["review", "--commit", &id, "--format", "json"])), "cached");
}

fn status_of(report: &Value) -> Value {
    report["consultation"]["status"].clone()
}

fn another_question_is_asked(codex: &Path) {
    let bench = Bench::new(codex, all_clear);
    drop(bench.review(&[]).success());
    let asks = |args: &[&str]| {
        let before = bench.requests();
        let output = bench.review(args).success();
        assert_eq!(
            (status(&output), bench.requests()),
            ("answered".into(), before + 1),
            "{args:?}"
        );
    };
    asks(&["--fresh"]);
    asks(&["--config", "limits.keep=0s"]);
    asks(&["--question", "Is it safe?"]);
    asks(&["--config", "codex.model=gpt-5.6-luna"]);
    asks(&["--config", "codex.effort=low"]);
    // What was asked afresh serves again, and so does each of the others.
    assert_eq!(status(&bench.review(&[])), "cached");
    assert_eq!(status(&bench.review(&["--question", "Is it safe?"])), "cached");
    // Other code is another packet.
    bench.repo.write("app.py", "import subprocess\n\n\ndef run(request):\n    cmd = request.form[\"cmd\"]\n    return subprocess.run(cmd, shell=True)\n");
    bench.repo.git(&["commit", "--quiet", "--amend", "--all", "--no-edit"]);
    asks(&[]);
    // An answer that is too old is asked for again.
    std::thread::sleep(Duration::from_millis(1_200));
    asks(&["--config", "limits.keep=1s"]);
}

fn only_a_whole_and_trusted_answer_serves_again(codex: &Path) {
    let turn = AtomicUsize::new(0);
    let bench = Bench::new(codex, move |request| {
        let hunks = json!([]);
        match turn.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::overloaded(),
            1 => Reply::answer("Looks fine to me."),
            2 => answered(
                &json!({"summary": "s", "hunks": hunks, "findings": [], "needs_context": []}),
            ),
            3 => Reply::Incomplete("{".to_owned()),
            _ => all_clear(request),
        }
    });
    let states = ["outage", "unreadable", "partial", "outage", "complete"];
    for (number, state) in (1..).zip(states) {
        let output = bench.review(&[]).success();
        assert_eq!(output.json()["synthesis"]["state"], state, "{output}");
        assert_eq!(bench.requests(), number, "{output}");
    }
    assert_eq!(status(&bench.review(&[])), "cached");
}

fn a_spoilt_record_serves_nobody(codex: &Path) {
    let bench = Bench::new(codex, all_clear);
    let spoil: [(&str, &[u8]); 6] = [
        ("answer.txt", b"{"),
        ("answer.txt", b"\xff\xfe"),
        ("prompt.md", b"another"),
        ("dialogue.json", b"[]"),
        ("asked.json", b"\0"),
        ("asked.json", b"{\"digest\":\"\",\"at\":\"2999-01-01T00:00:00Z\",\"record\":\"\"}"),
    ];
    for (number, (file, content)) in (1..).zip(spoil) {
        let report = bench.review(&[]).success().json();
        assert_eq!((status_of(&report), bench.requests()), ("answered".into(), number), "{file}");
        let record = bench.records().join(report["record"].as_str().unwrap());
        fs::write(record.join(file), content).unwrap();
    }
    for entry in fs::read_dir(bench.records()).unwrap() {
        fs::remove_file(entry.unwrap().path().join("answer.txt")).unwrap();
    }
    assert_eq!(status(&bench.review(&[])), "answered");
    assert_eq!(status(&bench.review(&[])), "cached");
}

fn a_conversation_goes_on_from_a_cached_answer(codex: &Path) {
    let bench = Bench::new(codex, |request| match request.prompt().contains("fixed list") {
        true => all_clear_of_session(request),
        false => flaw(request),
    });
    let first = bench.review(&[]).code(1).json();
    assert_eq!(status(&bench.review(&[]).code(1)), "cached");
    let question = "Is it one if the name comes from a fixed list?";
    let output = bench.run(&["follow-up", question, "--format", "json"]).success();
    let report = output.json();
    assert_eq!(report["consultation"]["session_id"], first["consultation"]["session_id"]);
    assert_eq!(report["follow_ups"][0]["new_session"], false, "{output}");
    assert_eq!((status_of(&report), bench.requests()), ("cached".into(), 2));
    // What was said since then belongs to the answer.
    let again = bench.review(&[]).success().json();
    assert_eq!((status_of(&again), bench.requests()), ("cached".into(), 2));
    assert_eq!(again["follow_ups"][0]["answer"], report["follow_ups"][0]["answer"]);
    assert_eq!(again["consultation"]["rounds"], 2);
    // A finding of a cached review can be accepted.
    drop(bench.review(&["--fresh"]).code(1));
    assert_eq!(status(&bench.review(&[]).code(1)), "cached");
    drop(bench.run(&["accept", "F1", "--reason", "known", "--mine"]).success());
    assert_eq!(status(&bench.review(&[]).success()), "cached");
    assert_eq!(bench.requests(), 3);
}

/// Clears the only hunk, under the label of the session's first prompt.
fn all_clear_of_session(request: &Request) -> Reply {
    let texts = request.input_texts();
    let first = &texts.iter().find(|(role, _)| role == "user").unwrap().1;
    let hunks = json!([{"hunk": label(first, "H1"), "verdict": "clear", "note": "a fixed list"}]);
    answered(&json!({"summary": "s", "hunks": hunks, "findings": [], "needs_context": []}))
}

fn a_limit_does_not_take_away_what_is_known(codex: &Path) {
    let turn = AtomicUsize::new(0);
    let bench = Bench::new(codex, move |request| match turn.fetch_add(1, Ordering::SeqCst) {
        0 => flaw(request),
        _ => Reply::rate_limited(),
    });
    drop(bench.review(&[]).code(1));
    assert_eq!(status(&bench.review(&["--fresh"]).success()), "unavailable");
    assert!(bench.home.is_doghoused());
    assert_eq!(status(&bench.review(&[]).code(1)), "cached");
    assert_eq!(bench.requests(), 2);
}

fn a_consultation_is_answered_from_the_record(codex: &Path) {
    let bench = Bench::new(codex, all_clear_of_session);
    let plan = bench.home.write("plan.md", "1. Drop the table.\n2. Restore it.\n");
    let consult = ["consult", "plan", plan.to_str().unwrap(), "--format", "json"];
    let first = bench.run(&consult).success().json();
    let output = bench.run(&consult).success();
    assert_eq!((status(&output), bench.requests()), ("cached".into(), 1), "{output}");
    assert_eq!(output.json()["answer"], first["answer"]);
    assert_eq!(output.json()["synthesis"]["state"], first["synthesis"]["state"]);
    let follow_up = bench.run(&["follow-up", "And without step 1?", "--format", "json"]).success();
    assert_eq!(follow_up.json()["follow_ups"][0]["new_session"], false, "{follow_up}");
    assert_eq!(status(&bench.run(&[&consult[..], &["--fresh"]].concat())), "answered");
    fs::write(&plan, "1. Restore the table.\n").unwrap();
    assert_eq!(status(&bench.run(&consult)), "answered");
}

fn hook_and_ci_use_what_a_review_was_answered(codex: &Path) {
    let bench = Bench::new(codex, flaw);
    let remote = Repo::bare();
    let git = |args: &[&str]| {
        let run = Advisor::git(&bench.home).in_dir(bench.repo.path());
        run.env(KEY_VARIABLE, "sk-loopback").args(args).run()
    };
    bench.repo.git(&["remote", "add", "origin", remote.path().to_str().unwrap()]);
    drop(git(&["push", "--quiet", "origin", "HEAD~1:refs/heads/main"]).success());
    drop(bench.run(&["hook", "install"]).success());
    drop(bench.review(&[]).code(1));
    let push = git(&["push", "origin", "main"]).code(1);
    assert!(push.stderr.contains("cached, ") && !push.stderr.contains("asking Codex"), "{push}");
    assert!(push.stderr.contains("the push is held back"), "{push}");
    let job = Advisor::new(&bench.home).in_dir(bench.repo.path()).env("CI", "true");
    let job = job.env(KEY_VARIABLE, "sk-loopback");
    let ci = job.args(["ci", "HEAD~1..", "--report", "json=ci.json"]).run().code(1);
    let report: Value =
        serde_json::from_slice(&fs::read(bench.repo.path().join("ci.json")).unwrap()).unwrap();
    assert_eq!((status_of(&report), bench.requests()), ("cached".into(), 1), "{ci}");
}

fn a_cached_review_starts_no_process() {
    let codex = StandIn::new().emit_all_clear().exit(0);
    let (home, repo) = (Home::new(), risky_repo());
    home.write_config(&codex.user_config());
    home.log_in();
    let review = || {
        let run = Advisor::new(&home).in_dir(repo.path());
        run.args(["review", "HEAD~1..", "--format", "json"]).run().success()
    };
    assert_eq!(status(&review()), "answered");
    let invoked = codex.invoked();
    // Nor does it need a login.
    fs::remove_file(home.codex().join("auth.json")).unwrap();
    let output = review();
    assert_eq!((status(&output), codex.invoked()), ("cached".into(), invoked), "{output}");
}

fn twenty_at_once_share_what_is_known() {
    let codex = StandIn::new().emit_all_clear().exit(0);
    let (home, repo) = (Home::new(), risky_repo());
    home.write_config(&codex.user_config());
    home.log_in();
    let start = |_| {
        let run = Advisor::new(&home).in_dir(repo.path()).within(Duration::from_secs(120));
        run.args(["review", "HEAD~1..", "--format", "json"]).spawn()
    };
    for known in [false, true] {
        let before = codex.started();
        let running: Vec<_> = (0..20).map(start).collect();
        for running in running {
            let output = running.wait().success();
            assert_eq!(output.json()["synthesis"]["state"], "complete", "{output}");
            assert!(!known || status(&output) == "cached", "{output}");
        }
        assert_eq!(codex.started() == before, known);
    }
    assert!(home.processes().is_empty(), "{:?}", home.processes());
}
