//! The documents say what the program does: what they list is held against the code.
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use git_advisor::cli::Cli;
use git_advisor::config::{Config, KEYS};
use git_advisor::report::Format;
use serde::Deserialize;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder, relative to the crate's root.
fn files(folder: &str) -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_owned());
            }
        }
    }
    found
}

#[test]
fn the_architecture_names_every_source_file_and_no_other() {
    let page = read("ARCHITECTURE.md");
    let named: BTreeSet<String> = page
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|text| text.starts_with("src/") && text.contains('.') && !text.contains('*'))
        .map(str::to_owned)
        .collect();
    let there: BTreeSet<String> =
        files("src").iter().map(|path| path.display().to_string()).collect();
    let missing: Vec<_> = there.difference(&named).collect();
    let gone: Vec<_> = named.difference(&there).collect();
    assert!(missing.is_empty() && gone.is_empty(), "not named: {missing:?}; not there: {gone:?}");
}

#[test]
fn the_page_on_configuration_lists_every_key_with_its_default() {
    let page = read("docs/configuration.md");
    for key in KEYS {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", key.name)));
        let row = row.unwrap_or_else(|| panic!("{} has no row", key.name));
        let default = (key.show)(&Config::default()).to_string();
        assert!(row.contains(&format!("| `{default}` |")), "{row} does not name {default}");
    }
}

#[derive(Deserialize)]
struct Failures {
    failure: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    class: String,
    advice: String,
    mend: String,
}

#[test]
fn the_page_on_failures_and_the_readme_list_every_one_with_its_advice() {
    let page = read("docs/failures.md");
    let failures: Failures = toml::from_str(&read("src/consult/failures.toml")).unwrap();
    let readme = read("README.md");
    for failure in failures.failure {
        let row = page.lines().find(|line| line.starts_with(&format!("| `{}` |", failure.class)));
        let row = row.unwrap_or_else(|| panic!("{} has no row", failure.class));
        assert!(row.contains(&failure.advice) && row.contains(&failure.mend), "{row}");
        let of_advice =
            readme.lines().find(|line| line.starts_with(&format!("| {} |", failure.advice)));
        let of_advice = of_advice.unwrap_or_else(|| panic!("README.md has no {}", failure.advice));
        assert!(
            of_advice.contains(&format!("`{}`", failure.class)),
            "{} in README.md",
            failure.class
        );
    }
}

#[test]
fn the_msrv_is_the_same_everywhere() {
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    let msrv = manifest["package"]["rust-version"].as_str().unwrap();
    assert!(read("clippy.toml").contains(&format!("msrv = \"{msrv}\"")));
    assert!(read("README.md").contains(&format!("Rust {msrv}")));
}

#[test]
fn every_source_file_says_what_it_is() {
    for path in files("src").iter().filter(|path| path.extension().is_some_and(|end| end == "rs")) {
        assert!(read(path.to_str().unwrap()).starts_with("//!"), "{}", path.display());
    }
}

/// Every form of a review has its row, and no other has one.
#[test]
fn the_page_on_the_report_lists_every_form() {
    let page = read("docs/report.md");
    let table = page.split("## Forms").nth(1).unwrap().split("## ").next().unwrap();
    let rows: Vec<&str> =
        table.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect();
    let mut named = rows.clone();
    named.sort_unstable();
    let mut forms: Vec<String> = Format::value_variants()
        .iter()
        .map(|format| format.to_possible_value().unwrap().get_name().to_owned())
        .collect();
    forms.sort_unstable();
    assert_eq!(named, forms);
}

/// A link within the repository leads somewhere.
#[test]
fn every_link_between_documents_leads_to_a_file() {
    let mut pages = files("docs");
    pages.extend(["README.md", "ARCHITECTURE.md"].map(PathBuf::from));
    for page in pages {
        let folder = page.parent().unwrap();
        let text = read(page.to_str().unwrap());
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = target.split('#').next().unwrap();
            let there = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(path);
            assert!(
                target.contains("://") || path.is_empty() || there.exists(),
                "{}: {target}",
                page.display()
            );
        }
    }
}

/// What a person can type has a row in the table of commands.
#[test]
fn the_readme_lists_every_command() {
    let readme = read("README.md");
    for command in Cli::in_full().get_subcommands().filter(|command| !command.is_hide_set()) {
        let name = command.get_name();
        let row = |line: &str| {
            line.starts_with("| `git advisor") && line.contains(&format!("`git advisor {name}"))
        };
        assert!(readme.lines().any(row), "{name} has no row");
    }
}

#[test]
fn the_page_on_security_names_tests_that_are_there() {
    let page = read("SECURITY.md");
    let tests: Vec<String> = files("tests")
        .iter()
        .filter_map(|path| path.to_str())
        .filter(|path| path.ends_with(".rs"))
        .map(read)
        .collect();
    let rows = page.lines().filter(|line| line.starts_with("| ")).skip(1);
    let names = rows
        .flat_map(|row| row.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>());
    let names: Vec<String> = names.filter(|name| name.matches('_').count() > 2).collect();
    assert!(names.len() > 15, "{names:?}");
    for name in names {
        assert!(tests.iter().any(|text| text.contains(&format!("fn {name}("))), "{name}");
    }
}
