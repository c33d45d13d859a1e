//! Tests that need the real Codex, and are reported as ignored where it is missing.
//!
//! The standard harness decides before it starts what is ignored, so a test that finds no Codex
//! could only pass there, and a suite that is green without having run is worse than none. These
//! run under `libtest-mimic`, which takes the decision from the test. Where the run must not be
//! partial (`CI` or `GIT_ADVISOR_REQUIRE_CODEX` is set) it fails.

use std::path::Path;

use libtest_mimic::{Completion, Trial};

use super::codex::{VERSION, real_codex};

/// Makes a trial of a function that takes the path of the real Codex.
pub fn with_codex(name: &str, test: fn(&Path)) -> Trial {
    Trial::ignorable_test(name, move || match real_codex() {
        Some(codex) => {
            test(&codex);
            Ok(Completion::Completed)
        }
        None if is_required() => Err(absence().into()),
        None => Ok(Completion::ignored_with(absence())),
    })
}

fn is_required() -> bool {
    ["CI", "GIT_ADVISOR_REQUIRE_CODEX"].iter().any(|name| std::env::var_os(name).is_some())
}

fn absence() -> String {
    format!(
        "no Codex CLI found; install it with `npm install @openai/codex@{VERSION}`, \
         or name it in GIT_ADVISOR_TEST_CODEX"
    )
}
