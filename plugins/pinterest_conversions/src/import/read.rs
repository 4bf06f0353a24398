//! Finds the destination and its subscriptions in whatever form they come.

use serde_json::{Map, Value as Json};
use signalbox_core::ImportError;

/// How many wrappers (`data`, `destination`) may stand around each other.
const DEEPEST: usize = 6;

/// What a subscription has and a destination has not.
const OF_SUBSCRIPTIONS: [&str; 5] = ["partnerAction", "actionSlug", "actionId", "subscribe", "trigger"];

/// A destination taken apart.
#[derive(Default)]
pub(super) struct Found {
    pub(super) settings: Map<String, Json>,
    pub(super) subscriptions: Vec<Map<String, Json>>,
    pub(super) notes: Vec<String>,
    destinations: usize,
    /// Something names Pinterest.
    named: bool,
}

impl Found {
    /// Reads one JSON text, or several behind each other.
    pub(super) fn read(text: &str) -> Result<Found, ImportError> {
        let mut found = Found::default();
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
        let ours = found.named || found.settings.contains_key("ad_account_id");
        if ours || found.subscriptions.iter().any(of_pinterest) {
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
            let pinterest = ["slug", "name"].iter().any(|key| {
                let name = metadata.get(*key).and_then(Json::as_str).unwrap_or_default();
                name.to_ascii_lowercase().contains("pinterest")
            });
            if !pinterest {
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

/// Whether a subscription names Pinterest's one action.
pub(super) fn of_pinterest(subscription: &Map<String, Json>) -> bool {
    ["partnerAction", "actionSlug"].iter().any(|key| {
        let name = subscription.get(*key).and_then(Json::as_str).unwrap_or_default();
        let letters = name.chars().filter(char::is_ascii_alphanumeric);
        letters
            .collect::<String>()
            .eq_ignore_ascii_case("reportConversionEvent")
    })
}
