//! What a source remembers of the files it has read: which file, and how far.

use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::lines::Place;

/// Files remembered for each source, those read last.
const FILES: usize = 64;

/// Bytes of a block that is compared.
const BLOCK: u64 = 4096;

/// A file as it was read; a checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// A UUID of its own, of which the ids of events without `messageId` are made.
    pub(super) id: String,
    /// Where it was last.
    pub(super) path: String,
    device: u64,
    inode: u64,
    /// Its size when it was last read to its end; 0 before.
    pub(super) size: u64,
    /// How far its lines are stored.
    pub(super) offset: u64,
    /// Lines up to there.
    pub(super) lines: u64,
    head: Block,
    /// What stands before `offset`.
    tail: Block,
    /// Unix seconds when it was read last.
    read_at: u64,
    /// The last line had no end and was no event: it stands behind `offset`.
    #[serde(skip)]
    pub(super) unfinished: bool,
}

/// A checksum of some bytes of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Block {
    length: u64,
    checksum: u64,
}

impl Block {
    /// Of the bytes before `end`, at most [`BLOCK`].
    fn before(file: &File, end: u64) -> io::Result<Block> {
        let length = end.min(BLOCK);
        Block::of(file, end - length, length)
    }

    /// Of the bytes from `start` on.
    fn of(file: &File, start: u64, length: u64) -> io::Result<Block> {
        if length == 0 {
            return Ok(Block::default());
        }
        let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact_at(&mut bytes, start)?;
        Ok(Block {
            length,
            checksum: xxh3_64(&bytes),
        })
    }
}

/// What is found out about a file that is to be read.
pub(super) struct Recognised {
    pub(super) file: Remembered,
    pub(super) how: How,
}

/// Whether a file was read before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// It is the one that was read before.
    Known,
    /// The source has read no file here yet.
    New,
    /// Another one stands where one was read before, or it was written anew.
    Another,
}

impl Recognised {
    /// Looks for a file among those remembered. The same is one that is at least as long, begins alike, and has the same
    /// bytes before the place up to which it was read: under its name, renamed (rotated), or copied.
    pub(super) fn find(
        file: &File,
        metadata: &Metadata,
        path: &str,
        remembered: &[Remembered],
    ) -> io::Result<Recognised> {
        let mut same = Vec::new();
        for known in remembered {
            if known.is(file, metadata)? {
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
            return Ok(Recognised {
                file: now(known.clone()),
                how: How::Known,
            });
        }
        let replaced = remembered
            .iter()
            .any(|known| known.path == path || known.is_inode(metadata));
        let new = Remembered {
            id: uuid::Uuid::new_v4().simple().to_string(),
            path: String::new(),
            device: 0,
            inode: 0,
            size: 0,
            offset: 0,
            lines: 0,
            head: Block::before(file, metadata.len().min(BLOCK))?,
            tail: Block::default(),
            read_at: 0,
            unfinished: false,
        };
        Ok(Recognised {
            file: now(new),
            how: if replaced { How::Another } else { How::New },
        })
    }
}

impl Remembered {
    fn is_inode(&self, metadata: &Metadata) -> bool {
        (self.device, self.inode) == (metadata.dev(), metadata.ino())
    }

    fn is(&self, file: &File, metadata: &Metadata) -> io::Result<bool> {
        let length = metadata.len();
        if length < self.offset || length < self.head.length {
            return Ok(false);
        }
        // Any file begins like one that was empty.
        if self.head.length == 0 && !self.is_inode(metadata) {
            return Ok(false);
        }
        let start = self.offset.saturating_sub(self.tail.length);
        Ok(Block::of(file, 0, self.head.length)? == self.head
            && Block::of(file, start, self.tail.length)? == self.tail)
    }

    /// Whether nothing has come since it was read to its end.
    pub(super) fn is_done(&self, length: u64) -> bool {
        self.size == length && length > 0
    }

    /// The `messageId` of an event that has none and stands at `offset`: the same whenever it is read, and no other's.
    pub(super) fn event_id(&self, offset: u64) -> String {
        // What is changed leaves it a UUID of the fourth version, up to offsets of 4 EiB.
        match uuid::Uuid::parse_str(&self.id) {
            Ok(own) => uuid::Uuid::from_u128(own.as_u128() ^ u128::from(offset)).to_string(),
            Err(_) => format!("{}-{offset}", self.id),
        }
    }

    /// Where reading goes on.
    pub(super) fn place(&self) -> Place {
        Place {
            offset: self.offset,
            lines: self.lines,
        }
    }

    /// What it is recognised by at that place.
    pub(super) fn blocks(&self) -> Option<Blocks> {
        Some(Blocks {
            head: self.head,
            tail: self.tail,
        })
    }

    /// Reading begins at the first line again. The name stays: what is known by its id is known.
    pub(super) fn begin_again(&mut self) {
        (self.size, self.offset, self.lines) = (0, 0, 0);
        self.tail = Block::default();
    }

    /// Notes that the lines before a place are stored.
    pub(super) fn advance(&mut self, place: Place, blocks: Blocks) {
        (self.offset, self.lines) = (place.offset, place.lines);
        (self.head, self.tail) = (blocks.head, blocks.tail);
    }

    /// The checkpoint, with the time of reading.
    pub(super) fn checkpoint(&mut self, unix_seconds: u64) -> Vec<u8> {
        self.read_at = unix_seconds;
        // Strings and numbers: this cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// What is compared to recognise a file that was read up to a place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Blocks {
    head: Block,
    tail: Block,
}

impl Blocks {
    /// As they are now, for a file read up to `offset`.
    pub(super) fn at(file: &File, offset: u64) -> io::Result<Blocks> {
        Ok(Blocks {
            head: Block::of(file, 0, offset.min(BLOCK))?,
            tail: Block::before(file, offset)?,
        })
    }
}

/// The files that checkpoints tell of, and the keys of checkpoints that are of no use: unreadable, or of files read
/// longest ago when there are too many.
pub(super) fn recall(checkpoints: &BTreeMap<String, Vec<u8>>) -> (Vec<Remembered>, Vec<String>) {
    let mut useless = Vec::new();
    let mut files: Vec<Remembered> = Vec::new();
    for (key, value) in checkpoints {
        match serde_json::from_slice(value) {
            Ok(file) => files.push(file),
            Err(_) => useless.push(key.clone()),
        }
    }
    files.sort_by_key(|file| std::cmp::Reverse(file.read_at));
    useless.extend(files.drain(FILES.min(files.len())..).map(|file| file.id));
    (files, useless)
}
