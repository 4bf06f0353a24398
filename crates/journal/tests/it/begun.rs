//! A state that is begun beside existing events, and failures on the way.

use std::path::Path;

use signalbox_journal::{DiskJournal, Start};

use crate::support::*;

const NAME: &str = "begun::a_disk_without_room_for_it_loses_nothing";
const EVENTS: u64 = 300;

/// Makes a folder with events and without a state.
async fn build(folder: &Path) {
    let journal = open(folder);
    let (_sink, _) = reader(&journal, "a", Start::End).await;
    for n in 0..EVENTS / 10 {
        append(&journal, n * 10..n * 10 + 10).await;
    }
    journal.shutdown().await;
    std::fs::remove_file(folder.join("state.redb")).unwrap();
}

/// Tests that a sink that would begin at the end gets everything.
async fn is_whole(folder: &Path) {
    let journal = open(folder);
    let (mut sink, resumed) = reader(&journal, "a", Start::End).await;
    assert_eq!(resumed.unread.iter().map(|(_, n)| n).sum::<u64>(), EVENTS);
    journal.close();
    assert_eq!(rest(&mut sink).await.numbers(), (0..EVENTS).collect::<Vec<_>>());
    journal.shutdown().await;
}

#[tokio::test]
async fn a_start_that_ends_before_a_sink_was_opened_counts_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await;
    // The copy is taken while the journal is open, as a kill would leave it.
    let journal = open(folder.path());
    let killed = tempfile::tempdir().unwrap();
    copy(folder.path(), killed.path());
    is_whole(killed.path()).await;
    journal.shutdown().await;
    // An unfinished draft must not be used.
    let killed = tempfile::tempdir().unwrap();
    build(killed.path()).await;
    std::fs::write(killed.path().join("state.draft"), "half of it").unwrap();
    is_whole(killed.path()).await;
    assert_eq!(files(killed.path(), "state"), ["state.redb"]);
}

#[tokio::test]
async fn a_disk_without_room_for_it_loses_nothing() {
    if let Ok(folder) = std::env::var(SMALL_FILES) {
        let error = DiskJournal::open(options(Path::new(&folder))).err();
        println!(
            "told {}",
            error.map_or_else(String::new, |error| error.to_string())
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await;
    let told = in_small_files(NAME, 16, folder.path(), "told ");
    assert!(told.contains("state.draft"), "{told}");
    assert_eq!(files(folder.path(), "state"), Vec::<String>::new());
    is_whole(folder.path()).await;
}
