//! The journal on NATS JetStream, as routers use it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream;
use async_trait::async_trait;
use signalbox_core::Event;
use signalbox_nats::Client;
use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;

use super::book::open::{Opened, StoreOptions};
use super::book::store::Store;
use super::book::values::Values;
use super::checks;
use super::claims;
use super::cluster::{Cluster, Holder};
use super::commits::Commits;
use super::former::{self, Former};
use super::janitor;
use super::lease::Leases;
use super::log::EventLog;
use super::log::cipher::FrameCipher;
use super::log::frames::Piece;
use super::log::options::LogOptions;
use super::nodes::Nodes;
use super::options::NatsOptions;
use super::patience::{Patience, START};
use super::questions::Questions;
use super::queue::Queue;
use super::subjects::Subjects;
use crate::clock::Clock;
use crate::mutex::lock;
use crate::{
    Answers, AppendError, Appended, Asked, Entry, Found, Group, JournalError, Log, Node, NodeReport,
    Position, Reader, Refusing, Resumed, Roster, Sealing, Subscription, Tenures, Usage,
};

/// The time for which the servers may fail to answer a change before its caller hears of it.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// The most frames on their way to the servers at once: more only makes answers slower.
const UNDER_WAY: usize = 16;

/// A journal on NATS JetStream: events survive the loss of a router and of a minority of the servers from the moment their
/// append has returned, and several routers deliver them.
///
/// `docs/scaling.md` describes what lies at the servers.
pub struct NatsJournal(pub(super) Arc<Shared>);

pub(super) struct Shared {
    pub(super) id: String,
    pub(super) node: String,
    context: jetstream::Context,
    subjects: Subjects,
    pub(super) store: Arc<Store>,
    pub(super) log: EventLog,
    pub(super) queue: Queue,
    pub(super) nodes: Arc<Nodes>,
    pub(super) leases: Arc<Leases>,
    /// Notified when a sink waits for another group's claim to end.
    pub(super) claims: Notify,
    questions: Questions,
    /// The tasks that end with the journal.
    tasks: Mutex<Vec<AbortHandle>>,
    janitor: watch::Receiver<bool>,
    pub(super) clock: Clock,
    pub(super) roster: Mutex<Option<Roster>>,
    /// The commits of the open readers, by sink.
    pub(super) commits: Mutex<BTreeMap<String, Commits>>,
    /// Held by the caller whose dead letters are written.
    pub(super) burying: tokio::sync::Mutex<()>,
    /// Set to true once the log has been read so far that duplicates are known.
    ready: watch::Sender<bool>,
    closed: AtomicBool,
    /// True if values and frames are sealed.
    sealed: bool,
    /// Keeps the cache folder for this process.
    former: Mutex<Option<Former>>,
}

