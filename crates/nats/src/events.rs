//! The state of a connection, and its changes in the log.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_nats::{ClientError, Event, ServerError};
use signalbox_core::mask;
use tokio::sync::watch;

/// Time between two lines that say that there is still no connection.
const REMIND: Duration = Duration::from_secs(30);

/// The state of a connection, and the moment at which it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// True while a server is connected.
    pub connected: bool,
    /// The moment of the last change.
    pub since: Instant,
}

/// Hears the client's events: keeps the state and writes the log.
pub(crate) struct Events {
    /// The user of the connection, for log lines.
    name: String,
    state: watch::Sender<State>,
    /// When a lasting trouble was last told.
    told: Mutex<Option<Instant>>,
}

impl Events {
    pub(crate) fn new(name: &str) -> Events {
        let state = State {
            connected: false,
            since: Instant::now(),
        };
        Events {
            name: name.to_owned(),
            state: watch::Sender::new(state),
            told: Mutex::new(None),
        }
    }

    pub(crate) fn state(&self) -> watch::Receiver<State> {
        self.state.subscribe()
    }

    pub(crate) fn hear(&self, event: &Event) {
        let name = &*self.name;
        match event {
            Event::Connected => {
                if let Some(before) = self.change(true) {
                    let seconds = before.since.elapsed().as_secs_f64();
                    tracing::info!(name, "NATS: connected again after {seconds:.1} s");
                }
            }
            Event::Disconnected => {
                if self.change(false).is_some() {
                    tracing::warn!(
                        name,
                        "NATS: the connection to the server is lost; trying the servers in turn"
                    );
                }
            }
            Event::Closed => {
                self.change(false);
            }
            Event::LameDuckMode => {
                tracing::info!(
                    name,
                    "NATS: the server is about to stop; its connections go to another"
                );
            }
            Event::SlowConsumer(_) => {
                tracing::warn!(
                    name,
                    "NATS: messages came faster than they were read, and the client dropped some"
                );
            }
            Event::ClientError(ClientError::Other(error)) => self.remind(name, trouble(error)),
            Event::ServerError(ServerError::AuthorizationViolation) => {
                self.remind(name, "the server refuses the credentials");
            }
            Event::ServerError(error) => {
                let text = error.to_string();
                tracing::warn!(
                    name,
                    "NATS: the server tells: {}",
                    mask(text.trim_start_matches("nats: "))
                );
            }
            Event::ClientError(_) | Event::Draining => {}
        }
    }

    /// Sets the state, and returns the one before if it was another.
    fn change(&self, connected: bool) -> Option<State> {
        let mut before = None;
        self.state.send_if_modified(|state| {
            if state.connected == connected {
                return false;
            }
            before = Some(*state);
            *state = State {
                connected,
                since: Instant::now(),
            };
            true
        });
        before
    }

    /// Tells a trouble that repeats itself with each attempt, once in 30 seconds.
    fn remind(&self, name: &str, trouble: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.is_some_and(|at| at.elapsed() < REMIND) {
            return;
        }
        *told = Some(Instant::now());
        let seconds = self.state.borrow().since.elapsed().as_secs();
        tracing::warn!(name, "NATS: no connection for {seconds} s: {trouble}; trying on");
    }
}

/// Words the client's name of a trouble.
fn trouble(error: &str) -> &'static str {
    match error {
        "authorization violation" | "failed signing nonce" => "a server refuses the credentials",
        "DNS error" => "the name of a server has no address",
        "timed out" => "a server gives no answer",
        "TLS error" => "a file of `tls` cannot be used",
        _ => "a server refuses or breaks the connection",
    }
}
