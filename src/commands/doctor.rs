//! `git advisor doctor`: what works here, what does not, and the mend.

use std::process::Command;

use anyhow::{Context, Result};
use owo_colors::OwoColorize;

use super::doghouse::status;
use super::print;
use crate::config::{Config, KEYS, Layers, user_file};
use crate::consult::{codex, doghouse, home, installed};
use crate::exit::Exit;
use crate::{source, visible};

pub(super) fn run(flags: &[(String, String)]) -> Result<Exit> {
    let repo = source::open();
    let config = Config::load(&Layers {
        repo: repo.as_ref().ok(),
        flags: flags.to_vec(),
    })?;
    let mut out = String::new();
    let mut check = |name: &str, result: Result<String, String>| match result {
        Ok(text) => out.push_str(&format!(
            "{:<4} {name}: {}\n",
            "ok".green(),
            visible::line(text)
        )),
        Err(text) => out.push_str(&format!(
            "{:<4} {name}: {}\n",
            "no".red(),
            visible::line(text)
        )),
    };
    check("git", git());
    check(
        "repository",
        match &repo {
            Ok(repo) => Ok(repo.path().display().to_string()),
            Err(error) => Err(error.to_string()),
        },
    );
    codex_checks(&config, &mut check)?;
    check(
        "login",
        if home::has_login() {
            Ok("found; whether the service takes it shows with the first review".to_owned())
        } else if config.codex.config.contains_key("model_provider") {
            Ok("none of Codex's own; your provider brings its key".to_owned())
        } else {
            Err("none found; run `codex login`, or set CODEX_API_KEY".to_owned())
        },
    );
    match doghouse::state(&config.doghouse) {
        state @ doghouse::State::Held(_) => check("doghouse", Err(status(&state))),
        state => check("doghouse", Ok(status(&state))),
    }
    out.push_str("\nconfiguration in force\n");
    for key in KEYS {
        let origin = config
            .origins
            .get(key.name)
            .map_or("default".to_owned(), ToString::to_string);
        let value = visible::line((key.show)(&config).to_string());
        out.push_str(&format!(
            "  {:<24} {value:<24} {}\n",
            key.name,
            visible::line(origin).dimmed()
        ));
    }
    let rules = config.rules()?.iter().count();
    let own = config.own_rules.len();
    out.push_str(&format!(
        "  {rules} rules, {own} of them your own; your file: {}\n",
        user_file().unwrap_or_default().display()
    ));
    print(&out)?;
    Ok(Exit::Clean)
}

fn git() -> Result<String, String> {
    let output = Command::new("git").arg("--version").output();
    match output {
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        Ok(output) => Err(format!("`git --version` ended with {}", output.status)),
        Err(error) => Err(format!(
            "`git` cannot be started: {error}; git-advisor itself does not need it"
        )),
    }
}

fn codex_checks(
    config: &Config,
    check: &mut impl FnMut(&str, Result<String, String>),
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.context("cannot look at Codex")?;
    let found = runtime.block_on(async {
        let home = home::private()?;
        installed::probe(&config.codex.command, &home).await
    });
    match found {
        Ok(installed) => {
            check(
                "codex",
                Ok(format!(
                    "{} at {}",
                    installed.version,
                    installed.program.display()
                )),
            );
            let choice = codex::choose_model(&config.codex, &installed);
            check(
                "model",
                Ok(format!("{}, effort {}", choice.model, choice.effort)),
            );
        }
        Err(failure) => check("codex", Err(failure.line())),
    }
    Ok(())
}
