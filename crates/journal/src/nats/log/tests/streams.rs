//! Streams of other kinds and contents than the log makes.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_of_another_kind_is_refused_with_the_remedy() {
    if !NatsCluster::available() {
        return;
    }
    let (cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    let client = async_nats::connect(cluster.url(0)).await.unwrap();
    let context = jetstream::new(client);
    let made = context.create_stream(jetstream::stream::Config {
        name: "sbx_EV".into(),
        subjects: vec!["sbx.ev.*".into()],
        ..Default::default()
    });
    made.await.unwrap();
    let error = open(&cluster, options(cache.path(), "a-1")).await.err().unwrap();
    assert!(
        error.0.contains("discard is Old, and the journal needs New")
            && error.0.contains("nats stream edit sbx_EV --discard"),
        "{error}"
    );
    context.delete_stream("sbx_EV").await.unwrap();
    open(&cluster, options(cache.path(), "a-2")).await.unwrap();
    // A size that differs is set.
    let larger = LogOptions {
        max_bytes: 2 * ROOM,
        ..options(cache.path(), "a-3")
    };
    let log = open(&cluster, larger).await.unwrap();
    assert_eq!(log.usage().1, 2 * ROOM);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_made_anew_takes_no_events() {
    if !NatsCluster::available() {
        return;
    }
    let (cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    let log = open(&cluster, options(cache.path(), "a-1")).await.unwrap();
    for n in 0..5 {
        append(&log, events(n * 10..n * 10 + 10)).await.unwrap();
    }
    let context = jetstream::new(async_nats::connect(cluster.url(0)).await.unwrap());
    context.delete_stream("sbx_EV").await.unwrap();
    ensure(&context, &config("sbx_EV", &options(cache.path(), "b-1")))
        .await
        .unwrap();
    let error = append(&log, events(100..110)).await.unwrap_err().to_string();
    assert!(
        error.contains("made anew") && error.contains("restart"),
        "{error}"
    );
    assert!(log.refusing().unwrap().until_restart);
    assert!(log.read(0).await.is_err(), "nothing is invented");
    log.shutdown().await;
    // A restart goes on with the new stream, and uses nothing of the former one.
    let log = open(&cluster, options(cache.path(), "a-2")).await.unwrap();
    tokio::time::timeout(LONG, log.caught_up()).await.unwrap();
    let fates = append(&log, events(0..10)).await.unwrap();
    assert_eq!(stored(&fates), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_that_are_no_frames_are_counted_and_told_as_lost() {
    if !NatsCluster::available() {
        return;
    }
    let (cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    let log = open(&cluster, options(cache.path(), "a-1")).await.unwrap();
    append(&log, events(0..3)).await.unwrap();
    let publish = async |headers: async_nats::HeaderMap| {
        let sent = log.shared.stream.publish("sbx.ev.web", headers, "noise".into());
        sent.await.unwrap().seq
    };
    // Without a header of ours, and with one that tells of three events, one of which is known.
    let foreign = publish(async_nats::HeaderMap::new()).await;
    let hash = |id: &str| IdHasher::Plain.hash("web", id);
    let ids = [hash("id-7"), hash("id-1"), ids::NONE];
    let damaged = publish(header::FrameHeader::write(&ids, 1, "z-1", 1)).await;
    // The id of the damaged event was taken: an event that is stored and cannot be read is lost.
    let fates = append(&log, events(7..9)).await.unwrap();
    assert_eq!(stored(&fates), 1);
    let (entries, lost) = all_from(&log, 0).await;
    assert_eq!(entries.len(), 4);
    let told: Vec<_> = lost
        .iter()
        .map(|lost| (lost.from, lost.events, lost.loss))
        .collect();
    assert_eq!(
        told,
        [
            (place::start(foreign), 1, Loss::Damaged),
            (place::start(damaged), 2, Loss::Damaged)
        ]
    );
    // From the second of the three on, which is the known one.
    let (_, rest) = all_from(&log, place::position(damaged, 1)).await;
    assert_eq!((rest.len(), rest[0].events), (1, 1));
    assert_eq!(log.count(0, log.end()).await.unwrap(), 4 + 1 + 2);
    let places = [1, foreign, damaged].map(place::start);
    assert_eq!(log.events_at(&places).await.unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_that_an_operator_deletes_are_passed_over_and_told() {
    if !NatsCluster::available() {
        return;
    }
    let (cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    let log = open(&cluster, options(cache.path(), "a-1")).await.unwrap();
    for n in 0..4 {
        append(&log, events(n * 10..n * 10 + 10)).await.unwrap();
        let app = (0..3).map(|id| event("app", &format!("{n}-{id}"), "x")).collect();
        append(&log, app).await.unwrap();
    }
    let subject = serde_json::json!({ "filter": "sbx.ev.app" });
    let purged = log
        .shared
        .stream
        .ask::<serde_json::Value>("STREAM.PURGE.sbx_EV", &subject);
    purged.await.unwrap().unwrap();
    append(&log, events(40..50)).await.unwrap();
    lock(&log.shared.cache).clear();
    let (entries, lost) = all_from(&log, 0).await;
    assert_eq!(entries.len(), 50);
    let told: Vec<_> = lost.iter().map(|lost| (lost.events, lost.loss)).collect();
    assert_eq!(told, [(3, Loss::Missing); 4]);
    // A router that never saw them knows of none.
    let other = open(&cluster, options(&cache.path().join("other"), "b-1"))
        .await
        .unwrap();
    tokio::time::timeout(LONG, other.caught_up()).await.unwrap();
    let (entries, lost) = all_from(&other, 0).await;
    assert_eq!((entries.len(), lost.len()), (50, 0));
    assert_eq!(other.count(0, other.end()).await.unwrap(), 50);
    assert_eq!(stored(&append(&other, events(35..51)).await.unwrap()), 1);
}
