//! From checked JSON to the plan. What validation does not look into becomes a node that fails when reached.

use super::check::{self, ordered, type_name};
use super::error::{CompileError, MappingError, RuntimeError};
use super::liquid::{Liquid, Problem};
use super::plan::{
    ArrayPath, Ask, Case, Expr, First, Flatten, If, Merge, Object, Replace, ReplaceStep, Scope, Test,
    Transform,
};
use super::slots::Slots;
use super::template::Template;
use crate::value::{Path, utf16_len};
use serde_json::{Map, Value as Json};

const ROOT_DIRECTIVE: &str = "__segment_internal_directive";

/// Puts a mapping into its root directive, if it names one.
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
        // A list takes no `mapping` member; Segment lets the fields fall.
        Some(Json::Array(_)) => {}
        _ => return Err(not_an_object()),
    }
    Ok(Json::Object(root))
}

/// JavaScript's falsy values.
fn falsy(value: Option<&Json>) -> bool {
    match value {
        None | Some(Json::Null | Json::Bool(false)) => true,
        Some(Json::Number(number)) => number.as_f64() == Some(0.0),
        Some(Json::String(text)) => text.is_empty(),
        Some(_) => false,
    }
}

fn fail(message: impl Into<String>) -> Expr {
    Expr::Fail(RuntimeError::new(message.into()))
}

/// Compiles a mapping, or a part of one with a payload of its own, collecting the paths it looks up.
pub(super) fn scope(mapping: &Json) -> Scope {
    let mut compiler = Compiler { slots: Slots::new() };
    let expr = compiler.expr(mapping);
    Scope {
        expr,
        slots: compiler.slots.finish(),
    }
}

struct Compiler {
    /// The paths into the payload in sight.
    slots: Slots,
}

