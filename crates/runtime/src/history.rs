//! Opening of the history that the configuration names, and the ids by which it finds events.

use std::borrow::Cow;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use signalbox_config::{HistoryEvents, HistorySettings, JournalSettings};
use signalbox_core::{Event, Node, Sha256Hex};
use signalbox_history::{
    After, Filter, History, IdHash, IdKeys, IdKind, Keep, KeyFile, Page, People, Reader, Report, Reported,
    Settings, key_file_of,
};
use signalbox_journal::{Subject, Wanted};

use crate::erase::hashes;

mod erasure;
mod peers;
mod shown;

pub use erasure::{ErasedRecords, erase};
pub use peers::share;
pub(crate) use shown::ShownNames;

/// Starts the history of a router.
///
/// # Errors
/// A sentence about its key, or that no thread can be started.
pub fn open(settings: &HistorySettings, journal: &JournalSettings) -> Result<History, String> {
    let folder = settings.folder();
    let path = key_file_of(&folder);
    let mut new_key = None;
    let keys = match keys(&folder, journal)? {
        // With sums alone, an erasure needs them for rows of before.
        Some(keys) if settings.events == HistoryEvents::Off || is_sealed(journal) => keys,
        None if settings.events == HistoryEvents::Off => {
            IdKeys::random().map_err(|error| format!("history: {error}"))?
        }
        _ => {
            let file = KeyFile::open(&path).map_err(|error| format!("history: {error}"))?;
            tracing::info!(
                key = %path.display(),
                "the journal has no key, so the history hides persons behind a random one in a file of its own: a copy of \
                 the history's folder alone tells nobody's address, but whoever also has the key's file can look for one"
            );
            new_key = file.new;
            file.keys
        }
    };
    let settings = Settings {
        keep: settings.keep(),
        max_bytes: settings.max_bytes(),
        rows: match settings.events {
            HistoryEvents::All => Keep::All,
            HistoryEvents::Failures => Keep::Failures,
            HistoryEvents::Off => Keep::Off,
        },
        new_key,
        ..Settings::new(folder)
    };
    History::start(settings, keys).map_err(|error| format!("history: its thread cannot be started: {error}"))
}

/// Opens the files of a history whose router does not run; creates nothing.
///
/// # Errors
/// A sentence about its key.
pub fn reader(settings: &HistorySettings, journal: &JournalSettings) -> Result<Reader, String> {
    let folder = settings.folder();
    let sums_only = settings.events == HistoryEvents::Off;
    let keys = match keys(&folder, journal)? {
        None if sums_only && folder.exists() => {
            Some(IdKeys::random().map_err(|error| format!("history: {error}"))?)
        }
        keys => keys,
    };
    let keys = keys.ok_or_else(|| {
        let path = std::path::absolute(&folder).unwrap_or(folder.clone());
        format!(
            "there is no history in {}: no router has run by this file yet, or it ran in another directory; check \
             [history] path",
            path.display()
        )
    })?;
    let reader = Reader::of_files(folder, keys);
    Ok(if sums_only { reader.sums_only() } else { reader })
}

/// Returns true if the history's keys are derived from those of the journal.
fn is_sealed(journal: &JournalSettings) -> bool {
    journal.is_durable() && !journal.key.is_empty()
}

/// Returns the keys of a history: of a sealed journal those derived from its keys, and behind them the one in the key file, for
/// records from before the journal had a key; otherwise the one in the key file, if there is one.
fn keys(folder: &Path, journal: &JournalSettings) -> Result<Option<IdKeys>, String> {
    let file = KeyFile::read(&key_file_of(folder)).map_err(|error| format!("history: {error}"));
    if !is_sealed(journal) {
        return file;
    }
    let keys = journal.keys().map_err(|fault| format!("journal.key {fault}"))?;
    let keys = IdKeys::derive(&keys).map_err(|error| format!("history: {error}"))?;
    Ok(Some(match file {
        Ok(Some(earlier)) => keys.before(earlier),
        Ok(None) => keys,
        Err(problem) => {
            tracing::warn!("records from before the journal had a key are not found by their ids: {problem}");
            keys
        }
    }))
}

