//! The settings in a pipeline file.

use schemars::JsonSchema;
use serde::Deserialize;
use signalbox_core::{BuildContext, BuildError, BuildErrors, Built, Source, SourceConfig, register_plugin};
use signalbox_nats::with_connection;

use super::NatsSource;
use super::consumer::Wanted;
use super::options::{Format, StartAt};
use crate::link::Link;

with_connection! {
    /// Settings of the source `nats`.
    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    pub struct NatsSourceConfig {
        /// Name of the stream to read. It must exist. Required.
        pub stream: String,
        /// Name of the durable pull consumer, which keeps the place of the source at the servers. The source makes it if it is missing;
        /// several routers may share one. Default `"signalbox"`.
        #[serde(default = "signalbox")]
        pub consumer: String,
        /// Subjects of the stream to read, with wildcards, for a consumer that the source makes. Default: all.
        #[serde(default)]
        pub subjects: Vec<String>,
        /// Where a consumer that the source makes begins: with the oldest message of the stream (`"oldest"`) or with the next new
        /// one (`"new"`). Default `"oldest"`.
        #[serde(default)]
        pub start: StartAt,
        /// Form of the messages: `"segment"` is one Segment call, or a body of `/v1/batch`, as JSON. Default `"segment"`.
        #[serde(default)]
        pub format: Format,
    }
}

fn signalbox() -> String {
    "signalbox".to_owned()
}

register_plugin!(
    Source,
    NatsSourceConfig,
    "nats",
    "Reads events from a stream of NATS JetStream."
);

#[typetag::deserialize(name = "nats")]
impl SourceConfig for NatsSourceConfig {
    fn build(&self, context: &BuildContext) -> Result<Built<dyn Source>, BuildErrors> {
        let connection = self.connection();
        let mut errors = connection.faults();
        for (path, name) in [("stream", &self.stream), ("consumer", &self.consumer)] {
            if let Some(fault) = fault_of_name(name) {
                errors.push(BuildError::new(path, fault).help("names hold letters, digits, - and _"));
            }
        }
        for (at, subject) in self.subjects.iter().enumerate() {
            if let Some(fault) = fault_of_filter(subject) {
                errors.push(
                    BuildError::new(format!("subjects.{at}"), fault)
                        .help("write for instance \"events.*\" or \"events.>\""),
                );
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let doubts = connection.doubts();
        let source = NatsSource {
            wanted: Wanted {
                stream: self.stream.clone(),
                consumer: self.consumer.clone(),
                subjects: self.subjects.clone(),
                start: self.start,
            },
            link: Link::new(connection, format!("source {}", context.name)),
        };
        Ok(Built::source(source).warnings(doubts))
    }
}

/// Checks a name of a stream or consumer by the servers' rule.
fn fault_of_name(name: &str) -> Option<&'static str> {
    let barred = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '.' | '*' | '>' | '/' | '\\');
    if name.is_empty() {
        return Some("is empty");
    }
    name.contains(barred)
        .then_some("holds a character that no such name may have")
}

fn fault_of_filter(subject: &str) -> Option<&'static str> {
    if subject.is_empty() || subject.split('.').any(str::is_empty) {
        return Some("is empty, or has an empty part before, between or after its dots");
    }
    let blank = |c: char| c.is_whitespace() || c.is_control();
    if subject.contains(blank) {
        return Some("holds a blank or a control character");
    }
    let open_end = subject
        .strip_suffix('>')
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    let rest = if open_end {
        subject.trim_end_matches('>')
    } else {
        subject
    };
    let whole = rest.split('.').all(|part| part == "*" || !part.contains('*'));
    (rest.contains('>') || !whole).then_some("has a wildcard that is no part by itself")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters() {
        for good in [">", "events", "events.*", "events.>", "*.x", "a.*.b"] {
            assert_eq!(fault_of_filter(good), None, "{good}");
        }
        for bad in ["", ".", "a..b", "a b", "a.>b", "a.>.b", "a*", "a.b>", "a.\u{0}"] {
            assert!(fault_of_filter(bad).is_some(), "{bad:?}");
        }
    }
}
