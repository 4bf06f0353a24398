//! Connections that send without end and never complete a request.

use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{sleep, timeout};

use crate::support::Service;
use crate::tls::{Files, connect};

/// More bytes than the buffers of both sides can hold.
const PLENTY: usize = 64_000_000;

/// The beginning of HTTP/2: the preface, and empty settings.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A PRIORITY frame for stream 1: depends on stream 0, not exclusive, with the usual weight.
const PRIORITY: &[u8] = b"\0\0\x05\x02\0\0\0\0\x01\0\0\0\0\x0f";

/// A WINDOW_UPDATE frame for the connection, by one.
const WINDOW_UPDATE: &[u8] = b"\0\0\x04\x08\0\0\0\0\0\0\0\0\x01";

/// A HEADERS frame for `POST https://localhost` with this path, without the end of the stream.
pub(crate) fn post(stream: u32, path: &str) -> Vec<u8> {
    let mut block = vec![0x83, 0x87, 4, path.len() as u8];
    block.extend(path.as_bytes());
    block.extend(b"\x01\x09localhost");
    let mut frame = vec![0, 0, block.len() as u8, 1, 4];
    frame.extend(stream.to_be_bytes());
    frame.extend(block);
    frame
}

/// Writes until the other side has ended the connection; returns the number of bytes.
async fn write_on(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> usize {
    let mut written = 0;
    while written < PLENTY && stream.write_all(bytes).await.is_ok() {
        written += bytes.len();
    }
    written
}

async fn flood(frame: &[u8]) {
    let (files, certificate) = Files::new();
    let settings = json!({"tls": files.settings(), "read_timeout": "10m"});
    let service = Service::with(settings).await;
    let mut stream = connect(&service, &certificate, "h2").await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    let frames = frame.repeat(1_000);
    let flood = write_on(&mut stream, &frames);
    let written = timeout(Duration::from_secs(60), flood).await.unwrap();
    assert!(written < PLENTY, "{written} bytes");
}

#[tokio::test]
async fn priority_frames_without_end_end_the_connection() {
    flood(PRIORITY).await;
}

#[tokio::test]
async fn window_updates_without_end_end_the_connection() {
    flood(WINDOW_UPDATE).await;
}

#[tokio::test]
async fn chunks_of_one_byte_end_the_connection_before_the_body_is_full() {
    let service = Service::with(json!({"read_timeout": "10m"})).await;
    let mut connection = service.connect().await;
    let head = b"POST /v1/batch HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    connection.write(head).await;
    // This is 500 kB of body in 3 MB.
    connection.write(&b"1\r\nx\r\n".repeat(500_000)).await;
    connection.write(b"0\r\n\r\n").await;
    let answer = connection.try_answer().await;
    assert_ne!(
        answer.map(|answer| answer.code()).as_deref(),
        Some("invalid_json"),
        "read to its end"
    );
}

#[tokio::test]
async fn requests_opened_and_dropped_for_longer_than_the_read_timeout_end_the_connection() {
    let (files, certificate) = Files::new();
    let settings = json!({"tls": files.settings(), "read_timeout": "500ms"});
    let service = Service::with(settings).await;
    let mut stream = connect(&service, &certificate, "h2").await.unwrap();
    stream.write_all(PREFACE).await.unwrap();
    let (mut reading, mut writing) = tokio::io::split(stream);
    let ended = tokio::spawn(async move { while matches!(reading.read(&mut [0; 4096]).await, Ok(1..)) {} });
    let dropping = async {
        for stream in (1u32..).step_by(2) {
            // HEADERS, then RST_STREAM.
            let mut frames = post(stream, "/v1/m");
            frames.extend([0, 0, 4, 3, 0]);
            frames.extend(stream.to_be_bytes());
            frames.extend(8u32.to_be_bytes());
            if writing.write_all(&frames).await.is_err() || ended.is_finished() {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(
        timeout(Duration::from_secs(20), dropping).await.is_ok(),
        "still there"
    );
}
