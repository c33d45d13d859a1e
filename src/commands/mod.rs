//! The subcommands, each a recipe: one line a stage, each result named.

mod accept;
mod agent;
mod background;
mod before_tool;
mod ci;
mod consult;
mod demo;
mod doctor;
mod doghouse;
mod files;
mod follow_up;
mod grants;
mod hook;
mod init;
mod log;
mod man;
mod material;
mod news;
mod pager;
mod pre_push;
mod prompt;
mod recall;
mod review;
mod rules;
mod scan;
mod session;
mod talk;

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;

use anstream::{AutoStream, ColorChoice};
use anyhow::{Context, Result};
use supports_hyperlinks::Stream;

use crate::cli::{Cli, Command};
use crate::consult::warden;
use crate::exit::Exit;
use crate::report::{Format, links};
use crate::synthesize::Finding;

pub use accept::{Acceptance, Written, accept};
pub use consult::{Inquiry, consult};
pub use follow_up::{FollowUp, follow_up};
pub use news::{News, Notify};
pub use review::{Wish, review};
pub use scan::scan;
pub use session::Session;

pub(crate) use doghouse::held;
pub(crate) use log::shown;

/// How much is told beside the report; set once, before anything is told.
static LOUDNESS: OnceLock<Loudness> = OnceLock::new();

/// How much is told beside the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Loudness {
    /// Errors and what blocks.
    Quiet,
    /// Notes and warnings too.
    Normal,
    /// What is done, and with what.
    Verbose,
}

fn loudness() -> Loudness {
    LOUDNESS.get().copied().unwrap_or(Loudness::Normal)
}

/// Runs the command that was typed.
///
/// # Errors
/// When the request itself is wrong; the message names the mend. The exit status is then 2.
pub fn run(cli: &Cli) -> Result<Exit> {
    let loudness = match (cli.quiet, cli.verbose) {
        (true, _) => Loudness::Quiet,
        (_, true) => Loudness::Verbose,
        _ => Loudness::Normal,
    };
    LOUDNESS.get_or_init(|| loudness);
    let flags = &cli.flags();
    match &cli.command {
        Command::Review(args) => review::run(args, flags),
        Command::Scan(args) => scan::run(args, flags),
        Command::Prompt(args) => prompt::run(args, flags),
        Command::Accept(args) => accept::run(args, flags),
        Command::Consult(args) => consult::run(args, flags),
        Command::FollowUp(args) => follow_up::run(args, flags),
        Command::Log => log::list(),
        Command::Show(args) => log::show(args),
        Command::Doghouse(args) => doghouse::run(args, flags),
        Command::Ci(args) => ci::run(args, flags),
        Command::Hook(args) => hook::run(args, flags),
        Command::Status => background::status(),
        Command::Cancel => background::cancel(),
        Command::Background(args) => background::work(args, flags),
        Command::Rules(args) => rules::run(args, flags),
        Command::Doctor => doctor::run(flags),
        Command::Man(args) => man::pages(args),
        Command::Completions(args) => man::completions(args),
        Command::Init => init::run(),
        Command::Mcp => mcp(flags),
        Command::Agent(args) => agent::run(args, flags),
        Command::Demo(args) => demo::run(args, flags),
        Command::Warden(args) => {
            warden::watch(args.group, &args.folder);
            Ok(Exit::Clean)
        }
    }
}

/// Serves an agent. A person who types it is told what it waits for.
fn mcp(flags: &[(String, String)]) -> Result<Exit> {
    if io::stdin().is_terminal() {
        tell(
            "note",
            "this waits for an MCP client on stdin; `git advisor agent install` registers it",
        );
    }
    crate::mcp::serve(flags)
}

/// Prints a report on stdout.
fn print(text: &str) -> Result<()> {
    print_bytes(text.as_bytes())
}

/// Prints a review on stdout; one for people gives no command to a CI runner that reads the log.
fn print_report(text: &str, format: Format) -> Result<()> {
    match format {
        Format::Text | Format::Markdown | Format::Summary | Format::Agent => print_for_people(text),
        Format::Junit if crate::env::in_ci() => print(&crate::visible::inert(text)),
        _ => print(text),
    }
}

/// Whether stdout is a terminal that shows links, as far as that is known of it.
fn shows_links() -> bool {
    let colours = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    colours
        && io::stdout().is_terminal()
        && supports_hyperlinks::on(Stream::Stdout)
        && !crate::env::in_ci()
}

/// Prints a text for people: in a log of CI the runner, who reads it, finds no command in it; on a
/// terminal that it is too long for it goes through the pager.
fn print_for_people(text: &str) -> Result<()> {
    if crate::env::in_ci() {
        return print(&crate::visible::inert(text));
    }
    if pager::shows(text) { Ok(()) } else { print(text) }
}

/// The same for a report on findings, whose places are links where the terminal itself shows it: not every pager
/// knows them.
fn print_with_links(text: &str, findings: &[Finding]) -> Result<()> {
    let repo = shows_links().then(|| crate::source::open().ok()).flatten();
    match repo.as_ref().and_then(|repo| repo.workdir()) {
        Some(top) if !pager::shows(text) => print(&links::added(text, findings, top)),
        Some(_) => Ok(()),
        None => print_for_people(text),
    }
}

fn print_bytes(text: &[u8]) -> Result<()> {
    let mut out = anstream::stdout().lock();
    printed(out.write_all(text).and_then(|()| out.flush()))
}

/// Prints a report that has no colours on stdout while it is made.
fn print_with(
    write: impl FnOnce(&mut io::BufWriter<io::StdoutLock<'static>>) -> io::Result<()>,
) -> Result<()> {
    let mut out = io::BufWriter::with_capacity(64 << 10, io::stdout().lock());
    printed(write(&mut out).and_then(|()| out.flush()))
}

/// A reader that has gone away has seen what it wanted.
fn printed(outcome: io::Result<()>) -> Result<()> {
    match outcome {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("cannot write the report to stdout"),
    }
}

/// Prints a report on stderr, where stdout is not ours.
fn print_aside(text: &str) {
    let text = if crate::env::in_ci() { crate::visible::inert(text) } else { text.to_owned() };
    // Where stderr is closed there is nobody to tell.
    let _ = write!(anstream::stderr(), "{text}");
}

/// Tells the user something beside the report, on stderr.
fn tell(kind: &str, text: &str) {
    use owo_colors::OwoColorize;
    if loudness() == Loudness::Quiet && ["note", "warning"].contains(&kind) {
        return;
    }
    let text = crate::visible::line(text).into_string();
    let text = if crate::env::in_ci() { crate::visible::inert(&text) } else { text };
    // Where stderr is closed there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{}: {text}", kind.yellow().bold());
}

/// Columns of the terminal, within what reads well.
fn width() -> usize {
    let measured = || terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
    let columns = crate::env::columns().or_else(measured).unwrap_or(100);
    columns.clamp(60, 120)
}
