//! Counts the bytes of a journal that are not encrypted.

use std::sync::atomic::Ordering;

use super::shared::Shared;
use crate::dedup::IdStore;
use crate::fs::paths;
use crate::mutex::lock;
use crate::{Keys, Sealing};

impl Shared {
    /// Notes up to which event ids are in files, and how much of them is in plain.
    pub(super) fn note_ids(&self, ids: &IdStore) {
        self.ids_filed_to.store(ids.filed_to(), Ordering::Release);
        self.plain_id_bytes.store(ids.plain_bytes(), Ordering::Relaxed);
    }

    /// Notes the size of the files that are set aside: they stay until an operator deletes them.
    pub(super) fn note_set_aside(&self) {
        let aside = paths(&self.options.path).into_iter().flatten().filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str());
            name.is_some_and(|name| name.contains(".corrupt"))
        });
        let sizes = aside.filter_map(|path| Some(std::fs::metadata(path).ok()?.len()));
        self.set_aside_bytes.store(sizes.sum(), Ordering::Relaxed);
    }

    /// Describes the encryption, from memory.
    pub(super) fn sealing(&self) -> Sealing {
        let sealed = self.options.keys.is_some();
        let of_files = self.log.sealing();
        let listed = || self.options.keys.iter().flat_map(Keys::ids);
        let letters = || lock(&self.letters).values().map(|counts| counts.bytes).sum();
        Sealing {
            sealed,
            newest: listed().next(),
            unneeded: listed().filter(|key| !of_files.keys.contains_key(key)).collect(),
            plain_id_bytes: self.plain_id_bytes.load(Ordering::Relaxed),
            plain_letter_bytes: if sealed { 0 } else { letters() },
            set_aside_bytes: self.set_aside_bytes.load(Ordering::Relaxed),
            ..of_files
        }
    }
}
