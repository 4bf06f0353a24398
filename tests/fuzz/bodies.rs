//! The bodies of the fuzz targets; the integration tests run them on the seeds.

use bumpalo::Bump;
use signalbox_core::{Document, Event, Receipt};
use signalbox_journal::{decode_frame, encode_frame};
use signalbox_segment::fql::Trigger;
use signalbox_segment::ingest::{Endpoint, EventType, Origin, Reception, decode, read_event, split};
use signalbox_segment::mapping::Mapping;
use signalbox_segment::time::Millis;
use signalbox_segment::value::{Numbers, Value};

const EVENT: &str = r#"{"type":"track","event":"Order Completed","messageId":"m","userId":"u","timestamp":"2026-03-01T12:00:00.000Z",
"context":{"traits":{"email":"ada@example.com","address":{"city":"Sample City"}}},
"properties":{"total":73.5,"big":12345678901234567890,"tags":["a","b"],"products":[{"sku":"S-1","price":"3"},{"sku":"S-2"},null]}}"#;

/// The body of a request, as a batch, as a single event, and as a line of a file.
pub(crate) fn ingest(data: &[u8]) {
    let Ok(text) = decode(data) else { return };
    let reception = Reception {
        source: "fuzz".into(),
        received: Millis(1_772_366_400_000),
        origin: Origin::Unknown,
        ip: Some([203, 0, 113, 7].into()),
        user_agent: Some("UA/1"),
        live: true,
    };
    let mut events = vec![read_event(text, &reception)];
    for endpoint in [
        Endpoint::Batch,
        Endpoint::Single(EventType::Track),
        Endpoint::Single(EventType::Identify),
    ] {
        if let Ok(envelope) = split(text, endpoint) {
            let _ = envelope.write_key();
            let count = envelope.len();
            let read = envelope.events(&reception);
            assert_eq!(read.len(), count);
            events.extend(read);
        }
    }
    for event in events.into_iter().flatten() {
        assert!(!event.message_id().is_empty() && !event.event_type().is_empty());
        let json = event.to_json();
        let again = Event::parse(&json, event.receipt().clone()).expect("what an event writes is an event");
        assert_eq!(again.to_json(), json);
    }
}

/// Splits the bytes at the last line break: a trigger, then the event it judges.
pub(crate) fn fql(data: &[u8]) {
    let Some((text, event)) = halves(data) else { return };
    let Ok(trigger) = Trigger::parse(text) else { return };
    assert_eq!(
        trigger.matches(event.root()),
        trigger.evaluate(event.root()).unwrap_or(false)
    );
    // The language has no escapes, so its rendering for people does not always parse back to the same trigger.
    let again = trigger
        .meaning()
        .and_then(|meaning| Trigger::parse(&meaning).ok());
    if let Some(again) = again.filter(|again| again.tree() == trigger.tree()) {
        assert_eq!(again.evaluate(event.root()), trigger.evaluate(event.root()));
    }
}

/// A mapping, and after its last line break the event it is applied to.
pub(crate) fn mapping(data: &[u8]) {
    let Some((text, event)) = halves(data) else { return };
    let Ok(json) = serde_json::from_str(text) else {
        return;
    };
    let Ok(mapping) = Mapping::compile(&json) else {
        return;
    };
    let arena = Bump::new();
    let mut failed = Vec::new();
    let strictly = mapping.resolve(event.root(), &arena);
    let leniently = mapping.resolve_leniently(event.root(), &arena, &mut failed);
    for payload in [strictly, leniently].into_iter().flatten() {
        if matches!(payload, Value::Undefined) {
            continue;
        }
        let mut json = Vec::new();
        payload.write_json(&mut json, Numbers::Source);
        let read = serde_json::from_slice::<serde_json::Value>(&json);
        let deep = |error: &serde_json::Error| error.to_string().starts_with("recursion limit");
        assert!(
            read.as_ref().err().is_none_or(deep),
            "a payload is JSON: {read:?}"
        );
    }
}

/// A frame of the journal, whole or without a valid checksum.
pub(crate) fn frame(data: &[u8]) {
    let _ = decode_frame(data, true);
    let Ok(events) = decode_frame(data, false) else {
        return;
    };
    let Some(first) = events.first().map(|(position, _)| *position) else {
        return;
    };
    let written: Vec<(String, Receipt)> = events
        .iter()
        .map(|(_, e)| (e.to_json(), e.receipt().clone()))
        .collect();
    // Near the end of all positions there is no room for a frame.
    if first > u64::MAX / 2 {
        return;
    }
    let bytes = encode_frame(first, events.into_iter().map(|(_, event)| event).collect());
    let again = decode_frame(&bytes, true).expect("what is written is read");
    let read: Vec<(String, Receipt)> = again
        .iter()
        .map(|(_, e)| (e.to_json(), e.receipt().clone()))
        .collect();
    assert_eq!(read, written);
}

/// Text before the last line break, and the event after it, or a usual one if that is none.
fn halves(data: &[u8]) -> Option<(&str, Document)> {
    let text = std::str::from_utf8(data).ok()?;
    let (text, event) = text.rsplit_once('\n').unwrap_or((text, ""));
    let event = Document::parse(event).or_else(|_| Document::parse(EVENT));
    Some((text, event.ok()?))
}
