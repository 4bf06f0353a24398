//! Evaluates the plan on one payload.

use super::error::RuntimeError;
use super::limits::text_of;
use super::plan::{ArrayPath, Ask, Expr, First, If, Object, Scope};
use crate::value::{Number, Type, Value};
use bumpalo::Bump;
use bumpalo::collections::Vec as BumpVec;
use std::cell::Cell;

type Result<T> = std::result::Result<T, RuntimeError>;

/// The current payload, and the arena for new values.
#[derive(Clone, Copy)]
pub(crate) struct Eval<'a> {
    pub(super) payload: Value<'a>,
    /// Values of the paths into it.
    slots: &'a [Value<'a>],
    pub(super) arena: &'a Bump,
    /// Undefined members stay in objects: in `@merge` and `@flatten` they overwrite.
    keep_undefined: bool,
    /// A list of paths led past a value that says nothing.
    passed_over: &'a Cell<bool>,
}

impl<'a> Eval<'a> {
    pub(crate) fn new(payload: Value<'a>, slots: &'a [Value<'a>], arena: &'a Bump) -> Self {
        Eval {
            payload,
            slots,
            arena,
            keep_undefined: false,
            passed_over: arena.alloc(Cell::new(false)),
        }
    }

    /// Returns true if a list of paths led past a value that is there and says nothing, such as an empty text.
    pub(crate) fn has_passed_over(self) -> bool {
        self.passed_over.get()
    }

    /// Evaluates a whole mapping. Errors name their field; with `failed` given they cost only that field.
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
            if object.laid_out || value.is_defined() {
                built.push((&**key, *value));
            }
        }
        Ok(Value::Object(built.into_bump_slice()))
    }

    /// Evaluates an expression. Returns a reference: a value does not fit into the registers that a function returns,
    /// and most values lie in memory already.
    ///
    /// This function handles the nodes that nearly all mappings consist of; [`Eval::rare`] handles the others, which
    /// keeps this function's stack frame small.
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

    /// Moves a value into the arena.
    fn keep(&self, value: Value<'a>) -> &'a Value<'a> {
        self.arena.alloc(value)
    }

    /// Evaluates an expression to a value.
    pub(super) fn value(self, expr: &'a Expr) -> Result<Value<'a>> {
        self.eval(expr).copied()
    }

    #[inline(never)]
    fn rare(self, expr: &'a Expr) -> Result<Value<'a>> {
        match expr {
            Expr::Array(items) => self.array(items),
            Expr::If(parts) => self.if_(parts),
            Expr::Directive(node) => node.evaluate(self),
            Expr::Fail(error) => Err(error.clone()),
            other => self.value(other),
        }
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
        let keep_undefined = self.keep_undefined || object.laid_out;
        for (key, member) in &object.members {
            let value = self.eval(member)?;
            if keep_undefined || value.is_defined() {
                built.push((&**key, *value));
            }
        }
        Ok(self.keep(Value::Object(built.into_bump_slice())))
    }

    /// Evaluates the argument of the named directive, which must be a text.
    pub(super) fn text_argument(self, name: &str, argument: &'a Expr) -> Result<&'a str> {
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
                // The common case: most paths of such a list are absent.
                None | Some(Value::Undefined) => continue,
                Some(value) => value,
            };
            let found = match (ask, *value) {
                (Ask::Value(test), value) => test.holds(value),
                (Ask::Text, Value::Null) => false,
                (Ask::Text, Value::Str(text)) => !text.is_empty(),
                (Ask::Text, Value::Number(_) | Value::Bool(_)) => true,
                // The text of a list may be empty or too long.
                (Ask::Text, value) => !text_of(value, self.arena)?.is_empty(),
            };
            if found {
                return Ok(value);
            }
            if !value.is_nullish() {
                self.passed_over.set(true);
            }
        }
        self.eval(&first.otherwise)
    }

    fn if_(self, parts: &'a If) -> Result<Value<'a>> {
        let holds = parts.test.holds(self.value(&parts.condition)?);
        self.value(if holds { &parts.then } else { &parts.otherwise })
    }

    /// Evaluates a scope on another payload.
    pub(super) fn within(self, scope: &'a Scope, payload: Value<'a>) -> Result<&'a Value<'a>> {
        self.on(scope, payload).eval(&scope.expr)
    }

    /// Returns the evaluation of a scope on another payload.
    pub(crate) fn on(self, scope: &'a Scope, payload: Value<'a>) -> Eval<'a> {
        Eval {
            payload,
            slots: scope.slots.fill(payload, self.arena),
            ..self
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

    /// Returns this evaluation with undefined members kept or left out.
    pub(super) fn keeping_undefined(self, keep_undefined: bool) -> Self {
        Eval {
            keep_undefined,
            ..self
        }
    }

    /// Returns the key of a list's element.
    pub(super) fn index_key(self, index: usize) -> &'a str {
        bumpalo::format!(in self.arena, "{}", index).into_bump_str()
    }

    /// Returns an object of these members, without the undefined ones unless they are kept.
    pub(super) fn object_of(self, members: &'a [(&'a str, Value<'a>)]) -> Value<'a> {
        if self.keep_undefined || members.iter().all(|(_, value)| value.is_defined()) {
            return Value::Object(members);
        }
        let kept = members.iter().copied().filter(|(_, value)| value.is_defined());
        Value::Object(BumpVec::from_iter_in(kept, self.arena).into_bump_slice())
    }
}
