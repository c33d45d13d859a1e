//! SOURCE as it was typed.

/// What the user asked to compare, before any repository is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spec {
    /// Nothing: from the merge base with upstream to HEAD.
    Default,
    /// `A..B`: the two end points.
    Ends {
        /// Old side.
        old: String,
        /// New side.
        new: String,
    },
    /// `A...B`: from the merge base to B.
    MergeBase {
        /// The branch that is merged into.
        old: String,
        /// The branch that is merged.
        new: String,
    },
    /// `--staged`
    Staged,
    /// `--worktree`
    Worktree,
    /// `--commit REV`
    Commit(String),
    /// `--patch FILE`, `-` for stdin.
    Patch(String),
}

impl Spec {
    /// Reads a source where there are no options: `staged`, `worktree`, else as [`Spec::revisions`].
    pub fn named(text: &str) -> Spec {
        match text {
            "staged" => Spec::Staged,
            "worktree" => Spec::Worktree,
            revisions => Spec::revisions(revisions),
        }
    }

    /// Reads `A..B`, `A...B`, `A..`, `..B` or a single revision; a missing side is HEAD.
    pub fn revisions(text: &str) -> Spec {
        let or_head = |side: &str| {
            if side.is_empty() { "HEAD".to_owned() } else { side.to_owned() }
        };
        if let Some((old, new)) = text.split_once("...") {
            return Spec::MergeBase { old: or_head(old), new: or_head(new) };
        }
        match text.split_once("..") {
            Some((old, new)) => Spec::Ends { old: or_head(old), new: or_head(new) },
            None => Spec::Ends { old: or_head(text), new: "HEAD".to_owned() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_git_reads_them() {
        let ends = |old: &str, new: &str| Spec::Ends { old: old.into(), new: new.into() };
        let base = |old: &str, new: &str| Spec::MergeBase { old: old.into(), new: new.into() };
        assert_eq!(Spec::revisions("A..B"), ends("A", "B"));
        assert_eq!(Spec::revisions("A.."), ends("A", "HEAD"));
        assert_eq!(Spec::revisions("..B"), ends("HEAD", "B"));
        assert_eq!(Spec::revisions("A"), ends("A", "HEAD"));
        assert_eq!(Spec::revisions("A...B"), base("A", "B"));
        assert_eq!(Spec::revisions("v1.0...",), base("v1.0", "HEAD"));
    }
}
