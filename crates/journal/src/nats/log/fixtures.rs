//! Messages as each version of the program writes them, kept in `tests/journals`: routers of two versions share a stream while
//! they are restarted one after the other, so each must read the messages of the other.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use async_nats::HeaderMap;
use signalbox_core::{Event, Receipt};

use super::cipher::{self, FrameCipher};
use super::header::FrameHeader;
use super::ids::{self, IdHasher};
use crate::log::encode::EncodedAppend;
use crate::names::Names;
use crate::seal::id_key::IdKey;
use crate::seal::wrapped::tests::keys;

fn folder() -> PathBuf {
    PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/journals/nats-frames"
    ))
}

/// The events in all of the messages.
fn events() -> Vec<Event> {
    let texts = [
        r#"{"type":"track","event":"Order Completed","messageId":"one","properties":{"value":9.5}}"#,
        r#"{"type":"page","name":"é"}"#,
    ];
    let receipt = Receipt {
        source: "web.shop".into(),
        received_at: 1_700_000_000_123,
    };
    let event = |text: &&str| Event::parse(text, receipt.clone()).unwrap();
    texts.iter().map(event).collect()
}

fn written(hasher: &IdHasher) -> (HeaderMap, Vec<u8>) {
    let hash = |event: &Event| hasher.hash(&event.receipt().source, event.message_id());
    let hashes: Vec<_> = events().iter().map(hash).collect();
    let kept = events().into_iter().map(Arc::new).collect();
    let (info, frame) = EncodedAppend::new(kept, &Names::default()).into_frame(0, 1_700_000_000_456_000_000);
    let headers = FrameHeader::write(&hashes, info.arrivals.1, "node.1a", 7);
    (headers, frame)
}

/// The headers as lines, in order.
fn lines(headers: &HeaderMap) -> String {
    let mut lines: Vec<String> = headers
        .iter()
        .flat_map(|(name, values)| {
            values
                .iter()
                .map(move |value| format!("{name}: {}\n", value.as_str()))
        })
        .collect();
    lines.sort();
    lines.concat()
}

fn kept(name: &str) -> (HeaderMap, Vec<u8>) {
    let text = fs::read_to_string(folder().join(format!("{name}.headers"))).unwrap();
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        headers.insert(name, value);
    }
    (headers, fs::read(folder().join(format!("{name}.frame"))).unwrap())
}

#[test]
fn messages_of_each_version_are_read() {
    let sealed = FrameCipher::new(&keys(&[1]), IdKey::of([1; 32])).unwrap();
    let opener = sealed.opener();
    for (name, hasher) in [
        ("0.1.0", IdHasher::Plain),
        ("0.1.0-sealed", IdHasher::Keyed(IdKey::of([1; 32]))),
    ] {
        let (headers, mut frame) = kept(name);
        let header = FrameHeader::read("sbx.ev.web=2Eshop", Some(&headers), 5, 6, "node.1a");
        let wanted = vec![hasher.hash("web.shop", "one"), ids::NONE];
        assert_eq!(header.ids, Some(wanted), "{name}");
        assert_eq!(
            (header.arrival, header.own),
            (1_700_000_000_123, Some(7)),
            "{name}"
        );
        let frame = cipher::open(&mut frame, Some(&opener)).unwrap();
        let read: Vec<Event> = frame
            .events()
            .map(|(_, raw)| raw.unwrap().parse().unwrap())
            .collect();
        assert_eq!(read.len(), 2);
        for (read, wanted) in read.iter().zip(events()) {
            assert_eq!(read.to_json(), wanted.to_json(), "{name}");
            assert_eq!(read.receipt(), wanted.receipt(), "{name}");
        }
    }
}

/// If this fails, the format has changed: earlier versions may not read it. Keep the message of this version beside the
/// others, and let the writer write the former one until no router of that version is left.
#[test]
fn this_version_writes_what_the_last_one_reads() {
    let (headers, frame) = written(&IdHasher::Plain);
    let (kept_headers, kept_frame) = kept("0.1.0");
    assert_eq!(lines(&headers), lines(&kept_headers));
    assert_eq!(frame, kept_frame);
}
