//! Reviews that begin after a commit, so that the push need not wait: real commits and pushes, the real Codex
//! against a loopback server.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "what is measured is printed, with --nocapture")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use serde_json::json;
use support::{
    Advisor, Home, KEY_VARIABLE, Output, Reply, Repo, Request, ResponsesServer, all_clear, label,
    user_config, with_codex,
};

/// A test by its name; it takes the path of the real Codex.
type Named = (&'static str, fn(&Path));

fn main() -> ExitCode {
    let trials: [Named; 11] = [
        ("a_push_reads_the_verdict_that_is_ready", a_push_reads_the_verdict_that_is_ready),
        ("a_push_waits_for_the_review_that_runs", a_push_waits_for_the_review_that_runs),
        ("a_push_waits_no_longer_than_its_cap", a_push_waits_no_longer_than_its_cap),
        ("commits_in_a_row_leave_one_review", commits_in_a_row_leave_one_review),
        (
            "a_new_commit_ends_the_review_of_the_one_before",
            a_new_commit_ends_the_review_of_the_one_before,
        ),
        ("cancel_leaves_no_process", cancel_leaves_no_process),
        (
            "a_worker_that_was_killed_leaves_nothing_in_the_way",
            a_worker_that_was_killed_leaves_nothing_in_the_way,
        ),
        ("what_a_dead_process_left_ends_nobody", what_a_dead_process_left_ends_nobody),
        (
            "a_review_outlives_the_terminal_of_its_commit",
            a_review_outlives_the_terminal_of_its_commit,
        ),
        ("a_rebase_and_whoever_skips_begin_nothing", a_rebase_and_whoever_skips_begin_nothing),
        ("linked_work_trees_share_one_background", linked_work_trees_share_one_background),
    ];
    let mut trials: Vec<Trial> =
        trials.into_iter().map(|(name, test)| with_codex(name, test)).collect();
    let more: [(&str, fn()); 2] = [
        ("both_hooks_are_installed_and_put_back", both_hooks_are_installed_and_put_back),
        ("hooks_of_others_are_respected", hooks_of_others_are_respected),
    ];
    trials.extend(more.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    }));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// Longer than any honest review takes.
const PATIENCE: Duration = Duration::from_secs(30);

const RISKY: &str = "import subprocess\nsubprocess.run(input(), shell=True)\n";

/// A user with both hooks in a repository, whose first commit its remote has.
struct Bench {
    server: Option<ResponsesServer>,
    home: Home,
    repo: Repo,
    remote: Repo,
}

