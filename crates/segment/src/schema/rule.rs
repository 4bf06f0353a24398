//! What a field demands of one value, once `multiple`, `allow_null` and the rest are worked out as Segment does. Worked
//! out once for each table, since most values of an event only need to be looked at.

use super::field::{Choice, Field, FieldType, Required};
use crate::value::{Number, Value};
use signalbox_core::json::KeyMark;

/// The types of JSON schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    String,
    Number,
    Integer,
    Boolean,
    Null,
    Array,
    Object,
}

impl Wanted {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Wanted::String => "string",
            Wanted::Number => "number",
            Wanted::Integer => "integer",
            Wanted::Boolean => "boolean",
            Wanted::Null => "null",
            Wanted::Array => "array",
            Wanted::Object => "object",
        }
    }

    pub(crate) fn accepts(self, value: Value<'_>) -> bool {
        match self {
            Wanted::String => matches!(value, Value::Str(_)),
            Wanted::Number => value.as_number().is_some_and(Number::is_finite),
            Wanted::Integer => value.as_number().is_some_and(Number::is_whole),
            Wanted::Boolean => matches!(value, Value::Bool(_)),
            Wanted::Null => matches!(value, Value::Null),
            Wanted::Array => value.is_array(),
            Wanted::Object => value.is_object(),
        }
    }
}

/// The demands on a value, or on one item of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rule<'t> {
    /// In the order they are tried; never empty.
    pub(crate) types: &'static [Wanted],
    pub(crate) label: Option<&'t str>,
    pub(crate) choices: &'t [Choice<'t>],
    /// `null` is one of the choices.
    pub(crate) null_choice: bool,
    pub(crate) number_limits: (Option<f64>, Option<f64>),
    pub(crate) length_limits: (Option<f64>, Option<f64>),
    /// Text must pass [`super::is_date_like`].
    pub(crate) date_like: bool,
    /// It is a list, whose items have a rule of their own.
    pub(crate) list: bool,
    /// It is an object with fields of its own.
    pub(crate) object: bool,
    /// What needs none of the above looked at.
    pub(crate) plain: Plain,
}

/// Values that are all their field asks for, which most are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plain {
    /// None.
    Never,
    /// Any text.
    Text,
    /// A truth value.
    Flag,
    /// A number within the doubles.
    Finite,
    /// A whole number.
    Whole,
}

impl Plain {
    #[inline]
    pub(crate) fn has(self, value: &Value<'_>) -> bool {
        match (self, value) {
            (Plain::Text, Value::Str(_)) | (Plain::Flag, Value::Bool(_)) => true,
            (Plain::Finite, Value::Number(number)) => number.is_finite(),
            (Plain::Whole, Value::Number(number)) => number.is_whole(),
            _ => false,
        }
    }
}

/// What the value of a field mostly is and then needs nothing done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Usual {
    /// Such a value as it is.
    One(Plain),
    /// One text, of which a list is made.
    Texts,
}

/// What there is to know of a field as long as its value is what it mostly is. A rule is large, all rules together larger
/// than the processor's nearest cache, and so they mostly need not be read.
#[derive(Debug)]
pub(crate) struct Brief<'t> {
    pub(crate) key: &'t str,
    pub(crate) usual: Usual,
    /// Whether it must be there, if that counts.
    pub(crate) required: bool,
}

/// A field with its rules.
#[derive(Debug)]
pub(crate) struct Plan<'t> {
    pub(crate) field: &'t Field<'t>,
    pub(crate) rule: Rule<'t>,
    /// The rule of an item, where the field is a list.
    pub(crate) item: Rule<'t>,
    /// The members of an object, or of each item.
    pub(crate) members: Option<Members<'t>>,
}

