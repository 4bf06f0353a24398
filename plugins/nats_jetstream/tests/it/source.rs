//! Reading.

use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{Context, stream};
use serde_json::{Value, json};
use signalbox_core::{Fate, Refused, RefusedCause, SourceContext, Vitals};
use signalbox_testkit::{IntakeDouble, MemoryCheckpoints, NatsCluster, NewSockets};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::rig::{stream_of, try_source};

struct Running {
    intake: IntakeDouble,
    vitals: Arc<Vitals>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(cluster: &NatsCluster, more: Value, intake: IntakeDouble) -> Running {
        let mut settings = json!({ "servers": cluster.urls(), "stream": "EVENTS" });
        settings
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let source = try_source(settings).unwrap().component;
        let (vitals, shutdown) = (Arc::<Vitals>::default(), CancellationToken::new());
        let context = SourceContext {
            name: "in".into(),
            outlet: intake.outlet(),
            shutdown: shutdown.clone(),
            sockets: NewSockets::shared(),
            checkpoints: MemoryCheckpoints::default().shared(),
            vitals: Arc::clone(&vitals),
        };
        let work = source.start(context).await.unwrap();
        let task = tokio::spawn(async move { work.await.unwrap() });
        Running {
            intake,
            vitals,
            shutdown,
            task,
        }
    }

