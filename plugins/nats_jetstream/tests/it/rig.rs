//! Components as a pipeline file builds them, and a client beside them.

use async_nats::jetstream::{Context, stream};
use serde_json::{Value, json};
use signalbox_core::{BuildContext, BuildErrors, Built, Side, Sink, SinkConfig, Source, SourceConfig};
use signalbox_testkit::NatsCluster;

pub(crate) fn context(place: Side) -> BuildContext {
    BuildContext {
        name: "under_test".into(),
        place,
    }
}

pub(crate) fn try_sink(mut settings: Value) -> Result<Built<dyn Sink>, BuildErrors> {
    settings["type"] = "nats".into();
    let config: Box<dyn SinkConfig> = serde_json::from_value(settings).unwrap();
    config.build(&context(Side::Sink))
}

pub(crate) fn try_source(mut settings: Value) -> Result<Built<dyn Source>, BuildErrors> {
    settings["type"] = "nats".into();
    let config: Box<dyn SourceConfig> = serde_json::from_value(settings).unwrap();
    config.build(&context(Side::Source))
}

pub(crate) fn sink(servers: &[String], subject: &str) -> Box<dyn Sink> {
    let built = try_sink(json!({ "servers": servers, "subject": subject })).unwrap();
    built.component
}

/// A client beside the component, and a stream of memory for the subjects `events.>`.
pub(crate) async fn stream_of(cluster: &NatsCluster, config: stream::Config) -> Context {
    let client = async_nats::connect(cluster.urls()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    jetstream
        .create_stream(stream::Config {
            name: "EVENTS".to_owned(),
            subjects: vec!["events.>".to_owned()],
            storage: stream::StorageType::Memory,
            ..config
        })
        .await
        .unwrap();
    jetstream
}
