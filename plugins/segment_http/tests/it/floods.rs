//! HTTP/2 clients that open requests only to drop them.

use http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::support::{KEY, Service, basic};
use crate::tls::{Files, http2};

#[tokio::test]
async fn requests_opened_only_to_be_dropped_harm_nobody_else() {
    let (files, certificate) = Files::new();
    let service = Service::held_with(json!({"tls": files.settings(), "max_connections": 4})).await;
    let track = || {
        Request::post("https://localhost/v1/track")
            .header("authorization", basic(KEY))
            .body(Full::from(r#"{"event":"E","userId":"u"}"#))
            .unwrap()
    };
    let mut flooding = http2(&service, &certificate).await;
    let mut dropped = 0;
    // Each is sent, then reset, until the server has enough or has had thousands.
    while dropped < 3_000 && flooding.ready().await.is_ok() {
        let sent = flooding.send_request(track());
        tokio::select! {
            biased;
            () = tokio::task::yield_now() => {}
            answer = sent => drop(answer),
        }
        dropped += 1;
    }
    service.double.hold(false);
    let mut honest = http2(&service, &certificate).await;
    for _ in 0..20 {
        assert_eq!(honest.send_request(track()).await.unwrap().status(), 200);
    }
    // A request that was dropped in the middle gives its place back.
    assert!(service.events().len() >= 20);
}
