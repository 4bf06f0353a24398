//! TikTok's answers, and its form of every fault.

use serde_json::{Value, json};
use signalbox_sandbox::{Faults, Sandbox, SandboxConfig, Vendor, start};

use crate::support::*;

/// Sends these events to TikTok.
async fn post_events(sandbox: &Sandbox, events: &[Value]) -> Answer {
    send(request_to(
        sandbox,
        Vendor::TikTok,
        &body_of(Vendor::TikTok, events),
    ))
    .await
    .unwrap()
}

async fn faulty_tiktok(faults: Value) -> Sandbox {
    let sandbox = sandbox().await;
    sandbox.set_faults_of(Vendor::TikTok, Faults::from_json(&faults.to_string()).unwrap());
    sandbox
}

fn message(answer: &Answer) -> String {
    answer.json()["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_good_request_has_code_0() {
    let sandbox = sandbox().await;
    let answer = post_events(&sandbox, &[tiktok_event("1"), tiktok_event("2")]).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(
        (&body["code"], &body["message"], &body["data"]),
        (&json!(0), &json!("OK"), &json!({}))
    );
    assert!(body["request_id"].is_string());
    // The same source, name and id.
    post_events(&sandbox, &[tiktok_event("2")]).await;
    let other = json!({ "event_source": "web", "event_source_id": "other", "data": [tiktok_event("2")] });
    send(request_to(&sandbox, Vendor::TikTok, &other)).await.unwrap();
    let counts = sandbox.counts();
    assert_eq!((counts.accepted, counts.duplicates), (4, 1));
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn one_bad_event_refuses_all_and_is_named() {
    let sandbox = sandbox().await;
    let mut bad = tiktok_event("2");
    bad["page"] = json!({});
    let mut untyped = tiktok_event("2");
    untyped["event_id"] = json!(7);
    for (bad, text) in [
        (bad, "data[1]: 'page.url' is required for web events"),
        (untyped, "data[1]: 'event_id' is of type integer, expected string"),
    ] {
        let events = [tiktok_event("1"), bad, tiktok_event("3")];
        let answer = post_events(&sandbox, &events).await;
        assert_eq!((answer.status, &answer.json()["code"]), (200, &json!(40_002)));
        assert_eq!(message(&answer), text);
        sandbox.set_faults(Faults {
            unnamed_events: true,
            ..Faults::default()
        });
        assert_eq!(
            message(&post_events(&sandbox, &events).await),
            text.replace("data[1]: ", "")
        );
        sandbox.set_faults(Faults::default());
    }
    let counts = sandbox.counts();
    assert_eq!((counts.refused, counts.accepted), (12, 0));
    assert_sums_close(&sandbox);
}

#[tokio::test]
async fn test_events_are_judged_and_do_not_count() {
    let sandbox = sandbox().await;
    let mut body = body_of(Vendor::TikTok, &[tiktok_event("1")]);
    body["test_event_code"] = json!("TEST1");
    let answer = send(request_to(&sandbox, Vendor::TikTok, &body)).await.unwrap();
    assert_eq!(answer.json()["code"], 0);
    body["data"] = json!([{}]);
    let answer = send(request_to(&sandbox, Vendor::TikTok, &body)).await.unwrap();
    assert_eq!(answer.json()["code"], 40_002);
    let counts = sandbox.counts();
    assert_eq!(
        (counts.test_requests, counts.test_events, counts.accepted),
        (2, 2, 0)
    );
    assert!(sandbox.events().is_empty());
    assert_sums_close(&sandbox);
}

/// No event, so nothing can be counted; the code tells token and source from the empty list.
#[tokio::test]
async fn an_empty_list_probes_token_and_source() {
    let config = SandboxConfig {
        token: Some(TOKEN.to_owned()),
        event_source_id: Some(SOURCE.to_owned()),
        ..SandboxConfig::default()
    };
    let sandbox = start(config).await.unwrap();
    let url = format!(
        "{}/open_api/v1.3/event/track/",
        sandbox.base_url_of(Vendor::TikTok)
    );
    for (source, token, status, code) in [
        (SOURCE, Some(TOKEN), 200, 40_002),
        (SOURCE, Some("other"), 401, 40_105),
        (SOURCE, Some(""), 401, 40_104),
        (SOURCE, None, 401, 40_104),
        ("other", Some(TOKEN), 200, 40_001),
    ] {
        let body = json!({ "event_source": "web", "event_source_id": source, "data": [] });
        let mut request = client().post(&url).body(body.to_string());
        if let Some(token) = token {
            request = request.header("access-token", token);
        }
        let answer = send(request).await.unwrap();
        assert_eq!(
            (answer.status, &answer.json()["code"]),
            (status, &json!(code)),
            "{source} {token:?}"
        );
    }
    let counts = sandbox.counts();
    assert_eq!((counts.received, counts.accepted), (0, 0));
}

#[tokio::test]
async fn paths_and_methods() {
    let sandbox = sandbox().await;
    let base = sandbox.base_url_of(Vendor::TikTok);
    let body = body_of(Vendor::TikTok, &[tiktok_event("1")]).to_string();
    for (tail, status) in [
        ("open_api/v1.3/event/track/", 200),
        ("open_api/v1.3/event/track", 404),
        ("open_api/v1.2/event/track/", 404),
        ("open_api/v1.3/pixel/track/", 404),
    ] {
        let request = client()
            .post(format!("{base}/{tail}"))
            .header("access-token", TOKEN);
        assert_eq!(
            send(request.body(body.clone())).await.unwrap().status,
            status,
            "{tail}"
        );
    }
    let get = client().get(format!("{base}/open_api/v1.3/event/track/"));
    assert_eq!(send(get).await.unwrap().status, 405);
}

#[tokio::test]
async fn every_fault_in_tiktoks_words() {
    // The faults, and the status and code of the first answer; no code is a page of HTML.
    for (faults, status, code) in [
        (
            json!({ "rate_limit": { "times": 1, "retry_after_s": 7 } }),
            401,
            Some(40_100),
        ),
        (
            json!({ "unavailable": { "times": 1, "retry_after_s": 7 } }),
            200,
            Some(50_000),
        ),
        (json!({ "unauthorized": true }), 401, Some(40_105)),
        (json!({ "forbidden": true }), 200, Some(40_001)),
        (json!({ "bad_request": {} }), 200, Some(40_002)),
        (json!({ "poison_event_ids": ["1"] }), 200, Some(40_002)),
        (json!({ "fail_events": { "every_nth": 2 } }), 200, Some(40_002)),
        (json!({ "unexpected_property": "event_id" }), 200, Some(40_002)),
        (json!({ "not_found": true }), 404, None),
        (json!({ "max_bytes": 10 }), 413, None),
        (json!({ "status": { "code": 502 } }), 502, None),
        (
            json!({ "status": { "code": 200, "error_code": 40_700 } }),
            200,
            Some(40_700),
        ),
    ] {
        let sandbox = faulty_tiktok(faults.clone()).await;
        let answer = post_events(&sandbox, &[tiktok_event("0"), tiktok_event("1")]).await;
        assert_eq!(answer.status, status, "{faults}");
        match code {
            Some(code) => assert_eq!(answer.json()["code"], code, "{faults}"),
            None => assert!(answer.text.starts_with("<html>"), "{faults}"),
        }
        let wait = faults.to_string().contains("retry_after_s").then_some("7");
        assert_eq!(answer.header("retry-after"), wait, "{faults}");
        // The faults that blame no event name none.
        let named = faults.get("fail_events").is_some() || faults.get("unexpected_property").is_some();
        assert_eq!(answer.text.contains("data["), named, "{faults}");
        assert_eq!(sandbox.counts().accepted, 0, "{faults}");
        assert_sums_close(&sandbox);
    }
}

#[tokio::test]
async fn answers_that_say_less_than_was_taken() {
    let sandbox = faulty_tiktok(json!({ "short_body": {} })).await;
    let answer = post_events(&sandbox, &[tiktok_event("0")]).await;
    assert_eq!((answer.status, &answer.json()["code"]), (200, &json!(20_001)));
    assert_eq!(sandbox.counts().accepted, 1);

    let sandbox = faulty_tiktok(json!({ "garbage_body": { "form": "empty" } })).await;
    let answer = post_events(&sandbox, &[tiktok_event("0")]).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, ""));
    assert_eq!(sandbox.counts().accepted, 1);
}
