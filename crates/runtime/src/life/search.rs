//! The history's part of the search for an event: its records, grouped by event.

use signalbox_core::Event;
use signalbox_history::{Entry, Filter, IdHash, IdKeys, IdKind, Page, Reader};
use signalbox_journal::Position;

use super::request::{LifeRequest, MOST_EVENTS};
use crate::history;

/// The history's part of a search.
pub(super) struct Search {
    pub(super) hashes: Vec<IdHash>,
    pub(super) page: Page,
}

/// Reads the history on a thread that may wait for the disk.
pub(super) async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, String> + Send + 'static,
) -> Result<T, String> {
    let reading = tokio::task::spawn_blocking(read).await;
    reading.map_err(|_| "the search in the history was cut off".to_owned())?
}

impl Search {
    pub(super) fn read(reader: &Reader, request: &LifeRequest) -> Result<Search, String> {
        history::check_rows(reader)?;
        let explain = |trouble| format!("history: {trouble}");
        let (mut hashes, mut page) = match (&request.id, &request.place) {
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
    pub(super) fn add(
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
        let known = |unread: &String| page.unread.contains(unread);
        let new: Vec<String> = more.unread.into_iter().filter(|unread| !known(unread)).collect();
        page.unread.extend(new);
        Ok(hashes)
    }
}

/// The records of one event, the newest first.
#[derive(Default)]
pub(super) struct Grouped {
    pub(super) source: String,
    pub(super) message_id: Option<String>,
    pub(super) position: Option<Position>,
    pub(super) entries: Vec<Entry>,
}

/// Sorts records by their events. Copies that the source left out belong to the event with their `messageId` that came
/// before them.
pub(super) fn group(entries: Vec<Entry>) -> Vec<Grouped> {
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
pub(super) fn shown_id(event: &Event, keys: &IdKeys) -> Option<String> {
    let id = event.message_id();
    (!id.is_empty()).then(|| keys.shown(IdKind::MessageId, id).into_owned())
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
