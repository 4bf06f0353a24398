//! Events posted over HTTP reach every sink exactly once, with the right fields.

use serde_json::json;
use signalbox_core::Sha256Hex;

use crate::support::client::{post, post_all};
use crate::support::events::{ids, order, orders, unmatched};
use crate::support::pipe::Pipe;
use crate::support::world::{World, shop};

#[tokio::test]
async fn every_sink_gets_each_event_once() {
    let world = World::new().await;
    let pipe = Pipe::start(&world, &shop("", "", "")).await;
    let mut events = orders("a", 40);
    events.push(unmatched("help"));
    post_all(&world.listen, &events[..20]).await;
    post_all(&world.listen, &events[20..]).await;
    let status = pipe.settled(41).await;

    let wanted = ids(&events, "messageId");
    assert_eq!(ids(&world.archived(), "messageId"), wanted);
    assert_eq!(ids(&world.hooked(), "messageId"), wanted);
    assert_eq!(
        ids(&world.accepted(), "event_id"),
        ids(&events[..40], "messageId")
    );
    let pinterest = &status.sinks["pinterest"];
    assert_eq!((pinterest.delivered, pinterest.records.delivered), (40, 40));
    assert_eq!(pinterest.filtered.values().sum::<u64>(), 1, "{pinterest:?}");
    assert_eq!(status.sources["shop"].journalled, 41);
    assert_eq!(pinterest.requests.attempts, world.sandbox.counts().requests);
    assert_eq!(pipe.stop(std::time::Duration::from_secs(5)).await, 0);
}

#[tokio::test]
async fn the_fields_are_right() {
    let world = World::new().await;
    let pipe = Pipe::start(&world, &shop("", "", "")).await;
    let answer = post(&world.listen, "/v1/track", &order("one").to_string()).await;
    assert_eq!((answer.status, answer.json()), (200, json!({ "success": true })));
    pipe.settled(1).await;

    let accepted = world.accepted();
    let [event] = &accepted[..] else {
        panic!("{accepted:?}")
    };
    let hash = |text: &str| json!([Sha256Hex::of(text).as_str()]);
    assert_eq!(event["event_name"], "checkout");
    assert_eq!(event["action_source"], "web");
    assert_eq!(event["event_id"], "one");
    assert!(event["event_time"].is_u64(), "{event}");
    let user = &event["user_data"];
    assert_eq!(user["em"], hash("ada.okafor@example.com"));
    assert_eq!(user["fn"], hash("ada"));
    assert_eq!(user["ct"], hash("samplecity"));
    assert_eq!(user["st"], hash("ca"));
    assert_eq!(user["country"], hash("us"));
    assert_eq!(user["external_id"], hash("user-of-one"));
    assert_eq!(user["client_ip_address"], "198.51.100.7");
    let custom = &event["custom_data"];
    assert_eq!(
        (&custom["value"], &custom["currency"]),
        (&json!("73.5"), &json!("USD"))
    );
    assert_eq!(custom["order_id"], "order-one");
    assert_eq!(custom["num_items"], 3);
    assert_eq!(custom["contents"][0]["item_price"], "24.5");
    assert!(custom.get("opt_out_type").is_none());

    // The file and the webhook get the event as the source completed it, and no byte more.
    let (archived, hooked) = (world.archived(), world.hooked());
    assert_eq!(archived, hooked);
    let [event] = &archived[..] else {
        panic!("{archived:?}")
    };
    assert_eq!(event["context"]["traits"]["email"], "ada.okafor@example.com");
    for added in ["receivedAt", "originalTimestamp"] {
        assert!(event[added].is_string(), "{added}: {event}");
    }
    assert!(event.get("writeKey").is_none());
}

#[tokio::test]
async fn the_binary_does_the_same() {
    let world = World::new().await;
    let text = shop("[admin]\nlisten = \"${ADMIN}\"", "", "");
    let config = world.write("pipeline.toml", &text);
    let process = world.router(&config).await;
    process.status(&world.admin, |status| status.ready).await;
    let events = orders("b", 25);
    post_all(&world.listen, &events).await;
    let status = process
        .status(&world.admin, |status| {
            status.sinks.values().all(|sink| sink.delivered == 25)
        })
        .await;
    assert!(status.sums_close, "{status:?}");
    process.signal("TERM");
    let exit = process.exit().await;
    assert_eq!(exit.code, Some(0), "{exit:?}");
    let wanted = ids(&events, "messageId");
    assert_eq!(ids(&world.archived(), "messageId"), wanted);
    assert_eq!(ids(&world.hooked(), "messageId"), wanted);
    assert_eq!(ids(&world.accepted(), "event_id"), wanted);
}

#[tokio::test]
async fn an_event_sent_twice_is_taken_once() {
    let world = World::new().await;
    let pipe = Pipe::start(&world, &shop("", "", "")).await;
    let events = orders("twice", 10);
    post_all(&world.listen, &events).await;
    post_all(&world.listen, &events).await;
    let status = pipe.settled(20).await;
    let shop = &status.sources["shop"];
    assert_eq!((shop.journalled, shop.duplicate), (10, 10));
    let wanted = ids(&events, "messageId");
    assert_eq!(ids(&world.accepted(), "event_id"), wanted);
    assert_eq!(ids(&world.hooked(), "messageId"), wanted);
    assert_eq!(ids(&world.archived(), "messageId"), wanted);
}