impl NatsJournal {
    /// Opens the journal at the servers of a connection, or begins one.
    ///
    /// # Errors
    /// [`JournalError`] if the servers refuse or do not answer, if another router has the same name or the same cache folder,
    /// or if the journal is sealed with a key that is not given.
    pub async fn open(client: Client, options: NatsOptions) -> Result<NatsJournal, JournalError> {
        let keep = options.retain.max(options.dedup_window);
        let context = client.jetstream();
        let replicas = u8::try_from(options.replicas).unwrap_or(u8::MAX);
        checks::server(&client.nats().server_info(), replicas).map_err(JournalError)?;
        checks::account(&context, replicas, Patience::new(START))
            .await
            .map_err(JournalError)?;
        let start = uuid::Uuid::new_v4().simple().to_string();
        let former = former::lock(&options.cache, &start)?;
        let subjects = Subjects::new(&options.prefix);
        let store_options = StoreOptions {
            prefix: options.prefix.clone(),
            replicas: options.replicas,
            node: options.node.clone(),
            start: start.clone(),
            quota: options.dead_letters,
            keys: options.keys.clone(),
        };
        let Opened { store, id, keys } =
            Store::open(context.clone(), store_options, Some(client.watchdog().clone())).await?;
        let cipher = match (&options.keys, &keys) {
            (Some(operator), Some(keys)) => {
                let cipher = FrameCipher::new(operator, keys.ids.clone());
                Some(cipher.map_err(|error| JournalError(error.to_string()))?)
            }
            _ => None,
        };
        let behind = store.book().behind();
        let book = store.clone();
        let log_options = LogOptions {
            subjects: subjects.clone(),
            replicas: options.replicas,
            max_bytes: options.max_bytes,
            dedup_window: options.dedup_window,
            dedup_memory: options.dedup_memory,
            cache: options.cache.join("ids"),
            cache_bytes: options.cache_bytes,
            start: start.clone(),
            under_way: UNDER_WAY,
            linger: options.linger,
            behind,
            cipher,
            readable: Box::new(move |counts, end| book.book().events_came(counts, end)),
            watchdog: Some(client.watchdog().clone()),
        };
        let log = EventLog::open(context.clone(), log_options).await?;
        store.book().events_came(&BTreeMap::new(), log.end());
        let cluster = Cluster {
            subjects: subjects.clone(),
            own: Holder {
                node: options.node.as_str().into(),
                start: start.as_str().into(),
            },
            ended: former.ended.clone(),
            takeover: options.takeover,
            replicas: options.replicas,
            values: Values::new(keys.as_ref().map(|keys| keys.records.clone())),
            watchdog: Some(client.watchdog().clone()),
        };
        let nodes = Arc::new(Nodes::join(&context, &cluster).await?);
        let questions = Questions::start(context.client(), cluster.clone()).await?;
        let ready = watch::Sender::new(false);
        let leases = Arc::new(Leases::start(&context, cluster, nodes.clone(), ready.subscribe()).await?);
        let shared = Arc::new(Shared {
            id,
            queue: Queue::new(store.clone(), &options.node),
            node: options.node,
            context,
            subjects,
            store,
            log,
            nodes,
            janitor: leases.janitor(),
            leases,
            claims: Notify::new(),
            questions,
            tasks: Mutex::default(),
            clock: Clock::new(std::time::SystemTime::now),
            roster: Mutex::default(),
            commits: Mutex::default(),
            burying: tokio::sync::Mutex::default(),
            ready,
            closed: AtomicBool::new(false),
            sealed: keys.is_some(),
            former: Mutex::new(Some(former)),
        });
        let reading = shared.clone();
        let tasks = [
            tokio::spawn(async move {
                reading.log.caught_up().await;
                reading.ready.send_replace(true);
            }),
            tokio::spawn(janitor::tend(shared.leases.clone(), shared.clone(), keep)),
            tokio::spawn(claims::tend(shared.clone())),
            tokio::spawn({
                let shared = shared.clone();
                let janitor = shared.janitor.clone();
                async move { shared.drop_aged(janitor).await }
            }),
        ];
        let tasks = tasks.map(|task| task.abort_handle());
        *lock(&shared.tasks) = tasks.into();
        Ok(NatsJournal(shared))
    }
}

impl Shared {
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(SeqCst)
    }

    /// True once the log has been read so far that duplicates are known.
    pub(super) fn is_ready(&self) -> bool {
        *self.ready.borrow()
    }

    /// True while this router is the janitor.
    pub(super) fn is_janitor(&self) -> bool {
        *self.janitor.borrow()
    }

    /// True if another router has a sink of this name in its pipeline.
    pub(super) fn others_deliver(&self, sink: &str) -> bool {
        let others = self.nodes.list().into_iter().filter(|node| !node.own);
        let mut sinks = others.flat_map(|node| node.groups.into_values().flatten());
        sinks.any(|name| name == sink)
    }

    /// Asks the servers for the position after the newest event that any router has stored.
    pub(super) async fn newest(&self) -> Result<Position, JournalError> {
        let stream = self.context.get_stream(self.subjects.stream("EV")).await;
        let stream =
            stream.map_err(|error| JournalError(format!("the NATS servers do not answer: {error}")))?;
        Ok(super::log::place::start(
            stream.cached_info().state.last_sequence + 1,
        ))
    }
}

