//! Objects of the repository by id, for as many threads as read them.

mod packs;
mod stretch;
mod unpack;

use std::cell::{OnceCell, RefCell};
use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use bstr::ByteSlice;
use git2::{Oid, Repository};
use gix_hash::{ObjectId, oid};
use gix_object::{Find, Kind};
use gix_odb::{HandleArc, Header, Store, alternate};
use gix_pack::cache::lru::MemoryCappedHashmap;
use thiserror::Error;

use packs::{Packed, Packs, Spots};
use unpack::{KEPT, Unpacker};

use crate::visible;

pub(crate) use unpack::Object;

/// Files larger than this, in bytes, are listed as too large and not read.
/// Hand-written sources stay far below; what is above is generated or data.
pub const MAX_FILE_BYTES: u64 = 4 << 20;

/// Why no object can be read, or one cannot.
#[derive(Debug, Error)]
pub enum ObjectError {
    /// The folder of objects cannot be opened.
    #[error("cannot open the objects of the repository in `{path}`")]
    Folder {
        /// The folder.
        path: String,
        /// What the system says.
        source: std::io::Error,
    },
    /// An object is missing or damaged.
    #[error("cannot read the object {what}: {problem}; `git fsck` tells more")]
    Damaged {
        /// Its id.
        what: String,
        /// What is wrong with it.
        problem: String,
    },
}

impl ObjectError {
    pub(crate) fn damaged(id: &oid, problem: impl Display) -> ObjectError {
        let problem = visible::line(problem.to_string()).into_string();
        ObjectError::Damaged { what: id.to_string(), problem }
    }
}

/// Reading an object takes no more memory than this, in bytes, with those on which it is built.
const MAX_ALLOCATION: usize = 32 << 20;

/// The same for a small object that is built on larger ones.
const MAX_DEEP_ALLOCATION: usize = 256 << 20;

/// What came of reading a blob.
pub(crate) enum Blob {
    Bytes(Arc<Vec<u8>>),
    /// Above the size limit.
    TooLarge,
    /// Not in this repository, as in a partial clone.
    Missing,
}

/// The object databases of a repository: its own with its alternates, and those of the environment.
#[derive(Clone)]
pub struct Objects {
    databases: Arc<Databases>,
    /// Where those stand that will be read.
    spots: Arc<Spots>,
}

struct Databases {
    folders: Vec<PathBuf>,
    hash: gix_hash::Kind,
    replaced: Vec<(ObjectId, ObjectId)>,
    stores: Vec<Arc<Store>>,
    /// The packs of all folders.
    packs: OnceLock<Packs>,
    /// The same as `stores` with a higher limit, opened when one object needs it.
    deep: OnceLock<Vec<Arc<Store>>>,
}

/// Reads objects on one thread.
pub(crate) struct Reader {
    databases: Arc<Databases>,
    spots: Arc<Spots>,
    /// Opened when one object needs them, as those with the higher limit.
    handles: OnceCell<Vec<HandleArc>>,
    deep: OnceCell<Vec<HandleArc>>,
    /// What reads those of packs; nothing where some are replaced, which the library knows.
    unpacker: Option<RefCell<Unpacker>>,
}

impl Objects {
    /// The databases of an open repository.
    pub(crate) fn of(repo: &Repository) -> Result<Objects, ObjectError> {
        let own = crate::env::object_directory();
        let own = own.unwrap_or_else(|| repo.commondir().join("objects"));
        let others = crate::env::alternate_object_directories().into_iter();
        let hash = match repo.object_format() {
            git2::ObjectFormat::Sha256 => gix_hash::Kind::Sha256,
            _ => gix_hash::Kind::Sha1,
        };
        let mut databases = Databases {
            // git passes over an alternate that is not there.
            folders: [own.clone()].into_iter().chain(others.filter(|path| path.is_dir())).collect(),
            hash,
            replaced: replaced(repo),
            stores: Vec::new(),
            packs: OnceLock::new(),
            deep: OnceLock::new(),
        };
        databases.stores = databases.open(MAX_ALLOCATION).map_err(|source| {
            let path = visible::line(own.as_os_str().as_encoded_bytes()).into_string();
            ObjectError::Folder { path, source }
        })?;
        Ok(Objects { databases: Arc::new(databases), spots: Arc::default() })
    }

    /// The same, which have looked up where these stand: many together are quicker looked up than each for itself.
    pub(crate) fn expecting(self, ids: Vec<ObjectId>) -> Objects {
        let spots = match self.databases.replaced.is_empty() {
            true => self.databases.packs().spots(ids),
            false => Spots::default(),
        };
        Objects { spots: Arc::new(spots), ..self }
    }

    /// A reader for the thread that calls.
    pub(crate) fn reader(&self) -> Reader {
        Reader {
            databases: Arc::clone(&self.databases),
            spots: Arc::clone(&self.spots),
            handles: OnceCell::new(),
            deep: OnceCell::new(),
            unpacker: self.databases.replaced.is_empty().then(|| RefCell::new(Unpacker::new())),
        }
    }
}

impl Databases {
    fn open(&self, limit: usize) -> std::io::Result<Vec<Arc<Store>>> {
        let open = |folder: &PathBuf| {
            let options = gix_odb::store::init::Options {
                alloc_limit_bytes: Some(limit),
                ..gix_odb::store::init::Options::default()
            };
            let replaced = &mut self.replaced.iter().copied();
            Store::at_opts(folder.clone(), self.hash, replaced, options).map(Arc::new)
        };
        self.folders.iter().map(open).collect()
    }

