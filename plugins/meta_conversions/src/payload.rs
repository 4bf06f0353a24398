//! Parts of the payload that a mapping gave.

use signalbox_segment::value::Value;

/// Returns a required text of the event.
pub(crate) fn text<'a>(payload: Value<'a>, key: &str) -> &'a str {
    payload.get(key).as_str().unwrap_or_default()
}
