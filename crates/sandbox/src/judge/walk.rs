//! The walk through a JSON value along the tables.

use std::fmt::Write as _;

use serde_json::value::RawValue;

use super::Refusal;
use super::facts::{Facts, Findings};
use super::schema::{Field, Kind, Shape};
use super::values::{self, Finding};
use crate::json::{Members, Type};

/// Most characters of a property's name in an answer.
const MAX_NAME_CHARS: usize = 100;

/// The properties that are refused.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Strictness<'a> {
    /// Take properties that no table lists.
    pub(crate) open: bool,
    /// Refuse listed properties that the vendor's description lacks.
    pub(crate) published_only: bool,
    /// Names that the property `event_name` takes beside those of its table.
    pub(crate) event_names: &'a [String],
    /// A property refused wherever it stands: the fault `unexpected_property`.
    pub(crate) unexpected_property: Option<&'a str>,
}

/// A walk through the body or one event.
pub(super) struct Walk<'r> {
    strictness: Strictness<'r>,
    /// Where the walk is; `root` is the length of the path at its start.
    path: String,
    root: usize,
    pub(super) found: Findings,
    pub(super) facts: Facts,
}

impl<'r> Walk<'r> {
    pub(super) fn new(strictness: Strictness<'r>, path: String) -> Self {
        Self {
            strictness,
            root: path.len(),
            path,
            found: Findings::default(),
            facts: Facts::default(),
        }
    }

    pub(super) fn object(
        &mut self,
        raw: &RawValue,
        shape: &'static Shape,
        open: bool,
    ) -> Result<(), Refusal> {
        self.expect(raw, Type::Object)?;
        let Members(members) = serde_json::from_str(raw.get()).map_err(|_| self.not_text())?;
        self.members(members, shape, open)
    }

    /// Judges the members of an object; `open` takes any other member even when strict.
    pub(super) fn members(
        &mut self,
        members: Vec<(String, &RawValue)>,
        shape: &'static Shape,
        open: bool,
    ) -> Result<(), Refusal> {
        let Strictness {
            open: all_open,
            published_only,
            unexpected_property,
            ..
        } = self.strictness;
        let mut seen = 0_u64;
        for (name, value) in members {
            if unexpected_property == Some(&name) {
                return Err(Refusal::new(unexpected(&name)));
            }
            let known = shape.iter().position(|field| field.name == name);
            let Some(index) = known.filter(|&index| shape[index].published || !published_only) else {
                if open || all_open {
                    continue;
                }
                return Err(Refusal::new(unexpected(&name)));
            };
            let field = &shape[index];
            let length = self.path.len();
            if length > 0 {
                self.path.push('.');
            }
            self.path.push_str(field.name);
            if seen & (1 << index) != 0 {
                return Err(Refusal::new(format!("'{}' is given more than once", self.path)));
            }
            seen |= 1 << index;
            if !(field.nullable && Type::of(value) == Type::Null) {
                self.value(value, field)?;
            }
            self.path.truncate(length);
        }
        let missing = shape
            .iter()
            .enumerate()
            .find(|(i, field)| field.required && seen & (1 << i) == 0);
        match missing {
            None => Ok(()),
            Some((_, field)) if self.path.is_empty() => {
                Err(Refusal::new(format!("'{}' is a required property", field.name)))
            }
            Some((_, field)) => Err(Refusal::new(format!(
                "'{}' is a required property of '{}'",
                field.name, self.path
            ))),
        }
    }

    fn value(&mut self, raw: &RawValue, field: &Field) -> Result<(), Refusal> {
        match field.kind {
            Kind::Object(shape) => return self.object(raw, shape, false),
            Kind::OpenObject(shape) => return self.object(raw, shape, true),
            Kind::Objects(shape) => {
                let items = self.items(raw)?;
                return self.each(&items, |walk, item| walk.object(item, shape, false));
            }
            Kind::Texts(most, check) => return self.texts(raw, field, most, check),
            Kind::TextOrTexts(check) if Type::of(raw) == Type::Array => {
                return self.texts(raw, field, usize::MAX, check);
            }
            Kind::Any => {}
            Kind::Bool => self.expect(raw, Type::Boolean)?,
            Kind::Int(least, most) => {
                self.expect(raw, Type::Integer)?;
                // More digits than fit are a matter of range, not of type.
                let number = raw.get().parse::<i64>();
                if !number.is_ok_and(|number| (least..=most).contains(&number)) {
                    self.error(&format!("is not between {least} and {most}"));
                }
            }
            Kind::Number | Kind::Numeric | Kind::CheckedNumber(_) => match Type::of(raw) {
                Type::Integer | Type::Number => {
                    let number = raw.get().parse::<f64>();
                    match field.kind {
                        Kind::CheckedNumber(check) => self.checked(number.ok().and_then(check)),
                        _ => self.checked(values::number(raw.get())),
                    }
                }
                Type::String if matches!(field.kind, Kind::Numeric) => {
                    let text = self.text(raw)?;
                    self.checked(values::number(&text));
                }
                found => return Err(wrong_type(&self.place(), found, Type::Number)),
            },
            Kind::Text | Kind::Chars(_) | Kind::OneOf(_) | Kind::Checked(_) | Kind::TextOrTexts(_) => {
                let text = self.text(raw)?;
                match field.kind {
                    Kind::Chars(most) if text.chars().count() > most => {
                        self.error(&format!("is longer than {most} characters"));
                    }
                    Kind::OneOf(list) if !self.lists(field, list, &text) => {
                        self.error(&format!("is not one of {list}"));
                    }
                    Kind::Checked(check) | Kind::TextOrTexts(check) => self.checked(check(&text)),
                    _ => {}
                }
                self.note(field, || text);
                return Ok(());
            }
        }
        self.note(field, || raw.get().to_owned());
        Ok(())
    }

