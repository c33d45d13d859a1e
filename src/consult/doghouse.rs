//! A limited Codex is left alone until the limit lapses: one marker for each account of a user, shared
//! by every repository and process.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::failure::{Failure, utc};
use super::{home, reset};
use crate::config::{Config, Doghouse};

/// The marker of a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// Class of the failure that led here.
    pub class: String,
    /// What Codex said.
    pub message: String,
    /// Whose limit it is.
    pub whom: String,
    /// When it was written.
    pub since: Timestamp,
    /// Until when calls are held back.
    pub until: Timestamp,
}

/// What the marker file holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Calls may be made.
    Free,
    /// Calls are held back.
    Held(Marker),
    /// There is a file that is no marker; it is ignored, and this says so.
    Corrupt(PathBuf),
}

/// What a limit is of: a provider, and the account or key there as far as it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Whom(String);

impl Whom {
    /// Whom a call under this configuration would ask.
    pub fn of(config: &Config) -> Whom {
        let provider = config.codex.config.get("model_provider").and_then(toml::Value::as_str);
        Whom(format!("{}, {}", provider.unwrap_or("openai"), home::account()))
    }

    /// Name of its marker; the account itself is not in it.
    fn file(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.0.hash(&mut hasher);
        format!("{:016x}.json", hasher.finish())
    }
}

/// Where the markers are kept, if the user has a state directory.
fn folder() -> Option<PathBuf> {
    Some(home::state_dir()?.join("doghouse"))
}

/// What the marker of an account says now. A marker is never obeyed for longer than `max` from now, and
/// not at all when it claims to come from the future, so a clock that jumped locks nobody out.
pub fn state(settings: &Doghouse, whom: &Whom) -> State {
    let path = folder().map(|folder| folder.join(whom.file()));
    path.map_or(State::Free, |path| read(&path, Timestamp::now(), settings.max))
}

/// Every marker that holds calls back, or that is none.
pub fn states(settings: &Doghouse) -> Vec<State> {
    let now = Timestamp::now();
    let mut found: Vec<State> =
        markers().iter().map(|path| read(path, now, settings.max)).collect();
    found.retain(|state| *state != State::Free);
    found
}

fn markers() -> Vec<PathBuf> {
    let entries = folder().and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten();
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "json"));
    paths.sort();
    paths
}

fn read(path: &Path, now: Timestamp, max: Duration) -> State {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return State::Free,
        Err(_) => return State::Corrupt(path.to_owned()),
    };
    let Ok(mut marker) = serde_json::from_slice::<Marker>(&text) else {
        return State::Corrupt(path.to_owned());
    };
    let latest = add(now, max);
    marker.until = marker.until.min(latest);
    // A few minutes of difference between the clocks of two machines that share a home are no jump.
    let from_the_future = marker.since > add(now, Duration::from_secs(300));
    if from_the_future || marker.until <= now { State::Free } else { State::Held(marker) }
}

/// The failure with which a held call ends at once.
pub(super) fn check(settings: &Doghouse, whom: &Whom) -> Option<Failure> {
    if settings.duration.is_zero() {
        return None;
    }
    let State::Held(marker) = state(settings, whom) else {
        return None;
    };
    let said = crate::visible::line(&marker.message);
    let message = format!("Codex is left alone since {} after: {said}", utc(marker.since));
    Some(Failure { until: Some(marker.until), ..Failure::of("doghouse", &message) })
}

/// Writes the marker where a failure is a limit, and gives the failure its end. A home that cannot
/// be written is no reason to fail: the next call then meets the limit itself.
pub(super) fn enter(failure: &mut Failure, settings: &Doghouse, whom: &Whom) {
    if !failure.is_limit() {
        return;
    }
    let now = Timestamp::now();
    let until =
        reset::named_in(&failure.message, now).unwrap_or_else(|| add(now, settings.duration));
    let until = until.min(add(now, settings.max));
    failure.until = Some(until);
    if settings.duration.is_zero() {
        return;
    }
    let marker = Marker {
        class: failure.class.to_owned(),
        message: failure.message.clone(),
        whom: whom.0.clone(),
        since: now,
        until,
    };
    if let Some(folder) = folder() {
        drop(write(&folder.join(whom.file()), &marker));
    }
}

fn write(path: &Path, marker: &Marker) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    home::create_private(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    serde_json::to_writer_pretty(&mut file, marker)?;
    file.write_all(b"\n")?;
    file.persist(path)?;
    Ok(())
}

/// Takes all markers away; says whether there was one.
///
/// # Errors
/// When a file is there and cannot be removed.
pub fn clear() -> io::Result<bool> {
    let mut cleared = false;
    for path in markers() {
        match fs::remove_file(path) {
            Ok(()) => cleared = true,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(cleared)
}

fn add(time: Timestamp, duration: Duration) -> Timestamp {
    let span = SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX);
    time.checked_add(span).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[track_caller]
    fn check(content: &str, expected: Option<&str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("doghouse.json");
        fs::write(&path, content).unwrap();
        let now = "2026-11-22T12:00:00Z".parse().unwrap();
        match (read(&path, now, DAY), expected) {
            (State::Held(marker), Some(until)) => assert_eq!(marker.until, until.parse().unwrap()),
            (State::Free, None) => {}
            (State::Corrupt(_), None) => assert!(content.contains("corrupt")),
            (found, _) => panic!("{found:?}"),
        }
    }

    fn marker(since: &str, until: &str) -> String {
        format!(
            r#"{{"class":"rate-limit","message":"m","whom":"w","since":"{since}","until":"{until}"}}"#
        )
    }

    #[test]
    fn a_marker_holds_until_it_lapses() {
        check(
            &marker("2026-11-22T11:30:00Z", "2026-11-22T12:30:00Z"),
            Some("2026-11-22T12:30:00Z"),
        );
        check(&marker("2026-11-22T10:30:00Z", "2026-11-22T11:30:00Z"), None);
    }

    #[test]
    fn no_marker_locks_out_for_longer_than_the_bound() {
        check(
            &marker("2026-11-22T11:00:00Z", "2036-01-01T00:00:00Z"),
            Some("2026-11-23T12:00:00Z"),
        );
    }

    #[test]
    fn a_marker_from_the_future_is_a_clock_that_jumped() {
        check(&marker("2027-01-01T00:00:00Z", "2027-01-01T01:00:00Z"), None);
    }

    #[test]
    fn a_corrupt_marker_holds_nobody() {
        check("corrupt", None);
        check(r#"{"class":"corrupt"}"#, None);
    }

    #[test]
    fn a_marker_is_written_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deeper").join("doghouse.json");
        let now = Timestamp::now();
        let marker = Marker {
            class: "rate-limit".into(),
            message: "m".into(),
            whom: "w".into(),
            since: now,
            until: add(now, DAY),
        };
        write(&path, &marker).unwrap();
        assert_eq!(read(&path, now, DAY), State::Held(marker));
    }
}
