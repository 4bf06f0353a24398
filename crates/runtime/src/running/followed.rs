//! The exchange with the other routers of a journal: the counts of sinks that they drive, and reports about this one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use signalbox_journal::{Journal, Node, SinkState};
use tokio::sync::Notify;
use tokio_util::task::AbortOnDropHandle;

use super::report::OwnFacts;
use crate::ledger::{DrivenBy, SinkLedger};
use crate::undriven::Undriven;

/// Interval at which the counts are read and a report is made.
const EVERY: Duration = Duration::from_secs(3);

type Ledgers = BTreeMap<Arc<str>, Arc<SinkLedger>>;

/// The ledgers of the sinks that other routers drive. Without a task they keep the counts that they have.
#[derive(Default)]
pub(super) struct Followed {
    sinks: Arc<Mutex<Ledgers>>,
    /// The facts about this router.
    facts: Arc<Mutex<OwnFacts>>,
    /// Notified when another sink is followed, and when the facts change.
    news: Arc<Notify>,
    task: Option<AbortOnDropHandle<()>>,
}

impl Followed {
    /// Begins to read the counts from a journal that other routers share, and to report to them.
    pub(super) fn watch(&mut self, journal: Arc<dyn Journal>) {
        let (sinks, news, facts) = (self.sinks.clone(), self.news.clone(), self.facts.clone());
        let watch = async move {
            let mut undriven = Undriven::default();
            loop {
                let report = facts.lock().unwrap_or_else(PoisonError::into_inner).report();
                journal.report(report);
                if !lock(&sinks).is_empty() {
                    read(&*journal, &sinks).await;
                }
                let names: Vec<Arc<str>> = lock(&sinks).keys().cloned().collect();
                undriven.look(&journal.nodes(), names.iter().map(|name| &**name), Instant::now());
                tokio::select! {
                    () = news.notified() => {}
                    () = tokio::time::sleep(EVERY) => {}
                }
            }
        };
        self.task = Some(AbortOnDropHandle::new(tokio::spawn(watch)));
    }

    /// Replaces the facts that this router reports.
    pub(super) fn tell(&self, facts: OwnFacts) {
        *self.facts.lock().unwrap_or_else(PoisonError::into_inner) = facts;
        self.news.notify_one();
    }

    /// Reports again, since the facts have changed.
    pub(super) fn news(&self) {
        self.news.notify_one();
    }

    /// Follows a sink that another router may drive.
    pub(super) fn follow(&self, name: &Arc<str>, ledger: &Arc<SinkLedger>) {
        let mut sinks = lock(&self.sinks);
        let before = sinks.insert(name.clone(), ledger.clone());
        if before.is_none_or(|before| !Arc::ptr_eq(&before, ledger)) {
            ledger.leave();
            self.news.notify_one();
        }
    }

    /// Follows a sink no longer.
    pub(super) fn leave(&self, name: &str) {
        lock(&self.sinks).remove(name);
    }

    /// Follows no sink any more.
    pub(super) fn clear(&self) {
        lock(&self.sinks).clear();
    }

    /// Ends the reading.
    pub(super) fn end(&mut self) {
        self.task = None;
    }
}

async fn read(journal: &dyn Journal, sinks: &Mutex<Ledgers>) {
    let known = match journal.sinks().await {
        Ok(known) => known,
        Err(error) => {
            return tracing::debug!("the counts of sinks that other routers drive cannot be read: {error}");
        }
    };
    let nodes = journal.nodes();
    // Under the lock: a sink that this router begins to drive meanwhile is no longer among them.
    for (name, ledger) in lock(sinks).iter() {
        let state = known.iter().find(|state| *state.name == **name);
        let others = nodes.iter().filter(|node| !node.own);
        let drives = Node::driving(others, name);
        let driven_by = drives.map_or(DrivenBy::Unknown, |node| {
            DrivenBy::Another(node.name.as_str().into())
        });
        ledger.follow(state.unwrap_or(&SinkState::default()), driven_by);
    }
}

fn lock(sinks: &Mutex<Ledgers>) -> MutexGuard<'_, Ledgers> {
    sinks.lock().unwrap_or_else(PoisonError::into_inner)
}
