//! The events of a sink that are under way, and their ends: counted in the ledger, committed to the journal, kept as
//! dead letters.

use std::collections::HashMap;
use std::sync::Arc;

use signalbox_core::{Event, Reason, Record, Rejection};
use signalbox_history::Outcome;
use signalbox_journal::{DeadLetter, Entry, Position, Progress, Reader, RecordEnd};

use super::commits::Commits;
use super::item::Item;
use super::letters_full::LettersFull;
use super::recorder::Recorder;
use super::sent_keys::SentKeys;
use super::trace::Trace;
use super::trail;
use super::window::Window;
use crate::dead_letters::DeadLetters;
use crate::ledger::SinkLedger;

/// The sink's side of the journal: events from it, ends of events to it.
pub(super) struct Events {
    sink: Arc<str>,
    pub(super) reader: Box<dyn Reader>,
    pub(super) window: Window,
    pub(super) commits: Commits,
    pub(super) letters_full: LettersFull,
    /// Keys of the records that the destination has.
    pub(super) sent_keys: SentKeys,
    /// Sources of the events under way that come from no input of the sink any more.
    former: HashMap<Position, Arc<str>>,
    pub(super) ledger: Arc<SinkLedger>,
    dead_letters: Arc<DeadLetters>,
    /// Notes ends for the history, if there is one.
    pub(super) recorder: Option<Recorder>,
}

impl Events {
    pub(super) fn new(
        sink: Arc<str>,
        reader: Box<dyn Reader>,
        (progress, window): (&Progress, usize),
        sent_keys: SentKeys,
        ledger: Arc<SinkLedger>,
        dead_letters: Arc<DeadLetters>,
    ) -> Events {
        Events {
            sink,
            reader,
            window: Window::new(progress, window),
            commits: Commits::default(),
            letters_full: LettersFull::default(),
            sent_keys,
            former: HashMap::new(),
            ledger,
            dead_letters,
            recorder: None,
        }
    }

    /// Notes that an event under way comes from a source that is no input of the sink any more.
    pub(super) fn comes_from_former(&mut self, position: Position, source: Arc<str>) {
        self.former.insert(position, source);
    }

    /// Ends an event that is not meant for the sink.
    pub(super) fn filter_event(&mut self, position: Position, reason: &Reason) {
        self.record_unsent(position, "", Outcome::Filtered, reason);
        self.close_event(position, RecordEnd::Filtered(reason.code().to_owned()));
    }

    /// Notes the end of an event without a record, or of a record that could not be made.
    fn record_unsent(&mut self, position: Position, mapping: &str, outcome: Outcome, reason: &Reason) {
        let Some(recorder) = &mut self.recorder else {
            return;
        };
        if !self.window.is_open(position) {
            return;
        }
        let event = self.window.event(position);
        let place = self.window.place(position);
        let received_at = self.window.received_at(position).unwrap_or_default();
        recorder.unsent((event.as_deref(), place, received_at), mapping, outcome, reason);
    }

    /// Ends a record that the destination accepted.
    pub(super) fn deliver(&mut self, item: &Item) {
        if let Some(recorder) = &mut self.recorder {
            recorder.ended(item, Outcome::Delivered, None);
        }
        self.close_item(item, RecordEnd::Delivered);
    }

    /// Ends a whole event, with all records that were still expected.
    fn close_event(&mut self, position: Position, end: RecordEnd) {
        let end = self.window.close_event(position, end);
        self.closed(position, end);
    }

    /// Ends one record of an event.
    fn close_record(&mut self, position: Position, mapping: &str, end: RecordEnd) {
        let end = self.window.close_record(position, mapping, end);
        self.closed(position, end);
    }

    /// Expects one record outcome fewer for an event.
    pub(super) fn expect_less(&mut self, position: Position) {
        let end = self.window.expect_less(position);
        self.closed(position, end);
    }

