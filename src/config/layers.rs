//! The layers, lowest first: user's file, repository's file, git config, environment, flags.

use std::fs;
use std::path::{Path, PathBuf};

use bstr::ByteSlice;
use etcetera::BaseStrategy;
use git2::{ConfigLevel, Oid, Repository};

use super::setting::{Read, Setting, Written};
use super::{ConfigError, Origin, table};
use crate::env;

/// Name of the repository's file, at the top of its work tree.
const FILE: &str = "advisor.toml";

/// A larger file than this, in bytes, is no configuration.
pub(super) const MAX_BYTES: u64 = 256 << 10;

/// Where values may come from in this run.
pub struct Layers<'a> {
    /// The repository, if there is one.
    pub repo: Option<&'a Repository>,
    /// Where its file is read.
    pub tracked: Tracked,
    /// `key=value` as given with flags, in order.
    pub flags: Vec<(String, String)>,
}

/// Where the repository's file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tracked {
    /// In the work tree; in HEAD where there is none.
    Worktree,
    /// In a tree, or nowhere, as in the empty one.
    Tree(Option<Oid>),
}

impl Layers<'_> {
    pub(super) fn read(&self) -> Result<Read, ConfigError> {
        let mut read = self.of_the_users_file()?;
        if let Some(repo) = self.repo {
            let found = match self.tracked {
                Tracked::Worktree => in_worktree(repo)?.map(|text| (FILE.to_owned(), text)),
                Tracked::Tree(tree) => in_tree(repo, tree)?,
            };
            if let Some((shown, text)) = found {
                table::read(&text, &Origin::Repository(shown), &mut read)?;
            }
        }
        read.settings.extend(self.above_the_files());
        Ok(read)
    }

    /// What the user alone says.
    pub(super) fn of_the_user(&self) -> Result<Vec<Setting>, ConfigError> {
        let mut settings = self.of_the_users_file()?.settings;
        let above = self.above_the_files();
        settings
            .extend(above.into_iter().filter(|set| !matches!(set.origin, Origin::Repository(_))));
        Ok(settings)
    }

    fn of_the_users_file(&self) -> Result<Read, ConfigError> {
        let mut read = Read::default();
        if let Some(path) = user_file() {
            let shown = path.display().to_string();
            if let Some(text) = on_disk(&path, &shown, Links::Followed)? {
                table::read(&text, &Origin::User(shown), &mut read)?;
            }
        }
        Ok(read)
    }

    fn above_the_files(&self) -> Vec<Setting> {
        let mut settings = git_config(self.repo);
        settings.extend(environment());
        settings.extend(self.flags.iter().map(|(key, value)| Setting {
            key: key.clone(),
            value: Written::Text(value.clone()),
            origin: Origin::Flag,
            line: None,
        }));
        settings
    }
}

/// The user's own file: `$XDG_CONFIG_HOME/git-advisor/config.toml`.
pub fn user_file() -> Option<PathBuf> {
    let strategy = etcetera::choose_base_strategy().ok()?;
    Some(strategy.config_dir().join("git-advisor").join("config.toml"))
}

/// The repository's file in the work tree, or in HEAD where there is none.
fn in_worktree(repo: &Repository) -> Result<Option<String>, ConfigError> {
    if let Some(top) = repo.workdir() {
        return on_disk(&top.join(FILE), FILE, Links::Refused);
    }
    let head = repo.head().and_then(|head| head.peel_to_tree()).ok();
    Ok(in_tree(repo, head.map(|tree| tree.id()))?.map(|(_, text)| text))
}

/// The repository's file in a tree, and how that place is shown.
fn in_tree(repo: &Repository, tree: Option<Oid>) -> Result<Option<(String, String)>, ConfigError> {
    let Some(tree) = tree.and_then(|id| repo.find_tree(id).ok()) else { return Ok(None) };
    let Some(entry) = tree.get_name(FILE) else { return Ok(None) };
    let short: String = tree.id().to_string().chars().take(10).collect();
    let shown = format!("{FILE} (tree {short})");
    const LINK: i32 = 0o120_000;
    if entry.filemode() == LINK || entry.kind() != Some(git2::ObjectType::Blob) {
        return Err(ConfigError::new(shown, "is no regular file; a link is not followed"));
    }
    let blob = repo.find_blob(entry.id());
    let blob = blob.map_err(|error| {
        ConfigError::new(&*shown, crate::visible::line(error.message()).into_string())
    })?;
    checked(blob.content(), &shown).map(|text| Some((shown, text)))
}

