//! Tapped events as lines of JSON, without personal values unless the operator asks for them.

use serde::Serialize;
use signalbox_core::escape::plain_json;
use signalbox_core::json::Content;
use signalbox_core::privacy::{Meaning, looks_like_phone_number, looks_personal, meaning, shown_name};
use signalbox_core::{Event, Flow, Node, Transform};
use signalbox_journal::Position;

use crate::dead_letters::hasher;
use crate::delivery::guard;
use crate::tap::{Tapped, TappedRecord};

/// Stands for a value or a key that is not shown.
const HIDDEN: &str = "…";

/// Writes tapped events as lines of JSON.
pub struct TapLines {
    plain: bool,
    /// Hashes events; `None` if the plugin for it is not linked, and for plain lines.
    hasher: Option<Box<dyn Transform>>,
}

#[derive(Serialize)]
struct Head<'a> {
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sink: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Position>,
    outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    records: Vec<Made<'a>>,
}

#[derive(Serialize)]
struct Made<'a> {
    mapping: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

impl TapLines {
    /// Makes a writer. `plain` shows events as they are. Otherwise `hash_pii` with its default paths hashes a copy, and the
    /// writer hides what still looks personal or secret.
    #[must_use]
    pub fn new(plain: bool) -> TapLines {
        TapLines {
            plain,
            hasher: if plain { None } else { hasher() },
        }
    }

    /// Writes an event as one line, with its newline, in a form that cannot command a terminal. The member `event` is null if
    /// the event is not at hand or cannot be hashed.
    #[must_use]
    pub fn line(&self, tapped: &Tapped) -> String {
        let head = Head {
            at: jiff::Timestamp::from_millisecond(tapped.at)
                .unwrap_or_default()
                .to_string(),
            source: tapped.source.as_deref(),
            sink: tapped.sink.as_deref(),
            position: tapped.position,
            outcome: tapped.outcome,
            reason: tapped.reason.as_ref().map(|reason| reason.code()),
            message: tapped.reason.as_ref().map(|reason| reason.message()),
            records: tapped.records.iter().map(|record| self.made(record)).collect(),
        };
        let mut line = serde_json::to_string(&head).unwrap_or_default();
        line.pop();
        line.push_str(",\"event\":");
        let event = tapped.event.as_deref().and_then(|event| self.event(event));
        line.push_str(event.as_deref().unwrap_or("null"));
        line.push_str("}\n");
        plain_json(&line).into_owned()
    }

    fn made<'a>(&self, record: &'a TappedRecord) -> Made<'a> {
        let shown = |name: &str| match self.plain {
            true => name.to_owned(),
            false => shown_name(name),
        };
        Made {
            mapping: &record.mapping,
            event_name: record.event_name.as_deref().map(shown),
            bytes: (record.bytes > 0).then_some(record.bytes),
            reason: record.reason.as_ref().map(|reason| reason.code()),
            message: record.reason.as_ref().map(|reason| reason.message()),
        }
    }

    fn event(&self, event: &Event) -> Option<String> {
        if self.plain {
            return Some(event.to_json());
        }
        self.safe(event)
    }

    /// Returns the event as JSON without personal values; `None` if it cannot be hashed.
    pub(crate) fn safe(&self, event: &Event) -> Option<String> {
        let hasher = self.hasher.as_ref()?;
        let mut copy = event.clone();
        // An event that could not be hashed is not shown.
        let flow = guard("transform_panicked", || hasher.apply(&mut copy)).ok()?;
        if flow != Flow::Pass {
            return None;
        }
        let mut out = String::new();
        write(copy.root(), &mut out);
        Some(out)
    }
}

