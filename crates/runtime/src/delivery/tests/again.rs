//! Events that the operator sends again.

use signalbox_journal::SendAgain;
use tokio::sync::Notify;

use super::bench::Bench;
use super::*;

#[tokio::test(start_paused = true)]
async fn an_event_goes_out_again_once_for_each_key() {
    let bench = Bench::new();
    // Another sink keeps the event in the journal.
    let _other = bench.journal.reader("other", &listening()).await.unwrap();
    let options = rig([""; 0]).options;
    let stage = bench.sink(|_, _| Act::Deliver).stage(&options);
    let news = Arc::new(Notify::new());
    let driver = Driver::new(
        Parts::new(options, stage, Arc::default()),
        bench.open().await,
        bench.ledger.clone(),
        Arc::new(DeadLetters::new(PersonalData::None)),
        SinkMeters::none(),
        (Stop::default(), Arc::default(), news.clone()),
    );
    let running = tokio::spawn(driver.run());
    bench
        .journal
        .append(vec![event("keyed pair"), event("keyed")])
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    // Three records, one key.
    let once = BTreeMap::from([("keyed pair".to_owned(), 1)]);
    assert_eq!((bench.sent(), bench.ledger.records.duplicate.get()), (once, 2));

    let again = bench
        .journal
        .events_at(&[0])
        .await
        .unwrap()
        .into_iter()
        .map(|entry| SendAgain {
            event: entry.event,
            place: Some(entry.position),
            only: None,
            letters: Vec::new(),
        });
    let given = bench.journal.send_again("sink", again.collect()).await;
    assert_eq!(given, Ok(vec![true]));
    bench.ledger.journalled.add(1);
    news.notify_one();
    tokio::time::sleep(Duration::from_secs(60)).await;
    bench.journal.close();
    running.await.unwrap();
    let twice = BTreeMap::from([("keyed pair".to_owned(), 2)]);
    assert_eq!((bench.sent(), bench.ledger.records.duplicate.get()), (twice, 3));
    assert_eq!((bench.ledger.pending(), bench.ledger.delivered.get()), (0, 3));
}
