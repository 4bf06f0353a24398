//! Parses the expressions of outputs and tags.

use super::fault::Fault;
use super::filters;
use super::operand::value;
use super::scan::Scanner;
use super::syntax::{Argument, Expression, OPERATORS, Operator, Part};

/// Parses a value with operators and filters, up to the end of the part.
pub(super) fn expression(scanner: &mut Scanner<'_>) -> Result<Expression, Fault> {
    let mut parts = Vec::new();
    let mut waiting: Vec<Operator> = Vec::new();
    loop {
        if let Some(operator) = scanner.one_of(OPERATORS) {
            while let Some(last) = waiting.pop_if(|last| last.precedence() > operator.precedence()) {
                parts.push(Part::Operator(last));
            }
            waiting.push(operator);
        } else if let Some(operand) = value(scanner)? {
            parts.push(Part::Operand(operand));
        } else {
            break;
        }
    }
    parts.extend(waiting.into_iter().rev().map(Part::Operator));
    if parts.is_empty() {
        return scanner.fails("a value is missing");
    }
    let mut filters = Vec::new();
    loop {
        scanner.blanks();
        if scanner.ended() {
            return Ok(Expression { parts, filters });
        }
        if !scanner.skip('|') {
            return scanner.fails("expected `|` before a filter");
        }
        let name = scanner.name();
        if name.is_empty() {
            if scanner.ended() {
                return Ok(Expression { parts, filters });
            }
            return scanner.fails("expected the name of a filter");
        }
        let arguments = arguments(scanner)?;
        // As at Segment, a filter that does not exist changes nothing.
        filters.extend(filters::named(&name).map(|filter| (filter, arguments)));
    }
}

fn arguments(scanner: &mut Scanner<'_>) -> Result<Vec<Argument>, Fault> {
    let mut arguments = Vec::new();
    scanner.blanks();
    if !scanner.ended() && !scanner.is_at(':') && !scanner.is_at('|') {
        return scanner.fails("expected `:` after the name of a filter");
    }
    if !scanner.is_at(':') {
        return Ok(arguments);
    }
    loop {
        scanner.at += 1;
        scanner.blanks();
        let start = scanner.at;
        if let Some(operand) = value(scanner)? {
            let name = scanner.text(start..scanner.at);
            scanner.blanks();
            arguments.push(match scanner.skip(':') {
                true => Argument {
                    name: Some(name),
                    value: value(scanner)?,
                },
                false => Argument {
                    name: None,
                    value: Some(operand),
                },
            });
        }
        scanner.blanks();
        match scanner.peek(0) {
            Some(',') => {}
            Some('|') | None => return Ok(arguments),
            Some(_) => return scanner.fails("an unexpected character"),
        }
    }
}
