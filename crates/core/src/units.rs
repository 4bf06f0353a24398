//! Durations and sizes with units, as in the pipeline file.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};

/// Implements the traits of a value that settings write as text: parsed by `parse`, written by `Display`.
macro_rules! as_written {
    ($type:ident, $name:literal, $form:expr, $schema:tt) => {
        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Text;
                impl Visitor<'_> for Text {
                    type Value = $type;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str($form)
                    }
                    fn visit_str<E: Error>(self, text: &str) -> Result<$type, E> {
                        $type::parse(text).map_err(|hint| E::custom(format_args!("expected {hint}")))
                    }
                }
                deserializer.deserialize_str(Text)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

/// A length of time written with its unit: `"500ms"`, `"30s"`, `"5m"`, `"24h"`, `"7d"`, `"1d 12h"`. A day has 24 hours,
/// a week 7 days.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct HumanDuration(pub Duration);

/// The written form of a duration, for errors.
const FORM: &str = "a duration with its unit, such as \"500ms\", \"30s\", \"5m\", \"24h\" or \"7d\"";

/// Parses days and weeks as well. Months and years have no fixed length and stay errors.
fn in_days(text: &str) -> Result<jiff::SignedDuration, jiff::Error> {
    let span: jiff::Span = text.parse()?;
    span.to_duration(jiff::SpanRelativeTo::days_are_24_hours())
}

impl HumanDuration {
    /// Creates a duration of seconds.
    pub const fn from_secs(secs: u64) -> HumanDuration {
        HumanDuration(Duration::from_secs(secs))
    }

    /// Creates a duration of milliseconds.
    pub const fn from_millis(millis: u64) -> HumanDuration {
        HumanDuration(Duration::from_millis(millis))
    }

    /// Reads the written form.
    ///
    /// # Errors
    /// A sentence about the form, which does not repeat the value.
    pub fn parse(text: &str) -> Result<HumanDuration, &'static str> {
        let span = text.parse().or_else(|_| in_days(text)).map_err(|_| FORM)?;
        Duration::try_from(span)
            .map(HumanDuration)
            .map_err(|_| "a duration that is not negative")
    }
}

impl fmt::Display for HumanDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::SignedDuration::try_from(self.0) {
            Ok(span) => write!(f, "{span:#}"),
            Err(_) => write!(f, "{}s", self.0.as_secs()),
        }
    }
}

as_written!(HumanDuration, "Duration", FORM, {
    "type": "string", "format": "duration", "examples": ["500ms", "30s", "5m", "24h", "7d"]
});

/// The written form of a size, for errors.
const SIZE_FORM: &str = "a size with its unit, such as \"2MB\", \"512KiB\" or \"1GB\"";

/// A number of bytes written with its unit: `"2MB"` (2,000,000), `"512KiB"`, `"1GB"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

impl Size {
    /// Reads the written form.
    ///
    /// # Errors
    /// A sentence about the form, which does not repeat the value.
    pub fn parse(text: &str) -> Result<Size, &'static str> {
        // A number without a unit is more often a mistake than a number of bytes.
        if !text.trim_end().ends_with(['b', 'B']) {
            return Err(SIZE_FORM);
        }
        text.parse()
            .map(|size: bytesize::ByteSize| Size(size.as_u64()))
            .map_err(|_| SIZE_FORM)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 6] = [
            (1_000_000_000, "GB"),
            (1 << 30, "GiB"),
            (1_000_000, "MB"),
            (1 << 20, "MiB"),
            (1_000, "kB"),
            (1 << 10, "KiB"),
        ];
        match UNITS
            .iter()
            .find(|(unit, _)| self.0 > 0 && self.0.is_multiple_of(*unit))
        {
            Some((unit, name)) => write!(f, "{}{name}", self.0 / unit),
            None => write!(f, "{}B", self.0),
        }
    }
}

as_written!(Size, "Size", SIZE_FORM, {
    "type": "string", "pattern": "[bB]$", "examples": ["2MB", "512KiB", "1GB"]
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("5m", 300_000),
            ("24h", 86_400_000),
            ("1m 30s", 90_000),
            ("2d", 172_800_000),
            ("1d12h", 129_600_000),
            ("1d 12h", 129_600_000),
            ("1w", 604_800_000),
            ("2 days", 172_800_000),
        ] {
            assert_eq!(
                HumanDuration::parse(text),
                Ok(HumanDuration::from_millis(millis)),
                "{text}"
            );
        }
        for text in [
            "",
            "5",
            "-1s",
            "-1d",
            "s",
            "1 fortnight",
            "1mo",
            "1y",
            "99999999999d",
        ] {
            assert!(HumanDuration::parse(text).is_err(), "{text}");
        }
        assert_eq!(HumanDuration::from_secs(90).to_string(), "1m 30s");
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("2MB", 2_000_000),
            ("512KiB", 524_288),
            ("1 GB", 1_000_000_000),
            ("10B", 10),
        ] {
            assert_eq!(Size::parse(text), Ok(Size(bytes)), "{text}");
        }
        for text in ["", "5", "-1MB", "MB", "2 megs"] {
            assert!(Size::parse(text).is_err(), "{text}");
        }
        assert_eq!(Size(2_000_000).to_string(), "2MB");
        assert_eq!(Size(1 << 20).to_string(), "1MiB");
    }
}
