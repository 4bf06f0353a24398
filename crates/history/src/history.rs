//! The handle to a history, and its thread.

use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{io, thread};

use crate::checks::Checks;
use crate::clock::now;
use crate::db::Trouble;
use crate::files::{self, RowFile};
use crate::health::{Health, Numbers, Part};
use crate::horizon::Horizon;
use crate::ids::{IdHash, IdKeys};
use crate::key_file::NewKey;
use crate::limits::{Keep, Settings};
use crate::losses::DAMAGED;
use crate::notes::Notes;
use crate::open_ids::OpenIds;
use crate::packed::Packed;
use crate::peers::Peers;
use crate::reader::Reader;
use crate::rows::Rows;
use crate::sums::Sums;

#[cfg(test)]
mod tests;

/// Interval of commits: `kill -9` loses no more than this.
const COMMIT: Duration = Duration::from_secs(1);
/// Interval of looks at all files, their ages and sizes, and the rows after which one comes sooner.
const SWEEP: (Duration, u64) = (Duration::from_secs(5), 5_000);

/// Handovers that may wait for the thread, each with the records that ended in a tenth of a second or so.
const HANDOVERS: usize = 4_096;

enum Message {
    Notes(Box<Notes>),
    /// Replies once everything before is committed.
    Flush(SyncSender<()>),
    Erase(Vec<IdHash>, i64, SyncSender<Result<u64, Trouble>>),
    Stop,
}

/// A history that records are handed to. Cheap to clone.
#[derive(Clone)]
pub struct History {
    shared: Arc<Shared>,
}

struct Shared {
    settings: Settings,
    keys: IdKeys,
    numbers: Arc<Numbers>,
    open_ids: Arc<OpenIds>,
    sender: SyncSender<Message>,
    thread: Mutex<Option<JoinHandle<()>>>,
    peers: OnceLock<Arc<dyn Peers>>,
}

impl Shared {
    /// Counts rows as waiting no longer.
    fn left(&self, rows: &Packed) {
        self.numbers.queued.fetch_sub(rows.count(), Relaxed);
        self.numbers.queued_bytes.fetch_sub(rows.memory() as u64, Relaxed);
    }
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History")
            .field("folder", &self.shared.settings.folder)
            .finish_non_exhaustive()
    }
}

/// The reason why a history ended before it answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the history's thread has ended; the log says why, and a restart begins it again")]
pub struct Ended;

