//! The events of one sink that are read but not settled.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use signalbox_core::Event;
use signalbox_journal::{Open, Parked, Position, Progress, RecordEnd, Totals};

use super::in_flight::{History, InFlight};

/// Keeps open events by position and tells how far everything is settled.
///
/// A few events that stay open for long (their record is retried for hours) must not keep all later ones in the
/// journal: once the window holds more events than its limit, the oldest open ones are parked and the cursor goes on.
///
/// Positions may have gaps. The slots of successive positions are a run; a journal without gaps makes one of them.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    /// The cursor: everything before is settled or parked.
    base: Position,
    /// Everything before has been read; `base` if there are no slots.
    end: Position,
    /// Events from `base` on; `None` once they are settled.
    slots: VecDeque<Option<InFlight>>,
    /// Number of the first slot. Slots keep their numbers.
    first_slot: u64,
    /// Runs in order; each slot belongs to one.
    runs: VecDeque<Run>,
    parked: BTreeMap<Position, InFlight>,
    /// Ranges beyond the cursor that were settled when the window began, in order.
    settled_before: VecDeque<(Position, Position)>,
    open: usize,
    /// Memory that open events and their records take.
    bytes: usize,
    /// For the next commit.
    newly_parked: Vec<Parked>,
    parked_changed: Vec<Position>,
    unparked: Vec<Position>,
}

/// Slots of successive positions, up to the first slot of the next run.
#[derive(Debug, Clone, Copy)]
struct Run {
    first: Position,
    /// Number of the first slot.
    slot: u64,
}

/// The changes since the last commit.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) progress: Progress,
    pub(super) park: Vec<Parked>,
    pub(super) parked_open: Vec<Open>,
    pub(super) unpark: Vec<Position>,
}

impl Window {
    /// Creates a window that goes on where a sink left off and holds at most `limit` events.
    pub(super) fn new(progress: &Progress, limit: usize) -> Window {
        let mut window = Window {
            limit: limit.max(1),
            base: progress.cursor,
            end: progress.cursor,
            first_slot: 0,
            runs: VecDeque::new(),
            settled_before: progress.settled.iter().copied().collect(),
            slots: VecDeque::new(),
            parked: BTreeMap::new(),
            open: 0,
            bytes: 0,
            newly_parked: Vec::new(),
            parked_changed: Vec::new(),
            unparked: Vec::new(),
        };
        window.advance();
        window
    }

    /// Opens the event at a position, unsettled until as many records have ended as were [expected](Window::expect),
    /// and one more. Positions up to it that were never opened are settled.
    pub(super) fn open(&mut self, position: Position, event: Arc<Event>, history: Option<Open>) {
        self.skip_before(position);
        let bytes = event.memory();
        self.bytes += bytes;
        self.push(Some(InFlight {
            received_at: event.receipt().received_at,
            event: Some(event),
            unsettled: 1,
            bytes,
            history: history.map(|open| Box::new(History { open, only: None })),
        }));
        self.open += 1;
        while self.slots.len() > self.limit {
            if let Some(Some(slot)) = self.slots.front()
                && slot.event.is_none()
            {
                // Not even the journal has it any more. It stays where it is until its records have ended.
                break;
            }
            let position = self.base;
            if let Some(Some(slot)) = self.pop() {
                self.newly_parked.extend(slot.event.clone().map(|event| Parked {
                    position,
                    event,
                    open: slot.open(position),
                    only: None,
                }));
                self.parked.insert(position, slot);
            }
            self.advance();
        }
    }

    /// Passes over an event that is not for the sink.
    pub(super) fn pass(&mut self, position: Position) {
        self.skip_before(position);
        if self.slots.is_empty() {
            self.skip_before(position + 1);
        } else {
            self.push(None);
        }
    }

    /// Adds a slot at the end.
    fn push(&mut self, slot: Option<InFlight>) {
        let number = self.next_slot();
        let successive = |run: &Run| run.first + (number - run.slot) == self.end;
        if !self.runs.back().is_some_and(successive) {
            let first = self.end;
            self.runs.push_back(Run { first, slot: number });
        }
        self.slots.push_back(slot);
        self.end += 1;
    }

