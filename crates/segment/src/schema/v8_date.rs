//! Which texts JavaScript's `Date` can read, in the engine Segment runs on.
//!
//! ECMAScript fixes one form only; for the rest every engine has its own reading. This follows the published
//! behaviour of V8: first the standard form, then a lenient reading in which words before the first number are
//! ignored, numbers followed by `:` are times, other numbers dates, and text in parentheses nothing.

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    /// Value (nine significant digits) and how many digits it was written with.
    Number(i64, usize),
    /// One of `: - + . )`.
    Symbol(char),
    Word(Word),
    Space,
    Other,
    End,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Month(i64),
    /// 0 for am, 12 for pm.
    Half(i64),
    /// Hours from UTC.
    Zone(i64),
    /// The zone `Z`.
    Zulu,
    /// The letter `T`.
    Separator,
    Unknown,
}

impl Token {
    fn fixed(self, digits: usize) -> Option<i64> {
        match self {
            Token::Number(number, length) if length == digits => Some(number),
            _ => None,
        }
    }

    fn is_sign(self) -> bool {
        matches!(self, Token::Symbol('+' | '-'))
    }
}

struct Scanner<'t> {
    rest: std::str::Chars<'t>,
    next: Token,
}

impl<'t> Scanner<'t> {
    fn new(text: &'t str) -> Self {
        let mut scanner = Scanner {
            rest: text.chars(),
            next: Token::End,
        };
        scanner.next();
        scanner
    }

    fn peek(&self) -> Token {
        self.next
    }

    fn next(&mut self) -> Token {
        let next = self.scan();
        std::mem::replace(&mut self.next, next)
    }

    fn skip(&mut self, symbol: char) -> bool {
        let found = self.next == Token::Symbol(symbol);
        if found {
            self.next();
        }
        found
    }

    fn take_while(&mut self, mut wanted: impl FnMut(char) -> bool) -> &'t str {
        let text = self.rest.as_str();
        let end = text.find(|c| !wanted(c)).unwrap_or(text.len());
        self.rest = text[end..].chars();
        &text[..end]
    }

    fn scan(&mut self) -> Token {
        let Some(first) = self.rest.clone().next() else {
            return Token::End;
        };
        if first.is_ascii_digit() {
            let digits = self.take_while(|c| c.is_ascii_digit());
            let significant = digits.trim_start_matches('0');
            let number = significant.get(..9).unwrap_or(significant).parse().unwrap_or(0);
            return Token::Number(number, digits.len());
        }
        if is_space(first) {
            self.rest.next();
            return Token::Space;
        }
        if first >= 'A' {
            return Token::Word(word(self.take_while(|c| c >= 'A' && !is_space(c))));
        }
        if first == '(' {
            let mut depth = 0;
            self.take_while(|c| {
                depth += i32::from(c == '(') - i32::from(c == ')');
                depth > 0
            });
            self.rest.next();
            return Token::Other;
        }
        self.rest.next();
        if matches!(first, ':' | '-' | '+' | '.' | ')') {
            Token::Symbol(first)
        } else {
            Token::Other
        }
    }
}

fn is_space(c: char) -> bool {
    c == '\u{feff}' || (c.is_whitespace() && c != '\u{85}')
}

/// Months are known by three letters; the other words must be whole.
fn word(text: &str) -> Word {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let lower = text.to_ascii_lowercase();
    let month = MONTHS.iter().position(|month| lower.starts_with(month));
    if let Some(month) = month {
        return Word::Month(month as i64 + 1);
    }
    match lower.as_str() {
        "am" => Word::Half(0),
        "pm" => Word::Half(12),
        "z" => Word::Zulu,
        "ut" | "utc" | "gmt" => Word::Zone(0),
        "edt" => Word::Zone(-4),
        "cdt" | "est" => Word::Zone(-5),
        "cst" | "mdt" => Word::Zone(-6),
        "mst" | "pdt" => Word::Zone(-7),
        "pst" => Word::Zone(-8),
        "t" => Word::Separator,
        _ => Word::Unknown,
    }
}

#[derive(Default)]
struct Day {
    parts: Vec<i64>,
    named_month: Option<i64>,
    iso: bool,
}

impl Day {
    fn add(&mut self, number: i64) -> bool {
        self.parts.push(number);
        self.parts.len() <= 3
    }

    /// Year, month and day, if they make sense together.
    fn date(&self) -> Option<(i64, i64, i64)> {
        let part = |index: usize| self.parts.get(index).copied().unwrap_or(1);
        let is_day = |number: i64| (1..=31).contains(&number);
        self.parts.first()?;
        let (mut year, month, day) = match self.named_month {
            None if self.iso || !is_day(part(0)) => (part(0), part(1), part(2)),
            None => (part(2), part(0), part(1)),
            Some(month) if !is_day(part(0)) => (part(0), month, part(1)),
            Some(month) => (part(1), month, part(0)),
        };
        if !self.iso {
            year += match year {
                0..=49 => 2000,
                50..=99 => 1900,
                _ => 0,
            };
        }
        ((1..=12).contains(&month) && is_day(day)).then_some((year, month, day))
    }
}

