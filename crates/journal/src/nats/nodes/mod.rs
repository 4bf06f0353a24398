//! The routers that share the journal: each writes a report about itself under its name, when it changes and every 5 s at
//! least, and listens to the others'.

mod rank;
pub(super) mod table;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::client::RequestErrorKind;
use async_nats::{Subscriber, jetstream};
use futures_util::StreamExt as _;
use tokio::sync::{Notify, watch};
use tokio::task::{AbortHandle, JoinHandle};

use super::book::values::{json, read};
use super::bucket::Bucket;
use super::cluster::{Cluster, Holder};
use super::errors::Verdict;
use super::patience::{Patience, START};
use super::subjects::{text, token};
use crate::mutex::lock;
use crate::{JournalError, Node, NodeReport};
use table::{SHOWN, Table, Value};

/// The longest interval between reports.
const INTERVAL: Duration = Duration::from_secs(5);
/// The least time between two reports.
const LEAST: Duration = Duration::from_millis(200);
/// The time to wait for an answer.
const ANSWER: Duration = Duration::from_secs(2);
/// The interval between two errors about a second router of the same name.
const TELL: Duration = Duration::from_secs(60);

/// The routers, this one included.
pub(crate) struct Nodes {
    shared: Arc<Shared>,
    reports: JoinHandle<()>,
    tasks: Vec<AbortHandle>,
}

struct Shared {
    bucket: Bucket,
    /// The interval between reports.
    interval: Duration,
    key: String,
    own: Holder,
    ended: Arc<[Arc<str>]>,
    value: Mutex<Value>,
    table: Mutex<Table>,
    wake: Notify,
    changed: watch::Sender<()>,
}

impl Nodes {
    /// Joins the routers of a journal under this router's name.
    ///
    /// # Errors
    /// [`JournalError`] if another router runs under the same name, or the servers refuse.
    pub(crate) async fn join(context: &jetstream::Context, cluster: &Cluster) -> Result<Nodes, JournalError> {
        let bucket = Bucket::open(context, cluster, "NODES", SHOWN).await?;
        let value = Value {
            start: cluster.own.start.to_string(),
            ..Value::default()
        };
        // By the time that others take over its leases, a router is not alive: no lease goes back to it then.
        let alive = cluster.takeover * 4 / 5;
        let shared = Arc::new(Shared {
            bucket,
            interval: INTERVAL.min(alive / 3),
            key: token(&cluster.own.node),
            own: cluster.own.clone(),
            ended: Arc::clone(&cluster.ended),
            table: Table::new(&cluster.own.node, value.clone(), alive, Instant::now()).into(),
            value: value.into(),
            wake: Notify::new(),
            changed: watch::channel(()).0,
        });
        let heard = shared.bucket.listen().await?;
        let mut tasks = vec![tokio::spawn(Arc::clone(&shared).listen(heard)).abort_handle()];
        let presence = cluster.subjects.subject(&["node", &cluster.own.node]);
        let joined = shared.enter(context, presence, &mut tasks).await;
        if let Err(error) = joined {
            tasks.iter().for_each(AbortHandle::abort);
            return Err(error);
        }
        shared.read_all().await;
        Ok(Nodes {
            reports: tokio::spawn(Arc::clone(&shared).repeat()),
            shared,
            tasks,
        })
    }

    /// Sets the part of the report that the rest of the program knows.
    pub(crate) fn report(&self, report: NodeReport) {
        self.shared.change(|value| value.report = report);
    }

    /// Sets this router's groups with their sinks, the groups that it drives and those that it leaves to others, and its
    /// readiness to drive more.
    pub(crate) fn set_groups(
        &self,
        groups: BTreeMap<String, Vec<String>>,
        drives: Vec<String>,
        declines: Vec<String>,
        ready: bool,
    ) {
        self.shared.change(|value| {
            value.groups = groups;
            value.drives = drives;
            value.declines = declines;
            value.ready = ready;
        });
    }

    /// Sets the sinks that this router does not drive, since they are driven under another group than its file says.
    pub(crate) fn set_regrouped(&self, sinks: Vec<String>) {
        self.shared.change(|value| value.regrouped = sinks);
    }

    /// Lists the routers by name.
    pub(crate) fn list(&self) -> Vec<Node> {
        lock(&self.shared.table).list(Instant::now())
    }

    /// True if this router should drive the group (`None`: any router's work). See [`Table::prefers_own`].
    pub(crate) fn prefers_own(&self, group: Option<&str>, without: Option<&str>) -> bool {
        lock(&self.shared.table).prefers_own(group, without, Instant::now())
    }

    /// Says that this router stops, so that the others no longer leave groups to it.
    pub(crate) async fn leave(&self) {
        self.reports.abort();
        self.tasks.iter().for_each(AbortHandle::abort);
        let shared = &self.shared;
        if let Err(error) = shared.bucket.write(&shared.key, None, None, ANSWER).await {
            // The others notice by its silence.
            tracing::debug!("the other routers cannot be told that this one stops: {error:?}");
        }
    }
}

