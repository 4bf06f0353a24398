//! The rules of one lease, without a network and without a clock. The driver gives the machine the answers to reads
//! and writes, and does the step that the machine asks for.
//!
//! No two routers compare clocks. A holder that wrote the key at `sent` (its own clock, before it sent the write) holds
//! until `sent` + 0.8 TTL. A candidate counts from the moment at which it *received* a revision, which is later than that
//! revision's `sent`, and waits a whole TTL. Its compare-and-swap succeeds only if the holder has not written since. So
//! the holder has stopped for at least 0.2 TTL when the next one begins, as long as the two clocks run at the same speed
//! within 20 %.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::nats::cluster::Holder;

/// The pauses between reads after a sign that the key changes. The sign arrives before the change does.
const SOON: [Duration; 3] = [
    Duration::from_millis(25),
    Duration::from_millis(75),
    Duration::from_millis(200),
];

/// The pause after a request without an answer. It doubles up to the longest one, or an eighth of the TTL: a lease should be
/// renewed soon after its stream has a leader again.
const PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(400);

/// The content of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Seen {
    /// The revision; 0 if the key was never written.
    pub revision: u64,
    /// The process that holds the lease; `None` if it is free.
    pub holder: Option<Holder>,
}

/// The outcome of a compare-and-swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Written {
    /// Written, with this revision.
    As(u64),
    /// The key has another revision, and keeps it.
    Conflict,
    /// No answer, or one that does not say: it may have been written, or may still be.
    Unknown,
}

/// The next step of the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Reads the key from the stream's leader, and calls [`Lease::read`].
    Read,
    /// Writes the key if it has the revision `expected`, and calls [`Lease::written`].
    Write {
        /// The revision that the key must have.
        expected: u64,
        /// True: this process holds the lease. False: the lease is free.
        hold: bool,
    },
    /// Waits until this moment, or until something happens.
    Wait(Instant),
}

/// The time for which a write gives the right to work, as a part of the TTL.
fn held_for(ttl: Duration) -> Duration {
    ttl * 4 / 5
}

/// The interval at which a holder writes. At least 0.675 TTL are left when the stream loses its leader: servers elect another
/// within 4 to 7 s, and a lease of 10 s outlives that.
fn renewed_after(ttl: Duration) -> Duration {
    ttl / 8
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum State {
    /// The content of the key is unknown.
    Unread,
    /// Another router holds it, or it is free.
    Watching {
        seen: Seen,
        /// The moment at which this revision was received first.
        since: Instant,
        read_at: Instant,
        /// The moment before which the lease is not taken: the holder, too, had no leader to renew it at, or this router has
        /// given the lease back.
        not_due: Option<Instant>,
        /// Reads that follow soon, until the revision changes.
        soon: usize,
    },
    /// Held until a moment.
    Held {
        revision: u64,
        until: Instant,
        renew_at: Instant,
        /// False if the key may have another revision: by an own write whose answer was lost, or by another holder.
        sure: bool,
    },
    /// Given up; the key is still to be emptied.
    Freeing { revision: u64, sure: bool },
}

/// One lease, as one router sees it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Lease {
    own: Holder,
    /// The ids of processes of this router that are known to have ended.
    ended: Arc<[Arc<str>]>,
    ttl: Duration,
    state: State,
    /// True if no router had ever held the lease when this process took it.
    first: bool,
    failures: u32,
    /// The moment before which no request is sent.
    not_before: Option<Instant>,
    /// The send time of the write under way.
    sent: Option<Instant>,
}

impl Lease {
    /// Creates a lease about which nothing is known.
    pub(crate) fn new(own: Holder, ended: Arc<[Arc<str>]>, ttl: Duration) -> Lease {
        Lease {
            own,
            ended,
            ttl,
            state: State::Unread,
            first: false,
            failures: 0,
            not_before: None,
            sent: None,
        }
    }

    /// Returns the moment at which the right ends unless it is renewed; `None` if it is not held.
    pub(crate) fn until(&self) -> Option<Instant> {
        match self.state {
            State::Held { until, .. } => Some(until),
            _ => None,
        }
    }

    /// True if this process holds the lease.
    pub(crate) fn holds(&self, now: Instant) -> bool {
        self.until().is_some_and(|until| now < until)
    }

    /// True if no router had ever held the lease when this process took it.
    pub(crate) fn first(&self) -> bool {
        self.first
    }

    /// Returns the other router that holds the lease, or held it last without freeing it.
    pub(crate) fn other(&self) -> Option<&Holder> {
        match &self.state {
            State::Watching { seen, .. } => seen.holder.as_ref(),
            _ => None,
        }
    }

    /// True while the key is still to be emptied.
    pub(crate) fn is_freeing(&self) -> bool {
        matches!(self.state, State::Freeing { .. })
    }

    /// Gives the lease up. The holder's work has ended.
    pub(crate) fn free(&mut self) {
        if let State::Held { revision, sure, .. } = self.state {
            self.state = State::Freeing { revision, sure };
            self.not_before = None;
        }
    }

    /// Forgets the key's content, which was not followed for a while.
    pub(crate) fn forget(&mut self) {
        if let State::Watching { .. } = self.state {
            self.state = State::Unread;
        }
    }

