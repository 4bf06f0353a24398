//! The log of events in a stream of JetStream.
//!
//! ```text
//! append ──▶ appender ──frames, ids in their headers──▶ the stream ──▶ read (any replica, when a sink wants events)
//!               ▲                                          │ headers only
//!               └──── fates: stored or duplicate ──── follower ──▶ ids, duplicates, counts
//! ```
//! The order of the stream decides: an event is a duplicate if its id stands at an earlier position within the window.
//! Each router learns that by itself from the headers, so that all come to the same answers without asking each other.

mod appender;
mod behind;
mod blocks;
mod cache;
pub(super) mod cipher;
mod count;
mod followed;
mod follower;
pub(crate) mod frames;
mod group;
mod header;
mod health;
mod ids;
mod marks;
pub(crate) mod options;
pub(super) mod place;
mod publish;
mod read;
mod shared;
mod snapshot;
mod stream;
mod tend;
mod time;
mod watch;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::Ordering::SeqCst;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use async_nats::jetstream::stream::{Config, DiscardPolicy};
use signalbox_core::Event;
use tokio::sync::{Notify, Semaphore, mpsc, oneshot, watch as channel};
use tokio::task::JoinHandle;

use super::stream::ensure;
use crate::inputs::Held;
use crate::mutex::lock;
use crate::names::Names;
use crate::{AppendError, Appended, Entry, Found, JournalError, Position, Refusing};
use cache::FrameCache;
pub(crate) use cipher::FrameCipher;
use frames::Frames;
use group::Waiting;
use ids::IdHasher;
use options::LogOptions;
use shared::{Shared, blocking};
use stream::Stream;

/// The time for which an append waits for the servers. Clients give up after 8 to 15 seconds.
const PATIENCE: Duration = Duration::from_secs(8);
/// The time within which the servers know the id of a message that is published again.
const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);
/// The most bytes of events that wait to be stored.
const WAITING: u32 = 64_000_000;
/// The most appends in the queue to the appender; their memory is bounded by [`WAITING`].
const QUEUE: usize = 10_000;

/// The configuration of the stream.
fn config(name: &str, options: &LogOptions) -> Config {
    Config {
        name: name.to_owned(),
        description: Some("Signalbox: events, in frames".into()),
        subjects: vec![format!("{}.*", options.subjects.subject(&["ev"]))],
        discard: DiscardPolicy::New,
        max_bytes: i64::try_from(options.max_bytes).unwrap_or(i64::MAX),
        num_replicas: options.replicas,
        duplicate_window: DUPLICATE_WINDOW,
        first_sequence: behind::first_sequence(options),
        allow_direct: true,
        deny_delete: true,
        ..Config::default()
    }
}

