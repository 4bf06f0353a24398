//! The events of one sink that are read but not settled.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use signalbox_core::Event;
use signalbox_journal::{Open, Parked, Position, Progress, RecordEnd, Totals};

use super::in_flight::{History, InFlight};

/// Keeps open events by position and tells how far everything is settled.
///
/// A few events that stay open for long (their record is retried for hours) must not keep all later ones in
/// the journal: once the window spans more than its limit, the oldest open events are parked and the cursor
/// goes on.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    base: Position,
    slots: VecDeque<Option<InFlight>>,
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

/// What changed since the last commit.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) progress: Progress,
    pub(super) park: Vec<Parked>,
    pub(super) parked_open: Vec<Open>,
    pub(super) unpark: Vec<Position>,
}

impl Window {
    /// A window that goes on where a sink left off and spans at most so many positions.
    pub(super) fn new(progress: &Progress, limit: usize) -> Window {
        let mut window = Window {
            limit: limit.max(1),
            base: progress.cursor,
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

    /// Opens the event at a position, unsettled until [`Window::close`] is called as often as it was opened
    /// and [`Window::expect`]ed. Positions up to it that were never opened are settled.
    pub(super) fn open(&mut self, position: Position, event: Arc<Event>, history: Option<Open>) {
        self.skip_before(position);
        let bytes = event.memory();
        self.bytes += bytes;
        self.slots.push_back(Some(InFlight {
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
            if let Some(Some(slot)) = self.slots.pop_front() {
                self.newly_parked.extend(slot.event.clone().map(|event| Parked {
                    position: self.base,
                    event,
                    open: slot.open(self.base),
                    only: None,
                }));
                self.parked.insert(self.base, slot);
            }
            self.base += 1;
            self.advance();
        }
    }

    /// Which events have to be at hand, and are not, when the next ones up to a position are opened: the oldest are
    /// parked then.
    pub(super) fn wanted_by(&self, last: Position) -> Vec<Position> {
        let kept = (last + 1).saturating_sub(self.limit as u64);
        let open = (self.base..kept).zip(&self.slots);
        open.filter(|(_, slot)| slot.as_ref().is_some_and(|slot| slot.event.is_none()))
            .map(|(position, _)| position)
            .collect()
    }

    /// An event is not needed any more, unless something goes wrong: a parsed event takes three times what it takes
    /// in the journal, where it is until it is settled.
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

    /// Which of these are open and not at hand.
    pub(super) fn missing(&mut self, positions: impl Iterator<Item = Position>) -> Vec<Position> {
        let mut missing: Vec<Position> = positions
            .filter(|position| self.slot(*position).is_some_and(|slot| slot.event.is_none()))
            .collect();
        missing.sort_unstable();
        missing.dedup();
        missing
    }

    /// An event is at hand again.
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

    /// Everything before this position that is not open is settled.
    pub(super) fn skip_before(&mut self, position: Position) {
        while self.base + (self.slots.len() as u64) < position {
            if self.slots.is_empty() {
                self.base = position;
            } else {
                self.slots.push_back(None);
            }
        }
    }

    /// So many more ends will come for an event.
    pub(super) fn expect(&mut self, position: Position, more: u32) {
        if let Some(slot) = self.slot(position) {
            slot.unsettled += more;
        }
    }

    /// A record of an event takes so many bytes more, until the event is settled.
    pub(super) fn holds(&mut self, position: Position, bytes: usize) {
        if let Some(slot) = self.slot(position) {
            slot.bytes += bytes;
            self.bytes += bytes;
        }
    }

    /// Whether a mapping's record shall be made: it has not ended before, and no other was asked for.
    pub(super) fn wants(&mut self, position: Position, mapping: &str) -> bool {
        let history = self.slot(position).and_then(|slot| slot.history.as_ref());
        history.is_none_or(|history| {
            history.open.ended.iter().all(|(ended, _)| ended != mapping)
                && history.only.as_ref().is_none_or(|only| only == mapping)
        })
    }

    /// The one mapping that the operator asked for, if there was one.
    pub(super) fn only(&mut self, position: Position) -> Option<Arc<str>> {
        let history = self.slot(position)?.history.as_ref()?;
        history.only.as_deref().map(Into::into)
    }

    /// Where an event is in the log; `None` if it never was there.
    pub(super) fn place(&mut self, position: Position) -> Option<Position> {
        if position < Parked::BACK {
            Some(position)
        } else {
            self.slot(position)?.history.as_ref()?.open.origin
        }
    }

    /// The positions of the oldest open events still in the log, at most so many.
    pub(super) fn oldest_open(&self, count: usize) -> Vec<Position> {
        let open = (self.base..).zip(&self.slots).filter(|(_, slot)| slot.is_some());
        open.map(|(position, _)| position).take(count).collect()
    }

    /// Whether the event at a position is under way.
    pub(super) fn is_open(&mut self, position: Position) -> bool {
        self.slot(position).is_some()
    }

    /// The event at a position, as the journal has it, if it is at hand.
    pub(super) fn event(&mut self, position: Position) -> Option<Arc<Event>> {
        self.slot(position)?.event.clone()
    }

    /// When the event at a position arrived.
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

    /// A record was tried and waits again: worth remembering over a restart.
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

    /// Ends a whole event, whatever was expected of it; returns its outcome if it was open.
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
            let index = usize::try_from(position.checked_sub(self.base)?).ok()?;
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
        let index = usize::try_from(position.checked_sub(self.base)?).ok()?;
        self.slots.get_mut(index)?.as_mut()
    }

    /// Whether an event is parked.
    pub(super) fn is_parked(&self, position: Position) -> bool {
        self.parked.contains_key(&position)
    }

    fn advance(&mut self) {
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.base += 1;
        }
        // The reader leaves out what was settled before; nothing else would move past the last of it.
        while self.slots.is_empty()
            && let Some((_, to)) = self.settled_before.pop_front_if(|(from, _)| *from <= self.base)
        {
            self.base = self.base.max(to);
        }
    }

    /// What changed since this was called last.
    pub(super) fn changes(&mut self, totals: Totals) -> Changes {
        let mut progress = Progress {
            cursor: self.base,
            totals,
            ..Progress::default()
        };
        for (position, slot) in (self.base..).zip(&self.slots) {
            match (slot, progress.settled.last_mut()) {
                (Some(slot), _) => {
                    let open = slot.history.as_ref().map(|history| &history.open);
                    let tells = |open: &&Open| open.attempts > 0 || !open.ended.is_empty();
                    progress.open.extend(open.filter(tells).cloned());
                }
                (None, Some((_, to))) if *to == position => *to += 1,
                (None, _) => progress.settled.push((position, position + 1)),
            }
        }
        let read_to = self.base + self.slots.len() as u64;
        let unread = self.settled_before.iter().filter(|(_, to)| *to > read_to);
        progress
            .settled
            .extend(unread.map(|(from, to)| ((*from).max(read_to), *to)));
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

    /// When the oldest event under way arrived, in Unix milliseconds; 0 if there is none.
    pub(super) fn oldest(&self) -> i64 {
        let parked = self.parked.values().map(|slot| slot.received_at).min();
        let first = self.slots.front().and_then(Option::as_ref);
        let first = first.map(|slot| slot.received_at);
        parked.into_iter().chain(first).min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use signalbox_core::Receipt;

    fn event(received_at: i64) -> Arc<Event> {
        Arc::new(
            Event::parse(
                "{}",
                Receipt {
                    source: "s".into(),
                    received_at,
                },
            )
            .unwrap(),
        )
    }

    fn at(cursor: Position) -> Progress {
        Progress {
            cursor,
            ..Progress::default()
        }
    }

    fn rejected() -> RecordEnd {
        RecordEnd::Rejected("r".into())
    }

    /// Ends the record of the mapping `m`.
    fn close(window: &mut Window, position: Position, end: RecordEnd) -> Option<RecordEnd> {
        window.close_record(position, "m", end)
    }

    fn cursor(window: &mut Window) -> Position {
        window.changes(Totals::default()).progress.cursor
    }

    #[test]
    fn settles_out_of_order_and_advances_in_order() {
        let mut window = Window::new(&at(10), 100);
        for position in 10..13 {
            window.open(position, event(position as i64), None);
        }
        window.skip_before(14);
        assert_eq!((window.len(), cursor(&mut window)), (3, 10));
        assert_eq!(
            close(&mut window, 11, RecordEnd::Delivered),
            Some(RecordEnd::Delivered)
        );
        let progress = window.changes(Totals::default()).progress;
        assert_eq!(
            (progress.cursor, progress.settled),
            (10, vec![(11, 12), (13, 14)])
        );
        assert_eq!(
            close(&mut window, 11, RecordEnd::Delivered),
            None,
            "a settled event cannot settle again"
        );
        assert_eq!(
            window.close_event(10, RecordEnd::Filtered("f".into())),
            Some(RecordEnd::Filtered("f".into()))
        );
        assert_eq!((cursor(&mut window), window.oldest()), (12, 12));
        assert_eq!(
            close(&mut window, 12, RecordEnd::Delivered),
            Some(RecordEnd::Delivered)
        );
        assert_eq!((cursor(&mut window), window.oldest(), window.len()), (14, 0, 0));
    }

    #[test]
    fn parks_what_stays_open_for_long() {
        let mut window = Window::new(&at(0), 4);
        for position in 0..8 {
            window.open(position, event(100 + position as i64), None);
            if position != 1 && position != 6 {
                close(&mut window, position, RecordEnd::Delivered);
            }
        }
        let changes = window.changes(Totals::default());
        assert_eq!(
            (window.len(), changes.progress.cursor, window.oldest()),
            (2, 6, 101)
        );
        assert_eq!(
            changes
                .park
                .iter()
                .map(|parked| parked.position)
                .collect::<Vec<_>>(),
            [1]
        );
        window.tried(1, 3, 77);
        let changes = window.changes(Totals::default());
        assert!(changes.park.is_empty());
        assert_eq!(changes.parked_open[0].attempts, 3);
        assert_eq!(
            close(&mut window, 1, rejected()),
            Some(RecordEnd::Rejected("r".into()))
        );
        assert_eq!(window.changes(Totals::default()).unpark, [1]);
        assert_eq!((window.len(), window.oldest()), (1, 106));
        assert_eq!(close(&mut window, 1, RecordEnd::Delivered), None);
    }

    #[test]
    fn what_was_settled_before_is_passed_over() {
        let progress = Progress {
            cursor: 3,
            settled: vec![(4, 6), (8, 10)],
            ..Progress::default()
        };
        let mut window = Window::new(&progress, 100);
        for position in [3, 6, 7] {
            window.open(position, event(0), None);
        }
        for (position, expected) in [(3, 6), (7, 6), (6, 10)] {
            close(&mut window, position, RecordEnd::Delivered);
            assert_eq!(cursor(&mut window), expected, "{position}");
        }
        let mut window = Window::new(&progress, 100);
        window.open(3, event(0), None);
        assert_eq!(
            window.changes(Totals::default()).progress.settled,
            progress.settled,
            "not forgotten unread"
        );
        assert_eq!(
            cursor(&mut Window::new(
                &Progress {
                    settled: vec![(3, 5)],
                    ..at(3)
                },
                9
            )),
            5
        );
    }

    #[test]
    fn a_long_gap_costs_nothing() {
        let mut window = Window::new(&at(0), 4);
        window.skip_before(1 << 60);
        assert_eq!(cursor(&mut window), 1 << 60);
    }

    #[test]
    fn an_event_ends_by_its_worst_record() {
        let expired = || RecordEnd::Expired("e".into());
        let delivered = || RecordEnd::Delivered;
        for (ends, expected) in [
            (vec![delivered(), rejected()], RecordEnd::Rejected("r".into())),
            (
                vec![rejected(), expired(), delivered()],
                RecordEnd::Expired("e".into()),
            ),
            (vec![delivered(), delivered()], RecordEnd::Delivered),
        ] {
            let mut window = Window::new(&at(0), 100);
            window.open(0, event(0), None);
            window.expect(0, ends.len() as u32);
            assert_eq!(window.expect_less(0), None);
            let last = ends
                .into_iter()
                .filter_map(|end| close(&mut window, 0, end))
                .last();
            assert_eq!(last, Some(expected));
        }
    }

    #[test]
    fn what_ended_before_a_restart_is_not_wanted_again() {
        let mut window = Window::new(&at(0), 100);
        window.open(0, event(0), None);
        window.expect(0, 2);
        window.expect_less(0);
        close(&mut window, 0, RecordEnd::Delivered);
        let progress = window.changes(Totals::default()).progress;
        let mut again = Window::new(&progress, 100);
        again.open(0, event(0), progress.open.first().cloned());
        assert!(!again.wants(0, "m") && again.wants(0, "other"));
    }

    #[test]
    fn an_event_that_nothing_needs_takes_no_memory_until_it_is_brought_back() {
        let mut window = Window::new(&at(0), 4);
        for position in 0..3 {
            window.open(position, event(7), None);
        }
        let all = window.bytes();
        window.let_go(0);
        window.let_go(1);
        window.let_go(1);
        assert_eq!(window.bytes(), all / 3);
        assert!(window.event(0).is_none() && window.event(2).is_some());
        assert_eq!(window.received_at(0), Some(7));
        assert_eq!(window.missing([1, 0, 1, 2, 3].into_iter()), [0, 1]);
        window.bring_back(1, event(7));
        window.bring_back(2, event(7));
        assert_eq!(window.bytes(), all / 3 * 2);
        close(&mut window, 1, RecordEnd::Delivered);
        close(&mut window, 0, RecordEnd::Delivered);
        close(&mut window, 2, RecordEnd::Delivered);
        assert_eq!((window.bytes(), cursor(&mut window)), (0, 3));
    }

    #[test]
    fn what_is_parked_has_to_be_at_hand() {
        let mut window = Window::new(&at(0), 2);
        for position in 0..2 {
            window.open(position, event(0), None);
            window.let_go(position);
        }
        assert_eq!(window.wanted_by(1), [0; 0]);
        assert_eq!(window.wanted_by(2), [0]);
        assert_eq!(window.wanted_by(9), [0, 1]);
        window.bring_back(0, event(0));
        window.open(2, event(0), None);
        assert_eq!(window.changes(Totals::default()).park.len(), 1);
        // The second one is gone from the journal: it is not parked, and keeps its place.
        window.open(3, event(0), None);
        window.open(4, event(0), None);
        let changes = window.changes(Totals::default());
        assert_eq!((changes.park.len(), changes.progress.cursor), (0, 1));
        assert_eq!(
            close(&mut window, 1, RecordEnd::Delivered),
            Some(RecordEnd::Delivered)
        );
        assert_eq!(cursor(&mut window), 2);
    }
}
