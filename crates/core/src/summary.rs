//! Summaries of records, for the history: names, ids and worth of a conversion, without personal values.

use std::borrow::Cow;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::MatchKeys;

/// The part of a sink's record that people look for in a history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Summary<'r> {
    /// The destination's name of the conversion: `checkout`.
    pub event_name: Option<Cow<'r, str>>,
    /// Where the conversion happened, in the destination's words: `web`, `offline`.
    pub action_source: Option<Cow<'r, str>>,
    /// The id by which the destination recognises duplicates. It may look personal, since shops make it.
    pub event_id: Option<Cow<'r, str>>,
    /// The order. It may look personal, since shops make it.
    pub order_id: Option<Cow<'r, str>>,
    /// Worth of the conversion.
    pub value: Option<Money<'r>>,
    /// The match keys that it carries.
    pub match_keys: Option<&'r Arc<MatchKeys>>,
    /// The other parameters that it carries, of those by which destinations rate events.
    pub parameters: Parameters,
}

/// A parameter beside match keys by which destinations rate events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Parameter {
    /// Worth of the conversion.
    Value,
    /// Currency of the worth.
    Currency,
    /// The order.
    OrderId,
    /// Products, or their ids.
    Contents,
    /// The id by which the destination recognises duplicates.
    EventId,
    /// Address of the web page.
    SourceUrl,
}

impl Parameter {
    /// All parameters.
    pub const ALL: [Parameter; 6] = [
        Parameter::Value,
        Parameter::Currency,
        Parameter::OrderId,
        Parameter::Contents,
        Parameter::EventId,
        Parameter::SourceUrl,
    ];

    /// Returns the name in sums and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Parameter::Value => "value",
            Parameter::Currency => "currency",
            Parameter::OrderId => "order_id",
            Parameter::Contents => "contents",
            Parameter::EventId => "event_id",
            Parameter::SourceUrl => "source_url",
        }
    }

    /// Finds a parameter by its name.
    #[must_use]
    pub fn named(name: &str) -> Option<Parameter> {
        Parameter::ALL
            .into_iter()
            .find(|parameter| parameter.name() == name)
    }
}

/// A set of [`Parameter`]s. As text it is their names, joined by commas.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub struct Parameters(u8);

impl Parameters {
    /// Adds a parameter if the condition holds.
    pub fn add(&mut self, parameter: Parameter, holds: bool) {
        self.0 |= u8::from(holds) << parameter as u8;
    }

    /// Returns true if the parameter is in the set.
    #[must_use]
    pub fn has(self, parameter: Parameter) -> bool {
        self.0 & 1 << parameter as u8 != 0
    }

    /// Returns the set as a number: the sum of 2ⁿ for each parameter, `n` being its place in [`Parameter::ALL`].
    #[must_use]
    pub fn bits(self) -> u8 {
        self.0
    }

    /// Makes the set with this number; bits that no parameter has count for nothing.
    #[must_use]
    pub fn from_bits(bits: u8) -> Parameters {
        Parameters(bits)
    }

    /// Returns the names, in the order of [`Parameter::ALL`].
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        let held = Parameter::ALL
            .into_iter()
            .filter(move |parameter| self.has(*parameter));
        held.map(Parameter::name)
    }
}

impl std::fmt::Display for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.names().collect::<Vec<_>>().join(","))
    }
}

impl std::str::FromStr for Parameters {
    type Err = String;

    /// # Errors
    /// A sentence with the names that there are.
    fn from_str(text: &str) -> Result<Parameters, String> {
        let mut set = Parameters::default();
        for name in text.split(',').map(str::trim) {
            let Some(parameter) = Parameter::named(name) else {
                let known = Parameters::from_bits(u8::MAX).names().collect::<Vec<_>>();
                return Err(format!(
                    "expected a parameter, or several joined by commas: {}",
                    known.join(", ")
                ));
            };
            set.add(parameter, true);
        }
        Ok(set)
    }
}

impl Serialize for Parameters {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Parameters {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Parameters, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount of money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Money<'r> {
    /// The amount in millionths of the currency.
    pub millionths: i64,
    /// ISO 4217 code; `None` if the record has none.
    pub currency: Option<Cow<'r, str>>,
}

impl Money<'_> {
    /// Reads an amount as JSON numbers spell it. `None` if it is no number, or too large for millionths in 64 bits.
    /// Digits beyond the millionth do not count.
    #[must_use]
    pub fn millionths(text: &str) -> Option<i64> {
        const SCALE: usize = 6;
        let (sign, digits) = match text.strip_prefix('-') {
            Some(digits) => (-1, digits),
            None => (1, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_plain = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !is_plain(whole) || !is_plain(fraction) {
            // With an exponent.
            let millionths = text.parse::<f64>().ok()? * 1e6;
            let fits = millionths.is_finite() && millionths.abs() < 9e18;
            return fits.then(|| millionths.round() as i64);
        }
        let whole: i64 = whole.parse().ok()?;
        let kept = fraction.get(..SCALE).unwrap_or(fraction);
        let mut part: i64 = if kept.is_empty() { 0 } else { kept.parse().ok()? };
        for _ in kept.len()..SCALE {
            part *= 10;
        }
        Some(sign * whole.checked_mul(1_000_000)?.checked_add(part)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_kept_apart() {
        for one in Parameter::ALL {
            let mut set = Parameters::default();
            set.add(one, true);
            for other in Parameter::ALL {
                set.add(other, false);
                assert_eq!(set.has(other), other == one, "{one:?}, {other:?}");
            }
        }
    }

    #[test]
    fn sets_are_read_as_they_are_written() {
        for bits in 1..1_u8 << Parameter::ALL.len() {
            let set = Parameters::from_bits(bits);
            assert_eq!((set.to_string().parse(), set.bits()), (Ok(set), bits));
        }
        assert_eq!(Parameters::from_bits(5).to_string(), "value,order_id");
        assert_eq!(" order_id , value".parse(), Ok(Parameters::from_bits(5)));
        for wrong in ["", "value,", "price"] {
            let problem = wrong.parse::<Parameters>().unwrap_err();
            assert!(
                problem.contains("value, currency, order_id, contents"),
                "{problem}"
            );
        }
    }

    #[test]
    fn amounts_are_read_exactly() {
        for (text, expected) in [
            ("72.05", Some(72_050_000)),
            ("0", Some(0)),
            ("-3.5", Some(-3_500_000)),
            ("1e3", Some(1_000_000_000)),
            ("2.5E-1", Some(250_000)),
            ("0.1234567", Some(123_456)),
            ("9007199254740993", None),
            ("1e300", None),
            ("", None),
            (".5", Some(500_000)),
            ("abc", None),
            ("1.2.3", None),
            ("NaN", None),
        ] {
            assert_eq!(Money::millionths(text), expected, "{text}");
        }
    }
}
