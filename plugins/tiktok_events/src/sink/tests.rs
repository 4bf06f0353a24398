use super::*;
use crate::TikTokEventsConfig;
use signalbox_conversions::Conversions;
use signalbox_http::{Bytes, Destination, HeaderMap, StatusCode};
use signalbox_segment::settings::Findings;

fn destination() -> Conversions<TikTok> {
    let toml = "access_token = \"tt_secret\"\npixel_code = \"C4\"";
    let config: TikTokEventsConfig = toml::from_str(toml).unwrap();
    config.destination(&mut Findings::default()).unwrap()
}

fn reply(status: u16, body: &str) -> Reply {
    Reply {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn interpret(status: u16, body: &str) -> Verdict {
    destination().interpret(&reply(status, body), &[])
}

/// The answer in words: the verdict, and the reason's code.
fn short(verdict: &Verdict) -> String {
    match verdict {
        Verdict::All(Outcome::Delivered { .. }) => "delivered".to_owned(),
        Verdict::All(Outcome::Retry {
            reason,
            maybe_written: true,
            ..
        }) => format!("retry, maybe written: {}", reason.code()),
        Verdict::All(Outcome::Retry { reason, .. }) => format!("retry: {}", reason.code()),
        Verdict::Culprit { index, reason } => format!("culprit {index}: {}", reason.code()),
        Verdict::Isolate(reason) => format!("isolate: {}", reason.code()),
        Verdict::Hold(reason) => format!("hold: {}", reason.code()),
        other => format!("{other:?}"),
    }
}

#[test]
fn the_request() {
    let destination = destination();
    let record = |bytes: &'static str| Arc::new(Record::new("m", bytes));
    let request = destination.request(&[record("{\"a\":1}"), record("{\"b\":2}")]);
    assert_eq!(
        request.url.as_str(),
        "https://business-api.tiktok.com/open_api/v1.3/event/track/"
    );
    assert_eq!(request.headers["access-token"], "tt_secret");
    assert!(request.headers["access-token"].is_sensitive());
    assert_eq!(
        request.body.to_bytes(),
        r#"{"event_source":"web","event_source_id":"C4","data":[{"a":1},{"b":2}]}"#
    );
    let probe = destination.probe().unwrap();
    assert_eq!(probe.url, request.url);
    assert_eq!(
        probe.body.to_bytes(),
        r#"{"event_source":"web","event_source_id":"C4","data":[]}"#
    );
}

#[test]
fn the_code_counts_before_the_status() {
    for (status, body, verdict) in [
        (
            200,
            r#"{"code":0,"message":"OK","request_id":"1","data":{}}"#,
            "delivered",
        ),
        (
            200,
            r#"{"code":40002,"message":"Invalid value for event_id"}"#,
            "isolate: tiktok_refused",
        ),
        (
            400,
            r#"{"code":40002,"message":"data[2].event: required"}"#,
            "culprit 2: tiktok_refused",
        ),
        (
            200,
            r#"{"code":40002,"message":"index 7 is bad"}"#,
            "culprit 7: tiktok_refused",
        ),
        (200, r#"{"code":40013}"#, "isolate: tiktok_refused"),
        (
            200,
            r#"{"code":40001,"message":"No permission"}"#,
            "hold: forbidden",
        ),
        (
            200,
            r#"{"code":40105,"message":"Access token is incorrect"}"#,
            "hold: unauthorized",
        ),
        (
            401,
            r#"{"code":40104,"message":"Access token is empty"}"#,
            "hold: unauthorized",
        ),
        (
            401,
            r#"{"code":40100,"message":"Requests made too frequently"}"#,
            "retry: rate_limited",
        ),
        (200, r#"{"code":40100}"#, "retry: rate_limited"),
        (200, r#"{"code":40700}"#, "retry, maybe written: server_error"),
        (500, r#"{"code":50000}"#, "retry, maybe written: server_error"),
        (200, r#"{"code":51021}"#, "retry, maybe written: server_error"),
        (200, r#"{"code":7}"#, "retry, maybe written: unknown_code"),
        (500, r#"{"code":0}"#, "retry, maybe written: server_error"),
        (401, r#"{"code":0}"#, "retry, maybe written: unauthorized"),
        (200, "<html>", "retry, maybe written: unreadable_reply"),
        (200, "", "retry, maybe written: unreadable_reply"),
        (204, "", "retry, maybe written: unreadable_reply"),
        (401, "", "retry, maybe written: unauthorized"),
        (302, "", "retry, maybe written: redirected"),
        (400, "<html>", "retry, maybe written: unreadable_reply"),
        (405, "", "retry, maybe written: unreadable_reply"),
        (404, "", "hold: not_found"),
        (408, "", "retry: request_timed_out"),
        (413, "", "isolate: request_too_large"),
        (429, "", "retry: rate_limited"),
        (502, "<html>", "retry, maybe written: server_error"),
    ] {
        assert_eq!(short(&interpret(status, body)), verdict, "{status} {body}");
    }
}

#[test]
fn a_partial_success_is_tried_once_more_and_then_holds() {
    let destination = destination();
    let answer = |body: &str| short(&destination.interpret(&reply(200, body), &[]));
    let partly = r#"{"code":20001,"message":"Partial success"}"#;
    assert_eq!(answer(partly), "retry, maybe written: partly_done");
    assert_eq!(answer(r#"{"code":0}"#), "delivered");
    assert_eq!(answer(partly), "retry, maybe written: partly_done");
    assert_eq!(answer(partly), "hold: partly_done");
}

#[test]
fn throttling_waits_as_told_but_five_minutes_at_most() {
    for (told, wait) in [(None, None), (Some("7"), Some(7)), (Some("86400"), Some(300))] {
        let mut reply = reply(401, r#"{"code":40100}"#);
        if let Some(seconds) = told {
            reply.headers.insert("retry-after", seconds.parse().unwrap());
        }
        let Verdict::All(Outcome::Retry { after, .. }) = destination().interpret(&reply, &[]) else {
            panic!("{told:?}")
        };
        assert_eq!(after, wait.map(Duration::from_secs), "{told:?}");
    }
}

#[test]
fn a_probe_succeeds_where_the_empty_list_is_all_that_is_wrong() {
    for (status, body, error) in [
        (200, r#"{"code":40002,"message":"data: must not be empty"}"#, None),
        (400, r#"{"code":40002}"#, None),
        (200, r#"{"code":0}"#, None),
        (200, r#"{"code":40105}"#, Some("unauthorized")),
        (401, r#"{"code":40104}"#, Some("unauthorized")),
        (200, r#"{"code":40001}"#, Some("forbidden")),
        (401, r#"{"code":40100}"#, Some("rate_limited")),
        (200, r#"{"code":50000}"#, Some("server_error")),
        (200, r#"{"code":40013}"#, Some("tiktok_refused")),
        (200, "<html>", Some("unexpected_status")),
        (401, "", Some("unauthorized")),
        (503, r#"{"code":0}"#, Some("server_error")),
    ] {
        let found = destination().interpret_probe(&reply(status, body));
        let found = found.err().map(|reason| reason.code().to_owned());
        assert_eq!(found.as_deref(), error, "{status} {body}");
    }
}

#[test]
fn words_of_tiktok_lose_personal_data() {
    let body = r#"{"code":40002,"message":"user.email 'ada@example.com' of event 12345678 is not hashed"}"#;
    let Verdict::Isolate(reason) = interpret(200, body) else {
        panic!()
    };
    assert_eq!(
        reason.message(),
        "TikTok refused the request (code 40002): user.email … of event … is not hashed"
    );
}
