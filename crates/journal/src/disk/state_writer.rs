//! The state thread: it merges the commits of sinks, writes them, and gives back space. Every change of the state, and
//! every question that must see all earlier changes, runs here in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::burial::Burial;
use super::letter_watch::LetterWatch;
use super::shared::{Shared, Sink};
use crate::halt::{Cause, Failure};
use crate::mutex::lock;
use crate::panic_guard::Trouble;
use crate::sink_record::SinkRecord;
use crate::state::checkpoints;
use crate::state::dead_letters;
use crate::state::parked;
use crate::state::state_file::StateFile;
use crate::state::tables::{self, Head};
use crate::state::values::Change;
use crate::{AppendError, Commit, JournalError, Progress, Roster};

/// The time for which commits of sinks are gathered to share a write.
const LINGER: Duration = Duration::from_millis(20);
/// The interval at which counts are saved and space is given back.
const TICK: Duration = Duration::from_secs(1);
/// The interval at which `last_opened` of open sinks is renewed, in milliseconds.
const TOUCH: i64 = 600_000;
/// The ticks after which the files set aside are counted again.
const RECOUNT: u32 = 60;
/// The number of tries of the last write, a tick apart.
const LAST_TRIES: u32 = 5;

pub(crate) type Task = Box<dyn FnOnce(&mut StateWriter) + Send>;

pub(crate) enum ToStateWriter {
    Commit {
        sink: String,
        generation: u64,
        commit: Box<Commit>,
    },
    /// Answers when its letters are durable, or cannot be written.
    Bury(Burial),
    /// Saves a value under a source and a key; `None` removes it.
    Checkpoint(String, String, Option<Vec<u8>>),
    /// Answers when everything before is durable.
    Flush(oneshot::Sender<()>),
    /// Runs after an attempt to write everything before.
    Do(Task),
    Stop,
}

pub(crate) struct StateWriter {
    pub(crate) shared: Arc<Shared>,
    pub(crate) state: StateFile,
    pub(crate) head: Head,
    pending: Pending,
    flushes: Vec<oneshot::Sender<()>>,
    /// True after a failed write: the store must be opened again.
    broken: bool,
    /// The number of failed writes in a row, not counting writes whose caller gets the error.
    failures: u64,
    touched: i64,
    warned: u64,
    letter_watch: LetterWatch,
    /// No dead letter ended before this moment, Unix milliseconds, as far as is known.
    pub(super) oldest_letter: i64,
    /// Ticks until the files set aside are counted again.
    recount: u32,
    /// The pipeline's components, once they are known.
    pub(crate) roster: Option<Roster>,
}

#[derive(Default)]
struct Pending {
    commits: Vec<(String, u64, Box<Commit>)>,
    burials: Vec<Burial>,
    checkpoints: checkpoints::Changed,
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.commits.is_empty() && self.burials.is_empty() && self.checkpoints.is_empty()
    }
}

impl StateWriter {
    pub(crate) fn new(shared: Arc<Shared>, state: StateFile, head: Head) -> StateWriter {
        let touched = shared.clock.now();
        StateWriter {
            shared,
            state,
            head,
            pending: Pending::default(),
            flushes: Vec::new(),
            broken: false,
            failures: 0,
            touched,
            warned: 0,
            letter_watch: LetterWatch::default(),
            oldest_letter: 0,
            recount: RECOUNT,
            roster: None,
        }
    }

    pub(crate) fn run(mut self, inbox: &Receiver<ToStateWriter>) {
        let mut ticked = Instant::now();
        let mut go_on = true;
        while go_on {
            match inbox.recv_timeout(TICK.saturating_sub(ticked.elapsed())) {
                Ok(message) => go_on = self.gather(message, inbox),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => go_on = false,
            }
            if go_on && ticked.elapsed() >= TICK {
                ticked = Instant::now();
                self.tick();
            }
        }
        self.finish();
    }