#[derive(Default)]
struct Clock {
    parts: Vec<i64>,
    half: Option<i64>,
}

impl Clock {
    fn add(&mut self, number: i64) -> bool {
        if self.parts.len() < 4 {
            self.parts.push(number);
            return true;
        }
        false
    }

    fn finish(&mut self, number: i64) {
        self.add(number);
        self.parts.resize(4, 0);
    }

    fn expects(&self, number: i64) -> bool {
        match self.parts.len() {
            1 | 2 => (0..=59).contains(&number),
            3 => (0..=999).contains(&number),
            _ => false,
        }
    }

    fn milliseconds(&self) -> Option<i64> {
        let part = |index: usize| self.parts.get(index).copied().unwrap_or(0);
        let (mut hour, minute, second, milli) = (part(0), part(1), part(2), part(3));
        if let Some(half) = self.half {
            if !(0..=12).contains(&hour) {
                return None;
            }
            hour = hour % 12 + half;
        }
        let in_range = (0..=23).contains(&hour)
            && (0..=59).contains(&minute)
            && (0..=59).contains(&second)
            && (0..=999).contains(&milli);
        let midnight = (hour, minute, second, milli) == (24, 0, 0, 0);
        (in_range || midnight).then_some(((hour * 60 + minute) * 60 + second) * 1000 + milli)
    }
}

#[derive(Default)]
struct Zone {
    sign: Option<i64>,
    hour: Option<i64>,
    minute: Option<i64>,
}

impl Zone {
    fn set(&mut self, hours: i64) {
        *self = Zone {
            sign: Some(if hours < 0 { -1 } else { 1 }),
            hour: Some(hours.abs()),
            minute: Some(0),
        };
    }

    fn milliseconds(&self) -> i64 {
        let size = self.hour.unwrap_or(0) * 60 + self.minute.unwrap_or(0);
        self.sign.unwrap_or(1) * size * 60_000
    }
}

#[derive(Default)]
struct Reading {
    day: Day,
    clock: Clock,
    zone: Zone,
}

/// Whether `new Date(text)` is a valid date.
pub(super) fn is_date(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    let mut reading = Reading::default();
    let Some(first) = reading.standard(&mut scanner) else {
        return false;
    };
    reading.lenient(first, &mut scanner).is_some() && reading.in_range()
}

impl Reading {
    /// The standard form. `None` if the text began like it and went wrong; else the token to go on with.
    fn standard(&mut self, scanner: &mut Scanner<'_>) -> Option<Token> {
        if scanner.peek().is_sign() {
            let sign = scanner.next();
            let Some(year) = scanner.peek().fixed(6) else {
                return Some(sign);
            };
            scanner.next();
            let negative = sign == Token::Symbol('-');
            if negative && year == 0 {
                return Some(sign);
            }
            self.day.add(if negative { -year } else { year });
        } else if let Some(year) = scanner.peek().fixed(4) {
            scanner.next();
            self.day.add(year);
        } else {
            return Some(scanner.next());
        }
        for largest in [12, 31] {
            if !scanner.skip('-') {
                break;
            }
            match scanner.peek().fixed(2) {
                Some(number) if (1..=largest).contains(&number) => self.day.add(number),
                _ => return Some(scanner.next()),
            };
            scanner.next();
        }
        if scanner.peek() == Token::Word(Word::Separator) {
            scanner.next();
            self.standard_time(scanner)?;
        } else if scanner.peek() != Token::End {
            return Some(scanner.next());
        }
        self.day.iso = true;
        Some(Token::End)
    }

