//! Sources: every event is handed over once and acknowledged only then; slow and full intakes are felt; stops lose
//! nothing.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use signalbox_core::{BuildContext, Side, Sockets, Source, SourceConfig};
use signalbox_testkit::OneSocket;
use signalbox_testkit::contract::source::{Feed, check};

use crate::support::client::{WRITE_KEY, basic, try_send};

/// The sources that this file checks.
pub(super) const CHECKED: &[&str] = &[
    "file",
    #[cfg(feature = "nats")]
    "nats",
    "segment_http",
];

/// A source as a pipeline file would build it.
fn build(plugin: &str, mut settings: Value) -> Box<dyn Source> {
    settings["type"] = plugin.into();
    let config: Box<dyn SourceConfig> = serde_json::from_value(settings).unwrap();
    let context = BuildContext {
        name: "under_test".into(),
        place: Side::Source,
    };
    config.build(&context).unwrap().component
}

/// A client that posts a batch until it is answered with 200, as SDKs do.
struct Client(Arc<OneSocket>);

#[async_trait]
impl Feed for Client {
    fn build(&self) -> Box<dyn Source> {
        build(
            "segment_http",
            json!({ "listen": "127.0.0.1:0", "write_keys": [WRITE_KEY] }),
        )
    }

    fn sockets(&self) -> Arc<dyn Sockets> {
        self.0.clone()
    }

    async fn send(&self, texts: &[String]) {
        let address = self.0.address().unwrap().to_string();
        let key = basic(WRITE_KEY);
        let headers = [("authorization", key.as_str())];
        let body = format!("{{\"batch\":[{}]}}", texts.join(","));
        let post = || try_send(&address, "POST", "/v1/batch", &headers, body.as_bytes());
        while post().await.is_none_or(|answer| answer.status != 200) {
            // The pause of a client that tries again.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

#[tokio::test]
async fn segment_http() {
    check("segment_http", &Client(OneSocket::open().unwrap())).await;
}

/// A file that grows.
struct Growing(PathBuf);

#[async_trait]
impl Feed for Growing {
    fn build(&self) -> Box<dyn Source> {
        build("file", json!({ "path": self.0 }))
    }

    async fn send(&self, texts: &[String]) {
        let mut file = std::fs::File::options()
            .append(true)
            .create(true)
            .open(&self.0)
            .unwrap();
        for text in texts {
            writeln!(file, "{text}").unwrap();
        }
        std::future::pending().await
    }
}

#[tokio::test]
async fn file() {
    let folder = tempfile::tempdir().unwrap();
    check("file", &Growing(folder.path().join("in.jsonl"))).await;
}

/// A stream to which a producer publishes. The producer's end of an input is that the consumer has heard of all its messages.
#[cfg(feature = "nats")]
mod nats {
    use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
    use async_nats::jetstream::{Context, stream};
    use signalbox_testkit::NatsCluster;

    use super::*;

    struct Producer {
        servers: Vec<String>,
        jetstream: Context,
        consumer: tokio::sync::Mutex<PullConsumer>,
    }

    #[async_trait]
    impl Feed for Producer {
        fn build(&self) -> Box<dyn Source> {
            build("nats", json!({ "servers": self.servers, "stream": "EVENTS" }))
        }

        async fn send(&self, texts: &[String]) {
            let body = format!("{{\"batch\":[{}]}}", texts.join(","));
            let sent = self.jetstream.publish("events", body.into()).await.unwrap();
            let number = sent.await.unwrap().sequence;
            while self
                .consumer
                .lock()
                .await
                .info()
                .await
                .unwrap()
                .ack_floor
                .stream_sequence
                < number
            {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    #[tokio::test]
    async fn nats() {
        if !NatsCluster::available() {
            return;
        }
        let cluster = NatsCluster::start(1).await;
        let client = async_nats::connect(cluster.urls()).await.unwrap();
        let jetstream = async_nats::jetstream::new(client);
        let stream = stream::Config {
            name: "EVENTS".to_owned(),
            subjects: vec!["events".to_owned()],
            ..stream::Config::default()
        };
        let stream = jetstream.create_stream(stream).await.unwrap();
        let consumer = pull::Config {
            durable_name: Some("signalbox".to_owned()),
            ack_policy: AckPolicy::Explicit,
            // A message that was on its way at a stop comes again after this time.
            ack_wait: Duration::from_secs(2),
            ..pull::Config::default()
        };
        let consumer = stream.create_consumer(consumer).await.unwrap();
        let producer = Producer {
            servers: cluster.urls(),
            jetstream,
            consumer: tokio::sync::Mutex::new(consumer),
        };
        check("nats", &producer).await;
    }
}
