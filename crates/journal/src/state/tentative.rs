//! Opens the store's file without writing to it until its contents are known to be right: opening a store repairs it,
//! but a file of a newer version, or a damaged one, must stay as it is.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use redb::StorageBackend;

use crate::mutex::lock;

const PAGE: u64 = 4096;

/// A file whose changes are held back in memory until [`Tentative::settle`] is called, and go through from then on.
#[derive(Debug, Clone)]
pub(crate) struct Tentative(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: File,
    through: AtomicBool,
    held: Mutex<Held>,
}

/// The content that the file would have with the changes.
#[derive(Debug, Default)]
struct Held {
    length: u64,
    pages: BTreeMap<u64, Box<[u8]>>,
    /// The changes in their order: a store relies on the order of its writes and syncs.
    steps: Vec<Step>,
}

#[derive(Debug)]
enum Step {
    Resize(u64),
    Write(u64, Vec<u8>),
    Sync,
}

impl Tentative {
    pub(super) fn new(file: File) -> io::Result<Tentative> {
        let held = Held {
            length: file.metadata()?.len(),
            ..Held::default()
        };
        Ok(Tentative(Arc::new(Inner {
            file,
            through: false.into(),
            held: Mutex::new(held),
        })))
    }

    /// Applies the changes held back to the file, in order; from now on changes go through.
    pub(super) fn settle(&self) -> io::Result<()> {
        let mut held = lock(&self.0.held);
        for step in std::mem::take(&mut held.steps) {
            match step {
                Step::Resize(length) => self.0.file.set_len(length)?,
                Step::Write(offset, bytes) => self.0.file.write_all_at(&bytes, offset)?,
                Step::Sync => self.0.file.sync_data()?,
            }
        }
        held.pages = BTreeMap::new();
        self.0.through.store(true, Ordering::Release);
        Ok(())
    }

    /// The changes held back; `None` once they go through.
    fn holding(&self) -> Option<MutexGuard<'_, Held>> {
        (!self.0.through.load(Ordering::Acquire)).then(|| lock(&self.0.held))
    }
}

/// Splits a stretch into pages: each page's number, the offset within it, and the number of bytes.
fn pages(offset: u64, length: usize) -> impl Iterator<Item = (u64, usize, usize)> {
    let end = offset + length as u64;
    (offset / PAGE..end.div_ceil(PAGE)).map(move |page| {
        let (from, to) = (offset.max(page * PAGE), end.min((page + 1) * PAGE));
        (page, (from % PAGE) as usize, (to - from) as usize)
    })
}

