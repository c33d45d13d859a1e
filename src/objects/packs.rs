//! The packs of a repository, and where in them an object begins.
//!
//! The library looks at every entry of an index when it opens one, so that in a large repository opening takes longer
//! than a small change. Here an object is looked up in the file of the index, about where it must stand. What the packs
//! do not hold, or hold in another way than git writes it, is left to the library.

use std::cmp::Ordering;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use gix_hash::{ObjectId, oid};

use super::stretch::{Numbered, Stretches};
use super::unpack::{Object, Unpacker};

/// A repository with more packs is left to the library; git puts them together from so many on.
const MAX_PACKS: usize = 50;

/// What an index begins with: the mark and the version that git has written since 2008.
const HEAD: &[u8] = b"\xfftOc\x00\x00\x00\x02";

/// The list of how many objects begin with each byte or a lower one, in bytes.
const FAN: usize = 4 * 256;

/// So many ids are read at once and looked through; few in tests, whose packs are small. Of the 7,000 that begin with
/// the same byte in a repository of a million objects, nine in ten stand within half as many of where they are sought.
const NEAR: u32 = if cfg!(test) { 2 } else { 128 };

/// Where there are more objects in an index than so many for each that is wanted, each is looked up for itself: on a
/// warm cache a small read costs as much as four thousand bytes that are read on.
const SPARSE: usize = 256;

/// What is read at once of an index where many objects are looked up, in bytes; little in tests.
const MANY: usize = if cfg!(test) { 100 } else { 64 << 10 };

/// The packs of some folders of objects.
pub(super) struct Packs {
    packs: Vec<Pack>,
}

/// Where an object begins: in which pack, and so many bytes into that.
pub(super) type Spot = (usize, u64);

/// Where objects begin that were looked up together, in the order of their ids.
#[derive(Default)]
pub(super) struct Spots(Vec<(ObjectId, Spot)>);

/// What came of looking for an object in packs.
pub(super) enum Packed {
    Object(Object),
    /// It is there, but too large or in another way than git writes it.
    Unread,
    Absent,
}

/// A pack with its index.
pub(super) struct Pack {
    /// With the number of the pack, as that of the index.
    pub(super) file: Numbered,
    pub(super) index: Index,
    pub(super) hash: gix_hash::Kind,
}

/// An index: which object begins where in its pack.
pub(super) struct Index {
    file: Numbered,
    /// How many objects begin with each byte or a lower one.
    fan: [u32; 256],
    /// Bytes of an id.
    width: usize,
}

/// What was read last of the tables of an index.
pub(super) struct Lookup {
    ids: Stretches,
    offsets: Stretches,
}

impl Packs {
    /// The packs of these folders of objects.
    pub(super) fn of(folders: impl Iterator<Item = PathBuf>, hash: gix_hash::Kind) -> Packs {
        let listed = folders.flat_map(|folder| fs::read_dir(folder.join("pack")));
        let mut indexes: Vec<PathBuf> =
            listed.flatten().flatten().map(|entry| entry.path()).collect();
        indexes.retain(|path| path.extension().is_some_and(|ending| ending == "idx"));
        if indexes.len() > MAX_PACKS {
            indexes.clear();
        }
        let mut packs = Vec::new();
        for path in indexes {
            let number = packs.len();
            if let Ok(file) = File::open(path.with_extension("pack"))
                && let Ok(index) = Index::open(&path, number, hash)
            {
                packs.push(Pack { file: Numbered { number, file }, index, hash });
            }
        }
        Packs { packs }
    }

    /// Reads an object, which may have been looked up before.
    pub(super) fn find(&self, id: &oid, spots: &Spots, unpacker: &mut Unpacker) -> Packed {
        let known = spots.of(id).and_then(|(number, at)| Some((self.packs.get(number)?, at)));
        match known.or_else(|| self.look_up(id, unpacker)) {
            Some((pack, at)) => {
                unpacker.last = pack.file.number;
                unpacker.object(pack, at).map_or(Packed::Unread, Packed::Object)
            }
            None => Packed::Absent,
        }
    }

    fn look_up(&self, id: &oid, unpacker: &mut Unpacker) -> Option<(&Pack, u64)> {
        // Most stand where the one before stood.
        let (others, from_last) = self.packs.split_at(unpacker.last.min(self.packs.len()));
        let mut packs = from_last.iter().chain(others);
        let mut holds = |pack: &Pack| pack.index.offset(id, &mut unpacker.lookup).ok().flatten();
        packs.find_map(|pack| Some((pack, holds(pack)?)))
    }

