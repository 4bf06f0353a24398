//! Fields as data: a `const` table of the values that an action accepts.

use crate::value::Value;
use bumpalo::Bump;

/// One field of an action, or one member of an object field.
///
/// ```
/// use signalbox_segment::schema::{Choice, Field, FieldType};
///
/// const FIELDS: &[Field<'static>] = &[
///     Field::new("event_name", "Event Name", FieldType::String)
///         .describe("The type of the user event.")
///         .required()
///         .choices(&[Choice::text("checkout", "Checkout"), Choice::text("lead", "Lead")])
///         .default_mapping(r#"{"@path":"$.event"}"#),
///     Field::new("contents", "Contents", FieldType::Object).multiple().properties(&[
///         Field::new("id", "Product ID", FieldType::String).required(),
///         Field::new("item_price", "Price", FieldType::Number),
///     ]),
/// ];
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Field<'t> {
    /// Name of the member in the payload.
    pub key: &'t str,
    /// Label for users; messages begin with it.
    pub label: Option<&'t str>,
    /// Help text; empty if there is none.
    pub description: &'t str,
    /// Type of the value, or of each item if `multiple`.
    pub kind: FieldType,
    /// Takes a list of values. A single value at the top level is wrapped. Items keep only the type and the choices.
    pub multiple: bool,
    /// Must be present.
    pub required: bool,
    /// Accepts `null` as a value. Ignored for `multiple` and for objects with properties, as at Segment.
    pub allow_null: bool,
    /// Allowed values; empty for any.
    pub choices: &'t [Choice<'t>],
    /// Minimum length of a `String` in characters, or minimum of a `Number`. Zero, and any other type, is no limit.
    pub minimum: Option<f64>,
    /// Maximum length or value; see `minimum`.
    pub maximum: Option<f64>,
    /// Members of an `Object`; `None` for any object.
    pub properties: Option<&'t [Field<'t>]>,
    /// Mapping suggested for this field, as JSON. Never applied by itself.
    pub default: Option<&'t str>,
    /// Reads texts that do not convert to the type; only with [`Leniency::PerField`](super::Leniency::PerField).
    pub reads: Option<ReadText>,
}

/// Reads a text that does not convert to the type of a field, such as a number with a sign of a currency; `None` if it
/// cannot be read.
pub type ReadText = for<'a> fn(&'a str, &'a Bump) -> Option<Value<'a>>;

/// The types of fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldType {
    /// Text.
    String,
    /// Any number.
    Number,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A date as text or number. It is checked and never changed.
    Datetime,
    /// An object.
    Object,
}

/// One allowed value.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'t> {
    /// The value.
    pub value: Value<'t>,
    /// Label for users.
    pub label: &'t str,
}

impl<'t> Choice<'t> {
    /// Creates a text choice.
    pub const fn text(value: &'t str, label: &'t str) -> Self {
        Choice {
            value: Value::Str(value),
            label,
        }
    }
}

impl<'t> Field<'t> {
    /// Creates an optional field of one value.
    pub const fn new(key: &'t str, label: &'t str, kind: FieldType) -> Self {
        Field {
            key,
            label: Some(label),
            description: "",
            kind,
            multiple: false,
            required: false,
            allow_null: false,
            choices: &[],
            minimum: None,
            maximum: None,
            properties: None,
            default: None,
            reads: None,
        }
    }

    /// Sets the help text.
    pub const fn describe(mut self, description: &'t str) -> Self {
        self.description = description;
        self
    }

    /// Makes the field required.
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    /// Makes the field a list of values.
    pub const fn multiple(mut self) -> Self {
        self.multiple = true;
        self
    }

    /// Accepts `null`.
    pub const fn nullable(mut self) -> Self {
        self.allow_null = true;
        self
    }

    /// Accepts only these values.
    pub const fn choices(mut self, choices: &'t [Choice<'t>]) -> Self {
        self.choices = choices;
        self
    }

    /// Sets the minimum value or length.
    pub const fn at_least(mut self, minimum: f64) -> Self {
        self.minimum = Some(minimum);
        self
    }

    /// Sets the maximum value or length.
    pub const fn at_most(mut self, maximum: f64) -> Self {
        self.maximum = Some(maximum);
        self
    }

    /// Sets the members of an object.
    pub const fn properties(mut self, properties: &'t [Field<'t>]) -> Self {
        self.properties = Some(properties);
        self
    }

    /// Sets the reader of texts that do not convert to the type. Values of another type count as unreadable.
    pub const fn reading(mut self, reads: ReadText) -> Self {
        self.reads = Some(reads);
        self
    }

    /// Sets the suggested mapping, as JSON text.
    pub const fn default_mapping(mut self, json: &'t str) -> Self {
        self.default = Some(json);
        self
    }
}
