//! The rate gate of a sink: its place among the sinks that share a limit.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use crate::rate_group::RateGroup;

/// Lets one call of the sink through at a time; after each, the next waiting sink of the group has its turn.
pub(super) struct Gate {
    group: Arc<RateGroup>,
    turn: Turn,
    /// No call before then, since the limit is used up.
    until: Option<Instant>,
}

/// The sink's place in the queue. Each call is one turn.
enum Turn {
    None,
    Awaited(BoxFuture<'static, OwnedMutexGuard<()>>),
    Mine(#[expect(dead_code, reason = "others wait until it is dropped")] OwnedMutexGuard<()>),
}

/// The reasons why a call must wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Blocked {
    /// Another sink has its turn; see [`Gate::turn_comes`].
    NotMyTurn,
    /// The limit is used up for this long.
    For(Duration),
}

impl Gate {
    pub(super) fn of(group: Arc<RateGroup>) -> Gate {
        Gate {
            group,
            turn: Turn::None,
            until: None,
        }
    }

    pub(super) fn group(&self) -> Arc<RateGroup> {
        self.group.clone()
    }

    /// Takes a call. While the limit is used up the sink keeps its turn; a sink that no longer needs it must [step
    /// back](Gate::step_back).
    pub(super) fn pass(&mut self, now: Instant) -> Result<(), Blocked> {
        if !self.group.is_limited() {
            return Ok(());
        }
        if let Turn::None = self.turn {
            self.turn = match self.group.turn().clone().try_lock_owned() {
                Ok(mine) => Turn::Mine(mine),
                Err(_) => Turn::Awaited(self.group.turn().clone().lock_owned().boxed()),
            };
        }
        if self.is_awaited() {
            return Err(Blocked::NotMyTurn);
        }
        self.group.take().map_err(|wait| {
            // A wait shorter than the timer's resolution would make the loop spin.
            self.until = Some(now + wait.max(Duration::from_millis(1)));
            Blocked::For(wait)
        })?;
        self.step_back();
        Ok(())
    }

    /// The time until which the limit is used up.
    pub(super) fn closed_until(&self) -> Option<Instant> {
        self.until
    }

    /// Opens the gate once the limit has room again.
    pub(super) fn wake(&mut self, now: Instant) {
        self.until = self.until.filter(|at| *at > now);
    }

    /// Lets others go first.
    pub(super) fn step_back(&mut self) {
        self.turn = Turn::None;
    }

    /// True while other sinks have their turn and this one waits for its own.
    pub(super) fn is_awaited(&self) -> bool {
        matches!(self.turn, Turn::Awaited(_))
    }

    /// Returns when the awaited turn has come; never if none is awaited. Cancel safe.
    pub(super) async fn turn_comes(&mut self) {
        match &mut self.turn {
            Turn::Awaited(coming) => self.turn = Turn::Mine(coming.await),
            Turn::None | Turn::Mine(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use signalbox_core::limiter::Quota;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn sinks_of_a_group_take_turns_and_wait_while_the_limit_is_used_up() {
        let quota = Quota::per_minute(NonZeroU32::new(10).unwrap());
        let group = Arc::new(RateGroup::full(Some(quota)));
        let (mut one, mut other) = (Gate::of(group.clone()), Gate::of(group));
        let now = Instant::now();
        assert_eq!(one.pass(now), Ok(()));
        let Err(Blocked::For(wait)) = one.pass(now) else {
            panic!("the burst is one call");
        };
        assert_eq!(one.closed_until(), Some(now + wait));
        assert_eq!(
            other.pass(now),
            Err(Blocked::NotMyTurn),
            "the first sink keeps its turn"
        );
        one.step_back();
        other.turn_comes().await;
        tokio::time::advance(wait).await;
        assert_eq!(other.pass(now + wait), Ok(()));
        one.wake(now + wait);
        assert_eq!(one.closed_until(), None);
        assert!(matches!(one.pass(now + wait), Err(Blocked::For(_))));
    }
}
