//! Decimal numbers, whose sums and products have no noise of binary fractions.

use std::fmt;

use signalbox_core::json::JsonWriter;
use signalbox_segment::value::Number;

use crate::encode::push_money;

/// Digits behind the point beyond which a number is cut off.
const PLACES: usize = 20;

/// A decimal number: an integer divided by a power of ten.
#[derive(Debug, Clone, Copy)]
pub struct Decimal {
    digits: i128,
    /// The number of digits behind the point.
    places: u32,
}

impl Decimal {
    /// The number one.
    pub const ONE: Decimal = Decimal { digits: 1, places: 0 };

    /// Reads digits with a point among them, a minus before and an exponent behind. `None` for anything else, and for
    /// numbers that do not fit.
    pub fn parse(text: &str) -> Option<Decimal> {
        let (negative, unsigned) = match text.strip_prefix('-') {
            Some(unsigned) => (true, unsigned),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        if let Some(short) = short(negative, unsigned) {
            return Some(short);
        }
        if unsigned.contains(['e', 'E']) {
            let is_number = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
            let number: f64 = is_number.then(|| text.parse().ok()).flatten()?;
            // Rust writes doubles without an exponent.
            return number
                .is_finite()
                .then(|| Decimal::parse(&number.to_string()))
                .flatten();
        }
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut digits: i128 = 0;
        let mut places = 0;
        for (at, byte) in whole.bytes().chain(fraction.bytes()).enumerate() {
            if !byte.is_ascii_digit() {
                return None;
            }
            if at < whole.len() + PLACES {
                digits = digits.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
                places += u32::from(at >= whole.len());
            }
        }
        let digits = if negative { -digits } else { digits };
        Some(Decimal { digits, places })
    }

    /// Takes a number of an event, to the 15 digits that a double holds for certain unless its text says more. `None` if it
    /// is not finite or does not fit.
    pub fn of(number: Number<'_>) -> Option<Decimal> {
        if let Some(text) = number.source() {
            return Decimal::parse(text);
        }
        if !number.is_finite() {
            return None;
        }
        let mut out = JsonWriter::default();
        push_money(number, &mut out);
        Decimal::parse(std::str::from_utf8(out.as_bytes()).ok()?)
    }

    /// Returns true below zero.
    pub fn is_negative(self) -> bool {
        self.digits < 0
    }

    /// Changes the sign.
    pub(crate) fn negated(self) -> Decimal {
        Decimal {
            digits: -self.digits,
            ..self
        }
    }

    /// Returns the sum; `None` if it does not fit.
    pub fn plus(self, other: Decimal) -> Option<Decimal> {
        let places = self.places.max(other.places);
        let digits = self.scaled(places)?.checked_add(other.scaled(places)?)?;
        Some(Decimal { digits, places })
    }

    /// Returns the difference; `None` if it does not fit.
    pub fn minus(self, other: Decimal) -> Option<Decimal> {
        self.plus(other.negated())
    }

    /// Returns the product; `None` if it does not fit.
    pub fn times(self, other: Decimal) -> Option<Decimal> {
        Some(Decimal {
            digits: self.digits.checked_mul(other.digits)?,
            places: self.places + other.places,
        })
    }

    fn scaled(self, places: u32) -> Option<i128> {
        if places == self.places {
            return Some(self.digits);
        }
        let factor = 10_i128.checked_pow(places.checked_sub(self.places)?)?;
        self.digits.checked_mul(factor)
    }
}

/// Reads a number of few digits, as most amounts are, in 64 bits. `None` for a longer one and for a text that is no number.
fn short(negative: bool, unsigned: &str) -> Option<Decimal> {
    /// Digits that 64 bits hold in any case.
    const MOST: usize = 18;
    if unsigned.len() > MOST {
        return None;
    }
    let (mut digits, mut point) = (0_i64, None);
    for (at, byte) in unsigned.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => digits = digits * 10 + i64::from(byte - b'0'),
            b'.' if point.is_none() => point = Some(at),
            _ => return None,
        }
    }
    let places = point.map_or(0, |point| unsigned.len() - point - 1);
    if unsigned.len() == usize::from(point.is_some()) {
        return None;
    }
    Some(Decimal {
        digits: i128::from(if negative { -digits } else { digits }),
        places: u32::try_from(places).ok()?,
    })
}

impl fmt::Display for Decimal {
    /// Writes the number as JSON, without zeros at the end of a fraction.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.with_text(|text| f.write_str(text))
    }
}

impl Decimal {
    /// Calls a function with the number as JSON has it, without zeros at the end of a fraction.
    pub(super) fn with_text<R>(self, take: impl FnOnce(&str) -> R) -> R {
        // 39 digits, the zeros behind a point, the point and the sign.
        let mut text = [b'0'; 39 + PLACES + 3];
        // Sums of money fit 64 bits, whose division costs a tenth of that of 128.
        let at = match u64::try_from(self.digits.unsigned_abs()) {
            Ok(digits) => self.write(digits, &mut text),
            Err(_) => self.write(self.digits.unsigned_abs(), &mut text),
        };
        let written = text.get(at..).unwrap_or_default();
        take(str::from_utf8(written).unwrap_or_default())
    }

    /// Writes the number from its last digit to its first, at the end of the buffer, and returns the place of the first.
    /// `digits` are its digits without a sign.
    fn write<N>(self, mut digits: N, text: &mut [u8]) -> usize
    where
        N: Copy + PartialEq + From<u8> + std::ops::Div<Output = N> + std::ops::Rem<Output = N> + TryInto<u8>,
    {
        let (zero, ten) = (N::from(0), N::from(10));
        let mut places = self.places as usize;
        while places > 0 && digits % ten == zero {
            digits = digits / ten;
            places -= 1;
        }
        let mut at = text.len();
        let mut push = |byte: u8| {
            at = at.saturating_sub(1);
            text[at] = byte;
        };
        let mut written = 0;
        while digits != zero || written <= places {
            if written == places && places > 0 {
                push(b'.');
            }
            push(b'0' + (digits % ten).try_into().unwrap_or(0));
            digits = digits / ten;
            written += 1;
        }
        if self.digits < 0 {
            push(b'-');
        }
        at
    }
}
