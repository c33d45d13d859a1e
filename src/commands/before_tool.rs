//! `git advisor agent before-tool`: what Claude Code runs before a command of the agent's.
//!
//! A push or a commit is reviewed first. Only findings hold it back; whatever else goes wrong is told and lets it
//! pass. It is a reminder to an agent that means well, and no boundary: who wants to hide a push from it can.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::news;
use super::review::{self, Wish};
use super::session::Session;
use super::{hook, print};
use crate::env;
use crate::exit::Exit;
use crate::report::{Review, Status, agent, json as wire};
use crate::source::{self, Spec};
use crate::visible;

/// A larger event than this, in bytes, is none.
const MAX_EVENT: u64 = 16 << 20;

/// What Claude Code says of the tool that is about to run.
#[derive(Debug, Deserialize)]
struct Event {
    #[serde(default)]
    cwd: PathBuf,
    #[serde(default)]
    tool_name: String,
    #[serde(default)]
    tool_input: Value,
}

/// Something that brings a change further.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Act {
    what: What,
    /// The folder that git works in, as far as the command says.
    folder: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Push,
    /// What the index holds.
    Commit,
    /// What the work tree holds: it is staged by the same command.
    CommitAll,
}

pub(super) fn run(flags: &[(String, String)]) -> Result<Exit> {
    let mut text = Vec::new();
    std::io::stdin().lock().take(MAX_EVENT).read_to_end(&mut text).context("cannot read stdin")?;
    let said = match serde_json::from_slice(&text) {
        Ok(event) => reviewed(&event, flags),
        Err(error) => Some(passed(&format!("the event cannot be read: {error}"))),
    };
    if let Some(said) = said {
        print(&format!("{said}\n"))?;
    }
    Ok(Exit::Clean)
}

/// What Claude Code is told; nothing where there is nothing to say.
fn reviewed(event: &Event, flags: &[(String, String)]) -> Option<Value> {
    let command = event.tool_input["command"].as_str().filter(|_| event.tool_name == "Bash")?;
    if env::skip() {
        return None;
    }
    let begun = Instant::now();
    let mut warning = None;
    for act in acts(command) {
        match review(event, &act, begun, flags) {
            Ok(Some(review)) if review::exit(&review) == Exit::Findings => {
                return Some(held(&review));
            }
            Ok(Some(review)) if review.consultation.status == Status::Unavailable => {
                let failure = review.consultation.failure.as_ref();
                warning = failure.map(|failure| passed(&failure.line()));
            }
            Ok(_) => {}
            Err(error) => warning = Some(passed(&format!("{error:#}"))),
        }
    }
    warning
}

/// The review of an act; none where a hook of git's own will make it.
fn review(
    event: &Event,
    act: &Act,
    begun: Instant,
    flags: &[(String, String)],
) -> Result<Option<Review>> {
    let repo = source::open_at(&event.cwd.join(&act.folder))?;
    if act.what == What::Push && hook::is_installed(&repo) {
        return Ok(None);
    }
    let spec = match act.what {
        What::Push => Spec::Default,
        What::Commit => Spec::Staged,
        What::CommitAll => Spec::Worktree,
    };
    let mut session = Session::about(Some(repo), Some(&spec), flags)?;
    let limits = session.config.limits;
    session.config.limits.deadline =
        limits.hook_deadline.min(limits.deadline).saturating_sub(begun.elapsed());
    let notify = &mut news::on_stderr();
    review::review(&session, &spec, None, Wish::SecondOpinion, notify).map(Some)
}

fn held(review: &Review) -> Value {
    let reason = format!(
        "git-advisor holds this back: findings at or above the threshold. Mend them, or show them to the user; with \
         the user's word `GIT_ADVISOR_SKIP=1` before the command lets it pass.\n\n{}",
        agent::brief(&wire::value_of_review(review))
    );
    json!({"hookSpecificOutput": {
        "hookEventName": "PreToolUse",
        "permissionDecision": "deny",
        "permissionDecisionReason": reason,
    }})
}

fn passed(why: &str) -> Value {
    json!({"systemMessage": format!("git-advisor: goes on without a second opinion: {}", visible::line(why))})
}

