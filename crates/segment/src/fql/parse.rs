//! Builds the tree as Segment's parser does: left to right, skipping unknown words. Warns about each part that is
//! skipped or read against its look.

use super::ast::{Condition, Field, Literal};
use super::error::TriggerFault;
use super::lex::{Token, TokenKind};

pub(super) fn parse(text: &str, tokens: &[Token]) -> Result<(Condition, Vec<TriggerFault>), TriggerFault> {
    let mut parser = Parser {
        text,
        warnings: Vec::new(),
    };
    let tree = match parser.level(tokens)? {
        None | Some(Condition::Hole) => {
            return Err(TriggerFault::error(
                text,
                0,
                "this asks about no known field (type, event, name, userId, properties, traits, context)",
            ));
        }
        Some(group @ Condition::Group { .. }) => group,
        Some(single) => Condition::Group {
            any: false,
            children: vec![single],
        },
    };
    Ok((tree, parser.warnings))
}

struct Parser<'t> {
    text: &'t str,
    warnings: Vec<TriggerFault>,
}

/// The tokens of one level, taken from the front.
struct Tokens<'t> {
    all: &'t [Token],
    at: usize,
}

impl<'t> Tokens<'t> {
    fn next(&mut self) -> Option<&'t Token> {
        let token = self.all.get(self.at)?;
        self.at += 1;
        Some(token)
    }
}

impl Parser<'_> {
    fn warn(&mut self, at: usize, code: &'static str, message: impl Into<String>) {
        self.warnings
            .push(TriggerFault::new(self.text, at, code, message));
    }

    fn error(&self, token: &Token, message: impl Into<String>) -> TriggerFault {
        TriggerFault::error(self.text, token.at, message)
    }

    fn level(&mut self, all: &[Token]) -> Result<Option<Condition>, TriggerFault> {
        let mut tokens = Tokens { all, at: 0 };
        let mut nodes = Vec::new();
        let mut words: Vec<&Token> = Vec::new();
        let mut before: Option<&Token> = None;
        while let Some(token) = tokens.next() {
            let negated =
                before.is_some_and(|before| before.kind == TokenKind::Operator && before.text == "!");
            match token.kind {
                TokenKind::End => break,
                TokenKind::Ident if matches!(token.text.as_str(), "contains" | "match") => {
                    nodes.extend(self.function(token, negated, &mut tokens)?);
                }
                TokenKind::Ident => match field_of(&token.text) {
                    Some(field) => nodes.push(self.comparison(token, field, &mut tokens)?),
                    None => self.skipped_name(token),
                },
                TokenKind::Conditional => words.push(token),
                TokenKind::ParenLeft => nodes.push(self.group(token, &mut tokens)?),
                TokenKind::Operator if token.text == "!" => self.negation(token, tokens.all.get(tokens.at)),
                TokenKind::ParenRight => {
                    self.warn(
                        token.at,
                        "stray_parenthesis",
                        "this closing parenthesis is ignored",
                    );
                }
                TokenKind::Comma => {}
                _ => self.warn(
                    token.at,
                    "ignored_token",
                    format!("`{}` is ignored here", token.text),
                ),
            }
            before = tokens.all.get(tokens.at.wrapping_sub(1));
        }
        let any = words.last().is_some_and(|word| word.text == "or");
        if let Some(last) = words
            .last()
            .filter(|last| words.iter().any(|word| word.text != last.text))
        {
            let meaning = if any { "any" } else { "all" };
            let message = format!(
                "`and` and `or` are mixed: the last word, `{}`, counts for all, so {meaning} of the {} conditions decide",
                last.text,
                nodes.len()
            );
            self.warn(last.at, "mixed_conjunctions", message);
        }
        if nodes.len() > 1 {
            return Ok(Some(Condition::Group { any, children: nodes }));
        }
        Ok(nodes.pop())
    }

    /// Parses a group up to the first closing parenthesis, as Segment does, even if that belongs to a function.
    fn group(&mut self, open: &Token, tokens: &mut Tokens<'_>) -> Result<Condition, TriggerFault> {
        let rest = &tokens.all[tokens.at..];
        let Some(length) = rest.iter().position(|token| token.kind == TokenKind::ParenRight) else {
            let message = "this parenthesis is not closed, or holds another one: groups cannot be nested";
            return Err(self.error(open, message));
        };
        tokens.at += length + 1;
        let close = &rest[length];
        let mut inside = rest[..length].to_vec();
        let function = inside.iter().find(|token| is_function(token)).cloned();
        inside.push(Token {
            kind: TokenKind::End,
            text: "eos".into(),
            at: close.at,
        });
        let node = self.level(&inside)?;
        if let Some(function) = function
            && rest
                .get(length + 1)
                .is_some_and(|next| next.kind != TokenKind::End && next.kind != TokenKind::ParenRight)
        {
            let message = "a function inside parentheses ends the group at its own `)`: \
                           what follows stands outside the parentheses";
            self.warn(function.at, "function_in_group", message);
        }
        Ok(node.unwrap_or_else(|| {
            self.warn(
                open.at,
                "empty_group",
                "this group asks about no known field; reaching it is an error",
            );
            Condition::Hole
        }))
    }

    fn comparison(
        &mut self,
        token: &Token,
        field: Field,
        tokens: &mut Tokens<'_>,
    ) -> Result<Condition, TriggerFault> {
        let missing = |what: &str| {
            self.error(
                token,
                format!("an operator and a value must follow ({what} is missing)"),
            )
        };
        let operator = tokens.next().ok_or_else(|| missing("the operator"))?;
        let value = tokens.next().ok_or_else(|| missing("the value"))?;
        self.check_comparison(token, &field, operator, value);
        let plain = |operator: &str| (operator.to_owned(), None);
        let (operator, literal) = match (&field, operator.text.as_str(), value.text.as_str()) {
            (Field::Type | Field::Event, operator, _) => (operator.to_owned(), Some(as_text(value))),
            (_, "=", "null") => plain("not_exists"),
            (_, "!=", "null") => plain("exists"),
            (Field::Name, operator, _) => (operator.to_owned(), Some(as_text(value))),
            (_, "=", "true") => plain("is_true"),
            (_, "=", "false") => plain("is_false"),
            (Field::UserId, operator, _) => (operator.to_owned(), Some(as_text(value))),
            (_, "=", _) if value.kind == TokenKind::Number => ("number_equals".into(), Some(literal(value))),
            (_, "!=", _) if value.kind == TokenKind::Number => {
                ("number_not_equals".into(), Some(literal(value)))
            }
            (_, operator, _) => (operator.to_owned(), Some(literal(value))),
        };
        Ok(Condition::Test {
            field,
            operator,
            value: literal,
        })
    }

    fn function(
        &mut self,
        token: &Token,
        negated: bool,
        tokens: &mut Tokens<'_>,
    ) -> Result<Option<Condition>, TriggerFault> {
        let missing =
            |which: &str| self.error(token, format!("{}() is missing a {which} argument", token.text));
        tokens.next();
        let field = tokens.next().ok_or_else(|| missing("1st"))?;
        tokens.next();
        let value = tokens.next().ok_or_else(|| missing("2nd"))?;
        tokens.next();
        let text = literal(value).text();
        self.check_string(value);
        let (name, value) = if token.text == "contains" {
            ("contains", text)
        } else if value.text.ends_with("*\"") {
            self.check_pattern(value, &text[..text.len() - 1]);
            ("starts_with", text[..text.len() - 1].to_owned())
        } else {
            if !text.starts_with('*') {
                let message = "a pattern without `*` at its end drops its first character and asks whether the text \
                               ends with the rest; write `*…` or `…*`";
                self.warn(value.at, "match_without_star", message);
            }
            let rest = without_first_unit(&text);
            self.check_pattern(value, &rest);
            ("ends_with", rest)
        };
        let Some(field_of) = function_field(&field.text) else {
            let message = format!(
                "{}() cannot ask about `{}`: the call is ignored",
                token.text, field.text
            );
            self.warn(field.at, "ignored_function", message);
            return Ok(None);
        };
        let operator = if negated {
            format!("not_{name}")
        } else {
            name.to_owned()
        };
        Ok(Some(Condition::Test {
            field: field_of,
            operator,
            value: Some(Literal::Text(value)),
        }))
    }
}

