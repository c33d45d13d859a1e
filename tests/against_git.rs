//! `scan` sees exactly what `git diff` sees: paths, statuses, renames and lines, held against git.
//!
//! Made histories are compared in every run. Real ones are compared on demand, all repositories
//! below a folder:
//!
//! ```text
//! GIT_ADVISOR_REPOS=FOLDER cargo test --release --test against_git -- --ignored
//! ```
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod against;
mod support;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Once;

use against::{Pair, Random, Tally, compare};
use support::Repo;

/// The folder of real repositories.
const REPOS: &str = "GIT_ADVISOR_REPOS";

/// Compares, tells what was compared, and fails where the two differ.
#[track_caller]
fn check(what: &str, repo: &Path, pairs: &[Pair]) -> Tally {
    static HEAD: Once = Once::new();
    let tally = compare(repo, pairs);
    HEAD.call_once(|| say(&format!("\n{}\n", Tally::HEAD)));
    say(&format!("{tally}  {what}\n"));
    tally.check();
    tally
}

/// Past the harness, which keeps what a test that passes prints to itself.
fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}

/// The last commit of a repository against the one before.
fn last(repo: &Repo) -> Pair {
    Pair::of(&repo.git(&["rev-parse", "HEAD~1"]), &repo.git(&["rev-parse", "HEAD"]))
}

/// Each commit against the one before, and others there and back over a longer way.
fn walks(commits: &[String]) -> Vec<Pair> {
    let near = commits.windows(2).map(|two| Pair::of(&two[0], &two[1]));
    let there = commits.windows(12).step_by(4).map(|some| Pair::of(&some[0], &some[11]));
    let back = commits.windows(7).step_by(4).map(|some| Pair::of(&some[6], &some[0]));
    near.chain(there).chain(back).collect()
}

#[test]
fn made_histories_in_loose_objects() {
    let repo = Repo::init();
    let commits = against::write(&repo, &mut Random(1), 75);
    let empty = repo.git(&["hash-object", "-t", "tree", "-w", "/dev/null"]);
    let mut pairs = walks(&commits);
    pairs.push(Pair::of(&empty, &commits[74]));
    pairs.push(Pair::of(&commits[74], &empty));
    assert!(repo.git(&["count-objects", "-v"]).contains("in-pack: 0"));
    check("loose", repo.path(), &pairs);
}

#[test]
fn made_histories_in_packs() {
    let repo = Repo::init();
    let commits = against::write(&repo, &mut Random(2), 75);
    repo.git(&["repack", "-a", "-d", "-q"]);
    assert!(repo.git(&["count-objects", "-v"]).starts_with("count: 0\n"));
    check("packed", repo.path(), &walks(&commits));
}

#[test]
fn made_histories_in_packs_as_they_were_fetched() {
    let repo = Repo::init();
    let commits = against::write(&repo, &mut Random(2), 75);
    repo.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let (clone, from) = (Repo::bare(), repo.path().to_str().unwrap());
    for last in [24, 49, 74] {
        let what = format!("{}:refs/heads/to-{last}", commits[last]);
        clone.git(&["-c", "fetch.unpackLimit=1", "fetch", "--quiet", from, &what]);
    }
    let counted = clone.git(&["count-objects", "-v"]);
    assert!(counted.starts_with("count: 0\n") && counted.contains("\npacks: 3\n"), "{counted}");
    check("fetched", clone.path(), &walks(&commits));
}

#[test]
fn sha256_repositories() {
    let repo = Repo::init_with(&["--object-format=sha256"]);
    let commits = against::write(&repo, &mut Random(3), 20);
    check("SHA-256", repo.path(), &walks(&commits));
}

#[test]
fn clones_that_borrow_their_objects() {
    let repo = Repo::init();
    let commits = against::write(&repo, &mut Random(4), 20);
    let clone = repo.path().with_file_name("borrowing");
    repo.git(&["clone", "--quiet", "--shared", "--bare", ".", clone.to_str().unwrap()]);
    assert!(clone.join("objects/info/alternates").exists());
    check("alternates", &clone, &walks(&commits));
}

