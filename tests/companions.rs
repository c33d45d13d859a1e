//! What goes along for the sake of a hunk that earned a call, on a repository made by real git.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use serde_json::Value;
use support::{Advisor, Home, Output, Repo};

/// Lines that nothing is to be said of, so that a file has more than one hunk.
fn filler(name: &str) -> String {
    (0..12).map(|at| format!("    {name}_{at} = {at}\n")).collect()
}

fn unpack(check: &str, last: &str) -> String {
    let body = filler("step");
    format!(
        "import os\n\n\ndef unpack_entry(root, name):\n    target = os.path.join(root, name)\n{check}{body}    return {last}\n"
    )
}

fn job(call: &str) -> String {
    format!("from unpack import unpack_entry\n\n\ndef run_job(job):\n{call}    return job\n")
}

fn colours(first: &str) -> String {
    format!("def colour(shade):\n    return \"{first}\" + shade\n")
}

/// A change that takes a check out of a function. Beside it the end of the function changes, what calls it does, a
/// setting that it names does, and a file that has nothing to do with it.
fn repository() -> Repo {
    let repo = Repo::init();
    let check = "    if settings[\"unpack_inside_root\"] and not target.startswith(root + os.sep):\n        raise ValueError(name)\n";
    repo.write("app/unpack.py", unpack(check, "target"));
    repo.write("app/jobs.py", job("    unpack_entry(job.one, job.two)\n"));
    repo.write("app/colours.py", colours("light "));
    repo.write("conf/app.yaml", "unpack_inside_root: true\n");
    repo.commit("Begin");
    repo.write("app/unpack.py", unpack("", "os.path.abspath(target)"));
    repo.write("app/jobs.py", job("    unpack_entry(job.two, job.two)\n"));
    repo.write("app/colours.py", colours("dark "));
    repo.write("conf/app.yaml", "unpack_inside_root: false\n");
    repo.commit("Change");
    repo
}

fn advisor(home: &Home, repo: &Repo, args: &[&str]) -> Output {
    Advisor::new(home).in_dir(repo.path()).args(args).run()
}

fn hunks(home: &Home, repo: &Repo) -> Vec<Value> {
    let report = advisor(home, repo, &["scan", "HEAD~1..", "--format", "json"]).success().stdout;
    let report: Value = serde_json::from_str(&report).unwrap();
    let files = report["files"].as_array().unwrap();
    files.iter().flat_map(|file| file["hunks"].as_array().unwrap().clone()).collect()
}

#[test]
fn a_scan_says_what_goes_along_and_why() {
    let (home, repo) = (Home::new(), repository());
    let told: Vec<String> = hunks(&home, &repo)
        .iter()
        .map(|hunk| {
            let why = hunk["companion"]["why"].as_str().unwrap_or("-");
            format!("{} {} {why}", hunk["id"].as_str().unwrap(), hunk["selected"])
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    H1 false -
    H2 true calls unpack_entry, which H3 changes
    H3 true -
    H4 true changes unpack_entry, as H3 does
    H5 true sets unpack_inside_root, which H3 names
    ");
    let scan = advisor(&home, &repo, &["scan", "HEAD~1.."]).success();
    insta::assert_snapshot!("a_scan_says_what_goes_along_and_why", scan);
}

#[test]
fn companions_stand_in_the_prompt_behind_what_earned_the_call() {
    let (home, repo) = (Home::new(), repository());
    let prompt = advisor(&home, &repo, &["prompt", "HEAD~1.."]).success().stdout;
    let mark = regex::RegexBuilder::new(r"-[a-z0-9]{4} ").unicode(false).build().unwrap();
    let headings: Vec<String> = prompt
        .lines()
        .filter(|line| line.starts_with("### H"))
        .map(|line| mark.replace(line, " ").into_owned())
        .collect();
    insta::assert_snapshot!(headings.join("\n"), @r"
    ### H3 | app/unpack.py | in unpack_entry
    ### H4 | app/unpack.py | in unpack_entry | goes along: changes unpack_entry, as H3 does
    ### H5 | conf/app.yaml | in unpack_inside_root | goes along: sets unpack_inside_root, which H3 names
    ### H2 | app/jobs.py | in run_job | goes along: calls unpack_entry, which H3 changes
    ");
    assert!(!prompt.contains("colour"), "{prompt}");
}

#[test]
fn nothing_goes_along_where_nothing_earns_a_call_and_where_the_budget_is_small() {
    let (home, repo) = (Home::new(), repository());
    let scan = |extra: &[&str]| {
        advisor(&home, &repo, &[&["scan", "HEAD~1..", "--format", "json"], extra].concat())
            .success()
            .stdout
    };
    assert!(scan(&[]).contains("\"companion\""));
    assert!(!scan(&["--config", "select.threshold=1"]).contains("\"companion\""));
    assert!(!scan(&["--config", "limits.prompt_tokens=1000"]).contains("\"companion\""));
}

#[test]
fn few_go_along_and_only_small_ones_beside_a_small_hunk() {
    let (home, repo) = (Home::new(), Repo::init());
    let check = "    if not target.startswith(root + os.sep):\n        raise ValueError(name)\n";
    let call = |at: usize, argument: &str| {
        format!("def step_{at}(entry):\n    return unpack_entry({argument})\n")
    };
    repo.write("app/unpack.py", unpack(check, "target"));
    for at in 1..=5 {
        repo.write(format!("app/a{at}.py"), call(at, "entry, 1"));
    }
    repo.commit("Begin");
    let scan_with = |argument: &str| {
        repo.write("app/unpack.py", unpack("", "target"));
        for at in 1..=5 {
            repo.write(format!("app/a{at}.py"), call(at, argument));
        }
        repo.commit("Change");
        let hunks = hunks(&home, &repo);
        repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
        hunks.iter().filter(|hunk| !hunk["companion"].is_null()).count()
    };
    assert_eq!(scan_with("entry, 2"), 3);
    assert_eq!(scan_with(&format!("entry, {}", "2 + ".repeat(100) + "2")), 0);
}
