//! `git-advisor`: a second opinion from another model family on the risky hunks of a change.
//!
//! A change travels through this crate as a plain value from stage to stage, in the order of the
//! modules below. A [`source`] says which two sides are compared; [`change`] reads files, hunks and
//! lines; [`rules`] and [`classify`] tell which hunks are worth a look; [`pack`] takes those into a
//! token budget, secrets out by [`redact`]; [`prompt`] renders what is sent; [`consult`] makes one supervised,
//! leashed call to Codex or says why there was none; [`synthesize`] checks each claim against the
//! change; [`report`] writes it down; [`verdict`] is the exit status. No stage reaches back. What
//! knows git is at the left edge, what knows Codex is in one place, what knows a format is at the
//! right edge.

pub mod source;

pub mod change;

pub mod redact;

pub mod rules;

pub mod classify;

pub mod pack;

pub mod prompt;

pub mod consult;

pub mod synthesize;

pub mod report;

pub mod verdict;

pub mod record;

pub mod background;

pub mod cli;
pub mod commands;
pub mod config;
pub mod env;
pub mod exit;
mod mcp;
pub mod objects;
mod paths;
pub mod visible;
