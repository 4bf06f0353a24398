//! A sink that another router may or should drive.

use super::*;

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_once_another_router_may_drive_the_sink() {
    let (_renew, ended) = tokio::sync::watch::channel(std::time::Instant::now());
    let mut rig = rig(0..25);
    rig.tenure = Tenure::renewed(ended, false);
    let ended = rig.run(|_, _| Act::Deliver).await;
    assert_eq!((ended.log.len(), ended.ledger.pending()), (0, 25));
    assert_eq!(ended.left_in_journal, 25);
}

#[tokio::test]
async fn attempts_under_way_are_dropped_when_the_right_ends() {
    let ends = std::time::Instant::now() + Duration::from_millis(50);
    let (_renew, ended) = tokio::sync::watch::channel(ends);
    let mut rig = rig(0..25);
    rig.tenure = Tenure::renewed(ended, false);
    let ended = rig.run(|_, _| Act::Hang).await;
    assert_eq!((ended.log.len(), ended.ledger.pending()), (1, 25));
    assert_eq!(ended.ledger.in_flight.get(), 0);
    assert!(ended.took >= Duration::from_millis(40) && ended.took < Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_another_router_should_drive_finishes_what_is_under_way() {
    let hour = std::time::Instant::now() + Duration::from_secs(3600);
    let (_renew, until) = tokio::sync::watch::channel(hour);
    let (want, wanted) = tokio::sync::watch::channel(false);
    let mut rig = rig(0..25);
    rig.tenure = Tenure::renewed(until, false).wanted_elsewhere(wanted);
    let stop = Stop::default();
    let ended = rig
        .run_until(
            move |_, _| {
                want.send_replace(true);
                Act::DeliverLate
            },
            stop.clone(),
        )
        .await;
    assert_eq!((ended.log.len(), ended.ledger.delivered.get()), (1, 10));
    assert_eq!(ended.left_in_journal, 15);
    assert!(stop.leave.is_cancelled() && !stop.abort.is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn no_probe_goes_out_once_the_right_has_ended() {
    let (renew, until) = tokio::sync::watch::channel(std::time::Instant::now() + Duration::from_secs(3600));
    let mut rig = rig(0..5);
    rig.tenure = Tenure::renewed(until, false);
    let ended = rig
        .run(move |_, _| {
            // The journal takes the right back while the sink goes on hold.
            renew.send_replace(std::time::Instant::now());
            Act::Hold
        })
        .await;
    assert_eq!((ended.log.len(), ended.ledger.pending()), (1, 5));
}
