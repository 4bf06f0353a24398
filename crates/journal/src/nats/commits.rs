//! Writes what a sink's driver commits. Commits are merged while a change is under way; each change is one atomic batch whose
//! first record is the state of the sink, written over the one that this reader wrote last. So a reader whose sink another
//! router has taken over writes nothing more.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::book::key::Key;
use super::book::parked;
use super::book::store::{MOST, Refused, Store, Write};
use super::book::values::json;
use crate::mutex::lock;
use crate::sink_record::SinkRecord;
use crate::{Arrivals, Commit, DeadLetter, JournalError, Open, Parked, Position, Progress};

/// The time for which commits are merged before they are written.
const MERGE: Duration = Duration::from_millis(20);
/// The bytes of records in one change, about.
const BYTES: usize = 4_000_000;
/// The time that one attempt to write may take, before the log tells.
const ATTEMPT: Duration = Duration::from_secs(5);
/// The pause between attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// Commits of a reader that wait to be written.
#[derive(Default)]
struct Waiting {
    progress: Option<Progress>,
    letters: Vec<(Key, DeadLetter)>,
    park: BTreeMap<Position, Parked>,
    opens: BTreeMap<Position, Open>,
    unpark: Vec<Position>,
    /// Counts the commits so far.
    number: u64,
    since: Option<Instant>,
    /// The time of the oldest commit in the change that is being written.
    writing_since: Option<Instant>,
    /// True once the reader is gone: nothing more comes.
    ended: bool,
}

impl Waiting {
    /// Takes the commits that wait.
    fn take(&mut self) -> Waiting {
        let since = self.since.take();
        Waiting {
            progress: self.progress.take(),
            letters: std::mem::take(&mut self.letters),
            park: std::mem::take(&mut self.park),
            opens: std::mem::take(&mut self.opens),
            unpark: std::mem::take(&mut self.unpark),
            number: self.number,
            since,
            writing_since: std::mem::replace(&mut self.writing_since, since),
            ended: self.ended,
        }
    }
}

/// The commits of one reader.
#[derive(Clone)]
pub(super) struct Commits {
    waiting: Arc<Mutex<Waiting>>,
    news: Arc<Notify>,
    /// The number of the last commit that was written, or given up.
    written: watch::Receiver<u64>,
    arrivals: Arrivals,
    sink: String,
}

impl Commits {
    /// Begins to write the commits of a sink whose record is the one of `sequence`.
    pub(super) fn new(
        store: Arc<Store>,
        sink: &str,
        record: SinkRecord,
        sequence: u64,
        arrivals: Arrivals,
    ) -> Commits {
        let (wrote, written) = watch::channel(0);
        let commits = Commits {
            waiting: Arc::default(),
            news: Arc::default(),
            written,
            arrivals: arrivals.clone(),
            sink: sink.to_owned(),
        };
        let writer = Writer {
            store,
            commits: commits.clone(),
            record,
            sequence,
            wrote,
        };
        tokio::spawn(writer.run());
        commits
    }

    /// Queues a commit.
    pub(super) fn add(&self, commit: Commit) {
        let mut waiting = lock(&self.waiting);
        if let Some(progress) = commit.progress {
            waiting.progress = Some(progress);
        }
        let letters = commit.dead_letters.into_iter();
        waiting
            .letters
            .extend(letters.map(|letter| (letter_key(&letter), letter)));
        for parked in commit.park {
            waiting.park.insert(parked.position, parked);
        }
        for open in commit.parked_open {
            match waiting.park.get_mut(&open.position) {
                Some(parked) => parked.open = open,
                None => drop(waiting.opens.insert(open.position, open)),
            }
        }
        for position in commit.unpark {
            waiting.opens.remove(&position);
            if waiting.park.remove(&position).is_none() {
                waiting.unpark.push(position);
            }
        }
        waiting.number += 1;
        waiting.since.get_or_insert_with(Instant::now);
        drop(waiting);
        self.news.notify_one();
    }

    /// Waits until everything committed is written, or the reader is revoked.
    pub(super) async fn flush(&self) {
        let number = lock(&self.waiting).number;
        let mut written = self.written.clone();
        // The writer ends after it has written everything.
        let _ = written.wait_for(|written| *written >= number).await;
    }

