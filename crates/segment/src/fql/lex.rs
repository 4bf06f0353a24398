//! Splits a trigger into tokens with their positions.

use super::error::TriggerFault;

/// Maximum length of a token that Segment accepts, in characters.
const MAX_PART: usize = 100_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: TokenKind,
    /// Text as in Segment's tokens: strings with their quotes, identifiers without backslashes.
    pub(super) text: String,
    /// Index of its first byte.
    pub(super) at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    Ident,
    Dot,
    Operator,
    /// `and`, `or`.
    Conditional,
    String,
    Number,
    Null,
    Bracket,
    ParenLeft,
    ParenRight,
    Comma,
    End,
}

/// Reads a trigger and joins dotted names. The last token is the end.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, TriggerFault> {
    let mut lexer = Lexer {
        text,
        at: 0,
        tokens: Vec::new(),
    };
    while let Some(c) = lexer.peek() {
        lexer.token(c)?;
    }
    lexer.push(TokenKind::End, lexer.at, "eos");
    Ok(joined(lexer.tokens))
}

/// Joins `a . b . c` to one name. A dot before anything but a name stays a token.
fn joined(tokens: Vec<Token>) -> Vec<Token> {
    let mut joined: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let after_name = joined.last().is_some_and(|last| last.kind == TokenKind::Ident);
        let before_name = tokens.peek().is_some_and(|next| next.kind == TokenKind::Ident);
        if token.kind == TokenKind::Dot
            && after_name
            && before_name
            && let (Some(name), Some(next)) = (joined.last_mut(), tokens.next())
        {
            name.text.push('.');
            name.text.push_str(&next.text);
        } else {
            joined.push(token);
        }
    }
    joined
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    tokens: Vec<Token>,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn after(&self, bytes: usize) -> Option<char> {
        self.text
            .get(self.at + bytes..)
            .and_then(|rest| rest.chars().next())
    }

    fn push(&mut self, kind: TokenKind, start: usize, text: &str) {
        self.tokens.push(Token {
            kind,
            text: text.to_owned(),
            at: start,
        });
    }

    fn symbol(&mut self, kind: TokenKind, length: usize) {
        let start = self.at;
        self.at += length;
        let text = self.text[start..self.at].to_owned();
        self.push(kind, start, &text);
    }

    fn error(&self, message: impl Into<String>) -> TriggerFault {
        TriggerFault::error(self.text, self.at, message)
    }

    fn token(&mut self, c: char) -> Result<(), TriggerFault> {
        match c {
            ' ' | '\t' | '\n' => self.at += 1,
            '.' => self.symbol(TokenKind::Dot, 1),
            ',' => self.symbol(TokenKind::Comma, 1),
            '(' => self.symbol(TokenKind::ParenLeft, 1),
            ')' => self.symbol(TokenKind::ParenRight, 1),
            '[' | ']' => self.symbol(TokenKind::Bracket, 1),
            '=' => self.symbol(TokenKind::Operator, 1),
            '<' | '>' => {
                let with_equals = self.after(1) == Some('=') && is_terminator(self.after(2));
                self.symbol(TokenKind::Operator, if with_equals { 2 } else { 1 });
            }
            '!' if self.after(1).is_some_and(|c| c.is_ascii_alphabetic() || c == '(') => {
                self.symbol(TokenKind::Operator, 1);
            }
            '!' if self.after(1) == Some('=') && is_terminator(self.after(2)) => {
                self.symbol(TokenKind::Operator, 2)
            }
            '!' if self.after(1) == Some('=') => return Err(self.error("a space must follow `!=`")),
            '!' => return Err(self.error("`!` must stand right before a function, or be `!=`")),
            '"' | '\'' => self.string(c)?,
            '0'..='9' | '+' | '-' => self.number()?,
            'a'..='z' | 'A'..='Z' | '_' | '\\' => self.word()?,
            '\r' => {
                return Err(
                    self.error("carriage returns are not understood; end lines with a line feed alone")
                );
            }
            c if c.is_whitespace() => {
                return Err(self.error("only spaces, tabs and line feeds may stand between words"));
            }
            _ => {
                return Err(
                    self.error("this character is not part of the language; in a name put `\\` before it")
                );
            }
        }
        Ok(())
    }

    /// Reads up to the next such quote; there are no escapes. A closing quote without a terminator after it also
    /// begins the next string.
    fn string(&mut self, quote: char) -> Result<(), TriggerFault> {
        let start = self.at;
        let inner = start + 1;
        let Some(length) = self.text[inner..].find(quote) else {
            return Err(self.error("this string has no closing quote"));
        };
        if length >= MAX_PART {
            return Err(self.error("this string is too long"));
        }
        let end = inner + length;
        let closed = is_terminator(self.text[end + 1..].chars().next());
        self.at = if closed { end + 1 } else { end };
        let text = self.text[start..self.at].to_owned();
        self.push(TokenKind::String, start, &text);
        Ok(())
    }

    fn number(&mut self) -> Result<(), TriggerFault> {
        let start = self.at;
        self.at += 1;
        let mut point = false;
        while let Some(c) = self.peek() {
            match c {
                '0'..='9' => {}
                '.' if point => return Err(self.error("a number can have one decimal point")),
                '.' if is_terminator(self.after(1)) => {
                    return Err(self.error("a number cannot end in a decimal point"));
                }
                '.' => point = true,
                _ => break,
            }
            self.at += 1;
        }
        if self.at - start > MAX_PART {
            return Err(self.error("this number is too long"));
        }
        let text = self.text[start..self.at].to_owned();
        self.push(TokenKind::Number, start, &text);
        Ok(())
    }

    fn word(&mut self) -> Result<(), TriggerFault> {
        let start = self.at;
        let rest = &self.text[start..];
        for (keyword, kind) in [
            ("and", TokenKind::Conditional),
            ("or", TokenKind::Conditional),
            ("null", TokenKind::Null),
        ] {
            let found = rest.starts_with(keyword) && is_terminator(rest[keyword.len()..].chars().next());
            if found {
                self.symbol(kind, keyword.len());
                return Ok(());
            }
        }
        if is_swallowed(rest) {
            self.at = self.text.len();
            self.push(TokenKind::Ident, start, &rest[..1]);
            return Ok(());
        }
        let mut name = String::new();
        let mut length = 0;
        while let Some(c) = self.peek() {
            match c {
                '\\' => {
                    let Some(escaped) = self.after(1) else {
                        return Err(self.error("a character must follow `\\`"));
                    };
                    name.push(escaped);
                    self.at += 1 + escaped.len_utf8();
                }
                'a'..='z' | 'A'..='Z' | '0'..='9' | '_' | '-' => {
                    name.push(c);
                    self.at += 1;
                }
                _ => break,
            }
            length += 1;
        }
        if length >= MAX_PART {
            return Err(self.error("this name is too long"));
        }
        match self.peek() {
            next if is_terminator(next) => {}
            Some('.' | '(' | '=' | '!') => {}
            Some('<' | '>') => return Err(self.error("a space must stand before this operator")),
            Some('[') => {
                return Err(self.error("list indices are not understood here; write `.\\0` for the first"));
            }
            _ => {
                return Err(
                    self.error("this character cannot follow a name; put `\\` before it if it belongs to it")
                );
            }
        }
        self.push(TokenKind::Ident, start, &name);
        Ok(())
    }
}

/// Returns true for the last word of a text that Segment cuts to its first letter. Looking for `and` or `null`, it
/// reads on to the end of the text and does not go back.
fn is_swallowed(rest: &str) -> bool {
    let keyword = match rest.chars().next() {
        Some('a') => "and",
        Some('n') => "null",
        _ => return false,
    };
    let length = crate::value::utf16_len(rest);
    length > 1 && length < keyword.len() && !rest.chars().any(|c| is_terminator(Some(c)))
}

/// Returns true for a character that ends a word or a string, and for the end of the text.
fn is_terminator(c: Option<char>) -> bool {
    matches!(c, None | Some(' ' | '\t' | '\n' | ',' | ']' | ')'))
}
