//! `git advisor init`: a commented advisor.toml.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};

use anyhow::{Context, Result, bail};

use super::print;
use crate::exit::Exit;
use crate::source;

/// The documented example; every line of it is a comment or a default.
const EXAMPLE: &str = include_str!("../../advisor.toml.example");

pub(super) fn run() -> Result<Exit> {
    let repo = source::open()?;
    let top =
        repo.workdir().context("this repository is bare: advisor.toml belongs into a work tree")?;
    let path = top.join("advisor.toml");
    match OpenOptions::new().write(true).create_new(true).open(&path) {
        Ok(mut file) => {
            file.write_all(for_a_repository().as_bytes()).context("cannot write advisor.toml")?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            bail!("`{}` is there already; it is left as it is", path.display())
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot write `{}`", path.display()));
        }
    }
    print(&format!(
        "wrote {}; every key in it is commented out and shows its default\n",
        path.display()
    ))?;
    Ok(Exit::Clean)
}

/// The example with every key commented out: what is not set follows the defaults of later versions.
fn for_a_repository() -> String {
    let commented = |line: &str| match line {
        "" => "\n".to_owned(),
        line if line.starts_with('#') => format!("{line}\n"),
        line => format!("# {line}\n"),
    };
    EXAMPLE.lines().map(commented).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, KEYS, Trust};

    #[test]
    fn the_example_loads_and_equals_the_defaults() {
        let written: toml::Table = toml::from_str(EXAMPLE).unwrap();
        for key in KEYS {
            let (table, name) = key.name.split_once('.').unwrap();
            let value =
                written[table].get(name).unwrap_or_else(|| panic!("{} is missing", key.name));
            assert_eq!(value, &(key.show)(&Config::default()), "{}", key.name);
        }
        for (table, keys) in &written {
            for name in keys.as_table().unwrap().keys() {
                assert!(
                    KEYS.iter().any(|key| key.name == format!("{table}.{name}")),
                    "{table}.{name}"
                );
            }
        }
    }

    #[test]
    fn what_init_writes_sets_nothing() {
        assert!(toml::from_str::<toml::Table>(&for_a_repository()).unwrap().is_empty());
    }

    #[test]
    fn the_example_says_which_keys_a_repository_may_not_set() {
        for key in KEYS.iter().filter(|key| key.trust == Trust::User) {
            let name = key.name.rsplit('.').next().unwrap();
            let at = EXAMPLE.find(&format!("\n{name} = ")).unwrap();
            let comment = EXAMPLE[..at].rsplit("\n\n").next().unwrap();
            assert!(comment.contains("(user only)"), "{}", key.name);
        }
    }
}