    fn standard_time(&mut self, scanner: &mut Scanner<'_>) -> Option<()> {
        let two_digits = |scanner: &mut Scanner<'_>, largest: i64| {
            let number = scanner.peek().fixed(2).filter(|number| *number <= largest)?;
            scanner.next();
            Some(number)
        };
        let hour = two_digits(scanner, 24)?;
        let largest = if hour == 24 { 0 } else { 59 };
        self.clock.add(hour);
        scanner.skip(':').then_some(())?;
        self.clock.add(two_digits(scanner, largest)?);
        if scanner.skip(':') {
            self.clock.add(two_digits(scanner, largest)?);
            if scanner.skip('.') {
                match scanner.next() {
                    Token::Number(number, _) if hour != 24 || number == 0 => self.clock.add(0),
                    _ => return None,
                };
            }
        }
        if scanner.peek() == Token::Word(Word::Zulu) {
            scanner.next();
            self.zone.set(0);
        } else if scanner.peek().is_sign() {
            self.zone.sign = Some(if scanner.next() == Token::Symbol('-') {
                -1
            } else {
                1
            });
            let (hour, minute) = match scanner.peek().fixed(4) {
                Some(both) => {
                    scanner.next();
                    (both / 100, both % 100)
                }
                None => {
                    let hour = two_digits(scanner, 23)?;
                    scanner.skip(':').then_some(())?;
                    (hour, two_digits(scanner, 59)?)
                }
            };
            (hour <= 23 && minute <= 59).then_some(())?;
            (self.zone.hour, self.zone.minute) = (Some(hour), Some(minute));
        }
        (scanner.peek() == Token::End).then_some(())
    }

    fn lenient(&mut self, first: Token, scanner: &mut Scanner<'_>) -> Option<()> {
        let mut number_read = !self.day.parts.is_empty();
        let mut token = first;
        while token != Token::End {
            match token {
                Token::Number(number, _) => {
                    number_read = true;
                    self.number(number, scanner)?;
                }
                Token::Word(Word::Half(half)) if !self.clock.parts.is_empty() => self.clock.half = Some(half),
                Token::Word(Word::Month(month)) => {
                    self.day.named_month = Some(month);
                    scanner.skip('-');
                }
                Token::Word(Word::Zone(hours)) if number_read => self.zone.set(hours),
                Token::Word(Word::Zulu) if number_read => self.zone.set(0),
                Token::Word(_) if number_read || matches!(scanner.peek(), Token::Number(..)) => return None,
                Token::Symbol(sign @ ('+' | '-')) if self.after_time() => {
                    number_read = true;
                    self.offset(sign, scanner)?;
                }
                Token::Symbol('+' | '-' | ')') if number_read => return None,
                _ => {}
            }
            token = scanner.next();
        }
        Some(())
    }

    /// An offset may follow a time or the word UTC.
    fn after_time(&self) -> bool {
        !self.clock.parts.is_empty() || (self.zone.hour == Some(0) && self.zone.minute == Some(0))
    }

    fn number(&mut self, number: i64, scanner: &mut Scanner<'_>) -> Option<()> {
        if scanner.skip(':') {
            if scanner.skip(':') {
                self.clock.parts.is_empty().then_some(())?;
                self.clock.add(number);
                self.clock.add(0);
            } else {
                self.clock.add(number).then_some(())?;
                scanner.skip('.');
            }
            return Some(());
        }
        if scanner.skip('.') && self.clock.expects(number) {
            self.clock.add(number);
            let Token::Number(..) = scanner.next() else {
                return None;
            };
            self.clock.finish(0);
        } else if self.zone.hour.is_some() && self.zone.minute.is_none() && number <= 59 {
            self.zone.minute = Some(number);
        } else if self.clock.expects(number) {
            self.clock.finish(number);
            let ends = matches!(
                scanner.peek(),
                Token::End | Token::Space | Token::Word(Word::Zulu)
            );
            (ends || scanner.peek().is_sign()).then_some(())?;
        } else {
            self.day.add(number).then_some(())?;
            scanner.skip('-');
        }
        Some(())
    }

    fn offset(&mut self, sign: char, scanner: &mut Scanner<'_>) -> Option<()> {
        self.zone.sign = Some(if sign == '-' { -1 } else { 1 });
        let (number, length) = match scanner.peek() {
            Token::Number(number, length) => {
                scanner.next();
                (number, length)
            }
            _ => (0, 0),
        };
        (self.zone.hour, self.zone.minute) = match length {
            _ if scanner.peek() == Token::Symbol(':') => (Some(number), None),
            1 | 2 => (Some(number), Some(0)),
            3 | 4 => (Some(number / 100), Some(number % 100)),
            _ => return None,
        };
        Some(())
    }

    /// Within the times JavaScript has: 100 million days around 1970.
    fn in_range(&self) -> bool {
        let (Some((year, month, day)), Some(clock)) = (self.day.date(), self.clock.milliseconds()) else {
            return false;
        };
        let time = days_since_1970(year, month, day) * 86_400_000 + clock - self.zone.milliseconds();
        time.abs() <= 8_640_000_000_000_000
    }
}

/// Days in the Gregorian calendar, extended both ways.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    // Years that begin in March put the leap day last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_from_1970() {
        assert_eq!(days_since_1970(1970, 1, 1), 0);
        assert_eq!(days_since_1970(2000, 3, 1), 11_017);
        assert_eq!(days_since_1970(1969, 12, 31), -1);
    }

    #[test]
    fn texts_javascript_can_read() {
        for text in [
            "foo 1",
            "March 4, 2026",
            " 7 ",
            "03/04/2026",
            "2026-03-04T05:06:07Z",
            "2026-03-04T24:00Z",
            "Wed, 04 Mar 2026 05:06:07 GMT",
            "Wed Mar 04 2026 05:06:07 GMT+0100 (Central European Standard Time)",
            "2026-3-4 5:06 pm",
            "+275760-09-13T00:00:00Z",
            "1 Jan 2000 10:00 -05:30",
            "12:00 1/1/2000",
        ] {
            assert!(is_date(text), "{text}");
        }
    }

    #[test]
    fn texts_javascript_cannot_read() {
        for text in [
            "",
            "false",
            "31/12/2026",
            "05:06:07",
            "2026-03-04T25:00:00Z",
            "2026-03-04T05:06:07Zx",
            "2026-03-04T24:01Z",
            "+275760-09-13T00:00:00.001Z1",
            "1 Jan 275761 UTC",
            "foo1",
            "1/2/3/4",
            "13:00 pm 1/1/2000",
            "1 Jan 2000 )",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }
}
