//! Splits a date into words, as V8 does.

use crate::value::is_js_space;

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Token {
    /// The value of the first nine digits after leading zeros, and the number of all digits.
    Number(i64, usize),
    Symbol(u8),
    /// A word, and its number of characters.
    Word(Word, usize),
    Space,
    Other,
    End,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Word {
    Month(i64),
    /// Hours to add to a twelve-hour clock.
    HalfDay(i64),
    /// Hours east of UTC.
    Zone(i64),
    TimeSeparator,
    Unknown,
}

impl Word {
    /// Recognises a word by its first three letters; only months may be longer.
    pub(super) fn of(word: &str) -> (Word, usize) {
        const MONTHS: [&[u8]; 12] = [
            b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec",
        ];
        let mut start = [0; 3];
        let mut length = 0;
        for c in word.chars() {
            if let Some(slot) = start.get_mut(length) {
                // No known word contains 0xff; 0 fills the rest of a short word.
                *slot = u8::try_from(c).unwrap_or(0xff).to_ascii_lowercase();
            }
            length += 1;
        }
        if length >= 3
            && let Some(month) = MONTHS.iter().position(|month| *month == start)
        {
            return (Word::Month(month as i64 + 1), length);
        }
        let known = match &start {
            _ if length > 3 => Word::Unknown,
            b"am\0" => Word::HalfDay(0),
            b"pm\0" => Word::HalfDay(12),
            b"ut\0" | b"utc" | b"gmt" | b"z\0\0" => Word::Zone(0),
            b"edt" => Word::Zone(-4),
            b"est" | b"cdt" => Word::Zone(-5),
            b"cst" | b"mdt" => Word::Zone(-6),
            b"mst" | b"pdt" => Word::Zone(-7),
            b"pst" => Word::Zone(-8),
            b"t\0\0" => Word::TimeSeparator,
            _ => Word::Unknown,
        };
        (known, length)
    }
}

pub(super) struct Scanner<'a> {
    rest: &'a str,
    next: Token,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut scanner = Scanner {
            rest: text,
            next: Token::End,
        };
        scanner.advance();
        scanner
    }

    pub(super) fn peek(&self) -> Token {
        self.next
    }

    pub(super) fn advance(&mut self) -> Token {
        let token = self.next;
        self.next = self.scan();
        token
    }

    pub(super) fn skip(&mut self, symbol: u8) -> bool {
        let found = self.next == Token::Symbol(symbol);
        if found {
            self.advance();
        }
        found
    }

    fn scan(&mut self) -> Token {
        let Some(first) = self.rest.chars().next() else {
            return Token::End;
        };
        if first.is_ascii_digit() {
            let digits = self.take_while(|c| c.is_ascii_digit());
            let significant = digits.trim_start_matches('0');
            let kept = &significant[..significant.len().min(9)];
            return Token::Number(kept.parse().unwrap_or(0), digits.len());
        }
        if first >= 'A' && !is_js_space(first) {
            let (word, length) = Word::of(self.take_while(|c| c >= 'A' && !is_js_space(c)));
            return Token::Word(word, length);
        }
        if first == '(' {
            self.skip_brackets();
            return Token::Other;
        }
        self.rest = &self.rest[first.len_utf8()..];
        match first {
            ':' | '-' | '+' | '.' | ')' => Token::Symbol(first as u8),
            _ if is_js_space(first) => Token::Space,
            _ => Token::Other,
        }
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !keep(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Skips brackets and their content; unclosed brackets reach to the end.
    fn skip_brackets(&mut self) {
        let mut depth = 0_usize;
        for (at, byte) in self.rest.bytes().enumerate() {
            match byte {
                b'(' => depth += 1,
                b')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                self.rest = &self.rest[at + 1..];
                return;
            }
        }
        self.rest = "";
    }
}
