//! The watch for personal values that a source's hashing transform left plain.
//!
//! After the transforms of a source that hashes, values that look like an e-mail address or a phone number are counted by
//! their path, and a path that was never seen is logged. Values are never kept. Events without such a value, nearly all, cost
//! one pass over their texts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use signalbox_core::privacy::{Class, Found, Look, Meaning, Place, looks_like, looks_like_phone_number};
use signalbox_core::{Event, Kind, Node, Warning};

/// One event of this number is looked at in full: its keys too, and numbers under the keys of phones.
const SAMPLE: u32 = 64;
/// Most paths that one source counts; later ones are counted together.
const MOST: usize = 64;
/// The path under which further ones are counted.
const OTHER: &str = "other";
/// Most steps of a path that are shown.
const STEPS: usize = 8;
/// Stands for a key that a client may have chosen.
const MASKED: &str = "*";

/// Counts of values by kind and path, as `email properties.note`.
#[derive(Debug, Default)]
pub struct PlainValues(Mutex<BTreeMap<String, u64>>);

impl PlainValues {
    /// Counts a value; true if its path is new.
    fn add(&self, look: Look, path: &str) -> bool {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut key = key(look, path);
        if counts.len() >= MOST && !counts.contains_key(&key) {
            key = self::key(look, OTHER);
        }
        let count = counts.entry(key).or_default();
        *count += 1;
        *count == 1
    }

    /// Returns all counts.
    pub fn snapshot(&self) -> BTreeMap<String, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn key(look: Look, path: &str) -> String {
    format!("{} {path}", look.name())
}

/// Looks at the events of one source.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Paths that stay plain by the settings, with everything below them.
    kept: Vec<String>,
    turn: AtomicU32,
}

impl Watch {
    /// Makes the watch for a source whose transforms keep these paths plain.
    pub(crate) fn new(kept: Vec<String>) -> Watch {
        Watch {
            kept,
            turn: AtomicU32::new(0),
        }
    }

    /// Counts the plain values of an event, and logs paths that are new.
    pub(crate) fn look(&self, event: &Event, source: &str, counts: &PlainValues) {
        let in_full = self.turn.fetch_add(1, Relaxed).is_multiple_of(SAMPLE);
        if !in_full && !event.root().any_string(|text| looks_like(text).is_some()) {
            return;
        }
        self.each(event, in_full, &mut |look, path| {
            if counts.add(look, path) {
                tracing::warn!(
                    source,
                    path,
                    kind = look.name(),
                    "a value that looks personal was left plain; name its path in `paths` of hash_pii, or in `keep` if it \
                     is meant to stay"
                );
            }
        });
    }

    /// Returns a warning for each path with a plain value.
    pub(crate) fn warnings(&self, event: &Event) -> Vec<Warning> {
        let mut warnings: Vec<Warning> = Vec::new();
        self.each(event, true, &mut |look, path| {
            let what = match look {
                Look::Email => "an e-mail address",
                Look::Phone => "a phone number",
            };
            if !warnings.iter().any(|warning| warning.path == path) {
                let message = format!("looks like {what}, and no transform of the source hashed it");
                warnings.push(Warning::new("left_plain", path, message));
            }
        });
        warnings
    }

    fn each(&self, event: &Event, in_full: bool, tell: &mut dyn FnMut(Look, &str)) {
        let mut walk = Walk {
            kept: &self.kept,
            in_full,
            path: String::new(),
            tell,
        };
        walk.members(event.root(), Place::root(event.event_type() == "group"), 0);
    }
}

/// A walk through an event.
struct Walk<'a> {
    kept: &'a [String],
    in_full: bool,
    path: String,
    tell: &'a mut dyn FnMut(Look, &str),
}

