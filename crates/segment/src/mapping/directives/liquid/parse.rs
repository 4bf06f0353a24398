//! Parses templates.

use std::collections::VecDeque;
use std::ops::Range;

use super::expression::expression;
use super::fault::Fault;
use super::operand::value;
use super::scan::Scanner;
use super::syntax::{Branch, Expression, Statement};
use super::tokens::{Tag, Token, lines, tokens};
use crate::value::js_trim;

/// Segment's engine knows these tags and refuses them.
const DISABLED: &[&str] = &["case", "for", "include", "layout", "render", "tablerow"];

pub(super) fn parse(text: &str) -> Result<Vec<Statement>, Fault> {
    let chars: Vec<char> = text.chars().collect();
    let mut parser = Parser {
        chars: &chars,
        tokens: tokens(&chars)?,
    };
    parser.all()
}

struct Parser<'t> {
    chars: &'t [char],
    tokens: VecDeque<Token>,
}

impl<'t> Parser<'t> {
    fn all(&mut self) -> Result<Vec<Statement>, Fault> {
        let mut statements = Vec::new();
        while let Some(token) = self.tokens.pop_front() {
            statements.extend(self.statement(token)?);
        }
        Ok(statements)
    }

    fn scanner(&self, part: Range<usize>) -> Scanner<'t> {
        Scanner::new(self.chars, part)
    }

    /// Parses a token and the ones that belong to it.
    fn statement(&mut self, token: Token) -> Result<Option<Statement>, Fault> {
        let tag = match token {
            Token::Text(text) => {
                let text = self.scanner(text).rest();
                return Ok((!text.is_empty()).then_some(Statement::Text(text)));
            }
            Token::Output(content) => {
                return expression(&mut self.scanner(content)).map(|shown| Some(Statement::Output(shown)));
            }
            Token::Tag(tag) => tag,
        };
        let mut scanner = self.scanner(tag.arguments.clone());
        Ok(Some(match tag.name.as_str() {
            "assign" => {
                let name = scanner.name();
                scanner.blanks();
                if name.is_empty() || !scanner.skip('=') {
                    return scanner.fails("the tag assign takes a name, `=` and a value");
                }
                Statement::Assign(name, expression(&mut scanner)?)
            }
            "capture" => {
                let name = scanner.name();
                let quoted = name.is_empty().then(|| scanner.quoted());
                let Some(name) = quoted.unwrap_or(Some(name)) else {
                    return scanner.fails("the tag capture takes a name");
                };
                Statement::Capture(name, self.up_to("endcapture", &tag)?)
            }
            "block" => Statement::Block(self.up_to("endblock", &tag)?),
            "comment" => {
                self.passed_over("endcomment", &tag)?;
                return Ok(None);
            }
            "raw" => Statement::Text(self.passed_over("endraw", &tag)?),
            "#" => {
                let lines = scanner.rest();
                let mut lines = lines.split('\n').skip(1).map(js_trim);
                if lines.any(|line| !line.is_empty() && !line.starts_with('#')) {
                    return scanner.fails("each line of an inline comment begins with #");
                }
                return Ok(None);
            }
            "if" | "unless" => self.branches(&tag)?,
            "increment" => Statement::Increment(scanner.name()),
            "decrement" => Statement::Decrement(scanner.name()),
            "cycle" => cycle(&mut scanner)?,
            "break" | "continue" => Statement::Stop,
            "echo" if scanner.ended() => return Ok(None),
            "echo" => Statement::Output(expression(&mut scanner)?),
            "liquid" => {
                let mut lines = Parser {
                    chars: self.chars,
                    tokens: lines(self.chars, tag.arguments)?,
                };
                Statement::Lines(lines.all()?)
            }
            name if DISABLED.contains(&name) => return Err(Fault(format!("tag \"{name}\" is disabled"))),
            name => return Err(Fault(format!("tag \"{name}\" not found"))),
        }))
    }

    /// Parses the tokens before a closing tag.
    fn up_to(&mut self, close: &str, opened: &Tag) -> Result<Vec<Statement>, Fault> {
        let mut statements = Vec::new();
        while let Some(token) = self.tokens.pop_front() {
            if matches!(&token, Token::Tag(tag) if tag.name == close) {
                return Ok(statements);
            }
            statements.extend(self.statement(token)?);
        }
        Err(not_closed(opened))
    }

    /// Returns the text of the tokens before a closing tag, which are not parsed.
    fn passed_over(&mut self, close: &str, opened: &Tag) -> Result<String, Fault> {
        let mut text = String::new();
        while let Some(token) = self.tokens.pop_front() {
            let whole = match token {
                Token::Tag(tag) if tag.name == close => return Ok(text),
                Token::Tag(tag) => tag.whole,
                Token::Text(range) | Token::Output(range) => range,
            };
            text.push_str(&self.scanner(whole).rest());
        }
        Err(not_closed(opened))
    }

    fn branches(&mut self, opened: &Tag) -> Result<Statement, Fault> {
        let unless = opened.name == "unless";
        let close = if unless { "endunless" } else { "endif" };
        let mut branches = vec![self.branch(opened.arguments.clone(), unless)?];
        let mut otherwise: Option<Vec<Statement>> = None;
        // A second `else` of an `unless`, and an `elsif` behind it, are parsed and never run.
        let mut unused = false;
        while let Some(token) = self.tokens.pop_front() {
            if let Token::Tag(tag) = &token {
                match tag.name.as_str() {
                    "elsif" if otherwise.is_none() => {
                        branches.push(self.branch(tag.arguments.clone(), false)?);
                        continue;
                    }
                    "elsif" if unless => {
                        unused = true;
                        continue;
                    }
                    "elsif" => return Err(Fault("tag \"elsif\" stands behind \"else\"".to_owned())),
                    "else" if otherwise.is_some() && !unless => {
                        return Err(Fault("tag \"else\" stands twice".to_owned()));
                    }
                    "else" => {
                        self.no_arguments(tag, unless)?;
                        unused = otherwise.is_some();
                        otherwise.get_or_insert_default();
                        continue;
                    }
                    name if name == close => {
                        self.no_arguments(tag, unless)?;
                        return Ok(Statement::If(branches, otherwise.unwrap_or_default()));
                    }
                    _ => {}
                }
            }
            let statement = self.statement(token)?;
            match (&mut otherwise, branches.last_mut()) {
                _ if unused => {}
                (Some(statements), _) => statements.extend(statement),
                (None, Some(branch)) => branch.statements.extend(statement),
                (None, None) => {}
            }
        }
        Err(not_closed(opened))
    }

    fn branch(&self, condition: Range<usize>, negated: bool) -> Result<Branch, Fault> {
        Ok(Branch {
            condition: expression(&mut self.scanner(condition))?,
            negated,
            statements: Vec::new(),
        })
    }

    /// Refuses arguments of `else` and `endif`; those of an `unless` may have some.
    fn no_arguments(&self, tag: &Tag, unless: bool) -> Result<(), Fault> {
        let scanner = self.scanner(tag.arguments.clone());
        match unless || scanner.ended() {
            true => Ok(()),
            false => scanner.fails(&format!("tag \"{}\" takes no arguments", tag.name)),
        }
    }
}

