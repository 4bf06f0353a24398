//! Running the plan over one payload.

use super::error::RuntimeError;
use super::plan::{ArrayPath, Ask, Case, Expr, First, Flatten, If, Merge, Object, Scope, Test, Transform};
use super::template::{self, bounded};
use super::{objects, replace};
use crate::value::{Number, Path, Type, Value, parse_json};
use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;

type Result<T> = std::result::Result<T, RuntimeError>;

/// The payload in sight, and where new values go.
#[derive(Clone, Copy)]
pub(crate) struct Eval<'a> {
    payload: Value<'a>,
    /// What the paths into it lead to.
    slots: &'a [Value<'a>],
    arena: &'a Bump,
    /// Keep members that are undefined: `@merge` and `@flatten` let them overwrite.
    keep_undefined: bool,
}

impl<'a> Eval<'a> {
    pub(crate) fn new(payload: Value<'a>, slots: &'a [Value<'a>], arena: &'a Bump) -> Self {
        Eval {
            payload,
            slots,
            arena,
            keep_undefined: false,
        }
    }

    /// A whole mapping: errors name their field, and with `failed` given they cost only that field.
    pub(super) fn top(self, plan: &'a Expr, mut failed: Option<&mut Vec<RuntimeError>>) -> Result<Value<'a>> {
        let Expr::Object(object) = plan else {
            return self.value(plan);
        };
        let mut built = BumpVec::with_capacity_in(object.members.len(), self.arena);
        for (key, member) in &object.members {
            let value = match (self.eval(member), &mut failed) {
                (Ok(value), _) => value,
                (Err(error), Some(failed)) => {
                    failed.push(error.in_field(key));
                    &Value::Undefined
                }
                (Err(error), None) => return Err(error.in_field(key)),
            };
            if object.in_places || value.is_defined() {
                built.push((&**key, *value));
            }
        }
        Ok(Value::Object(built.into_bump_slice()))
    }

    /// What an expression comes to. Handed on by reference: values are larger than what a function returns in registers,
    /// and most stand somewhere already.
    ///
    /// The few kinds of nodes nearly all mappings are made of; the others wait in [`Eval::rare`] and two more, which keeps
    /// this function's frame small.
    pub(crate) fn eval(&self, expr: &'a Expr) -> Result<&'a Value<'a>> {
        match expr {
            Expr::Slot(slot) => Ok(self.slots.get(*slot).unwrap_or(&Value::Undefined)),
            Expr::First(first) => self.first(first),
            Expr::Coalesce(first, otherwise) => match self.eval(first)? {
                Value::Undefined | Value::Null => self.eval(otherwise),
                found => Ok(found),
            },
            Expr::Undefined => Ok(&Value::Undefined),
            Expr::Null => Ok(&Value::Null),
            Expr::Bool(true) => Ok(&Value::Bool(true)),
            Expr::Bool(false) => Ok(&Value::Bool(false)),
            Expr::Number(text) => Ok(self.keep(Value::Number(Number::Source(text)))),
            Expr::Str(text) => Ok(self.keep(Value::Str(text))),
            Expr::Object(object) => self.object(object),
            Expr::ArrayPath(parts) => self.array_path(parts),
            other => self.rare(other).map(|value| self.keep(value)),
        }
    }

    /// Puts a value where it can be referred to.
    fn keep(&self, value: Value<'a>) -> &'a Value<'a> {
        self.arena.alloc(value)
    }

    /// As [`Eval::eval`].
    fn value(self, expr: &'a Expr) -> Result<Value<'a>> {
        self.eval(expr).copied()
    }

    #[inline(never)]
    fn rare(self, expr: &'a Expr) -> Result<Value<'a>> {
        match expr {
            Expr::Array(items) => self.array(items),
            Expr::PathOf(argument) => {
                Ok(Path::of_directive(self.text_argument("@path", argument)?).resolve(self.payload))
            }
            Expr::Template(template) => template.render(self.payload, self.arena),
            Expr::TemplateOf(argument) => template::render_text(
                self.text_argument("@template", argument)?,
                self.payload,
                self.arena,
            ),
            Expr::If(parts) => self.if_(parts),
            Expr::Case(parts) => self.case(parts),
            Expr::Replace(parts) => replace::replace(parts, self.value(&parts.value)?, self.arena),
            Expr::Merge(parts) => self.merge(parts),
            Expr::Transform(parts) => self.transform(parts),
            Expr::Flatten(parts) => self.flatten(parts),
            Expr::JsonEncode(value) => match self.value(value)? {
                Value::Undefined => Ok(Value::Undefined),
                value => {
                    let text = objects::json_text(value, self.arena);
                    bounded(text.len())?;
                    Ok(Value::Str(text))
                }
            },
            Expr::JsonDecode(value) => match self.value(value)? {
                Value::Str(text) => Ok(parse_json(text, self.arena).unwrap_or(Value::Str(text))),
                other => Ok(other),
            },
            Expr::Discard(value) => self.eval(value).map(|_| Value::Undefined),
            Expr::ExcludeWhenNull(value) => Ok(objects::exclude_nulls(self.value(value)?, self.arena)),
            Expr::Liquid(template) => template.render(self.payload, self.arena),
            Expr::Fail(error) => Err(error.clone()),
            other => self.value(other),
        }
    }

    fn flatten(self, parts: &'a Flatten) -> Result<Value<'a>> {
        let separator = self.value(&parts.separator)?;
        let omit_arrays = !self.value(&parts.omit_arrays)?.is_falsy();
        let value = Eval {
            keep_undefined: true,
            ..self
        }
        .value(&parts.value)?;
        let Some(separator) = separator.as_str() else {
            let found = separator.type_of().name();
            return Err(RuntimeError::new(format!(
                "@flatten expected a string separator, got {found}"
            )));
        };
        Ok(self.without_undefined(objects::flatten(value, separator, omit_arrays, self.arena)?))
    }

    fn array(self, items: &'a [Expr]) -> Result<Value<'a>> {
        let mut built = BumpVec::with_capacity_in(items.len(), self.arena);
        for item in items {
            built.push(self.value(item)?);
        }
        Ok(Value::Array(built.into_bump_slice()))
    }

    #[inline(never)]
    fn object(self, object: &'a Object) -> Result<&'a Value<'a>> {
        let mut built = BumpVec::with_capacity_in(object.members.len(), self.arena);
        let keep_undefined = self.keep_undefined || object.in_places;
        for (key, member) in &object.members {
            let value = self.eval(member)?;
            if keep_undefined || value.is_defined() {
                built.push((&**key, *value));
            }
        }
        Ok(self.keep(Value::Object(built.into_bump_slice())))
    }

    fn text_argument(self, name: &str, argument: &'a Expr) -> Result<&'a str> {
        match self.value(argument)? {
            Value::Str(text) => Ok(text),
            other => Err(RuntimeError::new(format!(
                "{name}: expected string, got {}",
                other.type_of().name()
            ))),
        }
    }

    #[inline]
    fn first(&self, first: &'a First) -> Result<&'a Value<'a>> {
        for (ask, slot) in &first.paths {
            let value = match self.slots.get(*slot) {
                // Most paths of such a list lead nowhere.
                None | Some(Value::Undefined) => continue,
                Some(value) => value,
            };
            let found = match (ask, *value) {
                (Ask::Value(test), value) => test.holds(value),
                (Ask::Text, Value::Null) => false,
                (Ask::Text, Value::Str(text)) => !text.is_empty(),
                (Ask::Text, Value::Number(_) | Value::Bool(_)) => true,
                // A list is written out, as what it holds may come to nothing, or be too long.
                (Ask::Text, value) => !template::text_of(value, self.arena)?.is_empty(),
            };
            if found {
                return Ok(value);
            }
        }
        self.eval(&first.otherwise)
    }

    fn if_(self, parts: &'a If) -> Result<Value<'a>> {
        let holds = parts.test.holds(self.value(&parts.condition)?);
        self.value(if holds { &parts.then } else { &parts.otherwise })
    }

    /// Evaluates what has a payload of its own.
    fn within(self, scope: &'a Scope, payload: Value<'a>) -> Result<&'a Value<'a>> {
        self.on(scope, payload).eval(&scope.expr)
    }

    /// To evaluate what has a payload of its own.
    pub(crate) fn on(self, scope: &'a Scope, payload: Value<'a>) -> Eval<'a> {
        Eval {
            payload,
            slots: scope.slots.fill(payload, self.arena),
            ..self
        }
    }

    fn case(self, parts: &'a Case) -> Result<Value<'a>> {
        let operator = self.value(&parts.operator)?;
        let value = self.value(&parts.value)?;
        let Value::Str(text) = value else { return Ok(value) };
        match operator {
            Value::Str("lower") => Ok(Value::Str(self.arena.alloc_str(&text.to_lowercase()))),
            Value::Str("upper") => Ok(Value::Str(self.arena.alloc_str(&text.to_uppercase()))),
            _ => Err(RuntimeError::new(
                "@case: the operator should be \"lower\" or \"upper\"",
            )),
        }
    }

    #[inline(never)]
    fn array_path(self, parts: &'a ArrayPath) -> Result<&'a Value<'a>> {
        let root = self.eval(&parts.root)?;
        let Some(shape) = &parts.shape else {
            return Ok(root);
        };
        match root.type_of() {
            Type::Array => {
                let mut built = BumpVec::with_capacity_in(root.array_len(), self.arena);
                for item in root.items() {
                    built.push(*self.within(shape, item)?);
                }
                Ok(self.keep(Value::Array(built.into_bump_slice())))
            }
            Type::Object => {
                let item = self.within(shape, *root)?;
                Ok(self.keep(Value::Array(std::slice::from_ref(item))))
            }
            _ => Ok(root),
        }
    }

    fn merge(self, parts: &'a Merge) -> Result<Value<'a>> {
        let keeping = Eval {
            keep_undefined: true,
            ..self
        };
        let direction = self.value(&parts.direction)?;
        let mut elements = BumpVec::with_capacity_in(parts.objects.len(), self.arena);
        for element in &parts.objects {
            elements.push(keeping.value(element)?);
        }
        if direction.as_str() == Some("left") {
            elements.reverse();
        }
        Ok(self.without_undefined(objects::merge(&elements, self.arena)))
    }

    fn transform(self, parts: &'a Transform) -> Result<Value<'a>> {
        let applied = match self.payload.type_of() {
            Type::Object => Eval {
                keep_undefined: false,
                ..self
            }
            .value(&parts.apply)?,
            Type::Undefined => Value::Object(&[]),
            other => return Err(RuntimeError::not_an_object(other)),
        };
        self.within(&parts.mapping, applied).copied()
    }

    fn without_undefined(self, members: &'a [(&'a str, Value<'a>)]) -> Value<'a> {
        if self.keep_undefined || members.iter().all(|(_, value)| value.is_defined()) {
            return Value::Object(members);
        }
        let kept = members.iter().copied().filter(|(_, value)| value.is_defined());
        Value::Object(BumpVec::from_iter_in(kept, self.arena).into_bump_slice())
    }
}

impl Test {
    pub(crate) fn holds(self, value: Value<'_>) -> bool {
        match self {
            Test::Exists => !value.is_nullish(),
            Test::NotBlank => !value.is_nullish() && !value.is_loosely_empty(),
        }
    }
}
