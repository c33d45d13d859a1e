//! The command line: types and help, no logic.

mod later;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, ColorChoice, CommandFactory, Parser, Subcommand, ValueEnum};
use jiff::civil::Date;

pub use later::Later;

use crate::prompt::Kind;
use crate::report::Format;
use crate::source::Spec;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Cyan.on_default().bold())
    .usage(AnsiColor::Cyan.on_default().bold())
    .literal(AnsiColor::Green.on_default())
    .placeholder(AnsiColor::Yellow.on_default());

/// A second opinion from another model family on the risky hunks of a change
///
/// git-advisor finds the hunks of a diff that touch authentication, cryptography, process execution,
/// deserialization, file paths or untrusted input, asks OpenAI's Codex CLI about only those, checks the
/// answer against the code, and says what it would do. Codex gives analysis and nothing else; when it
/// cannot be had, that is a warning and never a failure.
#[derive(Debug, Parser)]
#[command(name = "git-advisor", bin_name = "git advisor", version, styles = STYLES, max_term_width = 100)]
#[command(after_help = EXIT_STATUS)]
pub struct Cli {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,

    /// Say nothing beside the report but errors and what blocks
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Say what is done, and with what
    #[arg(short, long, global = true)]
    pub verbose: bool,

    /// Set a configuration key for this run, for example `gate.fail_on=low`
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub config: Vec<(String, String)>,

    /// Where advisor.toml is read: `base` is the side that the change starts from, as in CI
    #[arg(long, global = true, value_name = "SIDE", value_parser = ["auto", "worktree", "base"])]
    pub config_from: Option<String>,
}

impl Cli {
    /// The command line with the arguments of all commands, for those who show them.
    pub fn in_full() -> clap::Command {
        later::at_once(Cli::command)
    }

    /// All configuration that was given on the command line.
    pub fn flags(&self) -> Vec<(String, String)> {
        let from = self.config_from.iter().map(|side| ("config.from".to_owned(), side.clone()));
        self.config.iter().cloned().chain(from).collect()
    }
}

const EXIT_STATUS: &str = "Exit status:
  0    nothing that blocks (a Codex that cannot be had is a warning)
  1    security findings at or above the threshold
  2    the request itself is wrong
  130  interrupted (143: ended by SIGTERM)";

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Review a change: scan it, ask Codex about the risky hunks, check the answer
    #[command(after_help = REVIEW_EXAMPLES)]
    Review(Later<ReviewArgs>),
    /// Show what the analyzer finds: no Codex, no network, nothing written
    #[command(after_help = SCAN_EXAMPLES)]
    Scan(Later<ScanArgs>),
    /// Print the prompt that a review would send, byte for byte
    Prompt(Later<PromptArgs>),
    /// Ask about a decision, a cause, an algorithm, a plan, or an answer that you do not trust
    #[command(after_help = CONSULT_EXAMPLES)]
    Consult(Later<ConsultArgs>),
    /// Ask on in the Codex session of an earlier review, or give it context that it asks for
    #[command(after_help = FOLLOW_UP_EXAMPLES)]
    FollowUp(Later<FollowUpArgs>),
    /// Accept a finding of an earlier review, with a reason and perhaps an end
    #[command(after_help = ACCEPT_NOTES)]
    Accept(Later<AcceptArgs>),
    /// List earlier reviews of this repository
    Log,
    /// Show an earlier review
    Show(Later<ShowArgs>),
    /// Show or clear the marker that leaves a limited Codex alone
    #[command(alias = "cooldown")]
    Doghouse(Later<DoghouseArgs>),
    /// Review the change of a CI job: finds the range, takes configuration and rules from its base
    #[command(after_help = CI_EXAMPLES)]
    Ci(Later<CiArgs>),
    /// Install, remove or show the pre-push hook of this repository
    Hook(Later<HookArgs>),
    /// Show the review in the background: what runs, since when, on what, and what came of the last
    Status,
    /// End the review in the background
    Cancel,
    /// Show the rules in force, or try them
    Rules(Later<RulesArgs>),
    /// Show what works here, what does not, and the mend
    Doctor,
    /// Write a commented advisor.toml into this repository
    Init,
    /// Serve agents over the Model Context Protocol, on stdin and stdout
    #[command(after_help = MCP_NOTES)]
    Mcp,
    /// Install what other agents need to ask for a second opinion, or take it out again
    Agent(Later<AgentArgs>),
    /// Wait for the end of the program, and end what it has started
    #[command(hide = true)]
    Warden(Later<WardenArgs>),
    /// Review in the background what a push would bring
    #[command(hide = true)]
    Background(Later<BackgroundArgs>),
    /// Make a small sample repository and review its last commits
    Demo(Later<DemoArgs>),
    /// Print the man page, or write all pages to a folder
    Man(Later<ManArgs>),
    /// Print completions for a shell; those for bash serve `git advisor` too
    Completions(Later<CompletionsArgs>),
}

