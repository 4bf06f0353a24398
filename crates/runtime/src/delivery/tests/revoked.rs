//! A sink's driver when another reader of its name is opened.

use super::*;
use crate::rate_group::RateGroup;

/// The ids that a sink was sent.
type Sent = Arc<Mutex<Vec<String>>>;

/// Opens a reader of the sink and starts its driver.
async fn drive(journal: &MemoryJournal) -> (tokio::task::JoinHandle<Parts>, Sent) {
    let sent = Sent::default();
    let options = rig([""; 0]).options;
    let of_sink = sent.clone();
    let sink = Scripted::new(move |ids, _| {
        of_sink.lock().unwrap().extend(ids.iter().cloned());
        Act::Deliver
    });
    let stage = sink.stage(&options);
    let driver = Driver::new(
        Parts::new(options, stage, Arc::new(RateGroup::full(None))),
        journal.reader("sink", &listening()).await.unwrap(),
        Arc::default(),
        Arc::new(DeadLetters::new(PersonalData::None)),
        SinkMeters::none(),
        (Stop::default(), Arc::default(), Arc::default()),
    );
    (tokio::spawn(driver.run()), sent)
}

#[tokio::test(start_paused = true)]
async fn the_driver_ends_and_the_next_one_delivers_the_rest() {
    let journal = MemoryJournal::new(1 << 30);
    let (first, by_first) = drive(&journal).await;
    journal.append(vec![event("1"), event("2")]).await.unwrap();
    // Time stands still until both tasks wait, so the batch has been delivered and committed afterwards.
    tokio::time::sleep(Duration::from_secs(5)).await;
    let (second, by_second) = drive(&journal).await;
    first.await.unwrap();
    journal.append(vec![event("3")]).await.unwrap();
    journal.close();
    second.await.unwrap();
    assert_eq!(*by_first.lock().unwrap(), ["1", "2"]);
    assert_eq!(*by_second.lock().unwrap(), ["3"]);
    assert_eq!(journal.usage().events, 0);
}