#[async_trait]
impl Log for NatsJournal {
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Appended>, AppendError> {
        if self.0.is_closed() {
            return Err(AppendError::Closed);
        }
        let names = self.0.store.book().names.clone();
        self.0.log.append(events, &names).await
    }

    async fn reader(
        &self,
        sink: &str,
        subscription: &Subscription,
    ) -> Result<(Box<dyn Reader>, Resumed), JournalError> {
        let (reader, resumed) = self.0.open_reader(sink, subscription).await?;
        Ok((Box::new(reader), resumed))
    }

    async fn register(&self, sink: &str, subscription: &Subscription) -> Result<(), JournalError> {
        self.0.register(sink, subscription).await
    }

    async fn find(&self, arrived_at: i64) -> Result<Found, JournalError> {
        self.0.log.find(arrived_at).await
    }

    async fn events_at(&self, positions: &[Position]) -> Result<Vec<Entry>, JournalError> {
        self.0.log.events_at(positions).await
    }

    async fn events_from(&self, from: Position) -> Result<(Vec<Entry>, Position), JournalError> {
        let frames = self.0.log.read(from).await?;
        let events = frames.pieces.into_iter().filter_map(|piece| match piece {
            Piece::Events(events) => Some(events),
            Piece::Lost(_) => None,
        });
        Ok((events.flatten().collect(), frames.next))
    }

    async fn count(&self, from: Position, to: Position) -> Result<u64, JournalError> {
        self.0.log.count(from, to).await
    }

    fn usage(&self) -> Usage {
        let (bytes, max_bytes) = self.0.log.usage();
        Usage {
            events: 0,
            bytes,
            max_bytes,
        }
    }

    fn slowest(&self) -> Option<(String, Position)> {
        let book = self.0.store.book();
        let holding = book.known_sinks().filter(|(_, sink)| !sink.record.released);
        let slowest = holding.min_by_key(|(_, sink)| sink.record.progress.cursor);
        slowest.map(|(name, sink)| (name.clone(), sink.record.progress.cursor))
    }

    fn refusing(&self) -> Option<Refusing> {
        self.0.log.refusing()
    }

    fn sealing(&self) -> Option<Sealing> {
        Some(Sealing {
            sealed: self.0.sealed,
            ..Sealing::default()
        })
    }

    fn tenures(&self, groups: Vec<Group>) -> watch::Receiver<Tenures> {
        self.0.leases.tenures(groups)
    }

    fn resign(&self) {
        self.0.leases.close();
    }

    fn release(&self, sinks: &[Arc<str>]) {
        self.0.leases.release(sinks);
    }

    fn decline(&self, sinks: &[Arc<str>]) {
        self.0.leases.decline(sinks);
    }

    fn report(&self, report: NodeReport) {
        self.0.nodes.report(report);
    }

    fn nodes(&self) -> Vec<Node> {
        self.0.nodes.list()
    }

    async fn ask(&self, questions: Vec<(String, Vec<u8>)>, patience: Duration) -> Vec<Asked> {
        self.0.questions.ask(questions, patience).await
    }

    fn answer_with(&self, answers: Arc<dyn Answers>) {
        self.0.questions.answer_with(answers);
    }

    fn tends(&self) -> bool {
        self.0.is_janitor()
    }

    fn id(&self) -> Option<String> {
        Some(self.0.id.clone())
    }

    fn is_shared(&self) -> bool {
        true
    }

    fn close(&self) {
        self.0.closed.store(true, SeqCst);
        self.0.log.close();
        self.0.leases.close();
        self.0.log.news().notify_waiters();
    }

    async fn shutdown(&self) {
        self.0.leases.release_all().await;
        lock(&self.0.tasks).drain(..).for_each(|task| task.abort());
        // The queue logs what it cannot write.
        let _ = tokio::time::timeout(PATIENCE, self.0.queue.written()).await;
        self.0.log.shutdown().await;
        self.0.nodes.leave().await;
        // The next one in this process may begin at once.
        drop(lock(&self.0.former).take());
    }
}
