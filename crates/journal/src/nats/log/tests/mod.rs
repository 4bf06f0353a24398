//! The log against real servers.

mod failures;
mod streams;

use std::path::Path;

use signalbox_core::Receipt;
use signalbox_nats::{Connection, connect};
use signalbox_testkit::NatsCluster;

use super::frames::Piece;
use super::options::Readable;
use super::*;
use crate::nats::subjects::Subjects;
use crate::seal::id_key::IdKey;
use crate::seal::wrapped::tests::keys;
use crate::{Loss, Lost};

const LONG: Duration = Duration::from_secs(30);
/// A number of bytes that no test fills.
const ROOM: u64 = 100_000_000;

fn event(source: &str, id: &str, text: &str) -> Event {
    let receipt = Receipt {
        source: source.into(),
        received_at: 1_000,
    };
    Event::parse(&format!(r#"{{"messageId":"{id}","x":"{text}"}}"#), receipt).unwrap()
}

fn events(ids: std::ops::Range<u64>) -> Vec<Event> {
    ids.map(|id| event("web", &format!("id-{id}"), "small")).collect()
}

fn options(cache: &Path, start: &str) -> LogOptions {
    LogOptions {
        subjects: Subjects::new("sbx"),
        replicas: 1,
        max_bytes: ROOM,
        dedup_window: Duration::from_secs(3600),
        dedup_memory: 1_000_000,
        cache: cache.to_owned(),
        cache_bytes: 1_000_000,
        start: start.to_owned(),
        under_way: 16,
        linger: Duration::from_millis(1),
        behind: 0,
        cipher: None,
        readable: Box::new(|_, _| {}),
        watchdog: None,
    }
}

async fn open(cluster: &NatsCluster, options: LogOptions) -> Result<EventLog, JournalError> {
    let connection = Connection {
        servers: cluster.urls(),
        ..Connection::default()
    };
    let client = connect(&connection, "test").await.unwrap();
    let options = LogOptions {
        watchdog: Some(client.watchdog().clone()),
        ..options
    };
    EventLog::open(client.jetstream(), options).await
}

async fn append(log: &EventLog, events: Vec<Event>) -> Result<Vec<Appended>, AppendError> {
    log.append(events, &Names::default()).await
}

fn stored(fates: &[Appended]) -> usize {
    let is_stored = |fate: &&Appended| matches!(fate, Appended::Stored(_));
    fates.iter().filter(is_stored).count()
}

/// Reads everything that is there from a position on.
async fn all_from(log: &EventLog, mut at: Position) -> (Vec<Entry>, Vec<Lost>) {
    let (mut entries, mut lost) = (Vec::new(), Vec::new());
    while at < log.end() {
        let frames = log.read(at).await.unwrap();
        assert!(frames.next > at);
        at = frames.next;
        for piece in frames.pieces {
            match piece {
                Piece::Events(read) => entries.extend(read),
                Piece::Lost(gone) => lost.push(gone),
            }
        }
    }
    (entries, lost)
}

/// Waits until a log has followed up to a position.
async fn follows(log: &EventLog, end: Position) {
    let mut followed = log.shared.sequence.subscribe();
    let wanted = place::sequence(end);
    let wait = followed.wait_for(|followed| *followed + 1 >= wanted);
    tokio::time::timeout(LONG, wait).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_are_stored_read_counted_and_found() {
    if !NatsCluster::available() {
        return;
    }
    let (cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    let counted = Arc::new(Mutex::new((0u64, 0)));
    let noted = counted.clone();
    let readable: Readable = Box::new(move |counts, end| {
        let mut noted = lock(&noted);
        *noted = (noted.0 + counts.values().sum::<u64>(), end);
    });
    let log = open(
        &cluster,
        LogOptions {
            readable,
            ..options(cache.path(), "a-1")
        },
    );
    let log = log.await.unwrap();
    log.caught_up().await;
    assert_eq!((log.held().from, log.end()), (log.end(), log.end()));
    let fates = append(&log, events(0..50)).await.unwrap();
    assert_eq!(stored(&fates), 50);
    // Known ids, an id twice in a call, two sources in a call, and an event without an id.
    let mut mixed = events(48..52);
    mixed.extend([
        event("app", "id-1", "other source"),
        event("app", "id-1", "again"),
        event("app", "", "no id"),
    ]);
    mixed.push(event("app", "", "no id"));
    let fates = append(&log, mixed).await.unwrap();
    let kinds: Vec<bool> = fates.iter().map(|fate| *fate == Appended::Duplicate).collect();
    assert_eq!(kinds, [true, true, false, false, false, true, false, false]);
    let (entries, lost) = all_from(&log, 0).await;
    assert_eq!((entries.len(), lost.len()), (55, 0));
    assert!(entries.is_sorted_by_key(|entry| entry.position));
    let first = log.held().from;
    let web = log.count_by_source(&[(first, log.end())]).await.unwrap();
    assert_eq!(web, [("app".to_owned(), 3), ("web".to_owned(), 52)].into());
    assert_eq!(*lock(&counted), (55, log.end()));
    for (index, entry) in entries.iter().enumerate() {
        assert_eq!(log.count(first, entry.position).await.unwrap(), index as u64);
    }
    let positions: Vec<Position> = entries.iter().step_by(7).map(|entry| entry.position).collect();
    let read = log.events_at(&positions).await.unwrap();
    assert_eq!(
        read.iter().map(|entry| entry.position).collect::<Vec<_>>(),
        positions
    );
    let found = log.find(1_000).await.unwrap();
    assert_eq!((found.at, found.to), (entries[0].position, log.end()));
    assert_eq!(log.find(1_001).await.unwrap().at, log.end());
    log.close();
    assert_eq!(append(&log, events(0..1)).await, Err(AppendError::Closed));
    log.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn routers_that_append_the_same_ids_at_once_store_each_once() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let caches = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let one = open(&cluster, options(caches[0].path(), "a-1")).await.unwrap();
    let two = open(&cluster, options(caches[1].path(), "b-1")).await.unwrap();
    let mut sum = 0;
    for round in 0..20 {
        let ids = || events(round * 10..round * 10 + 10);
        let (first, second) = tokio::join!(append(&one, ids()), append(&two, ids()));
        sum += stored(&first.unwrap()) + stored(&second.unwrap());
    }
    assert_eq!(sum, 200);
    follows(&two, one.end()).await;
    follows(&one, two.end()).await;
    assert_eq!(one.end(), two.end());
    for log in [&one, &two] {
        let (entries, lost) = all_from(log, 0).await;
        assert_eq!((entries.len(), lost.len()), (200, 0));
        let counted = log.count(0, log.end()).await.unwrap();
        assert_eq!(counted, 200);
    }
    assert_eq!(lock(&one.shared.followed).marks, lock(&two.shared.followed).marks);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_knows_the_ids_with_its_cache_and_without() {
    if !NatsCluster::available() {
        return;
    }
    let (cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    let log = open(&cluster, options(cache.path(), "a-1")).await.unwrap();
    for n in 0..10 {
        append(&log, events(n * 10..n * 10 + 10)).await.unwrap();
    }
    let before = log.end();
    log.shutdown().await;
    // In order, without its end (as after kill -9), with a part of the cache, and without any.
    for (start, damage) in [
        ("a-2", ""),
        ("a-3", "crash"),
        ("a-4", "followed"),
        ("a-5", "ids-"),
        ("a-6", "all"),
    ] {
        for path in std::fs::read_dir(cache.path()).unwrap() {
            let path = path.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if damage == "all" || damage == "followed" && name.starts_with(damage) {
                std::fs::remove_file(path).unwrap();
            } else if name.starts_with(damage) && !damage.is_empty() {
                std::fs::write(path, "noise").unwrap();
            }
        }
        let log = open(&cluster, options(cache.path(), start)).await.unwrap();
        tokio::time::timeout(LONG, log.caught_up()).await.unwrap();
        assert_eq!(log.end(), before, "{damage}");
        let learnt = || lock(&log.shared.followed).learnt_to;
        let wanted = place::sequence(before) - 1;
        let wait = async {
            while learnt() < wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(LONG, wait).await.unwrap();
        let fates = append(&log, events(0..100)).await.unwrap();
        assert_eq!(stored(&fates), 0, "{damage}");
        // Parts of blocks whose frames are not in memory, counted at once by several.
        let part = before - place::start(3);
        let parts = futures_util::future::join_all([0, 1, 2].map(|_| log.count(0, part))).await;
        assert!(parts.into_iter().all(|count| count == Ok(70)), "{damage}");
        assert_eq!(log.count(0, before).await.unwrap(), 100, "{damage}");
        assert_eq!(all_from(&log, 0).await.0.len(), 100, "{damage}");
        if damage == "crash" {
            drop(log);
        } else {
            log.shutdown().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_stream_refuses_until_frames_are_purged_and_readers_are_told_of_them() {
    if !NatsCluster::available() {
        return;
    }
    let (cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    let small = LogOptions {
        max_bytes: 300_000,
        ..options(cache.path(), "a-1")
    };
    let log = open(&cluster, small).await.unwrap();
    let text = "x".repeat(50_000);
    let mut sent = 0;
    let refused = loop {
        match append(&log, vec![event("web", &format!("big-{sent}"), &text)]).await {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(refused, AppendError::Full { .. }), "{refused}");
    assert_eq!((sent, log.refusing()), (5, None));
    let (entries, _) = all_from(&log, 0).await;
    let third = entries[2].position;
    log.purge_below(third).await.unwrap();
    let again = append(&log, vec![event("web", &format!("big-{sent}"), &text)]).await;
    assert_eq!(stored(&again.unwrap()), 1, "a refused id is not known");
    let wait = async {
        while log.held().from < third {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, wait).await.unwrap();
    // The cache may still have purged frames.
    lock(&log.shared.cache).clear();
    let (entries, lost) = all_from(&log, 0).await;
    assert_eq!(entries.len(), 4);
    let gone: Vec<_> = lost
        .iter()
        .map(|lost| (lost.to, lost.events, lost.loss))
        .collect();
    assert_eq!(gone, [(third, 2, Loss::Missing)]);
    assert_eq!(log.count(0, log.end()).await.unwrap(), 4);
    assert!(log.events_at(&[place::start(1)]).await.unwrap().is_empty());
    assert!(log.usage().0 > 150_000 && log.usage().1 == 300_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sealed_log_shows_the_servers_neither_events_nor_ids() {
    if !NatsCluster::available() {
        return;
    }
    let (cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    let ids = |n| IdKey::of([n; 32]);
    let sealed = |start: &str, n: u8, ids| LogOptions {
        cipher: Some(FrameCipher::new(&keys(&[n]), ids).unwrap()),
        cache: cache.path().join(start),
        ..options(cache.path(), start)
    };
    let log = open(&cluster, sealed("a-1", 1, ids(1))).await.unwrap();
    let secret = "jane@example.com";
    append(&log, vec![event("web", secret, secret)]).await.unwrap();
    let raw = log.shared.stream.frames(1, 1, 1_000_000).await.unwrap();
    let body = String::from_utf8_lossy(&raw[0].body).into_owned();
    assert!(!body.contains("jane"));
    let (plain, keyed) = (IdHasher::Plain, IdHasher::Keyed(ids(1)));
    assert_eq!(
        raw[0].header.ids.as_deref(),
        Some(&[keyed.hash("web", secret)][..])
    );
    assert_ne!(keyed.hash("web", secret), plain.hash("web", secret));
    // Another router of the same keys.
    let other = open(&cluster, sealed("b-1", 1, ids(1))).await.unwrap();
    other.caught_up().await;
    assert_eq!(
        append(&other, vec![event("web", secret, "")]).await.unwrap(),
        [Appended::Duplicate]
    );
    assert_eq!(all_from(&other, 0).await.0[0].event.message_id(), secret);
    // One with another key reads nothing, and tells so.
    let stranger = open(&cluster, sealed("c-1", 2, ids(1))).await.unwrap();
    stranger.caught_up().await;
    let (entries, lost) = all_from(&stranger, 0).await;
    assert_eq!(
        (entries.len(), lost[0].events, lost[0].loss),
        (0, 1, Loss::Damaged)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_appends_stay_whole_and_an_event_beyond_the_servers_limit_is_told() {
    if !NatsCluster::available() {
        return;
    }
    let (cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    let log = open(&cluster, options(cache.path(), "a-1")).await.unwrap();
    let text = "x".repeat(100_000);
    let large = |ids: std::ops::Range<u32>| ids.map(|id| event("web", &format!("l-{id}"), &text)).collect();
    let fates = append(&log, large(0..6)).await.unwrap();
    assert_eq!((stored(&fates), place::sequence(log.end())), (6, 2), "one frame");
    let fates = append(&log, large(6..30)).await.unwrap();
    assert_eq!(stored(&fates), 24);
    let fates = append(&log, events(0..6_000)).await.unwrap();
    assert_eq!(stored(&fates), 6_000);
    assert_eq!(all_from(&log, 0).await.0.len(), 6_030);
    let huge = append(&log, vec![event("web", "huge", &"y".repeat(1_100_000))]).await;
    let error = huge.unwrap_err().to_string();
    assert!(
        error.contains("raise max_payload") && !error.contains("huge"),
        "{error}"
    );
}

/// Ids are written to files while the log runs, and the process may die at any moment of that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_event_is_a_duplicate_of_itself_after_a_crash() {
    if !NatsCluster::available() {
        return;
    }
    let (cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    for round in 0..4 {
        let small = LogOptions {
            // A file for each 256 ids.
            dedup_memory: 0,
            ..options(cache.path(), &format!("a-{round}"))
        };
        let log = open(&cluster, small).await.unwrap();
        tokio::time::timeout(LONG, log.caught_up()).await.unwrap();
        let before = round * 1_000;
        assert_eq!(log.count(0, log.end()).await.unwrap(), before);
        for part in 0..10 {
            let ids = before + part * 100..before + part * 100 + 100;
            assert_eq!(stored(&append(&log, events(ids)).await.unwrap()), 100);
            // Time is not waited for: the care for the ids is due at once.
            lock(&log.shared.followed).tended = None;
        }
        let fates = append(&log, events(0..before + 1_000)).await.unwrap();
        assert_eq!(stored(&fates), 0, "{round}");
        assert_eq!(log.count(0, log.end()).await.unwrap(), before + 1_000);
        assert_eq!(all_from(&log, 0).await.0.len() as u64, before + 1_000);
        // As kill -9: nothing more is written.
        drop(log);
    }
    let names = std::fs::read_dir(cache.path())
        .unwrap()
        .map(|file| file.unwrap().file_name());
    let names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    assert!(names.iter().any(|name| name.starts_with("ids-")), "{names:?}");
    assert!(names.iter().any(|name| name == "followed.bin"), "{names:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_window_no_id_is_known() {
    if !NatsCluster::available() {
        return;
    }
    let (cluster, cache) = (NatsCluster::start(1).await, tempfile::tempdir().unwrap());
    for round in 1..=3u64 {
        let none = LogOptions {
            dedup_window: Duration::ZERO,
            ..options(cache.path(), &format!("a-{round}"))
        };
        let log = open(&cluster, none).await.unwrap();
        tokio::time::timeout(LONG, log.caught_up()).await.unwrap();
        for _ in 0..2 {
            let twice = [events(0..5), events(0..5)].concat();
            assert_eq!(stored(&append(&log, twice).await.unwrap()), 10);
        }
        assert_eq!(log.count(0, log.end()).await.unwrap(), round * 20);
        assert_eq!(all_from(&log, 0).await.0.len() as u64, round * 20);
        log.shutdown().await;
    }
}
