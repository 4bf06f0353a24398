//! Sources and sinks kept together while both wait for the same processor.
//!
//! A sink that keeps pace gets events as their source parsed them. One that fell out of the journal's cache reads and
//! parses them again; that costs more, so it falls back further, and sinks that fell back to different places no longer
//! share anything. On a machine that is fully busy, taking in must therefore not outrun delivering: an answer waits a
//! little while a sink that could go on has many events to read before those of the request. Later events do not count,
//! so the first to send is the first to be answered.
//!
//! No destination can make a source wait: a sink that waits for its destination does not ask for more events. Answers
//! do not wait for a sink that stands still, or that is too far behind for the cache, until it has caught up.

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Lag of a sink in events for which no answer waits: a few times the events it takes at once. The events of requests
/// under way come on top, and the journal's cache has to hold all of them.
const NEAR: u64 = 256;
/// Lag of a sink in events beyond which no answer waits any more.
const FAR: u64 = 5_000;
/// Longest wait of an answer: on a crowded machine a sink takes some thousand events in that time.
const PATIENCE: Duration = Duration::from_millis(500);

/// The value of `awaited` while no answer waits.
const NONE: u64 = u64::MAX;

/// The lag of one sink, and the answers that wait for it.
#[derive(Debug)]
pub(crate) struct Backpressure {
    /// Events it has read, on the same scale as the journalled events of its ledger.
    read: AtomicU64,
    /// True while it would read more events.
    asks: AtomicBool,
    /// True if it has to catch up by itself.
    behind: AtomicBool,
    /// The least value of `read` with which an answer goes on.
    awaited: AtomicU64,
    news: Notify,
}

impl Default for Backpressure {
    fn default() -> Backpressure {
        Backpressure {
            read: 0.into(),
            asks: false.into(),
            behind: false.into(),
            awaited: NONE.into(),
            news: Notify::new(),
        }
    }
}

impl Backpressure {
    /// Sets the number of events read before.
    pub(crate) fn begin(&self, read: u64) {
        self.read.store(read, Relaxed);
    }

    /// Notes that the sink has read further events; `journalled` is the number of all of them, read or not.
    pub(crate) fn took(&self, events: u64, journalled: u64) {
        let read = self.read.fetch_add(events, SeqCst) + events;
        if journalled.saturating_sub(read) <= NEAR {
            self.behind.store(false, Relaxed);
        }
        // Sequentially consistent with the waiter, which first stores `awaited`, then loads `read`.
        if read >= self.awaited.load(SeqCst) {
            self.awaited.store(NONE, SeqCst);
            self.news.notify_waiters();
        }
    }

    /// Sets whether the sink would read more.
    pub(crate) fn asks(&self, more: bool) {
        if self.asks.swap(more, Relaxed) && !more {
            self.news.notify_waiters();
        }
    }

    /// Waits for the sink to come near the event with this number, unless the sink is too far behind.
    pub(crate) async fn wait(&self, journalled: u64) {
        let before = || journalled.saturating_sub(self.read.load(SeqCst));
        let waits = || before() > NEAR && self.asks.load(Relaxed) && !self.behind.load(Relaxed);
        if before() > FAR {
            self.behind.store(true, Relaxed);
        }
        if !waits() {
            return;
        }
        let (end, read) = (Instant::now() + PATIENCE, self.read.load(Relaxed));
        loop {
            let news = self.news.notified();
            tokio::pin!(news);
            // Registered before the check, so that no news in between is missed.
            news.as_mut().enable();
            self.awaited.fetch_min(journalled.saturating_sub(NEAR), SeqCst);
            if !waits() {
                return;
            }
            if timeout_at(end, news).await.is_err() {
                if self.read.load(Relaxed) == read {
                    self.behind.store(true, Relaxed);
                }
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn only_a_sink_that_could_go_on_is_waited_for() {
        let backpressure = Backpressure::default();
        let began = Instant::now();
        backpressure.wait(NEAR * 9).await;
        assert_eq!(began.elapsed(), Duration::ZERO, "it does not ask");
        backpressure.asks(true);
        backpressure.wait(NEAR).await;
        assert_eq!(began.elapsed(), Duration::ZERO, "it is near");
        tokio::join!(backpressure.wait(NEAR * 2), async {
            tokio::time::sleep(PATIENCE / 2).await;
            backpressure.took(NEAR, NEAR * 2);
        });
        assert_eq!(began.elapsed(), PATIENCE / 2, "it came near");
        tokio::join!(backpressure.wait(NEAR * 3), async {
            tokio::time::sleep(PATIENCE / 2).await;
            backpressure.asks(false);
        });
        assert_eq!(began.elapsed(), PATIENCE, "it has enough");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sink_that_does_not_move_is_not_waited_for_again_until_it_has_caught_up() {
        let backpressure = Backpressure::default();
        backpressure.asks(true);
        let began = Instant::now();
        backpressure.wait(NEAR * 3).await;
        assert_eq!(began.elapsed(), PATIENCE);
        backpressure.wait(NEAR * 3).await;
        assert_eq!(began.elapsed(), PATIENCE);
        backpressure.took(NEAR * 2, NEAR * 3);
        tokio::join!(backpressure.wait(NEAR * 4), async {
            tokio::time::sleep(PATIENCE / 2).await;
            backpressure.took(1, NEAR * 4);
        });
        assert_eq!(
            began.elapsed(),
            PATIENCE * 2,
            "waited for to the end, as it moved"
        );
        backpressure.wait(NEAR * 4).await;
        assert_eq!(began.elapsed(), PATIENCE * 3, "and again");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sink_far_behind_is_not_waited_for() {
        let backpressure = Backpressure::default();
        backpressure.asks(true);
        let began = Instant::now();
        backpressure.wait(FAR + 1).await;
        backpressure.wait(FAR).await;
        assert_eq!(began.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn what_others_send_meanwhile_is_not_waited_for() {
        let backpressure = Backpressure::default();
        backpressure.asks(true);
        let began = Instant::now();
        let waited = async |journalled| {
            backpressure.wait(journalled).await;
            began.elapsed()
        };
        let step = PATIENCE / 5;
        let (first, second, ()) = tokio::join!(waited(NEAR * 2), waited(NEAR * 3), async {
            for _ in 0..2 {
                tokio::time::sleep(step).await;
                backpressure.took(NEAR, NEAR * 9);
            }
        });
        assert_eq!((first, second), (step, step * 2));
    }
}
