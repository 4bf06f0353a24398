//! The states of sinks and sources, which a journal keeps beside the events.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::ranges;
use crate::{JournalError, Owed, Position, Progress, Returned, Roster, SourceTotals};

/// The states of sinks and sources.
#[async_trait]
pub trait States: Send + Sync {
    /// Adopts the pipeline's components, before their sinks are opened: renamed ones take over the state under their old
    /// name, and sinks outside the pipeline and disabled ones are owed no further events. Adopting the same components again changes
    /// nothing.
    ///
    /// # Errors
    /// [`JournalError`] if the change cannot be written; nothing has changed then.
    async fn adopt(&self, roster: &Roster) -> Result<(), JournalError>;

    /// Notes that every sink of the pipeline has been opened. If the journal had lost its records of sinks, names that
    /// it does not know count as new from the next start on; after a start that ends before this call they do not.
    fn all_opened(&self) {}

    /// Returns the number of events that may come again, by sink, if the journal lost its records of sinks and began them
    /// anew since the last clean start.
    fn rebuilt(&self) -> Option<BTreeMap<String, u64>> {
        None
    }

    /// Lists all sinks that the journal knows, also those no longer in the pipeline.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn sinks(&self) -> Result<Vec<SinkState>, JournalError>;

    /// Lists the sinks whose state is there and cannot be read, damaged or of a newer version. [`States::sinks`] leaves them out,
    /// and they hold all events. A journal on this machine has none, since it sets damaged records aside when it is opened.
    fn unreadable(&self) -> Vec<String> {
        Vec::new()
    }

    /// Reads at most `max` parked events of a sink, in their order from a position on: those moved out of the log's way, and
    /// those that came back from the dead letters.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn parked(&self, sink: &str, from: Position, max: usize) -> Result<Returned, JournalError>;

    /// Replaces the progress of a sink that has no reader. A replay makes settled events unsettled this way.
    ///
    /// # Errors
    /// [`JournalError`] if that cannot be written.
    async fn set_progress(&self, sink: &str, progress: Progress) -> Result<(), JournalError>;

    /// Forgets the events that a sink without a reader is owed, of one source or of all: events that only this sink
    /// held may be dropped. Returns the number of these events; they count as filtered (`forgotten`).
    ///
    /// Gives up the state of one of the [`States::unreadable`] sinks, without a source: the sink then has settled all events so far,
    /// of which only the parked ones are counted, and goes on with the next one.
    ///
    /// # Errors
    /// [`JournalError`] if there is no such sink, if a newer version wrote its state, or if the change cannot be written.
    async fn forget(&self, sink: &str, source: Option<&str>) -> Result<u64, JournalError>;

    /// Queues the counts of a source for the next commit.
    fn save_source(&self, source: &str, totals: SourceTotals);

    /// Returns when the counts given to [`States::save_source`] are durable.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be written; the journal tries again by itself.
    async fn save_counts(&self) -> Result<(), JournalError>;

    /// Returns the saved counts of all sources; `journalled` is exact, the others may lack the last second before a crash,
    /// unless [`States::save_counts`] was waited for.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn source_totals(&self) -> Result<Vec<(String, SourceTotals)>, JournalError>;

    /// Reads the checkpoints of a source, by key.
    ///
    /// # Errors
    /// [`JournalError`] if they cannot be read.
    async fn checkpoints(&self, source: &str) -> Result<BTreeMap<String, Vec<u8>>, JournalError>;

    /// Saves a checkpoint of a source, or with `None` removes it. It is written with the next commit, and never before
    /// dead letters that were handed over earlier.
    fn save_checkpoint(&self, source: &str, key: &str, value: Option<Vec<u8>>);

    /// Returns when all earlier checkpoints and dead letters are durable.
    async fn flush(&self);

    /// Returns the time for which changes of the state have been waiting to be written.
    fn behind(&self) -> Duration {
        Duration::ZERO
    }
}

/// A sink as the journal knows it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SinkState {
    /// Its name.
    pub name: String,
    /// The progress committed last.
    pub progress: Progress,
    /// Parked events.
    pub parked: u64,
    /// The number of events in the log that the sink is owed and has not settled, by source.
    pub unread: Vec<(String, u64)>,
    /// The sources among them that were not among the sink's inputs under any name when it was last opened.
    pub removed: Vec<String>,
    /// The present names of those sources that were renamed.
    pub renamed: BTreeMap<String, String>,
    /// The record of which events the sink is owed, settled or not. It is left out of JSON.
    #[serde(skip)]
    pub owed: Owed,
    /// Unix milliseconds of the arrival of its oldest unsettled event; `None` if there is none.
    pub oldest_pending: Option<i64>,
    /// Unix milliseconds when it was last opened.
    pub last_opened: i64,
    /// True if its state cannot be read, and only its name is known.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unreadable: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl SinkState {
    /// Lists the ranges `from..to` of the log in which the sink may have unsettled events; the last one has no end.
    #[must_use]
    pub fn unsettled(&self) -> Vec<(Position, Position)> {
        ranges::unsettled(&self.progress)
    }

    /// True if the sink has still to read or to settle an event of the log. Parked events do not count.
    #[must_use]
    pub fn awaits(&self, place: Position, source: &str) -> bool {
        ranges::holds(&self.unsettled(), place) && self.owed.at(place, source).is_some()
    }

    /// Counts the events that the sink has not settled.
    #[must_use]
    pub fn pending(&self) -> u64 {
        self.parked + self.unread.iter().map(|(_, count)| count).sum::<u64>()
    }
}