    /// Gathers messages that come within [`LINGER`] and writes them; returns false after the last one.
    fn gather(&mut self, first: ToStateWriter, inbox: &Receiver<ToStateWriter>) -> bool {
        let until = Instant::now() + LINGER;
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                ToStateWriter::Commit {
                    sink,
                    generation,
                    commit,
                } => self.pending.commits.push((sink, generation, commit)),
                ToStateWriter::Bury(burial) => self.pending.burials.push(burial),
                ToStateWriter::Checkpoint(source, key, value) => {
                    self.pending.checkpoints.insert((source, key), value);
                }
                ToStateWriter::Flush(reply) => {
                    self.flushes.push(reply);
                    break;
                }
                ToStateWriter::Do(task) => {
                    self.save();
                    task(self);
                    return true;
                }
                ToStateWriter::Stop => return false,
            }
            next = inbox
                .recv_timeout(until.saturating_duration_since(Instant::now()))
                .ok();
        }
        self.save();
        true
    }

    /// Writes pending changes; after a failure they are tried again with the next tick.
    fn save(&mut self) {
        if !self.pending.is_empty()
            && let Err(error) = self.write_pending()
        {
            self.failed(&error);
            return;
        }
        for flush in self.flushes.drain(..) {
            let _ = flush.send(());
        }
    }

    /// Opens the store again after a failed write.
    pub(super) fn mend(&mut self) -> Result<(), JournalError> {
        if self.broken {
            if let Some(gone) = self.shared.halts.told().filter(|halt| halt.until_restart) {
                // The file at its path is another one, which the journal must not touch.
                return Err(JournalError(gone.why));
            }
            let sinks = lock(&self.shared.sinks);
            let records: BTreeMap<String, SinkRecord> = sinks
                .iter()
                .map(|(name, sink)| (name.clone(), sink.record.clone()))
                .collect();
            drop(sinks);
            self.state.reopen(&self.head, &records)?;
            self.shared.log.watch.note_state(&self.state.path);
            self.broken = false;
        }
        Ok(())
    }

    /// Makes one durable change of the state, and writes the head with it.
    pub(crate) fn change<T>(
        &mut self,
        change: impl FnOnce(&Change<'_>, &mut Head) -> Result<T, redb::Error>,
    ) -> Result<T, JournalError> {
        self.mend()?;
        self.shared.writing();
        let mut head = self.head.clone();
        head.next_position = self.shared.end();
        head.saved_at = self.shared.clock.now();
        let journalled = lock(&self.shared.journalled);
        (head.journalled, head.journalled_to) = (journalled.counts.clone(), journalled.to);
        drop(journalled);
        head.rebuilt = self.shared.rebuilt.load(Ordering::Relaxed);
        head.again.clone_from(&lock(&self.shared.again));
        head.erasures = self.shared.erasures.mark();
        let mut sources = lock(&self.shared.sources);
        let totals = sources.changed.then(|| sources.totals.clone());
        sources.changed = false;
        drop(sources);
        let written = self.state.write(|txn| {
            for (name, totals) in totals.iter().flatten() {
                tables::put_source(txn, name, totals)?;
            }
            let value = change(txn, &mut head)?;
            tables::put_head(txn, &head)?;
            Ok(value)
        });
        match written {
            Ok(value) => {
                let counts = dead_letters::counts(&head, &self.shared.options.dead_letters);
                *lock(&self.shared.letters) = counts;
                self.shared.written(self.pending.is_empty());
                self.shared
                    .counted_to
                    .store(head.journalled_to, Ordering::Release);
                self.head = head;
                self.works_again();
                Ok(value)
            }
            Err(trouble) => {
                self.broken = true;
                lock(&self.shared.sources).changed |= totals.is_some();
                let error = trouble.at(&self.state.path);
                if let Trouble::Full(_) = trouble {
                    self.shared.halt(
                        &Failure {
                            cause: Cause::Full,
                            error: error.clone(),
                        },
                        0,
                    );
                }
                Err(error)
            }
        }
    }

    /// Logs a failed write, once until a write succeeds.
    fn failed(&mut self, error: &JournalError) {
        if self.failures == 0 {
            tracing::error!("the journal's state cannot be written, trying again: {error}");
        }
        self.failures += 1;
    }

    /// Logs the end of a time in which writes failed. While the disk is full some find room and others do not, which one
    /// pair of lines covers.
    fn works_again(&mut self) {
        if self.failures > 0 && self.shared.halts.cause() != Some(Cause::Full) {
            let failures = std::mem::take(&mut self.failures);
            tracing::warn!(failures, "the journal's state is written again");
        }
    }

    /// Reads the checkpoints of a source by key, including those not written yet.
    pub(crate) fn checkpoints(&mut self, source: &str) -> Result<BTreeMap<String, Vec<u8>>, JournalError> {
        let mut saved = self.state.checkpoints(source)?;
        let newer = self.pending.checkpoints.iter();
        let newer = newer.filter(|((owner, _), _)| owner == source);
        saved.extend(newer.map(|(key, value)| (key.clone(), value.clone())));
        let values = saved
            .into_iter()
            .filter_map(|((_, key), value)| Some((key, value?)));
        Ok(values.collect())
    }

    /// Writes pending changes. If that fails, commits and checkpoints stay pending, while the senders of dead letters get
    /// the error and send them again.
    fn write_pending(&mut self) -> Result<(), JournalError> {
        let mut pending = std::mem::take(&mut self.pending);
        let burials = self.unless_gone(std::mem::take(&mut pending.burials));
        let mut sinks = lock(&self.shared.sinks).clone();
        let quota = self.shared.options.dead_letters;
        let written = self.change(|txn, head| {
            let mut moved: BTreeMap<&str, &Progress> = BTreeMap::new();
            for (name, generation, commit) in &pending.commits {
                dead_letters::bury(txn, head, &commit.dead_letters)?;
                // The commit of a replaced reader, or of a forgotten sink, changes nothing.
                let Some(sink) = sinks.get_mut(name).filter(|sink| sink.generation == *generation) else {
                    continue;
                };
                for parked in &commit.park {
                    sink.parked += u64::from(parked::park(txn, name, parked)?);
                }
                for open in &commit.parked_open {
                    parked::update_parked(txn, name, open)?;
                }
                for position in &commit.unpark {
                    sink.parked -= u64::from(parked::unpark(txn, name, *position)?).min(sink.parked);
                }
                if let Some(progress) = &commit.progress {
                    moved.insert(name, progress);
                }
            }
            for (name, progress) in moved {
                if let Some(sink) = sinks.get_mut(name) {
                    sink.record.progress.clone_from(progress);
                    tables::put_sink(txn, name, &sink.record)?;
                }
            }
            let letters = burials.iter().flat_map(|burial| &burial.letters);
            dead_letters::bury(txn, head, letters)?;
            checkpoints::write(txn, &pending.checkpoints)?;
            dead_letters::drop_oldest(txn, head, &quota)
        });
        match written {
            Ok(dropped) => {
                *lock(&self.shared.sinks) = sinks;
                self.letter_watch.dropped(dropped);
                for (name, _, commit) in &pending.commits {
                    self.shared.letters_came(name, &commit.dead_letters);
                }
                // Durable, unless the file was deleted meanwhile.
                for burial in self.unless_gone(burials) {
                    burial.answer(Ok(()));
                }
                Ok(())
            }
            Err(error) => {
                self.pending = pending;
                for burial in burials {
                    burial.answer(Err(AppendError::Failed(error.clone())));
                }
                Err(error)
            }
        }
    }

    /// Passes burials on while the journal's files are in place. If they were deleted or moved, refuses them instead:
    /// anything written to a deleted file is lost when the process ends.
    fn unless_gone(&self, burials: Vec<Burial>) -> Vec<Burial> {
        if burials.is_empty() || !self.shared.lost_files() {
            return burials;
        }
        let Some(error) = self.shared.halts.refuse(burials.len() as u64) else {
            return burials;
        };
        for burial in burials {
            burial.answer(Err(AppendError::Failed(error.clone())));
        }
        Vec::new()
    }

    /// Changes the record of a sink, durably and then in memory.
    pub(crate) fn change_sink(
        &mut self,
        name: &str,
        sink: Sink,
        more: impl FnOnce(&Change<'_>) -> Result<(), redb::Error>,
    ) -> Result<(), JournalError> {
        self.change(|txn, _| {
            tables::put_sink(txn, name, &sink.record)?;
            more(txn)
        })?;
        lock(&self.shared.sinks).insert(name.to_owned(), sink);
        Ok(())
    }

    fn tick(&mut self) {
        self.save();
        self.letter_watch.tell(&self.shared, &self.state);
        if let Err(error) = self.drop_aged_letters() {
            self.failed(&error);
        }
        if let Err(error) = self.tidy() {
            self.failed(&error);
        }
        self.recount -= 1;
        if self.recount == 0 {
            self.recount = RECOUNT;
            self.shared.note_set_aside();
        }
        self.warn();
    }

    /// Saves counts and gives space back.
    pub(crate) fn tidy(&mut self) -> Result<(), JournalError> {
        let now = self.shared.clock.now();
        if now.saturating_sub(self.touched) > TOUCH {
            self.touch(now)?;
        }
        let counts_changed = lock(&self.shared.journalled).to != self.head.journalled_to;
        let erased = self.shared.erasures.mark() != self.head.erasures;
        if counts_changed || erased || lock(&self.shared.sources).changed {
            self.change(|_, _| Ok(()))?;
        }
        self.shared.retire();
        self.shared.erasures.drop_ended(self.shared.start())
    }

    /// Writes the mark of the list of erasures, which is durable already. After a failure the next tick tries again.
    pub(super) fn mark_erasures(&mut self) {
        if let Err(error) = self.change(|_, _| Ok(())) {
            self.failed(&error);
        }
    }

    /// Saves the counts of the sources, if they changed.
    pub(crate) fn save_counts(&mut self) -> Result<(), JournalError> {
        let changed = lock(&self.shared.sources).changed;
        if changed {
            self.change(|_, _| Ok(()))
        } else {
            Ok(())
        }
    }

    fn touch(&mut self, now: i64) -> Result<(), JournalError> {
        let mut sinks = lock(&self.shared.sinks).clone();
        for sink in sinks.values_mut().filter(|sink| sink.opened) {
            sink.record.last_opened = now;
        }
        self.change(|txn, _| {
            sinks
                .iter()
                .try_for_each(|(name, sink)| tables::put_sink(txn, name, &sink.record))
        })?;
        *lock(&self.shared.sinks) = sinks;
        self.touched = now;
        Ok(())
    }

    fn warn(&mut self) {
        let usage = self.shared.usage();
        let percent = usage.bytes.saturating_mul(100) / usage.max_bytes.max(1);
        let reached = [90, 70].into_iter().find(|level| percent >= *level);
        let level = reached.unwrap_or(0);
        if level > self.warned {
            let slowest = self.shared.slowest().map(|(name, _)| name).unwrap_or_default();
            tracing::warn!(
                percent,
                bytes = usage.bytes,
                max_bytes = usage.max_bytes,
                slowest_sink = slowest,
                "the journal is filling up"
            );
        }
        self.warned = level;
    }

    fn finish(mut self) {
        // Neither a command nor a failed start opens all sinks.
        if self.shared.all_opened.load(Ordering::Relaxed) {
            self.shared.rebuilt.store(false, Ordering::Relaxed);
            lock(&self.shared.again).clear();
        }
        for tries in 1..=LAST_TRIES {
            let written = self
                .touch(self.shared.clock.now())
                .and_then(|()| self.write_pending());
            match written {
                Ok(()) => break,
                Err(error) => tracing::error!(tries, "the journal's state cannot be written: {error}"),
            }
            if tries < LAST_TRIES {
                std::thread::sleep(TICK);
            }
        }
        self.save();
        self.state.close();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use crate::state::dead_letters;
    use crate::{DeadLetter, DeadLetterFilter, DiskJournal, DiskOptions, Letters, Log, Page, States};

    #[tokio::test]
    async fn reading_waits_for_nothing_that_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let journal = DiskJournal::open(DiskOptions::new(folder.path())).unwrap();
        journal.bury(vec![DeadLetter::default(); 3]).await.unwrap();
        // The writing thread is stuck in the middle of a change, as on a disk that does not answer.
        let (go_on, wait) = mpsc::channel::<()>();
        let (tell, stands_still) = tokio::sync::oneshot::channel();
        let stuck = journal.ask(move |state_writer| {
            state_writer.change(|txn, head| {
                dead_letters::bury(txn, head, &[DeadLetter::default()])?;
                let _ = tell.send(());
                let _ = wait.recv();
                Ok(())
            })
        });
        let look = async {
            stands_still.await.unwrap();
            tokio::time::sleep(Duration::from_millis(5)).await;
            let page = Page {
                limit: 9,
                ..Page::default()
            };
            let all = DeadLetterFilter::default();
            assert_eq!(
                journal.dead_letter_page(&all, page).await.unwrap().letters.len(),
                3
            );
            assert_eq!(
                journal.dead_letter_summary(&all).await.unwrap().groups[0].count,
                3
            );
            assert_eq!(journal.letters_of("").kept, 3);
            assert!(journal.behind() >= Duration::from_millis(5));
            go_on.send(()).unwrap();
        };
        let (written, ()) = tokio::join!(stuck, look);
        written.unwrap().unwrap();
        assert_eq!(
            (journal.letters_of("").kept, journal.behind()),
            (4, Duration::ZERO)
        );
        journal.shutdown().await;
    }
}
