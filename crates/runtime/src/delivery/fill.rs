//! From the journal to records that wait for their batch.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{Event, Reason, Record, Rejection};
use signalbox_journal::{DeadLetter, Entry, Lost, Position, Read, RecordEnd, Standing};
use tokio::time::Instant;

use super::driver::{Aside, Driver};
use super::item::{Due, First, Item};
use super::prepare::Staged;
use crate::dead_letters::now_millis;
use crate::telemetry::warning_key;

impl Driver {
    /// Takes events from the journal and prepares them.
    pub(super) async fn take_in(&mut self, read: Read) {
        match read {
            Read::Events(entries) => {
                if let Some(last) = entries.last() {
                    let wanted = self.window.wanted_by(last.position);
                    self.recall(wanted.into_iter()).await;
                }
                let ours = |entry: &&Entry| {
                    let source = &entry.event.receipt().source;
                    self.owed.at(entry.position, source).is_some()
                };
                self.ledger.took(entries.iter().filter(ours).count() as u64);
                let mut entries = entries.into_iter();
                while let Some(Entry { position, event }) = entries.next() {
                    if let Some(next) = entries.as_slice().first() {
                        next.event.fetch();
                    }
                    self.take_event(position, event);
                }
            }
            Read::Lost(lost) => self.lost(lost).await,
            Read::End => self.at_end = true,
            Read::Revoked => self.revoked = true,
        }
        self.commit_soon();
    }

    pub(super) fn take_event(&mut self, position: Position, event: Arc<Event>) {
        let owed = self.owed.at(position, &event.receipt().source);
        let Some(standing) = owed.filter(|_| !self.window.is_parked(position)) else {
            return self.window.skip_before(position + 1);
        };
        self.tell_taken(position, &event);
        let history = self.histories.remove(&position);
        self.window.open(position, event.clone(), history);
        let staged = self.begin(position, &event, standing);
        self.prepared(position, staged);
    }

    /// Prepares an event that the sink is owed.
    pub(super) fn begin(&mut self, position: Position, event: &Arc<Event>, standing: Standing) -> Staged {
        if standing == Standing::Removed && !self.options.orphan {
            self.strangers.insert(position, event.receipt().source.clone());
            if self.options.filter_removed {
                return Staged::Filtered(Reason::new(
                    "input_removed",
                    "its source is no longer an input of the sink",
                ));
            }
        }
        if self.options.orphan {
            return self.stage.map(event.clone());
        }
        self.stage.begin(event)
    }

    /// Counts events that the journal lost and has reported in the log. The number of this sink's among them follows
    /// from what is left.
    async fn lost(&mut self, lost: Lost) {
        self.window.skip_before(lost.to);
        let events = match self.reader.ahead(self.returning.last()).await {
            Ok(ahead) => {
                let unread = ahead.unread.iter().map(|(_, count)| count).sum::<u64>();
                let left = self.window.len() as u64 + ahead.returned + unread;
                let pending = self.ledger.pending_of(ahead.arrived);
                pending.saturating_sub(left).min(lost.events)
            }
            Err(error) => {
                tracing::warn!(sink = %self.options.name, "lost events are counted without their sources: {error}");
                self.ledger.pending().min(lost.events)
            }
        };
        if events > 0 {
            self.ledger.rejected.add(lost.loss.code(), events);
            self.tell_lost(&lost, events);
        }
    }

    /// Keeps a dead letter that stands for lost events of this sink.
    pub(super) fn tell_lost(&mut self, Lost { from, to, loss, .. }: &Lost, events: u64) {
        let told = format!(
            "{events} events at the positions {from} to {to} are lost: {}",
            loss.told()
        );
        tracing::error!(sink = %self.options.name, reason = loss.code(), "{told}");
        let reason = Reason::new(loss.code(), told);
        let letter = self.dead_letters.nameless(&self.options.name, &reason);
        self.add_letter(letter);
        self.commit_soon();
    }

    pub(super) fn prepared(&mut self, position: Position, staged: Staged) {
        if self.waits_for_room(position, &staged) {
            return;
        }
        match staged {
            Staged::Wait {
                until,
                event,
                transform,
            } => {
                let at = Instant::from_std(until);
                self.aside.push(Due {
                    at,
                    what: Aside {
                        position,
                        event,
                        transform,
                    },
                });
            }
            Staged::Filtered(reason) => {
                self.close_event(position, RecordEnd::Filtered(reason.code().to_owned()));
            }
            Staged::Rejected(reason) => {
                self.bury(position, "", &reason);
                self.close_event(position, RecordEnd::Rejected(reason.code().to_owned()));
            }
            Staged::Mapped { event, results } => {
                self.window.expect(position, results.len() as u32);
                let made = |result: &Result<Record, Rejection>, only: &Arc<str>| match result {
                    Ok(record) => record.mapping == *only,
                    Err(rejection) => rejection.mapping == *only,
                };
                if let Some(only) = self.window.only(position)
                    && !results.iter().any(|result| made(result, &only))
                {
                    // The sink owes this record, and would otherwise drop it without a word.
                    self.window.expect(position, 1);
                    let told = format!(
                        "the mapping '{only}' is no longer in the sink, or makes no record of the event"
                    );
                    self.reject_unsent(position, &only, &Reason::new("mapping_gone", told));
                }
                for result in results {
                    self.mapped(position, &event, result.map_err(|r| (r.mapping, r.reason)));
                }
                self.expect_less(position);
                self.window.let_go(position);
            }
        }
    }

