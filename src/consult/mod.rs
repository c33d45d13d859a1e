//! One supervised, leashed call to Codex, or the reason why there was none.
//!
//! Three rooms know three things: [`codex`] what to run (arguments and environment, each with its
//! reason), [`process`] how to run any child, [`events`] what Codex's lines mean. [`supervise`] is
//! the one loop in which output, exit, silence, deadlines and interrupts meet; [`proof`] lets the leash
//! prove itself before a first call; [`failure`] gives every way of failing a class and an advice;
//! [`doghouse`] leaves a limited Codex alone. [`judge()`] runs the one other program that has a say.

pub mod codex;
pub mod doghouse;
pub mod events;
pub mod failure;
pub mod home;
pub mod installed;
mod judge;
mod lines;
mod listener;
mod process;
pub mod proof;
mod reset;
mod settings;
mod stop;
mod supervise;
pub mod warden;
mod workspace;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::config::Config;
use crate::exit::Exit;

use codex::{Choice, Destination, Leash};
use home::PrivateHome;
use installed::Installed;
use proof::Proof;
use workspace::Workspace;

pub use failure::{Advice, Failure};
pub use judge::judge;
pub use stop::Stop;
pub use supervise::Progress;

/// What came of a consultation, with everything that was obtained on the way.
#[derive(Debug, Default)]
pub struct Consulted {
    /// The answer, or why there is none.
    pub outcome: Outcome,
    /// Codex's session, which a follow-up resumes.
    pub session_id: Option<String>,
    /// Whether Codex was started with the prompt.
    pub started: bool,
    /// The model that was asked.
    pub model: Option<String>,
    /// The reasoning effort that was asked for.
    pub effort: Option<String>,
    /// Token counts as Codex reports them.
    pub usage: Option<Value>,
    /// Wall time of the call.
    pub duration: Duration,
    /// Codex's event lines as they came.
    pub events: Vec<u8>,
    /// Codex's stderr, without the heartbeat (which names the account).
    pub stderr: Vec<u8>,
    /// What the user should know beside the answer, for example that another model answered.
    pub notes: Vec<String>,
}

/// How a consultation ended.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// Codex's last message, of a turn that was completed.
    Answered(String),
    /// There is no answer that can be used.
    Unavailable(Failure),
}

impl Default for Outcome {
    fn default() -> Self {
        Outcome::Unavailable(Failure::of("no-answer", "Codex was not asked"))
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// The prompt, on stdin.
    pub prompt: &'a str,
    /// Codex's session to go on with, where it is not the first round.
    pub session: Option<&'a str>,
    /// What ends the call before its time.
    pub stop: &'a Stop,
}

/// Asks Codex. Every failure is a value of the result; nothing obtained is lost.
pub fn consult(
    ask: &Ask<'_>,
    config: &Config,
    clock: Clock,
    progress: &mut dyn FnMut(&Progress),
) -> Consulted {
    let begun = Instant::now();
    let whom = doghouse::Whom::of(config);
    if let Some(failure) = doghouse::check(&config.doghouse, &whom) {
        return unavailable(failure);
    }
    let mut consulted =
        completed(call(ask, config, clock, progress), ask.stop).unwrap_or_else(unavailable);
    consulted.duration = begun.elapsed();
    if let Outcome::Unavailable(failure) = &mut consulted.outcome {
        doghouse::enter(failure, &config.doghouse, &whom);
    }
    consulted
}

/// What a look at the installed Codex shows.
#[derive(Debug)]
pub struct Look {
    /// What is installed.
    pub installed: Installed,
    /// What would be asked.
    pub choice: Choice,
    /// Whether the leash holds it.
    pub proof: Result<Proof, Failure>,
}

/// Looks at the installed Codex without asking the service anything.
///
/// # Errors
/// When there is none that could be asked.
pub fn look(config: &Config) -> Result<Look, Failure> {
    let stop = Stop::Signal;
    let work = async {
        let prepared = prepare(config).await?;
        let leash = prepared.leash(config);
        let proof = proof::of(&leash, &stop).await;
        let choice = leash.choice;
        Ok(Look { installed: prepared.installed, choice, proof })
    };
    completed(work, &stop)?
}

/// Runs what waits for children and clocks.
fn completed<T>(work: impl Future<Output = T>, stop: &Stop) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::of("crashed", &format!("no runtime: {error}")))?;
    let done = runtime.block_on(work);
    if matches!(stop, Stop::Signal) {
        // The handlers of signals stay for good, so somebody must go on listening.
        std::thread::spawn(move || {
            let stopped = runtime.block_on(Stop::Signal.stopped());
            std::process::exit(i32::from(stopped.exit().unwrap_or(Exit::Interrupted).code()));
        });
    }
    Ok(done)
}

