//! Counts of sources and checkpoints, which are written soon after they are given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};

use super::book::key::Key;
use super::book::store::{Store, Write};
use super::book::values::{checkpoint_record, json};
use crate::mutex::lock;
use crate::{JournalError, SourceTotals};

/// The time for which changes are gathered.
const GATHER: Duration = Duration::from_millis(200);
/// The time that one attempt may take, before the log tells.
const ATTEMPT: Duration = Duration::from_secs(5);
/// The pause between attempts.
const PAUSE: Duration = Duration::from_secs(1);
/// Records in one change.
const AT_ONCE: usize = 500;

#[derive(Default)]
struct Waiting {
    sources: BTreeMap<String, SourceTotals>,
    checkpoints: BTreeMap<(String, String), Option<Vec<u8>>>,
    number: u64,
    since: Option<Instant>,
}

/// The changes that wait to be written.
#[derive(Clone)]
pub(super) struct Queue {
    waiting: Arc<Mutex<Waiting>>,
    news: Arc<Notify>,
    /// Asks for a write without waiting for more changes.
    hurry: Arc<Notify>,
    written: watch::Receiver<u64>,
}

impl Queue {
    /// Begins to write the changes of a node.
    pub(super) fn new(store: Arc<Store>, node: &str) -> Queue {
        let (wrote, written) = watch::channel(0);
        let queue = Queue {
            waiting: Arc::default(),
            news: Arc::default(),
            hurry: Arc::default(),
            written,
        };
        tokio::spawn(run(queue.clone(), store, node.to_owned(), wrote));
        queue
    }

    /// Queues the counts of a source.
    pub(super) fn source(&self, source: String, totals: SourceTotals) {
        self.change(|waiting| drop(waiting.sources.insert(source, totals)));
    }

    /// Queues a checkpoint, or its removal.
    pub(super) fn checkpoint(&self, source: String, key: String, value: Option<Vec<u8>>) {
        self.change(|waiting| drop(waiting.checkpoints.insert((source, key), value)));
    }

    fn change(&self, change: impl FnOnce(&mut Waiting)) {
        let mut waiting = lock(&self.waiting);
        change(&mut waiting);
        waiting.number += 1;
        waiting.since.get_or_insert_with(Instant::now);
        drop(waiting);
        self.news.notify_one();
    }

    /// Waits until all earlier changes are written.
    ///
    /// # Errors
    /// [`JournalError`] if the journal was shut down.
    pub(super) async fn written(&self) -> Result<(), JournalError> {
        let number = lock(&self.waiting).number;
        self.hurry.notify_one();
        let mut written = self.written.clone();
        let done = written.wait_for(|written| *written >= number).await;
        done.map(drop)
            .map_err(|_| JournalError("the journal was shut down".into()))
    }

    /// The time for which the oldest change has been waiting.
    pub(super) fn behind(&self) -> Duration {
        let since = lock(&self.waiting).since;
        since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

async fn run(queue: Queue, store: Arc<Store>, node: String, wrote: watch::Sender<u64>) {
    let mut told = false;
    loop {
        if lock(&queue.waiting).since.is_none() {
            queue.news.notified().await;
            continue;
        }
        let _ = tokio::time::timeout(GATHER, queue.hurry.notified()).await;
        let (writes, number) = {
            let waiting = lock(&queue.waiting);
            (changes(&waiting, &node), waiting.number)
        };
        let written = match writes {
            Ok(writes) => write(&store, &writes).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(()) => {
                let mut waiting = lock(&queue.waiting);
                if waiting.number == number {
                    *waiting = Waiting {
                        number,
                        ..Waiting::default()
                    };
                } else {
                    // What has changed since is written once more with the rest, which does no harm.
                    waiting.since = Some(Instant::now());
                }
                drop(waiting);
                wrote.send_replace(number);
                if std::mem::take(&mut told) {
                    tracing::info!("counts and checkpoints of sources are written again");
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(
                        "counts and checkpoints of sources are not written, trying again: {error}"
                    );
                }
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

fn changes(waiting: &Waiting, node: &str) -> Result<Vec<Write>, JournalError> {
    let mut writes = Vec::new();
    for (source, totals) in &waiting.sources {
        writes.push(Write::set(
            Key::Source(source.clone(), node.to_owned()),
            json(totals)?,
        ));
    }
    for ((source, name), value) in &waiting.checkpoints {
        let key = Key::Checkpoint(source.clone(), name.clone());
        writes.push(match value {
            Some(value) => Write::set(key, checkpoint_record(value.clone())),
            None => Write::remove(key),
        });
    }
    Ok(writes)
}

async fn write(store: &Store, writes: &[Write]) -> Result<(), JournalError> {
    for part in writes.chunks(AT_ONCE) {
        store.write_and_read(part, Instant::now() + ATTEMPT).await?;
    }
    Ok(())
}
