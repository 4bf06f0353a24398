//! The address for operators: metrics, health, readiness, status, dead letters.
//!
//! | path | answer |
//! |---|---|
//! | `/health` | 200 while the process lives; needs no token |
//! | `/ready` | 200 while every source takes events in, 503 with the reason otherwise |
//! | `/metrics` | every metric in the Prometheus text format |
//! | `/status` | [`Status`] as JSON |
//! | `/dead_letters` | the newest dead letters as JSON, without payload; `sink`, `reason` and `limit` choose |

mod human;
mod routes;
mod server;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use signalbox_core::Secret;

pub use self::server::{AdminServer, serve};
pub use self::status::{ReasonStatus, SinkStatus, SourceStatus, Status};
use crate::dead_letters::DeadLetters;
use crate::ledger::Ledger;
use crate::telemetry::Telemetry;

/// What the admin address asks the running pipeline, beyond the ledger.
pub trait StatusSource: Send + Sync {
    /// Whether every source has started and no stop is in progress.
    ///
    /// # Errors
    /// Why not, in a few words without a value of the configuration.
    fn ready(&self) -> Result<(), String>;

    /// What a sink has learnt while running ([`signalbox_core::Sink::notes`]).
    fn sink_notes(&self, sink: &str) -> Vec<String>;

    /// The dead letters.
    fn dead_letters(&self) -> &dyn DeadLetterView;
}

/// Dead letters for people to look at. Called on a thread that may block.
pub trait DeadLetterView: Send + Sync {
    /// The newest first, at most `limit`, of one component (a sink's name, or `source:NAME`) and one reason code if
    /// given. Entries hold no payload.
    ///
    /// # Errors
    /// Why they cannot be read.
    fn list(
        &self,
        component: Option<&str>,
        reason: Option<&str>,
        limit: usize,
    ) -> Result<Vec<serde_json::Value>, String>;

    /// How many are kept, by component.
    fn counts(&self) -> BTreeMap<String, u64>;
}

impl DeadLetterView for DeadLetters {
    fn list(
        &self,
        component: Option<&str>,
        reason: Option<&str>,
        limit: usize,
    ) -> Result<Vec<serde_json::Value>, String> {
        DeadLetters::list(self, component, reason, limit)
            .iter()
            .map(|letter| serde_json::to_value(letter).map_err(|error| error.to_string()))
            .collect()
    }

    fn counts(&self) -> BTreeMap<String, u64> {
        DeadLetters::counts(self)
            .into_iter()
            .map(|(name, count)| (name, count as u64))
            .collect()
    }
}

/// What the admin address shows. Cheap to clone.
#[derive(Clone)]
pub struct AdminState {
    ledger: Ledger,
    telemetry: Arc<Telemetry>,
    source: Arc<dyn StatusSource>,
    started: Timestamp,
}

impl std::fmt::Debug for AdminState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminState")
    }
}

impl AdminState {
    /// Puts together what is shown; the uptime counts from here.
    #[must_use]
    pub fn new(ledger: Ledger, telemetry: Arc<Telemetry>, source: Arc<dyn StatusSource>) -> AdminState {
        AdminState {
            ledger,
            telemetry,
            source,
            started: Timestamp::now(),
        }
    }

    /// The status at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        Status::read(&self.ledger, &*self.source, self.started)
    }
}

/// Whether the admin address may listen there: what other machines can reach needs a token.
///
/// # Errors
/// What to change, for a configuration error.
pub fn check_listen(listen: SocketAddr, token: Option<&Secret>) -> Result<(), String> {
    match token {
        Some(token) if token.expose().trim().is_empty() => {
            Err("the token is empty; leave it out or set one".to_owned())
        }
        // A header cannot carry anything else, so no request could ever match.
        Some(token) if !token.expose().bytes().all(|byte| byte.is_ascii_graphic()) => {
            Err("the token may hold visible ASCII characters only, without spaces".to_owned())
        }
        Some(_) => Ok(()),
        None if listen.ip().to_canonical().is_loopback() => Ok(()),
        None => Err(format!(
            "other machines can reach this address, so it needs a token; set 'token', or listen on 127.0.0.1:{}",
            listen.port()
        )),
    }
}
