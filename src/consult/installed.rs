//! The Codex that is installed: its version, its switches, its catalog of models.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::Failure;
use super::home::PrivateHome;
use super::process::{self, Finished, SpawnError};
use crate::env;

/// The lowest version that can be held: before it some tools cannot be taken away.
pub const LOWEST: Version = Version(0, 147, 0);

/// A question to the binary itself takes milliseconds; more than this and it hangs.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where administrators put skills for all users.
const SYSTEM_SKILLS: &str = "/etc/codex/skills";

/// The file that makes a folder a skill.
const SKILL: &str = "SKILL.md";

/// So many folders deep skills are looked for: deeper than Codex does.
const SKILL_DEPTH: usize = 8;

/// A version of Codex.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What the installed binary says of itself.
#[derive(Debug, Clone)]
pub struct Installed {
    /// The program, as it is started.
    pub program: PathBuf,
    /// Its version.
    pub version: Version,
    /// Names of the feature switches that it knows.
    pub features: BTreeSet<String>,
    /// Its bundled catalog of models, as printed.
    pub catalog: Value,
    /// MCP servers that are configured for the whole system.
    pub mcp_servers: Vec<String>,
    /// Skills that are installed for the whole system: their `SKILL.md`.
    pub skills: Vec<PathBuf>,
}

impl Installed {
    /// The catalog with every tool taken out of every model. It is derived from the binary's own
    /// each time, because the fields that it must have differ from version to version.
    pub fn leashed_catalog(&self) -> Value {
        let mut catalog = self.catalog.clone();
        let models = catalog.get_mut("models").and_then(Value::as_array_mut);
        for model in models.into_iter().flatten().filter_map(Value::as_object_mut) {
            let settings = [
                ("tool_mode", json!("direct")),
                ("multi_agent_version", json!("disabled")),
                ("apply_patch_tool_type", Value::Null),
                ("experimental_supported_tools", json!([])),
                ("supports_search_tool", json!(false)),
                ("shell_type", json!("disabled")),
            ];
            for (key, value) in settings {
                model.insert(key.to_owned(), value);
            }
        }
        catalog
    }

    /// The models that are offered to users, the heaviest first (the catalog's own order).
    pub fn models(&self) -> impl Iterator<Item = &Value> {
        let models = self.catalog.get("models").and_then(Value::as_array);
        models.into_iter().flatten().filter(|model| model["visibility"] == "list")
    }
}

/// Asks the binary for its version alone.
///
/// # Errors
/// When it is missing, cannot be started, or says no version.
pub async fn version(command: &str, home: &PrivateHome) -> Result<(PathBuf, Version), Failure> {
    let program = find(command)?;
    let said = ask(&program, home, &["--version"]).await?;
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    match parse_version(&text) {
        Some(version) if version < LOWEST => {
            let message = format!(
                "`{}` is {version}; {LOWEST} is the lowest that can be leashed",
                program.display()
            );
            Err(Failure::of("too-old", &message))
        }
        Some(version) => Ok((program, version)),
        None => Err(not_codex(&program, &said)),
    }
}

/// Asks the binary all that a call needs.
///
/// # Errors
/// As [`version`], and when it does not answer.
pub async fn probe(command: &str, home: &PrivateHome) -> Result<Installed, Failure> {
    let (program, version) = version(command, home).await?;
    let (features, catalog, servers) = tokio::join!(
        ask(&program, home, &["features", "list"]),
        ask(&program, home, &["debug", "models", "--bundled"]),
        ask(&program, home, &["mcp", "list", "--json"]),
    );
    let features = String::from_utf8_lossy(&succeeded(&program, features?)?.stdout)
        .lines()
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect();
    let catalog = succeeded(&program, catalog?)?;
    let catalog =
        serde_json::from_slice(&catalog.stdout).map_err(|_| not_codex(&program, &catalog))?;
    let servers: Value =
        serde_json::from_slice(&succeeded(&program, servers?)?.stdout).unwrap_or_default();
    let mcp_servers = servers
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|server| server["name"].as_str().map(str::to_owned))
        .collect();
    let skills = skills_below(Path::new(SYSTEM_SKILLS), SKILL_DEPTH);
    Ok(Installed { program, version, features, catalog, mcp_servers, skills })
}

