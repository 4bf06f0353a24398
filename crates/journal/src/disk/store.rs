//! Calls into the store for one file of frames.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use redb::{
    Builder, Database, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase, ReadableTable,
    TableDefinition, TableError, TransactionError,
};

use super::blocks::Blocks;
use super::frame::{Built, FIXED, Frame, Head, MAGIC};
use super::guard::{Trouble, guarded, io};
use super::pin::Pin;
use super::segment::{Content, Noted};
use crate::Position;

const FRAMES: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("frames");
const SUMMARY: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("summary");
/// The store's cache a file, half of it at most for what is being written. Frames are read once each, so it only serves
/// the inner pages; but the store puts whatever it writes into it, so it is always full.
const CACHE: usize = 2_000_000;
/// How much of a ruin is looked at in one go.
const WINDOW: usize = 1 << 20;

/// An open file of frames.
pub(crate) enum Db {
    Write {
        /// Closed before the rest, hence here.
        pin: Mutex<Pin>,
        db: Database,
    },
    Read(ReadOnlyDatabase),
}

impl Db {
    /// Makes a new file.
    pub(crate) fn create(path: &Path) -> Result<Db, Trouble> {
        guarded(|| {
            let blocks = Blocks::create(path)?;
            Ok(Db::write(
                Builder::new().set_cache_size(CACHE).create_with_backend(blocks)?,
            ))
        })
    }

    /// Opens a complete file; one that was not closed is repaired first.
    pub(crate) fn open(path: &Path) -> Result<Db, Trouble> {
        let plain = guarded(
            || match Builder::new().set_cache_size(CACHE).open_read_only(path) {
                Ok(db) => Ok(Some(Db::Read(db))),
                Err(error @ DatabaseError::DatabaseAlreadyOpen) => Err(error.into()),
                Err(_) => Ok(None),
            },
        );
        match plain {
            Ok(Some(db)) => Ok(db),
            Ok(None) => guarded(|| Ok(Db::write(Builder::new().set_cache_size(CACHE).open(path)?))),
            Err(trouble) => Err(trouble),
        }
    }

    fn write(db: Database) -> Db {
        let pin = Mutex::default();
        Db::Write { pin, db }
    }

    fn begin(&self) -> Result<ReadTransaction, TransactionError> {
        match self {
            Db::Write { db, .. } => db.begin_read(),
            Db::Read(db) => db.begin_read(),
        }
    }

    /// Writes frames durably, all or none.
    pub(crate) fn append(&self, frames: &[Built]) -> Result<(), redb::Error> {
        let Db::Write { pin, db } = self else {
            return Ok(());
        };
        pin.lock().unwrap_or_else(PoisonError::into_inner).renew(db)?;
        let txn = db.begin_write()?;
        {
            let mut table = txn.open_table(FRAMES)?;
            for frame in frames {
                table.insert(frame.first, frame.bytes.as_slice())?;
            }
        }
        txn.commit()?;
        Ok(())
    }

    /// Writes down what the file holds, so that it need not be read through again.
    pub(crate) fn summarize(&self, content: &Content) -> Result<(), redb::Error> {
        let Db::Write { db, .. } = self else { return Ok(()) };
        let txn = db.begin_write()?;
        txn.open_table(SUMMARY)?
            .insert("content", content.to_bytes().as_slice())?;
        txn.commit()?;
        Ok(())
    }

    /// The frame at or before a position, and where the next one starts.
    pub(crate) fn look(
        &self,
        position: Position,
    ) -> Result<(Option<Vec<u8>>, Option<Position>), redb::Error> {
        let table = self.begin()?.open_table(FRAMES)?;
        let frame = match table.range(..=position)?.next_back() {
            Some(entry) => Some(entry?.1.value().to_vec()),
            None => None,
        };
        let next = match table.range(position.saturating_add(1)..)?.next() {
            Some(entry) => Some(entry?.0.value()),
            None => None,
        };
        Ok((frame, next))
    }

