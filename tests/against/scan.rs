//! What the program says, read from the JSON of `scan`.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::Pair;
use crate::support::{Advisor, Home};

#[derive(Debug, Deserialize)]
struct Scan {
    files: Vec<Seen>,
}

/// A file as the program lists it.
#[derive(Debug, Deserialize)]
pub struct Seen {
    pub path: String,
    pub old_path: Option<String>,
    pub status: String,
    pub skipped: Option<String>,
    pub hunks: Vec<Hunk>,
}

/// Ranges as git writes them: an empty one starts at the line before.
#[derive(Debug, Deserialize)]
pub struct Hunk {
    pub old_start: usize,
    pub old_lines: usize,
    pub new_start: usize,
    pub new_lines: usize,
}

/// The files of a scan without context lines and without passing over any text.
pub fn run(home: &Home, repo: &Path, pair: &Pair) -> Result<Vec<Seen>, String> {
    let range = format!("{}..{}", pair.old, pair.new);
    let scan = ["scan", "--format", "json", &range];
    let config = ["--config", "select.context_lines=0", "--config", "select.include=**"];
    let run = Advisor::new(home).in_dir(repo).args(scan).args(config);
    let output = run.within(Duration::from_secs(120)).spawn().try_wait()?;
    if output.status != Some(0) {
        return Err(output.to_string());
    }
    let scan: Scan = serde_json::from_str(&output.stdout).map_err(|error| error.to_string())?;
    Ok(scan.files)
}
