use super::*;
use crate::MetaConversionsConfig;
use signalbox_conversions::Conversions;
use signalbox_core::BuildErrors;
use signalbox_http::{Destination, HeaderMap, Method, StatusCode};
use signalbox_segment::settings::Findings;

fn destination(more: &str) -> Conversions<Meta> {
    let toml = format!("pixel_id = \"1203948576120394\"\naccess_token = \"EAAG_secret\"\n{more}");
    let config: MetaConversionsConfig = toml::from_str(&toml).unwrap();
    let mut findings = Findings::default();
    let destination = config.destination(&mut findings);
    assert_eq!(findings.errors, BuildErrors::new());
    destination.unwrap()
}

fn records(count: usize) -> Vec<Arc<Record>> {
    (0..count)
        .map(|_| Arc::new(Record::new("Purchase", "{}")))
        .collect()
}

fn reply(status: u16, body: &str) -> Reply {
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

/// The verdict in a word, and its reason's code.
fn short(verdict: &Verdict) -> (&'static str, &str) {
    match verdict {
        Verdict::Settled(_) => ("each", ""),
        Verdict::All(Outcome::Retry {
            reason,
            maybe_written: true,
            ..
        }) => ("retry, maybe written", reason.code()),
        Verdict::All(Outcome::Retry { reason, .. }) => ("retry", reason.code()),
        Verdict::Isolate(reason) => ("isolate", reason.code()),
        Verdict::Hold(reason) => ("hold", reason.code()),
        Verdict::All(_) | Verdict::Culprit { .. } | Verdict::Reencode(_) => ("unexpected", ""),
    }
}

fn error(code: i64, subcode: i64) -> String {
    format!(
        r#"{{"error":{{"message":"Invalid parameter","type":"OAuthException","code":{code},"error_subcode":{subcode},
        "is_transient":false,"error_user_title":"Zu alt","error_user_msg":"Das Ereignis von ada@example.com","fbtrace_id":"A"}}}}"#
    )
}

#[test]
fn the_request() {
    let destination = destination("");
    let records = ["{\"a\":1}", "{\"b\":2}"].map(|bytes| Arc::new(Record::new("Purchase", bytes)));
    let request = destination.request(&records);
    assert_eq!(request.method, Method::POST);
    assert_eq!(
        request.url.as_str(),
        "https://graph.facebook.com/v26.0/1203948576120394/events"
    );
    assert_eq!(request.body.to_bytes(), "{\"data\":[{\"a\":1},{\"b\":2}]}");
    let token = &request.headers[header::AUTHORIZATION];
    assert_eq!(token, "Bearer EAAG_secret");
    assert!(token.is_sensitive());
    assert!(!format!("{destination:?}").contains("EAAG_secret"));
}

