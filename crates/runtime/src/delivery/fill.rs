//! The way of an event from the journal to records that wait for their batch.

use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{Event, NO_TRIGGER_MATCHED, Reason, Record, Rejection};
use signalbox_history::Draft;
use signalbox_journal::{
    Ahead, ERASED, Entry, ErasureList, JournalError, Lost, Open, Owed, Parked, Position, Resumed, Returned,
    Standing,
};
use tokio::time::Instant;

use super::events::Events;
use super::item::{Due, First, Item};
use super::options::SinkOptions;
use super::outgoing::Outgoing;
use super::pending::Pending;
use super::prepare::{Stage, Staged};
use super::returned::Returning;
use super::tapped;
use super::trace::Trace;
use super::trail;
use super::window::Window;
use crate::dead_letters::now_millis;
use crate::history::happened_at;
use crate::tap::Taps;
use crate::telemetry::warning_key;

/// Prepares the events that the driver reads from the journal.
pub(super) struct Fill {
    options: Arc<SinkOptions>,
    stage: Arc<Stage>,
    /// True once the journal is closed and read to its end.
    pub(super) at_end: bool,
    /// True once another driver of the sink has begun.
    pub(super) revoked: bool,
    /// The record of which events are for this sink.
    owed: Owed,
    /// The erasures that the journal has recorded.
    erasures: Arc<ErasureList>,
    /// The present names of renamed mappings.
    mappings: BTreeMap<String, String>,
    /// Histories of events that were under way before a restart, until they are read again.
    histories: HashMap<Position, Open>,
    pub(super) returning: Returning,
    /// Events that wait for a transform.
    aside: BinaryHeap<Due<Aside>>,
    pub(super) taps: Taps,
    /// True if there was a tap when the present batch began.
    tapped: bool,
}

/// An event that waits for a transform.
struct Aside {
    position: Position,
    event: Box<Event>,
    transform: usize,
}

impl Fill {
    pub(super) fn new(options: Arc<SinkOptions>, stage: Arc<Stage>, resumed: &mut Resumed) -> Fill {
        let mappings = std::mem::take(&mut resumed.mappings);
        let open = std::mem::take(&mut resumed.progress.open).into_iter();
        Fill {
            histories: open
                .map(|open| (open.position, renamed(open, &mappings)))
                .collect(),
            options,
            stage,
            at_end: false,
            revoked: false,
            owed: std::mem::take(&mut resumed.owed),
            erasures: std::mem::take(&mut resumed.erasures),
            mappings,
            returning: Returning::new(resumed.returned > 0),
            aside: BinaryHeap::new(),
            taps: Taps::default(),
            tapped: false,
        }
    }

    /// Number of events that wait for a transform.
    pub(super) fn aside(&self) -> usize {
        self.aside.len()
    }

    /// Time at which the first of them goes on.
    pub(super) fn aside_until(&self) -> Option<Instant> {
        self.aside.peek().map(|due| due.at)
    }

    /// Drops waiting events that have ended meanwhile.
    pub(super) fn drop_ended(&mut self, window: &mut Window) {
        self.aside.retain(|due| window.is_open(due.what.position));
    }

    /// Opens the events that were parked when the driver began.
    pub(super) fn open_parked(&mut self, parked: Vec<Parked>, pending: &mut Pending) {
        for parked in parked {
            let standing = if self.owed.is_removed(&parked.event.receipt().source) {
                Standing::Removed
            } else {
                Standing::Input
            };
            self.open_one(parked, standing, pending);
        }
    }

    fn open_one(&mut self, parked: Parked, standing: Standing, pending: &mut Pending) {
        let parked = under_new_names(parked, &self.mappings);
        pending.events.window.open_parked(&parked);
        self.prepare(parked.position, &parked.event, standing, pending);
    }

    /// Takes events that the journal handed out.
    pub(super) fn take_in(&mut self, entries: Vec<Entry>, pending: &mut Pending) {
        self.tapped = self.taps.any();
        let ours = |entry: &&Entry| {
            let source = &entry.event.receipt().source;
            self.owed.at(entry.position, source).is_some()
        };
        let count = entries.iter().filter(ours).count() as u64;
        pending.events.ledger.took(count);
        let mut entries = entries.into_iter();
        while let Some(Entry { position, event }) = entries.next() {
            if let Some(next) = entries.as_slice().first() {
                next.event.fetch();
            }
            self.take_event(position, event, pending);
        }
    }

    fn take_event(&mut self, position: Position, event: Arc<Event>, pending: &mut Pending) {
        let owed = self.owed.at(position, &event.receipt().source);
        let Some(standing) = owed.filter(|_| !pending.events.window.is_parked(position)) else {
            return pending.events.window.pass(position);
        };
        trail::taken(&self.options.name, position, &event);
        let history = self.histories.remove(&position);
        pending.events.window.open(position, event.clone(), history);
        self.prepare(position, &event, standing, pending);
    }

