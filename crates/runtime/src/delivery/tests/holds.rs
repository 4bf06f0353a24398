//! The beginnings and ends of holds.

use super::bench::{Bench, leave_after};
use super::*;
use crate::hold::HoldCause;

#[tokio::test(start_paused = true)]
async fn a_delivery_that_succeeds_ends_a_hold_by_the_destination() {
    let mut rig = rig(0..20);
    rig.options.requests.concurrency = 2;
    // No probe will succeed.
    rig.probes_fail_until = Duration::MAX;
    let ended = rig
        .run(|ids, at| match ids[0].as_str() {
            "0" if at.is_zero() => Act::Hold,
            "10" => Act::DeliverLate,
            _ => Act::Deliver,
        })
        .await;
    ended.assert_closed(20);
    assert_eq!(ended.ledger.held.begun(HoldCause::Destination), 1);
    assert_eq!(ended.ledger.held.first(), None);
    assert!(ended.took < Duration::from_secs(5), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn probes_that_promise_too_much_do_not_make_the_sink_try_all_the_time() {
    let day = Duration::from_secs(86_400);
    let ended = rig(0..5)
        .run(move |_, at| if at < day { Act::Hold } else { Act::Deliver })
        .await;
    ended.assert_closed(5);
    let tries: Vec<u64> = ended.log.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(tries[..7], [0, 5, 15, 35, 75, 135, 195]);
    assert_eq!(ended.ledger.held.total(), tries.len() as u64 - 1);
}

#[tokio::test(start_paused = true)]
async fn another_driver_of_the_same_sink_takes_the_hold_over_and_probes_at_once() {
    let bench = Bench::new();
    drop(bench.open().await);
    bench.append(0..3).await;
    let started = Instant::now();
    let accepts_after = Duration::from_secs(30);
    let parts = bench
        .drive(leave_after(4), move |_, at| {
            if at < accepts_after {
                Act::Hold
            } else {
                Act::Deliver
            }
        })
        .await;
    let held = |ledger: &SinkLedger| ledger.held.first().map(|(cause, _)| cause);
    assert_eq!(held(&bench.ledger), Some(HoldCause::Destination));
    tokio::time::sleep_until(started + accepts_after).await;
    bench.journal.close();
    bench.go(parts, Stop::default()).await;
    assert_eq!(held(&bench.ledger), None);
    assert_eq!((bench.ledger.delivered.get(), bench.ledger.held.total()), (3, 1));
    assert!(started.elapsed() < accepts_after + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_changed_sink_is_not_held_by_what_held_the_one_before() {
    let bench = Bench::new();
    drop(bench.open().await);
    bench.append(0..3).await;
    bench.drive(leave_after(4), |_, _| Act::Hold).await;
    assert!(bench.ledger.held.by(HoldCause::Destination));
    bench.journal.close();
    bench.drive(Stop::default(), |_, _| Act::Deliver).await;
    assert_eq!(bench.ledger.held.first(), None);
    assert_eq!(bench.ledger.delivered.get(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_operators_hold_ends_neither_by_time_nor_by_probes() {
    let mut rig = rig(0..3);
    rig.options.hold = true;
    let stop = Stop::default();
    let drain = stop.drain.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        drain.cancel();
    });
    let ended = rig.run_until(|_, _| Act::Deliver, stop).await;
    assert!(ended.log.is_empty(), "{:?}", ended.log);
    assert_eq!((ended.ledger.pending(), ended.left_in_journal), (3, 3));
    assert_eq!(ended.ledger.held.first().unwrap().0, HoldCause::Operator);
    assert!(ended.took >= Duration::from_secs(86_400));
}

#[tokio::test(start_paused = true)]
async fn holds_for_the_operator_and_goes_on_by_itself() {
    let mut rig = rig(0..25);
    // Longer than a record may be retried: time on hold does not count.
    rig.probes_fail_until = Duration::from_secs(3_000);
    let ended = rig.run(until(3_000, || Act::Hold)).await;
    ended.assert_closed(25);
    assert_eq!(ended.ledger.delivered.get(), 25);
    assert_eq!(ended.ledger.held.total(), 1);
    assert_eq!(
        ended.log.iter().filter(|(at, _)| at.as_secs() < 3_000).count(),
        1,
        "only probes while held"
    );
    assert!(ended.ledger.held.first().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_stop_while_held_leaves_everything() {
    let mut rig = rig(0..25);
    rig.probes_fail_until = Duration::MAX;
    let stop = Stop::default();
    let drain = stop.drain.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_secs(100)).await;
        drain.cancel();
    });
    let ended = rig.run_until(|_, _| Act::Hold, stop).await;
    assert_eq!(ended.ledger.pending(), 25);
    assert_eq!(ended.left_in_journal, 25);
    assert!(ended.took < Duration::from_secs(101));
}