/// The reason why an erasure is not complete.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EraseError {
    /// The thread has ended.
    #[error(transparent)]
    Ended(#[from] Ended),
    /// A file cannot be read or written.
    #[error(transparent)]
    Trouble(#[from] Trouble),
}

impl History {
    /// Starts the history's thread. Files that cannot be opened are no error: [`History::health`] says so, and the thread
    /// tries again.
    ///
    /// # Errors
    /// The operating system's, if it starts no thread.
    pub fn start(settings: Settings, keys: IdKeys) -> io::Result<History> {
        let (sender, messages) = sync_channel(HANDOVERS);
        let numbers = Arc::new(Numbers::default());
        let open_ids = Arc::new(OpenIds::default());
        let worker = Worker {
            rows: Rows::new(settings.clone(), keys.clone(), open_ids.clone(), numbers.clone()),
            sums: Sums::new(&settings, numbers.clone()),
            checks: Checks::default(),
            settings: settings.clone(),
            numbers: numbers.clone(),
            rows_fail: false,
            rows_since_sweep: 0,
            lock: None,
            horizon: None,
        };
        let end = numbers.clone();
        let thread = thread::Builder::new().name("history".to_owned()).spawn(move || {
            // A panic is a fault of ours; it must cost no event.
            if catch_unwind(AssertUnwindSafe(|| worker.run(&messages))).is_err() {
                tracing::error!(
                    "the history's thread panicked: nothing is added to the history until a restart"
                );
                end.ended(
                    "the history's thread panicked; restart the router, and report the panic in its log",
                );
            }
        })?;
        Ok(History {
            shared: Arc::new(Shared {
                settings,
                keys,
                numbers,
                open_ids,
                sender,
                thread: Mutex::new(Some(thread)),
                peers: OnceLock::new(),
            }),
        })
    }

    /// Begins notes of ends.
    #[must_use]
    pub fn notes(&self) -> Notes {
        Notes::new(self.shared.settings.rows)
    }

    /// Hands notes over. Never waits: if the rows of too many records wait already, these are dropped and counted; the sums
    /// go on.
    pub fn hand(&self, mut notes: Notes) {
        if notes.is_empty() {
            return;
        }
        let numbers = &self.shared.numbers;
        let mut untold = notes.count();
        if !self.has_room(&notes.rows) {
            let rows = std::mem::take(&mut notes.rows);
            self.shared.left(&rows);
            numbers.dropped.fetch_add(rows.count(), Relaxed);
            untold -= rows.count();
        }
        if let Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) =
            self.shared.sender.try_send(Message::Notes(Box::new(notes)))
            && let Message::Notes(notes) = message
        {
            self.shared.left(&notes.rows);
            numbers.dropped.fetch_add(untold, Relaxed);
        }
    }

    /// Counts rows as waiting; returns false if they are too many.
    fn has_room(&self, rows: &Packed) -> bool {
        let (settings, numbers) = (&self.shared.settings, &self.shared.numbers);
        let (count, size) = (rows.count(), rows.memory() as u64);
        let waiting = numbers.queued.fetch_add(count, Relaxed) + count;
        let bytes = numbers.queued_bytes.fetch_add(size, Relaxed) + size;
        // Something larger than the queue passes when nothing waits.
        waiting == count || waiting <= settings.queue as u64 && bytes <= settings.queue_bytes as u64
    }

    /// Returns the keys of the hashes of ids.
    #[must_use]
    pub fn keys(&self) -> &IdKeys {
        &self.shared.keys
    }

    /// Returns the keys for the ids of rows; `None` if only sums are kept, which have no ids.
    #[must_use]
    pub fn row_keys(&self) -> Option<&IdKeys> {
        self.keeps_rows().then(|| self.keys())
    }

    /// Returns true if rows are kept, which need the ids of events; sums need none.
    #[must_use]
    pub fn keeps_rows(&self) -> bool {
        self.shared.settings.rows != Keep::Off
    }

    /// Returns the time for which records are kept.
    #[must_use]
    pub fn keep(&self) -> Duration {
        self.shared.settings.keep
    }

    /// Returns the state of the history.
    #[must_use]
    pub fn health(&self) -> Health {
        let settings = &self.shared.settings;
        Health {
            events: settings.rows.name().to_owned(),
            max_bytes: (settings.rows != Keep::Off).then_some(settings.max_bytes),
            ..self.shared.numbers.health()
        }
    }

    /// Makes readers answer for the routers that share the journal, too.
    pub fn share(&self, peers: Arc<dyn Peers>) {
        // A router shares its journal from its start to its end.
        let _ = self.shared.peers.set(peers);
    }

    /// Returns the way to the histories of the other routers; `None` where no routers share a journal.
    #[must_use]
    pub fn peers(&self) -> Option<&Arc<dyn Peers>> {
        self.shared.peers.get()
    }

    /// Returns a reader of the files and of the newest ids, and of those of the other routers that share the journal.
    #[must_use]
    pub fn reader(&self) -> Reader {
        self.own_reader().with(self.peers().cloned())
    }

    /// Returns a reader of the files and the newest ids of this router.
    pub(crate) fn own_reader(&self) -> Reader {
        let settings = &self.shared.settings;
        let reader = Reader::live(
            settings.folder.clone(),
            self.shared.keys.clone(),
            self.shared.open_ids.clone(),
            self.shared.numbers.clone(),
        );
        match settings.rows {
            Keep::All | Keep::Failures => reader,
            Keep::Off => reader.sums_only(),
        }
    }

    /// Waits until all records handed over before are committed, as far as they can be.
    ///
    /// # Errors
    /// [`Ended`]
    pub fn flush(&self) -> Result<(), Ended> {
        let (reply, answer) = sync_channel(1);
        self.shared
            .sender
            .send(Message::Flush(reply))
            .map_err(|_| Ended)?;
        answer.recv().map_err(|_| Ended)
    }

    /// Removes the ids of all rows of this router that have one of these hashes and ended until a moment (Unix milliseconds). The
    /// rows stay as numbers. Waits until that is done. Returns the number of rows; `None` of a history that has none.
    ///
    /// # Errors
    /// [`EraseError`]
    pub fn erase(&self, hashes: Vec<IdHash>, until: i64) -> Result<Option<u64>, EraseError> {
        if !self.own_reader().has_rows()? {
            return Ok(None);
        }
        let (reply, answer) = sync_channel(1);
        let sent = self.shared.sender.send(Message::Erase(hashes, until, reply));
        sent.map_err(|_| Ended)?;
        Ok(Some(answer.recv().map_err(|_| Ended)??))
    }

    /// Commits everything and ends the thread. Records handed over later are dropped.
    pub fn close(&self) {
        let thread = self
            .shared
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // An error means that the thread has ended.
            let _ = self.shared.sender.send(Message::Stop);
            let _ = thread.join();
        }
    }
}