    fn packs(&self) -> &Packs {
        self.packs.get_or_init(|| {
            let here = std::env::current_dir().unwrap_or_default();
            let others = |folder: &PathBuf| alternate::resolve(folder.clone(), &here);
            let others = self.folders.iter().flat_map(|folder| others(folder).unwrap_or_default());
            Packs::of(self.folders.iter().cloned().chain(others), self.hash)
        })
    }

    fn deep(&self) -> &[Arc<Store>] {
        self.deep.get_or_init(|| self.open(MAX_DEEP_ALLOCATION).unwrap_or_default())
    }
}

fn handles(stores: &[Arc<Store>]) -> Vec<HandleArc> {
    let handle = |store: &Arc<Store>| {
        let mut handle = store.to_cache_arc();
        // An object that is missing, as in a partial clone, must not be looked for again and again.
        handle.refresh_never();
        handle.set_pack_cache(|| Box::new(MemoryCappedHashmap::new(KEPT.get())));
        handle
    };
    stores.iter().map(handle).collect()
}

impl Reader {
    /// An object; `None` where the repository has it not.
    pub(crate) fn read(&self, id: &ObjectId) -> Result<Option<Object>, ObjectError> {
        match self.packed(id) {
            Packed::Object(object) => Ok(Some(object)),
            Packed::Unread | Packed::Absent => find(self.handles(), id),
        }
    }

    /// The bytes of a blob. One that is too large is not inflated.
    pub(crate) fn blob(&self, id: &ObjectId) -> Result<Blob, ObjectError> {
        let found = match self.packed(id) {
            Packed::Object(object) => Some(object),
            Packed::Unread if self.is_too_large(id) => return Ok(Blob::TooLarge),
            Packed::Unread | Packed::Absent => match find(self.handles(), id) {
                Ok(found) => found,
                Err(_) if self.is_too_large(id) => return Ok(Blob::TooLarge),
                // What it is built on may have been above the limit.
                Err(_) => find(self.deep.get_or_init(|| handles(self.databases.deep())), id)?,
            },
        };
        Ok(match found {
            None => Blob::Missing,
            Some(Object { kind: Kind::Blob, bytes }) if bytes.len() as u64 <= MAX_FILE_BYTES => {
                Blob::Bytes(bytes)
            }
            // Another kind of object than a file is none that could be read as one.
            Some(_) => Blob::TooLarge,
        })
    }

    fn handles(&self) -> &[HandleArc] {
        self.handles.get_or_init(|| handles(&self.databases.stores))
    }

    fn packed(&self, id: &ObjectId) -> Packed {
        match &self.unpacker {
            Some(unpacker) => {
                self.databases.packs().find(id, &self.spots, &mut unpacker.borrow_mut())
            }
            None => Packed::Absent,
        }
    }

    /// Whether an object is larger than a file that is read, as its head tells.
    fn is_too_large(&self, id: &ObjectId) -> bool {
        let mut heads = self.handles().iter().filter_map(|it| it.try_header(id).ok().flatten());
        heads.next().is_some_and(|head| head.size() > MAX_FILE_BYTES)
    }
}

/// An object as the library reads it.
fn find(handles: &[HandleArc], id: &ObjectId) -> Result<Option<Object>, ObjectError> {
    for handle in handles {
        let mut bytes = Vec::new();
        let found =
            handle.try_find(id, &mut bytes).map_err(|error| ObjectError::damaged(id, error))?;
        if let Some((kind, length)) = found.map(|object| (object.kind, object.data.len())) {
            bytes.truncate(length);
            bytes.shrink_to_fit();
            return Ok(Some(Object { kind, bytes: Arc::new(bytes) }));
        }
    }
    Ok(None)
}

/// An id as the databases know it.
pub(crate) fn id(oid: Oid) -> ObjectId {
    // libgit2 has ids of 20 and of 32 bytes and no others.
    ObjectId::from_bytes_or_panic(oid.as_bytes())
}

/// An id as libgit2 knows it.
pub(crate) fn to_git(id: ObjectId) -> Result<Oid, git2::Error> {
    Oid::from_bytes(id.as_slice())
}

/// The objects that `git replace` has put others in the place of.
fn replaced(repo: &Repository) -> Vec<(ObjectId, ObjectId)> {
    if !names_replacements(repo.commondir()) {
        return Vec::new();
    }
    let Ok(references) = repo.references_glob("refs/replace/*") else { return Vec::new() };
    let pair = |reference: git2::Reference<'_>| {
        let name = reference.name().ok()?.strip_prefix("refs/replace/")?;
        Some((ObjectId::from_hex(name.as_bytes()).ok()?, id(reference.target()?)))
    };
    references.filter_map(Result::ok).filter_map(pair).collect()
}

/// Whether there is a reference below `refs/replace` at all: libgit2 reads every reference to find some, which in a
/// repository of ten thousand takes longer than a small change.
fn names_replacements(common: &Path) -> bool {
    common.join("refs/replace").is_dir()
        || File::open(common.join("packed-refs")).is_ok_and(holds_replacements)
}

/// Whether a list of packed references names one; it can be long, so that it is read in pieces.
fn holds_replacements(mut packed: impl Read) -> bool {
    const PIECE: usize = 1 << 16;
    const NAME: &[u8] = b" refs/replace/";
    let mut text = Vec::with_capacity(2 * PIECE);
    while packed.by_ref().take(PIECE as u64).read_to_end(&mut text).is_ok_and(|bytes| bytes > 0) {
        if text.contains_str(NAME) {
            return true;
        }
        text.drain(..text.len().saturating_sub(NAME.len()));
    }
    false
}
