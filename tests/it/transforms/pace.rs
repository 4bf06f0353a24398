//! `rate_limit` on sources and on sinks.

use std::time::{Duration, Instant};

use crate::support::client::{post, post_all};
use crate::support::events::{ids, order, orders};
use crate::support::pipe::Pipe;
use crate::support::world::{World, shop};

fn limit(settings: &str) -> String {
    format!("[transforms.limit]\ntype = \"rate_limit\"\n{settings}\n")
}

#[tokio::test]
async fn a_source_refuses_whole_requests() {
    let world = World::new().await;
    let text = shop(
        &limit("limit = 3\nburst = 3\nper = \"hour\""),
        "through = [\"limit\"]",
        "",
    );
    let pipe = Pipe::start(&world, &text).await;
    for n in 0..3 {
        assert_eq!(
            post(&world.listen, "/v1/track", &order(&format!("r-{n}")).to_string())
                .await
                .status,
            200
        );
    }
    let body = serde_json::json!({ "batch": orders("refused", 5) }).to_string();
    let answer = post(&world.listen, "/v1/batch", &body).await;
    assert_eq!(
        (answer.status, &answer.json()["code"]),
        (429, &"rate_limited".into()),
        "{answer:?}"
    );
    let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=3600).contains(&wait), "{answer:?}");
    let status = pipe.settled(8).await;
    assert_eq!(status.sources["shop"].refused["rate_limited"], 5);
    assert_eq!(ids(&world.accepted(), "event_id"), ["r-0", "r-1", "r-2"]);
    assert_eq!(status.sinks["archive"].journalled, 3);
}

#[tokio::test]
async fn a_source_drops_and_counts() {
    let world = World::new().await;
    let settings = "limit = 3\nburst = 3\nper = \"hour\"\non_exceeded = \"drop\"";
    let pipe = Pipe::start(&world, &shop(&limit(settings), "through = [\"limit\"]", "")).await;
    post_all(&world.listen, &orders("d", 8)).await;
    let status = pipe.settled(8).await;
    assert_eq!(status.sources["shop"].filtered["rate_limited"], 5);
    assert_eq!(ids(&world.accepted(), "event_id"), ["d-0", "d-1", "d-2"]);
    assert!(pipe.dead("source:shop").await.is_empty());
}

#[tokio::test]
async fn a_sink_waits_and_the_others_do_not() {
    let world = World::new().await;
    let settings = "limit = 5\nburst = 5\nper = \"second\"";
    let pipe = Pipe::start(&world, &shop(&limit(settings), "", "through = [\"limit\"]")).await;
    let began = Instant::now();
    // Five at once, then one a second.
    let events = orders("w", 7);
    post_all(&world.listen, &events).await;
    let status = pipe
        .wait(|status| status.sinks["hook"].delivered == 7 && status.sinks["archive"].delivered == 7)
        .await;
    assert!(status.sinks["pinterest"].pending >= 1, "{status:?}");
    let status = pipe.settled(7).await;
    assert!(
        began.elapsed() >= Duration::from_millis(1_900),
        "{:?}",
        began.elapsed()
    );
    assert_eq!(ids(&world.accepted(), "event_id"), ids(&events, "messageId"));
    // Waiting is no attempt and no retry.
    assert!(status.sinks["pinterest"].records.retried.is_empty());
    assert_eq!(
        status.sinks["pinterest"].requests.attempts,
        world.sandbox.counts().requests
    );
}

#[tokio::test]
async fn those_who_wait_at_the_end_are_counted() {
    let world = World::new().await;
    let settings = "limit = 2\nburst = 2\nper = \"hour\"";
    let pipe = Pipe::start(&world, &shop(&limit(settings), "", "through = [\"limit\"]")).await;
    post_all(&world.listen, &orders("s", 6)).await;
    pipe.wait(|status| {
        let done = |name: &str, count| status.sinks[name].delivered == count;
        done("hook", 6) && done("archive", 6) && done("pinterest", 2)
    })
    .await;
    assert_eq!(pipe.stop(Duration::from_millis(200)).await, 4);
}

#[tokio::test]
async fn a_key_has_a_quota_of_its_own() {
    let world = World::new().await;
    let settings = "limit = 2\nburst = 2\nper = \"hour\"\nkey = \"{{ userId }}\"\non_exceeded = \"drop\"";
    let pipe = Pipe::start(&world, &shop(&limit(settings), "", "through = [\"limit\"]")).await;
    let mut events = orders("k", 9);
    for (n, event) in events.iter_mut().enumerate() {
        event["userId"] = format!("zq-user-{}", n % 3).into();
    }
    post_all(&world.listen, &events).await;
    let status = pipe.settled(9).await;
    assert_eq!(status.sinks["pinterest"].filtered["rate_limited"], 3);
    assert_eq!(
        ids(&world.accepted(), "event_id"),
        ["k-0", "k-1", "k-2", "k-3", "k-4", "k-5"]
    );
    assert_eq!(status.sinks["hook"].delivered, 9);
}
