//! Requests of SDKs without recordings, built from Segment's documentation and the SDKs'
//! sources, at the versions named.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::{KEY, Service, basic};

struct Shape {
    sdk: &'static str,
    target: &'static str,
    /// `Authorization: Basic`.
    header_key: bool,
    headers: &'static [(&'static str, &'static str)],
    gzip: bool,
    chunked: bool,
    body: Value,
    /// Members of its first event, by JSON pointer.
    wanted: Vec<(&'static str, Value)>,
    device: bool,
}

impl Shape {
    fn bytes(&self) -> Vec<u8> {
        let mut body = self.body.to_string().into_bytes();
        let mut head = format!("POST {} HTTP/1.1\r\nHost: events.example.com\r\n", self.target);
        if self.header_key {
            head += &format!("Authorization: {}\r\n", basic(KEY));
        }
        for (name, value) in self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        if self.gzip {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&body).unwrap();
            body = encoder.finish().unwrap();
            head += "Content-Encoding: gzip\r\n";
        }
        if self.chunked {
            let mut framed = Vec::new();
            for chunk in body.chunks(50) {
                framed.extend(format!("{:x}\r\n", chunk.len()).bytes());
                framed.extend(chunk);
                framed.extend(b"\r\n");
            }
            framed.extend(b"0\r\n\r\n");
            body = framed;
            head += "Transfer-Encoding: chunked\r\n\r\n";
        } else {
            head += &format!("Content-Length: {}\r\n\r\n", body.len());
        }
        [head.into_bytes(), body].concat()
    }
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

fn event(id: &str, more: Value) -> Value {
    let mut event = json!({
        "type": "track",
        "event": "Order Completed",
        "userId": "u-1",
        "messageId": id,
        "properties": {"revenue": 25.10, "currency": "EUR", "name": "Käsekuchen 🍰"},
    });
    for (key, value) in more.as_object().unwrap() {
        event[key] = value.clone();
    }
    event
}

fn servers() -> Vec<Shape> {
    let server = |sdk, target, headers, body, wanted| Shape {
        sdk,
        target,
        header_key: true,
        headers,
        gzip: false,
        chunked: false,
        body,
        wanted,
        device: false,
    };
    vec![
        server(
            "analytics-go 3.0.0",
            "/v1/batch",
            &[JSON, ("User-Agent", "analytics-go (version: 3.0.0)")],
            json!({
                "messageId": "of-the-batch",
                "sentAt": "2026-03-01T12:00:00.123456789Z",
                "batch": [event("go-1", json!({
                    "timestamp": "2026-03-01T13:00:00.987654321+01:00",
                    "integrations": {"all": false, "Webhooks": true},
                }))],
                "context": {"library": {"name": "analytics-go", "version": "3.0.0"}},
            }),
            vec![
                ("/messageId", json!("go-1")),
                ("/context/library/name", json!("analytics-go")),
                ("/integrations", json!({"all": false, "Webhooks": true})),
                ("/originalTimestamp", json!("2026-03-01T12:00:00.987Z")),
                ("/sentAt", json!("2026-03-01T12:00:00.123Z")),
            ],
        ),
        server(
            "analytics-java 3.5.5",
            "/v1/import/",
            &[
                ("Content-Type", "application/json; charset=UTF-8"),
                ("User-Agent", "analytics-java/3.5.5"),
                ("X-Retry-Count", "2"),
            ],
            json!({
                "batch": [event("java-1", json!({
                    "anonymousId": null,
                    "timestamp": "2026-03-01T12:00:00.000Z",
                    "sentAt": "2026-03-01T12:00:01.000Z",
                    "context": {"traits": {"email": "a@example.com"}},
                }))],
                "sentAt": "2026-03-01T12:00:02.000Z",
                "context": {"library": {"name": "analytics-java", "version": "3.5.5"}},
                "writeKey": KEY,
                "sequence": 1,
            }),
            vec![
                ("/context/library/version", json!("3.5.5")),
                ("/context/traits/email", json!("a@example.com")),
                ("/sentAt", json!("2026-03-01T12:00:01.000Z")),
                ("/channel", json!("server")),
            ],
        ),
        server(
            "analytics-ruby 2.5.0",
            "/v1/import",
            &[
                JSON,
                ("User-Agent", "analytics-ruby/2.5.0"),
                ("Accept", "application/json"),
                ("Accept-Encoding", "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"),
            ],
            json!({"sentAt": "2026-03-01T12:00:02.000Z", "batch": [event("ruby-1", json!({
                "timestamp": "2026-03-01T12:00:00.123+00:00",
                "context": {"library": {"name": "analytics-ruby", "version": "2.5.0"}},
            }))]}),
            vec![("/originalTimestamp", json!("2026-03-01T12:00:00.123Z"))],
        ),
        server(
            "analytics-php 3.8.2, LibCurl",
            "/v1/batch",
            &[
                JSON,
                ("User-Agent", "analytics-php/3.8.2"),
                ("Expect", "100-continue"),
            ],
            json!({"batch": [event("php-1", json!({
                "timestamp": "2026-03-01T12:00:00+00:00",
                "context": {"library": {"name": "analytics-php", "version": "3.8.2", "consumer": "LibCurl"}},
            }))], "sentAt": "2026-03-01T12:00:01+00:00"}),
            vec![
                ("/originalTimestamp", json!("2026-03-01T12:00:00.000Z")),
                ("/context/library/consumer", json!("LibCurl")),
            ],
        ),
        Shape {
            gzip: true,
            ..server(
                "Analytics.NET 3.8",
                "/v1/import",
                &[JSON],
                json!({"batch": [event("net-1", json!({
                    "timestamp": "2026-03-01T12:00:00.1234567Z",
                    "context": {"library": {"name": "Analytics.NET", "version": "3.8.0"}},
                }))], "messageId": "b", "sentAt": "2026-03-01T12:00:01.1234567Z"}),
                vec![
                    ("/originalTimestamp", json!("2026-03-01T12:00:00.123Z")),
                    ("/channel", json!("server")),
                ],
            )
        },
    ]
}

fn devices() -> Vec<Shape> {
    let device = |sdk, target, headers, body, wanted| Shape {
        sdk,
        target,
        header_key: false,
        headers,
        gzip: false,
        chunked: false,
        body,
        wanted,
        device: true,
    };
    let library = |name: &str| json!({"library": {"name": name, "version": "1"}, "device": {"id": "d"}});
    let mobile = ("/channel", json!("mobile"));
    vec![
        Shape {
            gzip: true,
            chunked: true,
            ..device(
                "analytics-kotlin 1.24.1",
                "/v1/b",
                &[
                    ("Content-Type", "text/plain"),
                    ("User-Agent", "analytics-kotlin/1.24.1"),
                ],
                json!({"batch": [event("kotlin-1", json!({
                    "anonymousId": "a",
                    "timestamp": "2026-03-01T12:00:00.000Z",
                    "context": library("analytics-kotlin"),
                    "integrations": {},
                    "_metadata": {"bundled": [], "unbundled": [], "bundledIds": []},
                }))], "sentAt": "2026-03-01T12:00:01.000Z", "writeKey": KEY}),
                vec![mobile.clone(), ("/_metadata/bundled", json!([]))],
            )
        },
        device(
            "analytics-swift 1.9.4",
            "/v1/b",
            &[
                ("Content-Type", "application/json; charset=utf-8"),
                ("User-Agent", "analytics-ios/1.9.4"),
            ],
            json!({"batch": [event("swift-1", json!({"anonymousId": "a", "context": library("analytics-swift")}))],
                "sentAt": "2026-03-01T12:00:01.000Z", "writeKey": KEY}),
            vec![mobile.clone()],
        ),
        device(
            "analytics-react-native 2026-06",
            "/v1/b",
            &[
                ("Content-Type", "application/json; charset=utf-8"),
                ("X-Retry-Count", "1"),
            ],
            json!({"batch": [event("rn-1", json!({
                "anonymousId": "a",
                "context": library("@segment/analytics-react-native"),
            }))], "sentAt": "2026-03-01T12:00:01.000Z", "writeKey": KEY}),
            vec![mobile.clone()],
        ),
        Shape {
            gzip: true,
            ..device(
                "Analytics-CSharp 2.6, without a Content-Type",
                "/v1/b",
                &[],
                json!({"batch": [event("cs-1", json!({
                    "anonymousId": "a",
                    "timestamp": "2026-03-01T12:00:00.1234567Z",
                    "context": library("Analytics-CSharp"),
                }))], "sentAt": "2026-03-01T12:00:01.1234567Z", "writeKey": KEY}),
                vec![
                    mobile.clone(),
                    ("/originalTimestamp", json!("2026-03-01T12:00:00.123Z")),
                ],
            )
        },
        Shape {
            gzip: true,
            ..device(
                "analytics-android 4.x",
                "/v1/import",
                &[JSON, ("User-Agent", "analytics-android/4.11.3")],
                json!({"batch": [event("android-1", json!({"anonymousId": "a", "context": library("analytics-android")}))],
                    "sentAt": "2026-03-01T12:00:01.000Z", "writeKey": KEY}),
                vec![mobile.clone()],
            )
        },
        Shape {
            gzip: true,
            ..device(
                "analytics-ios 4.x",
                "/v1/batch",
                &[JSON, ("Accept-Encoding", "gzip")],
                json!({"batch": [event("ios-1", json!({"anonymousId": "a", "context": library("analytics-ios")}))],
                    "sentAt": "2026-03-01T12:00:01.000Z", "writeKey": KEY}),
                vec![mobile],
            )
        },
        device(
            "classic analytics.js 4.1",
            "/v1/t",
            &[
                ("Content-Type", "text/plain"),
                ("Origin", "https://shop.example"),
                ("User-Agent", "Mozilla/5.0"),
            ],
            event(
                "ajs-1",
                json!({
                    "anonymousId": "a",
                    "timestamp": "2026-03-01T12:00:00.000Z",
                    "sentAt": "2026-03-01T12:00:00.004Z",
                    "writeKey": KEY,
                    "integrations": {},
                    "context": {"library": {"name": "analytics.js", "version": "4.1.0"},
                        "page": {"url": "https://shop.example/", "path": "/"}, "campaign": {"name": "spring"}},
                    "_metadata": {"bundled": ["Segment.io"], "unbundled": []},
                }),
            ),
            vec![
                ("/channel", json!("browser")),
                ("/context/campaign/name", json!("spring")),
                ("/context/userAgent", json!("Mozilla/5.0")),
            ],
        ),
    ]
}

#[tokio::test]
async fn every_shape_is_taken_whole() {
    let service = Service::start().await;
    for shape in servers().into_iter().chain(devices()) {
        let sdk = shape.sdk;
        let mut connection = service.connect().await;
        connection.write(&shape.bytes()).await;
        let mut answer = connection.answer().await;
        if answer.status == 100 {
            answer = connection.answer().await;
        }
        assert_eq!(
            (answer.status, &*answer.body),
            (200, &br#"{"success": true}"#[..]),
            "{sdk}"
        );
        assert_eq!(answer.header("content-type"), Some("application/json"), "{sdk}");
        let events = service.events();
        let [event] = events.as_slice() else {
            panic!("{sdk}: {} events", events.len());
        };
        let sent = &shape.body["batch"].get(0).unwrap_or(&shape.body);
        for field in ["type", "event", "userId", "messageId", "properties"] {
            assert_eq!(event[field], sent[field], "{sdk}: {field}");
        }
        for (pointer, wanted) in &shape.wanted {
            assert_eq!(event.pointer(pointer), Some(wanted), "{sdk}: {pointer}");
        }
        assert_eq!(
            event["context"]["ip"] == "127.0.0.1",
            shape.device,
            "{sdk}: context.ip"
        );
        assert!(
            event.get("writeKey").is_none() && event["receivedAt"].is_string(),
            "{sdk}"
        );
    }
    assert!(service.rejected().is_empty() && service.refused().is_empty());
}
