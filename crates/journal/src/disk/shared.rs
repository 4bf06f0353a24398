//! The data that the threads of a journal share.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::ballast::Ballast;
use super::folder_lock::Lock;
use super::options::DiskOptions;
use crate::arrivals::Counters;
use crate::clock::Clock;
use crate::erasures::ErasureStore;
use crate::halt::Halts;
use crate::log::files::LogFiles;
use crate::log::heading::{Heading, SinkStanding};
use crate::log::tail_cache::TailCache;
use crate::mutex::lock;
use crate::names::Names;
use crate::sink_record::SinkRecord;
use crate::state::dead_letters;
use crate::state::tables::Head;
use crate::{DeadLetter, LetterCounts, Position, SourceTotals, Usage};

pub(crate) struct Shared {
    pub(crate) options: DiskOptions,
    pub(crate) log: LogFiles,
    /// The position after the last event that is durable.
    end: AtomicU64,
    /// Woken when `end` moves and when nothing more comes.
    pub(crate) news: Notify,
    closed: AtomicBool,
    /// Appends under way.
    appends: AtomicU64,
    /// The sinks as they are durable; only the state thread changes them.
    pub(crate) sinks: Mutex<BTreeMap<String, Sink>>,
    pub(crate) journalled: Mutex<Journalled>,
    pub(crate) sources: Mutex<Sources>,
    /// Counts of dead letters, by component.
    pub(crate) letters: Mutex<BTreeMap<String, LetterCounts>>,
    /// Bytes of dead letters that are committed and not yet written, by sink.
    coming: Mutex<BTreeMap<String, u64>>,
    /// The moment since which a change of the state has been waiting to be written.
    unwritten: Mutex<Option<Instant>>,
    pub(crate) tail_cache: Mutex<TailCache>,
    /// Ids of events before this position outlive their frames.
    pub(crate) ids_filed_to: AtomicU64,
    /// The position before which the state includes the counts of events.
    pub(crate) counted_to: AtomicU64,
    /// Bytes of files with plain ids.
    pub(crate) plain_id_bytes: AtomicU64,
    /// Bytes of files that are set aside.
    pub(crate) set_aside_bytes: AtomicU64,
    /// True when frames wait for their ids to be written to files.
    pub(crate) file_ids: AtomicBool,
    /// Commits of frames.
    pub(crate) commits: AtomicU64,
    pub(crate) opened: Instant,
    /// The clock for times that are kept and compared later.
    pub(crate) clock: Clock,
    /// True while unknown sinks start at `rebuilt_from`, because the state was lost.
    pub(crate) rebuilt: AtomicBool,
    pub(crate) rebuilt_from: AtomicU64,
    /// True once no sink of the pipeline is unknown any more.
    pub(crate) all_opened: AtomicBool,
    /// The number of events that may come again after the loss, by sink.
    pub(crate) again: Mutex<BTreeMap<String, u64>>,
    /// The names of renamed sources.
    pub(crate) names: Mutex<Arc<Names>>,
    pub(crate) lock: Mutex<Option<Lock>>,
    /// The halts: why no events are taken in.
    pub(crate) halts: Halts,
    pub(crate) ballast: Ballast,
    pub(crate) erasures: ErasureStore,
    /// Held while files are deleted, which two threads may do.
    pub(crate) retiring: Mutex<()>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Sink {
    pub(crate) record: SinkRecord,
    pub(crate) parked: u64,
    /// Incremented for each reader opened; only the newest reader counts.
    pub(crate) generation: u64,
    pub(crate) opened: bool,
}

/// Events in the journal by source over all time, up to a position.
#[derive(Debug, Default)]
pub(crate) struct Journalled {
    pub(crate) counts: BTreeMap<String, u64>,
    pub(crate) to: Position,
    /// Events that came later, by reader.
    pub(crate) arrivals: Counters,
}

impl Journalled {
    /// Counts events of a source.
    pub(crate) fn add(&mut self, source: &str, events: u64) {
        match self.counts.get_mut(source) {
            Some(sum) => *sum += events,
            None => drop(self.counts.insert(source.to_owned(), events)),
        }
        self.arrivals.add(source, events);
    }
}

#[derive(Debug, Default)]
pub(crate) struct Sources {
    pub(crate) totals: BTreeMap<String, SourceTotals>,
    pub(crate) changed: bool,
}

/// The time after the start for which sinks that are still unknown may yet be opened.
const GRACE: Duration = Duration::from_secs(600);

impl Shared {
    #[expect(clippy::too_many_arguments, reason = "one caller, which reads them from disk")]
    pub(crate) fn new(
        options: DiskOptions,
        log: LogFiles,
        end: Position,
        sinks: BTreeMap<String, Sink>,
        journalled: Journalled,
        sources: BTreeMap<String, SourceTotals>,
        head: &Head,
        lock: Lock,
        clock: Clock,
        erasures: ErasureStore,
    ) -> Shared {
        let tail_cache = TailCache::new(options.cache_bytes);
        let letters = dead_letters::counts(head, &options.dead_letters);
        Shared {
            ballast: Ballast::new(&options.path, options.ballast_bytes),
            halts: Halts::default(),
            erasures,
            retiring: Mutex::default(),
            options,
            log,
            end: end.into(),
            news: Notify::new(),
            closed: false.into(),
            appends: 0.into(),
            sinks: sinks.into(),
            journalled: journalled.into(),
            sources: Sources {
                totals: sources,
                changed: false,
            }
            .into(),
            letters: letters.into(),
            coming: BTreeMap::new().into(),
            unwritten: None.into(),
            tail_cache: tail_cache.into(),
            ids_filed_to: 0.into(),
            counted_to: head.journalled_to.into(),
            plain_id_bytes: 0.into(),
            set_aside_bytes: 0.into(),
            file_ids: false.into(),
            commits: 0.into(),
            opened: Instant::now(),
            clock,
            rebuilt: head.rebuilt.into(),
            rebuilt_from: head.rebuilt_from.into(),
            all_opened: false.into(),
            again: head.again.clone().into(),
            names: Mutex::new(Arc::new(head.names.clone())),
            lock: Some(lock).into(),
        }
    }

