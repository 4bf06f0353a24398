//! Preparing events, without a driver.

use signalbox_core::Framing;
use signalbox_journal::{DeadLetterQuota, Entry, OnFull};

use super::*;
use crate::delivery::events::Events;
use crate::delivery::fill::Fill;
use crate::delivery::gate::Gate;
use crate::delivery::hold::Holds;
use crate::delivery::outgoing::Outgoing;
use crate::delivery::pending::Pending;
use crate::delivery::sent_keys::SentKeys;

/// The values of a driver whose dead letters may take one byte.
async fn values(rig: Rig) -> (Fill, Pending) {
    let quota = DeadLetterQuota {
        sink_bytes: 1,
        on_full: OnFull::HoldSink,
        source_bytes: 1,
        max_age: None,
    };
    let journal = MemoryJournal::with_quota(1 << 30, quota);
    let (reader, mut resumed) = journal.reader("sink", &listening()).await.unwrap();
    let options = Arc::new(rig.options);
    let stage = Stage {
        transforms: rig.transforms,
        ..Scripted::new(|_, _| Act::Deliver).stage(&options)
    };
    let ledger = Arc::new(SinkLedger::default());
    let events = Events::new(
        options.name.clone(),
        reader,
        (&resumed.progress, options.window.events),
        SentKeys::new(Duration::from_secs(3600)),
        ledger.clone(),
        Arc::new(DeadLetters::new(PersonalData::None)),
    );
    let gate = Gate::of(Arc::default());
    let outgoing = Outgoing::new(options.clone(), ledger, Framing::default(), gate, Holds::none());
    let fill = Fill::new(options, Arc::new(stage), &mut resumed);
    (fill, Pending { events, outgoing })
}

fn entry(position: u64, source: &str, id: &str) -> Entry {
    let receipt = Receipt {
        source: source.into(),
        received_at: 1,
    };
    let event = Event::parse(&format!(r#"{{"messageId":"{id}"}}"#), receipt).unwrap();
    Entry {
        position,
        event: Arc::new(event),
    }
}

/// Positions of the records that go next.
fn next(pending: &mut Pending) -> Vec<u64> {
    let group = pending.outgoing.next(Instant::now(), 0, true, || true);
    let items = group.map(|group| group.items).unwrap_or_default();
    items.iter().map(|item| item.position).collect()
}

#[tokio::test(start_paused = true)]
async fn events_of_other_sources_are_passed_over() {
    let (mut fill, mut pending) = values(rig([""; 0])).await;
    let read = vec![
        entry(0, "other", "a"),
        entry(1, "in", "b"),
        entry(2, "other", "c"),
    ];
    fill.take_in(read, &mut pending);
    assert_eq!(pending.events.window.oldest_open(9), [1]);
    assert_eq!(next(&mut pending), [1]);
    fill.take_in(vec![entry(3, "in", "filtered")], &mut pending);
    assert_eq!(pending.events.window.oldest_open(9), [1]);
    assert_eq!(pending.events.ledger.filtered.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_goes_on_where_its_transform_let_it_wait() {
    let mut rig = rig([""; 0]);
    rig.transforms = vec![Box::new(Pace(Mutex::new(false)))];
    let (mut fill, mut pending) = values(rig).await;
    fill.take_in(vec![entry(0, "in", "slow")], &mut pending);
    assert_eq!((fill.aside(), next(&mut pending).len()), (1, 0));
    let until = fill.aside_until().unwrap();
    fill.wake(until - Duration::from_millis(1), &mut pending);
    assert_eq!(fill.aside(), 1);
    fill.wake(until, &mut pending);
    assert_eq!((fill.aside(), next(&mut pending)), (0, vec![0]));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_rejected_without_room_for_its_dead_letter() {
    let (mut fill, mut pending) = values(rig([""; 0])).await;
    // The first letter finds room.
    fill.take_in(
        vec![entry(0, "in", "half 1"), entry(1, "in", "half 2")],
        &mut pending,
    );
    assert_eq!(pending.events.ledger.records.rejected.total(), 1);
    assert!(pending.events.letters_full.is_full());
    assert_eq!(pending.events.letters_full.take(), [1]);
    let Entry { event, .. } = entry(1, "in", "half 2");
    pending.events.window.bring_back(1, event);
    fill.prepare_again(1, &mut pending);
    assert_eq!(pending.events.letters_full.take(), [1]);
    assert_eq!(
        pending.events.ledger.records.rejected.total(),
        1,
        "there still is none"
    );
    let mut group = pending.outgoing.next(Instant::now(), 0, true, || true).unwrap();
    pending.reject([(group.items.remove(0), Reason::new("bad_field", ""))]);
    assert_eq!(next(&mut pending), [0], "it waits again");
    assert_eq!(pending.events.window.oldest_open(9), [0, 1]);
}
