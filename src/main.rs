//! Parse, run, exit status.

use std::io::Write;

use clap::Parser;
use git_advisor::cli::Cli;
use git_advisor::commands;
use git_advisor::exit::Exit;

fn main() -> Exit {
    let cli = Cli::parse();
    colours(cli.color).write_global();
    match commands::run(&cli) {
        Ok(exit) => exit,
        Err(error) => {
            let message = git_advisor::visible::line(format!("{error:#}"));
            // Where stderr is closed there is nobody to tell.
            let _ = writeln!(anstream::stderr(), "error: {message}");
            Exit::BadRequest
        }
    }
}

/// clap's choice, for the streams that print the reports. They honour `NO_COLOR` and its kin.
fn colours(choice: clap::ColorChoice) -> anstream::ColorChoice {
    match choice {
        clap::ColorChoice::Auto => anstream::ColorChoice::Auto,
        clap::ColorChoice::Always => anstream::ColorChoice::Always,
        clap::ColorChoice::Never => anstream::ColorChoice::Never,
    }
}
