//! Retention, and the space given back.

use std::time::Duration;

use signalbox_journal::{DiskOptions, Loss, Lost, Start, Usage};

use crate::support::*;

async fn settle(reader: &mut Box<dyn signalbox_journal::Reader>, cursor: u64) {
    reader.commit(settled_before(cursor));
    reader.flush().await;
}

#[tokio::test]
async fn files_go_when_the_slowest_sink_has_settled_them() {
    let folder = tempfile::tempdir().unwrap();
    let small = DiskOptions {
        file_bytes: 1,
        ..sparing(folder.path())
    };
    let journal = crate::support::open_with(&small.clone());
    let (mut a, _) = reader(&journal, "a", Start::End).await;
    let (mut b, _) = reader(&journal, "b", Start::End).await;
    for n in 0..5 {
        append(&journal, n * 10..n * 10 + 10).await;
    }
    assert_eq!(files(folder.path(), "frames-").len(), 5);
    settle(&mut a, 50).await;
    settle(&mut b, 25).await;
    assert_eq!(journal.slowest(), Some(("b".to_owned(), 25)));
    journal.tidy().await.unwrap();
    assert_eq!(files(folder.path(), "frames-").len(), 3);
    assert_eq!(journal.usage().events, 25);
    settle(&mut b, 50).await;
    journal.tidy().await.unwrap();
    assert!(files(folder.path(), "frames-").is_empty());
    assert_eq!(
        journal.usage(),
        Usage {
            events: 0,
            bytes: 0,
            max_bytes: small.max_bytes
        }
    );
    // Positions go on though all files are gone, also after a restart.
    journal.shutdown().await;
    let journal = crate::support::open_with(&small);
    let (mut a, resumed) = reader(&journal, "a", Start::End).await;
    assert_eq!(resumed.progress.cursor, 50);
    append(&journal, 50..51).await;
    journal.close();
    assert_eq!(rest(&mut a).await.entries[0].position, 50);
    journal.shutdown().await;
}

#[tokio::test]
async fn settled_events_are_retained_for_replay_until_room_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions {
        retain: Duration::from_secs(u64::MAX / 2000),
        file_bytes: 1,
        max_bytes: 100_000,
        ..sparing(folder.path())
    };
    let journal = crate::support::open_with(&options);
    let (mut a, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..20).await;
    append(&journal, 20..40).await;
    settle(&mut a, 40).await;
    journal.tidy().await.unwrap();
    assert_eq!(
        (files(folder.path(), "frames-").len(), journal.usage().bytes),
        (2, 0)
    );
    for n in 2..6 {
        append(&journal, n * 20..n * 20 + 20).await;
        settle(&mut a, n * 20 + 20).await;
    }
    journal.tidy().await.unwrap();
    let left = files(folder.path(), "frames-").len();
    assert!((1..6).contains(&left), "{left}");
    journal.shutdown().await;
}

#[tokio::test]
async fn the_files_of_an_orphan_stay_until_it_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions {
        file_bytes: 1,
        ..sparing(folder.path())
    };
    let journal = open_with(&options);
    let (mut a, _) = reader(&journal, "a", Start::End).await;
    let orphan = reader(&journal, "orphan", Start::End).await;
    append(&journal, 0..10).await;
    append(&journal, 10..20).await;
    settle(&mut a, 20).await;
    drop(orphan);
    journal.shutdown().await;

    let journal = open_with(&options);
    journal.adopt(&pipeline(&["a"])).await.unwrap();
    let _a = reader(&journal, "a", Start::End).await;
    journal.tidy().await.unwrap();
    assert_eq!(files(folder.path(), "frames-").len(), 2);
    assert_eq!(journal.forget("orphan", None).await.unwrap(), 20);
    assert!(journal.forget("a", None).await.is_err(), "it has a reader");
    journal.tidy().await.unwrap();
    assert!(files(folder.path(), "frames-").is_empty());
    assert_eq!(journal.usage().events, 0);
    journal.shutdown().await;
}

#[tokio::test]
async fn events_past_max_age_are_lost_to_their_readers() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions {
        file_bytes: 1,
        max_age: Some(Duration::from_secs(1)),
        ..sparing(folder.path())
    };
    let journal = crate::support::open_with(&options.clone());
    let (mut a, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..10).await;
    // The test's events arrived years ago.
    journal.tidy().await.unwrap();
    assert!(files(folder.path(), "frames-").is_empty());
    journal.close();
    // The reader still hands out events that are in memory.
    let found = rest(&mut a).await;
    assert_eq!(found.entries.len(), 10);
    journal.shutdown().await;
    let journal = crate::support::open_with(&options);
    let (mut a, resumed) = reader(&journal, "a", Start::End).await;
    assert_eq!((resumed.progress.cursor, resumed.unread.len()), (0, 0));
    let aged = Lost {
        from: 0,
        to: 10,
        events: 10,
        loss: Loss::Aged,
    };
    assert_eq!(resumed.lost, [aged]);
    append(&journal, 10..11).await;
    assert_eq!(take(&mut a, 1).await, [10]);
    journal.shutdown().await;
}
