//! The settings document and the library files of browsers.

use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::json;

use crate::support::{KEY, Service, request};

fn get(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    request("GET", path, headers, b"")
}

#[tokio::test]
async fn the_settings_name_the_public_address_and_how_to_retry() {
    let path = format!("/v1/projects/{KEY}/settings");
    let proxied = [("X-Forwarded-Proto", "https")];
    for (settings, headers, host, protocol) in [
        (json!({}), &[][..], "localhost", "http"),
        (json!({}), &proxied, "localhost", "http"),
        (
            json!({"trusted_proxies": ["127.0.0.1"]}),
            &proxied,
            "localhost",
            "https",
        ),
        (
            json!({"public_host": "e.example.com"}),
            &[],
            "e.example.com",
            "https",
        ),
        (
            json!({"public_host": "e.example.com:8080", "public_protocol": "http"}),
            &[],
            "e.example.com:8080",
            "http",
        ),
    ] {
        let service = Service::with(settings).await;
        let document = service.send(&get(&path, headers)).await.json();
        let segment = &document["integrations"]["Segment.io"];
        assert_eq!(segment["apiHost"], format!("{host}/v1"));
        assert_eq!(segment["protocol"], protocol);
        assert_eq!(segment["apiKey"], KEY);
        assert_eq!(
            document["metrics"],
            json!({"sampleRate": 0, "host": format!("{host}/v1")})
        );
        assert_eq!(segment["httpConfig"]["rateLimitConfig"]["enabled"], true);
        assert_eq!(document["consentSettings"]["allCategories"], json!([]));
    }
    let consent = json!({"categories": ["ads"], "unmapped_destinations": false});
    let service = Service::with(json!({"http_config": false, "consent": consent})).await;
    let document = service.send(&get(&path, &[])).await.json();
    assert!(document["integrations"]["Segment.io"].get("httpConfig").is_none());
    assert_eq!(
        document["consentSettings"],
        json!({"allCategories": ["ads"], "hasUnmappedDestinations": false})
    );
}

#[tokio::test]
async fn the_library_is_served_with_its_parts_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    let script = "/* library */ ".repeat(1000);
    write("standalone.js", &script);
    write("queryString.bundle.34b193.js", "part");
    write("secret.js", "no");
    write("x.bundle.y.js.map", "no");
    let file = folder.path().join("standalone.js");
    let service = Service::with(json!({"analytics_js": file.to_str().unwrap()})).await;

    let path = format!("/analytics.js/v1/{KEY}/analytics.min.js");
    let answer = service
        .send(&get(&path, &[("Origin", "https://shop.example")]))
        .await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, script.as_bytes());
    assert_eq!(
        answer.header("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(answer.header("cache-control"), Some("public, max-age=300"));
    assert_eq!(
        answer.header("access-control-allow-origin"),
        Some("https://shop.example")
    );
    let tag = answer.header("etag").unwrap().to_owned();

    let packed = service
        .send(&get(&path, &[("Accept-Encoding", "br, gzip")]))
        .await;
    assert_eq!(packed.header("content-encoding"), Some("gzip"));
    let mut unpacked = String::new();
    GzDecoder::new(&*packed.body)
        .read_to_string(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, script);

    assert_eq!(
        service.send(&get(&path, &[("If-None-Match", &tag)])).await.status,
        304
    );

    let part = service
        .send(&get("/analytics-next/bundles/queryString.bundle.34b193.js", &[]))
        .await;
    assert_eq!((part.status, &*part.body), (200, &b"part"[..]));
    for missing in [
        "/analytics.js/v1/unknown/analytics.min.js",
        "/analytics-next/bundles/secret.js",
        "/analytics-next/bundles/standalone.js",
        "/analytics-next/bundles/x.bundle.y.js.map",
        "/analytics-next/bundles/..%2fsecret.js",
        "/analytics-next/bundles/../secret.js",
    ] {
        assert_eq!(service.send(&get(missing, &[])).await.status, 404, "{missing}");
    }
    let without = Service::start().await;
    assert_eq!(without.send(&get(&path, &[])).await.status, 404);
}
