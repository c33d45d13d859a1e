//! The real Codex CLI: where it is, and the configuration that turns it to the loopback server.

use std::path::{Path, PathBuf};

use super::home::{find_on_path, is_executable};
use super::responses::ResponsesServer;

/// The version that the tests were written against.
pub const VERSION: &str = "0.169.0";

/// The variable that carries the key for the loopback provider.
pub const KEY_VARIABLE: &str = "ADVISOR_TEST_KEY";

/// The CLI named by `GIT_ADVISOR_TEST_CODEX`, else the one of `npm install` in the crate's root,
/// else the one on `PATH`.
///
/// A variable that names no program is a mistake and not an absence: it fails.
pub fn real_codex() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("GIT_ADVISOR_TEST_CODEX") {
        // A relative name means the crate's root, but the child will run elsewhere.
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        assert!(
            is_executable(&path),
            "GIT_ADVISOR_TEST_CODEX names no program: {}",
            path.display()
        );
        return Some(path);
    }
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/.bin/codex");
    if is_executable(&installed) { Some(installed) } else { find_on_path("codex") }
}

/// The user's configuration that makes `codex` ask `server`. The run needs [`KEY_VARIABLE`] in its
/// environment.
pub fn user_config(server: &ResponsesServer, codex: &Path) -> String {
    let provider = format!(
        "{{ name = \"loopback\", base_url = \"{}\", env_key = \"{KEY_VARIABLE}\", \
         wire_api = \"responses\" }}",
        server.base_url(),
    );
    format!(
        r#"[codex]
command = "{}"
model = "gpt-5.5"
env = ["{KEY_VARIABLE}"]
config = {{ model_provider = "loopback", "model_providers.loopback" = {provider} }}
"#,
        codex.display(),
    )
}
