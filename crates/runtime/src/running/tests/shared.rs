//! A journal in memory that several routers of a test share, each with its own tenures.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use signalbox_core::Event;
use signalbox_journal::{
    Ahead, AppendError, Appended, Commit, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterPage,
    DeadLetterQuota, Entry, Erasure, ErasureList, ErasureResults, Erasures, Found, Group, Index,
    JournalError, LetterCounts, Letters, Log, LogHits, MemoryJournal, Node, NodeReport, Page, Position,
    Progress, Read, Reader, Resumed, Returned, Roster, SendAgain, SinkState, SourceTotals, Start, States,
    Subject, Subscription, Taken, Tenure, Tenures, Usage, Wanted,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// The parts that all routers share.
pub(super) struct Cluster {
    memory: MemoryJournal,
    /// The last subscription of each sink.
    subscriptions: Mutex<BTreeMap<String, Subscription>>,
    nodes: Mutex<Vec<Node>>,
}

impl Cluster {
    pub(super) fn new() -> Arc<Cluster> {
        Arc::new(Cluster {
            memory: MemoryJournal::new(1 << 30),
            subscriptions: Mutex::default(),
            nodes: Mutex::default(),
        })
    }

    /// Makes the view of a router.
    pub(super) fn node(self: &Arc<Cluster>, name: &str) -> Arc<Shared> {
        self.nodes.lock().unwrap().push(Node {
            name: name.to_owned(),
            ..Node::default()
        });
        Arc::new(Shared {
            cluster: self.clone(),
            name: name.to_owned(),
            tenures: watch::channel(Tenures::default()).0,
            rights: Mutex::default(),
            groups: Mutex::default(),
            released: Mutex::default(),
            opened: Mutex::default(),
            resigned: Mutex::default(),
            closed: CancellationToken::new(),
            failing: Mutex::default(),
            broken: Mutex::default(),
            declined: Mutex::default(),
            tends: Mutex::new(true),
        })
    }

    /// Keeps the events from now on in the journal, for replays; returns the first position.
    pub(super) async fn hold(&self) -> Position {
        let holder = Subscription::new(["in"], Start::End);
        self.memory.reader("holder", &holder).await.unwrap();
        self.memory.find(0).await.unwrap().to
    }

    /// Makes the reader of a sink useless, as a change of its state through another router does.
    async fn revoke(&self, sink: &str) {
        let subscription = self.subscriptions.lock().unwrap().get(sink).cloned();
        if let Some(subscription) = subscription {
            self.memory.reader(sink, &subscription).await.unwrap();
        }
    }
}

/// A right that a router has.
struct Right {
    group: Group,
    tenure: Tenure,
    until: watch::Sender<Instant>,
    want: watch::Sender<bool>,
}

/// The journal as one router sees it.
pub(super) struct Shared {
    cluster: Arc<Cluster>,
    name: String,
    tenures: watch::Sender<Tenures>,
    rights: Mutex<BTreeMap<Arc<str>, Right>>,
    /// The groups that the router asked for last.
    pub(super) groups: Mutex<Vec<Group>>,
    /// The sinks of each release.
    pub(super) released: Mutex<Vec<Vec<Arc<str>>>>,
    /// The sinks whose readers were opened, in order.
    pub(super) opened: Mutex<Vec<String>>,
    /// True once the router wants no more rights.
    pub(super) resigned: Mutex<bool>,
    closed: CancellationToken,
    /// The number of readers that cannot be opened.
    pub(super) failing: Mutex<u32>,
    /// The sink whose readers cannot be opened.
    pub(super) broken: Mutex<Option<String>>,
    /// The sinks of each group that is given back for that.
    pub(super) declined: Mutex<Vec<Vec<Arc<str>>>>,
    pub(super) tends: Mutex<bool>,
}

impl Shared {
    /// Gives the router the right to drive a group for a time.
    pub(super) fn grant(&self, group: &str, sinks: &[&str], lasts: Duration, first: bool) {
        let (until, ends) = watch::channel(Instant::now() + lasts);
        let (want, wanted) = watch::channel(false);
        let right = Right {
            group: Group {
                name: group.into(),
                sinks: sinks.iter().map(|&name| name.into()).collect(),
            },
            tenure: Tenure::renewed(ends, first).wanted_elsewhere(wanted),
            until,
            want,
        };
        self.rights.lock().unwrap().insert(group.into(), right);
        self.publish();
    }

    /// Moves the end of a right.
    pub(super) fn renew(&self, group: &str, lasts: Duration) {
        let rights = self.rights.lock().unwrap();
        rights[group].until.send_replace(Instant::now() + lasts);
    }

    /// Takes a right back.
    pub(super) fn take(&self, group: &str) {
        if let Some(right) = self.rights.lock().unwrap().remove(group) {
            right.until.send_replace(Instant::now());
        }
        self.publish();
    }

    /// Tells the router that another one should drive the group.
    pub(super) fn want(&self, group: &str) {
        self.rights.lock().unwrap()[group].want.send_replace(true);
    }

    fn publish(&self) {
        let rights = self.rights.lock().unwrap();
        let all = rights
            .values()
            .map(|right| (right.group.clone(), right.tenure.clone()));
        self.tenures.send_replace(all.collect());
        let mut nodes = self.cluster.nodes.lock().unwrap();
        let node = nodes.iter_mut().find(|node| node.name == self.name).unwrap();
        let names = |right: &Right| right.group.sinks.iter().map(ToString::to_string).collect();
        node.drives = rights.keys().map(ToString::to_string).collect();
        node.groups = rights
            .iter()
            .map(|(name, right)| (name.to_string(), names(right)))
            .collect();
    }

    /// Makes the journal owe a sink the events of `in`, like an earlier router.
    pub(super) async fn reader_of(&self, sink: &str) {
        let subscription = Subscription::new(["in"], Start::End);
        self.cluster.memory.reader(sink, &subscription).await.unwrap();
    }

    /// Removes the router from the list of living ones.
    pub(super) fn leave(&self) {
        let mut nodes = self.cluster.nodes.lock().unwrap();
        nodes.retain(|node| node.name != self.name);
    }

    /// Appends events with these ids for all sinks that listen to `in`.
    pub(super) async fn send(&self, ids: impl IntoIterator<Item = impl ToString>) {
        let events = ids.into_iter().map(|id| super::event(&id.to_string()));
        self.append(events.collect()).await.unwrap();
    }
}

/// A reader that ends as soon as its router closes the journal.
struct SharedReader {
    inner: Box<dyn Reader>,
    closed: CancellationToken,
}

#[async_trait]
impl Reader for SharedReader {
    async fn next(&mut self, max: usize) -> Read {
        tokio::select! {
            biased;
            () = self.closed.cancelled() => Read::End,
            read = self.inner.next(max) => read,
        }
    }

    async fn fetch(&mut self, positions: &[Position]) -> Vec<Entry> {
        self.inner.fetch(positions).await
    }

    async fn returned(&mut self, after: Position, max: usize) -> Result<Returned, JournalError> {
        self.inner.returned(after, max).await
    }

    fn dead_letters_full(&self, uncommitted: u64) -> bool {
        self.inner.dead_letters_full(uncommitted)
    }

    async fn ahead(&mut self, returned_after: Position) -> Result<Ahead, JournalError> {
        self.inner.ahead(returned_after).await
    }

    fn commit(&mut self, commit: Commit) {
        self.inner.commit(commit);
    }

    async fn flush(&mut self) {
        self.inner.flush().await;
    }
}

#[async_trait]
impl Log for Shared {
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Appended>, AppendError> {
        self.cluster.memory.append(events).await
    }

    async fn reader(
        &self,
        sink: &str,
        subscription: &Subscription,
    ) -> Result<(Box<dyn Reader>, Resumed), JournalError> {
        {
            let mut failing = self.failing.lock().unwrap();
            if *failing > 0 {
                *failing -= 1;
                return Err(JournalError("as the test wants".to_owned()));
            }
        }
        if self.broken.lock().unwrap().as_deref() == Some(sink) {
            return Err(JournalError("as the test wants".to_owned()));
        }
        {
            let mut subscriptions = self.cluster.subscriptions.lock().unwrap();
            subscriptions.insert(sink.to_owned(), subscription.clone());
        }
        self.opened.lock().unwrap().push(sink.to_owned());
        let (inner, resumed) = self.cluster.memory.reader(sink, subscription).await?;
        let closed = self.closed.clone();
        Ok((Box::new(SharedReader { inner, closed }), resumed))
    }

    async fn find(&self, arrived_at: i64) -> Result<Found, JournalError> {
        self.cluster.memory.find(arrived_at).await
    }

    async fn events_at(&self, positions: &[Position]) -> Result<Vec<Entry>, JournalError> {
        self.cluster.memory.events_at(positions).await
    }

    fn tenures(&self, groups: Vec<Group>) -> watch::Receiver<Tenures> {
        *self.groups.lock().unwrap() = groups;
        self.tenures.subscribe()
    }

    fn resign(&self) {
        *self.resigned.lock().unwrap() = true;
        assert!(!self.closed.is_cancelled(), "sources still append");
    }

    fn release(&self, sinks: &[Arc<str>]) {
        self.released.lock().unwrap().push(sinks.to_vec());
    }

    fn decline(&self, sinks: &[Arc<str>]) {
        self.declined.lock().unwrap().push(sinks.to_vec());
    }

    fn nodes(&self) -> Vec<Node> {
        let mut nodes = self.cluster.nodes.lock().unwrap().clone();
        for node in &mut nodes {
            node.own = node.name == self.name;
        }
        nodes
    }

    fn report(&self, report: NodeReport) {
        let mut nodes = self.cluster.nodes.lock().unwrap();
        if let Some(node) = nodes.iter_mut().find(|node| node.name == self.name) {
            node.report = report;
        }
    }

    fn tends(&self) -> bool {
        *self.tends.lock().unwrap()
    }

    fn usage(&self) -> Usage {
        self.cluster.memory.usage()
    }

    fn close(&self) {
        self.closed.cancel();
    }

    async fn shutdown(&self) {}
}

#[async_trait]
impl States for Shared {
    async fn adopt(&self, roster: &Roster) -> Result<(), JournalError> {
        self.cluster.memory.adopt(roster).await
    }

    async fn sinks(&self) -> Result<Vec<SinkState>, JournalError> {
        self.cluster.memory.sinks().await
    }

    async fn parked(&self, sink: &str, from: Position, max: usize) -> Result<Returned, JournalError> {
        self.cluster.memory.parked(sink, from, max).await
    }

    async fn set_progress(&self, sink: &str, progress: Progress) -> Result<(), JournalError> {
        self.cluster.memory.set_progress(sink, progress).await?;
        self.cluster.revoke(sink).await;
        Ok(())
    }

    async fn forget(&self, sink: &str, source: Option<&str>) -> Result<u64, JournalError> {
        let forgotten = self.cluster.memory.forget(sink, source).await?;
        self.cluster.revoke(sink).await;
        Ok(forgotten)
    }

    fn save_source(&self, source: &str, totals: SourceTotals) {
        self.cluster.memory.save_source(source, totals);
    }

    async fn save_counts(&self) -> Result<(), JournalError> {
        self.cluster.memory.save_counts().await
    }

    async fn source_totals(&self) -> Result<Vec<(String, SourceTotals)>, JournalError> {
        self.cluster.memory.source_totals().await
    }

    async fn checkpoints(&self, source: &str) -> Result<BTreeMap<String, Vec<u8>>, JournalError> {
        self.cluster.memory.checkpoints(source).await
    }

    fn save_checkpoint(&self, source: &str, key: &str, value: Option<Vec<u8>>) {
        self.cluster.memory.save_checkpoint(source, key, value);
    }

    async fn flush(&self) {
        self.cluster.memory.flush().await;
    }
}

#[async_trait]
impl Letters for Shared {
    async fn bury(&self, letters: Vec<DeadLetter>) -> Result<(), AppendError> {
        self.cluster.memory.bury(letters).await
    }

    async fn take_dead_letters(&self, ids: &[DeadLetterId], retry: bool) -> Result<Taken, JournalError> {
        let taken = self.cluster.memory.take_dead_letters(ids, retry).await?;
        for (sink, _) in &taken.returned {
            self.cluster.revoke(sink).await;
        }
        Ok(taken)
    }

    async fn send_again(&self, sink: &str, events: Vec<SendAgain>) -> Result<Vec<bool>, JournalError> {
        let given = self.cluster.memory.send_again(sink, events).await?;
        self.cluster.revoke(sink).await;
        Ok(given)
    }

    async fn dead_letter_page(
        &self,
        filter: &DeadLetterFilter,
        page: Page,
    ) -> Result<DeadLetterPage, JournalError> {
        self.cluster.memory.dead_letter_page(filter, page).await
    }

    fn letter_counts(&self) -> BTreeMap<String, LetterCounts> {
        self.cluster.memory.letter_counts()
    }

    fn dead_letter_quota(&self) -> DeadLetterQuota {
        self.cluster.memory.dead_letter_quota()
    }
}

#[async_trait]
impl Erasures for Shared {
    fn erasures(&self) -> Arc<ErasureList> {
        self.cluster.memory.erasures()
    }

    fn erasure_test(&self, wanted: &[Wanted], of: Option<&Erasure>) -> Result<Index, JournalError> {
        self.cluster.memory.erasure_test(wanted, of)
    }

    async fn record_erasure(&self, subject: Subject, wanted: Vec<Wanted>) -> Result<Erasure, JournalError> {
        self.cluster.memory.record_erasure(subject, wanted).await
    }

    async fn save_erasure(&self, id: u64, results: ErasureResults) -> Result<(), JournalError> {
        self.cluster.memory.save_erasure(id, results).await
    }

    async fn search_log(&self, test: Arc<Index>, until: Instant) -> Result<LogHits, JournalError> {
        self.cluster.memory.search_log(test, until).await
    }

    async fn erase_parked(
        &self,
        test: Arc<Index>,
        dry_run: bool,
    ) -> Result<BTreeMap<String, u64>, JournalError> {
        self.cluster.memory.erase_parked(test, dry_run).await
    }
}
