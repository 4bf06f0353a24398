//! Refusing whole requests.
//!
//! A request is let in or refused at its first event: refusing it at the hundredth would waste the tokens of the
//! ninety-nine before, and a request larger than the burst would be refused for ever. What a request takes beyond
//! the bucket is a debt, and until the time in which so many tokens would have come has passed, further requests are
//! refused. Over time no more than the quota passes.
//!
//! Transforms see events one by one. Those of one request are looked at one after the other on one thread and arrived
//! in the same millisecond, which is how they are known here. Two requests of one thread and millisecond count as one;
//! the debt makes up for it.

use std::collections::{HashMap, HashSet};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use crate::buckets::BucketId;
use crate::line::later;

/// Threads remembered at once; more than any runtime has.
const MAX_THREADS: usize = 256;
/// Debts that are paid are looked for when there are this many.
const MANY: usize = 1024;

/// Which requests were let in, and what they owe.
#[derive(Debug)]
pub(crate) struct Requests {
    period: Duration,
    burst: u32,
    debts: HashMap<BucketId, Debt>,
    sweep_at: usize,
    current: Vec<Request>,
}

#[derive(Debug, Clone, Copy)]
struct Debt {
    /// When as many tokens as were taken too much would have come back.
    paid_at: Instant,
    tokens: u32,
}

/// The request whose events a thread is looking at.
#[derive(Debug)]
struct Request {
    thread: ThreadId,
    received_at: i64,
    /// The buckets it was let in by.
    admitted: HashSet<BucketId>,
}

impl Requests {
    pub(crate) fn new(period: Duration, burst: u32) -> Requests {
        Requests {
            period,
            burst,
            debts: HashMap::new(),
            sweep_at: MANY,
            current: Vec::new(),
        }
    }

    /// Lets an event in, or tells when its request may come again.
    pub(crate) fn admit(
        &mut self,
        bucket: BucketId,
        received_at: i64,
        now: Instant,
        mut take: impl FnMut() -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        let period = self.period;
        if self.request(received_at).admitted.contains(&bucket) {
            match self.debts.get_mut(&bucket) {
                Some(debt) if debt.paid_at > now => {
                    debt.paid_at = later(debt.paid_at, period);
                    debt.tokens = debt.tokens.saturating_add(1);
                }
                _ => {
                    self.settle(bucket, now, &mut take);
                    if let Err(wait) = take() {
                        self.owe(bucket, later(now, wait), now);
                    }
                }
            }
            return Ok(());
        }
        if let Some(debt) = self.debts.get(&bucket)
            && debt.paid_at > now
        {
            return Err((debt.paid_at - now).saturating_add(period));
        }
        self.settle(bucket, now, &mut take);
        take()?;
        self.request(received_at).admitted.insert(bucket);
        Ok(())
    }

    /// The request this thread is looking at; a new one if it arrived at another time than the last.
    fn request(&mut self, received_at: i64) -> &mut Request {
        let thread = thread::current().id();
        let at = match self.current.iter().position(|request| request.thread == thread) {
            Some(at) => at,
            None => {
                if self.current.len() >= MAX_THREADS {
                    self.current.remove(0);
                }
                self.current.push(Request {
                    thread,
                    received_at,
                    admitted: HashSet::new(),
                });
                self.current.len() - 1
            }
        };
        let request = &mut self.current[at];
        if request.received_at != received_at {
            request.received_at = received_at;
            request.admitted.clear();
        }
        request
    }

    /// A debt that time has paid: the tokens that came meanwhile are not there for others, but those since then are.
    fn settle(&mut self, bucket: BucketId, now: Instant, take: &mut impl FnMut() -> Result<(), Duration>) {
        let Some(debt) = self.debts.remove(&bucket) else {
            return;
        };
        for _ in 0..self.spoken_for(&debt, now) {
            if take().is_err() {
                break;
            }
        }
    }

    /// How many tokens in the bucket belong to a paid debt; none when the bucket has had time to fill up since.
    fn spoken_for(&self, debt: &Debt, now: Instant) -> u64 {
        let since = now.saturating_duration_since(debt.paid_at).as_nanos() / self.period.as_nanos().max(1);
        let (since, burst) = (u64::try_from(since).unwrap_or(u64::MAX), u64::from(self.burst));
        let held = burst.min(since.saturating_add(u64::from(debt.tokens)));
        held - burst.min(since)
    }

    fn owe(&mut self, bucket: BucketId, paid_at: Instant, now: Instant) {
        self.debts.insert(bucket, Debt { paid_at, tokens: 1 });
        if self.debts.len() >= self.sweep_at {
            let mut debts = std::mem::take(&mut self.debts);
            debts.retain(|_, debt| debt.paid_at > now || self.spoken_for(debt, now) > 0);
            self.sweep_at = MANY.max(debts.len() * 2);
            self.debts = debts;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIOD: Duration = Duration::from_millis(10);

    #[test]
    fn paid_debts_are_forgotten() {
        let mut requests = Requests::new(PERIOD, 1);
        let mut now = Instant::now();
        for key in 0..20_000 {
            // One event within the quota, one beyond it.
            let mut tokens = 1;
            let mut take = || {
                let left = tokens;
                tokens = 0;
                if left > 0 { Ok(()) } else { Err(PERIOD) }
            };
            for _ in 0..2 {
                assert_eq!(requests.admit(key, key as i64, now, &mut take), Ok(()));
            }
            now += PERIOD;
        }
        assert!(requests.debts.len() <= MANY, "{}", requests.debts.len());
    }

    #[test]
    fn threads_have_requests_of_their_own() {
        let requests = std::sync::Mutex::new(Requests::new(PERIOD, 1));
        let now = Instant::now();
        let admit = |received_at, token: bool| {
            let take = || if token { Ok(()) } else { Err(PERIOD) };
            requests.lock().unwrap().admit(0, received_at, now, take)
        };
        assert_eq!(admit(1, true), Ok(()));
        // Another request on another thread comes in between, and is refused.
        let other = thread::scope(|scope| scope.spawn(|| admit(2, false)).join().unwrap());
        assert_eq!(other, Err(PERIOD));
        assert_eq!(admit(1, false), Ok(()), "the first goes on");
        assert_eq!(admit(3, false), Err(2 * PERIOD), "one owed, one to come");
    }
}
