//! Pauses of a sink whose destination is in trouble.

use std::time::Duration;

use tokio::time::Instant;

use super::options::RetryPolicy;

/// The attempts of late, and the pause that follows from them.
#[derive(Debug)]
pub(super) struct Retry {
    policy: RetryPolicy,
    /// No attempt before then: the destination as a whole refused or is down.
    pause_until: Option<Instant>,
    /// Attempts in a row that delivered nothing.
    failures: u32,
    last_success: Option<Instant>,
}

impl Retry {
    pub(super) fn new(policy: RetryPolicy) -> Retry {
        Retry {
            policy,
            pause_until: None,
            failures: 0,
            last_success: None,
        }
    }

    /// Notes that an attempt delivered something; returns the number of failures in a row before it.
    pub(super) fn succeeded(&mut self) -> u32 {
        self.last_success = Some(Instant::now());
        std::mem::take(&mut self.failures)
    }

    /// Notes that nothing of a batch got through; returns true for the first failure in a row.
    pub(super) fn failed(&mut self) -> bool {
        self.failures = self.failures.saturating_add(1);
        self.failures == 1
    }

    /// Pauses the sink after a failure, for at least as long as the destination asked.
    pub(super) fn pause(&mut self, now: Instant, asked: Duration) {
        let wait = self.policy.backoff(self.failures).max(asked);
        self.pause_until = self.pause_until.max(Some(now + wait));
    }

    /// The end of the pause.
    pub(super) fn paused_until(&self) -> Option<Instant> {
        self.pause_until
    }

    /// Ends a pause whose time is over.
    pub(super) fn wake(&mut self, now: Instant) {
        self.pause_until = self.pause_until.filter(|at| *at > now);
    }

    /// True if anything was delivered since `moment`.
    pub(super) fn succeeded_since(&self, moment: Instant) -> bool {
        self.last_success.is_some_and(|success| success > moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_grow_with_failures_and_last_as_long_as_asked() {
        let second = Duration::from_secs(1);
        let policy = RetryPolicy {
            window: second * 600,
            initial: second,
            max: second * 60,
            maybe_duplicates: true,
        };
        let mut retry = Retry::new(policy);
        let now = Instant::now();
        assert!(retry.failed());
        retry.pause(now, Duration::ZERO);
        let first = retry.paused_until().unwrap();
        assert!(first > now && first <= now + second);
        assert!(!retry.failed());
        retry.pause(now, second * 40);
        assert_eq!(retry.paused_until(), Some(now + second * 40));
        retry.pause(now, Duration::ZERO);
        assert_eq!(
            retry.paused_until(),
            Some(now + second * 40),
            "the longest counts"
        );
        retry.wake(now + second * 39);
        assert!(retry.paused_until().is_some());
        retry.wake(now + second * 40);
        assert_eq!(retry.paused_until(), None);
        assert!(!retry.succeeded_since(now));
        tokio::time::advance(second).await;
        assert_eq!(retry.succeeded(), 2);
        assert!(retry.succeeded_since(now) && retry.failed());
    }
}
