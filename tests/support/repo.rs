//! A repository made by real git, the same on every machine.
//!
//! git reads its configuration from three places and its identity from a dozen variables. All of
//! them are cut off or pinned here, so that ids, dates and messages can stand in a snapshot.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tempfile::TempDir;

use super::output::Output;

/// 2026-01-01T00:00:00Z, the time of the first commit.
const EPOCH: u64 = 1_767_225_600;

/// A work tree, or a bare repository. Clones and worktrees share the directory and the clock of
/// their origin.
#[derive(Clone)]
pub struct Repo {
    ground: Arc<Ground>,
    path: PathBuf,
}

/// What related repositories have in common; removed from disk with the last of them.
struct Ground {
    dir: TempDir,
    /// Minutes since [`EPOCH`]. Each commit takes one, because equal dates would leave the order in
    /// `git log` open.
    minutes: AtomicU64,
    /// Numbers the clones, which need names.
    clones: AtomicU64,
}

impl Repo {
    pub fn init() -> Self {
        Self::init_with(&[])
    }

    /// With further arguments for `git init`, such as `--object-format=sha256`.
    pub fn init_with(arguments: &[&str]) -> Self {
        let dir = TempDir::with_prefix("repo-").expect("a temporary directory");
        let root = dir.path().canonicalize().expect("a directory that was just made");
        let path = root.join("repo");
        fs::create_dir(&path).expect("a new directory");
        let repo = Self {
            ground: Arc::new(Ground { dir, minutes: AtomicU64::new(0), clones: AtomicU64::new(0) }),
            path,
        };
        repo.git(&[&["init", "--quiet", "--initial-branch=main"], arguments].concat());
        repo
    }

    pub fn bare() -> Self {
        Self::init_with(&["--bare"])
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Runs git and gives its stdout without the last line end. Anything but success fails the
    /// test.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        let output = self.try_git(arguments);
        assert!(output.status == Some(0), "git {arguments:?} failed\n{output}");
        output.stdout.trim_end_matches('\n').to_owned()
    }

    /// Runs git, whatever comes of it.
    #[must_use = "a process whose outcome nobody looks at proves nothing"]
    pub fn try_git(&self, arguments: &[&str]) -> Output {
        let started = Instant::now();
        let output = self.command().args(arguments).output().expect("git can be started");
        Output::new(output.status, output.stdout, &output.stderr, started.elapsed())
    }

    /// git in this repository, ready for arguments and for variables that a test wants to add.
    pub fn command(&self) -> Command {
        let home = self.ground.dir.path();
        let now = EPOCH + 60 * self.ground.minutes.load(Ordering::Relaxed);
        let mut command = Command::new("git");
        command
            .current_dir(&self.path)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", home)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            // A repository around the temporary directory is not ours.
            .env("GIT_CEILING_DIRECTORIES", home)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_AUTHOR_NAME", "Ada Author")
            .env("GIT_AUTHOR_EMAIL", "ada@example.com")
            .env("GIT_AUTHOR_DATE", format!("{now} +0000"))
            .env("GIT_COMMITTER_NAME", "Cleo Committer")
            .env("GIT_COMMITTER_EMAIL", "cleo@example.com")
            .env("GIT_COMMITTER_DATE", format!("{now} +0000"))
            .env("LC_ALL", "C")
            .env("TZ", "UTC");
        command
    }

    /// Writes a file of the work tree, with the directories above it.
    pub fn write(&self, path: impl AsRef<Path>, contents: impl AsRef<[u8]>) {
        let path = self.path.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).expect("directories below the work tree");
        }
        fs::write(&path, contents).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    pub fn remove(&self, path: impl AsRef<Path>) {
        let path = self.path.join(path);
        fs::remove_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Commits everything in the work tree, also when nothing changed, and gives the full id.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.ground.minutes.fetch_add(1, Ordering::Relaxed);
        self.git(&["rev-parse", "HEAD"])
    }

    /// A further work tree of this repository, on a new branch of the same name.
    pub fn worktree(&self, name: &str) -> Self {
        let repo = self.beside(name);
        let path = repo.path.to_str().expect("paths of the bench are UTF-8");
        self.git(&["worktree", "add", "--quiet", "-b", name, path]);
        repo
    }

    pub fn clone_bare(&self) -> Self {
        self.clone_with(&["--bare"])
    }

    pub fn clone_shallow(&self, depth: usize) -> Self {
        self.clone_with(&[&format!("--depth={depth}")])
    }

    /// A clone with further arguments for `git clone`. It goes through a `file://` address, because
    /// git ignores `--depth` and `--filter` for a plain path.
    pub fn clone_with(&self, arguments: &[&str]) -> Self {
        let number = self.ground.clones.fetch_add(1, Ordering::Relaxed) + 1;
        let repo = self.beside(&format!("clone-{number}"));
        let from = format!("file://{}", self.path.display());
        let to = repo.path.to_str().expect("paths of the bench are UTF-8");
        self.git(&[&["clone", "--quiet"], arguments, &[&from, to]].concat());
        repo
    }

    fn beside(&self, name: &str) -> Self {
        Self { ground: Arc::clone(&self.ground), path: self.path.with_file_name(name) }
    }
}
