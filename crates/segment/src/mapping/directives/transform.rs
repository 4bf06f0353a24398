//! `@transform`: a mapping applied to what another one makes.

use crate::mapping::check;
use crate::mapping::compile::rewrite_root;
use crate::mapping::directive::*;
use crate::mapping::plan::Scope;
use crate::value::{Type, Value};

pub(super) const DIRECTIVE: Directive = Directive::new("@transform", check, compile);

#[derive(Debug)]
struct Transform {
    apply: Expr,
    mapping: Scope,
}

fn check(check: &mut Check, argument: &Json) {
    check.object_argument(argument, |check, object| {
        check.required(object, "apply", Check::object_or_directive);
        check.required(object, "mapping", Check::object_or_directive);
    });
}

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    let Json::Object(object) = argument else {
        return fail("@transform requires an object with an \"apply\" key and a \"mapping\" key");
    };
    for key in ["mapping", "apply"] {
        if falsy(object.get(key)) {
            return fail(format!("@transform requires a \"{key}\" key"));
        }
    }
    let Some(apply @ Json::Object(_)) = object.get("apply") else {
        return fail("@transform \"apply\" key should be an object");
    };
    // `apply` is a whole mapping: it is rewritten and checked again, since inside raw arrays nothing has been checked
    // yet.
    let apply = rewrite_root(apply).and_then(|apply| {
        check::mapping(&apply, compiler.registry.check)?;
        Ok(compiler.expr(&apply))
    });
    Expr::directive(Transform {
        apply: apply.unwrap_or_else(|error| Expr::Fail(RuntimeError::late_validation(&error))),
        mapping: compiler.scope(object.get("mapping").unwrap_or(&Json::Null)),
    })
}

impl Evaluate for Transform {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        let applied = match eval.payload.type_of() {
            Type::Object => eval.keeping_undefined(false).value(&self.apply)?,
            Type::Undefined => Value::Object(&[]),
            other => return Err(RuntimeError::not_an_object(other)),
        };
        eval.within(&self.mapping, applied).copied()
    }
}
