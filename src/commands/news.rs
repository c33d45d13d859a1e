//! What happens while a command works, for whoever waits. The commands themselves print nothing.

use super::{Loudness, loudness, tell};
use crate::consult::Progress;
use crate::report::progress::ProgressLine;

/// Something that happened.
#[derive(Debug, Clone, Copy)]
pub enum News<'a> {
    /// What was done, for who wants to know.
    Step(&'a str),
    /// Worth knowing.
    Note(&'a str),
    /// Something is not as it was asked for.
    Warning(&'a str),
    /// How far a call is.
    Progress(&'a Progress),
}

/// Whoever waits.
pub type Notify<'a> = dyn FnMut(News<'_>) + 'a;

/// Tells a person, on stderr.
pub(super) fn on_stderr() -> impl FnMut(News<'_>) {
    let mut line: Option<ProgressLine> = None;
    move |news| match news {
        News::Progress(_) if loudness() == Loudness::Quiet => {}
        News::Progress(progress) => line.get_or_insert_with(ProgressLine::begin).show(progress),
        News::Step(text) if loudness() == Loudness::Verbose => {
            line = None;
            tell("step", text);
        }
        News::Step(_) => {}
        News::Note(text) => {
            line = None;
            tell("note", text);
        }
        News::Warning(text) => {
            line = None;
            tell("warning", text);
        }
    }
}
