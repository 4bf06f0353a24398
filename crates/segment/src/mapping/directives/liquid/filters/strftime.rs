//! Writes dates by a format, as liquidjs does: `%`, flags, a width, a letter.

use crate::mapping::error::RuntimeError;
use crate::mapping::limits::bounded;
use crate::time::{Millis, civil};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// The time zone that a date is written in.
#[derive(Debug, Clone)]
pub(super) enum Zone {
    Utc,
    /// Minutes from local time to UTC.
    Offset(i32),
    /// A zone of the tz database, and its minutes from local time to UTC at the date.
    Named(String, i32),
}

impl Zone {
    fn minutes(&self) -> i32 {
        match self {
            Zone::Utc => 0,
            Zone::Offset(minutes) | Zone::Named(_, minutes) => *minutes,
        }
    }
}

/// A date in parts.
#[derive(Debug)]
pub(super) struct Zoned {
    /// Milliseconds of local time since 1970.
    local: i64,
    year: i64,
    /// Counted from 1.
    month: i64,
    pub(super) day: i64,
    /// Counted from Sunday, which is 0.
    weekday: i64,
    /// Counted from 1.
    day_of_year: i64,
    hour: i64,
    minute: i64,
    second: i64,
    millis: i64,
    zone: Zone,
}

impl Zoned {
    pub(super) fn new(instant: Millis, zone: Zone) -> Zoned {
        let local = instant.0 - i64::from(zone.minutes()) * 60_000;
        let (days, millis) = (local.div_euclid(civil::DAY_MS), local.rem_euclid(civil::DAY_MS));
        let (year, month, day) = civil::date(days);
        Zoned {
            local,
            year,
            month,
            day,
            weekday: (days + 4).rem_euclid(7),
            day_of_year: days - civil::days(year, 1, 1) + 1,
            hour: millis / 3_600_000,
            minute: millis / 60_000 % 60,
            second: millis / 1000 % 60,
            millis: millis % 1000,
            zone,
        }
    }

    fn weekday_name(&self) -> &'static str {
        DAYS.get(self.weekday as usize).copied().unwrap_or_default()
    }

    fn month_name(&self) -> &'static str {
        MONTHS.get(self.month as usize - 1).copied().unwrap_or_default()
    }

    fn hour_of_twelve(&self) -> i64 {
        match self.hour % 12 {
            0 => 12,
            hour => hour,
        }
    }

    fn half(&self) -> &'static str {
        if self.hour < 12 { "AM" } else { "PM" }
    }

    /// Returns the number of the week in its year, for weeks that begin on a day.
    fn week(&self, first: i64) -> i64 {
        let this = self.day_of_year + (first - self.weekday);
        let january = (civil::days(self.year, 1, 1) + 4).rem_euclid(7);
        (this - (7 - january + first)).div_euclid(7) + 1
    }

    fn offset(&self, colon: &str) -> String {
        let minutes = self.zone.minutes();
        let sign = if minutes > 0 { '-' } else { '+' };
        let minutes = minutes.abs();
        format!("{sign}{:02}{colon}{:02}", minutes / 60, minutes % 60)
    }

    fn us_date(&self) -> String {
        format!("{}/{}/{}", self.month, self.day, self.year)
    }

    fn us_time(&self) -> String {
        let (hour, half) = (self.hour_of_twelve(), self.half());
        format!("{hour}:{:02}:{:02} {half}", self.minute, self.second)
    }

    fn ordinal(&self) -> &'static str {
        match (self.day, self.day % 10) {
            (11..=13, _) => "th",
            (_, 1) => "st",
            (_, 2) => "nd",
            (_, 3) => "rd",
            _ => "th",
        }
    }
}

/// Writes a date. Letters without a meaning stay as they are.
pub(super) fn strftime(date: &Zoned, format: &str) -> Result<String, RuntimeError> {
    let mut out = String::new();
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match Directive::read(rest) {
            Some((directive, length)) => {
                bounded(directive.width)?;
                match directive.write(date) {
                    Some(text) => out.push_str(&text),
                    None => out.push_str(&rest[..length]),
                }
                length
            }
            None => {
                out.push('%');
                1
            }
        };
        rest = &rest[length..];
        bounded(out.len())?;
    }
    Ok(out + rest)
}

struct Directive<'f> {
    flags: &'f str,
    width: usize,
    letter: char,
}

