//! Events as a shop's and an app's SDKs send them. All people are invented.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

/// The write key of `examples/three-platforms.toml`.
const WRITE_KEY: &str = "demo-write-key";

/// Makes the client that stands for the SDKs.
pub(super) fn client() -> Result<reqwest::Client, String> {
    reqwest::Client::builder()
        .no_proxy()
        .timeout(std::time::Duration::from_secs(10))
        .build()
        .map_err(|error| error.to_string())
}

/// Sends everything; returns how many events there were.
pub(crate) async fn send(address: &str) -> Result<u64, String> {
    let client = client()?;
    let mut sent = 0;
    for (path, event) in browser() {
        post(&client, address, path, event.to_string().into_bytes(), false).await?;
        sent += 1;
    }
    let (shop, app) = (orders(), app());
    for (events, gzip) in [(shop, false), (app, true)] {
        sent += events.len() as u64;
        let body = json!({ "batch": events, "sentAt": now(0) })
            .to_string()
            .into_bytes();
        post(&client, address, "/v1/batch", body, gzip).await?;
    }
    Ok(sent)
}

pub(super) async fn post(
    client: &reqwest::Client,
    address: &str,
    path: &str,
    body: Vec<u8>,
    gzip: bool,
) -> Result<(), String> {
    let mut request = client
        .post(format!("http://{address}{path}"))
        .basic_auth(WRITE_KEY, Some(""))
        .header("content-type", "application/json");
    let body = if gzip {
        request = request.header("content-encoding", "gzip");
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(&body)
            .and_then(|()| encoder.finish())
            .map_err(|error| error.to_string())?
    } else {
        body
    };
    let reply = request
        .body(body)
        .send()
        .await
        .map_err(|error| error.to_string())?;
    match reply.status().as_u16() {
        200 => Ok(()),
        status => Err(format!("{path} answered {status}")),
    }
}

/// Writes a moment, some seconds ago, as SDKs do.
pub(super) fn now(seconds_ago: i64) -> String {
    let at = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds_ago);
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}

/// A visitor's way through the shop, as analytics.js posts it: one event a request.
fn browser() -> Vec<(&'static str, Value)> {
    let context = |path: &str| {
        json!({
            "library": { "name": "analytics.js", "version": "next-1.84.3" },
            "userAgent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_4_1) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.4 Safari/605.1.15",
            "ip": "203.0.113.57",
            "locale": "en-US",
            "page": {
                "path": path,
                "title": "Fern & Finch",
                "url": format!("https://fern-finch.example{path}?epik=dj0yJnU9ZGVtbw")
            },
            "screen": { "width": 1512, "height": 982, "density": 2 }
        })
    };
    let track =
        |event: &str, properties: Value| json!({ "type": "track", "event": event, "properties": properties });
    let product = json!({
        "product_id": "pot-terra-02", "sku": "FF-0202", "name": "Terracotta Pot", "brand": "Fern & Finch",
        "category": "Pots", "price": 24.5, "quantity": 2, "currency": "USD"
    });
    let mut signed_up = track(
        "Signed Up",
        json!({ "email": " Ivy.Marsh@Example.com ", "type": "organic" }),
    );
    signed_up["userId"] = json!("u-1001");
    // Not meant for Pinterest, and says so.
    let mut opted_out = track("Product Viewed", json!({ "product_id": "x" }));
    opted_out["integrations"] = json!({ "All": true, "Pinterest Conversions API": false });
    let visit = [
        (240, "/", json!({ "type": "page", "properties": {} })),
        (
            200,
            "/search",
            track("Products Searched", json!({ "query": "terracotta" })),
        ),
        (180, "/p/pot", track("Product Viewed", product.clone())),
        (150, "/p/pot", track("Product Added", product)),
        (120, "/signup", signed_up),
        (100, "/help", opted_out),
        // No trigger matches: the archive gets it, the platforms do not.
        (90, "/help", track("Help Opened", json!({}))),
    ];
    let complete = |(i, (ago, path, mut event)): (usize, (i64, &str, Value))| {
        event["messageId"] = json!(format!("demo-web-{}", i + 1));
        event["anonymousId"] = json!("0f7a1c52-6d0d-4f0e-9b7e-2f1f6c3f9a10");
        event["timestamp"] = json!(now(ago));
        event["sentAt"] = json!(now(0));
        event["context"] = context(path);
        let endpoint = if event["type"] == "page" { "/v1/p" } else { "/v1/t" };
        (endpoint, event)
    };
    visit.into_iter().enumerate().map(complete).collect()
}

