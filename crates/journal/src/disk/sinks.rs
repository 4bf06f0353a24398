//! Opens, describes and changes sinks, on the state thread.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;

use signalbox_core::Event;

use super::shared::Sink;
use super::state_writer::StateWriter;
use crate::inputs::{Held, Inputs};
use crate::log::missing::write_off;
use crate::mutex::lock;
use crate::ranges::{self, Span};
use crate::sink_record::SinkRecord;
use crate::state::parked;
use crate::state::rebuild;
use crate::{
    Ahead, Arrivals, JournalError, Loss, Lost, Parked, Position, Progress, Resumed, SinkState, Start,
    Subscription,
};

/// The number of parked events that are read at once.
const AT_ONCE: usize = 1_000;

impl StateWriter {
    /// Registers a reader; returns where it goes on, and its generation.
    pub(crate) fn open_sink(
        &mut self,
        name: &str,
        subscription: &Subscription,
    ) -> Result<(Resumed, u64), JournalError> {
        let held = self.held();
        let known = lock(&self.shared.sinks).get(name).cloned();
        let new = known.is_none();
        let mut sink = known.unwrap_or_default();
        let (parked, returned) = self.state.parked(name)?;
        let unreadable = self.write_off_parked(name, &mut sink, &parked.unreadable);
        let rebuilt = self.shared.rebuilt.load(Ordering::Relaxed);
        let record = &mut sink.record;
        let new_at = new.then(|| match subscription.start {
            Start::End if !rebuilt => held.to,
            Start::End => {
                let from = self.shared.rebuilt_from.load(Ordering::Relaxed);
                held.from.max(from).min(held.to)
            }
            Start::Beginning => held.from,
        });
        record.begin(new_at, held);
        if new && rebuilt {
            // The record of the events that the sink was owed is lost.
            record.inputs = Inputs::unknown();
            let events = held.to - record.progress.cursor;
            rebuild::tell(name, events);
            lock(&self.shared.again).insert(name.to_owned(), events);
        }
        let named = record.inputs.named.clone();
        let unsettled = ranges::both(&ranges::unsettled(&record.progress), &record.inputs.all);
        let unsettled = self.sources_within(&ranges::both(&unsettled, &[(0, held.to)]))?;
        let roster = (self.roster.as_ref(), &self.head.names);
        record.open(subscription, roster, held, &unsettled, self.shared.clock.now());
        let listens_otherwise = new || named != record.inputs.named;
        let aged = self.shared.options.max_age.is_some();
        let mut lost = write_off(&self.shared.log, &mut record.progress, held.to, aged);
        lost.extend(unreadable);
        sink.opened = true;
        sink.generation += 1;
        let (record, generation) = (sink.record.clone(), sink.generation);
        self.save_opened(name, sink)?;
        if listens_otherwise {
            self.begin_file();
        }
        let owed = record.inputs.owed(&self.head.names);
        let (arrivals, end) = {
            let mut journalled = lock(&self.shared.journalled);
            (journalled.arrivals.open(name, &owed), journalled.to)
        };
        self.shared.news.notify_waiters();
        let unread = self.unread(&record, end)?;
        Ok((
            Resumed {
                progress: record.progress,
                parked: parked.events,
                returned,
                unread,
                arrivals,
                lost,
                owed,
                erasures: self.shared.erasures.list.clone(),
                mappings: record.mappings.renamed,
            },
            generation,
        ))
    }

    /// Settles parked events that cannot be read, and counts them; returns their positions. If that cannot be written, they
    /// stay as they are until the next start.
    fn write_off_parked(&mut self, name: &str, sink: &mut Sink, unreadable: &[Position]) -> Vec<Lost> {
        if unreadable.is_empty() {
            return Vec::new();
        }
        let mut without = sink.clone();
        let count = unreadable.len() as u64;
        let rejected = &mut without.record.progress.totals.rejected;
        *rejected.entry(Loss::Damaged.code().to_owned()).or_default() += count;
        without.parked = without.parked.saturating_sub(count);
        let written = self.change_sink(name, without.clone(), |txn| {
            for position in unreadable {
                parked::unpark(txn, name, *position)?;
            }
            Ok(())
        });
        if let Err(error) = written {
            tracing::error!(
                sink = name,
                count,
                "unreadable parked events cannot be removed: {error}"
            );
            return Vec::new();
        }
        *sink = without;
        let lost = |from: &Position| Lost {
            from: *from,
            to: from + 1,
            events: 1,
            loss: Loss::Damaged,
        };
        unreadable.iter().map(lost).collect()
    }

    /// Makes the next append begin a file: if the state is lost, the file's heading knows sinks by their present names and
    /// inputs.
    pub(super) fn begin_file(&self) {
        // Deleted files can be read only while they are open, so they stay open.
        if !self.shared.halts.gone() {
            self.shared.log.complete_growing();
        }
    }

    /// Finds the sources that have events in some ranges.
    fn sources_within(&self, spans: &[Span]) -> Result<BTreeSet<String>, JournalError> {
        let mut sources = BTreeSet::new();
        for (from, to) in spans.iter().copied() {
            let counts = self.shared.log.counts(from, to)?.into_iter();
            let present = counts.filter(|(_, count)| *count > 0);
            sources.extend(present.map(|(name, _)| name));
        }
        Ok(sources)
    }