impl Bench {
    fn new(codex: &Path, reply: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Bench {
        let server = ResponsesServer::answering(reply);
        let mut bench = Bench::without_codex();
        bench.home.write_config(&user_config(&server, codex));
        bench.server = Some(server);
        drop(bench.advisor(&["hook", "install", "--background"]).success());
        bench
    }

    fn without_codex() -> Bench {
        let (home, repo, remote) = (Home::new(), Repo::init(), Repo::bare());
        repo.write("a.txt", "a\n");
        repo.commit("Begin");
        repo.git(&["remote", "add", "origin", remote.path().to_str().unwrap()]);
        repo.git(&["push", "--quiet", "--no-verify", "origin", "main"]);
        Bench { server: None, home, repo, remote }
    }

    fn run(&self, program: Advisor, folder: &Path, args: &[&str]) -> Output {
        program.in_dir(folder).env(KEY_VARIABLE, "sk-loopback").args(args).run()
    }

    fn advisor(&self, args: &[&str]) -> Output {
        self.run(Advisor::new(&self.home), self.repo.path(), args)
    }

    fn git(&self, args: &[&str]) -> Output {
        self.run(Advisor::git(&self.home), self.repo.path(), args)
    }

    /// Commits as a person does, with the hooks.
    fn commit(&self, file: &str, text: &str) -> Output {
        self.repo.write(file, text);
        drop(self.git(&["add", "--all"]).success());
        self.git(&["commit", "--quiet", "--message", "Go on"]).success()
    }

    fn requests(&self) -> usize {
        self.server.as_ref().unwrap().responses_requests().len()
    }

    /// Waits until the server has been asked so often.
    #[track_caller]
    fn await_requests(&self, count: usize) {
        self.wait_for("a request", || self.requests() >= count);
    }

    /// Waits until nothing runs and `git advisor status` shows these words of the last review.
    #[track_caller]
    fn await_status(&self, words: &str) -> Output {
        let mut shown = None;
        self.wait_for(words, || {
            let status = self.advisor(&["status"]).success();
            let found = status.stdout.contains(words);
            shown = Some(status);
            found
        });
        shown.unwrap()
    }

    #[track_caller]
    fn wait_for(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let until = Instant::now() + PATIENCE;
        while !holds() {
            assert!(Instant::now() < until, "no {what}; {}", self.advisor(&["status"]));
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// The number of the process that works, as `status` tells it.
    fn process(&self) -> String {
        let status = self.advisor(&["status"]).success().stdout;
        let number = status.split("(process ").nth(1).and_then(|rest| rest.split(')').next());
        number.unwrap_or_else(|| panic!("{status}")).to_owned()
    }

    fn hook(&self, name: &str) -> PathBuf {
        self.repo.path().join(".git/hooks").join(name)
    }

    fn background(&self) -> PathBuf {
        self.repo.path().join(".git/git-advisor/background")
    }
}

fn lives(process: &str) -> bool {
    Path::new("/proc").join(process).join("cmdline").exists()
        && fs::read(Path::new("/proc").join(process).join("cmdline"))
            .is_ok_and(|line| !line.is_empty())
}

/// Reports the flaw in the only hunk.
fn flaw(request: &Request) -> Reply {
    let label = label(&request.prompt(), "H1");
    let findings = json!([{
        "hunk": label, "file": "run.py", "start_line": 2, "end_line": 2, "category": "shell",
        "severity": "high", "confidence": 0.9, "title": "What is typed reaches a shell",
        "evidence": "subprocess.run(input(), shell=True)", "explanation": "e", "recommendation": "r",
    }]);
    let hunks = json!([{"hunk": label, "verdict": "finding", "note": "n"}]);
    Reply::answer(
        json!({"summary": "s", "hunks": hunks, "findings": findings, "needs_context": []})
            .to_string(),
    )
}

fn a_push_reads_the_verdict_that_is_ready(codex: &Path) {
    let bench = Bench::new(codex, flaw);
    bench.repo.write("b.txt", "b\n");
    bench.repo.commit("Without the hook");
    bench.repo.git(&["push", "--quiet", "--no-verify", "origin", "main"]);
    let without = Instant::now();
    bench.repo.git(&["commit", "--quiet", "--allow-empty", "--message", "Empty"]);
    let without = without.elapsed();
    bench.repo.git(&["push", "--quiet", "--no-verify", "origin", "main"]);
    let commit = bench.commit("run.py", RISKY);
    println!("a commit takes {without:?} without the hook and {:?} with it", commit.duration);
    assert_eq!((commit.stdout.as_str(), commit.stderr.as_str()), ("", ""));
    assert!(commit.duration < Duration::from_secs(5), "{:?}", commit.duration);
    let status = bench.await_status(", 1 hunk (process ");
    assert!(
        status.stdout.starts_with("running since ") && status.stdout.contains(", 1 hunk (process "),
        "{status}"
    );
    let status = bench.await_status("last, ");
    assert!(status.stdout.contains(": fail, answered, 1 finding; git advisor show "), "{status}");
    let push = bench.git(&["push", "origin", "main"]).code(1);
    assert!(push.stderr.contains("cached, ") && !push.stderr.contains("asking"), "{push}");
    assert!(push.stderr.contains("the push is held back"), "{push}");
    assert_eq!(bench.requests(), 1);
    println!("a push with a verdict that is ready takes {:?}", push.duration);
    assert!(push.duration < Duration::from_secs(5), "{:?}", push.duration);
    // What is harmless is told and asks nobody.
    drop(bench.git(&["reset", "--quiet", "--hard", "HEAD~1"]).success());
    drop(bench.commit("c.txt", "c\n"));
    bench.await_status(": pass, not-needed, 0 findings");
    let push = bench.git(&["push", "--quiet", "origin", "main"]).success();
    assert_eq!((push.stderr.as_str(), bench.requests()), ("", 1));
    let tip = bench.repo.git(&["rev-parse", "HEAD"]);
    assert_eq!(bench.remote.git(&["rev-parse", "main"]), tip);
}

fn a_push_waits_for_the_review_that_runs(codex: &Path) {
    let bench = Bench::new(codex, |request| {
        thread::sleep(Duration::from_secs(3));
        all_clear(request)
    });
    drop(bench.commit("run.py", RISKY));
    let push = bench.git(&["push", "origin", "main"]).success();
    assert!(push.stderr.contains("a review of it is running; waiting for it, for "), "{push}");
    assert!(push.stderr.contains("cached, ") && !push.stderr.contains("asking"), "{push}");
    assert_eq!(bench.requests(), 1);
}

fn a_push_waits_no_longer_than_its_cap(codex: &Path) {
    let bench = Bench::new(codex, |_| Reply::StallBeforeHeaders);
    drop(bench.commit("run.py", RISKY));
    bench.await_requests(1);
    let push =
        bench.home.write("hook.sh", "GIT_ADVISOR_LIMITS_HOOK_DEADLINE=3s git push origin main\n");
    let push = bench.run(
        Advisor::program(&bench.home, "sh"),
        bench.repo.path(),
        &[push.to_str().unwrap()],
    );
    let push = push.success();
    assert!(push.stderr.contains("no time is left for a second opinion"), "{push}");
    assert!(push.duration < Duration::from_secs(10), "{:?}", push.duration);
    assert_eq!(bench.requests(), 1);
    // The review itself goes on.
    assert!(bench.advisor(&["status"]).stdout.starts_with("running since "));
    drop(bench.advisor(&["cancel"]).success());
}

fn commits_in_a_row_leave_one_review(codex: &Path) {
    let bench = Bench::new(codex, all_clear);
    for number in 0..5 {
        drop(bench.commit("run.py", &format!("{RISKY}# {number}\n")));
    }
    bench.await_status("last, ");
    assert_eq!(bench.requests(), 1);
    assert!(bench.server.as_ref().unwrap().responses_requests()[0].prompt().contains("# 4"));
    assert_eq!(bench.advisor(&["log"]).success().stdout.lines().count(), 1);
}

fn a_new_commit_ends_the_review_of_the_one_before(codex: &Path) {
    let turn = AtomicUsize::new(0);
    let bench = Bench::new(codex, move |request| match turn.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::StallBeforeHeaders,
        _ => all_clear(request),
    });
    drop(bench.commit("run.py", RISKY));
    bench.await_requests(1);
    let first = bench.process();
    drop(bench.commit("run.py", &format!("{RISKY}# more\n")));
    bench.await_status("pass, answered, ");
    assert!(!lives(&first), "{first} is still there");
    assert!(bench.home.processes().is_empty(), "{:?}", bench.home.processes());
    assert_eq!(bench.requests(), 2);
    // What the first had until then is kept, as of any review that is ended.
    let log = bench.advisor(&["log"]).success().stdout;
    assert!(log.lines().count() == 2 && log.contains(" unavailable "), "{log}");
}

fn cancel_leaves_no_process(codex: &Path) {
    let bench = Bench::new(codex, |_| Reply::StallBeforeHeaders);
    let none = bench.advisor(&["cancel"]).success();
    assert_eq!(none.stdout, "no review was running in the background\n");
    drop(bench.commit("run.py", RISKY));
    bench.await_requests(1);
    let process = bench.process();
    let cancel = bench.advisor(&["cancel"]).success();
    assert_eq!(cancel.stdout, "cancelled\n");
    assert!(!lives(&process), "{process} is still there");
    assert!(bench.home.processes().is_empty(), "{:?}", bench.home.processes());
    assert!(fs::read_dir(bench.home.tmp()).unwrap().next().is_none());
    let status = bench.advisor(&["status"]).success();
    assert_eq!(status.stdout, "no review is running in the background\n");
    // Before Codex has been started at all.
    drop(bench.commit("run.py", &format!("{RISKY}# more\n")));
    drop(bench.advisor(&["cancel"]).success());
    thread::sleep(Duration::from_millis(1_500));
    assert_eq!(bench.requests(), 1);
}

fn a_worker_that_was_killed_leaves_nothing_in_the_way(codex: &Path) {
    let turn = AtomicUsize::new(0);
    let bench = Bench::new(codex, move |request| match turn.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::StallBeforeHeaders,
        _ => all_clear(request),
    });
    drop(bench.commit("run.py", RISKY));
    bench.await_requests(1);
    let process = bench.process();
    assert!(Command::new("kill").args(["-s", "KILL", &process]).status().unwrap().success());
    assert!(bench.home.processes().is_empty(), "{:?}", bench.home.processes());
    assert!(bench.advisor(&["status"]).success().stdout.starts_with("no review is running"));
    // The push asks by itself, and so does the next commit.
    let push = bench.git(&["push", "origin", "main"]).success();
    assert!(push.stderr.contains("asking Codex about 1 hunk"), "{push}");
    drop(bench.commit("run2.py", RISKY));
    bench.await_status("pass, answered, ");
    assert_eq!(bench.requests(), 3);
}

fn what_a_dead_process_left_ends_nobody(codex: &Path) {
    let bench = Bench::new(codex, all_clear);
    let mut stranger = Command::new("sleep").arg("60").spawn().unwrap();
    let on = json!({"name": "refs/heads/main", "commit": "abc1234"});
    let running = json!({"token": "t", "process": stranger.id(), "since": "2026-01-01T00:00:00Z",
        "on": on, "digest": "d", "hunks": 1});
    fs::create_dir_all(bench.background()).unwrap();
    let state = json!({"running": running, "last": null}).to_string();
    for (name, text) in [("state.json", state.as_str()), ("wanted.json", "{"), ("lock", "")] {
        fs::write(bench.background().join(name), text).unwrap();
    }
    assert!(bench.advisor(&["status"]).success().stdout.starts_with("no review is running"));
    assert!(bench.advisor(&["cancel"]).success().stdout.starts_with("no review was running"));
    drop(bench.commit("run.py", RISKY));
    bench.await_status("pass, answered, ");
    assert!(stranger.try_wait().unwrap().is_none(), "somebody else was ended");
    stranger.kill().unwrap();
    drop(stranger.wait());
}

fn a_review_outlives_the_terminal_of_its_commit(codex: &Path) {
    let bench = Bench::new(codex, all_clear);
    bench.repo.write("run.py", RISKY);
    let script = "git add --all; git commit --quiet --message Go; echo done; sleep 60";
    let shell = Advisor::program(&bench.home, "sh").in_dir(bench.repo.path());
    let mut shell = shell.env(KEY_VARIABLE, "sk-loopback").args(["-c", script]).spawn();
    shell.wait_until("the commit", |stdout, _| stdout.contains("done"));
    // As a terminal does that is closed: every process of the group is told.
    shell.signal_group("HUP");
    shell.signal_group("INT");
    bench.await_status("pass, answered, ");
}

/// Clears every hunk of the prompt.
fn every_hunk_clear(request: &Request) -> Reply {
    let prompt = request.prompt();
    let labels = prompt.lines().filter_map(|line| line.strip_prefix("### H")?.split(' ').next());
    let hunks: Vec<_> = labels
        .map(|label| json!({"hunk": format!("H{label}"), "verdict": "clear", "note": "a fixed list"}))
        .collect();
    Reply::answer(
        json!({"summary": "s", "hunks": hunks, "findings": [], "needs_context": []}).to_string(),
    )
}

fn a_rebase_and_whoever_skips_begin_nothing(codex: &Path) {
    let bench = Bench::new(codex, every_hunk_clear);
    let skipping = Advisor::git(&bench.home).in_dir(bench.repo.path()).env("GIT_ADVISOR_SKIP", "1");
    bench.repo.write("run.py", RISKY);
    bench.repo.git(&["add", "--all"]);
    drop(skipping.args(["commit", "--quiet", "--message", "Skip"]).run().success());
    // Several commits, rewritten on another base.
    bench.repo.commit("Second");
    bench.repo.write("other.py", RISKY);
    bench.repo.commit("Third");
    bench.repo.git(&["branch", "base", "HEAD~3"]);
    bench.repo.git(&["switch", "--quiet", "base"]);
    bench.repo.write("base.txt", "b\n");
    bench.repo.commit("Base");
    bench.repo.git(&["switch", "--quiet", "main"]);
    drop(bench.git(&["rebase", "--quiet", "base"]).success());
    drop(bench.git(&["rebase", "--quiet", "--interactive", "--exec", "true", "HEAD~2"]));
    // On no branch there is nothing that a push would bring by itself.
    drop(bench.git(&["switch", "--quiet", "--detach"]).success());
    drop(bench.commit("detached.py", RISKY));
    thread::sleep(Duration::from_millis(1_500));
    assert!(!bench.background().exists());
    assert_eq!(bench.requests(), 0);
    // A merge and an amended commit are commits like others.
    drop(bench.git(&["switch", "--quiet", "main"]).success());
    drop(bench.git(&["commit", "--quiet", "--amend", "--no-edit", "--allow-empty"]).success());
    bench.await_status("pass, answered, ");
}

fn linked_work_trees_share_one_background(codex: &Path) {
    let bench = Bench::new(codex, all_clear);
    let tree = bench.repo.worktree("linked");
    tree.write("run.py", RISKY);
    let git = |args: &[&str]| bench.run(Advisor::git(&bench.home), tree.path(), args).success();
    drop(git(&["add", "--all"]));
    drop(git(&["commit", "--quiet", "--message", "Linked"]));
    let status = bench.await_status("last, ");
    assert!(status.stdout.contains("linked at "), "{status}");
    let push = git(&["push", "origin", "linked"]);
    assert!(push.stderr.contains("cached, "), "{push}");
    assert_eq!(bench.requests(), 1);
}

fn both_hooks_are_installed_and_put_back() {
    let bench = Bench::without_codex();
    let before = "#!/bin/sh\necho before >> ran\n";
    fs::write(bench.hook("post-commit"), before).unwrap();
    fs::set_permissions(bench.hook("post-commit"), fs::Permissions::from_mode(0o755)).unwrap();
    drop(bench.advisor(&["hook", "install"]).success());
    assert_eq!(fs::read_to_string(bench.hook("post-commit")).unwrap(), before);
    assert!(!bench.advisor(&["hook", "status"]).stdout.contains("post-commit"));
    for _ in 0..2 {
        let output = bench.advisor(&["hook", "install", "--background"]).success();
        assert_eq!(output.stdout.matches("installed as ").count(), 2, "{output}");
    }
    let status = bench.advisor(&["hook", "status"]).success();
    assert!(status.stdout.contains("post-commit.before-git-advisor runs first"), "{status}");
    drop(bench.commit("b.txt", "b\n"));
    assert_eq!(fs::read_to_string(bench.repo.path().join("ran")).unwrap(), "before\n");
    bench.await_status("not-needed");
    // What cannot be pushed is not asked about, and what cannot be reviewed is told.
    bench.repo.git(&["remote", "rename", "origin", "gone"]);
    bench.repo.git(&["remote", "remove", "gone"]);
    drop(bench.commit("run.py", RISKY));
    bench.await_status("nothing that a push would bring");
    bench.repo.git(&["remote", "add", "origin", bench.remote.path().to_str().unwrap()]);
    bench.repo.write("advisor.toml", "no such key = 1\n");
    drop(bench.commit("run.py", &format!("{RISKY}# more\n")));
    bench.await_status(": no review: advisor.toml");
    bench.repo.remove("advisor.toml");
    fs::remove_file(bench.repo.path().join("ran")).unwrap();
    // Without the program the one that was there still runs, and the commit goes on.
    bench.home.uninstall("git-advisor");
    let commit = bench.commit("c.txt", "c\n");
    assert_eq!((commit.stderr.as_str(), commit.stdout.as_str()), ("", ""));
    assert_eq!(fs::read_to_string(bench.repo.path().join("ran")).unwrap(), "before\n");
    let output = bench.advisor(&["hook", "uninstall"]).success();
    assert!(output.stdout.contains("post-commit is again what it was"), "{output}");
    assert_eq!(fs::read_to_string(bench.hook("post-commit")).unwrap(), before);
    assert!(!bench.hook("pre-push").exists());
    let output = bench.advisor(&["hook", "uninstall"]).success();
    assert_eq!(output.stdout, "not installed here; nothing was changed\n");
}

fn hooks_of_others_are_respected() {
    for (folder, text, words) in [
        (".husky/_", "#!/bin/sh\n. \"$(dirname \"$0\")/h\"\n", ".husky/post-commit"),
        (".git/hooks", "#!/bin/sh\nlefthook run \"pre-push\" \"$@\"\n", "post-commit:\n    jobs:"),
        (".git/hooks", "#!/bin/sh\n# File generated by pre-commit: x\n", "stages: [post-commit]"),
    ] {
        let bench = Bench::without_codex();
        bench.repo.write(format!("{folder}/pre-push"), text);
        bench.repo.git(&["config", "core.hooksPath", folder]);
        let output = bench.advisor(&["hook", "install", "--background"]).success();
        assert!(output.stdout.contains(words), "{output}");
        assert!(!bench.repo.path().join(folder).join("post-commit").exists());
    }
    let bench = Bench::without_codex();
    bench.repo.git(&["config", "core.hooksPath", ".githooks"]);
    drop(bench.advisor(&["hook", "install", "--background"]).success());
    assert!(bench.repo.path().join(".githooks/post-commit").is_file());
    let shared = bench.home.path().join("hooks");
    bench.repo.git(&["config", "core.hooksPath", shared.to_str().unwrap()]);
    let output = bench.advisor(&["hook", "install", "--background"]).success();
    assert!(output.stdout.contains("git-advisor hook post-commit\n"), "{output}");
    assert!(!shared.exists());
    // A git that reads hooks from its configuration gets both there.
    let bench = Bench::without_codex();
    let newer = bench.home.write("newer-git", "#!/bin/sh\necho 'git version 2.54.1'\n");
    fs::set_permissions(&newer, fs::Permissions::from_mode(0o755)).unwrap();
    bench.home.install("git", &newer);
    drop(bench.advisor(&["hook", "install", "--background"]).success());
    let event = ["config", "--get-all", "hook.git-advisor-background.event"];
    assert_eq!(bench.repo.git(&event), "post-commit");
    assert!(!bench.hook("post-commit").exists());
    drop(bench.advisor(&["hook", "uninstall"]).success());
    assert_eq!(bench.repo.try_git(&["config", "--get-regexp", "^hook"]).stdout, "");
}
