//! Kinds of faults that people reported in public about other routers, as far as they need a running one: answers to
//! requests, events that are taken or refused, and records at a sink. The events are our own.

use serde_json::{Value, json};
use signalbox_sandbox::{Faults, SandboxConfig};

use crate::support::client::{Answer, WRITE_KEY, post, try_send};
use crate::support::events::ids;
use crate::support::pipe::Pipe;
use crate::support::world::{World, shop};

const AGENT: (&str, &str) = (
    "user-agent",
    "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
);

/// A router and the sandbox that it delivers to.
struct Shop {
    world: World,
    pipe: Pipe,
}

impl Shop {
    async fn open(top: &str, source: &str) -> Shop {
        Shop::with(SandboxConfig::default(), Value::Null, top, source).await
    }

    async fn with(config: SandboxConfig, faults: Value, top: &str, source: &str) -> Shop {
        let world = World::with(config).await;
        if !faults.is_null() {
            let faults: Faults = serde_json::from_value(faults).unwrap();
            world.sandbox.set_faults(faults);
        }
        let pipe = Pipe::start(&world, &shop(top, source, "")).await;
        Shop { world, pipe }
    }

    async fn post(&self, path: &str, body: &str) -> Answer {
        post(&self.world.listen, path, body).await
    }

    /// Sends a browser's request, whose write key is in the body.
    async fn browse(&self, path: &str, headers: &[(&str, &str)], body: &Value) {
        let headers = [&[AGENT], headers].concat();
        let body = body.to_string();
        let answer = try_send(&self.world.listen, "POST", path, &headers, body.as_bytes()).await;
        assert_eq!(answer.unwrap().status, 200);
    }
}

fn track(id: &str, user: &str, properties: Value) -> Value {
    json!({ "type": "track", "event": "Order Completed", "userId": user, "messageId": id, "properties": properties })
}

#[tokio::test]
async fn two_orders_with_a_placeholder_for_an_id_are_two() {
    let shop = Shop::open("", "").await;
    let mut sent = 0;
    for placeholder in ["undefined", "null", "00000000-0000-0000-0000-000000000000"] {
        let order = |n: &str| {
            let properties =
                json!({ "order_id": format!("{placeholder}-{n}"), "email": format!("{n}@example.com") });
            track(placeholder, n, properties)
        };
        for n in ["one", "two"] {
            assert_eq!(shop.post("/v1/track", &order(n).to_string()).await.status, 200);
        }
        let batch = json!({ "batch": [order("three"), order("four")] });
        assert_eq!(shop.post("/v1/batch", &batch.to_string()).await.status, 200);
        sent += 4;
    }
    shop.pipe.settled(sent).await;
    for mut found in [
        ids(&shop.world.accepted(), "event_id"),
        ids(&shop.world.archived(), "messageId"),
    ] {
        assert!(
            found
                .iter()
                .all(|id| id.len() == 36 && !id.starts_with("00000000")),
            "{found:?}"
        );
        found.dedup();
        assert_eq!(found.len() as u64, sent);
    }
}

#[tokio::test]
async fn one_id_in_a_cached_page_is_one_event() {
    let shop = Shop::open("", "").await;
    let body = json!({ "batch": [
        { "type": "page", "anonymousId": "visitor-1", "messageId": "cached-id", "properties": { "email": "one@example.com" } },
        { "type": "page", "anonymousId": "visitor-2", "messageId": "cached-id", "properties": { "email": "two@example.com" } },
        { "type": "track", "event": "Order Completed", "anonymousId": "visitor-3", "messageId": "cached-id",
          "properties": { "email": "three@example.com" } },
    ] });
    assert_eq!(shop.post("/v1/batch", &body.to_string()).await.status, 200);
    let status = shop.pipe.settled(3).await;
    let source = &status.sources["shop"];
    assert_eq!((source.journalled, source.duplicate), (1, 2));
}

