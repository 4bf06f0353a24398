//! `compat = "segment"`: every hash and time that Segment's code sent comes out.

use serde_json::Value as Json;
use signalbox_segment::normalise::{Dropped, Field, segment};
use signalbox_segment::time;

fn lines(text: &str) -> Vec<Json> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}"))).collect()
}

#[test]
fn hashes_as_segment_does() {
    let cases = lines(include_str!("../data/pinterest_hashing.jsonl"));
    assert!(cases.len() > 150);
    let mut scratch = String::new();
    for case in &cases {
        let field: Field = serde_json::from_value(case["field"].clone()).unwrap();
        let entries = case["in"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| entry.as_str().unwrap());
        let sent: Result<Vec<_>, Dropped> = entries
            .map(|entry| segment::hash(field, entry, &mut scratch).map(|v| v.as_str().to_owned()))
            .collect();
        match case.get("out") {
            Some(expected) => assert_eq!(&Json::from(sent.unwrap()), expected, "{}", case["name"]),
            None => assert_eq!(sent, Err(Dropped::NoDigits), "{}", case["name"]),
        }
    }
}

#[test]
fn reads_times_as_segment_does() {
    let cases = lines(include_str!("../data/pinterest_times.jsonl"));
    assert!(cases.len() > 35);
    for case in &cases {
        let text = case["text"].as_str().unwrap();
        match case.get("event_time") {
            Some(expected) => assert_eq!(
                time::segment::event_time(text),
                expected.as_i64(),
                "{}",
                case["name"]
            ),
            None => {
                let sent = time::segment::install_time(text);
                assert_eq!(sent, case["install_time"].as_f64(), "{}", case["name"]);
            }
        }
    }
}
