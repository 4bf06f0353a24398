//! Finds the destination and its subscriptions in any of the forms they come in.

use serde_json::{Map, Value as Json};
use signalbox_core::ImportError;

use super::options::Import;

/// Number of wrappers (`data`, `destination`) that may stand around each other.
const DEEPEST: usize = 6;

/// Members that a subscription has and a destination has not.
const OF_SUBSCRIPTIONS: [&str; 5] = ["partnerAction", "actionSlug", "actionId", "subscribe", "trigger"];

/// A destination taken apart.
pub(super) struct Found<'i> {
    import: &'i Import,
    pub(super) settings: Map<String, Json>,
    pub(super) subscriptions: Vec<Map<String, Json>>,
    pub(super) notes: Vec<String>,
    destinations: usize,
    /// Something names the vendor.
    named: bool,
}

impl<'i> Found<'i> {
    /// Reads one JSON text, or several behind each other.
    pub(super) fn read(import: &'i Import, text: &str) -> Result<Found<'i>, ImportError> {
        let mut found = Found {
            import,
            settings: Map::new(),
            subscriptions: Vec::new(),
            notes: Vec::new(),
            destinations: 0,
            named: false,
        };
        for document in serde_json::Deserializer::from_str(text).into_iter::<Json>() {
            let document = document.map_err(|error| ImportError::NotJson {
                line: error.line(),
                column: error.column(),
            })?;
            found.value(document, 0);
        }
        if found.destinations > 1 {
            return Err(ImportError::Several);
        }
        let own = import
            .known
            .first()
            .is_some_and(|key| found.settings.contains_key(*key));
        if found.named || own || found.subscriptions.iter().any(|one| import.is_action_of(one)) {
            Ok(found)
        } else {
            Err(ImportError::OtherDestination)
        }
    }

    fn value(&mut self, value: Json, depth: usize) {
        match value {
            Json::Array(items) if depth < DEEPEST => {
                for item in items {
                    self.value(item, depth + 1);
                }
            }
            Json::Object(object) if depth < DEEPEST => self.object(object, depth),
            _ => {}
        }
    }

    fn object(&mut self, mut object: Map<String, Json>, depth: usize) {
        if OF_SUBSCRIPTIONS.iter().any(|key| object.contains_key(*key)) {
            self.subscriptions.push(object);
            return;
        }
        if let Some(Json::Object(metadata)) = object.get("metadata") {
            let ours = ["slug", "name"].iter().any(|key| {
                let name = metadata.get(*key).and_then(Json::as_str).unwrap_or_default();
                name.to_ascii_lowercase().contains(self.import.sink)
            });
            if !ours {
                return;
            }
            self.named = true;
        }
        if let Some(Json::Object(mut settings)) = object.remove("settings") {
            self.destinations += 1;
            self.beside(&mut settings, depth);
            self.settings = settings;
            if object.get("enabled") == Some(&Json::Bool(false)) {
                let note = "the destination is switched off at Segment; this sink is on as soon as it is in the file";
                self.notes.push(note.to_owned());
            }
            if object
                .get("filters")
                .is_some_and(|filters| *filters != Json::Array(Vec::new()))
            {
                let note =
                    "filters of the destination: not carried over; a transform of type \"filter\" can do it";
                self.notes.push(note.to_owned());
            }
        }
        for key in ["data", "destination", "destinations"] {
            if let Some(inner) = object.remove(key) {
                self.value(inner, depth + 1);
            }
        }
        self.beside(&mut object, depth);
    }

    /// Subscriptions in one of the places where they can stand.
    fn beside(&mut self, object: &mut Map<String, Json>, depth: usize) {
        for key in [
            "subscriptions",
            "subscription",
            "destinationSubscription",
            "presets",
        ] {
            if let Some(inner) = object.remove(key) {
                self.value(inner, depth + 1);
            }
        }
    }
}
