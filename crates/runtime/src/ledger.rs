//! Counters for every event, whose sums must always close.
//!
//! Per source: received = refused + duplicate + filtered + rejected + journalled.
//! Per sink: journalled = filtered + delivered + rejected + expired + pending.
//! All counts are events, unless a name says records. They are plain atomics and maps updated once a batch;
//! telemetry reads them on demand.
//!
//! Events that ended before a restart count too: the journal keeps those totals. Telemetry leaves them out, since a
//! counter that begins where another process left off would look like that many new events.

mod counts;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use signalbox_core::Vitals;
use signalbox_history::History;
use signalbox_journal::{
    Arrivals, Journal, LetterCounts, Position, Resumed, Sealing, SinkState, SourceTotals, Totals, Usage,
};

use crate::backpressure::Backpressure;
use crate::hold::Held;
use crate::last_failures::LastFailures;
use crate::plain_values::PlainValues;
use crate::tap::Taps;
use crate::unheard::Unheard;

use counts::Journalled;
pub use counts::{ByCode, Count};

/// Counts of one source, in events.
#[derive(Debug, Default)]
pub struct SourceLedger {
    /// Everything that reached the source and was, or should have been, an event.
    pub received: Count,
    /// Events in the journal.
    pub journalled: Count,
    /// Events whose ids were known already.
    pub duplicate: Count,
    /// Filtered by a transform before the journal.
    pub filtered: ByCode,
    /// Unusable, or rejected by a transform before the journal.
    pub rejected: ByCode,
    /// Refused; the answer told the client to come again or to give up.
    pub refused: ByCode,
    /// Values that look personal and that the source's hashing transform left plain, of this process.
    pub plain: PlainValues,
    /// The source's own report about itself.
    pub vitals: Arc<Vitals>,
    /// The one router that runs the source, if it is another one.
    runs_on: Mutex<Option<Arc<str>>>,
}

impl SourceLedger {
    /// Restores the counts of earlier processes.
    pub fn restore(&self, totals: &SourceTotals) {
        self.journalled.restore(totals.journalled);
        self.duplicate.restore(totals.duplicate);
        self.filtered.restore(totals.filtered.clone());
        self.rejected.restore(totals.rejected.clone());
        self.refused.restore(totals.refused.clone());
        let settled = totals.journalled + totals.duplicate;
        let by_code = [&self.filtered, &self.rejected, &self.refused];
        self.received
            .restore(settled + by_code.map(ByCode::total).iter().sum::<u64>());
    }

    /// Returns the name of the one router that runs the source, if it is another one.
    pub fn runs_on(&self) -> Option<Arc<str>> {
        self.runs_on
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Sets the one router that runs the source, if it is another one.
    pub(crate) fn set_runs_on(&self, node: Option<Arc<str>>) {
        *self.runs_on.lock().unwrap_or_else(PoisonError::into_inner) = node;
    }

    /// The counts so far, for the journal to keep.
    pub fn totals(&self) -> SourceTotals {
        SourceTotals {
            journalled: self.journalled.get(),
            duplicate: self.duplicate.get(),
            filtered: self.filtered.snapshot(),
            rejected: self.rejected.snapshot(),
            refused: self.refused.snapshot(),
        }
    }
}

/// Counts of one sink, in events unless the name says otherwise.
#[derive(Debug, Default)]
pub struct SinkLedger {
    /// Events in the journal for this sink, read or not.
    pub journalled: Journalled,
    /// Events all of whose records were delivered.
    pub delivered: Count,
    /// Events that made no record, by reason.
    pub filtered: ByCode,
    /// Names of the events that no mapping listens to.
    pub unheard: Unheard,
    /// Events with a rejected record, by reason.
    pub rejected: ByCode,
    /// Events with an expired record, by reason of the last failure.
    pub expired: ByCode,
    /// Counts of records.
    pub records: RecordLedger,
    /// Requests (attempts) made.
    pub attempts: Count,
    /// Unix milliseconds of the oldest unsettled event's arrival; 0 if none.
    pub oldest_pending: AtomicI64,
    /// Requests under way.
    pub in_flight: Count,
    /// True while the sink is disabled by its settings.
    pub disabled: AtomicBool,
    driven_by: Mutex<DrivenBy>,
    /// True while this router may drive the sink and cannot open its state.
    pub unopened: AtomicBool,
    /// The sink's present holds, and the number of all holds.
    pub held: Held,
    /// Why the last attempts of pending events failed.
    pub failures: LastFailures,
    /// The sink's last replay in this process.
    pub replay: LastReplay,
    pub(crate) backpressure: Backpressure,
    /// Pending events of sources that are no longer inputs of the sink.
    debts: Mutex<BTreeMap<String, u64>>,
}

/// The reason code of a sink whose state the router that may drive it cannot read.
pub const UNOPENED: &str = "state_unreadable";

/// The router that drives a sink.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum DrivenBy {
    /// This router.
    #[default]
    ThisRouter,
    /// The router with this name.
    Another(Arc<str>),
    /// Another router, or none: it has not said so yet.
    Unknown,
}

