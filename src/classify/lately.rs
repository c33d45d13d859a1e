//! A memory of what was seen lately, of a fixed size: code says the same over and over.

/// Values by the hashes of what they were made of, each at the place that its hash names, where it displaces the one
/// before. The hashes must be seeded anew for each run, so that nobody can write what passes for another.
#[derive(Debug)]
pub(super) struct Lately<V> {
    /// 0 stands for no hash.
    places: Vec<(u64, V)>,
    /// How many have been added.
    added: usize,
    most: usize,
}

impl<V: Copy + Default> Lately<V> {
    /// A memory of `least` values that grows to `most` as soon as so many were added: a small change says little twice.
    /// Both are powers of two.
    pub(super) fn new(least: usize, most: usize) -> Lately<V> {
        Lately { places: vec![(0, V::default()); least], added: 0, most }
    }

    /// The value of a hash, if it is still known. Two hashes are taken for one another by accident once in 2^63 times.
    #[inline]
    pub(super) fn get(&self, hash: u64) -> Option<V> {
        let (known, value) = self.places[self.place(hash)];
        (known == hash | 1).then_some(value)
    }

    /// Remembers the value of a hash.
    pub(super) fn add(&mut self, hash: u64, value: V) {
        self.added += 1;
        if self.added == self.places.len() && self.added < self.most {
            // What was known is found again where it is said again.
            self.places = vec![(0, V::default()); self.most];
        }
        let place = self.place(hash);
        self.places[place] = (hash | 1, value);
    }

    /// By the upper bits, since the lowest says nothing.
    #[inline]
    fn place(&self, hash: u64) -> usize {
        (hash >> 40) as usize & (self.places.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_known_until_it_is_displaced() {
        let mut lately = Lately::new(2, 4);
        let hash = |upper: u64, lower: u64| upper << 40 | lower << 1;
        assert_eq!(lately.get(hash(1, 7)), None);
        lately.add(hash(1, 7), 17);
        assert_eq!((lately.get(hash(1, 7)), lately.get(hash(1, 8))), (Some(17), None));
        lately.add(hash(2, 7), 27);
        // It has grown.
        assert_eq!((lately.get(hash(1, 7)), lately.get(hash(2, 7))), (None, Some(27)));
        lately.add(hash(6, 7), 67);
        assert_eq!((lately.get(hash(2, 7)), lately.get(hash(6, 7))), (None, Some(67)));
    }
}
