//! The tables of sums: by the hour, and the same sums by the day, of which long reports are made quickly.

use crate::files::HOUR_MILLIS;

/// Milliseconds of a day.
const DAY_MILLIS: i64 = 24 * HOUR_MILLIS;

/// A table of sums over spans of time, and that of their details.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SumTables {
    /// The column of the span.
    pub(crate) span: &'static str,
    /// Hours of a span.
    pub(crate) hours: i64,
    pub(crate) sums: &'static str,
    pub(crate) details: &'static str,
}

/// The sums by the hour.
pub(crate) const HOURS: SumTables = SumTables {
    span: "hour",
    hours: 1,
    sums: "sums",
    details: "sum_details",
};

/// The sums by the day (UTC).
pub(crate) const DAYS: SumTables = SumTables {
    span: "day",
    hours: 24,
    sums: "day_sums",
    details: "day_details",
};

impl SumTables {
    /// Returns the span in which an hour lies.
    pub(crate) fn of_hour(&self, hour: i64) -> i64 {
        hour.div_euclid(self.hours)
    }

    /// Returns the SQL of the beginning of the hour, as text in Unix milliseconds; only sums by the hour know it.
    pub(crate) fn hour_sql(&self) -> String {
        format!("CAST({} * {} AS TEXT)", self.span, self.hours * HOUR_MILLIS)
    }

    /// Returns the SQL of the beginning of the day, as text in Unix milliseconds.
    pub(crate) fn day_sql(&self) -> String {
        format!("CAST({} / {} * {DAY_MILLIS} AS TEXT)", self.span, 24 / self.hours)
    }
}
