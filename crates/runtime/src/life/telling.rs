//! Makes lives of the records of the history and of the events that the journal holds.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signalbox_core::Event;
use signalbox_history::{Entry, Filter, IdHash, IdKeys, IdKind, Page};
use signalbox_journal::{JournalError, Parked, Position, SOURCE, SinkState};

use super::model::{Life, RecordLife, SinkLife};
use super::pending::{Circumstances, Unsettled, Wanted};
use super::request::{LifeRequest, Sight};
use super::search::{Grouped, Search, blocking, group, shown_id};
use super::{made, pending, told};
use crate::dead_letters::now_millis;
use crate::delivery::Stage;
use crate::history::{self, WantedId, order_id};

/// The time for the search among unsettled events.
const SEARCH: Duration = Duration::from_secs(2);
/// Sinks commit their progress within a tenth of a second. An end as young as this may not be in it yet.
const COMMITTED: i64 = 2_000;

/// The parts of an answer.
pub(super) struct Telling<'a> {
    pub(super) sight: Sight<'a>,
    pub(super) request: &'a LifeRequest,
    pub(super) states: Vec<SinkState>,
    /// The records.
    pub(super) page: Page,
    /// The same by event.
    pub(super) groups: Vec<Grouped>,
    /// The events that the journal holds, by their place.
    pub(super) events: BTreeMap<Position, Arc<Event>>,
    pub(super) unsettled: Unsettled,
}

