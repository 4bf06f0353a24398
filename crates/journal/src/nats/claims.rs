//! The rate group under which a sink is driven. The files of routers may put a sink into different groups, by mistake or in
//! the middle of a change, and two leases would then say who drives it. So the sink's record names the group whose lease
//! counts, and only the holder of that lease takes the name out again. A router whose file has another group waits for that,
//! and asks for the other lease as well: nobody else may be left who does.

#[cfg(test)]
mod live;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::book::key::Key;
use super::book::store::Write;
use super::book::values::json;
use super::journal::Shared;
use crate::JournalError;
use crate::names::Names;
use crate::sink_record::SinkRecord;

/// The interval at which claims are looked at without news.
const LOOK: Duration = Duration::from_secs(1);
/// The time that a change of a record may take.
const ATTEMPT: Duration = Duration::from_secs(3);
/// The pause between two looks at the record of a sink that is to be opened.
const PAUSE: Duration = Duration::from_millis(100);
/// The time for which a sink waits before the log tells. After a change of all files it takes less.
const TELL: Duration = Duration::from_secs(5);

/// The record of a sink that this router may open, with its sequence, and the names of that moment.
pub(super) struct Unclaimed {
    pub(super) record: Option<SinkRecord>,
    pub(super) sequence: u64,
    pub(super) names: Arc<Names>,
}

/// Settles claims as long as the journal is open.
pub(super) async fn tend(shared: Arc<Shared>) {
    let mut tenures = shared.leases.changes();
    loop {
        shared.settle_claims().await;
        tokio::select! {
            // The sender lives as long as the leases.
            _ = tenures.changed() => {}
            () = shared.claims.notified() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

impl Shared {
    /// Waits until no router may drive the sink under another group than this router's file says.
    ///
    /// # Errors
    /// [`JournalError`] if the sink has a record that this version cannot read.
    pub(super) async fn unclaimed(&self, sink: &str, group: Option<&str>) -> Result<Unclaimed, JournalError> {
        let began = Instant::now();
        let mut told = false;
        loop {
            let claim = {
                let book = self.store.book();
                if book.is_unreadable(sink) {
                    return Err(JournalError(format!(
                        "the state of the sink '{sink}' at the NATS servers cannot be read: a newer version of Signalbox wrote it, \
                         which should run here, too, or it is damaged, and `signalbox forget --sink {sink}` gives it up"
                    )));
                }
                let known = book.sinks.get(sink).filter(|_| book.has_sink(sink));
                let claim = known.and_then(|sink| sink.record.group.clone());
                match claim.filter(|claim| group.is_some_and(|group| group != claim)) {
                    Some(claim) => claim,
                    None => {
                        return Ok(Unclaimed {
                            record: known.map(|sink| sink.record.clone()),
                            sequence: book.sequence(&Key::Sink(sink.to_owned())),
                            names: book.names.clone(),
                        });
                    }
                }
            };
            if !told && began.elapsed() > TELL {
                told = true;
                self.tell_claim(sink, &claim, group.unwrap_or_default());
            }
            self.claims.notify_one();
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn tell_claim(&self, sink: &str, claim: &str, group: &str) {
        let nodes = self.nodes.list();
        let holds = nodes
            .iter()
            .find(|node| node.drives.iter().any(|driven| driven == claim));
        let holder = holds.map_or("another router", |node| &node.name);
        tracing::warn!(
            sink,
            reason = "rate_group_differs",
            "this router does not drive the sink: its file has the rate group '{group}', and {holder} drives the sink under \
             '{claim}'; give all routers the same file"
        );
    }

    /// Takes the names of groups that this router holds out of the records of sinks that its file does not have in them, and
    /// asks for the groups that keep sinks of its file from it.
    async fn settle_claims(&self) {
        let own = self.leases.sinks();
        let (mut wanted, mut regrouped) = (BTreeSet::new(), Vec::new());
        for (sink, group) in self.other_claims(&own) {
            if self.leases.holds(&group) {
                match self.end_claim(&sink, &group).await {
                    Ok(()) => continue,
                    Err(error) => {
                        tracing::debug!(sink, "its rate group is not taken out of its record: {error}")
                    }
                }
            }
            if let Some(own) = own.get(&sink) {
                if self.leases.holds(own) {
                    wanted.insert(group);
                }
                regrouped.push(sink);
            }
        }
        self.leases.seek(wanted);
        self.nodes.set_regrouped(regrouped);
    }

    /// Lists the sinks whose records name a group in which this router's file does not have them.
    fn other_claims(&self, own: &BTreeMap<String, Arc<str>>) -> Vec<(String, Arc<str>)> {
        let book = self.store.book();
        let claims = book.known_sinks().filter_map(|(name, sink)| {
            let group = sink.record.group.as_deref()?;
            let same = own.get(name).is_some_and(|own| **own == *group);
            (!same).then(|| (name.clone(), group.into()))
        });
        claims.collect()
    }

    /// Takes the name of its group out of a sink's record. Only the holder of the group may: no driver of the sink is left.
    async fn end_claim(&self, sink: &str, group: &str) -> Result<(), JournalError> {
        let key = Key::Sink(sink.to_owned());
        let (record, sequence) = {
            let book = self.store.book();
            let known = book.sinks.get(sink).filter(|_| book.has_sink(sink));
            let Some(sink) = known.filter(|sink| sink.record.group.as_deref() == Some(group)) else {
                return Ok(());
            };
            let free = SinkRecord {
                group: None,
                ..sink.record.clone()
            };
            (free, book.sequence(&key))
        };
        let write = [Write::set(key, json(&record)?).over(sequence)];
        self.store
            .write_and_read(&write, Instant::now() + ATTEMPT)
            .await?;
        Ok(())
    }
}
