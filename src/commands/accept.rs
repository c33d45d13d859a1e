//! `git advisor accept`: a finding that is known and borne, with a reason and perhaps an end.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::follow_up::record;
use super::print;
use super::session::Session;
use crate::cli::AcceptArgs;
use crate::config::{Accept, accepts_in, user_file};
use crate::exit::Exit;
use crate::record::Part;
use crate::{source, visible};

/// What is accepted, and why.
#[derive(Debug, Clone)]
pub struct Acceptance {
    /// Id of the finding, `F1`.
    pub finding: String,
    /// Name of the review; the newest when not given.
    pub review: Option<String>,
    /// Why.
    pub reason: String,
    /// The last day.
    pub until: Option<Date>,
    /// Whether it is written into the user's own file and not into the repository's.
    pub mine: bool,
}

/// What was written, and where.
#[derive(Debug, Clone)]
pub struct Written {
    /// The file.
    pub path: PathBuf,
    /// The entry as TOML.
    pub entry: String,
}

pub(super) fn run(args: &AcceptArgs, flags: &[(String, String)]) -> Result<Exit> {
    let session = Session::within(source::open().ok(), flags)?;
    let acceptance = Acceptance {
        finding: args.finding.clone(),
        review: args.review.clone(),
        reason: args.reason.clone(),
        until: args.until,
        mine: args.mine,
    };
    let written = accept(&session, &acceptance)?;
    print(&format!("{}:\n{}", written.path.display(), written.entry))?;
    Ok(Exit::Clean)
}

/// The present day, in UTC.
pub(super) fn today() -> Date {
    Timestamp::now().to_zoned(TimeZone::UTC).date()
}

/// Writes an entry for a finding of an earlier review.
///
/// # Errors
/// When there is no such finding, when it holds against nothing, or when the file cannot be written.
pub fn accept(session: &Session, wanted: &Acceptance) -> Result<Written> {
    if wanted.reason.trim().is_empty() {
        bail!("a finding is accepted for a reason; say which with `--reason`");
    }
    if wanted.until.is_some_and(|until| until < today()) {
        bail!("`--until` names a day that is over");
    }
    let record = record(session.records.as_ref(), wanted.review.as_deref(), Part::Json)?;
    let report =
        record.read(Part::Json).with_context(|| format!("review `{}` has no report", record.id))?;
    let report: Value = serde_json::from_slice(&report)
        .with_context(|| format!("the report of review `{}` cannot be read", record.id))?;
    let id = visible::line(&wanted.finding);
    let finding = report["findings"].as_array().into_iter().flatten();
    let Some(finding) = finding.into_iter().find(|finding| finding["id"] == *id.as_str()) else {
        bail!("review `{}` has no finding `{id}`; `git advisor show` lists them", record.id);
    };
    let text = |key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let accept = Accept {
        fingerprint: text("fingerprint"),
        category: text("category"),
        path: text("file"),
        reason: visible::line(wanted.reason.trim()).into_string(),
        until: wanted.until,
    };
    if accept.fingerprint.is_empty() {
        bail!(
            "{id} stands nowhere in the change: it does not count, and there is nothing to accept"
        );
    }
    let path = place(session, wanted.mine)?;
    append(path, &accept)
}

fn place(session: &Session, mine: bool) -> Result<PathBuf> {
    if mine {
        return user_file().context("there is no home directory for a file of your own");
    }
    let top = session.repo.as_ref().and_then(|repo| repo.workdir());
    let top = top.context(
        "there is no work tree with an advisor.toml; `--mine` writes into your own file",
    )?;
    Ok(top.join("advisor.toml"))
}

fn append(path: PathBuf, accept: &Accept) -> Result<Written> {
    let shown = path.display().to_string();
    let failed = || format!("cannot write `{shown}`");
    let before = match fs::symlink_metadata(&path) {
        Ok(about) if !about.is_file() => {
            bail!("`{shown}` is no regular file; a link is not followed")
        }
        Ok(_) => fs::read_to_string(&path).with_context(failed)?,
        Err(_) => String::new(),
    };
    if accepts_in(before.as_bytes()).contains(accept) {
        bail!("`{shown}` accepts it already");
    }
    let entry = entry(accept);
    let gap = if before.is_empty() || before.ends_with("\n\n") { "" } else { "\n" };
    let ended = if before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(failed)?;
    }
    fs::write(&path, format!("{before}{ended}{gap}{entry}")).with_context(failed)?;
    Ok(Written { path, entry })
}

/// The entry as it stands in the file.
fn entry(accept: &Accept) -> String {
    let quoted = |text: &str| toml::Value::from(text).to_string();
    let until = accept.until.map(|until| format!("until = \"{until}\"\n")).unwrap_or_default();
    format!(
        "[[accept]]\nfingerprint = {}\ncategory = {}\npath = {}\nreason = {}\n{until}",
        quoted(&accept.fingerprint),
        quoted(&accept.category),
        quoted(&accept.path),
        quoted(&accept.reason),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_back_as_itself() {
        let accept = Accept {
            fingerprint: "00ff".into(),
            category: "shell".into(),
            path: "a \"b\".py".into(),
            reason: "a 'quoted' \\ reason".into(),
            until: Some("2027-01-31".parse().unwrap()),
        };
        assert_eq!(accepts_in(entry(&accept).as_bytes()), [accept]);
    }
}
