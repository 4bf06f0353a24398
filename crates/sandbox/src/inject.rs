//! Deciding when a fault strikes.

use crate::faults::{Faults, Kind, Trigger};

#[derive(Clone, Copy, Debug, Default)]
struct Asked {
    times: u64,
    struck: u64,
}

/// The faults in force, with the state of their triggers.
#[derive(Debug)]
pub(crate) struct Injector {
    faults: Faults,
    dice: fastrand::Rng,
    asked: [Asked; Kind::ALL.len()],
}

impl Injector {
    /// Starts counting and the dice anew.
    pub(crate) fn new(faults: Faults) -> Self {
        let dice = fastrand::Rng::with_seed(faults.seed);
        Self {
            faults,
            dice,
            asked: [Asked::default(); Kind::ALL.len()],
        }
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Returns true if the fault strikes now.
    pub(crate) fn strikes(&mut self, kind: Kind) -> bool {
        let Some(Trigger {
            percent,
            every_nth,
            times,
        }) = self.faults.trigger(kind)
        else {
            return false;
        };
        let asked = &mut self.asked[kind as usize];
        asked.times += 1;
        let due = match (percent, every_nth) {
            // The dice are thrown even when `times` is used up, so that the faults after it stay as they were.
            (Some(percent), _) => self.dice.f64() * 100.0 < percent,
            (None, Some(n)) => asked.times.is_multiple_of(n),
            (None, None) => true,
        };
        let strikes = due && times.is_none_or(|times| asked.struck < times);
        asked.struck += u64::from(strikes);
        strikes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::{RateLimit, Unavailable};

    fn pattern(faults: Faults, kind: Kind, asked: usize) -> Vec<bool> {
        let mut injector = Injector::new(faults);
        (0..asked).map(|_| injector.strikes(kind)).collect()
    }

    #[test]
    fn absent_faults_never_strike() {
        assert!(!pattern(Faults::default(), Kind::RateLimit, 100).contains(&true));
    }

    #[test]
    fn every_nth_counts_from_the_first() {
        let faults = Faults {
            unavailable: Some(Unavailable::every_nth(3)),
            ..Faults::default()
        };
        assert_eq!(
            pattern(faults, Kind::Unavailable, 7),
            [false, false, true, false, false, true, false]
        );
    }

    #[test]
    fn times_bounds_every_kind_of_trigger() {
        let faults = Faults {
            unavailable: Some(Unavailable::times(2)),
            ..Faults::default()
        };
        assert_eq!(pattern(faults, Kind::Unavailable, 4), [true, true, false, false]);
        let nth = Unavailable {
            times: Some(1),
            ..Unavailable::every_nth(2)
        };
        let faults = Faults {
            unavailable: Some(nth),
            ..Faults::default()
        };
        assert_eq!(
            pattern(faults, Kind::Unavailable, 6),
            [false, true, false, false, false, false]
        );
    }

    #[test]
    fn percent_is_about_right_and_repeats_with_its_seed() {
        let faults = |seed, percent| Faults {
            seed,
            rate_limit: Some(RateLimit {
                percent: Some(percent),
                ..RateLimit::default()
            }),
            ..Faults::default()
        };
        let first = pattern(faults(1, 20.0), Kind::RateLimit, 10_000);
        let struck = first.iter().filter(|&&struck| struck).count();
        assert!((1_800..2_200).contains(&struck), "{struck}");
        assert_eq!(first, pattern(faults(1, 20.0), Kind::RateLimit, 10_000));
        assert_ne!(first, pattern(faults(2, 20.0), Kind::RateLimit, 10_000));
        assert!(!pattern(faults(1, 100.0), Kind::RateLimit, 1_000).contains(&false));
        assert!(!pattern(faults(1, 0.0), Kind::RateLimit, 1_000).contains(&true));
    }
}