/// A directive when evaluated has nothing but `@` keys and `_metadata`; the first key counts.
fn directive_of(object: &Map<String, Json>) -> Option<(&str, &Json)> {
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
    fn expr(&mut self, value: &Json) -> Expr {
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
                    in_places: false,
                }),
            },
        }
    }

    fn directive(&mut self, name: &str, argument: &Json) -> Expr {
        match name {
            "@path" => match argument {
                Json::String(path) => self.path(path),
                other => Expr::PathOf(Box::new(self.expr(other))),
            },
            "@template" => match argument {
                Json::String(text) => Expr::Template(Template::new(text)),
                other => Expr::TemplateOf(Box::new(self.expr(other))),
            },
            "@literal" => self.expr(argument),
            "@excludeWhenNull" => Expr::ExcludeWhenNull(Box::new(self.expr(argument))),
            "@arrayPath" => self.array_path(argument),
            "@if" => self.options(
                argument,
                "@if requires an object with an \"exists\" key or a \"blank\" key",
                Self::if_,
            ),
            "@case" => self.options(
                argument,
                "@case requires an object with a \"operator\" key",
                Self::case,
            ),
            "@replace" => self.options(
                argument,
                "@replace requires an object with a \"pattern\" key",
                Self::replace,
            ),
            "@merge" => self.options(
                argument,
                "@merge requires an object with an \"objects\" key and a \"direction\" key",
                Self::merge,
            ),
            "@transform" => self.options(
                argument,
                "@transform requires an object with an \"apply\" key and a \"mapping\" key",
                Self::transform,
            ),
            "@flatten" => self.options(
                argument,
                "@flatten requires an object with a \"separator\" key",
                Self::flatten,
            ),
            "@json" => self.options(
                argument,
                "@json requires an object with a \"value\" key",
                Self::json,
            ),
            "@liquid" => match argument {
                Json::String(text) => match Liquid::new(text) {
                    Ok(template) => Expr::Liquid(Box::new(template)),
                    Err(Problem::Fails(message)) => fail(message),
                    Err(Problem::Unsupported(what)) => fail(format!("{what} is not supported")),
                },
                _ => fail("liquid template value must be a string"),
            },
            _ => fail(format!("{name} is not a valid directive, got undefined")),
        }
    }

    fn options(
        &mut self,
        argument: &Json,
        message: &str,
        compile: fn(&mut Self, &Map<String, Json>) -> Expr,
    ) -> Expr {
        match argument {
            Json::Object(object) => compile(self, object),
            _ => fail(message),
        }
    }

    fn member(&mut self, object: &Map<String, Json>, key: &str) -> Expr {
        object.get(key).map_or(Expr::Undefined, |value| self.expr(value))
    }

    fn array_path(&mut self, argument: &Json) -> Expr {
        let Json::Array(items) = argument else {
            let found = if matches!(argument, Json::Object(_)) {
                "object"
            } else {
                type_name(argument)
            };
            return fail(format!("@arrayPath expected array, got {found}"));
        };
        let root = match items.first() {
            Some(Json::String(path)) => self.path(path),
            Some(other) => self.expr(other),
            None => Expr::Undefined,
        };
        let shape = match items.get(1) {
            Some(shape @ Json::Object(object)) if !object.is_empty() => Some(scope(shape)),
            _ => None,
        };
        Expr::ArrayPath(Box::new(ArrayPath { root, shape }))
    }

    fn if_(&mut self, object: &Map<String, Json>) -> Expr {
        if falsy(object.get("exists")) && falsy(object.get("blank")) {
            return fail("@if requires an \"exists\" key or a \"blank\" key");
        }
        let (test, condition) = match object.get("exists") {
            Some(exists) => (Test::Exists, exists),
            None => (Test::NotBlank, object.get("blank").unwrap_or(&Json::Null)),
        };
        // A falsy `else` is as good as none.
        let otherwise = object
            .get("else")
            .filter(|value| !falsy(Some(value)))
            .map_or(Expr::Undefined, |value| self.expr(value));
        let (asked, then) = (self.expr(condition), self.member(object, "then"));
        if let Some(found) = self.same_path(test, &asked, &then) {
            return first_of(found, otherwise);
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

    /// What is asked about a path that is then taken.
    fn same_path(&mut self, test: Test, asked: &Expr, then: &Expr) -> Option<(Ask, usize)> {
        match (asked, then) {
            (Expr::Slot(asked), Expr::Slot(then)) if asked == then => Some((Ask::Value(test), *then)),
            (Expr::Template(template), Expr::Slot(then)) if matches!(test, Test::NotBlank) => {
                let asked = self.slots.slot(template.single_place()?);
                (asked == *then).then_some((Ask::Text, *then))
            }
            _ => None,
        }
    }

    fn case(&mut self, object: &Map<String, Json>) -> Expr {
        if falsy(object.get("operator")) {
            return fail("@case requires a \"operator\" key");
        }
        if falsy(object.get("value")) {
            return Expr::Undefined;
        }
        Expr::Case(Box::new(Case {
            operator: self.member(object, "operator"),
            value: self.member(object, "value"),
        }))
    }

    fn replace(&mut self, object: &Map<String, Json>) -> Expr {
        if falsy(object.get("pattern")) {
            return fail("@replace requires a \"pattern\" key");
        }
        if falsy(object.get("value")) {
            return Expr::Undefined;
        }
        let text = |key: &str| object.get(key).and_then(Json::as_str).unwrap_or_default();
        let mut steps = Vec::new();
        for (pattern, replacement) in [("pattern", "replacement"), ("pattern2", "replacement2")] {
            for key in [pattern, replacement] {
                if utf16_len(text(key)) > 10 {
                    let name = if key == pattern { "pattern" } else { "replacement" };
                    return fail(format!("@replace requires a \"{name}\" less than 10 characters"));
                }
            }
            if !text(pattern).is_empty() {
                steps.push(ReplaceStep {
                    pattern: text(pattern).into(),
                    replacement: text(replacement).into(),
                });
            }
        }
        Expr::Replace(Box::new(Replace {
            value: self.member(object, "value"),
            steps,
            ignore_case: !falsy(object.get("ignorecase")),
            global: object.get("global").is_none_or(|global| !falsy(Some(global))),
        }))
    }

    fn merge(&mut self, object: &Map<String, Json>) -> Expr {
        if falsy(object.get("objects")) {
            return fail("@merge requires a \"objects\" key");
        }
        if falsy(object.get("direction")) {
            return fail("@merge requires a \"direction\" key");
        }
        let Some(Json::Array(objects)) = object.get("objects") else {
            return fail(format!(
                "@merge: expected opts.array, got {}",
                object.get("objects").map_or("undefined", type_name)
            ));
        };
        Expr::Merge(Box::new(Merge {
            direction: self.member(object, "direction"),
            objects: objects.iter().map(|element| self.expr(element)).collect(),
        }))
    }

    fn transform(&mut self, object: &Map<String, Json>) -> Expr {
        for key in ["apply", "mapping"] {
            match object.get(key) {
                value if falsy(value) => return fail(format!("@transform requires a \"{key}\" key")),
                Some(Json::Object(_)) => {}
                _ => return fail(format!("@transform \"{key}\" key should be an object")),
            }
        }
        let apply = object.get("apply").unwrap_or(&Json::Null);
        // `apply` is a mapping of its own: rewritten and checked again, for inside raw arrays nothing was checked yet.
        let apply = rewrite_root(apply).and_then(|apply| check::mapping(&apply).map(|()| self.expr(&apply)));
        Expr::Transform(Box::new(Transform {
            apply: apply.unwrap_or_else(|error| Expr::Fail(RuntimeError::late_validation(&error))),
            mapping: scope(object.get("mapping").unwrap_or(&Json::Null)),
        }))
    }

    fn flatten(&mut self, object: &Map<String, Json>) -> Expr {
        if falsy(object.get("separator")) {
            return fail("@flatten requires a \"separator\" key");
        }
        Expr::Flatten(Box::new(Flatten {
            value: self.member(object, "value"),
            separator: self.member(object, "separator"),
            omit_arrays: self.member(object, "omitArrays"),
        }))
    }

    fn json(&mut self, object: &Map<String, Json>) -> Expr {
        if falsy(object.get("value")) {
            return fail("@json requires a \"value\" key");
        }
        if falsy(object.get("mode")) {
            return fail("@json requires a \"mode\" key");
        }
        let value = Box::new(self.member(object, "value"));
        match object.get("mode").and_then(Json::as_str) {
            Some("encode") => Expr::JsonEncode(value),
            Some("decode") => Expr::JsonDecode(value),
            _ => Expr::Discard(value),
        }
    }

    /// A path into the payload in sight.
    fn path(&mut self, path: &str) -> Expr {
        Expr::Slot(self.slots.slot(&Path::of_directive(path)))
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
