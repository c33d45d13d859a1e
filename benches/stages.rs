//! The stages of a scan, each for itself.
//!
//!     cargo bench --bench stages
//!     GIT_ADVISOR_RANGE="REPOSITORY OLD..NEW" cargo bench --bench stages
//!
//! `read` lists, reads and compares; `study` does so with every rule at hand, so that the difference is what
//! the rules cost; the others begin where the one before has ended. Without a range the last ten commits of the
//! repository of this source are taken. How whole commands compare with git is told by `ranges`.
#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has nothing to say")]
#![allow(clippy::disallowed_methods, reason = "the variable is the benchmark's own")]

use divan::{Bencher, black_box};
use git_advisor::change::{self, Change, File, Study};
use git_advisor::classify::{self, Classified, Classifier};
use git_advisor::config::Select;
use git_advisor::pack;
use git_advisor::rules::Rules;
use git_advisor::source::{self, Comparison, Spec};
use git2::Repository;

/// Tokens that a packet may have.
const BUDGET: usize = 24_000;

fn main() {
    divan::main();
}

/// The repository and the range that are measured.
fn measured() -> (Repository, Spec) {
    let given = std::env::var("GIT_ADVISOR_RANGE");
    let given = given.unwrap_or_else(|_| format!("{} HEAD~10..HEAD", env!("CARGO_MANIFEST_DIR")));
    let (repository, range) = given.split_once(' ').unwrap();
    (Repository::open(repository).unwrap(), Spec::revisions(range))
}

/// Reads files and finds nothing in them.
struct Nothing;

impl Study for Nothing {
    type Scratch = ();
    type Found = ();

    fn study(&self, file: &File, (): &mut ()) {
        black_box(file);
    }

    fn wants_text((): &()) -> bool {
        false
    }
}

fn studied<S: Study>(comparison: &Comparison<'_>, study: &S) -> (Change, Vec<S::Found>) {
    change::read(comparison, &Select::default(), study).unwrap()
}

fn classified(change: &Change, found: Vec<classify::Found>) -> Classified {
    classify::settle(change, found, &Select::default())
}

#[divan::bench]
fn rules(bencher: Bencher<'_, '_>) {
    bencher.bench(|| Rules::with(&[], &[]).unwrap());
}

#[divan::bench]
fn read(bencher: Bencher<'_, '_>) {
    let (repository, spec) = measured();
    let comparison = source::resolve(Some(&repository), &spec).unwrap();
    bencher.bench_local(|| studied(&comparison, &Nothing));
}

#[divan::bench]
fn study(bencher: Bencher<'_, '_>) {
    let (repository, spec) = measured();
    let comparison = source::resolve(Some(&repository), &spec).unwrap();
    bencher.bench_local(|| {
        studied(&comparison, &Classifier::new(Rules::built_in(), &Select::default()))
    });
}

#[divan::bench]
fn score(bencher: Bencher<'_, '_>) {
    let (repository, spec) = measured();
    let comparison = source::resolve(Some(&repository), &spec).unwrap();
    let begin = || studied(&comparison, &Classifier::new(Rules::built_in(), &Select::default()));
    bencher.with_inputs(begin).bench_local_values(|(change, found)| classified(&change, found));
}

#[divan::bench]
fn pack(bencher: Bencher<'_, '_>) {
    let (repository, spec) = measured();
    let comparison = source::resolve(Some(&repository), &spec).unwrap();
    let (mut change, found) =
        studied(&comparison, &Classifier::new(Rules::built_in(), &Select::default()));
    let classified = classified(&change, found);
    let wanted = pack::candidates(&change, &classified, BUDGET);
    change.recall(|file| wanted.contains(&file.path), u64::MAX).unwrap();
    bencher.bench_local(|| pack::pack(&change, &classified, "k7f3", BUDGET));
}