    /// Notes that a change of the state begins.
    pub(crate) fn writing(&self) {
        lock(&self.unwritten).get_or_insert_with(Instant::now);
    }

    /// Notes that a change of the state is durable; with `all`, no other change waits.
    pub(crate) fn written(&self, all: bool) {
        *lock(&self.unwritten) = (!all).then(Instant::now);
    }

    /// The time for which changes of the state have been waiting to be written.
    pub(crate) fn behind(&self) -> Duration {
        lock(&self.unwritten).map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Notes that dead letters of a sink are on their way to the state thread.
    pub(crate) fn letters_come(&self, sink: &str, letters: &[DeadLetter]) {
        if !letters.is_empty() {
            let size: u64 = letters.iter().map(DeadLetter::size).sum();
            *lock(&self.coming).entry(sink.to_owned()).or_default() += size;
        }
    }

    /// Notes that dead letters of a sink are written.
    pub(crate) fn letters_came(&self, sink: &str, letters: &[DeadLetter]) {
        if let Some(coming) = lock(&self.coming).get_mut(sink) {
            let size: u64 = letters.iter().map(DeadLetter::size).sum();
            *coming = coming.saturating_sub(size);
        }
    }

    /// True if a sink may not make another dead letter.
    pub(crate) fn letters_full(&self, sink: &str, uncommitted: u64) -> bool {
        let quota = &self.options.dead_letters;
        if quota.drops(sink) {
            return false;
        }
        let kept = lock(&self.letters).get(sink).map_or(0, |counts| counts.bytes);
        let coming = lock(&self.coming).get(sink).copied().unwrap_or(0);
        kept + coming + uncommitted >= quota.bytes(sink)
    }

    pub(crate) fn end(&self) -> Position {
        self.end.load(Ordering::SeqCst)
    }

    pub(crate) fn advance(&self, end: Position) {
        self.end.store(end, Ordering::SeqCst);
        self.news.notify_waiters();
    }

    /// The heading that a file begun now gets.
    pub(crate) fn heading(&self) -> Heading {
        let standing = |(name, sink): (&String, &Sink)| {
            let mut record = sink.record.clone();
            // The histories are large, and the next attempts supply them again.
            record.progress.open.clear();
            let parked = sink.parked;
            (name.clone(), SinkStanding { record, parked })
        };
        Heading {
            sinks: lock(&self.sinks).iter().map(standing).collect(),
            journalled: lock(&self.journalled).counts.clone(),
            sources: lock(&self.sources).totals.clone(),
            names: lock(&self.names).as_ref().clone(),
            erasures: self.erasures.mark(),
        }
    }

    /// The oldest position held.
    pub(crate) fn start(&self) -> Position {
        self.log.start().unwrap_or(self.end())
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.news.notify_waiters();
    }

    /// Announces an append; `None` if it is closed.
    pub(crate) fn enter(self: &Arc<Self>) -> Option<Entered> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        let entered = Entered(self.clone());
        (!self.closed.load(Ordering::SeqCst)).then_some(entered)
    }

    pub(crate) fn appends(&self) -> u64 {
        self.appends.load(Ordering::SeqCst)
    }

    /// True once the journal is closed and no append is under way.
    pub(crate) fn complete(&self) -> bool {
        self.closed.load(Ordering::SeqCst) && self.appends() == 0
    }

    /// The sink that holds most of the log, and its cursor.
    pub(crate) fn slowest(&self) -> Option<(String, Position)> {
        let sinks = lock(&self.sinks);
        let holding = sinks.iter().filter(|(_, sink)| !sink.record.released);
        let slowest = holding.min_by_key(|(_, sink)| sink.record.progress.cursor);
        slowest.map(|(name, sink)| (name.clone(), sink.record.progress.cursor))
    }

    /// The position before which every sink has settled everything; the end of the log if there is no sink.
    pub(crate) fn floor(&self) -> Position {
        // Sinks that are not known need these events if they are still to be opened.
        let unknown = self.rebuilt.load(Ordering::Relaxed)
            && !self.all_opened.load(Ordering::Relaxed)
            && self.in_grace();
        let unknown = unknown.then(|| self.rebuilt_from.load(Ordering::Relaxed));
        let sinks = lock(&self.sinks);
        let holding = sinks.values().filter(|sink| !sink.record.released);
        holding
            .map(|sink| sink.record.progress.cursor)
            .chain(unknown)
            .min()
            .unwrap_or(self.end())
    }

    pub(crate) fn in_grace(&self) -> bool {
        self.opened.elapsed() < GRACE
    }

    pub(crate) fn usage(&self) -> Usage {
        let floor = self.floor().max(self.start());
        Usage {
            events: self.end().saturating_sub(floor),
            bytes: self.log.bytes_from(floor),
            max_bytes: self.options.max_bytes,
        }
    }
}

/// An append under way.
pub(crate) struct Entered(Arc<Shared>);

impl Drop for Entered {
    fn drop(&mut self) {
        let last = self.0.appends.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && self.0.closed.load(Ordering::SeqCst) {
            self.0.news.notify_waiters();
        }
    }
}