/// The three clocks of a call.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// Until the server's first headers.
    pub first_answer: Duration,
    /// Without a sign of life.
    pub idle: Duration,
    /// For the whole call.
    pub deadline: Duration,
}

impl Clock {
    /// The clocks of a review by hand.
    pub fn of(config: &Config) -> Clock {
        let limits = config.limits;
        Clock { first_answer: limits.first_answer, idle: limits.idle, deadline: limits.deadline }
    }
}

async fn call(
    ask: &Ask<'_>,
    config: &Config,
    clock: Clock,
    progress: &mut dyn FnMut(&Progress),
) -> Consulted {
    if ask.session.is_some_and(|session| !is_session_id(session)) {
        return unavailable(Failure::of("session-gone", "the session's id is none"));
    }
    let prepared = tokio::select! {
        prepared = prepare(config) => prepared,
        stopped = ask.stop.stopped() => Err(stopped),
    };
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => return unavailable(failure),
    };
    if !home::has_login() && !brings_its_own_login(config) {
        return unavailable(Failure::of("not-logged-in", "there is no login for Codex"));
    }
    let leash = prepared.leash(config);
    if let Err(failure) = proof::of(&leash, ask.stop).await {
        return unavailable(failure);
    }
    let call = leash.call(Destination::Service, ask.session);
    let mut consulted = supervise::run(&call, ask.prompt, clock, ask.stop, progress).await;
    if let (Some(session), Outcome::Answered(_)) = (ask.session, &consulted.outcome)
        && consulted.session_id.as_deref() != Some(session)
    {
        // The answer is to a question without the change.
        let failure = Failure::of("session-gone", "Codex went on in another session");
        consulted.outcome = Outcome::Unavailable(failure);
    }
    consulted.model = Some(call.model.clone());
    consulted.effort = Some(call.effort.clone());
    consulted
}

/// Whether a text can be the id of a session: Codex takes anything else for the name of a new one.
fn is_session_id(text: &str) -> bool {
    text.len() == 36
        && text.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
        && !text.starts_with('-')
}

/// What a call needs to be there.
struct Prepared {
    home: PrivateHome,
    installed: Installed,
    workspace: Workspace,
}

impl Prepared {
    fn leash<'a>(&'a self, config: &'a Config) -> Leash<'a> {
        Leash {
            codex: &config.codex,
            installed: &self.installed,
            home: &self.home,
            workspace: &self.workspace,
            choice: codex::choose_model(&config.codex, &self.installed),
        }
    }
}

/// All that happens before Codex is asked: find it, read what it offers, lay out its workspace.
async fn prepare(config: &Config) -> Result<Prepared, Failure> {
    let home = home::private()?;
    let installed = installed::probe(&config.codex.command, &home).await?;
    let workspace = Workspace::new(&installed)?;
    Ok(Prepared { home, installed, workspace })
}

/// Whether the user's settings point Codex elsewhere, where another key may count or none.
fn brings_its_own_login(config: &Config) -> bool {
    let keys = ["model_provider", "openai_base_url", "chatgpt_base_url"];
    keys.iter().any(|key| config.codex.config.contains_key(*key))
}

fn unavailable(failure: Failure) -> Consulted {
    Consulted { outcome: Outcome::Unavailable(failure), ..Consulted::default() }
}
