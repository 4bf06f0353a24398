//! Drivers come and go with the tenures of a shared journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use signalbox_journal::{Tenure, Tenures};
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::handles::{Opening, Waiting};
use super::turns::{News, Opened, Turn};
use super::{Next, Running, ended};
use crate::telemetry::SinkMeters;

/// Time after which a right that has ended is looked at again: the journal may renew it late, while no other router has
/// taken it.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// True if this right to drive a group is given back, since a sink of the group cannot be opened.
fn is_declined(declined: &BTreeMap<Arc<str>, Tenure>, group: &str, tenure: &Tenure) -> bool {
    declined.get(group).is_some_and(|given| given.is_same(tenure))
}

impl Running {
    /// Waits until the pipeline has something to do that only its owner can do. Cancel safe.
    ///
    /// A pipeline whose journal is not shared runs out once its sources have ended. One that shares its journal goes on:
    /// other routers may append events for its sinks at any time.
    pub async fn next(&mut self) -> Next {
        if !self.shared {
            self.run_out().await;
            return Next::RanOut;
        }
        loop {
            tokio::select! {
                news = self.turns.next() => return Next::Turn(Turn(news)),
                Some(task) = self.tasks.join_next() => {
                    ended(task, &mut self.ending);
                    if self.tasks.is_empty() {
                        tracing::info!(
                            "every source has ended; the router goes on delivering, since others share its journal"
                        );
                    }
                }
            }
        }
    }

    /// Starts and stops drivers as the news demand. `meters` gives the meters of a sink.
    pub async fn turn(&mut self, turn: Turn, meters: impl Fn(&str) -> SinkMeters) {
        match turn.0 {
            News::Look => {}
            News::Ended(sink, number) => self.driver_ended(&sink, number).await,
            News::Opened(sink, number, opened) => self.reader_opened(&sink, number, *opened, meters),
        }
        self.follow_tenures();
    }

    /// Makes the drivers agree with the tenures: stops drivers whose right has ended, opens readers of sinks that this router
    /// may drive now, and releases groups that another router should drive.
    pub(super) fn follow_tenures(&mut self) {
        if !self.shared || self.ending.stopping {
            return;
        }
        let tenures = self.turns.tenures();
        for (name, sink) in &self.sinks {
            match tenures.of(name) {
                Some(tenure) if tenure.is_same(&sink.tenure) => {
                    if self.is_declined(sink.kept.group(), tenure) {
                        sink.stop.leave.cancel();
                    }
                }
                // The next driver delivers under the new right.
                Some(_) => sink.stop.leave.cancel(),
                None => sink.stop.abort.cancel(),
            }
        }
        self.turns.plan_nothing();
        let names: Vec<Arc<str>> = self.waiting.keys().cloned().collect();
        for name in names {
            let tenure = tenures.of(&name);
            if tenure.is_some_and(|tenure| !tenure.holds()) {
                self.turns.look_in(LOOK_AGAIN);
            }
            self.seek_driver(&name, tenure);
        }
        self.release_wanted(&tenures);
        for (name, source) in &self.sources {
            self.listen(name, source);
        }
    }

    /// Opens the reader of a waiting sink if this router may drive it now; else notes that another router may.
    fn seek_driver(&mut self, name: &Arc<str>, tenure: Option<&Tenure>) {
        let Some(waiting) = self.waiting.get_mut(name) else {
            return;
        };
        let group = waiting.kept.group().clone();
        let released = |tenure: &&Tenure| {
            self.released
                .get(&group)
                .is_some_and(|given| given.is_same(tenure))
        };
        let Some(tenure) = tenure.filter(|tenure| tenure.holds() && !released(tenure)) else {
            (waiting.opening, waiting.failing) = (None, None);
            if let Some(ledger) = self.ledger.sinks.get(name) {
                ledger.unopened.store(false, Relaxed);
            }
            return self.follow_counts(name);
        };
        if tenure.is_wanted() || is_declined(&self.declined, &group, tenure) {
            waiting.opening = None;
            // The journal may change its mind before the last sink of the group stands still.
            return self.turns.look_in(LOOK_AGAIN);
        }
        if waiting
            .opening
            .as_ref()
            .is_some_and(|opening| opening.tenure.is_same(tenure))
        {
            // The journal waits while the sink is driven under another rate group, by another router.
            return self.follow_counts(name);
        }
        let now = Instant::now();
        if let Some(at) = waiting.not_before.filter(|at| *at > now) {
            return self.turns.look_in(at - now);
        }
        let number = self.turns.number();
        let (journal, tell) = (self.journal.clone(), self.turns.teller());
        let (name, subscription) = (name.clone(), waiting.kept.subscription());
        let open = async move {
            let opened = journal.reader(&name, &subscription).await;
            // The pipeline has ended if nothing listens.
            let _ = tell.send(News::Opened(name, number, Box::new(opened)));
        };
        waiting.opening = Some(Opening {
            tenure: tenure.clone(),
            number,
            _task: AbortOnDropHandle::new(tokio::spawn(open)),
        });
        self.turns.look_in(LOOK_AGAIN);
    }

    /// Shows the counts of a sink that this router does not drive.
    fn follow_counts(&self, name: &Arc<str>) {
        if let Some(ledger) = self.ledger.sinks.get(name) {
            self.followed.follow(name, ledger);
        }
    }

