//! Times: reads those of SDKs and sites, and writes them as Segment does.
//!
//! - [`parse_timestamp`]: the Tracking API's four timestamps, in the shapes SDKs send.
//! - [`write_iso`]: ISO-8601 in UTC with milliseconds, as Segment's servers write them.
//! - [`corrected`]: the clock-skew correction.
//! - [`js_date`]: JavaScript's `Date`.
//! - [`segment`]: a mapped `event_time` or `install_time` as Segment's destination reads it, with its errors.

pub(crate) mod civil;
pub mod js_date;
mod parse;
pub mod segment;
mod write;
mod written;

pub use parse::parse_timestamp;
pub use write::write_iso;
pub use written::{named_date, written_date};

/// An instant: milliseconds since 1970-01-01T00:00:00Z, negative before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    /// The range of JavaScript's `Date`, 100,000,000 days either side of 1970. Instants beyond are not read.
    pub const LIMIT: Millis = Millis(8_640_000_000_000_000);

    /// Returns whole seconds, rounded down also before 1970.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Reads an epoch number: seconds if its magnitude is below 10¹¹ (the year 5138), milliseconds below 10¹⁴ (the same year),
    /// microseconds below 10¹⁷, nanoseconds below 10²⁰; `None` beyond and for numbers that are not finite. Rounds down to
    /// milliseconds.
    pub fn from_epoch(number: f64) -> Option<Millis> {
        const SECONDS_BELOW: f64 = 1e11;
        const MILLIS_BELOW: f64 = 1e14;
        const MICROS_BELOW: f64 = 1e17;
        const NANOS_BELOW: f64 = 1e20;
        let magnitude = number.abs();
        // NaN fails both comparisons.
        let millis = if magnitude < SECONDS_BELOW {
            number * 1000.0
        } else if magnitude < MILLIS_BELOW {
            number
        } else if magnitude < MICROS_BELOW {
            number / 1e3
        } else if magnitude < NANOS_BELOW {
            number / 1e6
        } else {
            return None;
        };
        // Seconds such as 1772368496.789 are not exact in binary: without the rounding they lose a millisecond.
        let rounded = millis.round();
        let exact = if (millis - rounded).abs() < 1e-3 {
            rounded
        } else {
            millis.floor()
        };
        Some(Millis(exact as i64))
    }

    fn in_range(self) -> Option<Millis> {
        (-Self::LIMIT.0..=Self::LIMIT.0).contains(&self.0).then_some(self)
    }
}

/// Returns the time of an event by the server's clock: `received − (sent − original)`.
///
/// A device's clock may be wrong, but the difference of two of its readings is right. Without `sent`, the client's time
/// stays as it is; without the client's time, the event counts as happening at its receipt.
pub fn corrected(received: Millis, sent: Option<Millis>, original: Option<Millis>) -> Millis {
    match (sent, original) {
        (Some(sent), Some(original)) => Millis(received.0.saturating_sub(sent.0.saturating_sub(original.0))),
        (None, Some(original)) => original,
        (_, None) => received,
    }
}

#[cfg(test)]
mod tests;
