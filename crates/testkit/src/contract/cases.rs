//! The ways in which a server may fail a delivery.

use crate::server::Act;

use super::case::{Case, Promise, Replies, Wanted};

/// Bodies by which servers speak; `{echo}` becomes the whole request, which they are known to quote.
pub(super) const SPOKEN: [&str; 6] = [
    r#"{"code":4196,"message":"{echo}"}"#,
    r#"{"code":2,"message":"Authentication failed. {echo}","details":"{echo}"}"#,
    r#"{"error":{"message":"{echo}","error_user_msg":"{echo}"}}"#,
    r#"{"code":4196,"message":"Additional properties are not allowed ('{echo}' was unexpected)"}"#,
    "<html><body>{echo}</body></html>",
    "{echo}",
];

/// Bodies that say nothing.
fn unreadable() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("no body", Vec::new()),
        ("an empty object", b"{}".to_vec()),
        ("an empty list", b"[]".to_vec()),
        ("null", b"null".to_vec()),
        ("a number", b"1e999".to_vec()),
        ("a string", b"\"ok\"".to_vec()),
        ("HTML", b"<html><body>200 OK</body></html>".to_vec()),
        ("half a JSON text", b"{\"code\":0,\"events\":[{\"sta".to_vec()),
        ("bytes that are no UTF-8", vec![0xff, 0xfe, 0, 0x80]),
        ("depth", vec![b'['; 20_000]),
        ("nested objects", "{\"details\":".repeat(5_000).into_bytes()),
    ]
}

/// Everything but silence, redirects and a refused connection, which need more than a reply.
pub(super) fn all(promise: &Promise) -> Vec<Case> {
    let mut cases = of_vendor(&promise.replies);
    for status in (300..600).chain([600, 799, 999]) {
        // RFC 9110: it has no body, so the bytes would be taken for the next reply.
        let body = if status == 304 { "" } else { "{}" };
        cases.push(Case::new(
            format!("status {status}"),
            Act::reply(status, body),
            Wanted::of_status(status),
        ));
    }
    for status in [400, 401, 403, 404, 409, 413, 422, 429, 451, 500, 503] {
        for body in SPOKEN {
            cases.push(spoken(status, body, Wanted::NotDelivered));
        }
        for (name, body) in unreadable() {
            cases.push(Case::new(
                format!("status {status} with {name}"),
                Act::reply(status, body),
                Wanted::NotDelivered,
            ));
        }
    }
    for status in (200..300).filter(|status| !(promise.status_delivers)(*status)) {
        for (name, body) in unreadable() {
            // Nor have these.
            let body = if matches!(status, 204 | 205) {
                Vec::new()
            } else {
                body
            };
            cases.push(Case::new(
                format!("status {status} with {name}"),
                Act::reply(status, body),
                Wanted::MaybeWritten,
            ));
        }
        for body in SPOKEN.iter().filter(|_| !matches!(status, 204 | 205)) {
            cases.push(spoken(status, body, Wanted::MaybeWritten));
        }
    }
    cases.extend(broken());
    cases
}

/// Replies in the destination's form that stand for all numbers of records.
fn of_vendor(replies: &Replies) -> Vec<Case> {
    let mut cases = Vec::new();
    for body in replies.unclear {
        let act = Act::reply(200, *body);
        cases.push(Case::new(format!("status 200 with {body}"), act, Wanted::Unclear));
    }
    for (replies, wanted) in [
        (replies.refused, Wanted::Refused),
        (replies.throttled, Wanted::Retry),
        (replies.unauthorized, Wanted::Held),
    ] {
        let spoken = replies.iter().map(|(status, body)| spoken(*status, body, wanted));
        cases.extend(spoken);
    }
    cases
}

/// Replies in the destination's form that name this number of records.
pub(super) fn counted(replies: &Replies, records: usize) -> Vec<Case> {
    let mut cases = Vec::new();
    if let Some(accepts) = replies.accepts {
        let whole = accepts(records);
        let half = Act::reply(200, &whole.as_bytes()[..whole.len() / 2]);
        let fewer = accepts(records - 1);
        cases.push(spoken(200, &whole, Wanted::Delivered));
        cases.push(Case::new("half of an acceptance", half, Wanted::MaybeWritten));
        if fewer != whole {
            let act = Act::reply(200, fewer);
            cases.push(Case::new("an acceptance of fewer records", act, Wanted::Unclear));
        }
    }
    for index in 0..records {
        for reply in &replies.refuses_one {
            let (status, body) = reply(records, index);
            cases.push(spoken(status, &body, Wanted::RejectedAt(index)));
        }
        for reply in &replies.names_one {
            let (status, body) = reply(records, index);
            cases.push(spoken(status, &body, Wanted::CulpritAt(index)));
        }
    }
    cases
}

fn spoken(status: u16, body: &str, wanted: Wanted) -> Case {
    let act = Act::Echo {
        status: format!("{status} Spoken"),
        body: body.to_owned(),
    };
    Case::new(format!("status {status} with {body}"), act, wanted)
}

/// Replies that break off, never end, or are not HTTP: never a success, even with a status that promises one.
fn broken() -> Vec<Case> {
    let mut cases = Vec::new();
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{\"events\":1";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n";
    for bytes in [
        "",
        "HTTP/1.1 200 OK\r\nContent-Le",
        short,
        chunked,
        "HTTP/1.1 103 Early Hints\r\n\r\n",
        "220 mail.example.com ESMTP\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    ] {
        let name = format!("{:?} and then", bytes.chars().take(40).collect::<String>());
        let bytes = bytes.as_bytes().to_vec();
        for (end, act) in [
            ("a reset", Act::Reset(bytes.clone())),
            ("the end", Act::Close(bytes.clone())),
        ] {
            cases.push(Case::new(format!("{name} {end}"), act, Wanted::MaybeWritten));
        }
    }
    let declared = "HTTP/1.1 200 OK\r\nContent-Length: 4000000000\r\n\r\n{}";
    cases.push(Case::new(
        "a huge body, announced",
        Act::Close(declared.into()),
        Wanted::MaybeWritten,
    ));
    cases.push(Case::new(
        "a body without end",
        Act::Flood(200),
        Wanted::MaybeWritten,
    ));
    cases
}