/// `rules`
#[derive(Debug, Args)]
pub struct RulesArgs {
    /// What to do with them
    #[command(subcommand)]
    pub what: RulesCommand,
}

/// What to do with the rules.
#[derive(Debug, Subcommand)]
pub enum RulesCommand {
    /// List the rules in force: weight, severity, sides, id, title
    List {
        /// Only those of this category
        #[arg(long, value_name = "NAME")]
        category: Option<String>,
    },
    /// Show all that a rule says: where it came from, what it reads, its patterns
    Explain {
        /// The rule's id, for example shell/python-subprocess-shell
        rule: String,
    },
    /// Prove the own rules by their examples, and show which rules fire in files
    Test {
        /// Files, read as if every line of theirs were new
        #[arg(value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
}

const REVIEW_EXAMPLES: &str = "Examples:
  git advisor review                     what this branch adds to its upstream
  git advisor review HEAD~3..            the last three commits
  git advisor review origin/main...HEAD  as a pull request shows it
  git advisor review --staged            what would be committed
  git advisor review -o review.md        and keep the review as Markdown
  gh pr diff 7 | git advisor review --patch -";

const CONSULT_EXAMPLES: &str = "Examples:
  git advisor consult architecture --question \"Shard by tenant or by time?\" --context docs/data.md
  git advisor consult root-cause --symptom \"The lock times out under load\" --attempt HEAD~2..HEAD~1 --attempt HEAD~1..
  git advisor consult algorithm --context src/merge.rs:40-120 --question \"Does it end on a cycle?\"
  git advisor consult plan migration.md
  git advisor consult low-confidence --question \"Is this lock order safe?\" --diff HEAD~1..

What earns no call (a name, style, what some code does) is refused with the reason.";

const ACCEPT_NOTES: &str = "Examples:
  git advisor accept F1 --reason \"the name comes from a fixed list\"
  git advisor accept F2 --reason \"goes with the old client\" --until 2027-03-31

The entry goes into advisor.toml. It is known by category, path and code: when the code changes, it lapses.
An entry that the change under review itself brings in is shown and not obeyed; commit it on its own, or
keep it to yourself with --mine.";

const FOLLOW_UP_EXAMPLES: &str = "Examples:
  git advisor follow-up \"Is F2 still a flaw if the caller checks the length?\"
  git advisor follow-up --grant 1,3
  git advisor follow-up 20261122T201500.123456Z-x1y2z3 \"And in version 1?\"

What Codex asks to see stands in the synthesis, under numbers. Only files tracked at the revision under
review are given, bounded, with secrets replaced, never one of those that hold secrets.";

const SCAN_EXAMPLES: &str = "Examples:
  git advisor scan HEAD~3..
  git advisor scan --worktree --format json";

const MCP_NOTES: &str = "An agent starts this itself, once it is registered:
  git advisor agent install        Claude Code, in this project
  claude mcp add git-advisor -- git-advisor mcp

Only the repository in which it is started is read, and those below a root that the client declares.";

const AGENT_NOTES: &str = "Examples:
  git advisor agent install --print      what would be written
  git advisor agent install              for Claude Code, in this project
  git advisor agent install --user       for Claude Code, in every project of yours
  git advisor agent install --agents-md  for agents that read AGENTS.md

What somebody has edited since is left alone and named; everything else in a file stays as it is.";

const CI_EXAMPLES: &str = "Examples:
  git advisor ci --report sarif=git-advisor.sarif     GitHub Actions, GitLab CI
  git advisor ci origin/main...HEAD                   anywhere else";

/// What to compare.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// A..B, A...B, A.., ..B, or A for A..HEAD; from the merge base with upstream when not given
    #[arg(value_name = "SOURCE", group = "source")]
    pub range: Option<String>,

