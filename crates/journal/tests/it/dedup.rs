//! Deduplication by source and messageId.

use std::sync::Arc;
use std::time::Duration;

use signalbox_core::{Event, Receipt};
use signalbox_journal::{AppendError, Appended, DiskOptions, Start};

use crate::support::*;

fn duplicates(fates: &[Appended]) -> usize {
    fates.iter().filter(|fate| **fate == Appended::Duplicate).count()
}

#[tokio::test]
async fn within_a_call_across_calls_and_across_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let fates = journal.append(vec![event(1), event(2), event(1)]).await.unwrap();
    assert_eq!(
        fates,
        [Appended::Stored(0), Appended::Stored(1), Appended::Duplicate]
    );
    assert_eq!(duplicates(&journal.append(events(0..3)).await.unwrap()), 2);
    journal.shutdown().await;
    let journal = open(folder.path());
    assert_eq!(duplicates(&journal.append(events(0..4)).await.unwrap()), 3);
    // Another source, and no id at all.
    let other = |text| {
        Event::parse(
            text,
            Receipt {
                source: "other".into(),
                received_at: 0,
            },
        )
        .unwrap()
    };
    let fates = journal
        .append(vec![other(r#"{"messageId":"id-1"}"#), other("{}"), other("{}")])
        .await
        .unwrap();
    assert_eq!(duplicates(&fates), 0);
    journal.shutdown().await;
}

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

#[tokio::test(flavor = "multi_thread")]
async fn of_concurrent_copies_one_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(crate::support::open_with(&DiskOptions::new(folder.path())));
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let journal = journal.clone();
            tokio::spawn(async move { journal.append(events(0..30)).await.unwrap() })
        })
        .collect();
    let mut stored = 0;
    for task in tasks {
        stored += 30 - duplicates(&task.await.unwrap());
    }
    assert_eq!(stored, 30);
    journal.shutdown().await;
    let mut numbers = rest(&mut sink).await.numbers();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..30).collect::<Vec<_>>());
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

#[tokio::test]
async fn refused_events_leave_no_id() {
    let folder = tempfile::tempdir().unwrap();
    let full = DiskOptions {
        max_bytes: 3000,
        ..options(folder.path())
    };
    let journal = crate::support::open_with(&full);
    let _holding = reader(&journal, "a", Start::Beginning).await;
    assert!(matches!(
        journal.append(events(0..100)).await,
        Err(AppendError::Full { .. })
    ));
    assert_eq!(journal.append(events(0..1)).await.unwrap(), [Appended::Stored(0)]);
    journal.shutdown().await;
}
