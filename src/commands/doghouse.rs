//! `git advisor doghouse`: is Codex left alone, until when, and the way out.

use anyhow::{Context, Result};

use super::print;
use super::session::Session;
use crate::cli::{DoghouseAction, DoghouseArgs};
use crate::config::{Config, Layers, Tracked};
use crate::consult::doghouse::{self, State};
use crate::consult::failure::utc;
use crate::exit::Exit;
use crate::{source, visible};

pub(super) fn run(args: &DoghouseArgs, flags: &[(String, String)]) -> Result<Exit> {
    let repo = source::open().ok();
    let config = Config::load(&Layers {
        repo: repo.as_ref(),
        tracked: Tracked::Worktree,
        flags: flags.to_vec(),
    })?;
    let text = match args.action {
        DoghouseAction::Status => status(&doghouse::states(&config.doghouse)),
        DoghouseAction::Clear => {
            let cleared = doghouse::clear().context("cannot remove the marker")?;
            if cleared {
                "cleared: the next review asks Codex again"
            } else {
                "there was no marker"
            }
            .to_owned()
        }
    };
    print(&format!("{text}\n"))?;
    Ok(Exit::Clean)
}

/// Whether a call would be held back now.
pub(crate) fn held(session: &Session) -> State {
    let settings = &session.config.doghouse;
    doghouse::state(settings, &doghouse::Whom::of(&session.config))
}

/// What the markers say, a line each.
pub(super) fn status(states: &[State]) -> String {
    match states {
        [] => line(&State::Free),
        states => states.iter().map(line).collect::<Vec<_>>().join("\n"),
    }
}

fn line(state: &State) -> String {
    match state {
        State::Free => "free: reviews ask Codex".to_owned(),
        State::Held(marker) => format!(
            "held until {} since {} for {} ({}: {}); `git advisor doghouse clear` asks again at once",
            utc(marker.until),
            utc(marker.since),
            visible::line(&marker.whom),
            visible::line(&marker.class),
            visible::line(&marker.message),
        ),
        State::Corrupt(path) => {
            format!(
                "free: `{}` is no marker and is ignored; `git advisor doghouse clear` removes it",
                path.display()
            )
        }
    }
}
