//! Parses templates.

use super::filter;
use super::syntax::{Comparison, Condition, Expression, Operand, Operator, Statement};
use crate::value::js_trim;

/// The reason why a template cannot be used.
#[derive(Debug)]
pub(super) enum Problem {
    /// Fails at Segment too, when evaluated.
    Fails(String),
    /// May work at Segment; the check at load refuses it.
    Unsupported(String),
}

const DISABLED_TAGS: &[&str] = &["case", "for", "include", "layout", "render", "tablerow"];

const DISABLED_FILTERS: &str = "\
    array_to_sentence_string concat find find_exp find_index find_index_exp group_by group_by_exp \
    has has_exp map newline_to_br reject reject_exp reverse sort sort_natural uniq where_exp type";

/// Liquid's filters that this implementation lacks. As at Segment, any other unknown name is ignored.
const UNSUPPORTED_FILTERS: &str = "\
    abs at_least at_most base64_decode base64_encode ceil cgi_escape compact date_to_long_string \
    date_to_rfc822 date_to_string date_to_xmlschema divided_by escape escape_once floor inspect json \
    jsonify lstrip modulo normalize_whitespace number_of_words pop push raw remove_first remove_last \
    replace_first replace_last round rstrip sample shift slice slugify strip_html strip_newlines sum \
    to_integer truncate truncatewords unshift uri_escape url_decode url_encode where xml_escape";

pub(super) fn parse(text: &str) -> Result<Vec<Statement>, Problem> {
    let mut parser = Parser {
        rest: text,
        trim_next: false,
        depth: 0,
    };
    let (statements, end) = parser.statements()?;
    match end {
        None => Ok(statements),
        Some(tag) => fails(format!("tag \"{}\" not found", tag.name)),
    }
}

fn is_one_of(name: &str, list: &str) -> bool {
    list.split(' ').any(|listed| listed == name)
}

fn fails<T>(message: impl Into<String>) -> Result<T, Problem> {
    Err(Problem::Fails(message.into()))
}

struct Parser<'t> {
    rest: &'t str,
    /// The last tag ended in `-`: leading white space of the text after it is dropped.
    trim_next: bool,
    depth: usize,
}

struct Tag<'t> {
    name: &'t str,
    arguments: &'t str,
}

impl<'t> Parser<'t> {
    /// Parses up to the end, or up to a tag that begins no statement, and returns that tag.
    fn statements(&mut self) -> Result<(Vec<Statement>, Option<Tag<'t>>), Problem> {
        let mut statements = Vec::new();
        loop {
            let next = match (self.rest.find("{{"), self.rest.find("{%")) {
                (Some(output), Some(tag)) => Some(output.min(tag)),
                (output, tag) => output.or(tag),
            };
            let text = &self.rest[..next.unwrap_or(self.rest.len())];
            self.rest = &self.rest[text.len()..];
            let trim_end = self.rest.get(2..).is_some_and(|rest| rest.starts_with('-'));
            let text = if self.trim_next { text.trim_start() } else { text };
            let text = if trim_end { text.trim_end() } else { text };
            if !text.is_empty() {
                statements.push(Statement::Text(text.to_owned()));
            }
            if next.is_none() {
                return Ok((statements, None));
            }
            let output = self.rest.starts_with("{{");
            let inner = self.inside(if output { "}}" } else { "%}" })?;
            if output {
                statements.push(Statement::Output(Words::new(inner)?.expression()?));
                continue;
            }
            let inner = js_trim(inner);
            let (name, arguments) = inner.split_once(char::is_whitespace).unwrap_or((inner, ""));
            match name {
                "assign" => statements.push(assign(arguments)?),
                "comment" => self.comment()?,
                "if" | "unless" => statements.push(self.branches(arguments, name == "unless")?),
                "elsif" | "else" | "endif" | "endunless" => {
                    return Ok((statements, Some(Tag { name, arguments })));
                }
                _ if DISABLED_TAGS.contains(&name) => return fails(format!("tag \"{name}\" is disabled")),
                "block" | "capture" | "cycle" | "decrement" | "echo" | "increment" | "liquid" | "raw"
                | "#" => {
                    return Err(Problem::Unsupported(format!("the Liquid tag {name}")));
                }
                _ => return fails(format!("tag \"{name}\" not found")),
            }
        }
    }

