//! What comes with a change is read and never obeyed: its configuration, and what its text makes others print.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::os::unix::fs::symlink;

use serde_json::{Value, json};
use support::{Advisor, Home, Output, Repo, StandIn, risky_repo};

fn scan(home: &Home, repo: &Repo, variables: &[(&str, &str)], args: &[&str]) -> Output {
    let mut run = Advisor::new(home).in_dir(repo.path());
    for (name, value) in variables {
        run = run.env(name, *value);
    }
    run.args(["scan", "HEAD~1..", "--format", "json"]).args(args).run()
}

/// A change that brings a flaw and, along with it, settings that leave it out.
fn loosening() -> Repo {
    let repo = risky_repo();
    repo.write("advisor.toml", "[gate]\nfail_on = \"high\"\n");
    repo.commit("Settings");
    repo.write("b.py", "subprocess.run(cmd, shell=True)\n");
    repo.write("advisor.toml", "[select]\nexclude = [\"*.py\"]\n[gate]\nfail_on = \"never\"\n");
    repo.commit("Loosen");
    repo
}

fn is_selected(output: &Output, path: &str) -> bool {
    let report = output.json();
    let files = report["files"].as_array().unwrap();
    let file = files.iter().find(|file| file["path"] == path).unwrap();
    file["hunks"].as_array().unwrap().iter().any(|hunk| hunk["selected"] == json!(true))
}

#[test]
fn in_ci_a_change_cannot_loosen_its_own_review() {
    let (home, repo) = (Home::new(), loosening());
    let at_home = scan(&home, &repo, &[], &[]).success();
    assert!(!is_selected(&at_home, "b.py"), "{at_home}");
    for held in [
        scan(&home, &repo, &[("CI", "true")], &[]),
        scan(&home, &repo, &[("GIT_ADVISOR_CONFIG_FROM", "base")], &[]),
        scan(&home, &repo, &[], &["--config-from", "base"]),
    ] {
        let held = held.success();
        assert!(is_selected(&held, "b.py"), "{held}");
        let note = "configuration and rules are those of the base, not of the change";
        assert_eq!(held.json()["source"]["notes"], json!([note]));
        assert!(held.stderr.is_empty() || held.stderr.contains(note), "{held}");
    }
    // The user may say otherwise, the repository may not.
    let back = scan(&home, &repo, &[("CI", "true")], &["--config-from", "worktree"]).success();
    assert!(!is_selected(&back, "b.py"), "{back}");
    repo.write("advisor.toml", "[config]\nfrom = \"worktree\"\n");
    let refused = scan(&home, &repo, &[], &[]).code(2);
    assert!(refused.stderr.contains("advisor.toml:2: `config.from` is about safety"), "{refused}");
}

#[test]
fn a_change_does_not_choose_an_older_policy() {
    let (home, repo) = (Home::new(), risky_repo());
    repo.write("advisor.toml", "[select]\nexclude = [\"*.py\"]\n");
    repo.commit("Lax");
    repo.git(&["branch", "change"]);
    repo.write("advisor.toml", "[gate]\nfail_on = \"low\"\n");
    repo.commit("Strict");
    let main = repo.git(&["rev-parse", "--abbrev-ref", "HEAD"]);
    repo.git(&["checkout", "--quiet", "change"]);
    repo.write("b.py", "subprocess.run(cmd, shell=True)\n");
    repo.commit("Run");
    let range = format!("{}...change", main.trim());
    for args in [
        ["scan", &range, "--format=json", "--config-from=base"],
        ["scan", &range, "--format=json", "--color=never"],
    ] {
        let run = Advisor::new(&home).in_dir(repo.path()).env("CI", "true").args(args).run();
        assert!(is_selected(&run.success(), "b.py"));
    }
}

#[test]
fn a_change_to_the_settings_of_the_review_is_a_signal() {
    let (home, repo) = (Home::new(), loosening());
    let output = scan(&home, &repo, &[], &[]).success();
    assert!(is_selected(&output, "advisor.toml"), "{output}");
    assert!(output.stdout.contains("input/review-settings"));
}

#[test]
fn settings_that_are_no_honest_file_are_refused_in_one_line() {
    let nested = format!("a = {}{}\n", "[".repeat(5_000), "]".repeat(5_000));
    let deep = format!("[{}]\n", vec!["a"; 5_000].join("."));
    let cases: [(&[u8], &str); 5] = [
        (b"[gate]\nfail_on = \"\xff\"\n", "advisor.toml:2: is not UTF-8"),
        (&[b'#'; 300 << 10], "larger than 256 KiB"),
        (nested.as_bytes(), "advisor.toml"),
        (deep.as_bytes(), "advisor.toml"),
        (b"a = \x00\x1b[2J\n", "advisor.toml:1: "),
    ];
    for (content, expected) in cases {
        let (home, repo) = (Home::new(), risky_repo());
        repo.write("advisor.toml", content);
        let here = scan(&home, &repo, &[], &[]).code(2);
        repo.commit("Settings");
        repo.commit("Nothing");
        let base = scan(&home, &repo, &[("CI", "1")], &[]).code(2);
        let expected_in_base = expected.replace("advisor.toml:", "");
        for (output, expected) in [(&here, expected), (&base, expected_in_base.as_str())] {
            assert!(output.stderr.contains(expected), "{expected}\n{output}");
            assert_eq!(output.stderr.lines().count(), 1, "{output}");
            assert!(!output.stderr.contains('\u{1b}') && output.stderr.len() < 500, "{output}");
        }
    }
}