/// Whether a file may be reached through a symbolic link: the user's own may, a repository's not.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Links {
    Followed,
    Refused,
}

pub(super) fn on_disk(
    path: &Path,
    shown: &str,
    links: Links,
) -> Result<Option<String>, ConfigError> {
    let failed =
        |error: std::io::Error| ConfigError::new(shown, format!("cannot be read: {error}"));
    let about = match if links == Links::Followed {
        fs::metadata(path)
    } else {
        fs::symlink_metadata(path)
    } {
        Ok(about) => about,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if !about.is_file() {
        return Err(ConfigError::new(shown, "is no regular file; a link is not followed"));
    }
    if about.len() > MAX_BYTES {
        return Err(ConfigError::new(shown, "is larger than 256 KiB, which is no configuration"));
    }
    checked(&fs::read(path).map_err(failed)?, shown).map(Some)
}

fn checked(bytes: &[u8], shown: &str) -> Result<String, ConfigError> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(ConfigError::new(shown, "is larger than 256 KiB, which is no configuration"));
    }
    let line = |valid: usize| bytes[..valid].find_iter(b"\n").count() + 1;
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            Err(ConfigError::new(format!("{shown}:{}", line(error.valid_up_to())), "is not UTF-8"))
        }
    }
}

/// `advisor.*` of git's configuration, lowest level first; a key given twice adds lines.
fn git_config(repo: Option<&Repository>) -> Vec<Setting> {
    let config = match repo {
        Some(repo) => repo.config(),
        None => git2::Config::open_default(),
    };
    // A bare repository can lie within a work tree as ordinary tracked files; only one that the user
    // has named is taken for the user's.
    let found_bare = repo.is_some_and(Repository::is_bare) && !env::git_dir_is_set();
    let mut found: Vec<Setting> = Vec::new();
    let Ok(mut config) = config else { return found };
    let Ok(config) = config.snapshot() else {
        return found;
    };
    let Ok(mut entries) = config.entries(Some("^advisor\\.")) else {
        return found;
    };
    while let Some(Ok(entry)) = entries.next() {
        let (Ok(name), value) = (entry.name(), entry.value().unwrap_or("")) else {
            continue;
        };
        let key = name.strip_prefix("advisor.").unwrap_or(name).to_owned();
        let local = matches!(entry.level(), ConfigLevel::Local | ConfigLevel::Worktree);
        let origin = if local && found_bare {
            Origin::Repository("config of the bare repository".to_owned())
        } else {
            Origin::Git(level(entry.level()))
        };
        match found.iter_mut().find(|other| other.key == key && other.origin == origin) {
            Some(Setting { value: Written::Text(text), .. }) if is_many(&key) => {
                text.push('\n');
                text.push_str(value);
            }
            _ => found.push(Setting {
                key,
                value: Written::Text(value.to_owned()),
                origin,
                line: None,
            }),
        }
    }
    found
}

/// Whether a key takes several values, which git config gives one by one.
fn is_many(key: &str) -> bool {
    use super::keys::Kind;
    super::keys::find(key).is_some_and(|key| matches!(key.kind, Kind::List | Kind::Table))
}

fn level(level: ConfigLevel) -> &'static str {
    match level {
        ConfigLevel::ProgramData | ConfigLevel::System => "system",
        ConfigLevel::XDG | ConfigLevel::Global => "global",
        ConfigLevel::Local => "local",
        ConfigLevel::Worktree => "worktree",
        _ => "command",
    }
}

/// `GIT_ADVISOR_GATE_FAIL_ON` is `gate.fail_on`: the first underscore ends the table's name.
fn environment() -> Vec<Setting> {
    env::config()
        .into_iter()
        .map(|(name, value)| {
            let rest = name.strip_prefix(env::PREFIX).unwrap_or(&name);
            Setting {
                key: rest.replacen('_', ".", 1).to_ascii_lowercase(),
                value: Written::Text(value),
                origin: Origin::Environment(name),
                line: None,
            }
        })
        .collect()
}
