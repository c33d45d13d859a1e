//! `git advisor demo`: a small sample repository, and the whole path on its last commits.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use git2::{IndexAddOption, Repository, RepositoryInitOptions, Signature, Time};
use include_dir::{Dir, DirEntry, include_dir};
use serde::Deserialize;

use super::news;
use super::review::{self, Wish};
use super::session::Session;
use super::{print, tell, width};
use crate::cli::DemoArgs;
use crate::exit::Exit;
use crate::report::terminal;
use crate::source::Spec;

static SAMPLE: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/fixtures/demo");

/// What the demo reviews: the commits that bring in the flaws.
const RANGE: &str = "HEAD~3..HEAD";

#[derive(Deserialize)]
struct Steps {
    step: Vec<Step>,
}

/// A commit of the sample: a folder laid over the work tree.
#[derive(Deserialize)]
struct Step {
    dir: String,
    message: String,
    #[serde(default)]
    remove: Vec<String>,
}

pub(super) fn run(args: &DemoArgs, flags: &[(String, String)]) -> Result<Exit> {
    let temporary = match &args.dir {
        Some(_) => None,
        None => Some(tempfile::Builder::new().prefix("git-advisor-demo-").tempdir()?),
    };
    let folder =
        args.dir.clone().or_else(|| temporary.as_ref().map(|folder| folder.path().to_owned()));
    let folder: PathBuf = folder.context("there is no folder for the sample")?;
    let repo = build(&folder)?;
    tell(
        "demo",
        &format!(
            "a sample repository of {} commits in {}; reviewing {RANGE}",
            steps()?.len(),
            folder.display()
        ),
    );
    let spec = Spec::revisions(RANGE);
    let mut session = Session::within(Some(repo), flags)?;
    if temporary.is_some() {
        session.records = None;
    }
    let wish = if args.no_codex { Wish::LocalOnly } else { Wish::SecondOpinion };
    let review = review::review(&session, &spec, None, wish, &mut news::on_stderr())?;
    print(&terminal::review(&review, width()))?;
    let status = review::exit(&review);
    if status == Exit::Interrupted {
        return Ok(status);
    }
    if review.answer.is_none() {
        tell(
            "demo",
            "this was the local part. The second opinion needs Codex: `npm install -g @openai/codex`, \
            then `codex login`; `git advisor doctor` checks both",
        );
    }
    tell(
        "demo",
        &format!(
            "in your own repository this review would have ended with status {}",
            status.code()
        ),
    );
    Ok(Exit::Clean)
}

fn steps() -> Result<Vec<Step>> {
    let text = SAMPLE.get_file("steps.toml").and_then(|file| file.contents_utf8());
    let steps: Steps = toml::from_str(text.context("the sample has no steps")?)?;
    Ok(steps.step)
}

/// Makes the sample repository, one commit for each step.
fn build(folder: &Path) -> Result<Repository> {
    if folder.read_dir().is_ok_and(|mut entries| entries.next().is_some()) {
        bail!("`{}` is not empty; name a new folder with --dir", folder.display());
    }
    let repo = Repository::init_opts(
        folder,
        RepositoryInitOptions::new().initial_head("main").mkpath(true),
    )
    .with_context(|| format!("cannot make a repository in `{}`", folder.display()))?;
    for (minute, step) in (0..).zip(steps()?) {
        let layer =
            SAMPLE.get_dir(&step.dir).with_context(|| format!("the sample has no {}", step.dir))?;
        lay(layer, layer.path(), folder)?;
        for path in &step.remove {
            fs::remove_file(folder.join(path)).with_context(|| format!("cannot remove {path}"))?;
        }
        commit(&repo, &step.message, minute)?;
    }
    Ok(repo)
}

fn lay(layer: &Dir<'_>, top: &Path, folder: &Path) -> Result<()> {
    for entry in layer.entries() {
        match entry {
            DirEntry::Dir(inner) => lay(inner, top, folder)?,
            DirEntry::File(file) => {
                let path = folder.join(file.path().strip_prefix(top)?);
                let parent = path.parent().context("a file of the sample has no folder")?;
                fs::create_dir_all(parent)?;
                fs::write(&path, file.contents())
                    .with_context(|| format!("cannot write `{}`", path.display()))?;
            }
        }
    }
    Ok(())
}

fn commit(repo: &Repository, message: &str, minute: i64) -> Result<()> {
    let mut index = repo.index()?;
    index.add_all(["*"], IndexAddOption::FORCE, None)?;
    index.update_all(["*"], None)?;
    index.write()?;
    let tree = repo.find_tree(index.write_tree()?)?;
    let time = Time::new(1_767_225_600 + 60 * minute, 0);
    let author = Signature::new("Parcel", "parcel@example.com", &time)?;
    let parent = repo.head().ok().map(|head| head.peel_to_commit()).transpose()?;
    repo.commit(
        Some("HEAD"),
        &author,
        &author,
        message,
        &tree,
        &parent.iter().collect::<Vec<_>>(),
    )?;
    Ok(())
}
