//! The address for operators: metrics, health, readiness, status, dead letters.
//!
//! | path | answer |
//! |---|---|
//! | `/health`, `/live` | 200 while the process lives; needs no token |
//! | `/ready` | 200 while every source takes events in, 503 with the reason otherwise |
//! | `/metrics` | every metric in the Prometheus text format |
//! | `/status` | [`Status`] as JSON |
//! | `/dead_letters` | a page of the newest dead letters as JSON; `sink`, `reason`, `mapping`, `message_id`, `since`, `before`, `id` and `limit` choose, `cursor` begins the next page, `payload=1` shows the kept parts of the events |
//! | `/dead_letters/summary` | counts by sink, reason and mapping; the same choice |
//! | `/dead_letters/export` | all of them, the oldest first, one JSON object a line; the same choice |
//! | `POST /dead_letters/retry`, `POST /dead_letters/discard` | tries them again, or removes them; the same choice; with `cursor` one piece of them |
//! | `POST /replay?sink=NAME&from=…` | delivers a part of the journal again; `to`, `dry_run=1` |
//! | `/sinks` | every sink that the journal knows, with its pending events by source |
//! | `POST /forget?sink=NAME&source=NAME` | forgets pending events that the file no longer mentions |
//! | `POST /reload` | reads the configuration file again |

mod guard;
mod human;
mod letters;
mod operator;
mod orphans;
mod reply;
mod routes;
mod server;
mod status;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

pub use self::guard::Access;
pub use self::letters::{ActedReport, LetterSummary, PAGE, describe as describe_dead_letter};
pub use self::server::{AdminServer, serve};
pub use self::status::{HoldStatus, JournalStatus, OrphanStatus, SinkStatus, SourceStatus, Started, Status};
use signalbox_runtime::identity::JournalIdentity;
use signalbox_runtime::ledger::Ledger;
use signalbox_runtime::operate::StatusSource;
use signalbox_runtime::telemetry::Telemetry;

/// What the admin address shows. Cheap to clone.
#[derive(Clone)]
pub struct AdminState {
    live: Arc<RwLock<(Ledger, Arc<Telemetry>)>>,
    source: Arc<dyn StatusSource>,
    identity: Option<Arc<JournalIdentity>>,
    started: Started,
    orphans: Arc<orphans::Orphans>,
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
            live: Arc::new(RwLock::new((ledger, telemetry))),
            source,
            identity: None,
            started: Started::now(),
            orphans: Arc::default(),
        }
    }

    /// Names the router's journal in every answer.
    #[must_use]
    pub fn identified(mut self, identity: JournalIdentity) -> AdminState {
        self.identity = Some(Arc::new(identity));
        self
    }

    /// The status at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        let ledger = self.live.read().unwrap_or_else(PoisonError::into_inner).0.clone();
        Status::read(&ledger, &*self.source, self.started)
    }

    /// Shows other components from now on, after a reload.
    pub fn replace(&self, ledger: Ledger, telemetry: Arc<Telemetry>) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = (ledger, telemetry);
    }

    fn telemetry(&self) -> Arc<Telemetry> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}
