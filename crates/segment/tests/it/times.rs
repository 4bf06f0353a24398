//! `compat = "segment"`: every time that Segment's code sent comes out.

use serde_json::Value as Json;
use signalbox_segment::time;

#[test]
fn reads_times_as_segment_does() {
    let cases: Vec<Json> = include_str!("../data/pinterest_times.jsonl")
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}")))
        .collect();
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
