//! Every kind of source, on real repositories made by real git.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use serde_json::{Value, json};
use support::{Advisor, Home, Repo};

/// The files of a scan as `(path, status, hunk headers)`.
fn files(report: &Value) -> Vec<(String, String, Vec<String>)> {
    let files = report["files"].as_array().unwrap().iter();
    files
        .map(|file| {
            let hunks = file["hunks"].as_array().unwrap().iter();
            let headers = hunks.map(|hunk| {
                let number = |key: &str| hunk[key].as_u64().unwrap();
                let (old, new) = (number("old_start"), number("new_start"));
                format!("-{old},{} +{new},{}", number("old_lines"), number("new_lines"))
            });
            let text = |key: &str| file[key].as_str().unwrap().to_owned();
            (text("path"), text("status"), headers.collect())
        })
        .collect()
}

/// Scans in a folder and gives the JSON.
fn scan(repo: &Repo, args: &[&str]) -> Value {
    let home = Home::new();
    let run = Advisor::new(&home).in_dir(repo.path()).args(["scan", "--format", "json"]).args(args);
    run.run().success().json()
}

/// Paths and statuses alone.
#[track_caller]
fn check(repo: &Repo, args: &[&str], expected: &[(&str, &str)]) {
    let found = files(&scan(repo, args));
    let found: Vec<(&str, &str)> =
        found.iter().map(|(path, status, _)| (path.as_str(), status.as_str())).collect();
    assert_eq!(found, expected, "{args:?}");
}

/// main: one, two, three; side branch from one: apart.
fn branched() -> Repo {
    let repo = Repo::init();
    repo.write("one.py", "1\n");
    repo.commit("One");
    repo.git(&["branch", "side"]);
    repo.write("two.py", "2\n");
    repo.commit("Two");
    repo.write("three.py", "3\n");
    repo.commit("Three");
    repo.git(&["checkout", "-q", "side"]);
    repo.write("apart.py", "4\n");
    repo.commit("Apart");
    repo.git(&["checkout", "-q", "main"]);
    repo
}

#[test]
fn ranges_mean_what_they_mean_to_git_diff() {
    let repo = branched();
    check(&repo, &["HEAD~1..HEAD"], &[("three.py", "added")]);
    check(&repo, &["HEAD~1.."], &[("three.py", "added")]);
    check(&repo, &["HEAD~2"], &[("three.py", "added"), ("two.py", "added")]);
    check(&repo, &["..HEAD~1"], &[("three.py", "deleted")]);
    check(&repo, &["main...side"], &[("apart.py", "added")]);
    check(&repo, &["side...main"], &[("three.py", "added"), ("two.py", "added")]);
    check(&repo, &["main..main"], &[]);
}

#[test]
fn branches_that_have_grown_apart_are_noted() {
    let (repo, home) = (branched(), Home::new());
    let output =
        Advisor::new(&home).in_dir(repo.path()).args(["scan", "main..side"]).run().success();
    insta::assert_snapshot!(output.stderr, @"note: `main` and `side` have grown apart: commits that only `main` has show up reversed; `main...side` shows what `side` brings");
}

/// A note that is false is worse than none: a history that is cut off or dated oddly gives none.
#[test]
fn what_cannot_be_known_is_not_noted() {
    let home = Home::new();
    let noted = |repo: &Repo, range: &str| {
        let run = Advisor::new(&home).in_dir(repo.path()).args(["scan", range]);
        run.run().success().stderr.contains("have grown apart")
    };
    let dated = |repo: &Repo, date: &str, count: usize| {
        for minute in 0..count {
            let mut commit = repo.command();
            commit.env(
                "GIT_COMMITTER_DATE",
                format!("{date}T{:02}:{:02}:00Z", minute / 60, minute % 60),
            );
            commit.args(["commit", "--quiet", "--allow-empty", "--message", date]);
            assert!(commit.status().unwrap().success());
        }
    };
    // A straight line whose later commits are dated before the earlier ones, short and long.
    for count in [1, 140] {
        let repo = Repo::init();
        dated(&repo, "2019-01-01", 70);
        dated(&repo, "2025-01-01", 1);
        repo.git(&["tag", "then"]);
        dated(&repo, "2020-01-01", count);
        assert!(!noted(&repo, "then..HEAD"), "{count}");
        assert!(!noted(&repo, "HEAD..then"), "{count}");
        // The same, where git has cut the history off.
        let clone = repo.clone_shallow(count + 1);
        let then = repo.git(&["rev-parse", "then"]);
        assert!(!noted(&clone, &format!("{then}..HEAD")), "{count}");
    }
    // Branches of a long history are still told apart.
    let repo = Repo::init();
    dated(&repo, "2019-01-01", 70);
    repo.git(&["switch", "--quiet", "--create", "side"]);
    dated(&repo, "2021-01-01", 1);
    repo.git(&["switch", "--quiet", "main"]);
    dated(&repo, "2021-02-01", 1);
    assert!(noted(&repo, "main..side"));
}

