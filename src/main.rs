//! Parse, run, exit status.

use std::io::Write;
use std::mem::ManuallyDrop;

use clap::{CommandFactory, FromArgMatches};
use git_advisor::cli::Cli;
use git_advisor::commands;
use git_advisor::exit::Exit;
use git_advisor::visible;

fn main() -> Exit {
    // What whoever started us has left open is not for what we start.
    #[cfg(unix)]
    close_fds::set_fds_cloexec(3, &[]);
    let cli = match parsed() {
        Ok(cli) => cli,
        Err(asked) if !asked.use_stderr() => asked.exit(),
        Err(error) => {
            // The message quotes what was typed, which may come from anywhere.
            let text = visible::text(error.render().to_string());
            let text = visible::inert(text.as_str());
            let _ = write!(anstream::stderr(), "{text}");
            return Exit::BadRequest;
        }
    };
    colours(cli.color).write_global();
    match commands::run(&cli) {
        Ok(exit) => exit,
        Err(error) => {
            let message = visible::inert(visible::line(format!("{error:#}")).as_str());
            // Where stderr is closed there is nobody to tell.
            let _ = writeln!(anstream::stderr(), "error: {message}");
            Exit::BadRequest
        }
    }
}

/// The command line; what describes it is not given back piece by piece, which takes longer than to read it.
fn parsed() -> Result<Cli, clap::Error> {
    let mut command = ManuallyDrop::new(Cli::command());
    let mut matches = command.try_get_matches_from_mut(std::env::args_os())?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// clap's choice, for the streams that print the reports. They honour `NO_COLOR` and its kin.
fn colours(choice: clap::ColorChoice) -> anstream::ColorChoice {
    match choice {
        clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
    }
}
