//! The rules for one value that a field implies, once `multiple`, `allow_null` and the like are resolved as Segment
//! does. They are computed once for each table.

use super::field::{Choice, Field, FieldType, ReadText};
use crate::value::{Number, Value};
use signalbox_core::json::KeyMark;

/// The types of JSON schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JsonType {
    String,
    Number,
    Integer,
    Boolean,
    Null,
    Array,
    Object,
}

impl JsonType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            JsonType::String => "string",
            JsonType::Number => "number",
            JsonType::Integer => "integer",
            JsonType::Boolean => "boolean",
            JsonType::Null => "null",
            JsonType::Array => "array",
            JsonType::Object => "object",
        }
    }

    pub(crate) fn accepts(self, value: Value<'_>) -> bool {
        match self {
            JsonType::String => matches!(value, Value::Str(_)),
            JsonType::Number => value.as_number().is_some_and(Number::is_finite),
            JsonType::Integer => value.as_number().is_some_and(Number::is_whole),
            JsonType::Boolean => matches!(value, Value::Bool(_)),
            JsonType::Null => matches!(value, Value::Null),
            JsonType::Array => value.is_array(),
            JsonType::Object => value.is_object(),
        }
    }
}

/// The rule for a value, or for one item of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ValueRule<'t> {
    /// Accepted types in the order of conversion; never empty.
    pub(crate) types: &'static [JsonType],
    pub(crate) label: Option<&'t str>,
    pub(crate) choices: &'t [Choice<'t>],
    /// Accepts `null` in addition to the choices.
    pub(crate) null_choice: bool,
    pub(crate) number_limits: (Option<f64>, Option<f64>),
    pub(crate) length_limits: (Option<f64>, Option<f64>),
    /// Text must pass [`super::is_date_like`].
    pub(crate) date_like: bool,
    /// The value is a list, whose items have their own rule.
    pub(crate) list: bool,
    /// The value is an object with fields.
    pub(crate) object: bool,
    /// Reads texts that do not convert.
    pub(crate) reads: Option<ReadText>,
    /// Values that fit without looking at the rest of the rule.
    pub(crate) plain: PlainType,
}

/// A type whose values fit as they are, as most values do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlainType {
    /// No value.
    Never,
    /// Any text.
    Text,
    /// A boolean.
    Flag,
    /// A number in the range of doubles.
    Finite,
    /// A whole number.
    Whole,
}

impl PlainType {
    #[inline]
    pub(crate) fn has(self, value: &Value<'_>) -> bool {
        match (self, value) {
            (PlainType::Text, Value::Str(_)) | (PlainType::Flag, Value::Bool(_)) => true,
            (PlainType::Finite, Value::Number(number)) => number.is_finite(),
            (PlainType::Whole, Value::Number(number)) => number.is_whole(),
            _ => false,
        }
    }
}

/// The most common value of a field, which needs no conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CommonCase {
    /// A value of this type, kept as it is.
    One(PlainType),
    /// One text, which becomes a list.
    Texts,
}

/// The part of a field's plan that the most common value needs. All rules together are larger than the L1 cache, so the
/// walk reads a rule only for other values.
#[derive(Debug)]
pub(crate) struct FieldSummary<'t> {
    pub(crate) key: &'t str,
    pub(crate) common: CommonCase,
    /// The field is required.
    pub(crate) required: bool,
}

/// A field with its rules.
#[derive(Debug)]
pub(crate) struct FieldPlan<'t> {
    pub(crate) field: &'t Field<'t>,
    pub(crate) rule: ValueRule<'t>,
    /// Rule of an item if the field is a list.
    pub(crate) item: ValueRule<'t>,
    /// Members of an object, or of each item.
    pub(crate) members: Option<ObjectPlan<'t>>,
}

/// The fields of an object.
#[derive(Debug)]
pub(crate) struct ObjectPlan<'t> {
    pub(crate) plans: Box<[FieldPlan<'t>]>,
    /// Keys of the fields.
    pub(crate) keys: Box<[&'t str]>,
    pub(crate) marks: Box<[KeyMark]>,
    pub(crate) summaries: Box<[FieldSummary<'t>]>,
}

impl<'t> ObjectPlan<'t> {
    /// Plans an object of these fields; other members are unknown.
    pub(crate) fn new(fields: &'t [Field<'t>]) -> ObjectPlan<'t> {
        let plans: Box<[FieldPlan<'t>]> = fields.iter().map(FieldPlan::new).collect();
        ObjectPlan {
            summaries: plans.iter().map(FieldPlan::summary).collect(),
            plans,
            keys: fields.iter().map(|field| field.key).collect(),
            marks: fields.iter().map(|field| KeyMark::of(field.key)).collect(),
        }
    }

    /// Returns the index of a member's field. Tries the fields from `next` on first, since members mostly come in
    /// order.
    pub(crate) fn index_of(&self, key: &str, next: usize) -> Option<usize> {
        let mark = KeyMark::of(key);
        let (before, ahead) = self.marks.split_at(next.min(self.marks.len()));
        let is = |at: &usize| self.plans[*at].field.key == key;
        let in_order = ahead.iter().position(|known| *known == mark).map(|at| next + at);
        in_order.filter(is).or_else(|| {
            // The members are out of order, or two keys have the same mark.
            let all = before.iter().chain(ahead).enumerate();
            let mut same = all.filter(|(_, known)| **known == mark).map(|(at, _)| at);
            same.find(is)
        })
    }
}

impl<'t> FieldPlan<'t> {
    fn summary(&self) -> FieldSummary<'t> {
        FieldSummary {
            key: self.field.key,
            common: self.common(),
            required: self.field.required,
        }
    }

    pub(crate) fn common(&self) -> CommonCase {
        // Most personal fields are lists of one text.
        if self.rule.list && self.item.plain == PlainType::Text {
            CommonCase::Texts
        } else {
            CommonCase::One(self.rule.plain)
        }
    }

    fn new(field: &'t Field<'t>) -> FieldPlan<'t> {
        FieldPlan {
            field,
            rule: ValueRule::of_field(field),
            item: ValueRule::of_item(field),
            members: properties(field).map(ObjectPlan::new),
        }
    }
}

