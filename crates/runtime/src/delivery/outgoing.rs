//! Records that wait to be sent, and the rules that say when the next batch goes.

use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{Framing, Reason};
use tokio::time::Instant;

use super::batching::Ready;
use super::gate::{Blocked, Gate};
use super::hold::Holds;
use super::isolate::Episodes;
use super::item::{Due, Group, Item};
use super::options::SinkOptions;
use super::retry::Retry;
use super::trail;
use crate::hold::HoldCause;
use crate::ledger::SinkLedger;

/// The records of one sink between being made and being sent.
pub(super) struct Outgoing {
    options: Arc<SinkOptions>,
    ledger: Arc<SinkLedger>,
    pub(super) ready: Ready,
    /// Groups that go before `ready`, as they are.
    pub(super) groups: VecDeque<Group>,
    /// Groups that wait for their next attempt.
    delayed: BinaryHeap<Due<Group>>,
    pub(super) episodes: Episodes,
    pub(super) retry: Retry,
    pub(super) gate: Gate,
    pub(super) holds: Holds,
}

impl Outgoing {
    pub(super) fn new(
        options: Arc<SinkOptions>,
        ledger: Arc<SinkLedger>,
        framing: Framing,
        gate: Gate,
        holds: Holds,
    ) -> Outgoing {
        for (cause, reason) in holds.causes() {
            tracing::warn!(
                sink = %options.name,
                cause = cause.code(),
                reason = reason.code(),
                "starts on hold: {}",
                reason.message()
            );
        }
        ledger.held.replace(holds.causes().clone());
        Outgoing {
            ready: Ready::new(options.batch, framing),
            groups: VecDeque::new(),
            delayed: BinaryHeap::new(),
            episodes: Episodes::default(),
            retry: Retry::new(options.retry),
            gate,
            holds,
            options,
            ledger,
        }
    }

    /// Puts records back to the front, where the oldest stand.
    pub(super) fn put_back(&mut self, items: Vec<Item>) {
        for item in items.into_iter().rev() {
            self.ready.push_front(item);
        }
    }

    /// Keeps a group until `at`; a group that stays apart then goes as it is, the records of others join a batch.
    pub(super) fn delay(&mut self, at: Instant, what: Group) {
        self.delayed.push(Due { at, what });
    }

    /// Drops the records for which `keep` returns false, wherever they wait.
    pub(super) fn retain(&mut self, mut keep: impl FnMut(&Item) -> bool) {
        self.ready.retain(&mut keep);
        self.episodes.retain(&mut keep);
        for group in &mut self.groups {
            group.items.retain(&mut keep);
        }
        let mut delayed = std::mem::take(&mut self.delayed).into_vec();
        for due in &mut delayed {
            due.what.items.retain(&mut keep);
        }
        self.delayed = delayed.into();
    }

    /// Ends pauses that are over and moves groups that are due.
    pub(super) fn wake(&mut self, now: Instant) {
        self.retry.wake(now);
        self.gate.wake(now);
        while let Some(group) = Due::pop(&mut self.delayed, now) {
            if group.apart {
                self.groups.push_back(group);
            } else {
                self.put_back(group.items);
            }
        }
    }

    /// Returns the next moment at which [`Outgoing::wake`] or [`Outgoing::next`] has something to do, with `under_way`
    /// batches on their way.
    pub(super) fn wake_at(&self, under_way: usize) -> Option<Instant> {
        if self.holds.any() {
            let probe = self.holds.next_probe().filter(|_| !self.gate.is_awaited());
            return probe.map(|at| self.gate.closed_until().map_or(at, |open| open.max(at)));
        }
        let delayed = self.delayed.peek().map(|due| due.at);
        if under_way >= self.options.requests.concurrency || self.gate.is_awaited() {
            return delayed;
        }
        let blocked = self.retry.paused_until().max(self.gate.closed_until());
        let next = if !self.groups.is_empty() || self.ready.is_full() {
            blocked
        } else {
            self.ready
                .due()
                .map(|due| blocked.map_or(due, |blocked| blocked.max(due)))
        };
        delayed.into_iter().chain(next).min()
    }

