//! The journal on disk.
//!
//! ```text
//! append ──▶ writer thread ──one commit──▶ frames-N.bin ──▶  readers, one per sink
//!            (groups, deduplicates)                              │ commit
//!                          state.redb ◀── state thread ◀─────────┘
//! ```
//! [`crate::log`] holds the files of frames, [`crate::state`] the one small file for everything else, and [`crate::dedup`]
//! the known ids. Both threads block on the disk, so that nothing else does.

mod adopt;
mod ballast;
mod burial;
mod erasures;
mod folder_lock;
mod formats;
mod identity;
mod keys;
mod letter_watch;
mod letters;
mod moved;
mod new_ids;
mod options;
mod reader;
mod room;
mod sealing;
mod shared;
mod sinks;
mod state_writer;
mod states;
mod take_letters;
mod writer;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use async_trait::async_trait;
use signalbox_core::Event;
use tokio::sync::{Semaphore, oneshot};

pub use options::DiskOptions;

use crate::clock::Clock;
use crate::dedup::{Dedup as _, Id, IdStore};
use crate::erasures::{ErasureMark, ErasureStore};
use crate::fs::folder_error;
use crate::halt::Cause;
use crate::log::AlignedBuffer;
use crate::log::encode::EncodedAppend;
use crate::log::files::{self, LogFiles};
use crate::mutex::lock;
use crate::seal::id_key::IdKey;
use crate::seal::keys_file::JournalKeys;
use crate::state::compact::{self, Compacted};
use crate::state::opening::Found as FoundState;
use crate::state::rebuild::Basis;
use crate::state::state_file::StateFile;
use crate::state::store::Store;
use crate::state::values::Values;
use crate::{
    AppendError, Appended, Entry, Found, JournalError, Keys, Log, Position, Reader, Refusing, Resumed,
    Sealing, Subscription, Usage,
};
use ballast::Ballast;
use reader::DiskReader;
use shared::{Journalled, Shared, Sink};
use state_writer::{StateWriter, ToStateWriter};
use writer::{Append, ToWriter, Writer};

/// Kilobytes of events that may wait for the writer; appends beyond wait to be let in.
const WAITING_KB: u32 = 64 * 1024;

/// A journal on disk: events survive kill -9 and power loss from the moment their append has returned.
///
/// `docs/journal.md` describes its files, and how it treats damaged ones.
pub struct DiskJournal {
    id: String,
    /// The keys of a sealed journal.
    keys: Option<JournalKeys>,
    shared: Arc<Shared>,
    writer: Sender<ToWriter>,
    state_writer: Sender<ToStateWriter>,
    store: Store,
    waiting: Arc<Semaphore>,
    /// Bounds the dead letters of sources under way, see [`burial`].
    burying: Arc<Semaphore>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    idle_before: Option<Duration>,
}

