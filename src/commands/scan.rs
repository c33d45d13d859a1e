//! `git advisor scan`: the analyzer alone; no Codex, no network, no writes.

use anyhow::{Context, Result};

use super::session::Session;
use super::{print_for_people, print_with, tell};
use crate::cli::{ScanArgs, ScanFormat};
use crate::exit::Exit;
use crate::prompt::Nonce;
use crate::report::{json, terminal};

pub(super) fn run(args: &ScanArgs, flags: &[(String, String)]) -> Result<Exit> {
    let spec = args.source.spec();
    let session = Session::open(&spec, flags)?;
    let nonce = Nonce::random().context("the system has no randomness to give")?;
    let scan = session.scan(&spec, None, &nonce)?;
    for note in &scan.source.notes {
        tell("note", note);
    }
    match args.format {
        ScanFormat::Text => print_for_people(&terminal::scan(&scan))?,
        ScanFormat::Json => print_with(|out| json::scan(&scan, out))?,
    }
    Ok(Exit::Clean)
}
