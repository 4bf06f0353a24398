//! `@excludeWhenNull`: leaves out nulls.

use crate::mapping::directive::*;
use crate::value::Value;
use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

pub(super) const DIRECTIVE: Directive =
    Directive::new("@excludeWhenNull", Check::directive_or_anything, compile);

#[derive(Debug)]
struct ExcludeWhenNull(Expr);

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    Expr::directive(ExcludeWhenNull(compiler.expr(argument)))
}

impl Evaluate for ExcludeWhenNull {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        Ok(exclude_nulls(eval.value(&self.0)?, eval.arena))
    }
}

/// Makes null undefined and drops null members, in nested objects too but not in lists.
fn exclude_nulls<'a>(value: Value<'a>, arena: &'a Bump) -> Value<'a> {
    match value {
        Value::Null => Value::Undefined,
        _ if value.is_object() => {
            let kept = value
                .all_members()
                .filter(|(_, member)| !matches!(member, Value::Null));
            let kept = kept.map(|(key, member)| (key, exclude_nulls(member, arena)));
            Value::Object(BumpVec::from_iter_in(kept, arena).into_bump_slice())
        }
        _ => value,
    }
}
