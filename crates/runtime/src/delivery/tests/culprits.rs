//! Batches refused over a record that the destination names.

use super::*;

/// Returns the index that the destination names for a batch of these ids and the place of its first bad one.
type Name = fn(&[usize], usize) -> usize;

/// Runs a destination that refuses each request with a `bad` record, naming the place that `name` returns.
async fn refusing(of: usize, bad: fn(usize) -> bool, name: Name) -> Ended {
    let mut rig = rig(0..of);
    rig.options.batch.max_events = of;
    let ended = rig.run(move |ids, _| {
        let ids: Vec<usize> = ids.iter().map(|id| id.parse().unwrap()).collect();
        match ids.iter().position(|id| bad(*id)) {
            Some(at) => Act::Culprit(name(&ids, at)),
            None => Act::Deliver,
        }
    });
    ended.await
}

#[tokio::test(start_paused = true)]
async fn the_others_go_again_at_once_and_the_named_one_goes_alone() {
    let ended = refusing(5, |id| id == 2, |_, at| at).await;
    ended.assert_closed(5);
    assert_eq!(
        ended.batches(),
        [vec!["0", "1", "2", "3", "4"], vec!["0", "1", "3", "4"], vec!["2"]]
    );
    assert_eq!(ended.dead(), BTreeMap::from([("2".into(), "bad_request".into())]));
    assert_eq!(ended.ledger.records.retried.total(), 0, "no failed attempt");
    assert!(ended.took < Duration::from_secs(2), "{:?}", ended.took);
}

#[tokio::test(start_paused = true)]
async fn a_wrong_name_costs_requests_and_no_good_record() {
    let names: [(&str, Name); 4] = [
        ("always the first", |_, _| 0),
        ("always the last", |ids, _| ids.len() - 1),
        ("outside of the batch", |ids, _| ids.len()),
        ("counted from one", |_, at| at + 1),
    ];
    for (name, place) in names {
        let ended = refusing(600, |id| id == 130 || id == 330, place).await;
        ended.assert_closed(600);
        let dead: Vec<String> = ended.dead().into_keys().collect();
        assert_eq!(dead, ["130", "330"], "{name}");
        assert!(ended.log.len() < 60, "{name}: {} requests", ended.log.len());
    }
}

#[tokio::test(start_paused = true)]
async fn many_culprits_among_good_records_are_found_without_a_hold() {
    let ended = refusing(200, |id| id % 10 == 3, |_, at| at).await;
    ended.assert_closed(200);
    assert_eq!(ended.ledger.delivered.get(), 180);
    assert_eq!(ended.dead().len(), 20);
    assert_eq!(ended.ledger.held.total(), 0);
}

#[tokio::test(start_paused = true)]
async fn when_every_record_is_named_it_holds_and_loses_nothing() {
    let mut rig = rig(0..100);
    rig.options.batch.max_events = 100;
    rig.probes_fail_until = Duration::from_secs(1_000);
    let ended = rig
        .run(|_, at| match at < Duration::from_secs(1_000) {
            true => Act::Culprit(0),
            false => Act::Deliver,
        })
        .await;
    ended.assert_closed(100);
    assert_eq!(ended.ledger.delivered.get(), 100, "{:?}", ended.ledger.rejected);
    assert_eq!(ended.ledger.held.total(), 1);
}
