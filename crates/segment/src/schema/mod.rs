//! Field schemas: the values that an action accepts, and the coercion of mapped values to them.
//!
//! A table of [`Field`]s is data, written as a `const`. [`Schema::new`] checks the table once; [`Schema::coerce`]
//! removes empty values, converts types, drops unknown members and reports what does not fit, all in one walk.
//! [`Leniency`] selects one of two behaviours.
//!
//! ```
//! use bumpalo::Bump;
//! use signalbox_segment::schema::{Field, FieldType, Leniency, Schema};
//! use signalbox_segment::value::{Numbers, parse_json};
//!
//! const FIELDS: &[Field<'static>] = &[
//!     Field::new("event_id", "Event ID", FieldType::String).required(),
//!     Field::new("contents", "Contents", FieldType::Object).multiple().properties(&[
//!         Field::new("id", "Product ID", FieldType::String),
//!         Field::new("item_price", "Price", FieldType::Number),
//!     ]),
//! ];
//! let schema = Schema::new(FIELDS)?;
//! let arena = Bump::new();
//! let mapped = parse_json(r#"{"event_id":7,"contents":[{"id":"a","item_price":"9.5"},{"id":"b","item_price":"?"}]}"#, &arena);
//! let coerced = schema.coerce(mapped.into(), &arena, Leniency::PerField);
//!
//! assert!(coerced.errors.is_empty());
//! assert_eq!(coerced.dropped[0].path, "contents[1].item_price");
//! let mut body = Vec::new();
//! coerced.value.write_json(&mut body, Numbers::Source);
//! assert_eq!(body, br#"{"event_id":"7","contents":[{"id":"a","item_price":9.5},{"id":"b"}]}"#);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub(crate) mod coercion;
mod convert;
mod date;
mod error;
mod field;
pub(crate) mod field_path;
pub(crate) mod rule;
mod words;

pub use date::is_date_like;
pub use error::{FieldError, FieldErrorKind};
pub use field::{Choice, Field, FieldType, ReadText};

use crate::value::Value;
use bumpalo::Bump;

/// Treatment of values that do not fit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leniency {
    /// Segment's treatment of a single event: one bad value fails the payload; null in listed objects becomes 0, `""`
    /// or false; blank text becomes 0.
    Segment,
    /// Loses and invents as little as possible: null and blank text are absent, conversions are careful, and an
    /// optional value that does not fit is dropped and reported. Only a required value fails its object.
    PerField,
}

/// The result of coercing a payload.
#[derive(Debug)]
pub struct Coerced<'a> {
    /// The payload; meaningless if there are errors. Its objects have a member for each field in the table's order,
    /// undefined if absent, so that members can be read by index.
    pub value: Value<'a>,
    /// Reasons why the payload as a whole does not fit; empty if it does.
    pub errors: Vec<FieldError>,
    /// Values left out because they did not fit ([`Leniency::PerField`] only).
    pub dropped: Vec<FieldError>,
    /// A text of white space alone counted as absent ([`Leniency::PerField`], and a mapping laid out for the fields only).
    pub blank: bool,
    /// A value that is there and says nothing counted as absent, such as an empty text, and the mapping may have gone on to
    /// another place (a mapping laid out for the fields only).
    pub passed_over: bool,
}

/// A checked table of fields.
#[derive(Debug)]
pub struct Schema<'t> {
    fields: &'t [Field<'t>],
    pub(crate) members: rule::ObjectPlan<'t>,
}

impl<'t> Schema<'t> {
    /// Checks a table of fields.
    ///
    /// # Errors
    /// Two fields of one object have the same key.
    pub fn new(fields: &'t [Field<'t>]) -> Result<Schema<'t>, String> {
        check(fields, "")?;
        Ok(Schema {
            fields,
            members: rule::ObjectPlan::new(fields),
        })
    }

    /// Returns the fields of the top level.
    pub fn fields(&self) -> &'t [Field<'t>] {
        self.fields
    }

    /// Coerces a payload to the fields, or reports why it does not fit.
    pub fn coerce<'a>(&self, payload: Value<'a>, arena: &'a Bump, leniency: Leniency) -> Coerced<'a>
    where
        't: 'a,
    {
        coercion::coerce(&self.members, self.fields, payload, arena, leniency)
    }
}

fn check(fields: &[Field<'_>], prefix: &str) -> Result<(), String> {
    for (index, field) in fields.iter().enumerate() {
        let name = if prefix.is_empty() {
            field.key.to_owned()
        } else {
            format!("{prefix}.{}", field.key)
        };
        if fields[..index].iter().any(|earlier| earlier.key == field.key) {
            return Err(format!("{name}: is there twice"));
        }
        check(field.properties.unwrap_or_default(), &name)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
