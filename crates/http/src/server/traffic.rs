//! The bytes and the time that a connection takes for its requests, counted below TLS and HTTP/2: bytes that never
//! become a request (PRIORITY, WINDOW_UPDATE, PING, bodies without end) cost work all the same.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, Incoming, SizeHint};
use tokio::time::{Instant, sleep};

use super::limits::BEYOND_BODIES;
use super::slots::UnderWay;

/// A pause of the client with no request open, after which the time counts from the beginning.
const PAUSE: Duration = Duration::from_secs(1);

/// The bytes and the time that a connection has taken since it last completed a request.
#[derive(Debug)]
pub(super) struct Traffic {
    read_timeout: Duration,
    /// The most bytes of a body.
    body_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes received since a request was last completed.
    bytes: usize,
    /// Arrival of the first of them.
    since: Option<Instant>,
    /// Arrival of the last of them.
    last: Option<Instant>,
    /// Requests that have begun and not ended.
    open: usize,
    /// Open requests that were received whole: they wait for this side.
    whole: usize,
    /// All requests that have begun.
    begun: u64,
}

/// A request from its head to its answer; ended when dropped.
#[derive(Debug)]
pub(super) struct OpenRequest {
    traffic: Arc<Traffic>,
    under_way: UnderWay,
    /// The same request in the list of those of HTTP/2.
    in_place: OnceLock<UnderWay>,
    reception: Mutex<BodyState>,
}

/// The progress of receiving a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyState {
    Coming,
    Whole,
    /// The client gave the request up; answered or not, it does not count.
    Broken,
}

impl Traffic {
    pub(super) fn new(read_timeout: Duration, body_bytes: usize) -> Arc<Traffic> {
        Arc::new(Traffic {
            read_timeout,
            body_bytes,
            state: Mutex::default(),
        })
    }

    /// Counts received bytes.
    ///
    /// # Errors
    /// An error if the client has sent too much, or for too long, without completing a request; the connection then
    /// ends.
    pub(super) fn received(&self, bytes: usize) -> io::Result<()> {
        let now = Instant::now();
        let mut state = self.state();
        if state.whole > 0 || state.open == 0 && state.last.is_some_and(|last| now - last > PAUSE) {
            state.since = None;
        }
        state.last = Some(now);
        let since = *state.since.get_or_insert(now);
        state.bytes = state.bytes.saturating_add(bytes);
        // Concurrent requests may all be under way before the first is complete.
        let most = state.open.max(1).saturating_mul(self.body_bytes) + BEYOND_BODIES;
        // The timers of heads and bodies report more precisely, so they come first.
        if state.bytes > most || now - since > self.read_timeout + self.read_timeout / 4 {
            return Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "sent too much, or for too long, for no request",
            ));
        }
        Ok(())
    }

    /// Notes a request whose head has come.
    pub(super) fn begin(self: &Arc<Traffic>, under_way: UnderWay) -> Arc<OpenRequest> {
        let mut state = self.state();
        state.open += 1;
        state.begun += 1;
        Arc::new(OpenRequest {
            traffic: self.clone(),
            under_way,
            in_place: OnceLock::new(),
            reception: Mutex::new(BodyState::Coming),
        })
    }

    /// Starts counting anew, at the end of a handshake.
    pub(super) fn restart(&self) {
        self.state().restart();
    }

    /// Returns when there has been no request for at least `read_timeout`, and at most twice as long.
    pub(super) async fn idle(&self) {
        loop {
            let begun = self.state().begun;
            sleep(self.read_timeout).await;
            let state = self.state();
            if state.open == 0 && state.begun == begun {
                return;
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn restart(&mut self) {
        self.bytes = 0;
        self.since = None;
    }
}

impl OpenRequest {
    /// Notes the place that the request has taken, before its body is read.
    pub(super) fn takes(&self, place: UnderWay) {
        // It takes one place only.
        let _ = self.in_place.set(place);
    }

    /// Notes that the request was received whole, or is answered without the rest of it.
    pub(super) fn complete(&self) {
        if self.becomes(BodyState::Whole) {
            self.under_way.received();
            if let Some(place) = self.in_place.get() {
                place.received();
            }
            let mut state = self.traffic.state();
            state.whole += 1;
            state.restart();
        }
    }

    fn becomes(&self, next: BodyState) -> bool {
        let mut reception = self.reception.lock().unwrap_or_else(PoisonError::into_inner);
        let coming = *reception == BodyState::Coming;
        if coming {
            *reception = next;
        }
        coming
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let reception = *self.reception.get_mut().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.traffic.state();
        state.open -= 1;
        state.whole -= usize::from(reception == BodyState::Whole);
    }
}

/// A request's body that notes its end.
pub(super) struct TrackedBody {
    body: Incoming,
    open: Arc<OpenRequest>,
}

impl TrackedBody {
    /// Wraps a body for the router.
    pub(super) fn wrap(body: Incoming, open: Arc<OpenRequest>) -> Body {
        if body.is_end_stream() {
            open.complete();
            return Body::empty();
        }
        if open.traffic.body_bytes == 0 {
            open.complete();
        }
        Body::new(TrackedBody { body, open })
    }
}

impl HttpBody for TrackedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let this = self.get_mut();
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        if matches!(frame, Some(Err(_))) {
            this.open.becomes(BodyState::Broken);
        } else if frame.is_none() || this.body.is_end_stream() {
            this.open.complete();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::super::slots::Slots;
    use super::*;

    const BODY: usize = 500_000;

    const READ_TIMEOUT: Duration = Duration::from_secs(4);

    async fn begin(traffic: &Arc<Traffic>) -> Arc<OpenRequest> {
        let slot = Slots::new(1).enter([127, 0, 0, 1].into(), None).await.unwrap();
        traffic.begin(slot.begin().unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn bytes_count_until_a_request_is_complete() {
        let traffic = Traffic::new(READ_TIMEOUT, BODY);
        let most = BODY + BEYOND_BODIES;
        assert!(traffic.received(most).is_ok());
        let first = begin(&traffic).await;
        first.complete();
        assert!(traffic.received(most).is_ok());
        let second = begin(&traffic).await;
        assert!(traffic.received(BODY).is_ok(), "two are open");
        drop((first, second));
        assert!(
            traffic.received(1).is_err(),
            "neither of which was complete since"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn time_counts_while_the_client_sends_and_nothing_is_complete() {
        let traffic = Traffic::new(READ_TIMEOUT, BODY);
        let trickle = async |seconds: u64| {
            for _ in 0..2 * seconds {
                traffic.received(1)?;
                sleep(Duration::from_millis(500)).await;
            }
            std::io::Result::Ok(())
        };
        assert!(trickle(4).await.is_ok());
        assert!(trickle(2).await.is_err());
        sleep(2 * PAUSE).await;
        assert!(trickle(4).await.is_ok(), "a pause ends it");
        let open = begin(&traffic).await;
        open.complete();
        assert!(
            trickle(60).await.is_ok(),
            "this side is not done with what it has"
        );
        drop(open);
        assert!(trickle(6).await.is_err());
        let _open = begin(&traffic).await;
        sleep(2 * PAUSE).await;
        assert!(traffic.received(1).is_err(), "a pause within a request is none");
    }
}
