//! A private user: a home directory, the XDG directories below it, and a `PATH` of named tools.
//!
//! `PATH` is one directory of links rather than the machine's list, because a Codex CLI that
//! happens to be installed beside git would otherwise be found by a test that is about its absence.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// What the program, git's own scripts, a hook, the stand-in and the npm launcher of Codex call by
/// name.
const TOOLS: &[&str] = &[
    "awk", "basename", "bash", "cat", "chmod", "cp", "date", "dirname", "env", "expr", "git",
    "grep", "head", "kill", "ln", "ls", "mkdir", "mktemp", "mv", "node", "ps", "readlink", "rm",
    "sed", "sh", "sleep", "sort", "tail", "touch", "tr", "uname", "wc",
];

pub struct Home {
    _dir: TempDir,
    root: PathBuf,
}

impl Home {
    pub fn new() -> Self {
        let dir = TempDir::with_prefix("home-").expect("a temporary directory");
        let root = dir.path().canonicalize().expect("a directory that was just made");
        let home = Self { _dir: dir, root };
        for directory in
            [home.config(), home.state(), home.cache(), home.codex(), home.tmp(), home.bin()]
        {
            fs::create_dir_all(directory).expect("a new directory");
        }
        for tool in TOOLS {
            if let Some(path) = find_on_path(tool) {
                home.install(tool, &path);
            }
        }
        home.install("git-advisor", Path::new(env!("CARGO_BIN_EXE_git-advisor")));
        home
    }

    pub fn path(&self) -> &Path {
        &self.root
    }

    /// `XDG_CONFIG_HOME`.
    pub fn config(&self) -> PathBuf {
        self.root.join(".config")
    }

    /// `XDG_STATE_HOME`.
    pub fn state(&self) -> PathBuf {
        self.root.join(".local/state")
    }

    /// `XDG_CACHE_HOME`.
    pub fn cache(&self) -> PathBuf {
        self.root.join(".cache")
    }

    /// The user's own `CODEX_HOME`, with the login.
    pub fn codex(&self) -> PathBuf {
        self.root.join(".codex")
    }

    /// `TMPDIR`, so that a test can see what a run leaves behind.
    pub fn tmp(&self) -> PathBuf {
        self.root.join("tmp")
    }

    /// The one directory on `PATH`.
    pub fn bin(&self) -> PathBuf {
        self.root.join("bin")
    }

    /// Puts a program on `PATH` under this name, in place of what stood there.
    pub fn install(&self, name: &str, program: &Path) {
        self.uninstall(name);
        symlink(program, self.bin().join(name)).expect("a link in a directory of ours");
    }

    /// Takes a program off `PATH`.
    pub fn uninstall(&self, name: &str) {
        let _ = fs::remove_file(self.bin().join(name));
    }

    /// Writes a file below the home directory, with the directories above it, and gives its path.
    pub fn write(&self, path: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.root.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("directories below the home");
        }
        fs::write(&path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    /// Writes the user's configuration of the program under test.
    pub fn write_config(&self, toml: &str) -> PathBuf {
        self.write(".config/git-advisor/config.toml", toml)
    }

    /// Writes the user's configuration of git.
    pub fn write_gitconfig(&self, text: &str) -> PathBuf {
        self.write(".gitconfig", text)
    }

    /// Logs the user in to Codex with an API key that opens nothing.
    pub fn log_in(&self) -> PathBuf {
        let path = self.write(
            ".codex/auth.json",
            r#"{"auth_mode":"apikey","OPENAI_API_KEY":"sk-test-0000000000000000"}"#,
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file of ours");
        path
    }

    /// Logs the user in as with a plan, with tokens that open nothing.
    pub fn log_in_with_chatgpt(&self) -> PathBuf {
        // {"alg":"none"}, then the claims of an account that does not exist, for a century.
        const TOKEN: &str = "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6Im1lQGV4YW1wbGUuY29tIiwiZXhwIjo0OTAwMDAwMDAwLCJodHRwczovL2FwaS5vcGVuYWkuY29tL2F1dGgiOnsiY2hhdGdwdF9wbGFuX3R5cGUiOiJwcm8iLCJjaGF0Z3B0X2FjY291bnRfaWQiOiJhY2NvdW50LTEiLCJjaGF0Z3B0X3VzZXJfaWQiOiJ1c2VyLTEifX0.c2ln";
        let now = jiff::Timestamp::now();
        let path = self.write(
            ".codex/auth.json",
            format!(
                r#"{{"auth_mode":"chatgpt","OPENAI_API_KEY":null,"tokens":{{"id_token":"{TOKEN}","access_token":"{TOKEN}","refresh_token":"refresh","account_id":"account-1"}},"last_refresh":"{now}"}}"#
            ),
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("a file of ours");
        path
    }

    /// Whether a marker keeps Codex from being asked.
    pub fn is_doghoused(&self) -> bool {
        let markers = fs::read_dir(self.state().join("git-advisor/doghouse"));
        markers.is_ok_and(|mut markers| markers.next().is_some())
    }

    /// Processes that run as this user's Codex, told by the home in their environment. One that was
    /// ended just now is given a moment.
    pub fn processes(&self) -> Vec<String> {
        let until = std::time::Instant::now() + std::time::Duration::from_secs(3);
        loop {
            let found = self.processes_now();
            if found.is_empty() || std::time::Instant::now() > until {
                return found;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn processes_now(&self) -> Vec<String> {
        let private = format!("CODEX_HOME={}", self.state().join("git-advisor/codex").display());
        let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
        let theirs = entries.filter(|entry| {
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            environment.split(|&byte| byte == 0).any(|pair| pair == private.as_bytes())
        });
        theirs.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    /// Gives `command` this user's environment and nothing of the machine's.
    pub fn inhabit(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", self.bin())
            .env("HOME", self.path())
            .env("XDG_CONFIG_HOME", self.config())
            .env("XDG_STATE_HOME", self.state())
            .env("XDG_CACHE_HOME", self.cache())
            .env("CODEX_HOME", self.codex())
            .env("TMPDIR", self.tmp())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_AUTHOR_NAME", "Ada Author")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_COMMITTER_NAME", "Cleo Committer")
            .env("GIT_COMMITTER_EMAIL", "cleo@example.com")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
    }
}

/// The machine's own `PATH`, for programs that no user of the tests has.
pub fn machine_path() -> std::ffi::OsString {
    std::env::var_os("PATH").unwrap_or_default()
}

/// The first executable of this name on the machine's `PATH`.
pub fn find_on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?)
        .map(|directory| directory.join(name))
        .find(|path| is_executable(path))
}

pub fn is_executable(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}
