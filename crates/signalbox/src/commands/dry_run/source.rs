//! Reads the text of an input as a source would.

use std::sync::Arc;

use signalbox_core::{Event, RejectedInput};
use signalbox_segment::ingest::{Origin, Reception, decode, read_as_is, read_pasted, value_too_long};
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

/// Returns the events of a text. With `raw` the text is one event, taken as it is.
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
    read_pasted(text, &reception)
}

fn now_millis() -> i64 {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    i64::try_from(since_epoch.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}
