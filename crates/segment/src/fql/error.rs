//! Errors and warnings about triggers, with their positions.

use std::fmt;

/// A range of bytes of the trigger's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Index of the first byte.
    pub start: usize,
    /// Index behind the last byte.
    pub end: usize,
}

/// A syntax error, at which Segment refuses the trigger too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FqlError {
    /// Description of the fault.
    pub message: String,
    /// Range of the fault.
    pub span: Span,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

impl FqlError {
    pub(super) fn new(text: &str, span: Span, message: impl Into<String>) -> Self {
        let (line, column) = line_and_column(text, span.start);
        FqlError {
            message: message.into(),
            span,
            line,
            column,
        }
    }
}

impl fmt::Display for FqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {})", self.message, self.line, self.column)
    }
}

impl std::error::Error for FqlError {}

/// A misleading part of a trigger: its meaning differs from its look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerWarning {
    /// A stable code for counting.
    pub code: &'static str,
    /// Description of the actual meaning.
    pub message: String,
    /// Range of the part.
    pub span: Span,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

impl TriggerWarning {
    pub(super) fn new(text: &str, span: Span, code: &'static str, message: impl Into<String>) -> Self {
        let (line, column) = line_and_column(text, span.start);
        TriggerWarning {
            code,
            message: message.into(),
            span,
            line,
            column,
        }
    }
}

impl fmt::Display for TriggerWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {})", self.message, self.line, self.column)
    }
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// A failed evaluation: it reached an empty group or path, or there is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvaluationError;

impl fmt::Display for EvaluationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the trigger cannot be evaluated: it holds an empty group or path, or there is no event")
    }
}

impl std::error::Error for EvaluationError {}
