//! Dates of birth: any unambiguous spelling to YYYYMMDD.

use signalbox_segment::value::is_js_space;

use super::field::Dropped;
use super::text::ascii_digit;

/// The years believed. The bounds are what makes eight digits unambiguous: no date in the order year, month, day is
/// also one in the order day, month, year or month, day, year with a year in this range. They also catch the
/// placeholders 0001-01-01 and 9999-12-31.
const YEARS: std::ops::RangeInclusive<u32> = 1850..=2150;

/// The longest text looked at: a weekday, a month, an ordinal and a time fit in, with the name of its zone as JavaScript
/// writes it.
const LONGEST: usize = 96;

/// Reads a date and appends it as YYYYMMDD to `out`, which is cleared.
///
/// Read are: year, month, day in this order with any separators or none; day and month in either order before the year
/// where only one order is a date (15/01/1990) or both are the same (03/03/1990); the month by its English name in any
/// order (15 Jan 1990, January 15th, 1990); each with a time behind, which must be midnight if it has a zone: other
/// instants are the previous or next day where the person was born. Two-digit years are not read.
pub(super) fn compact(text: &str, out: &mut String) -> Result<(), Dropped> {
    out.clear();
    if text.len() > LONGEST * 4 {
        return Err(Dropped::UnreadableDate);
    }
    let ascii: String;
    let text = if text.is_ascii() {
        text
    } else {
        ascii = text.chars().filter_map(to_ascii).collect();
        &ascii
    };
    if text.len() > LONGEST {
        return Err(Dropped::UnreadableDate);
    }
    let text = text.trim();
    let (year, month, day) = match iso_date(text) {
        Some(date) => date,
        None => read(text)?,
    };
    let mut rest = year * 10_000 + month * 100 + day;
    let mut digits = [b'0'; 8];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.push_str(str::from_utf8(&digits).unwrap_or_default());
    Ok(())
}

/// Reads `1990-01-15`, as most forms send it. `None` for another form and for a day that does not exist.
fn iso_date(text: &str) -> Option<(u32, u32, u32)> {
    let [a, b, c, d, b'-', e, f, b'-', g, h] = *text.as_bytes() else {
        return None;
    };
    let digit = |byte: u8| byte.is_ascii_digit().then(|| u32::from(byte - b'0'));
    let two = |tens: u8, ones: u8| Some(digit(tens)? * 10 + digit(ones)?);
    let (year, month, day) = (two(a, b)? * 100 + two(c, d)?, two(e, f)?, two(g, h)?);
    is_date(year, month, day).then_some((year, month, day))
}

/// Digits of other scripts to ASCII, other white space to blanks, dashes to dashes; what shows nothing goes.
fn to_ascii(c: char) -> Option<char> {
    match c {
        _ if c.is_ascii() => Some(c),
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'
        | '\u{2066}'..='\u{2069}'
        | '\u{feff}' => None,
        '\u{2010}'..='\u{2015}' | '\u{2212}' => Some('-'),
        _ if is_js_space(c) => Some(' '),
        '年' | '月' => Some('-'),
        '日' => Some(' '),
        // Other characters become '?', which makes the date unreadable.
        _ => Some(ascii_digit(c).unwrap_or('?')),
    }
}

fn read(text: &str) -> Result<(u32, u32, u32), Dropped> {
    let (date, time) = split_time(text);
    if !time.is_none_or(is_harmless_time) {
        return Err(Dropped::AmbiguousDate);
    }
    if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) {
        return eight_digits(date);
    }
    let mut parts = Parts::default();
    for word in date
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '?')
        .filter(|word| !word.is_empty())
    {
        parts.add(word).ok_or(Dropped::UnreadableDate)?;
    }
    parts.date()
}

/// Cuts a time off: behind the first `T` between digits, or behind a blank before `hh:`.
fn split_time(text: &str) -> (&str, Option<&str>) {
    let bytes = text.as_bytes();
    let Some(colon) = text.find(':') else {
        return (text, None);
    };
    let mut start = colon;
    while start > 0 && bytes[start - 1].is_ascii_digit() {
        start -= 1;
    }
    match start.checked_sub(1).map(|i| bytes[i]) {
        Some(b'T' | b't' | b' ') if start < colon => (
            text[..start - 1].trim_end_matches([' ', ',']),
            Some(&text[start..]),
        ),
        _ => (text, None),
    }
}

