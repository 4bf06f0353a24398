//! Sources and sinks kept together while both wait for the same processor.
//!
//! A sink that keeps pace gets events as their source parsed them. One that fell out of the journal's cache reads and
//! parses them again; that costs more, so it falls back further, and sinks that fell back to different places no
//! longer share anything. So on a machine that is fully busy taking in must not outrun delivering: an answer waits a
//! little while a sink that could go on has many events to read before those that are answered for. What came later
//! is no reason to wait: whoever sends first is answered first.
//!
//! No destination can make a source wait by this: a sink that waits for its own does not ask for more events. A sink
//! that does not move at all, or has too many events before it to be reached in the cache, is not waited for until it
//! has caught up.

use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Events a sink may have before it, a few times what it takes at once. What requests under way bring comes on top,
/// and the journal's cache has to hold all of it.
const NEAR: u64 = 256;
/// With more it is not waited for any more.
const FAR: u64 = 5_000;
/// The longest that an answer waits: on a crowded machine a sink does some thousand events in that time.
const PATIENCE: Duration = Duration::from_millis(500);

/// What is awaited when nobody waits.
const NOBODY: u64 = u64::MAX;

/// How far one sink has read.
#[derive(Debug)]
pub(crate) struct Backpressure {
    /// Events it has read, counted as its ledger counts those that were journalled.
    read: AtomicU64,
    /// It would read more if it were there.
    asks: AtomicBool,
    /// It has to catch up by itself.
    behind: AtomicBool,
    /// The least that it has to have read for somebody to go on.
    awaited: AtomicU64,
    news: Notify,
}

impl Default for Backpressure {
    fn default() -> Backpressure {
        Backpressure {
            read: 0.into(),
            asks: false.into(),
            behind: false.into(),
            awaited: NOBODY.into(),
            news: Notify::new(),
        }
    }
}

impl Backpressure {
    /// Begins at so many.
    pub(crate) fn begin(&self, read: u64) {
        self.read.store(read, Relaxed);
    }

    /// The sink has read so many more, of all that were journalled for it.
    pub(crate) fn took(&self, events: u64, journalled: u64) {
        let read = self.read.fetch_add(events, SeqCst) + events;
        if journalled.saturating_sub(read) <= NEAR {
            self.behind.store(false, Relaxed);
        }
        // In one order with what a waiter does: it names what it awaits, then looks how far the sink is.
        if read >= self.awaited.load(SeqCst) {
            self.awaited.store(NOBODY, SeqCst);
            self.news.notify_waiters();
        }
    }

    /// Whether the sink would read more.
    pub(crate) fn asks(&self, more: bool) {
        if self.asks.swap(more, Relaxed) && !more {
            self.news.notify_waiters();
        }
    }

    /// Waits for the sink to come near the last of so many events, unless it is too far away to be waited for.
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
            // Registered before looking, so that nothing in between is missed.
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
