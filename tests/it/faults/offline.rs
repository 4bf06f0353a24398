//! Offline events: Pinterest recognises no second copy of them, so the operator chooses between a copy too many and none.

use signalbox_sandbox::{Faults, Reset};

use super::{Day, SENT};
use crate::support::events::ids;

const OFFLINE: &str = "batch.max_events = 8\nconcurrency = 1\nmappings = [{ preset = \"Checkout\", fields = { action_source = \"offline\" } }]";

/// The first answer breaks off after its events were taken.
fn broken() -> Faults {
    Faults {
        reset: Some(Reset {
            after_accept: true,
            ..Reset::times(1)
        }),
        ..Faults::default()
    }
}

#[tokio::test]
async fn they_are_sent_again_unless_told_otherwise() {
    let day = Day::begin_with(broken(), OFFLINE).await;
    let status = day.end().await;
    assert_eq!(status.sinks["pinterest"].delivered, SENT as u64);
    let accepted = day.world.accepted();
    assert!(
        accepted.iter().all(|event| event["action_source"] == "offline"),
        "{accepted:?}"
    );
    assert!(accepted.len() > SENT, "the fault took some twice");
}

#[tokio::test]
async fn or_what_may_have_arrived_becomes_a_dead_letter() {
    let day = Day::begin_with(broken(), &format!("{OFFLINE}\nretry_timeouts_of_offline = false")).await;
    let status = day.end().await;
    // Nothing twice, nothing missing; the status names the records in doubt.
    assert_eq!(ids(&day.world.accepted(), "event_id"), day.wanted());
    let dead = day.pipe.dead("pinterest").await;
    assert!(!dead.is_empty() && dead.len() <= 8, "{dead:?}");
    assert!(
        dead.iter().all(|letter| letter.reason == "maybe_written"),
        "{dead:?}"
    );
    let pinterest = &status.sinks["pinterest"];
    assert_eq!(pinterest.rejected["maybe_written"], dead.len() as u64);
    assert_eq!(pinterest.delivered, (SENT - dead.len()) as u64);
}

#[tokio::test]
async fn what_cannot_have_arrived_is_sent_again_all_the_same() {
    let faults = Faults {
        rate_limit: Some(signalbox_sandbox::RateLimit::times(2)),
        ..Faults::default()
    };
    let day = Day::begin_with(faults, &format!("{OFFLINE}\nretry_timeouts_of_offline = false")).await;
    day.exactly_once().await;
}
