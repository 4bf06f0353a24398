//! Parses the expressions of outputs and tags.

use super::Fault;
use super::filters;
use super::scan::Scanner;
use super::syntax::{Argument, Expression, OPERATORS, Operand, Operator, Part, WORDS};

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

/// Parses a value, if one stands here.
pub(super) fn value(scanner: &mut Scanner<'_>) -> Result<Option<Operand>, Fault> {
    let root = if let Some(word) = scanner.one_of(WORDS) {
        Some(Operand::Word(word))
    } else if let Some(text) = scanner.quoted() {
        Some(Operand::Text(text))
    } else if let Some(range) = range(scanner)? {
        Some(range)
    } else {
        scanner.number().map(Operand::Number)
    };
    let keys = keys(scanner, root.is_none())?;
    Ok(match (root, keys.is_empty()) {
        (root, true) => root,
        (root, false) => Some(Operand::Path(root.map(Box::new), keys)),
    })
}

fn range(scanner: &mut Scanner<'_>) -> Result<Option<Operand>, Fault> {
    scanner.blanks();
    if !scanner.skip('(') {
        return Ok(None);
    }
    let end = |scanner: &mut Scanner<'_>| match value(scanner)? {
        Some(end) => Ok(end),
        None => scanner.fails("a range takes two values"),
    };
    let first = end(scanner)?;
    scanner.blanks();
    if !(scanner.skip('.') && scanner.skip('.')) {
        return scanner.fails("a range has two dots");
    }
    let last = end(scanner)?;
    scanner.blanks();
    if !scanner.skip(')') {
        return scanner.fails("a range is not closed");
    }
    Ok(Some(Operand::Range(Box::new(first), Box::new(last))))
}

/// Parses names after dots and keys in brackets; `begins` if a name may stand first.
pub(super) fn keys(scanner: &mut Scanner<'_>, begins: bool) -> Result<Vec<Operand>, Fault> {
    let mut keys = Vec::new();
    loop {
        if scanner.skip('[') {
            let key = value(scanner)?.unwrap_or_else(|| Operand::Text(String::new()));
            if !scanner.to("]") {
                return scanner.fails("a bracket is not closed");
            }
            keys.push(key);
            continue;
        }
        if begins && keys.is_empty() {
            let name = scanner.name();
            if !name.is_empty() {
                keys.push(Operand::Text(name));
                continue;
            }
        }
        if !scanner.is_at('.') || scanner.peek(1) == Some('.') {
            return Ok(keys);
        }
        scanner.at += 1;
        let name = scanner.name();
        if name.is_empty() {
            return Ok(keys);
        }
        keys.push(Operand::Text(name));
    }
}
