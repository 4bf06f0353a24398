//! `@liquid`: the part of Liquid that mappings use.
//!
//! Output with filters, `assign`, `if`/`elsif`/`else`, `unless` and `comment`. Tags and filters Segment disables fail
//! when evaluated, as there, and unknown filters are ignored, as there. Tags and filters that would work at Segment and
//! are not known here are refused at load.

mod filter;
mod parse;

use super::error::RuntimeError;
use super::template::bounded;
use crate::value::Value;
use bumpalo::Bump;
use bumpalo::collections::String as BumpString;
use filter::Filter;

pub(super) use parse::Problem;

/// The longest template, in characters.
const MAX_TEMPLATE: usize = 1000;

/// A template, read once.
#[derive(Debug)]
pub(crate) struct Liquid {
    nodes: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    Text(String),
    Output(Expression),
    Assign(String, Expression),
    /// Branches in order; the last may be unconditional.
    If(Vec<(Option<Test>, Vec<Node>)>),
}

#[derive(Debug)]
struct Expression {
    operand: Operand,
    filters: Vec<(Filter, Vec<Operand>)>,
}

#[derive(Debug)]
enum Operand {
    Nil,
    Bool(bool),
    Number(f64),
    Text(String),
    Variable(String, Vec<Operand>),
}

/// Comparisons joined by `and` and `or`, decided from left to right.
#[derive(Debug)]
struct Test {
    negated: bool,
    first: Comparison,
    rest: Vec<(bool, Comparison)>,
}

#[derive(Debug)]
struct Comparison {
    left: Operand,
    other: Option<(Operator, Operand)>,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Equal,
    Different,
    Less,
    AtMost,
    Greater,
    AtLeast,
    Contains,
}

impl Liquid {
    pub(super) fn new(text: &str) -> Result<Liquid, Problem> {
        if crate::value::utf16_len(text) > MAX_TEMPLATE {
            return Err(Problem::Fails(format!(
                "liquid template values are limited to {MAX_TEMPLATE} characters"
            )));
        }
        parse::parse(text).map(|nodes| Liquid { nodes })
    }

    pub(super) fn render<'a>(
        &'a self,
        payload: Value<'a>,
        arena: &'a Bump,
    ) -> Result<Value<'a>, RuntimeError> {
        let mut run = Run {
            payload,
            arena,
            variables: Vec::new(),
            out: BumpString::new_in(arena),
        };
        run.nodes(&self.nodes)?;
        Ok(Value::Str(run.out.into_bump_str()))
    }
}

struct Run<'a> {
    payload: Value<'a>,
    arena: &'a Bump,
    variables: Vec<(&'a str, Value<'a>)>,
    out: BumpString<'a>,
}

impl<'a> Run<'a> {
    fn nodes(&mut self, nodes: &'a [Node]) -> Result<(), RuntimeError> {
        for node in nodes {
            match node {
                Node::Text(text) => self.out.push_str(text),
                Node::Output(expression) => {
                    let value = self.expression(expression)?;
                    write(value, &mut self.out);
                }
                Node::Assign(name, expression) => {
                    let value = self.expression(expression)?;
                    self.variables.push((name, value));
                }
                Node::If(branches) => {
                    let taken = branches
                        .iter()
                        .find(|(test, _)| test.as_ref().is_none_or(|test| self.test(test)));
                    if let Some((_, nodes)) = taken {
                        self.nodes(nodes)?;
                    }
                }
            }
            bounded(self.out.len())?;
        }
        Ok(())
    }

    fn expression(&self, expression: &'a Expression) -> Result<Value<'a>, RuntimeError> {
        let mut value = self.operand(&expression.operand);
        for (filter, arguments) in &expression.filters {
            let argument = |at: usize| {
                arguments
                    .get(at)
                    .map_or(Value::Undefined, |operand| self.operand(operand))
            };
            value = filter.apply(value, [argument(0), argument(1)], self.arena)?;
        }
        Ok(value)
    }

    fn operand(&self, operand: &'a Operand) -> Value<'a> {
        match operand {
            Operand::Nil => Value::Null,
            Operand::Bool(truth) => Value::Bool(*truth),
            Operand::Number(number) => Value::from(*number),
            Operand::Text(text) => Value::Str(text),
            Operand::Variable(name, keys) => {
                let assigned = self.variables.iter().rev().find(|(known, _)| known == name);
                let root = assigned.map_or_else(|| self.payload.get(name), |(_, value)| *value);
                keys.iter()
                    .fold(root, |value, key| member(value, self.operand(key)))
            }
        }
    }

    fn test(&self, test: &'a Test) -> bool {
        let first = self.comparison(&test.first);
        let all = test.rest.iter().fold(first, |so_far, (any, comparison)| {
            if *any {
                so_far || self.comparison(comparison)
            } else {
                so_far && self.comparison(comparison)
            }
        });
        all != test.negated
    }

    fn comparison(&self, comparison: &'a Comparison) -> bool {
        let left = self.operand(&comparison.left);
        let Some((operator, right)) = &comparison.other else {
            return is_truthy(left);
        };
        let right = self.operand(right);
        let numbers = left.as_f64().zip(right.as_f64());
        match operator {
            Operator::Equal => equal(left, right),
            Operator::Different => !equal(left, right),
            Operator::Less => numbers.is_some_and(|(left, right)| left < right),
            Operator::AtMost => numbers.is_some_and(|(left, right)| left <= right),
            Operator::Greater => numbers.is_some_and(|(left, right)| left > right),
            Operator::AtLeast => numbers.is_some_and(|(left, right)| left >= right),
            Operator::Contains => match (left, right) {
                (Value::Str(text), Value::Str(part)) => text.contains(part),
                _ => left.items().any(|item| equal(item, right)),
            },
        }
    }
}

/// Only nil and false are not true; `""` and 0 are.
fn is_truthy(value: Value<'_>) -> bool {
    !value.is_nullish() && value.as_bool() != Some(false)
}

fn equal(left: Value<'_>, right: Value<'_>) -> bool {
    match (left, right) {
        (Value::Str(left), Value::Str(right)) => left == right,
        (Value::Bool(left), Value::Bool(right)) => left == right,
        _ if left.is_nullish() => right.is_nullish(),
        _ => left
            .as_f64()
            .zip(right.as_f64())
            .is_some_and(|(left, right)| left == right),
    }
}

/// A member by name or index; `size`, `first` and `last` of lists and texts.
fn member<'a>(value: Value<'a>, key: Value<'a>) -> Value<'a> {
    if let Some(index) = key.as_f64() {
        let length = value.array_len() as f64;
        let index = if index < 0.0 { index + length } else { index };
        return if index >= 0.0 && index < length {
            value.index(index as usize)
        } else {
            Value::Undefined
        };
    }
    let Some(key) = key.as_str() else {
        return Value::Undefined;
    };
    match (value.get(key), key) {
        (Value::Undefined, "size") if value.is_array() => Value::from(value.array_len() as f64),
        (Value::Undefined, "size") => value
            .as_str()
            .map(|text| Value::from(crate::value::utf16_len(text) as f64))
            .into(),
        (Value::Undefined, "first") => value.index(0),
        (Value::Undefined, "last") => value.index(value.array_len().wrapping_sub(1)),
        (found, _) => found,
    }
}

/// Lists are written without anything between their elements.
fn write(value: Value<'_>, out: &mut BumpString<'_>) {
    if value.is_array() {
        for item in value.items() {
            write(item, out);
        }
    } else {
        // A string in memory takes whatever is written.
        let _ = value.write_text(out);
    }
}
