//! Additions from the heads of visitors' requests: privacy signals, click ids, places.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::{KEY, Service, request};

const AGENT: (&str, &str) = (
    "User-Agent",
    "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0",
);

/// Sends a page view with these headers, and returns the event's context.
async fn page(service: &Service, path: &str, headers: &[(&str, &str)], more: Value) -> Value {
    let mut body = json!({ "writeKey": KEY, "type": "page", "anonymousId": "a-1" });
    for (key, value) in more.as_object().unwrap() {
        body[key] = value.clone();
    }
    let body = if path == "/v1/b" || path == "/v1/batch" {
        json!({ "writeKey": KEY, "batch": [body] })
    } else {
        body
    };
    let headers = [&[AGENT], headers].concat();
    let answer = service
        .send(&request("POST", path, &headers, body.to_string().as_bytes()))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    service.events().remove(0)["context"].clone()
}

#[tokio::test]
async fn global_privacy_control_is_noted_for_every_event() {
    let service = Service::start().await;
    for path in ["/v1/p", "/v1/page", "/v1/b", "/v1/batch"] {
        let context = page(&service, path, &[("Sec-GPC", "1")], json!({})).await;
        assert_eq!(context["privacy"], json!({ "gpc": true }), "{path}");
    }
    let beside = json!({ "context": { "privacy": { "gpc": false, "us_privacy": "1YNN" } } });
    let context = page(&service, "/v1/p", &[("Sec-GPC", "1")], beside).await;
    assert_eq!(context["privacy"], json!({ "gpc": true, "us_privacy": "1YNN" }));
    let odd = json!({ "context": { "privacy": "strict" } });
    let context = page(&service, "/v1/p", &[("Sec-GPC", "1")], odd).await;
    assert_eq!(context["privacy"], json!({ "gpc": true }));
    for headers in [&[][..], &[("Sec-GPC", "0")], &[("DNT", "1")]] {
        let context = page(&service, "/v1/p", headers, json!({})).await;
        assert_eq!(context.get("privacy"), None, "{headers:?}");
    }
    let pixel = format!("/v1/pixel/page?writeKey={KEY}&anonymousId=a");
    service
        .send(&request("GET", &pixel, &[("Sec-GPC", "1")], b""))
        .await;
    assert_eq!(service.events()[0]["context"]["privacy"]["gpc"], true);
}

const COOKIES: (&str, &str) = (
    "Cookie",
    "session=canary; _epik=dj0yCookie; _fbc=fb.1.1600000000000.Old; _fbp=fb.1.1600000000000.123; csrf=canary; \
     ttclid=E.C.P.cookie; _ttp=2Abc; _ga=canary; x_epik=canary",
);

#[tokio::test]
async fn click_ids_are_kept_only_if_the_setting_says_so() {
    let service = Service::start().await;
    let context = page(
        &service,
        "/v1/p",
        &[COOKIES, ("Referer", "https://shop.example/")],
        json!({}),
    )
    .await;
    assert_eq!((context.get("click_ids"), context.get("page")), (None, None));

    let service = Service::with(json!({ "click_ids": true })).await;
    let context = page(&service, "/v1/p", &[COOKIES], json!({})).await;
    assert_eq!(
        context["click_ids"],
        json!({
            "_epik": "dj0yCookie", "_fbc": "fb.1.1600000000000.Old", "_fbp": "fb.1.1600000000000.123",
            "ttclid": "E.C.P.cookie", "_ttp": "2Abc"
        })
    );
    assert!(!context.to_string().contains("canary"), "{context}");
    let none = page(&service, "/v1/p", &[("Cookie", "session=canary")], json!({})).await;
    assert_eq!(none.get("click_ids"), None);
    // Servers and apps have no cookies of a visitor's browser.
    let server = json!({ "context": { "library": { "name": "analytics-python" } } });
    let context = page(&service, "/v1/batch", &[COOKIES], server).await;
    assert_eq!(context.get("click_ids"), None);
    let app = json!({ "context": { "library": { "name": "analytics-ios" } } });
    let context = page(&service, "/v1/b", &[COOKIES], app).await;
    assert_eq!(context.get("click_ids"), None);
}

