//! Clients that mean harm, or are broken.

use std::time::Duration;

use serde_json::json;
use tokio::io::AsyncReadExt;

use crate::support::{KEY, Service, basic, request};

const EVENT: &str = r#"{"event":"E","userId":"u"}"#;

/// A request with these further header lines, and another one hidden behind it.
fn smuggler(lines: &str, body: &str) -> Vec<u8> {
    let hidden = request(
        "POST",
        "/v1/track",
        &[("Authorization", &basic(KEY))],
        EVENT.as_bytes(),
    );
    let mut out = format!("POST /v1/m HTTP/1.1\r\nHost: localhost\r\n{lines}\r\n{body}").into_bytes();
    out.extend(hidden);
    out
}

#[tokio::test]
async fn what_two_servers_could_read_differently_hides_no_request() {
    let service = Service::start().await;
    let chunked = "2\r\n{}\r\n0\r\n\r\n";
    for (lines, body, status) in [
        // Refused: two lengths.
        ("Content-Length: 2\r\nContent-Length: 3\r\n", "{}", Some(400)),
        ("Content-Length: 2, 2\r\n", "{}", Some(400)),
        ("Content-Length: +2\r\n", "{}", Some(400)),
        ("Content-Length: 0x2\r\n", "{}", Some(400)),
        ("Content-Length: 99999999999999999999\r\n", "{}", Some(400)),
        ("Content-Length:\r\n", "{}", Some(400)),
        // Refused: it is not chunked, though other servers may read it so.
        ("Transfer-Encoding: xchunked\r\n", chunked, Some(400)),
        ("Transfer-Encoding: chunked, identity\r\n", chunked, Some(400)),
        ("Transfer-Encoding: identity\r\n", chunked, Some(400)),
        // Refused: header lines that are none.
        ("Content-Length : 2\r\n", "{}", Some(400)),
        ("X: a\r\n Content-Length: 2\r\n", "{}", Some(400)),
        ("Content-Length: 2\r\n \r\n", "{}", Some(400)),
        ("X\0: a\r\nContent-Length: 2\r\n", "{}", Some(400)),
        ("X: a\rContent-Length: 2\r\n", "{}", Some(400)),
        // Answered, and nothing more is read.
        (
            "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
            chunked,
            Some(200),
        ),
        ("Transfer-Encoding: chunked\r\n", chunked, Some(200)),
        (
            "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
            chunked,
            Some(200),
        ),
        (
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n",
            chunked,
            Some(200),
        ),
        (
            "Transfer-Encoding: chunked\r\n",
            "2;a=b\r\n{}\r\n0\r\nX: y\r\n\r\n",
            Some(200),
        ),
        (
            "Transfer-Encoding: chunked\r\n",
            "-2\r\n{}\r\n0\r\n\r\n",
            Some(400),
        ),
        ("Transfer-Encoding: chunked\r\n", "2\r\n{}0\r\n\r\n", Some(400)),
        (
            "Transfer-Encoding: chunked\r\n",
            "fffffffffffffffff\r\n{}",
            Some(400),
        ),
    ] {
        let mut connection = service.connect().await;
        connection.write(&smuggler(lines, body)).await;
        let answer = connection.try_answer().await;
        assert_eq!(
            answer.as_ref().map(|answer| answer.status),
            status,
            "{lines:?} {body:?}"
        );
        // Reads to the end of the connection: no second answer.
        assert!(connection.try_answer().await.is_none(), "{lines:?} {body:?}");
        assert!(service.events().is_empty(), "{lines:?} {body:?}");
    }
    // A request without ambiguity may go on.
    let mut connection = service.connect().await;
    connection
        .write(&smuggler("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"))
        .await;
    assert_eq!(connection.answer().await.status, 200);
    assert_eq!(connection.answer().await.status, 200);
    assert_eq!(service.events().len(), 1);
}

