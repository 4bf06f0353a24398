//! Rates of components, from the counts at earlier looks. No one counts for them while no one looks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Counts by name.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Time over which rates are averaged.
const OVER: Duration = Duration::from_secs(120);
/// Shortest time between two samples, and under a rate.
const APART: Duration = Duration::from_secs(5);

/// The samples. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Rates(Arc<Mutex<VecDeque<(Instant, Counts)>>>);

impl Rates {
    /// Returns the rates in a minute. A name has none until an earlier sample holds it.
    pub(crate) fn read(&self, counts: &Counts) -> BTreeMap<String, f64> {
        self.at(Instant::now(), counts)
    }

    fn at(&self, now: Instant, counts: &Counts) -> BTreeMap<String, f64> {
        let mut samples = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while samples
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) > OVER)
        {
            samples.pop_front();
        }
        let first = samples.front();
        let first = first.filter(|(at, _)| now.duration_since(*at) >= APART);
        let rates = first.map(|(at, before)| {
            let minutes = now.duration_since(*at).as_secs_f64() / 60.0;
            let rate = |(name, count): (&String, &u64)| {
                // A retried dead letter may lower a count for a moment.
                let more = count.saturating_sub(*before.get(name)?);
                Some((name.clone(), more as f64 / minutes))
            };
            counts.iter().filter_map(rate).collect()
        });
        let is_due = samples
            .back()
            .is_none_or(|(at, _)| now.duration_since(*at) >= APART);
        if is_due {
            samples.push_back((now, counts.clone()));
        }
        rates.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_compare_with_the_oldest_look_of_two_minutes() {
        let (rates, start) = (Rates::default(), Instant::now());
        let look = |seconds: u64, count: u64| {
            let counts = Counts::from([("source web".to_owned(), count)]);
            let found = rates.at(start + Duration::from_secs(seconds), &counts);
            found.get("source web").copied()
        };
        assert_eq!(look(0, 100), None, "nothing to compare with");
        assert_eq!(look(1, 101), None, "too early");
        assert_eq!(look(60, 160), Some(60.0));
        assert_eq!(look(120, 100), Some(0.0));
        // The first sample is too old by now.
        assert_eq!(look(180, 280), Some(60.0));
        assert_eq!(look(1_000, 5_000), None, "every sample is too old");
        assert_eq!(look(1_010, 5_010), Some(60.0));
    }
}
