//! The bench: what the tests of the whole program stand on.
//!
//! A repository made by real git, a private user, a command line that nothing of the machine leaks
//! into, and two counterparts for the child: a loopback server for the real Codex, and a scripted
//! stand-in for the faults that the real one cannot be made to show. It needs a Unix, for process
//! groups, links and a shell.
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of the bench")]
#![allow(unreachable_pub, reason = "the bench is a library in all but its crate type")]
#![allow(clippy::panic, reason = "to panic is how a test fails")]
#![allow(clippy::disallowed_methods, reason = "the bench reads the machine that it shuts out")]

mod advisor;
mod codex;
mod home;
mod mcp;
mod output;
mod repo;
mod responses;
mod running;
mod sample;
mod schema;
mod stand_in;
mod trials;

pub use advisor::Advisor;
pub use codex::{KEY_VARIABLE, VERSION, real_codex, user_config};
pub use home::{Home, find_on_path, machine_path};
pub use mcp::Client;
pub use output::Output;
pub use repo::Repo;
pub use responses::{Reply, Request, ResponsesServer};
pub use running::Running;
pub use sample::{all_clear, label, risky_repo};
pub use schema::assert_valid;
pub use stand_in::{Call, StandIn, THREAD_ID};
pub use trials::{
    with_claude, with_codex, with_codex_and_namespaces, with_inspector, with_pre_commit,
};
