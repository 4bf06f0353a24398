//! kill -9.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use signalbox_journal::{DiskOptions, Start};

use crate::support::*;

const FOLDER: &str = "SIGNALBOX_JOURNAL_TEST_FOLDER";
const FIRST: &str = "SIGNALBOX_JOURNAL_TEST_FIRST";
const ROUNDS: u64 = 8;

fn small(folder: &Path) -> DiskOptions {
    DiskOptions {
        file_bytes: 400_000,
        dedup_memory: 100_000,
        ..DiskOptions::new(folder)
    }
}

/// Appends until it is killed, and prints the numbers of the acknowledged events.
async fn append_for_ever(folder: &Path, first: u64) {
    let journal = Arc::new(crate::support::open_with(&small(folder)));
    let (mut sink, _) = reader(&*journal, "settling", Start::End).await;
    let settling = tokio::spawn(async move {
        // Commits state all the time, so that kills hit that too.
        while let signalbox_journal::Read::Events(entries) = sink.next(50).await {
            if let Some(last) = entries.last() {
                sink.commit(settled_before(last.position + 1));
            }
        }
    });
    let tasks: Vec<_> = (0..6)
        .map(|task| {
            let journal = journal.clone();
            tokio::spawn(async move {
                for n in (first + task * 100_000..).step_by(7) {
                    append(&*journal, n..n + 7).await;
                    let mut out = std::io::stdout().lock();
                    writeln!(out, "acknowledged {n}").unwrap();
                    out.flush().unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    settling.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_acknowledged_event_survives() {
    if let (Ok(folder), Ok(first)) = (std::env::var(FOLDER), std::env::var(FIRST)) {
        append_for_ever(Path::new(&folder), first.parse().unwrap()).await;
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut acknowledged = HashSet::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "kill::every_acknowledged_event_survives",
                "--nocapture",
            ])
            .env(FOLDER, folder.path())
            .env(FIRST, (round * 1_000_000).to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        for line in lines.map_while(Result::ok) {
            let Some(n) = line
                .strip_prefix("acknowledged ")
                .and_then(|n| n.parse::<u64>().ok())
            else {
                continue;
            };
            acknowledged.extend(n..n + 7);
            seen += 1;
            if seen == 40 + round * 17 {
                // SIGKILL. The numbers acknowledged meanwhile are still in the pipe and count.
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        assert!(seen >= 40 + round * 17);

        let journal = crate::support::open_with(&small(folder.path()));
        let (mut sink, _) = reader(&journal, &format!("check {round}"), Start::Beginning).await;
        let duplicate = acknowledged.iter().next().copied().unwrap();
        assert_eq!(
            journal.append(vec![event(duplicate)]).await.unwrap(),
            [signalbox_journal::Appended::Duplicate]
        );
        let counted = journalled(&journal).await;
        journal.close();
        let found = rest(&mut sink).await;
        assert_eq!(found.lost, []);
        let numbers = found.numbers();
        let distinct: HashSet<u64> = numbers.iter().copied().collect();
        assert_eq!(distinct.len(), numbers.len(), "an event came twice");
        assert_eq!(counted, numbers.len() as u64);
        let missing: Vec<_> = acknowledged.difference(&distinct).collect();
        assert!(missing.is_empty(), "round {round}: missing {missing:?}");
        journal.shutdown().await;
    }
    assert!(
        files(folder.path(), "frames-")
            .iter()
            .all(|name| !name.contains("corrupt"))
    );
}
