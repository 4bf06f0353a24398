//! The durable consumer: made if it is missing, checked if it is there.

use std::time::Duration;

use async_nats::jetstream::consumer::pull::{self, Stream};
use async_nats::jetstream::consumer::{AckPolicy, Config, Consumer, DeliverPolicy};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::{ErrorCode, stream::Stream as OfServer};
use signalbox_core::Sha256Hex;

use super::options::StartAt;
use super::trouble::Trouble;
use crate::link::Open;

/// Messages that the client asks for at once.
const MESSAGES: usize = 250;
/// Bytes that the client asks for at once, if no message may be longer.
const BYTES: usize = 4 << 20;
/// Time for which a request for messages stands.
const EXPIRES: Duration = Duration::from_secs(30);
/// Interval of the server's signs of life. The source opens the consumer again after two without one.
const HEARTBEAT: Duration = Duration::from_secs(3);
/// Time after which the servers give an unacknowledged message to another reader. The source extends it while it works.
const ACK_WAIT: Duration = Duration::from_secs(30);

/// The stream and the consumer of the settings.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) stream: String,
    pub(super) consumer: String,
    pub(super) subjects: Vec<String>,
    pub(super) start: StartAt,
}

/// A consumer that is being read.
pub(super) struct Reading {
    pub(super) messages: Stream,
    /// Part of the ids of events that have none: the same for this stream at each reading, and another for one of the same name
    /// that was made later.
    pub(super) identity: String,
    /// The consumer's time until it gives a message to another reader.
    pub(super) ack_wait: Duration,
}

/// Opens the consumer, and makes it if it is missing.
pub(super) async fn open(wanted: &Wanted, open: &Open) -> Result<Reading, Trouble> {
    let stream = stream(wanted, open).await?;
    let consumer = consumer(wanted, &stream).await?;
    let info = consumer.cached_info();
    if let Some(told) = fault(wanted, &info.config) {
        return Err(Trouble::Consumer(told));
    }
    let longest = open.client.nats().max_payload();
    let messages = consumer.stream().max_messages_per_batch(MESSAGES);
    let messages = messages
        .max_bytes_per_batch(BYTES.max(longest.saturating_mul(2)))
        .expires(EXPIRES)
        .heartbeat(HEARTBEAT);
    let messages = messages.messages().await;
    let created = stream.cached_info().created;
    Ok(Reading {
        messages: messages.map_err(|error| Trouble::request("asking for messages", &error))?,
        identity: Sha256Hex::of(&format!("{} {}", wanted.stream, created.unix_timestamp_nanos()))
            .as_str()
            .to_owned(),
        ack_wait: if info.config.ack_wait.is_zero() {
            ACK_WAIT
        } else {
            info.config.ack_wait
        },
    })
}

async fn stream(wanted: &Wanted, open: &Open) -> Result<OfServer, Trouble> {
    let asking = open.jetstream.get_stream(&wanted.stream);
    open.client
        .watchdog()
        .watch(asking)
        .await
        .map_err(|error| match error.kind() {
            GetStreamErrorKind::JetStream(told) if told.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                Trouble::NoStream(wanted.stream.clone())
            }
            _ => Trouble::request("looking up the stream", &error),
        })
}

async fn consumer(wanted: &Wanted, stream: &OfServer) -> Result<Consumer<pull::Config>, Trouble> {
    let config = pull::Config {
        durable_name: Some(wanted.consumer.clone()),
        description: Some("Signalbox: acknowledged when the journal has the event".to_owned()),
        ack_policy: AckPolicy::Explicit,
        ack_wait: ACK_WAIT,
        deliver_policy: match wanted.start {
            StartAt::Oldest => DeliverPolicy::All,
            StartAt::New => DeliverPolicy::New,
        },
        filter_subjects: wanted.subjects.clone(),
        ..pull::Config::default()
    };
    let made = stream.get_or_create_consumer(&wanted.consumer, config).await;
    made.map_err(|error| Trouble::request("opening the consumer", &error))
}

/// Returns the fault of a consumer that was there already, and the remedy.
fn fault(wanted: &Wanted, config: &Config) -> Option<String> {
    let name = &wanted.consumer;
    let remedy = "delete it, so that the source makes it again, or set another `consumer`";
    if config.ack_policy != AckPolicy::Explicit {
        return Some(format!(
            "the consumer `{name}` has no explicit acknowledgements; {remedy}"
        ));
    }
    if config.max_deliver > 0 {
        let times = config.max_deliver;
        return Some(format!(
            "the consumer `{name}` gives a message up after {times} deliveries (`max_deliver`), so events could be lost; {remedy}"
        ));
    }
    if config.headers_only {
        return Some(format!("the consumer `{name}` delivers headers only; {remedy}"));
    }
    let filtered: Vec<&String> = match config.filter_subject.as_str() {
        "" => config.filter_subjects.iter().collect(),
        _ => vec![&config.filter_subject],
    };
    let asked: Vec<&String> = wanted.subjects.iter().collect();
    (!asked.is_empty() && filtered != asked)
        .then(|| format!("the consumer `{name}` reads other subjects than `subjects` says; {remedy}"))
}
