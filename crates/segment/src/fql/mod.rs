//! FQL as action triggers use it: which events an action is for.
//!
//! This is the language Segment's open-source destination-subscriptions runs, not the documented one of destination
//! filters: it reads left to right and skips what it does not know. It is read the same way here, so a trigger fires
//! for the same events; but every place where it does not mean what it seems to say is reported by
//! [`Trigger::warnings`], and [`Trigger::meaning`] writes down what is really asked.
//!
//! ```
//! use signalbox_core::Document;
//! use signalbox_segment::fql::Trigger;
//!
//! let trigger = Trigger::parse(r#"type = "track" and event = "Order Completed""#)?;
//! let event = Document::parse(r#"{"type":"track","event":"Order Completed"}"#)?;
//! assert!(trigger.matches(event.root()));
//! assert!(trigger.warnings().is_empty());
//!
//! let doubtful = Trigger::parse("type = \"track\" OR event = \"Signed Up\"")?;
//! assert_eq!(doubtful.warnings()[0].code, "ignored_conjunction");
//! assert_eq!(doubtful.meaning().as_deref(), Some("type = \"track\" and event = \"Signed Up\""));
//!
//! assert_eq!(Trigger::parse("type !=\"page\"").unwrap_err().column, 6);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ast;
mod error;
mod eval;
mod lex;
mod parse;

pub use ast::{Condition, Field, Literal};
pub use error::{EvaluationError, FqlError, Span, TriggerWarning};

use crate::value::Value;
use eval::Program;

/// A trigger, read once and ready to be asked about events. Asking allocates nothing.
#[derive(Debug)]
pub struct Trigger {
    tree: Condition,
    program: Program,
    warnings: Vec<TriggerWarning>,
}

impl Trigger {
    /// Reads a trigger.
    ///
    /// # Errors
    /// What Segment refuses too, with its place.
    pub fn parse(text: &str) -> Result<Trigger, FqlError> {
        let tokens = lex::tokens(text)?;
        let parsed = parse::parse(text, &tokens)?;
        Ok(Trigger {
            program: Program::new(&parsed.tree),
            tree: parsed.tree,
            warnings: parsed.warnings,
        })
    }

    /// Whether an event fires this trigger; a trigger that cannot be evaluated does not fire.
    pub fn matches<'a>(&self, event: impl Into<Value<'a>>) -> bool {
        self.evaluate(event).unwrap_or(false)
    }

    /// As [`Trigger::matches`], telling "no" from "cannot be evaluated".
    ///
    /// # Errors
    /// An empty group was reached, or the event is null.
    pub fn evaluate<'a>(&self, event: impl Into<Value<'a>>) -> Result<bool, EvaluationError> {
        match event.into() {
            Value::Undefined => Ok(false),
            Value::Null => Err(EvaluationError),
            event => self.program.holds(event),
        }
    }

    /// Places where the trigger does not mean what it seems to say.
    pub fn warnings(&self) -> &[TriggerWarning] {
        &self.warnings
    }

    /// What is really asked, as trigger text; `None` if it holds a group that cannot be evaluated.
    pub fn meaning(&self) -> Option<String> {
        self.tree.to_fql()
    }

    /// The tree of conditions.
    pub fn tree(&self) -> &Condition {
        &self.tree
    }
}

#[cfg(test)]
mod tests;
