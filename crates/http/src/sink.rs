//! Builds a sink from a destination's pure functions.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use signalbox_core::{
    Batch, Event, Firing, Framing, MappingOutline, NoScore, Outcome, Prepared, Rated, Reason, Record, Report,
    RequestText, Response, Score, Scoring, Sink, TestFailure, TestMode, TestReply, Verdict,
};

use crate::test_event::{shown, test_reply};
use crate::{Client, ClientError, ClientOptions, Reply, Request, StatusTable, retry_after};

/// An HTTP destination: functions that compute, without waiting and without the network.
///
/// A destination may keep facts learnt from replies, such as a property to leave out, behind a lock.
pub trait Destination: Send + Sync + 'static {
    /// Encodes an event into records. Called again after a restart or a [`Verdict::Reencode`].
    fn encode(&self, event: &Event) -> Prepared;

    /// Builds the request that carries these records. There is at least one.
    fn request(&self, records: &[Arc<Record>]) -> Request;

    /// Interprets a complete reply for the records that were sent, in their order. A record is delivered only if the
    /// reply says so; leave statuses other than success to [`crate::StatusTable::failure`].
    fn interpret(&self, reply: &Reply, records: &[Arc<Record>]) -> Verdict;

    /// Returns a request that shows if deliveries can work now, and delivers nothing: an empty list, a read of the account,
    /// a test event. `None`: there is no such request, and a probe always says that deliveries can work, which the
    /// contract of the plugins that ship with Signalbox forbids. Default: none.
    fn probe(&self) -> Option<Request> {
        None
    }

    /// Reads the reply to the probe. [`crate::StatusTable::reason`] makes a reason of a status. Default: every reply says
    /// that deliveries can work.
    ///
    /// # Errors
    /// The reason why deliveries cannot work.
    fn interpret_probe(&self, _reply: &Reply) -> Result<(), Reason> {
        Ok(())
    }

    /// Bytes that [`Destination::request`] adds to the records in the body.
    fn framing(&self) -> Framing;

    /// Facts learnt while running, for the status.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Lists the mappings, for people; see [`Sink::mappings`]. Default: none.
    fn mappings(&self) -> Vec<MappingOutline> {
        Vec::new()
    }

    /// Tells for each mapping whether it takes the event; see [`Sink::firings`]. Default: nothing.
    fn firings(&self, _event: &Event) -> Vec<Firing> {
        Vec::new()
    }

    /// Tells how the destination takes test events. Default: `None`, it has none.
    fn test_mode(&self) -> Option<TestMode> {
        None
    }

    /// Builds the request that sends a record as a test event, with the code of the destination's test tool. `None` without
    /// a test mode, or without the code that it needs. Default: none.
    fn test_request(&self, _record: &Record, _code: Option<&str>) -> Option<Request> {
        None
    }

    /// Interprets the reply to a test event. Unlike [`Destination::interpret`] it teaches the destination nothing. Default:
    /// the status alone tells.
    fn interpret_test(&self, reply: &Reply, _record: &Arc<Record>) -> Verdict {
        match reply.status.is_success() {
            true => Verdict::All(Outcome::delivered()),
            false => StatusTable::new().failure(reply, ""),
        }
    }

    /// Names the facts by which the destination rates events of this name; see [`Sink::rated`]. Default: it rates none.
    fn rated(&self, _event_name: &str) -> Option<Rated> {
        None
    }

    /// Returns the request that asks how the destination rates the events that it got. Default: it cannot be asked.
    fn score(&self) -> ScoreRequest {
        ScoreRequest::None
    }

    /// Reads the reply to the request of [`Destination::score`]. Default: no reply has scores.
    ///
    /// # Errors
    /// The reason why there are none.
    fn interpret_score(&self, reply: &Reply) -> Result<Vec<Score>, Reason> {
        Err(StatusTable::new().reason(reply, ""))
    }

    /// Name of the header in which replies carry the id of their request. Default: `x-request-id`.
    fn request_id_header(&self) -> &'static str {
        "x-request-id"
    }
}

