//! What every command on a change begins with: repository, configuration, rules; then the scan.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::Result;
use git2::Repository;

use crate::change::{self, File};
use crate::classify::{self, Classifier};
use crate::config::{Config, Layers, Tracked};
use crate::consult::Stop;
use crate::pack;
use crate::prompt::{self, Nonce, Prompt};
use crate::record::Records;
use crate::redact;
use crate::report::{Compared, Scan, Stats};
use crate::rules::Rules;
use crate::source::{self, Sides, Spec};

/// What is read again of texts that were let go, at most, in bytes.
pub(super) const MAX_RECALLED: u64 = 64 << 20;

/// A larger patch than this, in bytes, is not kept for a follow-up, nor is one that holds secrets.
const MAX_KEPT_PATCH: usize = 16 << 20;

/// Where and how a command works.
pub struct Session {
    pub(super) repo: Option<Repository>,
    pub(super) config: Config,
    pub(super) rules: Rules,
    /// Where reviews are kept; nowhere for a repository that is thrown away.
    pub(super) records: Option<Records>,
    /// What ends a call of this command before its time.
    pub(crate) stop: Stop,
    /// The folder that relative paths are named from.
    pub(crate) here: PathBuf,
    /// What the user should know about the configuration.
    notes: Vec<String>,
}

impl Session {
    /// Opens the repository (a patch needs none) and loads the configuration.
    pub(super) fn open(spec: &Spec, flags: &[(String, String)]) -> Result<Session> {
        let repo = match (source::open(), spec) {
            (Ok(repo), _) => Some(repo),
            (Err(_), Spec::Patch(_)) => None,
            (Err(error), _) => return Err(error.into()),
        };
        Session::about(repo, Some(spec), flags)
    }

    /// The same for a repository that is already open.
    pub(super) fn within(repo: Option<Repository>, flags: &[(String, String)]) -> Result<Session> {
        Session::about(repo, None, flags)
    }

    /// The same for a change that is to be read in it: its base may be where the configuration stands.
    pub(crate) fn about(
        repo: Option<Repository>,
        spec: Option<&Spec>,
        flags: &[(String, String)],
    ) -> Result<Session> {
        let mut layers =
            Layers { repo: repo.as_ref(), tracked: Tracked::Worktree, flags: flags.to_vec() };
        let mut notes = Vec::new();
        if let (Some(repo), Some(spec), true) =
            (repo.as_ref(), spec, Config::is_from_base(&layers)?)
        {
            layers.tracked = Tracked::Tree(source::base(repo, spec)?);
            notes.push(
                "configuration and rules are those of the base, not of the change".to_owned(),
            );
        }
        let config = Config::load(&layers)?;
        let rules = config.rules()?;
        let records = Records::of(repo.as_ref());
        let (stop, here) = (Stop::Signal, PathBuf::from("."));
        Ok(Session { repo, config, rules, records, stop, here, notes })
    }

    /// Source to packet: everything that happens on this machine alone.
    pub(super) fn scan(&self, spec: &Spec, question: Option<&str>, nonce: &Nonce) -> Result<Scan> {
        let begun = Instant::now();
        let comparison = source::resolve(self.repo.as_ref(), spec)?;
        let select = &self.config.select;
        let classifier = Classifier::new(&self.rules, select);
        let patch = match &comparison.sides {
            Sides::Patch { text }
                if text.len() <= MAX_KEPT_PATCH && !redact::patch_holds_secrets(text) =>
            {
                Some(text.clone())
            }
            _ => None,
        };
        let (mut change, found) = change::read(&comparison, select, &classifier)?;
        let mut classified = classify::settle(&change, found, select);
        let overhead = prompt::overhead(question, self.rules.categories());
        let budget = self.config.limits.prompt_tokens.saturating_sub(overhead);
        let wanted = pack::candidates(&change, &classified, budget);
        let near = pack::near(&change, &classified, select.threshold, budget);
        let at_hand = |file: &File| wanted.contains(&file.path) || near.contains(&file.path);
        change.recall(at_hand, MAX_RECALLED)?;
        pack::accompany(&change, &mut classified, select.threshold, &near, budget);
        let packet = pack::pack(&change, &classified, &nonce.mark, budget);
        let mut stats = Stats {
            counts: classified.counts(&change),
            diff_bytes: change.files.iter().map(|file| file.diff_bytes).sum(),
            selected_bytes: classified
                .selected()
                .filter_map(|score| change.hunk(score.id))
                .map(|(_, hunk)| hunk.bytes)
                .sum(),
            ..Stats::default()
        };
        let source = Compared {
            kind: comparison.kind,
            spec: comparison.spec,
            old: comparison.old,
            new: comparison.new,
            notes: [&self.notes[..], &comparison.notes].concat(),
        };
        stats.duration = begun.elapsed();
        let mut scan = Scan { source, change, classified, packet, stats, patch };
        if scan.stats.counts.selected_hunks > 0 {
            let text = self.prompt(&scan, question, nonce);
            scan.stats.prompt_tokens = pack::estimated_tokens(text.text().len());
        }
        scan.stats.duration = begun.elapsed();
        Ok(scan)
    }

    /// The prompt for a scan.
    pub(super) fn prompt(&self, scan: &Scan, question: Option<&str>, nonce: &Nonce) -> Prompt {
        let categories = self.rules.categories();
        prompt::render(&scan.packet, &scan.change, scan.stats.counts, categories, question, nonce)
    }
}
