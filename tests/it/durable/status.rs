//! `signalbox status`: a running router and its files say the same.

use signalbox_admin::Status;
use signalbox_sandbox::{FailEvents, Faults};

use super::Rig;
use crate::support::client::{post, post_all};
use crate::support::events::{orders, unmatched};

/// The members that both statuses have.
fn numbers(status: &Status) -> Vec<String> {
    let sources = status.sources.iter().map(|(name, s)| {
        format!(
            "{name}: {} {} {} {:?} {:?} {:?} {} {}",
            s.received,
            s.journalled,
            s.duplicate,
            s.filtered,
            s.rejected,
            s.refused,
            s.dead_letters,
            s.sums_close
        )
    });
    let sinks = status.sinks.iter().map(|(name, s)| {
        format!(
            "{name}: {} {} {:?} {:?} {:?} {} {} {}",
            s.journalled,
            s.delivered,
            s.filtered,
            s.rejected,
            s.expired,
            s.pending,
            s.letters.kept,
            s.sums_close
        )
    });
    sources.chain(sinks).collect()
}

#[tokio::test]
async fn live_and_from_the_files() {
    let mut rig = Rig::start("batch.max_events = 10").await;
    rig.world.sandbox.set_faults(Faults {
        fail_events: Some(FailEvents::times(2)),
        ..Faults::default()
    });
    let events = orders("a", 12);
    post_all(&rig.world.listen, &events).await;
    post_all(&rig.world.listen, &events[..4]).await;
    post_all(
        &rig.world.listen,
        &[unmatched("u-1"), unmatched("u-2"), unmatched("u-3")],
    )
    .await;
    assert_eq!(
        post(&rig.world.listen, "/v1/track", r#"{"event":"E"}"#)
            .await
            .status,
        400
    );
    rig.settled().await;
    rig.world.sandbox.set_faults(Faults {
        unauthorized: true,
        ..Faults::default()
    });
    post_all(&rig.world.listen, &orders("held", 7)).await;
    let live = rig
        .wait(|status| {
            let others = status.sinks.iter().filter(|(name, _)| *name != "pinterest");
            status.sinks["pinterest"].held.is_some() && others.into_iter().all(|(_, sink)| sink.pending == 0)
        })
        .await;
    // The same by the command.
    assert_eq!(numbers(&rig.asked().await), numbers(&live));
    let pinterest = &live.sinks["pinterest"];
    assert_eq!(
        (pinterest.journalled, pinterest.delivered, pinterest.pending),
        (22, 10, 7),
        "{pinterest:#?}"
    );
    assert_eq!(pinterest.filtered.values().sum::<u64>(), 3);
    assert_eq!(
        (pinterest.rejected.values().sum::<u64>(), pinterest.letters.kept),
        (2, 2)
    );
    assert!(pinterest.oldest_pending_age_seconds.is_some());
    let source = &live.sources["shop"];
    assert_eq!(
        (source.received, source.journalled, source.duplicate),
        (27, 22, 4),
        "{source:#?}"
    );
    let exit = rig.command(&["status"]).await;
    assert_eq!(exit.code, Some(2), "{exit:?}");
    let told = exit.stdout;
    assert!(
        told.contains("held") && told.contains("The sums close."),
        "{told}"
    );

    rig.stop().await;
    let offline = rig.asked().await;
    assert_eq!(numbers(&offline), numbers(&live));
    assert!(offline.sums_close && !offline.ready, "{offline:#?}");
    assert!(
        offline.sinks["pinterest"].oldest_pending_age_seconds.is_some(),
        "{offline:#?}"
    );
    let told = rig.told(&["status"]).await;
    assert!(told.contains("The sums close."), "{told}");

    // And the next process goes on counting.
    rig.world.sandbox.set_faults(Faults::default());
    rig.again().await;
    let status = rig.settled().await;
    let pinterest = &status.sinks["pinterest"];
    assert_eq!(
        (pinterest.journalled, pinterest.delivered),
        (22, 17),
        "{pinterest:#?}"
    );
    assert_eq!(status.sources["shop"].received, 27);
}
