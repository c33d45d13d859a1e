//! Tests that need a program of others, and are reported as ignored where it is missing: the real
//! Codex, the real pre-commit, real clients of the MCP server.
//!
//! The standard harness decides before it starts what is ignored, so a test that finds no program
//! could only pass there, and a suite that is green without having run is worse than none. These
//! run under `libtest-mimic`, which takes the decision from the test. Where the run must not be
//! partial (`CI` or `GIT_ADVISOR_REQUIRE_CODEX` is set) it fails.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Completion, Trial};

use super::codex::{VERSION, real_codex};
use super::home::{find_on_path, is_executable};

/// Makes a trial of a function that takes the path of the real Codex.
pub fn with_codex(name: &str, test: fn(&Path)) -> Trial {
    let absence = format!(
        "no Codex CLI found; install it with `npm install @openai/codex@{VERSION}`, \
         or name it in GIT_ADVISOR_TEST_CODEX"
    );
    with_program(name, test, real_codex, absence)
}

/// Makes a trial of a function that takes the real Codex, and gives it a system of its own by `unshare -rm`. Not
/// every system lets its users do that: where it does not, the trial is ignored even if a run must not be partial.
pub fn with_codex_and_namespaces(name: &str, test: fn(&Path)) -> Trial {
    if may_unshare() || real_codex().is_none() {
        return with_codex(name, test);
    }
    let absence = "this user may not mount in a name space of its own (`unshare -rm`)";
    Trial::ignorable_test(name, move || Ok(Completion::ignored_with(absence)))
}

fn may_unshare() -> bool {
    let trial = Command::new("unshare").args(["-rm", "true"]).output();
    trial.is_ok_and(|output| output.status.success())
}

/// Makes a trial of a function that takes the path of the real pre-commit.
pub fn with_pre_commit(name: &str, test: fn(&Path)) -> Trial {
    let absence = "no pre-commit found; install it with `pip install pre-commit`, \
                   or name it in GIT_ADVISOR_TEST_PRE_COMMIT";
    with_program(name, test, real_pre_commit, absence.to_owned())
}

/// Makes a trial of a function that takes the path of the real MCP inspector.
pub fn with_inspector(name: &str, test: fn(&Path)) -> Trial {
    let absence = "no MCP inspector found; install it with `npm install @modelcontextprotocol/inspector`, \
                   or name it in GIT_ADVISOR_TEST_INSPECTOR";
    with_program(name, test, || installed("INSPECTOR", "mcp-inspector"), absence.to_owned())
}

/// Makes a trial of a function that takes the path of the real Claude Code.
pub fn with_claude(name: &str, test: fn(&Path)) -> Trial {
    let absence = "no Claude Code found; install it with `npm install @anthropic-ai/claude-code`, \
                   or name it in GIT_ADVISOR_TEST_CLAUDE";
    with_program(name, test, || installed("CLAUDE", "claude"), absence.to_owned())
}

/// A client named by its variable, else the one of `npm install` in the crate's root.
///
/// A variable that names no program is a mistake and not an absence: it fails.
fn installed(variable: &str, name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let variable = format!("GIT_ADVISOR_TEST_{variable}");
    if let Some(path) = std::env::var_os(&variable) {
        let path = root.join(path);
        assert!(is_executable(&path), "{variable} names no program: {}", path.display());
        return Some(path);
    }
    Some(root.join("node_modules/.bin").join(name)).filter(|path| is_executable(path))
}

/// The one named by `GIT_ADVISOR_TEST_PRE_COMMIT`, else the one on `PATH`.
fn real_pre_commit() -> Option<PathBuf> {
    match std::env::var_os("GIT_ADVISOR_TEST_PRE_COMMIT") {
        Some(path) => Some(PathBuf::from(path)),
        None => find_on_path("pre-commit"),
    }
}

fn with_program(
    name: &str,
    test: fn(&Path),
    find: fn() -> Option<PathBuf>,
    absence: String,
) -> Trial {
    Trial::ignorable_test(name, move || match find() {
        Some(program) => {
            test(&program);
            Ok(Completion::Completed)
        }
        None if is_required() => Err(absence.into()),
        None => Ok(Completion::ignored_with(absence)),
    })
}

fn is_required() -> bool {
    ["CI", "GIT_ADVISOR_REQUIRE_CODEX"].iter().any(|name| std::env::var_os(name).is_some())
}
