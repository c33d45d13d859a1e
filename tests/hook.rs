//! The pre-push hook, with real pushes to a bare repository beside it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::Duration;

use support::{Advisor, Home, Output, Repo, StandIn};

/// Found by an explicit rule, which may block alone.
const BLOCKS: &str = "KEY = \"\"\"-----BEGIN RSA PRIVATE \u{4b}EY-----\nMIIEpAIBAAKCAQEA0000000000000000000000000000000000000000EXAMPLE\n\"\"\"\n";

const RISKY: &str = "import subprocess\nsubprocess.run(input(), shell=True)\n";

/// A user with the hook installed in a repository, whose first commit its remote has.
struct Bench {
    home: Home,
    repo: Repo,
    remote: Repo,
}

impl Bench {
    fn new() -> Bench {
        Bench::with(&[])
    }

    fn with(format: &[&str]) -> Bench {
        let bench = Bench::without_hook(format);
        drop(bench.advisor(&["hook", "install"]).success());
        bench
    }

    fn without_hook(format: &[&str]) -> Bench {
        let (home, repo) = (Home::new(), Repo::init_with(format));
        let remote = Repo::init_with(&[&["--bare"], format].concat());
        repo.write("a.txt", "a\n");
        repo.commit("Begin");
        repo.git(&["remote", "add", "origin", remote.path().to_str().unwrap()]);
        repo.git(&["push", "--quiet", "--no-verify", "origin", "main"]);
        Bench { home, repo, remote }
    }

    fn advisor(&self, args: &[&str]) -> Output {
        Advisor::new(&self.home).in_dir(self.repo.path()).args(args).run()
    }

    fn push(&self, args: &[&str]) -> Output {
        self.push_from(self.repo.path(), args)
    }

    fn push_from(&self, folder: &Path, args: &[&str]) -> Output {
        Advisor::git(&self.home).in_dir(folder).args([&["push"], args].concat()).run()
    }

    fn commit(&self, file: &str, text: &str) -> String {
        self.repo.write(file, text);
        self.repo.commit("Go on")
    }

    fn remote_has(&self, id: &str) -> bool {
        self.remote.try_git(&["rev-parse", "--verify", "-q", &format!("{id}^{{commit}}")]).status
            == Some(0)
    }

    /// The hook file of the repository.
    fn hook(&self) -> std::path::PathBuf {
        self.repo.path().join(".git/hooks/pre-push")
    }