    /// Prepares an event that the sink is owed.
    pub(super) fn prepare(
        &mut self,
        position: Position,
        event: &Arc<Event>,
        standing: Standing,
        pending: &mut Pending,
    ) {
        if standing == Standing::Removed && !self.options.orphan {
            pending
                .events
                .comes_from_former(position, event.receipt().source.clone());
        }
        let place = pending.events.window.place(position);
        let staged = if self.erasures.covers(place, event) {
            Staged::Filtered(Reason::new(ERASED, "it belongs to what was erased"))
        } else if self.options.orphan {
            self.stage.map(event.clone())
        } else {
            if standing == Standing::Removed && self.options.filter_removed {
                let told = "its source is no longer an input of the sink";
                Staged::Filtered(Reason::new("input_removed", told))
            } else {
                self.stage.begin(event)
            }
        };
        self.staged(position, staged, pending);
    }

    /// Takes events that came back from the dead letters.
    pub(super) fn take_returned(&mut self, read: Result<Returned, JournalError>, pending: &mut Pending) {
        let returned = match read {
            Ok(returned) => returned,
            Err(error) => {
                self.returning.failed();
                tracing::error!(
                    sink = %self.options.name,
                    "events that came back from the dead letters cannot be read, trying again: {error}"
                );
                return;
            }
        };
        self.returning.took(&returned);
        for position in returned.unreadable {
            let told = "an event that came back from the dead letters is unreadable";
            let reason = Reason::new("journal_unreadable", told);
            pending.events.ledger.rejected.add(reason.code(), 1);
            pending.events.bury_lost(&reason);
            pending.events.window.forget_parked(position);
        }
        for parked in returned.events {
            // The operator asked for this event, so it is delivered even if its source is no longer an input.
            self.open_one(parked, Standing::Input, pending);
        }
    }

    /// Goes on with an event for whose dead letter there was no room; it should have been recalled.
    pub(super) fn prepare_again(&mut self, position: Position, pending: &mut Pending) {
        match pending.events.window.event(position) {
            Some(event) => self.prepare(position, &event, Standing::Input, pending),
            None => {
                let reason = Reason::new("journal_unreadable", "the event could not be read again");
                pending.events.reject_event(position, &reason);
            }
        }
    }

    /// Goes on with the events whose transform has waited long enough.
    pub(super) fn wake(&mut self, now: Instant, pending: &mut Pending) {
        self.tapped = self.taps.any();
        while let Some(aside) = Due::pop(&mut self.aside, now) {
            let staged = self.stage.resume(aside.event, aside.transform);
            self.staged(aside.position, staged, pending);
        }
    }

    /// Counts events that the journal lost and has reported in the log. This sink's share is the number of pending
    /// events that are neither in the window nor ahead of the reader.
    pub(super) fn lost(&self, lost: &Lost, ahead: Result<Ahead, JournalError>, events: &mut Events) {
        events.window.skip_before(lost.to);
        let count = match ahead {
            Ok(ahead) => {
                let unread = ahead.unread.iter().map(|(_, count)| count).sum::<u64>();
                let left = events.window.len() as u64 + ahead.returned + unread;
                let pending = events.ledger.pending_of(ahead.arrived);
                pending.saturating_sub(left).min(lost.events)
            }
            Err(error) => {
                tracing::warn!(sink = %self.options.name, "lost events are counted without their sources: {error}");
                events.ledger.pending().min(lost.events)
            }
        };
        if count > 0 {
            events.ledger.rejected.add(lost.loss.code(), count);
            self.bury_lost(lost, count, events);
        }
    }

    /// Keeps a dead letter that stands for lost events of this sink.
    pub(super) fn bury_lost(&self, Lost { from, to, loss, .. }: &Lost, count: u64, events: &mut Events) {
        let told = format!(
            "{count} events at the positions {from} to {to} are lost: {}",
            loss.told()
        );
        tracing::error!(sink = %self.options.name, reason = loss.code(), "{told}");
        events.bury_lost(&Reason::new(loss.code(), told));
    }

