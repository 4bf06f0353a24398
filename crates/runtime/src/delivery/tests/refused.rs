//! Requests that the destination refuses as a whole.

use super::*;

#[tokio::test(start_paused = true)]
async fn bisects_until_the_culprits_are_alone() {
    let mut rig = rig(0..100);
    rig.options.batch.max_events = 100;
    let ended = rig
        .run(|ids, _| {
            if ids.iter().any(|id| id == "13" || id == "77") {
                Act::Isolate
            } else {
                Act::Deliver
            }
        })
        .await;
    ended.assert_closed(100);
    assert_eq!(ended.ledger.delivered.get(), 98);
    assert_eq!(
        ended.dead(),
        BTreeMap::from([("13", "bad_request"), ("77", "bad_request")].map(|(a, b)| (a.into(), b.into())))
    );
    assert!(ended.log.len() < 40, "{} attempts", ended.log.len());
}

#[tokio::test(start_paused = true)]
async fn a_few_bad_records_without_good_ones_are_rejected() {
    let ended = rig(0..7).run(|_, _| Act::Isolate).await;
    ended.assert_closed(7);
    assert_eq!(ended.ledger.rejected.snapshot()["bad_request"], 7);
    assert_eq!(ended.ledger.held.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn when_everything_is_refused_it_holds_and_loses_nothing() {
    let mut rig = rig(0..1_000);
    rig.options.batch.max_events = 500;
    rig.options.requests.concurrency = 3;
    rig.probes_fail_until = Duration::from_secs(1_000);
    let ended = rig.run(until(1_000, || Act::Isolate)).await;
    ended.assert_closed(1_000);
    assert_eq!(ended.ledger.delivered.get(), 1_000, "{:?}", ended.ledger.rejected);
    assert_eq!(ended.ledger.held.total(), 1);
}

#[tokio::test(start_paused = true)]
async fn encodes_again_once_for_each_lesson() {
    let count = Mutex::new(0);
    let ended = rig(0..3)
        .run(move |_, _| {
            let mut count = count.lock().unwrap();
            *count += 1;
            match *count {
                1 => Act::Reencode("color"),
                2 => Act::Reencode("size"),
                // The same again: it did not help, so it is isolated.
                3 => Act::Reencode("color"),
                _ => Act::Deliver,
            }
        })
        .await;
    ended.assert_closed(3);
    assert_eq!(ended.ledger.delivered.get(), 3);
    assert_eq!(
        ended.batches().iter().map(Vec::len).collect::<Vec<_>>(),
        [3, 3, 3, 1, 2]
    );
}

#[tokio::test(start_paused = true)]
async fn a_panic_costs_only_the_record_that_panics_alone() {
    let ended = rig(["a", "b", "bomb", "c", "panic"])
        .run(|ids, _| {
            if ids.iter().any(|id| id == "bomb") {
                Act::Panic
            } else {
                Act::Deliver
            }
        })
        .await;
    ended.assert_closed(5);
    assert_eq!(ended.ledger.delivered.get(), 3);
    assert_eq!(ended.dead()["bomb"], "delivery_panicked");
    assert_eq!(ended.dead()["panic"], "mapping_panicked");
}