#[tokio::test]
async fn a_chunked_request_is_the_last_of_its_connection() {
    let service = Service::start().await;
    let mut connection = service.connect().await;
    connection
        .write(b"POST /v1/m HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
        .await;
    let answer = connection.answer().await;
    assert_eq!((answer.status, answer.header("connection")), (200, Some("close")));
}

#[tokio::test]
async fn too_many_headers_and_methods_nobody_knows() {
    let service = Service::start().await;
    let many = format!("GET / HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: y\r\n".repeat(1000));
    assert_eq!(service.send(many.as_bytes()).await.status, 431);
    let target = format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(100_000));
    let answer = service.send(target.as_bytes()).await;
    assert!([414, 431].contains(&answer.status), "{}", answer.status);
    for (line, status) in [
        ("CONNECT example.com:80 HTTP/1.1", 404),
        ("OPTIONS * HTTP/1.1", 404),
        ("TRACE /v1/track HTTP/1.1", 405),
        ("GET http://elsewhere.example/v1/track HTTP/1.1", 405),
    ] {
        let request = format!("{line}\r\nHost: a\r\n\r\n");
        assert_eq!(service.send(request.as_bytes()).await.status, status, "{line}");
    }
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_hung_up_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("standalone.js");
    std::fs::write(&file, " ".repeat(1_000_000)).unwrap();
    let settings =
        json!({"analytics_js": file.to_str().unwrap(), "read_timeout": "100ms", "max_connections": 1});
    let service = Service::with(settings).await;
    let mut greedy = service.connect().await;
    let get = request(
        "GET",
        &format!("/analytics.js/v1/{KEY}/analytics.min.js"),
        &[],
        b"",
    );
    greedy.write(&get.repeat(100)).await;
    // The only connection there may be: another gets in once the first is given up.
    assert_eq!(service.post("/v1/track", EVENT).await.status, 200);
    let mut taken = 0;
    let mut buffer = vec![0; 1 << 20];
    while let Ok(read @ 1..) = greedy.stream.read(&mut buffer).await {
        taken += read;
    }
    assert!(taken < 100_000_000, "{taken}");
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_trusted_proxies_more() {
    let key = basic(KEY);
    let event = request("POST", "/v1/track", &[("Authorization", &key)], EVENT.as_bytes());
    let service = Service::with(json!({"max_connections_per_address": 1})).await;
    let mut first = service.connect().await;
    first.write(&event).await;
    assert_eq!(first.answer().await.status, 200);
    let mut second = service.connect().await;
    second.write(&event).await;
    assert!(second.try_answer().await.is_none());
    drop(first);
    // The place is free once the server has seen the end.
    let third = async {
        loop {
            let mut third = service.connect().await;
            third.write(&event).await;
            if let Some(answer) = third.try_answer().await {
                return answer;
            }
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(60), third)
        .await
        .unwrap();
    assert_eq!(answer.status, 200);

    let settings = json!({"max_connections_per_address": 1, "trusted_proxies": ["127.0.0.1"]});
    let service = Service::with(settings).await;
    let (mut first, mut second) = (service.connect().await, service.connect().await);
    for connection in [&mut first, &mut second] {
        connection.write(&event).await;
        assert_eq!(connection.answer().await.status, 200);
    }
}

#[tokio::test]
async fn many_requests_at_once_are_answered_in_order() {
    let service = Service::start().await;
    let mut connection = service.connect().await;
    let key = basic(KEY);
    let mut bytes = Vec::new();
    for i in 0..200 {
        let body = if i % 2 == 0 { EVENT } else { "{" };
        bytes.extend(request(
            "POST",
            "/v1/track",
            &[("Authorization", &key)],
            body.as_bytes(),
        ));
    }
    connection.write(&bytes).await;
    for i in 0..200 {
        let status = connection.answer().await.status;
        assert_eq!(status, if i % 2 == 0 { 200 } else { 400 });
    }
    assert_eq!(service.events().len(), 100);
}
