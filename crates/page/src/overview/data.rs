//! The data of the overview.

use schemars::JsonSchema;
use serde::Serialize;

use super::advice::{Advice, Level};
use super::funnel::Funnel;
use super::sums::{Bucket, Latency, Worth};

/// Is all well, what fell out where, how much, how fast, and what to do.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Overview {
    /// The state of the whole router.
    pub(super) level: Level,
    /// The state in one sentence.
    pub(super) sentence: String,
    /// Troubles that call for an operator, the most urgent first.
    pub(super) advice: Vec<Advice>,
    /// The way of events to each sink, by the ledger: all events since the journal began.
    pub(super) funnels: Vec<Funnel>,
    /// The breakdowns below come from the history's sums; `None` if there is no history, or if it cannot be read.
    pub(super) breakdowns: Option<Breakdowns>,
    /// The reason why the history cannot be read; `None` if it can, or if there is none.
    pub(super) unread: Option<String>,
    /// The fill of the stores.
    pub(super) fills: Vec<Fill>,
}

/// Breakdowns from the history's sums.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Breakdowns {
    /// The moment up to which records are in the sums, Unix milliseconds.
    pub(super) as_of: i64,
    /// The reason why newer records are missing; `None` while all is well.
    pub(super) failing: Option<String>,
    /// Records that are missing, since they came faster than the history could take them, or could not be written.
    pub(super) missing: u64,
    /// Sentences about files of sums that were deleted, overwritten or damaged, with their times.
    pub(super) lost: Vec<String>,
    /// The records of which the history keeps rows: `all`, `failures` or `off`.
    pub(super) events: String,
    /// The last 24 hours by the hour.
    pub(super) hours: Vec<Bucket>,
    /// The last 7 days by the day (UTC).
    pub(super) days: Vec<Bucket>,
    /// Worth of the conversions delivered in the last 7 days, by sink and currency.
    pub(super) worth: Vec<Worth>,
    /// Times from receipt to the destination's answer in the last 24 hours, by sink.
    pub(super) latency: Vec<Latency>,
    /// The beginning of the last 24 hours, Unix milliseconds.
    pub(super) day: i64,
    /// The beginning of the last 7 days, Unix milliseconds.
    pub(super) week: i64,
}

/// The fill of a store.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Fill {
    /// The store: `journal`, `dead letters of SINK`, `history`.
    pub(super) store: String,
    /// Bytes in it.
    pub(super) bytes: u64,
    /// The most bytes; `None` without a limit.
    pub(super) max_bytes: Option<u64>,
    /// A sentence about its content.
    pub(super) about: String,
    /// Address of the list of its content; empty if there is none.
    pub(super) content: String,
}
