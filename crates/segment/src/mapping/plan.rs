//! The compiled form of a mapping.

use super::error::RuntimeError;
use super::liquid::Liquid;
use super::slots::Slots;
use super::template::Template;
use std::borrow::Cow;

/// One node of the plan. Constants keep their place in the tree; they are few and small.
#[derive(Debug)]
pub(super) enum Expr {
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
pub(super) struct Object {
    /// In JavaScript's key order, or that of the fields they fill.
    pub(super) members: Box<[(Cow<'static, str>, Expr)]>,
    /// Every field has its member: those that come to nothing are kept as undefined, see [`super::arrange`].
    pub(super) in_places: bool,
}

/// The first path of several with something at its end. Mappings say so by `@if` in the `else` of `@if`, often over a
/// dozen paths; gone through one inside the other, each path would be looked at twice.
#[derive(Debug)]
pub(super) struct First {
    pub(super) paths: Vec<(Ask, usize)>,
    pub(super) otherwise: Expr,
}

/// What counts as something.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ask {
    /// As [`Test`] has it.
    Value(Test),
    /// [`Test::NotBlank`] of the text a template makes of it, so that zero and false are something.
    Text,
}

/// What is evaluated on another payload than the event: each has paths of its own.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) expr: Expr,
    pub(super) slots: Slots,
}

#[derive(Debug)]
pub(super) struct If {
    pub(super) test: Test,
    pub(super) condition: Expr,
    pub(super) then: Expr,
    pub(super) otherwise: Expr,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Test {
    /// Neither undefined nor null.
    Exists,
    /// What `blank` really asks: that the value is *not* blank.
    NotBlank,
}

#[derive(Debug)]
pub(super) struct Case {
    pub(super) operator: Expr,
    pub(super) value: Expr,
}

#[derive(Debug)]
pub(super) struct Replace {
    pub(super) value: Expr,
    pub(super) steps: Vec<ReplaceStep>,
    pub(super) ignore_case: bool,
    pub(super) global: bool,
}

#[derive(Debug)]
pub(super) struct ReplaceStep {
    pub(super) pattern: Box<str>,
    pub(super) replacement: Box<str>,
}

#[derive(Debug)]
pub(super) struct ArrayPath {
    pub(super) root: Expr,
    pub(super) shape: Option<Scope>,
}

#[derive(Debug)]
pub(super) struct Merge {
    pub(super) direction: Expr,
    pub(super) objects: Box<[Expr]>,
}

#[derive(Debug)]
pub(super) struct Transform {
    pub(super) apply: Expr,
    pub(super) mapping: Scope,
}

#[derive(Debug)]
pub(super) struct Flatten {
    pub(super) value: Expr,
    pub(super) separator: Expr,
    pub(super) omit_arrays: Expr,
}
