//! The page of the rules is what the packs hold.
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use git_advisor::rules::{Rule, Rules, Side};

const HEAD: &str = "# The built-in rules

What `git advisor rules list` shows, by category; `git advisor rules explain ID` adds the patterns. A rule reads added and
removed lines unless it says otherwise. *Explicit* rules may block alone, because the line is itself the proof. Hunks of
code are weighed beyond the rules too: see [how hunks are found](analyzer.md).

## How many rules read which language

A rule that names no language reads every file, or those that its globs name: `any` counts them. A language without
rules in a category is still read by those.

";

#[test]
fn the_page_lists_the_rules_in_force() {
    let page = page(Rules::built_in());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules.md");
    if fs::read_to_string(&path).unwrap_or_default() != page {
        let right = Path::new(env!("CARGO_TARGET_TMPDIR")).join("rules.md");
        fs::write(&right, page).unwrap();
        panic!("{} is not what the packs hold; {} is", path.display(), right.display());
    }
}

fn page(rules: &Rules) -> String {
    let mut page = HEAD.to_owned();
    let categories: Vec<&str> =
        rules.categories().iter().map(|category| category.name.as_str()).collect();
    let languages: BTreeSet<&str> = rules.iter().flat_map(Rule::languages).collect();
    writeln!(
        page,
        "| language | {} |\n|---|{}",
        categories.join(" | "),
        "---|".repeat(categories.len())
    )
    .unwrap();
    for language in ["any"].into_iter().chain(languages) {
        let count = |category: &&str| {
            let of = rules.iter().filter(|rule| rule.category == **category).map(Rule::languages);
            of.filter(
                |read| if language == "any" { read.is_empty() } else { read.contains(&language) },
            )
            .count()
        };
        let counts: Vec<String> =
            categories.iter().map(|category| count(category).to_string()).collect();
        writeln!(page, "| {language} | {} |", counts.join(" | ")).unwrap();
    }
    for category in rules.categories() {
        writeln!(page, "\n## {} (`{}`)\n\n| rule | what it sees | weight | severity | CWE |\n|---|---|---|---|---|", category.title, category.name).unwrap();
        for rule in rules.iter().filter(|rule| rule.category == category.name) {
            let what = format!(
                "{}{}{}",
                rule.title.replace('|', "\\|"),
                sides(rule),
                if rule.explicit { "; *explicit*" } else { "" }
            );
            let cwe: Vec<&str> = rule.cwe.iter().map(AsRef::as_ref).collect();
            writeln!(
                page,
                "| `{}` | {what} | {:.2} | {} | {} |",
                rule.id,
                rule.weight,
                rule.severity.name(),
                cwe.join(", ")
            )
            .unwrap();
        }
    }
    page
}

fn sides(rule: &Rule) -> &'static str {
    match &*rule.sides {
        [Side::Added] => "; added lines",
        [Side::Removed] => "; removed lines",
        [Side::Path] => "; the path",
        _ => "",
    }
}
