//! Leases: which router drives a rate group, and which one tends the journal for all.
//!
//! A bucket holds a key for each lease, with the router that holds it. The holder rewrites its key each eighth of the
//! TTL (`takeover`); [`machine`] has the rules by which another one may take it. Which router should hold which lease
//! follows from the routers that are alive ([`Nodes`]); a router that holds another's gives it away, one at a time.

mod balance;
#[cfg(test)]
mod interleavings;
#[cfg(test)]
mod live;
mod machine;
mod rights;
mod watcher;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use async_nats::{Subscriber, jetstream};
use futures_util::StreamExt as _;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::bucket::Bucket;
use super::cluster::Cluster;
use super::nodes::Nodes;
use super::subjects::token;
use crate::mutex::lock;
use crate::{Group, JournalError, Tenures};
use balance::{Balance, Driven};
use rights::Rights;
use watcher::{Orders, Post, Watcher};

/// The key of the janitor's lease.
const JANITOR: &str = "janitor";
/// The interval at which the router looks for groups that another one should drive.
const LOOK: Duration = Duration::from_secs(1);
/// The time for which a router leaves a group to others whose sinks it could not open.
const DECLINED: Duration = Duration::from_secs(300);
/// The time that a stopping router has to give its leases back.
const STOP: Duration = Duration::from_secs(2);

/// The leases of this router.
pub(crate) struct Leases {
    shared: Arc<Shared>,
    tasks: Vec<AbortHandle>,
}

struct Shared {
    cluster: Cluster,
    bucket: Arc<Bucket>,
    nodes: Arc<Nodes>,
    rights: Mutex<Rights>,
    janitor: watch::Sender<bool>,
    mode: Mutex<Mode>,
    /// The watchers by key.
    watchers: Mutex<BTreeMap<String, Handle>>,
}

/// The router's attitude to leases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// The router still reads, and asks for none.
    Reading,
    /// The router asks for leases.
    Ready,
    /// The router asks for no more, and keeps its leases until they are released.
    Closing,
}

