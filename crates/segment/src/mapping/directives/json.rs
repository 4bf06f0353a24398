//! `@json`: a value as JSON text, or the value that a JSON text holds.

use crate::mapping::directive::*;
use crate::value::{Numbers, Value, parse_json};
use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

pub(super) const DIRECTIVE: Directive = Directive {
    lint: |lint, argument| lint.capitals(argument, "mode", &["encode", "decode"]),
    ..Directive::new("@json", check, compile)
};

#[derive(Debug)]
enum JsonText {
    Encode(Expr),
    Decode(Expr),
    /// An unknown mode: evaluated for its errors, the result is undefined.
    Discard(Expr),
}

fn check(check: &mut Check, argument: &Json) {
    check.object_argument(argument, |check, object| {
        check.required(object, "value", |_, _| {});
        check.required(object, "mode", |check, value| {
            check.one_of(value, &["encode", "decode"]);
        });
    });
}

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    let Json::Object(object) = argument else {
        return fail("@json requires an object with a \"value\" key");
    };
    for key in ["mode", "value"] {
        if falsy(object.get(key)) {
            return fail(format!("@json requires a \"{key}\" key"));
        }
    }
    let value = compiler.member(object, "value");
    Expr::directive(match object.get("mode").and_then(Json::as_str) {
        Some("encode") => JsonText::Encode(value),
        Some("decode") => JsonText::Decode(value),
        _ => JsonText::Discard(value),
    })
}

impl Evaluate for JsonText {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        match self {
            JsonText::Encode(value) => match eval.value(value)? {
                Value::Undefined => Ok(Value::Undefined),
                value => {
                    let text = json_text(value, eval.arena);
                    bounded(text.len())?;
                    Ok(Value::Str(text))
                }
            },
            JsonText::Decode(value) => match eval.value(value)? {
                Value::Str(text) => Ok(parse_json(text, eval.arena).unwrap_or(Value::Str(text))),
                other => Ok(other),
            },
            JsonText::Discard(value) => eval.value(value).map(|_| Value::Undefined),
        }
    }
}

/// Returns what `JSON.stringify` returns: JavaScript's key order and numbers.
pub(super) fn json_text<'a>(value: Value<'a>, arena: &'a Bump) -> &'a str {
    let mut out = Vec::new();
    ordered(value, arena).write_json(&mut out, Numbers::JavaScript);
    arena.alloc_str(&String::from_utf8_lossy(&out))
}

/// Copies a value with the members of its objects in JavaScript's order.
fn ordered<'a>(value: Value<'a>, arena: &'a Bump) -> Value<'a> {
    if value.is_array() {
        let items = value.items().map(|item| ordered(item, arena));
        Value::Array(BumpVec::from_iter_in(items, arena).into_bump_slice())
    } else if value.is_object() {
        let members = value.ordered_members(arena).iter();
        let members = members.map(|(key, member)| (*key, ordered(*member, arena)));
        Value::Object(BumpVec::from_iter_in(members, arena).into_bump_slice())
    } else {
        value
    }
}
