use signalbox_core::JournalKey;

use super::*;
use crate::record::{Outcome, Record};

/// A history whose thread is this test.
fn waiting(queue: usize, queue_bytes: usize) -> (History, Receiver<Message>) {
    let (sender, messages) = sync_channel(3);
    let settings = Settings {
        queue,
        queue_bytes,
        ..Settings::new("/nowhere")
    };
    let shared = Shared {
        settings,
        keys: IdKeys::derive([&JournalKey::new([1; 32])]).unwrap(),
        numbers: Arc::default(),
        open_ids: Arc::default(),
        sender,
        thread: Mutex::default(),
        peers: OnceLock::new(),
    };
    let history = History {
        shared: Arc::new(shared),
    };
    (history, messages)
}

fn hand(history: &History, records: u64) {
    let mut notes = history.notes();
    let record = Record::of_event("web", "ads", "e".into(), Outcome::Filtered, (0, 0));
    (0..records).for_each(|_| notes.add(&record));
    history.hand(notes);
}

/// Takes a handover as the thread does; returns its sum and its rows.
fn take(history: &History, messages: &Receiver<Message>) -> (i64, u64) {
    let Message::Notes(notes) = messages.try_recv().unwrap() else {
        panic!("expected notes")
    };
    history.shared.left(&notes.rows);
    let sum = notes.sums.into_iter().map(|(_, tally)| tally.count).sum();
    (sum, notes.rows.count())
}

#[test]
fn rows_too_many_are_dropped_and_counted_and_sums_go_on() {
    let (history, messages) = waiting(10, 1 << 20);
    hand(&history, 8);
    hand(&history, 3);
    let health = history.health();
    assert_eq!((health.queued, health.dropped), (8, 3));
    assert_eq!(take(&history, &messages), (8, 8));
    assert_eq!(take(&history, &messages), (3, 0));
    // Larger than the queue, but nothing waits.
    hand(&history, 20);
    assert_eq!(take(&history, &messages), (20, 20));
    let health = history.health();
    assert_eq!((health.queued, health.dropped), (0, 3));
    assert_eq!(history.shared.numbers.queued_bytes.load(Relaxed), 0);
}

#[test]
fn rows_that_take_too_much_memory_are_dropped() {
    let (history, messages) = waiting(1_000, 300);
    hand(&history, 1);
    hand(&history, 5);
    assert_eq!(history.health().dropped, 5);
    assert_eq!(take(&history, &messages), (1, 1));
    assert_eq!(take(&history, &messages), (5, 0));
}

#[test]
fn handovers_too_many_are_dropped_whole_and_counted_once() {
    let (history, messages) = waiting(2, 1 << 20);
    for _ in 0..5 {
        hand(&history, 1);
    }
    let health = history.health();
    assert_eq!(
        (health.queued, health.dropped),
        (2, 3),
        "a row, and two handovers"
    );
    for rows in [1, 1, 0] {
        assert_eq!(take(&history, &messages), (1, rows));
    }
    drop(messages);
    hand(&history, 1);
    let health = history.health();
    assert_eq!((health.queued, health.dropped), (0, 4));
}
