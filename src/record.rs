//! What a consultation leaves behind: prompt, events, stderr, answer and report, private and bounded.
//!
//! A record is a folder below the repository's git directory, named by its time, so that the names
//! sort by age. The files of a later round carry its number.

mod dialogue;

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use git2::Repository;
use jiff::Timestamp;
use serde_json::Value;

use crate::consult::home;

pub use dialogue::{Dialogue, KeptRound, Matter};

/// Most records that are kept; the oldest go first.
const MAX_RECORDS: usize = 100;

/// The file of a record that whoever writes it has locked.
const LOCK: &str = "lock";

/// Most bytes that all records together may take.
const MAX_BYTES: u64 = 200 << 20;

/// Parts of a record, each a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The prompt as it was sent.
    Prompt,
    /// Codex's event lines.
    Events,
    /// Codex's stderr, without the heartbeat.
    Stderr,
    /// Codex's last message.
    Answer,
    /// The review as JSON.
    Json,
    /// The review as Markdown.
    Markdown,
    /// The patch that was reviewed: it may have come from stdin.
    Patch,
    /// What a follow-up needs ([`Dialogue`]).
    Dialogue,
}

impl Part {
    fn file(self, round: usize) -> String {
        let (name, ending) = match self {
            Part::Prompt => ("prompt", "md"),
            Part::Events => ("events", "jsonl"),
            Part::Stderr => ("stderr", "log"),
            Part::Answer => ("answer", "txt"),
            Part::Json => ("report", "json"),
            Part::Markdown => ("report", "md"),
            Part::Patch => ("change", "patch"),
            Part::Dialogue => ("dialogue", "json"),
        };
        if round > 1 { format!("{name}-{round}.{ending}") } else { format!("{name}.{ending}") }
    }
}

/// All records of a repository.
#[derive(Debug, Clone)]
pub struct Records {
    folder: PathBuf,
}

/// A record that is being written, or one that is there.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its name.
    pub id: String,
    folder: PathBuf,
    /// Held while the record is written, so that no other process takes it away.
    _lock: Option<Arc<File>>,
}

/// A line of `git advisor log`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name of the record.
    pub id: String,
    /// What was compared.
    pub spec: String,
    /// What became of the question.
    pub status: String,
    /// The verdict's word.
    pub outcome: String,
    /// Number of findings.
    pub findings: usize,
}

impl Records {
    /// The records of a repository, shared by its linked work trees; without one, the user's own.
    pub fn of(repo: Option<&Repository>) -> Option<Records> {
        let base = match repo {
            Some(repo) => repo.commondir().join("git-advisor"),
            None => home::state_dir()?,
        };
        Some(Records { folder: base.join("reviews") })
    }

    /// Begins a record; older ones make room first.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn begin(&self, now: Timestamp) -> io::Result<Record> {
        home::create_private(&self.folder)?;
        self.make_room();
        let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
        let folder = home::temporary(&format!("{time}-"), &self.folder)?.keep();
        let id =
            folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A file system without locks costs the protection and not the record.
        let lock = File::create(folder.join(LOCK)).ok().filter(|file| file.try_lock().is_ok());
        Ok(Record { id, folder, _lock: lock.map(Arc::new) })
    }

    /// All records, the newest first. A folder without a readable report is a call that was cut off.
    pub fn list(&self) -> Vec<Entry> {
        let mut ids = self.ids();
        ids.reverse();
        ids.into_iter().map(|id| self.entry(id)).collect()
    }

    /// The record of a name or of the beginning of one; the newest when none is given.
    pub fn find(&self, wanted: Option<&str>) -> Option<Record> {
        let ids = self.ids();
        let id = match wanted {
            None => ids.into_iter().next_back()?,
            Some(wanted) => {
                let fits = |id: &&String| {
                    wanted.len() >= 4 && (id.starts_with(wanted) || id.ends_with(wanted))
                };
                ids.iter().rev().find(fits)?.clone()
            }
        };
        Some(Record { folder: self.folder.join(&id), id, _lock: None })
    }

    fn ids(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let folders = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
        let mut ids: Vec<String> =
            folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        ids.sort_unstable();
        ids
    }

    fn entry(&self, id: String) -> Entry {
        let record = Record { folder: self.folder.join(&id), id, _lock: None };
        let report = record.read(Part::Json).ok();
        let report: Value =
            report.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
        let text = |value: &Value, otherwise: &str| value.as_str().unwrap_or(otherwise).to_owned();
        Entry {
            spec: text(&report["scan"]["source"]["spec"], "?"),
            status: text(&report["consultation"]["status"], "cut off"),
            outcome: text(&report["verdict"]["outcome"], "-"),
            findings: report["findings"].as_array().map_or(0, Vec::len),
            id: record.id,
        }
    }

    /// Takes the oldest records away until one more fits both bounds. What another process is writing stays.
    fn make_room(&self) {
        let ids = self.ids();
        let sizes: Vec<u64> = ids.iter().map(|id| size(&self.folder.join(id))).collect();
        let mut bytes: u64 = sizes.iter().sum();
        let mut count = ids.len();
        for (id, size) in ids.iter().zip(sizes) {
            if count < MAX_RECORDS && bytes <= MAX_BYTES {
                return;
            }
            if is_in_use(&self.folder.join(id)) {
                continue;
            }
            // One that cannot be removed is left for the next time.
            drop(fs::remove_dir_all(self.folder.join(id)));
            count -= 1;
            bytes -= size;
        }
    }
}

