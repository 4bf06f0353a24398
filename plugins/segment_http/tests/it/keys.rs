//! Settings of a single write key.

use serde_json::json;

use crate::support::{Answer, KEY, Service, basic, request};

const EVENT: &str = r#"{"event":"E","userId":"u"}"#;

async fn post(service: &Service, key: &str, origin: Option<&str>, path: &str, body: &str) -> Answer {
    let key = basic(key);
    let mut headers = vec![("Authorization", key.as_str())];
    headers.extend(origin.map(|origin| ("Origin", origin)));
    service.post_with(path, &headers, body).await
}

#[tokio::test]
async fn a_key_may_be_for_some_sinks_only_and_the_payload_does_not_show_it() {
    let service =
        Service::with(json!({"write_keys": [KEY, {"key": "narrow", "sinks": ["archive", "ads"]}]})).await;
    let pixel = request("GET", "/v1/pixel/page?userId=u&writeKey=narrow", &[], b"");
    let narrow = Some(vec!["archive".to_owned(), "ads".to_owned()]);
    for (key, sinks) in [(KEY, None), ("narrow", narrow.clone()), ("pixel", narrow)] {
        let answer = match key {
            "pixel" => service.send(&pixel).await,
            key => post(&service, key, None, "/v1/track", EVENT).await,
        };
        assert_eq!(answer.status, 200);
        let events = service.double.take_events();
        assert_eq!(events[0].facts().sinks, sinks, "{key}");
        assert!(!events[0].to_json().contains("archive"));
    }
}

#[tokio::test]
async fn a_key_over_its_rate_is_told_when_to_come_back() {
    let limit = json!({"limit": 6, "per": "hour", "burst": 4});
    let service =
        Service::with(json!({"write_keys": [KEY, {"key": "slow", "name": "shop", "rate_limit": limit}]}))
            .await;
    let two =
        format!(r#"{{"batch":[{EVENT},{EVENT}]}}"#).replace(r#"{"event""#, r#"{"type":"track","event""#);
    for _ in 0..2 {
        assert_eq!(post(&service, "slow", None, "/v1/batch", &two).await.status, 200);
    }
    let answer = post(&service, "slow", Some("https://shop.example"), "/v1/batch", &two).await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "rate_limited"));
    // The key must wait until one of three cells an hour is back.
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1000..=1200).contains(&seconds), "{seconds}");
    assert_eq!(answer.header("x-ratelimit-reset"), answer.header("retry-after"));
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://shop.example")
    );
    assert_eq!(service.refused(), [(2, "rate_limited".into())]);
    let pixel = request("GET", "/v1/pixel/page?userId=u&writeKey=slow", &[], b"");
    assert_eq!(
        service.send(&pixel).await.header("content-type"),
        Some("image/gif")
    );
    assert_eq!(service.refused(), [(1, "rate_limited".into())]);
    assert_eq!(service.events().len(), 4);
    // Other keys are not affected, and an empty batch needs no room.
    assert_eq!(post(&service, KEY, None, "/v1/batch", &two).await.status, 200);
    assert_eq!(
        post(&service, "slow", None, "/v1/batch", r#"{"batch":[]}"#)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_key_may_be_for_some_pages_only() {
    let origins = json!(["https://shop.example", "https://*.shop.example"]);
    let service =
        Service::with(json!({"write_keys": [KEY, {"key": "page", "allowed_origins": origins}]})).await;
    for (key, origin, status) in [
        ("page", Some("https://shop.example"), 200),
        ("page", Some("https://www.shop.example"), 200),
        ("page", Some("https://evil.example"), 403),
        ("page", Some("null"), 403),
        ("page", None, 200),
        (KEY, Some("https://evil.example"), 200),
    ] {
        let answer = post(&service, key, origin, "/v1/t", EVENT).await;
        assert_eq!(answer.status, status, "{key} {origin:?}");
        assert_eq!(answer.header("access-control-allow-origin"), origin);
        assert_eq!(service.events().len(), usize::from(status == 200));
        if status == 403 {
            assert_eq!(answer.code(), "origin_not_allowed");
            assert_eq!(service.refused(), [(1, "origin_not_allowed".into())]);
        }
        let headers: Vec<_> = origin.map(|origin| ("Origin", origin)).into_iter().collect();
        let settings = request("GET", &format!("/v1/projects/{key}/settings"), &headers, b"");
        assert_eq!(service.send(&settings).await.status, status);
    }
}
