//! Files that never leave the machine, whatever a rule says of them.

use std::sync::OnceLock;

use bstr::BStr;

use crate::change::File;
use crate::paths::Paths;

/// Names, in lower case, under which secrets are kept; a sample of the same name is no secret.
const DENIED: [&str; 27] = [
    "**/.env",
    "**/.env.*",
    "**/*.pem",
    "**/*.key",
    "**/*.p12",
    "**/*.pfx",
    "**/*.jks",
    "**/*.keystore",
    "**/*.kdbx",
    "**/id_rsa*",
    "**/id_dsa*",
    "**/id_ecdsa*",
    "**/id_ed25519*",
    "**/.netrc",
    "**/.git-credentials",
    "**/.pgpass",
    "**/.htpasswd",
    "**/.pypirc",
    "**/.vault-token",
    "**/.aws/credentials",
    "**/.docker/config.json",
    "**/*.p8",
    "**/*.ppk",
    "**/*.tfstate",
    "**/*.tfstate.backup",
    "**/*.gpg",
    "**/wallet.dat",
];

/// Endings of samples that may go along.
const SAMPLES: [&str; 5] = [".example", ".sample", ".template", ".dist", ".pub"];

/// Whether a file never leaves the machine, by its path before the change or after it.
pub(super) fn is_denied(file: &File) -> bool {
    let paths = [Some(&file.path), file.old_path.as_ref()];
    paths.into_iter().flatten().any(|path| is_denied_path(path.as_ref()))
}

/// Whether a file of this path never leaves the machine.
pub(super) fn is_denied_path(path: &BStr) -> bool {
    static SET: OnceLock<Paths> = OnceLock::new();
    let set = SET.get_or_init(|| Paths::new(DENIED));
    let sample = SAMPLES.iter().any(|ending| path.ends_with(ending.as_bytes()));
    !sample && set.is_match(&path.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_secrets_are_denied_and_samples_are_not() {
        for path in [
            ".env",
            "deploy/.env.production",
            "certs/Server.KEY",
            "home/.ssh/id_rsa",
            "a/.netrc",
            "infra/terraform.tfstate",
        ] {
            assert!(is_denied_path(path.into()), "{path}");
        }
        for path in [".env.example", "src/env.rs", "keys/id_rsa.pub", "keyboard.rs"] {
            assert!(!is_denied_path(path.into()), "{path}");
        }
    }
}
