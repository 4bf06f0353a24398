//! Requests that are not, or not clearly, for this source: hosts, wrong keys.

use serde_json::json;

use crate::support::{Answer, KEY, Service, basic, request};

const EVENT: &[u8] = br#"{"event":"E","userId":"u"}"#;

#[tokio::test]
async fn a_request_has_exactly_one_host() {
    let service = Service::start().await;
    let event = String::from_utf8(request(
        "POST",
        "/v1/track",
        &[("Authorization", &basic(KEY))],
        EVENT,
    ))
    .unwrap();
    for (hosts, version, status) in [
        ("", "1.1", 400),
        ("Host: a\r\nHost: b\r\n", "1.1", 400),
        ("Host: a\r\nHost: a\r\n", "1.0", 400),
        ("Host: a\r\n", "1.1", 200),
        // Old health checks ask like this.
        ("", "1.0", 200),
    ] {
        let bytes = event
            .replace("Host: localhost\r\n", hosts)
            .replace("HTTP/1.1", &format!("HTTP/{version}"));
        let mut connection = service.connect().await;
        connection.write(bytes.as_bytes()).await;
        let answer = connection.answer().await;
        assert_eq!(answer.status, status, "{hosts:?} {version}");
        if status == 400 {
            assert_eq!(answer.code(), "invalid_host");
            assert!(connection.try_answer().await.is_none(), "nothing more is read");
        }
    }
    assert_eq!(service.events().len(), 2);
}

async fn send(service: &Service, key: &str, client: &str) -> Answer {
    let key = basic(key);
    let headers = [("Authorization", key.as_str()), ("X-Forwarded-For", client)];
    service.post_with("/v1/track", &headers, EVENT).await
}

#[tokio::test]
async fn an_address_that_sends_wrong_keys_is_told_to_slow_down_and_right_keys_are_not() {
    let service = Service::with(json!({"trusted_proxies": ["127.0.0.0/8"]})).await;
    let mut statuses = Vec::new();
    for _ in 0..60 {
        statuses.push(send(&service, "wrong", "203.0.113.7").await.status);
    }
    assert!(statuses[..30].iter().all(|status| *status == 401), "{statuses:?}");
    assert_eq!(statuses[59], 429);
    let answer = send(&service, "wrong", "made.up, 203.0.113.7, 127.0.0.9").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (429, "invalid_write_key")
    );
    let seconds: u64 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&seconds), "{seconds}");
    let settings = request(
        "GET",
        "/v1/projects/wrong/settings",
        &[("X-Forwarded-For", "203.0.113.7")],
        b"",
    );
    assert_eq!(service.send(&settings).await.status, 429);

    // Neither the neighbours behind that address nor others behind the proxy suffer for it.
    assert_eq!(send(&service, KEY, "203.0.113.7").await.status, 200);
    let others = [1, 2, 3].map(|n| format!("198.51.100.{n}"));
    let mut refused = 0;
    for other in &others {
        refused += usize::from(send(&service, "wrong", other).await.status == 429);
    }
    // Two addresses may happen to share a bucket.
    assert!(refused <= 1, "{refused}");
    assert!(
        service
            .refused()
            .iter()
            .all(|(_, code)| code == "invalid_write_key")
    );
}

#[tokio::test]
async fn where_wrong_keys_are_dropped_they_are_answered_as_ever() {
    let service = Service::with(json!({"unknown_key": "drop"})).await;
    for _ in 0..80 {
        assert_eq!(send(&service, "wrong", "203.0.113.7").await.status, 200);
    }
    assert!(service.events().is_empty());
}
