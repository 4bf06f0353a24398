//! Routers that share a journal on real NATS servers.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signalbox_journal::{Journal, NatsJournal, NatsOptions};
use signalbox_nats::Connection;
use signalbox_testkit::NatsCluster;

use super::{Destination, built, event, pipeline, step};
use crate::operate::{Command, Piece, ReplayRange, Where, plan_replay};
use crate::running::Running;
use crate::sockets::OpenSockets;
use crate::telemetry::SinkMeters;

const SINKS: [(&str, &str); 3] = [("a", "both"), ("b", "both"), ("c", "c")];

async fn start(
    cluster: &NatsCluster,
    name: &'static str,
    cache: &Path,
    destination: &Arc<Destination>,
) -> Running {
    let connection = Connection {
        servers: cluster.urls(),
        ..Connection::default()
    };
    let client = signalbox_nats::connect(&connection, "journal").await.unwrap();
    let options = NatsOptions {
        replicas: cluster.len(),
        takeover: Duration::from_secs(3),
        max_bytes: 100_000_000,
        ..NatsOptions::new(name, cache.join(name))
    };
    let journal: Arc<dyn Journal> = Arc::new(NatsJournal::open(client, options).await.unwrap());
    let pipeline = pipeline(
        SINKS
            .map(|(sink, group)| built(sink, group, name, destination))
            .into(),
    );
    let ledger = Running::ledger_of(&pipeline);
    Running::start(pipeline, journal, ledger, None, Arc::new(OpenSockets::default()))
        .await
        .unwrap()
}

async fn until(routers: &mut [&mut Running], what: &str, condition: impl Fn(&[&mut Running]) -> bool) {
    let end = Instant::now() + Duration::from_secs(40);
    while !condition(routers) {
        assert!(Instant::now() < end, "not in time: {what}");
        for running in routers.iter_mut() {
            step(running).await;
        }
    }
}

fn delivered(running: &Running) -> [u64; 3] {
    SINKS.map(|(sink, _)| running.ledger().sinks[sink].delivered.get())
}

async fn send(running: &Running, ids: std::ops::Range<u32>) {
    let events = ids.map(|id| event(&id.to_string())).collect();
    running.journal().append(events).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sinks_go_from_router_to_router_at_a_stop_and_obey_acts_through_any() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let destination = Arc::<Destination>::default();
    let mut one = start(&cluster, "one", folder.path(), &destination).await;
    // No router drives a sink yet, and none has ever opened one.
    send(&one, 0..50).await;
    until(&mut [&mut one], "one drives all", |routers| {
        routers[0].sinks.len() == 3
    })
    .await;
    let mut two = start(&cluster, "two", folder.path(), &destination).await;
    send(&two, 50..100).await;
    until(
        &mut [&mut one, &mut two],
        "all is delivered, and all know",
        |routers| routers.iter().all(|running| delivered(running) == [100; 3]),
    )
    .await;
    assert_eq!(destination.got().len(), 300);

    // An act through the router that does not drive the sink.
    let owner_is_one = one.sinks.contains_key("c");
    let other = if owner_is_one { &mut two } else { &mut one };
    let range = ReplayRange {
        from: Where::Position(0),
        to: None,
        again: false,
    };
    let plan = other
        .rewind("c", SinkMeters::none(), async |journal, _| {
            let (plan, progress) = plan_replay(&**journal, "c", range).await?;
            let set = journal.set_progress("c", progress).await;
            set.map(|()| plan).map_err(|error| error.to_string())
        })
        .await
        .unwrap();
    assert_eq!(plan.events, 100);
    until(&mut [&mut one, &mut two], "the replay", |routers| {
        routers.iter().all(|running| delivered(running)[2] == 200)
    })
    .await;

    // Dead letters of all sinks, through a router that does not drive all of them.
    *destination.refuses.lock().unwrap() = vec!["200".to_owned()];
    send(&one, 200..201).await;
    let kept = |running: &Running| SINKS.map(|(sink, _)| running.journal().letters_of(sink).kept);
    until(&mut [&mut one, &mut two], "dead letters", |routers| {
        routers.iter().all(|running| kept(running) == [1; 3])
    })
    .await;
    destination.refuses.lock().unwrap().clear();
    let other = if owner_is_one { &mut two } else { &mut one };
    let (reply, answer) = tokio::sync::oneshot::channel();
    let retry = Command::Retry(Piece::default(), reply);
    let _ = retry.apply(other, |_| SinkMeters::none()).await;
    assert_eq!(answer.await.unwrap().unwrap().taken.removed, 3);
    until(&mut [&mut one, &mut two], "the retry", |routers| {
        routers
            .iter()
            .all(|running| delivered(running) == [101, 101, 201])
    })
    .await;

    // A stop.
    let began = Instant::now();
    let (left, taken) = tokio::join!(one.stop(Duration::from_secs(10)), async {
        until(&mut [&mut two], "two drives all", |routers| {
            routers[0].sinks.len() == 3
        })
        .await;
        began.elapsed()
    });
    assert_eq!(left, 0);
    assert!(taken < Duration::from_secs(1), "{taken:?}");
    send(&two, 100..110).await;
    until(&mut [&mut two], "the rest", |routers| {
        delivered(routers[0]) == [111, 111, 211]
    })
    .await;
    assert_eq!(destination.got().len(), 436);
    two.stop(Duration::from_secs(10)).await;
}
