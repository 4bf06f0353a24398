//! Renders templates.

use std::cmp::Ordering;

use bumpalo::Bump;
use bumpalo::collections::String as BumpString;

use super::filters::call::Call;
use super::item::{Item, js_text};
use super::syntax::{Argument, Expression, Operand, Operator, Part, Statement, Word};
use crate::mapping::error::RuntimeError;
use crate::mapping::limits::{MAX_TEXT, bounded};
use crate::value::Value;

/// A template being rendered.
pub(super) struct Run<'a> {
    payload: Value<'a>,
    arena: &'a Bump,
    variables: Vec<(&'a str, Item<'a>)>,
    /// Counters stand beside the event's members, below the variables.
    counters: Vec<(&'a str, f64)>,
    /// Positions in cycles, by the group and the number of values: values that differ share a position.
    cycles: Vec<(&'a str, usize, usize)>,
    /// Depth of tags `block`, in which the word `block` is an object.
    blocks: usize,
    stopped: bool,
}

impl<'a> Run<'a> {
    pub(super) fn new(payload: Value<'a>, arena: &'a Bump) -> Run<'a> {
        Run {
            payload,
            arena,
            variables: Vec::new(),
            counters: Vec::new(),
            cycles: Vec::new(),
            blocks: 0,
            stopped: false,
        }
    }

    /// Appends what statements write.
    pub(super) fn statements(
        &mut self,
        statements: &'a [Statement],
        out: &mut BumpString<'a>,
    ) -> Result<(), RuntimeError> {
        for statement in statements {
            self.statement(statement, out)?;
            bounded(out.len())?;
            if self.stopped {
                break;
            }
        }
        Ok(())
    }

    fn statement(&mut self, statement: &'a Statement, out: &mut BumpString<'a>) -> Result<(), RuntimeError> {
        match statement {
            Statement::Text(text) => out.push_str(text),
            Statement::Output(expression) => out.push_str(self.expression(expression)?.text(self.arena)),
            Statement::Assign(name, expression) => {
                let item = self.expression(expression)?;
                put(&mut self.variables, name, item);
            }
            Statement::Capture(name, statements) => {
                let mut captured = BumpString::new_in(self.arena);
                self.statements(statements, &mut captured)?;
                let text = Value::Str(captured.into_bump_str());
                put(&mut self.variables, name, text.into());
            }
            Statement::If(branches, otherwise) => {
                for branch in branches {
                    if self.expression(&branch.condition)?.is_truthy() != branch.negated {
                        return self.statements(&branch.statements, out);
                    }
                }
                return self.statements(otherwise, out);
            }
            Statement::Increment(name) => {
                let count = self.counter(name);
                put(&mut self.counters, name, count + 1.0);
                out.push_str(Item::from(Value::from(count)).text(self.arena));
            }
            Statement::Decrement(name) => {
                let count = self.counter(name) - 1.0;
                put(&mut self.counters, name, count);
                out.push_str(Item::from(Value::from(count)).text(self.arena));
            }
            Statement::Cycle(group, values) => {
                let group = match group {
                    Some(group) => self.operand(group)?.value(),
                    None => Value::Undefined,
                };
                let next = self.next_of(js_text(group, self.arena), values);
                let item = self.operand(next)?;
                // As at Segment, values that JavaScript takes for false show nothing.
                if !item.value().is_falsy() {
                    out.push_str(item.text(self.arena));
                }
            }
            Statement::Block(statements) => {
                self.blocks += 1;
                self.statements(statements, out)?;
                self.blocks -= 1;
            }
            Statement::Lines(statements) => return self.statements(statements, out),
            Statement::Stop => self.stopped = true,
        }
        Ok(())
    }

    fn next_of(&mut self, group: &'a str, values: &'a [Operand]) -> &'a Operand {
        let of_cycle =
            |(name, length, _): &&mut (&str, usize, usize)| *name == group && *length == values.len();
        let at = match self.cycles.iter_mut().find(of_cycle) {
            Some((_, length, next)) => {
                let at = *next;
                *next = (at + 1) % *length;
                at
            }
            None => {
                self.cycles.push((group, values.len(), 1 % values.len().max(1)));
                0
            }
        };
        // The parser makes no cycle without values.
        values.get(at).unwrap_or(&Operand::Word(Word::Nil))
    }

    fn counter(&self, name: &'a str) -> f64 {
        let counted = self.counters.iter().find(|(known, _)| *known == name);
        let count = counted.map(|(_, count)| *count);
        count.or_else(|| self.payload.get(name).as_f64()).unwrap_or(0.0)
    }

    fn expression(&self, expression: &'a Expression) -> Result<Item<'a>, RuntimeError> {
        let mut item = self.parts(&expression.parts)?;
        for (filter, arguments) in &expression.filters {
            let mut values = bumpalo::collections::Vec::with_capacity_in(arguments.len(), self.arena);
            for argument in arguments {
                values.push(self.argument(argument)?);
            }
            let call = Call {
                input: item,
                arguments: values.into_bump_slice(),
                arena: self.arena,
            };
            item = filter(call)?;
            bounded(item.value().as_str().map_or(0, str::len))?;
        }
        Ok(item)
    }

    /// Evaluates operands and operators with a stack. What stays on the stack beside the first is unused, as at Segment.
    fn parts(&self, parts: &'a [Part]) -> Result<Item<'a>, RuntimeError> {
        if let [Part::Operand(operand)] = parts {
            return self.operand(operand);
        }
        let mut stack: Vec<Item<'a>> = Vec::with_capacity(parts.len());
        for part in parts {
            let item = match part {
                Part::Operand(operand) => self.operand(operand)?,
                Part::Operator(operator) => {
                    let right = stack.pop().unwrap_or(Item::UNDEFINED);
                    let left = match operator {
                        Operator::Not => Item::UNDEFINED,
                        _ => stack.pop().unwrap_or(Item::UNDEFINED),
                    };
                    Value::Bool(self.holds(left, *operator, right)).into()
                }
            };
            stack.push(item);
        }
        Ok(stack.first().copied().unwrap_or(Item::UNDEFINED))
    }

    fn holds(&self, left: Item<'a>, operator: Operator, right: Item<'a>) -> bool {
        let order = || left.order(right, self.arena);
        match operator {
            Operator::Equal => left.equals(right),
            Operator::Different => !left.equals(right),
            Operator::Greater => order() == Some(Ordering::Greater),
            Operator::Less => order() == Some(Ordering::Less),
            Operator::AtLeast => order().is_some_and(Ordering::is_ge),
            Operator::AtMost => order().is_some_and(Ordering::is_le),
            Operator::Contains => left.contains(right, self.arena),
            Operator::Not => !right.is_truthy(),
            Operator::And => left.is_truthy() && right.is_truthy(),
            Operator::Or => left.is_truthy() || right.is_truthy(),
        }
    }

    fn argument(&self, argument: &'a Argument) -> Result<Item<'a>, RuntimeError> {
        let value = match &argument.value {
            Some(operand) => self.operand(operand)?,
            None => Item::UNDEFINED,
        };
        Ok(match &argument.name {
            // A named argument reaches the filter as a pair.
            Some(name) => {
                Value::Array(self.arena.alloc_slice_copy(&[Value::Str(name), value.value()])).into()
            }
            None => value,
        })
    }

    fn operand(&self, operand: &'a Operand) -> Result<Item<'a>, RuntimeError> {
        Ok(match operand {
            Operand::Word(Word::True) => Value::Bool(true).into(),
            Operand::Word(Word::False) => Value::Bool(false).into(),
            Operand::Word(Word::Nil) => Item::Nil,
            Operand::Word(Word::Empty) => Item::Empty,
            Operand::Word(Word::Blank) => Item::Blank,
            Operand::Number(number) => Value::from(*number).into(),
            Operand::Text(text) => Value::Str(text).into(),
            Operand::Range(first, last) => {
                let first = self.operand(first)?.number(self.arena);
                let last = self.operand(last)?.number(self.arena);
                self.range(first, last)?.into()
            }
            Operand::Path(root, keys) => {
                let mut keys = keys.iter();
                let mut item = match (root, keys.len()) {
                    (Some(root), _) => self.operand(root)?,
                    (None, 0) => Item::UNDEFINED,
                    (None, _) => match keys.next() {
                        Some(key) => {
                            let key = self.operand(key)?;
                            self.named(key)
                        }
                        None => Item::UNDEFINED,
                    },
                };
                for key in keys {
                    let key = self.operand(key)?;
                    item = item.member(key, self.arena).into();
                }
                item
            }
        })
    }

    /// Returns the variable of a name, or the event's member.
    fn named(&self, key: Item<'a>) -> Item<'a> {
        let name = js_text(key.value(), self.arena);
        if self.blocks > 0 && name == "block" {
            return Value::Object(&[]).into();
        }
        if let Some((_, item)) = self.variables.iter().find(|(known, _)| *known == name) {
            return *item;
        }
        if let Some((_, count)) = self.counters.iter().find(|(known, _)| *known == name) {
            return Value::from(*count).into();
        }
        Item::from(self.payload)
            .member(Value::Str(name).into(), self.arena)
            .into()
    }

    fn range(&self, first: f64, last: f64) -> Result<Value<'a>, RuntimeError> {
        let count = (last - first).floor() + 1.0;
        if count.is_nan() || count <= 0.0 {
            return Ok(Value::Array(&[]));
        }
        if count > MAX_TEXT as f64 {
            return bounded(usize::MAX).map(|()| Value::Undefined);
        }
        let numbers = (0..count as u32).map(|step| Value::from(first + f64::from(step)));
        Ok(Value::Array(
            bumpalo::collections::Vec::from_iter_in(numbers, self.arena).into_bump_slice(),
        ))
    }
}

fn put<'a, T>(all: &mut Vec<(&'a str, T)>, name: &'a str, value: T) {
    match all.iter_mut().find(|(known, _)| *known == name) {
        Some((_, known)) => *known = value,
        None => all.push((name, value)),
    }
}
