//! Makes the stream, or checks that the one that is there has the properties that the log needs.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use super::options::LogOptions;
use super::stream::{Info, Stream};
use crate::JournalError;
use crate::nats::errors::Verdict;

/// The time within which the server knows the id of a message that is published again.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// The number of tries while the servers elect leaders, and the pause between them.
const TRIES: u32 = 60;
const PAUSE: Duration = Duration::from_millis(500);

/// The configuration of the stream.
fn wanted(stream: &Stream, options: &LogOptions) -> Config {
    Config {
        name: stream.name.clone(),
        description: Some("Signalbox: events, in frames".into()),
        subjects: vec![format!("{}.*", options.subjects.subject(&["ev"]))],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::New,
        max_bytes: i64::try_from(options.max_bytes).unwrap_or(i64::MAX),
        max_messages: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        num_replicas: options.replicas,
        duplicate_window: DUPLICATE_WINDOW,
        allow_direct: true,
        deny_delete: true,
        ..Config::default()
    }
}

/// Makes or checks the stream. Waits up to half a minute for servers that are starting.
pub(super) async fn open(stream: &Stream, options: &LogOptions) -> Result<Info, JournalError> {
    let wanted = wanted(stream, options);
    let mut why = String::new();
    for attempt in 0..TRIES {
        if attempt > 0 {
            tokio::time::sleep(PAUSE).await;
        }
        let opened = match stream.info().await {
            Ok(Some(info)) => adapt(stream, info, &wanted).await,
            Ok(None) => make(stream, &wanted).await,
            Err(verdict) => Err(verdict.into()),
        };
        match opened {
            Ok(info) => return Ok(info),
            Err(Failed::Again(words)) => why = words,
            Err(Failed::Refused(error)) => return Err(error),
        }
    }
    Err(JournalError(format!(
        "the stream '{}' of the journal cannot be opened: {why}; check that the NATS servers run and that their cluster has a leader",
        stream.name
    )))
}

enum Failed {
    Again(String),
    Refused(JournalError),
}

impl From<Verdict> for Failed {
    fn from(verdict: Verdict) -> Failed {
        match verdict {
            Verdict::Again(words) => Failed::Again(words),
            other => Failed::Refused(JournalError(other.told())),
        }
    }
}

async fn make(stream: &Stream, wanted: &Config) -> Result<Info, Failed> {
    let made = stream
        .ask::<Info>(&format!("STREAM.CREATE.{}", stream.name), wanted)
        .await?;
    match made {
        Ok(info) => Ok(info),
        // Another router made it just now.
        Err(error) if error.error_code() == ErrorCode::STREAM_NAME_EXIST => {
            Err(Failed::Again(error.to_string()))
        }
        Err(error) => match Verdict::of(&error) {
            Verdict::Again(words) => Err(Failed::Again(words)),
            _ => Err(Failed::Refused(JournalError(format!(
                "the NATS servers do not make the stream '{}' with {} replicas and max_bytes {}: {error}",
                stream.name, wanted.num_replicas, wanted.max_bytes
            )))),
        },
    }
}

/// Checks a stream that is there. Changes its size and its replicas to the settings, and nothing else.
async fn adapt(stream: &Stream, info: Info, wanted: &Config) -> Result<Info, Failed> {
    let found = &info.config;
    if let Some(error) = fault(found, wanted) {
        return Err(Failed::Refused(error));
    }
    if found.max_bytes == wanted.max_bytes && found.num_replicas == wanted.num_replicas {
        return Ok(info);
    }
    tracing::warn!(
        stream = stream.name,
        "the stream's limits are changed to the settings: max_bytes from {} to {}, replicas from {} to {}",
        found.max_bytes,
        wanted.max_bytes,
        found.num_replicas,
        wanted.num_replicas
    );
    let changed = Config {
        max_bytes: wanted.max_bytes,
        num_replicas: wanted.num_replicas,
        ..found.clone()
    };
    let updated = stream
        .ask::<Info>(&format!("STREAM.UPDATE.{}", stream.name), &changed)
        .await?;
    match updated {
        Ok(info) => Ok(info),
        Err(error) => match Verdict::of(&error) {
            Verdict::Again(words) => Err(Failed::Again(words)),
            _ => Err(Failed::Refused(JournalError(format!(
                "the stream '{}' cannot be changed to {} replicas and max_bytes {}: {error}; set journal.cluster.replicas and journal.max_bytes to what the servers can give",
                stream.name, wanted.num_replicas, wanted.max_bytes
            )))),
        },
    }
}

