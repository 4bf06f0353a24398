//! Parts of the payload that a mapping gave.

use signalbox_segment::value::Value;

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

/// Returns true if the record is written in the latest format.
pub(crate) fn is_latest(payload: Value<'_>) -> bool {
    top!(payload, "data_format").as_str() == Some("latest")
}

/// Returns the products of the event, which the formats keep in different fields.
pub(crate) fn contents(payload: Value<'_>) -> Value<'_> {
    if is_latest(payload) {
        top!(payload, "contents")
    } else {
        top!(payload, "custom_data").get("contents")
    }
}
