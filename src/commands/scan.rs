//! `git advisor scan`: the analyzer alone; no Codex, no network, no writes.

use anyhow::{Context, Result};

use super::session::Session;
use super::{print_for_people, print_with, tell};
use crate::cli::{ScanArgs, ScanFormat};
use crate::exit::Exit;
use crate::prompt::Nonce;
use crate::report::{Scan, agent, json, terminal};
use crate::source::Spec;

pub(super) fn run(args: &ScanArgs, flags: &[(String, String)]) -> Result<Exit> {
    let spec = args.source.spec();
    let session = Session::open(&spec, flags)?;
    let scan = scan(&session, &spec)?;
    for note in &scan.source.notes {
        tell("note", note);
    }
    match args.format() {
        ScanFormat::Text => print_for_people(&terminal::scan(&scan))?,
        ScanFormat::Json => print_with(|out| json::scan(&scan, out))?,
        ScanFormat::Agent => print_for_people(&agent::scan(&json::value_of_scan(&scan)))?,
    }
    // The process ends here, and giving back every hunk of a large change one by one takes longer than a small one.
    std::mem::forget((scan, session));
    Ok(Exit::Clean)
}

/// Source to packet.
///
/// # Errors
/// When the source names nothing or cannot be read.
pub fn scan(session: &Session, spec: &Spec) -> Result<Scan> {
    let nonce = Nonce::random().context("the system has no randomness to give")?;
    session.scan(spec, None, &nonce)
}
