//! Files in the middle that are missing, empty or cut short: losses reported to a sink, and losses that are
//! counted.

use std::path::{Path, PathBuf};

use signalbox_journal::{DiskOptions, Loss, Lost, Position, Read, Start};

use crate::support::*;

fn small(folder: &Path) -> DiskOptions {
    DiskOptions {
        file_bytes: 60_000,
        cache_bytes: 0,
        ..options(folder)
    }
}

/// Makes a journal of several files, with one sink that has settled 35 events and 10 of the second file.
async fn build(folder: &Path) -> Vec<(PathBuf, Position, Position)> {
    let journal = open_with(&small(folder));
    let (mut sink, _) = reader(&journal, "a", Start::End).await;
    for n in 0..40 {
        append(&journal, n * 10..n * 10 + 10).await;
    }
    let files = firsts(folder);
    let mut commit = settled_before(35);
    let progress = commit.progress.as_mut().unwrap();
    progress.settled = vec![(files[1].1, files[1].1 + 10)];
    sink.commit(commit);
    sink.flush().await;
    journal.shutdown().await;
    files
}

/// Lists the files and the positions they hold.
fn firsts(folder: &Path) -> Vec<(PathBuf, Position, Position)> {
    let names = files(folder, "frames-");
    let first = |name: &String| name["frames-".len()..name.len() - ".bin".len()].parse().unwrap();
    let mut firsts: Vec<Position> = names.iter().map(first).collect();
    firsts.push(400);
    let spans = firsts.windows(2).map(|pair| (pair[0], pair[1]));
    names
        .iter()
        .zip(spans)
        .map(|(name, (from, to))| (folder.join(name), from, to))
        .collect()
}

#[derive(Debug, Clone, Copy)]
enum Harm {
    Delete,
    Empty,
    Cut,
}

fn harm(path: &Path, how: Harm) {
    let file = || std::fs::File::options().write(true).open(path).unwrap();
    match how {
        Harm::Delete => std::fs::remove_file(path).unwrap(),
        Harm::Empty => file().set_len(0).unwrap(),
        Harm::Cut => file()
            .set_len(std::fs::metadata(path).unwrap().len() / 2)
            .unwrap(),
    }
}

#[tokio::test]
async fn what_is_missing_at_the_start_is_settled_and_counted_at_once_and_once() {
    for how in [Harm::Delete, Harm::Empty, Harm::Cut] {
        let folder = tempfile::tempdir().unwrap();
        let files = build(folder.path()).await;
        let (path, from, to) = &files[1];
        harm(path, how);
        let from = match how {
            // Each frame holds ten events, and some are left.
            Harm::Cut => {
                let journal = open_with(&small(folder.path()));
                let (mut other, resumed) = reader(&journal, "other", Start::Beginning).await;
                assert_eq!((resumed.lost.len(), resumed.lost[0].to), (1, *to));
                let kept = resumed.lost[0].from;
                assert!(from + 10 <= kept && kept < *to, "{:?}", resumed.lost);
                journal.close();
                assert_eq!(rest(&mut other).await.entries.len() as u64, 400 - (to - kept));
                journal.shutdown().await;
                kept
            }
            Harm::Delete | Harm::Empty => from + 10,
        };
        // A part of the cut frame is left: it is kept aside, as with any damage.
        let loss = match how {
            Harm::Cut => Loss::Damaged,
            Harm::Delete | Harm::Empty => Loss::Missing,
        };
        let lost = Lost {
            from,
            to: *to,
            events: to - from,
            loss,
        };
        for start in 0..2 {
            let journal = open_with(&small(folder.path()));
            let (mut sink, resumed) = reader(&journal, "a", Start::End).await;
            assert_eq!(
                resumed.lost,
                if start == 0 { vec![lost] } else { vec![] },
                "{how:?}"
            );
            let counted = &resumed.progress.totals.rejected;
            assert_eq!(counted[loss.code()], to - from, "{how:?}");
            let unread: u64 = resumed.unread.iter().map(|(_, count)| count).sum();
            assert_eq!(unread, 400 - 35 - 10 - (to - from), "{how:?}");
            assert_eq!(sink.ahead(0).await.unwrap().unread, resumed.unread);
            journal.close();
            let found = rest(&mut sink).await;
            assert_eq!(
                (found.entries.len() as u64, found.lost.len()),
                (unread, 0),
                "{how:?}"
            );
            journal.shutdown().await;
        }
    }
}

#[tokio::test]
async fn what_vanishes_under_a_reader_is_told_when_it_comes_to_it() {
    for how in [Harm::Delete, Harm::Empty, Harm::Cut] {
        let folder = tempfile::tempdir().unwrap();
        let files = build(folder.path()).await;
        let journal = open_with(&small(folder.path()));
        let (mut sink, resumed) = reader(&journal, "a", Start::End).await;
        assert_eq!(resumed.lost, []);
        let (path, _, to) = &files[2];
        harm(path, how);
        journal.close();
        let mut seen = 0;
        let from = loop {
            match sink.next(100).await {
                Read::Events(entries) => seen += entries.len() as u64,
                Read::Lost(lost) => {
                    assert_eq!((lost.to, lost.loss), (*to, Loss::Missing), "{how:?}");
                    break lost.from;
                }
                Read::End | Read::Revoked => panic!("{how:?}: nothing was told"),
            }
        };
        match how {
            Harm::Cut => assert!(from > files[2].1),
            Harm::Delete | Harm::Empty => assert_eq!(from, files[2].1, "{how:?}"),
        }
        assert_eq!(seen, from - 35 - 10);
        let ahead = sink.ahead(0).await.unwrap();
        let left: u64 = ahead.unread.iter().map(|(_, count)| count).sum();
        assert_eq!(left, 400 - to);
        assert_eq!(rest(&mut sink).await.entries.len() as u64, left);
        journal.shutdown().await;
    }
}

#[tokio::test]
async fn a_file_that_was_set_aside_is_damage_and_not_missing() {
    let folder = tempfile::tempdir().unwrap();
    let files = build(folder.path()).await;
    std::fs::write(&files[1].0, [0xA5; 50_000]).unwrap();
    let journal = open_with(&small(folder.path()));
    let (_, resumed) = reader(&journal, "a", Start::End).await;
    assert_eq!(resumed.lost.len(), 1);
    assert_eq!(resumed.lost[0].loss, Loss::Damaged);
    let (_, resumed) = reader(&journal, "new", Start::Beginning).await;
    assert_eq!(
        resumed.progress.totals.rejected["journal_unreadable"],
        files[1].2 - files[1].1
    );
    journal.shutdown().await;
}