/// The part of an event that a history keeps: times, names, and ids, of which it keeps hashes. `Debug` shows the source alone.
#[derive(Default)]
pub(crate) struct Traced<'e> {
    pub(crate) received_at: i64,
    pub(crate) source: Cow<'e, str>,
    pub(crate) library: Option<Arc<str>>,
    /// The name as it may be shown.
    pub(crate) event: Arc<str>,
    pub(crate) message_id: Cow<'e, str>,
    pub(crate) people: People<'static>,
    /// The order, of events that a source does not journal; a sink's record says its own.
    pub(crate) order_id: Option<Box<str>>,
}

impl std::fmt::Debug for Traced<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Traced")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Traced<'_> {
    /// Returns it without ids, for an event that was erased.
    pub(crate) fn without_ids(self) -> Traced<'static> {
        Traced {
            received_at: self.received_at,
            source: self.source.into_owned().into(),
            library: self.library,
            event: self.event,
            ..Traced::default()
        }
    }

    /// Returns it for longer than the event lives.
    pub(crate) fn into_owned(self) -> Traced<'static> {
        let Traced {
            received_at,
            source,
            library,
            event,
            message_id,
            people,
            order_id,
        } = self;
        Traced {
            received_at,
            source: source.into_owned().into(),
            library,
            event,
            message_id: message_id.into_owned().into(),
            people,
            order_id,
        }
    }
}

/// Returns the id of the order that an event tells of, where shops have it.
pub(crate) fn order_id(event: &Event) -> Option<&str> {
    let properties = event.root().get("properties")?;
    let ids = ["order_id", "orderId"].into_iter();
    let mut ids = ids.filter_map(|key| properties.get(key)?.as_str());
    ids.find(|id| !id.is_empty())
}

/// Returns the time of the event by its own `timestamp`, else that of its arrival.
pub(crate) fn happened_at(event: &Event) -> i64 {
    event
        .root()
        .get("timestamp")
        .and_then(|node| node.as_str())
        .and_then(|text| text.parse::<jiff::Timestamp>().ok())
        .map_or(event.receipt().received_at, |at| at.as_millisecond())
}

/// Lists the keyed hashes of an id as a history shows it: readable, or as `id:…`.
pub(crate) fn hashes_of(keys: &IdKeys, kind: IdKind, shown: &str) -> Vec<IdHash> {
    match IdHash::parse(shown) {
        Some(hash) => vec![hash],
        None => keys.hashes(kind, shown),
    }
}

/// Takes from events what their history keeps: of a history of sums alone, without keys, the name and the receipt.
pub(crate) struct Tracer {
    keys: Option<IdKeys>,
    names: ShownNames,
}

impl Tracer {
    pub(crate) fn new(keys: Option<IdKeys>) -> Tracer {
        Tracer {
            keys,
            names: ShownNames::default(),
        }
    }

    /// Takes from an event what its history keeps.
    pub(crate) fn trace<'e>(&mut self, event: &'e Event) -> Traced<'e> {
        let keys = [
            "event",
            "type",
            "messageId",
            "userId",
            "context",
            "properties",
            "traits",
        ];
        let [name, kind, message_id, user_id, context, properties, traits] = event.root().get_all(keys);
        let text = |node: Option<Node<'e>>| node.and_then(Node::as_str);
        let name = text(name).or(text(kind)).unwrap_or_default();
        let named = Traced {
            received_at: event.receipt().received_at,
            source: Cow::Borrowed(&event.receipt().source),
            event: self.names.shown(name),
            ..Traced::default()
        };
        let Some(keys) = &self.keys else { return named };
        let [library, of_context] = members(context, ["library", "traits"]);
        let [library, version] = members(library, ["name", "version"]);
        let part = |node| text(node).unwrap_or_default();
        Traced {
            people: people(user_id, [traits, of_context, properties], keys),
            message_id: part(message_id).into(),
            library: self.names.library(part(library), part(version)),
            ..named
        }
    }
}

