//! `@case`: a text in lower or upper case.

use crate::mapping::directive::*;
use crate::value::Value;

pub(super) const DIRECTIVE: Directive = Directive::new("@case", check, compile);

#[derive(Debug)]
struct Case {
    operator: Expr,
    value: Expr,
}

fn check(check: &mut Check, argument: &Json) {
    check.object_argument(argument, |check, object| {
        check.optional(object, "operator", Check::string);
        check.optional(object, "value", Check::string_or_checked_directive);
    });
}

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    let Json::Object(object) = argument else {
        return fail("@case requires an object with a \"operator\" key");
    };
    if falsy(object.get("operator")) {
        return fail("@case requires a \"operator\" key");
    }
    if falsy(object.get("value")) {
        return Expr::Undefined;
    }
    Expr::directive(Case {
        operator: compiler.member(object, "operator"),
        value: compiler.member(object, "value"),
    })
}

impl Evaluate for Case {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        let operator = eval.value(&self.operator)?;
        let value = eval.value(&self.value)?;
        let Value::Str(text) = value else { return Ok(value) };
        match operator {
            Value::Str("lower") => Ok(Value::Str(eval.arena.alloc_str(&text.to_lowercase()))),
            Value::Str("upper") => Ok(Value::Str(eval.arena.alloc_str(&text.to_uppercase()))),
            _ => Err(RuntimeError::new(
                "@case: the operator should be \"lower\" or \"upper\"",
            )),
        }
    }
}
