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
mod routes;
mod server;
mod status;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use signalbox_core::Secret;
use signalbox_journal::{Journal, LetterCounts, SinkState, Usage};

pub use self::guard::Access;
pub use self::letters::{ActedReport, LetterSummary, PAGE, describe as describe_dead_letter};
pub use self::server::{AdminServer, serve};
pub use self::status::{HoldStatus, JournalStatus, OrphanStatus, SinkStatus, SourceStatus, Started, Status};
use crate::forget::{Forget, Forgotten};
use crate::identity::JournalIdentity;
use crate::ledger::Ledger;
use crate::operate::{Acted, Piece, ReplayPlan, ReplayRange, discard};
use crate::telemetry::Telemetry;

/// What the admin address asks the running pipeline, beyond the ledger. Errors are sentences for people, without a
/// value of the configuration.
#[async_trait]
pub trait StatusSource: Send + Sync {
    /// Whether every source has started and no stop is in progress.
    ///
    /// # Errors
    /// Why not, in a few words.
    fn ready(&self) -> Result<(), String>;

    /// What a sink has learnt while running ([`signalbox_core::Sink::notes`]).
    fn sink_notes(&self, sink: &str) -> Vec<String>;

    /// The journal.
    fn journal(&self) -> &dyn Journal;

    /// How full the journal is.
    fn journal_usage(&self) -> Usage {
        self.journal().usage()
    }

    /// Counts of kept dead letters, by component.
    fn letter_counts(&self) -> BTreeMap<String, LetterCounts> {
        self.journal().letter_counts()
    }

    /// Counts of a component's kept dead letters.
    fn letters_of(&self, component: &str) -> LetterCounts {
        self.journal().letters_of(component)
    }

    /// The sinks the journal knows, those no longer configured included.
    ///
    /// # Errors
    /// If they cannot be read.
    async fn sinks(&self) -> Result<Vec<SinkState>, String> {
        self.journal().sinks().await.map_err(|error| error.to_string())
    }

    /// Tries some of the matching dead letters again.
    ///
    /// # Errors
    /// A sentence if the letters cannot be retried.
    async fn retry(&self, piece: Piece) -> Result<Acted, String>;

    /// Removes some of the matching dead letters for good.
    ///
    /// # Errors
    /// A sentence if the letters cannot be discarded.
    async fn discard(&self, piece: Piece) -> Result<Acted, String> {
        discard(self.journal(), &piece).await
    }

    /// Delivers a part of the journal to a sink again, or tells what that would be.
    ///
    /// # Errors
    /// If there is nothing to replay, or no such sink.
    async fn replay(&self, sink: String, range: ReplayRange, dry_run: bool) -> Result<ReplayPlan, String>;

    /// Lets go of events that sinks are owed and that the pipeline no longer mentions.
    ///
    /// # Errors
    /// A sentence if the pipeline still mentions them, or there is no such sink.
    async fn forget(&self, what: Forget) -> Result<Vec<Forgotten>, String>;

    /// Reads the configuration file again and runs what it says; returns a sentence about what happened.
    ///
    /// # Errors
    /// What is wrong with the file; nothing has changed then.
    async fn reload(&self) -> Result<String, String>;
}

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
