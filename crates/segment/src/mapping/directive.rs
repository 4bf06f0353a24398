//! The entry of a directive in the registry, and the items that nearly every directive's file uses.

use super::check::CheckFn;
use super::compile::CompileFn;
use super::lint::LintFn;

pub(super) use super::check::{Check, type_name, wrong_type};
pub(super) use super::compile::{Compiler, fail, falsy};
pub(super) use super::error::RuntimeError;
pub(super) use super::eval::Eval;
pub(super) use super::limits::bounded;
pub(super) use super::plan::{Evaluate, Expr};
pub(super) use serde_json::Value as Json;

/// Functions of one directive. Each takes the argument, the value of the `@` key.
pub(super) struct Directive {
    /// Name, beginning with `@`.
    pub(super) name: &'static str,
    /// Reports Segment's validation errors.
    pub(super) check: CheckFn,
    /// Returns the node that evaluates the directive.
    pub(super) compile: CompileFn,
    /// Warns about doubtful arguments.
    pub(super) lint: LintFn,
    /// Returns the paths whose plain values the directive writes into texts.
    pub(super) reads: fn(&Json) -> Vec<String>,
}

impl Directive {
    /// Creates a directive that warns about nothing and writes no plain value into a text.
    pub(super) const fn new(name: &'static str, check: CheckFn, compile: CompileFn) -> Directive {
        Directive {
            name,
            check,
            compile,
            lint: |_, _| {},
            reads: |_| Vec::new(),
        }
    }
}