/// Returns the field that a dotted name stands for.
fn field_of(path: &str) -> Option<Field> {
    Some(match path.split('.').next()? {
        "type" => Field::Type,
        "event" => Field::Event,
        "name" => Field::Name,
        "userId" => Field::UserId,
        "properties" => Field::Property(below("properties", path)),
        "traits" => Field::Trait(below("traits", path)),
        "context" => Field::Context(below("context", path)),
        _ => return None,
    })
}

/// Returns the name after the root; of a root alone, the root's name again, as at Segment.
fn below(root: &str, path: &str) -> String {
    let below = path.strip_prefix(root).and_then(|rest| rest.strip_prefix('.'));
    below.unwrap_or(path).to_owned()
}

/// Returns the field that a function asks about. Segment takes any name that begins like a root, but removes the root
/// only before a dot: `properties_id` is a name below `properties`.
fn function_field(path: &str) -> Option<Field> {
    match path {
        "event" => Some(Field::Event),
        "name" => Some(Field::Name),
        "userId" => Some(Field::UserId),
        _ if path.starts_with("properties") => Some(Field::Property(below("properties", path))),
        _ if path.starts_with("traits") => Some(Field::Trait(below("traits", path))),
        _ if path.starts_with("context") => Some(Field::Context(below("context", path))),
        _ => None,
    }
}

fn is_function(token: &Token) -> bool {
    token.kind == TokenKind::Ident && matches!(token.text.as_str(), "contains" | "match")
}

/// Returns a token's value: without double quotes, but with single ones.
fn literal(token: &Token) -> Literal {
    match (token.kind, token.text.as_str()) {
        (TokenKind::String, text) => {
            let text = text.strip_prefix('"').unwrap_or(text);
            Literal::Text(text.strip_suffix('"').unwrap_or(text).to_owned())
        }
        (TokenKind::Number, text) => Literal::Number(crate::value::js_text_to_number(text)),
        (TokenKind::Ident, "true") => Literal::Bool(true),
        (TokenKind::Ident, "false") => Literal::Bool(false),
        (_, text) => Literal::Text(text.to_owned()),
    }
}

