//! Compiles checked JSON to the plan. A mistake in a part that Segment's validation skips becomes a node that fails
//! when reached.

use super::check::{CheckFn, ordered};
use super::error::{CompileError, MappingError, RuntimeError};
use super::plan::{Expr, Object, Scope};
use super::slots::Slots;
use crate::value::ValuePath;
use serde_json::{Map, Value as Json};

/// Compiles the argument of a directive.
pub(super) type CompileFn = fn(&mut Compiler, &Json) -> Expr;

/// Functions of the directives by name, handed in because directives use check and compiler in turn.
#[derive(Clone, Copy)]
pub(super) struct Registry {
    pub(super) check: fn(&str) -> Option<CheckFn>,
    pub(super) compile: fn(&str) -> Option<CompileFn>,
}

const ROOT_DIRECTIVE: &str = "__segment_internal_directive";

/// Wraps a mapping in its root directive, if it names one.
pub(super) fn rewrite_root(mapping: &Json) -> Result<Json, CompileError> {
    let Json::Object(object) = mapping else {
        return Ok(mapping.clone());
    };
    let Some(root) = object.get(ROOT_DIRECTIVE) else {
        return Ok(mapping.clone());
    };
    let not_an_object = || CompileError::from(MappingError::runtime("The root directive must be an object"));
    let Json::Object(root) = root else {
        return Err(not_an_object());
    };
    let mut root = root.clone();
    if root.len() > 1 {
        return Err(MappingError::runtime("The root directive must have exactly one key").into());
    }
    match root.values_mut().next() {
        Some(Json::Object(argument)) => {
            let mut fields = object.clone();
            fields.shift_remove(ROOT_DIRECTIVE);
            argument.insert("mapping".into(), Json::Object(fields));
        }
        // A list takes no `mapping` member; Segment drops the fields.
        Some(Json::Array(_)) => {}
        _ => return Err(not_an_object()),
    }
    Ok(Json::Object(root))
}

/// Returns true for a value that is falsy in JavaScript, or absent.
pub(super) fn falsy(value: Option<&Json>) -> bool {
    match value {
        None | Some(Json::Null | Json::Bool(false)) => true,
        Some(Json::Number(number)) => number.as_f64() == Some(0.0),
        Some(Json::String(text)) => text.is_empty(),
        Some(_) => false,
    }
}

/// Returns a node that fails with a message.
pub(super) fn fail(message: impl Into<String>) -> Expr {
    Expr::Fail(RuntimeError::new(message.into()))
}

/// Compiles a mapping, or a part of one that is evaluated on another payload, and collects the paths it looks up.
pub(super) fn scope(mapping: &Json, registry: Registry) -> Scope {
    let mut compiler = Compiler {
        slots: Slots::new(),
        registry,
    };
    let expr = compiler.expr(mapping);
    Scope {
        expr,
        slots: compiler.slots.finish(),
    }
}

/// A compilation under way.
pub(super) struct Compiler {
    /// Paths into the current payload.
    pub(super) slots: Slots,
    pub(super) registry: Registry,
}

/// Returns the name and argument of a directive. Evaluation takes an object for one if it has nothing but `@` keys and
/// `_metadata`; the first key counts.
pub(super) fn directive_of(object: &Map<String, Json>) -> Option<(&str, &Json)> {
    if object
        .keys()
        .any(|key| !key.starts_with('@') && key != "_metadata")
    {
        return None;
    }
    object
        .iter()
        .find(|(key, _)| key.starts_with('@'))
        .map(|(key, value)| (key.as_str(), value))
}

impl Compiler {
    /// Compiles any mapping value.
    pub(super) fn expr(&mut self, value: &Json) -> Expr {
        match value {
            Json::Null => Expr::Null,
            Json::Bool(truth) => Expr::Bool(*truth),
            Json::Number(number) => Expr::Number(number.to_string().into_boxed_str()),
            Json::String(text) => Expr::Str(text.as_str().into()),
            Json::Array(items) => Expr::Array(items.iter().map(|item| self.expr(item)).collect()),
            Json::Object(object) => match directive_of(object) {
                Some((name, argument)) => self.directive(name, argument),
                None => Expr::Object(Object {
                    members: ordered(object)
                        .into_iter()
                        .map(|(key, value)| (key.to_owned().into(), self.expr(value)))
                        .collect(),
                    laid_out: false,
                }),
            },
        }
    }

    fn directive(&mut self, name: &str, argument: &Json) -> Expr {
        match (self.registry.compile)(name) {
            Some(compile) => compile(self, argument),
            None => fail(format!("{name} is not a valid directive, got undefined")),
        }
    }

    /// Compiles a member, or undefined if it is absent.
    pub(super) fn member(&mut self, object: &Map<String, Json>, key: &str) -> Expr {
        object.get(key).map_or(Expr::Undefined, |value| self.expr(value))
    }

    /// Compiles a part that is evaluated on another payload.
    pub(super) fn scope(&self, mapping: &Json) -> Scope {
        scope(mapping, self.registry)
    }

    /// Compiles a path into the current payload.
    pub(super) fn path(&mut self, path: &str) -> Expr {
        Expr::Slot(self.slots.slot(&ValuePath::of_directive(path)))
    }
}
