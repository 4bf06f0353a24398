//! Which sink an event is meant for.

use serde_json::{Value, json};

use crate::support::client::{WRITE_KEY, basic, post, post_all, try_send};
use crate::support::events::{ids, order};
use crate::support::pipe::Pipe;
use crate::support::world::{World, shop};

fn meant(id: &str, integrations: Value) -> Value {
    let mut event = order(id);
    event["integrations"] = integrations;
    event
}

#[tokio::test]
async fn integrations_choose_sinks() {
    let world = World::new().await;
    let pipe = Pipe::start(&world, &shop("", "", "")).await;
    let pinterest = "Pinterest Conversions API";
    let events = [
        meant("all", json!({ "All": true })),
        meant("none", json!({ "All": false })),
        meant("only-pinterest", json!({ "All": false, pinterest: true })),
        meant(
            "only-pinterest-with-options",
            json!({ "All": false, pinterest: { "x": 1 } }),
        ),
        meant("not-pinterest", json!({ pinterest: false })),
        meant("not-the-hook", json!({ "hook": false })),
    ];
    post_all(&world.listen, &events).await;
    let status = pipe.settled(6).await;
    assert_eq!(
        ids(&world.accepted(), "event_id"),
        [
            "all",
            "not-the-hook",
            "only-pinterest",
            "only-pinterest-with-options"
        ]
    );
    assert_eq!(ids(&world.hooked(), "messageId"), ["all", "not-pinterest"]);
    assert_eq!(
        ids(&world.archived(), "messageId"),
        ["all", "not-pinterest", "not-the-hook"]
    );
    assert_eq!(status.sinks["pinterest"].filtered["integrations_excluded"], 2);
    assert!(
        pipe.dead("pinterest").await.is_empty(),
        "what is not meant for it is no dead letter"
    );
}

#[tokio::test]
async fn a_batch_speaks_for_its_events_and_a_sink_may_have_another_name() {
    let world = World::new().await;
    let pipe = Pipe::start(&world, &shop("", "", "integration = \"Pins\"")).await;
    let body = json!({ "batch": [order("one"), meant("two", json!({ "Pins": true }))], "integrations": { "Pins": false } });
    assert_eq!(
        post(&world.listen, "/v1/batch", &body.to_string()).await.status,
        200
    );
    pipe.settled(2).await;
    assert_eq!(ids(&world.accepted(), "event_id"), ["two"]);
    assert_eq!(world.hooked().len(), 2);
}

#[tokio::test]
async fn consent_is_asked_where_the_sink_says_so() {
    let world = World::new().await;
    let pipe = Pipe::start(&world, &shop("", "", "consent_categories = [\"ads\"]")).await;
    let with = |id: &str, preferences: Value| {
        let mut event = order(id);
        event["context"]["consent"] = json!({ "categoryPreferences": preferences });
        event
    };
    let events = [
        with("granted", json!({ "ads": true })),
        with("denied", json!({ "ads": false })),
        with("unsaid", json!({ "x": true })),
        order("unasked"),
    ];
    post_all(&world.listen, &events).await;
    let status = pipe.settled(4).await;
    assert_eq!(ids(&world.accepted(), "event_id"), ["granted", "unasked"]);
    assert_eq!(status.sinks["pinterest"].filtered["no_consent"], 2);
    assert_eq!(status.sinks["hook"].delivered, 4);
}

