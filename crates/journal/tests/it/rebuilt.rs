//! A lost state costs only the progress made since the newest file was begun.

use std::path::Path;

use signalbox_journal::{Commit, DiskOptions, Named, Progress, Roster, Start, Subscription, Totals};

use crate::support::*;

const EVENTS: u64 = 400;

fn small(folder: &Path) -> DiskOptions {
    DiskOptions {
        file_bytes: 60_000,
        ..options(folder)
    }
}

/// Makes the commit of a sink that has delivered everything before `cursor`.
fn delivered(cursor: u64) -> Commit {
    let totals = Totals {
        delivered: cursor,
        ..Totals::default()
    };
    Commit {
        progress: Some(Progress {
            cursor,
            totals,
            ..Progress::default()
        }),
        ..Commit::default()
    }
}

/// Makes several files; `fast` keeps pace, `slow` stays where it began.
async fn build(folder: &Path) {
    let journal = open_with(&small(folder));
    let (mut fast, _) = reader(&journal, "fast", Start::End).await;
    let (_slow, _) = reader(&journal, "slow", Start::End).await;
    for n in 0..EVENTS / 10 {
        append(&journal, n * 10..n * 10 + 10).await;
        fast.commit(delivered(n * 10 + 10));
        fast.flush().await;
    }
    journal.shutdown().await;
}

fn first_of(name: &str) -> u64 {
    name.trim_start_matches("frames-")
        .trim_end_matches(".bin")
        .parse()
        .unwrap()
}

#[tokio::test]
async fn each_sink_starts_where_it_stood_when_the_newest_file_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await;
    std::fs::remove_file(folder.path().join("state.redb")).unwrap();
    let names = files(folder.path(), "frames-");
    assert!(names.len() > 3);
    let newest = first_of(names.last().unwrap());
    let journal = open_with(&small(folder.path()));
    let (mut fast, resumed) = reader(&journal, "fast", Start::End).await;
    assert_eq!(resumed.progress.cursor, newest);
    assert_eq!(resumed.progress.totals.delivered, newest);
    let (_, resumed) = reader(&journal, "slow", Start::End).await;
    assert_eq!(resumed.progress.cursor, 0);
    // This sink was opened after that, if ever.
    let (_, resumed) = reader(&journal, "later", Start::End).await;
    assert_eq!(resumed.progress.cursor, newest);
    journal.all_opened();
    let again = journal.rebuilt().unwrap();
    let left = EVENTS - newest;
    let wanted = [("fast", left), ("later", left), ("slow", EVENTS)];
    assert_eq!(again, wanted.map(|(name, n)| (name.to_owned(), n)).into());
    let counts = journal.source_totals().await.unwrap();
    assert_eq!(counts.iter().map(|(_, sum)| sum.journalled).sum::<u64>(), EVENTS);
    journal.close();
    assert_eq!(
        rest(&mut fast).await.numbers(),
        (newest..EVENTS).collect::<Vec<_>>()
    );
    journal.shutdown().await;
    let journal = open_with(&small(folder.path()));
    assert_eq!(journal.rebuilt(), None, "it ended well");
    journal.shutdown().await;
}

#[tokio::test]
async fn a_rebuild_ends_only_once_all_sinks_were_opened() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await;
    std::fs::remove_file(folder.path().join("state.redb")).unwrap();
    for _ in 0..2 {
        // One run is a command, the other a start that fails after its first sink.
        let journal = open_with(&small(folder.path()));
        assert!(journal.rebuilt().is_some());
        journal.shutdown().await;
        let journal = open_with(&small(folder.path()));
        let _ = reader(&journal, "fast", Start::End).await;
        journal.shutdown().await;
    }
    let journal = open_with(&small(folder.path()));
    let (_, resumed) = reader(&journal, "later", Start::End).await;
    assert!(resumed.progress.cursor < EVENTS);
    journal.shutdown().await;
}