/// The fields of an object.
#[derive(Debug)]
pub(crate) struct Members<'t> {
    pub(crate) plans: Box<[Plan<'t>]>,
    /// The fields' keys.
    pub(crate) keys: Box<[&'t str]>,
    pub(crate) marks: Box<[KeyMark]>,
    pub(crate) briefs: Box<[Brief<'t>]>,
}

impl<'t> Members<'t> {
    /// A closed object.
    pub(crate) fn new(fields: &'t [Field<'t>]) -> Members<'t> {
        let plans: Box<[Plan<'t>]> = fields.iter().map(Plan::new).collect();
        Members {
            briefs: plans.iter().map(Plan::brief).collect(),
            plans,
            keys: fields.iter().map(|field| field.key).collect(),
            marks: fields.iter().map(|field| KeyMark::of(field.key)).collect(),
        }
    }

    /// The place of a member's field; the fields from `next` on are tried first.
    pub(crate) fn place(&self, key: &str, next: usize) -> Option<usize> {
        let mark = KeyMark::of(key);
        let (before, ahead) = self.marks.split_at(next.min(self.marks.len()));
        let is = |at: &usize| self.plans[*at].field.key == key;
        let in_order = ahead.iter().position(|known| *known == mark).map(|at| next + at);
        in_order.filter(is).or_else(|| {
            // Out of order, or two keys of one mark.
            let all = before.iter().chain(ahead).enumerate();
            let mut same = all.filter(|(_, known)| **known == mark).map(|(at, _)| at);
            same.find(is)
        })
    }
}

impl<'t> Plan<'t> {
    pub(crate) fn is_required(&self) -> bool {
        self.field.required == Required::Always
    }

    fn brief(&self) -> Brief<'t> {
        Brief {
            key: self.field.key,
            usual: self.usual(),
            required: self.is_required(),
        }
    }

    pub(crate) fn usual(&self) -> Usual {
        // Most personal fields are lists of one text.
        if self.rule.list && self.item.plain == Plain::Text {
            Usual::Texts
        } else {
            Usual::One(self.rule.plain)
        }
    }

    fn new(field: &'t Field<'t>) -> Plan<'t> {
        Plan {
            field,
            rule: Rule::of_field(field),
            item: Rule::of_item(field),
            members: properties(field).map(Members::new),
        }
    }
}

impl<'t> Rule<'t> {
    fn of_field(field: &'t Field<'t>) -> Rule<'t> {
        if field.multiple {
            return Rule {
                list: true,
                ..Rule::bare(&[Wanted::Array], field.label)
            };
        }
        let object = properties(field).is_some();
        // With properties the sub-schema's own type replaces the nullable one.
        let nullable = field.allow_null && !object;
        let limits = (effective(field.minimum), effective(field.maximum));
        let (number_limits, length_limits) = match field.kind {
            FieldType::Number => (limits, (None, None)),
            FieldType::String => ((None, None), limits),
            _ => ((None, None), (None, None)),
        };
        let limited = field.minimum.is_some() || field.maximum.is_some();
        Rule {
            choices: field.choices,
            null_choice: field.allow_null,
            number_limits,
            length_limits,
            date_like: field.kind == FieldType::Datetime,
            object,
            plain: if limited || !field.choices.is_empty() {
                Plain::Never
            } else {
                plain(field.kind)
            },
            ..Rule::bare(types_of(field.kind, nullable), field.label)
        }
    }

    /// One item of a `multiple` field: the type and the choices are all it keeps.
    fn of_item(field: &'t Field<'t>) -> Rule<'t> {
        Rule {
            choices: field.choices,
            object: properties(field).is_some(),
            plain: if field.choices.is_empty() {
                plain(field.kind)
            } else {
                Plain::Never
            },
            ..Rule::bare(types_of(field.kind, false), None)
        }
    }

    fn bare(types: &'static [Wanted], label: Option<&'t str>) -> Rule<'t> {
        Rule {
            types,
            label,
            choices: &[],
            null_choice: false,
            number_limits: (None, None),
            length_limits: (None, None),
            date_like: false,
            list: false,
            object: false,
            plain: Plain::Never,
        }
    }
}

fn plain(kind: FieldType) -> Plain {
    match kind {
        FieldType::String => Plain::Text,
        FieldType::Boolean => Plain::Flag,
        FieldType::Number | FieldType::Datetime => Plain::Finite,
        FieldType::Integer => Plain::Whole,
        FieldType::Object => Plain::Never,
    }
}

/// Segment's removal of empty values: nulls where null is no value, `""` where text is no value.
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

/// Segment tests limits for truth, so zero is none.
fn effective(limit: Option<f64>) -> Option<f64> {
    limit.filter(|limit| *limit != 0.0)
}

fn types_of(kind: FieldType, nullable: bool) -> &'static [Wanted] {
    use Wanted::{Boolean, Integer, Null, Number, Object, String};
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
