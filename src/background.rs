//! A review in the background: which one is wanted, which one runs, what came of the last.
//!
//! One at a time in a repository, and the newest wins. Whoever works holds a lock for as long as it lives, so
//! a file that a dead process has left behind means nothing, whoever has its number now. Nobody ends the process
//! of another: who sees that it is not wanted any more ends itself.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use git2::Repository;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::consult::home;

/// How often a file is looked at by who waits for it.
const TICK: Duration = Duration::from_millis(50);

/// How long after a commit its review may take to say what it is on; on a machine that is busy it takes longer
/// than the few milliseconds of reading the change.
const TO_BEGIN: Duration = Duration::from_secs(5);

/// How long the newest waits for the one before it to end, which is told to at once.
const TO_END: Duration = Duration::from_secs(60);

/// The background of a repository, shared by its linked work trees.
#[derive(Debug, Clone)]
pub struct Background {
    folder: PathBuf,
}

/// The review that is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wanted {
    /// Tells it from any other.
    pub token: String,
    /// When it was asked for.
    pub at: Timestamp,
}

/// A review that runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Its token.
    pub token: String,
    /// Number of its process, for people.
    pub process: u32,
    /// When it began.
    pub since: Timestamp,
    /// What it is on.
    pub on: Subject,
    /// What it asks, as the record knows it; none until the change has been read.
    pub digest: Option<String>,
    /// How many hunks it asks about.
    pub hunks: usize,
}

/// What a review is on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The ref.
    pub name: String,
    /// The commit, abbreviated.
    pub commit: String,
}

/// What came of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Last {
    /// What it was on.
    pub on: Subject,
    /// When it ended.
    pub at: Timestamp,
    /// What became of the question, or why there is no review.
    pub said: String,
    /// Its record, where there is one.
    pub record: Option<String>,
}

/// What the worker tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct State {
    running: Option<Running>,
    last: Option<Last>,
}

/// The right to work, held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Turn {
    background: Background,
    token: String,
    _lock: File,
}

impl Background {
    /// That of a repository.
    pub fn of(repo: &Repository) -> Background {
        Background { folder: repo.commondir().join("git-advisor/background") }
    }

