//! The source's memory of the files it has read: their identity, and the progress of reading them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use serde::{Deserialize, Serialize};
use signalbox_core::{Checkpoints, StartError};
use signalbox_segment::ingest::{Layout, Place};
use twox_hash::XxHash3_64;

use super::input::Mark;

/// The most files remembered for each source besides those it finds; the ones read last stay.
const FILES: usize = 64;

/// Bytes in a block used for comparison.
const BLOCK: u64 = 4096;

/// A file that was read, in the form of a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// A UUID of this file, from which events without `messageId` get their ids.
    pub(super) id: String,
    /// The file's last path.
    pub(super) path: String,
    device: u64,
    inode: u64,
    /// The file's size when it was last read to its end; 0 before.
    pub(super) size: u64,
    /// The place up to which the lines are stored.
    pub(super) offset: u64,
    /// Lines before `offset`.
    pub(super) lines: u64,
    /// The layout behind `offset`. Earlier versions read lines only.
    #[serde(default = "lines")]
    layout: Layout,
    head: Block,
    /// The block before `offset`.
    tail: Block,
    /// Unix microseconds of the last reading, so that files read in one second keep their order. Checkpoints of earlier
    /// versions hold seconds, and so count as older.
    read_at: u64,
    /// True if the last value had no end and was no event: it stands behind `offset`.
    #[serde(skip)]
    pub(super) unfinished: bool,
}

fn lines() -> Layout {
    Layout::Lines
}

/// A checksum of some bytes of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Block {
    length: u64,
    checksum: u64,
}

impl Block {
    /// Reads the block of at most [`BLOCK`] bytes before `end`.
    fn before(file: &File, end: u64) -> io::Result<Block> {
        let length = end.min(BLOCK);
        Block::of(file, end - length, length)
    }

    /// Reads the block of `length` bytes from `start` on.
    fn of(file: &File, start: u64, length: u64) -> io::Result<Block> {
        if length == 0 {
            return Ok(Block::default());
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact_at(&mut bytes, start)?;
        Ok(Block {
            length,
            checksum: XxHash3_64::oneshot(&bytes),
        })
    }
}

/// The relation of a file to those read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// The file was read before.
    Known,
    /// The source has not yet read a file here.
    New,
    /// Another file stands where one was read before, or the file was rewritten.
    Another,
}

impl Remembered {
    fn is_inode(&self, metadata: &Metadata) -> bool {
        (self.device, self.inode) == (metadata.dev(), metadata.ino())
    }

    fn is(&self, file: &File, metadata: &Metadata, heads: &mut Heads) -> io::Result<bool> {
        let length = metadata.len();
        if length < self.offset || length < self.head.length {
            return Ok(false);
        }
        // Every file begins like an empty one.
        if self.head.length == 0 && !self.is_inode(metadata) {
            return Ok(false);
        }
        let start = self.offset.saturating_sub(self.tail.length);
        Ok(heads.get(file, self.head.length)? == self.head
            && Block::of(file, start, self.tail.length)? == self.tail)
    }

    /// True if the file has not grown since it was read to its end.
    pub(super) fn is_done(&self, length: u64) -> bool {
        self.size == length && length > 0
    }

    /// The `messageId` for an event at `offset` that has none: the same at each reading, and different from all others.
    pub(super) fn event_id(&self, offset: u64) -> String {
        // The change keeps the id a UUID of version 4, up to offsets of 4 EiB.
        match uuid::Uuid::parse_str(&self.id) {
            Ok(own) => uuid::Uuid::from_u128(own.as_u128() ^ u128::from(offset)).to_string(),
            Err(_) => format!("{}-{offset}", self.id),
        }
    }

    /// The place where reading continues.
    pub(super) fn place(&self) -> Place {
        Place {
            offset: self.offset,
            lines: self.lines,
            layout: if self.offset == 0 {
                Layout::Unknown
            } else {
                self.layout
            },
        }
    }

    /// The mark of that place.
    pub(super) fn mark(&self) -> Mark {
        Mark {
            place: self.place(),
            blocks: Blocks {
                head: self.head,
                tail: self.tail,
            },
        }
    }

