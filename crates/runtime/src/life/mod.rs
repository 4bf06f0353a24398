//! The life of an event: its receipt, its way into the journal, the records that sinks made of it, and the reasons why it is
//! pending. Ends come from the history, pending events from the journal.

pub(crate) mod fields;
mod made;
mod model;
mod pending;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use signalbox_core::Event;
use signalbox_history::{Entry, Filter, IdHash, IdKeys, IdKind, Page, Place, Reader};
use signalbox_journal::{Journal, JournalError, Parked, Position, SOURCE, SinkState};

pub use model::{Again, Check, Field, Life, Lives, Made, Pending, RecordLife, Sent, SinkLife, Why};
pub use told::outcome;

use self::pending::{Circumstances, Unsettled, Wanted};
use crate::dead_letters::now_millis;
use crate::delivery::Stage;
use crate::history::{self, WantedId, order_id};
use crate::ledger::Ledger;

/// Most events in an answer.
pub const MOST_EVENTS: usize = 50;
/// The time for the search among unsettled events.
const SEARCH: Duration = Duration::from_secs(2);
/// Sinks commit their progress within a tenth of a second. An end as young as this may not be in it yet.
const COMMITTED: i64 = 2_000;

/// A search for events and their lives. `Debug` shows no value.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LifeRequest {
    /// The id to find.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<WantedId>,
    /// The place of a record in the history, instead of an id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// True to list pending events instead, the oldest ones of the log first.
    pub pending: bool,
    /// Conditions on the records. With any but the sink's name, pending events are left out.
    pub filter: Filter,
    /// True to make records again: the sent ones, and those of the present mappings.
    pub again: bool,
}

impl std::fmt::Debug for LifeRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LifeRequest")
            .field("id", &self.id.is_some())
            .field("place", &self.place)
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

/// A router as the search sees it.
pub struct Sight<'a> {
    /// Its history.
    pub reader: Reader,
    /// Its journal.
    pub journal: &'a dyn Journal,
    /// Its counts, with the holds of its sinks.
    pub ledger: &'a Ledger,
    /// The steps of a running sink.
    pub stage: &'a (dyn Fn(&str) -> Option<Arc<Stage>> + Sync),
    /// False for a router that does not run.
    pub running: bool,
}

/// Finds events, and tells their lives.
///
/// # Errors
/// A sentence about the request, or about the history or the journal that cannot be read.
pub async fn lives(sight: Sight<'_>, request: &LifeRequest) -> Result<Lives, String> {
    // The journal comes first: an event that ends between the two reads is then in the history.
    let states = sight.journal.sinks().await.map_err(|error| error.to_string())?;
    let (reader, asked) = (sight.reader.clone(), request.clone());
    let search = blocking(move || Search::read(&reader, &asked)).await?;
    let mut lives = Lives::default();
    let mut told = Telling {
        sight,
        states,
        request,
        page: search.page,
        groups: Vec::new(),
        events: BTreeMap::new(),
        unsettled: Unsettled::default(),
    };
    told.read(&search.hashes).await?;
    lives.incomplete = std::mem::take(&mut told.page.unread);
    if told.unsettled.cut_short {
        lives.incomplete.push(
            "there are so many pending events that the search ended before the last of them: more of the wanted ones may be \
             pending"
                .to_owned(),
        );
    }
    lives.more = told.page.next.is_some() || told.unsettled.more || told.groups.len() > MOST_EVENTS;
    told.groups.truncate(MOST_EVENTS);
    let groups = std::mem::take(&mut told.groups);
    lives.events = groups.into_iter().map(|group| told.life(group)).collect();
    Ok(lives)
}

/// The history's part of a search.
struct Search {
    hashes: Vec<IdHash>,
    page: Page,
}

/// Reads the history on a thread that may wait for the disk.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let reading = tokio::task::spawn_blocking(read).await;
    reading.map_err(|_| "the search in the history was cut off".to_owned())?
}

impl Search {
    fn read(reader: &Reader, request: &LifeRequest) -> Result<Search, String> {
        history::check_rows(reader)?;
        let explain = |trouble| format!("history: {trouble}");
        let (mut hashes, mut page) = match (&request.id, request.place) {
            (Some(id), _) => {
                let hashes = id.hashes(reader.keys())?;
                let page = reader.find(&hashes, &request.filter).map_err(explain)?;
                (hashes, page)
            }
            (None, Some(place)) => {
                let entry = reader.at(place).map_err(explain)?;
                let page = Page {
                    entries: entry.into_iter().collect(),
                    ..Page::default()
                };
                (Vec::new(), page)
            }
            (None, None) if request.pending => (Vec::new(), Page::default()),
            (None, None) => return Err("name an id, or the place of a record".to_owned()),
        };
        // Other records of the same events: of sinks that know no order, and of the source.
        let ids = page
            .entries
            .iter()
            .filter_map(|entry| entry.message_id.clone())
            .collect();
        let others = Search::add(&mut page, reader, ids, &hashes, &request.filter)?;
        if hashes.is_empty() {
            hashes = others;
        }
        Ok(Search { hashes, page })
    }

