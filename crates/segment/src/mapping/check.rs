//! Checks a mapping at load, with Segment's messages.
//!
//! Segment walks each argument of a directive twice, which doubles the work per level of nesting. This check walks each
//! value once; its second look at an argument compares types only, which adds no errors below the argument.

use super::error::{CompileError, MappingError};
use super::limits::MAX_DEPTH;
use crate::value::order_keys;
use serde_json::{Map, Value as Json};

/// Fails for a mapping nested so deep that walking it could exhaust the stack.
pub(super) fn depth(mapping: &Json) -> Result<(), CompileError> {
    fn within(value: &Json, left: usize) -> bool {
        match value {
            Json::Array(items) => left > 0 && items.iter().all(|item| within(item, left - 1)),
            Json::Object(members) => left > 0 && members.values().all(|item| within(item, left - 1)),
            _ => true,
        }
    }
    if within(mapping, MAX_DEPTH) {
        return Ok(());
    }
    Err(MappingError::validation(
        "/",
        format!("should not be nested more than {MAX_DEPTH} levels deep"),
    )
    .into())
}

/// Checks the argument of a directive.
pub(super) type CheckFn = fn(&mut Check, &Json);

/// Checks a whole mapping. `find` returns a directive's check by its name.
pub(super) fn mapping(mapping: &Json, find: fn(&str) -> Option<CheckFn>) -> Result<(), CompileError> {
    let mut check = Check {
        path: Vec::new(),
        errors: Vec::new(),
        find,
    };
    check.value(mapping);
    if check.errors.is_empty() {
        Ok(())
    } else {
        Err(CompileError { errors: check.errors })
    }
}

/// Returns the members in JavaScript's key order.
pub(super) fn ordered(object: &Map<String, Json>) -> Vec<(&str, &Json)> {
    let mut members: Vec<_> = object.iter().map(|(key, value)| (key.as_str(), value)).collect();
    order_keys(&mut members, |(key, _)| key);
    members
}

/// A check under way.
pub(super) struct Check {
    path: Vec<String>,
    errors: Vec<MappingError>,
    find: fn(&str) -> Option<CheckFn>,
}

impl Check {
    /// Reports a mistake at the current path.
    pub(super) fn fail(&mut self, message: impl Into<String>) {
        self.errors.push(MappingError::validation(
            format!("/{}", self.path.join("/")),
            message,
        ));
    }

    /// Checks the value of a key with the key on the path.
    pub(super) fn below(&mut self, key: &str, check: impl FnOnce(&mut Self)) {
        self.path.push(key.to_owned());
        check(self);
        self.path.pop();
    }

    /// Checks any value of a mapping. As at Segment, elements of arrays are not checked.
    pub(super) fn value(&mut self, value: &Json) {
        if let Json::Object(object) = value {
            if is_directive(object) {
                self.directive(object);
            } else {
                self.members(object);
            }
        }
    }

    fn members(&mut self, object: &Map<String, Json>) {
        for (key, value) in ordered(object) {
            self.below(key, |check| check.value(value));
        }
    }

    fn directive(&mut self, object: &Map<String, Json>) {
        let names: Vec<_> = object.keys().filter(|key| key.starts_with('@')).collect();
        let plain = object
            .keys()
            .filter(|key| !key.starts_with('@') && *key != "_metadata")
            .count();
        if names.len() > 1 || plain > 0 {
            let count = if names.len() > 1 {
                names.len()
            } else {
                object.len()
            };
            return self.fail(format!(
                "should only have one @-prefixed key but it has {count} keys"
            ));
        }
        let Some(name) = names.first().map(|name| name.as_str()) else {
            return;
        };
        let Some(argument) = object.get(name) else { return };
        match (self.find)(name) {
            Some(check) => self.below(name, |inner| check(inner, argument)),
            None => self.fail(format!("has an invalid directive: {name}")),
        }
    }

    /// Checks a string, or a directive and its argument.
    pub(super) fn string_or_directive(&mut self, value: &Json) {
        match value {
            Json::String(_) => {}
            Json::Object(object) if is_directive(object) => self.directive(object),
            _ => self.fail(wrong_type("a string or a mapping directive", value)),
        }
    }

