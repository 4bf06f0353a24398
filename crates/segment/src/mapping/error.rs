//! Errors of mappings, at load and at run time.

use crate::value::Type;
use std::borrow::Cow;
use std::fmt;

/// The moment at which Segment finds a mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MappingErrorKind {
    /// At the check of the mapping, before any event.
    Validation,
    /// At the evaluation of an event.
    Runtime,
}

/// One mistake in a mapping, found at load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappingError {
    /// Keys from the root joined by `/`, beginning with `/`.
    pub path: String,
    /// Description of the mistake in Segment's words, without the path.
    pub message: String,
    /// The moment at which Segment finds it.
    pub kind: MappingErrorKind,
}

impl MappingError {
    pub(super) fn validation(path: impl Into<String>, message: impl Into<String>) -> Self {
        MappingError {
            path: path.into(),
            message: message.into(),
            kind: MappingErrorKind::Validation,
        }
    }

    pub(super) fn runtime(message: &str) -> Self {
        MappingError {
            path: "/".into(),
            message: message.into(),
            kind: MappingErrorKind::Runtime,
        }
    }
}

impl fmt::Display for MappingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            MappingErrorKind::Validation => write!(f, "{} {}.", self.path, self.message),
            MappingErrorKind::Runtime => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for MappingError {}

/// All mistakes of one mapping, in document order; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompileError {
    /// The mistakes.
    pub errors: Vec<MappingError>,
}

impl From<MappingError> for CompileError {
    fn from(error: MappingError) -> Self {
        CompileError { errors: vec![error] }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl std::error::Error for CompileError {}

/// A failure of a directive on an event. Names types, never values.
#[derive(Clone, Debug)]
pub struct RuntimeError(Box<Inner>);

#[derive(Clone, Debug)]
struct Inner {
    field: Option<Box<str>>,
    message: Cow<'static, str>,
    kind: MappingErrorKind,
}

impl RuntimeError {
    pub(super) fn new(message: impl Into<Cow<'static, str>>) -> Self {
        RuntimeError(Box::new(Inner {
            field: None,
            message: message.into(),
            kind: MappingErrorKind::Runtime,
        }))
    }

    /// Wraps the errors of a mapping inside `@transform` that Segment checks only when it runs.
    pub(super) fn late_validation(error: &CompileError) -> Self {
        let kind = error
            .errors
            .first()
            .map_or(MappingErrorKind::Validation, |error| error.kind);
        RuntimeError(Box::new(Inner {
            field: None,
            message: error.to_string().into(),
            kind,
        }))
    }

    pub(super) fn not_an_object(found: Type) -> Self {
        RuntimeError::new(format!("data must be an object, got {}", found.name()))
    }

    pub(crate) fn in_field(mut self, field: &str) -> Self {
        self.0.field.get_or_insert_with(|| field.into());
        self
    }

    /// Returns the top-level field being mapped, if the mapping is an object of fields.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// Returns the description in Segment's words.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Returns `Validation` only for a mapping inside `@transform` inside a raw array, which Segment checks when it
    /// runs.
    pub fn kind(&self) -> MappingErrorKind {
        self.0.kind
    }
}

impl fmt::Display for RuntimeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field() {
            Some(field) => write!(f, "{field}: {}", self.message()),
            None => f.write_str(self.message()),
        }
    }
}

impl std::error::Error for RuntimeError {}
