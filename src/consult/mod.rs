//! One supervised, leashed call to Codex, or the reason why there was none.
//!
//! Three rooms know three things: [`codex`] what to run (arguments and environment, each with its
//! reason), [`process`] how to run any child, [`events`] what Codex's lines mean. [`supervise`] is
//! the one loop in which output, exit, silence, deadlines and interrupts meet; [`failure`] gives
//! every way of failing a class and an advice; [`doghouse`] leaves a limited Codex alone.

pub mod codex;
pub mod doghouse;
pub mod events;
pub mod failure;
pub mod home;
pub mod installed;
mod lines;
mod process;
mod reset;
mod settings;
mod supervise;
mod workspace;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::config::Config;
use crate::exit::Exit;

pub use failure::{Advice, Failure};
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

/// Asks Codex. Every failure is a value of the result; nothing obtained is lost.
pub fn consult(
    prompt: &str,
    config: &Config,
    clock: Clock,
    progress: &mut dyn FnMut(&Progress),
) -> Consulted {
    let begun = Instant::now();
    if let Some(failure) = doghouse::check(&config.doghouse) {
        return Consulted { outcome: Outcome::Unavailable(failure), ..Consulted::default() };
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let mut consulted = match runtime {
        Ok(runtime) => {
            let consulted = runtime.block_on(call(prompt, config, clock, progress));
            // The handlers of the call stay for good, so somebody must go on listening.
            std::thread::spawn(move || {
                runtime.block_on(supervise::interrupted());
                std::process::exit(i32::from(Exit::Interrupted.code()));
            });
            consulted
        }
        Err(error) => unavailable(Failure::of("crashed", &format!("no runtime: {error}"))),
    };
    consulted.duration = begun.elapsed();
    if let Outcome::Unavailable(failure) = &mut consulted.outcome {
        doghouse::enter(failure, &config.doghouse);
    }
    consulted
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
    prompt: &str,
    config: &Config,
    clock: Clock,
    progress: &mut dyn FnMut(&Progress),
) -> Consulted {
    let prepared = tokio::select! {
        prepared = prepare(config) => prepared,
        () = supervise::interrupted() => Err(Failure::of("interrupted", "stopped by the user")),
    };
    let (workspace, call) = match prepared {
        Ok(prepared) => prepared,
        Err(failure) => return unavailable(failure),
    };
    let mut consulted = supervise::run(&call, prompt, clock, progress).await;
    consulted.model = Some(call.model.clone());
    consulted.effort = Some(call.effort.clone());
    drop(workspace);
    consulted
}

/// All that happens before Codex is asked: find it, read what it offers, lay out its workspace.
async fn prepare(config: &Config) -> Result<(workspace::Workspace, codex::Call), Failure> {
    let home = home::private()?;
    let installed = installed::probe(&config.codex.command, &home).await?;
    if !home::has_login() && !brings_its_own_login(config) {
        return Err(Failure::of("not-logged-in", "there is no login for Codex"));
    }
    let choice = codex::choose_model(&config.codex, &installed);
    let workspace = workspace::Workspace::new(&installed)?;
    let call = codex::call(&config.codex, &installed, &home, &workspace, choice);
    Ok((workspace, call))
}

/// Whether the user's settings point Codex elsewhere, where another key may count or none.
fn brings_its_own_login(config: &Config) -> bool {
    let keys = ["model_provider", "openai_base_url", "chatgpt_base_url"];
    keys.iter().any(|key| config.codex.config.contains_key(*key))
}

fn unavailable(failure: Failure) -> Consulted {
    Consulted { outcome: Outcome::Unavailable(failure), ..Consulted::default() }
}
