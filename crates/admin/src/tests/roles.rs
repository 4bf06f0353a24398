//! Tokens with names and roles: what each may ask.

use signalbox_config::{AdminToken, Role};

use super::*;

pub(super) const READER: &str = "zq-reader-token-51c2";
pub(super) const OPERATOR: &str = "zq-operator-token-77aa";

fn token(name: &str, role: Role, token: &str) -> AdminToken {
    AdminToken {
        name: name.to_owned(),
        role,
        token: Secret::new(token),
    }
}

pub(super) fn access() -> Access {
    Access {
        tokens: vec![
            token("media-team", Role::Read, READER),
            token("on-call", Role::Operator, OPERATOR),
        ],
        plain_letters: true,
        ..Access::default()
    }
}

/// Asks with a token; a POST has no body.
pub(super) async fn ask_as(at: SocketAddr, token: &str, request: &str) -> Answer {
    let body = if request.starts_with("GET") {
        ""
    } else {
        "content-length: 0\r\n"
    };
    ask(at, request, &format!("authorization: Bearer {token}\r\n{body}")).await
}

#[tokio::test]
async fn a_reader_acts_nowhere_and_reads_everywhere() {
    let (_, state) = pipeline().await;
    let (server, stop) = start_with(state, access()).await;
    let at = server.address();
    let acts = [
        "POST /dead_letters/retry",
        "POST /dead_letters/discard?sink=pin",
        "POST /forget?sink=pin",
        "POST /erase",
        "POST /replay?sink=pin&from=0",
        "POST /replay?sink=pin&from=0&dry_run=1",
        "POST /resend",
        "POST /reload",
        // None of these is listed as harmless.
        "POST /nothing",
        "POST /status",
        "DELETE /status",
        "PUT /events",
    ];
    for request in acts {
        let refused = ask_as(at, READER, request).await;
        assert_eq!(refused.status, 403, "{request}: {}", refused.body);
        assert!(
            refused.body.contains("the role \"read\"") && refused.body.contains("[[admin.tokens]]"),
            "{request}: {}",
            refused.body
        );
        let answered = ask_as(at, OPERATOR, request).await;
        assert_ne!(answered.status, 403, "{request}: {}", answered.body);
    }
    for request in [
        "GET /status",
        "GET /metrics",
        "GET /dead_letters",
        "GET /dead_letters/summary",
        "GET /dead_letters/export",
        "GET /sinks",
        "GET /erasures",
        "GET /replay?sink=pin",
        "POST /events",
        "POST /report",
        "POST /tap",
    ] {
        for token in [READER, OPERATOR] {
            let answered = ask_as(at, token, request).await;
            // 400: the body is missing.
            assert!(
                [200, 400, 404].contains(&answered.status),
                "{request}: {}",
                answered.body
            );
            assert!(
                !answered.body.contains("the role"),
                "{request}: {}",
                answered.body
            );
        }
    }
    stop.cancel();
    server.stopped().await;
}

#[tokio::test]
async fn a_reader_sees_no_payload_in_plaintext() {
    let (_, state) = pipeline().await;
    let (server, stop) = start_with(state, access()).await;
    let at = server.address();
    for request in [
        "GET /dead_letters?payload=1",
        "GET /dead_letters?pay%6Coad=%31",
        "GET /dead_letters/export?payload=1",
        "POST /tap?plain=1",
    ] {
        let refused = ask_as(at, READER, request).await;
        assert_eq!(refused.status, 403, "{request}: {}", refused.body);
        assert!(refused.body.contains("operator's token only"), "{}", refused.body);
        assert_ne!(ask_as(at, OPERATOR, request).await.status, 403, "{request}");
    }
    stop.cancel();
    server.stopped().await;
}

#[tokio::test]
async fn payloads_that_are_hashed_are_for_readers_too() {
    let (_, state) = pipeline().await;
    let access = Access {
        plain_letters: false,
        ..access()
    };
    let (server, stop) = start_with(state, access).await;
    let shown = ask_as(server.address(), READER, "GET /dead_letters?payload=1").await;
    assert!(
        shown.status == 200 && shown.body.contains("track"),
        "{}",
        shown.body
    );
    stop.cancel();
    server.stopped().await;
}

#[tokio::test]
async fn other_tokens_and_names_of_callers_open_nothing() {
    let (_, state) = pipeline().await;
    let (server, stop) = start_with(state, access()).await;
    let at = server.address();
    let wrong = [
        "",
        "media-team",
        "on-call",
        &READER[1..],
        "zq-reader-token-51c2x",
        "token",
        "local",
    ];
    for token in wrong {
        let refused = ask_as(at, token, "GET /status").await;
        assert_eq!(refused.status, 401, "{token}");
    }
    assert_eq!(get(at, "/health").await.status, 200);
    stop.cancel();
    server.stopped().await;
}