    /// Removes the first slot; the cursor goes on to the next one.
    fn pop(&mut self) -> Option<Option<InFlight>> {
        let slot = self.slots.pop_front()?;
        self.first_slot += 1;
        let next = self.runs.get(1).map_or(self.next_slot(), |run| run.slot);
        if let Some(run) = self.runs.front_mut() {
            run.first += 1;
            run.slot += 1;
        }
        self.runs.pop_front_if(|run| run.slot == next);
        self.base = self.runs.front().map_or(self.end, |run| run.first);
        Some(slot)
    }

    /// Number of the next slot.
    fn next_slot(&self) -> u64 {
        self.first_slot + self.slots.len() as u64
    }

    /// Returns the place of a position among the slots.
    fn index(&self, position: Position) -> Option<usize> {
        let after = self.runs.partition_point(|run| run.first <= position);
        let run = self.runs.get(after.checked_sub(1)?)?;
        let slot = run.slot + (position - run.first);
        let end = self.runs.get(after).map_or(self.next_slot(), |next| next.slot);
        let index = usize::try_from(slot - self.first_slot).ok()?;
        (slot < end).then_some(index)
    }

    /// Iterates over the slots with their positions, in order.
    fn positions(&self) -> impl Iterator<Item = (Position, &Option<InFlight>)> {
        let ends = self.runs.iter().skip(1).map(|run| run.slot);
        let ends = ends.chain([self.next_slot()]);
        let runs = self.runs.iter().zip(ends);
        runs.flat_map(|(run, end)| run.first..run.first + (end - run.slot))
            .zip(&self.slots)
    }

    /// Lists the events that have to be at hand, and are not, when `coming` further events are opened: the oldest are
    /// parked then.
    pub(super) fn wanted_by(&self, coming: usize) -> Vec<Position> {
        let parked = (self.slots.len() + coming).saturating_sub(self.limit);
        self.positions()
            .take(parked)
            .filter(|(_, slot)| slot.as_ref().is_some_and(|slot| slot.event.is_none()))
            .map(|(position, _)| position)
            .collect()
    }

    /// Releases an event that is needed again only if something goes wrong: a parsed event takes three times its size
    /// in the journal, which keeps it until it is settled.
    pub(super) fn let_go(&mut self, position: Position) {
        if self.parked.contains_key(&position) {
            return;
        }
        let event = self.slot(position).and_then(|slot| {
            let event = slot.event.take()?;
            slot.bytes = slot.bytes.saturating_sub(event.memory());
            Some(event)
        });
        self.bytes -= event.map_or(0, |event| event.memory());
    }

