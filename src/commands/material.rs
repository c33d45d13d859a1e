//! What a consultation is about, as pieces of text: files, changes, attempts, a plan.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use git2::Repository;

use super::consult::Inquiry;
use super::session::Session;
use crate::change::{self, File, Study, Text};
use crate::classify::Classified;
use crate::pack::{self, Piece};
use crate::source::{self, Spec};
use crate::visible;

/// A larger file than this, in bytes, gives no context.
const MAX_FILE: u64 = 4 << 20;

/// All pieces, and the commit at which more can be given.
pub(super) struct Material {
    pub(super) pieces: Vec<Piece>,
    pub(super) head: Option<String>,
}

/// Reads every hunk, whatever the rules say of it.
struct Everything;

impl Study for Everything {
    type Scratch = ();
    type Found = ();

    fn study(&self, _: &File, (): &mut ()) {}

    fn wants_text((): &()) -> bool {
        true
    }
}

/// Gathers what an inquiry names. All of it must fit the token budget: a part that is left out unsaid would
/// be worse than no answer.
pub(super) fn gathered(session: &Session, inquiry: &Inquiry, mark: &str) -> Result<Material> {
    let mut gathering = Gathering { session, mark, pieces: Vec::new() };
    if let Some((name, text)) = &inquiry.text {
        gathering.text("", name, text)?;
    }
    for (number, attempt) in (1..).zip(&inquiry.attempts) {
        gathering.attempt(number, attempt)?;
    }
    for diff in &inquiry.diffs {
        gathering.change("", diff)?;
    }
    for file in &inquiry.context {
        gathering.file(file)?;
    }
    let head = session.repo.as_ref().and_then(|repo| repo.head().ok()?.target());
    Ok(Material { pieces: gathering.pieces, head: head.map(|id| id.to_string()) })
}

struct Gathering<'a> {
    session: &'a Session,
    mark: &'a str,
    pieces: Vec<Piece>,
}

impl Gathering<'_> {
    fn left(&self) -> usize {
        let taken: usize = self.pieces.iter().map(Piece::tokens).sum();
        self.session.config.limits.prompt_tokens.saturating_sub(taken)
    }

    fn label(&self) -> String {
        format!("H{}-{}", self.pieces.len() + 1, self.mark)
    }

    fn text(&mut self, about: &str, name: &str, text: &str) -> Result<()> {
        let text = Text::whole(text.as_bytes().to_vec());
        let piece = Piece::whole(&self.label(), name, &text, self.left());
        let piece = piece.map_err(|why| withheld(name, why))?;
        self.pieces.push(Piece { about: about.to_owned(), ..piece });
        Ok(())
    }

    /// `PATH` or `PATH:A-B`, within the repository (or without one, below the current folder).
    fn file(&mut self, named: &str) -> Result<()> {
        let (path, lines) = match named.rsplit_once(':') {
            Some((path, lines)) if lines.starts_with(|c: char| c.is_ascii_digit()) => {
                (path, Some(lines))
            }
            _ => (named, None),
        };
        let shown = visible::line(path);
        let found = fs::canonicalize(self.session.here.join(path))
            .with_context(|| format!("cannot read `{shown}`"))?;
        let root = root(self.session)?;
        let Ok(inside) = found.strip_prefix(&root) else {
            bail!("`{shown}` is not within `{}`; only files there are given", root.display());
        };
        if inside.starts_with(".git") {
            bail!("`{shown}` is git's own and is not given");
        }
        let about = fs::metadata(&found).with_context(|| format!("cannot read `{shown}`"))?;
        if !about.is_file() || about.len() > MAX_FILE {
            bail!("`{shown}` is no regular file of at most 4 MiB");
        }
        let bytes = fs::read(&found).with_context(|| format!("cannot read `{shown}`"))?;
        let (text, inside) = (Text::whole(bytes), inside.to_string_lossy());
        let label = self.label();
        let piece = match lines {
            Some(lines) => Piece::of(&label, &inside, &text, lines, self.left()),
            None => Piece::whole(&label, &inside, &text, self.left()),
        };
        self.pieces.push(piece.map_err(|why| withheld(named, why))?);
        Ok(())
    }

    /// An attempt is a source if it names one, else it is told in words.
    fn attempt(&mut self, number: usize, attempt: &str) -> Result<()> {
        let about = format!("attempt {number}");
        let is_source = !attempt.trim().contains(char::is_whitespace);
        match self.session.repo.as_ref().filter(|_| is_source) {
            Some(_) => self.change(&about, attempt),
            None => self.text(&about, &about, attempt),
        }
    }

    /// Every hunk of a change, each a piece.
    fn change(&mut self, about: &str, spec: &str) -> Result<()> {
        let spec = Spec::named(spec);
        let comparison = source::resolve(self.session.repo.as_ref(), &spec)?;
        let select = &self.session.config.select;
        let (change, _) = change::read(&comparison, select, &Everything)?;
        let packet =
            pack::pack(&change, &Classified::all_selected(&change), self.mark, self.left());
        if let Some(left) = packet.left_out.first() {
            let path = change.hunk(left.id).map(|(file, _)| visible::line(&file.path));
            bail!(
                "`{}` of {} cannot go along: {}; narrow the change, or name files with `--context PATH:A-B`",
                path.unwrap_or_default(),
                visible::line(&comparison.spec),
                left.why.words()
            );
        }
        for hunk in &packet.hunks {
            let piece = Piece::of_hunk(&self.label(), hunk);
            self.pieces.push(Piece { about: about.to_owned(), ..piece });
        }
        Ok(())
    }
}

/// Where files may be given from.
fn root(session: &Session) -> Result<PathBuf> {
    let root = session.repo.as_ref().and_then(Repository::workdir).unwrap_or(&session.here);
    fs::canonicalize(root).context("cannot find the current folder")
}

fn withheld(path: &str, why: &str) -> anyhow::Error {
    anyhow::anyhow!("`{}` is not given: {why}", visible::line(path))
}
