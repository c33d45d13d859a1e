//! What fires is what a plain engine finds that tries every pattern on every line: literals, anchored tries and
//! all that makes the scan fast lose nothing and add nothing.
//!
//! Made files are read in every run. The last changes of real repositories are read on demand:
//!
//! ```text
//! GIT_ADVISOR_REPOS=FOLDER cargo test --release --test plain_engine -- --ignored --nocapture
//! ```
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

use std::collections::BTreeSet;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;
use git_advisor::change::{self, File, Hunk, Study};
use git_advisor::classify::{self, Classifier, Found, Scratch};
use git_advisor::config::Select;
use git_advisor::rules::{Language, Rule, Rules, Side};
use git_advisor::source::{self, Comparison, Sides, Spec};
use proptest::prelude::*;

/// More matches of a pattern in one run of lines are left out.
const MAX_PER_RUN: usize = 4;

/// A rule that fired, where, and on which side.
type Fired = (usize, u32, Side, String);

/// Both engines, side by side.
struct Both<'a> {
    fast: Classifier<'a>,
    rules: &'a Rules,
}

impl Study for Both<'_> {
    type Scratch = Scratch;
    type Found = (Found, Vec<Fired>);

    fn study(&self, file: &File, scratch: &mut Scratch) -> Self::Found {
        (self.fast.study(file, scratch), plain(file, self.rules))
    }

    fn wants_text(_: &Self::Found) -> bool {
        false
    }
}

/// What fires in a file, pattern by pattern and line by line.
fn plain(file: &File, rules: &Rules) -> Vec<Fired> {
    let language = file.language;
    let kind = rules.kind(file.path.as_ref());
    let mut all = Vec::new();
    for (number, hunk) in file.hunks.iter().enumerate() {
        for (side, lines) in runs(hunk) {
            let text = if side == Side::Removed { &file.old } else { &file.new };
            let Some(block) = text.block(lines.clone()) else { continue };
            for rule in rules.readers(&kind).filter(|rule| file.skipped.is_none() || rule.explicit)
            {
                if !rule.sides.contains(&side) {
                    continue;
                }
                for (_, regex) in rule.regexes() {
                    let places = matches(rule, regex, block, language);
                    let before = |at: usize| block[..at].find_iter("\n").count();
                    let line = |at: usize| lines.start + u32::try_from(before(at)).unwrap();
                    let fired = places.into_iter().take(MAX_PER_RUN);
                    all.extend(fired.map(|at| (number, line(at), side, rule.id.to_string())));
                }
            }
        }
    }
    all
}

/// The runs of lines of a hunk, each on its side.
fn runs(hunk: &Hunk) -> Vec<(Side, Range<u32>)> {
    let mut runs = Vec::new();
    let mut at = hunk.new.start;
    for edit in &hunk.edits {
        runs.push((Side::Context, at..edit.new.start));
        runs.push((Side::Removed, edit.old.clone()));
        runs.push((Side::Added, edit.new.clone()));
        at = edit.new.end;
    }
    runs.push((Side::Context, at..hunk.new.end));
    runs.retain(|(_, lines)| !lines.is_empty());
    runs
}

/// Where a pattern matches outside of comments, in bytes: once a line, or once each of several lines.
fn matches(
    rule: &Rule,
    regex: &regex_automata::meta::Regex,
    block: &[u8],
    language: Option<&Language>,
) -> Vec<usize> {
    let counts = |line: &[u8]| {
        rule.reads_comments || !language.is_some_and(|language| language.is_comment(line))
    };
    if rule.multiline {
        let first = |found: &[u8]| found.iter().position(u8::is_ascii_alphanumeric).unwrap_or(0);
        let places =
            regex.find_iter(block).map(|found| found.start() + first(&block[found.range()]));
        let line = |at: usize| {
            let start = block[..at].rfind_byte(b'\n').map_or(0, |before| before + 1);
            block[start..].lines().next().unwrap_or_default()
        };
        return places.filter(|&at| counts(line(at))).collect();
    }
    let mut start = 0;
    let lines = block.lines_with_terminator().map(|line| {
        start += line.len();
        (start - line.len(), line.strip_suffix(b"\n").unwrap_or(line))
    });
    lines.filter(|(_, line)| regex.is_match(*line) && counts(line)).map(|(at, _)| at).collect()
}

