//! The forms of a review that other tools read: each is valid, and none lets foreign text act.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::fs;

use serde_json::Value;
use support::{Advisor, Home, Output, Repo, assert_valid};

/// A repository whose last commit brings flaws that rules see, in files with names that try to act.
fn hostile() -> Repo {
    let repo = Repo::init();
    repo.write(
        "app.py",
        "import subprocess\n\n\ndef run(request):\n    check_token(request)\n    return None\n",
    );
    repo.commit("Begin");
    repo.write("app.py", "import subprocess\n\n\ndef run(request):\n    return subprocess.run(request.args[\"x\"], shell=True)\n");
    repo.write("a:b,c%0A::error::d.py", "import subprocess\nsubprocess.run(input(), shell=True)  # ::set-env name=A::b ##[add-path]c\n");
    repo.write(
        "<b>`x`]]>\u{202e}.py",
        "import subprocess\nsubprocess.run(input() + \"]]>&<\u{202e}\", shell=True)\n",
    );
    repo.write("key.py", "KEY = \"\"\"-----BEGIN RSA PRIVATE \u{4b}EY-----\nMIIEpAIBAAKCAQEA0000000000000000000000000000000000000000EXAMPLE\n\"\"\"\n");
    repo.commit("Run it");
    repo
}

fn review(home: &Home, repo: &Repo, args: &[&str]) -> Output {
    let run = Advisor::new(home).in_dir(repo.path());
    run.args(["review", "HEAD~1..", "--no-codex"]).args(args).run()
}

/// Writes one report and gives its text; what the run printed is no part of it.
fn report(repo: &Repo, kind: &str) -> String {
    let home = Home::new();
    let file = home.path().join("report");
    let output = review(&home, repo, &["--report", &format!("{kind}={}", file.display())]);
    assert!(matches!(output.status, Some(0 | 1)), "{output}");
    fs::read_to_string(file).unwrap()
}