    fn texts(
        &mut self,
        raw: &RawValue,
        field: &Field,
        most: usize,
        check: fn(&str) -> Option<Finding>,
    ) -> Result<(), Refusal> {
        let items = self.items(raw)?;
        if items.len() > most {
            self.error(&format!("holds more than {most} items"));
        }
        self.each(&items, |walk, item| {
            let text = walk.text(item)?;
            walk.checked(check(&text));
            walk.note(field, || text);
            Ok(())
        })
    }

    fn lists(&self, field: &Field, list: &str, text: &str) -> bool {
        let own =
            || field.name == "event_name" && self.strictness.event_names.iter().any(|name| name == text);
        list.split(", ").any(|listed| listed == text) || own()
    }

    fn note(&mut self, field: &Field, value: impl FnOnce() -> String) {
        if field.noted {
            self.facts.note(field.name, value());
        }
    }

    fn items<'v>(&self, raw: &'v RawValue) -> Result<Vec<&'v RawValue>, Refusal> {
        self.expect(raw, Type::Array)?;
        serde_json::from_str(raw.get()).map_err(|_| self.not_text())
    }

    fn each(
        &mut self,
        items: &[&RawValue],
        mut judge: impl FnMut(&mut Self, &RawValue) -> Result<(), Refusal>,
    ) -> Result<(), Refusal> {
        let length = self.path.len();
        for (index, item) in items.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(self.path, "[{index}]");
            judge(self, item)?;
            self.path.truncate(length);
        }
        Ok(())
    }

    fn text(&self, raw: &RawValue) -> Result<String, Refusal> {
        self.expect(raw, Type::String)?;
        serde_json::from_str(raw.get()).map_err(|_| self.not_text())
    }

    fn expect(&self, raw: &RawValue, expected: Type) -> Result<(), Refusal> {
        expect_type(&self.place(), Type::of(raw), expected)
    }

    fn place(&self) -> String {
        format!("'{}'", self.path)
    }

    /// Refuses half a surrogate pair, the one thing that serde_json's skipping leaves unseen.
    fn not_text(&self) -> Refusal {
        Refusal::new(format!("'{}' is not Unicode text", self.path))
    }

    fn checked(&mut self, finding: Option<Finding>) {
        match finding {
            None => {}
            Some(Finding::Error(text)) => self.error(text),
            Some(Finding::Warning(text)) => {
                // Pinterest names a hashed field by its last part and without an index.
                let last = self.path.rsplit('.').next().unwrap_or_default();
                let name = last.split('[').next().unwrap_or_default();
                self.found.warning(format!("'{name}' {text}"));
            }
        }
    }

    /// Fails the event for the value at the current path.
    fn error(&mut self, text: &str) {
        let path = self.path.get(self.root..).unwrap_or_default();
        let path = path.trim_start_matches('.');
        self.found.error(format!("'{path}' {text}"));
    }
}

/// Returns the message about a property that is not allowed.
pub(crate) fn unexpected(name: &str) -> String {
    let name: String = name.chars().take(MAX_NAME_CHARS).collect();
    format!("Additional properties are not allowed ('{name}' was unexpected)")
}

pub(super) fn expect_type(what: &str, found: Type, expected: Type) -> Result<(), Refusal> {
    if found == expected {
        Ok(())
    } else {
        Err(wrong_type(what, found, expected))
    }
}

fn wrong_type(what: &str, found: Type, expected: Type) -> Refusal {
    Refusal::new(format!(
        "{what} is of type {}, expected {}",
        found.name(),
        expected.name()
    ))
}