#[tokio::test]
async fn a_sink_hears_its_inputs_only() {
    let world = World::new().await;
    let file = world.write("in.jsonl", &format!("{}\n{}\n", order("f-0"), order("f-1")));
    let text = shop(
        &format!(
            "[sources.backfill]\ntype = \"file\"\npath = \"{}\"\n",
            file.display()
        ),
        "",
        "",
    )
    .replace(
        "[sinks.hook]\ntype = \"webhook\"\ninputs = [\"shop\"]",
        "[sinks.hook]\ntype = \"webhook\"\ninputs = [\"shop\", \"backfill\"]",
    );
    let pipe = Pipe::start(&world, &text).await;
    post_all(&world.listen, &[order("s-0")]).await;
    let status = pipe.settled(3).await;
    assert_eq!(ids(&world.hooked(), "messageId"), ["f-0", "f-1", "s-0"]);
    assert_eq!(ids(&world.accepted(), "event_id"), ["s-0"]);
    assert_eq!(
        (
            status.sinks["hook"].journalled,
            status.sinks["archive"].journalled
        ),
        (3, 1)
    );
}

#[tokio::test]
async fn what_never_becomes_an_event_is_accounted_for() {
    let world = World::new().await;
    let pipe = Pipe::start(&world, &shop("", "", "")).await;
    // One good event of four; the rest are dead letters, and the request is taken.
    let batch = json!({ "batch": [order("good"), { "type": "track", "messageId": "nameless", "userId": "u" }, 5, { "type": "track", "event": "E" }] });
    assert_eq!(
        post(&world.listen, "/v1/batch", &batch.to_string()).await.status,
        200
    );
    // A request that is none, a wrong key.
    assert_eq!(post(&world.listen, "/v1/batch", "{\"batch\":").await.status, 400);
    let wrong = basic("zq-no-such-key");
    let body = json!({ "batch": [order("stranger"), order("stranger-2")] }).to_string();
    let answer = try_send(
        &world.listen,
        "POST",
        "/v1/batch",
        &[("authorization", &wrong)],
        body.as_bytes(),
    )
    .await
    .unwrap();
    assert_eq!(answer.status, 401);
    assert!(
        !answer.body.contains("zq-no-such-key") && !answer.body.contains(WRITE_KEY),
        "{answer:?}"
    );

    let status = pipe
        .wait(|status| status.sums_close && status.sinks.values().all(|sink| sink.delivered == 1))
        .await;
    let shop = &status.sources["shop"];
    let refused: u64 = shop.refused.values().sum();
    assert_eq!(
        (shop.journalled, shop.rejected.values().sum::<u64>()),
        (1, 3),
        "{shop:?}"
    );
    assert_eq!(shop.received, 4 + refused, "{shop:?}");
    assert!(refused >= 2, "{shop:?}");
    let dead = pipe.dead("source:shop").await;
    assert_eq!(dead.len(), 3);
    assert!(
        dead.iter()
            .any(|letter| letter.message_id == "nameless" && letter.reason == "event_name_missing"),
        "{dead:?}"
    );
}

#[tokio::test]
async fn a_write_key_chooses_sinks() {
    let world = World::new().await;
    let keys = "write_keys = [\"${WRITE_KEY}\", { key = \"zq-narrow\", sinks = [\"archive\", \"hook\"] }]";
    let text = shop("", "", "").replace("write_keys = [\"${WRITE_KEY}\"]", keys);
    let pipe = Pipe::start(&world, &text).await;
    post_all(&world.listen, &[order("wide")]).await;
    // The event may narrow it further, not widen it.
    let batch = json!({ "batch": [
        order("narrow"),
        meant("narrower", json!({ "hook": false, "Pinterest Conversions API": true })),
    ] });
    let headers = [("authorization", &*basic("zq-narrow"))];
    let answer = try_send(
        &world.listen,
        "POST",
        "/v1/batch",
        &headers,
        batch.to_string().as_bytes(),
    )
    .await;
    assert_eq!(answer.unwrap().status, 200);
    let status = pipe.settled(3).await;
    assert_eq!(ids(&world.accepted(), "event_id"), ["wide"]);
    assert_eq!(ids(&world.hooked(), "messageId"), ["narrow", "wide"]);
    assert_eq!(
        ids(&world.archived(), "messageId"),
        ["narrow", "narrower", "wide"]
    );
    assert_eq!(status.sinks["pinterest"].filtered["not_for_this_sink"], 2);
}