impl DiskJournal {
    /// Opens the journal of a folder, or begins one. Blocks: after a crash up to a few seconds, since the newest file is
    /// checked.
    ///
    /// # Errors
    /// [`JournalError`] if the folder cannot be made, locked, read or written, naming it and what to do. Damaged files
    /// are no error: they are set aside and reported in the log.
    pub fn open(options: DiskOptions) -> Result<DiskJournal, JournalError> {
        let held = folder_lock::open(&options.path)?;
        moved::refuse(&options.path)?;
        files::refuse_outdated(&options.path)?;
        let seals = formats::refuse_newer(&options.path)?;
        let mut keys = keys::open(&options.path, &seals, options.keys.as_ref())?;
        let (mut state, found) = StateFile::find(&options.path, Values::new(keys.as_ref()))?;
        keys::refuse_plain(&options.path, options.keys.as_ref(), &found)?;
        let records = keys.as_ref().map(|keys| keys.records.clone());
        let mut erasures = ErasureStore::load(&options.path, records)?;
        let mark = ErasureMark::newer(state.kept_mark(&found)?, seals.erasures);
        erasures.check(mark.as_ref(), seals.start, options.accept_lost_erasures)?;
        if let Some(keys) = &mut keys {
            keys.save(&options.path)?;
        }
        erasures.settle()?;
        let ids = keys.as_ref().map(|keys| &keys.ids);
        let log = LogFiles::load(&options.path, options.file_bytes, keys.as_ref(), &seals.files)?;
        let new = matches!(found, FoundState::Nothing) && log.end().is_none();
        let basis = Basis {
            held: log.start().zip(log.end()),
            given: log.given,
            heading: log.heading()?,
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
            clock.passed(log.newest().unwrap_or(0));
        }
        let mut dedup = IdStore::load(
            &options.path,
            options.dedup_window,
            options.dedup_memory,
            clock.now(),
            ids.map(IdKey::name),
        );
        clock.passed(dedup.latest());
        let mut head = loaded.head;
        let cursors = loaded.sinks.values().map(|(sink, _)| {
            let settled = sink.progress.settled.last().map_or(0, |(_, to)| *to);
            sink.progress.cursor.max(settled)
        });
        // A position that anyone has heard of is never given to another event, even if its frame was lost.
        let known = [
            head.next_position,
            head.journalled_to,
            dedup.reached(),
            log.end().unwrap_or(0),
            log.given,
            // An erasure covers no event that arrives after it.
            erasures.list.newest(),
        ];
        let end = cursors.chain(known).max().unwrap_or(0);
        let cursors = loaded.sinks.values().filter(|(sink, _)| !sink.released);
        let wanted = cursors.map(|(sink, _)| sink.progress.cursor).min();
        log.tell_missing(wanted.unwrap_or(end), end, options.max_age.is_some());
        learn_again(&log, &mut dedup, end, &clock, ids)?;
        let mut journalled = Journalled {
            counts: std::mem::take(&mut head.journalled),
            to: end,
            ..Journalled::default()
        };
        for (source, count) in log.counts(head.journalled_to, end)? {
            journalled.add(&source, count);
        }
        let sinks = loaded.sinks.into_iter().map(|(name, (record, parked))| {
            let sink = Sink {
                record,
                parked,
                ..Sink::default()
            };
            (name, sink)
        });
        let store = state.store.clone();
        let shared = Arc::new(Shared::new(
            options,
            log,
            end,
            sinks.collect(),
            journalled,
            loaded.sources,
            &head,
            held,
            clock,
            erasures,
        ));
        shared.log.watch.note_state(&state.path);
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
        shared.note_ids(&dedup);
        shared.note_set_aside();
        let (to_writer, inbox) = mpsc::channel();
        let writer = Writer {
            shared: shared.clone(),
            inbox,
            dedup,
            buffer: AlignedBuffer::default(),
        };
        let writing = spawn("journal-writer", move || writer.run())?;
        let (to_keeper, inbox) = mpsc::channel();
        let state_writer = StateWriter::new(shared.clone(), state, head);
        let keeping = spawn("journal-keeper", move || state_writer.run(&inbox))?;
        Ok(DiskJournal {
            id,
            keys,
            shared,
            writer: to_writer,
            state_writer: to_keeper,
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

    /// Reads the [id](Log::id) of the journal in a folder, even while a router has it open; `None` if there is
    /// none.
    ///
    /// # Errors
    /// [`JournalError`] if it cannot be read.
    pub fn id_of(folder: &Path) -> Result<Option<String>, JournalError> {
        identity::read(folder).map_err(|error| folder_error(folder, "cannot be read", &error))
    }

    /// Gives back the space that the state of a journal no longer uses; `keys` are those of a sealed journal. No router may
    /// use the journal meanwhile.
    ///
    /// # Errors
    /// [`JournalError`] if a router uses it, or if it cannot be read or written.
    pub fn compact(folder: &Path, keys: Option<&Keys>) -> Result<Compacted, JournalError> {
        let _held = folder_lock::open(folder)?;
        let seals = formats::refuse_newer(folder)?;
        let mut keys = keys::open(folder, &seals, keys)?;
        if let Some(keys) = &mut keys {
            keys.save(folder)?;
        }
        compact::compact(folder, Values::new(keys.as_ref()))
    }

    /// Group commits of events since it was opened; with the number of appends it tells how many share one.
    pub fn commits(&self) -> u64 {
        self.shared.commits.load(Ordering::Relaxed)
    }

    /// Saves counts and deletes unneeded files now, as the journal does every second anyway.
    ///
    /// # Errors
    /// [`JournalError`] if the state cannot be written.
    pub async fn tidy(&self) -> Result<(), JournalError> {
        self.ask(StateWriter::tidy).await?
    }

    /// Runs a function on the state thread, after all earlier commits.
    async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut StateWriter) -> T + Send + 'static,
    ) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        let task = Box::new(move |state_writer: &mut StateWriter| drop(reply.send(question(state_writer))));
        let gone = || JournalError("the journal was shut down".into());
        self.state_writer
            .send(ToStateWriter::Do(task))
            .map_err(|_| gone())?;
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
fn learn_again(
    log: &LogFiles,
    dedup: &mut IdStore,
    end: Position,
    clock: &Clock,
    ids: Option<&IdKey>,
) -> Result<(), JournalError> {
    let from = dedup.filed_to();
    for log_file in log.log_files() {
        if log_file.end() <= from {
            continue;
        }
        let names = log.heading_of(&log_file)?.unwrap_or_default().names;
        let span = (from.max(log_file.first), log_file.end().min(end));
        log.scan(span.0, span.1, |frame| {
            let at = i64::try_from(frame.head.written_at / 1_000_000).unwrap_or(i64::MAX);
            for (_, raw) in frame.events().filter(|(at, _)| *at >= from) {
                if let Some(raw) = raw {
                    dedup.learn(Id::new(names.key(&raw.source), raw.id, ids), at);
                }
            }
            dedup.tend(frame.head.end(), clock.now(), false);
        })?;
    }
    Ok(())
}

#[async_trait]
impl Log for DiskJournal {
    async fn append(&self, events: Vec<Event>) -> Result<Vec<Appended>, AppendError> {
        let Some(entered) = self.shared.enter() else {
            return Err(AppendError::Closed);
        };
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let names = lock(&self.shared.names).clone();
        let events = events.into_iter().map(Arc::new).collect();
        let encoded = match &self.keys {
            Some(keys) => EncodedAppend::to_seal(events, &names, &keys.ids),
            None => EncodedAppend::new(events, &names),
        };
        let kilobytes = u32::try_from(encoded.size() / 1024)
            .unwrap_or(u32::MAX)
            .saturating_add(1)
            .min(WAITING_KB);
        let permit = self.waiting.clone().acquire_many_owned(kilobytes).await;
        let permit = permit.map_err(|_| AppendError::Closed)?;
        let (reply, answer) = oneshot::channel();
        let append = Append {
            encoded,
            reply,
            entered,
            permit,
        };
        self.writer
            .send(ToWriter::Append(append))
            .map_err(|_| AppendError::Closed)?;
        answer.await.unwrap_or(Err(AppendError::Closed))
    }

    async fn reader(
        &self,
        sink: &str,
        subscription: &Subscription,
    ) -> Result<(Box<dyn Reader>, Resumed), JournalError> {
        let (name, subscription) = (sink.to_owned(), subscription.clone());
        let open = move |state_writer: &mut StateWriter| state_writer.open_sink(&name, &subscription);
        let (resumed, generation) = self.ask(open).await??;
        let reader = DiskReader {
            arrivals: resumed.arrivals.clone(),
            shared: self.shared.clone(),
            state_writer: self.state_writer.clone(),
            store: self.store.clone(),
            sink: sink.to_owned(),
            generation,
            number: lock(&self.shared.tail_cache).enter(resumed.progress.cursor),
            at: resumed.progress.cursor,
            settled: resumed.progress.settled.iter().copied().collect(),
            ready: Default::default(),
            reading: None,
            refused: 0,
        };
        Ok((Box::new(reader), resumed))
    }

    async fn find(&self, arrived_at: i64) -> Result<Found, JournalError> {
        let find = move |state_writer: &mut StateWriter| {
            let (from, to) = (state_writer.shared.start(), state_writer.shared.end());
            Ok(Found {
                at: state_writer.shared.log.find(arrived_at)?.unwrap_or(to).min(to),
                from,
                to,
            })
        };
        self.ask(find).await?
    }

    async fn events_at(&self, positions: &[Position]) -> Result<Vec<Entry>, JournalError> {
        let (shared, positions) = (self.shared.clone(), positions.to_vec());
        let reading = tokio::task::spawn_blocking(move || match shared.log.pick(&positions) {
            (found, None) => {
                let entry = |(position, event)| Entry {
                    position,
                    event: Arc::new(event),
                };
                Ok(found.into_iter().map(entry).collect())
            }
            (_, Some((error, _))) => Err(error),
        });
        reading
            .await
            .unwrap_or_else(|_| Err(JournalError("reading was cut off".into())))
    }

    fn usage(&self) -> Usage {
        self.shared.usage()
    }

    fn slowest(&self) -> Option<(String, Position)> {
        self.shared.slowest()
    }

    fn refusing(&self) -> Option<Refusing> {
        self.shared.halts.told()
    }

    fn sealing(&self) -> Option<Sealing> {
        Some(self.shared.sealing())
    }

    fn id(&self) -> Option<String> {
        Some(self.id.clone())
    }

    fn idle_before(&self) -> Option<Duration> {
        self.idle_before
    }

    fn close(&self) {
        self.shared.close();
    }

    async fn shutdown(&self) {
        self.shared.close();
        let _ = self.writer.send(ToWriter::Stop);
        let threads = std::mem::take(&mut *lock(&self.threads));
        let (shared, state_writer) = (self.shared.clone(), self.state_writer.clone());
        let done = tokio::task::spawn_blocking(move || {
            for thread in threads {
                // In this order: the state thread saves the counts of the writer.
                let _ = thread.join();
                let _ = state_writer.send(ToStateWriter::Stop);
            }
            shared.log.close();
            shared.tell_lost();
            drop(lock(&shared.lock).take());
        });
        let _ = done.await;
    }
}