struct Handle {
    /// The group; `None` for the janitor's.
    group: Option<Arc<str>>,
    orders: watch::Sender<Orders>,
    idle: watch::Receiver<bool>,
    hint: Arc<Notify>,
    task: AbortHandle,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Leases {
    /// Opens the bucket of leases. The router asks for leases, the janitor's among them, once it is `ready`.
    ///
    /// # Errors
    /// [`JournalError`] if the servers refuse.
    pub(crate) async fn start(
        context: &jetstream::Context,
        cluster: Cluster,
        nodes: Arc<Nodes>,
        ready: watch::Receiver<bool>,
    ) -> Result<Leases, JournalError> {
        let bucket = Bucket::open(context, &cluster, "LEASE", Duration::ZERO).await?;
        let shared = Arc::new(Shared {
            cluster,
            bucket: Arc::new(bucket),
            nodes,
            rights: Rights::new().into(),
            janitor: watch::channel(false).0,
            mode: Mode::Reading.into(),
            watchers: Mutex::default(),
        });
        let signs = shared.bucket.listen().await?;
        shared.watch(JANITOR.to_owned(), None);
        let tasks = [
            tokio::spawn(Arc::clone(&shared).hear(signs)).abort_handle(),
            tokio::spawn(Arc::clone(&shared).balance()).abort_handle(),
            tokio::spawn(Arc::clone(&shared).begin(ready)).abort_handle(),
        ];
        Ok(Leases {
            shared,
            tasks: tasks.into(),
        })
    }

    /// Requests the right to drive these groups, and for no others from now on. The readers of groups left out must have
    /// ended.
    pub(crate) fn tenures(&self, groups: Vec<Group>) -> watch::Receiver<Tenures> {
        let names: Vec<Arc<str>> = groups.iter().map(|group| Arc::clone(&group.name)).collect();
        let tenures = lock(&self.shared.rights).set_groups(groups);
        for name in names {
            self.shared.watch(key(&name), Some(name));
        }
        self.shared.order();
        self.shared.tell_nodes();
        tenures
    }

    /// Returns the group of a sink of this router's file.
    pub(crate) fn group_of(&self, sink: &str) -> Option<Arc<str>> {
        lock(&self.shared.rights).group_of(sink)
    }

    /// Lists the sinks of this router's file with their groups.
    pub(crate) fn sinks(&self) -> BTreeMap<String, Arc<str>> {
        lock(&self.shared.rights).sinks()
    }

    /// True while this router holds the lease of a group, of its file or not.
    pub(crate) fn holds(&self, group: &str) -> bool {
        lock(&self.shared.rights).holds_at(group, Instant::now())
    }

    /// Tells when the groups that this router holds change.
    pub(crate) fn changes(&self) -> watch::Receiver<Tenures> {
        lock(&self.shared.rights).changes()
    }

    /// Asks for the leases of these groups that are not in this router's file, and for no others.
    pub(crate) fn seek(&self, groups: BTreeSet<Arc<str>>) {
        if !lock(&self.shared.rights).seek(&groups) {
            return;
        }
        for group in groups {
            self.shared.watch(key(&group), Some(group));
        }
        self.shared.order();
    }

    /// Gives back the groups of these sinks as [`Leases::release`] does, and leaves them to the other routers for a while.
    pub(crate) fn decline(&self, sinks: &[Arc<str>]) {
        lock(&self.shared.rights).decline(sinks, Instant::now() + DECLINED);
        self.shared.tell_nodes();
        self.release(sinks);
    }

    /// Notes that this router can open the sinks of a group.
    pub(crate) fn accept(&self, group: &str) {
        if lock(&self.shared.rights).accept(group) {
            self.shared.tell_nodes();
        }
    }

    /// Gives back the groups whose sinks are all released, so that another router may take them at once.
    pub(crate) fn release(&self, sinks: &[Arc<str>]) {
        let groups = lock(&self.shared.rights).release(sinks);
        let closing = *lock(&self.shared.mode) == Mode::Closing;
        let watchers = lock(&self.shared.watchers);
        for group in groups {
            if let Some(handle) = watchers.get(&key(&group)) {
                handle.orders.send_modify(|orders| {
                    orders.frees += 1;
                    orders.asks &= !closing;
                });
            }
        }
    }

    /// Takes no more leases, and tells the other routers. Leases that are held stay until they are released.
    pub(crate) fn close(&self) {
        *lock(&self.shared.mode) = Mode::Closing;
        self.shared.order();
        self.shared.tell_nodes();
    }

    /// Gives everything back. All readers have ended.
    pub(crate) async fn release_all(&self) {
        self.close();
        self.shared.nodes.leave().await;
        let mut idle = Vec::new();
        for handle in lock(&self.shared.watchers).values() {
            handle.orders.send_modify(|orders| orders.asks = false);
            idle.push(handle.idle.clone());
        }
        let all = async {
            for idle in &mut idle {
                // An error means that the watcher has ended.
                let _ = idle.wait_for(|idle| *idle).await;
            }
        };
        if tokio::time::timeout(STOP, all).await.is_err() {
            tracing::warn!(
                "the NATS servers do not take back what this router drives: other routers wait for `takeover`"
            );
        }
    }

    /// Returns the servers' time (Unix milliseconds) when the janitor's lease was renewed last: less than `takeover` ago while
    /// this router holds it. `None` if the servers do not answer.
    pub(crate) async fn servers_time(&self) -> Option<i64> {
        let content = self.shared.bucket.read(JANITOR, STOP).await;
        content.ok().flatten().map(|content| content.written_at)
    }

    /// True while this router tends the journal for all.
    pub(crate) fn janitor(&self) -> watch::Receiver<bool> {
        self.shared.janitor.subscribe()
    }
}

impl Drop for Leases {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
        lock(&self.shared.watchers).clear();
    }
}

fn key(group: &str) -> String {
    format!("group.{}", token(group))
}

