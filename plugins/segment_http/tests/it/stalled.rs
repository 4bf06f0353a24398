//! HTTP/2 requests whose bodies do not come.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use rustls::pki_types::CertificateDer;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use crate::support::{KEY, Service, basic};
use crate::surges::{PREFACE, post};
use crate::tls::{Files, connect, http2};

/// Far less time than the source takes to give up a silent request.
const SOON: Duration = Duration::from_secs(10);

/// A PING frame, and the types of frames that answer.
const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0stalled!";
const PONG: u8 = 6;
const RST_STREAM: u8 = 3;

fn track() -> Request<Full<Bytes>> {
    Request::post("https://localhost/v1/track")
        .header("authorization", basic(KEY))
        .body(Full::from(r#"{"event":"E","userId":"u"}"#))
        .unwrap()
}

/// Reads up to the next frame of a type; returns the number of its stream.
async fn frame(stream: &mut TlsStream<TcpStream>, wanted: u8) -> u32 {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.unwrap();
        let [_, high, low, kind, _, number @ ..] = head;
        let mut payload = vec![0; u16::from_be_bytes([high, low]).into()];
        stream.read_exact(&mut payload).await.unwrap();
        if kind == wanted {
            return u32::from_be_bytes(number);
        }
    }
}

/// Opens a hundred requests on a new connection and sends no body, but a PING behind them.
async fn stall(service: &Service, certificate: &CertificateDer<'static>) -> TlsStream<TcpStream> {
    let mut stream = connect(service, certificate, "h2").await.unwrap();
    let mut frames = PREFACE.to_vec();
    for number in (1..200).step_by(2) {
        frames.extend(post(number, "/v1/batch"));
    }
    frames.extend(PING);
    stream.write_all(&frames).await.unwrap();
    stream.flush().await.unwrap();
    stream
}

#[tokio::test]
async fn bodies_that_do_not_come_keep_no_request_of_other_connections_waiting() {
    let (files, certificate) = Files::new();
    let service = Service::with(json!({"tls": files.settings(), "read_timeout": "10m"})).await;
    let mut stalled = Vec::new();
    for _ in 0..12 {
        let mut stream = stall(&service, &certificate).await;
        frame(&mut stream, PONG).await;
        stalled.push(stream);
    }
    let mut honest = http2(&service, &certificate).await;
    for _ in 0..5 {
        let answer = timeout(SOON, honest.send_request(track())).await;
        assert_eq!(answer.expect("an answer at once").unwrap().status(), 200);
    }
    let reset = timeout(SOON, frame(&mut stalled[0], RST_STREAM)).await;
    assert_eq!(reset.expect("a reset"), 1, "the oldest gave way");
    assert_eq!(service.events().len(), 5);
}

#[tokio::test]
async fn requests_received_whole_give_way_to_nobody() {
    let (files, certificate) = Files::new();
    let settings = json!({"tls": files.settings(), "max_connections": 4, "read_timeout": "10m"});
    let service = Service::held_with(settings).await;
    // These are the oldest requests, of the address that has most.
    let mut honest = http2(&service, &certificate).await;
    let whole = [honest.send_request(track()), honest.send_request(track())];
    service.double.called(2).await;
    let mut stalled = stall(&service, &certificate).await;
    let reset = timeout(SOON, frame(&mut stalled, RST_STREAM)).await;
    assert_eq!(reset.expect("a reset"), 1);
    service.double.hold(false);
    for answer in whole {
        let answer = timeout(SOON, answer).await.expect("an answer at once");
        assert_eq!(answer.unwrap().status(), 200);
    }
}
