//! The framing of requests on the wire.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::json;
use tokio::io::AsyncWriteExt;

use crate::support::{KEY, Service, basic, request};

const EVENT: &str = r#"{"event":"E","userId":"u"}"#;

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn head(line: &str, more: &str) -> String {
    format!(
        "{line}\r\nHost: localhost\r\nAuthorization: {}\r\n{more}\r\n",
        basic(KEY)
    )
}

#[tokio::test]
async fn one_connection_many_requests() {
    let service = Service::start().await;
    let mut connection = service.connect().await;
    let key = basic(KEY);
    let headers = [("Authorization", key.as_str())];
    for body in [EVENT, "{", EVENT] {
        connection
            .write(&request("POST", "/v1/track", &headers, body.as_bytes()))
            .await;
        let status = connection.answer().await.status;
        assert_eq!(status == 200, body == EVENT);
    }
    // Two at once, the second in two pieces.
    let mut two = request("POST", "/v1/track", &headers, EVENT.as_bytes()).repeat(2);
    let rest = two.split_off(two.len() - 10);
    connection.write(&two).await;
    assert_eq!(connection.answer().await.status, 200);
    connection.write(&rest).await;
    assert_eq!(connection.answer().await.status, 200);
    assert_eq!(service.events().len(), 4);
}

#[tokio::test]
async fn chunked_and_compressed() {
    let service = Service::start().await;
    let body = gzip(format!(r#"{{"batch":[{{"type":"page","userId":"u"}}],"writeKey":"{KEY}"}}"#).as_bytes());
    let mut bytes =
        b"POST /v1/b HTTP/1.1\r\nHost: x\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
            .to_vec();
    for chunk in body.chunks(7) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    assert_eq!(service.send(&bytes).await.status, 200);
    assert_eq!(service.events().len(), 1);

    let broken = head("POST /v1/track HTTP/1.1", "Transfer-Encoding: chunked\r\n") + "zz\r\n";
    let answer = service.send(broken.as_bytes()).await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "body_incomplete"));
}

#[tokio::test]
async fn compressed_bodies_are_bounded_and_whole() {
    let service = Service::start().await;
    let key = basic(KEY);
    let send = |encoding: &'static str, body: Vec<u8>| {
        let headers = [
            ("Authorization", key.clone()),
            ("Content-Encoding", encoding.to_owned()),
        ];
        let service = &service;
        async move {
            let headers: Vec<_> = headers
                .iter()
                .map(|(name, value)| (*name, value.as_str()))
                .collect();
            service.post_with("/v1/track", &headers, body).await
        }
    };
    let whole = gzip(EVENT.as_bytes());
    assert_eq!(send("gzip", whole.clone()).await.status, 200);
    assert_eq!(
        send("gzip", whole[..whole.len() - 3].to_vec()).await.code(),
        "corrupt_encoding"
    );
    assert_eq!(send("gzip", EVENT.into()).await.code(), "corrupt_encoding");
    assert_eq!(send("br", EVENT.into()).await.code(), "unsupported_encoding");
    assert_eq!(
        send("gzip", gzip(&vec![b' '; 1 << 20])).await.code(),
        "payload_too_large"
    );
    assert_eq!(service.events().len(), 1);
}

#[tokio::test]
async fn a_go_ahead_is_given_only_to_what_fits() {
    let service = Service::start().await;
    let mut connection = service.connect().await;
    let expect = |length: usize| {
        head(
            "POST /v1/track HTTP/1.1",
            &format!("Content-Length: {length}\r\nExpect: 100-continue\r\n"),
        )
    };
    connection.write(expect(EVENT.len()).as_bytes()).await;
    assert_eq!(connection.answer().await.status, 100);
    connection.write(EVENT.as_bytes()).await;
    assert_eq!(connection.answer().await.status, 200);

    let answer = service.send(expect(10_000_000).as_bytes()).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "payload_too_large")
    );
}

#[tokio::test]
async fn a_huge_body_is_answered_after_it_was_thrown_away() {
    let service = Service::start().await;
    let body = vec![b'x'; 1_300_000];
    let answer = service.post("/v1/batch", &body).await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "payload_too_large")
    );
    assert_eq!(service.refused(), [(1, "payload_too_large".into())]);
    // So much is not waited for.
    let answer = service
        .send(head("POST /v1/batch HTTP/1.1", "Content-Length: 99999999999\r\n\r\n{}").as_bytes())
        .await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_body_cut_off_is_not_processed() {
    let service = Service::start().await;
    let mut connection = service.connect().await;
    connection
        .write((head("POST /v1/track HTTP/1.1", "Content-Length: 100\r\n") + EVENT).as_bytes())
        .await;
    connection.stream.shutdown().await.unwrap();
    if let Some(answer) = connection.try_answer().await {
        assert_eq!(answer.status, 400);
    }
    assert_eq!(service.refused(), [(1, "body_incomplete".into())]);
    assert!(service.events().is_empty());
}

#[tokio::test]
async fn a_client_that_closes_its_side_is_answered() {
    let service = Service::start().await;
    let mut connection = service.connect().await;
    let key = basic(KEY);
    connection
        .write(&request(
            "POST",
            "/v1/track",
            &[("Authorization", &key)],
            EVENT.as_bytes(),
        ))
        .await;
    connection.stream.shutdown().await.unwrap();
    assert_eq!(connection.answer().await.status, 200);
    assert_eq!(service.events().len(), 1);
}

#[tokio::test]
async fn old_http_and_long_heads() {
    let service = Service::start().await;
    let old = head(
        "POST /v1/track HTTP/1.0",
        &format!("Content-Length: {}\r\n", EVENT.len()),
    ) + EVENT;
    let mut connection = service.connect().await;
    connection.write(old.as_bytes()).await;
    assert_eq!(connection.answer().await.status, 200);
    assert!(
        connection.try_answer().await.is_none(),
        "HTTP/1.0 ends with the answer"
    );

    let cookies = |length: usize| {
        head(
            "POST /v1/track HTTP/1.1",
            &format!(
                "Cookie: {}\r\nContent-Length: {}\r\n",
                "c".repeat(length),
                EVENT.len()
            ),
        ) + EVENT
    };
    assert_eq!(service.send(cookies(16_000).as_bytes()).await.status, 200);
    assert_eq!(service.send(cookies(70_000).as_bytes()).await.status, 431);
    assert_eq!(service.events().len(), 2);
}

#[tokio::test]
async fn slow_clients_are_hung_up_on() {
    let service = Service::with(json!({"read_timeout": "50ms"})).await;
    for part in [
        String::new(),
        "POST /v1/track HT".to_owned(),
        head("POST /v1/track HTTP/1.1", "Content-Length: 100\r\n") + "{",
        head("POST /v1/track HTTP/1.1", "Transfer-Encoding: chunked\r\n") + "1\r\n{\r\n",
    ] {
        let mut connection = service.connect().await;
        connection.write(part.as_bytes()).await;
        assert!(connection.try_answer().await.is_none(), "{part}");
    }
    assert_eq!(service.refused(), vec![(1, "body_too_slow".to_owned()); 2]);
}

#[tokio::test]
async fn nonsense_is_no_harm() {
    let service = Service::start().await;
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"GET\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let mut connection = service.connect().await;
        connection.write(bytes).await;
        let _ = connection.stream.shutdown().await;
        if let Some(answer) = connection.try_answer().await {
            assert_eq!(answer.status, 400);
        }
    }
    assert_eq!(service.post("/v1/track", EVENT).await.status, 200);
}