#[test]
fn settings_behind_a_link_are_refused() {
    let (home, repo) = (Home::new(), risky_repo());
    let secret = home.write("secret", "SECRET WORDS\n");
    symlink(&secret, repo.path().join("advisor.toml")).unwrap();
    let here = scan(&home, &repo, &[], &[]).code(2);
    repo.commit("Link");
    repo.commit("Nothing");
    let base = scan(&home, &repo, &[("CI", "1")], &[]).code(2);
    for output in [here, base] {
        assert!(output.stderr.contains("is no regular file; a link is not followed"), "{output}");
        assert!(!output.stderr.contains("SECRET"), "{output}");
    }
}

/// What somebody would put into a text that others print.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7} \u{202e}<script>alert(1)</script>\n::error file=x::owned\n::set-output name=a::b\n##vso[task.setvariable variable=a]b\n##teamcity[buildStatus text='ok']\n\r::add-mask::x\n![x](http://e.example/x)\u{9b}31m";

fn hostile_answer() -> String {
    json!({
        "summary": HOSTILE, "hunks": [{"hunk": HOSTILE, "verdict": "clear", "note": HOSTILE}],
        "findings": [{"hunk": "H1", "file": HOSTILE, "start_line": 1, "end_line": 1, "category": HOSTILE,
            "severity": "high", "confidence": 1.0, "title": HOSTILE, "evidence": HOSTILE,
            "explanation": HOSTILE, "recommendation": HOSTILE}],
        "needs_context": [{"path": HOSTILE, "what": HOSTILE, "why": HOSTILE}],
    })
    .to_string()
}

#[track_caller]
fn check_inert(output: &Output) {
    for text in [&output.stdout, &output.stderr] {
        let active = |c: char| (c.is_control() && c != '\n' && c != '\t') || c == '\u{202e}';
        assert!(!text.chars().any(active), "{output}");
        for line in text.lines().map(str::trim_start) {
            for command in ["::error", "::set-output", "##vso[", "##teamcity[", "::add-mask"] {
                assert!(!line.starts_with(command), "{line}\n{output}");
            }
        }
    }
}

#[test]
fn a_hostile_answer_stays_text() {
    for answer in [hostile_answer(), HOSTILE.to_owned()] {
        let codex = StandIn::new().emit_answer(&answer).exit(0);
        let (home, repo) = (Home::new(), risky_repo());
        home.write_config(&codex.user_config());
        home.log_in();
        for format in ["text", "markdown"] {
            let run = Advisor::new(&home).in_dir(repo.path()).env("CI", "true");
            check_inert(&run.args(["review", "HEAD~1..", "--format", format]).run());
        }
        for part in ["--answer", "--events", "--stderr", "--prompt"] {
            let run = Advisor::new(&home).in_dir(repo.path()).env("CI", "true");
            check_inert(&run.args(["show", part]).run());
        }
        // The bytes themselves are kept.
        let json = Advisor::new(&home).in_dir(repo.path()).args(["show", "--json"]).run().success();
        assert_eq!(json.json()["answer"], Value::String(answer));
    }
}

/// Markdown without what stands in its code blocks.
fn outside_of_code(markdown: &str) -> String {
    let mut fence: Option<String> = None;
    let mut outside = String::new();
    for line in markdown.lines() {
        let run: String = line.chars().take_while(|c| *c == '`').collect();
        match &fence {
            Some(open) if run.len() >= open.len() && line == run => fence = None,
            None if run.len() >= 3 => fence = Some(run),
            None => outside.push_str(line),
            Some(_) => {}
        }
    }
    outside
}

