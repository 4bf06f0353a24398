//! Restarts of a sink after its inputs or mappings changed.

use super::bench::{Bench, leave_after};
use super::*;

/// Checks that an acknowledged event stays owed to the sink when the pipeline file changes.
#[tokio::test(start_paused = true)]
async fn events_of_a_source_that_is_no_longer_an_input_are_delivered_or_filtered_and_counted() {
    for filter_removed in [false, true] {
        let bench = Bench::new();
        drop(bench.open().await);
        bench.append(0..10).await;
        let listening = Subscription::new(["another"], Start::End);
        let opened = bench.journal.reader("sink", &listening).await.unwrap();
        bench.journal.close();
        let options = SinkOptions {
            inputs: vec!["another".into()],
            filter_removed,
            ..rig([""; 0]).options
        };
        let stage = bench.sink(|_, _| Act::Deliver).stage(&options);
        let dead_letters = Arc::new(DeadLetters::new(PersonalData::None));
        let ledger = bench.ledger.clone();
        let signals = (Stop::default(), Arc::default(), Arc::default());
        let parts = Parts::new(options, stage, Arc::new(RateGroup::full(None)));
        let driver = Driver::new(parts, opened, ledger, dead_letters, SinkMeters::none(), signals);
        assert_eq!(bench.ledger.debts(), BTreeMap::from([("in".to_owned(), 10)]));
        assert_eq!(bench.ledger.pending(), 10);
        driver.run().await;
        assert!(bench.ledger.debts().is_empty() && bench.ledger.pending() == 0);
        let filtered = bench.ledger.filtered.snapshot().get("input_removed").copied();
        let expected = if filter_removed { (0, Some(10)) } else { (10, None) };
        assert_eq!((bench.sent().len(), filtered), expected);
        assert_eq!(bench.ledger.delivered.get() as usize, expected.0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_ended_is_not_sent_again() {
    let bench = Bench::new();
    drop(bench.open().await);
    // Makes one record and one rejection.
    bench.append(["half"]).await;
    bench
        .drive(leave_after(5), |ids, _| Act::Each(vec![retry(); ids.len()]))
        .await;
    assert_eq!((bench.ledger.pending(), bench.dead().await.len()), (1, 1));
    bench.journal.close();
    bench.drive(Stop::default(), |_, _| Act::Deliver).await;
    assert_eq!(bench.dead().await.len(), 1, "the rejection is not repeated");
    assert_eq!(bench.ledger.rejected.snapshot()["no_identifier"], 1);
    assert_eq!(bench.ledger.pending(), 0);
}

/// Retries a letter whose mapping the sink no longer has: other mappings match, but the operator did not ask for
/// them.
#[tokio::test(start_paused = true)]
async fn a_retry_for_a_mapping_that_is_gone_is_a_dead_letter_again() {
    let bench = Bench::new();
    let (mut reader, _) = bench.open().await;
    bench.append(["a"]).await;
    let letter = DeadLetter {
        component: "sink".into(),
        message_id: "a".into(),
        source: "in".into(),
        mapping: "old name".into(),
        position: Some(0),
        payload: Some(r#"{"messageId":"a"}"#.into()),
        ..DeadLetter::default()
    };
    let progress = signalbox_journal::Progress {
        cursor: 1,
        ..Default::default()
    };
    reader.commit(signalbox_journal::Commit {
        progress: Some(progress),
        dead_letters: vec![letter],
        ..Default::default()
    });
    drop(reader);
    let taken = bench.journal.take_dead_letters(&[1], true).await.unwrap();
    assert_eq!(taken.removed, 1);
    bench.journal.close();
    bench.drive(Stop::default(), |_, _| Act::Deliver).await;
    let dead = bench.dead().await;
    assert_eq!((dead.len(), bench.sent().len()), (1, 0));
    let letter = &dead[0].1;
    assert_eq!(
        (letter.mapping.as_str(), letter.reason.as_str()),
        ("old name", "mapping_gone")
    );
    assert_eq!(bench.ledger.rejected.snapshot()["mapping_gone"], 1);
    assert_eq!((bench.ledger.pending(), bench.ledger.delivered.get()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_mapping_that_was_renamed_sends_nothing_twice_and_gets_its_retries() {
    let bench = Bench::new();
    let under = |name: &str| Subscription {
        mappings: BTreeMap::from([(name.to_owned(), "what it is".to_owned())]),
        ..listening()
    };
    let (mut reader, _) = bench.journal.reader("sink", &under("old name")).await.unwrap();
    bench.append(["sent", "retried"]).await;
    let history = signalbox_journal::Open {
        position: 0,
        ended: vec![("old name".into(), signalbox_journal::RecordEnd::Delivered)],
        attempts: 1,
        ..Default::default()
    };
    let progress = signalbox_journal::Progress {
        settled: vec![(1, 2)],
        open: vec![history],
        ..Default::default()
    };
    let letter = DeadLetter {
        component: "sink".into(),
        message_id: "retried".into(),
        source: "in".into(),
        mapping: "old name".into(),
        position: Some(1),
        ..DeadLetter::default()
    };
    reader.commit(signalbox_journal::Commit {
        progress: Some(progress),
        dead_letters: vec![letter],
        ..Default::default()
    });
    drop(reader);
    bench.journal.take_dead_letters(&[1], true).await.unwrap();
    // The mapping that the scripted sink has.
    drop(bench.journal.reader("sink", &under("m")).await.unwrap());
    bench.journal.close();
    bench.drive(Stop::default(), |_, _| Act::Deliver).await;
    assert_eq!(bench.sent(), BTreeMap::from([("retried".to_owned(), 1)]));
    assert!(bench.dead().await.is_empty());
    assert_eq!((bench.ledger.pending(), bench.ledger.delivered.get()), (0, 2));
}
