//! Damaged states on a real server.

use signalbox_testkit::NatsCluster;

use crate::nats::tests::{events, open, read, settled_before, to_s};
use crate::nats::{NatsJournal, testing};
use crate::sink_record::SinkRecord;
use crate::{Appended, Commit, Log as _, Named, Open, Parked, Roster, Start, States as _, Subscription};

/// Parked events of the first sink, more than one write removes.
const PARKED: usize = 900;

/// Overwrites the state of a sink, and waits until the router knows.
async fn overwrite(cluster: &NatsCluster, router: &NatsJournal, sink: &str, value: &str) {
    let context = testing::context(cluster).await;
    let subject = format!("sbx.st.sink.{sink}");
    let sent = context.publish(subject, value.to_owned().into()).await.unwrap();
    let sequence = sent.await.unwrap().sequence;
    router.0.store.has_read(sequence).await;
    assert_eq!(router.unreadable(), [sink]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_state_of_a_sink_is_given_up_and_the_sink_goes_on() {
    if !NatsCluster::available() {
        return;
    }
    let cluster = NatsCluster::start(1).await;
    let folder = tempfile::tempdir().unwrap();
    let one = open(&cluster, "one", folder.path()).await;
    let sinks = vec![Named::new("a"), Named::new("b")];
    let roster = Roster {
        sources: vec![Named::new("s")],
        sinks,
        ..Roster::default()
    };
    one.adopt(&roster).await.unwrap();
    for sink in ["a", "b"] {
        let (mut reader, _) = one.reader(sink, &to_s()).await.unwrap();
        // The second sink's are duplicates, and it parks nothing.
        let fates = one.append(events(0..PARKED)).await.unwrap();
        let stored = fates.into_iter().zip(events(0..PARKED));
        let parked = stored.filter_map(|(fate, event)| match fate {
            Appended::Stored(position) => Some(Parked {
                position,
                event: event.into(),
                open: Open {
                    position,
                    ..Open::default()
                },
                only: None,
            }),
            _ => None,
        });
        let mut parked = parked.peekable();
        while parked.peek().is_some() {
            let park: Vec<Parked> = parked.by_ref().take(300).collect();
            let settled = settled_before(park[park.len() - 1].position + 1);
            reader.commit(Commit { park, ..settled });
        }
        reader.flush().await;
    }
    // A state of a newer version stays.
    let newer = SinkRecord {
        flags: 1,
        ..SinkRecord::default()
    };
    overwrite(&cluster, &one, "a", &serde_json::to_string(&newer).unwrap()).await;
    let error = one.forget("a", None).await.unwrap_err().to_string();
    assert!(error.contains("newer version"), "{error}");
    overwrite(&cluster, &one, "a", "no state").await;
    let error = one.reader("a", &to_s()).await.err().unwrap().to_string();
    assert!(error.contains("signalbox forget --sink a"), "{error}");
    let error = one.forget("a", Some("s")).await.unwrap_err().to_string();
    assert!(error.contains("forget all of them"), "{error}");
    assert_eq!(one.forget("a", None).await, Ok(PARKED as u64));
    assert!(one.unreadable().is_empty());
    // Events that come before a reader is opened are the sink's.
    one.append(events(PARKED..PARKED + 1)).await.unwrap();
    let other = open(&cluster, "other", folder.path()).await;
    let beginning = Subscription::new(["s"], Start::Beginning);
    let (mut reader, resumed) = other.reader("a", &beginning).await.unwrap();
    assert!(resumed.parked.is_empty());
    assert_eq!(resumed.unread, [("s".to_owned(), 1)]);
    assert_eq!(
        resumed.progress.totals.filtered.get("forgotten"),
        Some(&(PARKED as u64))
    );
    assert_eq!(read(&mut reader, 9).await[0].0, PARKED.to_string());
    drop(reader);
    // A sink that no file has holds nothing afterwards.
    let roster = Roster {
        sinks: vec![Named::new("a")],
        ..roster
    };
    one.adopt(&roster).await.unwrap();
    overwrite(&cluster, &one, "b", "{}").await;
    assert_eq!(one.forget("b", None).await, Ok(0));
    one.append(events(PARKED + 1..PARKED + 2)).await.unwrap();
    let known = one.sinks().await.unwrap();
    let b = known.iter().find(|sink| sink.name == "b").unwrap();
    assert_eq!(b.pending(), 0);
    for router in [one, other] {
        router.close();
        router.shutdown().await;
    }
}