#[tokio::test]
async fn ids_in_the_address_of_the_page_are_newer_than_cookies() {
    let service = Service::with(json!({ "click_ids": true })).await;
    let at =
        |url: &str| json!({ "timestamp": "2026-03-01T00:00:00Z", "context": { "page": { "url": url } } });
    let url = "https://shop.example/p?epik=dj0yUrl&fbclid=IwAR1&ttclid=E.C.P.url";
    let context = page(&service, "/v1/p", &[COOKIES], at(url)).await;
    let ids = &context["click_ids"];
    assert_eq!(
        (&ids["_epik"], &ids["_fbc"], &ids["ttclid"], &ids["_ttp"]),
        (
            &json!("dj0yUrl"),
            &json!("fb.1.1772323200000.IwAR1"),
            &json!("E.C.P.url"),
            &json!("2Abc")
        )
    );
    // The cookie of the same click knows its time better.
    let context = page(
        &service,
        "/v1/p",
        &[COOKIES],
        at("https://shop.example/p?fbclid=Old"),
    )
    .await;
    assert_eq!(context["click_ids"]["_fbc"], "fb.1.1600000000000.Old");
    // A member that the sender has set stays.
    let mut set = at(url);
    set["context"]["click_ids"] = json!({ "_epik": "own" });
    let context = page(&service, "/v1/p", &[COOKIES], set).await;
    assert_eq!(
        (&context["click_ids"]["_epik"], &context["click_ids"]["_ttp"]),
        (&json!("own"), &json!("2Abc"))
    );
    for bad in [
        "_epik=a b",
        "_epik=",
        "_epik",
        "_epik=undefined",
        "_epik=\"null\"",
    ] {
        let context = page(&service, "/v1/p", &[("Cookie", bad)], json!({})).await;
        assert_eq!(context.get("click_ids"), None, "{bad}");
    }
    let odd = json!({ "context": { "click_ids": "own", "page": "own" } });
    let context = page(
        &service,
        "/v1/p",
        &[COOKIES, ("Referer", "https://shop.example/p")],
        odd,
    )
    .await;
    assert_eq!(
        (&context["click_ids"], &context["page"]),
        (&json!("own"), &json!("own"))
    );
    let long = format!("_epik={}", "x".repeat(1001));
    let context = page(&service, "/v1/p", &[("Cookie", &long)], json!({})).await;
    assert_eq!(context.get("click_ids"), None);
}

#[tokio::test]
async fn the_referer_is_the_page_if_the_sdk_sent_none() {
    let service = Service::with(json!({ "click_ids": true })).await;
    let referer = ("Referer", "https://shop.example/p?epik=dj0yReferer");
    let context = page(&service, "/v1/p", &[referer], json!({})).await;
    assert_eq!(context["page"]["url"], "https://shop.example/p?epik=dj0yReferer");
    assert_eq!(context["click_ids"], json!({ "_epik": "dj0yReferer" }));
    let own = json!({ "context": { "page": { "url": "https://shop.example/own" } } });
    let context = page(&service, "/v1/p", &[referer], own).await;
    assert_eq!(context["page"]["url"], "https://shop.example/own");
    assert_eq!(context.get("click_ids"), None);
    let context = page(&service, "/v1/p", &[("Referer", "about:blank")], json!({})).await;
    assert_eq!(context.get("page"), None);
}

#[tokio::test]
async fn places_come_from_trusted_proxies_only() {
    let headers = [("CF-IPCountry", "US"), ("CF-Region-Code", "CA")];
    let names = json!(["cf-ipcountry", "CF-Region-Code"]);
    let settings = |proxies: &str| json!({ "trusted_proxies": [proxies], "trusted_headers": names });
    let service = Service::with(settings("127.0.0.1")).await;
    let context = page(&service, "/v1/p", &headers, json!({})).await;
    assert_eq!(context["location"], json!({ "country": "US", "region": "CA" }));
    let known = json!({ "context": { "location": { "country": "FR" } } });
    let context = page(&service, "/v1/p", &headers, known).await;
    assert_eq!(context["location"], json!({ "country": "FR" }));
    let server = json!({ "context": { "library": { "name": "analytics-python" } } });
    let context = page(&service, "/v1/batch", &headers, server).await;
    assert_eq!(context.get("location"), None);
    let service = Service::with(settings("10.0.0.0/8")).await;
    let context = page(&service, "/v1/p", &headers, json!({})).await;
    assert_eq!(context.get("location"), None);
}

/// Collects the log.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_trusted_is_told_once() {
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .finish();
    let _log = tracing::subscriber::set_default(log);
    let count = || {
        let lines = lines.0.lock().unwrap();
        let text = String::from_utf8_lossy(&lines).into_owned();
        assert!(!text.contains("203.0.113.7"), "{text}");
        text.matches("trusted_proxies = [\"127.0.0.1\"]").count()
    };
    let service = Service::start().await;
    page(&service, "/v1/p", &[], json!({})).await;
    assert_eq!(count(), 0);
    for header in ["X-Forwarded-For", "Forwarded", "CF-Connecting-IP"] {
        page(&service, "/v1/p", &[(header, "203.0.113.7")], json!({})).await;
        assert_eq!(count(), 1, "{header}");
    }
    assert_eq!(service.vitals.notes().len(), 1);
    assert!(service.vitals.notes()[0].contains("trusted_proxies"));
    let trusting = Service::with(json!({ "trusted_proxies": ["127.0.0.0/8"] })).await;
    page(
        &trusting,
        "/v1/p",
        &[("X-Forwarded-For", "203.0.113.7")],
        json!({}),
    )
    .await;
    assert_eq!(count(), 1);
    assert!(trusting.vitals.notes().is_empty());
}
