//! Compaction: the state's file gives back unused space.

use std::path::Path;

use signalbox_journal::{DeadLetter, DeadLetterFilter, DiskJournal};

use crate::support::*;

fn size(folder: &Path) -> u64 {
    std::fs::metadata(folder.join("state.redb")).unwrap().len()
}

/// Makes some 50 MB of dead letters, and discards all but the last.
async fn swollen(folder: &Path) {
    let journal = open(folder);
    for part in 0..10u64 {
        let letter = |n: u64| DeadLetter {
            component: "a".into(),
            message_id: format!("id-{}", part * 50 + n),
            payload: Some("x".repeat(100_000)),
            ..DeadLetter::default()
        };
        journal.bury((0..50).map(letter).collect()).await.unwrap();
        journal.tidy().await.unwrap();
    }
    assert!(size(folder) > 50_000_000);
    let ids: Vec<u64> = (1..500).collect();
    for some in ids.chunks(100) {
        journal.take_dead_letters(some, false).await.unwrap();
    }
    journal.shutdown().await;
    assert!(
        size(folder) > 50_000_000,
        "the file shrank without being asked: {}",
        size(folder)
    );
}

async fn has_the_last(folder: &Path) {
    let journal = open(folder);
    let left = journal
        .dead_letters(&DeadLetterFilter::default(), 9)
        .await
        .unwrap();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].1.message_id, "id-499");
    journal.shutdown().await;
}

#[tokio::test]
async fn at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    swollen(folder.path()).await;
    has_the_last(folder.path()).await;
    assert!(size(folder.path()) < 5_000_000, "{}", size(folder.path()));
}

#[tokio::test]
async fn when_asked_and_only_while_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    swollen(folder.path()).await;
    let compacted = DiskJournal::compact(folder.path(), None).unwrap();
    assert!(
        compacted.before > 50_000_000 && compacted.after < 5_000_000,
        "{compacted:?}"
    );
    assert_eq!(compacted.after, size(folder.path()));
    let journal = open(folder.path());
    let error = DiskJournal::compact(folder.path(), None).unwrap_err().to_string();
    assert!(error.contains("in use by process"), "{error}");
    journal.shutdown().await;
    has_the_last(folder.path()).await;
    let empty = tempfile::tempdir().unwrap();
    let error = DiskJournal::compact(empty.path(), None).unwrap_err().to_string();
    assert!(error.contains("no state"), "{error}");
}