    /// Takes the text between the opening braces and the closing ones.
    fn inside(&mut self, close: &str) -> Result<&'t str, Problem> {
        let Some(length) = self.rest.find(close) else {
            let what = if close == "}}" { "output" } else { "tag" };
            return fails(format!("{what} \"{}\" not closed", self.rest));
        };
        let inner = &self.rest[2..length.max(2)];
        self.rest = &self.rest[length + 2..];
        let inner = inner.strip_prefix('-').unwrap_or(inner);
        self.trim_next = inner.ends_with('-');
        Ok(inner.strip_suffix('-').unwrap_or(inner))
    }

    fn comment(&mut self) -> Result<(), Problem> {
        while let Some(start) = self.rest.find("{%") {
            self.rest = &self.rest[start..];
            if js_trim(self.inside("%}")?) == "endcomment" {
                return Ok(());
            }
        }
        fails("tag \"comment\" not closed")
    }

    fn branches(&mut self, condition: &str, negated: bool) -> Result<Statement, Problem> {
        self.depth += 1;
        if self.depth > 50 {
            return Err(Problem::Unsupported(
                "Liquid tags nested more than 50 deep".into(),
            ));
        }
        let mut branches = Vec::new();
        let mut condition = Some(Words::new(condition)?.condition(negated)?);
        loop {
            let (statements, end) = self.statements()?;
            branches.push((condition.take(), statements));
            match end {
                Some(Tag {
                    name: "elsif",
                    arguments,
                }) => condition = Some(Words::new(arguments)?.condition(false)?),
                Some(Tag { name: "else", .. }) => {}
                Some(Tag { name, .. }) if (name == "endunless") == negated => break,
                _ => return fails("tag \"if\" not closed"),
            }
        }
        self.depth -= 1;
        Ok(Statement::If(branches))
    }
}

fn assign(arguments: &str) -> Result<Statement, Problem> {
    let Some((name, expression)) = arguments.split_once('=') else {
        return fails("expected a variable and a value in assign");
    };
    Ok(Statement::Assign(
        js_trim(name).to_owned(),
        Words::new(expression)?.expression()?,
    ))
}

#[derive(Clone, Debug, PartialEq)]
enum Word {
    Name(String),
    Text(String),
    Number(f64),
    Symbol(&'static str),
}

struct Words {
    words: std::iter::Peekable<std::vec::IntoIter<Word>>,
}

const SYMBOLS: [&str; 12] = ["==", "!=", "<=", ">=", "<", ">", "|", ":", ",", ".", "[", "]"];

impl Words {
    fn new(text: &str) -> Result<Words, Problem> {
        let mut words = Vec::new();
        let mut rest = js_trim(text);
        while let Some(first) = rest.chars().next() {
            let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '?');
            let length = if first == '"' || first == '\'' {
                let Some(end) = rest[1..].find(first) else {
                    return fails("a text is not closed");
                };
                words.push(Word::Text(rest[1..=end].to_owned()));
                end + 2
            } else if first.is_ascii_digit()
                || (first == '-' && rest[1..].starts_with(|c: char| c.is_ascii_digit()))
            {
                let end = rest[1..]
                    .find(|c: char| !c.is_ascii_digit() && c != '.')
                    .map_or(rest.len(), |end| end + 1);
                let Ok(number) = rest[..end].parse() else {
                    return fails("a number cannot be read");
                };
                words.push(Word::Number(number));
                end
            } else if is_name(first) {
                let end = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
                words.push(Word::Name(rest[..end].to_owned()));
                end
            } else if let Some(symbol) = SYMBOLS.iter().find(|symbol| rest.starts_with(**symbol)) {
                words.push(Word::Symbol(symbol));
                symbol.len()
            } else {
                return fails("an unexpected character");
            };
            rest = js_trim(&rest[length..]);
        }
        Ok(Words {
            words: words.into_iter().peekable(),
        })
    }

