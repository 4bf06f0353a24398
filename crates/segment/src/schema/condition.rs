//! Conditional requirements: questions about other fields, asked of the payload before its values are coerced.

use super::field::{Condition, Field, Required};
use super::walk::Root;
use crate::value::Value;

/// A requirement to be decided for each payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Requirement<'t> {
    pub(super) parent: Option<&'t str>,
    pub(super) key: &'t str,
    pub(super) all: bool,
    pub(super) conditions: &'t [Condition<'t>],
}

/// The conditional requirements of the top level and of the members of object fields, in field order.
pub(super) fn requirements<'t>(fields: &'t [Field<'t>]) -> Vec<Requirement<'t>> {
    let mut found = Vec::new();
    for field in fields {
        if let Required::When { all, conditions } = field.required {
            found.push(Requirement {
                parent: None,
                key: field.key,
                all,
                conditions,
            });
        }
        // In a list of objects the target would be the list; Segment's rule has no effect there.
        for member in field.properties.into_iter().flatten().filter(|_| !field.multiple) {
            if let Required::When { all, conditions } = member.required {
                found.push(Requirement {
                    parent: Some(field.key),
                    key: member.key,
                    all,
                    conditions,
                });
            }
        }
    }
    found
}

impl Requirement<'_> {
    /// Whether the conditions hold. With a single condition and no value the question may turn the other field's
    /// value into null, as Ajv does.
    pub(super) fn applies(&self, root: &mut Root<'_, '_>) -> bool {
        match self.conditions {
            [single] => holds(single, root, true),
            several if self.all => several.iter().all(|condition| holds(condition, root, false)),
            several => several.iter().any(|condition| holds(condition, root, false)),
        }
    }
}

fn holds(condition: &Condition<'_>, root: &mut Root<'_, '_>, null_test: bool) -> bool {
    if let Some((parent, child)) = condition.field.split_once('.') {
        let parent_value = root.member(parent);
        if !parent_value.is_defined() {
            return false;
        }
        if !parent_value.is_object() {
            return true;
        }
        let child = root.child(parent, parent_value, child);
        return child.is_defined()
            && condition
                .value
                .is_none_or(|value| same(child, value) != condition.negated);
    }
    let found = root.member(condition.field);
    match condition.value {
        Some(value) => found.is_defined() && same(found, value) != condition.negated,
        None => {
            let absent = !found.is_defined() || (null_test && root.becomes_null(condition.field, found));
            absent != condition.negated
        }
    }
}

/// Deep equality; numbers by value, members in any order.
pub(super) fn same(left: Value<'_>, right: Value<'_>) -> bool {
    match (left, right) {
        (Value::Undefined, Value::Undefined) | (Value::Null, Value::Null) => true,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Number(left), Value::Number(right)) => left.to_f64() == right.to_f64(),
        (Value::Str(left), Value::Str(right)) => left == right,
        _ if left.is_array() && right.is_array() => {
            left.array_len() == right.array_len()
                && left
                    .items()
                    .zip(right.items())
                    .all(|(left, right)| same(left, right))
        }
        _ if left.is_object() && right.is_object() => {
            left.members().count() == right.members().count()
                && right.members().all(|(key, right)| same(left.get(key), right))
        }
        _ => false,
    }
}
