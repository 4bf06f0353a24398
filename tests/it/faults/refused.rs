//! Refusals by Pinterest: only the event at fault becomes a dead letter.

use signalbox_sandbox::{BadRequest, FailEvents, Faults, Status, WarnEvents};

use super::{Day, SENT, faults};
use crate::support::client::post_all;
use crate::support::events::{ids, order};

#[tokio::test]
async fn single_events_fail() {
    for partial_as_422 in [false, true] {
        let faults = Faults {
            fail_events: Some(FailEvents {
                times: Some(3),
                ..FailEvents::every_nth(5)
            }),
            partial_as_422,
            ..Faults::default()
        };
        let day = Day::begin(faults, "concurrency = 1").await;
        let pinterest = day.all_but(&["o-14", "o-4", "o-9"], "pinterest_rejected").await;
        assert_eq!(pinterest.records.retried.len(), 0, "{pinterest:?}");
        assert_eq!(pinterest.requests.attempts, 3);
    }
}

#[tokio::test]
async fn all_events_fail() {
    let day = Day::begin(
        faults(|faults| faults.fail_events = Some(FailEvents::always())),
        "",
    )
    .await;
    let status = day.end().await;
    let pinterest = &status.sinks["pinterest"];
    assert_eq!(pinterest.rejected.values().sum::<u64>(), SENT as u64);
    assert_eq!(
        (pinterest.delivered, day.pipe.dead("pinterest").await.len()),
        (0, SENT)
    );
}

#[tokio::test]
async fn warnings_are_kept() {
    let day = Day::begin(
        faults(|faults| faults.warn_events = Some(WarnEvents::every_nth(2))),
        "",
    )
    .await;
    let pinterest = day.exactly_once().await;
    let warned: u64 = pinterest.records.warnings.values().sum();
    assert_eq!(warned, SENT as u64 / 2, "{pinterest:?}");
}

#[tokio::test]
async fn one_poisons_its_request() {
    let day = Day::begin(
        faults(|faults| faults.poison_event_ids = vec!["o-3".to_owned(), "o-17".to_owned()]),
        "",
    )
    .await;
    day.all_but(&["o-17", "o-3"], "request_refused").await;
}

#[tokio::test]
async fn one_alone_is_poison() {
    let day = Day::begin(
        faults(|faults| faults.poison_event_ids = vec!["alone".to_owned()]),
        "",
    )
    .await;
    day.exactly_once().await;
    post_all(&day.world.listen, &[order("alone")]).await;
    let status = day.pipe.settled(SENT as u64 + 1).await;
    assert_eq!(status.sinks["pinterest"].rejected["request_refused"], 1);
    assert_eq!(day.pipe.dead("pinterest").await[0].message_id, "alone");
}

#[tokio::test]
async fn a_request_is_refused_once_without_a_reason() {
    let day = Day::begin(
        faults(|faults| faults.bad_request = Some(BadRequest::times(2))),
        "concurrency = 1",
    )
    .await;
    day.exactly_once().await;
}

#[tokio::test]
async fn a_422_that_does_not_say_which() {
    let day = Day::begin(
        faults(|faults| {
            faults.status = Some(Status {
                code: 422,
                ..Status::times(2)
            })
        }),
        "concurrency = 1",
    )
    .await;
    day.exactly_once().await;
}

#[tokio::test]
async fn too_large_a_request_is_halved() {
    let day = Day::begin(faults(|faults| faults.max_bytes = Some(3_000)), "").await;
    day.exactly_once().await;
    assert!(day.world.sandbox.counts().by_status[&413] > 0);
}

#[tokio::test]
async fn an_event_too_large_for_any_request() {
    let day = Day::begin(Faults::default(), "batch.max_bytes = \"4kB\"").await;
    let mut large = order("large");
    large["properties"]["products"] = (0..100)
        .map(|n| serde_json::json!({ "product_id": format!("product-{n}"), "price": 1.5, "quantity": 1 }))
        .collect();
    post_all(&day.world.listen, &[large]).await;
    let status = day.pipe.settled(SENT as u64 + 1).await;
    assert_eq!(status.sinks["pinterest"].rejected["record_too_large"], 1);
    assert_eq!(ids(&day.world.accepted(), "event_id"), day.wanted());
}

#[tokio::test]
async fn an_unexpected_property_is_left_out_from_then_on() {
    let day = Day::begin(
        faults(|faults| faults.unexpected_property = Some("order_id".to_owned())),
        "",
    )
    .await;
    let pinterest = day.exactly_once().await;
    for event in day.world.accepted() {
        assert!(event["custom_data"].get("order_id").is_none(), "{event}");
        assert_eq!(event["custom_data"]["value"], "73.5");
    }
    assert!(
        pinterest.notes.iter().any(|note| note.contains("order_id")),
        "{pinterest:?}"
    );
    assert!(pinterest.records.rejected.is_empty());
    // The lesson was learnt: the next ones go right through.
    let attempts = pinterest.requests.attempts;
    post_all(&day.world.listen, &[order("next")]).await;
    let status = day.pipe.settled(SENT as u64 + 1).await;
    assert_eq!(status.sinks["pinterest"].requests.attempts, attempts + 1);
}

#[tokio::test]
async fn or_it_is_looked_for() {
    let faults = faults(|faults| faults.unexpected_property = Some("search_string".to_owned()));
    let day = Day::begin(faults, "on_unknown_property = \"reject\"").await;
    let mut search = order("search");
    search["event"] = "Products Searched".into();
    search["properties"] = serde_json::json!({ "query": "pots" });
    let mut all = vec![search];
    all.extend(crate::support::events::orders("p", 3));
    post_all(&day.world.listen, &all).await;
    let status = day.pipe.settled(SENT as u64 + 4).await;
    assert_eq!(status.sinks["pinterest"].rejected.values().sum::<u64>(), 1);
    assert_eq!(day.pipe.dead("pinterest").await[0].message_id, "search");
}
