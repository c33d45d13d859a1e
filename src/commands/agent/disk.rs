//! Where a file for an agent is: read if it is there, written as a whole, never through a link of the repository.

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::visible;

/// A larger file than this, in bytes, is none of an agent's.
const MAX_BYTES: u64 = 64 << 20;

/// A file that may be there.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) path: PathBuf,
    /// Top of the project, below which no link is followed: it may have come with a clone.
    top: Option<PathBuf>,
}

impl Place {
    /// A file of a project.
    pub(super) fn in_project(top: &Path, path: &str) -> Place {
        Place { path: top.join(path), top: Some(top.to_owned()) }
    }

    /// A file of the user's own; a link there is the user's, and is followed.
    pub(super) fn of_user(path: PathBuf) -> Place {
        Place { path: path.canonicalize().unwrap_or(path), top: None }
    }

    /// The first link on the way, where none is followed.
    pub(super) fn link(&self) -> Option<&Path> {
        let top = self.top.as_deref()?;
        let inside = |path: &&Path| path.starts_with(top) && *path != top;
        self.path.ancestors().take_while(inside).filter(|path| path.is_symlink()).last()
    }

    /// What it holds; nothing where it is not there.
    pub(super) fn read(&self) -> Result<Option<String>> {
        let shown = || format!("cannot read `{}`", visible::line(self.path.display().to_string()));
        match fs::metadata(&self.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(shown),
            Ok(about) if !about.is_file() || about.len() > MAX_BYTES => {
                bail!("{}: it is no regular file of at most 64 MiB", shown())
            }
            Ok(_) => {}
        }
        fs::read_to_string(&self.path).map(Some).with_context(shown)
    }

    /// Puts a text in its place, under the permissions of what stood there.
    pub(super) fn write(&self, text: &str) -> Result<()> {
        let shown = || format!("cannot write `{}`", visible::line(self.path.display().to_string()));
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).with_context(shown)?;
        let mut builder = tempfile::Builder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // As for any file that a program writes; the umask takes away what the user does not want.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut file = builder.tempfile_in(folder).with_context(shown)?;
        if let Ok(about) = fs::metadata(&self.path) {
            file.as_file().set_permissions(about.permissions()).with_context(shown)?;
        }
        file.write_all(text.as_bytes()).with_context(shown)?;
        file.persist(&self.path).with_context(shown)?;
        Ok(())
    }

    /// Takes it away, and the folders of ours that it leaves empty.
    pub(super) fn remove(&self) -> Result<()> {
        let shown =
            || format!("cannot remove `{}`", visible::line(self.path.display().to_string()));
        fs::remove_file(&self.path).with_context(shown)?;
        let folders = self.path.ancestors().skip(1).take(2);
        let ours =
            folders.filter(|folder| folder.ends_with("agents") || folder.ends_with(".claude"));
        // One that holds something else stays.
        ours.for_each(|folder| drop(fs::remove_dir(folder)));
        Ok(())
    }
}
