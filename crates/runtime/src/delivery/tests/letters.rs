//! Dead letters that fill up, and events that come back from them.

use signalbox_journal::{DeadLetterQuota, OnFull};

use super::bench::Bench;
use super::*;
use crate::hold::HoldCause;

const SMALL: DeadLetterQuota = DeadLetterQuota {
    sink_bytes: 2_000,
    on_full: OnFull::HoldSink,
    source_bytes: 2_000,
    max_age: None,
};

/// Rejects ids that begin with `bad`.
fn judge(ids: &[String]) -> Act {
    let each = |id: &String| match id.starts_with("bad") {
        true => Outcome::Rejected(Reason::new("bad_field", "")),
        false => Outcome::delivered(),
    };
    Act::Each(ids.iter().map(each).collect())
}

/// Ids of three kinds: the destination rejects `bad`, one mapping makes no record of `half`, and `good` passes.
fn mixed() -> Vec<String> {
    let kinds = ["bad", "half", "good"];
    (0..120).map(|n| format!("{} {n}", kinds[n % 3])).collect()
}

#[tokio::test(start_paused = true)]
async fn what_finds_no_room_stays_and_goes_on_when_room_is_made() {
    let bench = Arc::new(Bench::with_quota(SMALL));
    drop(bench.open().await);
    bench.append(mixed()).await;
    let stop = Stop::default();
    let driving = {
        let (bench, stop) = (bench.clone(), stop.clone());
        tokio::spawn(async move { bench.drive(stop, |ids, _| judge(ids)).await })
    };
    let mut discarded = 0;
    let mut fills = 0;
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_secs(20)).await;
        let ledger = &bench.ledger;
        if ledger.pending() == 0 {
            break;
        }
        // Nothing is lost, and nothing goes on by itself.
        assert!(
            ledger.held.by(HoldCause::DeadLettersFull),
            "{:?}",
            ledger.held.first()
        );
        let pending = ledger.pending();
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert_eq!(ledger.pending(), pending);
        let ids: Vec<u64> = bench.dead().await.into_iter().map(|(id, _)| id).collect();
        discarded += bench
            .journal
            .take_dead_letters(&ids, false)
            .await
            .unwrap()
            .removed;
        fills += 1;
    }
    let ledger = &bench.ledger;
    assert!(fills > 1, "it was full only {fills} times");
    assert_eq!(ledger.pending(), 0);
    let left = bench.dead().await.len() as u64;
    assert_eq!((ledger.delivered.get(), ledger.rejected.total()), (40, 80));
    assert_eq!(discarded + left, 80, "a letter for each rejection, and no more");
    assert!(!ledger.held.by(HoldCause::DeadLettersFull));
    let sent = bench.sent();
    assert!(
        mixed()
            .iter()
            .filter(|id| id.starts_with("good"))
            .all(|id| sent[id] == 1),
        "{sent:?}"
    );
    bench.journal.close();
    driving.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn thousands_that_come_back_are_delivered_without_another_driver() {
    let bench = Arc::new(Bench::new());
    drop(bench.open().await);
    bench.append((0..3_000).map(|n| format!("bad {n}"))).await;
    let cured = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let (news, stop) = (Arc::new(tokio::sync::Notify::new()), Stop::default());
    let driving = {
        let (bench, cured, news) = (bench.clone(), cured.clone(), news.clone());
        let script = move |ids: &[String], _| match cured.load(std::sync::atomic::Ordering::SeqCst) {
            true => Act::Deliver,
            false => judge(ids),
        };
        tokio::spawn(async move { bench.drive_with(stop, news, script).await })
    };
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.ledger.rejected.total(), 3_000);
    cured.store(true, std::sync::atomic::Ordering::SeqCst);
    let ids: Vec<u64> = (1..=3_000).collect();
    let taken = bench.journal.take_dead_letters(&ids, true).await.unwrap();
    assert_eq!(taken.returned, [("sink".to_owned(), 3_000)]);
    bench.ledger.journalled.add(3_000);
    news.notify_one();
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!((bench.ledger.delivered.get(), bench.ledger.pending()), (3_000, 0));
    assert_eq!(bench.dead().await.len(), 0);
    bench.journal.close();
    driving.await.unwrap();
}