    /// Takes the next group that may go now, with `under_way` batches on their way. `at_end` means that no more events
    /// come to fill it up; `may_launch` has the last word when one is due.
    pub(super) fn next(
        &mut self,
        now: Instant,
        under_way: usize,
        at_end: bool,
        may_launch: impl FnOnce() -> bool,
    ) -> Option<Group> {
        if self.holds.any()
            || self.retry.paused_until().is_some()
            || under_way >= self.options.requests.concurrency
        {
            // A due probe keeps its turn.
            if !self.holds.probe_is_due(now) {
                self.gate.step_back();
            }
            return None;
        }
        if self.gate.closed_until().is_some() {
            return None;
        }
        let due = self.ready.is_full()
            || self.ready.due().is_some_and(|at| at <= now)
            || at_end && !self.ready.is_empty();
        if self.groups.is_empty() && !due {
            self.gate.step_back();
            return None;
        }
        if !may_launch() {
            return None;
        }
        let passes = self.passes(now);
        passes.then(|| self.groups.pop_front().unwrap_or_else(|| self.ready.cut()))
    }

    /// Returns true if a probe is due and may go; `may_launch` has the last word. A probe is a call like any other, so it
    /// counts against the limit.
    pub(super) fn takes_probe(&mut self, now: Instant, may_launch: impl FnOnce() -> bool) -> bool {
        self.holds.probe_is_due(now)
            && self.gate.closed_until().is_none()
            && may_launch()
            && self.passes(now)
            && self.holds.takes_probe(now)
    }

    /// Takes a call from the rate limit; returns false if there is none to take.
    fn passes(&mut self, now: Instant) -> bool {
        let passed = self.gate.pass(now);
        if let Err(Blocked::For(wait)) = passed {
            trail::blocked(&self.options.name, wait);
        }
        passed.is_ok()
    }

    /// Total time on hold so far.
    pub(super) fn held_for(&self) -> Duration {
        self.holds.time()
    }

    /// Pauses deliveries until the cause has ended.
    pub(super) fn hold(&mut self, cause: HoldCause, reason: Reason) {
        if !self.holds.begin(cause, reason.clone()) {
            return;
        }
        tracing::error!(
            sink = %self.options.name,
            cause = cause.code(),
            reason = reason.code(),
            "deliveries are on hold, nothing is lost: {}",
            reason.message()
        );
        self.ledger.held.begin(cause, reason);
    }

    /// Ends a cause; deliveries go on if it was the last.
    pub(super) fn release(&mut self, cause: HoldCause) {
        if !self.holds.end(cause) {
            return;
        }
        self.ledger.held.end(cause);
        if cause == HoldCause::Destination {
            self.episodes.forget_streak();
        }
        match self.holds.causes().first_key_value() {
            None => tracing::info!(sink = %self.options.name, cause = cause.code(), "deliveries go on"),
            Some((other, reason)) => tracing::info!(
                sink = %self.options.name,
                cause = cause.code(),
                "a hold has ended, another goes on ({}): {}",
                other.code(),
                reason.message()
            ),
        }
    }

    /// Notes that the destination accepted records: failures and a hold by it have ended.
    pub(super) fn accepted(&mut self) {
        let failures = self.retry.succeeded();
        if failures > 0 {
            tracing::info!(
                sink = %self.options.name,
                "deliveries work again after {failures} attempts in vain"
            );
        }
        self.holds.delivered();
        self.release(HoldCause::Destination);
    }

