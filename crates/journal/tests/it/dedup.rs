//! Ids in files, and in memory of a bounded size.

use std::time::Duration;

use signalbox_journal::{DiskOptions, Start};

use crate::contract::duplicates;
use crate::support::*;

#[tokio::test]
async fn without_the_files_of_ids_they_are_learnt_from_the_frames() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    append(&journal, 0..500).await;
    journal.shutdown().await;
    let names = files(folder.path(), "ids-");
    assert_eq!(names.len(), 1);
    std::fs::remove_file(folder.path().join(&names[0])).unwrap();
    let journal = open(folder.path());
    assert_eq!(duplicates(&journal.append(events(0..510)).await.unwrap()), 500);
    journal.shutdown().await;
}

#[tokio::test]
async fn beyond_its_memory_it_looks_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let tiny = DiskOptions {
        dedup_memory: 0,
        ..options(folder.path())
    };
    let journal = crate::support::open_with(&tiny.clone());
    for n in 0..20 {
        append(&journal, n * 100..n * 100 + 100).await;
    }
    assert_eq!(duplicates(&journal.append(events(0..2001)).await.unwrap()), 2000);
    journal.shutdown().await;
    let journal = crate::support::open_with(&tiny);
    assert_eq!(duplicates(&journal.append(events(0..2002)).await.unwrap()), 2001);
    journal.shutdown().await;
}

#[tokio::test]
async fn ids_outlive_their_frames() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions {
        retain: Duration::ZERO,
        file_bytes: 1,
        ..options(folder.path())
    };
    let journal = crate::support::open_with(&options);
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..50).await;
    append(&journal, 50..60).await;
    assert_eq!(files(folder.path(), "frames-").len(), 2);
    take(&mut sink, 60).await;
    sink.commit(settled_before(60));
    sink.flush().await;
    while !files(folder.path(), "frames-").is_empty() {
        journal.tidy().await.unwrap();
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(duplicates(&journal.append(events(0..61)).await.unwrap()), 60);
    journal.shutdown().await;
}
