//! The time for which nothing had been committed when a journal was opened.

use std::time::Duration;

use signalbox_journal::{DiskJournal, DiskOptions, Log, MemoryJournal, Start, Subscription};

#[tokio::test]
async fn a_journal_tells_how_long_nothing_was_committed() {
    let folder = tempfile::tempdir().unwrap();
    let open = || DiskJournal::open(DiskOptions::new(folder.path())).unwrap();
    let journal = open();
    assert_eq!(journal.idle_before(), Some(Duration::MAX), "it is new");
    drop(
        journal
            .reader("sink", &Subscription::new(["web"], Start::End))
            .await
            .unwrap(),
    );
    journal.shutdown().await;
    drop(journal);
    let journal = open();
    assert!(journal.idle_before().unwrap() < Duration::from_secs(60));
    journal.shutdown().await;
    drop(journal);
    // The state is gone, and the time of the last commit with it.
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let path = file.unwrap().path();
        if path.file_name().unwrap() == "state.redb" {
            std::fs::write(&path, "not a state").unwrap();
        }
    }
    let journal = open();
    assert_eq!(journal.idle_before(), None);
    journal.shutdown().await;
    assert_eq!(MemoryJournal::new(1 << 20).idle_before(), None);
}