impl Held {
    /// The page with the file's content; zeros beyond the file's end.
    fn page(&mut self, file: &File, page: u64) -> io::Result<&mut Box<[u8]>> {
        use std::collections::btree_map::Entry;
        match self.pages.entry(page) {
            Entry::Occupied(found) => Ok(found.into_mut()),
            Entry::Vacant(place) => {
                let mut bytes = vec![0; PAGE as usize].into_boxed_slice();
                let mut filled = 0;
                while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
                    match file.read_at(rest, page * PAGE + filled as u64) {
                        Ok(0) => break,
                        Ok(read) => filled += read,
                        Err(error) if error.kind() == ErrorKind::Interrupted => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(place.insert(bytes))
            }
        }
    }

    fn read(&self, file: &File, offset: u64, mut out: &mut [u8]) -> io::Result<()> {
        if offset + out.len() as u64 > self.length {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if self.pages.is_empty() {
            return file.read_exact_at(out, offset);
        }
        for (page, start, length) in pages(offset, out.len()) {
            let (to, rest) = std::mem::take(&mut out).split_at_mut(length);
            match self
                .pages
                .get(&page)
                .and_then(|held| held.get(start..start + length))
            {
                Some(held) => to.copy_from_slice(held),
                None => file.read_exact_at(to, page * PAGE + start as u64)?,
            }
            out = rest;
        }
        Ok(())
    }

    fn write(&mut self, file: &File, offset: u64, mut bytes: &[u8]) -> io::Result<()> {
        self.steps.push(Step::Write(offset, bytes.to_vec()));
        self.grow(file, offset + bytes.len() as u64)?;
        for (page, start, length) in pages(offset, bytes.len()) {
            let (from, rest) = bytes.split_at(length);
            if let Some(to) = self.page(file, page)?.get_mut(start..start + length) {
                to.copy_from_slice(from);
            }
            bytes = rest;
        }
        Ok(())
    }

    fn resize(&mut self, file: &File, length: u64) -> io::Result<()> {
        self.steps.push(Step::Resize(length));
        if length < self.length {
            let before = std::mem::replace(&mut self.length, length);
            // The part that is cut off reads as zeros when the file grows again.
            if !length.is_multiple_of(PAGE)
                && let Some(cut) = self
                    .page(file, length / PAGE)?
                    .get_mut((length % PAGE) as usize..)
            {
                cut.fill(0);
            }
            for page in length.div_ceil(PAGE)..before.div_ceil(PAGE) {
                self.pages.insert(page, vec![0; PAGE as usize].into_boxed_slice());
            }
        }
        self.grow(file, length)
    }

    /// Extends the file to at least this length.
    fn grow(&mut self, file: &File, length: u64) -> io::Result<()> {
        let before = self.length;
        for page in before / PAGE..length.div_ceil(PAGE) {
            self.page(file, page)?;
        }
        self.length = before.max(length);
        Ok(())
    }
}

impl StorageBackend for Tentative {
    fn len(&self) -> Result<u64, io::Error> {
        match self.holding() {
            Some(held) => Ok(held.length),
            None => Ok(self.0.file.metadata()?.len()),
        }
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        match self.holding() {
            Some(held) => held.read(&self.0.file, offset, out),
            None => self.0.file.read_exact_at(out, offset),
        }
    }

    fn set_len(&self, length: u64) -> Result<(), io::Error> {
        match self.holding() {
            Some(mut held) => held.resize(&self.0.file, length),
            None => self.0.file.set_len(length),
        }
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        match self.holding() {
            Some(mut held) => {
                held.steps.push(Step::Sync);
                Ok(())
            }
            None => self.0.file.sync_data(),
        }
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        match self.holding() {
            Some(mut held) => held.write(&self.0.file, offset, data),
            None => self.0.file.write_all_at(data, offset),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A file that holds back reads like one that does not, changes nothing, and ends as the other.
        #[test]
        fn it_reads_as_if_it_were_written(
            start in 0..3 * PAGE,
            steps in proptest::collection::vec((any::<bool>(), 0..3 * PAGE, 1..6000usize, any::<u8>()), 1..8),
        ) {
            let before: Vec<u8> = (0..start).map(|n| n as u8 | 1).collect();
            let file = |bytes: &[u8]| {
                let file = tempfile::tempfile().unwrap();
                file.write_all_at(bytes, 0).unwrap();
                file
            };
            let (held, plain) = (Tentative::new(file(&before)).unwrap(), file(&before));
            for (resize, offset, length, fill) in steps {
                if resize {
                    held.set_len(offset).unwrap();
                    plain.set_len(offset).unwrap();
                } else {
                    held.write(offset, &vec![fill; length]).unwrap();
                    plain.write_all_at(&vec![fill; length], offset).unwrap();
                }
                let size = plain.metadata().unwrap().len();
                prop_assert_eq!(held.len().unwrap(), size);
                let (mut a, mut b) = (vec![0; size as usize], vec![0; size as usize]);
                held.read(0, &mut a).unwrap();
                plain.read_exact_at(&mut b, 0).unwrap();
                prop_assert!(a == b);
                prop_assert_eq!(held.0.file.metadata().unwrap().len(), start);
            }
            held.settle().unwrap();
            let size = plain.metadata().unwrap().len();
            prop_assert_eq!(held.len().unwrap(), size);
            let (mut a, mut b) = (vec![0; size as usize], vec![0; size as usize]);
            held.read(0, &mut a).unwrap();
            plain.read_exact_at(&mut b, 0).unwrap();
            prop_assert!(a == b);
        }
    }
}
