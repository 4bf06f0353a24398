//! The wall clock.

use jiff::Timestamp;

/// Returns the time in Unix milliseconds.
pub(crate) fn now() -> i64 {
    Timestamp::now().as_millisecond()
}
