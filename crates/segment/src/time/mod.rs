//! Times: reading what SDKs and sites send, writing what Segment writes.
//!
//! - [`parse_timestamp`]: the Tracking API's four timestamps, in the shapes SDKs send.
//! - [`write_iso`]: ISO-8601 in UTC with milliseconds, as Segment's servers write them.
//! - [`corrected`]: the clock-skew correction.
//! - [`js_date`]: JavaScript's `Date`.
//! - [`segment`]: a mapped `event_time` or `install_time` as Segment's destination reads it, nonsense included.

mod civil;
pub mod js_date;
mod parse;
pub mod segment;
mod write;

pub use parse::parse_timestamp;
pub use write::write_iso;

/// An instant: milliseconds since 1970-01-01T00:00:00Z, negative before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub i64);

impl Millis {
    /// The instants JavaScript's `Date` can hold: 100,000,000 days either side of 1970. Nothing beyond is read.
    pub const LIMIT: Millis = Millis(8_640_000_000_000_000);

    /// Whole seconds, rounded down also before 1970.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// An epoch number: seconds if its magnitude is below 10¹¹ (the year 5138), else milliseconds up to
    /// 10¹⁴ (the same year); bigger numbers and those that are not finite are no time. Fractions of a
    /// millisecond are cut off (rounded down).
    pub fn from_epoch(number: f64) -> Option<Millis> {
        const SECONDS_BELOW: f64 = 1e11;
        const MILLIS_BELOW: f64 = 1e14;
        let magnitude = number.abs();
        // NaN fails both comparisons.
        let millis = if magnitude < SECONDS_BELOW {
            number * 1000.0
        } else if magnitude < MILLIS_BELOW {
            number
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

/// The time an event happened by the server's clock: `received − (sent − original)`.
///
/// A device's clock may be wrong, but the distance between its two readings is right. Without `sent` the client's
/// time is kept as it is; without the client's time the event happened when it was received.
pub fn corrected(received: Millis, sent: Option<Millis>, original: Option<Millis>) -> Millis {
    match (sent, original) {
        (Some(sent), Some(original)) => Millis(received.0.saturating_sub(sent.0.saturating_sub(original.0))),
        (None, Some(original)) => original,
        (_, None) => received,
    }
}

#[cfg(test)]
mod tests;
