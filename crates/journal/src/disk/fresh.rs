//! The ids of a commit that is being put together.

use hashbrown::HashTable;

use crate::dedup::Id;

/// Ids that are not known yet. Each has its fingerprint already, so nothing is hashed again.
pub(super) struct Fresh<'a>(HashTable<Id<'a>>);

fn same(one: Id<'_>, other: Id<'_>) -> bool {
    (one.fingerprint, one.id, one.source) == (other.fingerprint, other.id, other.source)
}

impl<'a> Fresh<'a> {
    /// With room for so many.
    pub(super) fn with_capacity(count: usize) -> Fresh<'a> {
        Fresh(HashTable::with_capacity(count))
    }

    /// Takes an id; false if it is there.
    pub(super) fn add(&mut self, id: Id<'a>) -> bool {
        let entry = self.0.entry(
            id.fingerprint,
            |other| same(id, *other),
            |other| other.fingerprint,
        );
        match entry {
            hashbrown::hash_table::Entry::Occupied(_) => false,
            hashbrown::hash_table::Entry::Vacant(place) => {
                place.insert(id);
                true
            }
        }
    }

    pub(super) fn remove(&mut self, id: Id<'_>) {
        if let Ok(entry) = self.0.find_entry(id.fingerprint, |other| same(id, *other)) {
            entry.remove();
        }
    }
}