/// The sentence about the first property that the log cannot do with.
fn fault(found: &Config, wanted: &Config) -> Option<JournalError> {
    let name = &wanted.name;
    let edit = |flag: &str| format!("change it with `nats stream edit {name} {flag}`");
    let anew = format!(
        "this cannot be changed: let the routers use another journal.prefix, or delete the stream once it holds nothing you need (`nats stream rm {name}`)"
    );
    let seconds = |window: Duration| format!("{} s", window.as_secs());
    let rows: [(&str, bool, String, String, String); 12] = [
        (
            "subjects",
            found.subjects == wanted.subjects,
            found.subjects.join(", "),
            wanted.subjects.join(", "),
            edit(&format!("--subjects '{}'", wanted.subjects.join(","))),
        ),
        (
            "storage",
            found.storage == wanted.storage,
            format!("{:?}", found.storage).to_lowercase(),
            "file".into(),
            anew.clone(),
        ),
        (
            "retention",
            found.retention == wanted.retention,
            format!("{:?}", found.retention).to_lowercase(),
            "limits".into(),
            anew.clone(),
        ),
        (
            "discard",
            found.discard == wanted.discard && !found.discard_new_per_subject,
            format!("{:?}", found.discard).to_lowercase(),
            "new".into(),
            edit("--discard new"),
        ),
        (
            "max_age",
            found.max_age.is_zero(),
            seconds(found.max_age),
            "none".into(),
            edit("--max-age 0"),
        ),
        (
            "max_msgs",
            found.max_messages < 0,
            found.max_messages.to_string(),
            "-1".into(),
            edit("--max-msgs=-1"),
        ),
        (
            "max_msgs_per_subject",
            found.max_messages_per_subject < 0,
            found.max_messages_per_subject.to_string(),
            "-1".into(),
            edit("--max-msgs-per-subject=-1"),
        ),
        (
            "max_msg_size",
            found.max_message_size <= 0,
            found.max_message_size.to_string(),
            "-1".into(),
            edit("--max-msg-size=-1"),
        ),
        (
            "duplicate_window",
            found.duplicate_window == wanted.duplicate_window,
            seconds(found.duplicate_window),
            seconds(wanted.duplicate_window),
            edit("--dupe-window 2m"),
        ),
        (
            "allow_direct",
            found.allow_direct,
            found.allow_direct.to_string(),
            "true".into(),
            edit("--allow-direct"),
        ),
        (
            "deny_purge",
            !found.deny_purge,
            found.deny_purge.to_string(),
            "false".into(),
            anew.clone(),
        ),
        (
            "mirror or sources",
            found.mirror.is_none() && found.sources.as_ref().is_none_or(Vec::is_empty) && !found.sealed,
            "set, or the stream is sealed".into(),
            "none".into(),
            anew,
        ),
    ];
    let (property, _, is, should, remedy) = rows.into_iter().find(|(_, right, ..)| !right)?;
    Some(JournalError(format!(
        "the stream '{name}' is not one that the journal can use: its {property} is {is}, and must be {should}; {remedy}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_with_other_properties_is_told_with_its_remedy() {
        let wanted = Config {
            name: "sbx_EV".into(),
            subjects: vec!["sbx.ev.*".into()],
            discard: DiscardPolicy::New,
            max_messages: -1,
            max_messages_per_subject: -1,
            duplicate_window: DUPLICATE_WINDOW,
            allow_direct: true,
            ..Config::default()
        };
        assert_eq!(fault(&wanted, &wanted), None);
        let larger = Config {
            max_bytes: 7,
            num_replicas: 5,
            ..wanted.clone()
        };
        assert_eq!(fault(&larger, &wanted), None, "what the journal changes itself");
        type Change = fn(&mut Config);
        let changes: [(Change, &str); 7] = [
            (
                |config| config.subjects = vec!["a.>".into()],
                "its subjects is a.>, and must be sbx.ev.*; change it with `nats stream edit sbx_EV --subjects",
            ),
            (
                |config| config.storage = StorageType::Memory,
                "its storage is memory, and must be file; this cannot be changed",
            ),
            (
                |config| config.retention = RetentionPolicy::WorkQueue,
                "its retention is workqueue",
            ),
            (
                |config| config.discard = DiscardPolicy::Old,
                "its discard is old, and must be new",
            ),
            (
                |config| config.max_age = Duration::from_secs(60),
                "its max_age is 60 s, and must be none",
            ),
            (
                |config| config.duplicate_window = Duration::from_secs(1),
                "its duplicate_window is 1 s, and must be 120 s",
            ),
            (|config| config.allow_direct = false, "its allow_direct is false"),
        ];
        for (change, told) in changes {
            let mut found = wanted.clone();
            change(&mut found);
            let error = fault(&found, &wanted).unwrap().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
