//! Records that are sent again, and how long.

use super::*;

#[tokio::test(start_paused = true)]
async fn retries_only_the_failing_subset() {
    let ended = rig(0..10)
        .run(|ids, at| {
            Act::Each(
                ids.iter()
                    .map(|id| {
                        if id == "3" && at < Duration::from_secs(9) {
                            retry()
                        } else {
                            Outcome::delivered()
                        }
                    })
                    .collect(),
            )
        })
        .await;
    ended.assert_closed(10);
    assert_eq!(ended.log[0].1.len(), 10);
    assert!(
        ended.log.len() > 3 && ended.log[1..].iter().all(|(_, ids)| *ids == ["3"]),
        "{:?}",
        ended.log
    );
    assert_eq!(ended.ledger.records.delivered.get(), 10);
}

#[tokio::test(start_paused = true)]
async fn waits_as_long_as_the_destination_says() {
    let ended = rig(0..30)
        .run(|ids, at| {
            if at >= Duration::from_secs(40) {
                return Act::Deliver;
            }
            let after = Some(Duration::from_secs(40));
            let reason = Reason::new("rate_limited", "");
            Act::Each(vec![
                Outcome::Retry {
                    reason,
                    after,
                    maybe_written: false
                };
                ids.len()
            ])
        })
        .await;
    ended.assert_closed(30);
    assert_eq!(ended.log[1].0.as_secs(), 40, "nothing is sent in between");
    assert_eq!(ended.log.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn expires_what_never_gets_through() {
    let ended = rig(["a"]).run(|ids, _| Act::Each(vec![retry(); ids.len()])).await;
    ended.assert_closed(1);
    assert_eq!(ended.dead()["a"], "expired");
    assert_eq!(ended.ledger.expired.snapshot()["unavailable"], 1);
    assert!(
        ended.took >= Duration::from_secs(600) && ended.took < Duration::from_secs(720),
        "{:?}",
        ended.took
    );
    let letter = &ended.letters[0];
    assert_eq!(letter.attempts as u64, ended.ledger.attempts.get());
}

#[tokio::test(start_paused = true)]
async fn one_spoiling_record_does_not_block_the_others() {
    let mut rig = rig(0..200);
    rig.options.requests.concurrency = 2;
    rig.options.window.events = 40;
    let ended = rig
        .run(|ids, _| {
            if ids.iter().any(|id| id == "5") {
                Act::Each(vec![retry(); ids.len()])
            } else {
                Act::Deliver
            }
        })
        .await;
    ended.assert_closed(200);
    assert_eq!(ended.ledger.delivered.get(), 199);
    assert_eq!(ended.dead()["5"], "expired");
    let others = ended
        .log
        .iter()
        .filter(|(_, ids)| ids.iter().any(|id| id != "5"))
        .map(|(at, _)| *at)
        .max();
    assert!(others.unwrap() < Duration::from_secs(60), "{others:?}");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_is_no_success_and_may_have_been_written() {
    for (retry_maybe_duplicates, offline_delivered) in [(true, 1), (false, 0)] {
        let mut rig = rig(["web", "offline"]);
        rig.options.retry.maybe_duplicates = retry_maybe_duplicates;
        let ended = rig.run(until(20, || Act::Hang)).await;
        ended.assert_closed(2);
        assert_eq!(ended.ledger.delivered.get(), 1 + offline_delivered);
        assert_eq!(
            ended.dead().get("offline").map(String::as_str),
            (!retry_maybe_duplicates).then_some("maybe_written")
        );
        assert!(ended.took >= Duration::from_secs(30));
    }
}
