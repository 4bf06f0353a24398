//! Faults that are retried: every event arrives, once where the fault allows it.

use std::time::{Duration, Instant};

use signalbox_sandbox::{
    Garbage, GarbageBody, RateLimit, Redirect, Reset, ShortBody, Slow, Status, Unavailable,
};

use super::{Day, faults};

/// The number of times that Pinterest gets an event.
#[derive(Debug, Clone, Copy)]
enum Arrives {
    Once,
    Again,
}

/// A test for each row: the fault, settings of the sink, the number of arrivals, and the code of the retries (any code if
/// empty).
macro_rules! retried {
    ($($name:ident: $fault:ident = $value:expr, $settings:literal, $arrives:ident, $code:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let day = Day::begin(faults(|faults| faults.$fault = Some($value)), $settings).await;
            let pinterest = match Arrives::$arrives {
                Arrives::Once => day.exactly_once().await,
                Arrives::Again => day.with_duplicates().await,
            };
            let retried = &pinterest.records.retried;
            assert!(retried.values().sum::<u64>() > 0, "{pinterest:?}");
            assert!($code.is_empty() || retried.keys().eq([$code]), "{pinterest:?}");
        }
    )*};
}

retried! {
    rate_limited_without_a_word_on_when: rate_limit = RateLimit::times(3), "", Once, "rate_limited";
    unavailable: unavailable = Unavailable::times(3), "", Once, "server_error";
    an_internal_error: status = status(500), "", Once, "server_error";
    a_request_that_timed_out_there: status = status(408), "", Once, "request_timed_out";
    a_request_that_came_too_early: status = status(425), "", Once, "too_early";
    a_201_that_promises_without_saying_so: status = status(201), "", Once, "";
    a_202_that_promises_without_saying_so: status = status(202), "", Once, "";
    a_204_that_promises_without_saying_so: status = status(204), "", Once, "";
    moved_elsewhere: redirect = Redirect::times(2), "", Once, "redirected";
    reset_before_the_events_are_taken: reset = reset(false), "", Once, "connection_lost";
    reset_after_the_events_are_taken: reset = reset(true), "", Again, "connection_lost";
    too_slow: slow = slow(false), "timeout = \"300ms\"", Once, "timed_out";
    too_slow_after_the_events_are_taken: slow = slow(true), "timeout = \"300ms\"", Again, "timed_out";
    an_answer_that_lacks_an_event: short_body = ShortBody::times(1), "", Again, "";
    an_answer_in_html: garbage_body = garbage(Garbage::Html), "", Again, "";
    an_answer_that_is_cut_off: garbage_body = garbage(Garbage::Truncated), "", Again, "";
    an_empty_answer: garbage_body = garbage(Garbage::Empty), "", Again, "";
}

fn status(code: u16) -> Status {
    Status {
        code,
        ..Status::times(2)
    }
}

fn reset(after_accept: bool) -> Reset {
    Reset {
        after_accept,
        ..Reset::times(2)
    }
}

fn slow(after_accept: bool) -> Slow {
    Slow {
        delay_ms: 60_000,
        after_accept,
        ..Slow::times(1)
    }
}

fn garbage(form: Garbage) -> GarbageBody {
    GarbageBody {
        form,
        ..GarbageBody::times(1)
    }
}

#[tokio::test]
async fn rate_limited_for_a_second() {
    let rate_limit = RateLimit {
        retry_after_s: Some(1),
        ..RateLimit::times(1)
    };
    let began = Instant::now();
    let day = Day::begin(faults(|faults| faults.rate_limit = Some(rate_limit)), "").await;
    let pinterest = day.exactly_once().await;
    assert!(
        pinterest.records.retried.keys().eq(["rate_limited"]),
        "{pinterest:?}"
    );
    assert!(began.elapsed() >= Duration::from_secs(1), "came back too early");
}

#[tokio::test]
async fn what_is_retried_too_long_expires() {
    let faults = faults(|faults| faults.unavailable = Some(Unavailable::always()));
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
