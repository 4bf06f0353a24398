//! Streams at the servers: made if they are missing, and checked.

use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, Stream};
use async_nats::jetstream::{self, ErrorCode};

use super::errors::Verdict;
use super::patience::{Patience, START};
use crate::JournalError;

/// The pause before another attempt.
const PAUSE: Duration = Duration::from_millis(250);

/// Opens a stream, or makes it if there is none. Changes the number of replicas, the size and the age of an existing one
/// if they differ, and says so.
///
/// # Errors
/// [`JournalError`] if the servers refuse or do not answer in [`START`], or if another property differs.
pub(crate) async fn ensure(context: &jetstream::Context, wanted: &Config) -> Result<Stream, JournalError> {
    let mut patience = Patience::new(START);
    loop {
        let opened = match open(context, wanted).await {
            Ok(stream) => adjust(context, stream, wanted).await?,
            Err(verdict) => Err(verdict),
        };
        let error = match opened {
            Ok(stream) => return Ok(stream),
            Err(Verdict::Again(error)) if patience.lasts(&error) => error,
            Err(verdict) => return Err(refused(wanted, verdict)),
        };
        tracing::debug!(stream = wanted.name, "the stream cannot be opened yet: {error}");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Refuses to make the stream of the states while that of the events holds some: no sink would know which of them it has
/// delivered.
///
/// # Errors
/// [`JournalError`] with the remedy, or if the servers do not answer in [`START`].
pub(crate) async fn refuse_lost_states(
    context: &jetstream::Context,
    states: &str,
    events: &str,
) -> Result<(), JournalError> {
    let mut patience = Patience::new(START);
    loop {
        let found = match find(context, states).await {
            Ok(None) => find(context, events).await,
            Ok(Some(_)) => return Ok(()),
            Err(verdict) => Err(verdict),
        };
        let told = match found {
            Ok(found) => {
                let held = found.map_or(0, |stream| stream.cached_info().state.messages);
                return if held == 0 {
                    Ok(())
                } else {
                    Err(lost(states, events, held))
                };
            }
            Err(verdict) => verdict.told(),
        };
        if !patience.lasts(&told) {
            return Err(JournalError(format!(
                "the streams {states} and {events} cannot be looked at: {told}; check that a majority of the NATS servers runs"
            )));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

fn lost(states: &str, events: &str, held: u64) -> JournalError {
    JournalError(format!(
        "the stream {states} with the states is gone, and the stream {events} holds {held} messages: without the states no sink knows \
         which of their events it has delivered. Restore {states} from a backup (`nats stream restore`), or give up what {events} \
         holds (`nats stream rm {events}`) to begin a new journal"
    ))
}

async fn open(context: &jetstream::Context, wanted: &Config) -> Result<Stream, Verdict> {
    match find(context, &wanted.name).await? {
        Some(stream) => Ok(stream),
        None => create(context, wanted).await,
    }
}

/// Looks for a stream; `None` if there is none.
async fn find(context: &jetstream::Context, name: &str) -> Result<Option<Stream>, Verdict> {
    let error = match context.get_stream(name).await {
        Ok(stream) => return Ok(Some(stream)),
        Err(error) => error,
    };
    match error.kind() {
        GetStreamErrorKind::JetStream(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
        GetStreamErrorKind::JetStream(error) => Err(Verdict::of(&error)),
        GetStreamErrorKind::Request => Err(Verdict::Again(error.to_string())),
        _ => Err(Verdict::Tell(error.to_string())),
    }
}

async fn create(context: &jetstream::Context, wanted: &Config) -> Result<Stream, Verdict> {
    let created = context.create_stream(wanted).await;
    created.map_err(|error| judged(&error))
}

fn judged(error: &CreateStreamError) -> Verdict {
    match error.kind() {
        // Another router made it meanwhile, or a server that recovers knows it again.
        CreateStreamErrorKind::JetStream(found) if found.error_code() == ErrorCode::STREAM_NAME_EXIST => {
            Verdict::Again(error.to_string())
        }
        CreateStreamErrorKind::JetStream(error) => Verdict::of(&error),
        CreateStreamErrorKind::TimedOut | CreateStreamErrorKind::Response => {
            Verdict::Again(error.to_string())
        }
        _ => Verdict::Tell(error.to_string()),
    }
}

/// Changes the properties that settings may change.
async fn adjust(
    context: &jetstream::Context,
    stream: Stream,
    wanted: &Config,
) -> Result<Result<Stream, Verdict>, JournalError> {
    let found = stream.cached_info().config.clone();
    if let Some(difference) = difference(&found, wanted) {
        return Err(JournalError(format!(
            "the stream {} at the NATS servers was made for something else: {difference}",
            wanted.name
        )));
    }
    let config = adjusted(&found, wanted);
    if config == found {
        return Ok(Ok(stream));
    }
    if let Err(error) = context.update_stream(&config).await {
        // Another router may change it at the same moment.
        let verdict = judged(&error);
        if matches!(verdict, Verdict::Again(_)) {
            return Ok(Err(verdict));
        }
        return Err(JournalError(format!(
            "the NATS servers refuse to change the stream {} from {} to {}: {error}; {}",
            wanted.name,
            described(&found),
            described(&config),
            remedy(&config, &verdict)
        )));
    }
    tracing::info!(
        stream = wanted.name,
        "the stream is changed from {} to {}, as the settings say",
        described(&found),
        described(&config)
    );
    Ok(Ok(stream))
}

/// The configuration of a stream, with the properties that settings may change as they demand.
fn adjusted(found: &Config, wanted: &Config) -> Config {
    Config {
        num_replicas: wanted.num_replicas.max(1),
        // The servers say -1 for a stream without a limit.
        max_bytes: if wanted.max_bytes > 0 {
            wanted.max_bytes
        } else {
            found.max_bytes.min(-1)
        },
        max_age: wanted.max_age,
        // Zero leaves it to the servers.
        duplicate_window: if wanted.duplicate_window.is_zero() {
            found.duplicate_window
        } else {
            wanted.duplicate_window
        },
        ..found.clone()
    }
}

fn described(config: &Config) -> String {
    format!(
        "{} replicas, {} bytes (-1: no limit), {} s (0: no limit), duplicate window {} s",
        config.num_replicas,
        config.max_bytes,
        config.max_age.as_secs(),
        config.duplicate_window.as_secs()
    )
}

/// Describes the first property that differs and that the journal does not change by itself, with the remedy.
fn difference(found: &Config, wanted: &Config) -> Option<String> {
    let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
    // The servers say -1 for no limit, and settings may say 0.
    let limit = |limit: i64| if limit > 0 { limit } else { -1 };
    let copies = |config: &Config| {
        let sources = config.sources.as_ref().is_some_and(|sources| !sources.is_empty());
        text(&(config.mirror.is_some() || sources))
    };
    // The flag of `nats stream edit` by which an operator changes it, if one does.
    let properties = [
        (
            "subjects",
            text(&found.subjects),
            text(&wanted.subjects),
            Some("--subjects"),
        ),
        ("storage", text(&found.storage), text(&wanted.storage), None),
        ("retention", text(&found.retention), text(&wanted.retention), None),
        (
            "discard",
            text(&found.discard),
            text(&wanted.discard),
            Some("--discard"),
        ),
        (
            "max_msgs",
            limit(found.max_messages).to_string(),
            limit(wanted.max_messages).to_string(),
            Some("--max-msgs"),
        ),
        (
            "max_msgs_per_subject",
            limit(found.max_messages_per_subject).to_string(),
            limit(wanted.max_messages_per_subject).to_string(),
            Some("--max-msgs-per-subject"),
        ),
        (
            "max_msg_size",
            limit(found.max_message_size.into()).to_string(),
            limit(wanted.max_message_size.into()).to_string(),
            Some("--max-msg-size"),
        ),
        (
            "allow_direct",
            text(&found.allow_direct),
            text(&wanted.allow_direct),
            Some("--allow-direct"),
        ),
        ("no_ack", text(&found.no_ack), text(&wanted.no_ack), Some("--ack")),
        (
            "allow_msg_ttl",
            text(&found.allow_message_ttl),
            text(&wanted.allow_message_ttl),
            None,
        ),
        (
            "allow_atomic",
            text(&found.allow_atomic_publish),
            text(&wanted.allow_atomic_publish),
            None,
        ),
        (
            "deny_purge",
            text(&found.deny_purge),
            text(&wanted.deny_purge),
            None,
        ),
        ("sealed", text(&found.sealed), text(&wanted.sealed), None),
        ("mirror or sources", copies(found), copies(wanted), None),
    ];
    let differing = properties
        .into_iter()
        .find(|(_, found, wanted, _)| found != wanted);
    let (property, is, needs, flag) = differing?;
    let name = &wanted.name;
    let remedy = match flag {
        Some(flag) => {
            format!("Change it with `nats stream edit {name} {flag} …`, choose another journal.prefix, or")
        }
        None => "Choose another journal.prefix, or".to_owned(),
    };
    Some(format!(
        "{property} is {is}, and the journal needs {needs}. {remedy} delete the stream with all it holds (`nats stream rm {name}`)"
    ))
}

fn refused(wanted: &Config, verdict: Verdict) -> JournalError {
    let remedy = remedy(wanted, &verdict);
    JournalError(format!(
        "the stream {} cannot be opened ({} replicas): {}; {remedy}",
        wanted.name,
        wanted.num_replicas,
        verdict.told()
    ))
}

fn remedy(wanted: &Config, verdict: &Verdict) -> String {
    match verdict {
        Verdict::Again(_) => {
            "see the log of the NATS servers, and whether a majority of them runs".to_owned()
        }
        // A cluster says the second, with another code.
        Verdict::Full(words) | Verdict::Tell(words)
            if matches!(verdict, Verdict::Full(_)) || words.contains("insufficient storage") =>
        {
            let lower = if wanted.max_bytes > 0 {
                format!(
                    "lower journal.max_bytes ({}), which the servers reserve, or ",
                    wanted.max_bytes
                )
            } else {
                String::new()
            };
            format!("{lower}raise `max_file_store` of each NATS server, or the account's limit")
        }
        _ => "the account needs JetStream, and as many servers as replicas".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use async_nats::jetstream::stream::StorageType;
    use signalbox_testkit::NatsCluster;

    use super::*;
    use crate::nats::testing::context;

    #[tokio::test]
    async fn a_stream_is_made_once_changed_where_it_can_be_and_refused_otherwise() {
        if !NatsCluster::available() {
            return;
        }
        let servers = NatsCluster::start(1).await;
        let context = context(&servers).await;
        let wanted = Config {
            name: "sbx_X".into(),
            subjects: vec!["sbx.x.>".into()],
            max_messages_per_subject: 1,
            ..Config::default()
        };
        ensure(&context, &wanted).await.unwrap();
        let first = ensure(&context, &wanted).await.unwrap().cached_info().clone();
        assert_eq!(first.config.max_bytes, -1);
        assert_eq!(adjusted(&first.config, &wanted), first.config);

        let smaller = Config {
            max_bytes: 1_000_000,
            max_age: Duration::from_secs(600),
            ..wanted.clone()
        };
        ensure(&context, &smaller).await.unwrap();
        let changed = context.get_stream("sbx_X").await.unwrap().cached_info().clone();
        assert_eq!(changed.created, first.created);
        assert_eq!(changed.config.max_bytes, 1_000_000);
        assert_eq!(changed.config.max_age, Duration::from_secs(600));
        ensure(&context, &wanted).await.unwrap();
        let back = context.get_stream("sbx_X").await.unwrap().cached_info().clone();
        assert_eq!(back.config, first.config);

        let other = Config {
            storage: StorageType::Memory,
            ..wanted.clone()
        };
        let error = ensure(&context, &other).await.unwrap_err().to_string();
        for words in ["sbx_X", "storage is File", "needs Memory", "journal.prefix"] {
            assert!(error.contains(words), "{error}");
        }
        let three = Config {
            num_replicas: 3,
            ..wanted
        };
        let error = ensure(&context, &three).await.unwrap_err().to_string();
        assert!(
            error.contains("from 1 replicas") && error.contains("to 3"),
            "{error}"
        );
        let elsewhere = Config {
            name: "sbx_Y".into(),
            ..three
        };
        let error = ensure(&context, &elsewhere).await.unwrap_err().to_string();
        assert!(
            error.contains("3 replicas") && error.contains("as many servers"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn a_stream_that_does_not_fit_names_the_setting() {
        if !NatsCluster::available() {
            return;
        }
        for count in [1, 3] {
            let servers = NatsCluster::start(count).await;
            let context = context(&servers).await;
            let small = Config {
                name: "sbx_EV".into(),
                subjects: vec!["sbx.ev.*".into()],
                max_bytes: 1_000_000,
                num_replicas: count,
                ..Config::default()
            };
            // More than `max_file_store` of the test's servers.
            let large = Config {
                max_bytes: 10_000_000_000,
                ..small.clone()
            };
            let made = ensure(&context, &large).await.unwrap_err().to_string();
            ensure(&context, &small).await.unwrap();
            let changed = ensure(&context, &large).await.unwrap_err().to_string();
            for error in [made, changed] {
                assert!(
                    error.contains("journal.max_bytes (10000000000)") && error.contains("max_file_store"),
                    "{error}"
                );
            }
        }
    }
}
