//! Explanations of a sink's mappings, for people: the events that they take, the paths that they read, and the reason why one
//! fires or does not.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A mapping as its settings describe it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MappingOutline {
    /// Its name, which records carry.
    pub name: String,
    /// The condition that an event must meet, in Segment's trigger language; `None` if every event does, empty if none does.
    pub trigger: Option<String>,
    /// The destination's name of the conversion, if the mapping always gives the same.
    pub event_name: Option<String>,
    /// The fields that it fills, in the order of the request. None if events are sent as they are.
    pub fields: Vec<FieldOutline>,
}

/// A field of a mapping.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FieldOutline {
    /// The path of the field in the mapping, such as `user_data.email`; members of a list's objects have `[]` before them.
    pub field: String,
    /// The path of its value in the record, such as `user_data.em`.
    pub sent_as: String,
    /// Where the mapping takes the value from, in words that name the paths; empty if it takes none.
    pub source: String,
    /// The paths in the event that the mapping reads for the field.
    pub paths: Vec<String>,
    /// The value that the sink works out when the mapping gives none, in words; empty if there is none.
    pub derived: String,
}

/// The answer of one mapping to an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Firing {
    /// Name of the mapping.
    pub mapping: String,
    /// True if the mapping makes a record of the event.
    pub fires: bool,
    /// The trigger, clause by clause; `None` if the mapping takes every event.
    pub trigger: Option<Clause>,
}

/// A part of a trigger, and its result for an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Clause {
    /// All of these must hold.
    All {
        /// The result.
        holds: bool,
        /// The parts, in the order of the text.
        clauses: Vec<Clause>,
    },
    /// One of these must hold.
    Any {
        /// The result.
        holds: bool,
        /// The parts, in the order of the text.
        clauses: Vec<Clause>,
    },
    /// A comparison of one field of the event.
    Test {
        /// The result.
        holds: bool,
        /// The comparison in the trigger language.
        text: String,
        /// The path in the event.
        path: String,
        /// The kind of value there.
        found: Standing,
        /// The value there, if it is a text, a number or a boolean; a long text is cut.
        value: Option<String>,
    },
    /// A part that no event meets.
    Never {
        /// The reason, for people.
        text: String,
    },
}

impl Clause {
    /// Returns true if the clause holds for the event.
    #[must_use]
    pub fn holds(&self) -> bool {
        match self {
            Clause::All { holds, .. } | Clause::Any { holds, .. } | Clause::Test { holds, .. } => *holds,
            Clause::Never { .. } => false,
        }
    }

    /// Takes the values from another explanation of the same trigger, for an event in which personal values are hidden.
    pub fn show_values_of(&mut self, hidden: Option<&Clause>) {
        match (self, hidden) {
            (Clause::Test { value, .. }, Some(Clause::Test { value: shown, .. })) => value.clone_from(shown),
            (Clause::Test { value, .. }, _) => *value = None,
            (
                Clause::All { clauses, .. } | Clause::Any { clauses, .. },
                Some(Clause::All { clauses: shown, .. } | Clause::Any { clauses: shown, .. }),
            ) => {
                for (index, clause) in clauses.iter_mut().enumerate() {
                    clause.show_values_of(shown.get(index));
                }
            }
            (Clause::All { clauses, .. } | Clause::Any { clauses, .. }, _) => {
                for clause in clauses {
                    clause.show_values_of(None);
                }
            }
            (Clause::Never { .. }, _) => {}
        }
    }
}

/// The kind of value at a path of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// No value.
    Absent,
    /// `null`
    Null,
    /// A text.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Boolean,
    /// A list.
    List,
    /// An object.
    Object,
}

impl Standing {
    /// Returns the words for it, with their article.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Standing::Absent => "nothing",
            Standing::Null => "null",
            Standing::Text => "a text",
            Standing::Number => "a number",
            Standing::Boolean => "a boolean",
            Standing::List => "a list",
            Standing::Object => "an object",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(value: Option<&str>) -> Clause {
        Clause::Test {
            holds: true,
            text: "userId != null".to_owned(),
            path: "userId".to_owned(),
            found: Standing::Text,
            value: value.map(str::to_owned),
        }
    }

    #[test]
    fn values_that_the_other_explanation_lacks_are_hidden() {
        let group = |clauses| Clause::All { holds: true, clauses };
        let mut plain = group(vec![test(Some("ada")), group(vec![test(Some("ada"))])]);
        plain.show_values_of(Some(&group(vec![test(Some("…"))])));
        assert_eq!(plain, group(vec![test(Some("…")), group(vec![test(None)])]));
        assert!(plain.holds());
        plain.show_values_of(None);
        assert_eq!(plain, group(vec![test(None), group(vec![test(None)])]));
    }
}