struct Worker {
    settings: Settings,
    rows: Rows,
    sums: Sums,
    checks: Checks,
    numbers: Arc<Numbers>,
    /// Rows could not be written since the last commit: opening a file for each of them would be slow.
    rows_fail: bool,
    rows_since_sweep: u64,
    /// Held while this process writes the folder.
    lock: Option<File>,
    /// The time by which files and sums are too old; `None` until the folder could be read.
    horizon: Option<Horizon>,
}

impl Worker {
    fn run(mut self, messages: &Receiver<Message>) {
        self.rows_fail = self.prepare().is_err();
        let (mut commit_at, mut sweep_at) = (Instant::now() + COMMIT, Instant::now());
        loop {
            let message = messages.recv_timeout(commit_at.saturating_duration_since(Instant::now()));
            match message {
                Ok(Message::Notes(notes)) => self.take(*notes),
                Ok(Message::Flush(reply)) => {
                    self.commit();
                    // An error means that the caller waits no longer.
                    let _ = reply.try_send(());
                }
                Ok(Message::Erase(hashes, until, reply)) => {
                    self.commit();
                    let erased = self
                        .prepare()
                        .and_then(|()| self.rows.erase(&hashes, until, now()));
                    let _ = reply.try_send(erased);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Message::Stop) | Err(RecvTimeoutError::Disconnected) => break,
            }
            if commit_at <= Instant::now() {
                self.commit();
                commit_at = Instant::now() + COMMIT;
            }
            let (interval, rows) = SWEEP;
            if sweep_at <= Instant::now() || self.rows_since_sweep >= rows {
                self.sweep();
                self.rows_since_sweep = 0;
                sweep_at = Instant::now() + interval;
            }
        }
        self.commit();
        let closed = self.rows.close(now());
        self.numbers.went(Part::Rows, closed.as_ref().err());
    }

    /// Makes the folder, locks it and goes on with its newest file, unless that is done.
    fn prepare(&mut self) -> Result<(), Trouble> {
        if self.lock.is_some() {
            return Ok(());
        }
        let folder = &self.settings.folder;
        let made = files::make_folder(folder).map_err(|error| Trouble::io(folder, &error));
        let locked = made.and_then(|()| {
            let lock = files::lock(folder)?;
            // Ids under a key that is lost with the process could not be found.
            self.settings.new_key.as_ref().map_or(Ok(()), NewKey::write)?;
            Ok(lock)
        });
        self.numbers.went(Part::Folder, locked.as_ref().err());
        self.lock = Some(locked?);
        self.settings.new_key = None;
        // Before the first write of this process.
        self.horizon.get_or_insert_with(|| {
            let now = now();
            let written = files::last_write(folder).filter(|written| *written < now);
            Horizon::new(written.unwrap_or(now), Instant::now())
        });
        if self.settings.rows != Keep::Off {
            let resumed = self.rows.resume(now());
            self.numbers.went(Part::Rows, resumed.as_ref().err());
        }
        Ok(())
    }

    fn take(&mut self, notes: Notes) {
        for (key, tally) in notes.sums {
            let shed = self.sums.add(key, &tally);
            self.numbers.lost.fetch_add(shed, Relaxed);
        }
        let (rows, now) = (notes.rows, now());
        let mut unread = rows.count();
        for record in rows.records() {
            unread -= 1;
            if self.rows_fail {
                self.numbers.lost.fetch_add(1, Relaxed);
                continue;
            }
            let uncommitted = self.rows.uncommitted();
            match self.rows.add(&record, now) {
                Ok(()) => {
                    self.numbers.rows.fetch_add(1, Relaxed);
                    self.rows_since_sweep += 1;
                }
                Err(trouble) => {
                    self.numbers.rows.fetch_sub(uncommitted, Relaxed);
                    self.numbers.lost.fetch_add(uncommitted + 1, Relaxed);
                    self.went(Part::Rows, Some(&trouble));
                    self.rows_fail = true;
                }
            }
        }
        self.numbers.lost.fetch_add(unread, Relaxed);
        self.numbers.queued.fetch_sub(rows.count(), Relaxed);
        self.numbers.queued_bytes.fetch_sub(rows.memory() as u64, Relaxed);
    }

