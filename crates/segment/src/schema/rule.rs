//! What a field demands of one value, once `multiple`, `allow_null` and the rest are worked out as Segment does.

use super::field::{Choice, Field, FieldType, Required};
use super::format::Format;
use crate::value::{Number, Value};

/// The types of JSON schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    String,
    Number,
    Integer,
    Boolean,
    Null,
    Array,
    Object,
}

impl Wanted {
    pub(super) fn name(self) -> &'static str {
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

    pub(super) fn accepts(self, value: Value<'_>) -> bool {
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

#[derive(Clone, Copy)]
pub(super) struct Rule<'t> {
    /// In the order they are tried; never empty.
    pub(super) types: &'static [Wanted],
    pub(super) label: Option<&'t str>,
    pub(super) choices: &'t [Choice<'t>],
    /// `null` is one of the choices.
    pub(super) null_choice: bool,
    pub(super) number_limits: (Option<f64>, Option<f64>),
    pub(super) length_limits: (Option<f64>, Option<f64>),
    pub(super) format: Option<Format>,
    /// The field whose items a list holds.
    pub(super) items: Option<&'t Field<'t>>,
    pub(super) members: Option<Members<'t>>,
}

#[derive(Clone, Copy)]
pub(super) struct Members<'t> {
    pub(super) fields: &'t [Field<'t>],
    pub(super) open: bool,
    /// Whether plain requirements count; one conditional member switches them off.
    pub(super) requirements: bool,
}

impl<'t> Rule<'t> {
    pub(super) fn of_field(field: &'t Field<'t>) -> Rule<'t> {
        if field.multiple {
            return Rule {
                items: Some(field),
                ..Rule::bare(&[Wanted::Array], field.label)
            };
        }
        let members = members_of(field);
        // With properties the sub-schema's own type replaces the nullable one.
        let nullable = field.allow_null && members.is_none();
        let limits = (effective(field.minimum), effective(field.maximum));
        let (number_limits, length_limits) = match field.kind {
            FieldType::Number => (limits, (None, None)),
            FieldType::String => ((None, None), limits),
            _ => ((None, None), (None, None)),
        };
        let format = match field.kind {
            FieldType::Datetime => Some(Format::DateLike),
            FieldType::Text | FieldType::Password => None,
            _ => field.format,
        };
        Rule {
            choices: field.choices,
            null_choice: field.allow_null,
            number_limits,
            length_limits,
            format,
            members,
            ..Rule::bare(types_of(field.kind, nullable), field.label)
        }
    }

    /// One item of a `multiple` field: the type and the choices are all it keeps.
    pub(super) fn of_item(field: &'t Field<'t>) -> Rule<'t> {
        Rule {
            choices: field.choices,
            members: members_of(field),
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
            format: None,
            items: None,
            members: None,
        }
    }
}

/// Segment's removal of empty values: nulls where null is no value, `""` where text is no value.
pub(super) fn drops_as_empty(field: &Field<'_>, item: bool, value: Value<'_>) -> bool {
    let single = !field.multiple || item;
    match value {
        Value::Undefined => true,
        Value::Null => item || field.multiple || !field.allow_null || members_of(field).is_some(),
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

/// Whether a value (or an item of a list) already is all its field asks for, which most are.
pub(super) fn fits_plainly(field: &Field<'_>, item: bool, value: Value<'_>) -> bool {
    let bare = item || (!field.multiple && field.minimum.is_none() && field.maximum.is_none());
    if !bare || !field.choices.is_empty() {
        return false;
    }
    match (field.kind, value) {
        (FieldType::String, Value::Str(_)) => item || field.format.is_none(),
        (FieldType::Text | FieldType::Password, Value::Str(_)) | (FieldType::Boolean, Value::Bool(_)) => true,
        (FieldType::Number | FieldType::Datetime, Value::Number(number)) => number.is_finite(),
        (FieldType::Integer, Value::Number(number)) => number.is_whole(),
        _ => false,
    }
}

fn members_of<'t>(field: &'t Field<'t>) -> Option<Members<'t>> {
    if field.kind != FieldType::Object {
        return None;
    }
    let fields = field.properties?;
    let conditional = fields
        .iter()
        .any(|member| matches!(member.required, Required::When { .. }));
    Some(Members {
        fields,
        open: field.additional_properties,
        requirements: !conditional,
    })
}

/// Segment tests limits for truth, so zero is none.
fn effective(limit: Option<f64>) -> Option<f64> {
    limit.filter(|limit| *limit != 0.0)
}

fn types_of(kind: FieldType, nullable: bool) -> &'static [Wanted] {
    use Wanted::{Boolean, Integer, Null, Number, Object, String};
    match (kind, nullable) {
        (FieldType::String | FieldType::Text | FieldType::Password, false) => &[String],
        (FieldType::String | FieldType::Text | FieldType::Password, true) => &[String, Null],
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