/// The log. All routers of a journal have one on the same stream.
pub(crate) struct EventLog {
    shared: Arc<Shared>,
    /// `None` once the log is closed.
    inbox: Mutex<Option<mpsc::Sender<Waiting>>>,
    waiting: Arc<Semaphore>,
    appender: Mutex<Option<JoinHandle<()>>>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl EventLog {
    /// Makes or checks the stream, and begins to follow it.
    ///
    /// # Errors
    /// [`JournalError`] with the remedy, if the servers do not answer for half a minute, or the stream is not one that the log
    /// can use.
    pub(crate) async fn open(
        context: jetstream::Context,
        options: LogOptions,
    ) -> Result<EventLog, JournalError> {
        let stream = Stream {
            client: context.client(),
            context,
            name: options.subjects.stream("EV"),
            start: options.start.clone(),
        };
        behind::tell_if_missing(&stream, &options).await;
        ensure(&stream.context, &config(&stream.name, &options)).await?;
        let info = behind::pass_over(&stream, &options, stream.state().await?).await?;
        let hasher = match &options.cipher {
            None => IdHasher::Plain,
            Some(cipher) => IdHasher::Keyed(cipher.ids().clone()),
        };
        let (ids, followed) = tend::load(&options, &info, hasher.name()).await?;
        let opener = options.cipher.as_ref().map(FrameCipher::opener);
        let shared = Arc::new(Shared {
            created: info.created.clone(),
            hasher,
            opener,
            working: Mutex::new(()),
            ids: Mutex::new(ids),
            sequence: channel::Sender::new(followed.to),
            followed: Mutex::new(followed),
            reading_detail: tokio::sync::Mutex::new(()),
            reading: Default::default(),
            known: info.state.last_seq.into(),
            first: info.state.first_seq.max(1).into(),
            acknowledged: 0.into(),
            opened_at: info.state.last_seq,
            last_look: 0.into(),
            bytes: info.state.bytes.into(),
            max_bytes: u64::try_from(info.config.max_bytes).unwrap_or(u64::MAX).into(),
            news: Notify::new(),
            behind: Notify::new(),
            cache: Mutex::new(FrameCache::new(options.cache_bytes)),
            under_way: Mutex::new(HashMap::new()),
            next_number: 0.into(),
            reported: Mutex::new(HashSet::new()),
            health: health::Health::default(),
            stop: channel::Sender::new(false),
            stream,
            options,
        });
        let (inbox, queue) = mpsc::channel(QUEUE);
        let appender = tokio::spawn(appender::run(shared.clone(), queue));
        let tasks = vec![
            tokio::spawn(follower::follow(shared.clone())),
            tokio::spawn(watch::watch(shared.clone())),
        ];
        Ok(EventLog {
            shared,
            inbox: Mutex::new(Some(inbox)),
            waiting: Arc::new(Semaphore::new(WAITING as usize)),
            appender: Mutex::new(Some(appender)),
            tasks: Mutex::new(tasks),
        })
    }

    /// Appends events, and returns once the servers have stored them and this router knows which of them are duplicates.
    /// The events that an append has of one source are stored together or not at all, if they fit into a message of the
    /// servers' `max_payload`. `names` gives the keys under which the ids of sources are known.
    ///
    /// # Errors
    /// [`AppendError`]. If the servers did not answer, the events may have been stored; when they come again, their ids are
    /// known.
    pub(crate) async fn append(
        &self,
        events: Vec<Event>,
        names: &Names,
    ) -> Result<Vec<Appended>, AppendError> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let Some(inbox) = lock(&self.inbox).clone() else {
            return Err(AppendError::Closed);
        };
        self.shared.lost_stream()?;
        let hashed: Vec<_> = events
            .into_iter()
            .map(|event| {
                let source = names.key(&event.receipt().source);
                let hash = self.shared.hasher.hash(source, event.message_id());
                (Arc::new(event), hash)
            })
            .collect();
        let bytes: usize = hashed.iter().map(|(event, _)| event.memory()).sum();
        let bytes = u32::try_from(bytes).unwrap_or(WAITING).min(WAITING);
        let until = Instant::now() + PATIENCE;
        let (reply, answer) = oneshot::channel();
        let queued = async {
            let permit = self.waiting.clone().acquire_many_owned(bytes).await.ok()?;
            let waiting = Waiting {
                events: hashed,
                until,
                reply,
                permit,
            };
            inbox.send(waiting).await.ok()
        };
        match tokio::time::timeout_at(until.into(), queued).await {
            Ok(Some(())) => {}
            Ok(None) => return Err(AppendError::Closed),
            Err(_) => {
                return Err(AppendError::Failed(JournalError(
                    "too many events wait for the NATS servers".into(),
                )));
            }
        }
        drop(inbox);
        answer.await.unwrap_or(Err(AppendError::Closed))
    }

    /// The position after the newest event that this router has followed.
    pub(crate) fn end(&self) -> Position {
        self.shared.end()
    }

    /// The part of the log that is there.
    pub(crate) fn held(&self) -> Held {
        Held {
            from: self.shared.from(),
            to: self.shared.end(),
        }
    }

    /// Returns when the follower has read all frames that were in the stream when the log was opened.
    pub(crate) async fn caught_up(&self) {
        let mut followed = self.shared.sequence.subscribe();
        // The sender lives as long as the log.
        let _ = followed
            .wait_for(|followed| *followed >= self.shared.opened_at)
            .await;
    }

