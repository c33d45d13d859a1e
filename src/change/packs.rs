//! The first objects of a change, found in packs whose indexes are not read whole.
//!
//! The library that reads objects looks at every entry of an index when it opens one, so that in a large
//! repository opening takes longer than a small change. Here an entry is looked up in the file; what the packs of
//! the repository do not hold, or hold in another way than git writes it, is left to the library.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use gix_hash::{ObjectId, oid};
use gix_object::Kind;
use gix_pack::cache::lru::MemoryCappedHashmap;
use gix_pack::data;
use gix_pack::data::decode::entry::ResolvedBase;

use super::MAX_FILE_BYTES;

/// A repository with more packs is left to the library; git puts them together from so many on.
const MAX_PACKS: usize = 50;

/// What an index begins with: the mark and the version that git has written since 2008.
const HEAD: &[u8] = b"\xfftOc\x00\x00\x00\x02";

/// The list of how many objects begin with each byte or a lower one, in bytes.
const FAN: usize = 4 * 256;

/// So many ids are read at once and looked through; few in tests, whose packs are small.
const NEAR: u32 = if cfg!(test) { 2 } else { 200 };

/// The packs of some folders of objects.
pub(super) struct Packs {
    packs: Vec<Pack>,
}

struct Pack {
    index: Index,
    data: data::File,
}

/// An index: which object begins where in its pack.
struct Index {
    file: File,
    /// How many objects begin with each byte or a lower one.
    fan: [u32; 256],
    /// Bytes of an id.
    width: usize,
}

/// What a thread keeps from one object to the next.
pub(super) struct Decoder {
    inflate: gix_zlib::Inflate,
    cache: MemoryCappedHashmap,
}

impl Decoder {
    /// A decoder that keeps so many bytes of objects on which others are built.
    pub(super) fn new(cache: usize) -> Decoder {
        Decoder { inflate: gix_zlib::Inflate::default(), cache: MemoryCappedHashmap::new(cache) }
    }
}

impl Packs {
    /// The packs of these folders of objects, none of whose objects may take more than `limit` bytes to read.
    pub(super) fn of(
        folders: impl Iterator<Item = PathBuf>,
        hash: gix_hash::Kind,
        limit: usize,
    ) -> Packs {
        let listed = folders.flat_map(|folder| fs::read_dir(folder.join("pack")));
        let mut indexes: Vec<PathBuf> =
            listed.flatten().flatten().map(|entry| entry.path()).collect();
        indexes.retain(|path| path.extension().is_some_and(|ending| ending == "idx"));
        if indexes.len() > MAX_PACKS {
            return Packs { packs: Vec::new() };
        }
        let pack = |path: &PathBuf| {
            let data = data::File::at(path.with_extension("pack"), hash).ok()?;
            let data = data.with_alloc_limit_bytes(Some(limit));
            Some(Pack { index: Index::open(path, hash).ok()?, data })
        };
        Packs { packs: indexes.iter().filter_map(pack).collect() }
    }

    /// Reads an object, and gives its kind; `None` where it is not here or cannot be read.
    pub(super) fn find(&self, id: &oid, decoder: &mut Decoder, into: &mut Vec<u8>) -> Option<Kind> {
        let holds = |pack: &Pack| pack.index.offset(id).ok().flatten();
        let (pack, offset) = self.packs.iter().find_map(|pack| Some((pack, holds(pack)?)))?;
        pack.read(offset, decoder, into)
    }
}

impl Pack {
    fn read(&self, offset: u64, decoder: &mut Decoder, into: &mut Vec<u8>) -> Option<Kind> {
        let base = |id: &oid, _: &mut Vec<u8>| {
            let offset = self.index.offset(id).ok().flatten();
            offset.map(|offset| self.data.entry(offset).map(ResolvedBase::InPack)).transpose()
        };
        let Decoder { inflate, cache } = decoder;
        let entry = self.data.entry(offset).ok()?;
        // Whether such an object is read at all is told by the library's headers.
        if entry.decompressed_size > MAX_FILE_BYTES {
            return None;
        }
        let read = self.data.decode_entry(entry, into, inflate, &base, cache).ok()?;
        Some(read.kind)
    }
}

