//! Publishing.

use std::sync::Arc;

use async_nats::jetstream::stream;
use serde_json::json;
use signalbox_core::{Batch, Outcome, Prepared, Record, Sink, Verdict};
use signalbox_testkit::{NatsCluster, event};

use crate::rig::{sink, stream_of, try_sink};

fn record(sink: &dyn Sink, text: &str) -> Arc<Record> {
    let Prepared::Mapped(mut records) = sink.prepare(&event(text)) else {
        panic!("every event makes a record")
    };
    Arc::new(records.remove(0).unwrap())
}

async fn deliver(sink: &dyn Sink, texts: &[String]) -> Verdict {
    let records = texts.iter().map(|text| record(sink, text));
    sink.deliver(Batch::new(1, records.collect()))
        .await
        .into_parts()
        .1
}

/// The code of each outcome; `ok` for a delivery, with `?` behind it if it may have been written.
fn outcomes(verdict: Verdict) -> Vec<String> {
    let Verdict::Settled(outcomes) = verdict else {
        panic!("{verdict:?}")
    };
    let code = |outcome: Outcome| match outcome {
        Outcome::Delivered { .. } => "ok".to_owned(),
        Outcome::Rejected(reason) => format!("rejected {}", reason.code()),
        Outcome::Retry {
            reason,
            maybe_written,
            ..
        } => {
            format!("{}{}", reason.code(), if maybe_written { "?" } else { "" })
        }
    };
    outcomes.into_iter().map(code).collect()
}

fn order(id: &str) -> String {
    format!(r#"{{"type":"track","event":"Order Completed","messageId":"{id}","userId":"u","n":1.50}}"#)
}

#[test]
fn a_record_is_shown_as_it_is_published() {
    let sink = sink(&["nats://n1".to_owned()], "events.{source}.{type}");
    let shown = sink.request(&record(&*sink, &order("m 1"))).unwrap();
    assert_eq!(
        (shown.method.as_str(), shown.url.as_str()),
        ("PUB", "events.test.track")
    );
    assert_eq!(shown.headers, [("Nats-Msg-Id".to_owned(), "m%201".to_owned())]);
    assert_eq!(shown.body, order("m 1"));
}

#[tokio::test]
async fn each_event_is_a_message_and_copies_are_dropped() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let jetstream = stream_of(&cluster, stream::Config::default()).await;
    let sink = sink(&cluster.urls(), "events.{type}.{event}");
    let texts = [order("m1"), order("50% of\\n it"), order("m1"), order("é")];
    assert_eq!(outcomes(deliver(&*sink, &texts).await), ["ok"; 4]);
    assert_eq!(outcomes(deliver(&*sink, &texts).await), ["ok"; 4]);
    let stream = jetstream.get_stream("EVENTS").await.unwrap();
    assert_eq!(stream.cached_info().state.messages, 3);
    let first = stream.get_raw_message(1).await.unwrap();
    assert_eq!(first.subject.as_str(), "events.track.Order_Completed");
    assert_eq!(first.headers.get("Nats-Msg-Id").unwrap().as_str(), "m1");
    assert_eq!(first.payload, order("m1").as_bytes());
    let second = stream.get_raw_message(2).await.unwrap();
    assert_eq!(
        second.headers.get("Nats-Msg-Id").unwrap().as_str(),
        "50%25%20of%0A%20it"
    );
    assert_eq!(sink.probe().await, Ok(()));
    sink.close().await;
}

#[tokio::test]
async fn each_record_has_its_answer() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start_with(1, "max_payload: 8192").await;
    let config = stream::Config {
        max_message_size: 1_000,
        ..stream::Config::default()
    };
    let _jetstream = stream_of(&cluster, config).await;
    let sink = sink(&cluster.urls(), "events.{event}");
    let long = |bytes: usize| {
        format!(
            r#"{{"type":"track","event":"x","messageId":"long","userId":"{}"}}"#,
            "u".repeat(bytes)
        )
    };
    let texts = [order("m1"), long(2_000), order("m2"), long(10_000), order("m3")];
    assert_eq!(
        outcomes(deliver(&*sink, &texts).await),
        ["ok", "rejected too_large", "ok", "rejected too_large", "ok"]
    );
}

#[tokio::test]
async fn a_subject_without_a_stream_and_a_full_stream_are_retried() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let config = stream::Config {
        max_messages: 1,
        discard: stream::DiscardPolicy::New,
        ..stream::Config::default()
    };
    let jetstream = stream_of(&cluster, config).await;
    let nowhere = sink(&cluster.urls(), "elsewhere.{source}");
    assert_eq!(outcomes(deliver(&*nowhere, &[order("m1")]).await), ["no_stream"]);
    let full = sink(&cluster.urls(), "events");
    assert_eq!(outcomes(deliver(&*full, &[order("m1")]).await), ["no_stream"]);
    let full = sink(&cluster.urls(), "events.{source}");
    let verdict = deliver(&*full, &[order("m1"), order("m2")]).await;
    assert_eq!(outcomes(verdict), ["ok", "stream_full"]);
    jetstream
        .get_stream("EVENTS")
        .await
        .unwrap()
        .purge()
        .await
        .unwrap();
    assert_eq!(outcomes(deliver(&*full, &[order("m2")]).await), ["ok"]);
}

#[tokio::test]
async fn servers_that_are_away_and_servers_that_refuse() {
    if !NatsCluster::available() {
        return;
    }
    let mut cluster = NatsCluster::start_with(1, "authorization { token: \"correct-horse\" }").await;
    let wrong = json!({ "servers": cluster.urls(), "token": "wrong-horse", "subject": "events.x" });
    let wrong = try_sink(wrong).unwrap().component;
    let Verdict::Hold(reason) = deliver(&*wrong, &[order("m1")]).await else {
        panic!("wrong credentials are the operator's to mend")
    };
    assert_eq!(reason.code(), "connection_refused");
    assert!(!reason.message().contains("wrong-horse"), "{reason:?}");
    assert!(wrong.probe().await.is_err());

    let right = json!({ "servers": cluster.urls(), "token": "correct-horse", "subject": "events.x" });
    let right = try_sink(right).unwrap().component;
    assert_eq!(right.probe().await, Ok(()));
    cluster.kill(0);
    // The client notices the end of the connection in its own time.
    while right.probe().await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        outcomes(deliver(&*right, &[order("m1")]).await),
        ["not_connected"]
    );
    let late = json!({ "servers": cluster.urls(), "token": "correct-horse", "subject": "events.x" });
    let late = try_sink(late).unwrap().component;
    assert_eq!(outcomes(deliver(&*late, &[order("m1")]).await), ["not_connected"]);
    cluster.start_again(0).await;
    assert_eq!(outcomes(deliver(&*late, &[order("m1")]).await), ["no_stream"]);
}
