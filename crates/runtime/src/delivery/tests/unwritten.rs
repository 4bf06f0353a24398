//! A sink's driver whose commits wait for the servers of its journal.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use async_trait::async_trait;
use signalbox_journal::{Ahead, Commit, Entry, JournalError, Position, Read, Reader, Returned};

use super::*;
use crate::rate_group::RateGroup;

/// A reader whose commits wait for so many milliseconds.
struct Behind(Box<dyn Reader>, Arc<AtomicU64>);

#[async_trait]
impl Reader for Behind {
    async fn next(&mut self, max: usize) -> Read {
        self.0.next(max).await
    }

    async fn fetch(&mut self, positions: &[Position]) -> Vec<Entry> {
        self.0.fetch(positions).await
    }

    async fn returned(&mut self, after: Position, max: usize) -> Result<Returned, JournalError> {
        self.0.returned(after, max).await
    }

    fn dead_letters_full(&self, uncommitted: u64) -> bool {
        self.0.dead_letters_full(uncommitted)
    }

    async fn ahead(&mut self, returned_after: Position) -> Result<Ahead, JournalError> {
        self.0.ahead(returned_after).await
    }

    fn commit(&mut self, commit: Commit) {
        self.0.commit(commit);
    }

    async fn flush(&mut self) {
        self.0.flush().await;
    }

    fn behind(&self) -> Duration {
        Duration::from_millis(self.1.load(Relaxed))
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_more_is_sent_while_a_commit_waits_for_long() {
    let journal = MemoryJournal::new(1 << 30);
    let (sent, behind) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(900)));
    let options = rig([""; 0]).options;
    let counter = sent.clone();
    let sink = Scripted::new(move |ids, _| {
        counter.fetch_add(ids.len() as u64, Relaxed);
        Act::Deliver
    });
    let stage = sink.stage(&options);
    let (reader, resumed) = journal.reader("sink", &listening()).await.unwrap();
    let driver = Driver::new(
        Parts::new(options, stage, Arc::new(RateGroup::full(None))),
        (Box::new(Behind(reader, behind.clone())), resumed),
        Arc::default(),
        Arc::new(DeadLetters::new(PersonalData::None)),
        SinkMeters::none(),
        (Stop::default(), Arc::default(), Arc::default()),
    );
    let running = tokio::spawn(driver.run());
    // Time stands still until all tasks wait.
    let settle = || tokio::time::sleep(Duration::from_secs(5));
    for (waits, expected) in [(900, 1), (1_100, 1), (60_000, 1), (0, 4)] {
        behind.store(waits, Relaxed);
        journal.append(vec![event(&waits.to_string())]).await.unwrap();
        settle().await;
        assert_eq!(sent.load(Relaxed), expected, "{waits} ms");
    }
    journal.close();
    running.await.unwrap();
    assert_eq!(journal.usage().events, 0);
}