    /// Waits until a condition of the intake holds.
    async fn until(&self, what: &str, holds: impl Fn(&IntakeDouble) -> bool) {
        let waiting = async {
            while !holds(&self.intake) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        assert!(
            waited.is_ok(),
            "waited in vain for {what}; {:?}",
            self.vitals.notes()
        );
    }

    async fn stop(self) {
        self.shutdown.cancel();
        tokio::time::timeout(Duration::from_secs(20), self.task)
            .await
            .unwrap()
            .unwrap();
    }
}

async fn publish(jetstream: &Context, text: &str) {
    let sent = jetstream
        .publish("events.app", text.to_owned().into())
        .await
        .unwrap();
    sent.await.unwrap();
}

fn page(id: &str) -> String {
    format!(r#"{{"type":"page","messageId":"{id}","userId":"u"}}"#)
}

/// Messages that the consumer has delivered and of which it has heard nothing yet, and those it has not delivered.
async fn left(jetstream: &Context) -> (usize, u64) {
    let mut consumer: async_nats::jetstream::consumer::PullConsumer = jetstream
        .get_consumer_from_stream("signalbox", "EVENTS")
        .await
        .unwrap();
    let info = consumer.info().await.unwrap();
    (info.num_ack_pending, info.num_pending)
}

async fn wait_for_left(jetstream: &Context, wanted: (usize, u64)) {
    let waiting = async {
        while left(jetstream).await != wanted {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
    assert!(
        waited.is_ok(),
        "{:?} are left, not {wanted:?}",
        left(jetstream).await
    );
}

#[tokio::test]
async fn events_batches_and_texts_that_are_none() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let jetstream = stream_of(&cluster, stream::Config::default()).await;
    publish(&jetstream, &page("m1")).await;
    publish(&jetstream, "hello").await;
    publish(
        &jetstream,
        &format!("{{\"batch\":[{},{{\"type\":\"track\"}}]}}", page("m2")),
    )
    .await;
    let intake = IntakeDouble::default();
    intake.fates(vec![Fate::Accepted, Fate::Duplicate]);
    let running = Running::start(&cluster, json!({}), intake).await;
    running
        .until("two letters", |intake| intake.rejected().len() == 2)
        .await;
    publish(&jetstream, &page("m3")).await;
    running
        .until("two events", |intake| intake.events().len() == 2)
        .await;
    wait_for_left(&jetstream, (0, 0)).await;
    let ids: Vec<String> = running
        .intake
        .events()
        .iter()
        .map(|event| event.message_id().to_owned())
        .collect();
    assert_eq!(ids, ["m1", "m3"]);
    let told: Vec<String> = running
        .intake
        .rejected()
        .iter()
        .map(|input| input.reason.message().to_owned())
        .collect();
    assert!(told[0].starts_with("message 2 of the stream: "), "{told:?}");
    assert!(
        told[1].starts_with("message 3 of the stream, event 2 of its batch: "),
        "{told:?}"
    );
    assert_eq!(running.vitals.notes(), ["reads the stream `EVENTS`"]);
    running.stop().await;
    // Nothing comes a second time.
    let again = Running::start(&cluster, json!({}), IntakeDouble::default()).await;
    publish(&jetstream, &page("m4")).await;
    again
        .until("the new event", |intake| !intake.events().is_empty())
        .await;
    assert_eq!(again.intake.events()[0].message_id(), "m4");
    again.stop().await;
}

#[tokio::test]
async fn a_journal_that_refuses_gets_the_messages_again_and_only_then_are_they_acknowledged() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let jetstream = stream_of(&cluster, stream::Config::default()).await;
    publish(&jetstream, &page("m1")).await;
    publish(&jetstream, "hello").await;
    let intake = IntakeDouble::default();
    intake.refuse(Some(Refused {
        cause: RefusedCause::Full,
        retry_after: Duration::from_millis(200),
    }));
    let running = Running::start(&cluster, json!({}), intake).await;
    running.intake.called(3).await;
    assert_eq!(left(&jetstream).await, (2, 0));
    running.intake.refuse(None);
    running
        .until("both", |intake| {
            intake.events().len() == 1 && intake.rejected().len() == 1
        })
        .await;
    wait_for_left(&jetstream, (0, 0)).await;
    running.stop().await;
}

#[tokio::test]
async fn a_slow_journal_keeps_its_messages_and_a_stop_gives_back_what_was_not_taken() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let jetstream = stream_of(&cluster, stream::Config::default()).await;
    let consumer = pull::Config {
        durable_name: Some("signalbox".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: Duration::from_secs(1),
        ..pull::Config::default()
    };
    let stream = jetstream.get_stream("EVENTS").await.unwrap();
    stream.create_consumer(consumer).await.unwrap();
    publish(&jetstream, &page("m1")).await;
    let intake = IntakeDouble::default();
    intake.hold(true);
    let running = Running::start(&cluster, json!({}), intake).await;
    running.intake.called(1).await;
    // Three times the consumer's wait: without the source's sign it would come again.
    tokio::time::sleep(Duration::from_secs(3)).await;
    publish(&jetstream, &page("m2")).await;
    wait_for_left(&jetstream, (2, 0)).await;
    running.shutdown.cancel();
    running.intake.hold(false);
    let intake = running.intake.clone();
    running.stop().await;
    let ids: Vec<String> = intake
        .events()
        .iter()
        .map(|event| event.message_id().to_owned())
        .collect();
    assert_eq!(ids, ["m1"]);
    let next = Running::start(&cluster, json!({}), IntakeDouble::default()).await;
    next.until("the other", |intake| !intake.events().is_empty())
        .await;
    let ids: Vec<String> = next
        .intake
        .events()
        .iter()
        .map(|event| event.message_id().to_owned())
        .collect();
    assert_eq!(ids, ["m2"]);
    next.stop().await;
}

#[tokio::test]
async fn streams_and_consumers_that_cannot_be_read_are_told_and_mended() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let running = Running::start(
        &cluster,
        json!({ "subjects": ["events.app"] }),
        IntakeDouble::default(),
    )
    .await;
    let told = |running: &Running, wanted: &'static str| {
        let vitals = Arc::clone(&running.vitals);
        async move {
            let waiting = async {
                while !vitals.notes().iter().any(|note| note.contains(wanted)) {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            let waited = tokio::time::timeout(Duration::from_secs(20), waiting).await;
            assert!(waited.is_ok(), "{wanted}: {:?}", vitals.notes());
        }
    };
    told(&running, "the servers have no stream `EVENTS`").await;
    let jetstream = stream_of(&cluster, stream::Config::default()).await;
    told(&running, "reads the stream").await;
    publish(&jetstream, &page("m1")).await;
    running
        .until("an event", |intake| intake.events().len() == 1)
        .await;
    let other = jetstream
        .publish("events.other", page("m2").into())
        .await
        .unwrap();
    other.await.unwrap();

    // The consumer is taken away, and another is put in its place.
    let stream = jetstream.get_stream("EVENTS").await.unwrap();
    let other = pull::Config {
        durable_name: Some("signalbox".to_owned()),
        ack_policy: AckPolicy::Explicit,
        max_deliver: 3,
        ..pull::Config::default()
    };
    stream.delete_consumer("signalbox").await.unwrap();
    stream.create_consumer(other).await.unwrap();
    told(&running, "`max_deliver`").await;
    stream.delete_consumer("signalbox").await.unwrap();
    told(&running, "reads the stream").await;
    // A new consumer begins with the oldest message; the journal recognises the events that it has.
    running
        .until("the event again", |intake| intake.events().len() == 2)
        .await;
    assert!(
        running
            .intake
            .events()
            .iter()
            .all(|event| event.message_id() == "m1")
    );
    running.stop().await;
}

#[tokio::test]
async fn servers_may_be_away_at_the_start_and_go_later() {
    if !NatsCluster::available() {
        return;
    }
    let mut cluster = NatsCluster::start(3).await;
    let jetstream = stream_of(
        &cluster,
        stream::Config {
            num_replicas: 3,
            ..stream::Config::default()
        },
    )
    .await;
    for server in 0..3 {
        cluster.stop(server).await;
    }
    let running = Running::start(&cluster, json!({}), IntakeDouble::default()).await;
    for server in 0..3 {
        cluster.launch(server);
    }
    cluster.ready().await;
    drop(jetstream);
    let jetstream = stream_of(
        &cluster,
        stream::Config {
            num_replicas: 3,
            ..stream::Config::default()
        },
    )
    .await;
    let mut sent = 0;
    for round in 0..3 {
        let leader = cluster.wait_for_leader("EVENTS").await;
        for _ in 0..20 {
            // An election answers nothing for some seconds; the id makes a second copy harmless.
            let id = format!("m{sent}");
            let message = async_nats::jetstream::message::PublishMessage::build()
                .payload(page(&id).into())
                .message_id(&id);
            loop {
                let sending = jetstream.send_publish("events.app", message.clone()).await;
                if let Ok(sending) = sending
                    && sending.await.is_ok()
                {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            sent += 1;
        }
        match round {
            0 => cluster.kill(leader),
            1 => cluster.stop(leader).await,
            _ => {}
        }
        let wanted = sent;
        running
            .until("all events", |intake| {
                let events = intake.events();
                let ids: std::collections::BTreeSet<&str> =
                    events.iter().map(|event| event.message_id()).collect();
                ids.len() == wanted
            })
            .await;
        if round < 2 {
            cluster.start_again(leader).await;
        }
    }
    running.stop().await;
}
