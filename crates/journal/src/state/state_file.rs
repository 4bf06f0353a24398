//! The file of the state: everything but frames lies in it.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use redb::ReadableTable;

use super::checkpoints;
use super::parked::{count_parked, read_parked};
use super::read_pin::ReadPin;
use super::store::Store;
use super::tables::{HEAD, Head, LETTERS, PARKED, PARKED_OPEN, SINKS, SOURCES, decode};
use super::values::{Change, View};
use crate::panic_guard::{Trouble, guarded};
use crate::sink_record::SinkRecord;
use crate::{JournalError, Parked, Position, Returned, SourceTotals};

pub(crate) struct StateFile {
    pub(crate) path: PathBuf,
    pub(super) pin: ReadPin,
    pub(crate) store: Store,
}

/// The records read at the start.
#[derive(Default)]
pub(crate) struct Loaded {
    pub(crate) head: Head,
    pub(crate) sinks: BTreeMap<String, (SinkRecord, u64)>,
    pub(crate) sources: BTreeMap<String, SourceTotals>,
}

fn damaged(what: &str) -> redb::Error {
    redb::Error::Corrupted(format!("the checksum of {what} is wrong"))
}

impl StateFile {
    pub(crate) fn close(&mut self) {
        self.store.close(std::mem::take(&mut self.pin));
    }

    /// Commits one durable change, all or nothing.
    pub(crate) fn write<T>(
        &mut self,
        change: impl FnOnce(&Change<'_>) -> Result<T, redb::Error>,
    ) -> Result<T, Trouble> {
        let txn = self.store.begin(&mut self.pin)?;
        guarded(|| {
            let value = change(&Change {
                txn: &txn,
                values: &self.store.values,
            })?;
            txn.commit()?;
            Ok(value)
        })
    }

    /// Makes freed pages available to the next change; otherwise they become so only some changes later.
    pub(crate) fn reuse_at_once(&mut self) {
        self.pin = ReadPin::default();
    }

    /// Reads the last commit.
    pub(crate) fn read<T>(
        &self,
        look: impl FnOnce(&View<'_>) -> Result<T, redb::Error>,
    ) -> Result<T, JournalError> {
        self.store.read(look).map_err(|trouble| trouble.at(&self.path))
    }

    /// Reads a sink's parked events of the log, and counts its returned dead letters. Also returns the positions of damaged
    /// events, which it logs.
    pub(crate) fn parked(&self, sink: &str) -> Result<(Returned, u64), JournalError> {
        let parked = self.read(|txn| read_parked(txn, sink, 0..=Parked::BACK - 1, usize::MAX))?;
        for position in &parked.unreadable {
            tracing::error!(file = %self.path.display(), sink, position, "parked event unreadable");
        }
        let returned = self.count_parked(sink, Parked::BACK..=Position::MAX)?;
        Ok((parked, returned))
    }

    /// The arrival of a sink's first parked event.
    pub(crate) fn oldest_parked(&self, sink: &str) -> Result<Option<i64>, JournalError> {
        let first = self
            .read(|txn| read_parked(txn, sink, 0..=Position::MAX, 1))?
            .events;
        Ok(first.first().map(|parked| parked.event.receipt().received_at))
    }

    /// Counts the parked events of a sink in a range.
    pub(crate) fn count_parked(
        &self,
        sink: &str,
        range: RangeInclusive<Position>,
    ) -> Result<u64, JournalError> {
        self.read(|txn| count_parked(&txn.open_table(PARKED)?, sink, range))
    }

    /// Reads the saved checkpoints of a source.
    pub(crate) fn checkpoints(&self, source: &str) -> Result<checkpoints::Changed, JournalError> {
        self.read(|txn| checkpoints::read(txn, Some(source)))
    }
}

/// Reads all records; damage anywhere is an error.
pub(super) fn load(txn: &Change<'_>) -> Result<Loaded, redb::Error> {
    let mut loaded = Loaded::default();
    if let Some(head) = txn.open_table(HEAD)?.get("head")? {
        loaded.head = decode(head.value()).ok_or_else(|| damaged("its head"))?;
    }
    let parked = txn.open_table(PARKED)?;
    for entry in txn.open_table(SINKS)?.iter()? {
        let (name, sink) = entry?;
        let name = name.value();
        let sink = decode(sink.value()).ok_or_else(|| damaged("a sink"))?;
        let count = count_parked(&parked, name, 0..=Position::MAX)?;
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
