//! The line on stderr while Codex thinks; silent where stderr is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::consult::Progress;

/// A progress line that goes when this value does.
#[derive(Debug)]
pub struct ProgressLine {
    bar: ProgressBar,
}

impl ProgressLine {
    /// Begins the line. indicatif itself stays silent where stderr is no terminal.
    pub fn begin() -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(5));
        // The template is constant, and the fallback is indicatif's own.
        let style = ProgressStyle::with_template("{spinner} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.set_message("starting Codex; Ctrl-C stops");
        bar.enable_steady_tick(Duration::from_millis(200));
        ProgressLine { bar }
    }

    /// Shows how far the call is.
    pub fn show(&self, progress: &Progress) {
        let elapsed = progress.elapsed.as_secs();
        self.bar.set_message(format!("{elapsed} s: {}; Ctrl-C stops", state(progress)));
    }
}

/// What Codex is doing, and since when nothing was seen of it.
pub fn state(progress: &Progress) -> String {
    match (progress.answering, progress.silent.as_secs()) {
        (false, _) => "waiting for the first answer".to_owned(),
        (true, 0..=4) => "Codex is thinking".to_owned(),
        (true, silent) => format!("Codex is thinking, last sign of life {silent} s ago"),
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
