//! Puts the objects of packs together, and keeps the last ones for those that are built on them.
//!
//! Most often one side of a file is built on the other. The library that reads objects keeps none that stands
//! whole in its pack, so that it would inflate that one twice.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;

use clru::{CLruCache, CLruCacheConfig, WeightScale};
use foldhash::fast::RandomState;
use gix_object::Kind;
use gix_pack::data;
use gix_pack::data::entry::Header;
use sirocco::Format;
use sirocco::inflate::Decoder;

use super::MAX_FILE_BYTES;
use super::packs::{Lookup, Pack};
use super::stretch::Stretches;

/// What a thread keeps of objects on which others are built, in bytes.
pub(super) const KEPT: NonZeroUsize = NonZeroUsize::new(2 << 20).expect("more than nothing");

/// An object may be built on one that is itself too large to be read, up to so many bytes.
const MAX_BASE: u64 = 32 << 20;

/// Longer chains are left to the library; git makes none above 50 unless it is told to.
const MAX_CHAIN: usize = 250;

/// What is read of a pack at once, in bytes: at least the one, which holds most objects whole, at most the other.
const PIECE: Range<usize> = (4 << 10)..(32 << 10);

/// So many pieces are kept: the heads of a chain are read before what stands behind them.
const STRETCHES: usize = 8;

/// The longest head of an entry, in bytes: a length of 64 bits, seven in each, and an id of 32 bytes.
const HEAD: usize = 10 + 32;

/// An object as it is read.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) kind: Kind,
    pub(crate) bytes: Arc<Vec<u8>>,
}

/// Reads objects of packs on one thread.
pub(super) struct Unpacker {
    /// On the heap, since it weighs 14 KB.
    inflate: Box<Decoder>,
    /// What was read last of a pack.
    packed: Stretches,
    /// By the number of the pack and where they begin in it.
    kept: CLruCache<(usize, u64), Object, RandomState, Bytes>,
    /// The number of the pack in which the last one stood.
    pub(super) last: usize,
    pub(super) lookup: Lookup,
    /// An inflated delta, with what larger ones left behind it.
    delta: Vec<u8>,
}

/// An object weighs its bytes.
struct Bytes;

impl WeightScale<(usize, u64), Object> for Bytes {
    fn weight(&self, _: &(usize, u64), object: &Object) -> usize {
        object.bytes.len()
    }
}

impl Unpacker {
    pub(super) fn new() -> Unpacker {
        let kept = CLruCacheConfig::new(KEPT).with_hasher(RandomState::default());
        Unpacker {
            inflate: Box::new(Decoder::new(Format::Zlib)),
            packed: Stretches::new(STRETCHES, PIECE.start / 2, PIECE.start),
            kept: CLruCache::with_config(kept.with_scale(Bytes)),
            last: 0,
            lookup: Lookup::reading(0),
            delta: Vec::new(),
        }
    }

    /// The object that begins so many bytes into a pack; `None` where it cannot be read, or is larger than a file that
    /// is read at all.
    pub(super) fn object(&mut self, pack: &Pack, at: u64) -> Option<Object> {
        let mut deltas = Vec::new();
        let mut at = at;
        let mut object = loop {
            if let Some(object) = self.kept.get(&(pack.file.number, at)) {
                break object.clone();
            }
            let head = self.packed.some(&pack.file, at, HEAD..=HEAD).ok()?;
            let entry = data::Entry::from_bytes(head, at, pack.hash).ok()?;
            let base = match entry.header {
                Header::OfsDelta { base_distance } => {
                    entry.checked_base_pack_offset(base_distance)?
                }
                Header::RefDelta { base_id } => {
                    pack.index.offset(&base_id, &mut self.lookup).ok()??
                }
                Header::Commit | Header::Tree | Header::Blob | Header::Tag => {
                    let mut bytes = vec![0; length(&entry, limit(deltas.len()))?];
                    inflate(&mut self.inflate, &mut self.packed, pack, &entry, &mut bytes)?;
                    break self.keep(pack, at, entry.header.as_kind()?, bytes);
                }
            };
            if deltas.len() == MAX_CHAIN {
                return None;
            }
            deltas.push((at, entry));
            at = base;
        };
        while let Some((at, entry)) = deltas.pop() {
            let length = length(&entry, MAX_FILE_BYTES)?;
            self.delta.resize(self.delta.len().max(length), 0);
            let delta = &mut self.delta[..length];
            inflate(&mut self.inflate, &mut self.packed, pack, &entry, delta)?;
            let bytes = applied(delta, &object.bytes, limit(deltas.len()))?;
            object = self.keep(pack, at, object.kind, bytes);
        }
        Some(object)
    }

    fn keep(&mut self, pack: &Pack, at: u64, kind: Kind, bytes: Vec<u8>) -> Object {
        let object = Object { kind, bytes: Arc::new(bytes) };
        // One that is too large to be kept is read again.
        let _ = self.kept.put_with_weight((pack.file.number, at), object.clone());
        object
    }
}

