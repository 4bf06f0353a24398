//! The transform.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use signalbox_core::limiter::Quota;
use signalbox_core::{Event, Flow, Transform};

use crate::buckets::Buckets;
use crate::debts::Debts;
use crate::key::KeyTemplate;
use crate::line::Lines;
use crate::options::OnExceeded;
use crate::reasons;

/// Lets events pass by a quota.
pub(crate) struct RateLimit<C: Clock + Clone = DefaultClock> {
    key: Option<KeyTemplate>,
    exceeded: Exceeded<C>,
    names: RandomState,
}

/// The action on an event over the quota, with the state it needs.
enum Exceeded<C: Clock + Clone> {
    Wait(Buckets<C>, Mutex<Lines>),
    Drop(Buckets<C>),
    Refuse(Mutex<Debts>),
}

impl<C: Clock + Clone> RateLimit<C> {
    pub(crate) fn new(
        key: Option<KeyTemplate>,
        choice: OnExceeded,
        quota: Quota,
        max_keys: usize,
        clock: C,
    ) -> RateLimit<C> {
        let buckets = || match key {
            None => Buckets::one(quota, clock),
            Some(_) => Buckets::per_key(quota, max_keys, clock),
        };
        let exceeded = match choice {
            OnExceeded::Wait => Exceeded::Wait(buckets(), Mutex::new(Lines::new(quota.period()))),
            OnExceeded::Drop => Exceeded::Drop(buckets()),
            OnExceeded::Refuse => Exceeded::Refuse(Mutex::new(Debts::new(quota, max_keys))),
        };
        RateLimit {
            key,
            exceeded,
            names: RandomState::new(),
        }
    }

    fn key(&self, event: &Event) -> Option<u64> {
        self.key.as_ref().and_then(|key| key.of(event))
    }

    fn admit_at(&self, request: &mut dyn Iterator<Item = &Event>, now: Instant) -> Result<(), Duration> {
        match &self.exceeded {
            Exceeded::Refuse(debts) => lock(debts).admit(request.map(|event| self.key(event)), now),
            Exceeded::Wait(..) | Exceeded::Drop(_) => Ok(()),
        }
    }

    fn apply_at(&self, event: &Event, now: Instant) -> Flow {
        match &self.exceeded {
            Exceeded::Drop(buckets) => match buckets.take(buckets.of(self.key(event))) {
                Ok(()) => Flow::Pass,
                Err(_) => Flow::Filtered(reasons::rate_limited()),
            },
            Exceeded::Wait(buckets, lines) => {
                let bucket = buckets.of(self.key(event));
                let who = self
                    .names
                    .hash_one((event.message_id(), event.receipt().received_at));
                match lock(lines).ask(bucket, who, now, || buckets.take(bucket)) {
                    Ok(()) => Flow::Pass,
                    Err(at) => Flow::NotBefore(at),
                }
            }
            // The request has been let in already.
            Exceeded::Refuse(_) => Flow::Pass,
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<C> Transform for RateLimit<C>
where
    C: Clock + Clone + Send + Sync,
    C::Instant: Send + Sync,
{
    fn admit(&self, request: &mut dyn Iterator<Item = &Event>) -> Result<(), Duration> {
        self.admit_at(request, Instant::now())
    }

    fn apply(&self, event: &mut Event) -> Flow {
        self.apply_at(event, Instant::now())
    }

    fn only_paces(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
