//! How far a call is, told to a client that wants to know: at once, and then every second.

use std::time::{Duration, Instant};

use rmcp::model::ProgressNotificationParam;
use rmcp::service::{RequestContext, RoleServer};
use tokio::sync::watch;

/// How often it is told. Clients that count the silence count it in tens of seconds.
const BEAT: Duration = Duration::from_secs(1);

/// Waits for the end of some work, and tells meanwhile what it says last and how long it takes.
pub(super) async fn told<T>(
    work: impl Future<Output = T>,
    context: &RequestContext<RoleServer>,
    said: watch::Receiver<String>,
) -> T {
    let Some(token) = context.meta.get_progress_token() else { return work.await };
    let begun = Instant::now();
    let mut beat = tokio::time::interval(BEAT);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            _ = beat.tick() => {
                let elapsed = begun.elapsed();
                let message = format!("{} s: {}", elapsed.as_secs(), *said.borrow());
                let told = ProgressNotificationParam::new(token.clone(), elapsed.as_secs_f64());
                // A client that does not read holds no call up.
                let sent = context.peer.notify_progress(told.with_message(message));
                drop(tokio::time::timeout(BEAT, sent).await);
            }
        }
    }
}