/// Whatever a revision is called, it is the one that git finds by that name.
#[test]
fn revisions_are_those_that_git_finds_by_their_names() {
    let repo = branched();
    repo.git(&["tag", "-a", "-m", "one", "light", "main~2"]);
    repo.git(&["tag", "-a", "-m", "a tag on a tag", "nested", "light"]);
    repo.git(&["tag", "tree", "main~2^{tree}"]);
    repo.git(&["update-ref", "refs/odd/main", "main~2"]);
    let whole = repo.git(&["rev-parse", "main~2"]);
    let (short, loud) = (&whole[..8], whole.to_uppercase());
    // A whole id is one, whatever is called by it; an abbreviated one gives way to a name.
    repo.git(&["update-ref", &format!("refs/heads/{whole}"), "side"]);
    let names =
        ["light", "nested", "tree", "refs/tags/light", "odd/main", "refs/odd/main", "main^^"];
    for old in names.into_iter().chain([whole.as_str(), short, &loud, "main^{/One}", ":/One"]) {
        let expected = [("three.py", "added"), ("two.py", "added")];
        check(&repo, &[&format!("{old}..main")], &expected);
    }
    repo.git(&["branch", short, "main~1"]);
    check(&repo, &[&format!("{short}..main")], &[("three.py", "added")]);
}

#[test]
fn what_names_no_tree_or_nothing_is_said() {
    let repo = branched();
    repo.git(&["tag", "blob", "main:one.py"]);
    let home = Home::new();
    let mut said = String::new();
    let ranges = ["blob", "nowhere", "1111111111111111111111111111111111111111"]
        .map(|rev| vec![format!("{rev}..main")]);
    for args in ranges.into_iter().chain([vec!["--commit".to_owned(), String::new()]]) {
        let run = Advisor::new(&home).in_dir(repo.path()).args(["scan"]).args(args);
        said += &run.run().code(2).stderr;
    }
    insta::assert_snapshot!(said);
}

/// The tree of a file, so many folders deep, each of which stands in the one above it so many times under a number of so
/// many digits.
fn nested(repo: &Repo, text: &str, depth: usize, times: usize, digits: usize) -> String {
    let repo = git2::Repository::open(repo.path()).unwrap();
    let mut tree = repo.treebuilder(None).unwrap();
    tree.insert("a.txt", repo.blob(text.as_bytes()).unwrap(), 0o100_644).unwrap();
    let mut inner = tree.write().unwrap();
    for _ in 0..depth {
        let mut tree = repo.treebuilder(None).unwrap();
        for time in 0..times {
            tree.insert(format!("{time:0digits$}"), inner, 0o040_000).unwrap();
        }
        inner = tree.write().unwrap();
    }
    inner.to_string()
}

/// The tree of one entry, in the mode that is written.
fn tree_of(repo: &Repo, mode: &str, name: &str, id: &str) -> String {
    let repo = git2::Repository::open(repo.path()).unwrap();
    let mut bytes = format!("{mode} {name}\0").into_bytes();
    bytes.extend(git2::Oid::from_str_ext(id, git2::ObjectFormat::Sha1).unwrap().as_bytes());
    let odb = repo.odb().unwrap();
    odb.write(git2::ObjectType::Tree, &bytes).unwrap().to_string()
}

#[test]
fn modes_that_git_no_longer_writes_are_those_that_it_does() {
    let repo = branched();
    let blob = |rev: &str| repo.git(&["rev-parse", rev]);
    let (one, two) = (blob("main:one.py"), blob("main:two.py"));
    let side = |file: &str, id: &str, folder: &str| {
        let inner = tree_of(&repo, file, "a.py", id);
        tree_of(&repo, folder, "lib", &inner)
    };
    let [old, same, new] = [
        side("100664", &one, "40000"),
        side("100644", &one, "40755"),
        side("100600", &two, "40755"),
    ];
    check(&repo, &[&format!("{old}..{same}")], &[]);
    check(&repo, &[&format!("{old}..{new}")], &[("lib/a.py", "modified")]);
    for (from, to) in [(&old, &same), (&old, &new)] {
        let listed = repo.git(&["diff", "--name-only", from, to]);
        assert_eq!(listed, if to == &new { "lib/a.py" } else { "" });
    }
}

