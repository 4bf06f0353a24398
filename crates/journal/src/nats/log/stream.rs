//! The stream of frames, and requests to it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::jetstream::{self, ErrorCode, stream};
use async_nats::{Client, HeaderMap, RequestErrorKind, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::header::FrameHeader;
use super::time::unix_millis;
use crate::JournalError;
use crate::nats::errors::Verdict;

/// The time to wait for an answer.
pub(super) const ANSWER: Duration = Duration::from_secs(3);

/// The time that servers have to elect a leader while a router starts, and the pause between two questions.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(250);

/// The stream of one journal.
#[derive(Clone)]
pub(super) struct Stream {
    pub(super) context: jetstream::Context,
    pub(super) client: Client,
    pub(super) name: String,
    /// The id of this process, as it stands in the ids of its messages.
    pub(super) start: String,
}

/// The state of the stream, by its leader.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Info {
    /// The moment at which the stream was made, which tells it from another of the name.
    pub(super) created: String,
    pub(super) config: stream::Config,
    pub(super) state: StreamState,
}

/// See [`Info`].
#[derive(Debug, Clone, Deserialize)]
pub(super) struct StreamState {
    pub(super) bytes: u64,
    pub(super) first_seq: u64,
    pub(super) last_seq: u64,
}

/// A frame as it lies in the stream.
pub(super) struct RawFrame {
    pub(super) header: FrameHeader,
    pub(super) body: Bytes,
}

/// Where a message was stored.
#[derive(Debug, Deserialize)]
pub(super) struct Stored {
    pub(super) seq: u64,
    /// True if it had been stored before.
    #[serde(default)]
    pub(super) duplicate: bool,
}

