//! Statuses, bodies and counts.

use std::time::Duration;

use serde_json::json;
use signalbox_core::{Refused, RefusedCause};

use crate::support::{KEY, Service, basic, request};

const TRACK: &str = r#"{"type":"track","event":"E","userId":"u","messageId":"m"}"#;

#[tokio::test]
async fn a_stored_event_is_answered_with_exactly_200() {
    let service = Service::start().await;
    for path in ["/v1/track", "/v1/track?x=1"] {
        let answer = service
            .post(path, r#"{"event":"E","userId":"u","writeKey":"not this one"}"#)
            .await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, br#"{"success": true}"#);
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let events = service.events();
        assert_eq!(events.len(), 1);
        assert_eq!(events[0]["type"], "track");
        assert!(events[0].get("writeKey").is_none());
        assert!(events[0]["receivedAt"].is_string());
    }
    assert_eq!((service.rejected().len(), service.refused().len()), (0, 0));
}

#[tokio::test]
async fn every_path_takes_its_type() {
    let service = Service::start().await;
    for kind in ["track", "identify", "page", "screen", "group", "alias"] {
        for path in [format!("/v1/{kind}"), format!("/v1/{}", &kind[..1])] {
            let answer = service.post(&path, r#"{"event":"E","userId":"u"}"#).await;
            assert_eq!(answer.status, 200, "{path}");
            let events = service.events();
            assert_eq!(events[0]["type"], kind);
            let browser = path.len() == 5;
            assert_eq!(events[0]["context"]["ip"] == "127.0.0.1", browser, "{path}");
        }
    }
    for path in ["/v1/batch", "/v1/b", "/v1/import", "/v1/import/"] {
        let answer = service.post(path, format!(r#"{{"batch":[{TRACK}]}}"#)).await;
        assert_eq!(answer.status, 200, "{path}");
        let events = service.events();
        assert_eq!(events[0]["messageId"], "m");
        assert_eq!(
            events[0]["context"]["ip"] == "127.0.0.1",
            path == "/v1/b",
            "{path}"
        );
    }
}

#[tokio::test]
async fn write_keys_from_header_or_body() {
    let service = Service::start().await;
    let body_key = format!(r#"{{"event":"E","userId":"u","writeKey":"{KEY}"}}"#);
    let first_key = format!(r#"{{"batch":[{{"type":"page","userId":"u","writeKey":"{KEY}"}}]}}"#);
    for (path, headers, body) in [
        ("/v1/track", vec![], body_key.as_str()),
        ("/v1/track", vec![("Authorization", "Bearer x.y.z")], &body_key),
        ("/v1/track", vec![("Authorization", "Basic Og==")], &body_key),
        ("/v1/batch", vec![], &first_key),
        (
            "/v1/track",
            vec![("aUTHORIZATION", &*basic(KEY))],
            r#"{"event":"E","userId":"u"}"#,
        ),
    ] {
        let answer = service.post_with(path, &headers, body).await;
        assert_eq!(answer.status, 200, "{path} {headers:?}");
        assert_eq!(service.events().len(), 1);
    }
}

#[tokio::test]
async fn unknown_keys_are_rejected_or_dropped() {
    let service = Service::start().await;
    let batch = format!(r#"{{"batch":[{TRACK},{TRACK}]}}"#);
    let wrong = basic("wrong");
    for headers in [vec![], vec![("Authorization", wrong.as_str())]] {
        let answer = service.post_with("/v1/batch", &headers, &batch).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.json(),
            json!({"success": false, "code": "invalid_write_key",
                "message": "An invalid write key was provided", "error": "An invalid write key was provided"})
        );
        assert_eq!(answer.header("www-authenticate"), None);
        assert_eq!(service.refused(), [(2, "invalid_write_key".into())]);
    }
    let dropping = Service::with(json!({"unknown_key": "drop"})).await;
    assert_eq!(dropping.post_with("/v1/batch", &[], &batch).await.status, 200);
    assert_eq!(dropping.refused(), [(2, "invalid_write_key".into())]);
    assert!(service.events().is_empty() && dropping.events().is_empty());
}

#[tokio::test]
async fn bodies_that_cannot_be_used_get_400() {
    let service = Service::start().await;
    let deep = format!(r#"{{"userId":"u","x":{}{}}}"#, "[".repeat(3000), "]".repeat(3000));
    let large = format!(r#"{{"userId":"u","x":"{}"}}"#, "x".repeat(36_000));
    for (path, body, code) in [
        ("/v1/page", &b""[..], "invalid_json"),
        ("/v1/page", b"{", "invalid_json"),
        ("/v1/page", b"userId=u", "invalid_json"),
        ("/v1/page", b"[]", "not_an_object"),
        ("/v1/page", b"\"x\"", "not_an_object"),
        ("/v1/page", b"{\"userId\":\"\xff\"}", "not_utf8"),
        ("/v1/page", deep.as_bytes(), "too_deep"),
        ("/v1/page", large.as_bytes(), "payload_too_large"),
        ("/v1/batch", b"[]", "not_an_object"),
        ("/v1/batch", b"{}", "batch_missing"),
        ("/v1/batch", b"{\"batch\":{}}", "batch_missing"),
        ("/v1/batch", b"{\"batch\":[}", "invalid_json"),
    ] {
        let answer = service.post(path, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code), "{path}");
        let json = answer.json();
        assert_eq!(json["success"], false);
        assert_eq!(json["message"], json["error"]);
        assert_eq!(service.refused(), [(1, code.to_owned())]);
    }
    assert_eq!(
        service.post("/v1/page", large).await.json()["message"],
        "Exceed payload limit"
    );
    assert!(service.events().is_empty() && service.rejected().is_empty());
}

#[tokio::test]
async fn an_invalid_event_alone_is_an_error_but_not_beside_others() {
    let service = Service::start().await;
    for (path, body, code) in [
        ("/v1/track", r#"{"event":"E"}"#, "no_user_anon_id"),
        ("/v1/track", r#"{"userId":"u"}"#, "event_name_missing"),
    ] {
        let answer = service.post(path, body).await;
        assert_eq!((answer.status, answer.code().as_str()), (400, code));
        assert_eq!(service.rejected(), [code]);
    }
    let large = format!(r#"{{"type":"page","userId":"u","x":"{}"}}"#, "x".repeat(36_000));
    let answer = service
        .post(
            "/v1/batch",
            format!(r#"{{"batch":[{large},7,{TRACK},{{"type":"page"}}]}}"#),
        )
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(service.events().len(), 1);
    assert_eq!(
        service.rejected(),
        ["event_too_large", "not_an_object", "no_user_anon_id"]
    );

    let answer = service.post("/v1/batch", r#"{"batch":[{"type":"page"}]}"#).await;
    assert_eq!(answer.status, 200);
    assert_eq!(service.rejected(), ["no_user_anon_id"]);

    let answer = service
        .post("/v1/batch", format!(r#"{{"batch":[{large},{large}]}}"#))
        .await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "payload_too_large")
    );
    assert_eq!(service.rejected(), ["event_too_large", "event_too_large"]);

    assert_eq!(service.post("/v1/batch", r#"{"batch":[]}"#).await.status, 200);
    assert!(service.events().is_empty() && service.refused().is_empty());
}

#[tokio::test]
async fn sizes_up_to_the_limits_are_taken() {
    let service = Service::start().await;
    let event = |size: usize| {
        let head = r#"{"type":"page","userId":"u","x":""#;
        format!(r#"{head}{}"}}"#, "x".repeat(size - head.len() - 2))
    };
    assert_eq!(service.post("/v1/page", event(33_792)).await.status, 200);
    let batch = |size: usize| {
        let events = vec![event(33_000); 15].join(",");
        format!(
            r#"{{"batch":[{events}]{}}}"#,
            " ".repeat(size - events.len() - 12)
        )
    };
    assert_eq!(service.post("/v1/batch", batch(532_480)).await.status, 200);
    assert_eq!(service.events().len(), 16);
    assert_eq!(
        service.post("/v1/batch", batch(600_001)).await.code(),
        "payload_too_large"
    );
}

#[tokio::test]
async fn what_the_runtime_refuses_is_to_be_sent_again() {
    let service = Service::start().await;
    let body = format!(r#"{{"batch":[{TRACK},7]}}"#);
    for (cause, status, code) in [
        (RefusedCause::RateLimited, 429, "rate_limited"),
        (RefusedCause::Full, 503, "journal_full"),
        (RefusedCause::Unwritable, 503, "journal_unwritable"),
        (RefusedCause::Stopping, 503, "stopping"),
    ] {
        service.double.refuse(Some(Refused {
            cause,
            retry_after: Duration::from_millis(1500),
        }));
        let answer = service.post("/v1/batch", &body).await;
        assert_eq!((answer.status, answer.code().as_str()), (status, code));
        assert_eq!(answer.header("retry-after"), Some("2"));
        assert_eq!(answer.header("x-ratelimit-reset"), Some("2"));
        for unusable in [("/v1/batch", r#"{"batch":[7]}"#), ("/v1/track", "{}")] {
            let answer = service.post(unusable.0, unusable.1).await;
            assert_eq!((answer.status, answer.code().as_str()), (status, code));
        }
        assert!(service.rejected().is_empty(), "it comes again");
        assert_eq!(service.refused(), [(1, code.to_owned())]);
    }
    service.double.refuse(None);
    assert_eq!(service.post("/v1/batch", &body).await.status, 200);
    assert_eq!((service.events().len(), service.rejected().len()), (1, 1));
}

#[tokio::test]
async fn other_paths_and_methods() {
    let service = Service::start().await;
    for (method, path, status) in [
        ("GET", "/", 404),
        ("POST", "/v1/unknown", 404),
        ("POST", "/v1/track/", 404),
        ("GET", "/v1/track", 405),
        ("PUT", "/v1/batch", 405),
        ("POST", "/v1/pixel/track", 405),
        ("DELETE", "/v1/projects/x/settings", 405),
    ] {
        let answer = service.send(&request(method, path, &[], b"")).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_eq!(answer.json()["success"], false);
    }
    assert_eq!(
        service.post_with("/v1/m", &[], r#"{"series":[]}"#).await.status,
        200
    );
    assert!(service.events().is_empty());
}

#[tokio::test]
async fn the_first_hop_of_a_trusted_proxy_is_the_client() {
    let body = r#"{"userId":"u"}"#;
    let key = basic(KEY);
    let headers = [
        ("X-Forwarded-For", "203.0.113.7, 10.0.0.1"),
        ("Authorization", &*key),
    ];
    for (proxies, ip) in [(json!([]), "127.0.0.1"), (json!(["127.0.0.0/8"]), "203.0.113.7")] {
        let service = Service::with(json!({"trusted_proxies": proxies})).await;
        assert_eq!(service.post_with("/v1/p", &headers, body).await.status, 200);
        assert_eq!(service.events()[0]["context"]["ip"], ip);
    }
}
