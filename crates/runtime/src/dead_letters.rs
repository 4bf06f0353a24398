//! What could not be delivered, and why.
//!
//! Kept in memory until a durable journal keeps them: the newest of each component, without payload. The
//! counts in the ledger are complete whatever is dropped here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use signalbox_core::{Reason, redact};

/// How many are kept for each component.
const KEPT: usize = 1_000;

/// One record (or input of a source) that ended undelivered. Holds no payload, so no personal data.
#[derive(Debug, Clone, Serialize)]
pub struct DeadLetter {
    /// The sink's name, or `source:NAME` for what never reached the journal.
    pub component: String,
    /// The event's `messageId`, if it could be read. An id that looks like personal data is blanked.
    pub message_id: String,
    /// The mapping that made the record; empty for a whole event.
    pub mapping: String,
    /// Stable code.
    pub reason: String,
    /// The sentence that goes with it.
    pub message: String,
    /// Attempts made.
    pub attempts: u32,
    /// Unix milliseconds of the first attempt (or of the arrival, if there was none).
    pub first_at: i64,
    /// Unix milliseconds of the end.
    pub last_at: i64,
}

impl DeadLetter {
    /// A dead letter that ended now.
    pub fn new(component: &str, message_id: &str, mapping: &str, reason: &Reason) -> DeadLetter {
        let now = now_millis();
        DeadLetter {
            component: component.to_owned(),
            // A shop may have put an e-mail address into the id.
            message_id: if message_id.contains('@') {
                redact(message_id)
            } else {
                message_id.to_owned()
            },
            mapping: mapping.to_owned(),
            reason: reason.code().to_owned(),
            message: reason.message().to_owned(),
            attempts: 0,
            first_at: now,
            last_at: now,
        }
    }
}

/// The dead letters of a pipeline.
#[derive(Debug, Default)]
pub struct DeadLetters(Mutex<BTreeMap<String, VecDeque<DeadLetter>>>);

impl DeadLetters {
    /// Keeps one; the oldest of the same component goes when there are too many.
    pub fn add(&self, letter: DeadLetter) {
        let mut map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let letters = map.entry(letter.component.clone()).or_default();
        if letters.len() == KEPT {
            letters.pop_front();
        }
        letters.push_back(letter);
    }

    /// The newest first, at most so many, of one component and one reason if given.
    pub fn list(&self, component: Option<&str>, reason: Option<&str>, limit: usize) -> Vec<DeadLetter> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut letters: Vec<DeadLetter> = map
            .values()
            .flatten()
            .filter(|letter| component.is_none_or(|name| letter.component == name))
            .filter(|letter| reason.is_none_or(|code| letter.reason == code))
            .cloned()
            .collect();
        letters.sort_by_key(|letter| std::cmp::Reverse(letter.last_at));
        letters.truncate(limit);
        letters
    }

    /// How many are kept, by component.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let map = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        map.iter()
            .map(|(name, letters)| (name.clone(), letters.len()))
            .collect()
    }
}

/// The wall clock in Unix milliseconds.
pub fn now_millis() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_newest_and_filters() {
        let letters = DeadLetters::default();
        let bad = Reason::new("bad", "is bad");
        for i in 0..KEPT + 5 {
            letters.add(DeadLetter {
                last_at: i as i64,
                ..DeadLetter::new("pin", &i.to_string(), "m", &bad)
            });
        }
        letters.add(DeadLetter::new(
            "source:web",
            "ada@example.com",
            "",
            &Reason::new("worse", ""),
        ));
        assert_eq!(letters.counts()["pin"], KEPT);
        assert_eq!(
            letters.list(Some("pin"), None, 1)[0].message_id,
            (KEPT + 4).to_string()
        );
        assert_eq!(letters.list(None, Some("worse"), 9)[0].message_id, "…");
        assert!(letters.list(Some("pin"), Some("worse"), 9).is_empty());
    }
}
