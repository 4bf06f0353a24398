//! Checking a mapping before anything runs, with Segment's messages.
//!
//! Segment walks each argument of a directive twice, which doubles per level of nesting. Here each value is walked
//! once; the second look only asks for types, which cannot add errors of its own below.

use super::error::{CompileError, MappingError};
use super::limits::MAX_DEPTH;
use super::liquid::{Liquid, Problem};
use crate::value::{order_keys, utf16_len};
use serde_json::{Map, Value as Json};

/// Refuses mappings nested so deep that walking them could exhaust the stack.
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

/// Checks a whole mapping.
pub(super) fn mapping(mapping: &Json) -> Result<(), CompileError> {
    let mut check = Check {
        path: Vec::new(),
        errors: Vec::new(),
    };
    check.value(mapping);
    if check.errors.is_empty() {
        Ok(())
    } else {
        Err(CompileError { errors: check.errors })
    }
}

/// Members in JavaScript's key order.
pub(super) fn ordered(object: &Map<String, Json>) -> Vec<(&str, &Json)> {
    let mut members: Vec<_> = object.iter().map(|(key, value)| (key.as_str(), value)).collect();
    order_keys(&mut members, |(key, _)| key);
    members
}

struct Check<'m> {
    path: Vec<&'m str>,
    errors: Vec<MappingError>,
}

impl<'m> Check<'m> {
    fn fail(&mut self, message: impl Into<String>) {
        self.errors.push(MappingError::validation(
            format!("/{}", self.path.join("/")),
            message,
        ));
    }

    fn below(&mut self, key: &'m str, check: impl FnOnce(&mut Self)) {
        self.path.push(key);
        check(self);
        self.path.pop();
    }

    fn value(&mut self, value: &'m Json) {
        if let Json::Object(object) = value {
            if is_directive(object) {
                self.directive(object);
            } else {
                self.members(object);
            }
        }
        // The elements of an array are never looked at.
    }

    fn members(&mut self, object: &'m Map<String, Json>) {
        for (key, value) in ordered(object) {
            self.below(key, |check| check.value(value));
        }
    }

    fn directive(&mut self, object: &'m Map<String, Json>) {
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
        let check: fn(&mut Self, &'m Json) = match name {
            "@path" | "@template" => Self::string_or_directive,
            "@literal" | "@excludeWhenNull" => Self::directive_or_anything,
            "@if" => |check, argument| check.object_argument(argument, |_, _| {}),
            "@case" => |check, argument| check.object_argument(argument, Self::case),
            "@replace" => |check, argument| check.object_argument(argument, Self::replace),
            "@arrayPath" => Self::array_path,
            "@merge" => |check, argument| check.object_argument(argument, Self::merge),
            "@transform" => |check, argument| check.object_argument(argument, Self::transform),
            "@flatten" => |check, argument| check.object_argument(argument, Self::flatten),
            "@json" => |check, argument| check.object_argument(argument, Self::json),
            "@liquid" => Self::liquid,
            _ => return self.fail(format!("has an invalid directive: {name}")),
        };
        self.below(name, |inner| check(inner, argument));
    }

    fn string_or_directive(&mut self, value: &'m Json) {
        match value {
            Json::String(_) => {}
            Json::Object(object) if is_directive(object) => self.directive(object),
            _ => self.fail(wrong_type("a string or a mapping directive", value)),
        }
    }

    fn directive_or_anything(&mut self, value: &'m Json) {
        if let Json::Object(object) = value
            && is_directive(object)
        {
            self.directive(object);
        }
    }

    fn string(&mut self, value: &'m Json) {
        if !value.is_string() {
            self.fail(wrong_type("a string", value));
        }
    }

    fn liquid(&mut self, value: &'m Json) {
        self.string(value);
        if let Some(Err(Problem::Unsupported(what))) = value.as_str().map(Liquid::new) {
            self.fail(format!("uses {what}, which is not supported"));
        }
    }

    fn array_path(&mut self, value: &'m Json) {
        let Json::Array(items) = value else {
            return self.fail(wrong_type("an array", value));
        };
        match items.first() {
            Some(root) => self.string_or_directive(root),
            None => self.fail("should be a string or a mapping directive but it is an undefined"),
        }
        if let Some(shape) = items.get(1) {
            self.value(shape);
        }
    }

