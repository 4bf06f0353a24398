//! What is wrong with a payload or a schema.

use std::fmt;

/// A value that does not fit its field. Names types and lengths, never values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Where: `custom_data.contents[1].item_price`; empty for the whole payload.
    pub path: String,
    /// Segment's sentence, with subject and full stop.
    pub message: String,
    /// What is wrong.
    pub kind: FieldErrorKind,
}

/// The ways a value can fail its field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldErrorKind {
    /// Of another type, and not to be converted.
    Type,
    /// A required member is not there.
    Missing,
    /// Not among the choices.
    Choice,
    /// A number out of its limits.
    Limit,
    /// A text too short or too long.
    Length,
    /// A text that is no date.
    Format,
}

impl FieldErrorKind {
    /// A stable code for counting.
    pub fn code(self) -> &'static str {
        match self {
            FieldErrorKind::Type => "type",
            FieldErrorKind::Missing => "missing",
            FieldErrorKind::Choice => "choice",
            FieldErrorKind::Limit => "limit",
            FieldErrorKind::Length => "length",
            FieldErrorKind::Format => "format",
        }
    }
}

impl fmt::Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FieldError {}

/// A field table that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaError {
    /// The field, `parent.child`.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

impl std::error::Error for SchemaError {}
