//! What a consultation leaves behind: prompt, events, stderr, answer and report, private and bounded.
//!
//! A record is a folder below the repository's git directory, named by its time to the microsecond, so
//! that the names sort by age also within a second. The files of a later round carry its number.

mod asked;
mod dialogue;

use std::cell::Cell;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use git2::Repository;
use jiff::Timestamp;
use serde_json::Value;

use crate::consult::home;

pub use asked::Asked;
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
    /// What the answer serves again ([`Asked`]); only where it is whole and trusted.
    Asked,
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
            Part::Asked => ("asked", "json"),
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
    /// Whether a part of it could not be written.
    spoilt: Cell<bool>,
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
        let time = now.strftime("%Y%m%dT%H%M%S.%6fZ").to_string();
        let folder = home::temporary(&format!("{time}-"), &self.folder)?.keep();
        let id =
            folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        // A file system without locks costs the protection and not the record.
        let lock = File::create(folder.join(LOCK)).ok().filter(|file| file.try_lock().is_ok());
        Ok(Record { id, folder, _lock: lock.map(Arc::new), spoilt: Cell::default() })
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
        Some(self.kept(id))
    }

    /// The records whose answer serves a question again, the newest first: those of this digest that were
    /// answered within `keep` before `now`. What cannot be read is passed over.
    pub fn answered(
        &self,
        digest: &str,
        now: Timestamp,
        keep: Duration,
    ) -> impl Iterator<Item = (Record, Asked)> {
        let fits = move |asked: &Asked| {
            asked.digest == digest && asked.age(now).is_some_and(|age| age < keep)
        };
        self.ids().into_iter().rev().filter_map(move |id| {
            let record = self.kept(id);
            let asked = Asked::read(&record).filter(&fits)?;
            Some((record, asked))
        })
    }

    /// The newest record that has a part.
    pub fn newest_with(&self, part: Part) -> Option<Record> {
        let records = self.ids().into_iter().rev();
        let mut records = records.map(|id| self.kept(id));
        records.find(|record| record.path(part, 1).exists())
    }

    /// The record of an id that is there.
    fn kept(&self, id: String) -> Record {
        Record { folder: self.folder.join(&id), id, _lock: None, spoilt: Cell::default() }
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
        let record = self.kept(id);
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

    /// Notes that a part could not be written; whether it is the first.
    pub fn is_spoilt_now(&self) -> bool {
        !self.spoilt.replace(true)
    }

    /// Takes a part away, where it is there.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget(&self, part: Part) -> io::Result<()> {
        match fs::remove_file(self.path(part, 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
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
    fn records_of_one_second_are_in_the_order_in_which_they_began() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records { folder: folder.path().join("reviews") };
        let begun: Vec<String> =
            (0..20).map(|_| records.begin(Timestamp::now()).unwrap().id).collect();
        assert_eq!(records.ids(), begun);
        assert_eq!(records.find(None).unwrap().id, begun[19]);
    }

    #[test]
    fn only_what_was_answered_within_the_keep_time_serves_again() {
        let folder = tempfile::tempdir().unwrap();
        let records = Records { folder: folder.path().join("reviews") };
        let (now, hour) = (Timestamp::now(), Duration::from_secs(3_600));
        let ago = |seconds| now - jiff::SignedDuration::from_secs(seconds);
        for (name, digest, at) in [
            ("old", "d", ago(3_601)),
            ("future", "d", ago(-400)),
            ("other", "e", now),
            ("good", "d", ago(60)),
        ] {
            let record = records.begin(now).unwrap();
            let asked = Asked { digest: digest.into(), at, record: name.into() };
            record.write(Part::Asked, &serde_json::to_vec(&asked).unwrap()).unwrap();
        }
        records.begin(now).unwrap().write(Part::Asked, b"{\"digest\":\"d\"}").unwrap();
        let names = |keep| -> Vec<String> {
            records.answered("d", now, keep).map(|(_, asked)| asked.record).collect()
        };
        assert_eq!(names(hour), ["good"]);
        assert_eq!(names(Duration::ZERO), [""; 0]);
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
