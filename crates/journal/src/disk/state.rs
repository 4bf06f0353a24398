//! The store for everything but frames: where sinks stand, parked events, dead letters, counts.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::checkpoints;
use super::frame::Frame;
use super::guard::{Trouble, guarded};
use super::pin::Pin;
use super::prepared::encode_one;
use super::segment::{seal, unseal};
use super::store::Store;
use crate::inputs::Inputs;
use crate::mappings::Mappings;
use crate::names::Names;
use crate::{DeadLetterId, Open, Parked, Position, Progress, Returned, SourceTotals};

/// The name of the file.
pub(crate) const FILE: &str = "state.redb";
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
    /// Dead letters dropped to make room, by component, over all time.
    #[serde(default)]
    pub(crate) letters_dropped: BTreeMap<String, u64>,
    /// The id below which a component has no dead letters.
    #[serde(default)]
    pub(crate) oldest_letters: BTreeMap<String, DeadLetterId>,
    /// Events in the journal by source, over all time, up to a position.
    pub(crate) journalled: BTreeMap<String, u64>,
    pub(crate) journalled_to: Position,
    /// Unix milliseconds of this commit; 0 in files of older versions.
    #[serde(default)]
    pub(crate) saved_at: i64,
    /// True if the state was lost and some sinks may not have been opened since: unknown ones start at `rebuilt_from`.
    pub(crate) rebuilt: bool,
    /// The position at which unknown sinks start: the newest heading does not name them, so they were opened later and
    /// had nothing to do before it.
    #[serde(default)]
    pub(crate) rebuilt_from: Position,
    /// The number of events that may come again since the state was rebuilt, by sink.
    #[serde(default)]
    pub(crate) again: BTreeMap<String, u64>,
    /// True if this head and everything that belongs to it were committed together. Formats from 3 on always set it.
    #[serde(default)]
    pub(super) complete: bool,
    /// The names of renamed sources.
    #[serde(default)]
    pub(crate) names: Names,
}

/// A sink as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SinkRecord {
    pub(crate) progress: Progress,
    pub(crate) last_opened: i64,
    /// An orphan that holds nothing any more.
    pub(crate) released: bool,
    /// The inputs that decide which events the sink is owed; earlier versions did not record them.
    #[serde(default = "Inputs::unknown")]
    pub(crate) inputs: Inputs,
    #[serde(default)]
    pub(crate) mappings: Mappings,
}

pub(crate) struct State {
    pub(super) path: PathBuf,
    pub(super) pin: Pin,
    pub(crate) store: Store,
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
        self.store.close(std::mem::take(&mut self.pin));
    }

    /// One durable change, all or nothing.
    pub(crate) fn write<T>(
        &mut self,
        change: impl FnOnce(&WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, Trouble> {
        let txn = self.store.begin(&mut self.pin)?;
        guarded(|| {
            let value = change(&txn)?;
            txn.commit()?;
            Ok(value)
        })
    }

    /// Makes freed pages available to the next change; otherwise they become so only some changes later.
    pub(crate) fn reuse_at_once(&mut self) {
        self.pin = Pin::default();
    }

    /// Reads a sink's parked events that were moved out of the log's way, and counts those that came back from the dead
    /// letters. Damaged events are logged.
    pub(crate) fn parked(&self, sink: &str) -> Result<(Vec<Parked>, u64), Trouble> {
        let parked = self
            .store
            .read(|txn| read_parked(txn, sink, 0..=Parked::BACK - 1, usize::MAX))?;
        let returned = self.store.read(|txn| {
            let mut count = 0;
            let table = txn.open_table(PARKED)?;
            for entry in table.range((sink, Parked::BACK)..=(sink, Position::MAX))? {
                count += u64::from(entry?.0.value().0 == sink);
            }
            Ok(count)
        })?;
        for position in &parked.unreadable {
            tracing::error!(file = %self.path.display(), sink, position, "parked event unreadable");
        }
        Ok((parked.events, returned))
    }

    /// When the first parked event of a sink arrived.
    pub(crate) fn oldest_parked(&self, sink: &str) -> Result<Option<i64>, Trouble> {
        self.store.read(|txn| {
            let first = read_parked(txn, sink, 0..=Position::MAX, 1)?.events;
            Ok(first.first().map(|parked| parked.event.receipt().received_at))
        })
    }

    /// Counts the parked events of a sink in a range.
    pub(crate) fn count_parked(&self, sink: &str, range: RangeInclusive<Position>) -> Result<u64, Trouble> {
        self.store.read(|txn| {
            let table = txn.open_table(PARKED)?;
            let mut count = 0;
            for entry in table.range((sink, *range.start())..=(sink, *range.end()))? {
                count += u64::from(entry?.0.value().0 == sink);
            }
            Ok(count)
        })
    }

    /// Reads the saved checkpoints of a source.
    pub(crate) fn checkpoints(&self, source: &str) -> Result<checkpoints::Changed, Trouble> {
        self.store.read(|txn| checkpoints::read(txn, Some(source)))
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

/// Moves a sink's parked events to another sink.
pub(crate) fn move_parked(txn: &WriteTransaction, old: &str, new: &str) -> Result<(), redb::Error> {
    for table in [PARKED, PARKED_OPEN] {
        let mut table = txn.open_table(table)?;
        while let Some(position) = first_of(&table, old)? {
            let bytes = table.remove((old, position))?.map(|bytes| bytes.value().to_vec());
            if let Some(bytes) = bytes {
                table.insert((new, position), bytes.as_slice())?;
            }
        }
    }
    Ok(())
}

fn first_of(
    table: &impl ReadableTable<(&'static str, Position), &'static [u8]>,
    sink: &str,
) -> Result<Option<Position>, redb::Error> {
    let first = table
        .range((sink, 0)..=(sink, Position::MAX))?
        .next()
        .transpose()?;
    Ok(first.map(|(key, _)| key.value().1))
}

/// Counts the events that a sink has parked.
pub(crate) fn count_parked(txn: &WriteTransaction, sink: &str) -> Result<u64, redb::Error> {
    let table = txn.open_table(PARKED)?;
    Ok(table.range((sink, 0)..=(sink, Position::MAX))?.count() as u64)
}

/// Removes the record of a sink and its parked events, but not its dead letters.
pub(crate) fn remove_sink(txn: &WriteTransaction, name: &str) -> Result<(), redb::Error> {
    txn.open_table(SINKS)?.remove(name)?;
    remove_parked(txn, name)
}

/// Removes the counts of a source.
pub(crate) fn remove_source(txn: &WriteTransaction, name: &str) -> Result<(), redb::Error> {
    txn.open_table(SOURCES)?.remove(name)?;
    Ok(())
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

/// Reads at most `max` parked events of a sink in a range of positions.
pub(crate) fn read_parked(
    txn: &ReadTransaction,
    sink: &str,
    range: RangeInclusive<Position>,
    max: usize,
) -> Result<Returned, redb::Error> {
    let (events, opens) = (txn.open_table(PARKED)?, txn.open_table(PARKED_OPEN)?);
    let mut found = Returned::default();
    for entry in events.range((sink, *range.start())..=(sink, *range.end()))? {
        let (key, bytes) = entry?;
        let (name, position) = key.value();
        if name != sink {
            continue;
        }
        if found.events.len() + found.unreadable.len() >= max {
            found.more = true;
            break;
        }
        let open = opens
            .get((sink, position))?
            .and_then(|bytes| decode(bytes.value()));
        match decode_parked(position, bytes.value(), open) {
            Some(parked) => found.events.push(parked),
            None => found.unreadable.push(position),
        }
    }
    Ok(found)
}