    /// Sets the place to the beginning. The file keeps its id, so that deduplication recognises its events.
    pub(super) fn begin_again(&mut self) {
        (self.size, self.offset, self.lines) = (0, 0, 0);
        self.tail = Block::default();
    }

    /// Notes that the values before a place are stored.
    pub(super) fn advance(&mut self, Mark { place, blocks }: Mark) {
        (self.offset, self.lines, self.layout) = (place.offset, place.lines, place.layout);
        (self.head, self.tail) = (blocks.head, blocks.tail);
    }

    /// Makes the checkpoint, with the time of reading.
    pub(super) fn checkpoint(&mut self, unix_micros: u64) -> Vec<u8> {
        self.read_at = unix_micros;
        // Strings and numbers always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The blocks that are compared to recognise a file that was read up to a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    head: Block,
    tail: Block,
}

impl Blocks {
    /// Reads the present blocks of a file that was read up to `offset`.
    pub(super) fn at(file: &File, offset: u64) -> io::Result<Blocks> {
        Ok(Blocks {
            head: Block::of(file, 0, offset.min(BLOCK))?,
            tail: Block::before(file, offset)?,
        })
    }
}

/// The beginnings of a file, by length: the files remembered mostly have the same one.
#[derive(Default)]
struct Heads(BTreeMap<u64, Block>);

impl Heads {
    fn get(&mut self, file: &File, length: u64) -> io::Result<Block> {
        if let Some(known) = self.0.get(&length) {
            return Ok(*known);
        }
        let block = Block::of(file, 0, length)?;
        self.0.insert(length, block);
        Ok(block)
    }
}

/// The files a source has read before.
pub(super) struct History {
    remembered: Vec<Remembered>,
    /// Device and inode of each file that the source finds.
    present: BTreeSet<(u64, u64)>,
}

impl History {
    /// Loads the checkpoints, and removes useless ones: the unreadable ones and, if there are too many, those of the files
    /// read longest ago. `found` files need a checkpoint each.
    pub(super) async fn load(
        checkpoints: &dyn Checkpoints,
        found: usize,
        present: BTreeSet<(u64, u64)>,
    ) -> Result<History, StartError> {
        let mut remembered: Vec<Remembered> = Vec::new();
        for (key, value) in checkpoints.load().await? {
            match serde_json::from_slice(&value) {
                Ok(file) => remembered.push(file),
                Err(_) => checkpoints.save(&key, None),
            }
        }
        remembered.sort_by_key(|file| std::cmp::Reverse(file.read_at));
        // One file is among the 64, as ever.
        let most = FILES + found.saturating_sub(1);
        for useless in remembered.drain(most.min(remembered.len())..) {
            checkpoints.save(&useless.id, None);
        }
        Ok(History { remembered, present })
    }

    /// Looks for a file among those remembered. A file counts as the same if it is at least as long, begins alike, and
    /// has the same bytes before the place up to which it was read: under its old name, renamed (rotated), or copied. The
    /// memory of a file that is still there belongs to no other.
    pub(super) fn find(&self, file: &File, metadata: &Metadata, path: &str) -> io::Result<(Remembered, How)> {
        let mut heads = Heads::default();
        let mut same = Vec::new();
        for known in &self.remembered {
            let others = self.present.contains(&(known.device, known.inode)) && !known.is_inode(metadata);
            if !others && known.is(file, metadata, &mut heads)? {
                same.push(known);
            }
        }
        let same = same
            .into_iter()
            .max_by_key(|known| (known.is_inode(metadata), known.offset));
        let now = |known: Remembered| Remembered {
            path: path.to_owned(),
            device: metadata.dev(),
            inode: metadata.ino(),
            ..known
        };
        if let Some(known) = same {
            return Ok((now(known.clone()), How::Known));
        }
        let replaced = self
            .remembered
            .iter()
            .any(|known| known.path == path || known.is_inode(metadata));
        let new = Remembered {
            id: uuid::Uuid::new_v4().simple().to_string(),
            head: Block::before(file, metadata.len().min(BLOCK))?,
            ..Remembered::default()
        };
        Ok((now(new), if replaced { How::Another } else { How::New }))
    }
}
