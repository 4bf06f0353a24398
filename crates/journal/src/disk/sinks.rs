//! What is asked of the keeper about sinks.

use std::collections::BTreeMap;

use super::keeper::{Keeper, within};
use super::missing::write_off;
use super::rebuild;
use super::shared::{Sink, lock};
use super::state;
use crate::{Ahead, JournalError, Parked, Position, Progress, Resumed, SinkState, Start};

impl Keeper {
    /// Registers a reader; returns where it goes on, and its generation.
    pub(crate) fn open_sink(&mut self, name: &str, start: Start) -> Result<(Resumed, u64), JournalError> {
        let known = lock(&self.shared.sinks).get(name).cloned();
        let new = known.as_ref().is_none_or(|sink| sink.record.released);
        let mut sink = known.unwrap_or_default();
        if new {
            let rebuilt = self.shared.rebuilt.load(std::sync::atomic::Ordering::Relaxed);
            let progress = &mut sink.record.progress;
            progress.cursor = match start {
                Start::End if !rebuilt => self.shared.end(),
                Start::End => {
                    let from = self
                        .shared
                        .rebuilt_from
                        .load(std::sync::atomic::Ordering::Relaxed);
                    self.shared.start().max(from).min(self.shared.end())
                }
                Start::Beginning => self.shared.start(),
            };
            if rebuilt {
                let events = self.shared.end() - progress.cursor;
                rebuild::tell(name, events);
                lock(&self.shared.again).insert(name.to_owned(), events);
            }
        }
        let (end, aged) = (self.shared.end(), self.shared.options.max_age.is_some());
        let lost = write_off(&self.shared.series, &mut sink.record.progress, end, aged);
        sink.record.last_opened = self.shared.clock.now();
        sink.record.released = false;
        sink.opened = true;
        sink.generation += 1;
        let (progress, generation) = (sink.record.progress.clone(), sink.generation);
        self.save_opened(name, sink)?;
        let (parked, returned) = self
            .state
            .parked(name)
            .map_err(|trouble| self.explain(&trouble))?;
        let unread = self.unread(&progress)?;
        Ok((
            Resumed {
                progress,
                parked,
                returned,
                unread,
                lost,
            },
            generation,
        ))
    }

    /// Events that are in the log and not settled, by source.
    fn unread(&self, progress: &Progress) -> Result<Vec<(String, u64)>, JournalError> {
        let (series, end) = (&self.shared.series, self.shared.end());
        let mut counts: BTreeMap<String, u64> = series.counts(progress.cursor, end)?;
        for (from, to) in within(progress, progress.cursor, end) {
            for (source, count) in series.counts(from, to)? {
                if let Some(sum) = counts.get_mut(&source) {
                    *sum = sum.saturating_sub(count);
                }
            }
        }
        Ok(counts.into_iter().filter(|(_, count)| *count > 0).collect())
    }

    /// What a reader that stands there has still to hand out.
    pub(super) fn ahead(
        &mut self,
        sink: &str,
        progress: &Progress,
        returned_after: Position,
    ) -> Result<Ahead, JournalError> {
        let after = returned_after.saturating_add(1).max(Parked::BACK);
        let returned = self.state.count_parked(sink, after..=Position::MAX);
        Ok(Ahead {
            unread: self.unread(progress)?,
            returned: returned.map_err(|trouble| self.explain(&trouble))?,
        })
    }

    pub(crate) fn describe_sinks(&mut self) -> Result<Vec<SinkState>, JournalError> {
        let sinks = lock(&self.shared.sinks).clone();
        let mut states = Vec::with_capacity(sinks.len());
        for (name, sink) in sinks {
            let Sink { record, parked, .. } = sink;
            let progress = record.progress;
            let parked_since = self
                .state
                .oldest_parked(&name)
                .map_err(|trouble| self.explain(&trouble))?;
            // An orphan that was released holds nothing: what came since is not its.
            let unread = if record.released {
                Vec::new()
            } else {
                self.unread(&progress)?
            };
            let mut first = progress.cursor;
            for (from, to) in &progress.settled {
                if *from <= first {
                    first = first.max(*to);
                }
            }
            let logged_since = if unread.is_empty() {
                None
            } else {
                self.shared.series.arrival(first)?
            };
            let oldest_pending = match (parked_since, logged_since) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            states.push(SinkState {
                name,
                progress,
                parked,
                unread,
                oldest_pending,
                last_opened: record.last_opened,
            });
        }
        Ok(states)
    }

    pub(crate) fn forget_sink(&mut self, name: &str) -> Result<(), JournalError> {
        self.change(|txn, _| state::remove_sink(txn, name))?;
        lock(&self.shared.sinks).remove(name);
        Ok(())
    }

    pub(crate) fn set_progress(&mut self, name: &str, progress: Progress) -> Result<(), JournalError> {
        let sink = lock(&self.shared.sinks).get(name).cloned();
        let mut sink = sink.ok_or_else(|| JournalError(format!("the journal knows no sink '{name}'")))?;
        let cursor = progress.cursor.max(self.shared.start()).min(self.shared.end());
        sink.record.progress = Progress { cursor, ..progress };
        sink.record.released = false;
        // Whoever asks for this wants the sink to have it: it holds what it stands at for a while.
        sink.record.last_opened = self.shared.clock.now();
        sink.generation += 1;
        self.change_sink(name, sink, |_| Ok(()))
    }
}
