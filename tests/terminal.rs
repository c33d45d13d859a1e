//! Life in a terminal: man pages, completions, what `git advisor` does beside the review itself.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]

mod support;

use std::fs;

use support::{Advisor, Home, Output, Repo, find_on_path};

fn advisor(home: &Home, args: &[&str]) -> Output {
    Advisor::new(home).args(args).run()
}

#[test]
fn there_is_a_man_page_for_each_command() {
    let home = Home::new();
    let folder = home.path().join("man1");
    drop(advisor(&home, &["man", "--dir", folder.to_str().unwrap()]).success());
    let help = advisor(&home, &["--help"]).success().stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  ")?.split(' ').next())
        .filter(|name| !["", "help"].contains(name))
        .collect();
    assert!(commands.len() > 10, "{help}");
    for command in commands {
        let page = fs::read_to_string(folder.join(format!("git-advisor-{command}.1")));
        assert!(page.unwrap().starts_with(".ie"), "{command}");
    }
    // What `git help advisor` shows is the page of this name.
    let page = fs::read_to_string(folder.join("git-advisor.1")).unwrap();
    assert_eq!(page, advisor(&home, &["man"]).success().stdout);
    for part in ["git\\-advisor", "\\-\\-color", "Exit status", "git\\-advisor\\-review(1)"] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
}

/// A repository whose last commit brings a hunk that is worth a question.
fn risky() -> Repo {
    let repo = Repo::init();
    repo.write("a.py", "pass\n");
    repo.commit("Begin");
    repo.write("a.py", "import subprocess\nsubprocess.run(input(), shell=True)\n");
    repo.commit("Run");
    repo
}

#[test]
fn quiet_says_the_report_alone_and_verbose_says_what_is_done() {
    let (home, repo) = (Home::new(), risky());
    let told = |flag: &[&str]| {
        let run = Advisor::new(&home).in_dir(repo.path()).args(["review", "HEAD~1.."]);
        run.args(flag).run().success().stderr
    };
    assert!(told(&[]).starts_with("warning: no second opinion"));
    assert_eq!(told(&["-q"]), "");
    assert!(told(&["-v"]).contains("step: HEAD~1..HEAD: files 1, hunks 1,"), "{}", told(&["-v"]));
}

#[test]
fn prose_is_wrapped_to_a_narrow_terminal_and_needs_no_unicode() {
    let (home, repo) = (Home::new(), risky());
    let run = Advisor::new(&home).in_dir(repo.path()).env("COLUMNS", "60");
    let output = run.args(["review", "HEAD~1..", "--no-codex"]).run().success();
    let wide: Vec<&str> = output.stdout.lines().filter(|line| line.chars().count() > 60).collect();
    // The first line, the last and the titles of findings are one line each, for grep.
    let whole = ["worth a question", "[F1]: ", "fails on"];
    assert!(wide.iter().all(|line| whole.iter().any(|part| line.contains(part))), "{wide:?}");
    assert!(output.stdout.is_ascii(), "{output}");
}

/// Links go to a terminal that is known to have them and nowhere else.
#[test]
fn no_link_goes_into_a_pipe_or_to_a_terminal_that_has_none() {
    let (home, repo) = (Home::new(), risky());
    for variables in
        [&[("FORCE_HYPERLINK", "1")][..], &[("CLICOLOR_FORCE", "1"), ("FORCE_HYPERLINK", "1")]]
    {
        let mut run = Advisor::new(&home).in_dir(repo.path());
        for (name, value) in variables {
            run = run.env(name, *value);
        }
        let output =
            run.args(["review", "HEAD~1..", "--no-codex", "--color", "always"]).run().success();
        assert!(!output.stdout.contains("\u{1b}]8;"), "{output}");
    }
    // On a terminal: `script` makes one.
    let Some(script) = find_on_path("script") else { return };
    let on_a_terminal = |color: &str, links: &str| {
        let command = format!("git-advisor review HEAD~1.. --no-codex --color {color}");
        let run =
            Advisor::program(&home, &script).in_dir(repo.path()).env("TERM", "xterm-256color");
        let run = run.env("FORCE_HYPERLINK", links).env("SHELL", "/bin/sh").env("GIT_PAGER", "cat");
        run.args(["-qec", &command, "/dev/null"]).run().success().stdout
    };
    let address = format!(
        "\u{1b}]8;;file://{}/a.py#2\u{1b}\\",
        repo.path().canonicalize().unwrap().display()
    );
    let shown = on_a_terminal("auto", "1");
    assert!(shown.contains(&address), "{shown:?}");
    for (color, links) in [("auto", "0"), ("never", "1")] {
        assert!(!on_a_terminal(color, links).contains("\u{1b}]8;"));
    }
}

#[test]
fn every_shell_gets_completions() {
    let home = Home::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = advisor(&home, &["completions", shell]).success().stdout;
        assert!(script.contains("git-advisor") && script.contains("review"), "{shell}: {script}");
    }
    drop(advisor(&home, &["completions", "tcsh"]).code(2));
}

/// What bash offers behind these words, of which the last is being typed.
fn offered(home: &Home, function: &str, words: &str) -> Vec<String> {
    let script = home.write(
        "complete.sh",
        format!(
            "source completions.bash\nCOMP_WORDS=({words})\nCOMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             {function}\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
        ),
    );
    let output = Advisor::program(home, "/bin/bash").args([script]).run().success();
    output.stdout.lines().map(str::to_owned).collect()
}

#[test]
fn bash_completes_the_program_and_the_subcommand_of_git() {
    let home = Home::new();
    home.write("completions.bash", advisor(&home, &["completions", "bash"]).success().stdout);
    let alone =
        "_advisor git-advisor \"${COMP_WORDS[COMP_CWORD]}\" \"${COMP_WORDS[COMP_CWORD-1]}\"";
    assert_eq!(offered(&home, alone, "git-advisor rev"), ["review"]);
    let registered = "complete -p git-advisor; COMPREPLY=";
    assert!(offered(&home, registered, "x")[0].contains("-F _advisor"));
    assert_eq!(offered(&home, "_git_advisor", "git advisor rev"), ["review"]);
    assert_eq!(offered(&home, "_git_advisor", "git advisor hook ins"), ["install"]);
    assert_eq!(offered(&home, "_git_advisor", "git advisor review --fail"), ["--fail-on"]);
    // git's completion says where the command stands: `git -C folder advisor`.
    assert_eq!(offered(&home, "__git_cmd_idx=3 _git_advisor", "git -C x advisor rev"), ["review"]);
}
