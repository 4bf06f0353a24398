//! The journal on disk.
//!
//! ```text
//! append ──▶ writer thread ──one commit──▶ frames-N.bin ──▶  readers, one per sink
//!            (groups, deduplicates)                              │ commit
//!                          state.redb ◀── keeper thread ◀────────┘
//! ```
//! Frames lie in a series of files that are deleted as a whole; everything else lies in one small file. Both threads
//! block on the disk, so that nothing else does.

mod adopt;
mod ballast;
mod burial;
mod checkpoints;
mod clock;
mod compact;
mod cut;
mod file;
mod folder;
mod formats;
mod frame;
mod fresh;
mod guard;
mod halt;
mod heading;
mod identity;
mod keeper;
mod letter_table;
mod letter_watch;
mod letters;
mod mark;
mod missing;
mod opening;
mod options;
mod pages;
mod pin;
mod prepared;
mod private;
mod query;
mod reader;
mod rebuild;
mod recent;
mod rescue;
mod room;
mod segment;
mod series;
mod shared;
mod sinks;
mod state;
mod store;
mod takeover;
mod tentative;
mod watch;
mod writer;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::Event;
use tokio::sync::{Semaphore, oneshot};

pub use compact::Compacted;
pub(crate) use folder::{set_aside, sync};
pub use frame::decode_frame;
pub use options::DiskOptions;
pub use prepared::encode_frame;
pub(crate) use private::private;

use crate::dedup::{Dedup, Id, fingerprint};
use crate::{
    AppendError, Appended, DeadLetter, DeadLetterFilter, DeadLetterId, DeadLetterPage, DeadLetterQuota,
    Found, Journal, JournalError, LetterCounts, Page, Position, Progress, Reader, Refusing, Resumed, Roster,
    SinkState, SourceTotals, Subscription, Taken, Usage,
};
use ballast::Ballast;
use burial::Burial;
use clock::Clock;
use halt::Cause;
use keeper::{Keeper, ToKeeper};
use pages::Pages;
use prepared::Prepared;
use reader::DiskReader;
use rebuild::Basis;
use series::Series;
use shared::{Journalled, Shared, Sink, lock};
use state::State;
use store::Store;
use writer::{Append, ToWriter, Writer};

/// Kilobytes of events that may wait for the writer; appends beyond wait to be let in.
const WAITING_KB: u32 = 64 * 1024;

/// Keeps events on disk: what an append returned for survives kill -9 and power loss.
///
/// See `docs/journal.md` for its files and what it does when they are damaged.
pub struct DiskJournal {
    id: String,
    shared: Arc<Shared>,
    writer: Sender<ToWriter>,
    keeper: Sender<ToKeeper>,
    store: Store,
    waiting: Arc<Semaphore>,
    /// Lets dead letters of sources come to the keeper, see [`burial`].
    burying: Arc<Semaphore>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    idle_before: Option<Duration>,
}

