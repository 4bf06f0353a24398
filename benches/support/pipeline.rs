//! A pipeline as users write it, built by the loader; the benches take its parts.

use std::sync::Arc;

use async_trait::async_trait;
use signalbox_config::{self as config, ProcessEnvironment};
use signalbox_core::{Batch, Event, Framing, Outcome, Prepared, Reason, Record, Report, Sink, Transform};
use signalbox_http::Bytes;
use signalbox_plugins as _;
use signalbox_runtime::pipeline::Pipeline;

/// The only source, with further settings.
macro_rules! source {
    ($settings:literal) => {
        concat!(
            r#"
[sources.shop]
type = "segment_http"
listen = "127.0.0.1:8080"
write_keys = ["bench-key"]
"#,
            $settings
        )
    };
}

/// A journal in memory.
macro_rules! memory {
    () => {
        "\n[journal]\ntype = \"memory\"\n"
    };
}

/// The sink for Pinterest.
macro_rules! pinterest {
    () => {
        r#"
[sinks.pinterest]
type = "pinterest_conversions"
inputs = ["shop"]
ad_account_id = "549755885175"
conversion_token = "bench-token"
"#
    };
}

/// Segment's call to Pinterest, hashed in the sink.
pub(crate) const PLAIN: &str = concat!(memory!(), source!(""), pinterest!());

/// Another vendor's sinks in its place.
pub(crate) const META: &str = r#"
[sinks.meta]
type = "meta_conversions"
inputs = ["shop"]
pixel_id = "1203948576120394"
access_token = "bench-token"
"#;
/// See [`META`].
pub(crate) const TIKTOK: &str = r#"
[sinks.tiktok]
type = "tiktok_events"
inputs = ["shop"]
pixel_code = "C4WILDROSE0HOME00001"
access_token = "bench-token"
"#;

/// The same as [`PLAIN`], with personal data hashed and opt-outs decided before the journal.
pub(crate) const IN_SERIES: &str = concat!(
    memory!(),
    source!("through = [\"opt_out\", \"hash\"]\n"),
    r#"
[transforms.opt_out]
type = "limited_data_processing"
opted_out = [{ path = "properties.do_not_sell" }]

[transforms.hash]
type = "hash_pii"
"#,
    pinterest!()
);

/// The source of [`PLAIN`] with personal data hashed before the journal.
pub(crate) const HASHED: &str = concat!(
    source!("through = [\"hash\"]\n"),
    r#"
[transforms.hash]
type = "hash_pii"

[sinks.console]
type = "console"
inputs = ["shop"]
"#
);

/// The transforms of the only source.
pub(crate) fn source_transforms(text: &str) -> Vec<Box<dyn Transform>> {
    build(text).sources.remove(0).transforms
}

/// Loads and builds.
pub(crate) fn build(text: &str) -> Pipeline {
    config::load("bench.toml", text, &ProcessEnvironment)
        .and_then(Pipeline::build)
        .unwrap_or_else(|diagnostics| panic!("{diagnostics}"))
}

/// The Pinterest sink of [`PLAIN`].
pub(crate) fn pinterest() -> Arc<dyn Sink> {
    build(PLAIN).sinks.remove(0).stage.sink
}

/// The sink of this table, fed by the source of [`PLAIN`].
pub(crate) fn sink_of(table: &str) -> Arc<dyn Sink> {
    let source = PLAIN.split("[sinks.").next().unwrap_or_default();
    build(&[source, table].concat()).sinks.remove(0).stage.sink
}

/// The one record a sink makes of an event.
pub(crate) fn record(sink: &dyn Sink, event: &Event) -> Record {
    match sink.prepare(event) {
        Prepared::Mapped(mut results) if results.len() == 1 => match results.remove(0) {
            Ok(record) => record,
            Err(rejection) => panic!("{}", rejection.reason),
        },
        other => panic!("{other:?}"),
    }
}

/// A request's body of these records, as the Pinterest sink writes it; other vendors' heads are as short.
pub(crate) fn body(records: &[Record]) -> Bytes {
    signalbox_http::join(
        "{\"data\":[",
        records.iter().map(|record| &record.bytes),
        ",",
        "]}",
    )
    .to_bytes()
}

/// Prepares as another sink does, and delivers everything without sending it.
pub(crate) struct Accepting(pub(crate) Arc<dyn Sink>);

#[async_trait]
impl Sink for Accepting {
    fn prepare(&self, event: &Event) -> Prepared {
        self.0.prepare(event)
    }

    async fn deliver(&self, batch: Batch) -> Report {
        batch.settle_all(|_| Outcome::delivered())
    }

    async fn probe(&self) -> Result<(), Reason> {
        Ok(())
    }

    fn framing(&self) -> Framing {
        self.0.framing()
    }
}
