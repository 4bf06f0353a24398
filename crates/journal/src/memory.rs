//! A journal in memory.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use signalbox_core::Event;
use tokio::sync::Notify;

use crate::arrivals::Counters;
use crate::clock::Clock;
use crate::dead_letter::Paging;
use crate::dedup::{Dedup as _, Id, RecentIds};
use crate::erasures::ErasureStore;
use crate::inputs::Held;
use crate::mutex::lock;
use crate::names::Names;
use crate::ranges;
use crate::requeue::{Requeue, Unsettled, requeue, send_again};
use crate::sink_record::SinkRecord;
use crate::{
    Ahead, AppendError, Appended, Arrivals, Commit, DeadLetter, DeadLetterFilter, DeadLetterId,
    DeadLetterPage, DeadLetterQuota, Entry, Found, JournalError, LetterCounts, Letters, Log, Loss, Lost,
    Named, Page, Parked, Position, Progress, Read, Reader, Resumed, Returned, Roster, SendAgain, SinkState,
    SourceTotals, Start, States, Subscription, Taken, Usage,
};

mod erasures;

/// The wait that a full journal suggests to clients.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// Keeps events in memory: nothing survives the process. Refuses more than its limit of bytes. Remembers the
/// newest 200,000 ids.
#[derive(Clone)]
pub struct MemoryJournal(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Woken by appends and by closing.
    news: Notify,
    clock: Clock,
    erasures: ErasureStore,
}

#[derive(Default)]
struct State {
    entries: VecDeque<(Arc<Event>, u64)>,
    /// Position of the first entry kept.
    base: Position,
    bytes: u64,
    max_bytes: u64,
    closed: bool,
    sinks: BTreeMap<String, Sink>,
    sources: BTreeMap<String, SourceTotals>,
    arrivals: Counters,
    checkpoints: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    ids: RecentIds,
    dead_letters: BTreeMap<DeadLetterId, DeadLetter>,
    letter_counts: BTreeMap<String, LetterCounts>,
    quota: DeadLetterQuota,
    last_dead_letter: DeadLetterId,
    last_back: Position,
    names: Names,
    roster: Option<Roster>,
}

#[derive(Default)]
struct Sink {
    record: SinkRecord,
    parked: BTreeMap<Position, Parked>,
}

impl State {
    fn end(&self) -> Position {
        self.base + self.entries.len() as u64
    }

    fn held(&self) -> Held {
        Held {
            from: self.base,
            to: self.end(),
        }
    }

