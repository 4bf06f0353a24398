//! The ids seen last, whole, in memory.

use hashbrown::HashTable;

use super::id::Form;

#[derive(Default)]
pub(super) struct Current {
    entries: Vec<Entry>,
    texts: Vec<u8>,
    index: HashTable<u32>,
}

/// One id.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) fingerprint: u64,
    pub(super) at: i64,
    start: usize,
    source: u32,
    id: u32,
}

impl Current {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// When the first of them was seen.
    pub(super) fn earliest(&self) -> Option<i64> {
        self.entries.first().map(|entry| entry.at)
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Source and id.
    pub(super) fn text(&self, entry: &Entry) -> (&[u8], &[u8]) {
        let text = self.texts.get(entry.start..).unwrap_or_default();
        let (source, rest) = text.split_at_checked(entry.source as usize).unwrap_or_default();
        (source, rest.get(..entry.id as usize).unwrap_or_default())
    }

    pub(super) fn add(&mut self, id: Form<'_>, at: i64) {
        let (Ok(n), Ok(source), Ok(length)) = (
            u32::try_from(self.entries.len()),
            u32::try_from(id.source.len()),
            u32::try_from(id.id.len()),
        ) else {
            return;
        };
        let start = self.texts.len();
        self.texts.extend_from_slice(id.source);
        self.texts.extend_from_slice(id.id);
        self.entries.push(Entry {
            fingerprint: id.fingerprint,
            at,
            start,
            source,
            id: length,
        });
        let entries = &self.entries;
        let hash = |n: &u32| entries.get(*n as usize).map_or(0, |entry| entry.fingerprint);
        self.index.insert_unique(id.fingerprint, n, hash);
    }

    /// When an id was last learnt.
    pub(super) fn find(&self, id: Form<'_>) -> Option<i64> {
        let candidates = self
            .index
            .iter_hash(id.fingerprint)
            .filter_map(|n| self.entries.get(*n as usize));
        candidates
            .filter(|entry| entry.fingerprint == id.fingerprint && self.text(entry) == (id.source, id.id))
            .map(|entry| entry.at)
            .max()
    }
}
