//! The whole contents of a state, for one that is begun anew.

use std::collections::BTreeMap;

use super::checkpoints;
use super::dead_letters;
use super::state_file::load;
use super::tables::{Head, LETTERS, PARKED, PARKED_OPEN, format, put_head, put_sink, put_source};
use super::values::{Change, Place};
use crate::sink_record::SinkRecord;
use crate::{DeadLetter, DeadLetterId, Position, SourceTotals};

/// The whole contents of a state.
#[derive(Default)]
pub(super) struct Contents {
    pub(super) head: Head,
    pub(super) sinks: BTreeMap<String, SinkRecord>,
    pub(super) sources: BTreeMap<String, SourceTotals>,
    pub(super) parked: Vec<SavedParked>,
    pub(super) letters: BTreeMap<DeadLetterId, DeadLetter>,
    pub(super) checkpoints: checkpoints::Changed,
}

/// A parked event that was rescued: sink and position, event, history as the table has it.
pub(super) type SavedParked = ((String, Position), Vec<u8>, Vec<u8>);

impl Contents {
    /// Counts the parked events of each sink.
    pub(super) fn parked_by_sink(&self) -> BTreeMap<String, u64> {
        let mut counts = BTreeMap::new();
        for ((sink, _), ..) in &self.parked {
            *counts.entry(sink.clone()).or_default() += 1;
        }
        counts
    }

    /// Writes all contents, including the head, which makes them a state.
    pub(super) fn write(&self, txn: &Change<'_>) -> Result<(), redb::Error> {
        for (name, sink) in &self.sinks {
            put_sink(txn, name, sink)?;
        }
        for (name, totals) in &self.sources {
            put_source(txn, name, totals)?;
        }
        for ((sink, position), event, open) in &self.parked {
            let key = (sink.as_str(), *position);
            let event = txn.values.encode(Place::Parked(sink, *position), event)?;
            txn.open_table(PARKED)?.insert(key, event.as_slice())?;
            txn.open_table(PARKED_OPEN)?.insert(key, open.as_slice())?;
        }
        for (id, letter) in &self.letters {
            let letter = dead_letters::encode(txn.values, *id, letter)?;
            txn.open_table(LETTERS)?.insert(id, letter.as_slice())?;
        }
        checkpoints::write(txn, &self.checkpoints)?;
        let head = Head {
            format: format(txn.values),
            seal: txn.values.seal(),
            complete: true,
            ..self.head.clone()
        };
        put_head(txn, &head)?;
        // Reading opens all tables, which makes them exist for readers.
        load(txn).map(|_| ())
    }
}
