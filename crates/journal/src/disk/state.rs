//! The store for everything but frames: where sinks stand, parked events, dead letters, counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{
    Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::checkpoints;
use super::frame::Frame;
use super::guard::{Trouble, guarded};
use super::pin::Pin;
use super::prepared::encode_one;
use super::segment::{seal, unseal};
use crate::{DeadLetter, DeadLetterFilter, DeadLetterId, Open, Parked, Position, Progress, SourceTotals};

/// A newer journal is not touched by an older program.
pub(super) const FORMAT: u32 = 3;
pub(super) const CACHE: usize = 4_000_000;

pub(super) const HEAD: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("head");
pub(super) const SINKS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sinks");
pub(super) const SOURCES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sources");
/// Payload and mapping of parked events, which do not change …
pub(super) const PARKED: TableDefinition<'_, (&str, Position), &[u8]> = TableDefinition::new("parked");
/// … and their history, which does.
pub(super) const PARKED_OPEN: TableDefinition<'_, (&str, Position), &[u8]> =
    TableDefinition::new("parked_open");
pub(super) const LETTERS: TableDefinition<'_, DeadLetterId, &[u8]> = TableDefinition::new("dead_letters");

/// What there is one of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(super) format: u32,
    /// No event at or after it is known to this file.
    pub(crate) next_position: Position,
    pub(crate) last_back: Position,
    pub(crate) last_letter: DeadLetterId,
    /// Dead letters and their bytes by component.
    pub(crate) letters: BTreeMap<String, (u64, u64)>,
    /// Events in the journal by source, over all time, up to a position.
    pub(crate) journalled: BTreeMap<String, u64>,
    pub(crate) journalled_to: Position,
    /// Unix milliseconds of this commit; 0 in files of older versions.
    #[serde(default)]
    pub(crate) saved_at: i64,
    /// State was lost and not all sinks may have been opened since: unknown ones start at `rebuilt_from`.
    pub(crate) rebuilt: bool,
    /// Sinks that the newest heading does not name were opened later, and had nothing to do before it.
    #[serde(default)]
    pub(crate) rebuilt_from: Position,
    /// How many events may come again since it was rebuilt, by sink.
    #[serde(default)]
    pub(crate) again: BTreeMap<String, u64>,
    /// This head and all else that belongs to it were committed together. Set in all that formats from 3 on write.
    #[serde(default)]
    pub(super) complete: bool,
}

/// A sink as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct SinkRecord {
    pub(crate) progress: Progress,
    pub(crate) last_opened: i64,
    /// An orphan that holds nothing any more.
    pub(crate) released: bool,
}

pub(crate) struct State {
    pub(super) path: PathBuf,
    pub(super) pin: Pin,
    pub(super) db: Option<Database>,
}

/// What is read at start.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) head: Head,
    pub(crate) sinks: BTreeMap<String, (SinkRecord, u64)>,
    pub(crate) sources: BTreeMap<String, SourceTotals>,
}

pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // Strings, numbers and lists of them: this cannot fail.
    seal(&serde_json::to_vec(value).unwrap_or_default())
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(unseal(bytes)?).ok()
}

fn damaged(what: &str) -> redb::Error {
    redb::Error::Corrupted(format!("the checksum of {what} is wrong"))
}

impl State {
    pub(crate) fn close(&mut self) {
        let (pin, db) = (std::mem::take(&mut self.pin), self.db.take());
        let _ = guarded(move || {
            drop(pin);
            drop(db);
            Ok(())
        });
    }