    /// Takes from an event, as the journal has it, what the history keeps of it, if there is one.
    pub(super) fn trace<'e>(&mut self, position: Position, event: &'e Event) -> Option<Trace<'e>> {
        let place = self.window.place(position);
        let recorder = self.recorder.as_mut()?;
        Some(recorder.trace(event, place))
    }

    /// Forgets that the records of an event were sent, so that they are sent once more. Records of one event that share a
    /// key are still sent once.
    pub(super) fn forget_sent(&mut self, position: Position, results: &[Result<Record, Rejection>]) {
        for record in results.iter().flatten() {
            if let Some(key) = &record.dedup_key
                && self.window.wants(position, &record.mapping)
            {
                self.sent_keys.forget_key(key);
            }
        }
    }

    /// Ends a record that is not sent, since the destination has one with its key.
    pub(super) fn duplicate(&mut self, position: Position, record: Record, trace: Option<&Trace<'_>>) {
        self.ledger.records.duplicate.add(1);
        if self.sent_keys.is_replayed(position) {
            self.ledger.replay.held_back.add(1);
        }
        let mapping = record.mapping.clone();
        if let (Some(recorder), Some(trace)) = (&mut self.recorder, trace) {
            recorder.duplicate(trace, &record);
        }
        self.close_record(position, &mapping, RecordEnd::Duplicate);
    }

    /// Counts an event if it has ended.
    fn closed(&mut self, position: Position, end: Option<RecordEnd>) {
        self.commits.soon();
        let Some(end) = end else { return };
        trail::ended(&self.sink, position, &end);
        self.ledger.failures.forget(position);
        if !self.former.is_empty()
            && let Some(source) = self.former.remove(&position)
        {
            self.ledger.debt_settled(&source);
        }
        match end {
            RecordEnd::Delivered | RecordEnd::Duplicate => self.ledger.delivered.add(1),
            RecordEnd::Filtered(code) => self.ledger.filtered.add(&code, 1),
            RecordEnd::Rejected(code) => self.ledger.rejected.add(&code, 1),
            RecordEnd::Expired(code) => self.ledger.expired.add(&code, 1),
        }
    }

    /// Ends a record that was made, and settles its claim on a key.
    fn close_item(&mut self, item: &Item, end: RecordEnd) {
        if let Some(claim) = item.claim {
            if end == RecordEnd::Delivered {
                self.sent_keys.delivered(claim);
            } else {
                self.sent_keys.release(claim);
            }
        }
        self.close_record(item.position, &item.record.mapping, end);
    }

    /// Rejects a record that was made; returns it if there is no room for its dead letter.
    pub(super) fn reject(&mut self, item: Item, reason: &Reason) -> Option<Item> {
        if self.found_letters_full() {
            return Some(item);
        }
        self.ledger.records.rejected.add(reason.code(), 1);
        self.bury_tried(&item, reason);
        if let Some(recorder) = &mut self.recorder {
            recorder.ended(&item, Outcome::Rejected, Some(reason));
        }
        self.close_item(&item, RecordEnd::Rejected(reason.code().to_owned()));
        None
    }

    /// Ends a record whose time is over; `reason` is that of its last attempt, and `told` goes into the dead letter.
    pub(super) fn expire(&mut self, item: &Item, reason: &Reason, told: &Reason) {
        self.bury_tried(item, told);
        if let Some(recorder) = &mut self.recorder {
            let shown = Reason::restored(reason.code().to_owned(), told.message().to_owned());
            recorder.ended(item, Outcome::Expired, Some(&shown));
        }
        self.close_item(item, RecordEnd::Expired(reason.code().to_owned()));
    }

    /// Rejects a record that could not be made.
    pub(super) fn reject_unsent(&mut self, position: Position, mapping: &str, reason: &Reason) {
        self.bury(position, mapping, reason);
        self.record_unsent(position, mapping, Outcome::Rejected, reason);
        self.ledger.records.rejected.add(reason.code(), 1);
        self.close_record(position, mapping, RecordEnd::Rejected(reason.code().to_owned()));
    }

    /// Rejects a whole event.
    pub(super) fn reject_event(&mut self, position: Position, reason: &Reason) {
        self.bury(position, "", reason);
        self.record_unsent(position, "", Outcome::Rejected, reason);
        self.close_event(position, RecordEnd::Rejected(reason.code().to_owned()));
    }

    /// Keeps a dead letter that stands for events which cannot be read any more.
    pub(super) fn bury_lost(&mut self, reason: &Reason) {
        let letter = self.dead_letters.nameless(&self.sink, reason);
        self.commits.bury(letter);
        self.commits.soon();
    }

    /// Keeps a dead letter of an event that was not tried.
    fn bury(&mut self, position: Position, mapping: &str, reason: &Reason) {
        if self.window.is_open(position) {
            let letter = self.letter(position, mapping, reason, None);
            self.commits.bury(letter);
        }
    }

    fn bury_tried(&mut self, item: &Item, reason: &Reason) {
        let mapping = &item.record.mapping;
        let letter = self.letter(item.position, mapping, reason, item.event.as_ref());
        let first_at = item.first.map_or(letter.first_at, |first| first.wall);
        self.commits.bury(DeadLetter {
            attempts: item.attempts,
            first_at,
            ..letter
        });
    }

    /// Makes a dead letter of an event, which should have been [recalled](Events::recall), else of `prepared`, which
    /// the sink's transforms made of it. Without either the letter names the place of the event only.
    fn letter(
        &mut self,
        position: Position,
        mapping: &str,
        reason: &Reason,
        prepared: Option<&Arc<Event>>,
    ) -> DeadLetter {
        let in_log = self.window.place(position);
        let dead_letters = &self.dead_letters;
        if let Some(event) = self.window.event(position).as_ref().or(prepared) {
            return dead_letters.letter(&self.sink, event, in_log, mapping, reason);
        }
        let nameless = dead_letters.nameless(&self.sink, reason);
        let received_at = self.window.received_at(position).unwrap_or(nameless.received_at);
        DeadLetter {
            mapping: mapping.to_owned(),
            position: in_log,
            received_at,
            first_at: received_at,
            ..nameless
        }
    }

    /// True if there is no room for another dead letter; deliveries are on hold from the driver's next turn on.
    pub(super) fn found_letters_full(&mut self) -> bool {
        let full = self.letters_are_full();
        if full {
            self.letters_full.found_full();
        }
        full
    }

    /// True if there is no room for another dead letter.
    pub(super) fn letters_are_full(&self) -> bool {
        self.reader.dead_letters_full(self.commits.letter_bytes())
    }

    /// Reloads released events from the journal, as far as it still has them.
    pub(super) async fn recall(&mut self, positions: impl Iterator<Item = Position>) {
        let missing = self.window.missing(positions);
        if missing.is_empty() {
            return;
        }
        for Entry { position, event } in self.reader.fetch(&missing).await {
            self.window.bring_back(position, event);
        }
    }

    /// Commits everything that has changed.
    pub(super) fn commit(&mut self) {
        let changes = self.window.changes(self.ledger.totals());
        self.reader.commit(self.commits.take(changes));
        if let Some(recorder) = &mut self.recorder {
            recorder.hand_over();
        }
    }
}