/// Returns true if a time cannot move the date: it is midnight, or it names no zone.
fn is_harmless_time(time: &str) -> bool {
    let clock = time
        .find(|c: char| !c.is_ascii_digit() && !matches!(c, ':' | '.' | ','))
        .unwrap_or(time.len());
    let midnight = !time[..clock].bytes().any(|b| b.is_ascii_digit() && b != b'0');
    let no_zone = matches!(
        time[clock..].trim().to_ascii_lowercase().as_str(),
        "" | "am" | "pm"
    );
    midnight || no_zone
}

fn eight_digits(text: &str) -> Result<(u32, u32, u32), Dropped> {
    let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap_or(0);
    let date = (number(0..4), number(4..6), number(6..8));
    if is_date(date.0, date.1, date.2) {
        Ok(date)
    } else {
        year_last(number(4..8), number(0..2), number(2..4))
    }
}

/// Day and month in either order, if only one order is a date.
fn year_last(year: u32, a: u32, b: u32) -> Result<(u32, u32, u32), Dropped> {
    match (is_date(year, a, b), is_date(year, b, a)) {
        (true, true) if a != b => Err(Dropped::AmbiguousDate),
        (true, _) => Ok((year, a, b)),
        (_, true) => Ok((year, b, a)),
        _ => Err(Dropped::UnreadableDate),
    }
}

#[derive(Default)]
struct Parts {
    /// Numbers in the order written, with how many digits each has.
    numbers: [(u32, usize); 3],
    count: usize,
    month: Option<u32>,
}

impl Parts {
    fn add(&mut self, word: &str) -> Option<()> {
        let digits = word.bytes().take_while(u8::is_ascii_digit).count();
        let (number, letters) = word.split_at(digits);
        if digits > 0 {
            if digits > 4 || !is_ordinal_suffix(letters) {
                return None;
            }
            *self.numbers.get_mut(self.count)? = (number.parse().ok()?, digits);
            self.count += 1;
        } else if let Some(month) = month_name(letters) {
            if self.month.replace(month).is_some() {
                return None;
            }
        } else if !is_filler(letters) {
            return None;
        }
        Some(())
    }

    fn date(self) -> Result<(u32, u32, u32), Dropped> {
        let [(a, a_len), (b, b_len), (c, c_len)] = self.numbers;
        let date = match (self.count, self.month) {
            (2, Some(month)) if a_len == 4 => (a, month, b),
            (2, Some(month)) if b_len == 4 => (b, month, a),
            (3, None) if a_len == 4 => (a, b, c),
            (3, None) if c_len == 4 => return year_last(c, a, b),
            // 01/02/90 and the like.
            (3, None) if a_len.max(b_len).max(c_len) <= 2 => return Err(Dropped::AmbiguousDate),
            _ => return Err(Dropped::UnreadableDate),
        };
        if is_date(date.0, date.1, date.2) {
            Ok(date)
        } else {
            Err(Dropped::UnreadableDate)
        }
    }
}

fn is_ordinal_suffix(letters: &str) -> bool {
    matches!(
        letters.to_ascii_lowercase().as_str(),
        "" | "st" | "nd" | "rd" | "th"
    )
}

/// Words that may stand in a date without saying anything.
fn is_filler(word: &str) -> bool {
    let word = word.to_ascii_lowercase();
    const DAYS: [&str; 7] = [
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
    ];
    word == "of" || word == "the" || (word.len() >= 3 && DAYS.iter().any(|day| day.starts_with(&word)))
}

fn month_name(word: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_ascii_lowercase();
    let i = MONTHS
        .iter()
        .position(|month| word.len() >= 3 && month.starts_with(&word))?;
    u32::try_from(i + 1).ok()
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return false,
    };
    YEARS.contains(&year) && (1..=days).contains(&day)
}
