//! Reading, resuming, replaying.

use std::sync::Arc;
use std::time::Duration;

use signalbox_journal::{
    AppendError, Appended, Commit, DiskOptions, Found, Open, Parked, Progress, Read, RecordEnd, SourceTotals,
    Start, Totals,
};

use crate::support::*;

#[tokio::test]
async fn every_fact_is_equal_from_memory_and_from_disk() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (mut pacing, _) = reader(&journal, "pacing", Start::End).await;
    append(&journal, 0..250).await;
    assert_eq!(take(&mut pacing, 250).await, (0..250).collect::<Vec<_>>());
    journal.shutdown().await;
    assert_eq!(rest(&mut pacing).await.entries.len(), 0);
    assert!(matches!(
        journal.append(events(0..1)).await,
        Err(AppendError::Closed)
    ));

    let journal = open(folder.path());
    let (mut late, resumed) = reader(&journal, "late", Start::Beginning).await;
    assert_eq!(resumed.unread, [("app".to_owned(), 50), ("web".to_owned(), 200)]);
    journal.close();
    assert_eq!(rest(&mut late).await.numbers(), (0..250).collect::<Vec<_>>());
    journal.shutdown().await;
}

#[tokio::test]
async fn a_reader_goes_on_where_its_name_left_off() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..20).await;
    let read = take(&mut sink, 20).await;
    assert_eq!(read.len(), 20);
    let open_event = Open {
        origin: Some(3),
        position: 12,
        ended: vec![
            ("m".into(), RecordEnd::Rejected("bad".into())),
            ("n".into(), RecordEnd::Delivered),
        ],
        attempts: 3,
        first_attempt: 77,
        again: true,
    };
    let totals = Totals {
        delivered: 9,
        filtered: [("f".to_owned(), 2)].into(),
        late: 5,
        unattributed: 3,
        ..Totals::default()
    };
    let progress = Progress {
        cursor: 10,
        settled: vec![(11, 12), (15, 18)],
        open: vec![open_event],
        totals,
    };
    let parked = Parked {
        position: 4,
        event: Arc::new(event(4)),
        open: Open {
            position: 4,
            attempts: 9,
            ..Open::default()
        },
        only: Some("m".into()),
    };
    sink.commit(Commit {
        progress: Some(progress.clone()),
        park: vec![parked.clone()],
        ..Commit::default()
    });
    sink.commit(Commit {
        park: vec![Parked {
            position: 5,
            only: None,
            ..parked
        }],
        parked_open: vec![Open {
            position: 4,
            attempts: 10,
            first_attempt: 5,
            ..Open::default()
        }],
        ..Commit::default()
    });
    sink.commit(Commit {
        unpark: vec![5],
        ..Commit::default()
    });
    sink.flush().await;
    journal.shutdown().await;

    let journal = open(folder.path());
    let (mut sink, resumed) = reader(&journal, "a", Start::End).await;
    assert_eq!(resumed.progress, progress);
    let [parked] = &resumed.parked[..] else {
        panic!("{:?}", resumed.parked)
    };
    assert_eq!(
        (parked.position, number(&parked.event), parked.only.as_deref()),
        (4, 4, Some("m"))
    );
    assert_eq!((parked.open.attempts, parked.open.first_attempt), (10, 5));
    assert_eq!(resumed.unread, [("app".to_owned(), 1), ("web".to_owned(), 5)]);
    let states = journal.sinks().await.unwrap();
    assert_eq!(
        (states.len(), states[0].parked, states[0].unread.clone()),
        (1, 1, resumed.unread)
    );
    assert_eq!(states[0].oldest_pending, Some(event(4).receipt().received_at));
    append(&journal, 20..22).await;
    journal.close();
    assert_eq!(rest(&mut sink).await.numbers(), [10, 12, 13, 14, 18, 19, 20, 21]);
    journal.shutdown().await;
}

#[tokio::test]
async fn a_replaced_reader_has_no_say() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (mut old, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..5).await;
    let (mut new, _) = reader(&journal, "a", Start::End).await;
    new.commit(settled_before(1));
    new.flush().await;
    old.commit(settled_before(4));
    old.flush().await;
    assert_eq!(journal.sinks().await.unwrap()[0].progress.cursor, 1);
    journal.shutdown().await;
}

#[tokio::test]
async fn replay_by_moving_back() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..10).await;
    append(&journal, 10..20).await;
    take(&mut sink, 20).await;
    sink.commit(settled_before(20));
    sink.flush().await;
    let moment = event(13).receipt().received_at;
    assert_eq!(
        journal.find(moment).await.unwrap(),
        Found {
            at: 13,
            from: 0,
            to: 20
        }
    );
    assert_eq!(
        journal.find(i64::MAX).await.unwrap(),
        Found {
            at: 20,
            from: 0,
            to: 20
        }
    );
    assert_eq!(journal.find(0).await.unwrap().at, 0);
    let back = Progress {
        cursor: 13,
        settled: vec![(16, 20)],
        ..Progress::default()
    };
    journal.set_progress("a", back).await.unwrap();
    assert!(journal.set_progress("b", Progress::default()).await.is_err());
    journal.shutdown().await;

    let journal = open(folder.path());
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    journal.close();
    assert_eq!(rest(&mut sink).await.numbers(), [13, 14, 15]);
    journal.shutdown().await;
}