    /// An argument that must be a plain object: its members are checked first, and only if they are fine its fields.
    fn object_argument(&mut self, value: &'m Json, fields: fn(&mut Self, &'m Map<String, Json>)) {
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

    fn required(
        &mut self,
        object: &'m Map<String, Json>,
        key: &'static str,
        check: impl FnOnce(&mut Self, &'m Json),
    ) {
        match object.get(key) {
            Some(value) => self.below(key, |inner| check(inner, value)),
            None => self.fail(format!("should have field \"{key}\" but it doesn't")),
        }
    }

    fn optional(
        &mut self,
        object: &'m Map<String, Json>,
        key: &'static str,
        check: impl FnOnce(&mut Self, &'m Json),
    ) {
        if let Some(value) = object.get(key) {
            self.below(key, |inner| check(inner, value));
        }
    }

    fn case(&mut self, object: &'m Map<String, Json>) {
        self.optional(object, "operator", Self::string);
        self.optional(object, "value", Self::string_or_checked_directive);
    }

    fn replace(&mut self, object: &'m Map<String, Json>) {
        self.required(object, "pattern", |check, value| check.text_of_length(value, 1));
        self.optional(object, "replacement", |check, value| {
            check.text_of_length(value, 0)
        });
        self.required(object, "value", Self::string_or_checked_directive);
        self.optional(object, "ignorecase", Self::boolean);
        self.optional(object, "global", Self::boolean);
    }

    fn merge(&mut self, object: &'m Map<String, Json>) {
        self.optional(object, "direction", |check, value| {
            check.one_of(value, &["left", "right"])
        });
        let Some(objects) = object.get("objects") else {
            return self.fail("should have field \"objects\" but it doesn't");
        };
        let Json::Array(objects) = objects else {
            return self.below("objects", |check| check.fail(wrong_type("an array", objects)));
        };
        // Segment checks the elements from a fresh root and stops at the first bad one.
        let mut elements = Check {
            path: Vec::new(),
            errors: Vec::new(),
        };
        for element in objects {
            elements.object_or_directive(element);
            if !elements.errors.is_empty() {
                break;
            }
        }
        self.errors.append(&mut elements.errors);
    }

    fn transform(&mut self, object: &'m Map<String, Json>) {
        self.required(object, "apply", Self::object_or_directive_type);
        self.required(object, "mapping", Self::object_or_directive_type);
    }

    fn flatten(&mut self, object: &'m Map<String, Json>) {
        self.optional(object, "separator", Self::string);
        self.required(object, "value", |_, _| {});
    }

    fn json(&mut self, object: &'m Map<String, Json>) {
        self.required(object, "value", |_, _| {});
        self.required(object, "mode", |check, value| {
            check.one_of(value, &["encode", "decode"])
        });
    }

    /// The directive itself was checked as a member already.
    fn string_or_checked_directive(&mut self, value: &'m Json) {
        if !value.is_string() && type_name(value) != "directive" {
            self.fail(wrong_type("a string or a mapping directive", value));
        }
    }

    fn object_or_directive_type(&mut self, value: &'m Json) {
        if !value.is_object() {
            self.fail(wrong_type("a object or a mapping directive", value));
        }
    }

    fn object_or_directive(&mut self, value: &'m Json) {
        match value {
            Json::Object(_) => self.value(value),
            _ => self.object_or_directive_type(value),
        }
    }

    fn boolean(&mut self, value: &'m Json) {
        if !value.is_boolean() {
            self.fail(wrong_type("a boolean", value));
        }
    }

    fn text_of_length(&mut self, value: &'m Json, least: usize) {
        match value.as_str().map(utf16_len) {
            None => self.fail(wrong_type("a string", value)),
            Some(length) if length < least => {
                self.fail(format!("should be a string of length {least} or greater"));
            }
            Some(11..) => self.fail("should be a string of length 10 or less"),
            Some(_) => {}
        }
    }

    fn one_of(&mut self, value: &'m Json, allowed: &[&str]) {
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

/// Whether validation takes an object for a directive; mixed with plain keys it is one, a wrong one.
fn is_directive(object: &Map<String, Json>) -> bool {
    object.keys().any(|key| key.starts_with('@'))
}

/// A type name of Segment's, or `directive`.
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

fn wrong_type(expected: &str, found: &Json) -> String {
    let name = type_name(found);
    let article = if name.starts_with(['a', 'o']) { "an" } else { "a" };
    format!("should be {expected} but it is {article} {name}")
}
