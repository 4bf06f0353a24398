//! Builds a sink from a destination's pure functions.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use signalbox_core::{
    Batch, Event, Framing, Outcome, Prepared, Reason, Record, Report, Response, Sink, Summary, Verdict,
};

use crate::{Client, ClientError, ClientOptions, Reply, Request};

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

    /// Reads what a record says, for the history; see [`Sink::summary`]. Default: nothing.
    fn summary(&self, _record: &Record) -> Summary {
        Summary::default()
    }

    /// Name of the header in which replies carry the id of their request. Default: `x-request-id`.
    fn request_id_header(&self) -> &'static str {
        "x-request-id"
    }
}

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

    fn summary(&self, record: &Record) -> Summary {
        self.destination.summary(record)
    }
}
