//! FQL as action triggers use it: the language that selects an action's events.
//!
//! This is the language of Segment's open-source destination-subscriptions, not the documented one of destination
//! filters: it reads left to right and skips unknown words. Signalbox reads it the same way, so a trigger fires for the
//! same events. [`Trigger::warnings`] reports every misleading part, and [`Trigger::meaning`] spells out the actual
//! meaning.
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
mod explain;
mod lex;
mod parse;

pub use ast::{Condition, Field, Literal};
pub use error::{EvaluationError, TriggerFault};

use crate::value::Value;
use eval::Program;

/// A parsed trigger. Evaluating it allocates nothing.
#[derive(Debug)]
pub struct Trigger {
    tree: Condition,
    program: Program,
    warnings: Vec<TriggerFault>,
}

impl Trigger {
    /// Parses a trigger.
    ///
    /// # Errors
    /// A text that Segment refuses too, with the position of the fault.
    pub fn parse(text: &str) -> Result<Trigger, TriggerFault> {
        let tokens = lex::tokens(text)?;
        let (tree, warnings) = parse::parse(text, &tokens)?;
        Ok(Trigger {
            program: Program::new(&tree),
            tree,
            warnings,
        })
    }

    /// Returns true if an event fires this trigger; a failed evaluation does not.
    pub fn matches<'a>(&self, event: impl Into<Value<'a>>) -> bool {
        self.evaluate(event).unwrap_or(false)
    }

    /// Evaluates as [`Trigger::matches`] does, but tells a failed evaluation from false.
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

    /// Returns warnings about misleading parts.
    pub fn warnings(&self) -> &[TriggerFault] {
        &self.warnings
    }

    /// Returns the actual meaning as trigger text; `None` if the trigger has an empty group.
    pub fn meaning(&self) -> Option<String> {
        self.tree.to_fql()
    }

    /// Returns the tree of conditions.
    pub fn tree(&self) -> &Condition {
        &self.tree
    }
}

#[cfg(test)]
mod tests;