    /// What the index holds that HEAD does not
    #[arg(long, alias = "cached", group = "source")]
    pub staged: bool,

    /// What the work tree holds that HEAD does not, untracked files included
    #[arg(long, group = "source")]
    pub worktree: bool,

    /// One commit against its first parent
    #[arg(long, value_name = "REV", group = "source")]
    pub commit: Option<String>,

    /// A unified diff; - reads stdin; needs no repository
    #[arg(long, value_name = "FILE", group = "source")]
    pub patch: Option<String>,
}

impl SourceArgs {
    /// The source as it was typed.
    pub fn spec(&self) -> Spec {
        if self.staged {
            Spec::Staged
        } else if self.worktree {
            Spec::Worktree
        } else if let Some(rev) = &self.commit {
            Spec::Commit(rev.clone())
        } else if let Some(path) = &self.patch {
            Spec::Patch(path.clone())
        } else {
            self.range.as_deref().map_or(Spec::Default, Spec::revisions)
        }
    }
}

/// `review`
#[derive(Debug, Args)]
pub struct ReviewArgs {
    /// What to compare
    #[command(flatten)]
    pub source: SourceArgs,

    /// Ask this instead of the built-in security question
    #[arg(long, value_name = "TEXT")]
    pub question: Option<String>,

    /// How to print the report
    #[command(flatten)]
    pub format: FormatArgs,

    /// Write the review to files too
    #[command(flatten)]
    pub files: FileArgs,

    /// The least severity that fails the run: critical, high, medium, low or never
    #[arg(long, value_name = "LEVEL")]
    pub fail_on: Option<String>,

    /// Show what the rules alone say, and do not ask Codex
    #[arg(long)]
    pub no_codex: bool,

    /// Whether an answer of before will do
    #[command(flatten)]
    pub fresh: FreshArg,
}

/// Whether an answer of before will do.
#[derive(Debug, Args)]
pub struct FreshArg {
    /// Ask again, although Codex has answered the same question before
    #[arg(long)]
    pub fresh: bool,
}

impl FreshArg {
    /// The same as a configuration key.
    pub fn flag(&self) -> Option<(String, String)> {
        self.fresh.then(|| ("limits.keep".to_owned(), "0s".to_owned()))
    }
}

/// How a review is printed.
#[derive(Debug, Args)]
pub struct FormatArgs {
    /// How to print the report: text, json, markdown, sarif, github, summary, gitlab, gitlab-sast, rdjson, junit, agent
    #[arg(long, value_enum, default_value_t = Format::Text, hide_possible_values = true)]
    format: Format,

    /// Short, without colours, the last line for programs: the same as --format agent
    #[arg(long, conflicts_with = "format")]
    for_agent: bool,
}

impl FormatArgs {
    /// The format that is wanted.
    pub fn wanted(&self) -> Format {
        if self.for_agent { Format::Agent } else { self.format }
    }
}

