//! Errors of payloads and schemas.

/// A value that does not fit its field. Names types and lengths, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Path of the value: `custom_data.contents[1].item_price`; empty for the whole payload.
    pub path: String,
    /// Segment's sentence, with subject and full stop.
    pub message: String,
    /// Kind of the mismatch.
    pub kind: FieldErrorKind,
}

/// The ways a value can fail its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldErrorKind {
    /// A value of another type that cannot be converted.
    Type,
    /// A required member that is absent.
    Missing,
    /// A value that is not among the choices.
    Choice,
    /// A number outside its limits.
    Limit,
    /// A text too short or too long.
    Length,
    /// A text that is not a date.
    Format,
}
