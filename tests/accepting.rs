//! Accepted findings, from the review that has them to the one that does not count them.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use serde_json::json;
use support::{
    Advisor, Home, KEY_VARIABLE, Output, Reply, Repo, Request, ResponsesServer, risky_repo,
    user_config, with_codex,
};

/// A test by its name; it takes the path of the real Codex.
type Named = (&'static str, fn(&Path));

fn main() -> ExitCode {
    let trials: [Named; 3] = [
        (
            "an_accepted_finding_is_shown_and_not_counted",
            an_accepted_finding_is_shown_and_not_counted,
        ),
        ("a_change_cannot_accept_its_own_findings", a_change_cannot_accept_its_own_findings),
        ("what_the_rules_alone_found_can_be_accepted", what_the_rules_alone_found_can_be_accepted),
    ];
    let trials: Vec<Trial> =
        trials.into_iter().map(|(name, test)| with_codex(name, test)).collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Reports the line with `shell=True`, wherever it stands in the packet.
fn answer(request: &Request) -> Reply {
    let (_, prompt) = request.input_texts().into_iter().find(|(role, _)| role == "user").unwrap();
    let heading =
        prompt.lines().find(|line| line.starts_with("###") && line.contains("| app.py")).unwrap();
    let label = heading.split_whitespace().nth(1).unwrap();
    let line = prompt.lines().find(|line| line.contains("shell=True")).unwrap();
    let (gutter, evidence) = line.split_once('|').unwrap();
    let number: u32 = gutter.split_whitespace().next().unwrap().parse().unwrap();
    let findings = json!([{
        "hunk": label, "file": "app.py", "start_line": number, "end_line": number, "category": "shell",
        "severity": "high", "confidence": 0.9, "title": "A request reaches a shell",
        "evidence": evidence, "explanation": "e", "recommendation": "r",
    }]);
    let hunks = json!([{"hunk": label, "verdict": "finding", "note": "n"}]);
    Reply::answer(
        json!({"summary": "s", "hunks": hunks, "findings": findings, "needs_context": []})
            .to_string(),
    )
}

fn user(server: &ResponsesServer, codex: &Path) -> Home {
    let home = Home::new();
    home.write_config(&user_config(server, codex));
    home
}

fn run(home: &Home, repo: &Repo, args: &[&str]) -> Output {
    Advisor::new(home).in_dir(repo.path()).env(KEY_VARIABLE, "sk-loopback").args(args).run()
}

fn review(home: &Home, repo: &Repo, range: &str) -> Output {
    run(home, repo, &["review", range, "--format", "json"])
}

fn an_accepted_finding_is_shown_and_not_counted(codex: &Path) {
    let server = ResponsesServer::answering(answer);
    let (home, repo) = (user(&server, codex), risky_repo());
    drop(review(&home, &repo, "HEAD~1..").code(1));
    for (args, problem) in [
        (["accept", "F9", "--reason", "x"], "has no finding `F9`"),
        (["accept", "F1", "--reason", " "], "accepted for a reason"),
    ] {
        let wrong = run(&home, &repo, &args).code(2);
        assert!(wrong.stderr.contains(problem), "{wrong}");
    }
    let reason = "the name comes from a fixed list";
    let accepted = run(&home, &repo, &["accept", "F1", "--reason", reason]).code(0);
    assert!(accepted.stdout.contains("[[accept]]\nfingerprint = \""), "{accepted}");
    let output = review(&home, &repo, "HEAD~1..").code(0);
    let report = output.json();
    let finding = &report["findings"][0];
    assert_eq!((&finding["accepted"], &finding["gates"]), (&json!(true), &json!(false)));
    assert_eq!(report["synthesis"]["accepted"], json!(["F1"]));
    assert_eq!(report["synthesis"]["agrees"], json!([]));
    let text = report["synthesis"]["text"].as_str().unwrap();
    assert!(text.contains(&format!("accepted: {reason}")), "{text}");
    // Moved down, it is still the same finding; with other code it is not.
    let moved = "import subprocess\n\n\n# One more line\ndef run(request):\n    cmd = request.args[\"cmd\"]\n    return subprocess.run(cmd, shell=True)\n";
    repo.write("app.py", moved);
    repo.git(&["commit", "--quiet", "--message", "Move it", "app.py"]);
    drop(review(&home, &repo, "HEAD~2..").code(0));
    repo.write("app.py", moved.replace("(cmd, ", "(cmd + \"x\", "));
    repo.git(&["commit", "--quiet", "--message", "Change it", "app.py"]);
    drop(review(&home, &repo, "HEAD~3..").code(1));
    // An end that is over brings it back.
    repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    let file = repo.path().join("advisor.toml");
    let entry = fs::read_to_string(&file).unwrap();
    repo.write("advisor.toml", format!("{entry}until = \"2020-01-01\"\n"));
    let over = review(&home, &repo, "HEAD~2..").code(1);
    assert!(over.stdout.contains("which is over"), "{over}");
    let past = ["accept", "F1", "--reason", "x", "--until", "2020-01-01"];
    assert!(run(&home, &repo, &past).code(2).stderr.contains("a day that is over"));
    // A file of one's own does as well.
    repo.remove("advisor.toml");
    let mine = ["accept", "F1", "--reason", "mine", "--mine", "--until", "2999-12-31"];
    drop(run(&home, &repo, &mine).code(0));
    let output = review(&home, &repo, "HEAD~2..").code(0);
    assert!(output.stdout.contains("accepted until 2999-12-31: mine"), "{output}");
}

fn a_change_cannot_accept_its_own_findings(codex: &Path) {
    let server = ResponsesServer::answering(answer);
    let (home, repo) = (user(&server, codex), risky_repo());
    drop(review(&home, &repo, "HEAD~1..").code(1));
    drop(run(&home, &repo, &["accept", "F1", "--reason", "trust me"]).code(0));
    repo.commit("Accept it");
    // Within the range the entry is a part of the change; below it, it is a decision that stands.
    let own = review(&home, &repo, "HEAD~2..").code(1);
    assert!(own.stdout.contains("this change itself accepts it (trust me)"), "{own}");
    let text = "import subprocess\n\n\ndef run(request):\n    return None\n";
    let risky = fs::read_to_string(repo.path().join("app.py")).unwrap();
    repo.write("app.py", text);
    repo.commit("Take it out");
    repo.write("app.py", risky);
    repo.commit("Bring it back");
    drop(review(&home, &repo, "HEAD~1..").code(0));
    // Nor can it make an entry last longer.
    let entry = fs::read_to_string(repo.path().join("advisor.toml")).unwrap();
    repo.write("advisor.toml", format!("{entry}until = \"2999-12-31\"\n"));
    repo.commit("For ever");
    drop(review(&home, &repo, "HEAD~2..").code(1));
}

fn what_the_rules_alone_found_can_be_accepted(codex: &Path) {
    let server = ResponsesServer::answering(answer);
    let (home, repo) = (user(&server, codex), risky_repo());
    let none = run(&home, &repo, &["accept", "F1", "--reason", "x"]).code(2);
    assert!(none.stderr.contains("there is no review with findings yet"), "{none}");
    let key = format!("KEY = \"ghp_{}\"\n", "k3Xw9TzQ7LmB2vRfY8cN5hJdP4sGaU6eW1oK");
    repo.write("key.py", key);
    repo.commit("Key");
    let alone = ["review", "HEAD~1..", "--no-codex", "--format", "json"];
    let outage = ["review", "HEAD~1..", "--format", "json", "--config", "codex.command=/nowhere"];
    for args in [&alone[..], &outage] {
        let report = run(&home, &repo, args).code(1).json();
        assert_eq!(report["findings"][0]["verdict"], "advisor-only");
        assert!(report["record"].is_string(), "{report}");
        drop(run(&home, &repo, &["accept", "F1", "--reason", "a sample"]).code(0));
        let report = run(&home, &repo, args).code(0).json();
        assert_eq!(report["findings"][0]["accepted"], true);
        repo.remove("advisor.toml");
    }
    // A follow-up passes over what has no answer.
    drop(review(&home, &repo, "HEAD~2..").code(1));
    drop(run(&home, &repo, &alone).code(1));
    drop(run(&home, &repo, &["follow-up", "Sure?"]).code(1));
    // Nothing found, nothing kept.
    let kept = || run(&home, &repo, &["log"]).success().stdout.lines().count();
    let before = kept();
    repo.write("a.txt", "text\n");
    repo.commit("Text");
    drop(run(&home, &repo, &["review", "HEAD~1..", "--no-codex"]).success());
    assert_eq!(kept(), before);
}