    /// Lists those of these events that are open and not at hand.
    pub(super) fn missing(&mut self, positions: impl Iterator<Item = Position>) -> Vec<Position> {
        let mut missing: Vec<Position> = positions
            .filter(|position| self.slot(*position).is_some_and(|slot| slot.event.is_none()))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// Takes a released event back.
    pub(super) fn bring_back(&mut self, position: Position, event: Arc<Event>) {
        let bytes = event.memory();
        if let Some(slot) = self.slot(position)
            && slot.event.is_none()
        {
            slot.event = Some(event);
            slot.bytes += bytes;
            self.bytes += bytes;
        }
    }

    /// Opens an event that was parked before.
    pub(super) fn open_parked(&mut self, parked: &Parked) {
        let slot = InFlight {
            event: Some(parked.event.clone()),
            received_at: parked.event.receipt().received_at,
            unsettled: 1,
            bytes: parked.event.memory(),
            history: Some(Box::new(History {
                open: parked.open.clone(),
                only: parked.only.clone(),
            })),
        };
        self.bytes += slot.bytes;
        self.parked.insert(parked.position, slot);
        self.open += 1;
    }

    /// Number of events under way that came back from the dead letters.
    pub(super) fn returned(&self) -> usize {
        self.parked.range(Parked::BACK..).count()
    }

    /// Gives up a parked event that can no longer be read.
    pub(super) fn forget_parked(&mut self, position: Position) {
        self.unparked.push(position);
    }

    /// Settles everything before this position that is not open.
    pub(super) fn skip_before(&mut self, position: Position) {
        self.end = self.end.max(position);
        if self.slots.is_empty() {
            self.base = self.end;
        }
    }

    /// Expects `more` further record outcomes for the event.
    pub(super) fn expect(&mut self, position: Position, more: u32) {
        if let Some(slot) = self.slot(position) {
            slot.unsettled += more;
        }
    }

    /// Adds the memory of a record to that of its event, until the event is settled.
    pub(super) fn holds(&mut self, position: Position, bytes: usize) {
        if let Some(slot) = self.slot(position) {
            slot.bytes += bytes;
            self.bytes += bytes;
        }
    }

    /// True if a mapping's record shall be made: it has not ended before, and no other was asked for.
    pub(super) fn wants(&mut self, position: Position, mapping: &str) -> bool {
        let history = self.slot(position).and_then(|slot| slot.history.as_ref());
        history.is_none_or(|history| {
            history.open.ended.iter().all(|(ended, _)| ended != mapping)
                && history.only.as_ref().is_none_or(|only| only == mapping)
        })
    }

    /// True if the operator asked for the event once more, past the memory of sent keys. Only events that came back can be
    /// such ones.
    pub(super) fn is_again(&mut self, position: Position) -> bool {
        position >= Parked::BACK && {
            let history = self.slot(position).and_then(|slot| slot.history.as_ref());
            history.is_some_and(|history| history.open.again)
        }
    }

    /// The one mapping that the operator asked for, if there was one.
    pub(super) fn only(&mut self, position: Position) -> Option<Arc<str>> {
        let history = self.slot(position)?.history.as_ref()?;
        history.only.as_deref().map(Into::into)
    }

    /// Returns the place of an event in the log; `None` if it never was there.
    pub(super) fn place(&mut self, position: Position) -> Option<Position> {
        if position < Parked::BACK {
            Some(position)
        } else {
            self.slot(position)?.history.as_ref()?.open.origin
        }
    }

    /// The positions of the oldest open events in the log, at most `count`.
    pub(super) fn oldest_open(&self, count: usize) -> Vec<Position> {
        let open = self.positions().filter(|(_, slot)| slot.is_some());
        open.map(|(position, _)| position).take(count).collect()
    }

    /// True if the event at a position is under way.
    pub(super) fn is_open(&mut self, position: Position) -> bool {
        self.slot(position).is_some()
    }

    /// The event at a position, as the journal has it, if it is at hand.
    pub(super) fn event(&mut self, position: Position) -> Option<Arc<Event>> {
        self.slot(position)?.event.clone()
    }

    /// Time at which the event at a position arrived.
    pub(super) fn received_at(&mut self, position: Position) -> Option<i64> {
        self.slot(position).map(|slot| slot.received_at)
    }

    /// Attempts made and Unix milliseconds of the first, as far as they were made before a restart.
    pub(super) fn history(&mut self, position: Position) -> (u32, i64) {
        let history = self.slot(position).and_then(|slot| slot.history.as_ref());
        history.map_or((0, 0), |history| {
            (history.open.attempts, history.open.first_attempt)
        })
    }

    /// Notes that a record was tried and waits again, to remember it over a restart.
    pub(super) fn tried(&mut self, position: Position, attempts: u32, first_attempt: i64) {
        let parked = self.parked.contains_key(&position);
        if let Some(slot) = self.slot(position) {
            let open = &mut slot.history(position).open;
            open.attempts = open.attempts.max(attempts);
            open.first_attempt = first_attempt;
            if parked {
                self.parked_changed.push(position);
            }
        }
    }

    /// Ends a whole event, with all records that were still expected; returns its outcome if it was open.
    pub(super) fn close_event(&mut self, position: Position, end: RecordEnd) -> Option<RecordEnd> {
        Some(self.take(position)?.end(Some(end), None))
    }

    /// Ends one record of an event; returns the event's outcome if it was the last.
    pub(super) fn close_record(
        &mut self,
        position: Position,
        mapping: &str,
        end: RecordEnd,
    ) -> Option<RecordEnd> {
        if self.is_last(position)? {
            return Some(self.take(position)?.end(None, Some(end)));
        }
        let slot = self.slot(position)?;
        slot.history(position).open.ended.push((mapping.to_owned(), end));
        None
    }

    /// Expects one record outcome fewer for an event; returns the event's outcome if it was the last.
    pub(super) fn expect_less(&mut self, position: Position) -> Option<RecordEnd> {
        if self.is_last(position)? {
            return Some(self.take(position)?.end(None, None));
        }
        None
    }

    /// Counts an end of an open event, and tells whether it was the last.
    fn is_last(&mut self, position: Position) -> Option<bool> {
        let slot = self.slot(position)?;
        slot.unsettled = slot.unsettled.saturating_sub(1);
        let last = slot.unsettled == 0;
        if !last && self.parked.contains_key(&position) {
            self.parked_changed.push(position);
        }
        Some(last)
    }

    /// Removes an open event.
    fn take(&mut self, position: Position) -> Option<InFlight> {
        let slot = if self.parked.contains_key(&position) {
            self.unparked.push(position);
            self.parked.remove(&position)?
        } else {
            let index = self.index(position)?;
            self.slots.get_mut(index)?.take()?
        };
        self.open -= 1;
        self.bytes -= slot.bytes;
        self.advance();
        Some(slot)
    }

    fn slot(&mut self, position: Position) -> Option<&mut InFlight> {
        // A replay may go back before a parked event; it stays parked then and is not opened twice.
        if !self.parked.is_empty() && self.parked.contains_key(&position) {
            return self.parked.get_mut(&position);
        }
        let index = self.index(position)?;
        self.slots.get_mut(index)?.as_mut()
    }

    /// True if an event is parked.
    pub(super) fn is_parked(&self, position: Position) -> bool {
        self.parked.contains_key(&position)
    }

    fn advance(&mut self) {
        while let Some(None) = self.slots.front() {
            self.pop();
        }
        // The reader leaves out positions that were settled before, so nothing else moves the cursor over the last
        // ones.
        while self.slots.is_empty()
            && let Some((_, to)) = self.settled_before.pop_front_if(|(from, _)| *from <= self.base)
        {
            self.skip_before(to);
        }
    }

    /// Takes the changes since the last call.
    pub(super) fn changes(&mut self, totals: Totals) -> Changes {
        let mut progress = Progress {
            cursor: self.base,
            totals,
            ..Progress::default()
        };
        let settled = &mut progress.settled;
        let mut settle = |from: Position, to: Position| match settled.last_mut() {
            Some((_, end)) if *end == from => *end = to,
            _ if from < to => settled.push((from, to)),
            _ => {}
        };
        let mut reached = self.base;
        for (position, slot) in self.positions() {
            settle(reached, position);
            reached = position + 1;
            match slot {
                None => settle(position, reached),
                Some(slot) => {
                    let open = slot.history.as_ref().map(|history| &history.open);
                    let tells = |open: &&Open| open.attempts > 0 || !open.ended.is_empty();
                    progress.open.extend(open.filter(tells).cloned());
                }
            }
        }
        settle(reached, self.end);
        let unread = self.settled_before.iter().filter(|(_, to)| *to > self.end);
        progress
            .settled
            .extend(unread.map(|(from, to)| ((*from).max(self.end), *to)));
        let changed = std::mem::take(&mut self.parked_changed);
        let parked_open = changed
            .iter()
            .filter_map(|at| self.parked.get(at).map(|slot| slot.open(*at)));
        Changes {
            parked_open: parked_open.collect(),
            progress,
            park: std::mem::take(&mut self.newly_parked),
            unpark: std::mem::take(&mut self.unparked),
        }
    }

    /// Events under way.
    pub(super) fn len(&self) -> usize {
        self.open
    }

    /// Memory that they and their records take, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Arrival of the oldest event under way, in Unix milliseconds; 0 if there is none.
    pub(super) fn oldest(&self) -> i64 {
        let parked = self.parked.values().map(|slot| slot.received_at).min();
        let first = self.slots.front().and_then(Option::as_ref);
        let first = first.map(|slot| slot.received_at);
        parked.into_iter().chain(first).min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