impl Index {
    fn open(path: &Path, hash: gix_hash::Kind) -> io::Result<Index> {
        let file = File::open(path)?;
        let mut head = [0; HEAD.len() + FAN];
        read_at(&file, 0, &mut head)?;
        let (mark, list) = head.split_at(HEAD.len());
        let mut fan = [0; 256];
        for (count, bytes) in fan.iter_mut().zip(list.as_chunks().0) {
            *count = u32::from_be_bytes(*bytes);
        }
        if mark != HEAD || !fan.is_sorted() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(Index { file, fan, width: hash.len_in_bytes() })
    }

    /// Where an object begins in the pack, in bytes; `None` where it is not there.
    fn offset(&self, id: &oid) -> io::Result<Option<u64>> {
        const LARGE: u32 = 1 << 31;
        let Some(at) = self.position(id)? else { return Ok(None) };
        // Behind the ids stand four bytes each of a checksum, then of where the object begins.
        let offset = self.number(self.width as u64 + 4, at)?;
        if offset & LARGE == 0 {
            return Ok(Some(offset.into()));
        }
        let mut bytes = [0; 8];
        let large = self.table(self.width as u64 + 8) + 8 * u64::from(offset ^ LARGE);
        read_at(&self.file, large, &mut bytes)?;
        Ok(Some(u64::from_be_bytes(bytes)))
    }

    /// The number of an object among all, which stand in the order of their ids.
    fn position(&self, id: &oid) -> io::Result<Option<u32>> {
        let first = usize::from(id.first_byte());
        let mut low = if first == 0 { 0 } else { self.fan[first - 1] };
        let mut high = self.fan[first];
        let width = self.width as u64;
        let place = |at: u32| self.table(0) + width * u64::from(at);
        while high - low > NEAR {
            let middle = low + (high - low) / 2;
            let mut other = ObjectId::null(id.kind());
            read_at(&self.file, place(middle), other.as_mut_slice())?;
            match id.cmp(&other) {
                Ordering::Less => high = middle,
                Ordering::Equal => return Ok(Some(middle)),
                Ordering::Greater => low = middle + 1,
            }
        }
        let mut near = vec![0; self.width * (high - low) as usize];
        read_at(&self.file, place(low), &mut near)?;
        let found = near.chunks_exact(self.width).position(|other| other == id.as_bytes());
        Ok(found.and_then(|at| u32::try_from(at).ok()).map(|at| low + at))
    }

    /// Where a table begins before which so many bytes stand for each object.
    fn table(&self, before: u64) -> u64 {
        (HEAD.len() + FAN) as u64 + before * u64::from(self.fan[255])
    }

