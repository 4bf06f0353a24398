//! A client of few words, so that a test says every byte itself.

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The write key of every source in these tests.
pub(crate) const WRITE_KEY: &str = "zq-write-key-51";

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Status line and headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(found, _)| *found == name)
            .map(|(_, value)| value)
            .next()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

/// Sends a request over a new connection; `None` if no answer came.
pub(crate) async fn try_send(
    address: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    let mut request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n",
        body.len()
    );
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    stream.write_all(body).await.ok()?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    assert!(!head.to_lowercase().contains("chunked"), "{head}");
    Some(Answer {
        status,
        head: head.to_lowercase(),
        body: body.to_owned(),
    })
}

/// Sends a GET request, as an operator's tool does.
pub(crate) async fn get(address: &str, path: &str) -> Answer {
    let answer = try_send(address, "GET", path, &[("x-signalbox", "1")], b"").await;
    answer.unwrap_or_else(|| panic!("no answer from {address}{path}"))
}

/// POSTs to a source, with the write key.
pub(crate) async fn post(address: &str, path: &str, body: &str) -> Answer {
    let key = basic(WRITE_KEY);
    let headers = [
        ("authorization", key.as_str()),
        ("content-type", "application/json"),
    ];
    let answer = try_send(address, "POST", path, &headers, body.as_bytes()).await;
    answer.unwrap_or_else(|| panic!("no answer from {address}{path}"))
}

/// Posts events as one batch, which must be taken.
pub(crate) async fn post_all(address: &str, events: &[Value]) {
    let body = serde_json::json!({ "batch": events }).to_string();
    let answer = post(address, "/v1/batch", &body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// The `Authorization` of a write key.
pub(crate) fn basic(key: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::from("Basic ");
    for three in format!("{key}:").as_bytes().chunks(3) {
        let at = |i: usize| u32::from(three.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i <= three.len() { digit as char } else { '=' });
        }
    }
    out
}
