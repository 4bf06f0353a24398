//! The share of rejected events within the last minutes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::facts::{Facts, SinkFacts};

/// The time over which the share is taken.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Events of a sink within the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) rejected: u64,
    pub(super) journalled: u64,
}

impl Share {
    /// Returns true if at least one event was rejected, and more than this share of the journalled ones.
    pub(super) fn exceeds(self, limit: f64) -> bool {
        // Counts of 15 minutes are exact in an f64.
        self.rejected > 0 && self.rejected as f64 > limit * self.journalled as f64
    }
}

/// The counts of each sink at the moments of the window.
#[derive(Debug, Default)]
pub(super) struct Shares(BTreeMap<Arc<str>, VecDeque<(Instant, Share)>>);

impl Shares {
    /// Notes the counts of a moment.
    pub(super) fn note(&mut self, facts: &Facts, now: Instant) {
        self.0
            .retain(|name, _| facts.sinks.iter().any(|sink| sink.name == *name));
        for SinkFacts {
            name,
            rejected,
            journalled,
            ..
        } in &facts.sinks
        {
            let noted = self.0.entry(name.clone()).or_default();
            let counts = Share {
                rejected: *rejected,
                journalled: *journalled,
            };
            // The sink has been replaced by another of its name.
            if noted
                .back()
                .is_some_and(|(_, last)| last.journalled > *journalled)
            {
                noted.clear();
            }
            noted.push_back((now, counts));
            // The first one is as old as the window, or the oldest there is.
            while noted
                .get(1)
                .is_some_and(|(at, _)| now.duration_since(*at) >= WINDOW)
            {
                noted.pop_front();
            }
        }
    }

    /// Returns the events of the window.
    pub(super) fn of(&self, sink: &str) -> Share {
        let noted = self.0.get(sink);
        let ends = noted.and_then(|noted| Some((noted.front()?.1, noted.back()?.1)));
        let (first, last) = ends.unwrap_or_default();
        Share {
            rejected: last.rejected.saturating_sub(first.rejected),
            journalled: last.journalled.saturating_sub(first.journalled),
        }
    }
}
