//! Arguments that are described to the parser when their command is asked for.

use std::cell::Cell;
use std::ops::Deref;

use clap::{ArgMatches, Args, Command, FromArgMatches};

thread_local! {
    /// Whether all commands are to be described at once: completions of `help` list the commands of a command before
    /// that is built, and the derived code hands nothing down that could say so.
    static IN_FULL: Cell<bool> = const { Cell::new(false) };
}

/// The arguments of a command. They are described to the parser when the command is asked for: to describe those of
/// all commands takes as long as to read a small change.
#[derive(Debug)]
pub struct Later<A>(A);

impl<A: Args> Args for Later<A> {
    fn augment_args(command: Command) -> Command {
        if IN_FULL.get() { described::<A>(command) } else { command.defer(described::<A>) }
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// A command with its arguments; what it does is said already.
fn described<A: Args>(command: Command) -> Command {
    let about = command.get_about().cloned().unwrap_or_default();
    A::augment_args(command).about(about).long_about(None)
}

impl<A: FromArgMatches> FromArgMatches for Later<A> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        A::from_arg_matches(matches).map(Later)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.update_from_arg_matches(matches)
    }
}

impl<A> Deref for Later<A> {
    type Target = A;

    fn deref(&self) -> &A {
        &self.0
    }
}

/// What `describe` gives with the arguments of all commands.
pub(super) fn at_once(describe: fn() -> Command) -> Command {
    IN_FULL.set(true);
    let command = describe();
    IN_FULL.set(false);
    command
}
