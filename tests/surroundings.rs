//! What goes wrong around a healthy Codex: a proxy that refuses, a disk that is full or read-only, memory that
//! runs out, a service that Codex by itself would ask again and again. All of it with the real Codex.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "to panic is how a test fails")]
#![allow(clippy::print_stdout, reason = "what is measured is printed, with --nocapture")]

mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use support::{
    Advisor, Home, KEY_VARIABLE, Output, Reply, Repo, ResponsesServer, all_clear, risky_repo,
    user_config, with_codex, with_codex_and_namespaces,
};

/// A test by its name; it takes the path of the real Codex.
type Named = (&'static str, fn(&Path));

fn main() -> ExitCode {
    let trials: [Named; 4] = [
        ("a_proxy_that_refuses_is_named", a_proxy_that_refuses_is_named),
        ("memory_that_runs_out_is_told", memory_that_runs_out_is_told),
        (
            "a_limit_on_files_ends_codex_and_not_the_review",
            a_limit_on_files_ends_codex_and_not_the_review,
        ),
        ("retries_of_codex_itself_are_cut_short", retries_of_codex_itself_are_cut_short),
    ];
    let mut trials: Vec<Trial> =
        trials.into_iter().map(|(name, test)| with_codex(name, test)).collect();
    let name = "a_disk_that_takes_nothing_costs_what_it_holds";
    trials.push(with_codex_and_namespaces(name, a_disk_that_takes_nothing_costs_what_it_holds));
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// From the first answer that shows the fault to our exit.
const BOUND: Duration = Duration::from_secs(10);

const REVIEW: [&str; 7] =
    ["review", "HEAD~1..", "--format", "json", "--fresh", "--config", "limits.first_answer=8s"];

fn review(home: &Home, repo: &Repo) -> Advisor {
    Advisor::new(home).in_dir(repo.path()).env(KEY_VARIABLE, "sk-loopback").args(REVIEW)
}

/// The class of the failure; null where there is an answer. Nothing is left running in either case.
#[track_caller]
fn class(name: &str, output: &Output, home: &Home) -> Value {
    assert_eq!(output.status, Some(0), "{name}\n{output}");
    assert!(home.processes().is_empty(), "{name}: {:?}", home.processes());
    output.json()["consultation"]["failure"]["class"].clone()
}

/// A proxy that reads a request and gives this answer; none where it is empty.
fn proxy(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            // What becomes of the connection is the client's to tell.
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    format!("http://{address}")
}

fn a_proxy_that_refuses_is_named(codex: &Path) {
    const WANTS_A_PASSWORD: &str =
        "HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n";
    const FORBIDS: &str = "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
    let server = ResponsesServer::answering(all_clear);
    let (home, repo) = (Home::new(), risky_repo());
    for (scheme, answer, expected) in [
        ("https", WANTS_A_PASSWORD, "no-connection"),
        ("https", FORBIDS, "no-connection"),
        ("https", "", "no-connection"),
        ("http", WANTS_A_PASSWORD, "no-connection"),
        ("http", FORBIDS, "forbidden"),
        ("http", "", "no-connection"),
    ] {
        let service = format!("{scheme}://service.invalid/v1");
        home.write_config(&user_config(&server, codex).replace(&server.base_url(), &service));
        let address = proxy(answer);
        let run = review(&home, &repo).env("https_proxy", &address).env("http_proxy", &address);
        let output = run.run();
        let name = format!("{scheme} {answer:?}");
        assert_eq!(class(&name, &output, &home), expected, "{name}\n{output}");
        assert!(output.duration < BOUND, "{name}: {:?}", output.duration);
    }
    assert_eq!(server.requests().len(), 0);
}

/// The native program behind npm's launcher, where it is one.
fn native(codex: &Path) -> PathBuf {
    let real = codex.canonicalize().unwrap();
    let packages = real.ancestors().find(|folder| folder.ends_with("@openai")).map(Path::to_owned);
    let below = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect()
    };
    let vendors =
        packages.iter().flat_map(|folder| below(folder)).map(|found| found.join("vendor"));
    let programs = vendors.flat_map(|vendor| below(&vendor)).map(|target| target.join("bin/codex"));
    programs.into_iter().find(|program| program.is_file()).unwrap_or(real)
}

/// A Codex that is started under a limit once a review has proven the leash.
fn limited(codex: &Path, limit: &str) -> (ResponsesServer, Home, Repo) {
    let server = ResponsesServer::answering(all_clear);
    let (home, repo) = (Home::new(), risky_repo());
    let flag = home.path().join("limited");
    let script = format!(
        "#!/bin/sh\ncase \"$*\" in *exec*) [ ! -e '{}' ] || {limit} ;; esac\nexec '{}' \"$@\"\n",
        flag.display(),
        codex.display()
    );
    let wrapper = home.write("limited-codex", script);
    fs::set_permissions(&wrapper, fs::Permissions::from_mode(0o755)).unwrap();
    home.write_config(&user_config(&server, &wrapper));
    assert_eq!(class("unlimited", &review(&home, &repo).run(), &home), Value::Null);
    fs::write(flag, "").unwrap();
    (server, home, repo)
}

/// Where it runs out decides how Codex ends: by a signal, with a word, or not at all.
fn memory_that_runs_out_is_told(codex: &Path) {
    let programs = [(codex.to_owned(), [300_000, 600_000]), (native(codex), [100_000, 250_000])];
    for (program, limits) in programs {
        for limit in limits {
            let (_server, home, repo) = limited(&program, &format!("ulimit -v {limit}"));
            let output = review(&home, &repo).run();
            let name = format!("{} KiB for {}", limit, program.display());
            let class = class(&name, &output, &home);
            let expected = ["killed", "out-of-memory", "no-headers"];
            assert!(
                expected.iter().any(|expected| class == *expected),
                "{name}: {class}\n{output}"
            );
            assert!(output.duration < BOUND + Duration::from_secs(8), "{name}");
        }
    }
}

fn a_limit_on_files_ends_codex_and_not_the_review(codex: &Path) {
    let (_server, home, repo) = limited(codex, "ulimit -f 8");
    let output = review(&home, &repo).run();
    assert_eq!(class("files", &output, &home), "killed", "{output}");
    assert!(output.duration < BOUND);
}

/// A disk that is full or read-only, in the place of a folder that is written to.
fn a_disk_that_takes_nothing_costs_what_it_holds(codex: &Path) {
    let full = |size: &str| format!("mount -t tmpfs -o size={size} tmpfs");
    let read_only = || "mount -t tmpfs -o ro tmpfs".to_owned();
    for (mount, folder, class_, said) in [
        (read_only(), "$state", "state-unwritable", "Read-only file system"),
        (full("4k"), "$state", "codex-home", "the disk may be full"),
        (full("128k"), "$state", "codex-home", "the disk may be full"),
        (read_only(), "$state/git-advisor/codex", "state-unwritable", "Read-only file system"),
        (read_only(), "$tmp", "state-unwritable", "Read-only file system"),
        (full("4k"), "$tmp", "state-unwritable", "No space left on device"),
        (read_only(), "$git", "", "the review is not recorded: Read-only file system"),
        (full("4k"), "$git", "", "the record of the review is not complete: No space left"),
    ] {
        let server = ResponsesServer::answering(all_clear);
        let (home, repo) = (Home::new(), risky_repo());
        home.write_config(&user_config(&server, codex));
        drop(review(&home, &repo).run().success());
        let git = repo.path().join(".git/git-advisor");
        let advisor = env!("CARGO_BIN_EXE_git-advisor");
        let script =
            format!("PATH=$system {mount} \"{folder}\" && exec '{advisor}' {}", REVIEW.join(" "));
        let unshare = Advisor::program(&home, support::find_on_path("unshare").unwrap());
        let run = unshare.in_dir(repo.path()).env(KEY_VARIABLE, "sk-loopback");
        let run = run.env("state", home.state()).env("tmp", home.tmp()).env("git", git);
        let run = run.env("system", support::machine_path());
        let output = run.args(["-rm", "sh", "-c", &script]).run();
        let name = format!("{mount} {folder}");
        let found = class(&name, &output, &home);
        assert_eq!(found.as_str().unwrap_or_default(), class_, "{name}\n{output}");
        assert_eq!(output.stderr.matches(said).count(), 1, "{name}\n{output}");
        assert!(output.duration < Duration::from_secs(30), "{name}: {:?}", output.duration);
    }
}

/// With `codex.provider = "builtin"` Codex asks up to thirty times, for minutes or for ever.
fn retries_of_codex_itself_are_cut_short(codex: &Path) {
    let mut times = Vec::new();
    for (name, reply, expected) in [
        ("401", Reply::unauthorized(), "key-refused"),
        ("403", Reply::status(403), "forbidden"),
        ("429 retry-after", Reply::rate_limited_for(3_600), "rate-limit"),
        ("500", Reply::server_error(), "server-error"),
        ("502", Reply::status(502), "server-error"),
        ("503 retry-after", Reply::status(503).header("retry-after", "3600"), "server-error"),
        ("503 overloaded", Reply::overloaded(), "server-error"),
        ("stream limit", Reply::stream_error("slow_down", "no"), "rate-limit"),
        ("stream broken", Reply::EndsEarly, "stream-broken"),
        ("unanswered", Reply::CloseUnanswered, "no-connection"),
    ] {
        let first = Arc::new(Mutex::new(None));
        let seen = Arc::clone(&first);
        let server = ResponsesServer::answering(move |_| {
            seen.lock().unwrap().get_or_insert_with(Instant::now);
            reply.clone()
        });
        let (home, repo) = (Home::new(), risky_repo());
        home.write_config(&(user_config(&server, codex) + "provider = \"builtin\"\n"));
        let output = review(&home, &repo).run();
        let took = first.lock().unwrap().unwrap().elapsed();
        assert_eq!(class(name, &output, &home), expected, "{name}\n{output}");
        let requests = server.responses_requests().len();
        assert!(requests <= 6, "{name}: {requests} requests");
        assert!(took < BOUND, "{name}: {took:?}");
        times.push((took, name));
    }
    times.sort_unstable();
    let (median, worst) = (times[times.len() / 2], times[times.len() - 1]);
    println!(
        "retries of Codex itself: {} rows, from the first refusal to the exit {} ms in the median, {} ms at worst ({})",
        times.len(),
        median.0.as_millis(),
        worst.0.as_millis(),
        worst.1
    );
    // Nobody listens at all, which by itself would be for ever.
    let server = ResponsesServer::answering(all_clear);
    let (home, repo) = (Home::new(), risky_repo());
    home.write_config(&(user_config(&server, codex) + "provider = \"builtin\"\n"));
    drop(server);
    let output = review(&home, &repo).run();
    assert_eq!(class("nobody", &output, &home), "no-connection", "{output}");
    assert!(output.duration < BOUND);
}
