//! Which records share a request, and which are not sent.

use super::*;

#[tokio::test(start_paused = true)]
async fn batches_by_count_and_flushes_at_the_end() {
    let ended = rig(0..25).run(|_, _| Act::Deliver).await;
    ended.assert_closed(25);
    assert_eq!(
        ended.batches().iter().map(Vec::len).collect::<Vec<_>>(),
        [10, 10, 5]
    );
    assert_eq!(ended.ledger.delivered.get(), 25);
}

#[tokio::test(start_paused = true)]
async fn old_events_count_as_late_and_as_unattributed() {
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    let day = Duration::from_secs(24 * 3600);
    for (unattributed_after, unattributed) in [(None, 0), (Some(day), 3), (Some(century), 0)] {
        let mut rig = rig(0..3);
        rig.options.unattributed_after = unattributed_after;
        let records = &rig.run(|_, _| Act::Deliver).await.ledger.records;
        assert_eq!(
            (records.late.get(), records.unattributed.get()),
            (3, unattributed)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn batches_by_exact_bytes() {
    let mut rig = rig(["aaaa", "bbbb", "cccc", "dd", "this one is larger than a request"]);
    rig.options.batch.max_bytes = 10;
    let ended = rig.run(|_, _| Act::Deliver).await;
    ended.assert_closed(5);
    assert_eq!(ended.batches(), [vec!["aaaa", "bbbb"], vec!["cccc", "dd"]]);
    assert_eq!(ended.dead().values().collect::<Vec<_>>(), ["record_too_large"]);
}

#[tokio::test(start_paused = true)]
async fn records_of_different_keys_share_no_request() {
    let ended = rig(["a", "b", "odd1", "odd2", "c"])
        .run(|_, _| Act::Deliver)
        .await;
    ended.assert_closed(5);
    assert_eq!(ended.batches(), [vec!["a", "b"], vec!["odd1", "odd2"], vec!["c"]]);
}

#[tokio::test(start_paused = true)]
async fn an_event_of_two_mappings_ends_by_its_worst_record() {
    let ended = rig(["half", "filtered", "whole"]).run(|_, _| Act::Deliver).await;
    ended.assert_closed(3);
    assert_eq!(ended.ledger.delivered.get(), 1);
    assert_eq!(ended.ledger.rejected.snapshot()["no_identifier"], 1);
    assert_eq!(ended.ledger.filtered.snapshot()["no_mapping_matched"], 1);
    assert_eq!(ended.ledger.records.delivered.get(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_attempt_passes_the_rate_gate() {
    let mut rig = rig(0..20);
    rig.options.batch.max_events = 1;
    rig.options.requests.concurrency = 8;
    rig.options.requests.calls = Some(Quota::new(4, Duration::from_secs(60), Some(1)).unwrap());
    let ended = rig.run(|_, _| Act::Deliver).await;
    ended.assert_closed(20);
    let at: Vec<u64> = ended.log.iter().map(|(at, _)| at.as_secs()).collect();
    assert_eq!(at, (0..20).map(|nth| nth * 15).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn an_event_told_to_wait_holds_up_nobody() {
    let mut rig = rig(["slow", "a", "bad", "b"]);
    rig.transforms = vec![Box::new(Pace(Mutex::new(false)))];
    let ended = rig.run(|_, _| Act::Deliver).await;
    ended.assert_closed(4);
    assert_eq!(ended.batches(), [vec!["a", "b"], vec!["slow"]]);
    assert_eq!(ended.dead()["bad"], "ldp_incomplete");
}

#[tokio::test(start_paused = true)]
async fn events_of_sources_that_never_were_inputs_are_not_sent() {
    let mut rig = rig(["a"]);
    rig.options.inputs = vec!["other".into()];
    let ended = rig.run(|_, _| Act::Deliver).await;
    assert!(ended.log.is_empty());
    assert_eq!(ended.left_in_journal, 0);
}
