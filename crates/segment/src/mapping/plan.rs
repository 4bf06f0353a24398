//! The compiled form of a mapping.

use super::error::RuntimeError;
use super::eval::Eval;
use super::slots::Slots;
use crate::value::Value;
use std::borrow::Cow;
use std::fmt;

/// A node that one directive compiles to and evaluates.
pub(crate) trait Evaluate: fmt::Debug + Send + Sync {
    /// Returns the value for the current payload.
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError>;
}

/// A node of the plan: constants, objects, and the directives that the fast path looks into (`@path`, `@if`,
/// `@arrayPath`).
// An explicit tag, since evaluation matches it for each node: the compiler would hide it in a niche of `Object`, which takes
// four more instructions to decode.
#[derive(Debug)]
#[repr(u8)]
pub(crate) enum Expr {
    Undefined,
    Null,
    Bool(bool),
    /// JSON spelling.
    Number(Box<str>),
    Str(Box<str>),
    Array(Box<[Expr]>),
    Object(Object),
    /// A path into the current payload, looked up beforehand; see [`super::slots`].
    Slot(usize),
    /// Chained `@if`s, each of which takes the path that it tests.
    First(Box<First>),
    /// `@if` whose condition and `then` are the same: the first of two that exists.
    Coalesce(Box<Expr>, Box<Expr>),
    If(Box<If>),
    ArrayPath(Box<ArrayPath>),
    /// Any other directive.
    Directive(Box<dyn Evaluate>),
    /// Fails when reached.
    Fail(RuntimeError),
}

#[derive(Debug)]
pub(crate) struct Object {
    /// Members in JavaScript's key order, or in the order of the fields that they fill.
    pub(crate) members: Box<[(Cow<'static, str>, Expr)]>,
    /// The members are laid out for a field table: absent ones are kept as undefined, so that each has its index.
    pub(crate) laid_out: bool,
}

/// The first path of several that leads to a value. Mappings write it as `@if` in the `else` of `@if`, often over a
/// dozen paths. Nested nodes would evaluate each path twice.
#[derive(Debug)]
pub(crate) struct First {
    pub(crate) paths: Vec<(Ask, usize)>,
    pub(crate) otherwise: Expr,
}

/// The test that a path of [`First`] must pass.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// A test of the value itself.
    Value(Test),
    /// [`Test::NotBlank`] of the text that a template makes of the value, which zero and false pass.
    Text,
}

/// An expression that is evaluated on another payload, and the paths it looks up there.
#[derive(Debug)]
pub(crate) struct Scope {
    pub(crate) expr: Expr,
    pub(crate) slots: Slots,
}

#[derive(Debug)]
pub(crate) struct If {
    pub(crate) test: Test,
    pub(crate) condition: Expr,
    pub(crate) then: Expr,
    pub(crate) otherwise: Expr,
}

/// The test of an `@if`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Test {
    /// The value is neither undefined nor null.
    Exists,
    /// Segment's `blank`, which holds for a value that is *not* blank.
    NotBlank,
}

#[derive(Debug)]
pub(crate) struct ArrayPath {
    pub(crate) root: Expr,
    pub(crate) shape: Option<Scope>,
}

impl Expr {
    /// Wraps the node of a directive.
    pub(super) fn directive(node: impl Evaluate + 'static) -> Expr {
        Expr::Directive(Box::new(node))
    }
}

impl Test {
    /// Returns true for a value that passes the test.
    pub(crate) fn holds(self, value: Value<'_>) -> bool {
        match self {
            Test::Exists => !value.is_nullish(),
            Test::NotBlank => !value.is_nullish() && !value.is_loosely_empty(),
        }
    }
}
