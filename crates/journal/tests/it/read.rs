//! Reading from many files, the commits of the log, and the counts that follow from it.

use std::sync::Arc;

use signalbox_journal::{DiskOptions, SourceTotals, Start};

use crate::support::*;

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

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_appends_share_commits() {
    let folder = tempfile::tempdir().unwrap();
    let journal = Arc::new(open_with(&DiskOptions::new(folder.path())));
    let append_ten = |task: u64| {
        let journal = journal.clone();
        tokio::spawn(async move {
            for n in 0..10 {
                append(&*journal, task * 10 + n..task * 10 + n + 1).await;
            }
        })
    };
    let tasks: Vec<_> = (0..32).map(append_ten).collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert!(journal.commits() < 160, "{} commits", journal.commits());
    journal.shutdown().await;
}

#[tokio::test]
async fn a_large_append_is_one_commit_and_an_empty_one_none() {
    let folder = tempfile::tempdir().unwrap();
    let journal = open(folder.path());
    append(&journal, 0..0).await;
    assert!(files(folder.path(), "frames-").is_empty());
    append(&journal, 0..2_000).await;
    assert_eq!(journal.commits(), 1);
    journal.shutdown().await;
}
