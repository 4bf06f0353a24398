use super::*;
use crate::PinterestConversionsConfig;
use signalbox_conversions::Conversions;
use signalbox_core::{BuildErrors, Event, Prepared, Receipt};
use signalbox_http::{Destination, HeaderMap, HeaderValue, Method, StatusCode};
use signalbox_segment::settings::Findings;

fn destination(more: &str) -> Conversions<Pinterest> {
    let toml = format!("ad_account_id = \"549755885175\"\nconversion_token = \"pina_secret\"\n{more}");
    let config: PinterestConversionsConfig = toml::from_str(&toml).unwrap();
    let mut findings = Findings::default();
    let destination = config.destination(&mut findings);
    assert_eq!(findings.errors, BuildErrors::new());
    destination.unwrap()
}

fn record(bytes: &'static str) -> Arc<Record> {
    Arc::new(Record::new("Checkout", bytes))
}

fn reply(status: u16, body: &str) -> Reply {
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn interpret(status: u16, body: &str, records: usize) -> Verdict {
    let records = vec![record(r#"{"wifi":true,"user_data":{"em":[]}}"#); records];
    destination("").interpret(&reply(status, body), &records)
}

/// The answer in a word, its reason's code, and whether the request may have been written.
fn short(answer: &Verdict) -> (&'static str, String) {
    match answer {
        Verdict::Settled(_) => ("each", String::new()),
        Verdict::All(Outcome::Retry {
            reason,
            maybe_written,
            ..
        }) => (
            if *maybe_written {
                "retry, maybe written"
            } else {
                "retry"
            },
            reason.code().to_owned(),
        ),
        Verdict::All(_) => ("all", String::new()),
        Verdict::Isolate(reason) => ("isolate", reason.code().to_owned()),
        Verdict::Culprit { reason, .. } => ("culprit", reason.code().to_owned()),
        Verdict::Hold(reason) => ("hold", reason.code().to_owned()),
        Verdict::Reencode(reason) => ("reencode", reason.code().to_owned()),
    }
}

fn has_key(record: &[u8], name: &str) -> bool {
    String::from_utf8_lossy(record).contains(&format!("\"{name}\":"))
}

#[test]
fn the_request() {
    let destination = destination("");
    let request = destination.request(&[record("{\"a\":1}"), record("{\"b\":2}")]);
    assert_eq!(request.method, Method::POST);
    assert_eq!(
        request.url.as_str(),
        "https://api.pinterest.com/v5/ad_accounts/549755885175/events"
    );
    assert_eq!(request.body.to_bytes(), "{\"data\":[{\"a\":1},{\"b\":2}]}");
    let token = &request.headers[header::AUTHORIZATION];
    assert_eq!(token, "Bearer pina_secret");
    assert!(token.is_sensitive());
    assert!(!format!("{destination:?}").contains("pina_secret"));
    let framing = destination.framing();
    let records = ["{\"a\":1}", "{\"b\":2}"].map(str::len).iter().sum::<usize>();
    assert_eq!(request.body.len(), framing.request + framing.separator + records);
}

#[test]
fn test_mode_and_base_url() {
    let url = |more: &str| destination(more).request(&[record("{}")]).url.to_string();
    assert_eq!(
        url("test = true"),
        "https://api.pinterest.com/v5/ad_accounts/549755885175/events?test=true"
    );
    for base in ["http://127.0.0.1:9900/v5", "http://127.0.0.1:9900/v5/"] {
        let found = url(&format!("base_url = \"{base}\""));
        assert_eq!(found, "http://127.0.0.1:9900/v5/ad_accounts/549755885175/events");
    }
}

#[test]
fn the_probe_is_a_test_call() {
    let destination = destination("");
    let request = destination.probe().unwrap();
    assert_eq!(request.url.query(), Some("test=true"));
    let body: serde_json::Value = serde_json::from_slice(&request.body.to_bytes()).unwrap();
    assert_eq!(body["data"][0]["event_name"], "checkout");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let age = now - body["data"][0]["event_time"].as_u64().unwrap();
    assert!(age < 60, "made {age} s ago");
    let hash = signalbox_core::Sha256Hex::of("test@example.com");
    assert_eq!(body["data"][0]["user_data"]["em"][0], hash.as_str());
    let says = |status, body| {
        destination
            .interpret_probe(&reply(status, body))
            .map_err(|reason| reason.code().to_owned())
    };
    assert_eq!(says(200, ""), Ok(()));
    assert_eq!(says(422, ""), Ok(()));
    assert_eq!(
        says(400, r#"{"code":4196,"message":"event_time is too old"}"#),
        Ok(())
    );
    for (status, body, code) in [
        (
            401,
            r#"{"code":2,"message":"Authentication failed."}"#,
            "unauthorized",
        ),
        (
            403,
            r#"{"code":29,"message":"You are not permitted to access that resource."}"#,
            "forbidden",
        ),
        (404, "<html>", "not_found"),
        (429, "", "rate_limited"),
        (503, "", "server_error"),
    ] {
        assert_eq!(says(status, body), Err(code.to_owned()), "{status}");
    }
}

#[test]
fn each_event_has_its_own_outcome() {
    let details = r#"{"num_events_received":3,"num_events_processed":2,"events":[
        {"status":"processed","error_message":null,"warning_message":null},
        {"status":"failed","error_message":"'event_time' of ada@example.com is too old","warning_message":null},
        {"status":"processed","error_message":null,"warning_message":"'external_id' is not in sha256 hashed format"}]}"#;
    let wrapped = format!(
        r#"{{"code":4170,"message":"Not all events were successfully processed.","details":{details}}}"#
    );
    for (status, body) in [(200, details), (422, &wrapped)] {
        let Verdict::Settled(outcomes) = interpret(status, body, 3) else {
            panic!("{status}")
        };
        assert_eq!(outcomes[0], Outcome::delivered());
        let Outcome::Rejected(reason) = &outcomes[1] else {
            panic!()
        };
        assert_eq!(reason.code(), "pinterest_rejected");
        assert_eq!(
            reason.message(),
            "Pinterest refused the event: 'event_time' of … is too old"
        );
        let Outcome::Delivered {
            warning: Some(warning),
        } = &outcomes[2]
        else {
            panic!()
        };
        assert!(
            warning
                .message()
                .ends_with("'external_id' is not in sha256 hashed format")
        );
    }
}

#[test]
fn what_cannot_be_read_is_never_success() {
    let one = r#"{"num_events_received":1,"num_events_processed":1,"events":[{"status":"processed"}]}"#;
    for (status, body, records, code) in [
        (200, "", 1, "unreadable_reply"),
        (400, "<html>", 1, "unreadable_reply"),
        (200, "<html>", 1, "unreadable_reply"),
        (200, "{}", 1, "unreadable_reply"),
        (200, "[]", 1, "unreadable_reply"),
        (200, r#"{"events":[{"status":"maybe"}]}"#, 1, "unreadable_reply"),
        (200, r#"{"events":[{}]}"#, 1, "unreadable_reply"),
        (200, &one[..one.len() - 2], 1, "unreadable_reply"),
        (200, one, 2, "short_reply"),
        (
            200,
            r#"{"events":[{"status":"processed"},{"status":"processed"}]}"#,
            1,
            "short_reply",
        ),
        (422, "<html>", 1, "unreadable_reply"),
        (
            422,
            r#"{"code":1,"details":{"events":[{"status":7}]}}"#,
            1,
            "unreadable_reply",
        ),
        (201, one, 1, "unexpected_status"),
        (204, "", 1, "unexpected_status"),
        (301, one, 1, "redirected"),
    ] {
        let found = short(&interpret(status, body, records));
        assert_eq!(
            found,
            ("retry, maybe written", code.to_owned()),
            "{status} {body}"
        );
    }
}

#[test]
fn the_status_table() {
    for (status, body, wanted, code) in [
        (
            400,
            r#"{"code":4196,"message":"'event_time' is a required property"}"#,
            "isolate",
            "request_refused",
        ),
        (422, r#"{"code":1,"message":"no"}"#, "isolate", "request_refused"),
        (
            401,
            r#"{"code":2,"message":"Authentication failed."}"#,
            "hold",
            "unauthorized",
        ),
        (
            403,
            r#"{"code":29,"message":"You are not permitted to access that resource."}"#,
            "hold",
            "forbidden",
        ),
        (
            403,
            r#"{"code":2,"message":"Authentication failed."}"#,
            "hold",
            "unauthorized",
        ),
        (404, "", "hold", "not_found"),
        (408, "", "retry", "request_timed_out"),
        (413, "", "isolate", "request_too_large"),
        (425, "", "retry", "too_early"),
        (
            429,
            r#"{"code":8,"message":"You have exceeded your rate limit."}"#,
            "retry",
            "rate_limited",
        ),
        (418, "", "isolate", "request_refused"),
        (500, "", "retry, maybe written", "server_error"),
        (
            503,
            r#"{"code":4197,"message":"Service unavailable"}"#,
            "retry, maybe written",
            "server_error",
        ),
    ] {
        assert_eq!(
            short(&interpret(status, body, 2)),
            (wanted, code.to_owned()),
            "{status}"
        );
    }
}

#[test]
fn retry_after_is_honoured() {
    let mut reply = reply(429, "");
    reply.headers.insert("retry-after", HeaderValue::from_static("7"));
    let Verdict::All(Outcome::Retry { after, .. }) = destination("").interpret(&reply, &[record("{}")])
    else {
        panic!()
    };
    assert_eq!(after, Some(std::time::Duration::from_secs(7)));
}

#[test]
fn holds_name_the_remedy() {
    let message = |status, body| match interpret(status, body, 1) {
        Verdict::Hold(reason) => reason.message().to_owned(),
        other => panic!("{other:?}"),
    };
    assert!(message(401, "").contains("conversion_token"));
    assert!(message(403, r#"{"code":29}"#).contains("ad_account_id"));
    assert!(message(404, "").contains("base_url"));
    assert!(
        message(
            401,
            r#"{"message":"token pina_0123456789012345678901234567890123456789"}"#
        )
        .ends_with("token …")
    );
}

const UNEXPECTED: &str =
    r#"{"code":4196,"message":"Additional properties are not allowed ('wifi', 'em' were unexpected)"}"#;

#[test]
fn a_refused_property_is_left_out_from_then_on() {
    let receipt = Receipt {
        source: "test".into(),
        received_at: 1_772_442_122_000,
    };
    let json = r#"{"type":"page","messageId":"m1","timestamp":"2026-03-02T09:02:02Z","context":{"ip":"203.0.113.57","userAgent":"x","network":{"wifi":true}}}"#;
    let event = Event::parse(json, receipt).unwrap();
    let destination = destination("");
    let bytes = || match destination.encode(&event) {
        Prepared::Mapped(mut results) => results.remove(0).unwrap(),
        other => panic!("{other:?}"),
    };
    let before = Arc::new(bytes());
    assert!(has_key(&before.bytes, "wifi"));
    assert!(destination.notes().is_empty());

    let answer = destination.interpret(&reply(400, UNEXPECTED), &[Arc::clone(&before)]);
    assert_eq!(short(&answer), ("reencode", "property_stripped".to_owned()));
    let after = bytes();
    assert!(!has_key(&after.bytes, "wifi"));
    assert!(has_key(&after.bytes, "client_ip_address"));
    assert_eq!(destination.notes().len(), 1);
    assert!(destination.notes()[0].contains("wifi"));

    // Encoded before the lesson and refused after it: encoded again, learnt once.
    let answer = destination.interpret(&reply(400, UNEXPECTED), &[before]);
    assert_eq!(short(&answer).0, "reencode");
    assert_eq!(destination.notes().len(), 1);
    // Without the property it cannot be the reason.
    let answer = destination.interpret(&reply(400, UNEXPECTED), &[Arc::new(after)]);
    assert_eq!(short(&answer).0, "isolate");
}

#[test]
fn only_optional_properties_are_left_out() {
    for name in [
        "event_time",
        "user_data",
        "em",
        "opt_out_type",
        "st",
        "custom_data",
        "colour",
    ] {
        let bytes: &'static str = Box::leak(format!("{{\"{name}\":1}}").into_boxed_str());
        let body =
            format!(r#"{{"message":"Additional properties are not allowed ('{name}' was unexpected)"}}"#);
        let destination = destination("");
        let answer = destination.interpret(&reply(400, &body), &[record(bytes)]);
        assert_eq!(
            short(&answer),
            ("isolate", "request_refused".to_owned()),
            "{name}"
        );
        assert!(destination.notes().is_empty());
    }
    let strict = destination("on_unknown_property = \"reject\"");
    let answer = strict.interpret(&reply(400, UNEXPECTED), &[record("{\"wifi\":true}")]);
    assert_eq!(short(&answer).0, "isolate");
}

#[test]
fn every_preset_is_on_by_default() {
    assert_eq!(destination("").encoder().mapping_names().count(), 20);
    assert_eq!(
        destination("presets = \"none\"")
            .encoder()
            .mapping_names()
            .count(),
        0
    );
    let some = destination("presets = [\"Checkout\", \"page_visit\"]");
    assert_eq!(
        some.encoder().mapping_names().collect::<Vec<_>>(),
        ["Checkout", "Page Visit"]
    );
}