/// Returns the id of an event of a customer.
fn event_id(kind: &str, customer: usize) -> String {
    format!("demo-{}-{customer}", kind.to_lowercase().replace(' ', "-"))
}

/// Returns the id of the order of the customer in California who opted out.
pub(super) fn opted_out_order() -> String {
    event_id("Order Completed", 2)
}

/// Orders, as the shop's server posts them.
fn orders() -> Vec<Value> {
    let people = [
        ("Ada", "Okafor", "WA", "ada.okafor@example.com", false),
        ("Bruno", "Silva", "TX", "bruno@example.net", false),
        // Opted out in California: delivered, flagged for Limited Data Processing.
        ("Carmen", "Reyes", "CA", "carmen.reyes@example.org", true),
        ("Daniel", "Novak", "New York", "daniel.novak@example.com", false),
        // Opted out in an unknown state: must not be sent as if there were no opt-out.
        ("Eun", "Park", "", "eun.park@example.com", true),
    ];
    let mut events = Vec::new();
    for (i, (first, last, state, email, opted_out)) in people.into_iter().enumerate() {
        let order = |kind: &str, ago: i64| {
            json!({
                "type": "track",
                "event": kind,
                "messageId": event_id(kind, i),
                "userId": format!("u-{}", 2000 + i),
                "timestamp": now(ago),
                "context": {
                    "library": { "name": "analytics-node", "version": "3.1.0" },
                    "ip": format!("198.51.100.{}", 10 + i),
                    "page": { "url": "https://fern-finch.example/checkout" },
                    "userAgent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36",
                    "traits": {
                        "email": email, "firstName": first, "lastName": last,
                        "phone": format!("+1 (206) 555-01{:02}", 10 + i),
                        "address": { "city": "Sample City", "state": state, "country": if state.is_empty() { "" } else { "US" } }
                    }
                },
                "properties": {
                    "order_id": format!("FF-{}", 70_500 + i),
                    "checkout_id": format!("c-{i}"),
                    "total": 73.5, "revenue": 61.0, "shipping": 8.0, "tax": 4.5, "currency": "USD",
                    "do_not_sell": opted_out,
                    "products": [
                        { "product_id": "pot-terra-02", "name": "Terracotta Pot", "price": 24.5, "quantity": 2, "brand": "Fern & Finch", "category": "Pots" },
                        { "product_id": "fern-boston", "name": "Boston Fern", "price": 12, "quantity": 1, "category": "Plants" }
                    ]
                }
            })
        };
        for (kind, ago) in [
            ("Checkout Started", 80),
            ("Payment Info Entered", 70),
            ("Order Completed", 60),
        ] {
            events.push(order(kind, ago));
        }
    }
    // A call without anything to match a person by.
    events.push(json!({
        "type": "track", "event": "Generate Lead", "messageId": "demo-lead", "anonymousId": "a-7",
        "timestamp": now(30), "properties": {}
    }));
    // No event name: rejected at the source, its neighbours are not.
    events.push(json!({ "type": "track", "messageId": "demo-nameless", "userId": "u-3000" }));
    events.push(json!({
        "type": "identify", "messageId": "demo-identify", "userId": "u-2000",
        "traits": { "email": "ada.okafor@example.com" }
    }));
    events
}

/// An app's events.
fn app() -> Vec<Value> {
    (0..8)
        .map(|i| {
            let ios = i % 2 == 0;
            json!({
                "type": "track",
                "event": if i < 2 { "Application Installed" } else { "Application Opened" },
                "messageId": format!("demo-app-{i}"),
                "anonymousId": format!("device-{i}"),
                "timestamp": now(20 + i),
                "context": {
                    "library": { "name": if ios { "analytics-swift" } else { "analytics-kotlin" }, "version": "1.9.4" },
                    "app": { "name": "Fern & Finch", "version": "4.12.0", "build": "412", "namespace": "example.fernfinch.app" },
                    "device": {
                        "id": format!("d-{i}"), "advertisingId": format!("7A3CBEA0-BDF5-11E4-8DFC-AA07A5B0930{i}"),
                        "adTrackingEnabled": i != 5, "manufacturer": if ios { "Apple" } else { "Google" },
                        "model": if ios { "iPhone15,2" } else { "Pixel 8" }, "type": if ios { "ios" } else { "android" }
                    },
                    "os": { "name": if ios { "iOS" } else { "Android" }, "version": if ios { "17.4" } else { "14" } },
                    "network": { "carrier": "Sample Mobile", "wifi": i % 3 == 0 },
                    "locale": "de-DE"
                },
                "properties": { "version": "4.12.0", "build": "412" }
            })
        })
        .collect()
}
