//! `@if`: one of two values. The plan's walk evaluates it.

use super::template::Template;
use crate::mapping::compile::directive_of;
use crate::mapping::directive::*;
use crate::mapping::lint::Lint;
use crate::mapping::plan::{Ask, First, If, Test};

pub(super) const DIRECTIVE: Directive = Directive {
    lint,
    ..Directive::new("@if", check, compile)
};

fn check(check: &mut Check, argument: &Json) {
    check.object_argument(argument, |_, _| {});
}

fn compile(compiler: &mut Compiler, argument: &Json) -> Expr {
    let Json::Object(object) = argument else {
        return fail("@if requires an object with an \"exists\" key");
    };
    if falsy(object.get("exists")) && falsy(object.get("blank")) {
        return fail("@if requires an \"exists\" key or a \"blank\" key");
    }
    let (test, condition) = match object.get("exists") {
        Some(exists) => (Test::Exists, exists),
        None => (Test::NotBlank, object.get("blank").unwrap_or(&Json::Null)),
    };
    // A falsy `else` counts as absent.
    let otherwise = object
        .get("else")
        .filter(|value| !falsy(Some(value)))
        .map_or(Expr::Undefined, |value| compiler.expr(value));
    let (asked, then) = (compiler.expr(condition), compiler.member(object, "then"));
    if let Expr::Slot(then) = then
        && let Some(ask) = asks_about(compiler, test, condition, &asked, then)
    {
        return first_of((ask, then), otherwise);
    }
    if matches!(test, Test::Exists) && object.get("then") == Some(condition) {
        return Expr::Coalesce(Box::new(asked), Box::new(otherwise));
    }
    Expr::If(Box::new(If {
        test,
        condition: asked,
        then,
        otherwise,
    }))
}

/// Returns the test if the condition looks at the slot that is then taken.
fn asks_about(
    compiler: &mut Compiler,
    test: Test,
    condition: &Json,
    asked: &Expr,
    then: usize,
) -> Option<Ask> {
    match (asked, test) {
        (Expr::Slot(asked), _) => (*asked == then).then_some(Ask::Value(test)),
        (_, Test::NotBlank) => {
            let Some(("@template", Json::String(text))) = directive_of(condition.as_object()?) else {
                return None;
            };
            let slot = compiler.slots.slot(Template::new(text).only_placeholder()?);
            (slot == then).then_some(Ask::Text)
        }
        _ => None,
    }
}

/// Puts a path before those of an `else`.
fn first_of(path: (Ask, usize), otherwise: Expr) -> Expr {
    match otherwise {
        Expr::First(mut first) => {
            first.paths.insert(0, path);
            Expr::First(first)
        }
        otherwise => Expr::First(Box::new(First {
            paths: vec![path],
            otherwise,
        })),
    }
}

fn lint(lint: &mut Lint, argument: &Json) {
    let Json::Object(options) = argument else { return };
    if options
        .get("else")
        .is_some_and(|otherwise| falsy(Some(otherwise)))
    {
        lint.warn(
            "falsy_else",
            "this `else` value is dropped: false, 0, \"\" and null count as no `else`",
        );
    }
    if options.contains_key("blank") && !options.contains_key("exists") {
        lint.warn(
            "blank_means_filled",
            "`blank` asks whether the value is *not* blank",
        );
    }
    let always = options
        .get("exists")
        .and_then(Json::as_object)
        .is_some_and(|exists| exists.contains_key("@template"));
    if always {
        lint.warn(
            "always_exists",
            "a template always gives text, so the condition always holds; use `blank`",
        );
    }
    if options
        .get("then")
        .is_some_and(|then| options.get("else") == Some(then))
    {
        lint.warn("same_branches", "`then` and `else` are the same");
    }
}
