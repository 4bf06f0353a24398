//! Real SDKs' requests, sent again byte by byte.

use std::path::Path;

use base64::Engine;
use serde_json::Value;
use signalbox_segment::ingest::MAX_EVENT_BYTES;
use signalbox_segment::time::{Millis, parse_timestamp, write_iso};

use crate::support::Service;

struct Recording {
    name: String,
    sdk: String,
    target: String,
    headers: Vec<(String, String)>,
    method: String,
    body: Vec<u8>,
    text: String,
    status: u64,
}

fn recordings() -> Vec<Recording> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut files: Vec<_> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .flat_map(|folder| {
            std::fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().path())
        })
        .collect();
    files.sort();
    files.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Recording {
    let json: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let request = &json["request"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (body, plain) = match request["body_base64"].as_str() {
        Some(body) => (
            base64::engine::general_purpose::STANDARD.decode(body).unwrap(),
            text(&request["body_decompressed_utf8"]),
        ),
        None => (
            text(&request["body_utf8"]).into_bytes(),
            text(&request["body_utf8"]),
        ),
    };
    Recording {
        name: path.display().to_string(),
        sdk: text(&json["sdk"]),
        target: text(&request["target"]),
        headers: request["headers"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pair| (text(&pair[0]), text(&pair[1])))
            .collect(),
        method: text(&request["method"]),
        body,
        text: plain,
        status: json["reply"]["status"].as_u64().unwrap(),
    }
}

impl Recording {
    fn bytes(&self) -> Vec<u8> {
        let mut out = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in &self.headers {
            out += &format!("{name}: {value}\r\n");
        }
        out += "\r\n";
        let mut out = out.into_bytes();
        out.extend(&self.body);
        out
    }

    /// The client's intent: each event and the batch around it.
    fn sent(&self) -> (Vec<Value>, Value) {
        if self.method != "POST" || self.target == "/v1/m" {
            return (Vec::new(), Value::Null);
        }
        let body: Value = serde_json::from_str(&self.text).unwrap();
        match body.get("batch") {
            Some(batch) => (batch.as_array().unwrap().clone(), body),
            None => (vec![body], Value::Null),
        }
    }
}

#[tokio::test]
async fn every_recorded_request_is_answered_and_its_events_come_out() {
    let service = Service::start().await;
    let recordings = recordings();
    assert!(recordings.len() > 80);
    let mut total = 0;
    for recording in &recordings {
        let answer = service.send(&recording.bytes()).await;
        assert_eq!(u64::from(answer.status), recording.status, "{}", recording.name);
        if recording.method == "OPTIONS" {
            assert!(
                answer.header("access-control-allow-origin").is_some(),
                "{}",
                recording.name
            );
        } else if recording.status == 200 && recording.method == "POST" {
            assert_eq!(answer.body, br#"{"success": true}"#, "{}", recording.name);
        }
        let came_out = service.events();
        service.rejected();
        if recording.status != 200 {
            assert!(came_out.is_empty(), "{}", recording.name);
            continue;
        }
        let (mut sent, batch) = recording.sent();
        // The size is that of compact JSON; Python's blanks make no difference at this limit.
        sent.retain(|event| serde_json::to_string(event).unwrap().len() <= MAX_EVENT_BYTES);
        assert_eq!(came_out.len(), sent.len(), "{}", recording.name);
        for (sent, out) in sent.iter().zip(&came_out) {
            compare(recording, sent, &batch, out);
        }
        total += came_out.len();
    }
    assert!(total > 300, "{total} events");
}

fn compare(recording: &Recording, sent: &Value, batch: &Value, out: &Value) {
    let name = &recording.name;
    for field in [
        "event",
        "userId",
        "anonymousId",
        "groupId",
        "previousId",
        "properties",
        "traits",
        "name",
        "category",
        "_metadata",
    ] {
        let sent = sent.get(field).filter(|value| !value.is_null());
        assert_eq!(out.get(field), sent, "{name}: {field}");
    }
    match sent.get("messageId") {
        Some(id) => assert_eq!(&out["messageId"], id, "{name}"),
        None => assert_eq!(out["messageId"].as_str().map(str::len), Some(36), "{name}"),
    }
    if let Some(kind) = sent.get("type") {
        assert_eq!(&out["type"], kind, "{name}");
    } else {
        assert_eq!(
            recording.target,
            format!("/v1/{}", out["type"].as_str().unwrap()),
            "{name}"
        );
    }
    assert!(out.get("writeKey").is_none(), "{name}");
    for (key, value) in sent["context"].as_object().into_iter().flatten() {
        assert_eq!(&out["context"][key], value, "{name}: context.{key}");
    }
    let browser = recording.sdk.starts_with("browser");
    assert_eq!(out["context"].get("ip").is_some(), browser, "{name}: context.ip");
    assert_eq!(
        out["channel"],
        if browser { "browser" } else { "server" },
        "{name}: channel"
    );
    times(name, sent, batch, out);
}

fn times(name: &str, sent: &Value, batch: &Value, out: &Value) {
    let read = |value: &Value| value.as_str().and_then(parse_timestamp);
    let written = |millis: Millis| {
        let mut text = String::new();
        write_iso(millis, &mut text);
        Value::from(text)
    };
    let received = read(&out["receivedAt"]).unwrap();
    let sent_at = read(&sent["sentAt"]).or(read(&batch["sentAt"]));
    let original = read(&sent["timestamp"]).or(read(&sent["originalTimestamp"]));
    assert_eq!(out.get("sentAt").cloned(), sent_at.map(written), "{name}: sentAt");
    assert_eq!(
        out.get("originalTimestamp").cloned(),
        original.map(written),
        "{name}: originalTimestamp"
    );
    let happened = match (sent_at, original) {
        (Some(sent_at), Some(original)) => Millis(received.0 - (sent_at.0 - original.0)),
        (_, original) => original.unwrap_or(received),
    };
    assert_eq!(out["timestamp"], written(happened), "{name}: timestamp");
}
