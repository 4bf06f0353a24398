//! Parses the values of expressions.

use super::fault::Fault;
use super::scan::Scanner;
use super::syntax::{Operand, WORDS};

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
