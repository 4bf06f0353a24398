//! Parts of the payload that a mapping gave.

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