#[tokio::test]
async fn bodies_that_mobile_sdks_broke_are_refused_as_a_whole() {
    let shop = Shop::open("", "").await;
    let event = |id: &str| format!(r#"{{"type":"track","event":"A","userId":"u","messageId":"{id}"}}"#);
    let (a, b) = (event("m1"), event("m2"));
    for (case, body) in [
        (
            "leading comma",
            format!("{{\"batch\":[\n,{a}\n,{b}],\"writeKey\":\"field\"}}"),
        ),
        ("two commas", format!("{{\"batch\":[{a},,{b}]}}")),
        ("no comma", format!("{{\"batch\":[{a}{b}]}}")),
        (
            "a NUL byte",
            format!("{{\"batch\":[{}]}}", a.replace("\"A\"", "\"A\0\"")),
        ),
        ("two envelopes", format!("{{\"batch\":[{a}]}}{{\"batch\":[{b}]}}")),
        ("a comma at the end", format!("{{\"batch\":[{a},]}}")),
        ("cut off", format!("{{\"batch\":[{a}")),
    ] {
        let answer = shop.post("/v1/batch", &body).await;
        assert_eq!(answer.status, 400, "{case}: {answer:?}");
        let json = answer.json();
        assert_eq!(json["code"], "invalid_json", "{case}");
        let message = json["message"].as_str().unwrap();
        assert!(
            message.contains("line ") && message.contains("column "),
            "{case}: {message}"
        );
    }
    assert_eq!(shop.post("/v1/track", &event("whole")).await.status, 200);
    shop.pipe.wait(|status| status.sinks["hook"].delivered == 1).await;
    assert_eq!(ids(&shop.world.hooked(), "messageId"), ["whole"]);
}

#[tokio::test]
async fn not_a_number_costs_its_value_and_not_its_neighbours() {
    let shop = Shop::open("", "").await;
    let body = r#"{"batch":[
        {"type":"track","event":"Order Completed","userId":"u","messageId":"n1","properties":{"email":"ada@example.com","currency":"USD","revenue":5}},
        {"type":"track","event":"Order Completed","userId":"u","messageId":"n2","properties":{"email":"ada@example.com","currency":"USD","revenue":NaN,"x":[-Infinity]}}]}"#;
    assert_eq!(shop.post("/v1/batch", body).await.status, 200);
    shop.pipe.settled(2).await;
    let mut archived = shop.world.archived();
    archived.sort_by_key(|event| event["messageId"].as_str().map(str::to_owned));
    assert_eq!(archived[0]["properties"]["revenue"], 5);
    assert_eq!(archived[1]["properties"]["revenue"], Value::Null);
    assert_eq!(archived[1]["properties"]["x"], json!([null]));
    let accepted = shop.world.accepted();
    let value = |id: &str| {
        let event = accepted.iter().find(|event| event["event_id"] == id).unwrap();
        event["custom_data"].get("value").cloned()
    };
    assert_eq!((value("n1"), value("n2")), (Some(json!("5")), None));
}

/// The thirty orders of one request.
fn thirty(context: &Value) -> String {
    let orders: Vec<Value> = (1..=30)
        .map(|i| {
            let properties = json!({
                "order_id": i.to_string(), "revenue": 5, "currency": "USD", "email": format!("p{i}@example.com")
            });
            let mut order = track(&format!("x{i}"), &format!("u-{i}"), properties);
            order["context"] = context.clone();
            order
        })
        .collect();
    json!({ "batch": orders }).to_string()
}

#[tokio::test]
async fn a_refusal_for_the_rate_is_no_verdict_on_events() {
    let faults = json!({ "rate_limit": { "times": 3 } });
    let shop = Shop::with(SandboxConfig::default(), faults, "", "").await;
    assert_eq!(shop.post("/v1/batch", &thirty(&json!({}))).await.status, 200);
    let status = shop.pipe.settled(30).await;
    let counts = shop.world.sandbox.counts();
    assert_eq!((shop.world.accepted().len(), counts.duplicates), (30, 0));
    assert_eq!(status.sinks["pinterest"].delivered, 30);
    assert!(shop.pipe.dead("pinterest").await.is_empty());
}

#[tokio::test]
async fn one_bad_event_or_property_costs_no_other() {
    for (faults, delivered, code) in [
        (
            json!({ "fail_events": { "every_nth": 10 } }),
            27,
            Some("pinterest_rejected"),
        ),
        (json!({ "poison_event_ids": ["x7"] }), 29, Some("request_refused")),
        (json!({ "unexpected_property": "order_id" }), 30, None),
    ] {
        let shop = Shop::with(SandboxConfig::default(), faults.clone(), "", "").await;
        assert_eq!(shop.post("/v1/batch", &thirty(&json!({}))).await.status, 200);
        let status = shop.pipe.settled(30).await;
        let pinterest = &status.sinks["pinterest"];
        assert_eq!(pinterest.delivered, delivered, "{faults}");
        let accepted = shop.world.accepted();
        assert_eq!(accepted.len() as u64, delivered, "{faults}");
        let dead = shop.pipe.dead("pinterest").await;
        assert_eq!(dead.len() as u64, 30 - delivered, "{faults}");
        assert!(
            dead.iter().all(|letter| Some(letter.reason.as_str()) == code),
            "{faults}: {dead:?}"
        );
        if code == Some("request_refused") {
            assert_eq!(dead[0].message_id, "x7");
        }
        if code.is_none() {
            assert!(
                accepted
                    .iter()
                    .all(|event| event["custom_data"].get("order_id").is_none())
            );
            assert!(
                pinterest.notes.iter().any(|note| note.contains("order_id")),
                "{pinterest:?}"
            );
        }
    }
    let strict = SandboxConfig {
        strict_openapi: true,
        ..SandboxConfig::default()
    };
    let shop = Shop::with(strict, Value::Null, "", "").await;
    let body = thirty(&json!({ "device": { "adTrackingEnabled": true } }));
    assert_eq!(shop.post("/v1/batch", &body).await.status, 200);
    assert_eq!(shop.pipe.settled(30).await.sinks["pinterest"].delivered, 30);
    let accepted = shop.world.accepted();
    assert!(
        accepted
            .iter()
            .all(|event| event["app_info"].get("advertiser_tracking_enabled").is_none())
    );
    assert!(!format!("{accepted:?}").contains("advertiser_tracking_enabled"));
}