/// The last replay of a sink in this process.
#[derive(Debug, Default)]
pub struct LastReplay {
    range: Mutex<Option<(Position, Position)>>,
    /// Records of it that were not sent, since the sink remembers that the destination has one with their key.
    pub held_back: Count,
}

impl LastReplay {
    /// Returns its positions `from..to`; `None` if there was no replay.
    pub fn range(&self) -> Option<(Position, Position)> {
        *self.range.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that a replay begins.
    pub(crate) fn begin(&self, range: (Position, Position)) {
        *self.range.lock().unwrap_or_else(PoisonError::into_inner) = Some(range);
        self.held_back.set(0);
    }
}

/// Counts of the records that a sink made of its events.
#[derive(Debug, Default)]
pub struct RecordLedger {
    /// Records delivered.
    pub delivered: Count,
    /// Records not sent, since the destination has one with their key already.
    pub duplicate: Count,
    /// Bytes of delivered records.
    pub bytes_delivered: Count,
    /// Records rejected.
    pub rejected: ByCode,
    /// Records sent back to wait, by reason.
    pub retried: ByCode,
    /// Warnings by `code path`.
    pub warnings: ByCode,
    /// Delivered records of events so old that the destination values them less.
    pub late: Count,
    /// Delivered records of events so old that the destination no longer attributes them.
    pub unattributed: Count,
}

impl SinkLedger {
    /// Events not settled yet.
    pub fn pending(&self) -> u64 {
        self.journalled.get().saturating_sub(self.settled())
    }

    /// Events not settled yet, of those journalled up to the moment at which `arrived` had arrived since the opening.
    pub(crate) fn pending_of(&self, arrived: u64) -> u64 {
        (self.journalled.before_arrivals() + arrived).saturating_sub(self.settled())
    }

    /// Restores the ends and the late records of earlier processes, the events pending when the sink was opened, and the count of arrivals
    /// since. Returns the events journalled at the opening.
    pub fn restore(&self, totals: &Totals, pending: u64, arrivals: Arrivals) -> u64 {
        self.delivered.restore(totals.delivered);
        self.filtered.restore(totals.filtered.clone());
        self.rejected.restore(totals.rejected.clone());
        self.expired.restore(totals.expired.clone());
        self.records.late.restore(totals.late);
        self.records.unattributed.restore(totals.unattributed);
        let journalled = self.settled() + pending;
        self.journalled.restore(journalled, arrivals);
        journalled
    }

    /// Describes a disabled sink as the journal keeps it.
    pub fn disable(&self, state: &SinkState) {
        self.disabled.store(true, Relaxed);
        self.set_driven_by(DrivenBy::ThisRouter);
        self.held.replace(BTreeMap::new());
        self.restore(&state.progress.totals, state.pending(), Arrivals::default());
        self.set_debts(BTreeMap::new());
        self.oldest_pending
            .store(state.oldest_pending.unwrap_or(0), Relaxed);
    }