impl<'f> Directive<'f> {
    /// Reads a directive at the start of a text; also returns its length.
    fn read(text: &'f str) -> Option<(Directive<'f>, usize)> {
        let part =
            |text: &'f str, of: fn(char) -> bool| text.split_at(text.find(|c| !of(c)).unwrap_or(text.len()));
        let (flags, rest) = part(text.get(1..)?, |c| matches!(c, '-' | '_' | '0' | '^' | '#' | ':'));
        let (width, rest) = part(rest, |c| c.is_ascii_digit());
        let (_, mut behind) = part(rest, |_| false);
        if let Some(after) = behind.strip_prefix(['E', 'O'])
            && !after.is_empty()
        {
            behind = after;
        }
        let letter = behind
            .chars()
            .next()
            .filter(|c| !matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}'))?;
        let length = text.len() - behind.len() + letter.len_utf8();
        let width = match width {
            "" => 0,
            digits => digits.parse().unwrap_or(usize::MAX),
        };
        Some((Directive { flags, width, letter }, length))
    }

    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }

    fn write(&self, date: &Zoned) -> Option<String> {
        let mut text = self.value(date)?;
        if self.has('^') {
            text = text.to_uppercase();
        } else if self.has('#') {
            text = match text.contains(|c: char| c.is_ascii_lowercase()) {
                true => text.to_uppercase(),
                false => text.to_lowercase(),
            };
        }
        let pad = match self.letter {
            _ if self.has('_') => ' ',
            _ if self.has('0') => '0',
            'a' | 'A' | 'b' | 'B' | 'c' | 'e' | 'l' | 'k' | 'p' | 'P' => ' ',
            _ => '0',
        };
        let width = match (self.width, self.letter) {
            _ if self.has('-') => 0,
            (0, 'd' | 'e' | 'H' | 'I' | 'k' | 'l' | 'm' | 'M' | 'S' | 'U' | 'W') => 2,
            (0, 'j' | 'L') => 3,
            (width, _) => width,
        };
        let missing = width.saturating_sub(text.chars().count());
        Some(std::iter::repeat_n(pad, missing).chain(text.chars()).collect())
    }

    fn value(&self, date: &Zoned) -> Option<String> {
        let year = date.year.to_string();
        let colon = if self.has(':') { ":" } else { "" };
        let short = |name: &str| name.get(..3).unwrap_or(name).to_owned();
        Some(match self.letter {
            'a' => short(date.weekday_name()),
            'A' => date.weekday_name().to_owned(),
            'b' | 'h' => short(date.month_name()),
            'B' => date.month_name().to_owned(),
            'c' => format!("{}, {}", date.us_date(), date.us_time()),
            'C' => year.get(..2).unwrap_or(&year).to_owned(),
            'd' | 'e' => date.day.to_string(),
            'H' | 'k' => date.hour.to_string(),
            'I' | 'l' => date.hour_of_twelve().to_string(),
            'j' => date.day_of_year.to_string(),
            'L' => date.millis.to_string(),
            'm' => date.month.to_string(),
            'M' => date.minute.to_string(),
            'N' => {
                let width = if self.width == 0 { 9 } else { self.width };
                let digits = format!("{:03}", date.millis);
                let digits = digits.get(..width.min(3)).unwrap_or(&digits);
                let zeros = std::iter::repeat_n('0', width.saturating_sub(3));
                digits.chars().chain(zeros).collect()
            }
            'p' => date.half().to_owned(),
            'P' => date.half().to_lowercase(),
            'q' => date.ordinal().to_owned(),
            // JavaScript rounds half seconds up.
            's' => (date.local + 500).div_euclid(1000).to_string(),
            'S' => date.second.to_string(),
            'u' => match date.weekday {
                0 => 7,
                day => day,
            }
            .to_string(),
            'U' => date.week(0).to_string(),
            'w' => date.weekday.to_string(),
            'W' => date.week(1).to_string(),
            'x' => date.us_date(),
            'X' => date.us_time(),
            'y' => year.get(2..4.min(year.len())).unwrap_or_default().to_owned(),
            'Y' => year,
            'z' => date.offset(colon),
            'Z' => match &date.zone {
                Zone::Utc => "UTC".to_owned(),
                Zone::Named(name, _) => name.clone(),
                Zone::Offset(_) => date.offset(colon),
            },
            't' => "\t".to_owned(),
            'n' => "\n".to_owned(),
            '%' => "%".to_owned(),
            _ => return None,
        })
    }
}
