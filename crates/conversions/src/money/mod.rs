//! Amounts and currencies as shops write them.
//!
//! [`read`] takes an amount out of a text: signs and codes of currencies before or behind it, separators of thousands and
//! decimals as far as they can mean one number only. [`currency`] gives the ISO 4217 code that a text names. The value of
//! an event is worked out of several places of it ([`Row::worth`](crate::field::Row::worth)), in decimal arithmetic.

mod codes;
mod decimal;
mod read;
#[cfg(test)]
mod tests;
mod worth;

use bumpalo::Bump;
use signalbox_segment::value::{Number, Value};

pub use codes::currency;
pub use decimal::Decimal;
pub use read::{Amount, Unreadable, read};
pub(crate) use worth::{PLACES, Worth};

/// Reads the number of an amount that is not written as JSON would have it; `None` if it has no or several readings.
///
/// A schema reads the texts of its fields for amounts with it, see
/// [`Field::reading`](signalbox_segment::schema::Field::reading).
pub fn number<'a>(text: &'a str, arena: &'a Bump) -> Option<Value<'a>> {
    let amount = read(text).ok()?;
    Some(in_arena(amount.number, arena))
}

/// Reads a number beside which nothing stands, such as `1,000` or digits of another script; `None` if it has no or several
/// readings. A schema reads the texts of its fields for counts with it.
pub fn count<'a>(text: &'a str, arena: &'a Bump) -> Option<Value<'a>> {
    let amount = read(text).ok().filter(|amount| amount.bare)?;
    Some(in_arena(amount.number, arena))
}

fn in_arena(number: Decimal, arena: &Bump) -> Value<'_> {
    let text = number.with_text(|text| &*arena.alloc_str(text));
    Value::Number(Number::Source(text))
}
