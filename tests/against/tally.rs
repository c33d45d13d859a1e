//! What was compared and what came of it.

use std::fmt;

use super::Pair;

/// So many files of a thousand may be edited by another script than git's …
const DIFFERENT_PERMILLE: usize = 4;

/// … and so many by a longer one.
const LONGER_PERMILLE: usize = 1;

/// So many renames of a hundred may be found by git alone, which measures likeness otherwise: line
/// ends that are turned, say, count to the program and not to git.
const MISSED_PERCENT: usize = 10;

/// So many complaints of a kind are printed at the end; the rest is a number.
const SHOWN: usize = 40;

#[derive(Debug, Default)]
pub struct Tally {
    pub pairs: usize,
    pub files: usize,
    /// Files whose lines were compared.
    pub texts: usize,
    /// Changed lines of these files, to the program and to git.
    pub lines: usize,
    pub git_lines: usize,
    /// Files with another choice of lines than git's, and those of them with clearly more lines.
    pub different: usize,
    pub longer: usize,
    /// Renames that git finds.
    pub renames: usize,
    /// Those of them whose source the program has given to another target …
    pub other_source: usize,
    /// … those that it did not look for, because too many files are left …
    pub not_sought: usize,
    /// … and those that it looked for and did not find.
    pub missed: Vec<String>,
    /// Submodules, and files that are missing, binary or too large: their listing alone is compared.
    pub listed_only: usize,
    /// Files that are not compared because another path looks the same.
    pub look_alikes: usize,
    /// Files that are left out because the change as a whole is too large.
    pub out_of_budget: usize,
    pub failures: Vec<String>,
}

impl Tally {
    pub fn fail(&mut self, pair: &Pair, path: &str, complaint: &str) {
        self.failures.push(pair.about(path, complaint));
    }

    pub fn add(&mut self, other: Tally) {
        self.pairs += other.pairs;
        self.files += other.files;
        self.texts += other.texts;
        self.lines += other.lines;
        self.git_lines += other.git_lines;
        self.different += other.different;
        self.longer += other.longer;
        self.renames += other.renames;
        self.other_source += other.other_source;
        self.not_sought += other.not_sought;
        self.missed.extend(other.missed);
        self.listed_only += other.listed_only;
        self.look_alikes += other.look_alikes;
        self.out_of_budget += other.out_of_budget;
        self.failures.extend(other.failures);
    }

    /// Fails the test unless the program and git agree.
    #[track_caller]
    pub fn check(&self) {
        assert!(self.failures.is_empty(), "failures: {}", some(&self.failures));
        let (missed, renames) = (self.missed.len(), self.renames);
        assert!(
            missed * 100 <= renames * MISSED_PERCENT,
            "of {renames} renames, found by git alone: {}",
            some(&self.missed)
        );
        let bounded = |count: usize, permille: usize| count * 1000 <= self.texts * permille;
        assert!(
            bounded(self.different, DIFFERENT_PERMILLE) && bounded(self.longer, LONGER_PERMILLE),
            "of {} files, {} are edited by another script than git's, {} by a longer one",
            self.texts,
            self.different,
            self.longer
        );
    }

    pub const HEAD: &str = "pairs   files   texts     lines    by git  different  longer  renames  \
                            other-source  not-sought  missed  listed-only  look-alikes  \
                            out-of-budget  failures";
}

/// Complaints as a number and a line each, as many as anybody reads.
fn some(complaints: &[String]) -> String {
    let shown = complaints[..complaints.len().min(SHOWN)].join("\n");
    format!("{}\n{shown}", complaints.len())
}

/// One row below [`Tally::HEAD`].
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:5}  {:6}  {:6}  ", self.pairs, self.files, self.texts)?;
        write!(f, "{:8}  {:8}  ", self.lines, self.git_lines)?;
        write!(f, "{:9}  {:6}  {:7}  ", self.different, self.longer, self.renames)?;
        write!(f, "{:12}  {:10}  ", self.other_source, self.not_sought)?;
        write!(f, "{:6}  {:11}  ", self.missed.len(), self.listed_only)?;
        write!(f, "{:11}  {:13}  ", self.look_alikes, self.out_of_budget)?;
        write!(f, "{:8}", self.failures.len())
    }
}