/// Compares both engines on a change; how many signals there were.
fn compare(comparison: &Comparison<'_>, rules: &Rules) -> usize {
    let select = Select::default();
    let both = Both { fast: Classifier::new(rules, &select), rules };
    let (change, found) = change::read(comparison, &select, &both).unwrap();
    let (fast, plain): (Vec<Found>, Vec<Vec<Fired>>) = found.into_iter().unzip();
    let classified = classify::settle(&change, fast, &select);
    let mut total = 0;
    for (file, plain) in change.files.iter().zip(plain) {
        let signals = file.hunks.iter().enumerate().flat_map(|(number, hunk)| {
            let signals = &classified.of(hunk.id).unwrap().signals;
            signals.iter().map(move |signal| {
                (number, signal.lines.start, signal.side, signal.rule.id.to_string())
            })
        });
        let fast: BTreeSet<Fired> = signals.filter(|(_, _, side, _)| *side != Side::Path).collect();
        let plain: BTreeSet<Fired> = plain.into_iter().collect();
        assert_eq!(fast, plain, "{}", file.path);
        total += fast.len();
    }
    total
}

/// The lines of all examples of the packs.
fn examples() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/rules/packs");
    let packs =
        fs::read_dir(folder).unwrap().map(|pack| fs::read_to_string(pack.unwrap().path()).unwrap());
    let rules = packs
        .flat_map(|pack| pack.parse::<toml::Table>().unwrap()["rule"].as_array().unwrap().clone());
    let examples = rules.flat_map(|rule| {
        let of = |key: &str| rule.get(key).and_then(|texts| texts.as_array()).cloned();
        [of("matches"), of("leaves")].into_iter().flatten().flatten()
    });
    examples.map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// A file as a patch that adds it, or takes it out.
fn patch(name: &str, text: &str, added: bool) -> String {
    let sign = if added { '+' } else { '-' };
    let lines: Vec<String> = text.split('\n').map(|line| format!("{sign}{line}\n")).collect();
    let head = match added {
        true => format!(
            "new file mode 100644\n--- /dev/null\n+++ b/{name}\n@@ -0,0 +1,{} @@\n",
            lines.len()
        ),
        false => format!(
            "deleted file mode 100644\n--- a/{name}\n+++ /dev/null\n@@ -1,{} +0,0 @@\n",
            lines.len()
        ),
    };
    format!("diff --git a/{name} b/{name}\n{head}{}", lines.concat())
}

fn compare_made(patch: String) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("made.patch");
    fs::write(&file, patch).unwrap();
    let comparison = source::resolve(None, &Spec::Patch(file.display().to_string())).unwrap();
    assert!(matches!(comparison.sides, Sides::Patch { .. }));
    compare(&comparison, Rules::built_in())
}

const NAMES: [&str; 14] = [
    "a.py",
    "a.rb",
    "a.js",
    "a.ts",
    "a.java",
    "a.go",
    "a.rs",
    "a.php",
    "a.c",
    "a.cs",
    "a.sh",
    "a.yml",
    "Dockerfile",
    "a.html",
];

#[test]
fn every_example_in_every_kind_of_file() {
    let text = examples().join("\n");
    let patches = NAMES
        .iter()
        .flat_map(|name| [patch(name, &text, true), patch(&format!("old/{name}"), &text, false)]);
    assert!(compare_made(patches.collect()) > 1_000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn pieces_of_examples_in_any_order(
        name in prop::sample::select(&NAMES[..]),
        added in any::<bool>(),
        cuts in prop::collection::vec((any::<prop::sample::Index>(), 0usize..60, 1usize..80, prop::sample::select(&["", " ", "\n", "\n\t", "x"][..])), 1..40),
    ) {
        let examples = examples();
        let pieces = cuts.iter().map(|(at, from, length, then)| {
            let text: String = at.get(&examples).chars().skip(*from % 20).take(*length).collect();
            text + then
        });
        compare_made(patch(name, &pieces.collect::<String>(), added));
    }
}

#[test]
#[ignore = "reads the repositories below the folder that GIT_ADVISOR_REPOS names"]
#[allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the variable and the words are the test's own"
)]
fn real_repositories() {
    let folder = std::env::var_os("GIT_ADVISOR_REPOS").map(PathBuf::from).unwrap();
    let mut repositories = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let Ok(repo) = git2::Repository::open_bare(path.join("repo"))
            .or_else(|_| git2::Repository::open(&path))
        else {
            continue;
        };
        // The last so many commits as one change, there and back.
        for spec in ["HEAD~60..HEAD", "HEAD..HEAD~60", "HEAD~400..HEAD~340"] {
            let Ok(comparison) = source::resolve(Some(&repo), &Spec::revisions(spec)) else {
                continue;
            };
            let signals = compare(&comparison, Rules::built_in());
            println!("{signals:6} signals  {}  {spec}", path.display());
        }
        repositories += 1;
    }
    assert!(repositories > 0, "{} holds no repository", folder.display());
}
