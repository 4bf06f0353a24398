//! `@arrayPath`: a list, each element mapped alike. The plan's walk evaluates it.

use crate::mapping::directive::*;
use crate::mapping::lint::Lint;
use crate::mapping::plan::ArrayPath;

pub(super) const DIRECTIVE: Directive = Directive {
    lint,
    ..Directive::new("@arrayPath", check, compile)
};

fn check(check: &mut Check, argument: &Json) {
    let Json::Array(items) = argument else {
        return check.list(argument);
    };
    match items.first() {
        Some(root) => check.string_or_directive(root),
        None => check.fail("should be a string or a mapping directive but it is an undefined"),
    }
    if let Some(shape) = items.get(1) {
        check.value(shape);
    }
}

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    let Json::Array(items) = argument else {
        let found = if matches!(argument, Json::Object(_)) {
            "object"
        } else {
            type_name(argument)
        };
        return fail(format!("@arrayPath expected array, got {found}"));
    };
    let root = match items.first() {
        Some(Json::String(path)) => compiler.path(path),
        Some(other) => compiler.expr(other),
        None => Expr::Undefined,
    };
    let shape = match items.get(1) {
        Some(shape @ Json::Object(object)) if !object.is_empty() => Some(compiler.scope(shape)),
        _ => None,
    };
    Expr::ArrayPath(Box::new(ArrayPath { root, shape }))
}

fn lint(lint: &mut Lint, argument: &Json) {
    if let Some(Json::String(path)) = argument.get(0) {
        lint.event_path(path);
    }
}