impl Record {
    /// Holds a record that is there, so that nobody else goes on with it or takes it away; `None` where
    /// somebody does.
    pub fn hold(self) -> Option<Record> {
        // A file system without locks costs the protection and not the record.
        let Ok(lock) = File::create(self.folder.join(LOCK)) else { return Some(self) };
        match lock.try_lock() {
            Err(TryLockError::WouldBlock) => None,
            Err(TryLockError::Error(_)) => Some(self),
            Ok(()) => Some(Record { _lock: Some(Arc::new(lock)), ..self }),
        }
    }

    /// Writes a part as a whole, readable by the user alone.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, part: Part, content: &[u8]) -> io::Result<()> {
        self.write_round(1, part, content)
    }

    /// The same for a part of a round, counted from 1.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_round(&self, round: usize, part: Part, content: &[u8]) -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
        file.write_all(content)?;
        file.persist(self.path(part, round))?;
        Ok(())
    }

    /// Takes the record away again.
    ///
    /// # Errors
    /// When the folder cannot be removed.
    pub fn discard(self) -> io::Result<()> {
        fs::remove_dir_all(self.folder)
    }

    /// Reads a part.
    ///
    /// # Errors
    /// When the record has no such part.
    pub fn read(&self, part: Part) -> io::Result<Vec<u8>> {
        self.read_round(1, part)
    }

    /// The same for a part of a round, counted from 1.
    ///
    /// # Errors
    /// When the round has no such part.
    pub fn read_round(&self, round: usize, part: Part) -> io::Result<Vec<u8>> {
        fs::read(self.path(part, round))
    }

    /// Where a part of a round is.
    pub fn path(&self, part: Part, round: usize) -> PathBuf {
        self.folder.join(part.file(round))
    }
}

/// Whether a process is writing a record.
fn is_in_use(folder: &Path) -> bool {
    let lock = File::open(folder.join(LOCK));
    lock.is_ok_and(|file| matches!(file.try_lock(), Err(TryLockError::WouldBlock)))
}

fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|about| about.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_records_go_first() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records { folder: folder.path().join("reviews") };
        let mut first = None;
        for second in 0..MAX_RECORDS as i64 + 3 {
            let record =
                records.begin(Timestamp::from_second(1_700_000_000 + second).unwrap()).unwrap();
            record.write(Part::Prompt, b"p").unwrap();
            first.get_or_insert(record.id);
        }
        assert_eq!(records.ids().len(), MAX_RECORDS);
        assert!(records.find(first.as_deref()).is_none());
        assert_eq!(records.list()[0].status, "cut off");
    }

    #[test]
    fn a_record_in_use_stays() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records { folder: folder.path().join("reviews") };
        let at = |second| Timestamp::from_second(1_700_000_000 + second).unwrap();
        let in_use = records.begin(at(0)).unwrap();
        for second in 1..MAX_RECORDS as i64 + 3 {
            drop(records.begin(at(second)).unwrap());
        }
        assert_eq!(records.ids().len(), MAX_RECORDS);
        assert!(records.find(Some(&in_use.id)).is_some());
    }

    #[test]
    fn one_at_a_time_goes_on_with_a_record() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records { folder: folder.path().join("reviews") };
        let id = records.begin(Timestamp::now()).unwrap().id;
        let find = || records.find(Some(&id)).unwrap();
        let held = find().hold().unwrap();
        assert!(find().hold().is_none());
        drop(held);
        assert!(find().hold().is_some());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_reads_a_record() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let records = Records { folder: folder.path().join("reviews") };
        let record = records.begin(Timestamp::now()).unwrap();
        record.write(Part::Answer, b"a").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o077;
        assert_eq!(mode(&records.folder), 0);
        assert_eq!(mode(&record.folder), 0);
        assert_eq!(mode(&record.folder.join("answer.txt")), 0);
    }
}
