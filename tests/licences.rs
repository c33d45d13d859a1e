//! Every dependency may be used under a licence that fits ours.
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

use std::process::Command;

use serde_json::Value;
use spdx::Expression;

/// Licences that may be combined with MIT and Apache-2.0 in a binary without further duties than a notice.
const ACCEPTED: [&str; 8] =
    ["MIT", "MIT-0", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "Unicode-3.0", "Zlib"];

#[test]
fn every_dependency_is_under_an_accepted_licence() {
    // Without the network only what was fetched can be read: everything after `cargo fetch`, else
    // what this platform needs.
    let metadata = metadata(&[]).or_else(|_| metadata(&["--filter-platform", &host()]));
    let metadata = metadata.unwrap_or_else(|error| panic!("{error}"));
    let packages = metadata["packages"].as_array().unwrap();
    assert!(packages.len() > 50, "cargo lists only {} packages", packages.len());
    let refused: Vec<String> = packages.iter().filter_map(refusal).collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// What cargo says of all packages, or its complaint.
fn metadata(args: &[&str]) -> Result<Value, String> {
    let cargo = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline"])
        .args(args)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    if cargo.status.success() {
        Ok(serde_json::from_slice(&cargo.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&cargo.stderr).into_owned())
    }
}

/// The platform that the tests are built for, as rustc names it.
fn host() -> String {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let said = String::from_utf8(rustc.stdout).unwrap();
    said.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned()
}

/// Why a package is refused, if it is.
fn refusal(package: &Value) -> Option<String> {
    let name = format!("{} {}", package["name"].as_str()?, package["version"].as_str()?);
    let Some(written) = package["license"].as_str() else {
        return Some(format!("{name} states no licence"));
    };
    // Some older crates write `MIT/Apache-2.0`.
    let expression = match Expression::parse_mode(written, spdx::ParseMode::LAX) {
        Ok(expression) => expression,
        Err(error) => return Some(format!("{name}: {written}: {error}")),
    };
    let accepted = expression
        .evaluate(|wanted| wanted.license.id().is_some_and(|id| ACCEPTED.contains(&id.name)));
    (!accepted).then(|| format!("{name} is under {written}"))
}