#[tokio::test]
async fn a_lagging_reader_gets_everything_from_many_files() {
    let folder = tempfile::tempdir().unwrap();
    let small = DiskOptions {
        file_bytes: 40_000,
        cache_bytes: 20_000,
        ..options(folder.path())
    };
    let journal = crate::support::open_with(&small.clone());
    let (mut a, _) = reader(&journal, "a", Start::End).await;
    let (mut b, _) = reader(&journal, "b", Start::End).await;
    for n in 0..60 {
        append(&journal, n * 10..n * 10 + 10).await;
        take(&mut a, 10).await;
    }
    assert!(files(folder.path(), "frames-").len() > 5);
    journal.close();
    assert_eq!(rest(&mut b).await.numbers(), (0..600).collect::<Vec<_>>());
    journal.shutdown().await;
    let journal = crate::support::open_with(&small);
    let (mut c, resumed) = reader(&journal, "c", Start::Beginning).await;
    assert_eq!(resumed.unread, [("app".to_owned(), 120), ("web".to_owned(), 480)]);
    journal.close();
    assert_eq!(rest(&mut c).await.numbers(), (0..600).collect::<Vec<_>>());
    journal.shutdown().await;
}

#[tokio::test]
async fn a_waiting_reader_wakes_up_and_may_stop_waiting() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    assert!(
        tokio::time::timeout(Duration::from_millis(1), sink.next(1))
            .await
            .is_err()
    );
    let waiting = tokio::spawn(async move { take(&mut sink, 3).await });
    append(&journal, 0..3).await;
    assert_eq!(waiting.await.unwrap(), [0, 1, 2]);
    journal.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_appends_share_commits() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(crate::support::open_with(&DiskOptions::new(folder.path())));
    let tasks: Vec<_> = (0..32)
        .map(|task| {
            let journal = journal.clone();
            tokio::spawn(async move {
                let mut positions = Vec::new();
                for n in 0..10 {
                    match journal.append(vec![event(task * 10 + n)]).await.unwrap()[..] {
                        [Appended::Stored(position)] => positions.push(position),
                        ref other => panic!("{other:?}"),
                    }
                }
                positions
            })
        })
        .collect();
    let mut positions = Vec::new();
    for task in tasks {
        positions.extend(task.await.unwrap());
    }
    positions.sort_unstable();
    assert_eq!(positions, (0..320).collect::<Vec<_>>());
    assert!(journal.commits() < 160, "{} commits", journal.commits());
    journal.shutdown().await;
}

#[tokio::test]
async fn large_appends_are_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    append(&journal, 0..2000).await;
    assert_eq!(journal.commits(), 1);
    journal.shutdown().await;
    assert_eq!(rest(&mut sink).await.numbers().len(), 2000);
    let journal = open(folder.path());
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    journal.close();
    assert_eq!(rest(&mut sink).await.numbers(), (0..2000).collect::<Vec<_>>());
    journal.shutdown().await;
}

#[tokio::test]
async fn counts_of_sources_survive() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    append(&journal, 0..10).await;
    let totals = SourceTotals {
        journalled: 1,
        duplicate: 4,
        ..SourceTotals::default()
    };
    journal.save_source("web", totals.clone());
    journal.shutdown().await;
    let journal = open(folder.path());
    append(&journal, 10..20).await;
    let web = (
        "web".to_owned(),
        SourceTotals {
            journalled: 16,
            ..totals
        },
    );
    let app = (
        "app".to_owned(),
        SourceTotals {
            journalled: 4,
            ..SourceTotals::default()
        },
    );
    assert_eq!(journal.source_totals().await.unwrap(), [app, web]);
    journal.shutdown().await;
}

#[tokio::test]
async fn an_empty_append_is_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (mut sink, _) = reader(&journal, "a", Start::Beginning).await;
    assert_eq!(journal.append(Vec::new()).await.unwrap(), []);
    journal.close();
    assert!(matches!(sink.next(1).await, Read::End));
    journal.shutdown().await;
    assert!(files(folder.path(), "frames-").is_empty());
}

#[tokio::test]
async fn what_was_handed_out_can_be_had_again() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    for batch in 0..5 {
        append(&journal, batch * 20..(batch + 1) * 20).await;
        take(&mut sink, 20).await;
    }
    // The last frame is in memory; those before are not, since every reader has read them.
    let mut found = sink.fetch(&[0, 19, 20, 57, 99, 100, 1 << 60]).await;
    found.sort_by_key(|entry| entry.position);
    let found: Vec<_> = found
        .iter()
        .map(|entry| (entry.position, number(&entry.event)))
        .collect();
    assert_eq!(found, [0, 19, 20, 57, 99].map(|n| (n, n)));
    // Reading again does not move the reader.
    append(&journal, 100..101).await;
    assert_eq!(take(&mut sink, 1).await, [100]);
    journal.shutdown().await;
}