#[test]
fn a_tree_that_unfolds_without_end_is_refused() {
    let repo = Repo::init();
    let home = Home::new();
    let mut said = String::new();
    for (depth, times, digits) in [(20, 20, 2), (90, 1, 200)] {
        let sides = ["1", "2"].map(|text| nested(&repo, text, depth, times, digits)).join("..");
        let run = Advisor::new(&home).in_dir(repo.path()).args(["scan", &sides]);
        said += &run.run().code(2).stderr;
    }
    insta::assert_snapshot!(said, @r"
    error: more than 300000 files and folders differ; name a smaller range
    error: a path of this range is longer than 16384 bytes
    ");
    let sides = ["1", "2"].map(|text| nested(&repo, text, 3, 5, 1)).join("..");
    assert_eq!(files(&scan(&repo, &[&sides])).len(), 125);
}

#[test]
fn tags_that_lead_in_a_circle_are_said() {
    let repo = branched();
    repo.git(&["tag", "-a", "-m", "one", "light", "main"]);
    repo.git(&["tag", "-a", "-m", "a tag on a tag", "nested", "light"]);
    repo.git(&["replace", "light", "nested"]);
    let home = Home::new();
    let output =
        Advisor::new(&home).in_dir(repo.path()).args(["scan", "light..main"]).run().code(2);
    assert!(output.stderr.contains("or they lead in a circle"), "{}", output.stderr);
}

#[test]
fn without_a_source_the_upstream_is_compared_with() {
    let origin = branched();
    let clone = origin.clone_with(&[]);
    clone.write("mine.py", "m\n");
    clone.commit("Mine");
    check(&clone, &[], &[("mine.py", "added")]);
    clone.git(&["checkout", "-q", "-b", "topic"]);
    clone.write("topic.py", "t\n");
    clone.commit("Topic");
    // No upstream of its own: the default branch of the remote stands for it.
    check(&clone, &[], &[("mine.py", "added"), ("topic.py", "added")]);
}

#[test]
fn the_index_and_the_work_tree_are_sources() {
    let repo = branched();
    repo.write(".gitignore", "*.log\n");
    repo.commit("Ignore");
    repo.write("one.py", "changed\n");
    repo.write("staged.py", "s\n");
    repo.git(&["add", "staged.py"]);
    repo.write("sub/untracked.py", "u\n");
    repo.write("ignored.log", "i\n");
    check(&repo, &["--staged"], &[("staged.py", "added")]);
    let all = [("one.py", "modified"), ("staged.py", "added"), ("sub/untracked.py", "added")];
    check(&repo, &["--worktree"], &all);
    repo.remove("two.py");
    let all = [all[0], all[1], all[2], ("two.py", "deleted")];
    check(&repo, &["--worktree"], &all);
}

#[test]
fn a_branch_without_a_commit_has_an_index() {
    let repo = Repo::init();
    repo.write("a.py", "a\n");
    repo.git(&["add", "."]);
    check(&repo, &["--staged"], &[("a.py", "added")]);
    check(&repo, &["--worktree"], &[("a.py", "added")]);
}

#[test]
fn a_commit_is_compared_with_its_first_parent() {
    let repo = branched();
    check(&repo, &["--commit", "HEAD~1"], &[("two.py", "added")]);
    let root = repo.git(&["rev-list", "--max-parents=0", "HEAD"]);
    check(&repo, &["--commit", root.trim()], &[("one.py", "added")]);
    repo.git(&["merge", "-q", "--no-edit", "side"]);
    let home = Home::new();
    let output = Advisor::new(&home)
        .in_dir(repo.path())
        .args(["scan", "--format", "json", "--commit", "HEAD"])
        .run()
        .success();
    assert_eq!(files(&output.json())[0].0, "apart.py");
    assert!(
        output.stderr.contains("a merge of 2 parents: it is compared with the first"),
        "{output}"
    );
}

#[test]
fn a_patch_needs_no_repository_and_gives_the_same_hunks() {
    let repo = Repo::init();
    let lines: String = (1..=60).map(|n| format!("line {n}\n")).collect();
    repo.write("a.py", &lines);
    repo.write("gone.py", "g\n");
    repo.commit("Begin");
    repo.write("a.py", lines.replace("line 9\n", "nine\n").replace("line 40\n", ""));
    repo.write("new name.py", "n\n");
    repo.remove("gone.py");
    repo.commit("Change");
    let from_trees = scan(&repo, &["HEAD~1..HEAD"]);
    // The bench trims what git prints.
    let patch = repo.git(&["diff", "HEAD~1..HEAD"]) + "\n";
    let home = Home::new();
    let outside =
        Advisor::new(&home).in_dir(home.path()).args(["scan", "--format", "json", "--patch", "-"]);
    let from_patch = outside.stdin(patch.clone()).run().success().json();
    assert_eq!(files(&from_patch), files(&from_trees));
    assert_eq!(from_patch["stats"]["diff_bytes"], from_trees["stats"]["diff_bytes"]);
    let file = home.write("change.diff", patch);
    let named = Advisor::new(&home)
        .in_dir(home.path())
        .args(["scan", "--format", "json", "--patch"])
        .args([file]);
    assert_eq!(files(&named.run().success().json()), files(&from_trees));
}

#[test]
fn bare_repositories_worktrees_and_subdirectories_work() {
    let repo = branched();
    let expected = [("three.py", "added")];
    check(&repo.clone_bare(), &["HEAD~1.."], &expected);
    check(&repo.worktree("linked"), &["main~1..main"], &expected);
    repo.write("deep/er/file.py", "d\n");
    let home = Home::new();
    let sub = repo.path().join("deep/er");
    let from_sub = Advisor::new(&home)
        .in_dir(&sub)
        .args(["scan", "--format", "json", "HEAD~1.."])
        .run()
        .success();
    assert_eq!(files(&from_sub.json())[0].0, "three.py");
    let with_variable =
        Advisor::new(&home).in_dir(home.path()).env("GIT_DIR", repo.path().join(".git"));
    let from_variable =
        with_variable.args(["scan", "--format", "json", "HEAD~1.."]).run().success();
    assert_eq!(files(&from_variable.json())[0].0, "three.py");
}

#[test]
fn git_itself_runs_it_as_a_subcommand() {
    let (repo, home) = (branched(), Home::new());
    let output = Advisor::git(&home)
        .in_dir(repo.path())
        .args(["advisor", "scan", "HEAD~1.."])
        .run()
        .success();
    assert!(output.stdout.starts_with("HEAD~1..HEAD: 1 hunk in 1 file"), "{output}");
}

#[test]
fn renames_modes_links_binaries_and_submodules_are_told_apart() {
    let repo = Repo::init();
    repo.write("old.py", "a\nb\nc\nd\ne\nf\n");
    repo.write("run.sh", "#!/bin/sh\n");
    repo.write("pic.bin", b"a\0b");
    repo.commit("Begin");
    repo.git(&["mv", "old.py", "new.py"]);
    repo.write("new.py", "a\nb\nc\nd\ne\nF\n");
    repo.git(&["update-index", "--chmod=+x", "run.sh"]);
    repo.write("pic.bin", b"a\0c");
    std::os::unix::fs::symlink("/etc/passwd", repo.path().join("link")).unwrap();
    let tip = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["add", "-A"]);
    repo.git(&["update-index", "--chmod=+x", "run.sh"]);
    repo.git(&["update-index", "--add", "--cacheinfo", &format!("160000,{},module", tip.trim())]);
    repo.git(&["commit", "-q", "-m", "Change"]);
    let report = scan(&repo, &["HEAD~1.."]);
    let statuses: Vec<(String, String)> =
        files(&report).into_iter().map(|(path, status, _)| (path, status)).collect();
    let expected = [
        ("link", "added"),
        ("module", "submodule"),
        ("new.py", "renamed"),
        ("pic.bin", "binary"),
        ("run.sh", "mode"),
    ];
    assert_eq!(statuses, expected.map(|(path, status)| (path.to_owned(), status.to_owned())));
    let renamed = &report["files"][2];
    assert_eq!(
        (&renamed["old_path"], renamed["hunks"].as_array().unwrap().len()),
        (&json!("old.py"), 1)
    );
    assert_eq!(report["files"][3]["skipped"], "binary");
}