    /// Adds the records of the events with these `messageId`s, in the form in which the history shows them, except those with
    /// `known` hashes. Returns the hashes that it searched for.
    fn add(
        page: &mut Page,
        reader: &Reader,
        ids: Vec<String>,
        known: &[IdHash],
        filter: &Filter,
    ) -> Result<Vec<IdHash>, String> {
        // The newest ones are first.
        let mut distinct: Vec<String> = Vec::new();
        for id in ids {
            if distinct.len() < MOST_EVENTS && !distinct.contains(&id) {
                distinct.push(id);
            }
        }
        let hashes = distinct
            .iter()
            .map(|id| history::hashes_of(reader.keys(), IdKind::MessageId, id));
        let hashes: Vec<IdHash> = hashes.flatten().filter(|hash| !known.contains(hash)).collect();
        if hashes.is_empty() {
            return Ok(hashes);
        }
        let more = reader
            .find(&hashes, filter)
            .map_err(|trouble| format!("history: {trouble}"))?;
        let new = more.entries.into_iter();
        let new: Vec<Entry> = new
            .filter(|entry| page.entries.iter().all(|known| known.place != entry.place))
            .collect();
        page.entries.extend(new);
        page.entries
            .sort_by_key(|entry| std::cmp::Reverse(entry.ended_at));
        page.unread.extend(more.unread);
        page.unread.dedup();
        Ok(hashes)
    }
}

/// The records of one event, the newest first.
#[derive(Default)]
struct Grouped {
    source: String,
    message_id: Option<String>,
    position: Option<Position>,
    entries: Vec<Entry>,
}

/// Sorts records by their events. Copies that the source left out belong to the event with their `messageId` that came
/// before them.
fn group(entries: Vec<Entry>) -> Vec<Grouped> {
    let mut groups: Vec<Grouped> = Vec::new();
    let (copies, records): (Vec<Entry>, Vec<Entry>) = entries
        .into_iter()
        .partition(|entry| entry.outcome == "duplicate" && entry.position.is_none());
    for entry in records {
        let same = |group: &&mut Grouped| {
            let ids = (&group.source, &group.message_id, group.position);
            let known = group.message_id.is_some() || group.position.is_some();
            known && ids == (&entry.source, &entry.message_id, entry.position)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.entries.push(entry),
            None => groups.push(Grouped {
                source: entry.source.clone(),
                message_id: entry.message_id.clone(),
                position: entry.position,
                entries: vec![entry],
            }),
        }
    }
    for copy in copies {
        let original = |group: &&mut Grouped| {
            let earlier = group
                .entries
                .iter()
                .any(|entry| entry.received_at <= copy.received_at);
            earlier
                && copy.message_id.is_some()
                && (&group.source, &group.message_id) == (&copy.source, &copy.message_id)
        };
        match groups.iter_mut().find(original) {
            Some(group) => group.entries.push(copy),
            None => groups.push(Grouped {
                source: copy.source.clone(),
                message_id: copy.message_id.clone(),
                position: None,
                entries: vec![copy],
            }),
        }
    }
    groups
}

/// Returns the `messageId` of an event as the history shows it.
fn shown_id(event: &Event, keys: &IdKeys) -> Option<String> {
    let id = event.message_id();
    (!id.is_empty()).then(|| keys.shown(IdKind::MessageId, id).into_owned())
}

/// The parts of an answer.
struct Telling<'a> {
    sight: Sight<'a>,
    request: &'a LifeRequest,
    states: Vec<SinkState>,
    /// The records.
    page: Page,
    /// The same by event.
    groups: Vec<Grouped>,
    /// The events that the journal holds, by their place.
    events: BTreeMap<Position, Arc<Event>>,
    unsettled: Unsettled,
}

impl Telling<'_> {
    /// Reads the events of the records, and adds pending ones.
    async fn read(&mut self, hashes: &[IdHash]) -> Result<(), String> {
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

    fn life(&self, group: Grouped) -> Life {
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
            place: at_sinks.first().or(at_source.first()).map(|entry| entry.place),
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
        let traced = history::traced(event, Some(keys));
        self.event = traced.event.to_string();
        self.library = traced.library.as_deref().map(str::to_owned);
        self.received_at = traced.received_at;
        self.happened_at = history::happened_at(event);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(
        row: u32,
        source: &str,
        sink: &str,
        id: Option<&str>,
        position: Option<u64>,
        outcome: &str,
    ) -> Entry {
        serde_json::from_value(serde_json::json!({
            "place": format!("rows-2026-11-29.db:{row}"), "ended_at": row, "received_at": row, "happened_at": row,
            "source": source, "sink": sink, "event": "track", "outcome": outcome, "attempts": [], "warnings": [],
            "match_keys": [], "bytes": 0, "late": false, "message_id": id, "position": position
        }))
        .unwrap()
    }

    #[test]
    fn records_are_grouped_by_event_and_copies_join_the_event_before_them() {
        let groups = group(vec![
            entry(9, "web", "source:web", Some("m"), None, "duplicate"),
            entry(8, "web", "ads", Some("m"), Some(5), "delivered"),
            entry(7, "web", "hook", Some("m"), Some(5), "delivered"),
            // The same id after the window for duplicates, and of another source.
            entry(6, "web", "ads", Some("m"), Some(2), "rejected"),
            entry(5, "app", "ads", Some("m"), Some(4), "delivered"),
            // Erased ones have no id; of two without a place nothing says that they are one.
            entry(4, "web", "ads", None, Some(3), "delivered"),
            entry(3, "web", "hook", None, Some(3), "delivered"),
            entry(2, "web", "source:web", None, None, "rejected"),
            entry(1, "web", "source:web", None, None, "rejected"),
            entry(0, "app", "source:app", Some("x"), None, "duplicate"),
        ]);
        let rows: Vec<Vec<i64>> = groups
            .iter()
            .map(|group| group.entries.iter().map(|entry| entry.ended_at).collect())
            .collect();
        let expected: [&[i64]; 7] = [&[8, 7, 9], &[6], &[5], &[4, 3], &[2], &[1], &[0]];
        assert_eq!(rows, expected);
    }
}
