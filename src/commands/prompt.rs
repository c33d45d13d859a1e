//! `git advisor prompt`: exactly the text that would be sent.

use anyhow::{Context, Result};

use super::session::Session;
use super::{print, tell};
use crate::cli::PromptArgs;
use crate::exit::Exit;
use crate::prompt::Nonce;

pub(super) fn run(args: &PromptArgs, flags: &[(String, String)]) -> Result<Exit> {
    let spec = args.source.spec();
    let session = Session::open(&spec, flags)?;
    let nonce = Nonce::random().context("the system has no randomness to give")?;
    let scan = session.scan(&spec, args.question.as_deref(), &nonce)?;
    for note in &scan.source.notes {
        tell("note", note);
    }
    if scan.packet.hunks.is_empty() {
        tell("note", "no hunk is worth a question: nothing would be sent");
        return Ok(Exit::Clean);
    }
    print(session.prompt(&scan, args.question.as_deref(), &nonce).text())?;
    Ok(Exit::Clean)
}
