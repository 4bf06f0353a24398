//! The tree made ready for events: values converted, paths split, needles prepared.

use super::ast::{Condition, Field, Literal};
use super::error::EvaluationError;
use crate::value::{Path, Value};
use memchr::memmem::Finder;

#[derive(Debug)]
pub(super) enum Program {
    All(Box<[Program]>),
    Any(Box<[Program]>),
    Test(Place, Test),
    /// Fails when reached.
    Hole,
}

#[derive(Debug)]
pub(super) enum Place {
    Member(&'static str),
    Below(&'static str, Path),
}

#[derive(Debug)]
pub(super) enum Test {
    Equals(Box<str>),
    Differs(Box<str>),
    NumberEquals(f64),
    NumberDiffers(f64),
    Less(f64),
    AtMost(f64),
    Greater(f64),
    AtLeast(f64),
    /// The wanted answer, and what to look for. Values that are no text give false either way.
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
            } => match Place::new(field) {
                Some(place) => Program::Test(place, Test::new(operator, value.as_ref())),
                None => Program::Hole,
            },
        }
    }

    pub(super) fn holds(&self, event: Value<'_>) -> Result<bool, EvaluationError> {
        match self {
            Program::Hole => Err(EvaluationError),
            Program::Test(place, test) => Ok(test.holds(place.of(event))),
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

impl Place {
    /// `None` for a path without a single key, which Segment cannot look up.
    fn new(field: &Field) -> Option<Place> {
        let below = |root, name: &str| {
            let path = Path::of_trigger(name);
            path.keys().next()?;
            Some(Place::Below(root, path))
        };
        match field {
            Field::Type => Some(Place::Member("type")),
            Field::Event => Some(Place::Member("event")),
            Field::Name => Some(Place::Member("name")),
            Field::UserId => Some(Place::Member("userId")),
            Field::Property(name) => below("properties", name),
            Field::Trait(name) => below("traits", name),
            Field::Context(name) => below("context", name),
        }
    }

    fn of<'a>(&self, event: Value<'a>) -> Value<'a> {
        match self {
            Place::Member(name) => event.get(name),
            Place::Below(root, path) => path.resolve(event.get(root)),
        }
    }
}

impl Test {
    fn new(operator: &str, value: Option<&Literal>) -> Test {
        let text = || value.map(Literal::text).unwrap_or_default().into_boxed_str();
        let number = || value.map_or(f64::NAN, Literal::number);
        let finder = || Box::new(Finder::new(text().as_bytes()).into_owned());
        match operator {
            "=" => Test::Equals(text()),
            "!=" => Test::Differs(text()),
            "number_equals" => Test::NumberEquals(number()),
            "number_not_equals" => Test::NumberDiffers(number()),
            "<" => Test::Less(number()),
            "<=" => Test::AtMost(number()),
            ">" => Test::Greater(number()),
            ">=" => Test::AtLeast(number()),
            "contains" => Test::Contains(true, finder()),
            "not_contains" => Test::Contains(false, finder()),
            "starts_with" => Test::StartsWith(true, text()),
            "not_starts_with" => Test::StartsWith(false, text()),
            "ends_with" => Test::EndsWith(true, text()),
            "not_ends_with" => Test::EndsWith(false, text()),
            "exists" => Test::Exists(true),
            "not_exists" => Test::Exists(false),
            "is_true" => Test::Is(true),
            "is_false" => Test::Is(false),
            _ => Test::Never,
        }
    }

    fn holds(&self, actual: Value<'_>) -> bool {
        let number = |compare: &dyn Fn(f64) -> bool| actual.as_f64().is_some_and(compare);
        let text = |compare: &dyn Fn(&str) -> bool| actual.as_str().is_some_and(compare);
        match self {
            Test::Equals(expected) => actual.as_str() == Some(expected),
            Test::Differs(expected) => actual.as_str() != Some(expected),
            Test::NumberEquals(expected) => number(&|actual| actual == *expected),
            // A number is never different from what is no number, as at Segment.
            Test::NumberDiffers(expected) => number(&|actual| actual != *expected),
            Test::Less(expected) => number(&|actual| actual < *expected),
            Test::AtMost(expected) => number(&|actual| actual <= *expected),
            Test::Greater(expected) => number(&|actual| actual > *expected),
            Test::AtLeast(expected) => number(&|actual| actual >= *expected),
            Test::Contains(wanted, finder) => {
                text(&|actual| finder.find(actual.as_bytes()).is_some() == *wanted)
            }
            Test::StartsWith(wanted, prefix) => text(&|actual| actual.starts_with(&**prefix) == *wanted),
            Test::EndsWith(wanted, suffix) => text(&|actual| actual.ends_with(&**suffix) == *wanted),
            Test::Exists(wanted) => actual.is_nullish() != *wanted,
            Test::Is(wanted) => actual.as_bool() == Some(*wanted),
            Test::Never => false,
        }
    }
}
