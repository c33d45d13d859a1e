//! The files of one call: an empty folder to stand in, and beside it what Codex is given to read.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::Failure;
use super::home;
use super::installed::Installed;
use crate::prompt;

/// A private temporary folder that goes when this value does.
#[derive(Debug)]
pub(super) struct Workspace {
    folder: TempDir,
    /// The empty folder in which Codex runs.
    pub(super) empty: PathBuf,
    /// Our instructions, in place of Codex's own.
    pub(super) instructions: PathBuf,
    /// The installed binary's own catalog without any tool.
    pub(super) catalog: PathBuf,
    /// The form of the answer.
    pub(super) schema: PathBuf,
}

impl Workspace {
    pub(super) fn new(installed: &Installed) -> Result<Workspace, Failure> {
        Workspace::create(installed).map_err(|error| {
            Failure::of("state-unwritable", &format!("cannot prepare a temporary folder: {error}"))
        })
    }

    /// The folder with all of them.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The files that Codex reads.
    pub(super) fn texts(&self) -> [&Path; 3] {
        [&self.instructions, &self.catalog, &self.schema]
    }

    fn create(installed: &Installed) -> io::Result<Workspace> {
        let folder = home::temporary("git-advisor-", &std::env::temp_dir())?;
        let path = |name: &str| folder.path().join(name);
        let (empty, instructions) = (path("empty"), path("instructions.md"));
        let (catalog, schema) = (path("catalog.json"), path("schema.json"));
        fs::create_dir(&empty)?;
        fs::write(&instructions, prompt::INSTRUCTIONS)?;
        fs::write(&catalog, serde_json::to_vec(&installed.leashed_catalog())?)?;
        fs::write(&schema, prompt::SCHEMA)?;
        Ok(Workspace { folder, empty, instructions, catalog, schema })
    }
}