impl DiskJournal {
    /// Opens the journal of a folder, or begins one. Blocks: after a crash up to a few seconds, since what was
    /// written last is checked.
    ///
    /// # Errors
    /// [`JournalError`] if the folder cannot be made, locked, read or written, naming it and what to do. Damaged files
    /// are no error: they are set aside and reported in the log.
    pub fn open(options: DiskOptions) -> Result<DiskJournal, JournalError> {
        let held = folder::open(&options.path)?;
        series::refuse_outdated(&options.path)?;
        formats::refuse_newer(&options.path)?;
        let (mut state, found) = State::find(&options.path)?;
        let series = Series::load(&options.path, options.file_bytes)?;
        let new = matches!(found, opening::Found::Nothing) && series.end().is_none();
        let basis = Basis {
            held: series.start().zip(series.end()),
            given: series.given(),
            heading: series.heading()?,
        };
        // On a full disk the state needs the room that was set aside, even to be opened.
        let ballast = Ballast::new(&options.path, options.ballast_bytes);
        let room = ballast.make();
        if room.as_ref().is_err_and(|error| Cause::of(error) == Cause::Full) {
            ballast.release();
        }
        let loaded = state.open(found, &basis)?;
        if room.is_ok() {
            state.compact_at_start(&loaded);
        }
        let id = identity::read_or_make(&options.path)?;
        let clock = Clock::new(options.wall);
        let idle_before = if new {
            Some(Duration::MAX)
        } else {
            idle_since(loaded.head.saved_at, &clock)
        };
        clock.passed(loaded.head.saved_at);
        if loaded.head.saved_at == 0 {
            clock.passed(series.newest().unwrap_or(0));
        }
        let mut dedup = Dedup::load(
            &options.path,
            options.dedup_window,
            options.dedup_memory,
            clock.now(),
        );
        clock.passed(dedup.latest());
        let mut head = loaded.head;
        let cursors = loaded.sinks.values().map(|(sink, _)| {
            let settled = sink.progress.settled.last().map_or(0, |(_, to)| *to);
            sink.progress.cursor.max(settled)
        });
        // A position that anyone has heard of is never given to another event, even if its frame was lost.
        let ids = if options.dedup_window.is_zero() {
            0
        } else {
            dedup.sealed_to()
        };
        let known = [
            head.next_position,
            head.journalled_to,
            ids,
            series.end().unwrap_or(0),
            series.given(),
        ];
        let end = cursors.chain(known).max().unwrap_or(0);
        let cursors = loaded.sinks.values().filter(|(sink, _)| !sink.released);
        let wanted = cursors.map(|(sink, _)| sink.progress.cursor).min();
        series.tell_missing(wanted.unwrap_or(end), end, options.max_age.is_some());
        learn_again(&series, &mut dedup, end, &clock)?;
        let mut journalled = Journalled {
            counts: std::mem::take(&mut head.journalled),
            to: end,
        };
        for (source, count) in series.counts(head.journalled_to, end)? {
            *journalled.counts.entry(source).or_default() += count;
        }
        let sinks = loaded.sinks.into_iter().map(|(name, (record, parked))| {
            let sink = Sink {
                record,
                parked,
                ..Sink::default()
            };
            (name, sink)
        });
        let letters = letter_table::counts(&head, &options.dead_letters);
        let store = state.store.clone();
        let shared = Arc::new(Shared::new(
            options,
            series,
            end,
            sinks.collect(),
            journalled,
            loaded.sources,
            letters,
            held,
            clock,
        ));
        shared.series.watch.note_state(state.path());
        shared.counted_to.store(head.journalled_to, Ordering::Release);
        if let Err(error) = room {
            let failure = shared.no_room(&error);
            match failure.cause {
                Cause::Full => shared.halt(&failure, 0),
                _ => tracing::warn!(
                    "no room is set aside for when the disk is full: {}",
                    failure.error
                ),
            }
        }
        shared.rebuilt.store(head.rebuilt, Ordering::Relaxed);
        shared.rebuilt_from.store(head.rebuilt_from, Ordering::Relaxed);
        lock(&shared.again).clone_from(&head.again);
        *lock(&shared.names) = Arc::new(head.names.clone());
        shared.ids_sealed_to.store(dedup.sealed_to(), Ordering::Release);
        let (to_writer, inbox) = mpsc::channel();
        let writer = Writer {
            shared: shared.clone(),
            inbox,
            dedup,
            pages: Pages::default(),
        };
        let writing = spawn("journal-writer", move || writer.run())?;
        let (to_keeper, inbox) = mpsc::channel();
        let keeper = Keeper::new(shared.clone(), state, head);
        let keeping = spawn("journal-keeper", move || keeper.run(&inbox))?;
        Ok(DiskJournal {
            id,
            shared,
            writer: to_writer,
            keeper: to_keeper,
            store,
            waiting: Arc::new(Semaphore::new(WAITING_KB as usize)),
            burying: Arc::new(Semaphore::new(burial::MOST as usize)),
            threads: Mutex::new(vec![writing, keeping]),
            idle_before,
        })
    }