    /// Looks many objects up by reading on in each index; few are left to be looked up when they are read.
    pub(super) fn spots(&self, mut ids: Vec<ObjectId>) -> Spots {
        ids.sort_unstable();
        ids.dedup();
        let mut found = Vec::new();
        let mut lookup = Lookup::reading(MANY);
        for Pack { file, index, .. } in &self.packs {
            if ids.len() * SPARSE >= index.fan[255] as usize {
                ids.retain(|id| {
                    let at = index.offset(id, &mut lookup).ok().flatten();
                    found.extend(at.map(|at| (*id, (file.number, at))));
                    at.is_none()
                });
            }
        }
        found.sort_unstable();
        Spots(found)
    }
}

impl Spots {
    fn of(&self, id: &oid) -> Option<Spot> {
        let at = self.0.binary_search_by(|(other, _)| (**other).cmp(id)).ok()?;
        Some(self.0[at].1)
    }
}

impl Lookup {
    /// So many bytes will be read of a table at once, at least.
    pub(super) fn reading(least: usize) -> Lookup {
        Lookup { ids: Stretches::new(1, 0, least), offsets: Stretches::new(1, 0, least) }
    }
}

impl Index {
    fn open(path: &Path, number: usize, hash: gix_hash::Kind) -> io::Result<Index> {
        let file = Numbered { number, file: File::open(path)? };
        let mut head = Stretches::new(1, 0, 0);
        let head = head.exactly(&file, 0, HEAD.len() + FAN)?;
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
    pub(super) fn offset(&self, id: &oid, lookup: &mut Lookup) -> io::Result<Option<u64>> {
        const LARGE: u64 = 1 << 31;
        let Some(at) = self.position(id, &mut lookup.ids)? else { return Ok(None) };
        // Behind the ids stand four bytes each of a checksum, then of where the object begins, then eight of those
        // that begin too far behind.
        let width = self.width as u64;
        let near = self.table(width + 4) + 4 * u64::from(at);
        let offset = number(lookup.offsets.exactly(&self.file, near, 4)?);
        if offset & LARGE == 0 {
            return Ok(Some(offset));
        }
        let far = self.table(width + 8) + 8 * (offset ^ LARGE);
        Ok(Some(number(lookup.offsets.exactly(&self.file, far, 8)?)))
    }

    /// The number of an object among all, which stand in the order of their ids.
    fn position(&self, id: &oid, ids: &mut Stretches) -> io::Result<Option<u32>> {
        let first = usize::from(id.first_byte());
        let mut low = if first == 0 { 0 } else { self.fan[first - 1] };
        let mut high = self.fan[first];
        // Ids are spread evenly, so that the bytes behind the first one tell about where it stands.
        let rest = id.as_bytes()[1..].first_chunk().map_or(0, |rest| u32::from_be_bytes(*rest));
        let share = |part: u32| (u64::from(high - low) * u64::from(part)) >> u32::BITS;
        let mut about = low + u32::try_from(share(rest)).unwrap_or(0);
        while low < high {
            let from = about.saturating_sub(NEAR / 2).max(low);
            let count = NEAR.min(high - from);
            let at = self.table(0) + self.width as u64 * u64::from(from);
            let ids = ids.exactly(&self.file, at, self.width * count as usize)?;
            let other = |at: u32| &ids[self.width * at as usize..][..self.width];
            let (mut before, mut end) = (0, count);
            while before < end {
                let middle = before + (end - before) / 2;
                match other(middle).cmp(id.as_bytes()) {
                    Ordering::Less => before = middle + 1,
                    Ordering::Equal => return Ok(Some(from + middle)),
                    Ordering::Greater => end = middle,
                }
            }
            match before {
                0 => high = from,
                _ if before == count => low = from + count,
                _ => return Ok(None),
            }
            about = low + (high - low) / 2;
        }
        Ok(None)
    }

    /// Where a table begins before which so many bytes stand for each object.
    fn table(&self, before: u64) -> u64 {
        (HEAD.len() + FAN) as u64 + before * u64::from(self.fan[255])
    }
}

/// A number as git writes it, the highest byte first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use gix_object::Kind;
    use proptest::prelude::*;

    use super::super::MAX_FILE_BYTES;
    use super::*;

    /// A repository whose objects all stand in two packs, and what they are.
    struct Bench {
        folder: tempfile::TempDir,
        hash: gix_hash::Kind,
        objects: BTreeMap<ObjectId, Vec<u8>>,
    }

    impl Bench {
        /// In each of two packs many that are alike, so that most are told by what differs from another.
        fn new(hash: gix_hash::Kind) -> Bench {
            let same = "the same\n".repeat(200);
            let text = |pack, number| format!("{pack}\n{same}\nno. {number}\n").into_bytes();
            let pack = |pack| (0..400).map(|number| text(pack, number)).collect();
            Bench::of(hash, [0, 1].map(pack))
        }