impl Telling<'_> {
    /// Reads the events of the records, and adds pending ones.
    pub(super) async fn read(&mut self, hashes: &[IdHash]) -> Result<(), String> {
        let keys = self.sight.reader.keys().clone();
        let wanted = Wanted {
            hashes,
            keys: &keys,
            all: self.request.pending,
        };
        let pending = self
            .read_journal(&wanted)
            .await
            .map_err(|error| error.to_string())?;
        // Other sinks may have records of a pending event without the id that was searched for.
        let known = |id: &String| {
            let mut entries = self.page.entries.iter();
            entries.any(|entry| entry.message_id.as_ref() == Some(id))
        };
        let ids = pending.iter().filter_map(|(_, event)| shown_id(event, &keys));
        let ids: Vec<String> = ids.filter(|id| !known(id)).collect();
        if !ids.is_empty() {
            let (reader, filter) = (self.sight.reader.clone(), self.request.filter.clone());
            let mut page = std::mem::take(&mut self.page);
            self.page = blocking(move || {
                Search::add(&mut page, &reader, ids, &[], &filter)?;
                Ok(page)
            })
            .await?;
        }
        self.groups = group(std::mem::take(&mut self.page.entries));
        for (place, event) in pending {
            if self.is_wanted(place, &event) {
                self.add(place, event);
            }
        }
        Ok(())
    }

    /// Reads the events of the records, and finds pending ones with their places.
    async fn read_journal(
        &mut self,
        wanted: &Wanted<'_>,
    ) -> Result<Vec<(Option<Position>, Arc<Event>)>, JournalError> {
        let journal = self.sight.journal;
        let mut known: Vec<Position> = self
            .page
            .entries
            .iter()
            .filter_map(|entry| entry.position)
            .collect();
        known.sort_unstable();
        known.dedup();
        for entry in journal.events_at(&known).await? {
            self.events.insert(entry.position, entry.event);
        }
        if self.filters() {
            return Ok(Vec::new());
        }
        let (until, found) = (Instant::now() + SEARCH, &mut self.unsettled);
        // A messageId names one event: with its records at hand, its other sinks are known by its place.
        let one_event = matches!(self.request.id, Some(WantedId::MessageId(_)) | None);
        let sink = self.request.filter.sink.as_deref();
        let states: Vec<&SinkState> = self.states.iter().collect();
        let states: Vec<&SinkState> = match (self.request.pending, sink) {
            (true, Some(sink)) => states.into_iter().filter(|state| state.name == sink).collect(),
            _ => states,
        };
        if !one_event || known.is_empty() {
            pending::search_log(journal, &states, wanted, until, found).await?;
        }
        pending::search_parked(journal, &states, wanted, &known, until, found).await?;
        let in_log = found.in_log.drain(..).map(|(place, event)| (Some(place), event));
        let parked = found.parked.iter();
        let parked = parked.map(|(_, parked)| (parked.place(), parked.event.clone()));
        Ok(in_log.chain(parked).collect())
    }

    /// True if the request is about some records only, by more than their sink and time.
    fn filters(&self) -> bool {
        let filter = Filter {
            sink: None,
            since: None,
            ..self.request.filter.clone()
        };
        filter != Filter::default()
    }

    /// True if a pending event is within the time that the request names.
    fn is_wanted(&self, place: Option<Position>, event: &Event) -> bool {
        let since = self.request.filter.since;
        place.is_some_and(|place| self.events.contains_key(&place))
            || since.is_none_or(|since| event.receipt().received_at >= since)
    }

    /// Adds an event that no record tells of, unless it is known.
    fn add(&mut self, place: Option<Position>, event: Arc<Event>) {
        let message_id = shown_id(&event, self.sight.reader.keys());
        let source = event.receipt().source.to_string();
        let same = |group: &Grouped| match place {
            Some(_) => group.position == place,
            None => (&group.source, &group.message_id) == (&source, &message_id),
        };
        if !self.groups.iter().any(same) {
            let new = Grouped {
                source,
                message_id,
                position: place,
                entries: Vec::new(),
            };
            self.groups.insert(0, new);
        }
        if let Some(place) = place {
            self.events.entry(place).or_insert(event);
        }
    }

    pub(super) fn life(&self, group: Grouped) -> Life {
        let keys = self.sight.reader.keys();
        let event = group.position.and_then(|position| self.events.get(&position));
        let erased = event.is_some_and(|event| self.sight.journal.erasures().covers(group.position, event));
        let shown = event.filter(|_| !erased);
        let parked = self.parked_of(&group, event);
        let any = parked
            .first()
            .map(|(_, parked)| &parked.event)
            .filter(|_| !erased);
        let (at_source, at_sinks): (Vec<Entry>, Vec<Entry>) = group
            .entries
            .into_iter()
            .partition(|entry| entry.sink.starts_with(SOURCE));
        let mut life = Life {
            message_id: group.message_id.filter(|_| !erased),
            source: group.source,
            position: group.position,
            in_journal: event.is_some(),
            erased,
            journalled: told::journalled(group.position, event.is_some(), erased),
            place: at_sinks
                .first()
                .or(at_source.first())
                .map(|entry| entry.place.clone()),
            ..Life::default()
        };
        match at_sinks
            .iter()
            .find(|entry| !entry.event.is_empty())
            .or(at_source.first())
        {
            Some(entry) => life.head(entry),
            None => {
                if let Some(event) = shown.or(any) {
                    life.head_of(event, keys);
                }
            }
        }
        life.order_id = at_sinks
            .iter()
            .chain(&at_source)
            .find_map(|entry| entry.order_id.clone())
            .or_else(|| {
                let id = order_id(shown.or(any)?)?;
                Some(keys.shown(IdKind::OrderId, id).into_owned())
            });
        life.at_source = at_source
            .into_iter()
            .map(|entry| self.record(entry, None, None))
            .collect();
        life.sinks = self.sinks(&life, at_sinks, (event, shown.or(any)), &parked);
        life
    }

    /// Lists the parked events that are this one, by sink.
    fn parked_of(&self, group: &Grouped, event: Option<&Arc<Event>>) -> Vec<&(String, Parked)> {
        let keys = self.sight.reader.keys();
        let is_it = |(_, parked): &&(String, Parked)| match (parked.place(), group.position) {
            (Some(place), Some(position)) => place == position,
            (None, _) if *parked.event.receipt().source == *group.source => {
                let id = match event {
                    Some(event) => event.message_id() == parked.event.message_id(),
                    None => shown_id(&parked.event, keys) == group.message_id,
                };
                id && group.message_id.is_some()
            }
            _ => false,
        };
        self.unsettled.parked.iter().filter(is_it).collect()
    }

    /// Tells the life at each sink. `event` is that of the journal, and `shown` the same if it may be shown.
    fn sinks(
        &self,
        life: &Life,
        entries: Vec<Entry>,
        (event, shown): (Option<&Arc<Event>>, Option<&Arc<Event>>),
        parked: &[&(String, Parked)],
    ) -> Vec<SinkLife> {
        let mut by_sink: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for entry in entries {
            by_sink.entry(entry.sink.clone()).or_default().push(entry);
        }
        let wanted = self.request.filter.sink.as_deref();
        let states = self.states.iter();
        for state in states.filter(|state| wanted.is_none_or(|wanted| wanted == state.name)) {
            let owed = event.is_some()
                && life
                    .position
                    .is_some_and(|place| state.owed.at(place, &life.source).is_some());
            if owed || parked.iter().any(|(sink, _)| *sink == state.name) {
                by_sink.entry(state.name.clone()).or_default();
            }
        }
        let sink = |(name, entries)| self.sink(life, name, entries, shown, parked);
        by_sink.into_iter().map(sink).collect()
    }

    fn sink(
        &self,
        life: &Life,
        name: String,
        entries: Vec<Entry>,
        event: Option<&Arc<Event>>,
        parked: &[&(String, Parked)],
    ) -> SinkLife {
        let state = self.states.iter().find(|state| state.name == name);
        let parked = parked
            .iter()
            .find(|(sink, _)| *sink == name)
            .map(|(_, parked)| parked);
        let just_ended = entries
            .iter()
            .any(|entry| entry.ended_at > now_millis() - COMMITTED);

        let awaits = |state: &&SinkState| {
            let in_log = life
                .position
                .is_some_and(|place| state.awaits(place, &life.source));
            !self.filters() && (parked.is_some() || in_log && !just_ended && life.in_journal)
        };
        let pending = state.filter(awaits).map(|state| {
            Circumstances {
                state,
                ledger: self.sight.ledger,
                running: self.sight.running,
                erased: life.erased,
                place: (life.position, &life.source),
                parked,
            }
            .pending()
        });
        let stage = (self.sight.stage)(&name).filter(|_| self.request.again);
        let keys = self.sight.reader.keys();
        let records: Vec<RecordLife> = entries
            .into_iter()
            .map(|entry| self.record(entry, stage.as_deref(), event))
            .collect();
        let told = match (&pending, records.as_slice()) {
            (Some(pending), []) => pending.told.clone(),
            (None, []) => told::NO_RECORD.to_owned(),
            (pending, records) => {
                let pending = pending.iter().map(|pending| pending.told.as_str());
                let records = records.iter().map(|record| record.told.as_str());
                pending.chain(records).collect::<Vec<_>>().join(" ")
            }
        };
        SinkLife {
            in_pipeline: self.sight.ledger.sinks.contains_key(name.as_str()),
            told,
            records,
            pending,
            again: stage
                .zip(event)
                .map(|(stage, event)| made::again(&stage, event, keys)),
            sink: name,
        }
    }

    fn record(&self, entry: Entry, stage: Option<&Stage>, event: Option<&Arc<Event>>) -> RecordLife {
        let sent = match self.request.again {
            true => made::sent(&entry, stage, event, self.sight.reader.keys()),
            false => None,
        };
        RecordLife {
            told: told::outcome(&entry),
            sent,
            entry,
        }
    }
}

impl Life {
    /// Takes the facts about the event from one of its records.
    fn head(&mut self, entry: &Entry) {
        self.event.clone_from(&entry.event);
        self.library.clone_from(&entry.library);
        self.received_at = entry.received_at;
        self.happened_at = entry.happened_at;
    }

    /// Takes the facts about a pending event from the event itself.
    fn head_of(&mut self, event: &Event, keys: &IdKeys) {
        let traced = history::traced(event, keys);
        self.event = traced.event.to_string();
        self.library = traced.library.as_deref().map(str::to_owned);
        self.received_at = traced.received_at;
        self.happened_at = history::happened_at(event);
    }
}