    /// Tests if a folder holds a journal; makes and changes nothing.
    ///
    /// # Errors
    /// [`JournalError`] if the folder cannot be read.
    pub fn exists(folder: &Path) -> Result<bool, JournalError> {
        identity::is_journal(folder)
    }

    /// Reads the [id](Journal::id) of the journal in a folder, even while a router has it open; `None` if there is
    /// none.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    pub fn id_of(folder: &Path) -> Result<Option<String>, JournalError> {
        identity::read(folder).map_err(|error| folder::trouble(folder, "cannot be read", &error))
    }

    /// Gives back the space that the state of a journal no longer uses. No router may use the journal meanwhile.
    ///
    /// # Errors
    /// [`JournalError`] if a router uses it, or if it cannot be read or written.
    pub fn compact(folder: &std::path::Path) -> Result<Compacted, JournalError> {
        compact::compact(folder)
    }

    /// Group commits of events since it was opened; with the number of appends it tells how many share one.
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    /// Does at once what the journal does every second anyway: saves counts and deletes files that nobody needs.
    ///
    /// # Errors
    /// [`JournalError`] if the state cannot be written.
    pub async fn tidy(&self) -> Result<(), JournalError> {
        self.ask(Keeper::tidy).await?
    }

    /// Runs something on the keeper's thread, after all that was committed before.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Keeper) -> T + Send + 'static,
    ) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        let task = Box::new(move |keeper: &mut Keeper| drop(reply.send(question(keeper))));
        let gone = || JournalError("the journal was shut down".into());
        self.keeper.send(ToKeeper::Do(task)).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}

