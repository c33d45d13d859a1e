//! What the stand-in was given when `exec` was started.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug)]
pub struct Call {
    pub args: Vec<String>,
    pub env: BTreeMap<String, String>,
    /// Empty as long as the stand-in has not read it, or when it never does.
    pub stdin: Vec<u8>,
    /// The directory that the process itself stood in, whatever `-C` says.
    pub cwd: PathBuf,
    /// What was in that directory.
    pub listing: Vec<String>,
    /// What was in its `CODEX_HOME`.
    pub codex_home: Vec<String>,
}

impl Call {
    pub(super) fn read(directory: &Path) -> Self {
        let bytes = |name: &str| fs::read(directory.join(name)).unwrap_or_default();
        let text = |name: &str| String::from_utf8_lossy(&bytes(name)).into_owned();
        let fields = |name: &str| -> Vec<String> {
            text(name).split_terminator('\0').map(str::to_owned).collect()
        };
        let lines = |name: &str| -> Vec<String> { text(name).lines().map(str::to_owned).collect() };
        Self {
            args: fields("args"),
            env: fields("env").iter().filter_map(|pair| pair.split_once('=')).map(owned).collect(),
            stdin: bytes("stdin"),
            cwd: text("cwd").trim_end_matches('\n').into(),
            listing: lines("listing"),
            codex_home: lines("codex_home"),
        }
    }

    /// The values behind a flag that may be repeated (`-c`, `--disable`).
    pub fn values_of(&self, flag: &str) -> Vec<&str> {
        let pairs = self.args.windows(2).filter(|pair| pair[0] == flag);
        pairs.map(|pair| pair[1].as_str()).collect()
    }

    /// stdin as text.
    pub fn prompt(&self) -> String {
        String::from_utf8_lossy(&self.stdin).into_owned()
    }
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
