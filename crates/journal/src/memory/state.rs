//! The contents of a journal in memory.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use signalbox_core::Event;

use crate::arrivals::Counters;
use crate::dedup::{Dedup as _, Id, RecentIds};
use crate::inputs::Held;
use crate::names::Names;
use crate::requeue::{Requeue, Unsettled};
use crate::sink_record::SinkRecord;
use crate::{
    DeadLetter, DeadLetterId, DeadLetterQuota, Entry, JournalError, LetterCounts, Named, Parked, Position,
    Roster, SourceTotals,
};

#[derive(Default)]
pub(super) struct State {
    pub(super) entries: VecDeque<(Arc<Event>, u64)>,
    /// Position of the first entry kept.
    pub(super) base: Position,
    pub(super) bytes: u64,
    pub(super) max_bytes: u64,
    pub(super) closed: bool,
    pub(super) sinks: BTreeMap<String, Sink>,
    pub(super) sources: BTreeMap<String, SourceTotals>,
    pub(super) arrivals: Counters,
    pub(super) checkpoints: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    pub(super) ids: RecentIds,
    pub(super) dead_letters: BTreeMap<DeadLetterId, DeadLetter>,
    pub(super) letter_counts: BTreeMap<String, LetterCounts>,
    pub(super) quota: DeadLetterQuota,
    pub(super) last_dead_letter: DeadLetterId,
    pub(super) last_back: Position,
    pub(super) names: Names,
    pub(super) roster: Option<Roster>,
}

#[derive(Default)]
pub(super) struct Sink {
    pub(super) record: SinkRecord,
    pub(super) parked: BTreeMap<Position, Parked>,
}

impl State {
    pub(super) fn end(&self) -> Position {
        self.base + self.entries.len() as u64
    }

    pub(super) fn held(&self) -> Held {
        Held {
            from: self.base,
            to: self.end(),
        }
    }

    /// Drops what every cursor has passed. With no sink at all nothing is ever wanted.
    pub(super) fn truncate(&mut self) {
        let holding = self.sinks.values().filter(|sink| !sink.record.released);
        let slowest = holding
            .map(|sink| sink.record.progress.cursor)
            .min()
            .unwrap_or(self.end());
        while self.base < slowest {
            let Some((_, bytes)) = self.entries.pop_front() else {
                break;
            };
            self.bytes -= bytes;
            self.base += 1;
        }
    }

    pub(super) fn event(&self, position: Position) -> Option<&Arc<Event>> {
        let index = usize::try_from(position.checked_sub(self.base)?).ok()?;
        self.entries.get(index).map(|(event, _)| event)
    }

    /// Returns the events at these positions that are still held.
    pub(super) fn entries_at(&self, positions: &[Position]) -> Vec<Entry> {
        let entry = |position: &Position| {
            let event = self.event(*position)?.clone();
            Some(Entry {
                position: *position,
                event,
            })
        };
        positions.iter().filter_map(entry).collect()
    }

    /// False if the id was known.
    pub(super) fn learn(&mut self, event: &Event) -> bool {
        let id = Id::new(self.names.key(&event.receipt().source), event.message_id(), None);
        let new = !self.ids.knows(id, 0);
        if new {
            self.ids.learn(id, 0);
        }
        new
    }

    /// Counts the events that a sink is owed and has not settled, by source.
    pub(super) fn unread(&self, record: &SinkRecord) -> Vec<(String, u64)> {
        let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
        for ((from, to), sources) in record.inputs.pieces(&record.progress, self.end()) {
            let events = (from.max(self.base)..to).filter_map(|position| self.event(position));
            for source in events.map(|event| &*event.receipt().source) {
                if sources.as_ref().is_none_or(|sources| sources.contains(&source)) {
                    *counts.entry(source).or_default() += 1;
                }
            }
        }
        counts
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count))
            .collect()
    }

    /// Adopts a pipeline; see [`States::adopt`].
    pub(super) fn adopt(&mut self, roster: &Roster) {
        for (old, new) in roster.sources.iter().filter_map(Named::renamed) {
            let past = self.sources.remove(&old);
            let mut sinks = self.sinks.values();
            let is_awaited = sinks.any(|sink| sink.record.inputs.spans.contains_key(&old));
            if past.is_none() && !is_awaited {
                continue;
            }
            self.names.rename(&old, &new);
            if let Some(past) = past {
                self.sources.entry(new.clone()).or_default().add(past);
            }
            if let Some(mut saved) = self.checkpoints.remove(&old) {
                saved.extend(self.checkpoints.remove(&new).unwrap_or_default());
                self.checkpoints.insert(new.clone(), saved);
            }
            self.rename_letters(&format!("source:{old}"), &format!("source:{new}"));
        }
        self.names.present(roster);
        for (old, new) in roster.all_sinks().filter_map(Named::renamed) {
            let Some(past) = self.sinks.remove(&old) else {
                continue;
            };
            let mut sum = match self.sinks.remove(&new) {
                None => past,
                Some(mut newer) => {
                    newer.record.merge(past.record);
                    newer.parked.extend(past.parked);
                    newer
                }
            };
            sum.record.mappings.rename(&old, &new);
            self.sinks.insert(new.clone(), sum);
            self.rename_letters(&old, &new);
        }
        let end = self.end();
        let mut sinks = std::mem::take(&mut self.sinks);
        for (name, sink) in sinks.iter_mut().filter(|(name, _)| !roster.has_sink(name)) {
            sink.record.inputs.leave(end, roster.has_disabled(name));
            sink.record.released |= sink.parked.is_empty() && self.unread(&sink.record).is_empty();
        }
        self.sinks = sinks;
        self.roster = Some(roster.clone());
        self.truncate();
    }
}

impl Requeue for State {
    type Error = JournalError;

    fn has_sink(&self, sink: &str) -> bool {
        self.sinks.contains_key(sink)
    }

    fn original(&self, position: Position) -> Option<Arc<Event>> {
        self.event(position).cloned()
    }

    fn next_position(&mut self) -> Position {
        self.last_back += 1;
        self.last_back
    }

    fn park(&mut self, sink: &str, parked: Parked) -> Result<(), JournalError> {
        if let Some(sink) = self.sinks.get_mut(sink) {
            sink.parked.insert(parked.position, parked);
        }
        Ok(())
    }

    fn remove(&mut self, ids: Vec<DeadLetterId>) -> Result<u64, JournalError> {
        Ok(ids.into_iter().map(|id| u64::from(self.remove_letter(id))).sum())
    }

    fn unsettled(&self, sink: &str) -> Result<Unsettled, JournalError> {
        let sink = self.sinks.get(sink);
        Ok(sink.map_or_else(Unsettled::default, |sink| Unsettled {
            progress: sink.record.progress.clone(),
            owed: sink.record.inputs.owed(&self.names),
            parked: sink.parked.values().filter_map(Parked::place).collect(),
        }))
    }
}