/// Writes a value without the texts that look personal by their form, and without secrets.
fn write(node: Node<'_>, out: &mut String) {
    match node.content() {
        Content::Null => out.push_str("null"),
        Content::Bool(value) => out.push_str(if value { "true" } else { "false" }),
        Content::Number(text) => out.push_str(text),
        Content::String(text) => write_text(if is_shown(text) { text } else { HIDDEN }, out),
        Content::Array => {
            out.push('[');
            for (index, item) in node.items().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(item, out);
            }
            out.push(']');
        }
        Content::Object => {
            out.push('{');
            for (index, (key, value)) in node.members().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                let is_name = is_shown(key) && !looks_like_phone_number(key);
                write_text(if is_name { key } else { HIDDEN }, out);
                out.push(':');
                if is_hidden_key(key) && !value.is_null() {
                    write_text(HIDDEN, out);
                } else {
                    write(value, out);
                }
            }
            out.push('}');
        }
    }
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// True for a text that does not look like an e-mail address or a phone number and holds none.
fn is_shown(text: &str) -> bool {
    !looks_personal(text)
}

/// True for a key whose value `hash_pii` leaves, and no operator needs: the address of a device, the name of an account, a
/// secret.
fn is_hidden_key(key: &str) -> bool {
    let means = meaning(key).map(|key| key.meaning);
    key.eq_ignore_ascii_case("ip") || matches!(means, Some(Meaning::Login | Meaning::Secret))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};
    use signalbox_core::{Reason, Receipt};

    use super::*;

    fn tapped(payload: &Value) -> Tapped {
        let receipt = Receipt {
            source: "web".into(),
            received_at: 1,
        };
        Tapped {
            at: 1_795_953_601_000,
            source: Some("web".into()),
            sink: Some("ads".into()),
            position: Some(7),
            outcome: "mapped",
            reason: None,
            records: vec![TappedRecord {
                mapping: "Checkout".into(),
                event_name: Some("checkout".into()),
                bytes: 12,
                reason: None,
            }],
            event: Some(Arc::new(Event::parse(&payload.to_string(), receipt).unwrap())),
        }
    }

    #[test]
    fn what_looks_personal_by_its_form_or_key_is_hidden() {
        let payload = json!({
            "messageId": "ivy@example.com", "n": 12345678901234567890_u64, "ok": true, "none": null,
            "context": { "ip": "198.51.100.7" }, "tags": ["a", "+49 30 901820", { "ivy@example.com": 1 }],
            "properties": { "note": "mail ivy@example.com", "password": "hunter2", "username": "ivy7", "order_id": "A-1" },
        });
        let mut out = String::new();
        write(tapped(&payload).event.unwrap().root(), &mut out);
        for hidden in ["ivy", "198.51", "901820", "hunter2"] {
            assert!(!out.contains(hidden), "{hidden}: {out}");
        }
        let read: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(read["n"], payload["n"]);
        assert_eq!(read["properties"]["order_id"], "A-1");
        assert_eq!(read["tags"], json!(["a", "…", { "…": 1 }]));
    }

    #[test]
    fn plain_lines_show_the_event_and_command_no_terminal() {
        let payload = json!({ "event": "A\u{1b}[31m\u{9b}2J", "email": "ivy@example.com" });
        let line = TapLines::new(true).line(&tapped(&payload));
        assert!(
            line.ends_with("}\n") && !line.contains(['\u{1b}', '\u{9b}']),
            "{line}"
        );
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["event"], payload);
        assert_eq!(
            read["records"],
            json!([{ "mapping": "Checkout", "event_name": "checkout", "bytes": 12 }])
        );
        assert_eq!((&read["sink"], &read["position"]), (&json!("ads"), &json!(7)));
    }

    #[test]
    fn an_event_that_cannot_be_hashed_is_not_shown() {
        // The plugin that hashes is not linked here.
        let mut tapped = tapped(&json!({ "email": "ivy@example.com" }));
        tapped.reason = Some(Reason::new("no_trigger_matched", "no trigger matched"));
        let read: Value = serde_json::from_str(&TapLines::new(false).line(&tapped)).unwrap();
        assert!(read["event"].is_null(), "{read}");
        assert_eq!(read["reason"], "no_trigger_matched");
    }
}