    fn staged(&mut self, position: Position, staged: Staged, pending: &mut Pending) {
        if needs_letter(&staged, &pending.outgoing) && pending.events.found_letters_full() {
            // The event waits as if it had not been prepared.
            pending.events.letters_full.wait(position);
            return pending.events.window.let_go(position);
        }
        if self.tapped {
            let read = pending.events.window.event(position);
            tapped::show(&self.taps, &self.options.name, position, &staged, read);
        }
        match staged {
            Staged::Wait {
                until,
                event,
                transform,
            } => {
                let what = Aside {
                    position,
                    event,
                    transform,
                };
                let at = Instant::from_std(until);
                self.aside.push(Due { at, what });
            }
            Staged::Filtered(reason) => {
                if reason.code() == NO_TRIGGER_MATCHED
                    && let Some(event) = pending.events.window.event(position)
                {
                    pending.events.ledger.unheard.count(&event);
                }
                pending.events.filter_event(position, &reason);
            }
            Staged::Rejected(reason) => pending.events.reject_event(position, &reason),
            Staged::Mapped { event, results } => {
                pending.events.window.expect(position, results.len() as u32);
                let made = |result: &Result<Record, Rejection>, only: &Arc<str>| match result {
                    Ok(record) => record.mapping == *only,
                    Err(rejection) => rejection.mapping == *only,
                };
                if let Some(only) = pending.events.window.only(position)
                    && !results.iter().any(|result| made(result, &only))
                {
                    // The sink owes this record, and would otherwise drop it without a word.
                    pending.events.window.expect(position, 1);
                    let told = format!(
                        "the mapping '{only}' is no longer in the sink, or makes no record of the event"
                    );
                    pending
                        .events
                        .reject_unsent(position, &only, &Reason::new("mapping_gone", told));
                }
                if pending.events.window.is_again(position) {
                    pending.events.forget_sent(position, &results);
                }
                // As the journal has it, without the work of the transforms.
                let read = pending.events.recorder.is_some();
                let read = read.then(|| pending.events.window.event(position)).flatten();
                let trace = read
                    .as_deref()
                    .and_then(|read| pending.events.trace(position, read));
                for result in results {
                    self.mapped(position, (&event, trace.as_ref()), result, pending);
                }
                pending.events.expect_less(position);
                pending.events.window.let_go(position);
            }
        }
    }

    fn mapped(
        &self,
        position: Position,
        (event, trace): (&Arc<Event>, Option<&Trace<'_>>),
        result: Result<Record, Rejection>,
        pending: &mut Pending,
    ) {
        let Pending { events, outgoing } = pending;
        let mapping = match &result {
            Ok(record) => &record.mapping,
            Err(rejection) => &rejection.mapping,
        };
        if !events.window.wants(position, mapping) {
            return events.expect_less(position);
        }
        let mut record = match result {
            Ok(record) if outgoing.ready.fits(record.bytes.len()) => record,
            Ok(record) => {
                let reason = Reason::new("record_too_large", "one record is larger than batch.max_bytes");
                return events.reject_unsent(position, &record.mapping, &reason);
            }
            Err(rejection) => return events.reject_unsent(position, &rejection.mapping, &rejection.reason),
        };
        let now = Instant::now();
        // The claim stands for the key from here on.
        let key = record.dedup_key.take();
        let key = key.filter(|_| self.options.duplicate_window.is_some());
        let claim = key
            .as_deref()
            .map(|key| events.sent_keys.claim_at(position, key, now));
        if claim == Some(None) {
            return events.duplicate(position, record, trace);
        }
        for warning in &record.warnings {
            let key = warning_key(&warning.code, &warning.path);
            events.ledger.records.warnings.add(&key, 1);
        }
        let draft = events
            .recorder
            .as_mut()
            .map(|recorder| recorder.draft(trace, &record));
        let drafted = draft.as_ref().map_or(0, Draft::memory);
        events.window.holds(position, record.bytes.len() + drafted);
        let (attempts, first_attempt) = events.window.history(position);
        let first = (first_attempt > 0).then(|| First {
            at: now,
            earlier: Duration::from_millis(u64::try_from(now_millis() - first_attempt).unwrap_or(0)),
            wall: first_attempt,
            held: outgoing.held_for(),
        });
        outgoing.ready.push_back(Item {
            draft,
            record: Arc::new(record),
            claim: claim.flatten(),
            event: (!self.stage.transforms.is_empty()).then(|| event.clone()),
            position,
            happened_at: trace.map_or_else(|| happened_at(event), |trace| trace.happened_at),
            attempts,
            tries: Vec::new(),
            first,
            last_attempt: None,
            ready_since: now,
        });
    }
}

/// True if a prepared event becomes a dead letter, or one of its records does.
fn needs_letter(staged: &Staged, outgoing: &Outgoing) -> bool {
    match staged {
        Staged::Rejected(_) => true,
        Staged::Mapped { results, .. } => results.iter().any(|result| match result {
            Ok(record) => !outgoing.ready.fits(record.bytes.len()),
            Err(_) => true,
        }),
        Staged::Wait { .. } | Staged::Filtered(_) => false,
    }
}

/// Rewrites a history to the present names of mappings.
fn renamed(mut open: Open, names: &BTreeMap<String, String>) -> Open {
    for (mapping, _) in &mut open.ended {
        if let Some(new) = names.get(mapping) {
            mapping.clone_from(new);
        }
    }
    open
}

/// Rewrites a parked event to the present names of mappings.
fn under_new_names(parked: Parked, names: &BTreeMap<String, String>) -> Parked {
    let new = |only: String| names.get(&only).cloned().unwrap_or(only);
    Parked {
        open: renamed(parked.open, names),
        only: parked.only.map(new),
        ..parked
    }
}