    /// Returns the router that drives the sink.
    pub fn driven_by(&self) -> DrivenBy {
        self.driven_by
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// True if this router drives the sink.
    pub fn is_driven_here(&self) -> bool {
        self.driven_by() == DrivenBy::ThisRouter
    }

    fn set_driven_by(&self, driven_by: DrivenBy) {
        *self.driven_by.lock().unwrap_or_else(PoisonError::into_inner) = driven_by;
    }

    /// Notes that this router drives the sink no longer. Its holds and lags are another router's matter.
    pub(crate) fn leave(&self) {
        self.set_driven_by(DrivenBy::Unknown);
        self.held.replace(BTreeMap::new());
        self.in_flight.set(0);
        self.set_debts(BTreeMap::new());
    }

    /// Describes a sink that another router drives, by the state in the journal. The counts of this process do not change.
    pub(crate) fn follow(&self, state: &SinkState, driven_by: DrivenBy) {
        self.set_driven_by(driven_by);
        self.follow_counts(&state.progress.totals, state.pending());
        self.oldest_pending
            .store(state.oldest_pending.unwrap_or(0), Relaxed);
    }

    /// Notes that this router drives the sink from the state in which its reader was opened.
    pub(crate) fn drive_here(&self, resumed: &Resumed) {
        if self.is_driven_here() {
            return;
        }
        let unread = resumed.unread.iter().map(|(_, count)| count).sum::<u64>();
        let aside = resumed.parked.len() as u64 + resumed.returned;
        self.follow_counts(&resumed.progress.totals, unread + aside);
        self.set_driven_by(DrivenBy::ThisRouter);
    }

    fn follow_counts(&self, totals: &Totals, pending: u64) {
        self.delivered.follow(totals.delivered);
        self.filtered.follow(totals.filtered.clone());
        self.rejected.follow(totals.rejected.clone());
        self.expired.follow(totals.expired.clone());
        self.records.late.follow(totals.late);
        self.records.unattributed.follow(totals.unattributed);
        self.journalled.follow(self.settled() + pending);
    }

    /// Notes that the sink has read further events from the journal.
    pub(crate) fn took(&self, events: u64) {
        self.backpressure.took(events, self.journalled.get());
    }

    /// The counts of ended events and of late records, for the journal to keep.
    pub fn totals(&self) -> Totals {
        Totals {
            delivered: self.delivered.get(),
            filtered: self.filtered.snapshot(),
            rejected: self.rejected.snapshot(),
            expired: self.expired.snapshot(),
            late: self.records.late.get(),
            unattributed: self.records.unattributed.get(),
        }
    }

    fn settled(&self) -> u64 {
        self.delivered.get() + self.filtered.total() + self.rejected.total() + self.expired.total()
    }

    /// Pending events of sources that are no longer inputs of the sink, by source.
    pub fn debts(&self) -> BTreeMap<String, u64> {
        self.debts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Sets these debts.
    pub fn set_debts(&self, debts: BTreeMap<String, u64>) {
        *self.debts.lock().unwrap_or_else(PoisonError::into_inner) = debts;
    }

    /// Notes that an event of a former input has ended.
    pub(crate) fn debt_settled(&self, source: &str) {
        let mut debts = self.debts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = debts.get_mut(source) {
            *count = count.saturating_sub(1);
        }
        debts.retain(|_, count| *count > 0);
    }
}

/// The ledgers of a running pipeline, by component name.
#[derive(Debug, Default, Clone)]
pub struct Ledger {
    /// One for each source.
    pub sources: BTreeMap<Arc<str>, Arc<SourceLedger>>,
    /// One for each sink, disabled ones too.
    pub sinks: BTreeMap<Arc<str>, Arc<SinkLedger>>,
    /// Counts of kept and dropped dead letters.
    pub letters: LetterLedger,
    /// The history, if there is one.
    pub history: Option<History>,
    /// The taps.
    pub taps: Taps,
}

/// The journal's numbers that need no disk: its usage, and the kept and dropped dead letters.
#[derive(Default, Clone)]
pub struct LetterLedger(Option<Arc<dyn Journal>>);

impl std::fmt::Debug for LetterLedger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LetterLedger")
    }
}

impl LetterLedger {
    /// Creates the ledger of a journal.
    pub fn of(journal: Arc<dyn Journal>) -> LetterLedger {
        LetterLedger(Some(journal))
    }

    /// Usage of the journal; zero without one.
    pub fn usage(&self) -> Usage {
        let usage = self.0.as_ref().map(|journal| journal.usage());
        usage.unwrap_or_default()
    }

    /// The encryption of the journal's files; `None` if it has no files, and without a journal.
    pub fn sealing(&self) -> Option<Sealing> {
        self.0.as_ref()?.sealing()
    }

    /// Counts for a component (a sink's name, or `source:NAME`); zero without a journal.
    pub fn of_component(&self, component: &str) -> LetterCounts {
        let counts = self.0.as_ref().map(|journal| journal.letters_of(component));
        counts.unwrap_or_default()
    }
}
