//! Buckets of keys: streams in the form of NATS' key-value stores, so that `nats kv` shows them.

use std::borrow::Cow;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::stream::{Config, DiscardPolicy, LastRawMessageErrorKind, Stream};
use async_nats::{HeaderMap, Request, Subscriber, jetstream};
use bytes::Bytes;
use futures_util::TryStreamExt as _;
use serde::Deserialize;
use signalbox_nats::Watchdog;

use super::book::values::Values;
use super::cluster::Cluster;
use super::errors::Verdict;
use super::stream::ensure;
use crate::JournalError;
use crate::mutex::lock;

/// The header that marks a deleted key.
const OPERATION: &str = "KV-Operation";
/// The time without any answer after which the watchdog hears of it.
const SILENCE: Duration = Duration::from_secs(3);

/// A bucket that keeps the last value of each key.
pub(crate) struct Bucket {
    context: jetstream::Context,
    stream: Stream,
    name: String,
    values: Values,
    watchdog: Option<Arc<Watchdog>>,
    /// The moment since which requests have been waiting and none was answered.
    silent_since: Mutex<Option<Instant>>,
}

/// The content of a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Content {
    /// Its revision.
    pub(crate) revision: u64,
    /// The moment at which the stream's leader took it, in Unix milliseconds by that server's clock.
    pub(crate) written_at: i64,
    /// The value; `None` if the key was deleted.
    pub(crate) value: Option<Vec<u8>>,
}

/// The server's answer to a message.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    seq: u64,
    error: Option<jetstream::Error>,
}

impl Bucket {
    /// Opens a bucket, or makes it if there is none. Keys disappear after `max_age` unless it is zero.
    ///
    /// # Errors
    /// [`JournalError`] if the servers refuse.
    pub(crate) async fn open(
        context: &jetstream::Context,
        cluster: &Cluster,
        what: &str,
        max_age: Duration,
    ) -> Result<Bucket, JournalError> {
        let name = cluster.subjects.stream(what);
        let config = Config {
            name: format!("KV_{name}"),
            subjects: vec![format!("$KV.{name}.>")],
            max_messages_per_subject: 1,
            max_age,
            duplicate_window: if max_age.is_zero() {
                Duration::from_secs(120)
            } else {
                max_age
            },
            discard: DiscardPolicy::New,
            allow_rollup: true,
            deny_delete: true,
            num_replicas: cluster.replicas,
            ..Config::default()
        };
        Ok(Bucket {
            context: context.clone(),
            stream: ensure(context, &config).await?,
            name,
            values: cluster.values.clone(),
            watchdog: cluster.watchdog.clone(),
            silent_since: Mutex::default(),
        })
    }

    /// Returns the subject of a key; `>` stands for all keys.
    pub(crate) fn subject(&self, key: &str) -> String {
        format!("$KV.{}.{key}", self.name)
    }

