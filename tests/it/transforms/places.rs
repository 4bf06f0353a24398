//! Opt-outs of anonymous visitors: the browser says that they opt out, and only their address tells the state.

use serde_json::{Value, json};
use signalbox_core::Sha256Hex;
use signalbox_testkit::mmdb;

use crate::support::client::{WRITE_KEY, try_send};
use crate::support::pipe::Pipe;
use crate::support::world::{World, shop};

/// Sends a browser's order through a proxy, and returns the events that the sandbox accepted.
async fn sent(top: &str, source: &str, headers: &[(&str, &str)]) -> Vec<Value> {
    let world = World::new().await;
    let us = json!({ "country": { "iso_code": "US" }, "subdivisions": [{ "iso_code": "CA" }] });
    let database = mmdb("GeoLite2-City", &[("203.0.113.0/24", us)]);
    std::fs::write(world.path("city.mmdb"), database).unwrap();
    let opt_out = "[transforms.opt_out]\ntype = \"limited_data_processing\"\nopted_out = [{ signal = \"gpc\" }]\n\
         on_unknown_state = \"filter\"\n";
    let source = format!("trusted_proxies = [\"127.0.0.1\"]\n{source}");
    let pipe = Pipe::start(&world, &shop(&format!("{opt_out}{top}"), &source, "")).await;
    let body = json!({
        "writeKey": WRITE_KEY, "event": "Order Completed", "anonymousId": "a-1", "messageId": "o-1",
        "properties": { "order_id": "1", "total": 5, "currency": "USD" }
    });
    let headers = [
        &[
            ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/126.0"),
            ("x-forwarded-for", "203.0.113.7"),
            ("sec-gpc", "1"),
        ],
        headers,
    ]
    .concat();
    let answer = try_send(
        &world.listen,
        "POST",
        "/v1/t",
        &headers,
        body.to_string().as_bytes(),
    )
    .await;
    assert_eq!(answer.unwrap().status, 200);
    pipe.settled(1).await;
    world.accepted()
}

fn flagged(accepted: &[Value]) {
    let [event] = accepted else { panic!("{accepted:?}") };
    // Pinterest gets the codes in both letter cases by default.
    let hash =
        |lower: &str, upper: &str| json!([Sha256Hex::of(lower).as_str(), Sha256Hex::of(upper).as_str()]);
    assert_eq!(event["custom_data"]["opt_out_type"], "LDP");
    assert_eq!(event["user_data"]["st"], hash("ca", "CA"));
    assert_eq!(event["user_data"]["country"], hash("us", "US"));
}

#[tokio::test]
async fn a_database_tells_the_state() {
    let geo = "[transforms.geo]\ntype = \"geo_ip\"\ndatabase = \"${FOLDER}/city.mmdb\"\n";
    flagged(&sent(geo, "through = [\"geo\", \"opt_out\"]", &[]).await);
    // Without a place the opt-out cannot be expressed.
    assert!(sent("", "through = [\"opt_out\"]", &[]).await.is_empty());
}

#[tokio::test]
async fn a_trusted_header_tells_the_state() {
    let source = "trusted_headers = [\"CF-IPCountry\", \"CF-Region-Code\"]\nthrough = [\"opt_out\"]";
    let headers = [("cf-ipcountry", "US"), ("cf-region-code", "CA")];
    flagged(&sent("", source, &headers).await);
    assert!(sent("", source, &[]).await.is_empty());
}