/// The report with what changes from version to version and from run to run replaced.
fn stable(text: &str) -> String {
    let times =
        regex::RegexBuilder::new(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d").unicode(false).build().unwrap();
    times.replace_all(text, "[TIME]").replace(env!("CARGO_PKG_VERSION"), "[VERSION]")
}

#[test]
fn sarif_is_valid_and_names_rules_places_and_fingerprints() {
    let text = report(&hostile(), "sarif");
    let sarif = assert_valid("sarif-2.1.0.json", &text);
    insta::assert_snapshot!(stable(&serde_json::to_string_pretty(&sarif).unwrap()));
    let run = &sarif["runs"][0];
    for result in run["results"].as_array().unwrap() {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(run["tool"]["driver"]["rules"][index]["id"], result["ruleId"]);
    }
}

#[test]
fn a_fingerprint_stays_when_lines_move() {
    let prints = |lines: &str| -> Vec<Value> {
        let repo = Repo::init();
        repo.write("a.py", "pass\n");
        repo.commit("Begin");
        repo.write("a.py", format!("{lines}import subprocess\nsubprocess.run(input(), shell=True)\nsubprocess.run(input(), shell=True)\n"));
        repo.commit("Run");
        let sarif: Value = serde_json::from_str(&report(&repo, "sarif")).unwrap();
        let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
        results.into_iter().map(|result| result["partialFingerprints"].clone()).collect()
    };
    let first = prints("");
    assert!(!first.is_empty());
    assert_eq!(first, prints("# one\n# two\n\n"));
}

#[test]
fn gitlab_reports_are_valid() {
    let repo = hostile();
    let quality = assert_valid("gitlab-code-quality.json", &report(&repo, "gitlab"));
    let sast = assert_valid("gitlab-sast.json", &report(&repo, "gitlab-sast"));
    let (quality, sast) =
        (quality.as_array().unwrap(), sast["vulnerabilities"].as_array().unwrap());
    assert!(!quality.is_empty() && quality.len() == sast.len());
    for (one, other) in quality.iter().zip(sast) {
        assert_eq!(one["fingerprint"], other["id"]);
        assert_eq!(one["location"]["path"], other["location"]["file"]);
    }
}

#[test]
fn rdjson_is_valid() {
    let report = assert_valid("rdjson.json", &report(&hostile(), "rdjson"));
    assert!(!report["diagnostics"].as_array().unwrap().is_empty());
}

#[test]
fn junit_can_be_read_back() {
    let text = report(&hostile(), "junit");
    let read = quick_junit::Report::deserialize_from_str(&text).unwrap();
    assert_eq!(read.test_suites[0].test_cases.len(), 4, "{text}");
    insta::assert_snapshot!(stable(&text));
}

#[test]
fn annotations_are_one_command_each() {
    insta::assert_snapshot!(report(&hostile(), "github"));
}

#[test]
fn more_annotations_than_github_shows_are_counted() {
    let repo = Repo::init();
    repo.write("a.py", "pass\n");
    repo.commit("Begin");
    for number in 0..13 {
        repo.write(
            format!("a{number:02}.py"),
            "import subprocess\nsubprocess.run(input(), shell=True)\n",
        );
    }
    repo.commit("Run");
    let text = report(&repo, "github");
    let warnings = text.lines().filter(|line| line.starts_with("::warning ")).count();
    assert_eq!(warnings, 10, "{text}");
    assert!(
        text.ends_with("git-advisor: 3 more of level warning; GitHub shows 10 of a step\n"),
        "{text}"
    );
}

#[test]
fn the_step_summary_holds_foreign_text_in_code() {
    insta::assert_snapshot!(report(&hostile(), "summary"));
}

#[test]
fn a_report_about_nothing_is_valid_too() {
    let repo = Repo::init();
    repo.write("a.md", "a\n");
    repo.commit("Begin");
    repo.write("a.md", "b\n");
    repo.commit("Go on");
    let sarif = assert_valid("sarif-2.1.0.json", &report(&repo, "sarif"));
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
    assert_valid("gitlab-sast.json", &report(&repo, "gitlab-sast"));
    assert_valid("gitlab-code-quality.json", &report(&repo, "gitlab"));
    assert_valid("rdjson.json", &report(&repo, "rdjson"));
    quick_junit::Report::deserialize_from_str(&report(&repo, "junit")).unwrap();
    assert_eq!(report(&repo, "github"), "");
}

#[test]
fn several_reports_come_from_one_review() {
    let (home, repo) = (Home::new(), hostile());
    let args = [
        "--report",
        "sarif=a.sarif",
        "--report",
        "json=b.json",
        "--report",
        "text=c.txt",
        "-o",
        "d.md",
    ];
    let output = review(&home, &repo, &args);
    assert_valid("sarif-2.1.0.json", &fs::read_to_string(repo.path().join("a.sarif")).unwrap());
    let text = fs::read_to_string(repo.path().join("c.txt")).unwrap();
    assert!(!text.contains('\u{1b}') && text == output.stdout, "{text}");
    for file in ["b.json", "d.md"] {
        assert!(repo.path().join(file).is_file(), "{file}");
    }
}

#[test]
fn a_report_is_not_written_through_a_folder_that_is_a_link() {
    let (home, repo) = (Home::new(), hostile());
    std::os::unix::fs::symlink(home.path(), repo.path().join("reports")).unwrap();
    let output = review(&home, &repo, &["--report", "sarif=reports/a.sarif"]).code(2);
    assert!(
        output.stderr.contains("`reports` is a link")
            || output.stderr.contains("/reports` is a link"),
        "{output}"
    );
    assert!(!home.path().join("a.sarif").exists());
}

#[test]
fn a_report_that_does_not_exist_or_has_no_file_is_refused() {
    let (home, repo) = (Home::new(), hostile());
    for wrong in ["sarif", "sarif=", "xml=a"] {
        let output = review(&home, &repo, &["--report", wrong]).code(2);
        assert!(output.stderr.contains("--report"), "{output}");
    }
    let output = review(&home, &repo, &["--report", "sarif=/dev/null"]).code(2);
    assert!(output.stderr.contains("no regular file"), "{output}");
}

#[test]
fn in_a_ci_log_no_foreign_line_is_a_command() {
    let (home, repo) = (Home::new(), hostile());
    for format in ["text", "markdown"] {
        let run = Advisor::new(&home).in_dir(repo.path()).env("CI", "true");
        let output = run.args(["review", "HEAD~1..", "--no-codex", "--format", format]).run();
        let acts = |line: &str| line.trim_start().starts_with("::") || line.contains("##[");
        assert!(!output.stdout.lines().any(acts), "{output}");
        assert!(output.stdout.contains("# #[add-path]"), "{output}");
    }
}

/// GitHub shows so many results of a run and drops the others without a word; the file says how many are left out.
#[test]
fn more_results_than_github_shows_are_left_out_and_counted() {
    let repo = Repo::init();
    repo.write("a.txt", "a\n");
    repo.commit("Begin");
    for number in 0..5_003 {
        let token = format!("ghp_{number:04}56789abcdefghijABCDEFGHIJ012345");
        repo.write(format!("keys/{number}.py"), format!("KEY = \"{token}\"\n"));
    }
    repo.commit("Keys");
    let sarif: Value = serde_json::from_str(&report(&repo, "sarif")).unwrap();
    let run = &sarif["runs"][0];
    assert_eq!(run["results"].as_array().unwrap().len(), 5_000);
    let told = run["invocations"][0]["toolExecutionNotifications"].to_string();
    assert!(told.contains("3 further results are left out"), "{told}");
}
