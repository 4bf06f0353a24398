//! Finds destinations and their subscriptions in any of the forms they come in.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};
use signalbox_core::ImportError;

use super::options::letters;

/// Number of wrappers (`data`, `destination`) that may stand around each other.
const DEEPEST: usize = 6;

/// Members that a subscription has and a destination has not.
const OF_SUBSCRIPTIONS: [&str; 5] = ["partnerAction", "actionSlug", "actionId", "subscribe", "trigger"];

/// Everything a text holds.
#[derive(Default)]
pub(super) struct Document {
    pub(super) destinations: Vec<Found>,
    pub(super) loose: Vec<Loose>,
    lists: Vec<List>,
    /// The text holds a destination, a subscription, or a list of them, which may be empty.
    is_answer: bool,
}

/// A list that Segment's API returns in pages.
struct List {
    kind: &'static str,
    /// Id of the destination whose subscriptions they are.
    of: Option<String>,
    /// Number of elements that the text holds. An element that stands there twice counts once.
    read: u64,
    /// Ids of these elements.
    ids: HashSet<String>,
    /// Number of elements that the list has.
    total: u64,
}

/// A destination taken apart.
#[derive(Default)]
pub(super) struct Found {
    /// Slug and name in Segment's catalog, in lower case without blanks and punctuation; empty if the text has none.
    pub(super) catalog: Vec<String>,
    /// The name for messages.
    pub(super) shown: Option<String>,
    /// True if the destination is switched off at Segment.
    pub(super) off: bool,
    pub(super) settings: Map<String, Json>,
    pub(super) subscriptions: Vec<Map<String, Json>>,
    /// Notes about parts that are not carried over.
    pub(super) notes: Vec<String>,
    id: Option<String>,
}

/// A subscription that stands outside of a destination.
pub(super) struct Loose {
    pub(super) subscription: Map<String, Json>,
    /// Number of destinations that stand before it.
    pub(super) after: usize,
}

impl Document {
    /// Reads one JSON text, or several behind each other.
    pub(super) fn read(text: &str) -> Result<Document, ImportError> {
        let mut document = Document::default();
        for value in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
            let value = value.map_err(|error| ImportError::NotJson {
                line: error.line(),
                column: error.column(),
            })?;
            if let Some(kind) = error_of(&value) {
                return Err(ImportError::Refused { kind });
            }
            document.value(value, None, 0);
        }
        if !document.is_answer {
            return Err(ImportError::Nothing);
        }
        Ok(document)
    }

    /// Returns a sentence for each list of which pages are missing.
    pub(super) fn missing(&self) -> Vec<String> {
        let cut = self.lists.iter().filter(|list| list.read < list.total);
        cut.map(|list| {
            let List { kind, read, total, .. } = list;
            format!(
                "the text holds {read} of {total} {kind}: ask for the other pages (`pagination.cursor` is the answer's \
                 `pagination.next`), and add them to the text"
            )
        })
        .collect()
    }

    /// Counts the elements of a page. The pages of a list name the same total.
    fn page(&mut self, object: &Map<String, Json>) {
        let Some(total) = object
            .get("pagination")
            .and_then(|pagination| pagination.get("totalEntries"))
            .and_then(Json::as_u64)
        else {
            return;
        };
        for kind in ["destinations", "subscriptions"] {
            let Some(Json::Array(items)) = object.get(kind) else {
                continue;
            };
            let of = match kind {
                "destinations" => None,
                _ => items.iter().find_map(|item| item.get("destinationId")?.as_str()),
            };
            let known = |list: &List| list.kind == kind && list.of.as_deref() == of;
            let at = self.lists.iter().position(known).unwrap_or_else(|| {
                self.lists.push(List {
                    kind,
                    of: of.map(str::to_owned),
                    read: 0,
                    ids: HashSet::new(),
                    total,
                });
                self.lists.len() - 1
            });
            let list = &mut self.lists[at];
            let is_new = |item: &&Json| {
                let id = item.as_object().and_then(|item| text(item, "id"));
                id.is_none_or(|id| list.ids.insert(id.to_owned()))
            };
            list.read += items.iter().filter(is_new).count() as u64;
            list.total = list.total.max(total);
        }
    }

    /// Returns true if a subscription with this one's id has been read.
    fn has_subscription(&self, subscription: &Map<String, Json>) -> bool {
        let id = text(subscription, "id");
        let inside = self.destinations.iter().flat_map(|found| &found.subscriptions);
        let loose = self.loose.iter().map(|loose| &loose.subscription);
        id.is_some() && inside.chain(loose).any(|known| text(known, "id") == id)
    }

    /// Returns the destination whose id a subscription names.
    pub(super) fn named_by(&self, subscription: &Map<String, Json>) -> Option<usize> {
        let id = text(subscription, "destinationId")?;
        self.destinations
            .iter()
            .position(|found| found.id.as_deref() == Some(id))
    }

    /// Returns the id that a subscription names, if every destination has another id.
    pub(super) fn foreign_id<'s>(&self, subscription: &'s Map<String, Json>) -> Option<&'s str> {
        let id = text(subscription, "destinationId")?;
        let is_other = |found: &Found| found.id.as_deref().is_some_and(|own| own != id);
        (!self.destinations.is_empty() && self.destinations.iter().all(is_other)).then_some(id)
    }

    fn value(&mut self, value: Json, within: Option<usize>, depth: usize) {
        match value {
            Json::Array(items) if depth < DEEPEST => {
                for item in items {
                    self.value(item, within, depth + 1);
                }
            }
            Json::Object(object) if depth < DEEPEST => self.object(object, within, depth),
            _ => {}
        }
    }

    fn object(&mut self, mut object: Map<String, Json>, within: Option<usize>, depth: usize) {
        if OF_SUBSCRIPTIONS.iter().any(|key| object.contains_key(*key)) {
            self.is_answer = true;
            if self.has_subscription(&object) {
                return;
            }
            match within {
                Some(at) => self.destinations[at].subscriptions.push(object),
                None => self.loose.push(Loose {
                    subscription: object,
                    after: self.destinations.len(),
                }),
            }
            return;
        }
        self.page(&object);
        let is_list = |key: &str| object.get(key).is_some_and(Json::is_array);
        self.is_answer |= ["destinations", "subscriptions", "presets"]
            .into_iter()
            .any(is_list);
        let mut within = within;
        if let Some((found, mut settings)) = Found::new(&mut object) {
            self.is_answer = true;
            let known = found.id.as_ref().and_then(|id| {
                let mut all = self.destinations.iter();
                all.position(|known| known.id.as_ref() == Some(id))
            });
            let at = known.unwrap_or(self.destinations.len());
            within = Some(at);
            if known.is_none() {
                self.destinations.push(found);
            }
            self.beside(&mut settings, within, depth);
            if known.is_none() {
                self.destinations[at].settings = settings;
            }
        }
        for key in ["data", "destination", "destinations"] {
            if let Some(inner) = object.remove(key) {
                self.value(inner, within, depth + 1);
            }
        }
        self.beside(&mut object, within, depth);
    }

    /// Subscriptions in one of the places where they can stand.
    fn beside(&mut self, object: &mut Map<String, Json>, within: Option<usize>, depth: usize) {
        for key in [
            "subscriptions",
            "subscription",
            "destinationSubscription",
            "presets",
        ] {
            if let Some(inner) = object.remove(key) {
                self.value(inner, within, depth + 1);
            }
        }
    }
}

