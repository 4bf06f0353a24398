//! What users write: the tables that are the runtime's own, and the runtime's keys within a component.
//!
//! The doc comments below are what `signalbox schema` and editors show.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de};
use signalbox_core::{HumanDuration, Secret, Size};

/// Where events wait between sources and sinks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalSettings {
    /// The kind of journal. Default: `disk`.
    #[serde(rename = "type", default)]
    pub kind: JournalKind,
    /// The folder of a disk journal, made if it is missing; one router at a time. Default: `"signalbox-journal"`. A
    /// memory journal has none.
    pub path: Option<PathBuf>,
    /// How many bytes of unsettled events the journal holds before sources are told to wait. Default: `"10GB"` on
    /// disk, `"256MB"` in memory.
    pub max_bytes: Option<Size>,
    /// Unsettled events older than this are dropped. Disk only. Default: no limit.
    pub max_age: Option<HumanDuration>,
    /// How long events that every sink has settled are kept for replay. Disk only. Default: `"24h"`.
    pub retain: Option<HumanDuration>,
    /// How long a `messageId` is known, to take an event only once. Disk only (a memory journal knows the newest
    /// 200,000). Default: `"24h"`.
    pub dedup_window: Option<HumanDuration>,
    /// Memory for deduplication, 12 to 25 bytes an id; what does not fit is looked up on disk. Disk only. Default:
    /// `"256MB"`.
    pub dedup_memory: Option<Size>,
    /// The time for which a sink that is no longer in the file holds its unsettled events; then they become dead letters.
    /// Default: until `signalbox forget --sink NAME`.
    pub orphan_retention: Option<HumanDuration>,
}

impl JournalSettings {
    /// The folder of a disk journal.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.path.clone().unwrap_or_else(|| "signalbox-journal".into())
    }

    /// The limit in bytes.
    #[must_use]
    pub fn limit(&self) -> u64 {
        let default = match self.kind {
            JournalKind::Memory => 256_000_000,
            JournalKind::Disk => 10_000_000_000,
        };
        self.max_bytes.map_or(default, |size| size.0)
    }
}

/// The kinds of journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum JournalKind {
    /// In the memory of the process: what is in it when the process ends is lost.
    Memory,
    /// On disk: what was acknowledged survives a crash.
    #[default]
    Disk,
}

/// What is kept of events that could not be delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeadLetterSettings {
    /// How personal data stands in dead letters: `hashed` (by the rules of `hash_pii`), `none` (no payload is kept),
    /// or `plain`. Default: `hashed`.
    #[serde(default)]
    pub personal_data: PersonalData,
    /// The most bytes of dead letters that the journal keeps of each sink. Default: `"1GB"`; of a memory journal `"64MB"`.
    pub max_bytes: Option<Size>,
    /// The fate of a sink whose dead letters are full: `hold_sink` (it is held until some were retried or
    /// discarded, or `max_bytes` was raised) or `drop_oldest` (the oldest go, and are counted). Default: `hold_sink`;
    /// `drop_oldest` if `max_bytes` is set, as it was before there was a choice.
    pub on_full: Option<OnFull>,
    /// The most bytes of dead letters that the journal keeps of each source; beyond, the oldest go, counted. Default:
    /// `"256MB"`; of a memory journal `"16MB"`.
    pub source_max_bytes: Option<Size>,
}

impl DeadLetterSettings {
    /// The chosen fate of a sink whose dead letters are full, or its default.
    #[must_use]
    pub fn on_full(&self) -> OnFull {
        let default = match self.max_bytes {
            Some(_) => OnFull::DropOldest,
            None => OnFull::HoldSink,
        };
        self.on_full.unwrap_or(default)
    }
}

/// The fate of a sink whose dead letters are full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnFull {
    /// The sink is held; nothing is lost.
    HoldSink,
    /// The oldest dead letters are dropped, and counted.
    DropOldest,
}