#[tokio::test]
async fn orders_as_shops_send_them_hold_no_plain_address_behind_hash_pii() {
    let shop = Shop::open("[transforms.h]\ntype = \"hash_pii\"\n", "through = [\"h\"]").await;
    let order = track(
        "orders-as-shops-send-them",
        "u-7",
        json!({
            "order_id": "1", "contact_email": "ada@example.com", "phone_number": "+33612345678",
            "billing_address": { "first_name": "Ada", "last_name": "Byron", "address1": "1 Main St", "zip": "75001",
                "phone": "+33612345678" },
            "customer": { "email": "ada@example.com" }, "Email": "ada@example.com", "email": "ada@example.com"
        }),
    );
    assert_eq!(shop.post("/v1/track", &order.to_string()).await.status, 200);
    shop.pipe.settled(1).await;
    let archived = format!("{:?}", shop.world.archived());
    for plain in ["ada@example.com", "33612345678", "Byron"] {
        assert!(!archived.contains(plain), "{plain}: {archived}");
    }
}

/// A loopback address is a proxy's, never a visitor's.
#[tokio::test]
async fn the_address_of_a_proxy_identifies_nobody() {
    let order = json!({
        "writeKey": WRITE_KEY, "event": "Order Completed", "anonymousId": "a-1", "messageId": "proxy-1",
        "properties": { "order_id": "1" }
    });
    let shop = Shop::open("", "").await;
    shop.browse("/v1/t", &[], &order).await;
    assert!(shop.pipe.settled(1).await.sources["shop"].notes.is_empty());
    assert!(shop.world.accepted().is_empty());
    let dead = shop.pipe.dead("pinterest").await;
    assert_eq!((dead.len(), dead[0].reason.as_str()), (1, "no_identifier"));
    let mut again = order.clone();
    again["messageId"] = "proxy-2".into();
    shop.browse("/v1/t", &[("x-forwarded-for", "203.0.113.7")], &again)
        .await;
    let notes = &shop.pipe.settled(2).await.sources["shop"].notes;
    assert!(
        notes[0].contains("trusted_proxies = [\"127.0.0.1\"]"),
        "{notes:?}"
    );

    let shop = Shop::open("", "trusted_proxies = [\"127.0.0.1\"]").await;
    shop.browse("/v1/t", &[("x-forwarded-for", "203.0.113.7")], &order)
        .await;
    shop.pipe.settled(1).await;
    assert_eq!(
        shop.world.accepted()[0]["user_data"]["client_ip_address"],
        "203.0.113.7"
    );
}

#[tokio::test]
async fn cookies_and_privacy_control_of_a_browser_reach_the_sink_as_the_settings_say() {
    let headers = [("cookie", "_epik=dj0yCookie; session=canary"), ("sec-gpc", "1")];
    let page = json!({
        "writeKey": WRITE_KEY, "anonymousId": "a-1", "messageId": "c1", "properties": { "email": "ada@example.com" }
    });
    let click_id = |shop: &Shop| shop.world.accepted()[0]["user_data"].get("click_id").cloned();

    let shop = Shop::open("", "").await;
    shop.browse("/v1/p", &headers, &page).await;
    shop.pipe.settled(1).await;
    assert_eq!(click_id(&shop), None);
    assert_eq!(
        shop.world.archived()[0]["context"]["privacy"],
        json!({ "gpc": true })
    );
    assert!(!format!("{:?}", shop.world.archived()).contains("dj0yCookie"));

    let shop = Shop::open("", "click_ids = true").await;
    shop.browse("/v1/p", &headers, &page).await;
    shop.pipe.settled(1).await;
    assert_eq!(click_id(&shop), Some(json!("dj0yCookie")));
    assert!(!format!("{:?}", shop.world.archived()).contains("canary"));

    // An opt-out by the browser, for a sink that asks for it.
    let world = World::new().await;
    let pipe = Pipe::start(
        &world,
        &crate::support::world::shop("", "", "opt_out_signals = [\"gpc\"]"),
    )
    .await;
    let shop = Shop { world, pipe };
    shop.browse("/v1/p", &headers, &page).await;
    let status = shop.pipe.settled(1).await;
    assert_eq!(status.sinks["pinterest"].filtered["opted_out"], 1);
    assert_eq!(status.sinks["hook"].delivered, 1);
}