#[tokio::test]
async fn a_damaged_heading_leaves_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await;
    std::fs::remove_file(folder.path().join("state.redb")).unwrap();
    let names = files(folder.path(), "frames-");
    let path = folder.path().join(names.last().unwrap());
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[60] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let journal = open_with(&small(folder.path()));
    let (mut fast, resumed) = reader(&journal, "fast", Start::End).await;
    let before = first_of(&names[names.len() - 2]);
    assert_eq!(resumed.progress.cursor, before);
    journal.close();
    let found = rest(&mut fast).await;
    assert_eq!(
        (found.lost.as_slice(), found.numbers()),
        (&[][..], (before..EVENTS).collect())
    );
    journal.shutdown().await;
}

#[tokio::test]
async fn a_sink_whose_record_is_damaged_starts_there_too() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await;
    let path = folder.path().join("state.redb");
    let mut bytes = std::fs::read(&path).unwrap();
    // All copies of the record must change.
    let needle = br#""delivered":"#;
    let places: Vec<usize> = (0..bytes.len() - needle.len())
        .filter(|at| bytes[*at..].starts_with(needle))
        .collect();
    for at in places {
        bytes[at] ^= 1;
    }
    std::fs::write(&path, bytes).unwrap();
    let journal = open_with(&small(folder.path()));
    let (_, resumed) = reader(&journal, "fast", Start::End).await;
    let newest = first_of(files(folder.path(), "frames-").last().unwrap());
    assert_eq!(resumed.progress.cursor, newest);
    assert_eq!(files(folder.path(), "state.redb.corrupt").len(), 1);
    journal.shutdown().await;
}

#[tokio::test]
async fn inputs_and_names_are_known_as_they_were_last() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path());
    let journal = open_with(&options);
    let one = Subscription::new(["app"], Start::End);
    let both = Subscription::new(SOURCES, Start::End);
    let (first, _) = journal.reader("old", &one).await.unwrap();
    append(&journal, 0..10).await;
    drop(first);
    // A reload: the sink gets another name and another input, in the middle of a file.
    let roster = Roster {
        sources: SOURCES.map(Named::new).to_vec(),
        sinks: vec![Named {
            name: "new".into(),
            was: Some("old".into()),
        }],
        ..Roster::default()
    };
    journal.adopt(&roster).await.unwrap();
    let (second, _) = journal.reader("new", &both).await.unwrap();
    append(&journal, 10..20).await;
    drop(second);
    journal.shutdown().await;
    std::fs::remove_file(folder.path().join("state.redb")).unwrap();

    let journal = open_with(&options);
    let names: Vec<String> = journal
        .sinks()
        .await
        .unwrap()
        .into_iter()
        .map(|sink| sink.name)
        .collect();
    assert_eq!(names, ["new"]);
    let (mut reader, resumed) = journal.reader("new", &both).await.unwrap();
    let unread: u64 = resumed.unread.iter().map(|(_, count)| count).sum();
    journal.close();
    let of_one = (0..10).filter(|n| source(*n) == "app");
    let owed: Vec<u64> = of_one.chain(10..20).collect();
    assert_eq!(unread, owed.len() as u64);
    let handed_out = rest(&mut reader).await.numbers();
    let is_owed = |n: &u64| resumed.owed.at(*n, source(*n)).is_some();
    assert_eq!(handed_out.into_iter().filter(is_owed).collect::<Vec<_>>(), owed);
}

#[tokio::test]
async fn what_all_sinks_have_settled_holds_no_room_once_all_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    build(folder.path()).await;
    std::fs::remove_file(folder.path().join("state.redb")).unwrap();
    let journal = open_with(&small(folder.path()));
    let mut readers = Vec::new();
    for name in ["fast", "slow"] {
        let (mut sink, _) = reader(&journal, name, Start::End).await;
        sink.commit(delivered(EVENTS));
        sink.flush().await;
        readers.push(sink);
    }
    assert!(
        journal.usage().events > 0,
        "a sink that is not known may still come"
    );
    journal.all_opened();
    assert_eq!(journal.usage().events, 0);
    journal.shutdown().await;
}