    /// Drops what every cursor has passed. With no sink at all nothing is ever wanted.
    fn truncate(&mut self) {
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

    fn event(&self, position: Position) -> Option<&Arc<Event>> {
        let index = usize::try_from(position.checked_sub(self.base)?).ok()?;
        self.entries.get(index).map(|(event, _)| event)
    }

    /// Returns the events at these positions that are still held.
    fn entries_at(&self, positions: &[Position]) -> Vec<Entry> {
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
    fn learn(&mut self, event: &Event) -> bool {
        let id = Id::new(self.names.key(&event.receipt().source), event.message_id(), None);
        let new = !self.ids.knows(id, 0);
        if new {
            self.ids.learn(id, 0);
        }
        new
    }

    fn bury(&mut self, letters: Vec<DeadLetter>) {
        for letter in letters {
            let name = letter.component.clone();
            let counts = self.letter_counts.entry(name.clone()).or_default();
            counts.max_bytes = self.quota.bytes(&name);
            (counts.kept, counts.bytes) = (counts.kept + 1, counts.bytes + size(&letter));
            let crowded = self.quota.drops(&name) && counts.bytes > counts.max_bytes;
            self.last_dead_letter += 1;
            self.dead_letters.insert(self.last_dead_letter, letter);
            if crowded {
                self.drop_oldest(&name);
            }
        }
    }

    /// Drops letters that are too old, and counts them.
    fn drop_aged(&mut self, now: i64) {
        let Some(before) = self.quota.too_old(now) else {
            return;
        };
        let aged = self
            .dead_letters
            .iter()
            .filter(|(_, letter)| letter.last_at < before);
        let aged: Vec<DeadLetterId> = aged.map(|(id, _)| *id).collect();
        for id in aged {
            let Some(letter) = self.dead_letters.remove(&id) else {
                continue;
            };
            if let Some(counts) = self.letter_counts.get_mut(&letter.component) {
                (counts.kept, counts.bytes) = (counts.kept - 1, counts.bytes - size(&letter));
                counts.dropped += 1;
            }
        }
    }

    fn drop_oldest(&mut self, component: &str) {
        let mut going = Vec::new();
        let Some(counts) = self.letter_counts.get_mut(component) else {
            return;
        };
        for (id, letter) in self
            .dead_letters
            .iter()
            .filter(|(_, letter)| letter.component == component)
        {
            if counts.bytes <= counts.max_bytes {
                break;
            }
            counts.bytes -= size(letter);
            (counts.kept, counts.dropped) = (counts.kept - 1, counts.dropped + 1);
            going.push(*id);
        }
        going.iter().for_each(|id| drop(self.dead_letters.remove(id)));
    }

    /// Removes a dead letter; false if there is none.
    fn remove_letter(&mut self, id: DeadLetterId) -> bool {
        let Some(letter) = self.dead_letters.remove(&id) else {
            return false;
        };
        if let Some(counts) = self.letter_counts.get_mut(&letter.component) {
            (counts.kept, counts.bytes) = (counts.kept - 1, counts.bytes - size(&letter));
        }
        true
    }

    /// Counts the events that a sink is owed and has not settled, by source.
    fn unread(&self, record: &SinkRecord) -> Vec<(String, u64)> {
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
    fn adopt(&mut self, roster: &Roster) {
        for (old, new) in roster.sources.iter().filter_map(Named::renamed) {
            let Some(past) = self.sources.remove(&old) else {
                continue;
            };
            self.names.rename(&old, &new);
            self.sources.entry(new.clone()).or_default().add(past);
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

    fn rename_letters(&mut self, old: &str, new: &str) {
        if let Some(past) = self.letter_counts.remove(old) {
            let counts = self.letter_counts.entry(new.to_owned()).or_default();
            counts.kept += past.kept;
            counts.bytes += past.bytes;
            counts.dropped += past.dropped;
            counts.max_bytes = self.quota.bytes(new);
        }
        for letter in self.dead_letters.values_mut() {
            if letter.component == old {
                new.clone_into(&mut letter.component);
            }
        }
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

/// Returns the bytes that a letter counts towards its quota.
fn size(letter: &DeadLetter) -> u64 {
    letter.size() + size_of::<DeadLetter>() as u64
}

impl MemoryJournal {
    /// The default quota of dead letters: less than on disk.
    pub const DEAD_LETTERS: DeadLetterQuota = DeadLetterQuota {
        sink_bytes: 64_000_000,
        on_full: crate::OnFull::HoldSink,
        source_bytes: 16_000_000,
        max_age: None,
    };

    /// Creates an empty journal for at most `max_bytes` of events (as parsed, about three times their text).
    pub fn new(max_bytes: u64) -> MemoryJournal {
        MemoryJournal::with_quota(max_bytes, MemoryJournal::DEAD_LETTERS)
    }

    /// Does the same as [`MemoryJournal::new`], with another quota of dead letters.
    pub fn with_quota(max_bytes: u64, quota: DeadLetterQuota) -> MemoryJournal {
        let state = State {
            quota,
            max_bytes,
            last_back: Parked::BACK,
            ..State::default()
        };
        MemoryJournal(Arc::new(Shared {
            state: Mutex::new(state),
            news: Notify::new(),
            clock: Clock::new(SystemTime::now),
            erasures: ErasureStore::in_memory(),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.0.state)
    }

    /// The state without dead letters that have become too old.
    fn without_aged(&self) -> MutexGuard<'_, State> {
        let mut state = self.state();
        state.drop_aged(self.0.clock.wall());
        state
    }
}

#[async_trait]
impl Log for MemoryJournal {
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Appended>, AppendError> {
        let mut state = self.state();
        if state.closed {
            return Err(AppendError::Closed);
        }
        // Judged with duplicates counted: they are few, and a refusal must leave no id behind.
        let bytes: u64 = events.iter().map(|event| event.memory() as u64).sum();
        if state.bytes + bytes > state.max_bytes {
            return Err(AppendError::Full {
                retry_after: RETRY_AFTER,
            });
        }
        let mut fates = Vec::with_capacity(events.len());
        for event in events {
            if !state.learn(&event) {
                fates.push(Appended::Duplicate);
                continue;
            }
            fates.push(Appended::Stored(state.end()));
            let bytes = event.memory() as u64;
            state.bytes += bytes;
            state.arrivals.add(&event.receipt().source, 1);
            state.entries.push_back((Arc::new(event), bytes));
        }
        state.truncate();
        drop(state);
        self.0.news.notify_waiters();
        Ok(fates)
    }

    async fn reader(
        &self,
        sink: &str,
        subscription: &Subscription,
    ) -> Result<(Box<dyn Reader>, Resumed), JournalError> {
        let mut state = self.state();
        let held = state.held();
        let known = state.sinks.remove(sink);
        let new = known.is_none();
        let mut opened = known.unwrap_or_default();
        let record = &mut opened.record;
        let new_at = new.then_some(match subscription.start {
            Start::Beginning => held.from,
            Start::End => held.to,
        });
        record.begin(new_at, held);
        let roster = (state.roster.as_ref(), &state.names);
        record.open(subscription, roster, held, &BTreeSet::new(), self.0.clock.now());
        let owed = record.inputs.owed(&state.names);
        let resumed = Resumed {
            arrivals: state.arrivals.open(sink, &owed),
            progress: opened.record.progress.clone(),
            parked: opened
                .parked
                .range(..Parked::BACK)
                .map(|(_, parked)| parked.clone())
                .collect(),
            returned: opened.parked.range(Parked::BACK..).count() as u64,
            unread: state.unread(&opened.record),
            lost: Vec::new(),
            owed,
            erasures: self.0.erasures.list.clone(),
            mappings: opened.record.mappings.renamed.clone(),
        };
        state.sinks.insert(sink.to_owned(), opened);
        self.0.news.notify_waiters();
        let reader = MemoryReader {
            journal: self.clone(),
            sink: sink.to_owned(),
            at: resumed.progress.cursor,
            settled: resumed.progress.settled.clone(),
            arrivals: resumed.arrivals.clone(),
        };
        Ok((Box::new(reader), resumed))
    }

    async fn find(&self, arrived_at: i64) -> Result<Found, JournalError> {
        let state = self.state();
        let index = state
            .entries
            .partition_point(|(event, _)| event.receipt().received_at < arrived_at);
        Ok(Found {
            at: state.base + index as u64,
            from: state.base,
            to: state.end(),
        })
    }

    async fn events_at(&self, positions: &[Position]) -> Result<Vec<Entry>, JournalError> {
        Ok(self.state().entries_at(positions))
    }

    fn usage(&self) -> Usage {
        let state = self.state();
        Usage {
            events: state.entries.len() as u64,
            bytes: state.bytes,
            max_bytes: state.max_bytes,
        }
    }

    fn slowest(&self) -> Option<(String, Position)> {
        let state = self.state();
        let holding = state.sinks.iter().filter(|(_, sink)| !sink.record.released);
        let slowest = holding.min_by_key(|(_, sink)| sink.record.progress.cursor);
        slowest.map(|(name, sink)| (name.clone(), sink.record.progress.cursor))
    }

    fn close(&self) {
        self.state().closed = true;
        self.0.news.notify_waiters();
    }

    async fn shutdown(&self) {}
}

#[async_trait]
impl States for MemoryJournal {
    async fn adopt(&self, roster: &Roster) -> Result<(), JournalError> {
        self.state().adopt(roster);
        Ok(())
    }

    async fn sinks(&self) -> Result<Vec<SinkState>, JournalError> {
        let state = self.state();
        let describe = |(name, sink): (&String, &Sink)| {
            let oldest = sink.parked.values().next().map(|parked| &parked.event);
            let oldest = oldest.or_else(|| state.event(sink.record.progress.cursor));
            let unread = state.unread(&sink.record);
            let oldest = oldest.map(|event| event.receipt().received_at);
            let (record, parked) = (sink.record.clone(), sink.parked.len() as u64);
            record.describe(name.clone(), parked, unread, oldest, &state.names)
        };
        Ok(state.sinks.iter().map(describe).collect())
    }

    async fn parked(&self, sink: &str, from: Position, max: usize) -> Result<Returned, JournalError> {
        let state = self.state();
        let sink = state.sinks.get(sink).ok_or_else(|| JournalError::no_sink(sink))?;
        let mut parked = sink.parked.range(from..).map(|(_, parked)| parked.clone());
        Ok(Returned {
            events: parked.by_ref().take(max).collect(),
            unreadable: Vec::new(),
            more: parked.next().is_some(),
        })
    }

    async fn set_progress(&self, sink: &str, progress: Progress) -> Result<(), JournalError> {
        let mut state = self.state();
        let held = state.held();
        let sink = state
            .sinks
            .get_mut(sink)
            .ok_or_else(|| JournalError::no_sink(sink))?;
        sink.record.replay(progress, held, self.0.clock.now());
        Ok(())
    }

    async fn forget(&self, sink: &str, source: Option<&str>) -> Result<u64, JournalError> {
        let mut state = self.state();
        let known = state.sinks.remove(sink);
        let mut known = known.ok_or_else(|| JournalError::no_sink(sink))?;
        let of_it = |other: &str| source.is_none_or(|source| source == other);
        let unread = state.unread(&known.record);
        let unread = unread.iter().filter(|(name, _)| of_it(name));
        let mut count = unread.map(|(_, count)| count).sum::<u64>();
        let before = known.parked.len();
        known
            .parked
            .retain(|_, parked| !of_it(&parked.event.receipt().source));
        count += (before - known.parked.len()) as u64;
        known.record.forget(source, count);
        state.sinks.insert(sink.to_owned(), known);
        state.truncate();
        Ok(count)
    }

    fn save_source(&self, source: &str, totals: SourceTotals) {
        let mut state = self.state();
        let now = state.names.now(source).to_owned();
        state.sources.insert(now, totals);
    }

    async fn save_counts(&self) -> Result<(), JournalError> {
        Ok(())
    }

    async fn source_totals(&self) -> Result<Vec<(String, SourceTotals)>, JournalError> {
        Ok(self.state().sources.clone().into_iter().collect())
    }

    async fn checkpoints(&self, source: &str) -> Result<BTreeMap<String, Vec<u8>>, JournalError> {
        Ok(self.state().checkpoints.get(source).cloned().unwrap_or_default())
    }

    fn save_checkpoint(&self, source: &str, key: &str, value: Option<Vec<u8>>) {
        let mut state = self.state();
        let now = state.names.now(source).to_owned();
        let saved = state.checkpoints.entry(now).or_default();
        match value {
            Some(value) => drop(saved.insert(key.to_owned(), value)),
            None => drop(saved.remove(key)),
        }
    }

    async fn flush(&self) {}
}

#[async_trait]
impl Letters for MemoryJournal {
    async fn bury(&self, letters: Vec<DeadLetter>) -> Result<(), AppendError> {
        self.state().bury(letters);
        Ok(())
    }

    async fn take_dead_letters(&self, ids: &[DeadLetterId], retry: bool) -> Result<Taken, JournalError> {
        let mut state = self.without_aged();
        if !retry {
            return Ok(Taken {
                removed: state.remove(ids.to_vec())?,
                ..Taken::default()
            });
        }
        let mut seen = BTreeSet::new();
        let letters: Vec<_> = ids
            .iter()
            .filter(|id| seen.insert(**id))
            .filter_map(|id| Some((*id, state.dead_letters.get(id)?.clone())))
            .collect();
        requeue(&mut *state, letters)
    }

    async fn send_again(&self, sink: &str, events: Vec<SendAgain>) -> Result<Vec<bool>, JournalError> {
        let mut state = self.without_aged();
        if !state.has_sink(sink) {
            return Err(JournalError::no_sink(sink));
        }
        send_again(&mut *state, sink, events)
    }

    async fn dead_letter_page(
        &self,
        filter: &DeadLetterFilter,
        page: Page,
    ) -> Result<DeadLetterPage, JournalError> {
        let state = self.without_aged();
        let mut paging = Paging::new(filter, page);
        if let Some(ids) = page.ids(filter) {
            let mut letters = state.dead_letters.range(ids);
            while let Some((id, letter)) = paging.next(&mut letters) {
                paging.look(*id, size(letter), Some(Cow::Borrowed(letter)), || {
                    Some(letter.clone())
                });
            }
        }
        Ok(paging.done())
    }

    fn letter_counts(&self) -> BTreeMap<String, LetterCounts> {
        self.without_aged().letter_counts.clone()
    }

    fn dead_letter_quota(&self) -> DeadLetterQuota {
        self.state().quota
    }
}

struct MemoryReader {
    journal: MemoryJournal,
    sink: String,
    /// Position of the next entry to hand out.
    at: Position,
    /// Left out: settled before this reader was opened.
    settled: Vec<(Position, Position)>,
    arrivals: Arrivals,
}

impl MemoryReader {
    /// The next entries; `None` if there is nothing new.
    fn take(&mut self, max: usize) -> Option<Read> {
        let state = self.journal.state();
        if self.arrivals.is_revoked() {
            return Some(Read::Revoked);
        }
        let from = self.at;
        if from < state.base {
            self.at = state.base;
            return Some(Read::Lost(Lost {
                from,
                to: self.at,
                events: self.at - from,
                loss: Loss::Aged,
            }));
        }
        let skip = usize::try_from(from - state.base).unwrap_or(usize::MAX);
        let mut entries = Vec::new();
        for (event, _) in state.entries.range(skip.min(state.entries.len())..).take(max) {
            if !ranges::holds(&self.settled, self.at) {
                entries.push(Entry {
                    position: self.at,
                    event: event.clone(),
                });
            }
            self.at += 1;
        }
        if !entries.is_empty() {
            return Some(Read::Events(entries));
        }
        let at_end = self.at == state.end();
        if at_end && state.closed {
            return Some(Read::End);
        }
        // Only settled events were there: look further.
        (!at_end).then(|| Read::Events(Vec::new()))
    }
}

#[async_trait]
impl Reader for MemoryReader {
    async fn next(&mut self, max: usize) -> Read {
        loop {
            let shared = self.journal.0.clone();
            let news = shared.news.notified();
            tokio::pin!(news);
            // Registered before looking, so that an append in between is not missed.
            news.as_mut().enable();
            match self.take(max.max(1)) {
                Some(Read::Events(entries)) if entries.is_empty() => {}
                Some(read) => return read,
                None => news.await,
            }
        }
    }

    async fn fetch(&mut self, positions: &[Position]) -> Vec<Entry> {
        self.journal.state().entries_at(positions)
    }

    async fn ahead(&mut self, returned_after: Position) -> Result<Ahead, JournalError> {
        let state = self.journal.state();
        let Some(sink) = state.sinks.get(&self.sink) else {
            return Ok(Ahead::default());
        };
        let ahead = SinkRecord {
            progress: Progress {
                cursor: self.at,
                settled: self.settled.clone(),
                ..Progress::default()
            },
            ..sink.record.clone()
        };
        let after = returned_after.saturating_add(1).max(Parked::BACK);
        Ok(Ahead {
            unread: state.unread(&ahead),
            returned: sink.parked.range(after..).count() as u64,
            arrived: self.arrivals.count(),
        })
    }

    fn commit(&mut self, commit: Commit) {
        let mut state = self.journal.state();
        let replaced = self.arrivals.is_revoked();
        let Some(sink) = state.sinks.get_mut(&self.sink).filter(|_| !replaced) else {
            return state.bury(commit.dead_letters);
        };
        if let Some(progress) = commit.progress {
            sink.record.progress = progress;
        }
        let parked = commit.park.into_iter();
        sink.parked.extend(parked.map(|parked| (parked.position, parked)));
        for open in commit.parked_open {
            if let Some(parked) = sink.parked.get_mut(&open.position) {
                parked.open = open;
            }
        }
        for position in commit.unpark {
            sink.parked.remove(&position);
        }
        state.bury(commit.dead_letters);
        state.truncate();
    }

    async fn returned(&mut self, after: Position, max: usize) -> Result<Returned, JournalError> {
        let state = self.journal.state();
        let mut returned = Returned::default();
        if let Some(sink) = state.sinks.get(&self.sink) {
            let mut waiting = sink.parked.range(after.saturating_add(1).max(Parked::BACK)..);
            returned.events = waiting
                .by_ref()
                .take(max)
                .map(|(_, parked)| parked.clone())
                .collect();
            returned.more = waiting.next().is_some();
        }
        Ok(returned)
    }

    fn dead_letters_full(&self, uncommitted: u64) -> bool {
        let state = self.journal.state();
        !state.quota.drops(&self.sink) && {
            let kept = state.letter_counts.get(&self.sink);
            kept.map_or(0, |counts| counts.bytes) + uncommitted >= state.quota.bytes(&self.sink)
        }
    }

    async fn flush(&mut self) {}
}

#[cfg(test)]
mod tests {
    use signalbox_core::Receipt;

    use super::*;

    fn event(n: usize) -> Event {
        let receipt = Receipt {
            source: "s".into(),
            received_at: n as i64,
        };
        Event::parse(&format!(r#"{{"messageId":"{n}"}}"#), receipt).unwrap()
    }

    fn events(range: std::ops::Range<usize>) -> Vec<Event> {
        range.map(event).collect()
    }

    async fn read(reader: &mut Box<dyn Reader>, max: usize) -> Vec<String> {
        match reader.next(max).await {
            Read::Events(entries) => entries.iter().map(|e| e.event.message_id().to_owned()).collect(),
            Read::Lost(Lost { from, to, .. }) => vec![format!("lost {from}..{to}")],
            Read::End => vec!["end".into()],
            Read::Revoked => vec!["revoked".into()],
        }
    }

    fn settled_before(cursor: Position) -> Commit {
        Commit {
            progress: Some(Progress {
                cursor,
                ..Progress::default()
            }),
            ..Commit::default()
        }
    }

    fn to_s() -> Subscription {
        Subscription::new(["s"], Start::End)
    }

    async fn open(journal: &MemoryJournal, sink: &str) -> Box<dyn Reader> {
        journal.reader(sink, &to_s()).await.unwrap().0
    }

    #[tokio::test]
    async fn each_reader_sees_everything_and_the_slowest_keeps_it() {
        let journal = MemoryJournal::new(1 << 20);
        let (mut a, mut b) = (open(&journal, "a").await, open(&journal, "b").await);
        journal.append(events(0..5)).await.unwrap();
        assert_eq!(read(&mut a, 3).await, ["0", "1", "2"]);
        assert_eq!(read(&mut a, 3).await, ["3", "4"]);
        a.commit(settled_before(5));
        assert_eq!(journal.usage().events, 5);
        assert_eq!(read(&mut b, 10).await.len(), 5);
        b.commit(settled_before(2));
        assert_eq!(journal.usage().events, 3);
        b.commit(settled_before(5));
        assert_eq!(
            journal.usage(),
            Usage {
                events: 0,
                bytes: 0,
                max_bytes: 1 << 20
            }
        );
        journal.append(events(5..6)).await.unwrap();
        journal.close();
        assert_eq!(read(&mut a, 3).await, ["5"]);
        assert_eq!(read(&mut a, 3).await, ["end"]);
        assert_eq!(journal.append(events(6..7)).await, Err(AppendError::Closed));
    }

    #[tokio::test]
    async fn a_reader_goes_on_where_its_name_left_off() {
        let journal = MemoryJournal::new(1 << 20);
        let mut reader = open(&journal, "a").await;
        journal.append(events(0..6)).await.unwrap();
        assert_eq!(read(&mut reader, 9).await.len(), 6);
        reader.commit(Commit {
            progress: Some(Progress {
                cursor: 1,
                settled: vec![(2, 4), (5, 6)],
                ..Progress::default()
            }),
            ..Commit::default()
        });
        let (mut reader, resumed) = journal.reader("a", &to_s()).await.unwrap();
        assert_eq!(resumed.unread, [("s".to_owned(), 2)]);
        assert_eq!(read(&mut reader, 9).await, ["1", "4"]);
        journal.append(events(6..7)).await.unwrap();
        assert_eq!(read(&mut reader, 9).await, ["6"]);
    }

    #[tokio::test]
    async fn known_ids_are_not_stored_again_and_refused_ones_are_not_known() {
        let journal = MemoryJournal::new(event(1).memory() as u64 * 3);
        let mut reader = open(&journal, "a").await;
        let fates = journal.append(vec![event(0), event(1), event(0)]).await.unwrap();
        assert_eq!(
            fates,
            [Appended::Stored(0), Appended::Stored(1), Appended::Duplicate]
        );
        assert!(matches!(
            journal.append(events(2..4)).await,
            Err(AppendError::Full { .. })
        ));
        assert_eq!(read(&mut reader, 9).await, ["0", "1"]);
        reader.commit(settled_before(2));
        assert_eq!(
            journal.append(events(2..4)).await.unwrap(),
            [Appended::Stored(2), Appended::Stored(3)]
        );
    }

    #[tokio::test]
    async fn a_waiting_reader_wakes_up() {
        let journal = MemoryJournal::new(1 << 20);
        let mut reader = open(&journal, "a").await;
        let waiting = tokio::spawn(async move { read(&mut reader, 10).await.len() });
        tokio::task::yield_now().await;
        journal.append(events(0..1)).await.unwrap();
        assert_eq!(waiting.await.unwrap(), 1);
    }

    #[tokio::test]
    async fn dead_letters_come_back_with_the_original_while_it_is_held() {
        let journal = MemoryJournal::new(1 << 20);
        let mut reader = open(&journal, "a").await;
        let _other = open(&journal, "b").await;
        journal.append(events(0..3)).await.unwrap();
        let letter = |n: u64, payload: Option<&str>| DeadLetter {
            component: "a".into(),
            message_id: n.to_string(),
            source: "s".into(),
            reason: "bad".into(),
            position: Some(n),
            payload: payload.map(str::to_owned),
            ..DeadLetter::default()
        };
        let dead_letters = vec![
            letter(1, None),
            letter(50, Some("{\"messageId\":\"50\"}")),
            letter(51, None),
        ];
        reader.commit(Commit {
            dead_letters,
            ..settled_before(3)
        });
        let filter = DeadLetterFilter {
            reason: Some("bad".into()),
            ..DeadLetterFilter::default()
        };
        let ids: Vec<_> = journal
            .dead_letters(&filter, 9)
            .await
            .unwrap()
            .iter()
            .map(|(id, _)| *id)
            .collect();
        assert_eq!(ids, [3, 2, 1]);
        let taken = journal.take_dead_letters(&ids, true).await.unwrap();
        assert_eq!(
            taken,
            Taken {
                removed: 2,
                from_journal: 1,
                from_letter: 1,
                without_payload: 1,
                returned: vec![("a".to_owned(), 2)],
            }
        );
        assert_eq!(journal.dead_letter_counts(), [("a".to_owned(), 1)]);
        let (mut reader, resumed) = journal.reader("a", &to_s()).await.unwrap();
        assert_eq!(resumed.returned, 2);
        let returned = reader.returned(0, 9).await.unwrap();
        let ids: Vec<_> = returned
            .events
            .iter()
            .map(|parked| parked.event.message_id())
            .collect();
        assert_eq!(ids, ["50", "1"]);
    }

    #[tokio::test]
    async fn an_event_is_sent_again_once_and_replaces_its_letters() {
        let journal = MemoryJournal::new(1 << 20);
        let mut reader = open(&journal, "a").await;
        let _other = open(&journal, "b").await;
        journal.append(events(0..3)).await.unwrap();
        let letter = DeadLetter {
            component: "a".into(),
            message_id: "1".into(),
            source: "s".into(),
            position: Some(1),
            ..DeadLetter::default()
        };
        reader.commit(Commit {
            dead_letters: vec![letter],
            ..settled_before(2)
        });
        let again = |entry: Entry| SendAgain {
            event: entry.event,
            place: Some(entry.position),
            only: None,
            letters: vec![1],
        };
        let held = journal.events_at(&[1, 2, 9]).await.unwrap();
        let wanted: Vec<SendAgain> = held.into_iter().map(again).collect();
        // The event 2 is not settled.
        assert_eq!(
            journal.send_again("a", wanted.clone()).await.unwrap(),
            [true, false]
        );
        assert_eq!(journal.dead_letter_counts(), []);
        assert_eq!(
            journal.send_again("a", wanted.clone()).await.unwrap(),
            [false, false]
        );
        assert!(journal.send_again("c", wanted).await.is_err());
        let returned = reader.returned(0, 9).await.unwrap().events;
        let places: Vec<_> = returned
            .iter()
            .map(|parked| (parked.place(), parked.open.again))
            .collect();
        assert_eq!(places, [(Some(1), true)]);
    }
}
