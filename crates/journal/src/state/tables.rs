//! The tables of the state, how values lie in them, and its head.

use std::collections::BTreeMap;

use redb::TableDefinition;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::values::{Change, HeadSeal, Values};
use crate::checksum::{checked, verified};
use crate::erasures::ErasureMark;
use crate::names::Names;
use crate::sink_record::SinkRecord;
use crate::{DeadLetterId, Position, SourceTotals};

/// The name of the file.
pub(crate) const FILE: &str = "state.redb";
/// The format of a plain state: 3 had no flags and no key in the records of sinks. A program refuses a state of a newer
/// format than those it knows, and leaves it as it is.
const PLAIN: u32 = 4;
/// The format of a sealed state.
pub(super) const NEWEST: u32 = 5;

/// Returns the format of a state whose values have a form.
pub(super) fn format(values: &Values) -> u32 {
    if values.are_sealed() { NEWEST } else { PLAIN }
}
pub(super) const CACHE: usize = 4_000_000;

pub(super) const HEAD: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("head");
pub(super) const SINKS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sinks");
pub(super) const SOURCES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("sources");
/// Payload and mapping of parked events, which do not change …
pub(crate) const PARKED: TableDefinition<'_, (&str, Position), &[u8]> = TableDefinition::new("parked");
/// … and their history, which does.
pub(super) const PARKED_OPEN: TableDefinition<'_, (&str, Position), &[u8]> =
    TableDefinition::new("parked_open");
pub(super) const LETTERS: TableDefinition<'_, DeadLetterId, &[u8]> = TableDefinition::new("dead_letters");

/// The singleton record: one per journal.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(super) format: u32,
    /// The position from which on this file knows no event.
    pub(crate) next_position: Position,
    pub(crate) last_back: Position,
    pub(crate) last_letter: DeadLetterId,
    /// Dead letters and their bytes by component.
    pub(crate) letters: BTreeMap<String, (u64, u64)>,
    /// Dead letters dropped to make room or for their age, by component, over all time.
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
    /// The mark of the list of erasures; `None` without any, and in files of older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) erasures: Option<ErasureMark>,
    /// The note about the key, if the values are sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) seal: Option<HeadSeal>,
}

pub(super) fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    // This cannot fail: the records hold only strings, numbers, and lists of them.
    checked(&serde_json::to_vec(value).unwrap_or_default())
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(verified(bytes)?).ok()
}

pub(crate) fn put_head(txn: &Change<'_>, head: &Head) -> Result<(), redb::Error> {
    txn.open_table(HEAD)?.insert("head", encode(head).as_slice())?;
    Ok(())
}

pub(crate) fn put_sink(txn: &Change<'_>, name: &str, sink: &SinkRecord) -> Result<(), redb::Error> {
    txn.open_table(SINKS)?.insert(name, encode(sink).as_slice())?;
    Ok(())
}

pub(crate) fn put_source(txn: &Change<'_>, name: &str, totals: &SourceTotals) -> Result<(), redb::Error> {
    txn.open_table(SOURCES)?.insert(name, encode(totals).as_slice())?;
    Ok(())
}

/// Removes the counts of a source.
pub(crate) fn remove_source(txn: &Change<'_>, name: &str) -> Result<(), redb::Error> {
    txn.open_table(SOURCES)?.remove(name)?;
    Ok(())
}
