//! A change that is worth a question, and an honest answer to it.

use serde_json::json;

use super::repo::Repo;
use super::responses::{Reply, Request};

/// A repository whose last commit runs a request's value in a shell: one hunk, one flaw.
pub fn risky_repo() -> Repo {
    let repo = Repo::init();
    repo.write("app.py", "import subprocess\n\n\ndef run(request):\n    return None\n");
    repo.commit("Begin");
    repo.write(
        "app.py",
        "import subprocess\n\n\ndef run(request):\n    cmd = request.args[\"cmd\"]\n    return subprocess.run(cmd, shell=True)\n",
    );
    repo.commit("Run it");
    repo
}

/// The label of a hunk in a prompt, for example `H1-k7f3`.
pub fn label(prompt: &str, hunk: &str) -> String {
    let heading = prompt.lines().find(|line| line.starts_with(&format!("### {hunk}-")));
    let label = heading.and_then(|line| line.split_whitespace().nth(1));
    label.unwrap_or_else(|| panic!("no {hunk} in {prompt}")).to_owned()
}

/// An answer that clears the only hunk of the prompt.
pub fn all_clear(request: &Request) -> Reply {
    let texts = request.input_texts();
    let (_, first) = texts.iter().find(|(role, _)| role == "user").expect("a prompt");
    let label = label(first, "H1");
    let hunks = json!([{"hunk": label, "verdict": "clear", "note": "a fixed list"}]);
    let answer = json!({"summary": "Fine.", "hunks": hunks, "findings": [], "needs_context": []});
    Reply::answer(answer.to_string())
}
