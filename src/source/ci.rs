//! What a CI service says of the job that runs us: which range, whether it comes from a fork.

use std::collections::HashMap;

use serde_json::Value;

use super::Spec;

/// A CI service that is known by its variables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Any other, or none.
    Other,
}

/// What is known of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Which service runs it.
    pub service: Service,
    /// Ends that may bound the change, the best first: what stands where a commit is not known.
    pub ends: Vec<(String, String)>,
    /// Whether the change comes from a fork, whose jobs get no secrets.
    pub fork: bool,
}

impl Job {
    /// Reads the service's variables, and on GitHub the event that started the job.
    pub fn of(variables: &HashMap<&str, String>, event: &Value) -> Job {
        let get =
            |name: &str| variables.get(name).map(String::as_str).filter(|text| !text.is_empty());
        if get("GITHUB_ACTIONS") == Some("true") {
            github(event)
        } else if get("GITLAB_CI") == Some("true") {
            gitlab(&get)
        } else {
            Job { service: Service::Other, ends: Vec::new(), fork: false }
        }
    }

    /// What the job's change is, from the merge base of two ends.
    pub fn spec(ends: &(String, String)) -> Spec {
        Spec::MergeBase { old: ends.0.clone(), new: ends.1.clone() }
    }

    /// What to change in the job where the history is not there.
    pub fn mend(&self) -> &'static str {
        match self.service {
            Service::GitHub => {
                "give actions/checkout `fetch-depth: 0`, or run `git fetch --unshallow`"
            }
            Service::GitLab => {
                "set the variable `GIT_DEPTH: 0` for the job, or run `git fetch --unshallow`"
            }
            Service::Other => "let the job clone the whole history, or run `git fetch --unshallow`",
        }
    }
}

fn github(event: &Value) -> Job {
    let id = |path: &str| event.pointer(path).and_then(Value::as_str).and_then(object_id);
    let mut ends = Vec::new();
    let mut add = |old: Option<String>, new: Option<String>| ends.extend(old.zip(new));
    // A pull request, a merge queue, a push.
    add(id("/pull_request/base/sha"), id("/pull_request/head/sha"));
    add(id("/merge_group/base_sha"), id("/merge_group/head_sha"));
    add(id("/before"), id("/after"));
    let default = event.pointer("/repository/default_branch").and_then(Value::as_str);
    add(default.map(|branch| format!("refs/remotes/origin/{branch}")), id("/after"));
    let repository = |side: &str| event.pointer(&format!("/pull_request/{side}/repo/full_name"));
    let fork = event.get("pull_request").is_some() && repository("head") != repository("base");
    Job { service: Service::GitHub, ends, fork }
}

fn gitlab<'a>(get: &impl Fn(&str) -> Option<&'a str>) -> Job {
    let id = |name: &str| get(name).and_then(object_id);
    let new = id("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or_else(|| id("CI_COMMIT_SHA"));
    let default = get("CI_DEFAULT_BRANCH").map(|branch| format!("refs/remotes/origin/{branch}"));
    let target = id("CI_MERGE_REQUEST_TARGET_BRANCH_SHA");
    let olds = [target, id("CI_MERGE_REQUEST_DIFF_BASE_SHA"), id("CI_COMMIT_BEFORE_SHA"), default];
    let ends = olds.into_iter().filter_map(|old| old.zip(new.clone())).collect();
    let source = get("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH");
    let fork = source.is_some() && source != get("CI_MERGE_REQUEST_PROJECT_PATH");
    Job { service: Service::GitLab, ends, fork }
}

/// A full id that is not all zeros, which stands for nothing. Nothing else of a job becomes a revision.
fn object_id(text: &str) -> Option<String> {
    let hexadecimal =
        matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hexadecimal && text.bytes().any(|byte| byte != b'0')).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn one(digit: &str) -> String {
        digit.repeat(40)
    }

    fn of(variables: &[(&'static str, &str)], event: &Value) -> Job {
        Job::of(
            &variables.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            event,
        )
    }

    #[test]
    fn a_pull_request_is_compared_with_its_base() {
        let event = json!({"pull_request": {
            "base": {"sha": one("a"), "repo": {"full_name": "o/r"}},
            "head": {"sha": one("b"), "repo": {"full_name": "fork/r"}},
        }});
        let job = of(&[("GITHUB_ACTIONS", "true")], &event);
        assert_eq!((job.ends, job.fork), (vec![(one("a"), one("b"))], true));
    }

    #[test]
    fn a_push_is_compared_with_what_was_there_else_with_the_default_branch() {
        let event = |before: String| json!({"before": before, "after": one("b"), "repository": {"default_branch": "main"}});
        let job = |before| of(&[("GITHUB_ACTIONS", "true")], &event(before));
        let default = ("refs/remotes/origin/main".to_owned(), one("b"));
        assert_eq!(job(one("a")).ends, [(one("a"), one("b")), default.clone()]);
        assert_eq!(job(one("0")).ends, [default]);
    }

    #[test]
    fn a_merge_request_is_compared_with_its_target() {
        let variables = [
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_SHA", &one("b")),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &one("a")),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", ""),
            ("CI_COMMIT_BEFORE_SHA", &one("0")),
            ("CI_MERGE_REQUEST_PROJECT_PATH", "g/p"),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "fork/p"),
        ];
        let job = of(&variables, &Value::Null);
        assert_eq!((job.ends, job.fork), (vec![(one("a"), one("b"))], true));
    }

    #[test]
    fn nothing_but_an_id_becomes_a_revision() {
        let event = json!({"before": "--upload-pack=x", "after": "HEAD"});
        assert!(of(&[("GITHUB_ACTIONS", "true")], &event).ends.is_empty());
    }
}
