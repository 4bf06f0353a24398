//! Writes records. A change of several records is one atomic batch of messages: all of them or none. The first record of a
//! change may name the sequence that it replaces, so that a change made from what is no longer true is refused.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use async_nats::HeaderMap;
use async_nats::jetstream::{self, stream};
use bytes::Bytes;
use serde::Deserialize;
use signalbox_nats::Watchdog;
use tokio::sync::watch;

use super::Book;
use super::key::Key;
use super::values::Values;
use crate::JournalError;
use crate::mutex::lock;
use crate::nats::errors::Verdict;
use crate::nats::subjects::Subjects;

/// The most records in one change.
pub(crate) const MOST: usize = 1_000;
/// The time that a removed record's tombstone is kept: each router has read it by then, or reads everything anew.
pub(super) const TOMBSTONE: Duration = Duration::from_secs(3_600);
/// The time to wait for an answer.
const ANSWER: Duration = Duration::from_secs(3);
/// The pause before another attempt.
const PAUSE: Duration = Duration::from_millis(100);

/// The header with the id of the router's process that wrote a record.
pub(super) const START: &str = "Sbx-Start";
/// The header with the id of a change, by which the writer finds it again.
const CHANGE: &str = "Sbx-Change";

/// A record to be written, or with `None` to be removed.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) key: Key,
    pub(crate) value: Option<Vec<u8>>,
    /// The sequence that the record must have now; 0 if there must be none.
    pub(crate) expected: Option<u64>,
}

impl Write {
    /// Sets a record.
    pub(crate) fn set(key: Key, value: Vec<u8>) -> Write {
        Write {
            key,
            value: Some(value),
            expected: None,
        }
    }

    /// Removes a record.
    pub(crate) fn remove(key: Key) -> Write {
        Write {
            key,
            value: None,
            expected: None,
        }
    }

    /// Makes the change depend on the record being the one of this sequence.
    #[must_use]
    pub(crate) fn over(self, sequence: u64) -> Write {
        Write {
            expected: Some(sequence),
            ..self
        }
    }
}

/// Why a change was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Another router has changed the record since.
    Fenced,
    /// The servers refused, or did not answer in time.
    Failed(JournalError),
}

impl From<JournalError> for Refused {
    fn from(error: JournalError) -> Refused {
        Refused::Failed(error)
    }
}

impl From<Refused> for JournalError {
    fn from(refused: Refused) -> JournalError {
        match refused {
            Refused::Failed(error) => error,
            Refused::Fenced => JournalError("another router has changed this meanwhile: try again".into()),
        }
    }
}

/// The stream of states: its book, and how to write it.
pub(crate) struct Store {
    pub(super) context: jetstream::Context,
    pub(super) stream: stream::Stream<()>,
    pub(crate) subjects: Subjects,
    pub(crate) values: Values,
    /// The id of this process.
    pub(crate) start: String,
    changes: AtomicU64,
    /// Told of requests that nobody answers.
    watchdog: Option<Arc<Watchdog>>,
    book: Mutex<Book>,
    pub(super) read_to: watch::Sender<u64>,
}

/// The server's answer to a message.
#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    seq: u64,
    error: Option<jetstream::Error>,
}

impl Store {
    pub(crate) fn new(
        context: jetstream::Context,
        stream: stream::Stream<()>,
        subjects: Subjects,
        values: Values,
        start: String,
        book: Book,
    ) -> Store {
        Store {
            context,
            stream,
            subjects,
            values,
            start,
            changes: AtomicU64::new(0),
            watchdog: None,
            book: Mutex::new(book),
            read_to: watch::channel(0).0,
        }
    }

    /// Lets a watchdog know of requests that nobody answers.
    pub(super) fn watched(self, watchdog: Option<Arc<Watchdog>>) -> Store {
        Store { watchdog, ..self }
    }

