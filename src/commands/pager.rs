//! The pager, as git has it: a long text on a terminal goes through it.

use std::io::{self, IsTerminal, Write};
use std::process::{Command, Stdio};

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};

use crate::env;

/// What git tells `less` and `lv` where the user has told them nothing.
const DEFAULTS: [(&str, &str); 2] = [("LESS", "FRX"), ("LV", "-c")];

/// Shows a text in the pager, if there is a terminal that it is too long for. Otherwise, and where the
/// pager cannot be started, the caller prints it.
pub(super) fn shows(text: &str) -> bool {
    let rows = terminal_size::terminal_size().map_or(usize::MAX, |(_, rows)| usize::from(rows.0));
    if !io::stdout().is_terminal() || text.lines().count() < rows {
        return false;
    }
    let Some(pager) = chosen(env::pager("GIT_PAGER"), of_git(), env::pager("PAGER")) else {
        return false;
    };
    run(&pager, text).is_ok()
}

/// `core.pager` of the user and of the system. That of a repository is not asked: no repository names a
/// program here.
fn of_git() -> Option<String> {
    git2::Config::open_default().and_then(|config| config.get_string("core.pager")).ok()
}

/// git's order, and its ways to say that there shall be none.
fn chosen(git: Option<String>, config: Option<String>, any: Option<String>) -> Option<String> {
    let pager = git.or(config).or(any).unwrap_or_else(|| "less".to_owned());
    (!["", "cat"].contains(&pager.trim())).then_some(pager)
}

/// Runs the pager until the user has seen enough. It is a command line of the user's, so a shell reads it.
fn run(pager: &str, text: &str) -> io::Result<()> {
    let mut command = Command::new("sh");
    command.args(["-c", pager]).stdin(Stdio::piped());
    command.envs(DEFAULTS.into_iter().filter(|(name, _)| env::passed_on(name).is_none()));
    let mut child = command.spawn()?;
    let plain = AutoStream::choice(&io::stdout()) == ColorChoice::Never;
    let text = if plain { strip_str(text).to_string() } else { text.to_owned() };
    if let Some(mut stdin) = child.stdin.take() {
        // A pager that is left early takes no more.
        drop(stdin.write_all(text.as_bytes()));
    }
    match child.wait()?.code() {
        // The shell found no such program: nothing has been shown.
        Some(126 | 127) => Err(io::ErrorKind::NotFound.into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::chosen;

    #[test]
    fn the_pager_is_the_one_that_git_would_take() {
        let check =
            |git: Option<&str>, config: Option<&str>, any: Option<&str>, expected: Option<&str>| {
                let own = |text: Option<&str>| text.map(str::to_owned);
                assert_eq!(chosen(own(git), own(config), own(any)).as_deref(), expected);
            };
        check(None, None, None, Some("less"));
        check(None, Some("delta"), Some("more"), Some("delta"));
        check(Some("most"), Some("delta"), Some("more"), Some("most"));
        check(Some(""), Some("delta"), None, None);
        check(None, Some("cat"), Some("more"), None);
    }
}
