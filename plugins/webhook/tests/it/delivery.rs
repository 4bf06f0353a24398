//! Requests that go out, and the outcomes of their answers.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use signalbox_core::{Batch, Event, Framing, Outcome, Prepared, Receipt, Record, Resend, Sink, Verdict};

use crate::build;
use crate::server::Server;

fn record(sink: &dyn Sink, text: &str) -> Record {
    let receipt = Receipt {
        source: "site".into(),
        received_at: 0,
    };
    let Prepared::Mapped(mut records) = sink.prepare(&Event::parse(text, receipt).unwrap()) else {
        panic!()
    };
    assert_eq!(records.len(), 1);
    records.remove(0).unwrap()
}

async fn deliver(sink: &dyn Sink, texts: &[&str]) -> Verdict {
    let records = texts.iter().map(|text| Arc::new(record(sink, text))).collect();
    sink.deliver(Batch::new(1, records)).await.into_parts().1
}

const ONE: &str = r#"{"type":"track","messageId":"m1","properties":{"id":12345678901234567890}}"#;
const TWO: &str = r#"{"type":"page","messageId":"m2","x":1.50}"#;

#[tokio::test]
async fn a_batch_is_an_array_of_the_events_as_they_are() {
    let server = Server::answering("202 Accepted").await;
    let sink = build(json!({
        "url": server.url,
        "headers": { "Authorization": "Bearer t", "user-agent": "own/1" },
    }))
    .unwrap();
    let Verdict::Settled(outcomes) = deliver(&*sink, &[ONE, TWO]).await else {
        panic!()
    };
    assert_eq!(outcomes, vec![Outcome::delivered(); 2]);
    let [(head, body)] = &server.seen()[..] else {
        panic!()
    };
    assert_eq!(*body, format!("[{ONE},{TWO}]"));
    assert!(head.starts_with("post /events?key=1 http/1.1\r\n"), "{head}");
    for line in [
        "authorization: bearer t",
        "content-type: application/json",
        "user-agent: own/1",
    ] {
        assert_eq!(head.lines().filter(|found| *found == line).count(), 1, "{head}");
    }
    let framing = sink.framing();
    assert_eq!(
        body.len(),
        framing.request + ONE.len() + framing.separator + TWO.len()
    );
}

#[tokio::test]
async fn single_mode_sends_the_object() {
    let server = Server::answering("200 OK").await;
    let settings = json!({ "url": server.url, "mode": "single", "method": "PUT" });
    let sink = build(settings).unwrap();
    assert!(matches!(deliver(&*sink, &[ONE]).await, Verdict::Settled(_)));
    let [(head, body)] = &server.seen()[..] else {
        panic!()
    };
    assert!(head.starts_with("put "), "{head}");
    assert_eq!(body, ONE);
    assert_eq!(
        sink.framing(),
        Framing {
            request: 0,
            separator: 1
        }
    );
}

#[tokio::test]
async fn a_record_is_named_by_its_sink_and_may_be_sent_again() {
    let sink = build(json!({ "url": "https://example.com" })).unwrap();
    let made = record(&*sink, ONE);
    assert_eq!(&*made.mapping, "warehouse");
    assert_eq!(made.dedup_key, None);
    assert_eq!(made.resend, Resend::Safe);
}

#[tokio::test]
async fn each_class_of_answer() {
    let verdict = async |status: &str| {
        let server = Server::answering(status).await;
        let sink = build(json!({
            "url": server.url,
            "retry_statuses": [404, 409],
            "reject_statuses": [503],
            "hold_statuses": [402],
        }))
        .unwrap();
        deliver(&*sink, &[ONE, TWO]).await
    };
    for (status, wanted) in [
        ("204 No Content\r\nX: 1", "delivered"),
        ("302 Found\r\nLocation: http://127.0.0.1:1/", "redirected"),
        ("400 Bad Request", "isolate request_refused"),
        ("401 Unauthorized", "hold unauthorized"),
        ("402 Payment Required", "hold request_refused"),
        ("404 Not Found", "not_found"),
        ("409 Conflict", "request_refused"),
        ("413 Content Too Large", "isolate request_too_large"),
        ("429 Too Many Requests", "rate_limited"),
        ("500 Internal Server Error", "server_error"),
        ("503 Service Unavailable", "isolate server_error"),
    ] {
        let found = match verdict(status).await {
            Verdict::Isolate(reason) => format!("isolate {}", reason.code()),
            Verdict::Hold(reason) => format!("hold {}", reason.code()),
            Verdict::Settled(outcomes) => {
                assert_eq!(outcomes.len(), 2);
                match &outcomes[0] {
                    Outcome::Delivered { .. } => "delivered".to_owned(),
                    Outcome::Retry { reason, .. } => {
                        assert!(!reason.message().contains("ada"), "{reason}");
                        reason.code().to_owned()
                    }
                    Outcome::Rejected(reason) => panic!("{status}: {reason}"),
                }
            }
            other => panic!("{status}: {other:?}"),
        };
        assert_eq!(found, wanted, "{status}");
    }
}

#[tokio::test]
async fn retry_after_is_kept() {
    let server = Server::answering("429 Too Many Requests\r\nRetry-After: 9").await;
    let sink = build(json!({ "url": server.url })).unwrap();
    let Verdict::Settled(outcomes) = deliver(&*sink, &[ONE]).await else {
        panic!()
    };
    assert!(
        matches!(outcomes[..], [Outcome::Retry { after: Some(wait), .. }] if wait == Duration::from_secs(9))
    );
}

#[tokio::test]
async fn the_probe_delivers_nothing() {
    for (status, works) in [
        ("200 OK", true),
        ("404 Not Found", true),
        ("405 Method Not Allowed", true),
        ("501 Not Implemented", true),
        ("401 Unauthorized", false),
        ("500 Internal Server Error", false),
        ("503 Service Unavailable", false),
    ] {
        let server = Server::answering(status).await;
        let sink = build(json!({ "url": server.url, "headers": { "x-key": "k" } })).unwrap();
        assert_eq!(sink.probe().await.is_ok(), works, "{status}");
        let [(head, body)] = &server.seen()[..] else {
            panic!()
        };
        assert!(
            head.starts_with("options ") && head.contains("x-key: k"),
            "{head}"
        );
        assert_eq!(body, "");
    }
    let server = Server::answering("404 Not Found").await;
    let settings = json!({ "url": "http://signalbox.invalid", "probe_url": server.url });
    let reason = build(settings).unwrap().probe().await.unwrap_err();
    assert_eq!(reason.code(), "not_found");
    assert!(server.seen()[0].0.starts_with("get "));
}
