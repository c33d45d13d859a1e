//! The analyzer on small changes of our own making: flaws of many kinds that it must find, and ordinary
//! changes that it must leave. `benches/corpus.py` measures the same on public repositories.
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

use std::fs;
use std::path::Path;

use git_advisor::change;
use git_advisor::classify::{self, Classified, Classifier};
use git_advisor::config::Select;
use git_advisor::rules::Rules;
use git_advisor::source::Comparison;

/// The name and the patch of each change in a folder of `fixtures/recall`.
fn patches(folder: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recall").join(folder);
    let mut found: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap())
        })
        .collect();
    found.sort();
    found
}

fn scanned(patch: &[u8]) -> Classified {
    let comparison = Comparison::of_patch(patch.to_vec());
    let select = Select::default();
    let classifier = Classifier::new(Rules::built_in(), &select);
    let (change, found) = change::read(&comparison, &select, &classifier).unwrap();
    classify::settle(&change, found, &select)
}

/// The same change the other way round.
fn reversed(patch: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(patch).unwrap();
    let mut lines = text.lines();
    let (_, new) = (lines.next().unwrap(), lines.next().unwrap().trim_start_matches("+++ b/"));
    let header: Vec<&str> = lines.next().unwrap().split(' ').collect();
    let swapped = format!("@@ -{} +{} @@", &header[2][1..], &header[1][1..]);
    let body = lines.map(|line| match line.split_at(1) {
        ("-", rest) => format!("+{rest}"),
        ("+", rest) => format!("-{rest}"),
        _ => line.to_owned(),
    });
    let body: Vec<String> = body.collect();
    format!("--- a/{new}\n+++ b/{new}\n{swapped}\n{}\n", body.join("\n")).into_bytes()
}

#[test]
fn a_flaw_earns_a_call_in_its_category() {
    let mut missed = Vec::new();
    let flaws = patches("flaws");
    for (name, patch) in &flaws {
        let classified = scanned(patch);
        let (category, _) = name.split_once('-').unwrap();
        let named =
            |hunk: &classify::HunkScore| hunk.categories.iter().any(|(known, _)| known == category);
        if !classified.selected().any(named) {
            missed.push(format!("{name}: {:?}", classified.hunks[0].categories));
        }
    }
    assert!(flaws.len() >= 14);
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn the_mend_of_a_flaw_earns_a_call_nearly_as_often() {
    let flaws = patches("flaws");
    let missed: Vec<&String> = flaws
        .iter()
        .filter(|(_, patch)| scanned(&reversed(patch)).selected().next().is_none())
        .map(|(name, _)| name)
        .collect();
    assert!(missed.len() <= 2, "{missed:?}");
}

#[test]
fn ordinary_changes_earn_no_call() {
    let called: Vec<String> = patches("ordinary")
        .into_iter()
        .filter_map(|(name, patch)| {
            let classified = scanned(&patch);
            let hunk = classified.selected().next()?;
            Some(format!("{name}: {:?}", hunk.categories))
        })
        .collect();
    assert!(called.is_empty(), "{}", called.join("\n"));
}
