//! `@merge`: the members of several objects in one.

use crate::mapping::directive::*;
use crate::value::{Value, unique_members, utf16_len, utf16_unit};
use bumpalo::collections::Vec as BumpVec;

pub(super) const DIRECTIVE: Directive = Directive {
    lint: |lint, argument| lint.capitals(argument, "direction", &["left"]),
    ..Directive::new("@merge", check, compile)
};

#[derive(Debug)]
struct Merge {
    direction: Expr,
    objects: Box<[Expr]>,
}

fn check(check: &mut Check, argument: &Json) {
    check.object_argument(argument, |check, object| {
        let before = check.failures();
        check.optional(object, "direction", |check, value| {
            check.one_of(value, &["left", "right"]);
        });
        check.required(object, "objects", Check::list);
        // Segment looks at the elements of a right argument only.
        if check.failures() == before
            && let Some(Json::Array(objects)) = object.get("objects")
        {
            check.objects(objects);
        }
    });
}

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    let Json::Object(object) = argument else {
        return fail("@merge requires an object with an \"objects\" key and a \"direction\" key");
    };
    for key in ["direction", "objects"] {
        if falsy(object.get(key)) {
            return fail(format!("@merge requires a \"{key}\" key"));
        }
    }
    let Some(Json::Array(objects)) = object.get("objects") else {
        return fail(format!(
            "@merge: expected opts.array, got {}",
            object.get("objects").map_or("undefined", type_name)
        ));
    };
    Expr::directive(Merge {
        direction: compiler.member(object, "direction"),
        objects: objects.iter().map(|element| compiler.expr(element)).collect(),
    })
}

impl Evaluate for Merge {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        let direction = eval.value(&self.direction)?;
        let mut elements = BumpVec::with_capacity_in(self.objects.len(), eval.arena);
        for element in &self.objects {
            elements.push(eval.keeping_undefined(true).value(element)?);
        }
        if direction.as_str() == Some("left") {
            elements.reverse();
        }
        Ok(eval.object_of(merge(&elements, eval)))
    }
}

/// Copies the members of each element into one object. Later members win, also undefined ones. Lists and texts add
/// their elements by index; other scalars add nothing.
fn merge<'a>(elements: &[Value<'a>], eval: Eval<'a>) -> &'a [(&'a str, Value<'a>)] {
    let mut merged = BumpVec::new_in(eval.arena);
    for element in elements {
        match element {
            Value::Str(text) => merged.extend((0..utf16_len(text)).map(|index| {
                (
                    eval.index_key(index),
                    utf16_unit(text, index).map(Value::Str).into(),
                )
            })),
            _ if element.is_array() => merged.extend(
                element
                    .items()
                    .enumerate()
                    .map(|(index, item)| (eval.index_key(index), item)),
            ),
            _ => merged.extend_from_slice(element.ordered_members(eval.arena)),
        }
    }
    unique_members(merged)
}