impl Drop for Nodes {
    fn drop(&mut self) {
        self.reports.abort();
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

impl Shared {
    /// Makes sure that no other router runs under the same name, and writes the first report.
    async fn enter(
        self: &Arc<Shared>,
        context: &jetstream::Context,
        presence: String,
        tasks: &mut Vec<AbortHandle>,
    ) -> Result<(), JournalError> {
        let client = context.client();
        let mut last = String::new();
        let mut listens = false;
        let mut patience = Patience::new(START);
        while last.is_empty() || patience.lasts(&last) {
            if !last.is_empty() {
                tokio::time::sleep(LEAST).await;
            }
            let before = self.bucket.read(&self.key, ANSWER).await;
            let request = async_nats::Request::new()
                .payload(self.own.start.to_string().into())
                .timeout(Some(ANSWER));
            match client.send_request(presence.clone(), request).await {
                Ok(answer) => {
                    let start = String::from_utf8_lossy(&answer.payload);
                    tracing::debug!(%start, "a process answers to this router's name");
                    return Err(self.twice());
                }
                Err(error) if error.kind() == RequestErrorKind::NoResponders => {}
                // This process listens already, and does not answer itself.
                Err(error) if error.kind() == RequestErrorKind::TimedOut => {}
                Err(error) => {
                    last = error.to_string();
                    continue;
                }
            }
            if !std::mem::replace(&mut listens, true) {
                let asked = client.subscribe(presence.clone()).await;
                let asked = asked.map_err(|error| JournalError(error.to_string()))?;
                let own = Arc::clone(&self.own.start);
                tasks.push(tokio::spawn(answer(client.clone(), asked, own)).abort_handle());
            }
            let revision = match before {
                Ok(before) => before.map_or(0, |content| content.revision),
                Err(verdict) => {
                    last = verdict.told();
                    continue;
                }
            };
            match self.write(Some(revision)).await {
                Ok(()) => return Ok(()),
                Err(verdict @ Verdict::Tell(_)) => {
                    last = verdict.told();
                    break;
                }
                // The former report has just disappeared, or another router of this name starts at this moment.
                Err(verdict) => last = verdict.told(),
            }
        }
        Err(JournalError(format!(
            "the router cannot tell the others about itself: {last}; its user at the NATS servers needs the right to publish \
             and subscribe to {presence} and {}",
            self.bucket.subject(">")
        )))
    }

    fn twice(&self) -> JournalError {
        JournalError(format!(
            "another router runs under the name '{}': give each its own journal.cluster.node",
            self.own.node
        ))
    }

    async fn write(&self, expected: Option<u64>) -> Result<(), Verdict> {
        let value = lock(&self.value).clone();
        let value = json(&value).map_err(|error| Verdict::Tell(error.to_string()))?;
        let written = self.bucket.write(&self.key, Some(&value), expected, ANSWER).await;
        written.map(drop)
    }

    fn change(&self, change: impl FnOnce(&mut Value)) {
        let mut value = lock(&self.value);
        let before = value.clone();
        change(&mut value);
        if *value == before {
            return;
        }
        // The value's lock is still held: the table gets values in the order of their changes.
        lock(&self.table).heard(&self.own.node, value.clone(), Instant::now());
        drop(value);
        self.wake.notify_one();
        self.changed.send_replace(());
    }

    async fn repeat(self: Arc<Shared>) {
        let mut told = false;
        loop {
            match self.write(None).await {
                Ok(()) => told = false,
                Err(verdict) if !told => {
                    told = true;
                    let why = verdict.told();
                    tracing::warn!("the router cannot tell the others about itself: {why}");
                }
                Err(_) => {}
            }
            tokio::time::sleep(LEAST).await;
            let _ = tokio::time::timeout(self.interval.saturating_sub(LEAST), self.wake.notified()).await;
        }
    }

    /// Reads the reports that the bucket holds. Routers that are missed here are heard within 5 s.
    async fn read_all(&self) {
        let Ok(keys) = self.bucket.keys().await else {
            return;
        };
        for key in keys {
            if let Ok(Some(content)) = self.bucket.read(&key, ANSWER).await
                && let Some(value) = content.value
            {
                self.take_in(&key, &value);
            }
        }
    }

    async fn listen(self: Arc<Shared>, mut heard: Subscriber) {
        let mut told: Option<Instant> = None;
        while let Some(message) = heard.next().await {
            let Some(key) = self.bucket.key(&message.subject) else {
                continue;
            };
            let key = key.to_owned();
            if message.payload.is_empty() {
                if let Some(node) = text(&key) {
                    lock(&self.table).left(&node);
                    self.changed.send_replace(());
                }
            } else if self.take_in(&key, &message.payload) && told.is_none_or(|at| at.elapsed() > TELL) {
                told = Some(Instant::now());
                tracing::error!("{}", self.twice());
            }
        }
    }

    /// Notes a report; true if another process reports under this router's name.
    fn take_in(&self, key: &str, payload: &[u8]) -> bool {
        let value = self.bucket.decode(key, payload);
        let value = value.and_then(|value| read::<Value>(&value));
        let (Some(node), Some(value)) = (text(key), value) else {
            tracing::debug!(key, "the report of a router cannot be read");
            return false;
        };
        if *node == *self.own.node {
            let known = |start: &Arc<str>| **start == *value.start;
            return !known(&self.own.start) && !self.ended.iter().any(known);
        }
        if lock(&self.table).heard(&node, value, Instant::now()) {
            self.changed.send_replace(());
        }
        false
    }
}

/// Answers other processes of the same name that start.
async fn answer(client: async_nats::Client, mut asked: Subscriber, own: Arc<str>) {
    while let Some(question) = asked.next().await {
        if question.payload != own.as_bytes()
            && let Some(reply) = question.reply
            && let Err(error) = client.publish(reply, own.to_string().into()).await
        {
            tracing::debug!("another process of this router's name gets no answer: {error}");
        }
    }
}