#[test]
fn a_link_in_the_work_tree_is_never_followed() {
    let repo = branched();
    std::os::unix::fs::symlink("/etc/passwd", repo.path().join("link.py")).unwrap();
    let home = Home::new();
    let output = Advisor::new(&home)
        .in_dir(repo.path())
        .args(["scan", "--format", "json", "--worktree"])
        .run()
        .success();
    let hunk = &output.json()["files"][0]["hunks"][0];
    assert_eq!((&hunk["new_lines"], &hunk["new_start"]), (&json!(1), &json!(1)));
}

#[test]
fn paths_are_bytes_and_hostile_names_stay_one_visible_line() {
    let repo = Repo::init();
    repo.write("a.py", "a\n");
    repo.commit("Begin");
    for name in
        [&b"caf\xe9.py"[..], b"two\nlines.py", b"esc\x1b[2J.py", "rtl\u{202e}yp.py".as_bytes()]
    {
        repo.write(OsStr::from_bytes(name), "x\n");
    }
    repo.commit("Names");
    let expected = [
        ("caf<0xE9>.py", "added"),
        ("esc<U+001B>[2J.py", "added"),
        ("rtl<U+202E>yp.py", "added"),
        ("two<U+000A>lines.py", "added"),
    ];
    check(&repo, &["HEAD~1.."], &expected);
}

