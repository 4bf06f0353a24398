//! Fields as data: a `const` table of what an action accepts.

use crate::value::Value;

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
    /// The member name in the payload.
    pub key: &'t str,
    /// What users see; messages begin with it.
    pub label: Option<&'t str>,
    /// Help text; empty if there is none.
    pub description: &'t str,
    /// The type of the value, or of each item if `multiple`.
    pub kind: FieldType,
    /// A list of values. A single value given at the top level is wrapped. Items keep only the type and the choices.
    pub multiple: bool,
    /// Whether the field must be present.
    pub required: Required,
    /// `null` is a value of its own. Ignored for `multiple` and for objects with properties, as at Segment.
    pub allow_null: bool,
    /// The only values allowed; empty for any.
    pub choices: &'t [Choice<'t>],
    /// Least length of a `String` in characters, or least value of a `Number`. Zero, and any other type, is no limit.
    pub minimum: Option<f64>,
    /// Largest allowed length or value; see `minimum`.
    pub maximum: Option<f64>,
    /// The members of an `Object`; `None` for any object.
    pub properties: Option<&'t [Field<'t>]>,
    /// The mapping offered for this field, as JSON. Never applied by itself.
    pub default: Option<&'t str>,
}

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
    /// A date as text or as a number; never changed, only checked.
    Datetime,
    /// An object.
    Object,
}

/// One allowed value.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'t> {
    /// The value.
    pub value: Value<'t>,
    /// What users see.
    pub label: &'t str,
}

impl<'t> Choice<'t> {
    /// A text choice.
    pub const fn text(value: &'t str, label: &'t str) -> Self {
        Choice {
            value: Value::Str(value),
            label,
        }
    }
}

/// When a field must be present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Required {
    /// Optional.
    No,
    /// Always.
    Always,
}

impl<'t> Field<'t> {
    /// An optional field of one value.
    pub const fn new(key: &'t str, label: &'t str, kind: FieldType) -> Self {
        Field {
            key,
            label: Some(label),
            description: "",
            kind,
            multiple: false,
            required: Required::No,
            allow_null: false,
            choices: &[],
            minimum: None,
            maximum: None,
            properties: None,
            default: None,
        }
    }

    /// With help text.
    pub const fn describe(mut self, description: &'t str) -> Self {
        self.description = description;
        self
    }

    /// Must always be present.
    pub const fn required(mut self) -> Self {
        self.required = Required::Always;
        self
    }

    /// A list of values.
    pub const fn multiple(mut self) -> Self {
        self.multiple = true;
        self
    }

    /// `null` is allowed.
    pub const fn nullable(mut self) -> Self {
        self.allow_null = true;
        self
    }

    /// Only these values.
    pub const fn choices(mut self, choices: &'t [Choice<'t>]) -> Self {
        self.choices = choices;
        self
    }

    /// At least this value or length.
    pub const fn at_least(mut self, minimum: f64) -> Self {
        self.minimum = Some(minimum);
        self
    }

    /// At most this value or length.
    pub const fn at_most(mut self, maximum: f64) -> Self {
        self.maximum = Some(maximum);
        self
    }

    /// The members of an object.
    pub const fn properties(mut self, properties: &'t [Field<'t>]) -> Self {
        self.properties = Some(properties);
        self
    }

    /// The mapping offered for this field, as JSON text.
    pub const fn default_mapping(mut self, json: &'t str) -> Self {
        self.default = Some(json);
        self
    }
}
