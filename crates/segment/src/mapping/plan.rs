//! The compiled form of a mapping.

use super::error::RuntimeError;
use super::liquid::Liquid;
use super::slots::Slots;
use super::template::Template;
use std::borrow::Cow;

/// One node of the plan. Constants keep their place in the tree; they are few and small.
#[derive(Debug)]
pub(crate) enum Expr {
    Undefined,
    Null,
    Bool(bool),
    /// JSON spelling.
    Number(Box<str>),
    Str(Box<str>),
    Array(Box<[Expr]>),
    Object(Object),
    /// A path into the payload in sight, answered beforehand, see [`super::slots`].
    Slot(usize),
    /// Chained `@if`s which all take the path they ask about.
    First(Box<First>),
    PathOf(Box<Expr>),
    Template(Template),
    TemplateOf(Box<Expr>),
    /// `@if` whose condition and `then` are the same: the first of two that exists.
    Coalesce(Box<Expr>, Box<Expr>),
    If(Box<If>),
    Case(Box<Case>),
    Replace(Box<Replace>),
    ArrayPath(Box<ArrayPath>),
    Merge(Box<Merge>),
    Transform(Box<Transform>),
    Flatten(Box<Flatten>),
    JsonEncode(Box<Expr>),
    JsonDecode(Box<Expr>),
    /// Evaluated for its errors; the result is undefined.
    Discard(Box<Expr>),
    ExcludeWhenNull(Box<Expr>),
    Liquid(Box<Liquid>),
    /// Always fails when reached.
    Fail(RuntimeError),
}

#[derive(Debug)]
pub(crate) struct Object {
    /// In JavaScript's key order, or that of the fields they fill.
    pub(crate) members: Box<[(Cow<'static, str>, Expr)]>,
    /// Every field has its member: those that come to nothing are kept as undefined, see [`super::arrange`].
    pub(crate) in_places: bool,
}

/// The first path of several with something at its end. Mappings say so by `@if` in the `else` of `@if`, often over a
/// dozen paths; gone through one inside the other, each path would be looked at twice.
#[derive(Debug)]
pub(crate) struct First {
    pub(crate) paths: Vec<(Ask, usize)>,
    pub(crate) otherwise: Expr,
}

/// What counts as something.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    /// As [`Test`] has it.
    Value(Test),
    /// [`Test::NotBlank`] of the text a template makes of it, so that zero and false are something.
    Text,
}

/// What is evaluated on another payload than the event: each has paths of its own.
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

#[derive(Clone, Copy, Debug)]
pub(crate) enum Test {
    /// Neither undefined nor null.
    Exists,
    /// What `blank` really asks: that the value is *not* blank.
    NotBlank,
}

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) operator: Expr,
    pub(crate) value: Expr,
}

#[derive(Debug)]
pub(crate) struct Replace {
    pub(crate) value: Expr,
    pub(crate) steps: Vec<ReplaceStep>,
    pub(crate) ignore_case: bool,
    pub(crate) global: bool,
}

#[derive(Debug)]
pub(crate) struct ReplaceStep {
    pub(crate) pattern: Box<str>,
    pub(crate) replacement: Box<str>,
}

#[derive(Debug)]
pub(crate) struct ArrayPath {
    pub(crate) root: Expr,
    pub(crate) shape: Option<Scope>,
}

#[derive(Debug)]
pub(crate) struct Merge {
    pub(crate) direction: Expr,
    pub(crate) objects: Box<[Expr]>,
}

#[derive(Debug)]
pub(crate) struct Transform {
    pub(crate) apply: Expr,
    pub(crate) mapping: Scope,
}

#[derive(Debug)]
pub(crate) struct Flatten {
    pub(crate) value: Expr,
    pub(crate) separator: Expr,
    pub(crate) omit_arrays: Expr,
}