    /// The time for which the oldest commit has been waiting.
    pub(super) fn behind(&self) -> Duration {
        if self.arrivals.is_revoked() {
            return Duration::ZERO;
        }
        let waiting = lock(&self.waiting);
        let since = waiting.writing_since.or(waiting.since);
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// True while the reader is there and not revoked.
    pub(super) fn is_open(&self) -> bool {
        !lock(&self.waiting).ended && !self.arrivals.is_revoked()
    }

    /// Ends the writer once everything is written.
    pub(super) fn end(&self) {
        lock(&self.waiting).ended = true;
        self.news.notify_one();
    }
}

/// The key of a sink's letter. If the same record of the same event ends again, its letter takes the earlier one's place.
pub(super) fn letter_key(letter: &DeadLetter) -> Key {
    let name = match letter.position {
        Some(position) => format!("{position}-{}", letter.mapping),
        None => uuid::Uuid::new_v4().to_string(),
    };
    Key::Letter(letter.component.clone(), name)
}

struct Writer {
    store: Arc<Store>,
    commits: Commits,
    /// The record as it was written last.
    record: SinkRecord,
    /// Its sequence.
    sequence: u64,
    wrote: watch::Sender<u64>,
}

impl Writer {
    async fn run(mut self) {
        loop {
            let (has_commits, ended) = {
                let waiting = lock(&self.commits.waiting);
                (waiting.since.is_some(), waiting.ended)
            };
            if !has_commits {
                if ended {
                    return;
                }
                self.commits.news.notified().await;
                continue;
            }
            if !ended {
                tokio::time::sleep(MERGE).await;
            }
            let taken = lock(&self.commits.waiting).take();
            let number = taken.number;
            let written = self.write(taken).await;
            lock(&self.commits.waiting).writing_since = None;
            if !written {
                // The events of these commits are unsettled for the next reader of the sink.
                self.commits.arrivals.revoke();
                self.wrote.send_replace(u64::MAX);
                return;
            }
            self.wrote.send_replace(number);
        }
    }

    /// Writes commits; false if another router has taken over the sink.
    async fn write(&mut self, taken: Waiting) -> bool {
        let sink = self.commits.sink.clone();
        let has_letters = !taken.letters.is_empty();
        let (changes, record) = match self.changes(taken) {
            Ok(changes) => changes,
            Err(error) => {
                tracing::error!(
                    sink,
                    "a commit cannot be encoded, and the sink is opened anew: {error}"
                );
                return false;
            }
        };
        let (mut told, mut written_to) = (false, 0);
        for mut change in changes {
            let name = self.store.change();
            loop {
                if let Some(first) = change.first_mut() {
                    first.expected = Some(self.sequence);
                }
                let written = self.store.write_as(&name, &change, Instant::now() + ATTEMPT);
                match written.await {
                    Ok(last) => {
                        self.sequence = last + 1 - change.len() as u64;
                        written_to = last;
                        break;
                    }
                    Err(Refused::Fenced) => return false,
                    Err(Refused::Failed(_)) if self.commits.arrivals.is_revoked() => return false,
                    Err(Refused::Failed(error)) => {
                        if !std::mem::replace(&mut told, true) {
                            tracing::warn!(sink, "the sink's state is not written, trying again: {error}");
                        }
                        tokio::time::sleep(PAUSE).await;
                    }
                }
            }
        }
        if told {
            tracing::info!(sink, "the sink's state is written again");
        }
        self.record = record;
        if has_letters {
            // Quotas are kept by the letters that the book knows. A router that cannot read now counts them later.
            let read = self.store.has_read(written_to);
            let _ = tokio::time::timeout(ATTEMPT, read).await;
            self.store.trim_letters(&sink).await;
        }
        true
    }

    /// Makes the changes that write commits. What must not be lost comes before the progress that passes it, and parked events
    /// are removed with the progress that counts their end, or after it: where a change is cut off between its parts, work is
    /// repeated.
    fn changes(&self, taken: Waiting) -> Result<(Vec<Vec<Write>>, SinkRecord), JournalError> {
        let sink = &self.commits.sink;
        let mut record = self.record.clone();
        if let Some(progress) = taken.progress {
            record.progress = progress;
        }
        let mut before = Vec::new();
        for (key, letter) in &taken.letters {
            before.push(Write::set(key.clone(), json(letter)?));
        }
        for parked in taken.park.values() {
            before.push(Write::set(
                Key::Parked(sink.clone(), parked.position),
                parked::encode(parked)?,
            ));
        }
        for (position, open) in &taken.opens {
            before.push(Write::set(Key::Open(sink.clone(), *position), json(open)?));
        }
        let after = self
            .store
            .book()
            .unpark_writes(sink, taken.unpark.iter().copied());
        let old = || Ok::<_, JournalError>(Write::set(Key::Sink(sink.clone()), json(&self.record)?));
        let new = || Ok::<_, JournalError>(Write::set(Key::Sink(sink.clone()), json(&record)?));
        let mut changes = vec![vec![old()?]];
        let mut bytes = 0;
        let all = before.into_iter().map(|write| (write, true));
        for (write, is_before) in all.chain(after.into_iter().map(|write| (write, false))) {
            let size = write.value.as_ref().map_or(0, Vec::len);
            let Some(change) = changes.last_mut() else { break };
            if !is_before && let Some(first) = change.first_mut() {
                *first = new()?;
            }
            if change.len() >= MOST || bytes + size > BYTES && change.len() > 1 {
                bytes = 0;
                changes.push(vec![if is_before { old()? } else { new()? }, write]);
            } else {
                change.push(write);
            }
            bytes += size;
        }
        if let Some(first) = changes.last_mut().and_then(|change| change.first_mut()) {
            *first = new()?;
        }
        Ok((changes, record))
    }
}
