//! `@liquid`: the part of Liquid that mappings use.
//!
//! Supported are output with filters, `assign`, `if`/`elsif`/`else`, `unless` and `comment`. As at Segment, tags and
//! filters that Segment disables fail when evaluated, and unknown filters are ignored. The check at load refuses tags
//! and filters that Segment supports and this implementation does not.

mod filter;
mod parse;
mod syntax;
mod values;

use crate::mapping::directive::*;
use crate::value::Value;
use bumpalo::Bump;
use bumpalo::collections::String as BumpString;
use filter::Call;
use parse::Problem;
use syntax::{Comparison, Condition, Expression, Operand, Operator, Statement};
use values::{equal, is_truthy, member, write};

pub(super) const DIRECTIVE: Directive = Directive::new("@liquid", check, compile);

/// Maximum length of a template, in UTF-16 units.
const MAX_TEMPLATE: usize = 1000;

/// A parsed template.
#[derive(Debug)]
struct Liquid {
    statements: Vec<Statement>,
}

fn check(check: &mut Check, argument: &Json) {
    check.string(argument);
    if let Some(Err(Problem::Unsupported(what))) = argument.as_str().map(Liquid::new) {
        check.fail(format!("uses {what}, which is not supported"));
    }
}

fn compile(_: &mut Compiler, argument: &Json) -> Expr {
    let Json::String(text) = argument else {
        return fail("liquid template value must be a string");
    };
    match Liquid::new(text) {
        Ok(template) => Expr::directive(template),
        Err(Problem::Fails(message)) => fail(message),
        Err(Problem::Unsupported(what)) => fail(format!("{what} is not supported")),
    }
}

impl Liquid {
    fn new(text: &str) -> Result<Liquid, Problem> {
        if crate::value::utf16_len(text) > MAX_TEMPLATE {
            return Err(Problem::Fails(format!(
                "liquid template values are limited to {MAX_TEMPLATE} characters"
            )));
        }
        parse::parse(text).map(|statements| Liquid { statements })
    }
}

impl Evaluate for Liquid {
    fn evaluate<'a>(&'a self, eval: Eval<'a>) -> Result<Value<'a>, RuntimeError> {
        let mut run = Run {
            payload: eval.payload,
            arena: eval.arena,
            variables: Vec::new(),
            out: BumpString::new_in(eval.arena),
        };
        run.statements(&self.statements)?;
        Ok(Value::Str(run.out.into_bump_str()))
    }
}

/// A template being rendered.
struct Run<'a> {
    payload: Value<'a>,
    arena: &'a Bump,
    variables: Vec<(&'a str, Value<'a>)>,
    out: BumpString<'a>,
}

impl<'a> Run<'a> {
    fn statements(&mut self, statements: &'a [Statement]) -> Result<(), RuntimeError> {
        for statement in statements {
            match statement {
                Statement::Text(text) => self.out.push_str(text),
                Statement::Output(expression) => {
                    let value = self.expression(expression)?;
                    write(value, &mut self.out);
                }
                Statement::Assign(name, expression) => {
                    let value = self.expression(expression)?;
                    self.variables.push((name, value));
                }
                Statement::If(branches) => {
                    let taken = branches.iter().find(|(condition, _)| {
                        condition.as_ref().is_none_or(|condition| self.holds(condition))
                    });
                    if let Some((_, statements)) = taken {
                        self.statements(statements)?;
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
            let call = Call {
                value,
                first: argument(0),
                second: argument(1),
                arena: self.arena,
            };
            value = call.apply(*filter)?;
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

    fn holds(&self, condition: &'a Condition) -> bool {
        let first = self.comparison(&condition.first);
        let all = condition.rest.iter().fold(first, |so_far, (any, comparison)| {
            if *any {
                so_far || self.comparison(comparison)
            } else {
                so_far && self.comparison(comparison)
            }
        });
        all != condition.negated
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
