//! Errors and warnings about triggers, with their positions.

use std::fmt;

/// A syntax error, at which Segment refuses the trigger too, or a warning about a misleading part, whose meaning
/// differs from its look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TriggerFault {
    /// A stable code for counting; `syntax` for an error.
    pub code: &'static str,
    /// Description of the fault, or of the actual meaning.
    pub message: String,
    /// Line, from 1.
    pub line: usize,
    /// Character in the line, from 1.
    pub column: usize,
}

impl TriggerFault {
    pub(super) fn new(text: &str, at: usize, code: &'static str, message: impl Into<String>) -> Self {
        let (line, column) = line_and_column(text, at);
        TriggerFault {
            code,
            message: message.into(),
            line,
            column,
        }
    }

    pub(super) fn error(text: &str, at: usize, message: impl Into<String>) -> Self {
        TriggerFault::new(text, at, "syntax", message)
    }
}

impl fmt::Display for TriggerFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {}, column {})", self.message, self.line, self.column)
    }
}

impl std::error::Error for TriggerFault {}

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
