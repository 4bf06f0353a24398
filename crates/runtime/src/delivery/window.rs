//! The events of one sink that are read but not settled.

use std::collections::{BTreeMap, VecDeque};

use signalbox_journal::Position;

/// How one record (or a whole event that made none) ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    Delivered,
    Filtered(String),
    Rejected(String),
    Expired(String),
}

/// An event under way.
#[derive(Debug, Default)]
struct Open {
    received_at: i64,
    unsettled: u32,
    delivered: bool,
    filtered: Option<String>,
    rejected: Option<String>,
    expired: Option<String>,
}

impl Open {
    /// The event's outcome is the first that applies: expired, rejected, delivered; filtered only if it made
    /// no record.
    fn end(self) -> End {
        match (self.expired, self.rejected, self.delivered, self.filtered) {
            (Some(code), ..) => End::Expired(code),
            (_, Some(code), ..) => End::Rejected(code),
            (_, _, false, Some(code)) => End::Filtered(code),
            _ => End::Delivered,
        }
    }
}

/// Keeps open events by position and tells how far everything is settled.
///
/// A few events that stay open for long (their record is retried for hours) must not keep all later ones in
/// the journal: once the window spans more than its limit, the oldest open events are parked and the window
/// goes on. While parked an event is held by the driver alone.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    base: Position,
    slots: VecDeque<Option<Open>>,
    parked: BTreeMap<Position, Open>,
    open: usize,
}

impl Window {
    /// A window that spans at most so many positions.
    pub(super) fn new(limit: usize) -> Window {
        Window {
            limit: limit.max(1),
            base: 0,
            slots: VecDeque::new(),
            parked: BTreeMap::new(),
            open: 0,
        }
    }

    /// Opens the event at a position, unsettled until [`Window::close`] is called as often as it was opened
    /// and [`Window::expect`]ed.
    pub(super) fn open(&mut self, position: Position, received_at: i64) {
        self.skip_to(position);
        self.slots.push_back(Some(Open {
            received_at,
            unsettled: 1,
            ..Open::default()
        }));
        self.open += 1;
        while self.slots.len() > self.limit {
            if let Some(Some(open)) = self.slots.pop_front() {
                self.parked.insert(self.base, open);
            }
            self.base += 1;
            self.advance();
        }
    }

    /// Passes over an event that is not for this sink.
    pub(super) fn skip(&mut self, position: Position) {
        self.skip_to(position);
        self.slots.push_back(None);
        self.advance();
    }

    fn skip_to(&mut self, position: Position) {
        if self.slots.is_empty() {
            self.base = position;
        }
        while self.base + (self.slots.len() as u64) < position {
            self.slots.push_back(None);
        }
    }

    /// So many more ends will come for an event.
    pub(super) fn expect(&mut self, position: Position, more: u32) {
        if let Some(open) = self.slot(position) {
            open.unsettled += more;
        }
    }

    /// One end came; returns the event's own end if it was the last.
    pub(super) fn close(&mut self, position: Position, end: Option<End>) -> Option<End> {
        let open = self.slot(position)?;
        match end {
            Some(End::Delivered) => open.delivered = true,
            Some(End::Filtered(code)) => open.filtered = Some(code),
            Some(End::Rejected(code)) => open.rejected = Some(code),
            Some(End::Expired(code)) => open.expired = Some(code),
            None => {}
        }
        open.unsettled = open.unsettled.saturating_sub(1);
        if open.unsettled > 0 {
            return None;
        }
        let open = match position.checked_sub(self.base) {
            Some(index) => self.slots.get_mut(usize::try_from(index).ok()?)?.take()?,
            None => self.parked.remove(&position)?,
        };
        self.open -= 1;
        self.advance();
        Some(open.end())
    }

    fn slot(&mut self, position: Position) -> Option<&mut Open> {
        match position.checked_sub(self.base) {
            Some(index) => self.slots.get_mut(usize::try_from(index).ok()?)?.as_mut(),
            None => self.parked.get_mut(&position),
        }
    }

    fn advance(&mut self) {
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.base += 1;
        }
    }

    /// Everything before this position is settled or parked.
    pub(super) fn settled_before(&self) -> Position {
        self.base
    }

    /// Events under way.
    pub(super) fn len(&self) -> usize {
        self.open
    }

    /// When the oldest event under way arrived; 0 if there is none.
    pub(super) fn oldest(&self) -> i64 {
        let parked = self.parked.values().next();
        parked
            .or(self.slots.front().and_then(Option::as_ref))
            .map_or(0, |open| open.received_at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settles_out_of_order_and_advances_in_order() {
        let mut window = Window::new(100);
        for position in 10..13 {
            window.open(position, position as i64);
        }
        window.skip(13);
        assert_eq!((window.len(), window.settled_before()), (3, 10));
        assert_eq!(window.close(11, Some(End::Delivered)), Some(End::Delivered));
        assert_eq!(window.settled_before(), 10);
        assert_eq!(
            window.close(11, Some(End::Delivered)),
            None,
            "a settled event cannot settle again"
        );
        assert_eq!(
            window.close(10, Some(End::Filtered("f".into()))),
            Some(End::Filtered("f".into()))
        );
        assert_eq!((window.settled_before(), window.oldest()), (12, 12));
        assert_eq!(window.close(12, Some(End::Delivered)), Some(End::Delivered));
        assert_eq!(
            (window.settled_before(), window.oldest(), window.len()),
            (14, 0, 0)
        );
    }

    #[test]
    fn parks_what_stays_open_for_long() {
        let mut window = Window::new(4);
        for position in 0..8 {
            window.open(position, 100 + position as i64);
            if position != 1 && position != 6 {
                window.close(position, Some(End::Delivered));
            }
        }
        assert_eq!(
            (window.len(), window.settled_before(), window.oldest()),
            (2, 6, 101)
        );
        assert_eq!(
            window.close(1, Some(End::Rejected("r".into()))),
            Some(End::Rejected("r".into()))
        );
        assert_eq!((window.len(), window.oldest()), (1, 106));
        assert_eq!(window.close(1, Some(End::Delivered)), None);
    }

    #[test]
    fn an_event_ends_by_its_worst_record() {
        for (ends, expected) in [
            (
                vec![End::Delivered, End::Rejected("r".into())],
                End::Rejected("r".into()),
            ),
            (
                vec![
                    End::Rejected("r".into()),
                    End::Expired("e".into()),
                    End::Delivered,
                ],
                End::Expired("e".into()),
            ),
            (vec![End::Delivered, End::Delivered], End::Delivered),
        ] {
            let mut window = Window::new(100);
            window.open(0, 0);
            window.expect(0, ends.len() as u32);
            assert_eq!(window.close(0, None), None);
            let last = ends
                .into_iter()
                .filter_map(|end| window.close(0, Some(end)))
                .last();
            assert_eq!(last, Some(expected));
        }
    }
}
