//! `git advisor doctor`: what works here, what does not, and the mend.

use std::process::Command;

use anyhow::Result;
use git2::Repository;
use owo_colors::OwoColorize;

use super::doghouse::status;
use super::print;
use crate::config::{Config, KEYS, Layers, Tracked, user_file};
use crate::consult::failure::utc;
use crate::consult::{self, doghouse, home};
use crate::exit::Exit;
use crate::source::{self, SourceError};
use crate::visible;

/// What a check found: a text, or what is wrong with its mend.
type Found = Result<String, String>;

pub(super) fn run(flags: &[(String, String)]) -> Result<Exit> {
    let repo = source::open();
    let (config, loaded) = configuration(repo.as_ref().ok(), flags);
    let mut out = String::new();
    let mut check = |name: &str, found: Found| {
        let (word, text) = match found {
            Ok(text) => ("ok".green().to_string(), text),
            Err(text) => ("no".red().to_string(), text),
        };
        out.push_str(&format!("{word} {name}: {}\n", visible::line(text)));
    };
    check("git", git());
    check("repository", repository(&repo));
    check("configuration", loaded);
    codex(&config).into_iter().for_each(|(name, found)| check(name, found));
    check("login", login(&config));
    let state = doghouse::state(&config.doghouse, &doghouse::Whom::of(&config));
    let held = matches!(state, doghouse::State::Held(_));
    let said = status(&[state]);
    check("doghouse", if held { Err(said) } else { Ok(said) });
    out.push_str("\nconfiguration in force\n");
    for key in KEYS {
        let origin = config.origins.get(key.name).map_or("default".to_owned(), ToString::to_string);
        let value = visible::line((key.show)(&config).to_string());
        out.push_str(&format!(
            "  {:<26} {value:<24} {}\n",
            key.name,
            visible::line(origin).dimmed()
        ));
    }
    print(&out)?;
    Ok(Exit::Clean)
}

/// The configuration in force; where it cannot be used, the defaults, and what is wrong.
fn configuration(repo: Option<&Repository>, flags: &[(String, String)]) -> (Config, Found) {
    let loaded = Config::load(&Layers { repo, tracked: Tracked::Worktree, flags: flags.to_vec() })
        .and_then(|config| Ok((config.rules()?.iter().count(), config)));
    let file = user_file().unwrap_or_default();
    match loaded {
        Ok((rules, config)) => {
            let own = config.own_rules.len();
            let text =
                format!("{rules} rules, {own} of them your own; your file is {}", file.display());
            (config, Ok(text))
        }
        Err(error) => (Config::default(), Err(format!("{error}; the defaults are shown below"))),
    }
}

/// Major and minor version of the git in `PATH`.
pub(super) fn git_version() -> Option<(u32, u32)> {
    let said = git().ok()?;
    let mut numbers = said.strip_prefix("git version ")?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn git() -> Found {
    let output = Command::new("git").arg("--version").output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(output) => Err(format!("`git --version` ended with {}", output.status)),
        Err(error) => {
            Err(format!("`git` cannot be started: {error}; git-advisor itself does not need it"))
        }
    }
}

fn repository(repo: &Result<Repository, SourceError>) -> Found {
    match repo {
        Ok(repo) => Ok(repo.path().display().to_string()),
        Err(error) => Err(error.to_string()),
    }
}

/// The installed Codex, the model that would be asked, and whether the leash holds it.
fn codex(config: &Config) -> Vec<(&'static str, Found)> {
    let look = match consult::look(config) {
        Ok(look) => look,
        Err(failure) => return vec![("codex", Err(failure.line()))],
    };
    let installed = look.installed;
    let proof = look.proof.map_err(|failure| failure.line()).map(|proof| {
        format!(
            "proven on {}: no tool, our texts alone, {} bytes beside the question",
            utc(proof.at),
            proof.overhead,
        )
    });
    vec![
        ("codex", Ok(format!("{} at {}", installed.version, installed.program.display()))),
        ("model", Ok(format!("{}, effort {}", look.choice.model, look.choice.effort))),
        ("leash", proof),
    ]
}

fn login(config: &Config) -> Found {
    if home::has_login() {
        Ok("found; whether the service takes it shows with the first review".to_owned())
    } else if config.codex.config.contains_key("model_provider") {
        Ok("none of Codex's own; your provider brings its key".to_owned())
    } else {
        Err("none found; run `codex login`, or set CODEX_API_KEY".to_owned())
    }
}