/// The time since a commit; `None` if its time is unknown (0), and no time if the clock was set back.
fn idle_since(saved_at: i64, clock: &Clock) -> Option<Duration> {
    let idle = u64::try_from(clock.wall().saturating_sub(saved_at)).unwrap_or(0);
    (saved_at > 0).then(|| Duration::from_millis(idle))
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, JournalError> {
    let thread = std::thread::Builder::new().name(name.into()).spawn(run);
    thread.map_err(|error| JournalError(format!("no thread for the journal: {error}")))
}

/// Learns the ids that were in memory only when the process ended, from the frames. Frames keep the name that a source had,
/// which may be another source's by now; the names that held when a file was begun hold for all of it.
fn learn_again(series: &Series, dedup: &mut Dedup, end: Position, clock: &Clock) -> Result<(), JournalError> {
    let from = dedup.sealed_to();
    for segment in series.segments() {
        if segment.end() <= from {
            continue;
        }
        let names = series.heading_of(&segment)?.unwrap_or_default().names;
        let span = (from.max(segment.first), segment.end().min(end));
        series.scan(span.0, span.1, |frame| {
            let at = i64::try_from(frame.head.written_at / 1_000_000).unwrap_or(i64::MAX);
            for (_, raw) in frame.events().filter(|(at, _)| *at >= from) {
                if let Some(raw) = raw {
                    let source = names.key(&raw.source);
                    let fingerprint = fingerprint(source, raw.id);
                    dedup.learn(
                        Id {
                            fingerprint,
                            source,
                            id: raw.id,
                        },
                        at,
                    );
                }
            }
            dedup.tend(frame.head.end(), clock.now(), false);
        })?;
    }
    Ok(())
}

#[async_trait]
impl Journal for DiskJournal {
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Appended>, AppendError> {
        let Some(entered) = self.shared.enter() else {
            return Err(AppendError::Closed);
        };
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let names = lock(&self.shared.names).clone();
        let prepared = Prepared::new(events.into_iter().map(Arc::new).collect(), &names);
        let kilobytes = u32::try_from(prepared.size() / 1024)
            .unwrap_or(u32::MAX)
            .saturating_add(1)
            .min(WAITING_KB);
        let permit = self.waiting.clone().acquire_many_owned(kilobytes).await;
        let permit = permit.map_err(|_| AppendError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let append = Append {
            prepared,
            reply,
            entered,
            permit,
        };
        self.writer
            .send(ToWriter::Append(append))
            .map_err(|_| AppendError::Closed)?;
        answer.await.unwrap_or(Err(AppendError::Closed))
    }

    async fn adopt(&self, roster: &Roster) -> Result<(), JournalError> {
        let roster = roster.clone();
        self.ask(move |keeper| keeper.adopt(roster)).await?
    }

    async fn reader(
        &self,
        sink: &str,
        subscription: &Subscription,
    ) -> Result<(Box<dyn Reader>, Resumed), JournalError> {
        let (name, subscription) = (sink.to_owned(), subscription.clone());
        let open = move |keeper: &mut Keeper| keeper.open_sink(&name, &subscription);
        let (resumed, generation) = self.ask(open).await??;
        let reader = DiskReader {
            shared: self.shared.clone(),
            keeper: self.keeper.clone(),
            store: self.store.clone(),
            sink: sink.to_owned(),
            generation,
            number: lock(&self.shared.recent).enter(resumed.progress.cursor),
            at: resumed.progress.cursor,
            settled: resumed.progress.settled.iter().copied().collect(),
            ready: Default::default(),
            reading: None,
            refused: 0,
        };
        Ok((Box::new(reader), resumed))
    }

    fn close(&self) {
        self.shared.close();
    }

    async fn shutdown(&self) {
        self.shared.close();
        let _ = self.writer.send(ToWriter::Stop);
        let threads = std::mem::take(&mut *lock(&self.threads));
        let (shared, keeper) = (self.shared.clone(), self.keeper.clone());
        let done = tokio::task::spawn_blocking(move || {
            for thread in threads {
                // In their order: the keeper saves what the writer has counted.
                let _ = thread.join();
                let _ = keeper.send(ToKeeper::Stop);
            }
            shared.series.close();
            shared.tell_lost();
            drop(lock(&shared.lock).take());
        });
        let _ = done.await;
    }

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }

    fn usage(&self) -> Usage {
        self.shared.usage()
    }

    fn idle_before(&self) -> Option<Duration> {
        self.idle_before
    }

    fn slowest(&self) -> Option<(String, Position)> {
        self.shared.slowest()
    }

    fn refusals(&self) -> u64 {
        self.shared.refusals.load(Ordering::Relaxed)
    }

    fn all_opened(&self) {
        self.shared.all_opened.store(true, Ordering::Relaxed);
    }

    fn rebuilt(&self) -> Option<BTreeMap<String, u64>> {
        let rebuilt = self.shared.rebuilt.load(Ordering::Relaxed);
        rebuilt.then(|| lock(&self.shared.again).clone())
    }

    fn refusing(&self) -> Option<Refusing> {
        self.shared.halts.told()
    }

    async fn sinks(&self) -> Result<Vec<SinkState>, JournalError> {
        self.ask(|keeper| keeper.describe_sinks()).await?
    }

    async fn forget(&self, sink: &str, source: Option<&str>) -> Result<u64, JournalError> {
        let (name, source) = (sink.to_owned(), source.map(str::to_owned));
        self.ask(move |keeper| keeper.forget(&name, source.as_deref()))
            .await?
    }

    async fn set_progress(&self, sink: &str, progress: Progress) -> Result<(), JournalError> {
        let name = sink.to_owned();
        self.ask(move |keeper| keeper.set_progress(&name, progress))
            .await?
    }

    async fn find(&self, arrived_at: i64) -> Result<Found, JournalError> {
        let find = move |keeper: &mut Keeper| {
            let (from, to) = (keeper.shared.start(), keeper.shared.end());
            Ok(Found {
                at: keeper.shared.series.find(arrived_at)?.unwrap_or(to).min(to),
                from,
                to,
            })
        };
        self.ask(find).await?
    }

    fn save_source(&self, source: &str, totals: SourceTotals) {
        // A source may still answer requests under its old name after it was renamed.
        let names = lock(&self.shared.names).clone();
        let mut sources = lock(&self.shared.sources);
        sources.changed = true;
        sources.totals.insert(names.now(source).to_owned(), totals);
    }

    async fn save_counts(&self) -> Result<(), JournalError> {
        self.ask(Keeper::save_counts).await?
    }

    async fn source_totals(&self) -> Result<Vec<(String, SourceTotals)>, JournalError> {
        let mut totals: BTreeMap<String, SourceTotals> = lock(&self.shared.sources).totals.clone();
        for totals in totals.values_mut() {
            totals.journalled = 0;
        }
        // The runtime's count may lack the last second before a crash; this one does not.
        let names = lock(&self.shared.names).clone();
        for (source, count) in &lock(&self.shared.journalled).counts {
            let now = names.now(source);
            totals.entry(now.to_owned()).or_default().journalled += *count;
        }
        Ok(totals.into_iter().collect())
    }

    async fn checkpoints(&self, source: &str) -> Result<BTreeMap<String, Vec<u8>>, JournalError> {
        let source = source.to_owned();
        self.ask(move |keeper| keeper.checkpoints(&source)).await?
    }

    fn save_checkpoint(&self, source: &str, key: &str, value: Option<Vec<u8>>) {
        // A source may still read under its old name after it was renamed.
        let names = lock(&self.shared.names).clone();
        let saved = ToKeeper::Checkpoint(names.now(source).to_owned(), key.to_owned(), value);
        if self.keeper.send(saved).is_err() {
            tracing::warn!(
                source,
                "a checkpoint came after the journal was shut down: the source reads a little again"
            );
        }
    }

    async fn flush(&self) {
        let (reply, written) = oneshot::channel();
        // After a shutdown everything is written already.
        if self.keeper.send(ToKeeper::Flush(reply)).is_ok() {
            let _ = written.await;
        }
    }

    async fn dead_letter_page(
        &self,
        filter: &DeadLetterFilter,
        page: Page,
    ) -> Result<DeadLetterPage, JournalError> {
        let (store, filter) = (self.store.clone(), filter.clone());
        let file = self.shared.options.path.join(state::FILE);
        let reading = tokio::task::spawn_blocking(move || {
            let read = store.read(|txn| letter_table::page(txn, &filter, page));
            let (found, damaged) = read.map_err(|trouble| trouble.at(&file))?;
            if damaged > 0 {
                tracing::error!(file = %file.display(), damaged, "dead letters unreadable");
            }
            Ok(found)
        });
        reading
            .await
            .unwrap_or_else(|_| Err(JournalError("reading was cut off".into())))
    }

    fn letter_counts(&self) -> BTreeMap<String, LetterCounts> {
        lock(&self.shared.letters).clone()
    }

    fn dead_letter_quota(&self) -> DeadLetterQuota {
        self.shared.options.dead_letters
    }

    fn behind(&self) -> Duration {
        self.shared.behind()
    }

    async fn bury(&self, letters: Vec<DeadLetter>) -> Result<(), AppendError> {
        for (letters, weight) in burial::pieces(letters) {
            let permit = self.burying.clone().acquire_many_owned(weight).await;
            let permit = permit.map_err(|_| AppendError::Closed)?;
            if let Some(error) = self.shared.halts.refuse(1) {
                return Err(AppendError::Failed(error));
            }
            let (reply, answer) = oneshot::channel();
            let burial = Burial {
                letters,
                reply,
                permit,
            };
            self.keeper
                .send(ToKeeper::Bury(burial))
                .map_err(|_| AppendError::Closed)?;
            answer.await.unwrap_or(Err(AppendError::Closed))?;
        }
        Ok(())
    }

    async fn take_dead_letters(&self, ids: &[DeadLetterId], retry: bool) -> Result<Taken, JournalError> {
        let ids = ids.to_vec();
        self.ask(move |keeper| keeper.take_letters(&ids, retry)).await?
    }
}
