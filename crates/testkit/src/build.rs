//! Builders: events, records, batches, transforms.

use std::sync::Arc;

use serde_json::Value;
use signalbox_core::{
    Batch, BuildContext, BuildErrors, Built, Event, Prepared, Receipt, Record, Side, Sink, Transform,
    TransformConfig,
};

/// An event of this payload, received on 2 March 2026 at noon (UTC) by the source `test`.
///
/// # Panics
/// If the payload is no object.
pub fn event_of(payload: &Value) -> Event {
    event(&payload.to_string())
}

/// An event of this text, taken as it is, received on 2 March 2026 at noon (UTC) by the source `test`.
///
/// # Panics
/// If the text is no JSON object.
pub fn event(text: &str) -> Event {
    let receipt = Receipt {
        source: "test".into(),
        received_at: 1_772_452_800_000,
    };
    Event::parse(text, receipt).expect("a JSON object")
}

/// Returns the records that a sink makes of an event, at least one.
///
/// # Panics
/// If the sink filters or rejects it, with the reason.
pub fn records(sink: &dyn Sink, event: &Event) -> Vec<Arc<Record>> {
    match sink.prepare(event) {
        Prepared::Mapped(results) => results
            .into_iter()
            .map(|result| Arc::new(result.unwrap_or_else(|rejection| panic!("{}", rejection.reason))))
            .collect(),
        Prepared::Filtered(reason) => panic!("filtered: {reason}"),
        Prepared::Rejected(reason) => panic!("rejected: {reason}"),
    }
}

/// A batch of the records of these events, with ticket 1.
///
/// # Panics
/// As [`records`].
pub fn batch(sink: &dyn Sink, events: &[Event]) -> Batch {
    Batch::new(1, events.iter().flat_map(|event| records(sink, event)).collect())
}

/// Reads the settings of a transform: TOML as in a pipeline file, without the type.
///
/// # Errors
/// Settings that do not fit the type.
pub fn transform_config(kind: &str, settings: &str) -> Result<Box<dyn TransformConfig>, toml::de::Error> {
    toml::from_str(&format!("type = \"{kind}\"\n{settings}"))
}

/// Builds a transform from its settings; its name is its type.
///
/// # Errors
/// As [`TransformConfig::build`].
///
/// # Panics
/// If the settings cannot be read.
pub fn transform(kind: &str, place: Side, settings: &str) -> Result<Built<dyn Transform>, BuildErrors> {
    let config = transform_config(kind, settings).expect("settings of the type");
    config.build(&BuildContext {
        name: kind.into(),
        place,
    })
}
