//! The progress of a sink.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use signalbox_core::Event;

use crate::{DeadLetter, Position};

/// Where a sink stands. Small, however much it has delivered: it is written whole at each commit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Everything before is settled or parked.
    pub cursor: Position,
    /// Ranges `from..to` beyond the cursor that are settled too, in order.
    pub settled: Vec<(Position, Position)>,
    /// Unsettled events beyond the cursor that have a history worth keeping.
    pub open: Vec<Open>,
    /// Counts of all events that ended.
    pub totals: Totals,
}

/// The history of an unsettled event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// Which event.
    pub position: Position,
    /// For an event that came back from the dead letters: its place in the log, if it was there.
    #[serde(default)]
    pub origin: Option<Position>,
    /// Its records that have ended, by mapping: they are not sent again.
    pub ended: Vec<(String, RecordEnd)>,
    /// Attempts made for the others, at most.
    pub attempts: u32,
    /// Unix milliseconds of the first attempt; 0 if there was none.
    pub first_attempt: i64,
    /// True if the operator asked for the event once more ([`Letters::send_again`](crate::Letters::send_again)): its records
    /// are sent even if the sink remembers that it has sent their keys.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// The end of a record, or of an event that made none; the text is the reason's code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordEnd {
    /// The destination has it.
    Delivered,
    /// The destination had it already (by its own key, from another mapping, event or replay): not sent again.
    Duplicate,
    /// A dead letter.
    Rejected(String),
    /// A dead letter, after its time was over.
    Expired(String),
    /// The event made no record for the sink. Ends whole events only, so no [`Open`] holds it.
    Filtered(String),
}

/// An event that no longer stands in the log's way: unsettled for long, or back from the dead letters.
#[derive(Debug, Clone)]
pub struct Parked {
    /// Its place in the log, or a number at and above [`Parked::BACK`] for one that came back.
    pub position: Position,
    /// The event, as the log has it.
    pub event: Arc<Event>,
    /// Its history (`position` as above).
    pub open: Open,
    /// Only this mapping shall be tried; `None` means all that have not ended.
    pub only: Option<String>,
}

impl Parked {
    /// Positions from here on are not places in the log.
    pub const BACK: Position = 1 << 62;

    /// Returns the event's place in the log; `None` if it never was there.
    #[must_use]
    pub fn place(&self) -> Option<Position> {
        if self.position < Parked::BACK {
            Some(self.position)
        } else {
            self.open.origin
        }
    }
}

/// Counts of a sink's events that ended, over all time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Events all of whose records were delivered.
    pub delivered: u64,
    /// Events that made no record, by reason code.
    pub filtered: BTreeMap<String, u64>,
    /// Events with a rejected record, by reason code.
    pub rejected: BTreeMap<String, u64>,
    /// Events with an expired record, by reason code.
    pub expired: BTreeMap<String, u64>,
    /// Delivered records of events so old that the destination values them less; earlier versions did not keep them.
    #[serde(default)]
    pub late: u64,
    /// Delivered records of events so old that the destination no longer attributes them; kept since `late` is.
    #[serde(default)]
    pub unattributed: u64,
}

impl Totals {
    /// Adds the totals of another sink.
    pub(crate) fn add(&mut self, other: Totals) {
        self.delivered += other.delivered;
        add(&mut self.filtered, other.filtered);
        add(&mut self.rejected, other.rejected);
        add(&mut self.expired, other.expired);
        self.late += other.late;
        self.unattributed += other.unattributed;
    }
}

fn add(counts: &mut BTreeMap<String, u64>, others: BTreeMap<String, u64>) {
    for (code, count) in others {
        *counts.entry(code).or_default() += count;
    }
}

/// Counts of a source's events, over all time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceTotals {
    /// Events stored in the journal.
    pub journalled: u64,
    /// Events whose id was known.
    pub duplicate: u64,
    /// By reason code.
    pub filtered: BTreeMap<String, u64>,
    /// By reason code.
    pub rejected: BTreeMap<String, u64>,
    /// By reason code.
    pub refused: BTreeMap<String, u64>,
}

impl SourceTotals {
    /// Adds the totals of another source.
    pub(crate) fn add(&mut self, other: SourceTotals) {
        self.journalled += other.journalled;
        self.duplicate += other.duplicate;
        add(&mut self.filtered, other.filtered);
        add(&mut self.rejected, other.rejected);
        add(&mut self.refused, other.refused);
    }
}

/// A change of a sink's state. All parts of it become durable together.
#[derive(Debug, Clone, Default)]
pub struct Commit {
    /// The new progress; `None` if only the rest changed.
    pub progress: Option<Progress>,
    /// New dead letters.
    pub dead_letters: Vec<DeadLetter>,
    /// Events to park; their positions are before `progress.cursor`.
    pub park: Vec<Parked>,
    /// New history of events parked before.
    pub parked_open: Vec<Open>,
    /// Parked events that have ended.
    pub unpark: Vec<Position>,
}
