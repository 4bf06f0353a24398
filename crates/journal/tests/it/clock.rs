//! A system's clock that is set back.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use std::time::{Duration, SystemTime};

use signalbox_journal::{Appended, DiskJournal, DiskOptions, Log, Start, States};

use crate::support::{event, open_with, options, reader};

/// Makes a wall clock for one test, `$behind` days behind the system's.
macro_rules! clock {
    ($behind:ident) => {{
        fn wall() -> SystemTime {
            SystemTime::now() - Duration::from_secs($behind.load(SeqCst) * 24 * 3600)
        }
        wall
    }};
}

fn open_at(folder: &Path, wall: fn() -> SystemTime) -> DiskJournal {
    open_with(&DiskOptions {
        wall,
        ..options(folder)
    })
}

async fn is_new(journal: &DiskJournal, id: u64) -> bool {
    let fates = journal.append(vec![event(id)]).await.unwrap();
    fates[0] != Appended::Duplicate
}

#[tokio::test]
async fn what_was_taken_meanwhile_is_known_when_the_clock_is_right_again() {
    static BEHIND: AtomicU64 = AtomicU64::new(0);
    let folder = tempfile::tempdir().unwrap();
    let journal = open_at(folder.path(), clock!(BEHIND));
    let _reader = reader(&journal, "sink", Start::End).await;
    assert!(is_new(&journal, 1).await);
    BEHIND.store(3, SeqCst);
    assert!(!is_new(&journal, 1).await);
    assert!(is_new(&journal, 2).await);
    BEHIND.store(0, SeqCst);
    assert!(!is_new(&journal, 2).await, "taken a moment ago");
    // The same holds over a restart.
    BEHIND.store(5, SeqCst);
    journal.shutdown().await;
    drop((_reader, journal));
    let journal = open_at(folder.path(), clock!(BEHIND));
    let _reader = reader(&journal, "sink", Start::End).await;
    assert!(!is_new(&journal, 1).await && !is_new(&journal, 2).await);
    assert!(is_new(&journal, 3).await);
    BEHIND.store(0, SeqCst);
    for id in [1, 2, 3] {
        assert!(!is_new(&journal, id).await, "{id}");
    }
    journal.shutdown().await;
}

#[tokio::test]
async fn a_sink_that_was_open_while_the_clock_was_wrong_is_no_orphan() {
    static BEHIND: AtomicU64 = AtomicU64::new(0);
    let folder = tempfile::tempdir().unwrap();
    let journal = open_at(folder.path(), clock!(BEHIND));
    let open_reader = reader(&journal, "sink", Start::End).await;
    let opened = journal.sinks().await.unwrap()[0].last_opened;
    drop(open_reader);
    BEHIND.store(3, SeqCst);
    let open_reader = reader(&journal, "sink", Start::End).await;
    let again = journal.sinks().await.unwrap()[0].last_opened;
    assert!(again >= opened, "{again} {opened}");
    drop(open_reader);
    journal.shutdown().await;
}
