//! Names of events that no mapping of a sink listens to.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use signalbox_core::Event;
use signalbox_core::privacy::{HIDDEN_NAME, shown_name};

/// Most names that one sink counts; later ones are counted together.
const MOST: usize = 100;
/// The name under which events are counted whose own name is one too many, or looks personal.
const OTHER: &str = HIDDEN_NAME;

/// Counts of track events by name, of this process.
#[derive(Debug, Default)]
pub struct Unheard(Mutex<BTreeMap<String, u64>>);

impl Unheard {
    /// Counts an event that no mapping listens to. Events without a name, such as page views, are left out.
    pub(crate) fn count(&self, event: &Event) {
        if event.event_type() != "track" {
            return;
        }
        let name = event.root().get("event").and_then(|name| name.as_str());
        let Some(name) = name.map(shown_name) else { return };
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = counts.len() >= MOST && !counts.contains_key(&name);
        let name = if full { OTHER.to_owned() } else { name };
        *counts.entry(name).or_default() += 1;
    }

    /// Returns the number of all events that were counted.
    pub fn total(&self) -> u64 {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .sum()
    }

    /// Returns all counts.
    pub fn snapshot(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::Receipt;

    use super::*;

    fn event(json: &str) -> Event {
        let receipt = Receipt {
            source: "s".into(),
            received_at: 0,
        };
        Event::parse(json, receipt).unwrap()
    }

    fn counted(calls: impl IntoIterator<Item = (&'static str, String)>) -> BTreeMap<String, u64> {
        let unheard = Unheard::default();
        for (kind, name) in calls {
            let json = serde_json::json!({ "type": kind, "event": name, "messageId": "m" });
            unheard.count(&event(&json.to_string()));
        }
        unheard.snapshot()
    }

    #[test]
    fn names_are_counted_unless_they_look_personal() {
        let names = [
            "Help Opened",
            "Help Opened",
            "ivy@example.com",
            "Mail to ivy%40example.com",
            "+49 30 901820",
            "030 901820 11",
        ];
        let found = counted(names.map(|name| ("track", name.to_owned())));
        assert_eq!(
            found,
            [("Help Opened".to_owned(), 2), (OTHER.to_owned(), 4)].into()
        );
        let found = counted([("page", "Home".to_owned()), ("track", "ü".repeat(500))]);
        assert_eq!(found, [("ü".repeat(100), 1)].into());
    }

    #[test]
    fn the_table_is_bounded() {
        let letters = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
        let names = (0..26 * 26).map(|n| ("track", format!("{} {}", letters(n / 26), letters(n))));
        let found = counted(names);
        assert_eq!(found.len(), MOST + 1);
        assert_eq!(found[OTHER], 26 * 26 - MOST as u64);
    }
}
