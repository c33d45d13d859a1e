//! Every environment variable that the program reads, named in one place.
#![expect(clippy::disallowed_methods, reason = "this is the one place")]

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::PathBuf;

/// Prefix of the variables that set a configuration key: `GIT_ADVISOR_GATE_FAIL_ON` is `gate.fail_on`.
pub const PREFIX: &str = "GIT_ADVISOR_";

/// Names with our prefix that are no configuration keys: the hook's way out, and what the test bench sets.
pub const NOT_CONFIG: [&str; 6] =
    ["SKIP", "TEST_CODEX", "TEST_PRE_COMMIT", "TEST_INSPECTOR", "TEST_CLAUDE", "REQUIRE_CODEX"];

/// All variables that start with [`PREFIX`] and name a configuration key, sorted by name.
/// A value that is no UTF-8 is handed on lossily: it cannot be a valid setting.
pub fn config() -> Vec<(String, String)> {
    let mut found: Vec<_> = std::env::vars_os()
        .filter_map(|(name, value)| {
            let name = name.into_string().ok()?;
            let rest = name.strip_prefix(PREFIX)?;
            let wanted = !NOT_CONFIG.contains(&rest);
            wanted.then(|| (name.clone(), value.to_string_lossy().into_owned()))
        })
        .collect();
    found.sort();
    found
}

/// `PATH`, where programs are looked up.
pub fn path() -> Option<OsString> {
    std::env::var_os("PATH")
}

/// Where the user's own Codex keeps its login: `CODEX_HOME`, else `~/.codex`.
pub fn codex_home() -> Option<PathBuf> {
    match std::env::var_os("CODEX_HOME") {
        Some(home) if !home.is_empty() => Some(PathBuf::from(home)),
        _ => etcetera::home_dir().ok().map(|home| home.join(".codex")),
    }
}

/// Where Claude Code keeps the user's agents and settings, and the file with the user's MCP servers.
pub fn claude() -> Option<(PathBuf, PathBuf)> {
    match passed_on("CLAUDE_CONFIG_DIR").map(PathBuf::from) {
        Some(folder) => Some((folder.clone(), folder.join(".claude.json"))),
        None => {
            let home = etcetera::home_dir().ok()?;
            Some((home.join(".claude"), home.join(".claude.json")))
        }
    }
}

/// Whether the user has named the repository by `GIT_DIR`.
pub fn git_dir_is_set() -> bool {
    passed_on("GIT_DIR").is_some()
}

/// The width of the terminal as a shell exports it.
pub fn columns() -> Option<usize> {
    passed_on("COLUMNS")?.to_str()?.parse().ok()
}

/// Whether the user wants this push to go without a review: `GIT_ADVISOR_SKIP=1`.
pub fn skip() -> bool {
    passed_on("GIT_ADVISOR_SKIP").is_some_and(|value| value != "0")
}

/// What the framework `pre-commit` tells a pre-push hook, which gets no stdin from it.
#[derive(Debug, Clone)]
pub struct PreCommit {
    /// What the remote has; none where everything is new to it.
    pub from: Option<String>,
    /// What is pushed; none where all files are meant.
    pub to: Option<String>,
}

/// The ends that `pre-commit` names, if it runs us.
pub fn pre_commit() -> Option<PreCommit> {
    let text = |name| passed_on(name).and_then(|value| value.into_string().ok());
    passed_on("PRE_COMMIT")?;
    Some(PreCommit { from: text("PRE_COMMIT_FROM_REF"), to: text("PRE_COMMIT_TO_REF") })
}

/// What CI services say of a job, as far as it is used.
const JOB: [&str; 12] = [
    "GITHUB_ACTIONS",
    "GITHUB_EVENT_PATH",
    "GITHUB_STEP_SUMMARY",
    "GITLAB_CI",
    "CI_COMMIT_SHA",
    "CI_COMMIT_BEFORE_SHA",
    "CI_DEFAULT_BRANCH",
    "CI_MERGE_REQUEST_DIFF_BASE_SHA",
    "CI_MERGE_REQUEST_TARGET_BRANCH_SHA",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA",
    "CI_MERGE_REQUEST_PROJECT_PATH",
    "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH",
];

/// The variables of a CI job that are set and text.
pub fn job() -> HashMap<&'static str, String> {
    let text = |name| passed_on(name)?.into_string().ok();
    JOB.into_iter().filter_map(|name| Some((name, text(name)?))).collect()
}

/// A pager as the user names it; an empty one means that there shall be none.
pub fn pager(name: &str) -> Option<String> {
    std::env::var_os(name)?.into_string().ok()
}

/// Whether this is a job of a CI service, whose runner reads what is printed.
pub fn in_ci() -> bool {
    ["CI", "TF_BUILD", "TEAMCITY_VERSION"].iter().any(|name| passed_on(name).is_some())
}

/// Whether a Codex key is given by `CODEX_API_KEY`, which makes a login file unnecessary.
pub fn codex_api_key_is_set() -> bool {
    passed_on("CODEX_API_KEY").is_some()
}

/// Variables that every program gets: where it finds others, how text is encoded, where temporary files go, and those
/// without which none starts on Windows.
pub const EVERY_PROGRAM: [&str; 9] =
    ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "SYSTEMROOT", "COMSPEC", "PATHEXT", "TEMP"];

/// The value of a variable that goes on to a program, if it is set and not empty.
pub fn passed_on(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Where git is told to keep objects, as within a hook that receives a push.
pub fn object_directory() -> Option<PathBuf> {
    passed_on("GIT_OBJECT_DIRECTORY").map(PathBuf::from)
}

/// Further folders of objects that git is told to read.
pub fn alternate_object_directories() -> Vec<PathBuf> {
    let listed = passed_on("GIT_ALTERNATE_OBJECT_DIRECTORIES");
    listed.iter().flat_map(std::env::split_paths).collect()
}
