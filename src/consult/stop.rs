//! What ends a call before its time: a signal to the program, or whoever asked for it.

use tokio_util::sync::CancellationToken;

use super::failure::Failure;

/// What is listened to while a call runs.
#[derive(Debug, Clone, Default)]
pub enum Stop {
    /// A signal, which ends the program with the call.
    #[default]
    Signal,
    /// Whoever asked, who may ask for something else meanwhile; signals are theirs to listen to.
    Token(CancellationToken),
}

impl Stop {
    /// Completes when the call shall end, with the failure that says so.
    pub async fn stopped(&self) -> Failure {
        match self {
            Stop::Signal => signalled().await,
            Stop::Token(token) => {
                token.cancelled().await;
                Failure::of("interrupted", "cancelled by whoever asked")
            }
        }
    }
}

/// Completes when the program is told to stop, by the user or by the system.
async fn signalled() -> Failure {
    let interrupted = || Failure::of("interrupted", "stopped by the user");
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let both = (signal(SignalKind::terminate()), signal(SignalKind::hangup()));
        if let (Ok(mut terminate), Ok(mut hangup)) = both {
            return tokio::select! {
                _ = tokio::signal::ctrl_c() => interrupted(),
                _ = hangup.recv() => interrupted(),
                _ = terminate.recv() => Failure::of("terminated", "stopped by SIGTERM"),
            };
        }
    }
    drop(tokio::signal::ctrl_c().await);
    interrupted()
}
