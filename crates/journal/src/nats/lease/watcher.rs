//! The driver of a lease's machine: reads and writes the key, and reports until when the lease is held.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::machine::{Lease, Seen, Step, Written};
use crate::nats::book::values::{json, read};
use crate::nats::bucket::{Bucket, Content};
use crate::nats::cluster::{Cluster, Holder};
use crate::nats::errors::Verdict;

/// The longest time to wait for an answer, or an eighth of the TTL: a request to a leader that has died gets none.
const ANSWER: Duration = Duration::from_secs(3);
/// The longest time between two looks at which routers are alive.
const LOOK: Duration = Duration::from_secs(1);

/// The orders to a watcher.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Orders {
    /// True if the router asks for the lease.
    pub(super) asks: bool,
    /// Counts the times that the lease was given up.
    pub(super) frees: u64,
}

/// The receiver of a watcher's reports.
pub(super) trait Post: Send + Sync {
    /// True if this router should hold the lease rather than others. The router `without` does not count.
    fn preferred(&self, without: Option<&str>) -> bool;

    /// Notes the moment until which the lease is held; `None` if it is not.
    fn holds(&self, until: Option<Instant>, first: bool);
}

/// The watcher of one lease.
pub(super) struct Watcher<P> {
    pub(super) bucket: Arc<Bucket>,
    pub(super) key: String,
    /// The name for people.
    pub(super) name: String,
    pub(super) own: Holder,
    pub(super) lease: Lease,
    pub(super) takeover: Duration,
    pub(super) post: P,
    pub(super) hint: Arc<Notify>,
    pub(super) orders: watch::Receiver<Orders>,
    /// True while nothing is held and nothing is to be given back.
    pub(super) idle: watch::Sender<bool>,
    pub(super) told: bool,
    /// True if the lease has ended without being given back.
    pub(super) lost: bool,
}

impl<P: Post> Watcher<P> {
    /// Creates the watcher of a key.
    pub(super) fn new(
        cluster: &Cluster,
        bucket: Arc<Bucket>,
        key: String,
        name: String,
        post: P,
        (hint, orders): (Arc<Notify>, watch::Receiver<Orders>),
    ) -> Watcher<P> {
        Watcher {
            bucket,
            key,
            name,
            own: cluster.own.clone(),
            lease: Lease::new(cluster.own.clone(), Arc::clone(&cluster.ended), cluster.takeover),
            takeover: cluster.takeover,
            post,
            hint,
            orders,
            idle: watch::channel(true).0,
            told: false,
            lost: false,
        }
    }

    /// Works until the sender of the orders is gone.
    pub(super) async fn run(mut self) {
        let mut frees = 0;
        loop {
            let orders = *self.orders.borrow_and_update();
            if !orders.asks || orders.frees != frees {
                frees = orders.frees;
                self.free();
            }
            self.tell();
            let idle = !orders.asks && !self.lease.is_freeing();
            self.idle
                .send_if_modified(|known| std::mem::replace(known, idle) != idle);
            if idle {
                if self.orders.changed().await.is_err() {
                    return;
                }
                self.lease.forget();
                continue;
            }
            let other = self.lease.other().filter(|holder| **holder != self.own);
            let preferred = self.post.preferred(other.map(|holder| &*holder.node));
            match self.lease.step(Instant::now(), preferred) {
                Step::Read => {
                    let seen = self.read().await;
                    self.lease.read(Instant::now(), seen);
                }
                Step::Write { expected, hold } => {
                    let answer = self.write(expected, hold).await;
                    // A right that ended before the answer came is another one from now on.
                    self.tell();
                    self.lease.written(Instant::now(), hold, answer);
                }
                Step::Wait(until) => {
                    let until = until.min(Instant::now() + LOOK);
                    tokio::select! {
                        () = tokio::time::sleep_until(until.into()) => {}
                        () = self.hint.notified() => self.lease.hint(Instant::now()),
                        changed = self.orders.changed() => {
                            if changed.is_err() {
                                return;
                            }
                        }
                    }
                }
            }
        }
    }

    fn free(&mut self) {
        if self.lease.holds(Instant::now()) {
            tracing::debug!("this router gives {} back", self.name);
        }
        self.lease.free();
    }

    fn tell(&mut self) {
        let held = self.lease.until();
        let until = held.filter(|until| Instant::now() < *until);
        // Once for each loss.
        let lost = held.is_some() && until.is_none();
        if lost && !std::mem::replace(&mut self.lost, lost) {
            tracing::warn!(
                "{} was not renewed in time: the NATS servers did not answer, or this process stood still",
                self.name
            );
        }
        self.lost = lost;
        self.post.holds(until, self.lease.first());
    }

    /// The time to wait for an answer: no longer than the lease is held.
    fn limit(&self) -> Duration {
        let limit = ANSWER.min(self.takeover / 8);
        let left = self
            .lease
            .until()
            .map(|until| until.saturating_duration_since(Instant::now()));
        left.map_or(limit, |left| limit.min(left))
    }

    async fn read(&mut self) -> Option<Seen> {
        match self.bucket.read(&self.key, self.limit()).await {
            Ok(content) => {
                self.told = false;
                Some(content.map_or(
                    Seen {
                        revision: 0,
                        holder: None,
                    },
                    |content| self.seen(&content),
                ))
            }
            Err(verdict) => {
                self.failed(&verdict);
                None
            }
        }
    }

    fn seen(&self, content: &Content) -> Seen {
        let holder = content.value.as_ref().map(|value| {
            let value = self.bucket.decode(&self.key, value);
            let holder = value.and_then(|value| read::<Holder>(&value));
            // A value that cannot be read is a router's all the same.
            holder.unwrap_or_else(|| Holder {
                node: "".into(),
                start: "".into(),
            })
        });
        Seen {
            revision: content.revision,
            holder,
        }
    }

    async fn write(&mut self, expected: u64, hold: bool) -> Written {
        let value = match hold.then(|| json(&self.own)).transpose() {
            Ok(value) => value,
            Err(error) => {
                self.failed(&Verdict::Tell(error.to_string()));
                return Written::Unknown;
            }
        };
        let limit = self.limit();
        let written = self
            .bucket
            .write(&self.key, value.as_deref(), Some(expected), limit);
        match written.await {
            Ok(revision) => {
                self.told = false;
                Written::As(revision)
            }
            Err(Verdict::Fenced) => Written::Conflict,
            Err(verdict) => {
                self.failed(&verdict);
                Written::Unknown
            }
        }
    }

    /// Tells that the servers do not answer, or refuse, once.
    fn failed(&mut self, verdict: &Verdict) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let why = verdict.clone().told();
        tracing::warn!("{} cannot be renewed or asked for: {why}", self.name);
    }
}
