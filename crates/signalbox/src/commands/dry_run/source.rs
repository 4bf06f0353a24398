//! Reads the text of an input as a source would.

use std::sync::Arc;

use signalbox_core::json::Lenient;
use signalbox_core::{Document, Event, RejectedInput, Warning};
use signalbox_segment::ingest::{
    Endpoint, EventType, Origin, Reception, decode, is_batch, read_as_is, read_event, split, value_too_long,
};
use signalbox_segment::time::Millis;

/// Returns the events of a value of an input; without text it was too long.
pub(super) fn read(text: Option<&[u8]>, raw: bool, source: &Arc<str>) -> Vec<Result<Event, RejectedInput>> {
    let text = text.ok_or_else(value_too_long);
    match text.and_then(|text| decode(text.trim_ascii())) {
        Ok(text) => events(text, raw, source),
        Err(reason) => vec![Err(RejectedInput {
            message_id: None,
            reason,
        })],
    }
}

/// Returns the events of a text: a body of `/v1/batch` has several, and an event without `type` that has a name is the body of
/// `/v1/track`. With `raw` the text is one event, taken as it is.
fn events(text: &str, raw: bool, source: &Arc<str>) -> Vec<Result<Event, RejectedInput>> {
    let reception = Reception {
        source: source.clone(),
        received: Millis(now_millis()),
        origin: Origin::Unknown,
        ip: None,
        user_agent: None,
        live: false,
    };
    if raw {
        return vec![read_as_is(text, &reception)];
    }
    let Some(endpoint) = endpoint(text) else {
        return vec![one(text, &reception)];
    };
    match split(text, endpoint) {
        Ok(envelope) => envelope.events(&reception),
        Err(reason) => vec![Err(RejectedInput {
            message_id: None,
            reason,
        })],
    }
}

/// Returns the path of the Tracking API that a text without `type` is for.
fn endpoint(text: &str) -> Option<Endpoint> {
    if is_batch(text) {
        return Some(Endpoint::Batch);
    }
    let Lenient { document, .. } = Document::parse_lenient(text).ok()?;
    let root = document.root();
    let named = root.get("event").is_some() && root.get("type").is_none();
    named.then_some(Endpoint::Single(EventType::Track))
}

/// Reads a complete event. One of nobody is still shown, with the warning that a source rejects it: its records tell more.
fn one(text: &str, reception: &Reception<'_>) -> Result<Event, RejectedInput> {
    match read_event(text, reception) {
        Err(rejected) if rejected.reason.code() == "no_user_anon_id" => {
            let mut event = read_as_is(text, reception)?;
            let message = "a source rejects this event: it has neither userId nor anonymousId";
            let warning = Warning::new("no_user_anon_id", "userId", message);
            event.facts_mut().warnings.push(warning);
            Ok(event)
        }
        read => read,
    }
}

fn now_millis() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since_epoch.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}