    /// Takes the answer of a probe.
    pub(super) fn probed(&mut self, result: Result<(), Reason>) {
        if !self.holds.causes().contains_key(&HoldCause::Destination) {
            return;
        }
        match result {
            Ok(()) => self.release(HoldCause::Destination),
            Err(reason) => {
                self.holds.ask_later();
                tracing::warn!(
                    sink = %self.options.name,
                    reason = reason.code(),
                    "still on hold: {}",
                    reason.message()
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use signalbox_core::Record;

    use super::*;
    use crate::rate_group::RateGroup;

    const SECOND: Duration = Duration::from_secs(1);

    fn item(position: u64) -> Item {
        Item {
            record: Arc::new(Record::new("m", "")),
            event: None,
            claim: None,
            position,
            happened_at: 0,
            attempts: 0,
            tries: Vec::new(),
            draft: None,
            first: None,
            last_attempt: None,
            ready_since: Instant::now(),
        }
    }

    fn group(position: u64, apart: bool) -> Group {
        Group {
            items: vec![item(position)],
            apart,
            ..Group::default()
        }
    }

    /// Makes batches of two records, which wait for a second; two requests may be under way.
    fn outgoing() -> Outgoing {
        let mut options = SinkOptions::without_destination("sink");
        options.batch.max_events = 2;
        options.batch.max_bytes = 100;
        options.batch.max_wait = SECOND;
        options.requests.concurrency = 2;
        let gate = Gate::of(Arc::new(RateGroup::default()));
        Outgoing::new(
            Arc::new(options),
            Arc::default(),
            Framing::default(),
            gate,
            Holds::none(),
        )
    }

    /// Positions of the next group, if one may go.
    fn next(outgoing: &mut Outgoing, under_way: usize, at_end: bool) -> Option<Vec<u64>> {
        let now = Instant::now();
        outgoing.wake(now);
        let group = outgoing.next(now, under_way, at_end, || true)?;
        Some(group.items.iter().map(|item| item.position).collect())
    }

    #[tokio::test(start_paused = true)]
    async fn a_batch_goes_when_it_is_full_or_old_or_the_last() {
        let mut outgoing = outgoing();
        outgoing.ready.push_back(item(1));
        assert_eq!(next(&mut outgoing, 0, false), None);
        assert_eq!(outgoing.wake_at(0), Some(Instant::now() + SECOND));
        assert_eq!(next(&mut outgoing, 0, true), Some(vec![1]), "the last");
        outgoing.ready.push_back(item(2));
        tokio::time::advance(SECOND).await;
        assert_eq!(next(&mut outgoing, 2, false), None, "two are under way");
        assert_eq!(outgoing.wake_at(2), None);
        assert_eq!(next(&mut outgoing, 1, false), Some(vec![2]), "old");
        (3..=5).for_each(|position| outgoing.ready.push_back(item(position)));
        assert!(outgoing.next(Instant::now(), 0, false, || false).is_none());
        assert_eq!(next(&mut outgoing, 0, false), Some(vec![3, 4]), "full");
        assert_eq!(next(&mut outgoing, 0, false), None);
    }

    #[tokio::test(start_paused = true)]
    async fn delayed_groups_come_back_as_they_are_or_join_a_batch() {
        let mut outgoing = outgoing();
        let now = Instant::now();
        outgoing.delay(now + SECOND * 2, group(1, true));
        outgoing.delay(now + SECOND, group(2, false));
        assert_eq!(outgoing.wake_at(0), Some(now + SECOND));
        tokio::time::advance(SECOND * 2).await;
        assert_eq!(next(&mut outgoing, 0, false), Some(vec![1]), "apart goes first");
        assert_eq!(next(&mut outgoing, 0, true), Some(vec![2]));
        outgoing.delay(now, group(3, true));
        outgoing.ready.push_back(item(4));
        outgoing.retain(|item| item.position == 4);
        outgoing.wake(Instant::now());
        assert!(outgoing.groups[0].items.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_goes_during_a_pause_or_on_hold() {
        let mut outgoing = outgoing();
        outgoing.put_back(vec![item(1), item(2)]);
        outgoing.retry.failed();
        outgoing.retry.pause(Instant::now(), SECOND * 5);
        assert_eq!(next(&mut outgoing, 0, true), None);
        assert_eq!(outgoing.wake_at(0), Some(Instant::now() + SECOND * 5));
        outgoing.hold(HoldCause::Destination, Reason::new("unauthorized", ""));
        tokio::time::advance(SECOND * 5).await;
        assert_eq!(next(&mut outgoing, 0, true), None);
        assert_eq!(outgoing.wake_at(0), outgoing.holds.next_probe());
        assert_eq!(outgoing.ledger.held.total(), 1);
        outgoing.probed(Err(Reason::new("unauthorized", "")));
        assert!(outgoing.holds.any());
        outgoing.probed(Ok(()));
        assert!(!outgoing.holds.any() && outgoing.ledger.held.first().is_none());
        assert_eq!(next(&mut outgoing, 0, true), Some(vec![1, 2]));
    }
}