    /// What the file holds: its summary if that agrees with it, else by reading it through. `None` if it never got
    /// a frame. The flag tells whether there was a summary. What reaches beyond `limit` was never acknowledged: its
    /// commit seemed to fail, and the next file took its place.
    pub(crate) fn content(&self, limit: Position) -> Result<Option<(Content, bool)>, redb::Error> {
        let txn = self.begin()?;
        let table = match txn.open_table(FRAMES) {
            Ok(table) => table,
            Err(TableError::TableDoesNotExist(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let Some(last) = table.last()? else {
            return Ok(None);
        };
        match txn.open_table(SUMMARY) {
            Ok(summary) => {
                let content = summary
                    .get("content")?
                    .and_then(|bytes| Content::from_bytes(bytes.value()));
                let last = last.0.value();
                if let Some(content) = content.filter(|content| content.end > last && content.end <= limit) {
                    return Ok(Some((content, true)));
                }
            }
            Err(TableError::TableDoesNotExist(_)) => {}
            Err(error) => return Err(error.into()),
        }
        let mut content = Content::default();
        for entry in table.iter()? {
            let (key, bytes) = entry?;
            let (key, bytes) = (key.value(), bytes.value());
            match Frame::decode(bytes) {
                Ok(frame) if frame.head.end() > limit => {}
                Ok(frame) if frame.head.first == key => content.note(&Noted::of_frame(&frame)),
                // Readers will report it; here only its positions must not be given to others.
                _ => content.end = content.end.max(key.saturating_add(claimed(bytes))),
            }
        }
        Ok(Some((content, false)))
    }
}

/// How many events a broken frame seems to have had.
fn claimed(bytes: &[u8]) -> u64 {
    Head::peek(bytes).map_or(1, |head| {
        u64::from(head.count).min(bytes.len() as u64 / 22).max(1)
    })
}

/// Finds the frames in a file that the store cannot read any more, by their magic and checksum. Of frames that
/// claim the same positions (one that was never committed, and its successor) the later written is taken.
pub(crate) fn salvage(
    path: &Path,
    within: std::ops::Range<Position>,
) -> Result<Vec<(Position, u64, u32)>, Trouble> {
    let mut file = File::open(path).map_err(|error| io(&error))?;
    let size = file.metadata().map_err(|error| io(&error))?.len();
    let finder = memchr::memmem::Finder::new(&MAGIC);
    let mut found: Vec<(Head, u64)> = Vec::new();
    let mut start = 0u64;
    let mut window = Vec::new();
    while start < size {
        // Windows overlap by a magic, so that none is missed between two.
        read_at(&mut file, start, WINDOW + MAGIC.len() - 1, &mut window);
        let mut at = 0;
        let mut next = start + WINDOW as u64;
        while let Some(hit) = window.get(at..).and_then(|rest| finder.find(rest)) {
            let offset = start + (at + hit) as u64;
            if let Some(head) = frame_at(&mut file, offset, size) {
                let end = offset + u64::from(head.length);
                if within.start <= head.first && head.end() <= within.end {
                    found.push((head, offset));
                }
                if end >= start + WINDOW as u64 {
                    next = end;
                    break;
                }
                at = (end - start) as usize;
            } else {
                at += hit + 1;
            }
        }
        start = next;
    }
    found.sort_by_key(|(head, _)| std::cmp::Reverse(head.written_at));
    let mut taken: std::collections::BTreeMap<Position, (Position, u64, u32)> = Default::default();
    for (head, offset) in found {
        let before = taken.range(..head.end()).next_back().map(|(_, (end, _, _))| *end);
        if before.is_none_or(|end| end <= head.first) {
            taken.insert(head.first, (head.end(), offset, head.length));
        }
    }
    Ok(taken
        .into_iter()
        .map(|(first, (_, offset, length))| (first, offset, length))
        .collect())
}

/// What cannot be read is taken as nothing: this is about what is left.
fn read_at(file: &mut File, offset: u64, length: usize, into: &mut Vec<u8>) {
    into.clear();
    if file.seek(SeekFrom::Start(offset)).is_ok() {
        let _ = file.take(length as u64).read_to_end(into);
    }
}

fn frame_at(file: &mut File, offset: u64, size: u64) -> Option<Head> {
    let mut bytes = Vec::new();
    read_at(file, offset, FIXED, &mut bytes);
    let head = Head::peek(&bytes).ok()?;
    if u64::from(head.length) > size - offset {
        return None;
    }
    read_at(file, offset, head.length as usize, &mut bytes);
    Frame::decode(&bytes).ok().map(|frame| frame.head)
}

/// Writes salvaged frames into a new file and returns what it holds.
pub(crate) fn rewrite(from: &Path, frames: &[(Position, u64, u32)], to: &Path) -> Result<Content, Trouble> {
    let mut file = File::open(from).map_err(|error| io(&error))?;
    let mut content = Content::default();
    guarded(|| {
        let db = Builder::new().set_cache_size(CACHE).create(to)?;
        let txn = db.begin_write()?;
        {
            let mut table = txn.open_table(FRAMES)?;
            let mut bytes = Vec::new();
            for (first, offset, length) in frames {
                read_at(&mut file, *offset, *length as usize, &mut bytes);
                if let Ok(frame) = Frame::decode(&bytes) {
                    content.note(&Noted::of_frame(&frame));
                    table.insert(first, bytes.as_slice())?;
                }
            }
            txn.open_table(SUMMARY)?
                .insert("content", content.to_bytes().as_slice())?;
        }
        txn.commit()?;
        drop(db);
        Ok(())
    })?;
    Ok(content)
}