impl Shared {
    /// Starts the watcher of a lease unless there is one.
    fn watch(self: &Arc<Shared>, key: String, group: Option<Arc<str>>) {
        let mut watchers = lock(&self.watchers);
        if watchers.contains_key(&key) {
            return;
        }
        let name = match &group {
            Some(group) => format!("the lease of rate group '{group}'"),
            None => "the lease of the janitor".to_owned(),
        };
        let post = Seat {
            shared: Arc::downgrade(self),
            group: group.clone(),
        };
        let (orders, obeyed) = watch::channel(Orders::default());
        let hint = Arc::new(Notify::new());
        let watcher = Watcher::new(
            &self.cluster,
            Arc::clone(&self.bucket),
            key.clone(),
            name,
            post,
            (Arc::clone(&hint), obeyed),
        );
        let handle = Handle {
            group,
            orders,
            idle: watcher.idle.subscribe(),
            hint,
            task: tokio::spawn(watcher.run()).abort_handle(),
        };
        watchers.insert(key, handle);
    }

    /// Requests leases once the router is ready.
    async fn begin(self: Arc<Shared>, mut ready: watch::Receiver<bool>) {
        // Without a sender the router is never ready.
        if ready.wait_for(|ready| *ready).await.is_err() {
            return;
        }
        {
            let mut mode = lock(&self.mode);
            if *mode == Mode::Reading {
                *mode = Mode::Ready;
            }
        }
        self.order();
        self.tell_nodes();
    }

    /// Tells the watchers which leases the router asks for.
    fn order(&self) {
        let mode = *lock(&self.mode);
        let watchers = lock(&self.watchers);
        let rights = lock(&self.rights);
        for handle in watchers.values() {
            let asks = match (mode, &handle.group) {
                (Mode::Reading, _) | (Mode::Closing, None) => false,
                (Mode::Ready, None) => true,
                (Mode::Ready, Some(group)) => rights.asks(group),
                (Mode::Closing, Some(group)) => rights.holds(group),
            };
            let changed = |orders: &mut Orders| std::mem::replace(&mut orders.asks, asks) != asks;
            handle.orders.send_if_modified(changed);
        }
    }

    /// Wakes the watchers of keys that are being written.
    async fn hear(self: Arc<Shared>, mut signs: Subscriber) {
        while let Some(message) = signs.next().await {
            let key = self.bucket.key(&message.subject);
            let watchers = lock(&self.watchers);
            if let Some(handle) = key.and_then(|key| watchers.get(key)) {
                handle.hint.notify_one();
            }
        }
    }

    /// Gives groups to the routers that should drive them, one at a time.
    async fn balance(self: Arc<Shared>) {
        let mut balance = Balance::new(self.cluster.takeover, Instant::now());
        loop {
            tokio::time::sleep(LOOK).await;
            let mut rights = lock(&self.rights);
            if rights.forget_declined(Instant::now()) {
                drop(rights);
                self.tell_nodes();
                continue;
            }
            let driven: Vec<Driven> = rights
                .driven()
                .map(|(group, wanted)| Driven {
                    group: Arc::clone(group),
                    preferred: self.nodes.prefers_own(Some(group), None),
                    wanted,
                })
                .collect();
            for (group, wanted) in balance.changes(&driven, Instant::now()) {
                if wanted {
                    tracing::info!("rate group '{group}' goes to the router that should drive it");
                }
                rights.want(&group, wanted);
            }
        }
    }

    fn tell_nodes(&self) {
        let ready = *lock(&self.mode) == Mode::Ready;
        let rights = lock(&self.rights);
        let drives = rights.driven().map(|(group, _)| group.to_string());
        self.nodes
            .set_groups(rights.groups(), drives.collect(), rights.declined(), ready);
    }
}

/// The place of a watcher: a group's, or the janitor's.
struct Seat {
    shared: Weak<Shared>,
    group: Option<Arc<str>>,
}

impl Post for Seat {
    fn preferred(&self, without: Option<&str>) -> bool {
        let shared = self.shared.upgrade();
        shared.is_none_or(|shared| shared.nodes.prefers_own(self.group.as_deref(), without))
    }

    fn holds(&self, until: Option<Instant>, first: bool) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let Some(group) = &self.group else {
            let holds = until.is_some();
            let changed = |known: &mut bool| std::mem::replace(known, holds) != holds;
            shared.janitor.send_if_modified(changed);
            return;
        };
        if lock(&shared.rights).set(group, until, first) {
            let what = if until.is_some() {
                "drives"
            } else {
                "no longer drives"
            };
            tracing::info!("this router {what} the sinks of rate group '{group}'");
            shared.tell_nodes();
        }
    }
}