    fn commit(&mut self) {
        let now = now();
        self.look_at_folder();
        // Sums wait meanwhile.
        self.rows_fail = self.prepare().is_err();
        if self.rows_fail {
            return;
        }
        self.look_at_files();
        let uncommitted = self.rows.uncommitted();
        let rows = self.rows.commit(now);
        if rows.is_err() {
            self.numbers.rows.fetch_sub(uncommitted, Relaxed);
            self.numbers.lost.fetch_add(uncommitted, Relaxed);
        }
        // Without a row to write, nothing is known of a trouble of before.
        if rows.is_err() || uncommitted > 0 {
            self.went(Part::Rows, rows.as_ref().err());
        }
        let horizon = self.horizon();
        let sums = self.sums.commit(horizon);
        self.went(Part::Sums, sums.as_ref().err());
    }

    /// Notes the trouble of a part. A damaged file was set aside, so the next write begins another one.
    fn went(&self, part: Part, trouble: Option<&Trouble>) {
        if !trouble.is_some_and(Trouble::is_damage) {
            self.numbers.went(part, trouble);
        }
    }

    /// Lets go of files whose folder another program has deleted or replaced: they would take rows without keeping them.
    fn look_at_folder(&mut self) {
        let folder = &self.settings.folder;
        if self
            .lock
            .as_ref()
            .is_some_and(|lock| !files::has_lock(folder, lock))
        {
            tracing::warn!(folder = %folder.display(), "the history's folder was deleted or replaced: it begins anew");
            self.rows.leave();
            self.sums.leave();
            self.lock = None;
        }
    }

    /// Looks if other programs have deleted or overwritten the files that are being written, or searches have found a damaged one.
    fn look_at_files(&mut self) {
        let rows = self.rows.look(&mut self.checks);
        let sums = self.sums.look(&mut self.checks);
        let mut looked = rows.and(sums);
        for name in self.numbers.suspects() {
            let checked = match RowFile::parse(&name) {
                Some(file) => self.rows.check(file, &mut self.checks),
                None => self.sums.check(DAMAGED, &mut self.checks),
            };
            match checked {
                Ok(true) => {}
                Ok(false) => self.numbers.suspect(name),
                Err(trouble) => looked = Err(trouble),
            }
        }
        if let Err(trouble) = looked {
            self.numbers.went(Part::Folder, Some(&trouble));
        }
    }

    /// Returns the time by which files and sums are too old.
    fn horizon(&mut self) -> i64 {
        let now = now();
        let horizon = self.horizon.as_mut();
        horizon.map_or(now, |horizon| horizon.time(now, Instant::now()))
    }

    /// Removes files that are too old or too many, and begins another one if this one is large.
    fn sweep(&mut self) {
        self.look_at_folder();
        if self.lock.is_none() {
            return;
        }
        let swept = self.remove_old().and_then(|()| self.rows.check_size(now()));
        let swept = swept.and_then(|()| self.rows.look_at_older(&mut self.checks));
        self.numbers.went(Part::Folder, swept.as_ref().err());
        let oldest = self.horizon() - self.settings.keep_millis();
        self.numbers.forget_losses(oldest);
    }

    fn remove_old(&mut self) -> Result<(), Trouble> {
        let oldest = self.horizon() - self.settings.keep_millis();
        let folder = &self.settings.folder;
        let files = files::list(folder).map_err(|error| Trouble::io(folder, &error))?;
        let sized = files
            .into_iter()
            .map(|file| (file, files::size(&file.path(folder))));
        let mut kept: Vec<(RowFile, u64)> = sized.collect();
        let mut bytes: u64 = kept.iter().map(|(_, size)| size).sum();
        while let Some(at) = kept.iter().position(|(file, _)| {
            file.end() < oldest || bytes > self.settings.max_bytes && !self.rows.is_open(*file)
        }) {
            let (file, size) = kept.remove(at);
            self.rows.close_if(file, now())?;
            let path = file.path(folder);
            files::remove(&path).map_err(|error| Trouble::io(&path, &error))?;
            self.rows.forget(file);
            tracing::debug!(file = %path.display(), "a file of the history is too old, or one too many, and was removed");
            bytes -= size;
        }
        self.numbers.files.store(kept.len() as u64, Relaxed);
        let sums = files::size(&folder.join(files::SUMS));
        self.numbers.bytes.store(bytes + sums, Relaxed);
        Ok(())
    }
}
