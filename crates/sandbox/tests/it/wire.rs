//! Authentication, and the shapes of the answers.

use serde_json::{Value, json};
use signalbox_sandbox::{SandboxConfig, start};

use crate::support::*;

#[tokio::test]
async fn a_good_request_is_answered_event_by_event() {
    let sandbox = sandbox().await;
    let answer = post(&sandbox, good(2)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let processed = json!({ "status": "processed", "error_message": null, "warning_message": null });
    assert_eq!(
        answer.json(),
        json!({ "num_events_received": 2, "num_events_processed": 2, "events": [processed, processed] })
    );
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn failed_events_are_200_beside_good_ones_and_422_alone() {
    let sandbox = sandbox().await;
    let mut bad = event("bad");
    bad["event_name"] = json!("purchase");
    let mut warned = event("warned");
    warned["user_data"]["external_id"] = json!(["user-7"]);

    let mixed = post(&sandbox, data(&[event("good"), bad.clone(), warned])).await;
    assert_eq!(mixed.status, 200);
    let body = mixed.json();
    assert_eq!(body["num_events_received"], 3);
    assert_eq!(body["num_events_processed"], 2);
    let statuses: Vec<&Value> = body["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["status"])
        .collect();
    assert_eq!(statuses, ["processed", "failed", "processed"]);
    assert!(
        body["events"][1]["error_message"]
            .as_str()
            .unwrap()
            .starts_with("'event_name' is not one of")
    );
    assert_eq!(
        body["events"][2]["warning_message"],
        "'external_id' is not in sha256 hashed format"
    );

    let alone = post(&sandbox, data(&[bad])).await;
    assert_eq!(alone.status, 422);
    let body = alone.json();
    assert_eq!(body["message"], "Not all events were successfully processed.");
    assert!(body["code"].is_u64());
    assert_eq!(body["details"]["num_events_received"], 1);
    assert_eq!(body["details"]["num_events_processed"], 0);
    assert_eq!(body["details"]["events"][0]["status"], "failed");

    let counts = sandbox.counts();
    assert_eq!((counts.accepted, counts.failed, counts.warned), (2, 2, 1));
    assert_eq!(sandbox.events().len(), 2);
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn a_refused_request_records_none_of_its_events() {
    let sandbox = sandbox().await;
    let mut bad = event("bad");
    bad["custom_data"] = json!({ "coupon": "x" });
    let answer = post(&sandbox, data(&[event("good"), bad])).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        json!({ "code": 4196, "message": "Additional properties are not allowed ('coupon' was unexpected)" })
    );
    let broken = post(&sandbox, "{\"data\":").await;
    assert_eq!((broken.status, broken.json()["code"].as_u64()), (400, Some(4196)));
    assert_eq!(sandbox.counts().refused, 2);
    assert!(sandbox.events().is_empty());
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn the_bearer_token() {
    let sandbox = sandbox().await;
    let url = format!("{}/ad_accounts/{ACCOUNT}/events", sandbox.base_url());
    for value in [
        None,
        Some("Bearer"),
        Some("Bearer  "),
        Some("Basic dG9rZW4="),
        Some("token-1"),
    ] {
        let mut request = client().post(&url).body(good(1));
        if let Some(value) = value {
            request = request.header("authorization", value);
        }
        let answer = send(request).await.unwrap();
        assert_eq!(answer.status, 401, "{value:?}");
        assert_eq!(
            answer.json(),
            json!({ "code": 2, "message": "Authentication failed." })
        );
    }
    let any = send(client().post(&url).bearer_auth("anything").body(good(1)))
        .await
        .unwrap();
    assert_eq!(any.status, 200);
}

#[tokio::test]
async fn a_set_token_and_account_are_the_only_ones() {
    let config = SandboxConfig {
        token: Some("right".to_owned()),
        ad_account_id: Some("42".to_owned()),
        ..SandboxConfig::default()
    };
    assert!(!format!("{config:?}").contains("right"));
    let sandbox = start(config).await.unwrap();
    let call = async |account: &str, token: &str| {
        let url = format!("{}/ad_accounts/{account}/events", sandbox.base_url());
        send(client().post(url).bearer_auth(token).body(good(1)))
            .await
            .unwrap()
    };
    assert_eq!(call("42", "right").await.status, 200);
    assert_eq!(call("42", "wrong").await.status, 401);
    let other = call("43", "right").await;
    assert_eq!(other.status, 403);
    assert_eq!(
        other.json(),
        json!({ "code": 29, "message": "You are not permitted to access that resource." })
    );
}

#[tokio::test]
async fn paths_and_methods() {
    let sandbox = sandbox().await;
    for id in ["123456789012345678", "1"] {
        assert_eq!(
            send(post_to(&sandbox, &format!("{id}/events"), good(1)))
                .await
                .unwrap()
                .status,
            200
        );
    }
    for id in ["1234567890123456789", "12a", "%31", "-1", "+1", ""] {
        let answer = send(post_to(&sandbox, &format!("{id}/events"), good(1)))
            .await
            .unwrap();
        assert_eq!(
            (answer.status, answer.json()["code"].as_u64()),
            (400, Some(4196)),
            "{id}"
        );
    }
    for tail in ["1/event", "1/2/events", "1", "1/events/"] {
        let answer = send(post_to(&sandbox, tail, good(1))).await.unwrap();
        assert_eq!(
            (answer.status, answer.json()["code"].as_u64()),
            (404, Some(404)),
            "{tail}"
        );
        assert!(answer.json()["message"].is_string());
    }
    let get = client().get(format!("{}/ad_accounts/1/events", sandbox.base_url()));
    assert_eq!(send(get).await.unwrap().status, 405);
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn test_mode_judges_and_records_nothing() {
    let sandbox = sandbox().await;
    let call = async |query: &str, body: String| {
        send(post_to(&sandbox, &format!("{ACCOUNT}/events?{query}"), body))
            .await
            .unwrap()
    };
    assert_eq!(call("test=true", good(2)).await.json()["num_events_processed"], 2);
    assert_eq!(
        call("a=b&test=true", "{\"data\":[{}]}".to_owned()).await.status,
        400
    );
    let counts = sandbox.counts();
    assert_eq!(
        (
            counts.test_requests,
            counts.test_events,
            counts.accepted,
            counts.refused
        ),
        (2, 3, 0, 0)
    );
    assert!(sandbox.events().is_empty());

    assert_eq!(call("test=false", good(1)).await.status, 200);
    assert_eq!(sandbox.counts().accepted, 1);
    assert_eq!(call("test=1", good(1)).await.status, 400);
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn strict_openapi_is_a_setting() {
    let mut unlisted = event("1");
    unlisted["advertiser_tracking_enabled"] = json!(true);
    let lenient = sandbox().await;
    assert_eq!(post(&lenient, data(&[unlisted.clone()])).await.status, 200);
    let strict = start(SandboxConfig {
        strict_openapi: true,
        ..SandboxConfig::default()
    })
    .await
    .unwrap();
    let answer = post(&strict, data(&[unlisted])).await;
    assert_eq!(answer.status, 400);
    assert!(
        answer
            .text
            .contains("('advertiser_tracking_enabled' was unexpected)")
    );
}

#[tokio::test]
async fn names_of_the_advertisers_own_events_are_a_setting() {
    let mut own = event("1");
    own["event_name"] = json!("book_a_fitting");
    let without = sandbox().await;
    assert_eq!(post(&without, data(&[own.clone()])).await.status, 422);
    let with = start(SandboxConfig {
        custom_events: vec!["book_a_fitting".to_owned()],
        ..SandboxConfig::default()
    })
    .await
    .unwrap();
    assert_eq!(post(&with, data(&[own.clone()])).await.status, 200);
    own["event_name"] = json!("book_a_fiting");
    assert_eq!(post(&with, data(&[own])).await.status, 422);
}

#[tokio::test]
async fn only_loopback_unless_asked() {
    let listen = "0.0.0.0:0".parse().unwrap();
    let error = start(SandboxConfig {
        listen,
        ..SandboxConfig::default()
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains("loopback only"), "{error}");
    start(SandboxConfig {
        listen,
        allow_remote: true,
        ..SandboxConfig::default()
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let first = sandbox().await;
    let listen = first.addr();
    let error = start(SandboxConfig {
        listen,
        ..SandboxConfig::default()
    })
    .await
    .unwrap_err();
    assert!(error.to_string().contains(&listen.to_string()), "{error}");
}
