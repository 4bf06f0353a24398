use std::net::Ipv4Addr;

use proptest::prelude::*;
use serde_json::Value;
use signalbox_core::Document;

use super::*;
use crate::time::{named_date, parse_timestamp};

const RECEIVED: &str = "2026-03-01T12:00:10.000Z";

fn reception() -> Reception<'static> {
    Reception {
        source: "in".into(),
        received: parse_timestamp(RECEIVED).unwrap(),
        origin: Origin::Unknown,
        ip: Some(Ipv4Addr::new(203, 0, 113, 7).into()),
        user_agent: Some("UA/1"),
        live: true,
    }
}

fn json(event: &Event) -> Value {
    serde_json::from_str(&event.to_json()).unwrap()
}

/// Completes a track event with these further members.
fn track_with(members: &str, reception: &Reception<'_>) -> Event {
    let text = format!(r#"{{"type":"track","event":"E","userId":"u"{members}}}"#);
    read_event(&text, reception).unwrap()
}

fn track(members: &str) -> Value {
    json(&track_with(members, &reception()))
}

fn code(text: &str) -> String {
    read_event(text, &reception())
        .unwrap_err()
        .reason
        .code()
        .to_owned()
}

fn batch(body: &str) -> Result<Vec<Result<Event, RejectedInput>>, Reason> {
    Ok(split(body, Endpoint::Batch)?.events(&reception()))
}

/// Writing an event copies the unchanged parts of its source.
#[test]
fn nothing_that_was_dropped_or_replaced_is_written() {
    let id = format!("{}canary", "i".repeat(MAX_MESSAGE_ID_CHARS));
    for blank in ["", " "] {
        let events: Vec<String> = [
            r#""writeKey":"canary","type":"track","event":"A\/B","userId":"u""#.to_owned(),
            r#""type":"track","groupId":["canary"],"event":"A\/B","userId":"u","context":"canary \n""#.to_owned(),
            format!(r#""messageId":"{id}","type":"track","event":"A\/B","userId":"u","integrations":["canary"]"#),
            r#""type":"track","event":"A\/B","userId":"u","context":{"ip":null,"page":{"url":"\/"}},"traits":"canary""#
                .to_owned(),
        ]
        .map(|members| format!("{{{members}}}").replace(',', &format!(",{blank}")))
        .into();
        let body = format!(
            r#"{{"context":{{"library":{{"name":"go"}}}},"canary":1,"batch":[{}]}}"#,
            events.join(",")
        );
        let taken = batch(&body).unwrap();
        assert_eq!(taken.len(), events.len());
        for event in taken {
            let event = event.unwrap();
            assert!(!event.to_json().contains("canary"), "{}", event.to_json());
            let event = json(&event);
            assert_eq!(event["event"], "A/B");
            assert_eq!(event["context"]["library"]["name"], "go");
        }
    }
}

#[test]
fn a_server_event_is_completed() {
    let event = track("");
    assert_eq!(event["receivedAt"], RECEIVED);
    assert_eq!(event["timestamp"], RECEIVED);
    assert_eq!(event["channel"], "server");
    assert_eq!(event["messageId"].as_str().unwrap().len(), 36);
    assert!(
        event.get("context").is_none(),
        "no address or user agent of a server"
    );
    assert!(event.get("sentAt").is_none() && event.get("originalTimestamp").is_none());
}

#[test]
fn timestamps_follow_the_clock_skew_rule() {
    // The client's clock is an hour slow: what happened 5 s before sending happened 5 s before receipt.
    let event = track(
        r#","timestamp":"2026-03-01 11:00:00+0000","sentAt":"2026-03-01T12:00:05.0000000+01:00","receivedAt":"1999-01-01"}"#
            .trim_end_matches('}'),
    );
    assert_eq!(event["originalTimestamp"], "2026-03-01T11:00:00.000Z");
    assert_eq!(event["sentAt"], "2026-03-01T11:00:05.000Z");
    assert_eq!(event["timestamp"], "2026-03-01T12:00:05.000Z");
    assert_eq!(event["receivedAt"], RECEIVED);

    let event = track(r#","originalTimestamp":1740830400"#);
    assert_eq!(event["timestamp"], "2025-03-01T12:00:00.000Z");
    assert_eq!(event["originalTimestamp"], "2025-03-01T12:00:00.000Z");

    let millennia = track(r#","timestamp":"0001-01-01","sentAt":"9999-12-31""#);
    assert_eq!(millennia["timestamp"], "0001-01-01T00:00:00.000Z");
}

#[test]
fn a_file_tells_no_skew() {
    let file = Reception {
        live: false,
        ..reception()
    };
    let event = json(&track_with(
        r#","timestamp":"2025-01-01T00:00:00Z","sentAt":"2025-01-01T00:00:01Z""#,
        &file,
    ));
    assert_eq!(event["timestamp"], "2025-01-01T00:00:00.000Z");
    assert_eq!(event["sentAt"], "2025-01-01T00:00:01.000Z");
}

#[test]
fn a_date_with_the_name_of_its_month_is_a_time() {
    for text in ["Sun, 01 Mar 2026 12:34:56 GMT", "March 1, 2026 12:34:56 PM"] {
        let read = named_date(text).map(|time| time.0);
        assert_eq!(read, Some(1_772_368_496_000), "{text}");
    }
    for text in ["03/01/2026", "Marching on", "yesterday", "Feb 30 2026"] {
        assert_eq!(named_date(text), None, "{text}");
    }
}

#[test]
fn an_unreadable_time_becomes_the_time_of_receipt_with_a_warning() {
    let event = track_with(r#","timestamp":"yesterday","sentAt":"soon""#, &reception());
    let warnings = &event.facts().warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!(
        (&*warnings[0].code, warnings[0].path.as_str()),
        ("timestamp_unreadable", "timestamp")
    );
    let event = json(&event);
    assert_eq!(event["timestamp"], RECEIVED);
    assert_eq!(event["originalTimestamp"], "yesterday");
    assert!(event.get("sentAt").is_none());

    let event = track(r#","timestamp":{"a":1},"originalTimestamp":[]"#);
    assert_eq!(event["timestamp"], RECEIVED);
    assert!(event.get("originalTimestamp").is_none());
}

#[test]
fn a_device_event_gets_address_and_user_agent_once() {
    let device = Reception {
        origin: Origin::Device,
        ..reception()
    };
    let event = json(&track_with(r#","context":{"ip":null}"#, &device));
    assert_eq!(event["context"]["ip"], "203.0.113.7");
    assert_eq!(event["context"]["userAgent"], "UA/1");
    assert_eq!(event["channel"], "browser");
    let event = json(&track_with(
        r#","channel":"kiosk","context":{"ip":"0.0.0.0","userAgent":"mine"}"#,
        &device,
    ));
    assert_eq!(event["context"]["ip"], "0.0.0.0");
    assert_eq!(event["context"]["userAgent"], "mine");
    assert_eq!(event["channel"], "kiosk");
    let event = track(r#","context":{"library":{"name":"analytics-ios"}}"#);
    assert_eq!(event["context"]["ip"], "203.0.113.7");
    assert_eq!(event["channel"], "mobile");
}

#[test]
fn message_ids_are_kept_and_long_ones_stay_different() {
    assert_eq!(track(r#","messageId":"m-1""#)["messageId"], "m-1");
    assert_eq!(
        track(r#","messageId":12345678901234567890"#)["messageId"],
        "12345678901234567890"
    );
    let hundred = "é".repeat(100);
    assert_eq!(
        track(&format!(r#","messageId":"{hundred}""#))["messageId"],
        hundred.as_str()
    );
    let long = |end: &str| {
        track(&format!(r#","messageId":"{hundred}{end}""#))["messageId"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(long("a").chars().count(), MAX_MESSAGE_ID_CHARS);
    assert_eq!(long("a"), long("a"));
    assert_ne!(long("a"), long("b"));
    assert!(track(r#","messageId":"""#)["messageId"].as_str().unwrap().len() == 36);
}

#[test]
fn fields_of_the_wrong_kind_count_as_missing() {
    let event = track(
        r#","anonymousId":7,"groupId":null,"previousId":[1],"properties":"x","traits":[1],"context":3,"integrations":null,
           "category":null,"writeKey":"k","write_key":"k","_metadata":{"a":1},"extra":null,"big":9007199254740993"#,
    );
    assert_eq!(event["anonymousId"], "7");
    for gone in [
        "groupId",
        "previousId",
        "properties",
        "traits",
        "context",
        "integrations",
        "category",
        "writeKey",
        "write_key",
    ] {
        assert!(event.get(gone).is_none(), "{gone}");
    }
    assert_eq!(event["_metadata"]["a"], 1);
    assert_eq!(event["extra"], Value::Null);
    assert_eq!(event["big"], 9_007_199_254_740_993_u64);
    let text = track_with(r#","n":1e400,"d":0.10"#, &reception()).to_json();
    assert!(
        text.contains(r#""n":1e400,"d":0.10"#),
        "numbers keep their spelling"
    );
}

#[test]
fn unusable_events_have_stable_codes() {
    let deep = format!(
        r#"{{"type":"track","x":{}{}}}"#,
        "[".repeat(3000),
        "]".repeat(3000)
    );
    let big = format!(
        r#"{{"type":"track","event":"E","userId":"u","p":"{}"}}"#,
        "x".repeat(MAX_EVENT_BYTES)
    );
    for (text, expected) in [
        ("{", "invalid_json"),
        ("[]", "not_an_object"),
        ("1", "not_an_object"),
        (deep.as_str(), "too_deep"),
        (big.as_str(), "event_too_large"),
        (r#"{"event":"E","userId":"u"}"#, "unknown_type"),
        (r#"{"type":"Track","event":"E","userId":"u"}"#, "unknown_type"),
        (r#"{"type":"track","event":"E"}"#, "no_user_anon_id"),
        (
            r#"{"type":"page","userId":"","anonymousId":null}"#,
            "no_user_anon_id",
        ),
        (r#"{"type":"page","userId":{}}"#, "no_user_anon_id"),
        (r#"{"type":"track","userId":"u"}"#, "event_name_missing"),
        (r#"{"type":"track","userId":"u","event":5}"#, "event_name_missing"),
    ] {
        assert_eq!(code(text), expected, "{}", &text[..text.len().min(60)]);
    }
    let rejected = read_event(r#"{"type":"page","messageId":"m"}"#, &reception()).unwrap_err();
    assert_eq!(rejected.message_id.as_deref(), Some("m"));
    let nameless = read_event(r#"{"type":"page"}"#, &reception()).unwrap_err();
    assert_eq!(nameless.message_id, None, "none is made up");
    assert!(read_event(r#"{"type":"group","userId":"u"}"#, &reception()).is_ok());
    assert!(read_event(r#"{"type":"alias","userId":0}"#, &reception()).is_ok());
}

#[test]
fn the_path_tells_the_type() {
    let envelope = split(
        r#"{"userId":"u","writeKey":"k"}"#,
        Endpoint::Single(EventType::Page),
    )
    .unwrap();
    assert_eq!(envelope.write_key().as_deref(), Some("k"));
    let events = envelope.events(&reception());
    assert_eq!(events[0].as_ref().unwrap().event_type(), "page");
}

#[test]
fn a_batch_shares_context_integrations_and_sent_at() {
    let events = batch(
        r#"{"context":{"library":{"name":"analytics-go","version":"3"},"ip":"1.1.1.1"},"integrations":{"all":false},
            "sentAt":"2026-03-01T12:00:00Z","timestamp":"1999-01-01","messageId":"of the batch",
            "batch":[{"type":"track","event":"E","userId":"u","timestamp":"2026-03-01T11:59:59Z","context":{"library":{"name":"mine"}},"integrations":{"X":true}},
                     7, {"type":"page"}, {"type":"page","anonymousId":"a","sentAt":"2026-03-01T12:00:01Z"}]}"#,
    )
    .unwrap();
    let first = json(events[0].as_ref().unwrap());
    assert_eq!(
        first["context"]["library"],
        serde_json::json!({"name": "mine", "version": "3"})
    );
    assert_eq!(first["context"]["ip"], "1.1.1.1");
    assert_eq!(
        first["integrations"],
        serde_json::json!({"X": true, "all": false})
    );
    assert_eq!(first["timestamp"], "2026-03-01T12:00:09.000Z");
    assert_eq!(first["sentAt"], "2026-03-01T12:00:00.000Z");
    assert_ne!(first["messageId"], "of the batch");
    assert_eq!(events[1].as_ref().unwrap_err().reason.code(), "not_an_object");
    assert_eq!(events[2].as_ref().unwrap_err().reason.code(), "no_user_anon_id");
    let last = json(events[3].as_ref().unwrap());
    assert_eq!(last["sentAt"], "2026-03-01T12:00:01.000Z");
    assert_eq!(last["context"]["library"]["name"], "analytics-go");
    assert_eq!(last["timestamp"], RECEIVED);
}

#[test]
fn write_keys_are_found_wherever_clients_put_them() {
    let key = |body: &str| {
        let envelope = split(body, Endpoint::Batch).unwrap();
        envelope.write_key().map(|key| key.into_owned())
    };
    assert_eq!(
        key(r#"{"batch":[],"writeKey":"a","writeKey":"b"}"#).as_deref(),
        Some("b")
    );
    assert_eq!(
        key(r#"{"write_key":"a\u0062","batch":[]}"#).as_deref(),
        Some("ab")
    );
    assert_eq!(
        key(r#"{"writeKey":null,"batch":[{"writeKey":"e"}]}"#).as_deref(),
        Some("e")
    );
    assert_eq!(key(r#"{"writeKey":"","batch":[7]}"#), None);
}

#[test]
fn bodies_that_are_no_batch_say_why() {
    let code = |body: &str| batch(body).unwrap_err().code().to_owned();
    for (body, expected) in [
        ("", "invalid_json"),
        (r#"{"batch":[]} x"#, "invalid_json"),
        (r#"{"batch":[{]}"#, "invalid_json"),
        ("null", "not_an_object"),
        ("[1]", "not_an_object"),
        ("-1.5", "not_an_object"),
        ("{}", "batch_missing"),
        (r#"{"batch":{"a":[1]}}"#, "batch_missing"),
        (r#"{"batch":null}"#, "batch_missing"),
        (r#"{"batch":[],"batch":"x"}"#, "batch_missing"),
    ] {
        assert_eq!(code(body), expected, "{body}");
    }
    let many = |n: usize| format!(r#"{{"batch":[{}]}}"#, vec!["0"; n].join(","));
    assert_eq!(batch(&many(MAX_BATCH_EVENTS)).unwrap().len(), MAX_BATCH_EVENTS);
    assert_eq!(code(&many(MAX_BATCH_EVENTS + 1)), "payload_too_large");
    assert_eq!(
        code(&format!("{{}}{}", " ".repeat(MAX_BATCH_BYTES))),
        "payload_too_large"
    );
    let shared = |len: usize, n: usize| {
        let events = vec![r#"{"type":"page","userId":"u"}"#; n].join(",");
        format!(
            r#"{{"context":{{"x":"{}"}},"batch":[{events}]}}"#,
            "x".repeat(len)
        )
    };
    assert_eq!(code(&shared(MAX_SHARED_BYTES, 1)), "payload_too_large");
    assert_eq!(code(&shared(MAX_SHARED_BYTES - 100, 2000)), "payload_too_large");
    assert_eq!(batch(&shared(2000, 1000)).unwrap().len(), 1000);
}

#[test]
fn oddities_harm_no_neighbour() {
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let events = batch(&format!(
        r#"{{"x\ud83d":1,"batch":[{{"type":"page","userId":"u","d":{deep}}},{{"type":"page","userId":"\ud83d","n":1e400,"n":2,"z":"\u0000"}}]}}"#
    ));
    // The mended path refuses depth for the whole body, so a lone surrogate in a name is alone here.
    assert_eq!(events.unwrap_err().code(), "invalid_json");
    let events = batch(&format!(
        r#"{{"batch":[{{"type":"page","userId":"u","d":{deep}}},{{"type":"page","userId":"\ud83d","n":1e400,"n":2,"z":"\u0000"}}]}}"#
    ))
    .unwrap();
    assert_eq!(events[0].as_ref().unwrap_err().reason.code(), "too_deep");
    let event = json(events[1].as_ref().unwrap());
    assert_eq!((&event["userId"], &event["n"]), (&"\u{fffd}".into(), &2.into()));
    assert_eq!(event["z"], "\0");
    let events = batch(r#"{"x\ud83d":1,"batch":[{"type":"page","userId":"u"}]}"#).unwrap();
    assert!(events[0].is_ok());
}

#[test]
fn a_shared_context_as_deep_as_allowed_stays_readable() {
    let nested = |n: usize| format!("{}1{}", r#"{"a":"#.repeat(n), "}".repeat(n));
    for depth in [50, 98, 99, 100, 101, 3000] {
        let body = format!(
            r#"{{"context":{},"batch":[{{"type":"page","userId":"u"}}]}}"#,
            nested(depth)
        );
        let Ok(events) = batch(&body) else { continue };
        let event = events[0].as_ref().unwrap();
        assert!(Document::parse(&event.to_json()).is_ok(), "{depth}");
    }
}

#[test]
fn bodies_are_decoded() {
    assert_eq!(decode("\u{feff}{}".as_bytes()).unwrap(), "{}");
    assert_eq!(decode(&[b'{', 0xff]).unwrap_err().code(), "not_utf8");
}

/// Events and batches close to valid ones, which reach every branch.
fn near_event() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec![
        "type",
        "userId",
        "anonymousId",
        "event",
        "messageId",
        "timestamp",
        "originalTimestamp",
        "sentAt",
        "context",
        "properties",
        "integrations",
        "writeKey",
        "batch",
        "channel",
        "x",
    ]);
    let value = prop::sample::select(vec![
        "null",
        "true",
        "1",
        "-0.5",
        "1e400",
        "\"\"",
        "\"track\"",
        "\"page\"",
        "\"u\"",
        "\"\\ud83d\"",
        "\"2026-03-01\"",
        "[]",
        "[1]",
        "{}",
        r#"{"ip":null,"library":{"name":"analytics.js"}}"#,
        r#"{"library":7,"direct":true}"#,
        r#"{"a":{"b":[1,{"c":2}]}}"#,
        "1740830400",
        "9999999999999999999",
    ]);
    prop::collection::vec((name, value), 0..12).prop_map(|members| {
        let members: Vec<_> = members
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

fn holds(results: Vec<Result<Event, RejectedInput>>) -> Result<(), TestCaseError> {
    for event in results.into_iter().flatten() {
        let text = event.to_json();
        let again = Document::parse(&text);
        prop_assert!(again.is_ok(), "{}", text);
        prop_assert!(!event.message_id().is_empty());
        prop_assert!(EventType::from_name(event.event_type()).is_some());
        let timestamp = again
            .unwrap()
            .root()
            .get("timestamp")
            .and_then(|node| node.as_str().map(str::to_owned));
        prop_assert!(timestamp.is_some_and(|text| parse_timestamp(&text).is_some() && text.len() == 24));
    }
    Ok(())
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes: Vec<u8>, batch: bool) {
        if let Ok(text) = decode(&bytes) {
            let endpoint = if batch { Endpoint::Batch } else { Endpoint::Single(EventType::Track) };
            if let Ok(envelope) = split(text, endpoint) {
                holds(envelope.events(&reception()))?;
            }
        }
    }

    #[test]
    fn every_accepted_event_parses_again(events in prop::collection::vec(near_event(), 1..4), shared in near_event(), device: bool) {
        let reception = Reception {
            origin: if device { Origin::Device } else { Origin::LikelyDevice },
            ..reception()
        };
        let inner = shared.trim_matches(|c| c == '{' || c == '}');
        let comma = if inner.is_empty() { "" } else { "," };
        let body = format!("{{\"context\":{shared}{comma}{inner},\"batch\":[{}]}}", events.join(","));
        if let Ok(envelope) = split(&body, Endpoint::Batch) {
            let _ = envelope.write_key();
            prop_assert_eq!(envelope.len(), events.len());
            holds(envelope.events(&reception))?;
        }
        for event in &events {
            if let Ok(envelope) = split(event, Endpoint::Single(EventType::Identify)) {
                holds(envelope.events(&reception))?;
            }
        }
    }
}

fn warned(event: &Event) -> Vec<(&str, &str)> {
    let warnings = event.facts().warnings.iter();
    warnings.map(|warning| (&*warning.code, &*warning.path)).collect()
}

/// Python's `json` writes `NaN`, `Infinity` and `-Infinity`.
#[test]
fn a_number_that_json_cannot_write_costs_its_value_only() {
    let body = r#"{"batch":[
        {"type":"track","event":"E","userId":"u","properties":{"a":NaN,"b":[1,-Infinity],"c":"NaN, Infinity"}},
        {"type":"track","event":"E","userId":"u","properties":{"revenue":5.0}},
        {"type":"track","event":"E","userId":"u","context":{"x":Infinity},"NaN":1}]}"#;
    let events: Vec<Event> = batch(body).unwrap().into_iter().map(Result::unwrap).collect();
    assert_eq!(
        json(&events[0])["properties"],
        serde_json::json!({"a": null, "b": [1, null], "c": "NaN, Infinity"})
    );
    assert_eq!(
        warned(&events[0]),
        [
            ("not_a_number", "properties.a"),
            ("not_a_number", "properties.b.1")
        ]
    );
    assert_eq!(warned(&events[1]), []);
    assert!(events[1].to_json().contains(r#""revenue":5.0"#));
    assert_eq!(warned(&events[2]), [("not_a_number", "context.x")]);
    assert_eq!(json(&events[2])["NaN"], 1);

    let single = split(
        r#"{"event":"E","userId":"u","properties":{"a":NaN}}"#,
        Endpoint::Single(EventType::Track),
    );
    let event = single.unwrap().events(&reception()).remove(0).unwrap();
    assert_eq!(warned(&event), [("not_a_number", "properties.a")]);
    assert_eq!(
        warned(&track_with(r#","traits":{"x":NaN}"#, &reception())),
        [("not_a_number", "traits.x")]
    );
}

#[test]
fn such_numbers_outside_of_events_and_beside_odd_events_cost_no_event() {
    let body = r#"{"context":{"screen":{"density":NaN}},"sentAt":NaN,"x":Infinity,"batch":[
        {"type":"track","event":"E","userId":"u"},
        7,
        {"type":"track","event":"E","userId":"u","properties":{"a":NaN}}]}"#;
    let events = batch(body).unwrap();
    assert_eq!(
        warned(events[0].as_ref().unwrap()),
        [("not_a_number", "context.screen.density")]
    );
    assert_eq!(events[1].as_ref().unwrap_err().reason.code(), "not_an_object");
    assert_eq!(
        warned(events[2].as_ref().unwrap()),
        [
            ("not_a_number", "context.screen.density"),
            ("not_a_number", "properties.a")
        ]
    );
}

#[test]
fn such_numbers_are_taken_only_where_a_value_is_due() {
    for value in [
        "NAN",
        "nan",
        "+Infinity",
        "-NaN",
        "Infinit",
        "NaNs",
        "1NaN",
        "- Infinity",
        "Inf",
    ] {
        let event = format!(r#"{{"type":"track","event":"E","userId":"u","x":{value}}}"#);
        assert_eq!(code(&event), "invalid_json", "{value}");
        assert_eq!(
            batch(&format!(r#"{{"batch":[{event}]}}"#)).err().unwrap().code(),
            "invalid_json",
            "{value}"
        );
    }
    assert_eq!(
        batch(r#"{"batch":[{"a":NaN},{NaN:1}]}"#).err().unwrap().code(),
        "invalid_json"
    );
    assert_eq!(
        batch(r#"{"batch":[{"a":NaN},,{}]}"#).err().unwrap().code(),
        "invalid_json"
    );
}

#[test]
fn many_such_numbers_and_keys_that_may_be_personal_are_not_listed() {
    let many = vec!["NaN"; 3_000].join(",");
    let event = track_with(&format!(r#","properties":{{"a":[{many}]}}"#), &reception());
    let warnings = &event.facts().warnings;
    assert_eq!(warnings.len(), 9);
    assert_eq!(warnings[7].path, "properties.a.7");
    assert!(warnings[8].message.starts_with("2992 more values"));
    for key in ["ada@example.com", "+4420794601", "é"] {
        let event = track_with(
            &format!(r#","properties":{{"{key}":{{"n 1":NaN}}}}"#),
            &reception(),
        );
        assert_eq!(warned(&event), [("not_a_number", "properties.*.n 1")]);
    }
}

#[test]
fn a_placeholder_is_no_message_id() {
    let mut ids = std::collections::HashSet::new();
    for id in [
        "\"undefined\"",
        "\" NULL\"",
        "\"00000000-0000-0000-0000-000000000000\"",
        "0",
        "\"-\"",
    ] {
        let event = track_with(&format!(r#","messageId":{id}"#), &reception());
        assert_eq!(event.message_id().len(), 36, "{id}");
        assert!(ids.insert(event.message_id().to_owned()), "{id}");
        assert_eq!(warned(&event), [("message_id_placeholder", "messageId")], "{id}");
    }
    for absent in ["", r#","messageId":"""#, r#","messageId":null"#] {
        assert_eq!(warned(&track_with(absent, &reception())), [], "{absent}");
    }
    let kept = track_with(r#","messageId":"undefined-1""#, &reception());
    assert_eq!((kept.message_id(), warned(&kept)), ("undefined-1", vec![]));
    let refused = read_event(
        r#"{"type":"track","userId":"u","messageId":"undefined"}"#,
        &reception(),
    );
    assert_eq!(refused.unwrap_err().message_id, None);
}