    fn skip(&mut self, symbol: &'static str) -> bool {
        self.words.next_if_eq(&Word::Symbol(symbol)).is_some()
    }

    fn expression(&mut self) -> Result<Expression, Problem> {
        let operand = self.operand()?;
        let mut filters = Vec::new();
        while self.skip("|") {
            let Some(Word::Name(name)) = self.words.next() else {
                return fails("expected a filter name");
            };
            let mut arguments = Vec::new();
            if self.skip(":") {
                arguments.push(self.operand()?);
                while self.skip(",") {
                    arguments.push(self.operand()?);
                }
            }
            match filter::named(&name) {
                Some(filter) => filters.push((filter, arguments)),
                None if is_one_of(&name, DISABLED_FILTERS) => {
                    return fails(format!("filter \"{name}\" is disabled"));
                }
                None if is_one_of(&name, UNSUPPORTED_FILTERS) => {
                    return Err(Problem::Unsupported(format!("the Liquid filter {name}")));
                }
                None => {}
            }
        }
        self.end().map(|()| Expression { operand, filters })
    }

    fn end(&mut self) -> Result<(), Problem> {
        if self.words.peek().is_some() {
            fails("unexpected words at the end")
        } else {
            Ok(())
        }
    }

    fn operand(&mut self) -> Result<Operand, Problem> {
        let name = match self.words.next() {
            Some(Word::Text(text)) => return Ok(Operand::Text(text)),
            Some(Word::Number(number)) => return Ok(Operand::Number(number)),
            Some(Word::Name(name)) => name,
            // Liquid reads an absent operand as nil.
            None => return Ok(Operand::Nil),
            Some(Word::Symbol(_)) => return fails("expected a value"),
        };
        match name.as_str() {
            "true" => return Ok(Operand::Bool(true)),
            "false" => return Ok(Operand::Bool(false)),
            "nil" | "null" => return Ok(Operand::Nil),
            "empty" | "blank" => return Err(Problem::Unsupported(format!("the Liquid word {name}"))),
            _ => {}
        }
        let mut keys = Vec::new();
        loop {
            if self.skip(".") {
                let Some(Word::Name(key)) = self.words.next() else {
                    return fails("expected a name after the dot");
                };
                keys.push(Operand::Text(key));
            } else if self.skip("[") {
                keys.push(self.operand()?);
                if !self.skip("]") {
                    return fails("a bracket is not closed");
                }
            } else {
                return Ok(Operand::Variable(name, keys));
            }
        }
    }

    fn condition(&mut self, negated: bool) -> Result<Condition, Problem> {
        let first = self.comparison()?;
        let mut rest = Vec::new();
        while let Some(Word::Name(word)) = self.words.next_if(|word| matches!(word, Word::Name(_))) {
            match word.as_str() {
                "and" => rest.push((false, self.comparison()?)),
                "or" => rest.push((true, self.comparison()?)),
                _ => return fails("expected `and` or `or`"),
            }
        }
        self.end().map(|()| Condition { negated, first, rest })
    }

    fn comparison(&mut self) -> Result<Comparison, Problem> {
        let left = self.operand()?;
        let operator = match self.words.peek() {
            Some(Word::Symbol("==")) => Operator::Equal,
            Some(Word::Symbol("!=")) => Operator::Different,
            Some(Word::Symbol("<")) => Operator::Less,
            Some(Word::Symbol("<=")) => Operator::AtMost,
            Some(Word::Symbol(">")) => Operator::Greater,
            Some(Word::Symbol(">=")) => Operator::AtLeast,
            Some(Word::Name(word)) if word == "contains" => Operator::Contains,
            _ => return Ok(Comparison { left, other: None }),
        };
        self.words.next();
        Ok(Comparison {
            left,
            other: Some((operator, self.operand()?)),
        })
    }
}
