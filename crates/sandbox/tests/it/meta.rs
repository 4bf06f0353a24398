//! Meta's answers, and its form of every fault.

use serde_json::{Value, json};
use signalbox_sandbox::{Faults, Sandbox, SandboxConfig, Vendor, start};

use crate::support::*;

/// Sends these events to Meta.
async fn post_events(sandbox: &Sandbox, events: &[Value]) -> Answer {
    send(request_to(sandbox, Vendor::Meta, &body_of(Vendor::Meta, events)))
        .await
        .unwrap()
}

async fn faulty_meta(faults: Value) -> Sandbox {
    let sandbox = sandbox().await;
    sandbox.set_faults_of(Vendor::Meta, Faults::from_json(&faults.to_string()).unwrap());
    sandbox
}

/// The code and subcode of an error.
fn code(answer: &Answer) -> (Option<u64>, Option<u64>) {
    let error = &answer.json()["error"];
    (error["code"].as_u64(), error["error_subcode"].as_u64())
}

#[tokio::test]
async fn a_good_request_is_answered_as_a_whole() {
    let sandbox = sandbox().await;
    let answer = post_events(&sandbox, &[meta_event("1"), meta_event("2")]).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(
        (&body["events_received"], &body["messages"]),
        (&json!(2), &json!([]))
    );
    assert!(body["fbtrace_id"].is_string());
    assert!(answer.header("x-app-usage").is_some());
    assert_eq!(answer.header("x-ad-api-version-warning"), None);
    // The same dataset, name and id.
    post_events(&sandbox, &[meta_event("2")]).await;
    assert_eq!(sandbox.counts().duplicates, 1);
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn one_bad_event_refuses_all_and_is_not_named() {
    let sandbox = sandbox().await;
    let mut old = meta_event("2");
    old["event_time"] = json!(now() - 8 * 86_400);
    let mut untyped = meta_event("2");
    untyped["user_data"] = json!("ivy");
    for (bad, expected, text) in [
        (
            old,
            (Some(100), Some(2_804_003)),
            "'event_time' is more than 7 days ago",
        ),
        (
            untyped,
            (Some(100), None),
            "'user_data' is of type string, expected object",
        ),
        (
            json!(7),
            (Some(100), None),
            "the event is of type integer, expected object",
        ),
    ] {
        let answer = post_events(&sandbox, &[meta_event("1"), bad, meta_event("3")]).await;
        assert_eq!((answer.status, code(&answer)), (400, expected), "{}", answer.text);
        let error = &answer.json()["error"];
        assert_eq!(error["error_user_msg"], text);
        assert_eq!(
            (&error["type"], &error["is_transient"]),
            (&json!("OAuthException"), &json!(false))
        );
    }
    let counts = sandbox.counts_of(Vendor::Meta);
    assert_eq!((counts.refused, counts.failed, counts.accepted), (9, 0, 0));
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn test_events_count() {
    let sandbox = sandbox().await;
    let body = json!({ "data": [meta_event("1")], "test_event_code": "TEST1" });
    let answer = send(request_to(&sandbox, Vendor::Meta, &body)).await.unwrap();
    assert_eq!(answer.status, 200);
    let counts = sandbox.counts();
    assert_eq!((counts.accepted, counts.test_events), (1, 0));
}

/// No event, so nothing can be counted; the code tells token and dataset from the empty list.
#[tokio::test]
async fn an_empty_list_probes_token_and_dataset() {
    let config = SandboxConfig {
        token: Some(TOKEN.to_owned()),
        pixel_id: Some(PIXEL.to_owned()),
        ..SandboxConfig::default()
    };
    let sandbox = start(config).await.unwrap();
    let url = |id: &str| format!("{}/v26.0/{id}/events", sandbox.base_url_of(Vendor::Meta));
    for (id, token, status, expected) in [
        (PIXEL, TOKEN, 400, (Some(100), None)),
        (PIXEL, "other", 401, (Some(190), None)),
        (PIXEL, "", 401, (Some(104), None)),
        ("1203948576120395", TOKEN, 400, (Some(100), Some(33))),
        ("12", TOKEN, 400, (Some(100), Some(33))),
    ] {
        let request = client().post(url(id)).bearer_auth(token).body(r#"{"data":[]}"#);
        let answer = send(request).await.unwrap();
        assert_eq!((answer.status, code(&answer)), (status, expected), "{id} {token}");
    }
    let counts = sandbox.counts();
    assert_eq!((counts.received, counts.accepted), (0, 0));
}

#[tokio::test]
async fn the_token_in_header_query_or_form() {
    let config = SandboxConfig {
        token: Some("a b".to_owned()),
        ..SandboxConfig::default()
    };
    let sandbox = start(config).await.unwrap();
    let url = format!("{}/v26.0/{PIXEL}/events", sandbox.base_url_of(Vendor::Meta));
    let body = json!({ "data": [meta_event("1")] }).to_string();
    let form = format!(
        "data={}&access_token=a%20b&test_event_code=T",
        json!([meta_event("1")])
            .to_string()
            .replace('&', "%26")
            .replace('+', "%2B")
    );
    let typed = "application/x-www-form-urlencoded";
    for (request, status) in [
        (client().post(&url).bearer_auth("a b").body(body.clone()), 200),
        (
            client()
                .post(format!("{url}?access_token=a+b"))
                .body(body.clone()),
            200,
        ),
        (
            client().post(format!("{url}?access_token=b")).body(body.clone()),
            401,
        ),
        (
            client()
                .post(&url)
                .header("content-type", typed)
                .body(form.clone()),
            200,
        ),
        (
            client()
                .post(&url)
                .header("content-type", typed)
                .body(form.replace("a%20b", "b")),
            401,
        ),
        (client().post(&url).body(body), 401),
    ] {
        let answer = send(request).await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.text);
    }
    let targets: Vec<String> = sandbox
        .requests()
        .into_iter()
        .map(|request| request.target)
        .collect();
    assert!(
        targets[1].ends_with("/events?access_token=[redacted]"),
        "{targets:?}"
    );
}

#[tokio::test]
async fn paths_methods_and_versions() {
    let sandbox = sandbox().await;
    let base = sandbox.base_url_of(Vendor::Meta);
    let event = json!({ "data": [meta_event("1")] }).to_string();
    for (tail, status) in [
        ("v26.0/1203948576120394/events", 200),
        ("v25.0/12345/events", 200),
        ("v26.0/1203948576120394/event", 404),
        ("v26.0/1203948576120394/events/", 404),
        ("v26.1/1203948576120394/events", 404),
        ("v26.0/1/2/events", 404),
        ("26.0/1203948576120394/events", 404),
        ("v26.0/123456789012345678901/events", 400),
    ] {
        let request = client().post(format!("{base}/{tail}")).bearer_auth(TOKEN);
        assert_eq!(
            send(request.body(event.clone())).await.unwrap().status,
            status,
            "{tail}"
        );
    }
    let get = client().get(format!("{base}/v26.0/{PIXEL}/events"));
    assert_eq!(send(get).await.unwrap().status, 405);
    let ended = client()
        .post(format!("{base}/v24.0/{PIXEL}/events"))
        .bearer_auth(TOKEN);
    let answer = send(ended.body(event)).await.unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.header("x-ad-api-version-warning").is_some());
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn every_fault_in_metas_words() {
    // The faults, and the status, code and subcode of the first answer; no code is a page of HTML.
    for (faults, status, expected) in [
        (
            json!({ "rate_limit": { "times": 1, "retry_after_s": 7 } }),
            400,
            (Some(80_004), None),
        ),
        (
            json!({ "unavailable": { "times": 1, "retry_after_s": 7 } }),
            503,
            (Some(2), None),
        ),
        (json!({ "unauthorized": true }), 401, (Some(190), None)),
        (json!({ "forbidden": true }), 403, (Some(200), None)),
        (json!({ "bad_request": {} }), 400, (Some(100), None)),
        (json!({ "poison_event_ids": ["1"] }), 400, (Some(100), None)),
        (
            json!({ "fail_events": { "every_nth": 2 } }),
            400,
            (Some(100), None),
        ),
        (
            json!({ "unexpected_property": "event_id" }),
            400,
            (Some(100), None),
        ),
        (json!({ "not_found": true }), 404, (None, None)),
        (json!({ "max_bytes": 10 }), 413, (None, None)),
        (json!({ "status": { "code": 502 } }), 502, (None, None)),
        (
            json!({ "status": { "code": 403, "error_code": 4 } }),
            403,
            (Some(4), None),
        ),
        (
            json!({ "status": { "code": 400, "error_code": 100, "error_subcode": 2_804_050 } }),
            400,
            (Some(100), Some(2_804_050)),
        ),
    ] {
        let sandbox = faulty_meta(faults.clone()).await;
        let answer = post_events(&sandbox, &[meta_event("0"), meta_event("1")]).await;
        assert_eq!(answer.status, status, "{faults}");
        if expected.0.is_some() {
            assert_eq!(code(&answer), expected, "{faults}");
        } else {
            assert!(answer.text.starts_with("<html>"), "{faults}");
        }
        let wait = faults.to_string().contains("retry_after_s").then_some("7");
        assert_eq!(answer.header("retry-after"), wait, "{faults}");
        let throttled = faults.get("rate_limit").is_some();
        assert_eq!(
            answer.header("x-business-use-case-usage").is_some(),
            throttled,
            "{faults}"
        );
        assert_eq!(sandbox.counts().accepted, 0, "{faults}");
        assert_sums_close(&sandbox);
    }
}

#[tokio::test]
async fn answers_that_say_less_than_was_taken() {
    let sandbox = faulty_meta(json!({ "short_body": {} })).await;
    let answer = post_events(&sandbox, &[meta_event("0"), meta_event("1")]).await;
    assert_eq!(
        (answer.status, &answer.json()["events_received"]),
        (200, &json!(1))
    );
    assert_eq!(sandbox.counts().accepted, 2);

    let sandbox = faulty_meta(json!({ "garbage_body": {} })).await;
    let answer = post_events(&sandbox, &[meta_event("0")]).await;
    assert_eq!((answer.status, sandbox.counts().accepted), (200, 1));
    assert!(answer.text.starts_with("<html>"));
}
