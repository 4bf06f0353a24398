//! Streams at the servers: made if they are missing, and checked.

use std::time::{Duration, Instant};

use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, Stream};
use async_nats::jetstream::{self, ErrorCode};

use super::errors::Verdict;
use crate::JournalError;

/// The time that servers have to elect a leader, or to recover, while a router starts.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause before another attempt.
const PAUSE: Duration = Duration::from_millis(250);

/// Opens a stream, or makes it if there is none. Changes the number of replicas, the size and the age of an existing one
/// if they differ, and says so.
///
/// # Errors
/// [`JournalError`] if the servers refuse or do not answer in 30 s, or if another property differs.
pub(crate) async fn ensure(context: &jetstream::Context, wanted: &Config) -> Result<Stream, JournalError> {
    let until = Instant::now() + PATIENCE;
    loop {
        let error = match open(context, wanted).await {
            Ok(stream) => return adjust(context, stream, wanted).await,
            Err(Verdict::Again(error)) if Instant::now() < until => error,
            Err(verdict) => return Err(refused(wanted, verdict)),
        };
        tracing::debug!(stream = wanted.name, "the stream cannot be opened yet: {error}");
        tokio::time::sleep(PAUSE).await;
    }
}

async fn open(context: &jetstream::Context, wanted: &Config) -> Result<Stream, Verdict> {
    let error = match context.get_stream(&wanted.name).await {
        Ok(stream) => return Ok(stream),
        Err(error) => error,
    };
    match error.kind() {
        GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => {
            create(context, wanted).await
        }
        GetStreamErrorKind::JetStream(error) => Err(Verdict::of(&error)),
        GetStreamErrorKind::Request => Err(Verdict::Again(error.to_string())),
        _ => Err(Verdict::Tell(error.to_string())),
    }
}

async fn create(context: &jetstream::Context, wanted: &Config) -> Result<Stream, Verdict> {
    context
        .create_stream(wanted)
        .await
        .map_err(|error: CreateStreamError| match error.kind() {
            // Another router made it meanwhile, or a server that recovers knows it again.
            CreateStreamErrorKind::JetStream(found) if found.error_code() == ErrorCode::STREAM_NAME_EXIST => {
                Verdict::Again(error.to_string())
            }
            CreateStreamErrorKind::JetStream(error) => Verdict::of(&error),
            CreateStreamErrorKind::TimedOut | CreateStreamErrorKind::Response => {
                Verdict::Again(error.to_string())
            }
            _ => Verdict::Tell(error.to_string()),
        })
}

async fn adjust(
    context: &jetstream::Context,
    stream: Stream,
    wanted: &Config,
) -> Result<Stream, JournalError> {
    let found = stream.cached_info().config.clone();
    if let Some(difference) = difference(&found, wanted) {
        return Err(JournalError(format!(
            "the stream {} at the NATS servers was made for something else: {difference}. Choose another \
             journal.prefix, or delete the stream with all it holds (`nats stream rm {}`)",
            wanted.name, wanted.name
        )));
    }
    let config = Config {
        num_replicas: wanted.num_replicas,
        max_bytes: wanted.max_bytes,
        max_age: wanted.max_age,
        duplicate_window: wanted.duplicate_window,
        ..found.clone()
    };
    if config == found {
        return Ok(stream);
    }
    let updated = context.update_stream(&config).await;
    updated.map_err(|error| {
        JournalError(format!(
            "the stream {} has {} replicas and a size of {} bytes; the NATS servers refuse {} and {}: {error}",
            wanted.name, found.num_replicas, found.max_bytes, wanted.num_replicas, wanted.max_bytes
        ))
    })?;
    tracing::info!(
        stream = wanted.name,
        replicas = wanted.num_replicas,
        max_bytes = wanted.max_bytes,
        "the stream has another number of replicas or size from now on, as the settings say"
    );
    Ok(stream)
}

/// Describes the first property that cannot be changed and differs.
fn difference(found: &Config, wanted: &Config) -> Option<String> {
    let properties = [
        (
            "subjects",
            format!("{:?}", found.subjects),
            format!("{:?}", wanted.subjects),
        ),
        (
            "storage",
            format!("{:?}", found.storage),
            format!("{:?}", wanted.storage),
        ),
        (
            "retention",
            format!("{:?}", found.retention),
            format!("{:?}", wanted.retention),
        ),
        (
            "discard",
            format!("{:?}", found.discard),
            format!("{:?}", wanted.discard),
        ),
        (
            "max_msgs_per_subject",
            found.max_messages_per_subject.to_string(),
            wanted.max_messages_per_subject.to_string(),
        ),
        (
            "allow_msg_ttl",
            found.allow_message_ttl.to_string(),
            wanted.allow_message_ttl.to_string(),
        ),
        (
            "allow_atomic",
            found.allow_atomic_publish.to_string(),
            wanted.allow_atomic_publish.to_string(),
        ),
        (
            "allow_direct",
            found.allow_direct.to_string(),
            wanted.allow_direct.to_string(),
        ),
    ];
    let differing = properties.into_iter().find(|(_, found, wanted)| found != wanted);
    differing.map(|(name, found, wanted)| format!("{name} is {found}, and the journal needs {wanted}"))
}

fn refused(wanted: &Config, verdict: Verdict) -> JournalError {
    let remedy = match &verdict {
        Verdict::Again(_) => "see the log of the NATS servers, and whether a majority of them runs",
        Verdict::Full(_) => "make room in `store_dir`, or raise `max_file_store` of the NATS servers",
        _ => "the account needs JetStream, and as many servers as replicas",
    };
    JournalError(format!(
        "the stream {} cannot be opened ({} replicas): {}; {remedy}",
        wanted.name,
        wanted.num_replicas,
        verdict.told()
    ))
}