impl Stream {
    /// Returns the stream's state by its leader; `None` if there is no such stream.
    pub(super) async fn info(&self) -> Result<Option<Info>, Verdict> {
        let answer = self
            .ask(&format!("STREAM.INFO.{}", self.name), &BTreeMap::<(), ()>::new())
            .await?;
        match answer {
            Ok(info) => Ok(Some(info)),
            Err(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            Err(error) => Err(Verdict::of(&error)),
        }
    }

    /// Returns the state of the stream that was opened just now. Waits for a leader.
    pub(super) async fn state(&self) -> Result<Info, JournalError> {
        let until = Instant::now() + PATIENCE;
        loop {
            let why = match self.info().await {
                Ok(Some(info)) => return Ok(info),
                Ok(None) => "there is no such stream".to_owned(),
                Err(Verdict::Again(why)) => why,
                Err(other) => return Err(JournalError(other.told())),
            };
            if Instant::now() > until {
                return Err(JournalError(format!(
                    "the state of the stream {} is unknown: {why}; check that a majority of the NATS servers runs",
                    self.name
                )));
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Refuses requests without a connection: the client would keep them all and send them when it is back.
    fn connected(&self) -> Result<(), Verdict> {
        match self.client.connection_state() {
            State::Connected => Ok(()),
            State::Pending | State::Disconnected => {
                Err(Verdict::Again("there is no connection to a server".into()))
            }
        }
    }

    /// Sends a request to JetStream's API.
    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        subject: &str,
        body: &impl Serialize,
    ) -> Result<Result<T, jetstream::Error>, Verdict> {
        self.connected()?;
        let asked = self
            .context
            .request::<_, _, serde_json::Value>(subject.to_owned(), body);
        let answer = match tokio::time::timeout(ANSWER, asked).await {
            Ok(answer) => answer.map_err(|error| Verdict::Again(error.to_string()))?,
            Err(_) => return Err(Verdict::Again("no answer in time".into())),
        };
        read(answer)
    }

    /// Publishes a message. One that is published again with the same id within the stream's duplicate window keeps the
    /// sequence of the first time.
    pub(super) async fn publish(
        &self,
        subject: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Stored, Verdict> {
        self.connected()?;
        let request = async_nats::Request::new()
            .headers(headers)
            .payload(body)
            .timeout(Some(ANSWER));
        let answer = self.client.send_request(subject.to_owned(), request).await;
        let answer = answer.map_err(|error| match error.kind() {
            RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                Verdict::Tell(error.to_string())
            }
            _ => Verdict::Again(error.to_string()),
        })?;
        let answer = serde_json::from_slice(&answer.payload)
            .map_err(|error| Verdict::Tell(format!("the server's answer cannot be read: {error}")))?;
        read(answer)?.map_err(|error| Verdict::of(&error))
    }

    /// Reads frames from any replica: at most `most` and about `bytes`, from a sequence on. Frames that are gone are passed
    /// over. A replica may be behind the leader, so nothing follows from an answer that is short or empty.
    pub(super) async fn frames(&self, from: u64, most: u64, bytes: usize) -> Result<Vec<RawFrame>, Verdict> {
        self.connected()?;
        let inbox = self.client.new_inbox();
        let again = |error: &dyn std::fmt::Display| Verdict::Again(error.to_string());
        let answers = self.client.subscribe(inbox.clone()).await;
        let mut answers = answers.map_err(|error| again(&error))?;
        let body = serde_json::json!({ "seq": from.max(1), "batch": most, "max_bytes": bytes });
        let request = async_nats::Request::new()
            .payload(body.to_string().into())
            .inbox(inbox);
        let sent = self
            .context
            .send_request(format!("DIRECT.GET.{}", self.name), request);
        sent.await.map_err(|error| again(&error))?;
        let mut frames = Vec::new();
        match self.collect(&mut answers, &mut frames).await {
            Err(verdict) if frames.is_empty() => Err(verdict),
            // The frames that came are in order and without a gap.
            _ => Ok(frames),
        }
    }

    async fn collect(&self, answers: &mut Subscriber, frames: &mut Vec<RawFrame>) -> Result<(), Verdict> {
        let mut last = 0;
        loop {
            let answer = tokio::time::timeout(ANSWER, answers.next()).await;
            let message = answer
                .ok()
                .flatten()
                .ok_or_else(|| Verdict::Again("no answer in time".into()))?;
            match message.status.map(|status| status.as_u16()) {
                None => {}
                // All were sent, or there is none.
                Some(204 | 404) => return Ok(()),
                Some(503) => return Err(Verdict::Again("no replica answers".into())),
                Some(code) => {
                    let words = message.description.unwrap_or_default();
                    return Err(Verdict::Tell(format!("the server answers {code} {words}")));
                }
            }
            let headers = message.headers.as_ref();
            let value = |name: &str| Some(headers?.get(name)?.as_str());
            let number = |name: &str| value(name).and_then(|text| text.parse::<u64>().ok());
            let before = number("Nats-Last-Sequence");
            let (Some(sequence), Some(subject)) = (number("Nats-Sequence"), value("Nats-Subject")) else {
                return Err(Verdict::Tell("the server's answer has no sequence".into()));
            };
            if before != Some(last) {
                return Err(Verdict::Again("a part of the answer was lost on its way".into()));
            }
            let stored = value("Nats-Time-Stamp").and_then(unix_millis).unwrap_or_default();
            let header = FrameHeader::read(subject, headers, sequence, stored, &self.start);
            let body = message.payload;
            frames.push(RawFrame { header, body });
            last = sequence;
        }
    }

    /// Returns the sequence of the first message at or after one, by the leader; `None` if there is none.
    pub(super) async fn next(&self, from: u64) -> Result<Option<u64>, Verdict> {
        #[derive(Deserialize)]
        struct Found {
            message: FoundMessage,
        }
        #[derive(Deserialize)]
        struct FoundMessage {
            seq: u64,
        }
        let subject = format!("STREAM.MSG.GET.{}", self.name);
        let body = serde_json::json!({ "seq": from, "next_by_subj": ">" });
        match self.ask::<Found>(&subject, &body).await? {
            Ok(found) => Ok(Some(found.message.seq)),
            Err(error) if error.error_code() == ErrorCode::NO_MESSAGE_FOUND => Ok(None),
            Err(error) => Err(Verdict::of(&error)),
        }
    }

    /// Deletes all messages before a sequence.
    pub(super) async fn purge(&self, before: u64) -> Result<(), Verdict> {
        let subject = format!("STREAM.PURGE.{}", self.name);
        let body = serde_json::json!({ "seq": before });
        let answer = self.ask::<serde_json::Value>(&subject, &body).await?;
        answer.map(drop).map_err(|error| Verdict::of(&error))
    }
}

/// Reads an answer, or the error in it.
fn read<T: DeserializeOwned>(mut answer: serde_json::Value) -> Result<Result<T, jetstream::Error>, Verdict> {
    let unreadable =
        |error: serde_json::Error| Verdict::Tell(format!("the server's answer cannot be read: {error}"));
    if let Some(error) = answer.get_mut("error").map(serde_json::Value::take) {
        return Ok(Err(serde_json::from_value(error).map_err(unreadable)?));
    }
    serde_json::from_value(answer).map(Ok).map_err(unreadable)
}
