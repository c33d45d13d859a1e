//! What is set, by whom, and what a repository may tune.
//!
//! Every layer is read into the same thing, a list of settings, and applied lowest first through
//! one table of [`keys`]. Keys about safety are refused where they come with the change under review.

mod accept;
mod error;
mod judge;
mod keys;
mod layers;
mod owned;
mod profile;
mod setting;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use globset::{Glob, GlobSet, GlobSetBuilder};

use crate::rules::{CategorySyntax, RuleSyntax, Rules, Severity};

pub use accept::{Accept, accepts_in};
pub use error::ConfigError;
pub use judge::Judge;
pub use keys::{KEYS, Key, Trust};
pub use layers::{Layers, Tracked, user_file};
use setting::{Read, Setting, Written};

/// The key that says which side the repository's file is read from.
const FROM: &str = "config.from";

/// The configuration in force.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// How Codex is called.
    pub codex: Codex,
    /// Clocks and budgets.
    pub limits: Limits,
    /// How long a limited Codex is left alone.
    pub doghouse: Doghouse,
    /// What fails the run.
    pub gate: Gate,
    /// What is looked at.
    pub select: Select,
    /// A program of the user's that has its say on a checked review; `[synthesis]`.
    pub judge: Option<Judge>,
    /// Which side of a change the repository's file is read from.
    pub from: From,
    /// The user's own rules, as written.
    pub own_rules: Vec<RuleSyntax>,
    /// The user's own categories, as written.
    pub own_categories: Vec<CategorySyntax>,
    /// Findings that are accepted.
    pub accepts: Vec<Accept>,
    /// The file that gave the last own rules, for messages.
    rule_file: String,
    /// Where each value came from that is not a default, by key.
    pub origins: BTreeMap<&'static str, Origin>,
}

/// `[codex]`
#[derive(Debug, Clone)]
pub struct Codex {
    /// Program to run: a name looked up in `PATH`, or a path.
    pub command: String,
    /// Model, or `auto`: the heaviest of the installed Codex's own catalog.
    pub model: String,
    /// Profile of the user's Codex that says whom to ask where nothing else does; empty for none.
    pub profile: String,
    /// Reasoning effort; the highest that the model has where it has not this one.
    pub effort: String,
    /// Whose provider table is used.
    pub provider: Provider,
    /// Further settings, handed to Codex as `-c key=value`.
    pub config: toml::Table,
    /// Names of further environment variables to pass on.
    pub env: Vec<String>,
}

/// Whose provider table is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Ours, without retries.
    Isolated,
    /// Codex's built-in one.
    Builtin,
}

/// `[limits]`
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Until the server's first headers.
    pub first_answer: Duration,
    /// Without a sign of life.
    pub idle: Duration,
    /// For the whole call.
    pub deadline: Duration,
    /// For all calls of the pre-push hook together.
    pub hook_deadline: Duration,
    /// How long an answer serves the same question again; zero asks each time.
    pub keep: Duration,
    /// Budget of a prompt, in estimated tokens.
    pub prompt_tokens: usize,
    /// Rounds in which Codex gets context that it asks for, without the user's doing.
    pub max_context_rounds: usize,
}

/// `[config]`: which side of a change the repository's file is read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum From {
    /// The base in CI, where nobody has looked at the change yet, else the work tree.
    #[default]
    Auto,
    /// The work tree.
    Worktree,
    /// The side that the change starts from, so that no change loosens its own review.
    Base,
}

impl From {
    /// Whether the base is meant, here and now.
    pub fn is_base(self) -> bool {
        self == From::Base || (self == From::Auto && crate::env::in_ci())
    }
}

/// `[doghouse]`
#[derive(Debug, Clone, Copy)]
pub struct Doghouse {
    /// How long after a limit without a stated end; zero switches the doghouse off.
    pub duration: Duration,
    /// Longest time, whatever the service states.
    pub max: Duration,
}

/// `[gate]`
#[derive(Debug, Clone, Copy)]
pub struct Gate {
    /// The least severity that fails the run; `None` means never.
    pub fail_on: Option<Severity>,
}

/// `[select]`
#[derive(Debug, Clone)]
pub struct Select {
    /// The least score that earns a call, between 0 and 1.
    pub threshold: f64,
    /// The least score that goes along once another hunk has earned a call, between 0 and 1.
    pub along: f64,
    /// Unchanged lines around an edit, as `git diff -U`.
    pub context_lines: u32,
    /// Files that are looked at whatever the built-in reasons say.
    pub include: Globs,
    /// Files that are passed over.
    pub exclude: Globs,
    /// Whether generated files are looked at.
    pub generated: bool,
    /// Whether vendored files are looked at.
    pub vendored: bool,
}

/// A set of globs that remembers how it was written.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    written: Vec<String>,
    set: GlobSet,
}

