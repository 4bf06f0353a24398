//! The ids that are new in the commit under way.

use hashbrown::HashTable;

use crate::dedup::Id;

/// A set of new ids. Each brings its fingerprint, so nothing is hashed again.
pub(super) struct NewIds<'a>(HashTable<Id<'a>>);

impl<'a> NewIds<'a> {
    /// Makes a set with room for `count` ids.
    pub(super) fn with_capacity(count: usize) -> NewIds<'a> {
        NewIds(HashTable::with_capacity(count))
    }

    /// Adds an id; returns false if it is there already.
    pub(super) fn add(&mut self, id: Id<'a>) -> bool {
        let entry = self
            .0
            .entry(id.fingerprint, |other| id == *other, |other| other.fingerprint);
        match entry {
            hashbrown::hash_table::Entry::Occupied(_) => false,
            hashbrown::hash_table::Entry::Vacant(place) => {
                place.insert(id);
                true
            }
        }
    }

    pub(super) fn remove(&mut self, id: Id<'_>) {
        if let Ok(entry) = self.0.find_entry(id.fingerprint, |other| id == *other) {
            entry.remove();
        }
    }
}