fn as_text(token: &Token) -> Literal {
    Literal::Text(literal(token).text())
}

/// Drops the first UTF-16 unit. Half of a surrogate pair remains as U+FFFD, which matches no text.
fn without_first_unit(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) if first.len_utf16() == 2 => format!("\u{fffd}{}", chars.as_str()),
        _ => chars.as_str().to_owned(),
    }
}

/// Warnings about parts of a trigger.
impl Parser<'_> {
    fn skipped_name(&mut self, token: &Token) {
        let name = token.text.as_str();
        let (code, message) = match name.to_ascii_lowercase().as_str() {
            "or" => (
                "ignored_conjunction",
                "`OR` in capitals is ignored, so conditions are joined by `and`; write `or`",
            ),
            "and" => (
                "ignored_conjunction",
                "`AND` in capitals is ignored; it works only while there is no `or`; write `and`",
            ),
            "not" => (
                "ignored_negation",
                "`not` is ignored; write `!=`, `!contains(…)` or `!match(…)`",
            ),
            _ => {
                let message = format!(
                    "`{name}` is no field a trigger can ask about: the name and what it is compared with are ignored"
                );
                return self.warn(token.at, "ignored_field", message);
            }
        };
        self.warn(token.at, code, message);
    }

    fn negation(&mut self, token: &Token, next: Option<&Token>) {
        if next.is_some_and(is_function) {
            return;
        }
        let message = "this `!` is ignored; only `!contains(…)` and `!match(…)` negate";
        self.warn(token.at, "ignored_negation", message);
    }

    fn check_comparison(&mut self, name: &Token, field: &Field, operator: &Token, value: &Token) {
        let scalar_root = matches!(field, Field::Type | Field::Event | Field::Name | Field::UserId);
        if scalar_root && name.text.contains('.') {
            self.warn(name.at, "ignored_path", "what stands after the dot is ignored");
        }
        if !scalar_root && !name.text.contains('.') {
            let message = format!("this asks about `{0}.{0}`", name.text);
            self.warn(name.at, "bare_root", message);
        }
        let known = operator.kind == TokenKind::Operator && operator.text != "!";
        if !known {
            let message = format!(
                "`{}` is not an operator: the condition never holds",
                operator.text
            );
            return self.warn(operator.at, "unknown_operator", message);
        }
        self.check_string(value);
        let equality = matches!(operator.text.as_str(), "=" | "!=");
        match value.kind {
            TokenKind::Operator
            | TokenKind::Conditional
            | TokenKind::ParenLeft
            | TokenKind::ParenRight
            | TokenKind::Comma
            | TokenKind::Dot
            | TokenKind::Bracket
            | TokenKind::End => {
                let shown = if value.kind == TokenKind::End {
                    "the end of the text"
                } else {
                    value.text.as_str()
                };
                let message = format!(
                    "the value compared with is `{shown}`; put spaces round the operator and quotes round the value"
                );
                self.warn(value.at, "odd_value", message);
            }
            TokenKind::Null if matches!(field, Field::Type | Field::Event) => {
                self.warn(
                    value.at,
                    "null_as_text",
                    "here `null` is the word \"null\": missing values are different from it",
                );
            }
            TokenKind::Null if !equality => {
                self.warn(
                    value.at,
                    "never_holds",
                    "nothing is greater or less than null: the condition never holds",
                );
            }
            TokenKind::Ident
                if operator.text == "!="
                    && matches!(value.text.as_str(), "true" | "false")
                    && !scalar_root =>
            {
                let message = "`!=` compares text, so this holds for every value, true and false included";
                self.warn(operator.at, "always_holds", message);
            }
            TokenKind::Number if scalar_root && equality => {
                self.warn(
                    value.at,
                    "number_as_text",
                    "this compares text: a number in the event is not equal to it",
                );
            }
            _ if !equality && literal(value).number().is_nan() => {
                self.warn(
                    value.at,
                    "never_holds",
                    "this is not a number: the condition never holds",
                );
            }
            _ => {}
        }
    }

    fn check_string(&mut self, value: &Token) {
        if value.kind != TokenKind::String {
            return;
        }
        if value.text.starts_with('\'') {
            let message =
                "single quotes are part of the value: only text that has them matches; use double quotes";
            self.warn(value.at, "single_quotes", message);
        } else if value.text.len() < 2 || !value.text.ends_with('"') {
            let message = "no space follows this string's closing quote, so the quote begins another string, \
                           which is ignored up to the next quote";
            self.warn(value.at, "glued_string", message);
        }
    }

    /// Warns about wildcards in the middle of a pattern, which are plain characters.
    fn check_pattern(&mut self, value: &Token, rest: &str) {
        if rest.contains(['*', '?']) {
            let message = "only one `*`, at the beginning or the end, is a wildcard; other `*` and `?` are plain characters";
            self.warn(value.at, "plain_wildcard", message);
        }
    }
}
