//! Jobs as GitHub Actions, GitLab CI and others run them: the range, the files, the exit status.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::fs;

use serde_json::{Value, json};
use support::{Advisor, Home, Output, Repo, assert_valid};

const BLOCKS: &str = "KEY = \"\"\"-----BEGIN RSA PRIVATE \u{4b}EY-----\nMIIEpAIBAAKCAQEA0000000000000000000000000000000000000000EXAMPLE\n\"\"\"\n";

/// A clone of a repository in which a branch brings a private key while main goes on.
struct Bench {
    home: Home,
    clone: Repo,
    base: String,
    head: String,
}

impl Bench {
    fn new() -> Bench {
        Bench::cloned(&[])
    }

    fn cloned(arguments: &[&str]) -> Bench {
        let origin = Repo::init();
        origin.write("a.txt", "a\n");
        origin.commit("Begin");
        origin.git(&["switch", "--quiet", "--create", "topic"]);
        origin.write("key.py", BLOCKS);
        let head = origin.commit("Key");
        origin.git(&["switch", "--quiet", "main"]);
        origin.write("theirs.txt", "t\n");
        let base = origin.commit("Theirs");
        let clone = origin.clone_with(&[arguments, &["--branch=topic"]].concat());
        Bench { home: Home::new(), clone, base, head }
    }

    fn pull_request(&self, from: &str) -> Value {
        json!({"pull_request": {
            "title": "::error::x",
            "base": {"sha": self.base, "repo": {"full_name": "o/r"}},
            "head": {"sha": self.head, "repo": {"full_name": from}},
        }})
    }

    fn github(&self, event: &Value, args: &[&str]) -> Output {
        let event = self.home.write("event.json", event.to_string());
        let run = self.ci(args).env("CI", "true").env("GITHUB_ACTIONS", "true");
        let summary = self.home.path().join("summary.md");
        run.env("GITHUB_EVENT_PATH", event).env("GITHUB_STEP_SUMMARY", summary).run()
    }

    fn ci(&self, args: &[&str]) -> Advisor {
        Advisor::new(&self.home).in_dir(self.clone.path()).args([&["ci"], args].concat())
    }
}

#[test]
fn a_pull_request_is_reviewed_annotated_and_summed_up() {
    let bench = Bench::new();
    let output = bench.github(&bench.pull_request("o/r"), &["--report", "sarif=a.sarif"]).code(1);
    assert!(output.stdout.contains("key.py") && !output.stdout.contains("theirs"), "{output}");
    assert!(output.stdout.contains("\n::error file=key.py,line=1,"), "{output}");
    let summary = fs::read_to_string(bench.home.path().join("summary.md")).unwrap();
    assert!(summary.starts_with("## git-advisor: fail"), "{summary}");
    let sarif = assert_valid(
        "sarif-2.1.0.json",
        &fs::read_to_string(bench.clone.path().join("a.sarif")).unwrap(),
    );
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 1);
}

#[test]
fn an_outage_is_a_warning() {
    let bench = Bench::new();
    let output = bench.github(&bench.pull_request("o/r"), &["--fail-on", "never"]).success();
    assert!(output.stdout.contains("::warning title=git-advisor::no second opinion"), "{output}");
}

#[test]
fn a_fork_without_a_key_gets_the_rules_and_is_told() {
    let bench = Bench::new();
    let output = bench.github(&bench.pull_request("fork/r"), &[]).code(1);
    assert!(output.stderr.contains("comes from a fork"), "{output}");
    assert!(!output.stdout.contains("::warning"), "{output}");
}

#[test]
fn a_push_is_reviewed_from_what_was_there() {
    let bench = Bench::new();
    let event = |before: &str| json!({"before": before, "after": bench.head, "repository": {"default_branch": "main"}});
    let zeros = "0".repeat(40);
    for before in [zeros.as_str(), &bench.base] {
        let output = bench.github(&event(before), &[]).code(1);
        assert!(output.stdout.contains("key.py") && !output.stdout.contains("theirs"), "{output}");
    }
    // Nothing is new to what was there.
    drop(bench.github(&event(&bench.head), &[]).success());
}

#[test]
fn a_shallow_clone_is_told_what_to_fetch() {
    let bench = Bench::cloned(&["--depth=1"]);
    let output = bench.github(&bench.pull_request("o/r"), &[]).code(2);
    assert!(output.stderr.contains("fetch-depth: 0"), "{output}");
    let output = bench.ci(&[]).env("GITLAB_CI", "true").env("CI_COMMIT_SHA", bench.head.clone());
    let output = output.env("CI_MERGE_REQUEST_DIFF_BASE_SHA", bench.base.clone()).run().code(2);
    assert!(output.stderr.contains("GIT_DEPTH: 0"), "{output}");
    bench.clone.git(&["fetch", "--quiet", "--unshallow", "origin", "main"]);
    drop(bench.github(&bench.pull_request("o/r"), &[]).code(1));
}

#[test]
fn a_merge_request_is_reviewed_on_gitlab() {
    let bench = Bench::new();
    let run = bench.ci(&["--report", "gitlab=quality.json", "--report", "gitlab-sast=sast.json"]);
    let run =
        run.env("CI", "true").env("GITLAB_CI", "true").env("CI_COMMIT_SHA", bench.head.clone());
    let output = run.env("CI_MERGE_REQUEST_DIFF_BASE_SHA", bench.base.clone()).run().code(1);
    assert!(!output.stdout.contains("\n::"), "{output}");
    let report = |name: &str| fs::read_to_string(bench.clone.path().join(name)).unwrap();
    let quality = assert_valid("gitlab-code-quality.json", &report("quality.json"));
    assert_eq!(quality[0]["location"]["path"], "key.py");
    assert_valid("gitlab-sast.json", &report("sast.json"));
}

#[test]
fn any_other_service_names_the_range_or_has_an_upstream() {
    let bench = Bench::new();
    let output = bench.ci(&["origin/main...HEAD"]).run().code(1);
    assert!(output.stdout.contains("key.py"), "{output}");
    bench.clone.git(&["branch", "--quiet", "--set-upstream-to=origin/main"]);
    drop(bench.ci(&[]).run().code(1));
}

#[test]
fn a_job_about_no_range_asks_for_one() {
    let bench = Bench::new();
    let output = bench.github(&json!({"schedule": "0 0 * * *"}), &[]).code(2);
    assert!(output.stderr.contains("name one"), "{output}");
}

#[test]
fn a_change_cannot_loosen_its_own_review() {
    let bench = Bench::new();
    bench
        .clone
        .write("advisor.toml", "[gate]\nfail_on = \"never\"\n[select]\nexclude = [\"**\"]\n");
    bench.clone.commit("Loosen");
    drop(bench.ci(&["origin/main...HEAD"]).run().code(1));
    // What stands in the base counts.
    bench.clone.git(&["switch", "--quiet", "--create", "base", "origin/main"]);
    bench.clone.write("advisor.toml", "[gate]\nfail_on = \"never\"\n");
    bench.clone.commit("Decide");
    bench.clone.git(&["switch", "--quiet", "topic"]);
    bench.clone.git(&["merge", "--quiet", "--strategy=ours", "base"]);
    drop(bench.ci(&["base...HEAD"]).run().success());
}
