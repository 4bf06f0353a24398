//! The outlet, through which a source hands over its events.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{Event, Reason};

/// The runtime's side of an [`Outlet`]. Methods take `Arc<Self>`, so that work goes on when a client hangs up.
#[async_trait]
pub trait Intake: Send + Sync {
    /// Does the work of [`Outlet::send`].
    async fn send(self: Arc<Self>, events: Vec<Event>) -> Result<Vec<Fate>, Refused>;

    /// Does the work of [`Outlet::reject`].
    async fn reject(self: Arc<Self>, rejected: Vec<RejectedInput>) -> Result<(), Refused>;

    /// Does the work of [`Outlet::refuse`].
    fn refuse(&self, events: u64, reason: Reason);
}

/// A source's way into the pipeline. Cheap to clone.
#[derive(Clone)]
pub struct Outlet(Arc<dyn Intake>);

impl fmt::Debug for Outlet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outlet")
    }
}

impl Outlet {
    /// Wraps the side of the runtime (or of a test).
    pub fn new(intake: Arc<dyn Intake>) -> Outlet {
        Outlet(intake)
    }

    /// Runs the source's `through`, stores the events that pass, and returns the fate of each event, in order. Returns
    /// only after the journal has them: acknowledge after this, never before.
    ///
    /// # Errors
    /// [`Refused`]: nothing was stored; the client should send all events again.
    pub async fn send(&self, events: Vec<Event>) -> Result<Vec<Fate>, Refused> {
        self.0.clone().send(events).await
    }

    /// Counts input that is not a usable event and keeps a dead letter for each. Returns only after the journal has
    /// them: acknowledge after this, never before.
    ///
    /// # Errors
    /// [`Refused`]: the input is counted as refused; the client should send it again.
    pub async fn reject(&self, rejected: Vec<RejectedInput>) -> Result<(), Refused> {
        if rejected.is_empty() {
            return Ok(());
        }
        self.0.clone().reject(rejected).await
    }

    /// Counts events of a request that was refused before they became events (wrong key, body too large).
    pub fn refuse(&self, events: u64, reason: Reason) {
        self.0.refuse(events, reason);
    }
}

/// The fate of one event at its source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// The journal has the event.
    Accepted,
    /// The event's id is known already; the first copy counts.
    Duplicate,
    /// A transform filtered the event.
    Filtered(Reason),
    /// A transform rejected the event, which is a dead letter now.
    Rejected(Reason),
}

/// The reason why nothing was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Cause of the refusal.
    pub cause: RefusedCause,
    /// Time after which the client should try again.
    pub retry_after: Duration,
}

/// Causes of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusedCause {
    /// The journal is full.
    Full,
    /// The journal cannot be written: its disk is full or fails, or its files are gone.
    Unwritable,
    /// A `rate_limit` on the source refused the request.
    RateLimited,
    /// The router is stopping.
    Stopping,
}

impl RefusedCause {
    /// Lists all causes.
    pub const ALL: [RefusedCause; 4] = [
        RefusedCause::Full,
        RefusedCause::Unwritable,
        RefusedCause::RateLimited,
        RefusedCause::Stopping,
    ];

    /// Returns the stable code for metrics and answers.
    pub fn code(self) -> &'static str {
        match self {
            RefusedCause::Full => "journal_full",
            RefusedCause::Unwritable => "journal_unwritable",
            RefusedCause::RateLimited => "rate_limited",
            RefusedCause::Stopping => "stopping",
        }
    }
}

/// Input that is not a usable event.
#[derive(Debug, Clone)]
pub struct RejectedInput {
    /// The input's `messageId`, if it could be read.
    pub message_id: Option<String>,
    /// Reason of the rejection.
    pub reason: Reason,
}
