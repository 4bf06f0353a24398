//! The time by which files and sums are too old: the wall clock, unless it has jumped ahead.

use std::time::{Duration, Instant};

/// Jump ahead that counts as none.
const TOLERANCE: Duration = Duration::from_secs(3_600);
/// Time after which a jump is believed at the latest; a shorter jump is believed after its own length.
const MOST_DOUBT: Duration = Duration::from_secs(24 * 3_600);

/// Follows the wall clock, Unix milliseconds, and stays behind it for a while after a jump ahead: a wrong clock must not remove a
/// history at once. A router that stood still looks the same.
#[derive(Debug)]
pub(crate) struct Horizon {
    /// The last time that was believed, and when.
    believed: i64,
    at: Instant,
    /// The moment of the jump, while the clock is not believed.
    jumped: Option<Instant>,
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap_or(i64::MAX)
}

impl Horizon {
    /// Begins with a time that is believed: that of the last write before the start.
    pub(crate) fn new(believed: i64, at: Instant) -> Horizon {
        Horizon {
            believed,
            at,
            jumped: None,
        }
    }

    /// Returns the time by which to judge ages, when the wall clock shows `wall` at the moment `at`.
    pub(crate) fn time(&mut self, wall: i64, at: Instant) -> i64 {
        let expected = self
            .believed
            .saturating_add(millis(at.saturating_duration_since(self.at)));
        let ahead = wall.saturating_sub(expected);
        if ahead > millis(TOLERANCE) {
            let jumped = *self.jumped.get_or_insert_with(|| {
                tracing::warn!(
                    seconds = ahead / 1_000,
                    "the clock is ahead of the time at which the history was last written: nothing of it is removed for its age \
                     until the clock has stayed so for as long, or for a day"
                );
                at
            });
            let doubted = millis(at.saturating_duration_since(jumped));
            if doubted < ahead.min(millis(MOST_DOUBT)) {
                return expected;
            }
        }
        *self = Horizon::new(wall, at);
        wall
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    #[test]
    fn a_jump_ahead_is_believed_after_its_length_or_a_day() {
        let start = Instant::now();
        let after = |hours: i64| start + Duration::from_secs(u64::try_from(hours).unwrap() * 3_600);
        for (jump, believed_after) in [(2, 2), (20, 20), (24 * 365, 24)] {
            let mut horizon = Horizon::new(0, start);
            assert_eq!(horizon.time(HOUR, after(1)), HOUR, "the clock runs");
            let wall = |hours: i64| (hours + jump) * HOUR;
            for hours in 2..2 + believed_after {
                assert_eq!(
                    horizon.time(wall(hours), after(hours)),
                    hours * HOUR,
                    "{jump}: {hours}"
                );
            }
            let hours = 2 + believed_after;
            assert_eq!(horizon.time(wall(hours), after(hours)), wall(hours), "{jump}");
            assert_eq!(horizon.time(wall(hours + 1), after(hours + 1)), wall(hours + 1));
        }
    }

    #[test]
    fn a_clock_that_is_set_right_again_removes_nothing() {
        let start = Instant::now();
        let after = |hours: u64| start + Duration::from_secs(hours * 3_600);
        let mut horizon = Horizon::new(0, start);
        assert_eq!(horizon.time(1_000 * HOUR, after(1)), HOUR);
        assert_eq!(horizon.time(2 * HOUR, after(2)), 2 * HOUR);
        // The doubt begins anew with the next jump.
        for hours in 3..27_u64 {
            let hour = i64::try_from(hours).unwrap();
            assert_eq!(horizon.time((1_000 + hour) * HOUR, after(hours)), hour * HOUR);
        }
        // A clock set back is followed, and a jump of less than an hour, too.
        let mut horizon = Horizon::new(10 * HOUR, start);
        assert_eq!(horizon.time(2 * HOUR, after(0)), 2 * HOUR);
        assert_eq!(horizon.time(3 * HOUR, after(0)), 3 * HOUR);
    }
}
