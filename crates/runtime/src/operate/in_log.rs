//! Finds events in the log by their ids: at the places that the history knows, and the others by a search.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use signalbox_core::Event;
use signalbox_history::{Filter, IdKind, Reader};
use signalbox_journal::{Journal, Position, Subject, Wanted};

use super::resend::{ResendRequest, Resent, ResentEvent};

/// The most ids of one request.
pub const IDS: usize = 1_000;
/// The time for the search of the log: an answer of the admin address takes at most five minutes.
const SEARCH: Duration = Duration::from_secs(200);
/// Events of the log read at once.
const AT_ONCE: usize = 500;
/// Ids that the history is asked for at once: an answer has at most 1,000 records, and an event one for each sink.
const ASKED_AT_ONCE: usize = 20;

/// The ids of a request, with their places in it.
pub(super) type Ids = BTreeMap<String, usize>;

/// Events by their ids and sources, with their positions.
type Found = BTreeMap<(usize, Arc<str>), (Position, Arc<Event>)>;

/// Reads the ids of a request, each once, and begins their results.
pub(super) fn ids(request: &ResendRequest, resent: &mut Resent) -> Result<Ids, String> {
    let mut ids = Ids::new();
    // Blanks at the ends of an id belong to it.
    for id in &request.message_ids {
        if !id.trim().is_empty() && !ids.contains_key(id) {
            ids.insert(id.clone(), ids.len());
            resent.events.push(ResentEvent {
                message_id: id.clone(),
                ..ResentEvent::default()
            });
        }
    }
    match ids.len() {
        0 => Err("name at least one message id".to_owned()),
        count if count > IDS => Err(format!("{count} ids are too many at once; give at most {IDS}")),
        _ => Ok(ids),
    }
}

/// Finds the newest copy of each event in the log, by id and source; of an event that the history knows, the newest one that has
/// ended at a sink. Leaves erased ones out.
pub(super) async fn in_log(
    journal: &dyn Journal,
    history: Option<Reader>,
    ids: &Ids,
    resent: &mut Resent,
) -> Result<Found, String> {
    let explain = |error: signalbox_journal::JournalError| error.to_string();
    let mut found = Found::new();
    let places = known_places(history, ids).await;
    add(journal, &places, ids, resent, &mut found).await?;
    let unknown = |id: &&String| {
        let known = ids.get(*id).and_then(|place| resent.events.get(*place));
        known.is_none_or(|event| !event.found)
    };
    let wanted = ids
        .keys()
        .filter(unknown)
        .map(|id| Wanted::new(Subject::MessageId, id));
    let wanted: Vec<Wanted> = wanted.collect::<Result<_, &str>>().map_err(str::to_owned)?;
    if wanted.is_empty() {
        return Ok(found);
    }
    let test = Arc::new(journal.erasure_test(&wanted, None).map_err(explain)?);
    let hits = journal.search_log(test, Instant::now() + SEARCH).await;
    let hits = hits.map_err(explain)?;
    resent.searched_to = hits.stopped_at;
    let places: Vec<Position> = hits.found.iter().map(|(position, _)| *position).collect();
    add(journal, &places, ids, resent, &mut found).await?;
    Ok(found)
}

/// Lists the places in the log that the history knows of these events, in order. A history that cannot be read knows none: the
/// search of the log finds the events then.
async fn known_places(history: Option<Reader>, ids: &Ids) -> Vec<Position> {
    let Some(reader) = history else { return Vec::new() };
    let ids: Vec<String> = ids.keys().cloned().collect();
    let read = move || {
        let mut places = Vec::new();
        for some in ids.chunks(ASKED_AT_ONCE) {
            let hashes = some.iter().map(|id| reader.keys().hashes(IdKind::MessageId, id));
            let hashes: Vec<_> = hashes.flatten().collect();
            let entries = reader.find(&hashes, &Filter::default()).map(|page| page.entries);
            let found = entries.unwrap_or_default();
            places.extend(found.into_iter().filter_map(|entry| entry.position));
        }
        places.sort_unstable();
        places.dedup();
        places
    };
    tokio::task::spawn_blocking(read).await.unwrap_or_default()
}

/// Reads the events at these places, which are in order, and adds the wanted ones.
async fn add(
    journal: &dyn Journal,
    places: &[Position],
    ids: &Ids,
    resent: &mut Resent,
    found: &mut Found,
) -> Result<(), String> {
    let erasures = journal.erasures();
    for some in places.chunks(AT_ONCE) {
        let entries = journal.events_at(some).await;
        for entry in entries.map_err(|error| error.to_string())? {
            let Some(id) = ids.get(entry.event.message_id()).copied() else {
                continue;
            };
            let erased = erasures.covers(Some(entry.position), &entry.event);
            if let Some(told) = resent.events.get_mut(id) {
                told.found = true;
                told.erased |= erased;
            }
            if erased {
                continue;
            }
            let source = entry.event.receipt().source.clone();
            found.insert((id, source), (entry.position, entry.event));
        }
    }
    Ok(())
}
