//! `git advisor man` and `completions`: what a package puts beside the binary.

use std::fs;

use anyhow::{Context, Result};
use clap_complete::{Shell, generate};

use super::{print, print_with};
use crate::cli::{Cli, CompletionsArgs, ManArgs};
use crate::exit::Exit;

/// The name of the binary, which is also what git looks for behind `git help advisor`.
const NAME: &str = "git-advisor";

/// The name under which the script for bash is made: under one with a dash, `clap_complete` calls the
/// subcommands now this, now that.
const IN_BASH: &str = "advisor";

/// What git's own completion for bash calls on `git advisor <TAB>`: the same, without `git` and what
/// stands between it and the command.
const WITHIN_GIT: &str = "
_git_advisor() {
    local skipped=${__git_cmd_idx:-1}
    local COMP_WORDS=(git-advisor \"${COMP_WORDS[@]:skipped+1}\")
    local COMP_CWORD=$((COMP_CWORD - skipped))
    _advisor git-advisor \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"
}
";

/// The page of the program on stdout, or all pages in a folder.
pub(super) fn pages(args: &ManArgs) -> Result<Exit> {
    let Some(dir) = &args.dir else {
        let page = clap_mangen::Man::new(command().disable_help_subcommand(true));
        print_with(|mut out| page.render(&mut out))?;
        return Ok(Exit::Clean);
    };
    let failed = || format!("cannot write the pages to `{}`", dir.display());
    fs::create_dir_all(dir).with_context(failed)?;
    clap_mangen::generate_to(command(), dir).with_context(failed)?;
    Ok(Exit::Clean)
}

pub(super) fn completions(args: &CompletionsArgs) -> Result<Exit> {
    let name = if args.shell == Shell::Bash { IN_BASH } else { NAME };
    let mut script = Vec::new();
    generate(args.shell, &mut command(), name, &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    if args.shell == Shell::Bash {
        script = script.replace(&format!(" default {IN_BASH}\n"), &format!(" default {NAME}\n"));
        script.push_str(WITHIN_GIT);
    }
    print(&script)?;
    Ok(Exit::Clean)
}

/// The command line under the name of the binary: man pages and shells know no name of two words.
fn command() -> clap::Command {
    Cli::in_full().bin_name(NAME)
}