    pub(super) fn mapped(
        &mut self,
        position: Position,
        event: &Arc<Event>,
        result: Result<Record, (Arc<str>, Reason)>,
    ) {
        let mapping = result
            .as_ref()
            .map_or_else(|(mapping, _)| mapping, |record| &record.mapping);
        if !self.window.wants(position, mapping) {
            return self.expect_less(position);
        }
        let mut record = match result {
            Ok(record) if self.ready.fits(record.bytes.len()) => record,
            Ok(record) => {
                let reason = Reason::new("record_too_large", "one record is larger than batch.max_bytes");
                return self.reject_unsent(position, &record.mapping, &reason);
            }
            Err((mapping, reason)) => return self.reject_unsent(position, &mapping, &reason),
        };
        let now = Instant::now();
        // The claim stands for the key from here on.
        let key = record.dedup_key.take();
        let key = key.filter(|_| self.options.duplicate_window.is_some());
        let claim = key.as_deref().map(|key| self.sent_keys.claim(key, now));
        if claim == Some(None) {
            self.ledger.records_duplicate.add(1);
            return self.close_record(position, &record.mapping, RecordEnd::Duplicate);
        }
        for warning in &record.warnings {
            self.ledger
                .warnings
                .add(&warning_key(&warning.code, &warning.path), 1);
        }
        self.window.holds(position, record.bytes.len());
        let (attempts, first_attempt) = self.window.history(position);
        let first = (first_attempt > 0).then(|| First {
            at: now,
            earlier: Duration::from_millis(u64::try_from(now_millis() - first_attempt).unwrap_or(0)),
            wall: first_attempt,
            held: self.holds.time(),
        });
        self.ready.push_back(Item {
            record: Arc::new(record),
            claim: claim.flatten(),
            event: (!self.stage.transforms.is_empty()).then(|| event.clone()),
            position,
            happened_at: happened_at(event),
            attempts,
            first,
            last_attempt: None,
            ready_since: now,
        });
    }

    pub(super) fn reject_unsent(&mut self, position: Position, mapping: &Arc<str>, reason: &Reason) {
        self.bury(position, mapping, reason);
        self.ledger.records_rejected.add(reason.code(), 1);
        let end = RecordEnd::Rejected(reason.code().to_owned());
        self.close_record(position, mapping, end);
    }

    /// A dead letter of an event that was not tried.
    pub(super) fn bury(&mut self, position: Position, mapping: &str, reason: &Reason) {
        if self.window.is_open(position) {
            let letter = self.letter(position, mapping, reason, None);
            self.add_letter(letter);
        }
    }

    /// A dead letter of an event, which should have been recalled; of `prepared`, what the sink's transforms made of
    /// it, if it is gone. If that is missing, too, the letter tells where the event was.
    pub(super) fn letter(
        &mut self,
        position: Position,
        mapping: &str,
        reason: &Reason,
        prepared: Option<&Arc<Event>>,
    ) -> DeadLetter {
        let (sink, in_log) = (&self.options.name, self.window.place(position));
        let dead_letters = &self.dead_letters;
        if let Some(event) = self.window.event(position).as_ref().or(prepared) {
            return dead_letters.letter(sink, event, in_log, mapping, reason);
        }
        let nameless = dead_letters.nameless(sink, reason);
        let received_at = self.window.received_at(position).unwrap_or(nameless.received_at);
        DeadLetter {
            mapping: mapping.to_owned(),
            position: in_log,
            received_at,
            first_at: received_at,
            ..nameless
        }
    }

    /// Has events at hand again that were let go of, as far as the journal still has them.
    pub(super) async fn recall(&mut self, positions: impl Iterator<Item = Position>) {
        let missing = self.window.missing(positions);
        if missing.is_empty() {
            return;
        }
        for Entry { position, event } in self.reader.fetch(&missing).await {
            self.window.bring_back(position, event);
        }
    }
}

/// When the event happened by its own `timestamp`, else when it arrived.
fn happened_at(event: &Event) -> i64 {
    event
        .root()
        .get("timestamp")
        .and_then(|node| node.as_str())
        .and_then(|text| text.parse::<jiff::Timestamp>().ok())
        .map_or(event.receipt().received_at, |at| at.as_millisecond())
}