    /// Counts the events before `end` that a sink is owed and has not settled, by source.
    pub(super) fn unread(
        &self,
        record: &SinkRecord,
        end: Position,
    ) -> Result<Vec<(String, u64)>, JournalError> {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for ((from, to), sources) in record.inputs.pieces(&record.progress, end) {
            for (source, count) in self.shared.log.counts(from, to)? {
                let owed = sources
                    .as_ref()
                    .is_none_or(|sources| sources.contains(&source.as_str()));
                if owed && count > 0 {
                    *sums.entry(source).or_default() += count;
                }
            }
        }
        Ok(sums.into_iter().collect())
    }

    /// Counts the events that a sink is owed now, by source. A released orphan holds nothing: it is not owed later events.
    fn owed(&self, record: &SinkRecord) -> Result<Vec<(String, u64)>, JournalError> {
        if record.released {
            return Ok(Vec::new());
        }
        self.unread(record, self.shared.end())
    }

    /// The positions that the journal holds.
    fn held(&self) -> Held {
        Held {
            from: self.shared.start(),
            to: self.shared.end(),
        }
    }

    /// Returns a sink that is to be changed.
    fn known(&self, name: &str) -> Result<Sink, JournalError> {
        let sink = lock(&self.shared.sinks).get(name).cloned();
        sink.ok_or_else(|| JournalError::no_sink(name))
    }

    /// Counts the events that a reader with this progress has still to hand out.
    pub(super) fn ahead(
        &mut self,
        sink: &str,
        progress: &Progress,
        returned_after: Position,
        arrivals: &Arrivals,
    ) -> Result<Ahead, JournalError> {
        let after = returned_after.saturating_add(1).max(Parked::BACK);
        let returned = self.state.count_parked(sink, after..=Position::MAX);
        let known = lock(&self.shared.sinks).get(sink).cloned().unwrap_or_default();
        let standing = SinkRecord {
            progress: progress.clone(),
            ..known.record
        };
        let (arrived, end) = {
            // Both change under this lock.
            let journalled = lock(&self.shared.journalled);
            (arrivals.count(), journalled.to)
        };
        Ok(Ahead {
            unread: self.unread(&standing, end)?,
            arrived,
            returned: returned?,
        })
    }

    pub(crate) fn describe_sinks(&mut self) -> Result<Vec<SinkState>, JournalError> {
        let sinks = lock(&self.shared.sinks).clone();
        let mut states = Vec::with_capacity(sinks.len());
        for (name, sink) in sinks {
            let Sink { record, parked, .. } = sink;
            let parked_since = self.state.oldest_parked(&name)?;
            let unread = self.owed(&record)?;
            let first = record.inputs.first(&record.progress, self.shared.end());
            let logged_since = match first {
                Some(first) if !unread.is_empty() => self.shared.log.arrival(first)?,
                _ => None,
            };
            let oldest_pending = match (parked_since, logged_since) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
            states.push(record.describe(name, parked, unread, oldest_pending, &self.head.names));
        }
        Ok(states)
    }

    /// Finds the positions of a sink's parked events, of one source or of all.
    fn parked_of(&self, name: &str, source: Option<&str>) -> Result<Vec<Position>, JournalError> {
        let (mut found, mut from) = (Vec::new(), 0);
        loop {
            let page = self
                .state
                .read(|txn| parked::read_parked(txn, name, from..=Position::MAX, AT_ONCE))?;
            let of_it = |event: &Event| source.is_none_or(|source| *event.receipt().source == *source);
            let chosen = page.events.iter().filter(|parked| of_it(&parked.event));
            found.extend(chosen.map(|parked| parked.position));
            if source.is_none() {
                found.extend(page.unreadable.iter().copied());
            }
            match page.last() {
                Some(last) if page.more => from = last + 1,
                _ => return Ok(found),
            }
        }
    }

    /// Forgets the events that a sink is owed, and counts them.
    pub(crate) fn forget(&mut self, name: &str, source: Option<&str>) -> Result<u64, JournalError> {
        let mut sink = self.known(name)?;
        if sink.opened {
            return Err(JournalError(format!("the sink '{name}' is being delivered to")));
        }
        let of_it = |other: &str| source.is_none_or(|source| source == other);
        let unread = self.owed(&sink.record)?;
        let parked = self.parked_of(name, source)?;
        let unread = unread.iter().filter(|(source, _)| of_it(source));
        let count = unread.map(|(_, count)| count).sum::<u64>() + parked.len() as u64;
        sink.record.forget(source, count);
        sink.parked = sink.parked.saturating_sub(parked.len() as u64);
        sink.generation += 1;
        self.change_sink(name, sink, |txn| {
            for position in parked {
                parked::unpark(txn, name, position)?;
            }
            Ok(())
        })?;
        Ok(count)
    }

    pub(crate) fn set_progress(&mut self, name: &str, progress: Progress) -> Result<(), JournalError> {
        let mut sink = self.known(name)?;
        let held = self.held();
        sink.record.replay(progress, held, self.shared.clock.now());
        sink.generation += 1;
        self.change_sink(name, sink, |_| Ok(()))
    }
}