impl Walk<'_> {
    /// Looks at the members of an object or the items of a list, not deeper than the document, which is bounded.
    fn members(&mut self, node: Node<'_>, place: Place, depth: usize) {
        for child in node.children() {
            let length = self.path.len();
            let key = child.key();
            let is_member = node.kind() == Kind::Object;
            if is_member && depth < STEPS {
                self.path.push_str(if depth == 0 { "" } else { "." });
                self.path.push_str(if is_shown(key) { key } else { MASKED });
            }
            if is_member
                && self.in_full
                && let Some(look) = looks_like(key)
            {
                self.found(look);
            }
            let class = if is_member && self.in_full {
                Class::of(key)
            } else {
                Class::default()
            };
            match child.kind() {
                Kind::Object | Kind::Array => {
                    let below = place.below(key, class).unwrap_or(place);
                    self.members(child, below, depth + usize::from(is_member));
                }
                Kind::String | Kind::Number => {
                    if let Some(look) = look_of(child, place, class) {
                        self.found(look);
                    }
                }
                Kind::Null | Kind::Bool => {}
            }
            self.path.truncate(length);
        }
    }

    fn found(&mut self, look: Look) {
        let is_kept = self.kept.iter().any(|kept| {
            let rest = self.path.strip_prefix(kept.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        });
        if !is_kept {
            (self.tell)(look, &self.path);
        }
    }
}

/// Returns the kind that a value looks like by its form, or by its key.
fn look_of(value: Node<'_>, place: Place, class: Class) -> Option<Look> {
    let text = value.as_str().or_else(|| value.number_text())?;
    looks_like(text).or_else(|| {
        let is_phone = place.found(class) == Some(Found::Personal(Meaning::Phone));
        (is_phone && looks_like_phone_number(text)).then_some(Look::Phone)
    })
}

/// Returns true for a key that looks like the name of a field. Any other may be a text that a client chose, such as an e-mail
/// address.
fn is_shown(key: &str) -> bool {
    const LONGEST: usize = 40;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$');
    !key.is_empty()
        && key.len() <= LONGEST
        && key.chars().all(plain)
        && key.bytes().filter(u8::is_ascii_digit).count() < 7
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use signalbox_core::Receipt;

    use super::*;

    fn event(payload: &Value) -> Event {
        let receipt = Receipt {
            source: "web".into(),
            received_at: 0,
        };
        Event::parse(&payload.to_string(), receipt).unwrap()
    }

    fn counted(watch: &Watch, payload: &Value) -> Vec<(String, u64)> {
        let counts = PlainValues::default();
        watch.look(&event(payload), "web", &counts);
        counts.snapshot().into_iter().collect()
    }

    #[test]
    fn plain_values_are_counted_by_path() {
        let payload = json!({
            "type": "track", "event": "A", "messageId": "m", "userId": "ada@example.com",
            "properties": {
                "note": "call ada@example.com", "kept": { "by": "ada@example.com" }, "products": [{ "by": "+14155550100" }, { "by": "x" }],
                "grace@example.com": true, "tel": "0612345678", "order": "0612345678", "hash": "0".repeat(64),
                "t447946012345": "ada@example.com",
            },
        });
        let watch = Watch::new(vec!["properties.kept".to_owned()]);
        let expected = [
            ("email properties.*", 2),
            ("email properties.note", 1),
            ("email userId", 1),
            ("phone properties.products.by", 1),
            ("phone properties.tel", 1),
        ];
        let expected = expected.map(|(key, count)| (key.to_owned(), count));
        assert_eq!(counted(&watch, &payload), expected);
        // The second event is not looked at in full: neither its keys nor what only a key tells.
        let second = counted(&watch, &payload);
        assert_eq!(second.len(), 4);
        assert!(second.contains(&("email properties.*".to_owned(), 1)));
        let paths: Vec<String> = watch
            .warnings(&event(&payload))
            .into_iter()
            .map(|w| w.path)
            .collect();
        assert_eq!(paths.len(), 5, "{paths:?}");
    }

    #[test]
    fn the_number_of_paths_is_bounded() {
        let counts = PlainValues::default();
        for at in 0..2 * MOST {
            counts.add(Look::Email, &format!("a.f{at}"));
        }
        let counts = counts.snapshot();
        assert_eq!(counts.len(), MOST + 1);
        assert_eq!(counts["email other"], MOST as u64);
    }
}
