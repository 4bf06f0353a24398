//! The settings in a pipeline file.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{
    BuildContext, BuildErrors, Built, HumanDuration, Sink, SinkConfig, SinkDefaults, register_plugin,
};
use signalbox_nats::with_connection;

use super::NatsSink;
use super::subject::Template;
use crate::link::Link;

with_connection! {
    /// Settings of the sink `nats`.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct NatsSinkConfig {
        /// Subject of the messages. `{source}` becomes the name of the event's source, `{type}` its type, and `{event}` the name of
        /// a track event, or the type of another. A stream of the servers must listen to it. Required.
        pub subject: String,
    }
}

register_plugin!(
    Sink,
    NatsSinkConfig,
    "nats",
    "Publishes events to streams of NATS JetStream."
);

#[typetag::deserialize(name = "nats")]
impl SinkConfig for NatsSinkConfig {
    fn build(&self, context: &BuildContext) -> Result<Built<dyn Sink>, BuildErrors> {
        let connection = self.connection();
        let mut errors = connection.faults();
        let template = Template::parse(&self.subject)
            .map_err(|error| errors.push(error))
            .ok();
        let (Some(template), true) = (template, errors.is_empty()) else {
            return Err(errors);
        };
        let doubts = connection.doubts();
        let sink = NatsSink {
            name: context.name.clone(),
            template,
            link: Link::new(connection, format!("sink {}", context.name)),
        };
        Ok(Built::sink(sink).warnings(doubts))
    }

    fn defaults(&self) -> SinkDefaults {
        SinkDefaults {
            max_events: 250,
            // Others read the stream, probably at once.
            max_wait: HumanDuration::from_millis(100),
            max_events_ceiling: 2_500,
            ..SinkDefaults::default()
        }
    }
}