    /// Checks the argument of a directive; any other value is right.
    pub(super) fn directive_or_anything(&mut self, value: &Json) {
        if let Json::Object(object) = value
            && is_directive(object)
        {
            self.directive(object);
        }
    }

    /// Fails for anything but a string.
    pub(super) fn string(&mut self, value: &Json) {
        if !value.is_string() {
            self.fail(wrong_type("a string", value));
        }
    }

    /// Fails for anything but a list. A directive counts as an object here, as at Segment.
    pub(super) fn list(&mut self, value: &Json) {
        match value {
            Json::Array(_) => {}
            Json::Object(_) => self.fail("should be an array but it is an object"),
            other => self.fail(wrong_type("an array", other)),
        }
    }

    /// Returns the number of errors so far.
    pub(super) fn failures(&self) -> usize {
        self.errors.len()
    }

    /// Checks an argument that must be a plain object: first its members, then `fields` unless a member is wrong.
    pub(super) fn object_argument(&mut self, value: &Json, fields: fn(&mut Self, &Map<String, Json>)) {
        match value {
            Json::Object(object) if !is_directive(object) => {
                let before = self.errors.len();
                self.members(object);
                if self.errors.len() == before {
                    fields(self, object);
                }
            }
            _ => self.fail(wrong_type("an object", value)),
        }
    }

    /// Checks a field, or fails if it is absent.
    pub(super) fn required(
        &mut self,
        object: &Map<String, Json>,
        key: &str,
        check: impl FnOnce(&mut Self, &Json),
    ) {
        match object.get(key) {
            Some(value) => self.below(key, |inner| check(inner, value)),
            None => self.fail(format!("should have field \"{key}\" but it doesn't")),
        }
    }

    /// Checks a field if it is present.
    pub(super) fn optional(
        &mut self,
        object: &Map<String, Json>,
        key: &str,
        check: impl FnOnce(&mut Self, &Json),
    ) {
        if let Some(value) = object.get(key) {
            self.below(key, |inner| check(inner, value));
        }
    }

    /// Checks a list of objects as Segment does: from a fresh root, up to the first bad element.
    pub(super) fn objects(&mut self, objects: &[Json]) {
        let mut elements = Check {
            path: Vec::new(),
            errors: Vec::new(),
            find: self.find,
        };
        for element in objects {
            match element {
                Json::Object(_) => elements.value(element),
                _ => elements.object_or_directive(element),
            }
            if !elements.errors.is_empty() {
                break;
            }
        }
        self.errors.append(&mut elements.errors);
    }

    /// Fails for anything but a string or a directive, which was checked as a member already.
    pub(super) fn string_or_checked_directive(&mut self, value: &Json) {
        if !value.is_string() && type_name(value) != "directive" {
            self.fail(wrong_type("a string or a mapping directive", value));
        }
    }

    /// Fails for anything but an object.
    pub(super) fn object_or_directive(&mut self, value: &Json) {
        if !value.is_object() {
            self.fail(wrong_type("a object or a mapping directive", value));
        }
    }

    /// Fails for anything but one of the allowed words, in upper or lower case.
    pub(super) fn one_of(&mut self, value: &Json, allowed: &[&str]) {
        let Some(text) = value.as_str() else {
            return self.fail(wrong_type("a string", value));
        };
        if !allowed.contains(&text.to_lowercase().as_str()) {
            self.fail(format!(
                "should be one of {} but it is {value}",
                allowed.join(", ")
            ));
        }
    }
}

/// Returns true for an object that validation takes for a directive, also for a wrong one with plain keys.
fn is_directive(object: &Map<String, Json>) -> bool {
    object.keys().any(|key| key.starts_with('@'))
}

/// Returns the name that Segment gives to a value's type, or `directive`.
pub(super) fn type_name(value: &Json) -> &'static str {
    match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(object) if is_directive(object) => "directive",
        Json::Object(_) => "object",
    }
}

/// Words a mismatch of types.
pub(super) fn wrong_type(expected: &str, found: &Json) -> String {
    let name = type_name(found);
    let article = if name.starts_with(['a', 'o']) { "an" } else { "a" };
    format!("should be {expected} but it is {article} {name}")
}