fn members<'e, const N: usize>(node: Option<Node<'e>>, keys: [&str; N]) -> [Option<Node<'e>>; N] {
    node.map_or([None; N], |node| node.get_all(keys))
}

/// Takes from one event what its row keeps.
pub(crate) fn traced<'e>(event: &'e Event, keys: &IdKeys) -> Traced<'e> {
    Tracer::new(Some(keys.clone())).trace(event)
}

/// Returns the ids of a person, wherever an event has them: its user id, and those among its properties and traits.
fn people(user_id: Option<Node<'_>>, holders: [Option<Node<'_>>; 3], keys: &IdKeys) -> People<'static> {
    let mut people = People::default();
    let mut add = |kind: IdKind, node: Node<'_>| {
        let mut add = |node: Node<'_>| {
            if let Some(text) = node.as_str().filter(|text| !text.is_empty()) {
                people.add(kind, text, keys);
            }
        };
        add(node);
        node.items().for_each(add);
    };
    for holder in holders {
        let [email, phone] = members(holder, ["email", "phone"]);
        for (kind, node) in [(IdKind::Email, email), (IdKind::Phone, phone)] {
            node.into_iter().for_each(|node| add(kind, node));
        }
    }
    user_id.into_iter().for_each(|node| add(IdKind::UserId, node));
    people
}

/// A search in a history. `Debug` shows no value.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindRequest {
    /// The id to find; without one, the latest records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<WantedId>,
    /// Conditions on the records.
    #[serde(default)]
    pub filter: Filter,
    /// Most records in the answer, at most [`signalbox_history::MOST`]. Default: 100.
    #[serde(default = "default_limit")]
    pub limit: usize,
    /// The point at which a list of the latest records goes on: `next` of the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<After>,
}

fn default_limit() -> usize {
    100
}

/// An id to find, by its kind.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WantedId {
    /// `messageId` of the event.
    MessageId(String),
    /// The id by which the destination recognises duplicates.
    EventId(String),
    /// The order.
    OrderId(String),
    /// An e-mail address.
    Email(String),
    /// A phone number.
    Phone(String),
    /// The user id.
    UserId(String),
    /// A person, by the keyed hash of any of these three in the form `id:…`.
    Person(String),
}

impl std::fmt::Debug for FindRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FindRequest")
            .field("id", &self.id.is_some())
            .field("filter", &self.filter)
            .finish_non_exhaustive()
    }
}

impl WantedId {
    fn parts(&self) -> (IdKind, &str) {
        match self {
            WantedId::MessageId(id) => (IdKind::MessageId, id),
            WantedId::EventId(id) => (IdKind::EventId, id),
            WantedId::OrderId(id) => (IdKind::OrderId, id),
            WantedId::Email(id) => (IdKind::Email, id),
            WantedId::Phone(id) => (IdKind::Phone, id),
            WantedId::UserId(id) | WantedId::Person(id) => (IdKind::UserId, id),
        }
    }

    /// Lists the keyed hashes under which a history may have the id: of its spellings, and of the hashes that `hash_pii` makes
    /// of it. An id in the form `id:…`, as the history shows hidden ones, is its own hash.
    ///
    /// # Errors
    /// A sentence about a value that cannot be such an id.
    pub fn hashes(&self, keys: &IdKeys) -> Result<Vec<IdHash>, String> {
        let (kind, text) = self.parts();
        // A search for a person may name several, joined by commas.
        let shown: Option<Vec<IdHash>> = text.split(',').map(IdHash::parse).collect();
        if let Some(shown) = shown {
            return Ok(shown);
        }
        if let WantedId::Person(_) = self {
            return Err(
                "a person is named by the hash that the search made, in the form id:0123456789abcdef"
                    .to_owned(),
            );
        }
        let subject = match kind {
            IdKind::MessageId | IdKind::EventId | IdKind::OrderId => return Ok(keys.hashes(kind, text)),
            IdKind::Email => Subject::Email,
            IdKind::Phone => Subject::Phone,
            IdKind::UserId => Subject::UserId,
        };
        let wanted = Wanted::new(subject, text).map_err(|why| format!("the {} {why}", subject.name()))?;
        let mut all = keys.hashes(kind, wanted.value());
        let clear = [wanted.value().to_owned(), wanted.value().to_lowercase()];
        let clear = clear.iter().map(|text| Sha256Hex::of(text).as_str().to_owned());
        for hash in clear.chain(hashes(&wanted)) {
            all.extend(keys.hashes(kind, &hash));
        }
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }
}