impl<'t> ValueRule<'t> {
    fn of_field(field: &'t Field<'t>) -> ValueRule<'t> {
        if field.multiple {
            return ValueRule {
                list: true,
                ..ValueRule::bare(&[JsonType::Array], field.label)
            };
        }
        let object = properties(field).is_some();
        // With properties, the type of Segment's sub-schema replaces the nullable one.
        let nullable = field.allow_null && !object;
        let limits = (effective(field.minimum), effective(field.maximum));
        let (number_limits, length_limits) = match field.kind {
            FieldType::Number => (limits, (None, None)),
            FieldType::String => ((None, None), limits),
            _ => ((None, None), (None, None)),
        };
        let limited = field.minimum.is_some() || field.maximum.is_some();
        ValueRule {
            choices: field.choices,
            null_choice: field.allow_null,
            number_limits,
            length_limits,
            date_like: field.kind == FieldType::Datetime,
            object,
            reads: field.reads,
            plain: if limited || !field.choices.is_empty() {
                PlainType::Never
            } else {
                plain(field.kind)
            },
            ..ValueRule::bare(types_of(field.kind, nullable), field.label)
        }
    }

    /// Returns the rule of one item of a `multiple` field, which keeps only the type and the choices.
    fn of_item(field: &'t Field<'t>) -> ValueRule<'t> {
        ValueRule {
            choices: field.choices,
            object: properties(field).is_some(),
            plain: if field.choices.is_empty() {
                plain(field.kind)
            } else {
                PlainType::Never
            },
            ..ValueRule::bare(types_of(field.kind, false), None)
        }
    }

    fn bare(types: &'static [JsonType], label: Option<&'t str>) -> ValueRule<'t> {
        ValueRule {
            types,
            label,
            choices: &[],
            null_choice: false,
            number_limits: (None, None),
            length_limits: (None, None),
            date_like: false,
            list: false,
            object: false,
            reads: None,
            plain: PlainType::Never,
        }
    }
}

fn plain(kind: FieldType) -> PlainType {
    match kind {
        FieldType::String => PlainType::Text,
        FieldType::Boolean => PlainType::Flag,
        FieldType::Number | FieldType::Datetime => PlainType::Finite,
        FieldType::Integer => PlainType::Whole,
        FieldType::Object => PlainType::Never,
    }
}

/// Returns true for a value that Segment removes as empty: null where null is not a value, `""` where text is not.
pub(crate) fn drops_as_empty(field: &Field<'_>, item: bool, value: &Value<'_>) -> bool {
    let single = !field.multiple || item;
    match value {
        Value::Undefined => true,
        Value::Null => item || field.multiple || !field.allow_null || properties(field).is_some(),
        Value::Str("") => {
            let text = !matches!(
                field.kind,
                FieldType::Number | FieldType::Integer | FieldType::Boolean | FieldType::Object
            );
            !(single && text)
        }
        _ => false,
    }
}

fn properties<'t>(field: &Field<'t>) -> Option<&'t [Field<'t>]> {
    field.properties.filter(|_| field.kind == FieldType::Object)
}

/// Drops a limit of zero: Segment tests limits for truth.
fn effective(limit: Option<f64>) -> Option<f64> {
    limit.filter(|limit| *limit != 0.0)
}

fn types_of(kind: FieldType, nullable: bool) -> &'static [JsonType] {
    use JsonType::{Boolean, Integer, Null, Number, Object, String};
    match (kind, nullable) {
        (FieldType::String, false) => &[String],
        (FieldType::String, true) => &[String, Null],
        (FieldType::Number, false) => &[Number],
        (FieldType::Number, true) => &[Number, Null],
        (FieldType::Integer, false) => &[Integer],
        (FieldType::Integer, true) => &[Integer, Null],
        (FieldType::Boolean, false) => &[Boolean],
        (FieldType::Boolean, true) => &[Boolean, Null],
        (FieldType::Datetime, false) => &[String, Number],
        (FieldType::Datetime, true) => &[String, Number, Null],
        (FieldType::Object, false) => &[Object],
        (FieldType::Object, true) => &[Object, Null],
    }
}
