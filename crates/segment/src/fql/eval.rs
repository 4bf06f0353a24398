//! The tree prepared for evaluation: values converted, paths split, search needles built.

use super::ast::{Condition, Field, Literal};
use super::error::EvaluationError;
use crate::value::{Value, ValuePath};
use memchr::memmem::Finder;

#[derive(Debug)]
pub(super) enum Program {
    All(Box<[Program]>),
    Any(Box<[Program]>),
    Test(Lookup, Predicate),
    /// Fails when reached.
    Hole,
}

#[derive(Debug)]
pub(super) enum Lookup {
    Member(&'static str),
    Below(&'static str, ValuePath),
}

#[derive(Debug)]
pub(super) enum Predicate {
    Equals(Box<str>),
    Differs(Box<str>),
    NumberEquals(f64),
    NumberDiffers(f64),
    Less(f64),
    AtMost(f64),
    Greater(f64),
    AtLeast(f64),
    /// The answer for a match, and the needle. A value that is not a text gives false either way.
    Contains(bool, Box<Finder<'static>>),
    StartsWith(bool, Box<str>),
    EndsWith(bool, Box<str>),
    Exists(bool),
    Is(bool),
    Never,
}

impl Program {
    pub(super) fn new(tree: &Condition) -> Program {
        match tree {
            Condition::Hole => Program::Hole,
            Condition::Group { any, children } => {
                let children = children.iter().map(Program::new).collect();
                if *any {
                    Program::Any(children)
                } else {
                    Program::All(children)
                }
            }
            Condition::Test {
                field,
                operator,
                value,
            } => match Lookup::new(field) {
                Some(lookup) => Program::Test(lookup, Predicate::new(operator, value.as_ref())),
                None => Program::Hole,
            },
        }
    }

    pub(super) fn holds(&self, event: Value<'_>) -> Result<bool, EvaluationError> {
        match self {
            Program::Hole => Err(EvaluationError),
            Program::Test(lookup, predicate) => Ok(predicate.holds(lookup.of(event))),
            Program::All(children) => {
                for child in children {
                    if !child.holds(event)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            Program::Any(children) => {
                for child in children {
                    if child.holds(event)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }
}

impl Lookup {
    /// Returns `None` for a path without keys, which Segment cannot look up.
    fn new(field: &Field) -> Option<Lookup> {
        let below = |root, name: &str| {
            let path = ValuePath::of_trigger(name);
            path.keys().next()?;
            Some(Lookup::Below(root, path))
        };
        match field {
            Field::Type => Some(Lookup::Member("type")),
            Field::Event => Some(Lookup::Member("event")),
            Field::Name => Some(Lookup::Member("name")),
            Field::UserId => Some(Lookup::Member("userId")),
            Field::Property(name) => below("properties", name),
            Field::Trait(name) => below("traits", name),
            Field::Context(name) => below("context", name),
        }
    }

    pub(super) fn of<'a>(&self, event: Value<'a>) -> Value<'a> {
        match self {
            Lookup::Member(name) => event.get(name),
            Lookup::Below(root, path) => path.resolve(event.get(root)),
        }
    }
}

impl Predicate {
    fn new(operator: &str, value: Option<&Literal>) -> Predicate {
        let text = || value.map(Literal::text).unwrap_or_default().into_boxed_str();
        let number = || value.map_or(f64::NAN, Literal::number);
        let finder = || Box::new(Finder::new(text().as_bytes()).into_owned());
        match operator {
            "=" => Predicate::Equals(text()),
            "!=" => Predicate::Differs(text()),
            "number_equals" => Predicate::NumberEquals(number()),
            "number_not_equals" => Predicate::NumberDiffers(number()),
            "<" => Predicate::Less(number()),
            "<=" => Predicate::AtMost(number()),
            ">" => Predicate::Greater(number()),
            ">=" => Predicate::AtLeast(number()),
            "contains" => Predicate::Contains(true, finder()),
            "not_contains" => Predicate::Contains(false, finder()),
            "starts_with" => Predicate::StartsWith(true, text()),
            "not_starts_with" => Predicate::StartsWith(false, text()),
            "ends_with" => Predicate::EndsWith(true, text()),
            "not_ends_with" => Predicate::EndsWith(false, text()),
            "exists" => Predicate::Exists(true),
            "not_exists" => Predicate::Exists(false),
            "is_true" => Predicate::Is(true),
            "is_false" => Predicate::Is(false),
            _ => Predicate::Never,
        }
    }

    fn holds(&self, actual: Value<'_>) -> bool {
        let number = |compare: &dyn Fn(f64) -> bool| actual.as_f64().is_some_and(compare);
        let text = |compare: &dyn Fn(&str) -> bool| actual.as_str().is_some_and(compare);
        match self {
            Predicate::Equals(expected) => actual.as_str() == Some(expected),
            Predicate::Differs(expected) => actual.as_str() != Some(expected),
            Predicate::NumberEquals(expected) => number(&|actual| actual == *expected),
            // As at Segment, a number does not differ from a value that is not a number.
            Predicate::NumberDiffers(expected) => number(&|actual| actual != *expected),
            Predicate::Less(expected) => number(&|actual| actual < *expected),
            Predicate::AtMost(expected) => number(&|actual| actual <= *expected),
            Predicate::Greater(expected) => number(&|actual| actual > *expected),
            Predicate::AtLeast(expected) => number(&|actual| actual >= *expected),
            Predicate::Contains(wanted, finder) => {
                text(&|actual| finder.find(actual.as_bytes()).is_some() == *wanted)
            }
            Predicate::StartsWith(wanted, prefix) => text(&|actual| actual.starts_with(&**prefix) == *wanted),
            Predicate::EndsWith(wanted, suffix) => text(&|actual| actual.ends_with(&**suffix) == *wanted),
            Predicate::Exists(wanted) => actual.is_nullish() != *wanted,
            Predicate::Is(wanted) => actual.as_bool() == Some(*wanted),
            Predicate::Never => false,
        }
    }
}