        fn of<const N: usize>(hash: gix_hash::Kind, packs: [Vec<Vec<u8>>; N]) -> Bench {
            let folder = tempfile::tempdir().unwrap();
            let mut options = git2::RepositoryInitOptions::new();
            options.bare(true).object_format(match hash {
                gix_hash::Kind::Sha256 => git2::ObjectFormat::Sha256,
                _ => git2::ObjectFormat::Sha1,
            });
            let repo = git2::Repository::init_opts(folder.path(), &options).unwrap();
            let mut bench = Bench { folder, hash, objects: BTreeMap::new() };
            for pack in packs {
                let mut builder = repo.packbuilder().unwrap();
                for bytes in pack {
                    let id = repo.blob(&bytes).unwrap();
                    builder.insert_object(id, Some("a.txt")).unwrap();
                    bench.objects.insert(ObjectId::from_bytes_or_panic(id.as_bytes()), bytes);
                }
                builder.write(&bench.path().join("pack"), 0).unwrap();
            }
            bench
        }

        fn path(&self) -> PathBuf {
            self.folder.path().join("objects")
        }

        fn packs(&self) -> Packs {
            Packs::of([self.path()].into_iter(), self.hash)
        }

        fn indexes(&self) -> Vec<PathBuf> {
            let listed = fs::read_dir(self.path().join("pack")).unwrap();
            let paths = listed.map(|entry| entry.unwrap().path());
            paths.filter(|path| path.extension().is_some_and(|ending| ending == "idx")).collect()
        }
    }

    /// An id next to another, of no object.
    fn absent(id: &ObjectId) -> ObjectId {
        let mut other = *id;
        other.as_mut_slice()[9] ^= 1;
        other
    }

    #[test]
    fn every_object_of_every_pack_is_found() {
        for hash in [gix_hash::Kind::Sha1, gix_hash::Kind::Sha256] {
            let bench = Bench::new(hash);
            assert_eq!(bench.indexes().len(), 2);
            let (packs, mut unpacker) = (bench.packs(), Unpacker::new());
            // The second time from what was kept.
            for (id, text) in bench.objects.iter().chain(&bench.objects) {
                let Packed::Object(found) = packs.find(id, &Spots::default(), &mut unpacker) else {
                    panic!("{id}")
                };
                assert_eq!((found.kind, &*found.bytes), (Kind::Blob, text), "{id}");
                let other = packs.find(&absent(id), &Spots::default(), &mut unpacker);
                assert!(matches!(other, Packed::Absent));
            }
        }
    }

    #[test]
    fn many_are_found_where_each_for_itself_is() {
        for hash in [gix_hash::Kind::Sha1, gix_hash::Kind::Sha256] {
            let bench = Bench::new(hash);
            let packs = bench.packs();
            let some: Vec<ObjectId> = bench.objects.keys().rev().step_by(3).copied().collect();
            let spots =
                packs.spots([&some[..], &some.iter().map(absent).collect::<Vec<_>>()].concat());
            assert_eq!(spots.0.len(), some.len());
            for id in some {
                let (pack, at) = packs.look_up(&id, &mut Unpacker::new()).unwrap();
                assert_eq!(spots.of(&id), Some((pack.file.number, at)));
                assert_eq!(spots.of(&absent(&id)), None);
            }
            // Fewer are left to be looked up each for itself.
            let one = bench.objects.keys().take(1).copied().collect();
            assert_eq!(packs.spots(one).0.len(), 0);
        }
    }

    #[test]
    fn what_is_too_large_is_there_and_left_unread() {
        let limit = usize::try_from(MAX_FILE_BYTES).unwrap();
        let of = |length: usize, last: u8| [vec![b'a'; length - 1], vec![last]].concat();
        let pack = vec![of(limit, b'a'), of(limit, b'b'), of(limit + 1, b'c'), of(limit + 1, b'd')];
        let bench = Bench::of(gix_hash::Kind::Sha1, [pack]);
        for (id, bytes) in &bench.objects {
            match bench.packs().find(id, &Spots::default(), &mut Unpacker::new()) {
                Packed::Object(object) => assert_eq!((&*object.bytes, bytes.len()), (bytes, limit)),
                Packed::Unread => assert!(bytes.len() > limit),
                Packed::Absent => panic!("{id}"),
            }
        }
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
            Packs::of(folders, bench.hash).packs.len()
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
            let packs = Packs::of([folder.path().to_owned()].into_iter(), bench.hash);
            let mut unpacker = Unpacker::new();
            let spots = packs.spots(bench.objects.keys().copied().collect());
            for id in bench.objects.keys().step_by(7) {
                let _ = packs.find(id, &Spots::default(), &mut unpacker);
                let _ = packs.find(id, &spots, &mut unpacker);
            }
        });
    }
}