    /// One durable change, all or nothing.
    pub(crate) fn write<T>(
        &mut self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Trouble> {
        let Some(db) = &self.db else {
            return Err(Trouble::Refused("it is closed".into()));
        };
        let pin = &mut self.pin;
        guarded(|| {
            pin.renew(db)?;
            let txn = db.begin_write()?;
            let value = change(&txn)?;
            txn.commit()?;
            Ok(value)
        })
    }

    /// Parked events of a sink. Those that are damaged are reported.
    pub(crate) fn parked(&self, sink: &str) -> Result<Vec<Parked>, Trouble> {
        let Some(db) = &self.db else {
            return Err(Trouble::Refused("it is closed".into()));
        };
        let mut damaged = Vec::new();
        let parked = guarded(|| {
            let txn = db.begin_read()?;
            let (events, opens) = (txn.open_table(PARKED)?, txn.open_table(PARKED_OPEN)?);
            let mut all = Vec::new();
            for entry in events.range((sink, 0)..=(sink, Position::MAX))? {
                let (key, bytes) = entry?;
                let (name, position) = key.value();
                if name != sink {
                    continue;
                }
                let open = opens
                    .get((sink, position))?
                    .and_then(|bytes| decode(bytes.value()));
                match decode_parked(position, bytes.value(), open) {
                    Some(parked) => all.push(parked),
                    None => damaged.push(position),
                }
            }
            Ok(all)
        })?;
        for position in damaged {
            tracing::error!(file = %self.path.display(), sink, position, "parked event unreadable");
        }
        Ok(parked)
    }

    /// When the first parked event of a sink arrived.
    pub(crate) fn oldest_parked(&self, sink: &str) -> Result<Option<i64>, Trouble> {
        let Some(db) = &self.db else {
            return Err(Trouble::Refused("it is closed".into()));
        };
        guarded(|| {
            let table = db.begin_read()?.open_table(PARKED)?;
            let Some(entry) = table.range((sink, 0)..=(sink, Position::MAX))?.next() else {
                return Ok(None);
            };
            let (key, bytes) = entry?;
            let (name, position) = key.value();
            let parked = decode_parked(position, bytes.value(), None).filter(|_| name == sink);
            Ok(parked.map(|parked| parked.event.receipt().received_at))
        })
    }

    /// What is saved of the checkpoints of a source.
    pub(crate) fn checkpoints(&self, source: &str) -> Result<checkpoints::Changed, Trouble> {
        let Some(db) = &self.db else {
            return Err(Trouble::Refused("it is closed".into()));
        };
        checkpoints::read(db, Some(source))
    }

    /// Dead letters that match, newest first.
    pub(crate) fn letters(
        &self,
        filter: &DeadLetterFilter,
        limit: usize,
    ) -> Result<Vec<(DeadLetterId, DeadLetter)>, Trouble> {
        let Some(db) = &self.db else {
            return Err(Trouble::Refused("it is closed".into()));
        };
        let mut damaged = 0u64;
        let letters = guarded(|| {
            let table = db.begin_read()?.open_table(LETTERS)?;
            let mut chosen = Vec::new();
            let (from, to) = filter.id.map_or((0, DeadLetterId::MAX), |id| (id, id));
            for entry in table.range(from..=to)?.rev() {
                if chosen.len() >= limit {
                    break;
                }
                let (id, bytes) = entry?;
                match decode::<DeadLetter>(bytes.value()) {
                    Some(letter) if filter.admits(id.value(), &letter) => chosen.push((id.value(), letter)),
                    Some(_) => {}
                    None => damaged += 1,
                }
            }
            Ok(chosen)
        })?;
        if damaged > 0 {
            tracing::error!(file = %self.path.display(), damaged, "dead letters unreadable");
        }
        Ok(letters)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

/// Reads what is there whole; damage anywhere is an error.
pub(super) fn load(txn: &WriteTransaction) -> Result<Loaded, redb::Error> {
    let mut loaded = Loaded::default();
    if let Some(head) = txn.open_table(HEAD)?.get("head")? {
        loaded.head = decode(head.value()).ok_or_else(|| damaged("its head"))?;
    }
    let parked = txn.open_table(PARKED)?;
    for entry in txn.open_table(SINKS)?.iter()? {
        let (name, sink) = entry?;
        let name = name.value();
        let sink = decode(sink.value()).ok_or_else(|| damaged("a sink"))?;
        let mut count = 0;
        for entry in parked.range((name, 0)..=(name, Position::MAX))? {
            count += u64::from(entry?.0.value().0 == name);
        }
        loaded.sinks.insert(name.to_owned(), (sink, count));
    }
    for entry in txn.open_table(SOURCES)?.iter()? {
        let (name, totals) = entry?;
        let totals = decode(totals.value()).ok_or_else(|| damaged("a source's counts"))?;
        loaded.sources.insert(name.value().to_owned(), totals);
    }
    // So that they exist for readers.
    txn.open_table(PARKED_OPEN)?;
    txn.open_table(LETTERS)?;
    Ok(loaded)
}

/// The mapping to be tried behind its length, then the event as a frame of its own.
fn encode_parked(parked: &Parked) -> Vec<u8> {
    let only = parked
        .only
        .as_deref()
        .map(|only| only.as_bytes())
        .unwrap_or_default();
    let length = if parked.only.is_some() {
        only.len() as u32
    } else {
        u32::MAX
    };
    let event = encode_one(&parked.event, parked.position);
    seal(&[&length.to_le_bytes()[..], only, &event].concat())
}

pub(super) fn decode_parked(position: Position, bytes: &[u8], open: Option<Open>) -> Option<Parked> {
    let (length, rest) = unseal(bytes)?.split_first_chunk::<4>()?;
    let (only, event) = match u32::from_le_bytes(*length) {
        u32::MAX => (None, rest),
        length => {
            let (only, event) = rest.split_at_checked(length as usize)?;
            (Some(std::str::from_utf8(only).ok()?.to_owned()), event)
        }
    };
    let frame = Frame::decode(event)
        .ok()
        .filter(|frame| frame.head.first == position)?;
    let event = Arc::new(frame.events().next()?.1?.parse()?);
    let open = Open {
        position,
        ..open.unwrap_or_default()
    };
    Some(Parked {
        position,
        event,
        open,
        only,
    })
}

pub(crate) fn put_head(txn: &WriteTransaction, head: &Head) -> Result<(), redb::Error> {
    txn.open_table(HEAD)?.insert("head", encode(head).as_slice())?;
    Ok(())
}

pub(crate) fn put_sink(txn: &WriteTransaction, name: &str, sink: &SinkRecord) -> Result<(), redb::Error> {
    txn.open_table(SINKS)?.insert(name, encode(sink).as_slice())?;
    Ok(())
}

pub(crate) fn put_source(
    txn: &WriteTransaction,
    name: &str,
    totals: &SourceTotals,
) -> Result<(), redb::Error> {
    txn.open_table(SOURCES)?.insert(name, encode(totals).as_slice())?;
    Ok(())
}

/// Removes a sink and what it parked.
pub(crate) fn remove_sink(txn: &WriteTransaction, name: &str) -> Result<(), redb::Error> {
    txn.open_table(SINKS)?.remove(name)?;
    remove_parked(txn, name)
}

/// Removes all a sink has parked.
pub(crate) fn remove_parked(txn: &WriteTransaction, name: &str) -> Result<(), redb::Error> {
    let range = || (name, 0)..=(name, Position::MAX);
    txn.open_table(PARKED)?.retain_in(range(), |_, _| false)?;
    txn.open_table(PARKED_OPEN)?.retain_in(range(), |_, _| false)?;
    Ok(())
}

/// True if it was not there before.
pub(crate) fn park(txn: &WriteTransaction, sink: &str, parked: &Parked) -> Result<bool, redb::Error> {
    let key = (sink, parked.position);
    let new = txn
        .open_table(PARKED)?
        .insert(key, encode_parked(parked).as_slice())?
        .is_none();
    txn.open_table(PARKED_OPEN)?
        .insert(key, encode(&parked.open).as_slice())?;
    Ok(new)
}

/// New history of a parked event, if it is parked.
pub(crate) fn update_parked(txn: &WriteTransaction, sink: &str, open: &Open) -> Result<(), redb::Error> {
    let key = (sink, open.position);
    let mut table = txn.open_table(PARKED_OPEN)?;
    let there = table.get(key)?.is_some();
    if there {
        table.insert(key, encode(open).as_slice())?;
    }
    Ok(())
}

/// True if it was there.
pub(crate) fn unpark(txn: &WriteTransaction, sink: &str, position: Position) -> Result<bool, redb::Error> {
    txn.open_table(PARKED_OPEN)?.remove((sink, position))?;
    let there = txn.open_table(PARKED)?.remove((sink, position))?.is_some();
    Ok(there)
}

/// Adds a dead letter, and drops the oldest ones beyond `max_bytes`; returns how many of them.
pub(crate) fn bury(
    txn: &WriteTransaction,
    head: &mut Head,
    letter: &DeadLetter,
    max_bytes: u64,
) -> Result<u64, redb::Error> {
    let mut table = txn.open_table(LETTERS)?;
    head.last_letter += 1;
    let bytes = encode(letter);
    let entry = head.letters.entry(letter.component.clone()).or_default();
    *entry = (entry.0 + 1, entry.1 + bytes.len() as u64);
    table.insert(head.last_letter, bytes.as_slice())?;
    let mut dropped = 0;
    while head.letters.values().map(|(_, bytes)| bytes).sum::<u64>() > max_bytes {
        let Some((id, bytes)) = table.pop_first()? else {
            break;
        };
        dropped += u64::from(id.value() <= head.last_letter);
        forget(
            head,
            decode::<DeadLetter>(bytes.value()).as_ref(),
            bytes.value().len(),
        );
    }
    if table.is_empty()? {
        head.letters.clear();
    }
    Ok(dropped)
}

fn forget(head: &mut Head, letter: Option<&DeadLetter>, bytes: usize) {
    let Some(letter) = letter else { return };
    if let Some((count, sum)) = head.letters.get_mut(&letter.component) {
        *count = count.saturating_sub(1);
        *sum = sum.saturating_sub(bytes as u64);
        if *count == 0 {
            head.letters.remove(&letter.component);
        }
    }
}

/// A dead letter, if it is there and whole.
pub(crate) fn letter(txn: &WriteTransaction, id: DeadLetterId) -> Result<Option<DeadLetter>, redb::Error> {
    Ok(txn
        .open_table(LETTERS)?
        .get(id)?
        .and_then(|bytes| decode(bytes.value())))
}

/// Removes a dead letter.
pub(crate) fn exhume(txn: &WriteTransaction, head: &mut Head, id: DeadLetterId) -> Result<(), redb::Error> {
    if let Some(bytes) = txn.open_table(LETTERS)?.remove(id)? {
        forget(
            head,
            decode::<DeadLetter>(bytes.value()).as_ref(),
            bytes.value().len(),
        );
    }
    Ok(())
}
