//! How a file of frames that grows is written: frames go past the system's cache, straight from a buffer of ours to the
//! disk. Nobody reads them soon (sinks that keep pace get the events that were appended), and through the cache each
//! of their pages would be allocated, filled, marked, looked for and written back, which costs more than all else of a
//! commit. What else the store writes, a few small pages a commit, goes through the cache as ever.
//!
//! A commit is durable by the `fdatasync` that follows, in either case: it also makes the disk write down what it holds
//! in a cache of its own.

use std::fs::{File, OpenOptions};
use std::io;
use std::ops::Bound;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use redb::backends::FileBackend;
use redb::{BackendError, StorageBackend};

use super::frame::Head;

/// What every disk takes: places, lengths and buffers are multiples of it.
const BLOCK: usize = 4096;
/// Pages of fewer bytes are written through the system's cache.
const LARGE: usize = 4 * BLOCK;
/// Where the value stands in a page that holds one frame: behind the store's head of a leaf and the key.
const VALUE: usize = 16;
/// How such a page begins; where its value ends follows.
const LEAF_OF_ONE: &[u8] = &[1, 0, 1, 0];

/// A file of frames that is being written.
#[derive(Debug)]
pub(super) struct Blocks {
    file: FileBackend,
    /// `None` where the file system knows no way around the cache.
    direct: Mutex<Option<Direct>>,
}

#[derive(Debug)]
struct Direct {
    file: File,
    /// Larger than what is written by a block, so that there is a place in it at which a block begins.
    buffer: Vec<u8>,
}

impl Blocks {
    /// Makes the file, or opens it.
    pub(super) fn create(path: &Path) -> Result<Blocks, redb::Error> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        Ok(Blocks {
            file: FileBackend::new(file)?,
            direct: Mutex::new(open_direct(path)),
        })
    }
}

#[cfg(target_os = "linux")]
fn open_direct(path: &Path) -> Option<Direct> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::DIRECT.bits() as i32;
    let file = OpenOptions::new().write(true).custom_flags(flags).open(path);
    file.ok().map(|file| Direct {
        file,
        buffer: Vec::new(),
    })
}

#[cfg(not(target_os = "linux"))]
fn open_direct(_: &Path) -> Option<Direct> {
    None
}

/// How much of a page there is to write: of one that holds a frame and nothing else all but the unused rest of it, by the
/// words of the store as well as of the frame. Neither ever looks at that rest, so whatever stands there may stay.
fn used(page: &[u8]) -> usize {
    let end = || {
        let (head, frame) = page.split_at_checked(VALUE)?;
        let end = head.get(..8)?.strip_prefix(LEAF_OF_ONE)?.first_chunk()?;
        let end = u32::from_le_bytes(*end) as usize;
        let length = Head::peek(frame).ok()?.length as usize;
        (VALUE + length == end).then(|| end.next_multiple_of(BLOCK))
    };
    end().map_or(page.len(), |end| end.min(page.len()))
}

impl Direct {
    fn write(&mut self, offset: u64, page: &[u8]) -> io::Result<()> {
        if self.buffer.len() < page.len() + BLOCK {
            self.buffer.resize(page.len() + BLOCK, 0);
        }
        let start = self.buffer.as_ptr().align_offset(BLOCK);
        let aligned = self
            .buffer
            .get_mut(start..)
            .and_then(|rest| rest.get_mut(..page.len()));
        let Some(aligned) = aligned else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        aligned.copy_from_slice(page);
        self.file.write_all_at(aligned, offset)
    }
}

impl StorageBackend for Blocks {
    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if data.len() >= LARGE && data.len().is_multiple_of(BLOCK) && offset.is_multiple_of(BLOCK as u64) {
            let data = data.get(..used(data)).unwrap_or(data);
            let mut direct = self.direct.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(way) = direct.as_mut() {
                match way.write(offset, data) {
                    // The file system took the flag and does not do it, or wants larger blocks.
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => *direct = None,
                    written => return written,
                }
            }
            return self.file.write(offset, data);
        }
        self.file.write(offset, data)
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    fn close(&self) -> io::Result<()> {
        self.file.close()
    }

    fn try_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_range(start, end)
    }

    fn try_lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.try_lock_shared_range(start, end)
    }

    fn lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_range(start, end)
    }

    fn lock_shared_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.lock_shared_range(start, end)
    }

    fn unlock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<(), BackendError> {
        self.file.unlock_range(start, end)
    }

    fn query_lock_range(&self, start: Bound<u64>, end: Bound<u64>) -> Result<bool, BackendError> {
        self.file.query_lock_range(start, end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::frame::encode_frame;

    #[test]
    fn of_a_page_with_a_frame_the_rest_is_not_written_and_of_any_other_all_is() {
        let text = format!(r#"{{"x":"{}"}}"#, "y".repeat(5000));
        let receipt = signalbox_core::Receipt {
            source: "s".into(),
            received_at: 1,
        };
        let frame = encode_frame(7, vec![signalbox_core::Event::parse(&text, receipt).unwrap(); 4]);
        let end = VALUE + frame.len();
        let mut page = LEAF_OF_ONE.to_vec();
        page.extend_from_slice(&(end as u32).to_le_bytes());
        page.extend_from_slice(&7u64.to_le_bytes());
        page.extend_from_slice(&frame);
        page.resize(1 << 18, 0);
        assert_eq!(used(&page), 5 * BLOCK);
        assert!(end <= 5 * BLOCK && end > 4 * BLOCK);
        for at in [0, 2, 4, 17] {
            let mut other = page.clone();
            other[at] ^= 1;
            assert_eq!(used(&other), other.len());
        }
        assert_eq!(used(&page[..end - 1]), end - 1);
        assert_eq!(used(&[]), 0);
    }

    #[test]
    fn what_is_written_past_the_cache_is_read_through_it() {
        let folder = tempfile::tempdir().unwrap();
        let blocks = Blocks::create(&folder.path().join("file")).unwrap();
        blocks.set_len(1 << 20).unwrap();
        let page: Vec<u8> = (0..3 * LARGE).map(|n| (n % 251) as u8).collect();
        for offset in [0, 1 << 16] {
            // Past the cache, through it, and past it again; buffers begin anywhere.
            blocks.write(offset, &page[1..=2 * LARGE]).unwrap();
            blocks.write(offset + BLOCK as u64, &page[..BLOCK]).unwrap();
            blocks.write(offset, &page[2..LARGE + 2]).unwrap();
            let mut read = vec![0; 2 * LARGE];
            blocks.read(offset, &mut read).unwrap();
            assert_eq!(read[..LARGE], page[2..LARGE + 2]);
            assert_eq!(read[LARGE..], page[LARGE + 1..=2 * LARGE]);
        }
        blocks.sync_data().unwrap();
    }
}
