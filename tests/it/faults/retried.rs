//! What is tried again: every event arrives, once where the fault allows it.

use std::time::{Duration, Instant};

use signalbox_sandbox::{
    Faults, Garbage, GarbageBody, RateLimit, Redirect, Reset, ShortBody, Slow, Status, Unavailable,
};

use super::Day;

async fn once(faults: Faults, code: &str) {
    let day = Day::begin(faults, "").await;
    let pinterest = day.exactly_once().await;
    assert!(pinterest.records_retried[code] > 0, "{pinterest:?}");
    assert_eq!(pinterest.records_retried.len(), 1, "{pinterest:?}");
}

async fn twice(faults: Faults, code: &str) {
    let day = Day::begin(faults, "").await;
    let pinterest = day.with_duplicates().await;
    assert!(pinterest.records_retried[code] > 0, "{pinterest:?}");
}

#[tokio::test]
async fn rate_limited_without_a_word_on_when() {
    let rate_limit = Some(RateLimit::times(3));
    once(
        Faults {
            rate_limit,
            ..Faults::default()
        },
        "rate_limited",
    )
    .await;
}

#[tokio::test]
async fn rate_limited_for_a_second() {
    let rate_limit = Some(RateLimit {
        retry_after_s: Some(1),
        ..RateLimit::times(1)
    });
    let began = Instant::now();
    once(
        Faults {
            rate_limit,
            ..Faults::default()
        },
        "rate_limited",
    )
    .await;
    assert!(began.elapsed() >= Duration::from_secs(1), "came back too early");
}

#[tokio::test]
async fn unavailable() {
    let unavailable = Some(Unavailable::times(3));
    once(
        Faults {
            unavailable,
            ..Faults::default()
        },
        "server_error",
    )
    .await;
}

#[tokio::test]
async fn other_statuses() {
    for (code, reason) in [
        (500, "server_error"),
        (408, "request_timed_out"),
        (425, "too_early"),
    ] {
        let status = Some(Status {
            code,
            ..Status::times(2)
        });
        once(
            Faults {
                status,
                ..Faults::default()
            },
            reason,
        )
        .await;
    }
}

#[tokio::test]
async fn statuses_that_promise_without_saying_so() {
    for code in [201, 202, 204] {
        let status = Some(Status {
            code,
            ..Status::times(2)
        });
        let day = Day::begin(
            Faults {
                status,
                ..Faults::default()
            },
            "",
        )
        .await;
        let pinterest = day.exactly_once().await;
        assert!(
            pinterest.records_retried.values().sum::<u64>() > 0,
            "{pinterest:?}"
        );
    }
}

#[tokio::test]
async fn moved_elsewhere() {
    let redirect = Some(Redirect::times(2));
    once(
        Faults {
            redirect,
            ..Faults::default()
        },
        "redirected",
    )
    .await;
}

#[tokio::test]
async fn reset_before_the_events_are_taken() {
    let reset = Some(Reset::times(2));
    once(
        Faults {
            reset,
            ..Faults::default()
        },
        "connection_lost",
    )
    .await;
}

#[tokio::test]
async fn reset_after_the_events_are_taken() {
    let reset = Some(Reset {
        after_accept: true,
        ..Reset::times(2)
    });
    twice(
        Faults {
            reset,
            ..Faults::default()
        },
        "connection_lost",
    )
    .await;
}

#[tokio::test]
async fn too_slow() {
    let slow = Some(Slow {
        delay_ms: 60_000,
        ..Slow::times(1)
    });
    let day = Day::begin(
        Faults {
            slow,
            ..Faults::default()
        },
        "timeout = \"300ms\"",
    )
    .await;
    let pinterest = day.exactly_once().await;
    assert!(pinterest.records_retried["timed_out"] > 0, "{pinterest:?}");
}

#[tokio::test]
async fn too_slow_after_the_events_are_taken() {
    let slow = Some(Slow {
        delay_ms: 60_000,
        after_accept: true,
        ..Slow::times(1)
    });
    let day = Day::begin(
        Faults {
            slow,
            ..Faults::default()
        },
        "timeout = \"300ms\"",
    )
    .await;
    let pinterest = day.with_duplicates().await;
    assert!(pinterest.records_retried["timed_out"] > 0, "{pinterest:?}");
}

#[tokio::test]
async fn an_answer_that_lacks_an_event() {
    let short_body = Some(ShortBody::times(1));
    let day = Day::begin(
        Faults {
            short_body,
            ..Faults::default()
        },
        "",
    )
    .await;
    let pinterest = day.with_duplicates().await;
    assert!(
        pinterest.records_retried.values().sum::<u64>() > 0,
        "{pinterest:?}"
    );
}

#[tokio::test]
async fn answers_that_cannot_be_read() {
    for form in [Garbage::Html, Garbage::Truncated, Garbage::Empty] {
        let garbage_body = Some(GarbageBody {
            form,
            ..GarbageBody::times(1)
        });
        let day = Day::begin(
            Faults {
                garbage_body,
                ..Faults::default()
            },
            "",
        )
        .await;
        let pinterest = day.with_duplicates().await;
        assert!(
            pinterest.records_retried.values().sum::<u64>() > 0,
            "{form:?} {pinterest:?}"
        );
    }
}

#[tokio::test]
async fn what_is_retried_too_long_expires() {
    let unavailable = Some(Unavailable::always());
    let faults = Faults {
        unavailable,
        ..Faults::default()
    };
    let day = Day::begin(faults, "retry.for = \"200ms\"").await;
    let status = day.end().await;
    let pinterest = &status.sinks["pinterest"];
    assert_eq!(pinterest.expired["server_error"], super::SENT as u64);
    assert_eq!((pinterest.delivered, day.world.sandbox.counts().accepted), (0, 0));
    let dead = day.pipe.dead("pinterest").await;
    assert_eq!(dead.len(), super::SENT);
    assert!(
        dead.iter()
            .all(|letter| letter.reason == "expired" && letter.attempts > 1),
        "{dead:?}"
    );
}
