//! The hook as the framework pre-commit runs it, with the real one.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};
use support::{Advisor, Home, Output, Repo, with_pre_commit};

const BLOCKS: &str = "KEY = \"\"\"-----BEGIN RSA PRIVATE \u{4b}EY-----\nMIIEpAIBAAKCAQEA0000000000000000000000000000000000000000EXAMPLE\n\"\"\"\n";

fn main() -> ExitCode {
    let trials: Vec<Trial> = vec![
        with_pre_commit("a_push_is_reviewed_between_its_two_ends", between_two_ends),
        with_pre_commit("a_first_push_is_reviewed_whole", a_first_push),
    ];
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// A repository whose pushes pre-commit guards with the hook of this crate. The repositories that it
/// names are there as long as this is.
struct Guarded {
    home: Home,
    repo: Repo,
    _hooks: Repo,
    _remote: Repo,
}

fn guarded(pre_commit: &Path) -> Guarded {
    let (home, repo, hooks) = (Home::new(), Repo::init(), Repo::init());
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join(".pre-commit-hooks.yaml");
    hooks.write(".pre-commit-hooks.yaml", fs::read(ours).unwrap());
    let rev = hooks.commit("Hooks");
    repo.write(
        ".pre-commit-config.yaml",
        format!(
            "repos:\n  - repo: {}\n    rev: {rev}\n    hooks:\n      - id: git-advisor-system\n",
            hooks.path().display()
        ),
    );
    let install = Advisor::program(&home, pre_commit).in_dir(repo.path());
    drop(install.args(["install", "--hook-type", "pre-push"]).run().success());
    // `git advisor hook install` leaves it alone.
    let ours = Advisor::new(&home).in_dir(repo.path()).args(["hook", "install"]).run().success();
    assert!(ours.stdout.starts_with("pre-commit manages the hooks here"), "{ours}");
    let remote = Repo::bare();
    repo.git(&["remote", "add", "origin", remote.path().to_str().unwrap()]);
    Guarded { home, repo, _hooks: hooks, _remote: remote }
}

fn push(home: &Home, repo: &Repo) -> Output {
    Advisor::git(home).in_dir(repo.path()).args(["push", "origin", "main"]).run()
}

fn between_two_ends(pre_commit: &Path) {
    let Guarded { home, repo, .. } = &guarded(pre_commit);
    repo.write("key.py", BLOCKS);
    repo.commit("Begin");
    repo.git(&["push", "--quiet", "--no-verify", "origin", "main"]);
    repo.write("b.txt", "b\n");
    repo.commit("Harmless");
    let output = push(home, repo).success();
    assert!(output.stdout.contains("Passed") && !output.stdout.contains("key.py"), "{output}");
    repo.write("key2.py", BLOCKS);
    repo.commit("Key");
    let output = push(home, repo).code(1);
    assert!(output.stdout.contains("key2.py") && !output.stdout.contains(" key.py"), "{output}");
}

/// pre-commit names neither end of a push that brings a root commit.
fn a_first_push(pre_commit: &Path) {
    let Guarded { home, repo, .. } = &guarded(pre_commit);
    repo.write("key.py", BLOCKS);
    repo.commit("Begin");
    let output = push(home, repo).code(1);
    assert!(output.stdout.contains("key.py"), "{output}");
}
