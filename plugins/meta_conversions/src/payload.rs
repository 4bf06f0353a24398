//! Parts of the payload that a mapping gave.

use signalbox_segment::value::Value;

/// Returns a required text of the event.
pub(crate) fn text<'a>(payload: Value<'a>, key: &str) -> &'a str {
    payload.get(key).as_str().unwrap_or_default()
}

/// A top-level member of a coerced payload, by its place in the field table.
macro_rules! top {
    ($payload:expr, $key:literal) => {
        signalbox_conversions::encode::member_at(
            $payload,
            const { signalbox_conversions::encode::place($crate::fields::FIELDS, $key) },
        )
    };
}
pub(crate) use top;
