//! Values as a caller may see them.

use std::collections::{HashMap, HashSet};

use signalbox_core::json::Content;
use signalbox_core::privacy::looks_personal;
use signalbox_core::{Document, Event, Firing, RequestText, Sha256Hex, Sink};

use super::leaves::{Edit, Keep, Leaf, leaves, rewrite, text_of};
use crate::life::fields::is_personal;
use crate::tap_lines::TapLines;

/// Stands for a value that is not shown.
const HIDDEN: &str = "…";
/// Shortest text whose copies inside other texts are looked for; shorter ones occur anywhere.
const SHORTEST: usize = 4;
/// Longest value that is shown, in characters.
const SHOWN: usize = 300;

/// The values of one event that a caller may see.
pub(super) struct Mask {
    /// The event as it may be shown; `None` if every value may be seen.
    safe: Option<Safe>,
}

struct Safe {
    event: Option<Event>,
    /// The texts by path.
    texts: HashMap<String, String>,
    /// The texts of the event that are not shown as they are.
    hidden: HashSet<String>,
}

impl Mask {
    /// Prepares the mask of an event. Without `plain`, `hash_pii` with its default paths hashes a copy, and values that still
    /// look personal are hidden, as in a tap.
    pub(super) fn of(event: &Event, plain: bool) -> Mask {
        if plain {
            return Mask { safe: None };
        }
        let text = TapLines::new(false).safe(event);
        let copy = text.and_then(|text| Event::parse(&text, event.receipt().clone()).ok());
        let shown = copy.as_ref().map(|copy| leaves(copy.root())).unwrap_or_default();
        // A tap shows what no rule hashes, such as the user agent; here it is hidden like on the page of an event.
        let shown = shown
            .into_iter()
            .filter(|leaf| !is_personal(last_key(&leaf.path)));
        let texts: HashMap<String, String> = shown.map(|leaf| (leaf.path, leaf.text)).collect();
        let hidden = leaves(event.root()).into_iter();
        // A short number, a boolean or null tells nothing, and stands in many records.
        let may_tell = |leaf: &Leaf| leaf.is_text || leaf.text.len() > SHORTEST;
        let hidden = hidden.filter(|leaf| may_tell(leaf) && texts.get(&leaf.path) != Some(&leaf.text));
        Mask {
            safe: Some(Safe {
                hidden: hidden
                    .map(|leaf| leaf.text)
                    .filter(|text| !text.is_empty())
                    .collect(),
                event: copy,
                texts,
            }),
        }
    }

    /// Returns a value of the event as it may be shown.
    pub(super) fn of_event(&self, leaf: &Leaf) -> String {
        match &self.safe {
            None => cut(&leaf.text),
            Some(safe) => cut(safe.texts.get(&leaf.path).map_or(HIDDEN, String::as_str)),
        }
    }

    /// Returns a value of a record as it may be shown. Hashes are shown.
    pub(super) fn of_record(&self, text: &str) -> String {
        match &self.safe {
            Some(safe) if safe.hides(text) => HIDDEN.to_owned(),
            _ => cut(text),
        }
    }

    /// Returns the answers of a sink's mappings with the values that may be shown.
    pub(super) fn firings(&self, sink: &dyn Sink, event: &Event) -> Vec<Firing> {
        let mut firings = sink.firings(event);
        if let Some(safe) = &self.safe {
            let shown = safe
                .event
                .as_ref()
                .map(|event| sink.firings(event))
                .unwrap_or_default();
            for (index, firing) in firings.iter_mut().enumerate() {
                let shown = shown.get(index).and_then(|firing| firing.trigger.as_ref());
                if let Some(trigger) = &mut firing.trigger {
                    trigger.show_values_of(shown);
                }
            }
        }
        firings
    }

    /// Returns a request with the values that may be shown.
    pub(super) fn request(&self, request: RequestText) -> RequestText {
        let Some(mut safe) = self.safe.as_ref() else {
            return request;
        };
        let document = Document::parse(&request.body).ok();
        let body = document.map(|document| rewrite(document.root(), &mut safe));
        RequestText {
            body: body.unwrap_or_else(|| HIDDEN.to_owned()),
            ..request
        }
    }
}

impl Edit for &Safe {
    fn leaf(&mut self, leaf: Content<'_>) -> Keep {
        match self.hides(&text_of(leaf)) {
            true => Keep::Json(format!("\"{HIDDEN}\"")),
            false => Keep::Same,
        }
    }

    fn key<'k>(&self, key: &'k str) -> &'k str {
        if self.hides(key) { HIDDEN } else { key }
    }
}

impl Safe {
    /// Returns true for a text that is not shown.
    fn hides(&self, text: &str) -> bool {
        if Sha256Hex::from_prehashed(text).is_some() {
            return false;
        }
        let holds = |hidden: &String| hidden.len() >= SHORTEST && text.contains(hidden.as_str());
        self.hidden.contains(text) || looks_personal(text) || self.hidden.iter().any(holds)
    }
}

/// Returns the last key of a path.
fn last_key(path: &str) -> &str {
    let (_, key) = path.rsplit_once('.').unwrap_or(("", path));
    key.split_once('[').map_or(key, |(key, _)| key)
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
