//! Commits with many dead letters, while the leader of their stream is killed and then the committing router itself: the
//! state never gets ahead of its dead letters, and a commit that fits into one change is written whole or not at all.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use signalbox_journal::{
    Commit, DeadLetter, DeadLetterFilter, Letters as _, Log as _, NatsJournal, NatsOptions, Start,
    States as _, Subscription,
};
use signalbox_nats::Connection;
use signalbox_testkit::NatsCluster;
use tokio::sync::mpsc;

use crate::rig::{Share, turn};

/// The dead letters of a commit, in turn. With the state one change holds up to 1,000 records.
const LETTERS: [usize; 4] = [0, 5, 999, 1_500];
const SINK: &str = "a";
const KILLS: u64 = 3;

async fn open(servers: &[String], node: &str, cache: &Path) -> NatsJournal {
    let connection = Connection {
        servers: servers.to_vec(),
        ..Connection::default()
    };
    let client = signalbox_nats::connect(&connection, "journal").await.unwrap();
    let options = NatsOptions {
        max_bytes: 100_000_000,
        ..NatsOptions::new(node, cache.join(node))
    };
    NatsJournal::open(client, options).await.unwrap()
}

/// The dead letters of the commit of this number.
fn letters(number: u64) -> usize {
    LETTERS[usize::try_from(number).unwrap() % LETTERS.len()]
}

fn subscription() -> Subscription {
    Subscription::new(["s"], Start::End)
}

/// Commits one number after the other, and tells each that is written.
async fn commit(
    servers: Vec<String>,
    node: String,
    cache: std::path::PathBuf,
    written: mpsc::UnboundedSender<u64>,
) {
    let journal = open(&servers, &node, &cache).await;
    let (mut reader, resumed) = journal.reader(SINK, &subscription()).await.unwrap();
    let mut progress = resumed.progress;
    loop {
        progress.totals.delivered += 1;
        let number = progress.totals.delivered;
        let letter = |of: usize| DeadLetter {
            component: SINK.into(),
            message_id: format!("{number}-{of}"),
            source: "s".into(),
            reason: number.to_string(),
            ..DeadLetter::default()
        };
        reader.commit(Commit {
            progress: Some(progress.clone()),
            dead_letters: (0..letters(number)).map(letter).collect(),
            ..Commit::default()
        });
        reader.flush().await;
        // Nothing was appended, so that the reader waits, unless it was revoked: then what it flushed need not be there.
        let next = tokio::time::timeout(Duration::ZERO, reader.next(1)).await;
        assert!(next.is_err(), "nobody else drives the sink: {next:?}");
        if written.send(number).is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_and_its_dead_letters_stay_together() {
    let _turn = turn(Share::Third).await;
    if !NatsCluster::available() {
        return;
    }
    let mut servers = NatsCluster::start(3).await;
    let folder = tempfile::tempdir().unwrap();
    let mut rng = fastrand::Rng::with_seed(1);
    for kill in 0..KILLS {
        // The router's runtime ends abruptly, as with a kill.
        let router = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let (sender, mut told) = mpsc::unbounded_channel();
        let cache = folder.path().to_owned();
        router.spawn(commit(servers.urls(), format!("committer-{kill}"), cache, sender));
        let (mut written, mut dead) = (0, None);
        let mut more = rng.usize(3..12);
        while more > 0 {
            let next = tokio::time::timeout(Duration::from_secs(60), told.recv()).await;
            written = next.expect("commits are written").expect("the router runs");
            more -= 1;
            if more == 2 {
                let leader = servers.wait_for_leader("sbx_ST").await;
                servers.kill(leader);
                dead = Some(leader);
            }
        }
        // In the middle of the next commit.
        tokio::time::sleep(Duration::from_millis(rng.u64(0..30))).await;
        router.shutdown_background();
        while let Ok(number) = told.try_recv() {
            written = number;
        }
        if let Some(dead) = dead {
            servers.start_again(dead).await;
        }
        let found = check(&servers, &format!("checker-{kill}"), folder.path(), written).await;
        println!("kill {kill}: {written} commits are told as written, {found} are there");
    }
}

/// Reads everything as a new router does, and compares; returns the number of the last commit.
async fn check(servers: &NatsCluster, node: &str, cache: &Path, written: u64) -> u64 {
    let journal = open(&servers.urls(), node, cache).await;
    let sinks = journal.sinks().await.unwrap();
    let sink = sinks.iter().find(|sink| sink.name == SINK).unwrap();
    let last = sink.progress.totals.delivered;
    assert!(last >= written, "{last} is there, {written} was told");
    let mut there = BTreeMap::<u64, usize>::new();
    for (_, letter) in journal
        .dead_letters(&DeadLetterFilter::default(), usize::MAX)
        .await
        .unwrap()
    {
        *there.entry(letter.reason.parse().unwrap()).or_default() += 1;
    }
    for number in 1..=last {
        let there = there.remove(&number).unwrap_or(0);
        assert_eq!(
            there,
            letters(number),
            "dead letters of commit {number} of {last}"
        );
    }
    // The commit that was cut off: only one that needs several changes may have written some.
    for (number, there) in there {
        assert!(
            number == last + 1 && letters(number) > 999,
            "{there} dead letters of {number}, beyond {last}"
        );
    }
    last
}
