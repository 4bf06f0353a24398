//! The book against a server.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_nats::jetstream;
use signalbox_testkit::NatsCluster;

use super::key::Key;
use super::open::{Opened, StoreOptions};
use super::store::{MOST, Refused, Store, Write};
use super::values::json;
use crate::sink_record::SinkRecord;
use crate::{DeadLetter, DeadLetterQuota, Parked};

async fn open(cluster: &NatsCluster, node: &str) -> Opened {
    let client = async_nats::connect(cluster.url(0)).await.unwrap();
    let options = StoreOptions {
        prefix: "sbx".into(),
        replicas: cluster.len(),
        node: node.into(),
        start: uuid::Uuid::new_v4().to_string(),
        quota: DeadLetterQuota::default(),
        keys: None,
    };
    Store::open(jetstream::new(client), options, None).await.unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn sink(name: &str) -> Key {
    Key::Sink(name.into())
}

fn record(cursor: u64) -> Vec<u8> {
    let mut record = SinkRecord::default();
    record.progress.cursor = cursor;
    json(&record).unwrap()
}

async fn reads(store: &Store, cursor: u64) {
    let until = soon();
    while store
        .book()
        .sinks
        .get("a")
        .map(|sink| sink.record.progress.cursor)
        != Some(cursor)
    {
        assert!(Instant::now() < until);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn routers_see_each_others_records_and_fence_each_other() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let (one, other) = tokio::join!(open(&cluster, "one"), open(&cluster, "other"));
    assert_eq!(one.id, other.id, "the journal has one identity");
    let (one, other) = (one.store, other.store);
    let first = one
        .write_and_read(&[Write::set(sink("a"), record(1)).over(0)], soon())
        .await
        .unwrap();
    reads(&other, 1).await;
    let second = other
        .write_and_read(&[Write::set(sink("a"), record(2)).over(first)], soon())
        .await
        .unwrap();
    let letter = Write::set(
        Key::Letter("a".into(), "1-m".into()),
        json(&DeadLetter::default()).unwrap(),
    );
    let late = [Write::set(sink("a"), record(9)).over(first), letter.clone()];
    assert_eq!(one.write(&late, soon()).await, Err(Refused::Fenced));
    let batch = [Write::set(sink("a"), record(3)).over(second), letter];
    let last = one.write_and_read(&batch, soon()).await.unwrap();
    assert_eq!(last, one.book().sequence(&sink("a")) + 1);
    assert_eq!(
        one.book().counts["a"].kept,
        1,
        "nothing of the late change was written"
    );
    // A condition on another record than the first holds for the whole change, too.
    let stale = [
        Write::set(sink("a"), record(4)),
        Write::remove(Key::Letter("a".into(), "1-m".into())).over(first),
    ];
    assert_eq!(one.write(&stale, soon()).await, Err(Refused::Fenced));
    let removal = [Write::remove(Key::Letter("a".into(), "1-m".into())).over(last)];
    let change = one.change();
    let removed = one.write_as(&change, &removal, soon()).await.unwrap();
    let again = one.write_as(&change, &removal, soon()).await;
    assert_eq!(again, Ok(removed), "a change that is sent again is found");
    one.has_read(removed).await;
    assert_eq!(one.book().counts["a"].kept, 0);
    assert_eq!(one.book().letters.len(), 0);
    reads(&other, 3).await;
    // A router that begins now reads the same.
    let third = open(&cluster, "third").await.store;
    assert_eq!(third.book().sinks["a"].record.progress.cursor, 3);
    assert_eq!(third.book().letters.len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_change_is_written_and_a_longer_one_is_refused() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let store = open(&cluster, "one").await.store;
    let writes = |count: usize| -> Vec<Write> {
        (0..count)
            .map(|n| Write::set(Key::Checkpoint("s".into(), n.to_string()), b"7".to_vec()))
            .collect()
    };
    assert!(matches!(
        store.write(&writes(MOST + 1), soon()).await,
        Err(Refused::Failed(_))
    ));
    store.write_and_read(&writes(MOST), soon()).await.unwrap();
    assert_eq!(store.book().checkpoints["s"].len(), MOST);
}

#[tokio::test(flavor = "multi_thread")]
async fn parked_events_are_fetched_when_they_are_wanted() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let store: Arc<Store> = open(&cluster, "one").await.store;
    let parked = super::parked::tests::parked();
    let value = super::parked::encode(&parked).unwrap();
    let writes = [
        Write::set(sink("a"), record(1)),
        Write::set(Key::Parked("a".into(), 9), value.clone()),
        Write::set(Key::Back("a".into(), "x".into()), value),
    ];
    let last = store.write_and_read(&writes, soon()).await.unwrap();
    let positions: Vec<u64> = store.book().sinks["a"].parked.keys().copied().collect();
    assert_eq!(positions, [9, Parked::BACK + last]);
    let value = store.fetch(last).await.unwrap().unwrap();
    let back = super::parked::decode(Parked::BACK + last, &value, None).unwrap();
    assert_eq!(back.event.message_id(), "m");
    let removals = store.book().unpark_writes("a", positions);
    store.write_and_read(&removals, soon()).await.unwrap();
    assert!(store.book().sinks["a"].parked.is_empty());
}
