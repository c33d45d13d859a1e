//! Several rounds in one session of the real Codex, against a loopback server.
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
    let trials: [Named; 9] = [
        ("a_follow_up_goes_on_in_the_same_session", a_follow_up_goes_on_in_the_same_session),
        ("what_a_later_round_withdraws_is_told", what_a_later_round_withdraws_is_told),
        ("context_is_granted_within_bounds", context_is_granted_within_bounds),
        ("a_policy_grants_what_is_asked_for", a_policy_grants_what_is_asked_for),
        ("a_session_that_is_gone_begins_anew", a_session_that_is_gone_begins_anew),
        ("a_change_that_moved_on_is_not_followed_up", a_change_that_moved_on_is_not_followed_up),
        (
            "a_failed_round_costs_nothing_that_was_there",
            a_failed_round_costs_nothing_that_was_there,
        ),
        ("a_patch_from_stdin_can_be_followed_up", a_patch_from_stdin_can_be_followed_up),
        (
            "a_change_loosens_no_later_round_of_its_review",
            a_change_loosens_no_later_round_of_its_review,
        ),
    ];
    let trials: Vec<Trial> =
        trials.into_iter().map(|(name, test)| with_codex(name, test)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The texts that were sent as the user, the packet first.
fn asked(request: &Request) -> Vec<String> {
    let texts = request.input_texts().into_iter();
    texts.filter(|(role, _)| role == "user").map(|(_, text)| text).collect()
}

/// The label of the only hunk, from the first prompt of the session.
fn hunk(request: &Request) -> String {
    label(&asked(request)[0], "H1")
}

/// An answer with one finding in the only hunk, or none, and requests for context.
fn answer(request: &Request, finding: Option<(&str, u32, &str)>, needs: &Value) -> Reply {
    let label = hunk(request);
    let (verdict, findings) = match finding {
        Some((file, line, evidence)) => (
            "finding",
            json!([{
                "hunk": label, "file": file, "start_line": line, "end_line": line, "category": "shell",
                "severity": "high", "confidence": 0.9, "title": "A request reaches a shell",
                "evidence": evidence, "explanation": "e", "recommendation": "r",
            }]),
        ),
        None => ("clear", json!([])),
    };
    let hunks = json!([{"hunk": label, "verdict": verdict, "note": "because of the caller"}]);
    Reply::answer(
        json!({"summary": "s", "hunks": hunks, "findings": findings, "needs_context": needs})
            .to_string(),
    )
}

const FLAW: (&str, u32, &str) = ("app.py", 6, "return subprocess.run(cmd, shell=True)");

fn user(server: &ResponsesServer, codex: &Path) -> Home {
    let home = Home::new();
    home.write_config(&user_config(server, codex));
    home
}

fn run(home: &Home, repo: &Repo, args: &[&str]) -> Output {
    Advisor::new(home)
        .in_dir(repo.path())
        .env(KEY_VARIABLE, "sk-loopback")
        .args(args)
        .args(["--format", "json"])
        .run()
}

fn a_follow_up_goes_on_in_the_same_session(codex: &Path) {
    let server = ResponsesServer::answering(|request| answer(request, Some(FLAW), &json!([])));
    let (home, repo) = (user(&server, codex), risky_repo());
    let first = run(&home, &repo, &["review", "HEAD~1.."]).code(1).json();
    let question = "Is it still a flaw if $HOME is fixed?";
    let output = run(&home, &repo, &["follow-up", question]).code(1);
    let report = output.json();
    // One request a round, and both carry the session's identity.
    let calls = server.responses_requests();
    assert_eq!(calls.len(), 2, "{output}");
    let session = first["consultation"]["session_id"].as_str().unwrap();
    assert_eq!(report["consultation"]["session_id"], session);
    assert!(calls.iter().all(|call| call.body["prompt_cache_key"] == session));
    // The leash holds: no tools, our texts and the answer, nothing of the machine.
    let second = &calls[1];
    assert!(second.tools().is_empty(), "{:?}", second.tools());
    let texts = second.input_texts();
    let roles: Vec<&str> = texts.iter().map(|(role, _)| role.as_str()).collect();
    assert_eq!(roles, ["developer", "user", "assistant", "user"], "{texts:?}");
    assert_eq!(second.schema(), calls[0].schema());
    let asked = asked(second);
    assert_eq!(asked[0], calls[0].prompt());
    assert!(asked[1].starts_with("This is a text-only advisory consultation."), "{}", asked[1]);
    assert!(asked[1].contains(question) && !asked[1].contains("BEGIN UNTRUSTED CHANGE"));
    let path = repo.path().display().to_string();
    assert!(!String::from_utf8_lossy(&second.raw).contains(&path));
    // The report holds both rounds, the usage of the second is its own, and what was judged stands.
    assert_eq!(report["consultation"]["rounds"], 2);
    assert_eq!(report["follow_ups"][0]["question"], asked[1]);
    assert_eq!(report["follow_ups"][0]["usage"], first["consultation"]["usage"]);
    assert_ne!(report["consultation"]["usage"], first["consultation"]["usage"]);
    assert_eq!(report["findings"], first["findings"]);
    assert_eq!(report["record"], first["record"]);
    // The record too, and a third round goes on from there.
    let shown = Advisor::new(&home).in_dir(repo.path()).args(["show", "--prompt", "--round", "2"]);
    assert_eq!(shown.run().success().stdout, asked[1]);
    let id = report["record"].as_str().unwrap();
    let third = run(&home, &repo, &["follow-up", id, "And now?"]).code(1).json();
    assert_eq!(third["follow_ups"].as_array().unwrap().len(), 2);
    assert_eq!(server.responses_requests()[2].input_texts().len(), 6);
}

fn what_a_later_round_withdraws_is_told(codex: &Path) {
    let server = ResponsesServer::answering(|request| {
        answer(request, (asked(request).len() == 1).then_some(FLAW), &json!([]))
    });
    let (home, repo) = (user(&server, codex), risky_repo());
    drop(run(&home, &repo, &["review", "HEAD~1.."]).code(1));
    let output = run(&home, &repo, &["follow-up", "cmd comes from a fixed list."]).code(0);
    let report = output.json();
    assert_eq!(report["findings"], json!([]));
    let text = report["synthesis"]["text"].as_str().unwrap();
    let withdrawn = "Codex withdraws \"A request reaches a shell\"";
    assert!(text.contains(withdrawn) && text.contains("because of the caller"), "{text}");
    // The rules have not changed their mind.
    assert!(
        text.contains("started through a shell (line 6, shell/python-subprocess-shell)"),
        "{text}"
    );
}

/// A change whose review needs more: tracked files, one that holds secrets, and what must never be given.
fn repo_with_context() -> Repo {
    let repo = risky_repo();
    repo.write(
        "lib/safe.py",
        "def quote(text):\n    password = \"hunter2-and-more\"\n    return text\n",
    );
    repo.write(".env", "TOKEN=abcdef\n");
    repo.commit("Add what belongs to it");
    repo.write("app.py", "import subprocess\n\n\ndef run(request):\n    cmd = quote(request.args[\"cmd\"])\n    return subprocess.run(cmd, shell=True, cwd=\"/\")\n");
    repo.commit("Quote it");
    repo.write("lib/safe.py", "changed in the work tree\n");
    repo.write("lib/new.py", "untracked\n");
    repo
}

fn needs() -> Value {
    let need = |path: &str, what: &str| json!({"path": path, "what": what, "why": "it decides"});
    json!([
        need("lib/safe.py", "the function quote"),
        need(".env", ""),
        need("lib/new.py", ""),
        need("../../etc/passwd", ""),
        need(".git/config", ""),
        need("lib", ""),
    ])
}

fn context_is_granted_within_bounds(codex: &Path) {
    let server = ResponsesServer::answering(|request| match asked(request).len() {
        1 => answer(request, None, &needs()),
        // It quotes the context that it was given.
        _ => answer(request, Some(("lib/safe.py", 3, "return text")), &json!([])),
    });
    let (home, repo) = (user(&server, codex), repo_with_context());
    let first = run(&home, &repo, &["review", "HEAD~1.."]).code(0).json();
    let text = first["synthesis"]["text"].as_str().unwrap();
    assert!(text.contains("- 1. lib/safe.py the function quote: it decides"), "{text}");
    let output = run(&home, &repo, &["follow-up", "--grant", "1,2,3,4,5,6"]).code(0);
    let calls = server.responses_requests();
    let sent = &asked(&calls[1])[1];
    // As it was committed, numbered, redacted.
    assert!(sent.contains("2  |    password = \"<redacted:assigned-secret:1>\""), "{sent}");
    assert!(!sent.contains("hunter2") && !sent.contains("work tree"), "{sent}");
    let report = output.json();
    let granted = &report["follow_ups"][0]["granted"];
    assert_eq!(granted.as_array().unwrap().len(), 1);
    assert_eq!((&granted[0]["path"], &granted[0]["lines"]), (&json!("lib/safe.py"), &json!(3)));
    let refused = report["follow_ups"][0]["refused"].as_array().unwrap();
    let why = |path: &str| {
        let found = refused.iter().find(|refused| refused["path"] == path).unwrap();
        found["why"].as_str().unwrap().to_owned()
    };
    assert!(why(".env").contains("hold secrets"), "{refused:?}");
    assert!(why("lib/new.py").contains("not tracked"), "{refused:?}");
    assert!(why("../../etc/passwd").contains("no path within"), "{refused:?}");
    assert!(why(".git/config").contains("no path within"), "{refused:?}");
    assert!(why("lib").contains("no regular file"), "{refused:?}");
    for (path, reason) in [(".env", "hold secrets"), ("lib/new.py", "not tracked")] {
        assert!(sent.contains(&format!("- {path}: ")) && sent.contains(reason), "{sent}");
    }
    // The context is real, but no part of the change.
    assert_eq!(report["findings"][0]["verdict"], "pre-existing");
    assert_eq!(report["findings"][0]["file"], "lib/safe.py");
    // A number that Codex did not ask for, and nothing left to ask.
    let wrong = run(&home, &repo, &["follow-up", "--grant", "7"]).code(2);
    assert!(wrong.stderr.contains("asks for no context"), "{wrong}");
    let nothing = run(&home, &repo, &["follow-up"]).code(2);
    assert!(nothing.stderr.contains("nothing is asked"), "{nothing}");
    assert_eq!(server.responses_requests().len(), 2);
}

fn a_policy_grants_what_is_asked_for(codex: &Path) {
    // A model that never has enough gets no more rounds than the configuration says.
    let server = ResponsesServer::answering(|request| answer(request, None, &needs()));
    let (home, repo) = (user(&server, codex), repo_with_context());
    let rounds = ["--config", "limits.max_context_rounds=2"];
    let output = run(&home, &repo, &[&["review", "HEAD~1.."], &rounds[..]].concat()).code(0);
    let report = output.json();
    assert_eq!(
        (report["consultation"]["rounds"].as_u64(), server.responses_requests().len()),
        (Some(3), 3)
    );
    assert!(output.stderr.contains("not given to Codex: .env: "), "{output}");
    assert_eq!(report["synthesis"]["recommendation"], "look");
    let labels: Vec<&str> = report["follow_ups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|round| round["granted"][0]["id"].as_str().unwrap())
        .collect();
    assert!(labels[0].starts_with("C1-") && labels[1].starts_with("C2-"), "{labels:?}");
}

fn a_session_that_is_gone_begins_anew(codex: &Path) {
    let server = ResponsesServer::answering(|request| answer(request, Some(FLAW), &json!([])));
    let (home, repo) = (user(&server, codex), risky_repo());
    let first = run(&home, &repo, &["review", "HEAD~1.."]).code(1).json();
    std::fs::remove_dir_all(home.state().join("git-advisor/codex/sessions")).unwrap();
    let output = run(&home, &repo, &["follow-up", "Are you sure?"]).code(1);
    assert!(output.stderr.contains("session is gone"), "{output}");
    let report = output.json();
    assert_eq!(report["follow_ups"][0]["new_session"], true);
    assert_ne!(report["consultation"]["session_id"], first["consultation"]["session_id"]);
    let calls = server.responses_requests();
    assert_eq!((calls.len(), asked(&calls[1]).len()), (2, 1));
    // All that was said goes along, the earlier answer as data behind a gutter.
    let sent = calls[1].prompt();
    assert!(sent.starts_with(&calls[0].prompt()), "{sent}");
    assert!(sent.contains("\n|{\"summary\"") && sent.contains("Are you sure?"), "{sent}");
    // And from there it goes on.
    drop(run(&home, &repo, &["follow-up", "Really?"]).code(1));
    assert_eq!(asked(&server.responses_requests()[2]).len(), 2);
}

fn a_change_that_moved_on_is_not_followed_up(codex: &Path) {
    let server = ResponsesServer::answering(|request| answer(request, None, &json!([])));
    let (home, repo) = (user(&server, codex), risky_repo());
    let none = run(&home, &repo, &["follow-up", "Why?"]).code(2);
    assert!(none.stderr.contains("there is no review with an answer yet"), "{none}");
    repo.write("app.py", "import os\nos.system(input())\n");
    drop(run(&home, &repo, &["review", "--worktree"]).code(0));
    drop(run(&home, &repo, &["follow-up", "Why?"]).code(0));
    repo.write("app.py", "import os\nos.system(input() + \"x\")\n");
    let moved = run(&home, &repo, &["follow-up", "Why?"]).code(2);
    assert!(moved.stderr.contains("are not those of review"), "{moved}");
    assert_eq!(server.responses_requests().len(), 2);
}

fn a_failed_round_costs_nothing_that_was_there(codex: &Path) {
    let server = ResponsesServer::answering(|request| {
        let failed = asked(request).last().is_some_and(|text| text.contains("Fail now"));
        if failed { Reply::overloaded() } else { answer(request, Some(FLAW), &json!([])) }
    });
    let (home, repo) = (user(&server, codex), risky_repo());
    let first = run(&home, &repo, &["review", "HEAD~1.."]).code(1).json();
    let failed = run(&home, &repo, &["follow-up", "Fail now"]).code(1);
    let report = failed.json();
    assert_eq!(report["follow_ups"][0]["failure"]["class"], "overloaded", "{failed}");
    assert_eq!(report["findings"], first["findings"]);
    assert!(failed.stderr.contains("no second opinion: "), "{failed}");
    let next = run(&home, &repo, &["follow-up", "Go on"]).code(1).json();
    assert_eq!(next["follow_ups"].as_array().unwrap().len(), 2);
    assert_eq!(next["follow_ups"][1]["failure"], Value::Null);
}

fn a_patch_from_stdin_can_be_followed_up(codex: &Path) {
    let server = ResponsesServer::answering(|request| answer(request, Some(FLAW), &json!([])));
    let (home, repo) = (user(&server, codex), risky_repo());
    let patch = repo.git(&["diff", "HEAD~1", "HEAD"]) + "\n";
    let run = |args: &[&str], stdin: &str| {
        let advisor = Advisor::new(&home).env(KEY_VARIABLE, "k").args(args);
        advisor.args(["--format", "json"]).stdin(stdin).run()
    };
    drop(run(&["review", "--patch", "-"], &patch).code(1));
    let report = run(&["follow-up", "Why?"], "").code(1).json();
    assert_eq!(report["consultation"]["rounds"], 2);
    assert_eq!(report["findings"][0]["verdict"], "confirmed");
}

/// In CI the configuration is that of the base, in every round and in every command that reads a change.
fn a_change_loosens_no_later_round_of_its_review(codex: &Path) {
    let server =
        ResponsesServer::answering(|request| match asked(request)[0].contains("### H1-") {
            true => answer(request, Some(FLAW), &json!([])),
            false => Reply::answer("Prose.".to_owned()),
        });
    let (home, repo) = (user(&server, codex), risky_repo());
    repo.write("advisor.toml", "[gate]\nfail_on = \"never\"\n[limits]\nprompt_tokens = 1000\n");
    repo.commit("Loosen");
    let in_ci = |args: &[&str]| {
        let run = Advisor::new(&home).in_dir(repo.path()).env(KEY_VARIABLE, "k").env("CI", "true");
        run.args(args).args(["--format", "json"]).run()
    };
    drop(in_ci(&["review", "HEAD~2.."]).code(1));
    let report = in_ci(&["follow-up", "Sure?"]).code(1).json();
    assert_eq!(report["verdict"]["threshold"], "high");
    // On its own machine the work tree's file is in force: the packet is another one.
    drop(run(&home, &repo, &["follow-up", "Sure?"]).code(2));
    let consult =
        ["consult", "algorithm", "--diff", "HEAD~2..", "--question", "Is the loop bounded?"];
    assert_eq!(in_ci(&consult).code(0).json()["verdict"]["threshold"], "high");
    assert_eq!(run(&home, &repo, &consult).code(0).json()["verdict"]["threshold"], "never");
}
