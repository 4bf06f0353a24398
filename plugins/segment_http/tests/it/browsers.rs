//! CORS, the settings document and pixels.

use base64::Engine;
use serde_json::json;
use signalbox_core::{Refused, RefusedCause};

use crate::support::{KEY, Service, basic, request};

#[tokio::test]
async fn preflights_name_what_the_sdk_asks_for() {
    let service = Service::start().await;
    for path in [
        "/v1/t",
        "/v1/b",
        "/v1/m",
        "/v1/pixel/track",
        "/v1/projects/x/settings",
        "/v1/import/",
    ] {
        let answer = service
            .send(&request(
                "OPTIONS",
                path,
                &[
                    ("Origin", "https://shop.example"),
                    ("Access-Control-Request-Method", "POST"),
                    ("Access-Control-Request-Headers", "authorization,x-shop"),
                    ("Access-Control-Request-Private-Network", "true"),
                ],
                b"",
            ))
            .await;
        assert!([200, 204].contains(&answer.status), "{path}");
        assert_eq!(
            answer.header("access-control-allow-origin"),
            Some("https://shop.example")
        );
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"));
        assert_eq!(
            answer.header("access-control-allow-methods"),
            Some("GET, POST, OPTIONS")
        );
        assert_eq!(
            answer.header("access-control-allow-headers"),
            Some("Authorization, Content-Type, X-Retry-Count, authorization,x-shop")
        );
        assert_eq!(answer.header("access-control-max-age"), Some("86400"));
        assert_eq!(
            answer.header("access-control-allow-private-network"),
            Some("true")
        );
        assert_eq!(answer.header("vary"), Some("Origin"));
    }
}

#[tokio::test]
async fn a_page_can_read_every_answer() {
    let service = Service::start().await;
    let key = basic(KEY);
    let origin = ("Origin", "null");
    let with_key = [origin, ("Authorization", &*key)];
    let event = br#"{"userId":"u","event":"E"}"#;
    service.double.refuse(Some(Refused {
        cause: RefusedCause::RateLimited,
        retry_after: std::time::Duration::ZERO,
    }));
    for (request, status) in [
        (request("POST", "/v1/track", &with_key, event), 429),
        (request("POST", "/v1/track", &[origin], event), 401),
        (request("POST", "/v1/track", &with_key, b"{"), 400),
        (request("GET", "/v1/track", &[origin], b""), 405),
        (request("GET", "/x", &[origin], b""), 404),
        (request("POST", "/v1/m", &[origin], b"{}"), 200),
    ] {
        let answer = service.send(&request).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("access-control-allow-origin"), Some("null"));
        assert_eq!(
            answer.header("access-control-expose-headers"),
            Some("Retry-After, X-RateLimit-Reset")
        );
    }
    let answer = service.send(&request("GET", "/x", &[], b"")).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[tokio::test]
async fn an_origin_makes_it_a_device() {
    let service = Service::start().await;
    let key = basic(KEY);
    let headers = [
        ("Origin", "https://shop.example"),
        ("Authorization", &*key),
        ("User-Agent", "UA/1"),
    ];
    assert_eq!(
        service
            .post_with("/v1/track", &headers, r#"{"userId":"u","event":"E"}"#)
            .await
            .status,
        200
    );
    let events = service.events();
    assert_eq!(
        events[0]["context"],
        json!({"ip": "127.0.0.1", "userAgent": "UA/1"})
    );
}

#[tokio::test]
async fn sdks_fetch_their_settings() {
    let service = Service::start().await;
    let settings = |key: &str| {
        request(
            "GET",
            &format!("/v1/projects/{key}/settings"),
            &[("Origin", "https://a")],
            b"",
        )
    };
    let answer = service.send(&settings(KEY)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.header("access-control-allow-origin").is_some());
    let integration = &answer.json()["integrations"]["Segment.io"];
    assert_eq!(integration["apiHost"], "localhost/v1");
    assert_eq!(integration["protocol"], "http");
    assert_eq!(service.send(&settings("other")).await.status, 404);
    let public = Service::with(json!({"public_host": "e.example.com"})).await;
    let answer = public.send(&settings(KEY)).await;
    assert_eq!(
        answer.json()["integrations"]["Segment.io"]["apiHost"],
        "e.example.com/v1"
    );
    assert_eq!(answer.json()["integrations"]["Segment.io"]["protocol"], "https");
}

#[tokio::test]
async fn pixels_always_answer_their_image() {
    let service = Service::start().await;
    let data = |json: String| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(json);
    let good = data(format!(
        r#"{{"writeKey":"{KEY}","userId":"u","event":"Email Opened"}}"#
    ));
    let no_ids = data(format!(r#"{{"writeKey":"{KEY}","event":"E"}}"#));
    let get = |query: String| request("GET", &format!("/v1/pixel/track?{query}"), &[], b"");
    for (request, events, rejected, refused) in [
        (get(format!("data={good}")), 1, 0, 0),
        (
            get(format!(
                "writeKey={KEY}&userId=u&event=E&properties.subject=a%20b"
            )),
            1,
            0,
            0,
        ),
        (get(format!("data={no_ids}")), 0, 1, 0),
        (get("data=%".into()), 0, 0, 1),
        (get(String::new()), 0, 0, 1),
        (get("userId=u&event=E&writeKey=wrong".into()), 0, 0, 1),
        (
            request("HEAD", &format!("/v1/pixel/track?data={good}"), &[], b""),
            0,
            0,
            0,
        ),
    ] {
        let no_body = request.starts_with(b"HEAD");
        let mut connection = service.connect().await;
        connection.write(&request).await;
        let answer = if no_body {
            connection.head().await.unwrap()
        } else {
            connection.answer().await
        };
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("image/gif"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert!(no_body || answer.body.starts_with(b"GIF89a"));
        let taken = service.events();
        assert_eq!(
            (taken.len(), service.rejected().len(), service.refused().len()),
            (events, rejected, refused)
        );
        if let Some(event) = taken.first() {
            assert_eq!(event["type"], "track");
            assert_eq!(event["context"]["ip"], "127.0.0.1");
            assert!(event.get("writeKey").is_none());
        }
    }
    assert!(service.events().is_empty());
}
