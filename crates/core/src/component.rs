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

use crate::{Batch, Checkpoints, Event, Outlet, Prepared, Reason, Report, Vitals};

/// Takes events in and hands them to its [`Outlet`].
#[async_trait]
pub trait Source: Send {
    /// Opens what it listens on or reads from, and returns the work as a future. The future ends when
    /// `context.shutdown` is cancelled (after answering what it has taken in) or when there is nothing more to
    /// read.
    ///
    /// # Errors
    /// [`StartError`] if a port or file cannot be opened; nothing has been started then.
    async fn start(self: Box<Self>, context: SourceContext) -> Result<SourceTask, StartError>;
}

/// The running work of a source; an error ends the source, not the process.
pub type SourceTask = Pin<Box<dyn Future<Output = Result<(), StartError>> + Send>>;

/// The surroundings of a source, given to it when it starts.
#[derive(Debug, Clone)]
pub struct SourceContext {
    /// Its name in the pipeline file.
    pub name: Arc<str>,
    /// Where its events go.
    pub outlet: Outlet,
    /// Cancelled when it shall stop.
    pub shutdown: CancellationToken,
    /// Where it gets listening sockets from.
    pub sockets: Arc<dyn Sockets>,
    /// The source's checkpoints, which last over restarts.
    pub checkpoints: Arc<dyn Checkpoints>,
    /// The place where the source reports numbers that only it knows.
    pub vitals: Arc<Vitals>,
}

/// Listening sockets that outlive the source using them, so that a reload or a restart refuses no connection:
/// a source asks here instead of binding itself.
pub trait Sockets: fmt::Debug + Send + Sync {
    /// A non-blocking listening socket on this address: another handle of the one that is open already (kept
    /// from before a reload, or inherited from the process manager), else a new one.
    ///
    /// # Errors
    /// Of the operating system, when it has to be opened.
    fn listen(&self, address: SocketAddr) -> io::Result<TcpListener>;
}

/// The reason a component could not start or go on: the attempt, the fault and the remedy.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

/// Looks at one event and changes it, or decides that it goes no further. Synchronous and pure: no waiting,
/// no I/O; it never makes, merges or reorders events.
pub trait Transform: Send + Sync {
    /// Decides on a request as a whole, before [`apply`](Transform::apply) looks at its events. Only sources call this,
    /// once for each request, with those of its events that the earlier transforms let pass. Default: admits every
    /// request.
    ///
    /// # Errors
    /// The time after which the client may send it again: the request is refused, and nothing of it is stored.
    fn admit(&self, _request: &mut dyn Iterator<Item = &Event>) -> Result<(), Duration> {
        Ok(())
    }

    /// Looks at an event. Called once for each, and again after the time of a [`Flow::NotBefore`].
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
    /// Goes on.
    Pass,
    /// Not wanted here: counted by reason, no dead letter.
    Filtered(Reason),
    /// Cannot go on: a dead letter.
    Rejected(Reason),
    /// Ask again then. On a sink only: the runtime sets the event aside, others go on.
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

    /// Asks the destination whether deliveries can work now, without delivering anything. Called while held,
    /// and by `validate --probe`.
    ///
    /// # Errors
    /// The reason why not.
    async fn probe(&self) -> Result<(), Reason>;

    /// Bytes that a request adds to its records, for exact `max_bytes`.
    fn framing(&self) -> Framing {
        Framing::default()
    }

    /// Sentences about what the sink has learnt while running (a property it now leaves out), for status.
    fn notes(&self) -> Vec<String> {
        Vec::new()
    }

    /// Called once after the last delivery, to flush and close.
    async fn close(&self) {}
}

/// Bytes around and between records in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Framing {
    /// Once a request.
    pub request: usize,
    /// Between two records.
    pub separator: usize,
}
