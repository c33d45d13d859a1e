//! Secrets of a change never leave the machine, by whatever way; one that is added is a finding, one that only
//! stands for a secret is none.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::fs;
use std::path::Path;

use support::{Advisor, Home, Output, Repo, StandIn, risky_repo};

/// A token of a provider, put together here so that no scanner takes it for a real one.
fn token() -> String {
    format!("{}_{}", "ghp", "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8")
}

/// A user whose Codex is a stand-in that answers nothing of use.
fn user(codex: &StandIn) -> Home {
    let home = Home::new();
    home.write_config(&codex.user_config());
    home.log_in();
    home
}

fn run(home: &Home, folder: &Path, args: &[&str]) -> Output {
    Advisor::new(home).in_dir(folder).args(args).run()
}

/// Everything below a folder as one text, without the lines of Codex, which are kept as they came.
fn everything_in(folder: &Path) -> String {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let entries = entries.filter(|path| !path.ends_with("events.jsonl"));
    let text = |path: std::path::PathBuf| match path.is_dir() {
        true => everything_in(&path),
        false => String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned(),
    };
    entries.map(text).collect()
}

#[test]
fn no_part_of_a_prompt_carries_a_secret() {
    let codex = StandIn::new().emit_answer("{}").exit(0).next_call().emit_answer("{}").exit(0);
    let (home, repo) = (user(&codex), Repo::init());
    let token = token();
    repo.write(format!("{token}.sh"), "old\n");
    repo.write("context.py", format!("KEY = \"{token}\"\n\n\n\n\n"));
    repo.commit("Begin");
    repo.git(&["mv", &format!("{token}.sh"), &format!("new-{token}.sh")]);
    repo.write(format!("new-{token}.sh"), format!("old\n{token}() {{\n  eval \"$1\"\n}}\n"));
    repo.write("context.py", format!("KEY = \"{token}\"\nimport os\nos.system(cmd)\n\n\n"));
    repo.commit("Run");
    let question = format!("Is {token} safe there?");
    let review = run(&home, repo.path(), &["review", "HEAD~1..", "--question", &question]);
    let sent = codex.last_call().prompt();
    assert!(sent.contains("<redacted:github-token:") && !sent.contains(&token), "{sent}");
    assert!(!review.stderr.contains(&token), "{review}");
    let asked = ["consult", "algorithm", "--context", "context.py", "--question", &question];
    drop(run(&home, repo.path(), &asked).success());
    let sent = codex.last_call().prompt();
    assert!(sent.contains("<redacted:github-token:") && !sent.contains(&token), "{sent}");
}

#[test]
fn no_record_keeps_a_secret() {
    let token = token();
    let failure = format!("Incorrect API key provided: {token}");
    let codex = StandIn::new().emit_stderr(&failure).emit_failure(&failure).exit(1);
    let (home, repo) = (user(&codex), risky_repo());
    let set = format!("DB_TOKEN={}", "a1B2c3D4e5F6");
    let patch = format!("--- /dev/null\n+++ b/a.sh\n@@ -0,0 +1,2 @@\n+eval \"$1\"\n+{set}\n");
    let patch = home.write("a.patch", patch);
    let patch = patch.to_str().unwrap();
    let output = run(&home, repo.path(), &["review", "--patch", patch, "--format", "json"]);
    assert!(codex.started() > 0 && !codex.last_call().prompt().contains(&token));
    assert!(!output.stdout.contains(&token) && !output.stderr.contains(&token), "{output}");
    let kept = everything_in(&repo.path().join(".git/git-advisor"));
    assert!(kept.contains("<redacted:github-token:") && !kept.contains(&token), "{kept}");
    assert!(!kept.contains(&set), "{kept}");
    // A follow-up on an answer says what is missing.
    let codex = StandIn::new().emit_answer("{}").exit(0);
    home.write_config(&codex.user_config());
    drop(run(&home, repo.path(), &["review", "--patch", patch]));
    let refused = run(&home, repo.path(), &["follow-up", "Why?"]).code(2);
    assert!(refused.stderr.contains("was not kept, because it holds secrets"), "{refused}");
    assert!(!everything_in(&repo.path().join(".git/git-advisor")).contains(&set));
}

/// Reviews a file that a change adds by the rules alone.
fn adds(content: &str) -> Output {
    let (home, repo) = (Home::new(), Repo::init());
    repo.commit("Begin");
    repo.write("settings.py", content);
    repo.commit("Add");
    run(&home, repo.path(), &["review", "HEAD~1..", "--no-codex", "--format", "json"])
}

#[test]
fn an_added_secret_is_a_finding_that_blocks() {
    let base64 =
        format!("{}{}", "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBL", "RVktLS0tLQpNSUlFb3dJQkFBS0NBUUVB");
    for secret in [token(), format!("{}-{}", "GOCSPX", "k3yQm9vdHN0cmFwS2V5Zm9yVGVzd"), base64] {
        let report = adds(&format!("VALUE = '{secret}'\n")).code(1).json();
        assert_eq!(report["findings"][0]["category"], "crypto", "{secret}");
        assert_eq!(report["findings"][0]["gates"], true, "{secret}");
        assert!(!report.to_string().contains(&secret));
    }
}

#[test]
fn what_only_stands_for_a_secret_blocks_nothing_and_hides_nothing() {
    let placeholders = [
        "AKIAIOSFODNN7EXAMPLE".to_owned(),
        format!("ghp_{}", "x".repeat(36)),
        format!("{}{}", "dapi", "0123456789abcdef0123456789abcdef"),
        format!("hf_{}", "YourTokenGoesRightHereAndNowForUs0"),
        format!("lin_api_{}", "X".repeat(40)),
        "<your-token>".to_owned(),
    ];
    for placeholder in &placeholders {
        let report = adds(&format!("TOKEN = '{placeholder}'\n")).success().json();
        let findings = report["findings"].as_array().unwrap();
        assert!(findings.iter().all(|finding| finding["gates"] == false), "{placeholder}");
    }
    let mut lines: String = (0..8).map(|_| format!("T = 'ghp_{}'\n", "x1".repeat(18))).collect();
    lines.push_str(&format!("T = '{}'\n", token()));
    let report = adds(&lines).code(1).json();
    assert_eq!(report["findings"][0]["start_line"], 9, "{report}");
}