    /// Asks for a review, in place of any that was asked for before.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn want(&self) -> io::Result<Wanted> {
        let at = Timestamp::now();
        let token = format!("{}-{}", at.as_nanosecond(), std::process::id());
        let wanted = Wanted { token, at };
        self.write("wanted.json", &wanted)?;
        Ok(wanted)
    }

    /// Asks for none any more, and waits until none runs, at most for `patience`; whether that is so.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn withdraw(&self, patience: Duration) -> io::Result<bool> {
        match fs::remove_file(self.folder.join("wanted.json")) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let until = Instant::now() + patience;
        while self.is_working() && Instant::now() < until {
            thread::sleep(TICK);
        }
        Ok(!self.is_working())
    }

    /// Whether a review is the one that is wanted.
    pub fn is_wanted(&self, token: &str) -> bool {
        self.wanted().is_some_and(|wanted| wanted.token == token)
    }

    fn wanted(&self) -> Option<Wanted> {
        self.read("wanted.json")
    }

    /// Waits for the one before to end. None where another one is wanted by now, or where that does not end.
    pub fn turn(&self, token: &str) -> Option<Turn> {
        home::create_private(&self.folder).ok()?;
        let file = File::create(self.lock()).ok()?;
        let until = Instant::now() + TO_END;
        while self.is_wanted(token) && Instant::now() < until {
            match file.try_lock() {
                Ok(()) => {
                    let (background, token) = (self.clone(), token.to_owned());
                    return Some(Turn { background, token, _lock: file });
                }
                Err(TryLockError::WouldBlock) => thread::sleep(TICK),
                // Without locks nobody could tell whether somebody works.
                Err(TryLockError::Error(_)) => return None,
            }
        }
        None
    }

    /// The review that runs, told by the lock and not by what a file says.
    pub fn running(&self) -> Option<Running> {
        self.is_working().then(|| self.state().running).flatten()
    }

    /// What came of the last review that ended by itself.
    pub fn last(&self) -> Option<Last> {
        self.state().last
    }

    /// Waits while a review of this digest runs, at most for `patience`; whether there was one.
    pub fn wait_for(&self, digest: &str, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        let mut seen = false;
        while Instant::now() < until && self.is_on(digest) {
            seen = true;
            thread::sleep(TICK);
        }
        seen
    }

    /// Whether a review of this digest runs. One that was asked for just now is given the time to say what it
    /// is on.
    pub fn is_on(&self, digest: &str) -> bool {
        loop {
            let running = self.running();
            let told = |wanted: &Wanted| {
                let named = |running: &&Running| running.digest.is_some();
                let running = running.as_ref().filter(named);
                running.is_some_and(|running| running.token == wanted.token)
            };
            let age = |wanted: &Wanted| {
                Duration::try_from(Timestamp::now().duration_since(wanted.at)).ok()
            };
            let begins = self.wanted().is_some_and(|wanted| {
                !told(&wanted) && age(&wanted).is_some_and(|age| age < TO_BEGIN)
            });
            if !begins {
                return running.is_some_and(|running| running.digest.as_deref() == Some(digest));
            }
            thread::sleep(TICK);
        }
    }

    fn is_working(&self) -> bool {
        let lock = File::open(self.lock());
        lock.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
    }

    fn lock(&self) -> PathBuf {
        self.folder.join("lock")
    }

    fn state(&self) -> State {
        self.read("state.json").unwrap_or_default()
    }

    /// A file that cannot be read is as none.
    fn read<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.folder.join(name)).ok()?).ok()
    }

    fn write(&self, name: &str, value: &impl Serialize) -> io::Result<()> {
        home::create_private(&self.folder)?;
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(&serde_json::to_vec(value)?)?;
        file.persist(self.folder.join(name))?;
        Ok(())
    }

    /// Where it is kept.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Turn {
    /// Tells what is being worked on.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn tell(&self, on: Subject, digest: Option<String>, hunks: usize) -> io::Result<()> {
        let running = Running {
            token: self.token.clone(),
            process: std::process::id(),
            since: Timestamp::now(),
            on,
            digest,
            hunks,
        };
        let last = self.background.last();
        self.background.write("state.json", &State { running: Some(running), last })
    }

    /// Tells what came of it, and lets the next one work.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn end(self, last: Last) -> io::Result<()> {
        let state = State { running: None, last: Some(last) };
        let told = self.background.write("state.json", &state);
        if self.background.is_wanted(&self.token) {
            drop(fs::remove_file(self.background.folder.join("wanted.json")));
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn background() -> (tempfile::TempDir, Background) {
        let folder = tempfile::tempdir().unwrap();
        let background = Background { folder: folder.path().join("background") };
        (folder, background)
    }

    fn subject() -> Subject {
        Subject { name: "refs/heads/main".into(), commit: "abc1234".into() }
    }

    #[test]
    fn the_newest_is_the_one_that_is_wanted() {
        let (_folder, background) = background();
        let first = background.want().unwrap();
        let second = background.want().unwrap();
        assert!(!background.is_wanted(&first.token) && background.is_wanted(&second.token));
        assert!(background.turn(&first.token).is_none());
        assert!(background.turn(&second.token).is_some());
    }

    #[test]
    fn only_who_holds_the_lock_runs() {
        let (_folder, background) = background();
        let wanted = background.want().unwrap();
        let turn = background.turn(&wanted.token).unwrap();
        assert_eq!(background.running(), None);
        turn.tell(subject(), Some("d".into()), 2).unwrap();
        let told = background.running().unwrap();
        assert_eq!((told.on, told.hunks), (subject(), 2));
        assert!(background.is_on("d") && !background.is_on("e"));
        // One that has not told what it is on is not waited for without end.
        turn.tell(subject(), None, 0).unwrap();
        let at = wanted.at - jiff::SignedDuration::from_secs(6);
        background.write("wanted.json", &Wanted { at, ..wanted }).unwrap();
        assert!(!background.is_on("d"));
        // As if its process had died: the file stays and means nothing.
        drop(turn);
        assert_eq!(background.running(), None);
        assert!(background.state().running.is_some());
        assert!(background.withdraw(Duration::ZERO).unwrap());
    }

    #[test]
    fn what_came_of_the_last_stays_while_another_runs() {
        let (_folder, background) = background();
        let last = Last { on: subject(), at: Timestamp::now(), said: "pass".into(), record: None };
        let turn = background.turn(&background.want().unwrap().token).unwrap();
        turn.end(last.clone()).unwrap();
        assert_eq!((background.wanted(), background.last()), (None, Some(last.clone())));
        let turn = background.turn(&background.want().unwrap().token).unwrap();
        turn.tell(subject(), None, 0).unwrap();
        assert_eq!(background.last(), Some(last));
        assert!(!background.withdraw(Duration::ZERO).unwrap());
    }

    #[test]
    fn files_of_others_mean_nothing() {
        let (_folder, background) = background();
        fs::create_dir_all(background.folder()).unwrap();
        for text in ["", "{", "[]", "{\"running\":7}"] {
            fs::write(background.folder().join("state.json"), text).unwrap();
            fs::write(background.folder().join("wanted.json"), text).unwrap();
            assert_eq!((background.running(), background.last()), (None, None));
            assert!(!background.is_on("d"));
        }
    }
}
