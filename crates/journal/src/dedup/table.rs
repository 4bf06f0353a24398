//! Fingerprints in memory: eight bytes each, which say in which file to look.

use hashbrown::HashTable;

use super::file::IdFile;

/// The lower bits of an entry name the file, the upper ones are the fingerprint's.
const SLOT: u64 = 0xF_FFFF;

/// The bits that name a file in an entry. There are never a million files at once.
pub(super) fn slot(number: u64) -> u64 {
    number & SLOT
}

pub(super) struct Table {
    entries: HashTable<u64>,
    capacity: u64,
}

/// The table takes the upper seven bits of a hash as tags and the lower ones as places.
fn hash(entry: u64) -> u64 {
    (entry & !SLOT).rotate_left(32)
}

impl Table {
    /// Makes a table that takes at most `bytes`, also while it grows.
    pub(super) fn new(bytes: u64) -> Table {
        // Nine bytes a place, places in powers of two of which seven of eight are used, and the old table lives
        // until the new one, twice its size, is filled.
        let places = bytes / 9 * 2 / 3;
        let places = if places == 0 { 0 } else { 1u64 << places.ilog2() };
        Table {
            entries: HashTable::new(),
            capacity: places / 8 * 7,
        }
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    pub(super) fn has_room_for(&self, count: u64) -> bool {
        self.entries.len() as u64 + count <= self.capacity
    }

    /// Takes in the fingerprints of a file.
    pub(super) fn load(&mut self, file: &mut IdFile) {
        let slot = slot(file.number);
        let entries = &mut self.entries;
        file.loaded = file.each_fingerprint(|fingerprint| {
            let entry = fingerprint & !SLOT | slot;
            entries.insert_unique(hash(entry), entry, |entry| hash(*entry));
        });
        if !file.loaded {
            self.forget(&[file.number]);
        }
    }

    /// The files in which a fingerprint may be.
    pub(super) fn candidates(&self, fingerprint: u64) -> impl Iterator<Item = u64> {
        let wanted = fingerprint & !SLOT;
        self.entries
            .iter_hash(hash(wanted))
            .filter(move |entry| **entry & !SLOT == wanted)
            .map(|entry| entry & SLOT)
    }

    /// Drops the fingerprints of files.
    pub(super) fn forget(&mut self, numbers: &[u64]) {
        if !numbers.is_empty() {
            let slots: Vec<u64> = numbers.iter().map(|number| slot(*number)).collect();
            self.entries.retain(|entry| !slots.contains(&(*entry & SLOT)));
        }
    }
}
