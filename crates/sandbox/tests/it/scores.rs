//! Event quality scores: who gets them, and from which events.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use signalbox_sandbox::Sandbox;

use crate::support::*;

async fn ask(sandbox: &Sandbox, method: &str, token: Option<&str>, query: &str) -> Answer {
    let url = format!(
        "{}/ad_accounts/{ACCOUNT}/conversion_eqs{query}",
        sandbox.base_url()
    );
    let request = client().request(method.parse().unwrap(), url);
    let request = match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    };
    send(request).await.unwrap()
}

#[tokio::test]
async fn scores_count_accepted_events() {
    let sandbox = sandbox().await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut named = event("named");
    named["event_time"] = json!(now);
    let mut browser = named.clone();
    browser["event_id"] = json!("browser");
    browser["user_data"] = json!({ "client_ip_address": "192.0.2.1", "client_user_agent": "a" });
    let mut failed = named.clone();
    failed["event_name"] = json!("purchase");
    assert_eq!(
        post(&sandbox, data(&[named, browser, failed, event("old")]))
            .await
            .status,
        200
    );
    let answer = ask(&sandbox, "GET", Some("an-oauth-token"), "?lookback_period=14d").await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let scores = answer.json();
    assert_eq!(scores.as_array().unwrap().len(), 1);
    let components = &scores[0]["quality_components"];
    assert_eq!(
        components["hashed_email"],
        json!({ "checkout": { "coverage": 50.0 } })
    );
    assert_eq!(components["external_event_id"]["checkout"]["overlap"], 0);
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn scores_are_refused_as_deliveries_are() {
    let sandbox = sandbox().await;
    for (method, token, query, status) in [
        ("GET", None, "?lookback_period=1d", 401),
        ("POST", Some("t"), "?lookback_period=1d", 405),
        ("GET", Some("t"), "", 400),
        ("GET", Some("t"), "?lookback_period=2d", 400),
        ("GET", Some("t"), "?lookback_period=1d", 200),
    ] {
        let answer = ask(&sandbox, method, token, query).await;
        assert_eq!(answer.status, status, "{method} {query}");
    }
    let sandbox = faulty(json!({ "rate_limit": { "every_nth": 1, "retry_after_s": 120 } })).await;
    let answer = ask(&sandbox, "GET", Some("t"), "?lookback_period=1d").await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, Some("120")));
    assert_eq!(answer.json()["code"], Value::from(8));
}