#[test]
fn settings_stand_in_the_body() {
    let body = |more: &str| {
        let request = destination(more).request(&records(1));
        String::from_utf8(request.body.to_bytes().to_vec()).unwrap()
    };
    let test = "test_event_code = \"TEST1\"\ntest_events_count = true\n";
    assert_eq!(body(test), r#"{"test_event_code":"TEST1","data":[{}]}"#);
    assert_eq!(body(&test.replace("TEST1", " TEST1 ")), body(test));
    let agent = "partner_agent = \"signal\\\"box\"\n";
    assert_eq!(body(agent), r#"{"partner_agent":"signal\"box","data":[{}]}"#);
    assert_eq!(
        body(&format!("{test}{agent}")),
        r#"{"test_event_code":"TEST1","partner_agent":"signal\"box","data":[{}]}"#
    );
}

#[test]
fn replies_have_meanings() {
    for (status, body, wanted) in [
        (
            200,
            r#"{"events_received":2,"messages":[],"fbtrace_id":"A"}"#.to_owned(),
            ("each", ""),
        ),
        (
            200,
            r#"{"events_received":1}"#.to_owned(),
            ("retry, maybe written", "miscounted_reply"),
        ),
        (200, "{}".to_owned(), ("retry, maybe written", "unreadable_reply")),
        (
            200,
            "<html>".to_owned(),
            ("retry, maybe written", "unreadable_reply"),
        ),
        (
            201,
            r#"{"events_received":2}"#.to_owned(),
            ("retry, maybe written", "unexpected_status"),
        ),
        (302, String::new(), ("retry, maybe written", "redirected")),
        (400, error(100, 2_804_003), ("isolate", "too_old")),
        (400, error(100, 2_804_050), ("isolate", "no_identifier")),
        (400, error(100, 2_804_019), ("isolate", "invalid_parameter")),
        (400, error(100, 0), ("isolate", "invalid_parameter")),
        (400, error(100, 33), ("hold", "not_found")),
        (401, error(190, 463), ("hold", "unauthorized")),
        (400, error(190, 0), ("hold", "unauthorized")),
        (403, error(200, 0), ("hold", "forbidden")),
        (400, error(10, 0), ("hold", "forbidden")),
        (403, error(368, 0), ("hold", "blocked")),
        (400, error(4, 0), ("retry", "rate_limited")),
        (403, error(80_004, 2_446_079), ("retry", "rate_limited")),
        (400, error(2, 0), ("retry, maybe written", "server_error")),
        (500, error(1, 0), ("retry, maybe written", "server_error")),
        (400, error(777, 0), ("isolate", "request_refused")),
        (500, error(777, 0), ("retry, maybe written", "server_error")),
        (
            400,
            "<html>".to_owned(),
            ("retry, maybe written", "unreadable_reply"),
        ),
        (404, "<html>".to_owned(), ("hold", "not_found")),
        (408, String::new(), ("retry", "request_timed_out")),
        (413, "<html>".to_owned(), ("isolate", "request_too_large")),
        (429, String::new(), ("retry", "rate_limited")),
        (502, "<html>".to_owned(), ("retry, maybe written", "server_error")),
    ] {
        let verdict = destination("").interpret(&reply(status, &body), &records(2));
        assert_eq!(short(&verdict), wanted, "{status} {body}");
        assert!(!format!("{verdict:?}").contains("ada@example.com"), "{verdict:?}");
    }
}

#[test]
fn meta_s_words_are_shown() {
    let verdict = destination("").interpret(&reply(400, &error(100, 2_804_003)), &records(2));
    let Verdict::Isolate(reason) = verdict else {
        panic!()
    };
    assert_eq!(
        reason.message(),
        "Meta refuses events older than 7 days, or 62 days in stores (error 100/2804003): \
         Invalid parameter; Zu alt; Das Ereignis von …"
    );
    let body = r#"{"events_received":2,"messages":["low quality","of ada@example.com"]}"#;
    let Verdict::Settled(outcomes) = destination("").interpret(&reply(200, body), &records(2)) else {
        panic!()
    };
    let Outcome::Delivered {
        warning: Some(warning),
    } = &outcomes[0]
    else {
        panic!()
    };
    assert_eq!(
        warning.message(),
        "Meta took the events and says: low quality; of …"
    );
    assert_eq!(outcomes[1], Outcome::delivered());
}

#[test]
fn the_second_miscount_in_a_row_holds() {
    let destination = destination("");
    let told = |body: &str| destination.interpret(&reply(200, body), &records(2));
    let (few, all) = (r#"{"events_received":0}"#, r#"{"events_received":2}"#);
    for (body, wanted) in [
        (few, ("retry, maybe written", "miscounted_reply")),
        (all, ("each", "")),
        (
            r#"{"events_received":3}"#,
            ("retry, maybe written", "miscounted_reply"),
        ),
        (few, ("hold", "miscounted_reply")),
        (few, ("hold", "miscounted_reply")),
        (all, ("each", "")),
    ] {
        assert_eq!(short(&told(body)), wanted, "{body}");
    }
}

#[test]
fn throttling_tells_how_long_to_wait() {
    let usage = r#"{"1":[{"type":"ads_management","call_count":100,"estimated_time_to_regain_access":2}]}"#;
    for (headers, wait) in [
        (vec![], None),
        (vec![("retry-after", "7")], Some(7)),
        (vec![("x-business-use-case-usage", usage)], Some(120)),
        (
            vec![("retry-after", "7"), ("x-business-use-case-usage", usage)],
            Some(120),
        ),
        (
            vec![("retry-after", "300"), ("x-business-use-case-usage", usage)],
            Some(300),
        ),
    ] {
        let mut reply = reply(400, &error(80_004, 0));
        for (name, value) in &headers {
            reply.headers.insert(*name, value.parse().unwrap());
        }
        let destination = destination("");
        let Verdict::All(Outcome::Retry { after, .. }) = destination.interpret(&reply, &records(1)) else {
            panic!()
        };
        assert_eq!(after.map(|after| after.as_secs()), wait, "{headers:?}");
        assert_eq!(
            destination.notes().is_empty(),
            headers.len() < 2 && wait != Some(120)
        );
    }
}

#[test]
fn the_probe_carries_no_event() {
    let destination = destination("test_event_code = \"TEST1\"\ntest_events_count = true");
    assert_eq!(destination.probe().unwrap().body.to_bytes(), "{\"data\":[]}");
    let says = |status, body: &str| {
        destination
            .interpret_probe(&reply(status, body))
            .map_err(|reason| reason.code().to_owned())
    };
    assert_eq!(says(400, &error(100, 0)), Ok(()));
    assert_eq!(says(200, r#"{"events_received":0}"#), Ok(()));
    for (status, body, code) in [
        (401, error(190, 0), "unauthorized"),
        (400, error(100, 33), "not_found"),
        (403, error(10, 0), "forbidden"),
        (403, error(368, 0), "blocked"),
        (400, error(17, 0), "rate_limited"),
        (500, error(2, 0), "server_error"),
        (400, "<html>".to_owned(), "request_refused"),
        (404, String::new(), "not_found"),
        (503, String::new(), "server_error"),
    ] {
        assert_eq!(says(status, &body), Err(code.to_owned()), "{status} {body}");
    }
}
