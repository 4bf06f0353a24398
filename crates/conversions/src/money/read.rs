//! Reads an amount out of a text.

use super::codes::{Sign, minor_digits, sign};
use super::decimal::Decimal;
use crate::personal::ascii_digit;
pub(super) use crate::personal::is_invisible;

/// An amount that a text holds.
#[derive(Debug, Clone, Copy)]
pub struct Amount {
    /// The number.
    pub number: Decimal,
    /// The ISO 4217 code of the currency that stands beside the number, if only one can be meant.
    pub currency: Option<&'static str>,
    /// The text holds a number and nothing about a currency.
    pub bare: bool,
}

/// The reason why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreadable {
    /// It holds text that is neither an amount nor its currency.
    NoAmount,
    /// Its separators can mean several numbers, or none.
    Ambiguous,
}

impl Unreadable {
    /// Describes the text, for a warning.
    pub fn words(self) -> &'static str {
        match self {
            Unreadable::NoAmount => "no amount",
            Unreadable::Ambiguous => "an amount whose separators can be read in several ways",
        }
    }
}

/// Longest text that is looked at, in bytes.
const LONGEST: usize = 96;

/// Reads an amount: a number as JSON has it; digits of any script; a sign, code or word of a currency before or behind it
/// (`$12`, `USD 12.50`, `12,50 €`); a minus or accountants' parentheses; separators, as far as they mean one number only.
///
/// | separators | read as |
/// |---|---|
/// | a single point (`1.234`) | decimal, as in JSON; before three digits beside a currency see below |
/// | a single comma before three digits (`1,234`) | thousands, unless no group of thousands can begin so (`0,123`, `1234,567`) |
/// | a single comma before any other number of digits (`12,50`) | decimal |
/// | several of one kind (`1,234,567`, `1.234.567`, `12,34,567`) | thousands, also in Indian groups |
/// | blanks, apostrophes (`1 234`, `1'234`) | thousands |
/// | two kinds (`1.234,50`, `1,234.50`, `1.234,-`) | thousands, then decimal |
///
/// Beside a currency, a single point before three digits separates thousands where the currency has no smaller unit
/// (`JPY 1.500`), and decimals where its smaller unit is a thousandth (`KWD 1.234`); with others it can mean both.
///
/// # Errors
/// The text holds no amount, or one that can be read in several ways (`1,23,4`).
pub fn read(text: &str) -> Result<Amount, Unreadable> {
    let text = text.trim();
    if let Some(number) = Decimal::parse(text) {
        return Ok(Amount {
            number,
            currency: None,
            bare: true,
        });
    }
    if text.len() > LONGEST {
        return Err(Unreadable::NoAmount);
    }
    let text: String = text.chars().filter_map(plain).collect();
    let text = text.trim();
    let (Some(first), Some(last)) = (text.find(is_digit), text.rfind(is_digit)) else {
        return Err(Unreadable::NoAmount);
    };
    let first = with_point(text, first);
    let (before, number, behind) = (&text[..first], &text[first..=last], &text[last + 1..]);
    let (before, open) = Affix::before(before);
    let (point, behind) = whole_mark(behind);
    let (behind, closed) = Affix::behind(behind);
    if open != closed || (before.minus && open) {
        return Err(Unreadable::NoAmount);
    }
    let currency = match (before.sign()?, behind.sign()?) {
        (Some(Sign::Code(one)), Some(Sign::Code(other))) => Some(one).filter(|_| one == other),
        (Some(Sign::Code(code)), _) | (_, Some(Sign::Code(code))) => Some(code),
        _ => None,
    };
    let bare = before.currency.is_empty() && behind.currency.is_empty();
    let beside = (!bare).then(|| currency.map(minor_digits));
    let number = separated(number, point, beside)?;
    let negative = before.minus || open;
    Ok(Amount {
        number: if negative { number.negated() } else { number },
        currency,
        bare,
    })
}

const fn is_digit(c: char) -> bool {
    c.is_ascii_digit()
}

/// Returns the one character that stands for all of its kind: ASCII digits, blanks, minus signs, apostrophes, separators.
fn plain(c: char) -> Option<char> {
    match c {
        ' '..='~' if c != '`' => Some(c),
        _ if is_invisible(c) || c == '\u{feff}' => None,
        _ if c.is_whitespace() => Some(' '),
        '‐' | '‑' | '‒' | '–' | '—' | '−' | '﹣' | '－' => Some('-'),
        '＋' => Some('+'),
        '’' | '‘' | 'ʼ' | '′' | '`' | '´' | '＇' => Some('\''),
        // The Arabic separators of decimals and thousands keep their meaning; the Arabic comma has both.
        '،' | '，' => Some(','),
        '．' => Some('.'),
        '（' => Some('('),
        '）' => Some(')'),
        _ => Some(ascii_digit(c).unwrap_or(c)),
    }
}

const ARABIC_POINT: char = '٫';
const ARABIC_THOUSANDS: char = '٬';

/// Returns the beginning of the number: a separator right before the first digit belongs to it (`$.50`), unless it ends an
/// abbreviation (`Rs.500`).
fn with_point(text: &str, first: usize) -> usize {
    let before = &text[..first];
    let Some(rest) = before.strip_suffix(['.', ',', ARABIC_POINT]) else {
        return first;
    };
    match rest.chars().next_back() {
        Some(last) if last.is_alphabetic() || last == '/' => first,
        _ => rest.len(),
    }
}

