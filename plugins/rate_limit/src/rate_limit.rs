//! The transform.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use signalbox_core::{Event, Flow, Transform};

use crate::buckets::Buckets;
use crate::config::OnExceeded;
use crate::key::KeyTemplate;
use crate::line::Lines;
use crate::reject;
use crate::requests::Requests;

/// Lets events pass by a quota.
pub(crate) struct RateLimit<C: Clock + Clone = DefaultClock> {
    key: Option<KeyTemplate>,
    buckets: Buckets<C>,
    exceeded: Exceeded,
    names: RandomState,
}

/// What happens over the quota, with what must be remembered for it.
pub(crate) enum Exceeded {
    Wait(Mutex<Lines>),
    Drop,
    Refuse(Mutex<Requests>),
}

impl Exceeded {
    pub(crate) fn new(choice: OnExceeded, period: Duration, burst: u32) -> Exceeded {
        match choice {
            OnExceeded::Wait => Exceeded::Wait(Mutex::new(Lines::new(period))),
            OnExceeded::Drop => Exceeded::Drop,
            OnExceeded::Refuse => Exceeded::Refuse(Mutex::new(Requests::new(period, burst))),
        }
    }
}

impl<C: Clock + Clone> RateLimit<C> {
    pub(crate) fn new(key: Option<KeyTemplate>, buckets: Buckets<C>, exceeded: Exceeded) -> RateLimit<C> {
        RateLimit {
            key,
            buckets,
            exceeded,
            names: RandomState::new(),
        }
    }

    pub(crate) fn apply_at(&self, event: &Event, now: Instant) -> Flow {
        let key = self.key.as_ref().and_then(|key| key.of(event));
        let bucket = self.buckets.of(key);
        let take = || self.buckets.take(bucket);
        match &self.exceeded {
            Exceeded::Drop => match take() {
                Ok(()) => Flow::Pass,
                Err(_) => Flow::Filtered(reject::rate_limited()),
            },
            Exceeded::Wait(lines) => {
                let receipt = event.receipt();
                let who = self.names.hash_one((event.message_id(), receipt.received_at));
                match lock(lines).ask(bucket, who, now, take) {
                    Ok(()) => Flow::Pass,
                    Err(at) => Flow::NotBefore(at),
                }
            }
            Exceeded::Refuse(requests) => {
                match lock(requests).admit(bucket, event.receipt().received_at, now, take) {
                    Ok(()) => Flow::Pass,
                    Err(after) => Flow::Refuse { after },
                }
            }
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
    fn apply(&self, event: &mut Event) -> Flow {
        self.apply_at(event, Instant::now())
    }

    fn only_paces(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
