//! The address for operators: metrics, health, readiness, status, dead letters; and messages to a webhook about trouble.
//!
//! `routes::ROUTES` lists the paths, and writes their table in docs/operations.md.

mod acts;
mod alerts;
mod asked;
mod audit;
mod caller;
mod client;
mod events;
mod guard;
mod headers;
mod human;
mod letters;
mod names;
mod nodes;
mod operator;
mod orphans;
mod query;
mod reply;
mod routes;
mod server;
mod sign_in;
mod status;
mod tap;
#[cfg(test)]
mod tests;

use std::sync::{Arc, PoisonError, RwLock};

pub use self::alerts::{AlertStatus, AlertTarget, Alerts, Trouble};
pub use self::audit::{Audit, AuditEntry, AuditPage, AuditResult, AuditStatus, Deed};
pub use self::caller::{Caller, Role};
pub use self::guard::Access;
pub use self::human::{table, table_of_texts};
pub use self::letters::{LetterSummary, PAGE, describe as describe_dead_letter};
pub use self::nodes::NodeStatus;
pub use self::query::Query;
pub use self::reply::{done, json};
pub use self::routes::PageRoutes;
pub use self::server::{AdminServer, certificate, serve};
pub use self::sign_in::{SignInHtml, SignInPage};
pub use self::status::{
    HoldStatus, JournalStatus, LetterStatus, OrphanStatus, RecordStatus, RequestStatus, SealStatus,
    SinkStatus, SourceStatus, Started, Status,
};
pub use self::tap::{TAP_RATE, TapQuery};
use signalbox_core::Vitals;
use signalbox_history::History;
use signalbox_runtime::debts;
use signalbox_runtime::identity::JournalIdentity;
use signalbox_runtime::ledger::{Ledger, SinkLedger};
use signalbox_runtime::operate::StatusSource;
use signalbox_runtime::tap::Taps;
use signalbox_runtime::telemetry::Telemetry;

/// The state that the admin address shows. Cheap to clone.
#[derive(Clone)]
pub struct AdminState {
    live: Arc<RwLock<(Ledger, Arc<Telemetry>)>>,
    source: Arc<dyn StatusSource>,
    identity: Option<Arc<JournalIdentity>>,
    audit: Option<Arc<Audit>>,
    /// The certificate of the admin address itself.
    vitals: Arc<Vitals>,
    /// The messages that the webhook of `[alerts]` has not taken.
    alerts: Arc<alerts::Waiting>,
    started: Started,
    orphans: Arc<orphans::OrphanReports>,
}

impl std::fmt::Debug for AdminState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AdminState")
    }
}

impl AdminState {
    /// Creates the state; the uptime counts from here.
    #[must_use]
    pub fn new(ledger: Ledger, telemetry: Arc<Telemetry>, source: Arc<dyn StatusSource>) -> AdminState {
        AdminState {
            live: Arc::new(RwLock::new((ledger, telemetry))),
            source,
            identity: None,
            audit: None,
            vitals: Arc::default(),
            alerts: Arc::default(),
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

    /// Records acts in this log.
    #[must_use]
    pub fn audited(mut self, audit: Audit) -> AdminState {
        self.audit = Some(Arc::new(audit));
        self
    }

    /// Returns the audit log, if the router keeps one.
    #[must_use]
    pub fn audit(&self) -> Option<&Arc<Audit>> {
        self.audit.as_ref()
    }

    /// The status at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            audit: self.audit.as_deref().map(Audit::status),
            alerts: self.alerts.status(),
            ..Status::read(&self.ledger(), &*self.source, self.started)
        }
    }

    /// Shows other components from now on, after a reload.
    pub fn replace(&self, ledger: Ledger, telemetry: Arc<Telemetry>) {
        *self.live.write().unwrap_or_else(PoisonError::into_inner) = (ledger, telemetry);
    }

    /// Returns the ledger.
    #[must_use]
    pub fn ledger(&self) -> Ledger {
        self.live.read().unwrap_or_else(PoisonError::into_inner).0.clone()
    }

    /// Returns the history, if the router keeps one.
    #[must_use]
    pub fn history(&self) -> Option<History> {
        self.ledger().history
    }

    /// Returns the pipeline's view for operators, and their actions.
    #[must_use]
    pub fn source(&self) -> &Arc<dyn StatusSource> {
        &self.source
    }

    /// The status at this moment, with the sinks that are no longer configured as the journal last reported them.
    pub async fn whole_status(&self) -> Status {
        let known = self.orphans.known(&self.source).await;
        let mut status = self.status();
        if let Some(known) = known {
            let orphans = known.sinks.iter();
            let others_have = |sink: &str| debts::others_have(self.source.journal(), sink);
            let orphans =
                orphans.filter(|sink| !status.sinks.contains_key(&sink.name) && !others_have(&sink.name));
            status.orphans = orphans.map(Into::into).collect();
            status.orphans_age_seconds = Some(known.at.elapsed().as_secs());
        }
        status
    }

    /// Lists the troubles that call for an operator now, in the words of the alerts.
    #[must_use]
    pub fn troubles(&self) -> Vec<Trouble> {
        alerts::troubles(self)
    }

    fn sink(&self, name: &str) -> Option<Arc<SinkLedger>> {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.0.sinks.get(name).cloned()
    }

    fn taps(&self) -> Taps {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        live.0.taps.clone()
    }

    /// Lists the names of the sources, and of the sinks.
    fn components(&self) -> (Vec<String>, Vec<String>) {
        let live = self.live.read().unwrap_or_else(PoisonError::into_inner);
        let sources = live.0.sources.keys().map(ToString::to_string);
        let sinks = live.0.sinks.keys().map(ToString::to_string);
        (sources.collect(), sinks.collect())
    }

    /// Begins the report of an act that was limited to this component. A text that names no component of the pipeline may be
    /// anything, and stays out of the audit log.
    #[must_use]
    pub fn deed(&self, component: Option<&str>) -> Deed {
        let (sources, sinks) = self.components();
        let known = |component: &&str| match component.strip_prefix("source:") {
            Some(source) => sources.iter().any(|name| name == source),
            None => sinks.iter().any(|name| name == component),
        };
        component.filter(known).map(Deed::at).unwrap_or_default()
    }

    fn telemetry(&self) -> Arc<Telemetry> {
        self.live.read().unwrap_or_else(PoisonError::into_inner).1.clone()
    }
}
