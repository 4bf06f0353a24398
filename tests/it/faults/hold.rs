//! Faults that need the operator: every event is kept, and delivery resumes by itself.

use std::time::Duration;

use signalbox_sandbox::{BadRequest, Faults, SandboxConfig};

use super::{Day, SENT};
use crate::support::client::post_all;
use crate::support::events::{ids, orders};
use crate::support::pipe::Pipe;
use crate::support::world::{World, shop};

/// Held with this code until the fault is gone, then delivered once.
async fn held(faults: Faults, code: &str) {
    // One request at a time: the first batch alone then decides whether everything is refused.
    let day = Day::begin(faults, "concurrency = 1").await;
    let status = day
        .pipe
        .wait(|status| {
            let others = ["archive", "hook"]
                .iter()
                .all(|name| status.sinks[*name].pending == 0);
            status.sources["shop"].journalled == SENT as u64
                && others
                && status.sinks["pinterest"].held.is_some()
        })
        .await;
    day.others_have_everything(&status);
    let pinterest = &status.sinks["pinterest"];
    assert_eq!(pinterest.held.as_ref().unwrap().code, code);
    assert_eq!((pinterest.pending, pinterest.delivered), (SENT as u64, 0));
    assert!(day.pipe.dead("pinterest").await.is_empty());

    day.world.sandbox.set_faults(Faults::default());
    let pinterest = day.exactly_once().await;
    assert_eq!((pinterest.held, pinterest.holds), (None, 1));
}

#[tokio::test]
async fn a_wrong_token() {
    held(
        Faults {
            unauthorized: true,
            ..Faults::default()
        },
        "unauthorized",
    )
    .await;
}

#[tokio::test]
async fn a_wrong_account() {
    held(
        Faults {
            forbidden: true,
            ..Faults::default()
        },
        "forbidden",
    )
    .await;
}

#[tokio::test]
async fn a_wrong_address() {
    held(
        Faults {
            not_found: true,
            ..Faults::default()
        },
        "not_found",
    )
    .await;
}

#[tokio::test]
async fn every_request_is_refused() {
    let bad_request = Some(BadRequest::always());
    held(
        Faults {
            bad_request,
            ..Faults::default()
        },
        "all_refused",
    )
    .await;
}

#[tokio::test]
async fn stopping_while_held_leaves_everything_counted() {
    let day = Day::begin(
        Faults {
            unauthorized: true,
            ..Faults::default()
        },
        "",
    )
    .await;
    day.pipe
        .wait(|status| {
            status.sources["shop"].journalled == SENT as u64 && status.sinks["pinterest"].held.is_some()
        })
        .await;
    day.pipe
        .wait(|status| status.sinks["hook"].pending == 0 && status.sinks["archive"].pending == 0)
        .await;
    assert_eq!(day.pipe.stop(Duration::from_secs(30)).await, SENT as u64);
}

#[tokio::test]
async fn a_dead_destination_delays_no_other() {
    let world = World::with(SandboxConfig::default()).await;
    let text = shop("", "", "").replace(
        "${PINTEREST}",
        &format!("{}/v5", signalbox_testkit::server::nobody()),
    );
    let pipe = Pipe::start(&world, &text).await;
    let events = orders("d", 200);
    for part in events.chunks(50) {
        post_all(&world.listen, part).await;
    }
    let status = pipe
        .wait(|status| {
            let done = |name: &str| status.sinks[name].delivered == 200;
            let pinterest = &status.sinks["pinterest"];
            done("archive") && done("hook") && pinterest.records.retried.contains_key("connect_failed")
        })
        .await;
    assert_eq!(status.sinks["pinterest"].pending, 200);
    assert!(status.sums_close);
    assert_eq!(ids(&world.archived(), "messageId"), ids(&events, "messageId"));
    assert_eq!(pipe.stop(Duration::from_millis(100)).await, 200);
}