/// Takes the mark of a whole amount (`12.-`, `12,-`, `500/-`, `99:-`) off the text behind the number. Returns the mark's first
/// character and the rest.
fn whole_mark(text: &str) -> (Option<char>, &str) {
    let mut marks = [".--", ",--", ".-", ",-", "/-", ":-"].into_iter();
    match marks.find_map(|mark| Some((mark.chars().next(), text.strip_prefix(mark)?))) {
        Some(found) => found,
        None => (None, text.strip_prefix('.').unwrap_or(text)),
    }
}

/// The text on one side of the number.
struct Affix<'t> {
    /// The text that must name a currency; may be empty.
    currency: &'t str,
    minus: bool,
}

impl<'t> Affix<'t> {
    /// Takes sign and opening parenthesis off the text before the number. True if there is a parenthesis.
    fn before(text: &'t str) -> (Affix<'t>, bool) {
        let (mut rest, mut sign, mut open) = (text.trim(), None, false);
        loop {
            let at_end = rest
                .chars()
                .next_back()
                .map(|c| (c, &rest[..rest.len() - c.len_utf8()]));
            let at_start = rest.chars().next().map(|c| (c, &rest[c.len_utf8()..]));
            let next = [at_end, at_start].into_iter().flatten().find(|(c, _)| match c {
                '-' | '+' => sign.is_none(),
                '(' => !open,
                _ => false,
            });
            let Some((mark, shorter)) = next else { break };
            match mark {
                '(' => open = true,
                mark => sign = Some(mark),
            }
            rest = shorter.trim();
        }
        let currency = rest.strip_suffix(':').unwrap_or(rest).trim();
        let minus = sign == Some('-');
        (Affix { currency, minus }, open)
    }

    /// Takes the closing parenthesis off the text behind the number. True if there is one.
    fn behind(text: &'t str) -> (Affix<'t>, bool) {
        let rest = text.trim();
        let inner = rest.strip_prefix(')').or_else(|| rest.strip_suffix(')'));
        let affix = Affix {
            currency: inner.unwrap_or(rest).trim(),
            minus: false,
        };
        (affix, inner.is_some())
    }

    /// Returns the currency named; nothing if the side is empty.
    fn sign(&self) -> Result<Option<Sign>, Unreadable> {
        match self.currency {
            "" => Ok(None),
            text => sign(text).map(Some).ok_or(Unreadable::NoAmount),
        }
    }
}

/// Reads digits with separators. `point` is the decimal separator, if the mark of a whole amount behind the digits tells it.
/// `beside` is there if a currency stands beside them: the number of digits of its smaller unit, if the currency is known.
fn separated(text: &str, point: Option<char>, beside: Option<Option<u8>>) -> Result<Decimal, Unreadable> {
    let marks: Vec<(usize, char)> = text.char_indices().filter(|(_, c)| !is_digit(*c)).collect();
    let known = |c: char| matches!(c, '.' | ',' | '\'' | ' ' | ARABIC_POINT | ARABIC_THOUSANDS);
    if marks.iter().any(|(_, c)| !known(*c)) {
        return Err(Unreadable::NoAmount);
    }
    let Some(&(at, last)) = marks.last() else {
        return decimal(text, "");
    };
    let (whole, fraction) = (&text[..at], &text[at + last.len_utf8()..]);
    let others = &marks[..marks.len() - 1];
    let may_be_group = fraction.len() == 3 && (1..=3).contains(&whole.len()) && !whole.starts_with('0');
    let is_decimal = match (last, beside) {
        _ if point == Some(last) => return Err(Unreadable::Ambiguous),
        ('\'' | ' ' | ARABIC_THOUSANDS, _) => false,
        (ARABIC_POINT, _) => true,
        // The mark behind the digits is the decimal separator.
        _ if matches!(point, Some('.' | ',')) => false,
        _ if others.iter().any(|(_, c)| *c == last) => false,
        // Behind other separators it can only be the decimal one.
        _ if !others.is_empty() || !may_be_group => true,
        ('.', None | Some(Some(3))) => true,
        ('.', Some(Some(0))) => false,
        ('.', Some(_)) | (_, Some(Some(3))) => return Err(Unreadable::Ambiguous),
        // A comma.
        _ => false,
    };
    if is_decimal {
        return decimal(&grouped(whole)?, fraction);
    }
    decimal(&grouped(text)?, "")
}

/// Returns the digits of a whole number with separators of thousands of one kind, in groups of three, or in Indian groups of
/// two before the last of three.
fn grouped(text: &str) -> Result<String, Unreadable> {
    let mut marks = text.chars().filter(|c| !is_digit(*c));
    let Some(mark) = marks.next() else {
        return Ok(text.to_owned());
    };
    if marks.any(|other| other != mark) || mark == ARABIC_POINT {
        return Err(Unreadable::Ambiguous);
    }
    let groups: Vec<&str> = text.split(mark).collect();
    let [first, middle @ .., last] = groups.as_slice() else {
        return Err(Unreadable::Ambiguous);
    };
    let lead = |most: usize| (1..=most).contains(&first.len()) && !first.starts_with('0');
    let of = |len: usize| middle.iter().all(|group| group.len() == len);
    if last.len() == 3 && (lead(3) && of(3) || lead(2) && of(2)) {
        Ok(groups.concat())
    } else {
        Err(Unreadable::Ambiguous)
    }
}

fn decimal(whole: &str, fraction: &str) -> Result<Decimal, Unreadable> {
    let text = match fraction {
        "" => whole.to_owned(),
        fraction => format!("{whole}.{fraction}"),
    };
    Decimal::parse(&text).ok_or(Unreadable::NoAmount)
}