/// Inflates an entry, which must fill all the room there is.
fn inflate(
    decoder: &mut Decoder,
    packed: &mut Stretches,
    pack: &Pack,
    entry: &data::Entry,
    into: &mut [u8],
) -> Option<()> {
    decoder.reset();
    // What does not get smaller is stored with a few bytes more; nothing that git writes takes as many as these.
    let mut left = into.len() + into.len() / 8 + HEAD;
    let mut at = entry.data_offset;
    loop {
        let piece = packed.some(&pack.file, at, 1..=left.min(PIECE.end)).ok()?;
        let is_last = piece.len() == left || piece.is_empty();
        let inflated = decoder.decompress(piece, into, is_last).ok()?;
        let (consumed, done) = (inflated.consumed, inflated.done);
        if done {
            return (decoder.total_out() == into.len() as u64).then_some(());
        }
        if is_last {
            return None;
        }
        left -= consumed;
        at += consumed as u64;
    }
}

/// How many bytes an object may have on which so many deltas are still to be built.
fn limit(deltas: usize) -> u64 {
    if deltas == 0 { MAX_FILE_BYTES } else { MAX_BASE }
}

/// How many bytes an entry inflates to, unless they are too many.
fn length(entry: &data::Entry, limit: u64) -> Option<usize> {
    let length = Some(entry.decompressed_size).filter(|&length| length <= limit)?;
    usize::try_from(length).ok()
}

/// What a delta makes of the object on which it is built; `None` where that is too large, or the delta is damaged or
/// made for another.
fn applied(mut delta: &[u8], base: &[u8], limit: u64) -> Option<Vec<u8>> {
    const COPIES: u8 = 0x80;
    /// What no length stands for.
    const LONGEST: usize = 1 << 16;
    let (from, length) = (size(&mut delta)?, size(&mut delta)?);
    if from != base.len() as u64 || length > limit {
        return None;
    }
    let mut made = Vec::with_capacity(usize::try_from(length).ok()?);
    while let Some(&command) = delta.split_off_first() {
        let piece = if command & COPIES != 0 {
            let from = number(&mut delta, command, 4)?;
            let length = match number(&mut delta, command >> 4, 3)? {
                0 => LONGEST,
                length => length,
            };
            base.get(from..from.checked_add(length)?)?
        } else {
            delta.split_off(..usize::from(command)).filter(|piece| !piece.is_empty())?
        };
        if made.len() + piece.len() > made.capacity() {
            return None;
        }
        made.extend_from_slice(piece);
    }
    (made.len() as u64 == length).then_some(made)
}

/// A size at the head of a delta: seven bits in each byte, the lowest first, as long as the eighth is set.
fn size(delta: &mut &[u8]) -> Option<u64> {
    let mut size = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = *delta.split_off_first()?;
        size |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(size);
        }
    }
    None
}

/// A number of so many bytes, the lowest first, of which only those are there whose flag is set.
fn number(delta: &mut &[u8], flags: u8, bytes: u32) -> Option<usize> {
    let mut number = 0;
    for at in (0..bytes).filter(|at| flags >> at & 1 == 1) {
        number |= usize::from(*delta.split_off_first()?) << (8 * at);
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BASE: &[u8] = b"one two three four";
    const LONG: usize = 1 << 17;

    #[test]
    fn a_delta_copies_and_inserts() {
        // 18 bytes become 13: eight copied from the fourth on, then five new ones.
        let delta = [&[18, 13, 0x91, 4, 8, 5][..], b"seven"].concat();
        assert_eq!(applied(&delta, BASE, 1 << 20).unwrap(), b"two threseven");
        let long = vec![b'x'; LONG];
        // A length of none stands for the longest, and a size takes three bytes.
        let delta = [0x80, 0x80, 0x08, 0x80, 0x80, 0x04, 0x84, 1];
        assert_eq!(applied(&delta, &long, 1 << 20).unwrap().len(), LONG / 2);
    }

    #[test]
    fn a_damaged_delta_makes_nothing() {
        for delta in [
            &[][..],
            &[18],
            &[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
            // Of another base; with too little, too much, and nothing after all.
            &[17, 1, 1, b'a'],
            &[18, 2, 1, b'a'],
            &[18, 1, 2, b'a', b'b'],
            &[18, 1, 0, 1, b'a'],
            // Cut off, and from behind the end.
            &[18, 2, 2, b'a'],
            &[18, 2, 0x91, 4],
            &[18, 2, 0x91, 17, 2],
            // Larger than the limit.
            &[18, 0x81, 0x80, 0x80, 0x02, 1, b'a'],
        ] {
            assert_eq!(applied(delta, BASE, 1 << 20), None, "{delta:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_make_what_they_promise_or_nothing(
            rest in prop::collection::vec(any::<u8>(), 0..40),
            length in 0u8..100,
        ) {
            let delta = [&[18, length][..], &rest].concat();
            if let Some(made) = applied(&delta, BASE, 1 << 20) {
                prop_assert_eq!(made.len(), usize::from(length));
            }
        }
    }
}