/// How personal data stands in dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonalData {
    /// Hashed as `hash_pii` would.
    #[default]
    Hashed,
    /// No payload at all.
    None,
    /// As it is.
    Plain,
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
    /// Names under which the address may be asked, such as `"signalbox.internal"`, without a port. IP addresses and
    /// `localhost` always may; other names get 421, since a page in a browser can make a name of its own lead here (DNS
    /// rebinding). Requests with the token, `/health`, `/live` and `/ready` may use any name. Default: none.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// Where metrics are sent, besides `/metrics` of the admin address.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TelemetrySettings {
    /// The OTLP/HTTP endpoint of a collector, such as `"http://127.0.0.1:4318"`; `/v1/metrics` is added.
    /// Default: none, nothing is sent.
    pub otlp_endpoint: Option<String>,
    /// The time between two exports. Default: `"60s"`.
    pub interval: HumanDuration,
}

impl Default for TelemetrySettings {
    fn default() -> Self {
        Self {
            otlp_endpoint: None,
            interval: HumanDuration::from_secs(60),
        }
    }
}

/// How the process ends.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ShutdownSettings {
    /// How long sinks may go on delivering after SIGTERM or SIGINT. Default: `"25s"`, which fits into the 30 s
    /// that Kubernetes gives.
    pub deadline: HumanDuration,
}

impl Default for ShutdownSettings {
    fn default() -> Self {
        Self {
            deadline: HumanDuration::from_secs(25),
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
    /// The name that this source had before: its counts, known ids, dead letters and pending events go over. It may
    /// stay in the file. Default: none.
    pub was: Option<String>,
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
    pub timeout: Option<HumanDuration>,
    /// The most attempts in any 60 seconds, retries included. Default: the plugin's.
    pub calls_per_minute: Option<NonZeroU32>,
    /// Which sinks share one `calls_per_minute`: those with the same name here. Default: the plugin's, which names what
    /// the destination counts by (an account), else the sink alone.
    pub rate_group: Option<String>,
    /// True if this sink keeps everything and delivers nothing, until the key is taken out again. Default: false.
    #[serde(default)]
    pub hold: bool,
    /// The choice for a journal that is full because of this sink. Default: `refuse`.
    #[serde(default)]
    pub on_journal_full: OnJournalFull,
    /// Where a sink starts that the journal does not know yet, and with sources added to its inputs later: at the
    /// `end`, with what comes from now on, or at the `beginning`, with the oldest event still held. Default: `end`.
    #[serde(default)]
    pub start: StartAt,
    /// The name that this sink had before: it goes on where that one stands, with its pending events, dead letters and
    /// counts. It may stay in the file. Default: none.
    pub was: Option<String>,
    /// The fate of pending events of a source that is taken out of `inputs`: `deliver` them, since they were
    /// acknowledged for this sink, or `filter` them, counted by the reason `input_removed`. Default: `deliver`.
    #[serde(default)]
    pub inputs_removed: InputsRemoved,
    /// Whether a record of an `offline` event is sent again when the first attempt may have been written (a timeout).
    /// Destinations may not recognise the second copy of such an event. `false` makes it a dead letter instead.
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
    pub max_wait: Option<HumanDuration>,
}

/// How a record is retried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryKeys {
    /// How long a record is retried, from its first attempt; then it expires. Default: the plugin's.
    #[serde(rename = "for")]
    pub window: Option<HumanDuration>,
    /// The wait before the first retry; it doubles from there, with jitter. Default: `"500ms"`.
    pub initial_backoff: Option<HumanDuration>,
    /// The longest wait between two attempts, unless the destination names a longer one. Default: `"60s"`.
    pub max_backoff: Option<HumanDuration>,
}

impl RetryKeys {
    /// The wait before the first retry.
    #[must_use]
    pub fn initial_backoff(&self) -> HumanDuration {
        self.initial_backoff.unwrap_or(HumanDuration::from_millis(500))
    }

    /// The longest wait between two attempts.
    #[must_use]
    pub fn max_backoff(&self) -> HumanDuration {
        self.max_backoff.unwrap_or(HumanDuration::from_secs(60))
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

/// The fate of pending events of a source that is no longer an input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum InputsRemoved {
    /// They are delivered as they would have been.
    #[default]
    Deliver,
    /// They are counted as filtered.
    Filter,
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

/// Where a new sink starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StartAt {
    /// With what comes from now on.
    #[default]
    End,
    /// With the oldest event still held.
    Beginning,
}