    /// True if a group is given back, since this router cannot open a sink of it.
    fn is_declined(&self, group: &str, tenure: &Tenure) -> bool {
        is_declined(&self.declined, group, tenure)
    }

    /// Releases the groups that another router should drive, or that this one cannot drive, once their drivers have ended.
    fn release_wanted(&mut self, tenures: &Tenures) {
        let driven: BTreeSet<&Arc<str>> = self.sinks.values().map(|sink| sink.kept.group()).collect();
        let mut wanted: BTreeMap<Arc<str>, (&Tenure, Vec<Arc<str>>)> = BTreeMap::new();
        for (name, waiting) in &self.waiting {
            let group = waiting.kept.group();
            let tenure = tenures
                .of(name)
                .filter(|tenure| tenure.holds())
                .filter(|tenure| tenure.is_wanted() || self.is_declined(group, tenure));
            if let Some(tenure) = tenure.filter(|_| !driven.contains(group)) {
                let (_, sinks) = wanted.entry(group.clone()).or_insert((tenure, Vec::new()));
                sinks.push(name.clone());
            }
        }
        for (group, (tenure, sinks)) in wanted {
            let before = self.released.insert(group.clone(), tenure.clone());
            if before.is_some_and(|before| before.is_same(tenure)) {
                continue;
            }
            tracing::debug!(rate_group = %group, "given back for another router: {}", sinks.join(", "));
            if self.declined.remove(&group).is_some() {
                self.journal.decline(&sinks);
            } else {
                self.journal.release(&sinks);
            }
            for name in &sinks {
                self.follow_counts(name);
            }
        }
    }

    /// Takes the parts of a driver that has ended without being asked by this pipeline.
    async fn driver_ended(&mut self, name: &Arc<str>, number: u64) {
        if self.sinks.get(name).is_none_or(|sink| sink.number != number) {
            // It was stopped for a change, and has a successor.
            return;
        }
        let Some(handle) = self.sinks.remove(name) else {
            return;
        };
        let Ok(parts) = handle.task.await else {
            return tracing::error!(
                sink = %name,
                "its driver panicked, and nothing is delivered until the next reload; the line above tells where"
            );
        };
        let mut kept = handle.kept;
        let mut not_before = None;
        if parts.revoked && handle.tenure.holds() {
            let now = Instant::now();
            not_before = Some(now + kept.repeats.pause(now));
            tracing::info!(sink = %name, "its state was changed through another router; deliveries go on from there");
        } else {
            tracing::debug!(sink = %name, "stands still, since the right to drive it has ended or is given back");
        }
        let waiting = Waiting {
            parts,
            kept,
            opening: None,
            failing: None,
            not_before,
        };
        self.waiting.insert(name.clone(), waiting);
    }

    /// Starts the driver of a sink whose reader is open, if this router may still drive it.
    fn reader_opened(
        &mut self,
        name: &Arc<str>,
        number: u64,
        opened: Opened,
        meters: impl Fn(&str) -> SinkMeters,
    ) {
        let Some(waiting) = self.waiting.get_mut(name) else {
            return;
        };
        let Some(opening) = waiting.opening.take_if(|opening| opening.number == number) else {
            return;
        };
        let opened = match opened {
            Ok(opened) if opening.tenure.holds() && !opening.tenure.is_wanted() => opened,
            // Another router drives it, which has opened it again.
            Ok(_) => return,
            Err(error) => {
                let now = Instant::now();
                let pause = waiting.kept.repeats.pause(now).max(LOOK_AGAIN);
                waiting.not_before = Some(now + pause);
                tracing::error!(sink = %name, "its state cannot be read, trying again: {error}");
                let failing = waiting.failing.take();
                let failing = failing.filter(|(tenure, _)| tenure.is_same(&opening.tenure));
                let (tenure, since) = failing.unwrap_or((opening.tenure, now));
                let group = waiting.kept.group().clone();
                waiting.failing = Some((tenure.clone(), since));
                if let Some(ledger) = self.ledger.sinks.get(name) {
                    ledger.unopened.store(true, Relaxed);
                }
                self.follow_counts(name);
                self.followed.news();
                if now.duration_since(since) >= self.takeover {
                    tracing::error!(
                        sink = %name,
                        rate_group = %group,
                        "its state could not be read for {} s: the sinks of its rate group go to another router, if there is one",
                        self.takeover.as_secs()
                    );
                    self.declined.insert(group, tenure);
                }
                return;
            }
        };
        let Some(Waiting { parts, mut kept, .. }) = self.waiting.remove(name) else {
            return;
        };
        let before = kept.opened_under.replace(opening.tenure.clone());
        if before.is_none_or(|before| !before.is_same(&opening.tenure)) {
            // The router before, or the sink under another group, may have used up the limit a moment ago.
            self.rate_groups.drain(kept.group());
        }
        tracing::debug!(sink = %name, "this router drives it from now on");
        self.run(parts, kept, opened, opening.tenure, meters(name));
        if self.sinks.get(name).is_some_and(|sink| sink.kept.untold.is_due()) {
            for debt in self.debts_of(name) {
                tracing::warn!("{debt}");
            }
        }
    }
}