    /// Notes a sign that the key changes.
    pub(crate) fn hint(&mut self, now: Instant) {
        if let State::Watching { read_at, soon, .. } = &mut self.state {
            *soon = 0;
            *read_at = (*read_at).min(now + SOON[0]);
        }
    }

    /// Returns the next step. A router that is not `preferred` leaves the lease to others for one TTL more.
    pub(crate) fn step(&mut self, now: Instant, preferred: bool) -> Step {
        if let State::Held { until, .. } = self.state
            && now >= until
        {
            self.state = State::Unread;
        }
        if let Some(later) = self.not_before
            && now < later
        {
            return Step::Wait(self.until().map_or(later, |until| later.min(until)));
        }
        match &self.state {
            State::Unread | State::Held { sure: false, .. } | State::Freeing { sure: false, .. } => {
                Step::Read
            }
            State::Freeing { revision, .. } => self.write(now, *revision, false),
            State::Held {
                revision,
                renew_at,
                until,
                ..
            } => {
                if now >= *renew_at {
                    self.write(now, *revision, true)
                } else {
                    Step::Wait((*renew_at).min(*until))
                }
            }
            // After requests without an answer the holder may have renewed.
            State::Watching { .. } if self.failures > 0 => Step::Read,
            State::Watching {
                seen,
                since,
                read_at,
                not_due,
                ..
            } => {
                let holder = seen.holder.as_ref();
                let due = *since + self.patience(holder, preferred);
                let own = holder.is_some_and(|holder| self.is_own(holder));
                let due = not_due.filter(|_| !own).map_or(due, |later| due.max(later));
                if now >= due {
                    self.write(now, seen.revision, true)
                } else if now >= *read_at {
                    Step::Read
                } else {
                    Step::Wait(due.min(*read_at))
                }
            }
        }
    }

    /// The time for which a revision must have stood unchanged.
    fn patience(&self, holder: Option<&Holder>, preferred: bool) -> Duration {
        let alive = match holder {
            Some(holder) if self.is_own(holder) => return Duration::ZERO,
            Some(_) => self.ttl,
            None => Duration::ZERO,
        };
        alive + if preferred { Duration::ZERO } else { self.ttl }
    }

    /// True if the process is this one, by a write whose answer was lost, or an earlier one of the same router.
    fn is_own(&self, holder: &Holder) -> bool {
        holder.node == self.own.node && (holder.start == self.own.start || self.ended.contains(&holder.start))
    }

    fn write(&mut self, now: Instant, expected: u64, hold: bool) -> Step {
        self.sent = Some(now);
        Step::Write { expected, hold }
    }

    /// Takes the answer to [`Step::Read`]; `None` if there was none.
    pub(crate) fn read(&mut self, now: Instant, seen: Option<Seen>) {
        let Some(seen) = seen else {
            self.failed(now);
            return;
        };
        let pause = (self.failures > 0).then(|| now + self.ttl / 4);
        self.succeeded();
        let mine = seen.holder.as_ref().is_some_and(|holder| *holder == self.own);
        self.state = match std::mem::replace(&mut self.state, State::Unread) {
            State::Held { until, .. } if mine => State::Held {
                revision: seen.revision,
                until,
                renew_at: now,
                sure: true,
            },
            State::Freeing { .. } if mine => State::Freeing {
                revision: seen.revision,
                sure: true,
            },
            State::Watching {
                seen: before,
                since,
                soon,
                not_due,
                ..
            } if before.revision == seen.revision => {
                let next = SOON.get(soon + 1).copied().unwrap_or(self.ttl / 4);
                State::Watching {
                    seen,
                    since,
                    read_at: now + next.min(self.ttl / 4),
                    not_due: pause.max(not_due),
                    soon: soon + 1,
                }
            }
            _ => State::Watching {
                seen,
                since: now,
                read_at: now + self.ttl / 4,
                not_due: None,
                soon: SOON.len(),
            },
        };
    }

    /// Takes the answer to [`Step::Write`].
    pub(crate) fn written(&mut self, now: Instant, hold: bool, answer: Written) {
        let Some(sent) = self.sent.take() else {
            return;
        };
        let revision = match answer {
            Written::As(revision) => revision,
            Written::Conflict => {
                self.succeeded();
                match &mut self.state {
                    State::Held { sure, .. } | State::Freeing { sure, .. } => *sure = false,
                    state => *state = State::Unread,
                }
                return;
            }
            Written::Unknown => {
                self.failed(now);
                return;
            }
        };
        self.succeeded();
        if let State::Watching { seen, .. } = &self.state {
            self.first = seen.revision == 0;
        }
        self.state = if hold {
            State::Held {
                revision,
                until: sent + held_for(self.ttl),
                renew_at: sent + renewed_after(self.ttl),
                sure: true,
            }
        } else {
            State::Watching {
                seen: Seen {
                    revision,
                    holder: None,
                },
                since: now,
                read_at: now + self.ttl / 4,
                not_due: Some(now + self.ttl),
                soon: SOON.len(),
            }
        };
    }

    fn succeeded(&mut self) {
        self.failures = 0;
        self.not_before = None;
    }

    fn failed(&mut self, now: Instant) {
        let pause = PAUSE.saturating_mul(1 << self.failures.min(8));
        self.failures += 1;
        self.not_before = Some(now + pause.min(LONGEST_PAUSE).min(self.ttl / 8));
    }
}
