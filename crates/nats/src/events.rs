//! The state of a connection, and its changes in the log.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::{ClientError, Event, ServerError};
use signalbox_core::mask;
use tokio::sync::watch;

/// Time between two log lines about one kind of trouble.
const REMIND: Duration = Duration::from_secs(30);

/// The state of a connection, and the moment at which it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct State {
    /// True while a server is connected.
    pub connected: bool,
    /// The moment of the last change.
    pub since: Instant,
}

/// A kind of trouble, which repeats itself with each attempt or message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Trouble {
    Unconnected,
    SlowReader,
    Server,
}

/// Hears the client's events: keeps the state and writes the log.
pub(crate) struct Events {
    /// The user of the connection, for log lines.
    name: String,
    state: watch::Sender<State>,
    /// The time of the last log line about each kind of trouble.
    told: Mutex<BTreeMap<Trouble, Instant>>,
}

impl Events {
    pub(crate) fn new(name: &str) -> Events {
        // Seen only once there is a client, which is connected then; the event about it comes later.
        let state = State {
            connected: true,
            since: Instant::now(),
        };
        Events {
            name: name.to_owned(),
            state: watch::Sender::new(state),
            told: Mutex::default(),
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
                    // So that the first reason reaches the log at once.
                    self.told().remove(&Trouble::Unconnected);
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
                let told = "messages came faster than they were read, and the client dropped some";
                self.remind(Trouble::SlowReader, told);
            }
            Event::ClientError(ClientError::Other(error)) => self.unconnected(trouble(error)),
            Event::ServerError(ServerError::AuthorizationViolation) => {
                self.unconnected("the server refuses the credentials");
            }
            Event::ServerError(error) => {
                let text = error.to_string();
                let told = format!("the server tells: {}", mask(text.trim_start_matches("nats: ")));
                self.remind(Trouble::Server, &told);
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

    /// Tells why there is no connection.
    fn unconnected(&self, trouble: &str) {
        let state = *self.state.borrow();
        if !state.connected {
            self.remind(
                Trouble::Unconnected,
                &format!("no connection: {trouble}; trying on"),
            );
        }
    }

    /// Tells a trouble, at most once in 30 seconds for each kind.
    fn remind(&self, kind: Trouble, told: &str) {
        let mut last = self.told();
        if last.get(&kind).is_some_and(|at| at.elapsed() < REMIND) {
            return;
        }
        last.insert(kind, Instant::now());
        tracing::warn!(name = self.name, "NATS: {told}");
    }

    fn told(&self) -> MutexGuard<'_, BTreeMap<Trouble, Instant>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_follows_the_events() {
        let events = Events::new("test");
        let state = events.state();
        let connected = || state.borrow().connected;
        for (event, wanted) in [
            (Event::Connected, true),
            (Event::LameDuckMode, true),
            (Event::Disconnected, false),
            (
                Event::ClientError(ClientError::Other("timed out".to_owned())),
                false,
            ),
            (Event::ServerError(ServerError::AuthorizationViolation), false),
            (Event::Connected, true),
            (Event::SlowConsumer(1), true),
            (Event::Closed, false),
        ] {
            events.hear(&event);
            assert_eq!(connected(), wanted, "{event:?}");
        }
    }

    #[test]
    fn a_kind_of_trouble_is_told_once_and_again_after_the_next_loss() {
        let events = Events::new("test");
        let told = |kind| events.told().get(&kind).copied();
        events.hear(&Event::Connected);
        events.hear(&Event::ClientError(ClientError::Other("timed out".to_owned())));
        assert_eq!(told(Trouble::Unconnected), None, "there is a connection");
        events.hear(&Event::Disconnected);
        events.hear(&Event::ClientError(ClientError::Other("timed out".to_owned())));
        let first = told(Trouble::Unconnected).unwrap();
        events.hear(&Event::ClientError(ClientError::Other("DNS error".to_owned())));
        assert_eq!(told(Trouble::Unconnected), Some(first));
        events.hear(&Event::Connected);
        events.hear(&Event::Disconnected);
        assert_eq!(told(Trouble::Unconnected), None);
        assert_eq!(told(Trouble::Server), None);
    }
}
