//! The syntax tree of a template.

use super::filter::Filter;

/// A part of a template, run in order.
#[derive(Debug)]
pub(super) enum Statement {
    Text(String),
    Output(Expression),
    Assign(String, Expression),
    /// Branches in order; only the last may be unconditional.
    If(Vec<(Option<Condition>, Vec<Statement>)>),
}

/// A value and the filters it passes through, each with its arguments.
#[derive(Debug)]
pub(super) struct Expression {
    pub(super) operand: Operand,
    pub(super) filters: Vec<(Filter, Vec<Operand>)>,
}

#[derive(Debug)]
pub(super) enum Operand {
    Nil,
    Bool(bool),
    Number(f64),
    Text(String),
    /// A name and the keys below it.
    Variable(String, Vec<Operand>),
}

/// Comparisons joined by `and` (false) and `or` (true), evaluated from left to right.
#[derive(Debug)]
pub(super) struct Condition {
    pub(super) negated: bool,
    pub(super) first: Comparison,
    pub(super) rest: Vec<(bool, Comparison)>,
}

/// An operand, compared with another one or tested for truth.
#[derive(Debug)]
pub(super) struct Comparison {
    pub(super) left: Operand,
    pub(super) other: Option<(Operator, Operand)>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Operator {
    Equal,
    Different,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Contains,
}
