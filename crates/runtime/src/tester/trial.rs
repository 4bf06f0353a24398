//! The results of a test.

use schemars::JsonSchema;
use serde::Serialize;
use signalbox_core::{Firing, Reason, RequestText, TestMode, Warning};

/// The way of one event to one sink.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Trial {
    /// Name of the sink.
    pub sink: String,
    /// Name of the source.
    pub source: String,
    /// The end of the way.
    pub outcome: TrialOutcome,
    /// The reason of the end, if the event did not come to the mappings or none made a record.
    pub reason: Option<Told>,
    /// Routing and transforms, in their order. The last one may have ended the way.
    pub steps: Vec<Step>,
    /// The mappings in their order, with the trigger of each clause by clause. Empty if the event did not come to them, and
    /// for sinks without mappings.
    pub mappings: Vec<Firing>,
    /// The records, or the reasons why a mapping that fired made none.
    pub records: Vec<TrialRecord>,
    /// The destination's treatment of test events; null if it has none.
    pub test: Option<TestMode>,
}

/// The end of an event's way to a sink.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TrialOutcome {
    /// At least one record would be delivered.
    Mapped,
    /// The event is not for this sink.
    Filtered,
    /// The event should be delivered and cannot be: it would become a dead letter.
    Rejected,
}

/// A reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Told {
    /// The stable code.
    pub code: String,
    /// The sentence.
    pub message: String,
}

impl Told {
    /// Copies a reason.
    pub(super) fn of(reason: &Reason) -> Told {
        Told {
            code: reason.code().to_owned(),
            message: reason.message().to_owned(),
        }
    }
}

/// A step before the mappings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Step {
    /// The kind: `transform` of the source or sink, or a rule of routing: `write_key`, `opt_out`, `consent`, `integrations`.
    pub kind: String,
    /// Name of the transform in the pipeline file; empty for rules.
    pub name: String,
    /// The result.
    pub outcome: StepOutcome,
    /// The rule's finding, or the reason of the end.
    pub told: String,
    /// The values that the step changed.
    pub changes: Vec<Change>,
}

/// The result of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepOutcome {
    /// The event goes on.
    Passed,
    /// The event ends here, without a dead letter.
    Filtered,
    /// The event ends here, as a dead letter.
    Rejected,
}

/// A value of the event that a transform changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Change {
    /// The path.
    pub path: String,
    /// The kind of change.
    pub changed: Changed,
    /// The value before; hidden if it is personal and the caller may not see it.
    pub before: Option<String>,
    /// The value after.
    pub after: Option<String>,
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    /// The path had no value before.
    Added,
    /// The path had another value before.
    Replaced,
    /// The path has no value now.
    Removed,
}

/// A record, or the reason why there is none.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TrialRecord {
    /// Name of the mapping.
    pub mapping: String,
    /// The reason why there is no record.
    pub reason: Option<Told>,
    /// The destination's name of the conversion.
    pub event_name: Option<String>,
    /// Values left out or in doubt.
    pub warnings: Vec<Remark>,
    /// The values of the record, in its order.
    pub fields: Vec<TrialField>,
    /// Values of the event that were not tried as origins, since it has too many: origins of `fields` may be missing.
    pub untried: usize,
    /// The request that would carry the record alone.
    pub request: Option<RequestText>,
}

/// A remark about a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Remark {
    /// The stable code.
    pub code: String,
    /// The field.
    pub path: String,
    /// The sentence.
    pub message: String,
}

impl From<Warning> for Remark {
    fn from(warning: Warning) -> Remark {
        Remark {
            code: warning.code.into_owned(),
            path: warning.path,
            message: warning.message,
        }
    }
}

/// A value of a record, and where it comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TrialField {
    /// The path in the record.
    pub path: String,
    /// The value; hidden if it is personal and the caller may not see it.
    pub value: String,
    /// The making of the value.
    pub how: How,
    /// The values of the event that it was made of.
    pub from: Vec<Origin>,
    /// The mapping's rule for the field, or the sink's, in words; empty if neither is known.
    pub rule: String,
}

/// The making of a record's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// Copied from the event.
    Copied,
    /// The SHA-256 of a value of the event, in its normal form.
    Hashed,
    /// Worked out of values of the event.
    WorkedOut,
    /// A constant of the mapping, the preset or the sink's settings: no value of the event has an influence.
    Fixed,
}

/// A value of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Origin {
    /// The path.
    pub path: String,
    /// The value; hidden if it is personal and the caller may not see it.
    pub value: String,
}