/// Returns the kind of an error that Segment's API answered; `None` for another text.
fn error_of(value: &Json) -> Option<Option<String>> {
    let object = value.as_object()?;
    let errors = object.get("errors")?.as_array()?;
    if object.contains_key("data") {
        return None;
    }
    let kind = errors.first().and_then(|error| error.get("type")?.as_str());
    let is_word = |kind: &&str| kind.len() <= 40 && kind.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    Some(kind.filter(is_word).map(str::to_owned))
}

impl Found {
    /// Returns the destination that an object is, with its settings.
    fn new(object: &mut Map<String, Json>) -> Option<(Found, Map<String, Json>)> {
        let settings = match object.remove("settings") {
            Some(Json::Object(settings)) => Some(settings),
            _ => None,
        };
        let metadata = object.get("metadata").and_then(Json::as_object);
        if settings.is_none() && metadata.is_none() {
            return None;
        }
        let catalog = ["slug", "name"].into_iter();
        let catalog: Vec<&str> = catalog.filter_map(|key| text(metadata?, key)).collect();
        let mut found = Found {
            id: text(object, "id").map(str::to_owned),
            shown: catalog.last().map(|name| (*name).to_owned()),
            catalog: catalog.into_iter().map(letters).collect(),
            ..Found::default()
        };
        if object.get("enabled") == Some(&Json::Bool(false)) {
            found.off = true;
            let note = "the destination is switched off at Segment, so this sink is disabled; it delivers once enabled = false \
                        is taken out";
            found.notes.push(note.to_owned());
        }
        if object
            .get("filters")
            .is_some_and(|filters| *filters != Json::Array(Vec::new()))
        {
            let note =
                "filters of the destination: not carried over; a transform of type \"filter\" can do it";
            found.notes.push(note.to_owned());
        }
        Some((found, settings.unwrap_or_default()))
    }
}

/// Returns the text of a member, if it is one that is not blank.
pub(super) fn text<'a>(object: &'a Map<String, Json>, key: &str) -> Option<&'a str> {
    object.get(key)?.as_str().filter(|text| !text.trim().is_empty())
}