/// Files that a review is written to.
#[derive(Debug, Args)]
pub struct FileArgs {
    /// Write the review as Markdown to this file too
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,

    /// Write it to this file too, as sarif, gitlab, junit or any other --format; several may be given
    #[arg(long = "report", value_name = "KIND=FILE", value_parser = report_file)]
    pub reports: Vec<ReportFile>,
}

impl FileArgs {
    /// All files that are asked for.
    pub fn all(&self) -> Vec<ReportFile> {
        let markdown = |path: &PathBuf| ReportFile { format: Format::Markdown, path: path.clone() };
        self.output.iter().map(markdown).chain(self.reports.iter().cloned()).collect()
    }
}

/// A file that a review is written to.
#[derive(Debug, Clone)]
pub struct ReportFile {
    /// What is written.
    pub format: Format,
    /// Where.
    pub path: PathBuf,
}

fn report_file(text: &str) -> Result<ReportFile, String> {
    let (kind, path) = text.split_once('=').ok_or("wants KIND=FILE")?;
    let format = Format::from_str(kind, false).map_err(|_| {
        let kinds = Format::value_variants().iter().filter_map(Format::to_possible_value);
        let kinds: Vec<String> = kinds.map(|kind| kind.get_name().to_owned()).collect();
        format!("there is no report `{kind}`; there are {}", kinds.join(", "))
    })?;
    if path.is_empty() {
        return Err("wants a file behind the =".to_owned());
    }
    Ok(ReportFile { format, path: path.into() })
}

/// `scan`
#[derive(Debug, Args)]
pub struct ScanArgs {
    /// What to compare
    #[command(flatten)]
    pub source: SourceArgs,

    /// How to print the report: text, json, agent
    #[arg(long, value_enum, default_value_t = ScanFormat::Text, hide_possible_values = true)]
    format: ScanFormat,

    /// Short, without colours, the last line for programs: the same as --format agent
    #[arg(long, conflicts_with = "format")]
    for_agent: bool,
}

impl ScanArgs {
    /// The format that is wanted.
    pub fn format(&self) -> ScanFormat {
        if self.for_agent { ScanFormat::Agent } else { self.format }
    }
}

/// Formats of a scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ScanFormat {
    /// For a person at a terminal
    Text,
    /// One object, documented in docs/report.md
    Json,
    /// For an agent in a shell: short, its last line for programs
    Agent,
}

/// `prompt`
#[derive(Debug, Args)]
pub struct PromptArgs {
    /// What to compare
    #[command(flatten)]
    pub source: SourceArgs,

    /// Ask this instead of the built-in security question
    #[arg(long, value_name = "TEXT")]
    pub question: Option<String>,
}

/// `consult`
#[derive(Debug, Args)]
pub struct ConsultArgs {
    /// What kind of question it is
    #[arg(value_enum)]
    pub kind: Kind,

    /// A text that it is about, such as a plan; - reads stdin, and a plan comes from there by default
    #[arg(value_name = "FILE")]
    pub file: Option<String>,

    /// The question in your words
    #[arg(long, value_name = "TEXT")]
    pub question: Option<String>,

    /// What goes wrong, for a root cause
    #[arg(long, value_name = "TEXT")]
    pub symptom: Option<String>,

    /// A fix that failed, as a source (A..B, staged, worktree) or in words; give it twice
    #[arg(long, value_name = "SOURCE|TEXT")]
    pub attempt: Vec<String>,

    /// A file of the repository that belongs to it, or some of its lines; may be given again
    #[arg(long, value_name = "PATH[:A-B]")]
    pub context: Vec<String>,

    /// A change that belongs to it (A..B, staged, worktree); may be given again
    #[arg(long, value_name = "SOURCE")]
    pub diff: Vec<String>,

    /// Ask although it earns no call
    #[arg(long)]
    pub anyway: bool,

    /// Whether an answer of before will do
    #[command(flatten)]
    pub fresh: FreshArg,

