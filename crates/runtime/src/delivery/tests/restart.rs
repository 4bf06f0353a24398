//! Restarts of a sink: another driver goes on where one left off.

use super::bench::{Bench, leave_after};
use super::*;

#[tokio::test(start_paused = true)]
async fn goes_on_exactly_at_the_records_that_are_not_settled() {
    let bench = Bench::new();
    drop(bench.open().await);
    bench.append(0..30).await;
    // Every third is put off, the others are delivered; then the driver leaves.
    let put_off = |ids: &[String]| {
        let each = |id: &String| match id.parse::<u32>().unwrap() % 3 {
            0 => retry(),
            _ => Outcome::delivered(),
        };
        Act::Each(ids.iter().map(each).collect())
    };
    bench.drive(leave_after(5), move |ids, _| put_off(ids)).await;
    assert_eq!(bench.ledger.pending(), 10);
    let (attempts, first) = {
        let (_, resumed) = bench.open().await;
        assert_eq!(resumed.unread, [("in".to_owned(), 10)]);
        (
            resumed.progress.open[0].attempts,
            resumed.progress.open[0].first_attempt,
        )
    };
    assert!(attempts >= 2 && first > 0);
    bench.journal.close();
    let before = bench.sent();
    bench.drive(Stop::default(), |_, _| Act::Deliver).await;
    assert_eq!(bench.ledger.pending(), 0);
    assert_eq!(bench.ledger.delivered.get(), 30);
    for (id, times) in bench.sent() {
        let again = times - before[&id];
        assert_eq!(again, usize::from(id.parse::<u32>().unwrap() % 3 == 0), "{id}");
    }
    assert_eq!(bench.journal.usage().events, 0);
}

#[tokio::test(start_paused = true)]
async fn retried_dead_letters_are_delivered_once_more_and_only_they() {
    let bench = Bench::new();
    drop(bench.open().await);
    bench.append(["a", "b", "c"]).await;
    let reject = |ids: &[String]| {
        let each = |id: &String| match id.as_str() {
            "b" => Outcome::Rejected(Reason::new("bad_field", "")),
            _ => Outcome::delivered(),
        };
        Act::Each(ids.iter().map(each).collect())
    };
    bench.drive(leave_after(5), move |ids, _| reject(ids)).await;
    let ids: Vec<_> = bench.dead().await.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids.len(), 1);
    let taken = bench.journal.take_dead_letters(&ids, true).await.unwrap();
    assert_eq!((taken.removed, taken.without_payload), (1, 0));
    bench.journal.close();
    bench.drive(Stop::default(), |_, _| Act::Deliver).await;
    assert_eq!(
        bench.sent(),
        BTreeMap::from([("a", 1), ("b", 2), ("c", 1)].map(|(id, n)| (id.into(), n)))
    );
    assert!(bench.dead().await.is_empty());
    assert_eq!(bench.ledger.pending(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_replay_delivers_a_range_again() {
    let bench = Bench::new();
    // Another sink keeps the events in the journal.
    let _other = bench.journal.reader("other", &listening()).await.unwrap();
    drop(bench.open().await);
    bench.append(0..20).await;
    bench.drive(leave_after(5), |_, _| Act::Deliver).await;
    let range = crate::operate::ReplayRange {
        again: false,
        from: crate::operate::Where::Position(5),
        to: Some(crate::operate::Where::Position(8)),
    };
    let (plan, progress) = crate::operate::plan_replay(&bench.journal, "sink", range)
        .await
        .unwrap();
    assert_eq!((plan.from, plan.to, plan.events), (5, 8, 3));
    bench.journal.set_progress("sink", progress).await.unwrap();
    bench.journal.close();
    bench.drive(Stop::default(), |_, _| Act::Deliver).await;
    let twice: Vec<_> = bench
        .sent()
        .into_iter()
        .filter(|(_, n)| *n == 2)
        .map(|(id, _)| id)
        .collect();
    assert_eq!(twice, ["5", "6", "7"]);
    assert_eq!((bench.ledger.pending(), bench.ledger.delivered.get()), (0, 23));
}

// On a paused clock a driver that wakes again and again would never let the time pass at which the attempt ends.
#[tokio::test(start_paused = true)]
async fn a_driver_that_leaves_sleeps_until_its_attempts_end() {
    let bench = Bench::new();
    let mut options = rig([""; 0]).options;
    options.requests.concurrency = 2;
    options.batch.max_events = 2;
    options.batch.max_wait = Duration::from_millis(100);
    let stage = bench.sink(|_, _| Act::DeliverLate).stage(&options);
    let stop = Stop::default();
    let driver = Driver::new(
        Parts::new(options, stage, Arc::default()),
        bench.open().await,
        bench.ledger.clone(),
        Arc::new(DeadLetters::new(PersonalData::None)),
        SinkMeters::none(),
        (stop.clone(), Arc::default(), Arc::default()),
    );
    let running = tokio::spawn(driver.run());
    bench.append(0..2).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    bench.append(2..3).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    stop.leave.cancel();
    running.await.unwrap();
    assert_eq!(bench.sent().into_keys().collect::<Vec<_>>(), ["0", "1"]);
    assert_eq!((bench.ledger.pending(), bench.ledger.delivered.get()), (1, 2));
}