/// The way to ask a destination how it rates the events that it got.
#[derive(Debug)]
pub enum ScoreRequest {
    /// It cannot be asked.
    None,
    /// A setting for it is missing: the sentence names the setting and the gain.
    NotSetUp(&'static str),
    /// The request to send.
    Send(Box<Request>),
}

/// Time for the answer about scores.
const SCORE_TIMEOUT: Duration = Duration::from_secs(30);

/// Longest id of a request that is kept; ids are shorter.
const REQUEST_ID: usize = 100;

/// Reads the facts about a reply that are about the request as a whole.
fn response(reply: &Reply, id_header: &str) -> Response {
    let id = reply.headers.get(id_header).and_then(|id| id.to_str().ok());
    Response {
        status: reply.status.as_u16(),
        request_id: id.filter(|id| id.len() <= REQUEST_ID).map(Into::into),
    }
}

/// A [`Destination`] with a client: a sink.
#[derive(Debug)]
pub struct HttpSink<D> {
    destination: D,
    client: Client,
}

impl<D: Destination> HttpSink<D> {
    /// Creates the sink. Touches no network and needs no async runtime, so `build()` may call it.
    ///
    /// # Errors
    /// [`ClientError`] for options that do not fit.
    pub fn new(destination: D, options: &ClientOptions) -> Result<HttpSink<D>, ClientError> {
        Ok(HttpSink {
            destination,
            client: Client::new(options)?,
        })
    }
}

/// Rejects the records that the destination would refuse for their age, and with them perhaps the whole request, and
/// has the others tried again without them. `None` if no record has expired.
fn without_expired(records: &[Arc<Record>], now: SystemTime) -> Option<Vec<Outcome>> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let expired = |record: &Record| record.expires_at.is_some_and(|at| u64::from(at.get()) <= now);
    if !records.iter().any(|record| expired(record)) {
        return None;
    }
    let outcome = |record: &Arc<Record>| match expired(record) {
        true => Outcome::Rejected(Reason::new(
            "too_old",
            "the event is older than the destination accepts",
        )),
        false => Outcome::Retry {
            reason: Reason::new("too_old", "another record of the request is too old to be sent"),
            after: None,
            maybe_written: false,
        },
    };
    Some(records.iter().map(outcome).collect())
}

#[async_trait]
impl<D: Destination> Sink for HttpSink<D> {
    fn prepare(&self, event: &Event) -> Prepared {
        self.destination.encode(event)
    }

    async fn deliver(&self, batch: Batch) -> Report {
        if let Some(outcomes) = without_expired(batch.records(), SystemTime::now()) {
            return batch.settle_each(outcomes);
        }
        let request = self.destination.request(batch.records());
        match self.client.send(request).await {
            Ok(reply) => {
                let verdict = self.destination.interpret(&reply, batch.records());
                let response = response(&reply, self.destination.request_id_header());
                batch.settle(verdict).with_response(response)
            }
            Err(failure) => batch.settle(Verdict::All(failure.outcome())),
        }
    }

    async fn probe(&self) -> Result<(), Reason> {
        let Some(request) = self.destination.probe() else {
            return Ok(());
        };
        match self.client.send(request).await {
            Ok(reply) => self.destination.interpret_probe(&reply),
            Err(failure) => Err(failure.reason),
        }
    }

    fn framing(&self) -> Framing {
        self.destination.framing()
    }

    fn notes(&self) -> Vec<String> {
        let mut notes = self.client.notes();
        notes.extend(self.destination.notes());
        notes
    }

    fn mappings(&self) -> Vec<MappingOutline> {
        self.destination.mappings()
    }

    fn firings(&self, event: &Event) -> Vec<Firing> {
        self.destination.firings(event)
    }

    fn request(&self, record: &Arc<Record>) -> Option<RequestText> {
        Some(shown(&self.destination.request(std::slice::from_ref(record))))
    }

    fn test_mode(&self) -> Option<TestMode> {
        self.destination.test_mode()
    }

    async fn send_test(&self, record: Arc<Record>, code: Option<&str>) -> Result<TestReply, TestFailure> {
        if self.destination.test_mode().is_none() {
            return Err(TestFailure::NoTestMode);
        }
        let request = self.destination.test_request(&record, code);
        let request = request.ok_or(TestFailure::NeedsCode)?;
        let reply = self.client.send(request).await;
        let reply = reply.map_err(|failure| TestFailure::Failed(failure.reason))?;
        let verdict = self.destination.interpret_test(&reply, &record);
        let response = response(&reply, self.destination.request_id_header());
        Ok(test_reply(&reply, response, verdict))
    }

    fn rated(&self, event_name: &str) -> Option<Rated> {
        self.destination.rated(event_name)
    }

    async fn score(&self) -> Scoring {
        let request = match self.destination.score() {
            ScoreRequest::None => return Scoring::None,
            ScoreRequest::NotSetUp(remedy) => return Scoring::NotSetUp(remedy),
            ScoreRequest::Send(request) => *request,
        };
        let answered = tokio::time::timeout(SCORE_TIMEOUT, self.client.send(request)).await;
        let asked = match answered {
            Ok(Ok(reply)) => self
                .destination
                .interpret_score(&reply)
                .map_err(|reason| NoScore {
                    reason,
                    retry_after: retry_after(&reply.headers, SystemTime::now()),
                }),
            Ok(Err(failure)) => Err(NoScore {
                reason: failure.reason,
                retry_after: None,
            }),
            Err(_) => Err(NoScore {
                reason: Reason::new("timeout", "the destination did not answer within 30 seconds"),
                retry_after: None,
            }),
        };
        Scoring::Asked(asked)
    }
}