    /// How to print the report
    #[command(flatten)]
    pub format: FormatArgs,

    /// Write the report to files too
    #[command(flatten)]
    pub files: FileArgs,
}

/// `accept`
#[derive(Debug, Args)]
pub struct AcceptArgs {
    /// Id of the finding, for example F1
    pub finding: String,

    /// Why it is accepted
    #[arg(long, value_name = "TEXT")]
    pub reason: String,

    /// The last day on which it is, as YYYY-MM-DD
    #[arg(long, value_name = "DATE", value_parser = day)]
    pub until: Option<Date>,

    /// Name of the review; the newest when not given
    #[arg(long, value_name = "ID")]
    pub review: Option<String>,

    /// Write it into your own config.toml, and not into the repository's advisor.toml
    #[arg(long)]
    pub mine: bool,
}

/// `follow-up`
#[derive(Debug, Args)]
pub struct FollowUpArgs {
    /// Name of the review (the newest when not given), and the question
    #[arg(value_name = "ID] [TEXT", num_args = 0..=2)]
    pub words: Vec<String>,

    /// Give Codex what it asks to see, by number
    #[arg(long, value_name = "N", value_delimiter = ',')]
    pub grant: Vec<usize>,

    /// How to print the report
    #[command(flatten)]
    pub format: FormatArgs,

    /// Write the review to files too
    #[command(flatten)]
    pub files: FileArgs,
}

/// `show`
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Name of the review, or its beginning or end; the newest when not given
    pub id: Option<String>,

    /// Print one part of the record instead of the review
    #[command(flatten)]
    pub part: PartArgs,

    /// The round whose prompt, answer, events or stderr to print
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub round: usize,
}

/// Parts of a record.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct PartArgs {
    /// The review as JSON
    #[arg(long)]
    pub json: bool,

    /// The review in short, the last line for programs
    #[arg(long)]
    pub for_agent: bool,

    /// The prompt as it was sent
    #[arg(long)]
    pub prompt: bool,

    /// Codex's last message
    #[arg(long)]
    pub answer: bool,

    /// Codex's event lines
    #[arg(long)]
    pub events: bool,

    /// Codex's stderr
    #[arg(long)]
    pub stderr: bool,
}

/// `doghouse`
#[derive(Debug, Args)]
pub struct DoghouseArgs {
    /// status when not given
    #[arg(value_enum, default_value_t = DoghouseAction::Status)]
    pub action: DoghouseAction,
}

/// What to do with the marker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DoghouseAction {
    /// Say whether calls are held back, and until when
    Status,
    /// Take the marker away
    Clear,
}

/// `ci`
#[derive(Debug, Args)]
pub struct CiArgs {
    /// The range, where the service does not name it: A...B, A..B, or A for A..HEAD
    #[arg(value_name = "SOURCE")]
    pub range: Option<String>,

    /// Write the review to files too
    #[command(flatten)]
    pub files: FileArgs,

    /// The least severity that fails the job: critical, high, medium, low or never
    #[arg(long, value_name = "LEVEL")]
    pub fail_on: Option<String>,

    /// Show what the rules alone say, and do not ask Codex
    #[arg(long)]
    pub no_codex: bool,

    /// Whether an answer of before will do
    #[command(flatten)]
    pub fresh: FreshArg,
}

/// `man`
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write a page for each command to this folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

/// `completions`
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// `hook`
#[derive(Debug, Args)]
pub struct HookArgs {
    /// What to do
    #[command(subcommand)]
    pub action: HookAction,
}

/// What to do with the hook.
#[derive(Debug, Subcommand)]
pub enum HookAction {
    /// Review what a push would bring, from now on
    Install {
        /// Begin after each commit already, in the background, so that the push need not wait
        #[arg(long)]
        background: bool,
    },
    /// Take the hook away and put back what was there
    Uninstall,
    /// Show whether and where it is installed
    Status,
    /// What git runs: reads the refs of a push from stdin
    PrePush(PrePushArgs),
    /// What git runs after a commit: begins a review in the background
    PostCommit,
}

