//! Report files: checked before anything is paid for, written as a whole, never through a link.

use std::io::Write;
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::review::exit;
use super::tell;
use crate::cli::ReportFile;
use crate::exit::Exit;
use crate::report::{Format, Review, View, render};
use crate::source;

/// Refuses places that cannot take a report.
pub(super) fn check(files: &[ReportFile]) -> Result<()> {
    files.iter().try_for_each(|file| check_place(&file.path))
}

/// Writes all reports.
///
/// # Errors
/// When one cannot be written, unless the review has findings that block: those are the more
/// important news, and the error is told beside them.
pub(super) fn write(files: &[ReportFile], review: &Review, view: View) -> Result<()> {
    for file in files {
        let text = render(review, file.format, view);
        let text = match file.format {
            Format::Text => anstream::adapter::strip_str(&text).to_string(),
            _ => text,
        };
        match replace(&file.path, &text) {
            Err(error) if exit(review) == Exit::Findings => tell("error", &format!("{error:#}")),
            written => written?,
        }
    }
    Ok(())
}

/// Puts a file in the place of what stood there: a link that the change brought is replaced and
/// never followed.
fn replace(path: &Path, text: &str) -> Result<()> {
    let failed = || format!("cannot write the review to `{}`", path.display());
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // As for any file that a program writes; the umask takes away what the user does not want.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut file = builder.tempfile_in(folder_of(path)).with_context(failed)?;
    file.write_all(text.as_bytes()).with_context(failed)?;
    file.persist(path).with_context(failed)?;
    Ok(())
}

fn check_place(path: &Path) -> Result<()> {
    if path.is_dir() || path.file_name().is_none() {
        bail!("`{}` is a folder; name a file for the review", path.display());
    }
    if path.symlink_metadata().is_ok_and(|there| !there.is_file() && !there.is_symlink()) {
        bail!("`{}` is no regular file; name another for the review", path.display());
    }
    if !folder_of(path).is_dir() {
        bail!("`{}` is no folder; the review cannot be written there", folder_of(path).display());
    }
    if let Some(link) = link_of_the_change(folder_of(path)) {
        bail!(
            "`{}` is a link within the repository, which leads elsewhere; the review is not written there",
            link.display()
        );
    }
    Ok(())
}

/// The first folder on the way that is a link within the work tree: it may have come with the change.
fn link_of_the_change(folder: &Path) -> Option<PathBuf> {
    let top = source::open().ok()?.workdir()?.canonicalize().ok()?;
    let mut way = std::env::current_dir().ok()?;
    for part in folder.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(way.pop()),
            part => way.push(part),
        }
        if way.starts_with(&top) && way != top && way.is_symlink() {
            return Some(way);
        }
    }
    None
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
