//! Leaves a server that is connected and no longer answers.

use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::State;

/// Time without an answer after which the client leaves the server.
const PATIENCE: Duration = Duration::from_secs(3);

/// Leaves a server that is connected and no longer answers, for instance since it is cut off from the others: the client
/// itself is content with its TCP connection. Requests that need the majority of a cluster go through [`Watchdog::watch`].
#[derive(Debug)]
pub struct Watchdog {
    client: async_nats::Client,
    state: watch::Receiver<State>,
    /// The last time a server was left.
    left: Mutex<Option<Instant>>,
}

impl Watchdog {
    pub(crate) fn new(client: async_nats::Client, state: watch::Receiver<State>) -> Watchdog {
        Watchdog {
            client,
            state,
            left: Mutex::new(None),
        }
    }

    /// Waits for a request's answer. For every 3 seconds without one, the client leaves the server for the next, if it was
    /// connected for that time. The request itself goes on, and ends by its own time limit.
    pub async fn watch<F: Future>(&self, request: F) -> F::Output {
        let mut request = pin!(request);
        loop {
            match tokio::time::timeout(PATIENCE, &mut request).await {
                Ok(answer) => return answer,
                Err(_) => self.unanswered().await,
            }
        }
    }

    /// Notes that a request has waited 3 seconds for its answer, or more, for callers that have their own time limits.
    pub async fn unanswered(&self) {
        if !self.leave() {
            return;
        }
        tracing::warn!(
            "NATS: no answer for 3 s over a connection that stands; leaving the server for the next"
        );
        // An error means that the client has ended, which the request tells itself.
        let _ = self.client.force_reconnect().await;
    }

    /// Returns true if it is time to leave: connected for 3 seconds, and not left within the last 3.
    fn leave(&self) -> bool {
        let state = *self.state.borrow();
        if !state.connected || state.since.elapsed() < PATIENCE {
            return false;
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        if left.is_some_and(|at| at.elapsed() < PATIENCE) {
            return false;
        }
        *left = Some(Instant::now());
        true
    }
}
