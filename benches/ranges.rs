//! Whole ranges: `git advisor scan --format json` against `git diff`, in one run, as ratios.
//!
//!     cargo bench --bench ranges -- REPOSITORY OLD NEW [PAIRS]
//!
//! Both read the same two revisions and write to nowhere. They take turns, so that a machine that slows
//! down slows both; each ratio is taken pair by pair, and the median is printed. No user's or system's git
//! configuration is read. Without arguments (as under `cargo bench` alone) the repository of this source
//! is measured over its last ten commits.

use std::error::Error;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Pairs of runs when none are asked for.
const PAIRS: usize = 9;

fn main() -> Result<(), Box<dyn Error>> {
    let given: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    let given: Vec<&str> = given.iter().map(String::as_str).collect();
    let own = [env!("CARGO_MANIFEST_DIR"), "HEAD~10", "HEAD"];
    let (repository, old, new) = match given[..] {
        [] => (own[0], own[1], own[2]),
        [repository, old, new] | [repository, old, new, _] => (repository, old, new),
        _ => return Err("usage: cargo bench --bench ranges -- REPOSITORY OLD NEW [PAIRS]".into()),
    };
    let pairs = given.get(3).map_or(Ok(PAIRS), |count| count.parse())?;
    let scan = [env!("CARGO_BIN_EXE_git-advisor"), "scan", "--format", "json"];
    let range = format!("{old}..{new}");
    let scan = || run(repository, &[&scan[..], &[range.as_str()]].concat());
    let diff = || run(repository, &["git", "diff", "--no-color", "--no-ext-diff", old, new]);
    scan()?;
    diff()?;
    let mut times = Vec::new();
    for at in 0..pairs.max(1) {
        // Whoever is first finds the caches as the other left them.
        times.push(if at % 2 == 0 {
            let scan = scan()?;
            (scan, diff()?)
        } else {
            let diff = diff()?;
            (scan()?, diff)
        });
    }
    let ratios = times.iter().map(|(scan, diff)| scan.as_secs_f64() / diff.as_secs_f64());
    let (scans, diffs) =
        times.iter().map(|(scan, diff)| (scan.as_secs_f64(), diff.as_secs_f64())).unzip();
    let name = Path::new(repository).file_name().unwrap_or_default().display();
    print(&format!(
        "{name} {range}: scan {:.3} s, git diff {:.3} s, ratio {:.2} (median of {} pairs)",
        median(scans),
        median(diffs),
        median(ratios.collect()),
        times.len(),
    ));
    Ok(())
}

/// Runs a program in a repository, its output to nowhere, and gives its wall time.
fn run(repository: &str, command: &[&str]) -> Result<Duration, Box<dyn Error>> {
    let begun = Instant::now();
    let status = Command::new(command[0])
        .args(&command[1..])
        .current_dir(repository)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    let took = begun.elapsed();
    if status.success() { Ok(took) } else { Err(format!("{command:?} ended with {status}").into()) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

#[expect(clippy::print_stdout, reason = "a benchmark is read on the terminal")]
fn print(line: &str) {
    println!("{line}");
}
