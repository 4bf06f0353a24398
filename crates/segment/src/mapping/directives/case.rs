//! `@case`: a text in lower or upper case.

use crate::mapping::directive::*;
use crate::value::Value;

pub(super) const DIRECTIVE: Directive = Directive::new("@case", check, compile);

#[derive(Debug)]
struct Case {
    value: Expr,
    /// `None` for a word that is no operator: an error once there is a text.
    operator: Option<Operator>,
}

#[derive(Debug, Clone, Copy)]
enum Operator {
    Lower,
    Upper,
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
        value: compiler.member(object, "value"),
        operator: match object.get("operator").and_then(Json::as_str) {
            Some("lower") => Some(Operator::Lower),
            Some("upper") => Some(Operator::Upper),
            _ => None,
        },
    })
}

impl Evaluate for Case {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        let value = eval.value(&self.value)?;
        let Value::Str(text) = value else { return Ok(value) };
        match self.operator {
            Some(Operator::Lower) => Ok(Value::Str(eval.arena.alloc_str(&text.to_lowercase()))),
            Some(Operator::Upper) => Ok(Value::Str(eval.arena.alloc_str(&text.to_uppercase()))),
            None => Err(RuntimeError::new(
                "operator key should have a value of \"lower\" or \"upper\"",
            )),
        }
    }
}