/// GitLab, reviewdog and viewers of SARIF show what they are given as Markdown or as links.
#[test]
fn in_the_lists_of_other_tools_nothing_is_active() {
    let hostile = format!("{HOSTILE}\n```\n````\n@everyone ![x](http://e.example/x)");
    let codex = StandIn::new();
    let (home, repo) = (Home::new(), risky_repo());
    let answer = json!({
        "summary": "", "hunks": [], "needs_context": [],
        "findings": [{"hunk": "", "file": "app.py", "start_line": 6, "end_line": 6, "category": "shell",
            "severity": "high", "confidence": 1.0, "title": hostile, "explanation": hostile,
            "evidence": "return subprocess.run(cmd, shell=True)", "recommendation": hostile}],
    });
    let codex = codex.emit_answer(&answer.to_string()).exit(0);
    home.write_config(&codex.user_config());
    home.log_in();
    let report = |format: &str| {
        let run = Advisor::new(&home).in_dir(repo.path());
        let output = run.args(["review", "HEAD~1..", "--format", format]).run().code(1);
        assert!(output.stdout.contains("e.example"), "{output}");
        output.json()
    };
    let rdjson = report("rdjson");
    let gitlab = report("gitlab-sast");
    let of_gitlab = &gitlab["vulnerabilities"][0];
    for markdown in
        [&rdjson["diagnostics"][0]["message"], &of_gitlab["description"], &of_gitlab["solution"]]
    {
        assert_eq!(outside_of_code(markdown.as_str().unwrap()), "", "{markdown}");
    }
    let sarif = report("sarif");
    let text = sarif["runs"][0]["results"][0]["message"]["text"].as_str().unwrap();
    assert!(!text.contains("]("), "{text}");
}

/// A log of CI is read for commands whatever is printed there: other formats, and errors that quote what was given.
#[test]
fn no_format_and_no_error_is_a_command_to_a_runner() {
    let codex = StandIn::new().emit_answer(&hostile_answer()).exit(0);
    let (home, repo) = (Home::new(), risky_repo());
    home.write_config(&codex.user_config());
    home.log_in();
    repo.write("x##vso[a].py", "import os\nos.system(cmd) # ##teamcity[x]\n::error::y\n");
    repo.commit("Run");
    for format in ["json", "sarif", "gitlab", "gitlab-sast", "rdjson", "junit"] {
        let run = Advisor::new(&home).in_dir(repo.path()).env("CI", "true");
        let output = run.args(["review", "HEAD~1..", "--format", format]).run();
        check_inert(&output);
        assert!(!output.stdout.contains("##vso[") && !output.stdout.contains("##teamcity["));
    }
    for args in [&["scan", "##vso[x]..y"][..], &["##vso[x]"], &["review", "--patch", "##vso[x]"]] {
        let output = Advisor::new(&home).in_dir(repo.path()).args(args).run().code(2);
        assert!(!output.stderr.contains("##vso["), "{output}");
    }
}

#[test]
fn hostile_names_and_commit_data_stay_text() {
    let codex = StandIn::new().emit_failure(HOSTILE).exit(1);
    let (home, repo) = (Home::new(), Repo::init());
    home.write_config(&codex.user_config());
    home.log_in();
    repo.commit("Begin");
    repo.write("::error::\u{1b}[2J\u{202e}.py", "subprocess.run(cmd, shell=True)\n");
    repo.commit(HOSTILE);
    for format in ["text", "markdown"] {
        let run = Advisor::new(&home).in_dir(repo.path()).env("CI", "true");
        let output = run.args(["review", "HEAD~1..", "--format", format]).run();
        check_inert(&output);
        assert!(
            !output.stdout.contains("Ada Author") && !codex.last_call().prompt().contains("Ada")
        );
    }
}

#[test]
fn two_hundred_megabytes_are_cut_off() {
    let codex = StandIn::new().emit_start().flood(200_000_000).emit_answer("{}").exit(0);
    let (home, repo) = (Home::new(), risky_repo());
    home.write_config(&codex.user_config());
    home.log_in();
    let run = Advisor::new(&home).in_dir(repo.path());
    let output = run.args(["review", "HEAD~1..", "--format", "json"]).run().success();
    assert_eq!(output.json()["consultation"]["failure"]["class"], "too-large");
    let kept = Advisor::new(&home).in_dir(repo.path()).args(["show", "--events"]).run().success();
    assert!(kept.stdout.len() < 40_000_000, "{} bytes are kept", kept.stdout.len());
}

#[test]
fn nested_and_broken_answers_are_read_as_text() {
    let nested = "[".repeat(200_000);
    for bytes in [nested.as_bytes(), b"\xff\xfe\x00{\"a\":"] {
        let answer = String::from_utf8_lossy(bytes);
        let codex = StandIn::new().emit_bytes(bytes).emit_bytes("\n").emit_answer(&answer).exit(0);
        let (home, repo) = (Home::new(), risky_repo());
        home.write_config(&codex.user_config());
        home.log_in();
        let run = Advisor::new(&home).in_dir(repo.path());
        let output = run.args(["review", "HEAD~1..", "--format", "json"]).run().success();
        assert_eq!(output.json()["consultation"]["status"], "answered");
        assert_eq!(output.json()["synthesis"]["state"], "unreadable");
    }
}
