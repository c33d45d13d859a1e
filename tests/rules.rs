//! The command `rules`: what is in force, what a rule says, and where the rules fire.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use support::{Advisor, Home, Output, Repo};

fn rules(repo: &Repo, args: &[&str]) -> Output {
    Advisor::new(&Home::new()).in_dir(repo.path()).args(["rules"]).args(args.iter().copied()).run()
}

fn with_own_rule(matches: &str) -> Repo {
    let repo = Repo::init();
    repo.write(
        "advisor.toml",
        format!(
            "[[category]]\nid = \"payments\"\n\n[[rule]]\nid = \"payments/refund\"\ntitle = \"A refund is booked\"\n\
             patterns = ['\\brefund\\(']\nmatches = [\"{matches}\"]\nleaves = [\"refunded\"]\n"
        ),
    );
    repo.write("shop.py", "def cancel(order):\n    refund(order.id)\n    return True\n");
    repo.commit("Begin");
    repo
}

#[test]
fn the_list_has_built_in_and_own_rules() {
    let repo = with_own_rule("refund(7)");
    let all = rules(&repo, &["list"]).stdout;
    assert!(
        all.contains("auth/removed-permission-check") && all.contains("payments/refund"),
        "{all}"
    );
    insta::assert_snapshot!(rules(&repo, &["list", "--category", "payments"]).stdout.split_whitespace().collect::<Vec<_>>().join(" "),
        @"0.50 medium added+removed payments/refund A refund is booked");
    let wrong = rules(&repo, &["list", "--category", "payment"]);
    assert_eq!(wrong.status, Some(2), "{wrong}");
}

#[test]
fn a_rule_is_explained_and_a_misspelt_one_is_guessed() {
    let repo = with_own_rule("refund(7)");
    let told = rules(&repo, &["explain", "payments/refund"]).stdout;
    for part in ["your configuration", "medium", r"\brefund\(", "refund(7)"] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let wrong = rules(&repo, &["explain", "payments/refnd"]);
    assert_eq!(wrong.status, Some(2), "{wrong}");
    assert!(wrong.stderr.contains("did you mean `payments/refund`?"), "{wrong}");
}

#[test]
fn own_rules_are_proven_and_tried_on_files() {
    let repo = with_own_rule("refund(7)");
    let told = rules(&repo, &["test", "shop.py"]);
    assert_eq!(told.status, Some(0), "{told}");
    assert!(told.stdout.contains("tried on 1 lines to catch and 1 to leave"), "{told}");
    assert!(told.stdout.contains("shop.py:2: payments/refund"), "{told}");
    let wrong = rules(&with_own_rule("reimburse(7)"), &["test"]);
    assert_eq!(wrong.status, Some(2), "{wrong}");
    assert!(wrong.stderr.contains("payments/refund misses: reimburse(7)"), "{wrong}");
}