    /// Reads the events from a position on, about 4 MB at most, up to [`EventLog::end`]. Duplicates are left out.
    ///
    /// # Errors
    /// [`JournalError`] if the servers do not give the frames; trying again may help.
    pub(crate) async fn read(&self, at: Position) -> Result<Frames, JournalError> {
        self.shared.read(at).await
    }

    /// Reads the events at these positions, which are in order. Leaves out deleted events.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    pub(crate) async fn events_at(&self, positions: &[Position]) -> Result<Vec<Entry>, JournalError> {
        self.shared.events_at(positions).await
    }

    /// Finds the first position whose event arrived at or after a moment (Unix milliseconds).
    ///
    /// # Errors
    /// As [`EventLog::read`].
    pub(crate) async fn find(&self, arrived_at: i64) -> Result<Found, JournalError> {
        self.shared.find(arrived_at).await
    }

    /// Counts the events in `from..to` that are no duplicates.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    pub(crate) async fn count(&self, from: Position, to: Position) -> Result<u64, JournalError> {
        let counts = self.shared.count(&[(from, to)]).await?;
        Ok(counts.values().sum())
    }

    /// Counts the events in these ranges that are no duplicates, by source.
    ///
    /// # Errors
    /// As [`EventLog::read`].
    pub(crate) async fn count_by_source(
        &self,
        spans: &[(Position, Position)],
    ) -> Result<BTreeMap<String, u64>, JournalError> {
        let counts = self.shared.count(spans).await?;
        Ok(counts
            .into_iter()
            .map(|(source, count)| (source.to_string(), count))
            .collect())
    }

    /// A position before which all events were stored before a moment (Unix milliseconds by the servers' clocks). It is that of
    /// the first event stored at or after the moment, rounded down to some hundred frames.
    pub(crate) fn stored_since(&self, stored_at: i64) -> Position {
        let first = lock(&self.shared.followed).blocks.stored(stored_at);
        first.map_or_else(|| self.end(), |first| place::start(first).max(self.shared.from()))
    }

    /// The bytes in the stream, and the most that it takes, as its leader said within the last second.
    pub(crate) fn usage(&self) -> (u64, u64) {
        let shared = &self.shared;
        (shared.bytes.load(SeqCst), shared.max_bytes.load(SeqCst))
    }

    /// Woken when frames become readable.
    pub(crate) fn news(&self) -> &Notify {
        &self.shared.news
    }

    /// Deletes the frames whose events are all before a position.
    ///
    /// # Errors
    /// [`JournalError`] if the servers refuse or do not answer.
    pub(crate) async fn purge_below(&self, position: Position) -> Result<(), JournalError> {
        let before = place::sequence(position);
        if before <= self.shared.first.load(SeqCst) {
            return Ok(());
        }
        let purged = self.shared.stream.purge(before).await;
        purged.map_err(|verdict| JournalError(verdict.told()))
    }

    /// The reason why appends fail, if they have for ten seconds, or if the stream is gone.
    pub(crate) fn refusing(&self) -> Option<Refusing> {
        self.shared.health.refusing()
    }

    /// Takes no more events. Appends that wait are still stored.
    pub(crate) fn close(&self) {
        lock(&self.inbox).take();
    }

    /// Closes the log, waits for its appends, and writes the follower's results to the cache.
    pub(crate) async fn shutdown(&self) {
        self.close();
        let appender = lock(&self.appender).take();
        if let Some(appender) = appender {
            let _ = appender.await;
        }
        self.shared.stop.send_replace(true);
        let tasks = std::mem::take(&mut *lock(&self.tasks));
        for task in tasks {
            let _ = task.await;
        }
        blocking(&self.shared, tend::close).await;
    }
}

/// A log that is dropped without a shutdown, as after a failed start, ends its tasks.
impl Drop for EventLog {
    fn drop(&mut self) {
        self.shared.stop.send_replace(true);
    }
}
