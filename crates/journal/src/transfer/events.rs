//! The events: those of the log in their order, after the parked ones that the log no longer holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use signalbox_core::{Event, Receipt};

use super::sink::CopiedSink;
use super::target::Target;
use crate::{Appended, Entry, Journal, JournalError, Parked, Position, TransferError};

/// Positions that are read and appended together.
const WINDOW: Position = 1_000;
/// Parked events in one page.
const PAGE: usize = 500;
/// Bytes of events in memory, about twice their text, that are appended together. They fit into one message of the servers, so
/// that an append which fails leaves none of its later events.
const BYTES: usize = 1_000_000;

/// The new places of events, by their old ones.
#[derive(Debug, Default)]
pub(super) struct Places {
    parked: BTreeMap<Position, Position>,
    /// Sorted by the old places.
    log: Vec<(Position, Position)>,
}

impl Places {
    /// Returns the new place of an event; `None` if it was not copied.
    pub(super) fn of(&self, old: Position) -> Option<Position> {
        if let Some(new) = self.parked.get(&old) {
            return Some(*new);
        }
        let at = self.log.binary_search_by_key(&old, |(old, _)| *old).ok()?;
        self.log.get(at).map(|(_, new)| *new)
    }

    pub(super) fn events(&self) -> u64 {
        (self.parked.len() + self.log.len()) as u64
    }
}

/// Appends the parked events that lie before the log, so that they have a place before all others.
pub(super) async fn copy_parked(
    from: &dyn Journal,
    to: &mut Target<'_>,
    sinks: &[CopiedSink],
    places: &mut Places,
) -> Result<(), TransferError> {
    let held = from.find(i64::MAX).await?.from;
    for sink in sinks {
        let mut next = 0;
        while next < held {
            let page = from.parked(sink.name(), next, PAGE).await?;
            let Some(last) = page.last().filter(|_| page.more) else {
                next = held;
                append_parked(to, sink, page.events, held, places).await?;
                continue;
            };
            next = last + 1;
            append_parked(to, sink, page.events, held, places).await?;
        }
    }
    Ok(())
}

async fn append_parked(
    to: &mut Target<'_>,
    sink: &CopiedSink,
    parked: Vec<Parked>,
    held: Position,
    places: &mut Places,
) -> Result<(), TransferError> {
    let wanted = |parked: &Parked| parked.position < held && !places.parked.contains_key(&parked.position);
    let entries = parked.into_iter().filter(wanted).map(|parked| Entry {
        position: parked.position,
        event: parked.event,
    });
    for batch in batches(entries.collect()) {
        for (entry, appended) in append(to, batch, |source| sink.present_name(source)).await? {
            if let Appended::Stored(new) = appended {
                places.parked.insert(entry.position, new);
            }
        }
    }
    Ok(())
}

/// Appends the events of the log, and notes for each sink which of them it has not settled.
pub(super) async fn copy_log(
    from: &dyn Journal,
    to: &mut Target<'_>,
    sinks: &mut [CopiedSink],
    places: &mut Places,
    told: &mut impl FnMut(u64, u64),
) -> Result<(), TransferError> {
    let erasures = from.erasures();
    let held = from.find(i64::MAX).await?;
    let all = from.count(held.from, held.to).await?;
    let mut start = held.from;
    while start < held.to {
        let mut end = (start + WINDOW).min(held.to);
        // A sink's parked events lie before its cursor, so no window may mix them with later ones.
        for cursor in sinks.iter().map(|sink| sink.old_cursor()) {
            if start < cursor && cursor < end {
                end = cursor;
            }
        }
        let positions: Vec<Position> = (start..end).collect();
        let mut kept = from.events_at(&positions).await?;
        let mut there = kept.iter().map(|entry| entry.position).peekable();
        for position in positions {
            if there.next_if_eq(&position).is_none() {
                sinks.iter_mut().for_each(|sink| sink.lose(position));
            }
        }
        kept.retain(|entry| {
            let erased = erasures.covers(Some(entry.position), &entry.event);
            if erased {
                sinks.iter_mut().for_each(|sink| sink.erase(entry));
            }
            !erased
        });
        let first = places.log.len();
        for batch in batches(kept) {
            let renamed = |source: &str| sinks.iter().find_map(|sink| sink.present_name(source));
            let mut stored = Vec::new();
            for (entry, appended) in append(to, batch, renamed).await? {
                match appended {
                    Appended::Stored(new) => stored.push((new, entry)),
                    Appended::Duplicate => sinks.iter_mut().for_each(|sink| sink.keep(&entry)),
                }
            }
            // Parts of one append may change places.
            stored.sort_unstable_by_key(|(new, _)| *new);
            for (new, entry) in stored {
                places.log.push((entry.position, new));
                sinks.iter_mut().for_each(|sink| sink.note(&entry, new));
            }
        }
        if let Some(window) = places.log.get_mut(first..) {
            window.sort_unstable();
        }
        start = end;
        told(places.events(), all);
    }
    Ok(())
}

/// Splits events by their source, in their order, and by their size: the new journal stores those of a batch together.
fn batches(entries: Vec<Entry>) -> impl Iterator<Item = Vec<Entry>> {
    let mut sources: BTreeMap<Arc<str>, Vec<(usize, Vec<Entry>)>> = BTreeMap::new();
    for entry in entries {
        let size = entry.event.memory();
        let batches = sources.entry(entry.event.receipt().source.clone()).or_default();
        match batches.last_mut().filter(|(bytes, _)| bytes + size <= BYTES) {
            Some((bytes, batch)) => {
                *bytes += size;
                batch.push(entry);
            }
            None => batches.push((size, vec![entry])),
        }
    }
    sources.into_values().flatten().map(|(_, batch)| batch)
}

/// Appends events of one source under its present name.
async fn append<'n>(
    to: &mut Target<'_>,
    batch: Vec<Entry>,
    present_name: impl Fn(&str) -> Option<&'n str>,
) -> Result<Vec<(Entry, Appended)>, TransferError> {
    let events: Result<Vec<Event>, JournalError> = batch
        .iter()
        .map(|entry| match present_name(&entry.event.receipt().source) {
            None => Ok((*entry.event).clone()),
            Some(name) => renamed(&entry.event, name),
        })
        .collect();
    let appended = to.append(events?).await?;
    Ok(batch.into_iter().zip(appended).collect())
}

/// Makes a copy of an event that came from a source of another name.
fn renamed(event: &Event, source: &str) -> Result<Event, JournalError> {
    let receipt = Receipt {
        source: source.into(),
        ..event.receipt().clone()
    };
    let copy = Event::parse(&event.to_json(), receipt);
    let mut copy = copy.map_err(|error| JournalError(format!("an event cannot be copied: {error}")))?;
    *copy.facts_mut() = event.facts().clone();
    Ok(copy)
}
