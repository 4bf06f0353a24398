//! The window, and its slow twin.

use proptest::prelude::*;
use signalbox_core::Receipt;

use super::*;

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
    window.open(1 << 60, event(0), None);
    window.open(1 << 61, event(0), None);
    let progress = window.changes(Totals::default()).progress;
    let gap = ((1 << 60) + 1, 1 << 61);
    assert_eq!((progress.cursor, progress.settled), (1 << 60, vec![gap]));
    close(&mut window, 1 << 60, RecordEnd::Delivered);
    assert_eq!(cursor(&mut window), 1 << 61);
}

/// A step of a sink through its journal.
#[derive(Debug, Clone)]
enum Step {
    /// Opens the next event after a gap.
    Open(u64),
    /// Passes over the next event after a gap.
    Pass(u64),
    /// Reads over positions without an event.
    Skip(u64),
    /// Ends one of the open events.
    Close(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let gap = || prop_oneof![4 => Just(0u64), 1 => 1..4u64];
    let step = prop_oneof![
        4 => gap().prop_map(Step::Open),
        1 => gap().prop_map(Step::Pass),
        1 => (1..4u64).prop_map(Step::Skip),
        4 => (0..8usize).prop_map(Step::Close),
    ];
    proptest::collection::vec(step, 0..60)
}

/// Keeps a state for each position, read or not: the slow twin.
#[derive(Default)]
struct Twin {
    next: Position,
    /// Events in the window; false once settled.
    events: BTreeMap<Position, bool>,
    parked: Vec<Position>,
}

impl Twin {
    fn cursor(&self) -> Position {
        let open = self.events.iter().find(|(_, open)| **open);
        open.map_or(self.next, |(position, _)| *position)
    }

    /// Forgets settled events at the front, and parks the oldest beyond the limit.
    fn advance(&mut self, limit: usize) {
        loop {
            let Some(first) = self.events.first_entry() else {
                return;
            };
            if *first.get() && self.events.len() <= limit {
                return;
            }
            if let (position, true) = self.events.pop_first().unwrap() {
                self.parked.push(position);
            }
        }
    }

    fn open(&self) -> Vec<Position> {
        let open = self.events.iter().filter(|(_, open)| **open);
        open.map(|(position, _)| *position).collect()
    }

    fn settled(&self) -> Vec<(Position, Position)> {
        let mut ranges: Vec<(Position, Position)> = Vec::new();
        for position in self.cursor()..self.next {
            match ranges.last_mut() {
                _ if self.events.get(&position) == Some(&true) => {}
                Some((_, to)) if *to == position => *to += 1,
                _ => ranges.push((position, position + 1)),
            }
        }
        ranges
    }
}

proptest! {
    #[test]
    fn agrees_with_its_slow_twin_over_gaps(steps in steps(), limit in 1..6usize) {
        let (mut window, mut twin) = (Window::new(&at(0), limit), Twin::default());
        for step in steps {
            match step {
                Step::Open(gap) => {
                    let position = twin.next + gap;
                    twin.next = position + 1;
                    twin.events.insert(position, true);
                    window.open(position, event(0), None);
                    twin.advance(limit);
                }
                Step::Pass(gap) => {
                    let position = twin.next + gap;
                    twin.next = position + 1;
                    window.pass(position);
                    twin.events.insert(position, false);
                    twin.advance(usize::MAX);
                }
                Step::Skip(more) => {
                    twin.next += more;
                    window.skip_before(twin.next);
                }
                Step::Close(which) => {
                    let open = [twin.parked.clone(), twin.open()].concat();
                    if let Some(position) = open.get(which) {
                        twin.parked.retain(|parked| parked != position);
                        twin.events.entry(*position).and_modify(|open| *open = false);
                        let ended = close(&mut window, *position, RecordEnd::Delivered);
                        prop_assert_eq!(ended, Some(RecordEnd::Delivered));
                        prop_assert_eq!(close(&mut window, *position, RecordEnd::Delivered), None);
                        twin.advance(usize::MAX);
                    }
                }
            }
            let progress = window.changes(Totals::default()).progress;
            prop_assert_eq!(progress.cursor, twin.cursor());
            prop_assert_eq!(progress.settled, twin.settled());
            prop_assert_eq!(window.oldest_open(usize::MAX), twin.open());
            prop_assert_eq!(window.len(), twin.open().len() + twin.parked.len());
            for position in 0..=twin.next {
                let open = twin.events.get(&position) == Some(&true) || twin.parked.contains(&position);
                prop_assert_eq!(window.is_open(position), open, "{}", position);
            }
        }
    }
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
    assert_eq!(window.wanted_by(0), [0; 0]);
    assert_eq!(window.wanted_by(1), [0]);
    assert_eq!(window.wanted_by(8), [0, 1]);
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