impl Globs {
    /// Compiles the globs.
    ///
    /// # Errors
    /// Names the glob that is wrong.
    pub fn new(written: Vec<String>) -> Result<Globs, String> {
        let mut builder = GlobSetBuilder::new();
        for glob in &written {
            builder.add(Glob::new(glob).map_err(|error| error.to_string())?);
        }
        let set = builder.build().map_err(|error| error.to_string())?;
        Ok(Globs { written, set })
    }

    /// Whether one of the globs fits.
    pub fn is_match(&self, path: &bstr::BStr) -> bool {
        use bstr::ByteSlice;
        !self.written.is_empty() && self.set.is_match(path.to_path_lossy())
    }
}

/// Where a value came from; later ones win.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The user's file.
    User(String),
    /// The repository's tracked file.
    Repository(String),
    /// git's own configuration, with its level.
    Git(&'static str),
    /// An environment variable.
    Environment(String),
    /// A flag of this run.
    Flag,
}

impl Origin {
    /// Whether values from here may touch safety.
    fn may(&self, trust: Trust) -> bool {
        trust == Trust::Anyone || !matches!(self, Origin::Repository(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::User(path) | Origin::Repository(path) => f.write_str(path),
            Origin::Git(level) => write!(f, "git config ({level})"),
            Origin::Environment(name) => write!(f, "${name}"),
            Origin::Flag => f.write_str("command line"),
        }
    }
}

impl Config {
    /// Applies all layers to the defaults.
    ///
    /// # Errors
    /// Names the file or variable, the line, the key and the mend.
    pub fn load(layers: &Layers<'_>) -> Result<Config, ConfigError> {
        let mut read = layers.read()?;
        let profile = profile::named(&read.settings)?;
        read.settings.splice(0..0, profile.settings);
        let mut config = Config::default().with(read)?;
        for (key, value) in profile.codex {
            config.codex.config.entry(key).or_insert(value);
        }
        Ok(config)
    }

    /// A configuration of one file alone.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn of_file(text: &str, origin: &Origin) -> Result<Config, ConfigError> {
        let mut read = Read::default();
        table::read(text, origin, &mut read)?;
        Config::default().with(read)
    }

    fn with(mut self, read: Read) -> Result<Config, ConfigError> {
        self.own_rules = read.rules;
        self.own_categories = read.categories;
        self.accepts = read.accepts;
        self.rule_file = read.rule_file;
        for setting in &read.settings {
            self.apply(setting)?;
        }
        Ok(self)
    }

    /// The rules in force: the built-in ones and the user's own.
    ///
    /// # Errors
    /// When an own rule is wrong.
    pub fn rules(&self) -> Result<Rules, ConfigError> {
        let rules = Rules::with(&self.own_rules, &self.own_categories);
        rules.map_err(|error| ConfigError::rule(&self.rule_file, &error))
    }

    /// Whether the repository's file is read from the base. It is the user's to say, in any layer but
    /// that file.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn is_from_base(layers: &Layers<'_>) -> Result<bool, ConfigError> {
        let mut config = Config::default();
        for setting in layers.of_the_user()?.iter().filter(|setting| keys::is(&setting.key, FROM)) {
            config.apply(setting)?;
        }
        Ok(config.from.is_base())
    }

    fn apply(&mut self, setting: &Setting) -> Result<(), ConfigError> {
        let Some(key) = keys::find(&setting.key) else {
            return Err(ConfigError::unknown_key(setting, keys::nearest(&setting.key)));
        };
        if !setting.origin.may(key.trust) {
            return Err(ConfigError::not_for_a_repository(setting, key.name));
        }
        let value = match &setting.value {
            Written::Toml(value) => Ok(value.clone()),
            Written::Text(text) => key.kind.read(text),
        };
        value
            .and_then(|value| (key.set)(self, &value))
            .map_err(|problem| ConfigError::value(setting, key.name, &problem))?;
        self.origins.insert(key.name, setting.origin.clone());
        Ok(())
    }
}

impl Default for Codex {
    fn default() -> Self {
        Codex {
            command: "codex".to_owned(),
            model: "auto".to_owned(),
            profile: String::new(),
            effort: "xhigh".to_owned(),
            provider: Provider::Isolated,
            config: toml::Table::new(),
            env: Vec::new(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            first_answer: Duration::from_secs(60),
            idle: Duration::from_secs(300),
            deadline: Duration::from_secs(1800),
            hook_deadline: Duration::from_secs(200),
            keep: Duration::from_secs(86_400),
            prompt_tokens: 24_000,
            max_context_rounds: 0,
        }
    }
}

impl Default for Doghouse {
    fn default() -> Self {
        Doghouse { duration: Duration::from_secs(3600), max: Duration::from_secs(7 * 86_400) }
    }
}

impl Default for Gate {
    fn default() -> Self {
        Gate { fail_on: Some(Severity::High) }
    }
}

impl Default for Select {
    fn default() -> Self {
        Select {
            threshold: 0.5,
            along: 0.4,
            context_lines: 3,
            include: Globs::default(),
            exclude: Globs::default(),
            generated: false,
            vendored: false,
        }
    }
}