    fn write_hook(&self, text: &str) {
        fs::write(self.hook(), text).unwrap();
        fs::set_permissions(self.hook(), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// What the hook says beside git's own lines.
fn told(output: &Output) -> &str {
    output.stderr.split("To /").next().unwrap_or_default()
}

#[test]
fn a_harmless_push_passes_without_a_word() {
    let bench = Bench::new();
    let id = bench.commit("b.txt", "b\n");
    let output = bench.push(&["origin", "main"]).success();
    assert_eq!((told(&output), output.stdout.as_str()), ("", ""), "{output}");
    assert!(bench.remote_has(&id));
}

#[test]
fn a_finding_holds_the_push_back_and_names_the_way_out() {
    let bench = Bench::new();
    let id = bench.commit("key.py", BLOCKS);
    let output = bench.push(&["origin", "main"]).code(1);
    for part in [
        "private key",
        "main: asking Codex about 1 hunk, for ",
        "s at most",
        "--no-verify",
        "GIT_ADVISOR_SKIP=1",
    ] {
        assert!(output.stderr.contains(part), "{part} is missing in {output}");
    }
    assert!(output.stdout.is_empty(), "{output}");
    assert!(!bench.remote_has(&id));
    let skip = Advisor::git(&bench.home).in_dir(bench.repo.path()).env("GIT_ADVISOR_SKIP", "1");
    let output = skip.args(["push", "origin", "main"]).run().success();
    assert_eq!(told(&output), "", "{output}");
    assert!(bench.remote_has(&id));
}

#[test]
fn an_outage_never_blocks() {
    let bench = Bench::new();
    let id = bench.commit("run.py", RISKY);
    let output = bench.push(&["origin", "main"]).success();
    assert!(output.stderr.contains("no second opinion"), "{output}");
    assert!(bench.remote_has(&id));
}

#[test]
fn a_broken_configuration_never_blocks() {
    let bench = Bench::new();
    bench.repo.write("advisor.toml", "no such key = 1\n");
    let id = bench.commit("run.py", RISKY);
    let output = bench.push(&["origin", "main"]).success();
    assert!(output.stderr.contains("warning: pushing without a review: advisor.toml"), "{output}");
    assert!(bench.remote_has(&id));
}

#[test]
fn without_the_program_the_push_goes_on() {
    let bench = Bench::new();
    bench.home.uninstall("git-advisor");
    let id = bench.commit("key.py", BLOCKS);
    let output = bench.push(&["origin", "main"]).success();
    assert!(output.stderr.contains("git-advisor is not in PATH"), "{output}");
    assert!(bench.remote_has(&id));
}

#[test]
fn a_call_that_takes_too_long_is_ended_by_the_deadline_of_the_hook() {
    let bench = Bench::new();
    let codex = StandIn::new().sleep(Duration::from_secs(50));
    bench.home.write_config(&format!("{}[limits]\nhook_deadline = \"11s\"\n", codex.user_config()));
    bench.home.log_in();
    let id = bench.commit("run.py", RISKY);
    let output = bench.push(&["origin", "main"]).success();
    assert!(output.stderr.contains("(deadline)"), "{output}");
    assert!(output.duration < Duration::from_secs(30), "{output}");
    assert!(bench.remote_has(&id));
}

#[test]
fn a_new_branch_brings_what_no_remote_tracking_ref_has() {
    let bench = Bench::new();
    // A flaw that the remote has already is not the new branch's.
    bench.commit("key.py", BLOCKS);
    bench.repo.git(&["push", "--quiet", "--no-verify", "origin", "main"]);
    bench.repo.git(&["switch", "--quiet", "--create", "topic"]);
    bench.commit("b.txt", "b\n");
    let output = bench.push(&["origin", "topic"]).success();
    assert_eq!(told(&output), "", "{output}");
    bench.repo.git(&["switch", "--quiet", "--create", "other"]);
    bench.commit("key2.py", BLOCKS);
    let output = bench.push(&["origin", "other"]).code(1);
    assert!(output.stderr.contains("key2.py") && !output.stderr.contains(" key.py"), "{output}");
}

#[test]
fn every_line_of_a_push_is_considered() {
    let bench = Bench::new();
    bench.repo.git(&["branch", "aa", "main"]);
    bench.repo.git(&["switch", "--quiet", "--create", "harmless"]);
    bench.commit("b.txt", "b\n");
    bench.repo.git(&["switch", "--quiet", "--create", "zz", "main"]);
    bench.commit("key.py", BLOCKS);
    let output = bench.push(&["--all", "origin"]).code(1);
    assert!(output.stderr.contains("git-advisor: zz: asking"), "{output}");
}

#[test]
fn branches_on_the_same_commits_are_asked_about_once() {
    let bench = Bench::new();
    bench.commit("run.py", RISKY);
    bench.repo.git(&["branch", "same"]);
    bench.repo.git(&["tag", "--annotate", "-m", "v1", "v1"]);
    let output = bench.push(&["--follow-tags", "origin", "main", "same", "v1"]).success();
    assert_eq!(output.stderr.matches("asking Codex").count(), 1, "{output}");
}

#[test]
fn a_forced_push_is_reviewed_from_the_merge_base() {
    let bench = Bench::new();
    let first = bench.commit("b.txt", "b\n");
    bench.repo.git(&["push", "--quiet", "--no-verify", "origin", "main"]);
    bench.repo.git(&["reset", "--quiet", "--hard", "HEAD~1"]);
    bench.commit("key.py", BLOCKS);
    let output = bench.push(&["--force", "origin", "main"]).code(1);
    assert!(output.stderr.contains("key.py") && !output.stderr.contains("b.txt"), "{output}");
    assert!(bench.remote_has(&first));
}

#[test]
fn a_forced_push_over_commits_that_are_not_here_is_reviewed() {
    let bench = Bench::new();
    let other = bench.remote.clone_with(&[]);
    other.write("theirs.txt", "t\n");
    other.commit("Theirs");
    other.git(&["push", "--quiet", "origin", "main"]);
    bench.commit("key.py", BLOCKS);
    let output = bench.push(&["--force", "origin", "main"]).code(1);
    assert!(output.stderr.contains("key.py") && !output.stderr.contains("theirs"), "{output}");
}

#[test]
fn deletions_and_empty_pushes_pass_without_a_word() {
    let bench = Bench::new();
    bench.repo.git(&["push", "--quiet", "--no-verify", "origin", "main:topic"]);
    let output = bench.push(&["origin", "--delete", "topic"]).success();
    assert_eq!(told(&output), "", "{output}");
    let output = bench.push(&["origin", "main"]).success();
    assert!(output.stderr.contains("up-to-date"), "{output}");
    // As a person may try it by hand.
    let output = bench.advisor(&["hook", "pre-push", "--", "origin", "url"]).success();
    assert_eq!(output.stderr, "", "{output}");
}

#[test]
fn tags_bring_their_commits_and_other_objects_bring_nothing() {
    let bench = Bench::new();
    bench.repo.git(&["switch", "--quiet", "--detach"]);
    bench.commit("key.py", BLOCKS);
    bench.repo.git(&["tag", "--annotate", "-m", "v1", "v1"]);
    let output = bench.push(&["origin", "v1"]).code(1);
    assert!(output.stderr.contains("refs/tags/v1: asking"), "{output}");
    bench.repo.git(&["tag", "tree", "HEAD^{tree}"]);
    drop(bench.push(&["origin", "tree"]).success());
}

#[test]
fn a_first_push_to_an_empty_remote_is_reviewed_whole() {
    let bench = Bench::new();
    let empty = Repo::bare();
    bench.commit("key.py", BLOCKS);
    bench.repo.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    let output = bench.push(&[empty.path().to_str().unwrap(), "main"]).code(1);
    assert!(output.stderr.contains("key.py"), "{output}");
}

#[test]
fn what_is_merged_from_the_remote_is_not_asked_about_again() {
    let bench = Bench::new();
    bench.repo.git(&["switch", "--quiet", "--create", "topic"]);
    bench.commit("b.txt", "b\n");
    bench.repo.git(&["push", "--quiet", "--no-verify", "origin", "topic"]);
    bench.repo.git(&["switch", "--quiet", "main"]);
    bench.commit("key.py", BLOCKS);
    for _ in 0..2 {
        bench.commit("m.txt", "m\n");
    }
    bench.repo.git(&["push", "--quiet", "--no-verify", "origin", "main"]);
    bench.repo.git(&["switch", "--quiet", "topic"]);
    bench.repo.git(&["merge", "--quiet", "main"]);
    let output = bench.push(&["origin", "topic"]).success();
    assert_eq!(told(&output), "", "{output}");
}

#[test]
fn sha256_repositories_are_pushed_alike() {
    let bench = Bench::with(&["--object-format=sha256"]);
    bench.commit("key.py", BLOCKS);
    let output = bench.push(&["origin", "main:new"]).code(1);
    assert!(output.stderr.contains("key.py"), "{output}");
    bench.repo.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    let empty = Repo::init_with(&["--bare", "--object-format=sha256"]);
    let output = bench.push(&[empty.path().to_str().unwrap(), "main"]).code(1);
    assert!(output.stderr.contains("key.py"), "{output}");
}

#[test]
fn a_shallow_clone_pushes_what_it_added() {
    let bench = Bench::new();
    bench.commit("key.py", BLOCKS);
    bench.commit("b.txt", "b\n");
    bench.repo.git(&["push", "--quiet", "--no-verify", "origin", "main"]);
    let shallow = bench.repo.clone_shallow(1);
    shallow.git(&["remote", "set-url", "origin", bench.remote.path().to_str().unwrap()]);
    let install = Advisor::new(&bench.home).in_dir(shallow.path()).args(["hook", "install"]);
    drop(install.run().success());
    shallow.write("c.txt", "c\n");
    shallow.commit("Harmless");
    let output = bench.push_from(shallow.path(), &["origin", "main"]).success();
    assert_eq!(told(&output), "", "{output}");
    shallow.write("key2.py", BLOCKS);
    shallow.commit("Key");
    let output = bench.push_from(shallow.path(), &["origin", "main:topic"]).code(1);
    assert!(output.stderr.contains("key2.py") && !output.stderr.contains(" key.py"), "{output}");
    // Without any remote-tracking ref nobody can tell where the new commits begin.
    shallow.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    shallow.git(&["symbolic-ref", "--delete", "refs/remotes/origin/HEAD"]);
    let output = bench.push_from(shallow.path(), &["origin", "main:third"]).success();
    assert!(output.stderr.contains("git fetch --unshallow"), "{output}");
}

#[test]
fn a_linked_work_tree_has_the_same_hook() {
    let bench = Bench::new();
    let tree = bench.repo.worktree("linked");
    tree.write("key.py", BLOCKS);
    tree.commit("Key");
    let output = bench.push_from(tree.path(), &["origin", "linked"]).code(1);
    assert!(output.stderr.contains("key.py"), "{output}");
    let status =
        Advisor::new(&bench.home).in_dir(tree.path()).args(["hook", "status"]).run().success();
    assert!(status.stdout.contains("installed as"), "{status}");
}

#[test]
fn a_hook_that_was_there_is_kept_run_and_put_back() {
    let bench = Bench::without_hook(&[]);
    let before = "#!/bin/sh\necho \"before: $1\" >&2\ncat >&2\n[ ! -e stop ]\n";
    bench.write_hook(before);
    for _ in 0..2 {
        drop(bench.advisor(&["hook", "install"]).success());
    }
    let status = bench.advisor(&["hook", "status"]).success();
    assert!(status.stdout.contains("pre-push.before-git-advisor runs first"), "{status}");
    let id = bench.commit("run.py", RISKY);
    let output = bench.push(&["origin", "main"]).success();
    let line = format!("before: origin\nrefs/heads/main {id} refs/heads/main ");
    assert!(output.stderr.contains(&line) && output.stderr.contains("asking Codex"), "{output}");
    // It may still say no, and it is still asked when ours is skipped.
    bench.repo.write("stop", "");
    bench.commit("b.txt", "b\n");
    let push = Advisor::git(&bench.home).in_dir(bench.repo.path()).env("GIT_ADVISOR_SKIP", "1");
    drop(push.args(["push", "origin", "main"]).run().code(1));
    drop(bench.advisor(&["hook", "uninstall"]).success());
    assert_eq!(fs::read_to_string(bench.hook()).unwrap(), before);
    let output = bench.advisor(&["hook", "uninstall"]).success();
    assert!(output.stdout.contains("not installed here"), "{output}");
}

#[test]
fn uninstall_leaves_nothing_behind() {
    let bench = Bench::new();
    drop(bench.advisor(&["hook", "uninstall"]).success());
    let left: Vec<_> = fs::read_dir(bench.hook().parent().unwrap()).unwrap().collect();
    assert!(
        left.iter().all(|entry| entry
            .as_ref()
            .unwrap()
            .path()
            .extension()
            .is_some_and(|end| end == "sample")),
        "{left:?}"
    );
    let output = bench.advisor(&["hook", "status"]).success();
    assert!(output.stdout.starts_with("not installed"), "{output}");
}

#[test]
fn core_hooks_path_is_respected() {
    let bench = Bench::without_hook(&[]);
    bench.repo.git(&["config", "core.hooksPath", ".githooks"]);
    drop(bench.advisor(&["hook", "install"]).success());
    assert!(bench.repo.path().join(".githooks/pre-push").is_file());
    bench.commit("key.py", BLOCKS);
    drop(bench.push(&["origin", "main"]).code(1));
    // A folder that other repositories share is not ours to write.
    let shared = bench.home.path().join("hooks");
    bench.repo.git(&["config", "core.hooksPath", shared.to_str().unwrap()]);
    let output = bench.advisor(&["hook", "install"]).success();
    assert!(output.stdout.contains("nothing is written there"), "{output}");
    assert!(!shared.exists());
}

#[test]
fn hooks_that_another_tool_manages_are_left_alone() {
    for (folder, text, words) in [
        (".husky/_", "#!/bin/sh\n. \"$(dirname \"$0\")/h\"\n", "husky manages the hooks here"),
        (
            ".git/hooks",
            "#!/bin/sh\nlefthook run \"pre-push\" \"$@\"\n",
            "lefthook manages the hooks here",
        ),
        (
            ".git/hooks",
            "#!/bin/sh\n# File generated by pre-commit: https://pre-commit.com\n",
            "id: git-advisor",
        ),
        (
            ".git/hooks",
            "#!/bin/sh\n# File generated by prek: https://github.com/j178/prek\n",
            "prek manages the hooks here",
        ),
    ] {
        let bench = Bench::without_hook(&[]);
        bench.repo.write(format!("{folder}/pre-push"), text);
        bench.repo.git(&["config", "core.hooksPath", folder]);
        let output = bench.advisor(&["hook", "install"]).success();
        assert!(output.stdout.contains(words), "{output}");
        assert_eq!(
            fs::read_to_string(bench.repo.path().join(folder).join("pre-push")).unwrap(),
            text
        );
    }
}

/// A git that says that it is newer; it reads no hooks from its configuration all the same.
#[test]
fn a_git_that_configures_hooks_gets_a_configuration_and_no_file() {
    let bench = Bench::without_hook(&[]);
    let newer = bench.home.write("newer-git", "#!/bin/sh\necho 'git version 2.54.1'\n");
    fs::set_permissions(&newer, fs::Permissions::from_mode(0o755)).unwrap();
    bench.home.install("git", &newer);
    for _ in 0..2 {
        drop(bench.advisor(&["hook", "install"]).success());
    }
    assert!(!bench.hook().exists());
    assert_eq!(bench.repo.git(&["config", "--get-all", "hook.git-advisor.event"]), "pre-push");
    let output = bench.advisor(&["hook", "status"]).success();
    assert!(output.stdout.contains("installed as hook.git-advisor"), "{output}");
    // The command as git runs it: by a shell, with the arguments behind.
    let command = bench.repo.git(&["config", "hook.git-advisor.command"]);
    bench.commit("key.py", BLOCKS);
    let (new, old) =
        (bench.repo.git(&["rev-parse", "HEAD"]), bench.repo.git(&["rev-parse", "HEAD~1"]));
    let run = Advisor::program(&bench.home, "/bin/sh").in_dir(bench.repo.path());
    let run = run.args(["-c", &format!("{command} \"$@\""), "hook", "origin", "url"]);
    let lines = format!("refs/heads/main {new} refs/heads/main {old}\n");
    let output = run.stdin(lines).run().code(1);
    assert!(output.stderr.contains("key.py"), "{output}");
    drop(bench.advisor(&["hook", "uninstall"]).success());
    assert_eq!(bench.repo.try_git(&["config", "--get-regexp", "^hook"]).stdout, "");
}

#[test]
fn a_push_loosens_no_review_of_its_own_where_the_base_is_read() {
    let bench = Bench::new();
    bench.repo.write("advisor.toml", "[gate]\nfail_on = \"never\"\n");
    bench.commit("key.py", BLOCKS);
    bench.home.write_config("[config]\nfrom = \"base\"\n");
    drop(bench.push(&["origin", "main"]).code(1));
    bench.home.write_config("");
    drop(bench.push(&["origin", "main"]).success());
}

/// Whichever way it is installed, a push is reviewed once: a git that was updated, or was put back.
#[test]
fn the_hook_stands_in_one_place() {
    let bench = Bench::without_hook(&[]);
    bench.write_hook("#!/bin/sh\nexit 0\n");
    drop(bench.advisor(&["hook", "install"]).success());
    let newer = bench.home.write("newer-git", "#!/bin/sh\necho 'git version 2.54.1'\n");
    fs::set_permissions(&newer, fs::Permissions::from_mode(0o755)).unwrap();
    let older = fs::read_link(bench.home.bin().join("git")).unwrap();
    bench.home.install("git", &newer);
    let output = bench.advisor(&["hook", "install"]).success();
    assert!(output.stdout.contains("is again what it was"), "{output}");
    assert_eq!(fs::read_to_string(bench.hook()).unwrap(), "#!/bin/sh\nexit 0\n");
    bench.home.install("git", &older);
    drop(bench.advisor(&["hook", "install"]).success());
    assert_eq!(bench.repo.try_git(&["config", "--get-regexp", "^hook"]).stdout, "");
    assert!(fs::read_to_string(bench.hook()).unwrap().contains("git-advisor hook"));
}
