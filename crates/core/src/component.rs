//! Sources, transforms and sinks: the traits that plugins implement.

use std::fmt;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use crate::{
    Batch, Checkpoints, Event, Firing, MappingOutline, Outlet, Prepared, Rated, Reason, Record, Report,
    RequestText, Scoring, TestFailure, TestMode, TestReply, Vitals,
};

/// Receives events and hands them to its [`Outlet`].
#[async_trait]
pub trait Source: Send {
    /// Opens its listener or input, and returns the work as a future. The future ends when `context.shutdown` is
    /// cancelled (after answering everything it has received) or at the end of the input.
    ///
    /// # Errors
    /// [`StartError`] if a port or file cannot be opened; nothing has been started then.
    async fn start(self: Box<Self>, context: SourceContext) -> Result<SourceTask, StartError>;
}

/// The running work of a source; an error ends the source, not the process.
pub type SourceTask = Pin<Box<dyn Future<Output = Result<(), StartError>> + Send>>;

/// The surroundings of a source at its start.
#[derive(Debug, Clone)]
pub struct SourceContext {
    /// Name of the source in the pipeline file.
    pub name: Arc<str>,
    /// Outlet for the source's events.
    pub outlet: Outlet,
    /// Cancelled when the source must stop.
    pub shutdown: CancellationToken,
    /// Provider of listening sockets.
    pub sockets: Arc<dyn Sockets>,
    /// The source's checkpoints, which last over restarts.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// Place for numbers that only the source knows.
    pub vitals: Arc<Vitals>,
}

/// Listening sockets that outlive the sources using them, so that a reload or a restart refuses no connection. A source
/// calls this instead of binding an address itself.
pub trait Sockets: fmt::Debug + Send + Sync {
    /// Returns a non-blocking listening socket on this address: another handle of the one that is open already (kept
    /// from before a reload, or inherited from the process manager), otherwise a new one.
    ///
    /// # Errors
    /// The operating system's error, if the socket must be opened.
    fn listen(&self, address: SocketAddr) -> io::Result<TcpListener>;
}

/// The reason why a component could not start or continue: the attempt, the fault and the remedy.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

/// Changes an event, or decides that it goes no further. Synchronous and pure: no waiting, no I/O; it never makes,
/// merges or reorders events.
pub trait Transform: Send + Sync {
    /// Decides on a request as a whole, before [`apply`](Transform::apply) gets its events. Only sources call this,
    /// once for each request, with the events that the earlier transforms let pass. Default: admits every request.
    ///
    /// # Errors
    /// The time after which the client may send the request again: it is refused, and nothing of it is stored.
    fn admit(&self, _request: &mut dyn Iterator<Item = &Event>) -> Result<(), Duration> {
        Ok(())
    }

    /// Processes an event. Called once for each, and again after the time of a [`Flow::NotBefore`].
    fn apply(&self, event: &mut Event) -> Flow;

    /// Returns true if `dry-run` leaves the transform out, since it only delays events.
    fn only_paces(&self) -> bool {
        false
    }
}

/// A transform's decision about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Flow {
    /// The event goes on.
    Pass,
    /// The event is not wanted here: counted by reason, without a dead letter.
    Filtered(Reason),
    /// The event cannot go on: it becomes a dead letter.
    Rejected(Reason),
    /// The transform must see the event again at that time. On a sink only: the runtime sets the event aside, others go
    /// on.
    NotBefore(Instant),
}

/// Delivers records to a destination.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Makes records of an event. Pure; called again after a restart or a `reencode`.
    fn prepare(&self, event: &Event) -> Prepared;

    /// Sends a batch once and reports on each record. The runtime owns everything else: batching, pacing,
    /// time-out, retry, bisecting, holding. A panic counts as [`Batch::isolate`].
    async fn deliver(&self, batch: Batch) -> Report;

    /// Probes the destination: returns `Ok` if deliveries can work now, without delivering anything. Called while the
    /// sink is held, and by `validate --probe`.
    ///
    /// # Errors
    /// The reason why deliveries cannot work.
    async fn probe(&self) -> Result<(), Reason>;

    /// Returns the bytes that a request adds to its records, for an exact `max_bytes`.
    fn framing(&self) -> Framing {
        Framing::default()
    }

    /// Returns sentences for status about findings at run time, for instance a property that the sink leaves out now.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Lists the mappings as the settings describe them, for people. Default: none, for sinks that take events unchanged.
    fn mappings(&self) -> Vec<MappingOutline> {
        Vec::new()
    }

    /// Tells for each mapping, in their order, whether it takes the event, and why. It agrees with
    /// [`prepare`](Sink::prepare). Default: none.
    fn firings(&self, _event: &Event) -> Vec<Firing> {
        Vec::new()
    }

    /// Returns the request that would carry this record alone. Default: none, for sinks without requests.
    fn request(&self, _record: &Arc<Record>) -> Option<RequestText> {
        None
    }

    /// Tells how the destination takes test events. Default: `None`, it has none.
    fn test_mode(&self) -> Option<TestMode> {
        None
    }

    /// Sends a record as a test event, once. `code` is the one that the destination's test tool shows.
    ///
    /// # Errors
    /// [`TestFailure`] if it cannot be sent, or no answer came.
    async fn send_test(&self, _record: Arc<Record>, _code: Option<&str>) -> Result<TestReply, TestFailure> {
        Err(TestFailure::NoTestMode)
    }

    /// Names the facts by which the destination rates events of this name. Default: `None`, for destinations that rate none.
    fn rated(&self, _event_name: &str) -> Option<Rated> {
        None
    }

    /// Asks the destination how it rates the events that it got. Called at the start and then about once an hour, beside
    /// deliveries. Default: it cannot be asked.
    async fn score(&self) -> Scoring {
        Scoring::None
    }

    /// Flushes and closes, once after the last delivery.
    async fn close(&self) {}
}

/// Bytes around and between records in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Framing {
    /// Bytes added once a request, at most.
    pub request: usize,
    /// Bytes added between two records.
    pub separator: usize,
}
