//! The whole journal against a server.

use std::time::Duration;

use signalbox_core::{Event, Receipt};
use signalbox_nats::Connection;
use signalbox_testkit::NatsCluster;

use super::{NatsJournal, NatsOptions};
use crate::{
    Appended, Commit, DeadLetter, DeadLetterFilter, Group, JournalError, Letters as _, Log as _, Position,
    Progress, Read, Reader, Start, States as _, Subscription,
};

pub(super) async fn open(cluster: &NatsCluster, node: &str, cache: &std::path::Path) -> NatsJournal {
    try_open(cluster, node, cache).await.unwrap()
}

async fn try_open(
    cluster: &NatsCluster,
    node: &str,
    cache: &std::path::Path,
) -> Result<NatsJournal, JournalError> {
    let connection = Connection {
        servers: cluster.urls(),
        ..Connection::default()
    };
    let client = signalbox_nats::connect(&connection, "journal").await.unwrap();
    let options = NatsOptions {
        replicas: cluster.len(),
        takeover: Duration::from_secs(3),
        max_bytes: 100_000_000,
        ..NatsOptions::new(node, cache.join(node))
    };
    NatsJournal::open(client, options).await
}

pub(super) fn events(range: std::ops::Range<usize>) -> Vec<Event> {
    let event = |n: usize| {
        let receipt = Receipt {
            source: "s".into(),
            received_at: n as i64,
        };
        Event::parse(&format!(r#"{{"messageId":"{n}"}}"#), receipt).unwrap()
    };
    range.map(event).collect()
}

pub(super) async fn read(reader: &mut Box<dyn Reader>, max: usize) -> Vec<(String, Position)> {
    let read = tokio::time::timeout(Duration::from_secs(10), reader.next(max))
        .await
        .unwrap();
    match read {
        Read::Events(entries) => {
            let one = |entry: &crate::Entry| (entry.event.message_id().to_owned(), entry.position);
            entries.iter().map(one).collect()
        }
        other => panic!("{other:?}"),
    }
}

pub(super) fn to_s() -> Subscription {
    Subscription::new(["s"], Start::End)
}

pub(super) fn settled_before(cursor: Position) -> Commit {
    Commit {
        progress: Some(Progress {
            cursor,
            ..Progress::default()
        }),
        ..Commit::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_router_goes_on_where_one_left_off() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let one = open(&cluster, "one", folder.path()).await;
    let other = open(&cluster, "other", folder.path()).await;
    let (mut reader, _) = one.reader("a", &to_s()).await.unwrap();
    let fates = one.append(events(0..3)).await.unwrap();
    assert!(fates.iter().all(|fate| matches!(fate, Appended::Stored(_))));
    // The other router knows these ids, too.
    let fates = other.append(events(2..5)).await.unwrap();
    assert_eq!(fates[0], Appended::Duplicate);
    let mut seen = Vec::new();
    while seen.len() < 5 {
        seen.extend(read(&mut reader, 2).await);
    }
    let ids: Vec<&str> = seen.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["0", "1", "2", "3", "4"]);
    let letter = DeadLetter {
        component: "a".into(),
        message_id: "1".into(),
        source: "s".into(),
        reason: "bad".into(),
        position: Some(seen[1].1),
        ..DeadLetter::default()
    };
    reader.commit(Commit {
        dead_letters: vec![letter],
        ..settled_before(seen[3].1)
    });
    reader.flush().await;
    let (mut next, resumed) = other.reader("a", &to_s()).await.unwrap();
    assert_eq!(resumed.progress.cursor, seen[3].1);
    assert_eq!(resumed.unread, [("s".to_owned(), 2)]);
    // The first reader is revoked, and what it commits is not written.
    reader.commit(settled_before(seen[4].1 + 1));
    reader.flush().await;
    let end = tokio::time::timeout(Duration::from_secs(10), reader.next(9))
        .await
        .unwrap();
    assert!(matches!(end, Read::Revoked), "{end:?}");
    assert_eq!(read(&mut next, 9).await.len(), 2);
    let found = one.dead_letters(&DeadLetterFilter::default(), 9).await.unwrap();
    assert_eq!(found.len(), 1);
    // Retried through the router that does not drive the sink.
    let taken = one.take_dead_letters(&[found[0].0], true).await.unwrap();
    assert_eq!((taken.removed, taken.from_journal), (1, 1));
    let end = tokio::time::timeout(Duration::from_secs(10), next.next(9))
        .await
        .unwrap();
    assert!(matches!(end, Read::Revoked), "{end:?}");
    let (mut again, resumed) = other.reader("a", &to_s()).await.unwrap();
    assert_eq!(resumed.returned, 1);
    let returned = again.returned(0, 9).await.unwrap();
    assert_eq!(returned.events[0].event.message_id(), "1");
    assert_eq!(returned.events[0].place(), Some(seen[1].1));
    let states = one.sinks().await.unwrap();
    assert_eq!((states[0].pending(), states[0].parked), (3, 1));
    one.close();
    other.close();
    assert!(matches!(again.next(1).await, Read::End));
    drop((reader, next, again));
    one.shutdown().await;
    other.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_router_alone_drives_all_groups_and_hands_them_over_when_it_stops() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let one = open(&cluster, "one", folder.path()).await;
    let groups = || {
        vec![Group {
            name: "account".into(),
            sinks: vec!["a".into(), "b".into()],
        }]
    };
    let mut tenures = one.tenures(groups());
    let waiting = tenures.wait_for(|tenures| tenures.of("b").is_some());
    tokio::time::timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap()
        .unwrap();
    let other = open(&cluster, "other", folder.path()).await;
    let mut later = other.tenures(groups());
    assert!(later.borrow_and_update().of("a").is_none());
    one.close();
    one.shutdown().await;
    let waiting = later.wait_for(|tenures| tenures.of("a").is_some_and(crate::Tenure::holds));
    tokio::time::timeout(Duration::from_secs(2), waiting)
        .await
        .unwrap()
        .unwrap();
    other.close();
    other.shutdown().await;
}

/// Later versions may ask more. What they get from this one is an answer, by which they know it, and no silence.
#[tokio::test(flavor = "multi_thread")]
async fn a_question_of_a_later_version_is_answered_with_the_process_that_runs() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let one = open(&cluster, "one", folder.path()).await;
    let start = one.nodes().into_iter().find(|node| node.own).unwrap().start;
    let client = super::testing::client(&cluster).await;
    let question = client
        .nats()
        .request("sbx.node.one", "{\"ask\":\"weather\"}".into());
    let answer = tokio::time::timeout(Duration::from_secs(10), question).await;
    assert_eq!(answer.unwrap().unwrap().payload, start.as_bytes());
    one.close();
    one.shutdown().await;
}

/// Reads this number of events, and returns their ids.
async fn take(reader: &mut Box<dyn Reader>, count: usize) -> Vec<String> {
    let mut ids = Vec::new();
    while ids.len() < count {
        ids.extend(read(reader, 9).await.into_iter().map(|(id, _)| id));
    }
    ids
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_lost_messages_goes_on_behind_what_sinks_have_passed() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let context = super::testing::context(&cluster).await;
    let mut journal = open(&cluster, "one", folder.path()).await;
    let (mut passed, mut behind) = (0, 0);
    let (_, _) = journal.reader("slow", &to_s()).await.unwrap();
    for round in 0..3 {
        // A sink that keeps pace has passed everything; the slow one nothing.
        let (mut a, resumed) = journal.reader("a", &to_s()).await.unwrap();
        assert_eq!(resumed.unread, [], "{round}");
        for n in 0..6 {
            let id = round * 100 + n;
            journal.append(events(id..id + 1)).await.unwrap();
        }
        // Known ids went with the stream.
        journal.append(events(0..2)).await.unwrap();
        let more = if round == 0 { 0 } else { 2 };
        assert_eq!(take(&mut a, 6 + more).await.len(), 6 + more, "{round}");
        let end = journal.find(0).await.unwrap().to;
        assert!(
            end > passed && journal.find(0).await.unwrap().at >= behind,
            "{round}"
        );
        passed = end;
        a.commit(settled_before(end));
        a.flush().await;
        drop(a);
        let (slow, resumed) = journal.reader("slow", &to_s()).await.unwrap();
        // A foreign message counts as an event.
        let unread = 6 + more as u64 + u64::from(round == 2);
        assert_eq!(resumed.unread, [("s".to_owned(), unread)], "{round}");
        drop(slow);
        journal.close();
        journal.shutdown().await;
        let config = context
            .get_stream("sbx_EV")
            .await
            .unwrap()
            .cached_info()
            .config
            .clone();
        context.delete_stream("sbx_EV").await.unwrap();
        behind = passed;
        if round == 1 {
            // Restored to an earlier state: one message, of which no header is the journal's.
            let config = async_nats::jetstream::stream::Config {
                first_sequence: None,
                ..config
            };
            context.create_stream(config).await.unwrap();
            let sent = context.publish("sbx.ev.s", "noise".into()).await.unwrap();
            assert_eq!(sent.await.unwrap().sequence, 1);
            behind = 0;
        }
        journal = open(&cluster, "one", folder.path()).await;
    }
    let other = async_nats::jetstream::stream::Config {
        first_sequence: None,
        ..context
            .get_stream("sbx_EV")
            .await
            .unwrap()
            .cached_info()
            .config
            .clone()
    };
    // Sinks far ahead of a stream that holds little: the operator decides.
    let far = Progress {
        cursor: 1 << 40,
        ..Progress::default()
    };
    let (mut a, _) = journal.reader("a", &to_s()).await.unwrap();
    a.commit(Commit {
        progress: Some(far),
        ..Commit::default()
    });
    a.flush().await;
    drop(a);
    journal.close();
    journal.shutdown().await;
    context.delete_stream("sbx_EV").await.unwrap();
    context.create_stream(other).await.unwrap();
    let error = try_open(&cluster, "one", folder.path())
        .await
        .err()
        .unwrap()
        .to_string();
    assert!(
        error.contains("sbx_EV") && error.contains("nats stream rm sbx_EV"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn states_are_not_begun_anew_beside_events() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let context = super::testing::context(&cluster).await;
    let journal = open(&cluster, "one", folder.path()).await;
    let id = journal.id();
    journal.append(events(0..3)).await.unwrap();
    journal.close();
    journal.shutdown().await;
    context.delete_stream("sbx_ST").await.unwrap();
    for _ in 0..2 {
        let error = try_open(&cluster, "one", folder.path())
            .await
            .err()
            .unwrap()
            .to_string();
        for words in [
            "sbx_ST with the states is gone",
            "nats stream restore",
            "nats stream rm sbx_EV",
        ] {
            assert!(error.contains(words), "{error}");
        }
    }
    assert!(
        context.get_stream("sbx_ST").await.is_err(),
        "nothing stands in a backup's way"
    );
    context.delete_stream("sbx_EV").await.unwrap();
    let journal = open(&cluster, "one", folder.path()).await;
    assert_ne!(journal.id(), id);
    journal.close();
    journal.shutdown().await;
}
