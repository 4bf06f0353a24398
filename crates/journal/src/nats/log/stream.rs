//! The stream of frames, and requests to it.

use std::collections::BTreeMap;
use std::time::Duration;

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
use crate::nats::patience::{Patience, START};

/// The time to wait for an answer.
pub(super) const ANSWER: Duration = Duration::from_secs(3);

/// The pause between two questions while a router starts.
const PAUSE: Duration = Duration::from_millis(250);
/// Nanoseconds of silence, several heartbeats, after which a leader's peer counts as gone.
const SILENT: u64 = 5_000_000_000;

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
    /// The servers that hold the stream; none for a server that is alone.
    #[serde(default)]
    cluster: Option<Group>,
}

impl Info {
    /// False if no majority of the stream's servers reaches each other. One of them still answers then: for 20 s as the leader that
    /// it was, and without a leader from then on.
    fn has_majority(&self) -> bool {
        let Some(group) = &self.cluster else {
            return true;
        };
        let heard = group.replicas.iter().filter(|peer| peer.active < SILENT);
        let has_leader = group.leader.as_ref().is_some_and(|leader| !leader.is_empty());
        // The leader does not list itself.
        has_leader && (heard.count() + 1) * 2 > group.replicas.len() + 1
    }
}

/// See [`Info`].
#[derive(Debug, Clone, Deserialize)]
struct Group {
    leader: Option<String>,
    #[serde(default)]
    replicas: Vec<Peer>,
}

/// Another server that holds the stream.
#[derive(Debug, Clone, Deserialize)]
struct Peer {
    /// Nanoseconds since the leader heard it.
    #[serde(default)]
    active: u64,
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
            Ok(info) if !Info::has_majority(&info) => Err(Verdict::Again(
                "no majority of the servers that hold the stream reaches each other".into(),
            )),
            Ok(info) => Ok(Some(info)),
            Err(error) if error.error_code() == ErrorCode::STREAM_NOT_FOUND => Ok(None),
            Err(error) => Err(Verdict::of(&error)),
        }
    }

    /// Returns the state of the stream that was opened just now. Waits for a leader.
    pub(super) async fn state(&self) -> Result<Info, JournalError> {
        let mut patience = Patience::new(START);
        loop {
            let why = match self.info().await {
                Ok(Some(info)) => return Ok(info),
                Ok(None) => "there is no such stream".to_owned(),
                Err(Verdict::Again(why)) => why,
                Err(other) => return Err(JournalError(other.told())),
            };
            if !patience.lasts(&why) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leader_that_hears_no_majority_is_none() {
        // As a nats-server 2.15.1 describes the group, shortened.
        let group = |leader: &str, silences: &[u64]| {
            let peers = silences
                .iter()
                .map(|seconds| serde_json::json!({ "active": seconds * 1_000_000_000 }));
            let peers: Vec<_> = peers.collect();
            serde_json::json!({ "name": "sbx", "leader": leader, "replicas": peers })
        };
        let config = serde_json::to_value(stream::Config::default()).unwrap();
        let state = serde_json::json!({ "bytes": 0, "first_seq": 0, "last_seq": 0 });
        let judged = |group: Option<serde_json::Value>| {
            let mut info = serde_json::json!({ "created": "c", "config": config, "state": state });
            if let Some(group) = group {
                info["cluster"] = group;
            }
            serde_json::from_value::<Info>(info).unwrap().has_majority()
        };
        assert!(judged(None));
        for (leader, silences, wanted) in [
            ("n3", &[0, 0][..], true),
            ("n3", &[0, 9], true),
            ("n3", &[9, 9], false),
            ("n3", &[0, 0, 9, 9], true),
            ("n3", &[0, 9, 9, 9], false),
            ("n3", &[], true),
            ("", &[0, 0, 0], false),
        ] {
            assert_eq!(
                judged(Some(group(leader, silences))),
                wanted,
                "{leader} {silences:?}"
            );
        }
        let mut without = group("", &[0]);
        without.as_object_mut().unwrap().remove("leader");
        assert!(!judged(Some(without)));
    }
}