/// The skills of a folder. No question to the binary lists those that wait to be mentioned.
fn skills_below(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = Vec::new();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() && depth > 0 {
            found.extend(skills_below(&path, depth - 1));
        } else if path.file_name().is_some_and(|name| name == SKILL) {
            found.push(path);
        }
    }
    found.sort_unstable();
    found
}

async fn ask(program: &Path, home: &PrivateHome, args: &[&str]) -> Result<Finished, Failure> {
    let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
    let environment = super::codex::environment(home, &[]);
    process::finish(program, &args, &environment, &home.path, PATIENCE)
        .await
        .map_err(|error| spawn_failure(program, &error))
}

fn succeeded(program: &Path, said: Finished) -> Result<Finished, Failure> {
    if said.success {
        return Ok(said);
    }
    Err(Failure::shown_by(&String::from_utf8_lossy(&said.stderr))
        .unwrap_or_else(|| not_codex(program, &said)))
}

fn not_codex(program: &Path, said: &Finished) -> Failure {
    let stderr = String::from_utf8_lossy(&said.stderr);
    let last = stderr.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("no output");
    let what = if said.timed_out { "does not answer" } else { "does not answer as Codex does" };
    Failure::of("crashed", &format!("`{}` {what}: {last}", program.display()))
}

/// A failure to start any of Codex's processes.
pub(super) fn spawn_failure(program: &Path, error: &SpawnError) -> Failure {
    let message = format!("`{}` cannot be started: {error}", program.display());
    match error {
        SpawnError::NotFound => Failure::of("not-found", &message),
        SpawnError::NotExecutable(_) => Failure::of("not-executable", &message),
        SpawnError::Other(_) => Failure::of("crashed", &message),
    }
}

/// The program of a command: a path as it is, a name as found in `PATH`. Never the current
/// directory, where a repository could have put one.
fn find(command: &str) -> Result<PathBuf, Failure> {
    let path = Path::new(command);
    if path.components().count() > 1 {
        return Ok(path.to_owned());
    }
    let folders = env::path().unwrap_or_default();
    std::env::split_paths(&folders)
        .filter(|folder| folder.is_absolute())
        .flat_map(|folder| {
            [
                folder.join(command),
                folder.join(format!("{command}{}", std::env::consts::EXE_SUFFIX)),
            ]
        })
        .find(|file| file.is_file())
        .ok_or_else(|| Failure::of("not-found", &format!("there is no `{command}` in PATH")))
}

/// What tells one installed Codex from another without starting it: where it is, its size, its time.
pub fn stamp(command: &str) -> String {
    let found = find(command).ok().and_then(|path| path.canonicalize().ok());
    let about = found.as_ref().and_then(|path| path.metadata().ok());
    format!("{found:?} {:?}", about.map(|about| (about.len(), about.modified().ok())))
}

/// `codex-cli 0.169.0`, perhaps with a suffix such as `-alpha.1`.
fn parse_version(text: &str) -> Option<Version> {
    let word =
        text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let mut numbers = word.split(['.', '-', '+']).map(|part| part.parse().ok());
    Some(Version(numbers.next()??, numbers.next()??, numbers.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_ordered() {
        assert_eq!(parse_version("codex-cli 0.169.0\n"), Some(Version(0, 169, 0)));
        assert_eq!(parse_version("codex-cli 0.200.0-alpha.3"), Some(Version(0, 200, 0)));
        assert_eq!(parse_version("node: not found"), None);
        assert!(Version(0, 146, 9) < LOWEST && LOWEST < Version(1, 0, 0));
    }
}