#[test]
fn shallow_clones() {
    let repo = Repo::init();
    let commits = against::write(&repo, &mut Random(5), 20);
    let clone = repo.clone_with(&["--bare", "--depth=4"]);
    check("shallow", clone.path(), &walks(&commits[16..]));
}

#[test]
fn partial_clones_list_what_they_have_not() {
    let repo = Repo::init();
    let commits = against::write(&repo, &mut Random(6), 20);
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let clone = repo.clone_with(&["--bare", "--filter=blob:none"]);
    let tally = check("partial", clone.path(), &walks(&commits));
    assert!(tally.listed_only > 0 && tally.lines == 0);
}

#[test]
fn replaced_objects_are_seen_as_git_shows_them() {
    let repo = Repo::init();
    repo.write("a.py", "one\n");
    repo.commit("Begin");
    repo.write("a.py", "two\n");
    repo.commit("Change");
    repo.write("other.py", "instead\n");
    let other = repo.git(&["hash-object", "-w", "other.py"]);
    repo.git(&["replace", &repo.git(&["rev-parse", "HEAD:a.py"]), &other]);
    assert!(repo.git(&["diff", "HEAD~1", "HEAD"]).contains("+instead"));
    check("replaced blob", repo.path(), &[last(&repo)]);
    repo.write("b.py", "three\n");
    repo.commit("Add");
    let pair = last(&repo);
    repo.write("c.py", "four\n");
    repo.commit("Add another");
    repo.git(&["replace", &pair.new, "HEAD"]);
    assert!(repo.git(&["diff", &pair.old, &pair.new]).contains("+four"));
    check("replaced commit", repo.path(), &[pair]);
}

#[test]
fn files_that_only_move_are_renames_whatever_they_hold() {
    let repo = Repo::init();
    for at in 0..80 {
        repo.write(format!("old/{at}.bin"), [b"\0", at.to_string().as_bytes()].concat());
    }
    repo.commit("Begin");
    fs::create_dir(repo.path().join("new")).unwrap();
    for at in 0..80 {
        let (old, new) = (format!("old/{at}.bin"), format!("new/{}.dat", at * 7 % 80));
        fs::rename(repo.path().join(old), repo.path().join(new)).unwrap();
    }
    repo.commit("Move");
    let tally = check("moved", repo.path(), &[last(&repo)]);
    assert_eq!(tally.renames, 80);
}

#[test]
fn the_limits_of_size_and_of_text_are_exact() {
    let repo = Repo::init();
    let text = |bytes: usize| "0123456789abcde\n".repeat(bytes / 16);
    repo.write("at-the-limit.py", text(4 << 20));
    repo.write("beyond-it.py", text((4 << 20) + 16));
    repo.write("early-nul.py", text(7_984) + "0123456789abcde\0\n");
    repo.write("late-nul.py", text(8_000) + "\0\n");
    repo.commit("Begin");
    for name in ["at-the-limit.py", "beyond-it.py", "early-nul.py", "late-nul.py"] {
        let before = fs::read(repo.path().join(name)).unwrap();
        repo.write(name, [b"X", &before[1..]].concat());
    }
    repo.commit("Change");
    let tally = check("limits", repo.path(), &[last(&repo)]);
    assert_eq!((tally.lines, tally.listed_only), (4, 2));
    repo.git(&["repack", "-a", "-d", "-q"]);
    let tally = check("limits, packed", repo.path(), &[last(&repo)]);
    assert_eq!((tally.lines, tally.listed_only), (4, 2));
}

#[test]
#[ignore = "compares the repositories below the folder that GIT_ADVISOR_REPOS names"]
#[allow(clippy::disallowed_methods, reason = "the variable is the test's own")]
fn real_repositories() {
    let folder = std::env::var_os(REPOS).map(PathBuf::from);
    let folder = folder.unwrap_or_else(|| panic!("{REPOS} names no folder of repositories"));
    let found = against::repositories(&folder);
    assert!(!found.is_empty(), "{} holds no repository", folder.display());
    let mut total = Tally::default();
    say(&format!("{}\n", Tally::HEAD));
    for repo in found {
        let tally = compare(&repo.path, &repo.pairs());
        say(&format!("{tally}  {}\n", repo.name));
        total.add(tally);
    }
    say(&format!("{total}  all\n"));
    total.check();
}