    fn number(&self, before: u64, at: u32) -> io::Result<u32> {
        let mut bytes = [0; 4];
        read_at(&self.file, self.table(before) + 4 * u64::from(at), &mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    }
}

#[cfg(unix)]
fn read_at(file: &File, at: u64, into: &mut [u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, into, at)
}

/// There is no reading at a place that leaves the place of the file alone, but nobody asks for that one.
#[cfg(windows)]
fn read_at(file: &File, at: u64, into: &mut [u8]) -> io::Result<()> {
    let read = std::os::windows::fs::FileExt::seek_read(file, into, at)?;
    if read == into.len() { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    /// A repository whose objects all stand in two packs, and what they are.
    struct Bench {
        folder: tempfile::TempDir,
        hash: gix_hash::Kind,
        objects: BTreeMap<ObjectId, Vec<u8>>,
    }

    impl Bench {
        fn new(hash: gix_hash::Kind) -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let mut options = git2::RepositoryInitOptions::new();
            options.bare(true).object_format(match hash {
                gix_hash::Kind::Sha256 => git2::ObjectFormat::Sha256,
                _ => git2::ObjectFormat::Sha1,
            });
            let repo = git2::Repository::init_opts(folder.path(), &options).unwrap();
            let mut bench = Bench { folder, hash, objects: BTreeMap::new() };
            for pack in 0..2 {
                let mut builder = repo.packbuilder().unwrap();
                for number in 0..400 {
                    // Alike, so that most are told by what differs from another.
                    let text = format!("{pack}\n{}\nno. {number}\n", "the same\n".repeat(200));
                    let id = repo.blob(text.as_bytes()).unwrap();
                    builder.insert_object(id, Some(&format!("{pack}.txt"))).unwrap();
                    let id = ObjectId::from_bytes_or_panic(id.as_bytes());
                    bench.objects.insert(id, text.into_bytes());
                }
                builder.write(&bench.path().join("pack"), 0).unwrap();
            }
            bench
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("objects")
        }

        fn packs(&self) -> Packs {
            Packs::of([self.path()].into_iter(), self.hash, 1 << 20)
        }

        fn indexes(&self) -> Vec<PathBuf> {
            let listed = fs::read_dir(self.path().join("pack")).unwrap();
            let paths = listed.map(|entry| entry.unwrap().path());
            paths.filter(|path| path.extension().is_some_and(|ending| ending == "idx")).collect()
        }
    }

    #[test]
    fn every_object_of_every_pack_is_found() {
        for hash in [gix_hash::Kind::Sha1, gix_hash::Kind::Sha256] {
            let bench = Bench::new(hash);
            assert_eq!(bench.indexes().len(), 2);
            let (packs, mut decoder) = (bench.packs(), Decoder::new(1 << 16));
            let mut into = Vec::new();
            // The second time from what was kept.
            for (id, text) in bench.objects.iter().chain(&bench.objects) {
                let kind = packs.find(id, &mut decoder, &mut into);
                assert_eq!((kind, &into), (Some(Kind::Blob), text), "{id}");
                let mut other = *id;
                other.as_mut_slice()[9] ^= 1;
                assert_eq!(packs.find(&other, &mut decoder, &mut into), None);
            }
        }
    }

    #[test]
    fn an_object_above_the_limit_is_left_alone() {
        let bench = Bench::new(gix_hash::Kind::Sha1);
        let packs = Packs::of([bench.path()].into_iter(), bench.hash, 1_000);
        let id = bench.objects.keys().next().unwrap();
        assert_eq!(packs.find(id, &mut Decoder::new(1 << 10), &mut Vec::new()), None);
    }

    /// The first pack of a bench with another index, alone in a folder of objects.
    fn with_index(bench: &Bench, index: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let pack = folder.path().join("pack");
        fs::create_dir(&pack).unwrap();
        let of = bench.indexes().remove(0).with_extension("pack");
        fs::copy(of, pack.join("a.pack")).unwrap();
        fs::write(pack.join("a.idx"), index).unwrap();
        folder
    }

    #[test]
    fn an_index_that_is_none_is_passed_over() {
        let bench = Bench::new(gix_hash::Kind::Sha1);
        let whole = fs::read(bench.indexes().remove(0)).unwrap();
        let packs = |index: &[u8]| {
            let folder = with_index(&bench, index);
            let folders = [folder.path().to_owned()].into_iter();
            Packs::of(folders, bench.hash, 1 << 20).packs.len()
        };
        assert_eq!(packs(&whole), 1);
        for index in [&b""[..], b"\xfftOc\x00\x00\x00\x03", &whole[..900]] {
            assert_eq!(packs(index), 0);
        }
    }

    #[test]
    fn a_damaged_index_does_no_harm() {
        let bench = Bench::new(gix_hash::Kind::Sha1);
        let whole = fs::read(bench.indexes().remove(0)).unwrap();
        let flips = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40);
        proptest!(|(flips in flips, cut in 0usize..200)| {
            let mut index = whole.clone();
            flips.iter().for_each(|(at, byte)| index[at.index(whole.len())] = *byte);
            index.truncate(index.len() - cut);
            let folder = with_index(&bench, &index);
            let packs = Packs::of([folder.path().to_owned()].into_iter(), bench.hash, 1 << 20);
            let mut decoder = Decoder::new(1 << 16);
            for id in bench.objects.keys().step_by(7) {
                let _ = packs.find(id, &mut decoder, &mut Vec::new());
            }
        });
    }
}