/// Returns `Ok` if a history has records of events.
pub(crate) fn check_rows(reader: &Reader) -> Result<(), String> {
    match reader.has_rows() {
        Ok(true) => Ok(()),
        Ok(false) => Err(
            "the history keeps sums only, as 'signalbox report' shows them; to find single events from now on, set \
             [history] events = \"all\" and restart the router"
                .to_owned(),
        ),
        Err(trouble) => Err(format!("history: {trouble}")),
    }
}

/// Searches a history. Blocks while it reads files.
///
/// # Errors
/// A sentence about the request, about the folder that cannot be read, or that only sums are kept.
pub fn find(reader: &Reader, request: &FindRequest) -> Result<Page, String> {
    check_rows(reader)?;
    let found = match &request.id {
        Some(id) => reader.find(&id.hashes(reader.keys())?, &request.filter),
        None => reader.latest(&request.filter, request.after.as_ref(), request.limit),
    };
    found.map_err(|trouble| format!("history: {trouble}"))
}

/// Adds up the sums of a history. Blocks while it reads a file.
///
/// # Errors
/// A sentence about the file that cannot be read.
pub fn report(reader: &Reader, request: &Report) -> Result<Reported, String> {
    let reported = reader.report(request);
    reported.map_err(|trouble| format!("history: {trouble}"))
}

#[cfg(test)]
mod tests {
    use signalbox_core::{JournalKey, Receipt};

    use super::*;

    #[test]
    fn the_ids_of_a_person_are_found_wherever_an_event_has_them() {
        let keys = IdKeys::derive([&JournalKey::new([1; 32])]).unwrap();
        let receipt = Receipt {
            source: "web".into(),
            received_at: 1,
        };
        let json = r#"{"type":"track","event":"Signed Up","messageId":"m","userId":"u-1",
            "properties":{"email":["IVY@example.com","b@example.com"]},"context":{"traits":{"phone":"+49 30 901820"},
            "library":{"name":"analytics.js","version":"2.1"}}}"#;
        let event = Event::parse(json, receipt).unwrap();
        let of_sums = Tracer::new(None).trace(&event);
        assert_eq!((&*of_sums.event, of_sums.received_at), ("Signed Up", 1));
        assert!(of_sums.people.hashes(&keys).next().is_none() && of_sums.message_id.is_empty());
        let mut tracer = Tracer::new(Some(keys.clone()));
        let traced = tracer.trace(&event);
        for id in [
            WantedId::Email("ivy@example.com".into()),
            WantedId::Email("b@example.com".into()),
            WantedId::Phone("004930901820".into()),
            WantedId::UserId("u-1".into()),
        ] {
            let hashes = id.hashes(&keys).unwrap();
            assert!(
                hashes
                    .iter()
                    .any(|hash| { traced.people.hashes(&keys).any(|known| known == *hash) })
            );
        }
        assert_eq!(traced.people.hashes(&keys).count(), 4);
        assert_eq!(traced.library.as_deref(), Some("analytics.js 2.1"));
        let again = tracer.trace(&event);
        assert!(Arc::ptr_eq(&again.event, &traced.event));
        assert_eq!(again.library, traced.library);
        assert_eq!(traced.into_owned().without_ids().people.hashes(&keys).count(), 0);
        assert!(WantedId::Email("no address".into()).hashes(&keys).is_err());
        let shown = keys.hash(IdKind::OrderId, "A-1").shown();
        assert_eq!(
            WantedId::OrderId(shown).hashes(&keys).unwrap(),
            keys.hashes(IdKind::OrderId, "A-1")
        );
    }
}
