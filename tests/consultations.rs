//! The consultations beside a review, with the real Codex against a loopback server.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use serde_json::{Value, json};
use support::{
    Advisor, Home, KEY_VARIABLE, Output, Reply, Repo, Request, ResponsesServer, label, risky_repo,
    user_config, with_codex,
};

/// A test by its name; it takes the path of the real Codex.
type Named = (&'static str, fn(&Path));

fn main() -> ExitCode {
    let trials: [Named; 6] = [
        ("a_plan_from_stdin_is_torn_apart", a_plan_from_stdin_is_torn_apart),
        ("two_attempts_are_held_against_each_other", two_attempts_are_held_against_each_other),
        ("a_consultation_reads_as_one", a_consultation_reads_as_one),
        ("what_earns_no_call_is_refused", what_earns_no_call_is_refused),
        ("only_files_of_the_repository_are_given", only_files_of_the_repository_are_given),
        ("a_consultation_can_be_followed_up", a_consultation_can_be_followed_up),
    ];
    let trials: Vec<Trial> =
        trials.into_iter().map(|(name, test)| with_codex(name, test)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

fn user(server: &ResponsesServer, codex: &Path) -> Home {
    let home = Home::new();
    home.write_config(&user_config(server, codex));
    home
}

fn consult(home: &Home, repo: &Repo, args: &[&str]) -> Advisor {
    Advisor::new(home)
        .in_dir(repo.path())
        .env(KEY_VARIABLE, "sk-loopback")
        .args(["consult"])
        .args(args)
        .args(["--format", "json"])
}

/// Three points on the first piece: one that quotes it, one that quotes what is not there, one that quotes nothing.
fn three_points(request: &Request) -> Reply {
    let label = label(&request.prompt(), "H1");
    let point = |title: &str, file: &str, line: u32, evidence: &str| {
        json!({
            "hunk": label, "file": file, "start_line": line, "end_line": line, "category": "order",
            "severity": "critical", "confidence": 0.7, "title": title, "evidence": evidence,
            "explanation": "e", "recommendation": "r",
        })
    };
    let findings = json!([
        point("The drop comes first", "(stdin)", 2, "2. Drop the old table"),
        point("An invented step", "(stdin)", 4, "4. Delete the backups"),
        point("Nobody watches", "(stdin)", 0, ""),
    ]);
    let hunks = json!([{"hunk": label, "verdict": "finding", "note": "the order"}]);
    let needs = json!([{"path": "app.py", "what": "run", "why": "who calls it"}]);
    Reply::answer(
        json!({"summary": "s", "hunks": hunks, "findings": findings, "needs_context": needs})
            .to_string(),
    )
}

const PLAN: &str = "1. Stop the service\n2. Drop the old table\n3. Copy the data\n";

fn verdicts(report: &Value) -> Vec<(&str, &str, bool)> {
    let findings = report["findings"].as_array().unwrap().iter();
    let word = |value: &'_ Value| -> &'static str {
        ["supported", "misplaced", "unsupported", "codex", "advisor", "neither"]
            .into_iter()
            .find(|word| *value == *word)
            .unwrap()
    };
    findings
        .map(|f| (word(&f["verdict"]), word(&f["trusts"]), f["gates"].as_bool().unwrap()))
        .collect()
}

fn a_plan_from_stdin_is_torn_apart(codex: &Path) {
    let server = ResponsesServer::answering(three_points);
    let (home, repo) = (user(&server, codex), risky_repo());
    let output = consult(&home, &repo, &["plan"]).stdin(PLAN).run().code(0);
    let report = output.json();
    let expected = [
        ("supported", "codex", false),
        ("unsupported", "neither", false),
        ("unsupported", "advisor", false),
    ];
    assert_eq!(verdicts(&report), expected, "{output}");
    let text = report["synthesis"]["text"].as_str().unwrap();
    assert!(text.contains("an opinion: it quotes nothing"), "{text}");
    assert!(text.contains("whether the point is right was not checked"), "{text}");
    assert_eq!(report["synthesis"]["recommendation"], "look");
    // The same leash: no tools, two texts; the guard, the fence and the question of this kind.
    let calls = server.responses_requests();
    assert_eq!(calls.len(), 1);
    assert!(calls[0].tools().is_empty());
    let sent = calls[0].prompt();
    assert!(sent.starts_with("This is a text-only advisory consultation."), "{sent}");
    assert!(sent.contains("strongest case against this plan"), "{sent}");
    assert!(sent.contains("2  |2. Drop the old table"), "{sent}");
    // It is recorded like a review.
    let log = Advisor::new(&home).in_dir(repo.path()).args(["log"]).run().success();
    assert!(log.stdout.contains("plan"), "{log}");
    let text = Advisor::new(&home)
        .in_dir(repo.path())
        .env(KEY_VARIABLE, "k")
        .args(["consult", "plan"])
        .stdin(PLAN)
        .run()
        .code(0);
    assert!(text.stdout.contains("(stdin) lines 1-3"), "{text}");
}

fn two_attempts_are_held_against_each_other(codex: &Path) {
    let server = ResponsesServer::answering(three_points);
    let (home, repo) = (user(&server, codex), risky_repo());
    let args = [
        "root-cause",
        "--symptom",
        "It hangs under load",
        "--attempt",
        "HEAD~1..",
        "--attempt",
        "We raised the time limit.",
    ];
    drop(consult(&home, &repo, &args).run().code(0));
    let sent = server.responses_requests()[0].prompt();
    assert!(sent.contains("What goes wrong: It hangs under load"), "{sent}");
    assert!(
        sent.contains("attempt 1, lines") && sent.contains("+|    return subprocess.run"),
        "{sent}"
    );
    assert!(sent.contains("| attempt 2\n") && sent.contains("We raised the time limit."), "{sent}");
}

/// What a person reads of a consultation is no gate's language.
fn a_consultation_reads_as_one(codex: &Path) {
    let server = ResponsesServer::answering(|request| {
        let hunks =
            json!([{"hunk": label(&request.prompt(), "H1"), "verdict": "clear", "note": "n"}]);
        let answer =
            json!({"summary": "Fine.", "hunks": hunks, "findings": [], "needs_context": []});
        Reply::answer(answer.to_string())
    });
    let (home, repo) = (user(&server, codex), risky_repo());
    let question =
        ["consult", "architecture", "--question", "Shard by time?", "--context", "app.py"];
    let run = |args: &[&str]| {
        let run = Advisor::new(&home).in_dir(repo.path()).env(KEY_VARIABLE, "k");
        run.args([&question[..], args].concat()).run().code(0).stdout
    };
    let text = run(&[]);
    assert!(text.contains("architecture: 1 piece of text\n"), "{text}");
    assert!(text.contains("pass: answered (a consultation fails nothing)"), "{text}");
    assert!(!text.contains("about 0 tokens"), "{text}");
    let page = run(&["--format", "markdown"]);
    assert!(page.starts_with("# git-advisor consultation\n"), "{page}");
    let outage = run(&["--config", "codex.command=/nowhere"]);
    assert!(outage.contains("look: nobody has answered the question."), "{outage}");
}

fn what_earns_no_call_is_refused(codex: &Path) {
    let server = ResponsesServer::answering(three_points);
    let (home, repo) = (user(&server, codex), risky_repo());
    let refused = |args: &[&str]| -> Output {
        let output = consult(&home, &repo, args).run().code(2);
        assert!(output.stderr.contains("this earns no call: "), "{output}");
        output
    };
    let naming = ["low-confidence", "--question", "What is a better name for this?"];
    assert!(refused(&naming).stderr.contains("a name is a matter"));
    assert!(refused(&["root-cause", "--symptom", "x"]).stderr.contains("two failed fixes"));
    assert!(refused(&["architecture"]).stderr.contains("asks nothing"));
    assert!(refused(&["algorithm", "--question", "q"]).stderr.contains("no algorithm"));
    assert!(refused(&["plan"]).stderr.contains("no plan"));
    assert!(server.requests().is_empty());
    let anyway = [&naming[..], &["--anyway", "--context", "app.py"]].concat();
    drop(consult(&home, &repo, &anyway).run().code(0));
    assert_eq!(server.responses_requests().len(), 1);
}

fn only_files_of_the_repository_are_given(codex: &Path) {
    let server = ResponsesServer::answering(three_points);
    let (home, repo) = (user(&server, codex), risky_repo());
    repo.write(".env", "TOKEN=abcdef\n");
    let outside = home.write("outside.txt", "x\n");
    std::os::unix::fs::symlink(&outside, repo.path().join("link.txt")).unwrap();
    let refused = |path: &str| {
        let args = ["architecture", "--question", "Which?", "--context", path];
        consult(&home, &repo, &args).run().code(2).stderr
    };
    assert!(refused(".env").contains("hold secrets"));
    assert!(refused("link.txt").contains("not within"));
    assert!(refused(outside.to_str().unwrap()).contains("not within"));
    assert!(refused(".git/config").contains("git's own"));
    assert!(refused("nothing.py").contains("cannot read"));
    assert!(refused("app.py:70-90").contains("no such lines"));
    assert!(server.requests().is_empty());
    let args = ["architecture", "--question", "Which?", "--context", "app.py:4-5"];
    drop(consult(&home, &repo, &args).run().code(0));
    let sent = server.responses_requests()[0].prompt();
    assert!(
        sent.contains("4  |def run(request):") && !sent.contains("import subprocess"),
        "{sent}"
    );
}

fn a_consultation_can_be_followed_up(codex: &Path) {
    let server = ResponsesServer::answering(|request| {
        let first = request.input_texts().iter().filter(|(role, _)| role == "user").count() == 1;
        if first { three_points(request) } else { Reply::answer("I was wrong about the order.") }
    });
    let (home, repo) = (user(&server, codex), risky_repo());
    drop(consult(&home, &repo, &["plan"]).stdin(PLAN).run().code(0));
    let follow_up = Advisor::new(&home).in_dir(repo.path()).env(KEY_VARIABLE, "k");
    let output = follow_up.args(["follow-up", "--grant", "1", "--format", "json"]).run().code(0);
    let report = output.json();
    assert_eq!(report["consultation"]["rounds"], 2);
    assert_eq!(report["follow_ups"][0]["granted"][0]["path"], "app.py");
    assert_eq!(report["findings"].as_array().unwrap().len(), 3);
    let text = report["synthesis"]["text"].as_str().unwrap();
    assert!(text.contains("round 2 could not be read as findings"), "{text}");
}