    /// The book. Hold the guard for a moment only.
    pub(crate) fn book(&self) -> MutexGuard<'_, Book> {
        lock(&self.book)
    }

    /// Waits until the book holds everything up to a sequence.
    pub(crate) async fn has_read(&self, sequence: u64) {
        let mut read_to = self.read_to.subscribe();
        // The sender lives as long as the store.
        let _ = read_to.wait_for(|read_to| *read_to >= sequence).await;
    }

    /// Writes records, all or none, and returns the sequence of the last one. Tries again until `until` while the servers
    /// do not answer.
    ///
    /// # Errors
    /// [`Refused`]. After [`Refused::Failed`] for want of an answer the change may have been written.
    pub(crate) async fn write(&self, writes: &[Write], until: Instant) -> Result<u64, Refused> {
        self.write_as(&self.change(), writes, until).await
    }

    /// Makes a name for a change, by which [`Store::write_as`] finds it again.
    pub(crate) fn change(&self) -> String {
        format!("{}-{}", self.start, self.changes.fetch_add(1, Relaxed))
    }

    /// As [`Store::write`], for a change that may have been sent under this name before.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub(crate) async fn write_as(
        &self,
        change: &str,
        writes: &[Write],
        until: Instant,
    ) -> Result<u64, Refused> {
        let messages = self.messages(writes, change)?;
        let Some((first, _, _)) = messages.first() else {
            return Ok(self.book().read_to);
        };
        loop {
            let verdict = match self.send(&messages).await {
                Ok(sequence) => return Ok(sequence),
                Err(verdict) => verdict,
            };
            let (fenced, words) = match verdict {
                Verdict::Again(words) => (false, words),
                Verdict::Fenced => (true, "an earlier change of the record is under way".to_owned()),
                other => return Err(other.into()),
            };
            if let Ok((sequence, Some(name))) = self.newest_change(first).await
                && name == change
            {
                return Ok(sequence + messages.len() as u64 - 1);
            }
            // A leader refuses a change also while an earlier one of a record is on its way to its followers, be it this one,
            // sent before. Such a change comes to nothing if the leader dies.
            if fenced && self.is_outdated(&messages, writes).await {
                return Err(Refused::Fenced);
            }
            if Instant::now() + PAUSE >= until {
                return Err(Verdict::Again(words).into());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Writes records and waits until the book has them.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub(crate) async fn write_and_read(&self, writes: &[Write], until: Instant) -> Result<u64, Refused> {
        let sequence = self.write(writes, until).await?;
        self.has_read(sequence).await;
        Ok(sequence)
    }

    fn messages(
        &self,
        writes: &[Write],
        change: &str,
    ) -> Result<Vec<(String, HeaderMap, Bytes)>, JournalError> {
        let count = writes.len();
        let message = |(number, write): (usize, &Write)| {
            let subject = write.key.subject(&self.subjects);
            let mut headers = HeaderMap::new();
            headers.insert(START, self.start.as_str());
            headers.insert(CHANGE, change);
            if let Some(expected) = write.expected {
                let name = async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
                headers.insert(name, expected.to_string());
            }
            if count > 1 {
                headers.insert(async_nats::header::NATS_BATCH_ID, change);
                headers.insert(async_nats::header::NATS_BATCH_SEQUENCE, (number + 1).to_string());
            }
            if count > 1 && number + 1 == count {
                headers.insert(
                    async_nats::header::NATS_BATCH_COMMIT,
                    async_nats::header::NATS_BATCH_COMMIT_FINAL,
                );
            }
            let payload = match &write.value {
                Some(value) => self.values.encode(&subject, value.clone())?,
                None => {
                    let seconds = format!("{}s", TOMBSTONE.as_secs());
                    headers.insert(async_nats::header::NATS_MESSAGE_TTL, seconds);
                    Vec::new()
                }
            };
            Ok((subject, headers, Bytes::from(payload)))
        };
        writes.iter().enumerate().map(message).collect()
    }

    /// Sends messages, the last of which is answered for all.
    async fn send(&self, messages: &[(String, HeaderMap, Bytes)]) -> Result<u64, Verdict> {
        let Some(((subject, headers, payload), before)) = messages.split_last() else {
            return Ok(0);
        };
        let client = self.context.client();
        for (subject, headers, payload) in before {
            let sent = client.publish_with_headers(subject.clone(), headers.clone(), payload.clone());
            sent.await.map_err(|error| Verdict::Again(error.to_string()))?;
        }
        let request = async_nats::Request::new()
            .headers(headers.clone())
            .payload(payload.clone())
            .timeout(Some(ANSWER));
        let answer = client.send_request(subject.clone(), request).await;
        if let (Err(error), Some(watchdog)) = (&answer, &self.watchdog)
            && error.kind() == async_nats::RequestErrorKind::TimedOut
        {
            watchdog.unanswered().await;
        }
        let answer = answer.map_err(|error| Verdict::Again(error.to_string()))?;
        let answer: Answer = serde_json::from_slice(&answer.payload)
            .map_err(|error| Verdict::Tell(format!("the server's answer cannot be read: {error}")))?;
        match answer.error {
            None => Ok(answer.seq),
            Some(error) => Err(Verdict::of(&error)),
        }
    }

    /// True if a record is no longer the one of the sequence that a change expects.
    async fn is_outdated(&self, messages: &[(String, HeaderMap, Bytes)], writes: &[Write]) -> bool {
        for ((subject, _, _), write) in messages.iter().zip(writes) {
            if let Some(expected) = write.expected
                && let Ok((sequence, _)) = self.newest_change(subject).await
                && sequence != expected
            {
                return true;
            }
        }
        false
    }

    /// Asks the stream's leader for the sequence of a record, 0 if there is none, and the change that wrote it.
    async fn newest_change(&self, subject: &str) -> Result<(u64, Option<String>), Verdict> {
        let found = self.stream.get_last_raw_message_by_subject(subject).await;
        match found {
            Ok(message) => {
                let change = message.headers.get(CHANGE).map(|value| value.as_str().to_owned());
                Ok((message.sequence, change))
            }
            Err(error) if error.kind() == stream::LastRawMessageErrorKind::NoMessageFound => Ok((0, None)),
            Err(error) => Err(Verdict::Again(error.to_string())),
        }
    }

    /// Asks the stream's leader for the newest value of a key, with its sequence; `None` if there is none. Tries again until
    /// `until` while there is no answer: a stream that was made just now has no leader for a moment.
    ///
    /// # Errors
    /// [`JournalError`] if the servers do not answer in time.
    pub(crate) async fn newest(
        &self,
        key: &Key,
        until: Instant,
    ) -> Result<Option<(u64, Vec<u8>)>, JournalError> {
        let subject = key.subject(&self.subjects);
        loop {
            let error = match self.stream.get_last_raw_message_by_subject(&subject).await {
                Ok(message) if message.payload.is_empty() => return Ok(None),
                Ok(message) => {
                    let value = self.values.decode(&subject, &message.payload);
                    return Ok(value.map(|value| (message.sequence, value.into_owned())));
                }
                Err(error) if error.kind() == stream::LastRawMessageErrorKind::NoMessageFound => {
                    return Ok(None);
                }
                Err(error) => error,
            };
            if Instant::now() + PAUSE >= until {
                return Err(JournalError(format!("the NATS servers do not answer: {error}")));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Fetches the value of a record by its sequence, decoded; `None` if it is gone or damaged.
    ///
    /// # Errors
    /// [`JournalError`] if the servers do not answer.
    pub(crate) async fn fetch(&self, sequence: u64) -> Result<Option<Vec<u8>>, JournalError> {
        let found = self.stream.get_raw_message(sequence).await;
        match found {
            Ok(message) => {
                let value = self.values.decode(&message.subject, &message.payload);
                Ok(value.map(std::borrow::Cow::into_owned))
            }
            Err(error) if error.kind() == stream::LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(JournalError(format!(
                "a record cannot be fetched from the servers: {error}"
            ))),
        }
    }
}

impl From<Verdict> for Refused {
    fn from(verdict: Verdict) -> Refused {
        match verdict {
            Verdict::Fenced => Refused::Fenced,
            other => Refused::Failed(JournalError(other.told())),
        }
    }
}