#[test]
fn line_ends_are_differences_and_missing_ones_too() {
    let repo = Repo::init();
    repo.write("a.py", "a\nb\n");
    repo.write("b.py", "a\nb\n");
    repo.commit("Begin");
    repo.write("a.py", "a\r\nb\r\n");
    repo.write("b.py", "a\nb");
    repo.commit("Line ends");
    let found = files(&scan(&repo, &["HEAD~1.."]));
    assert_eq!(found[0].2, ["-1,2 +1,2"]);
    assert_eq!(found[1].2, ["-1,2 +1,2"]);
}

#[test]
fn autocrlf_in_the_work_tree_is_no_change() {
    let repo = Repo::init();
    repo.write("a.py", "a\nb\n");
    repo.commit("Begin");
    repo.git(&["config", "core.autocrlf", "true"]);
    repo.write("a.py", "a\r\nB\r\n");
    let found = files(&scan(&repo, &["--worktree"]));
    assert_eq!(found[0].2, ["-1,2 +1,2"]);
    let home = Home::new();
    let text = Advisor::new(&home)
        .in_dir(repo.path())
        .args(["scan", "--format", "json", "--worktree"])
        .run()
        .success();
    // One removed and one added line: a whole rewrite would be 4 lines more.
    assert_eq!(text.json()["stats"]["diff_bytes"], 9);
}

#[test]
fn sha256_repositories_are_read() {
    let repo = Repo::init_with(&["--object-format=sha256"]);
    repo.write("a.py", "a\n");
    repo.commit("Begin");
    repo.write("a.py", "b\n");
    let tip = repo.commit("Change");
    let report = scan(&repo, &["HEAD~1.."]);
    assert_eq!(report["source"]["new"], tip.trim());
    assert_eq!(files(&report)[0].1, "modified");
}

#[test]
fn a_shallow_clone_says_what_is_missing() {
    let (repo, home) = (branched().clone_shallow(1), Home::new());
    let output = Advisor::new(&home).in_dir(repo.path()).args(["scan", "HEAD~1.."]).run().code(2);
    insta::assert_snapshot!(output.stderr, @"error: `HEAD~1` names no commit in this repository (it is a shallow clone; `git fetch --unshallow` brings the rest)");
}

#[test]
fn a_commit_at_which_a_clone_is_cut_off_brings_all_its_files() {
    let repo = branched().clone_shallow(1);
    let all = ["one.py", "three.py", "two.py"].map(|path| (path, "added"));
    check(&repo, &["--commit", "HEAD"], &all);
}

#[test]
fn objects_that_a_partial_clone_has_not_are_said() {
    let repo = branched();
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", repo.path().display());
    let partial = repo.path().join("partial");
    repo.git(&[
        "clone",
        "-q",
        "--filter=blob:none",
        "--no-checkout",
        &url,
        partial.to_str().unwrap(),
    ]);
    let home = Home::new();
    let output = Advisor::new(&home)
        .in_dir(&partial)
        .args(["scan", "--format", "json", "HEAD~1.."])
        .run()
        .success();
    assert_eq!(output.json()["files"][0]["skipped"], "missing", "{output}");
}

#[test]
fn the_hunks_are_those_of_git_diff() {
    let repo = Repo::init();
    let lines: Vec<String> = (0..400).map(|n| format!("{}\n", (n * n) % 97)).collect();
    repo.write("a.py", lines.concat());
    repo.commit("Begin");
    let mut changed = lines;
    for at in [7, 8, 60, 61, 200, 330] {
        changed[at] = "new\n".to_owned();
    }
    changed.insert(120, "inserted\n".to_owned());
    changed.remove(250);
    repo.write("a.py", changed.concat());
    repo.commit("Change");
    let diff = repo.git(&["diff", "HEAD~1", "HEAD"]);
    let git: Vec<String> = diff
        .lines()
        .filter_map(|line| line.strip_prefix("@@ ")?.split_once(" @@"))
        .map(|(header, _)| header.to_owned())
        .collect();
    assert_eq!(files(&scan(&repo, &["HEAD~1.."]))[0].2, git);
}
