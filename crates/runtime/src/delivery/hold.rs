//! Holding: no record is at fault, so deliveries stop until the cause has ended, and everything is kept. A probe asks a
//! refusing destination now and then.

use std::collections::BTreeMap;
use std::time::Duration;

use signalbox_core::Reason;
use tokio::time::Instant;

use crate::hold::HoldCause;

/// First and longest wait between probes while held.
const PROBE_FIRST: Duration = Duration::from_secs(5);
const PROBE_MAX: Duration = Duration::from_secs(60);

/// The causes that hold a sink, and the time on hold.
#[derive(Debug)]
pub(super) struct Holds {
    causes: BTreeMap<HoldCause, Reason>,
    /// Start of the present hold; `None` without one.
    since: Option<Instant>,
    /// Time on hold, past holds only.
    past: Duration,
    /// Time of the next probe. `None` while an answer is awaited, and without a hold that a probe could end.
    next_probe: Option<Instant>,
    /// Time from the beginning of a hold, or from a probe, to the next probe. A probe can succeed where deliveries do
    /// not, so only a delivery resets it.
    wait: Duration,
}

impl Holds {
    /// Returns the state of a sink that is not on hold.
    pub(super) fn none() -> Holds {
        Holds {
            causes: BTreeMap::new(),
            since: None,
            past: Duration::ZERO,
            next_probe: None,
            wait: PROBE_FIRST,
        }
    }

    /// Prepares the state for the next driver of the same sink. That driver asks the destination at once: an operator
    /// who retries or replays may have put things right.
    pub(super) fn taken_over(mut self, by_operator: bool) -> Holds {
        let now = Instant::now();
        self.causes.retain(|cause, _| *cause == HoldCause::Destination);
        self.next_probe = (!self.causes.is_empty()).then_some(now);
        if by_operator {
            let reason = Reason::new("on_hold", "the pipeline file says `hold = true` for this sink");
            self.causes.insert(HoldCause::Operator, reason);
        }
        self.past = Duration::ZERO;
        self.since = (!self.causes.is_empty()).then_some(now);
        self
    }

    pub(super) fn any(&self) -> bool {
        !self.causes.is_empty()
    }

    pub(super) fn next_probe(&self) -> Option<Instant> {
        self.next_probe
    }

    pub(super) fn causes(&self) -> &BTreeMap<HoldCause, Reason> {
        &self.causes
    }

    /// Begins a hold; returns false if this cause holds the sink already.
    pub(super) fn begin(&mut self, cause: HoldCause, reason: Reason) -> bool {
        if self.causes.contains_key(&cause) {
            return false;
        }
        self.since.get_or_insert_with(Instant::now);
        if cause == HoldCause::Destination {
            self.ask_later();
        }
        self.causes.insert(cause, reason);
        true
    }

    /// Ends a cause; returns false if it did not hold the sink.
    pub(super) fn end(&mut self, cause: HoldCause) -> bool {
        if self.causes.remove(&cause).is_none() {
            return false;
        }
        if cause == HoldCause::Destination {
            self.next_probe = None;
        }
        if self.causes.is_empty() {
            self.past = self.time();
            self.since = None;
        }
        true
    }

    /// Total time on hold so far.
    pub(super) fn time(&self) -> Duration {
        self.past + self.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Notes a delivery: the next hold begins with a short wait again.
    pub(super) fn delivered(&mut self) {
        self.wait = PROBE_FIRST;
    }

    /// True if it is time for a probe.
    pub(super) fn probe_is_due(&self, now: Instant) -> bool {
        self.next_probe.is_some_and(|at| at <= now)
    }

    /// True if it is time for a probe, whose answer plans the next one.
    pub(super) fn takes_probe(&mut self, now: Instant) -> bool {
        self.next_probe.take_if(|at| *at <= now).is_some()
    }

    /// Brings a planned probe forward to this moment.
    pub(super) fn ask_now(&mut self) {
        if let Some(at) = &mut self.next_probe {
            *at = Instant::now();
        }
    }

    /// Plans the next probe; each wait is twice the one before.
    pub(super) fn ask_later(&mut self) {
        self.next_probe = Some(Instant::now() + self.wait);
        self.wait = (self.wait * 2).min(PROBE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn reason() -> Reason {
        Reason::new("unauthorized", "")
    }

    #[tokio::test(start_paused = true)]
    async fn probes_ever_less_often_until_a_delivery() {
        let mut holds = Holds::none();
        for waits in [[5, 10, 20, 40, 60, 60], [5, 10, 20, 40, 60, 60]] {
            assert!(holds.begin(HoldCause::Destination, reason()));
            for wait in waits {
                let at = holds.next_probe().unwrap();
                assert_eq!(at - Instant::now(), SECOND * wait);
                assert!(!holds.takes_probe(at - SECOND) && holds.takes_probe(at));
                assert_eq!(holds.next_probe(), None, "the answer plans the next one");
                tokio::time::advance(SECOND * wait).await;
                holds.ask_later();
            }
            assert!(holds.end(HoldCause::Destination));
            assert_eq!(holds.next_probe(), None);
            holds.delivered();
        }
    }

    #[tokio::test(start_paused = true)]
    async fn counts_the_time_until_the_last_cause_has_ended() {
        let mut holds = Holds::none();
        assert!(holds.begin(HoldCause::DeadLettersFull, reason()));
        assert!(!holds.begin(HoldCause::DeadLettersFull, reason()));
        assert_eq!(holds.next_probe(), None, "a probe cannot end this hold");
        tokio::time::advance(SECOND).await;
        assert!(holds.begin(HoldCause::Destination, reason()));
        assert!(holds.end(HoldCause::DeadLettersFull) && holds.any());
        tokio::time::advance(SECOND).await;
        assert!(holds.end(HoldCause::Destination) && !holds.any());
        assert!(!holds.end(HoldCause::Destination));
        tokio::time::advance(SECOND).await;
        assert_eq!(holds.time(), SECOND * 2);
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_driver_asks_at_once_and_follows_the_file() {
        let mut holds = Holds::none();
        holds.begin(HoldCause::Destination, reason());
        holds.begin(HoldCause::DeadLettersFull, reason());
        tokio::time::advance(SECOND).await;
        let mut holds = holds.taken_over(true);
        let causes: Vec<_> = holds.causes().keys().copied().collect();
        assert_eq!(causes, [HoldCause::Operator, HoldCause::Destination]);
        assert_eq!(holds.time(), Duration::ZERO);
        assert!(holds.takes_probe(Instant::now()));
        assert!(!Holds::none().taken_over(false).any());
    }
}
