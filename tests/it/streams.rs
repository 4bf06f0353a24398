//! Events from one stream of NATS JetStream to another, through a router and servers that are killed meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::{self, stream};
use signalbox_testkit::NatsCluster;

use crate::support::process::Process;
use crate::support::until;
use crate::support::world::World;

const EVENTS: usize = 600;

/// Two streams on three servers each, `IN` for `in` and `OUT` for `copy.>`.
async fn streams(cluster: &NatsCluster) -> jetstream::Context {
    let client = async_nats::connect(cluster.urls()).await.unwrap();
    let jetstream = jetstream::new(client);
    for (name, subject) in [("IN", "in"), ("OUT", "copy.>")] {
        let config = stream::Config {
            name: name.to_owned(),
            subjects: vec![subject.to_owned()],
            num_replicas: 3,
            ..stream::Config::default()
        };
        jetstream.create_stream(config).await.unwrap();
    }
    // The source uses it as it is: messages that a killed router had received come again after two seconds, not thirty.
    let consumer = pull::Config {
        durable_name: Some("signalbox".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(2),
        ..pull::Config::default()
    };
    let stream = jetstream.get_stream("IN").await.unwrap();
    stream.create_consumer(consumer).await.unwrap();
    jetstream
}

/// Publishes an event, again and again while the stream has no leader.
async fn publish(jetstream: &jetstream::Context, number: usize) {
    let text = format!("{{\"type\":\"page\",\"messageId\":\"m{number}\",\"userId\":\"user-of-the-stream\"}}");
    let message = PublishMessage::build()
        .payload(text.into())
        .message_id(format!("m{number}"));
    let ask = || async {
        let sent = jetstream.send_publish("in", message.clone()).await.ok()?;
        sent.await.ok()
    };
    until(ask, || format!("event {number} is not published")).await;
}

/// The ids of the messages in a stream, with their numbers of copies.
async fn copies(jetstream: &jetstream::Context) -> Option<BTreeMap<String, usize>> {
    let stream = jetstream.get_stream("OUT").await.ok()?;
    let state = &stream.cached_info().state;
    let mut found = BTreeMap::new();
    for number in state.first_sequence..=state.last_sequence {
        let message = stream.get_raw_message(number).await.ok()?;
        let id = message.headers.get("Nats-Msg-Id")?.to_string();
        *found.entry(id).or_default() += 1;
    }
    Some(found)
}

#[tokio::test]
async fn every_event_passes_once_though_router_and_servers_are_killed() {
    if !NatsCluster::available() {
        return;
    }
    let mut cluster = NatsCluster::start(3).await;
    let jetstream = streams(&cluster).await;
    let world = World::new().await;
    let servers = serde_json::to_string(&cluster.urls()).unwrap();
    let config = world.write(
        "pipeline.toml",
        &format!(
            "[journal]\ntype = \"disk\"\npath = \"journal\"\n[admin]\nlisten = \"${{ADMIN}}\"\n\
             [sources.in]\ntype = \"nats\"\nservers = {servers}\nstream = \"IN\"\n\
             [sinks.out]\ntype = \"nats\"\ninputs = [\"in\"]\nservers = {servers}\nsubject = \"copy.{{source}}\"\n\
             retry.initial_backoff = \"100ms\"\n"
        ),
    );
    let mut router = world.router(&config).await;
    for number in 0..EVENTS {
        publish(&jetstream, number).await;
        match number {
            150 | 450 => {
                router.signal("KILL");
                router.exit().await;
                router = world.router(&config).await;
            }
            300 => {
                let leader = cluster.wait_for_leader("OUT").await;
                cluster.kill(leader);
                cluster.start_again(leader).await;
            }
            _ => {}
        }
    }
    let arrived = || async { copies(&jetstream).await.filter(|found| found.len() == EVENTS) };
    let found = until(arrived, || router.stderr()).await;
    let repeated: Vec<_> = found.iter().filter(|(_, copies)| **copies > 1).collect();
    assert_eq!(repeated, [], "the stream drops second copies by their ids");
    router
        .status(&world.admin, |status| status.sinks["out"].pending == 0)
        .await;
    stop(router).await;
}

async fn stop(router: Process) {
    router.signal("TERM");
    let exit = router.exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    assert!(!exit.stderr.contains("user-of-the-stream"), "{exit:?}");
}
