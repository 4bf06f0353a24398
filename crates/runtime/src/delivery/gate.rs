//! The rate gate of a sink: its place among the sinks that share a limit.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tokio::sync::OwnedMutexGuard;

use crate::rate_group::RateGroup;

/// Lets one call of the sink through at a time; after each, the next waiting sink of the group has its turn.
pub(super) struct Gate {
    group: Arc<RateGroup>,
    turn: Turn,
}

/// The sink's place in the queue. Each call is one turn.
enum Turn {
    None,
    Awaited(BoxFuture<'static, OwnedMutexGuard<()>>),
    Mine(#[expect(dead_code, reason = "others wait until it is dropped")] OwnedMutexGuard<()>),
}

/// The reasons why a call must wait.
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
        }
    }

    pub(super) fn group(&self) -> Arc<RateGroup> {
        self.group.clone()
    }

    /// Takes a call. While the limit is used up the sink keeps its turn; a sink that no longer needs it must [step
    /// back](Gate::step_back).
    pub(super) fn pass(&mut self) -> Result<(), Blocked> {
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
        self.group.take().map_err(Blocked::For)?;
        self.step_back();
        Ok(())
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