    /// Returns the key of a subject.
    pub(crate) fn key<'a>(&self, subject: &'a str) -> Option<&'a str> {
        let rest = subject.strip_prefix("$KV.")?.strip_prefix(&self.name)?;
        rest.strip_prefix('.')
    }

    /// Reads a key from the stream's leader; `None` if it was never written.
    ///
    /// # Errors
    /// [`Verdict`], also if no answer comes in time.
    pub(crate) async fn read(&self, key: &str, limit: Duration) -> Result<Option<Content>, Verdict> {
        let subject = self.subject(key);
        let found = self.stream.get_last_raw_message_by_subject(&subject);
        match self.answer(found, limit).await? {
            Ok(message) => Ok(Some(Content {
                revision: message.sequence,
                written_at: i64::try_from(message.time.unix_timestamp_nanos() / 1_000_000).unwrap_or(0),
                value: (message.headers.get(OPERATION).is_none()).then(|| message.payload.to_vec()),
            })),
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::NoMessageFound => Ok(None),
                LastRawMessageErrorKind::JetStream(error) => Err(Verdict::of(&error)),
                _ => Err(Verdict::Again(error.to_string())),
            },
        }
    }

    /// Writes a key, or deletes it with `None`, if its revision is the `expected` one (0: never written; `None`: any).
    /// Returns the new revision.
    ///
    /// # Errors
    /// [`Verdict::Fenced`] if the key has another revision. After [`Verdict::Again`] it may have been written.
    pub(crate) async fn write(
        &self,
        key: &str,
        value: Option<&[u8]>,
        expected: Option<u64>,
        limit: Duration,
    ) -> Result<u64, Verdict> {
        let subject = self.subject(key);
        let mut headers = HeaderMap::new();
        if let Some(expected) = expected {
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string());
        }
        let payload = match value {
            Some(value) => {
                let sealed = self.values.encode(&subject, value.to_vec());
                sealed.map_err(|error| Verdict::Tell(error.to_string()))?
            }
            None => {
                headers.insert(OPERATION, "DEL");
                Vec::new()
            }
        };
        let request = Request::new()
            .headers(headers)
            .payload(Bytes::from(payload))
            // Longer than the limit, which counts.
            .timeout(Some(limit + SILENCE));
        let client = self.context.client();
        let answer = self.answer(client.send_request(subject, request), limit).await?;
        let answer = answer.map_err(|error| Verdict::Again(error.to_string()))?;
        let answer: Answer = serde_json::from_slice(&answer.payload)
            .map_err(|error| Verdict::Again(format!("the server's answer cannot be read: {error}")))?;
        match answer.error {
            None => Ok(answer.seq),
            Some(error) => Err(Verdict::of(&error)),
        }
    }

    /// Waits for an answer. The watchdog leaves a server that has answered no request for 3 s, even if each of them waited for a
    /// shorter time.
    async fn answer<F: Future>(&self, request: F, limit: Duration) -> Result<F::Output, Verdict> {
        let mut request = pin!(request);
        let start = Instant::now();
        let end = start + limit;
        loop {
            let since = *lock(&self.silent_since).get_or_insert_with(Instant::now);
            // The last request has a second at least.
            let alarm = (since + SILENCE).max(start + SILENCE / 3);
            let answer = tokio::time::timeout_at(end.min(alarm).into(), &mut request).await;
            if let Ok(answer) = answer {
                *lock(&self.silent_since) = None;
                return Ok(answer);
            }
            if Instant::now() >= alarm {
                *lock(&self.silent_since) = None;
                if let Some(watchdog) = &self.watchdog {
                    watchdog.unanswered().await;
                }
            }
            if Instant::now() >= end {
                return Err(Verdict::Again("no answer in time".to_owned()));
            }
        }
    }

    /// Decodes the value of a key; `None` if it is damaged or was sealed with another key.
    pub(crate) fn decode<'a>(&self, key: &str, value: &'a [u8]) -> Option<Cow<'a, [u8]>> {
        self.values.decode(&self.subject(key), value)
    }

    /// Lists the keys.
    ///
    /// # Errors
    /// [`Verdict::Again`] if the servers do not answer.
    pub(crate) async fn keys(&self) -> Result<Vec<String>, Verdict> {
        let subjects = self.stream.info_with_subjects(self.subject(">")).await;
        let subjects = subjects.map_err(|error| Verdict::Again(error.to_string()))?;
        let subjects: Vec<(String, usize)> = subjects
            .try_collect()
            .await
            .map_err(|error| Verdict::Again(error.to_string()))?;
        let keys = subjects.iter().filter_map(|(subject, _)| self.key(subject));
        Ok(keys.map(str::to_owned).collect())
    }

    /// Listens to what routers send to the bucket, which is not yet written then, and may be refused.
    ///
    /// # Errors
    /// [`JournalError`] if the connection is closed.
    pub(crate) async fn listen(&self) -> Result<Subscriber, JournalError> {
        let subscriber = self.context.client().subscribe(self.subject(">")).await;
        subscriber
            .map_err(|error| JournalError(format!("the bucket {} cannot be listened to: {error}", self.name)))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::StreamExt as _;
    use signalbox_testkit::NatsCluster;

    use super::*;
    use crate::nats::testing::{context, router};
    use crate::seal::keys_file::{Found, JournalKeys};
    use crate::seal::wrapped::tests::keys;

    const LIMIT: Duration = Duration::from_secs(5);

    #[tokio::test]
    async fn keys_are_written_by_revision_and_sealed() {
        if !NatsCluster::available() {
            return;
        }
        let servers = NatsCluster::start(1).await;
        let context = context(&servers).await;
        let cluster = router(&servers, "a", 1, LIMIT);
        let made = JournalKeys::open(&keys(&[1]), &Found::Nothing, None).unwrap();
        let with_key = Cluster {
            values: Values::new(Some(made.records)),
            ..cluster.clone()
        };
        let sealed = Bucket::open(&context, &with_key, "B", Duration::ZERO)
            .await
            .unwrap();
        let plain = Bucket::open(&context, &cluster, "B", Duration::ZERO)
            .await
            .unwrap();
        let mut heard = sealed.listen().await.unwrap();

        assert_eq!(sealed.read("a.b", LIMIT).await, Ok(None));
        let first = sealed
            .write("a.b", Some(b"some value"), Some(0), LIMIT)
            .await
            .unwrap();
        for stale in [0, first + 1] {
            let refused = sealed.write("a.b", Some(b"other"), Some(stale), LIMIT).await;
            assert_eq!(refused, Err(Verdict::Fenced));
        }
        let content = sealed.read("a.b", LIMIT).await.unwrap().unwrap();
        assert_eq!(content.revision, first);
        let value = content.value.unwrap();
        assert!(!value.windows(4).any(|part| part == b"some"));
        assert_eq!(sealed.decode("a.b", &value).as_deref(), Some(&b"some value"[..]));
        assert!(plain.decode("a.b", &value).is_none() && sealed.decode("a.c", &value).is_none());

        let second = plain.write("c", Some(b"plain"), None, LIMIT).await.unwrap();
        assert!(second > first);
        let mut keys = plain.keys().await.unwrap();
        keys.sort();
        assert_eq!(keys, ["a.b", "c"]);
        let third = plain.write("a.b", None, Some(first), LIMIT).await.unwrap();
        let content = plain.read("a.b", LIMIT).await.unwrap().unwrap();
        assert_eq!((content.revision, content.value), (third, None));

        // The listener hears refused writes, too.
        let mut subjects = Vec::new();
        while subjects.last().is_none_or(|key| key != "c") {
            let message = heard.next().await.unwrap();
            subjects.push(sealed.key(&message.subject).unwrap().to_owned());
        }
        assert_eq!(subjects, ["a.b", "a.b", "a.b", "c"]);
    }
}
