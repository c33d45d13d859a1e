//! `git advisor log` and `show`: earlier reviews of this repository.

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::session::Session;
use super::{print, print_bytes, print_for_people};
use crate::cli::{PartArgs, ShowArgs};
use crate::exit::Exit;
use crate::record::{Part, Record, Records};
use crate::report::{agent, log};
use crate::{source, visible};

pub(super) fn list() -> Result<Exit> {
    print_for_people(&log::entries(&records()?.list()))?;
    Ok(Exit::Clean)
}

pub(super) fn show(args: &ShowArgs) -> Result<Exit> {
    let record = found(Some(&records()?), args.id.as_deref())?;
    if args.part.for_agent {
        print_for_people(&agent::review(&report(&record)?))?;
        return Ok(Exit::Clean);
    }
    let part = part(&args.part);
    let round = if matches!(part, Part::Json | Part::Markdown) { 1 } else { args.round };
    let content = record.read_round(round, part).or_else(|error| match part {
        // A call that was cut off has a prompt and no report.
        Part::Markdown => record.read(Part::Prompt),
        _ => Err(error),
    });
    let content = content.with_context(|| format!("review `{}` has no such part", record.id))?;
    match part {
        // JSON escapes what is active by itself, and the prompt was gated when it was made.
        Part::Json => print_bytes(&content)?,
        Part::Prompt | Part::Markdown => print_for_people(&String::from_utf8_lossy(&content))?,
        Part::Answer | Part::Events | Part::Stderr | Part::Patch | Part::Dialogue | Part::Asked => {
            print_for_people(visible::text(&content).as_str())?;
            print("\n")?;
        }
    }
    Ok(Exit::Clean)
}

/// An earlier review as JSON.
///
/// # Errors
/// When there is none of that name, or when its call was cut off.
pub(crate) fn shown(session: &Session, id: Option<&str>) -> Result<Value> {
    report(&found(session.records.as_ref(), id)?)
}

/// The record of a name; the newest without one.
pub(super) fn found(records: Option<&Records>, id: Option<&str>) -> Result<Record> {
    match (records.and_then(|records| records.find(id)), id) {
        (Some(record), _) => Ok(record),
        (None, Some(id)) => {
            bail!("there is no review `{}`; `git advisor log` lists them", visible::line(id))
        }
        (None, None) => bail!("there is no review yet; `git advisor review` makes one"),
    }
}

fn report(record: &Record) -> Result<Value> {
    let text = record.read(Part::Json);
    let text = text.with_context(|| format!("review `{}` has no report", record.id))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("the report of review `{}` cannot be read", record.id))
}

fn part(args: &PartArgs) -> Part {
    match args {
        PartArgs { json: true, .. } => Part::Json,
        PartArgs { prompt: true, .. } => Part::Prompt,
        PartArgs { answer: true, .. } => Part::Answer,
        PartArgs { events: true, .. } => Part::Events,
        PartArgs { stderr: true, .. } => Part::Stderr,
        _ => Part::Markdown,
    }
}

/// The records of this repository; outside of one, those of patches.
fn records() -> Result<Records> {
    let repo = source::open().ok();
    Records::of(repo.as_ref()).context("there is neither a repository nor a home directory here")
}