/// The pushes and commits in a command of a shell, each once.
fn acts(command: &str) -> Vec<Act> {
    let mut acts: Vec<Act> = Vec::new();
    let (mut folder, mut stages) = (PathBuf::new(), false);
    for words in commands(command) {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let assigned = words.iter().take_while(|word| is_assignment(word)).count();
        let (assigned, words) = words.split_at(assigned);
        if assigned
            .iter()
            .any(|word| *word != "GIT_ADVISOR_SKIP=0" && word.starts_with("GIT_ADVISOR_SKIP="))
        {
            continue;
        }
        match words {
            ["cd", to] => folder = joined(&folder, PathBuf::from(to)),
            [git, rest @ ..] if *git == "git" || git.ends_with("/git") => {
                let (within, rest) = options(rest);
                stages |= matches!(rest, ["add" | "rm" | "mv" | "stage", ..]);
                if let Some(what) = act(rest, stages) {
                    let act = Act { what, folder: joined(&folder, within) };
                    if !acts.contains(&act) {
                        acts.push(act);
                    }
                }
            }
            _ => {}
        }
    }
    acts
}

/// A folder named from another; none named is the other itself.
fn joined(from: &Path, to: PathBuf) -> PathBuf {
    if to.as_os_str().is_empty() { from.to_owned() } else { from.join(to) }
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name).unwrap_or_default();
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The folder that git's own options name, and what follows them.
fn options<'a>(mut words: &'a [&'a str]) -> (PathBuf, &'a [&'a str]) {
    let mut folder = PathBuf::new();
    loop {
        words = match words {
            ["-C", to, rest @ ..] => {
                folder.push(to);
                rest
            }
            ["-c" | "--git-dir" | "--work-tree" | "--namespace", _, rest @ ..] => rest,
            [option, rest @ ..] if option.starts_with('-') => rest,
            rest => return (folder, rest),
        }
    }
}

/// What a subcommand of git does, where it does something and does not ask for no hook.
fn act(words: &[&str], stages: bool) -> Option<What> {
    let [name, rest @ ..] = words else { return None };
    let has = |long: &str| rest.contains(&long);
    let short = |letter: char| {
        let flags = rest.iter().filter(|word| word.starts_with('-') && !word.starts_with("--"));
        flags.into_iter().any(|word| word.contains(letter))
    };
    if has("--dry-run") || has("--no-verify") || has("--help") {
        return None;
    }
    match *name {
        "push" if has("--delete") || short('d') || short('n') => None,
        "push" => Some(What::Push),
        "commit" if short('n') => None,
        "commit" if stages || has("--all") || short('a') => Some(What::CommitAll),
        "commit" => Some(What::Commit),
        _ => None,
    }
}

/// The simple commands of a text for a shell, each as its words. What a shell would put in is not.
fn commands(text: &str) -> Vec<Vec<String>> {
    let (mut commands, mut words, mut word) = (Vec::new(), Vec::new(), None::<String>);
    let mut quote = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().extend(chars.next()),
            (None, ';' | '&' | '|' | '\n' | '(' | ')' | '{' | '}') => {
                words.extend(word.take());
                commands.push(std::mem::take(&mut words));
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    commands.push(words);
    commands.retain(|words| !words.is_empty());
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(command: &str, expected: &[(What, &str)]) {
        let found = acts(command);
        let found: Vec<(What, &str)> =
            found.iter().map(|act| (act.what, act.folder.to_str().unwrap())).collect();
        assert_eq!(found, expected, "{command}");
    }

    #[test]
    fn pushes_and_commits_are_seen_and_nothing_else_is() {
        check("git push", &[(What::Push, "")]);
        check("git commit -m 'x; git push'", &[(What::Commit, "")]);
        check("git commit -am \"a \\\"b\\\" c\"", &[(What::CommitAll, "")]);
        check(
            "git add -A && git commit -m x && git push -u origin main",
            &[(What::CommitAll, ""), (What::Push, "")],
        );
        check("cd sub && git -C deeper -c a=b push", &[(What::Push, "sub/deeper")]);
        check("(cd /a; /usr/bin/git push)|cat", &[(What::Push, "/a")]);
        check("A=b git push", &[(What::Push, "")]);
        check("git commit -m \"$(cat <<'EOF'\nit's; git push\nEOF\n)\"", &[(What::Commit, "")]);
        for harmless in [
            "git status",
            "echo git push",
            "git log --grep push",
            "git push --dry-run",
            "git push --no-verify",
            "git push origin --delete x",
            "git commit -n -m x",
            "GIT_ADVISOR_SKIP=1 git push",
            "git stash push",
            "",
            "'",
        ] {
            check(harmless, &[]);
        }
    }
}