fn cycle(scanner: &mut Scanner<'_>) -> Result<Statement, Fault> {
    let mut group = value(scanner)?;
    scanner.blanks();
    let mut values = Vec::new();
    if !scanner.skip(':') {
        values.extend(group.take());
    }
    while !scanner.ended() {
        values.extend(value(scanner)?);
        scanner.to(",");
    }
    match values.is_empty() {
        true => scanner.fails("the tag cycle takes values"),
        false => Ok(Statement::Cycle(group, values)),
    }
}

fn not_closed(tag: &Tag) -> Fault {
    Fault(format!("tag \"{}\" not closed", tag.name))
}

/// Returns the expressions of statements and of the statements in them.
pub(super) fn each_expression<'s>(statements: &'s [Statement], visit: &mut impl FnMut(&'s Expression)) {
    for statement in statements {
        match statement {
            Statement::Output(shown) | Statement::Assign(_, shown) => visit(shown),
            Statement::Capture(_, inner) | Statement::Block(inner) | Statement::Lines(inner) => {
                each_expression(inner, visit);
            }
            Statement::If(branches, otherwise) => {
                for branch in branches {
                    visit(&branch.condition);
                    each_expression(&branch.statements, visit);
                }
                each_expression(otherwise, visit);
            }
            _ => {}
        }
    }
}