/// `hook pre-push`
#[derive(Debug, Args)]
pub struct PrePushArgs {
    /// A hook to run first, with the same arguments and stdin
    #[arg(long, value_name = "FILE", hide = true)]
    pub before: Option<PathBuf>,

    /// Name and address of the remote, as git gives them
    #[arg(value_name = "REMOTE", trailing_var_arg = true, allow_hyphen_values = true)]
    pub git: Vec<OsString>,
}

/// `agent`
#[derive(Debug, Args)]
pub struct AgentArgs {
    /// What to do
    #[command(subcommand)]
    pub action: AgentAction,
}

/// What to do for agents.
#[derive(Debug, Subcommand)]
pub enum AgentAction {
    /// Write the subagent codex-advisor of Claude Code, and register the MCP server
    #[command(after_help = AGENT_NOTES)]
    Install(InstallArgs),
    /// Take out what was installed and nobody has changed
    Uninstall(ScopeArgs),
    /// What Claude Code runs before a command of the agent's: reads the event from stdin
    #[command(hide = true)]
    BeforeTool,
}

/// For whom an agent is told.
#[derive(Debug, Clone, Copy, Args)]
pub struct ScopeArgs {
    /// In this project, for everybody who works on it; so it is when nothing is said
    #[arg(long, conflicts_with = "user")]
    pub project: bool,

    /// For you, in every project
    #[arg(long)]
    pub user: bool,
}

/// `agent install`
#[derive(Debug, Args)]
pub struct InstallArgs {
    /// For Claude Code: the subagent and the MCP server; so it is when nothing else is named
    #[arg(long)]
    pub claude: bool,

    /// For other agents: a marked block in AGENTS.md
    #[arg(long, conflicts_with = "user")]
    pub agents_md: bool,

    /// For Claude Code too: review before the agent pushes or commits
    #[arg(long)]
    pub hook: bool,

    /// Show what would be written, and write nothing
    #[arg(long)]
    pub print: bool,

    /// For whom
    #[command(flatten)]
    pub scope: ScopeArgs,
}

/// `warden`
#[derive(Debug, Args)]
pub struct WardenArgs {
    /// Number of the group of processes
    pub group: u32,

    /// Folder that goes with it
    pub folder: PathBuf,
}

/// `background`
#[derive(Debug, Args)]
pub struct BackgroundArgs {
    /// Which review it is
    pub token: String,
}

/// `demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Keep the sample repository here; a temporary folder that goes afterwards when not given
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,

    /// Show what the rules alone say, and do not ask Codex
    #[arg(long)]
    pub no_codex: bool,
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| "wants a day as YYYY-MM-DD".to_owned())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.to_owned()))
        }
        _ => Err("wants KEY=VALUE".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::in_full().debug_assert();
    }

    #[test]
    fn the_help_on_formats_names_them_all() {
        let command = Cli::in_full();
        for name in ["review", "consult", "follow-up", "scan"] {
            let command = command.find_subcommand(name).unwrap();
            let format = command.get_arguments().find(|arg| arg.get_id() == "format").unwrap();
            let named = format.get_help().unwrap().to_string();
            for value in format.get_possible_values() {
                assert!(named.contains(value.get_name()), "{name}: {named}");
            }
        }
    }

    #[test]
    fn help_lines_begin_with_a_capital_and_end_without_a_full_stop() {
        fn walk(command: &clap::Command) {
            let own = command.get_about().into_iter();
            for help in own.chain(command.get_arguments().filter_map(clap::Arg::get_help)) {
                let text = help.to_string();
                assert!(!text.ends_with('.'), "{}: {text}", command.get_name());
            }
            command.get_subcommands().for_each(walk);
        }
        walk(&Cli::in_full());
    }
}
