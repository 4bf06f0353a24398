//! Reads the words of a template: names, numbers, quoted texts, and the white space between them.

use std::ops::Range;

use super::fault::Fault;
use crate::value::is_js_space;

/// Returns true for the white space between words.
pub(super) fn is_blank(c: char) -> bool {
    // Liquid's set has one character more than JavaScript's, and one less.
    c == '\u{180e}' || (c != '\u{feff}' && is_js_space(c))
}

/// Returns true for the characters of names. Beyond ASCII these are all but white space and curly quotes.
fn is_word(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '?')
    } else {
        !is_blank(c) && !matches!(c, '\u{201c}' | '\u{201d}')
    }
}

/// A position in a part of a template.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'t> {
    pub(super) chars: &'t [char],
    pub(super) at: usize,
    end: usize,
}

impl<'t> Scanner<'t> {
    /// Begins at the start of a part.
    pub(super) fn new(chars: &'t [char], part: Range<usize>) -> Scanner<'t> {
        Scanner {
            chars,
            at: part.start,
            end: part.end.min(chars.len()),
        }
    }

    /// Returns the character `ahead` of the position, if the part goes so far.
    pub(super) fn peek(&self, ahead: usize) -> Option<char> {
        let at = self.at + ahead;
        (at < self.end).then(|| self.chars.get(at).copied()).flatten()
    }

    /// Returns true for the character at the position.
    pub(super) fn is_at(&self, c: char) -> bool {
        self.peek(0) == Some(c)
    }

    /// Takes the character at the position if it is this one.
    pub(super) fn skip(&mut self, c: char) -> bool {
        let found = self.is_at(c);
        self.at += usize::from(found);
        found
    }

    /// Returns true at the end of the part.
    pub(super) fn ended(&self) -> bool {
        self.at >= self.end
    }

    /// Returns the text from the position to the end of the part.
    pub(super) fn rest(&self) -> String {
        self.text(self.at..self.end)
    }

    /// Returns the text of a range.
    pub(super) fn text(&self, range: Range<usize>) -> String {
        self.chars.get(range).unwrap_or_default().iter().collect()
    }

    /// Skips white space.
    pub(super) fn blanks(&mut self) {
        while self.peek(0).is_some_and(is_blank) {
            self.at += 1;
        }
    }

    /// Takes a name, empty if there is none, after white space.
    pub(super) fn name(&mut self) -> String {
        self.blanks();
        let start = self.at;
        while self.peek(0).is_some_and(is_word) {
            self.at += 1;
        }
        self.text(start..self.at)
    }

    /// Returns true if the template has this text directly before the position, which may lie before the part.
    pub(super) fn is_behind(&self, text: &str) -> bool {
        let length = text.chars().count();
        self.at >= length && self.is_text(self.at - length, text)
    }

    /// Returns true if the template has this text at a place.
    pub(super) fn is_text(&self, at: usize, text: &str) -> bool {
        let found = self.chars.get(at..).unwrap_or_default();
        text.chars().enumerate().all(|(i, c)| found.get(i) == Some(&c))
    }

    /// Goes behind the next occurrence of a text that ends at least one character on.
    pub(super) fn to(&mut self, text: &str) -> bool {
        while self.at < self.end {
            self.at += 1;
            if self.is_behind(text) {
                return true;
            }
        }
        false
    }

    /// Takes one of the words, the longest that fits. A word that ends in a letter does not go on as a name.
    pub(super) fn one_of<T: Copy>(&mut self, words: &[(&str, T)]) -> Option<T> {
        self.blanks();
        let fits = |word: &str| {
            self.at + word.len() <= self.end
                && self.is_text(self.at, word)
                && !(word.ends_with(is_word) && self.peek(word.len()).is_some_and(is_word))
        };
        let found = words.iter().filter(|(word, _)| fits(word));
        let (word, meaning) = found.max_by_key(|(word, _)| word.len())?;
        self.at += word.len();
        Some(*meaning)
    }

    /// Takes a number: a sign, digits and one point.
    pub(super) fn number(&mut self) -> Option<f64> {
        self.blanks();
        let mut length = usize::from(matches!(self.peek(0), Some('+' | '-')));
        let (mut digits, mut point) = (false, false);
        loop {
            match self.peek(length) {
                Some('0'..='9') => digits = true,
                Some('.') if self.peek(length + 1) != Some('.') => {
                    if point || !digits {
                        return None;
                    }
                    point = true;
                }
                _ => break,
            }
            length += 1;
        }
        if !digits || self.peek(length).is_some_and(is_word) {
            return None;
        }
        let text = self.text(self.at..self.at + length);
        self.at += length;
        text.parse().ok()
    }

    /// Takes a quoted text. A quote that is never closed ends with the part.
    pub(super) fn quoted(&mut self) -> Option<String> {
        self.blanks();
        let quote = self.peek(0).filter(|c| matches!(c, '"' | '\''))?;
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        while let Some(c) = self.peek(0) {
            self.at += 1;
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                _ if c == quote => break,
                _ => {}
            }
        }
        // The last character is the quote; where it is missing, it is lost all the same.
        Some(unescaped(
            self.chars
                .get(start..self.at.saturating_sub(1))
                .unwrap_or_default(),
        ))
    }

    /// Fails with a sentence about what stands at the position.
    pub(super) fn fails<T>(&self, message: &str) -> Result<T, Fault> {
        Err(Fault(format!("{message} at {:?}", self.snapshot())))
    }

    fn snapshot(&self) -> String {
        let rest = self.rest();
        match rest.char_indices().nth(29) {
            Some((cut, _)) if rest.chars().count() > 32 => format!("{}...", &rest[..cut]),
            _ => rest,
        }
    }
}

/// Resolves the escapes of a quoted text: `\n` and its kin, `\u` with up to four hexadecimal digits, up to three octal
/// digits; any other character stands for itself.
fn unescaped(chars: &[char]) -> String {
    let mut units: Vec<u16> = Vec::with_capacity(chars.len());
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        at += 1;
        if c != '\\' {
            push(&mut units, c);
            continue;
        }
        let Some(&escape) = chars.get(at) else { break };
        let (radix, most, digits) = match escape {
            'u' => (16, 4, at + 1),
            '0'..='7' => (8, 3, at),
            _ => {
                at += 1;
                push(&mut units, plain(escape));
                continue;
            }
        };
        let found = chars.get(digits..).unwrap_or_default().iter().take(most);
        let found: Vec<u32> = found.map_while(|c| c.to_digit(radix)).collect();
        at = digits + found.len();
        let unit = found.iter().fold(0, |unit, digit| unit * radix + digit);
        units.extend(u16::try_from(unit));
    }
    String::from_utf16_lossy(&units)
}

fn push(units: &mut Vec<u16>, c: char) {
    units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
}

fn plain(escape: char) -> char {
    match escape {
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        other => other,
    }
}
