//! What users write: the tables that are the runtime's own, and the runtime's keys within a component.
//!
//! The doc comments below are what `signalbox schema` and editors show.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use signalbox_core::{Secret, Size, Span};

/// Where events are kept between a source and the sinks.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalSettings {
    /// The kind of journal. Default: `memory`.
    #[serde(rename = "type", default)]
    pub kind: JournalKind,
    /// The directory of a disk journal. No default; a memory journal has none.
    pub path: Option<PathBuf>,
    /// How many bytes of events the journal holds before sources are told to wait. Default: `"256MB"`.
    #[serde(default = "JournalSettings::default_max_bytes")]
    pub max_bytes: Size,
}

impl JournalSettings {
    fn default_max_bytes() -> Size {
        Size(256_000_000)
    }
}

impl Default for JournalSettings {
    fn default() -> Self {
        Self {
            kind: JournalKind::default(),
            path: None,
            max_bytes: Self::default_max_bytes(),
        }
    }
}

/// The kinds of journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JournalKind {
    /// In the memory of the process: what is in it when the process ends is lost.
    #[default]
    Memory,
    /// On disk. Not available yet.
    Disk,
}

/// The address for operators: metrics, health, status.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminSettings {
    /// The address and port to listen on, such as `"127.0.0.1:9090"`. Required. An address that other machines can
    /// reach needs a `token`.
    #[serde(deserialize_with = "address")]
    #[schemars(schema_with = "address_schema")]
    pub listen: SocketAddr,
    /// The bearer token every request must carry. Default: none.
    pub token: Option<Secret>,
}

/// Where metrics are sent, besides `/metrics` of the admin address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    /// The OTLP/HTTP endpoint of a collector, such as `"http://127.0.0.1:4318"`; `/v1/metrics` is added.
    /// Default: none, nothing is sent.
    pub otlp_endpoint: Option<String>,
    /// The time between two exports. Default: `"60s"`.
    #[serde(default = "TelemetrySettings::default_interval")]
    pub interval: Span,
}

impl TelemetrySettings {
    fn default_interval() -> Span {
        Span::from_secs(60)
    }
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            interval: Self::default_interval(),
        }
    }
}

/// How the process ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShutdownSettings {
    /// How long sinks may go on delivering after SIGTERM or SIGINT. Default: `"25s"`, which fits into the 30 s
    /// that Kubernetes gives.
    #[serde(default = "ShutdownSettings::default_deadline")]
    pub deadline: Span,
}

impl ShutdownSettings {
    fn default_deadline() -> Span {
        Span::from_secs(25)
    }
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self {
            deadline: Self::default_deadline(),
        }
    }
}

/// The runtime's keys of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRuntime {
    /// The transforms every event of this source passes before it is stored, in this order. Default: none.
    #[serde(default)]
    pub through: Vec<String>,
}

/// The runtime's keys of a sink. What is `None` here is the plugin's default
/// ([`SinkDefaults`](signalbox_core::SinkDefaults)), or the one its comment gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SinkRuntime {
    /// The sources whose events this sink gets. Required.
    pub inputs: Vec<String>,
    /// The transforms every event passes on its way to this sink alone, in this order. Default: none.
    #[serde(default)]
    pub through: Vec<String>,
    /// The name of this destination in the `integrations` object of an event. Default: the plugin's, else the
    /// sink's own name.
    pub integration: Option<String>,
    /// The consent categories an event must have been granted to be delivered here. Default: none.
    #[serde(default)]
    pub consent_categories: Vec<String>,
    /// How records are put together. Default: the plugin's.
    #[serde(default)]
    pub batch: BatchKeys,
    /// How long and how often a record is retried. Default: the plugin's.
    #[serde(default)]
    pub retry: RetryKeys,
    /// How many requests may be under way at once. Default: the plugin's.
    pub concurrency: Option<NonZeroUsize>,
    /// The time for one request and its answer. Default: the plugin's.
    pub timeout: Option<Span>,
    /// The most attempts in any 60 seconds, retries included. Default: the plugin's.
    pub calls_per_minute: Option<NonZeroU32>,
    /// What happens when the journal is full because of this sink. Default: `refuse`.
    #[serde(default)]
    pub on_journal_full: OnJournalFull,
    /// Whether a record of an `offline` event is sent again when the first attempt may have been written (a timeout).
    /// Pinterest does not recognise the second copy of such an event. `false` makes it a dead letter instead.
    /// Default: `true`.
    pub retry_timeouts_of_offline: Option<bool>,
}

/// How records are put together into a batch; the first limit that is reached closes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchKeys {
    /// The most records in a batch. Default: the plugin's.
    pub max_events: Option<NonZeroUsize>,
    /// The most bytes of a request's body. Default: the plugin's.
    pub max_bytes: Option<Size>,
    /// How long the first record of a batch waits for others. Default: the plugin's.
    pub max_wait: Option<Span>,
}

/// How a record is retried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryKeys {
    /// How long a record is retried, from its first attempt; then it expires. Default: the plugin's.
    #[serde(rename = "for")]
    pub window: Option<Span>,
    /// The wait before the first retry; it doubles from there, with jitter. Default: `"500ms"`.
    pub initial_backoff: Option<Span>,
    /// The longest wait between two attempts, unless the destination names a longer one. Default: `"60s"`.
    pub max_backoff: Option<Span>,
}

impl RetryKeys {
    /// The wait before the first retry.
    #[must_use]
    pub fn initial_backoff(&self) -> Span {
        self.initial_backoff.unwrap_or(Span::from_millis(500))
    }

    /// The longest wait between two attempts.
    #[must_use]
    pub fn max_backoff(&self) -> Span {
        self.max_backoff.unwrap_or(Span::from_secs(60))
    }
}

/// What to do with new events while the journal is full because a sink lags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnJournalFull {
    /// Refuse new events (503 with Retry-After): clients keep and send them again.
    #[default]
    Refuse,
    /// Make the oldest events that only this sink still needs dead letters.
    DeadLetterOldest,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    struct Address;
    impl de::Visitor<'_> for Address {
        type Value = SocketAddr;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an IP address with a port, such as \"127.0.0.1:9090\"")
        }
        fn visit_str<E: de::Error>(self, text: &str) -> Result<SocketAddr, E> {
            text.parse()
                .map_err(|_| E::invalid_value(de::Unexpected::Str(""), &self))
        }
    }
    deserializer.deserialize_str(Address)
}

fn address_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "examples": ["127.0.0.1:9090", "[::1]:9090"] })
}
