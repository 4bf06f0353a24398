//! The audit log: its lines, and the refusals while it cannot be written.

use signalbox_config::Role;
use tempfile::TempDir;

use super::roles::{OPERATOR, READER, access, ask_as};
use super::*;

/// Starts the address with an audit log in a new folder.
async fn audited(access: Access) -> (TempDir, SocketAddr, AdminServer, CancellationToken, AdminState) {
    let folder = tempfile::tempdir().unwrap();
    let (_, state) = pipeline().await;
    let audit = Audit::open(&folder.path().join("log/audit.jsonl"));
    assert!(audit.unwrap_err().contains("admin.audit"));
    std::fs::create_dir(folder.path().join("log")).unwrap();
    let state = state.audited(Audit::open(&folder.path().join("log/audit.jsonl")).unwrap());
    let (server, stop) = start_with(state.clone(), access).await;
    (folder, server.address(), server, stop, state)
}

/// Returns the lines, the oldest first.
fn lines(state: &AdminState) -> Vec<AuditEntry> {
    let mut entries = state.audit().unwrap().page(None, 1_000).unwrap().entries;
    entries.reverse();
    entries
}

#[tokio::test]
async fn each_act_is_recorded_and_nothing_else_is() {
    let (folder, at, server, stop, state) = audited(access()).await;
    for (token, request, status) in [
        (OPERATOR, "POST /reload", 200),
        (
            OPERATOR,
            "POST /dead_letters/discard?sink=pin&reason=bad_field",
            200,
        ),
        // Only names of the pipeline file are written down.
        (
            OPERATOR,
            "POST /dead_letters/discard?sink=zq-ada%40example.com&message_id=zq-m1",
            200,
        ),
        (OPERATOR, "POST /resend", 400),
        (OPERATOR, "POST /forget?sink=pin", 409),
        // Each act that a handler refuses has a line, as has one of a method or body that there is not.
        (OPERATOR, "DELETE /dead_letters", 405),
        // These act on nothing.
        (OPERATOR, "GET /dead_letters?payload=1", 200),
        (OPERATOR, "POST /events", 400),
        (OPERATOR, "POST /nothing", 404),
        (READER, "POST /reload", 403),
        ("zq-wrong", "POST /reload", 401),
    ] {
        let answer = ask_as(at, token, request).await;
        assert_eq!(answer.status, status, "{request}: {}", answer.body);
    }
    let found: Vec<_> = lines(&state)
        .into_iter()
        .map(|line| {
            let facts = serde_json::to_string(&line.facts).unwrap();
            let result = line.result.map(AuditResult::word);
            assert_eq!(result, Some(if line.status < 400 { "done" } else { "refused" }));
            assert_eq!(line.reason.is_some(), line.status >= 400, "{:?}", line.reason);
            (line.action, line.sink, facts, line.status)
        })
        .collect();
    let line = |action: &str, sink: Option<&str>, facts: &str, status| {
        (
            action.to_owned(),
            sink.map(str::to_owned),
            facts.to_owned(),
            status,
        )
    };
    assert_eq!(
        found,
        [
            line("reload", None, "{}", 200),
            line(
                "discard",
                Some("pin"),
                "{\"discarded\":1,\"matched\":1,\"retried\":0}",
                200
            ),
            line(
                "discard",
                None,
                "{\"discarded\":0,\"matched\":0,\"retried\":0}",
                200
            ),
            line("resend", None, "{}", 400),
            line("forget", None, "{}", 409),
            line("/dead_letters", None, "{}", 405),
        ]
    );
    for line in lines(&state) {
        assert_eq!(
            (line.who.as_deref(), line.role),
            (Some("on-call"), Some(Role::Operator))
        );
        assert_eq!(line.from, "127.0.0.1");
    }
    let text = std::fs::read_to_string(folder.path().join("log/audit.jsonl")).unwrap();
    assert!(!text.contains("zq-"), "{text}");
    stop.cancel();
    server.stopped().await;
}

#[tokio::test]
async fn an_act_that_cannot_be_recorded_is_the_last() {
    let (folder, at, server, stop, state) = audited(Access::default()).await;
    let log = folder.path().join("log");
    assert_eq!(get(at, "/status").await.status, 200);
    std::fs::remove_dir_all(&log).unwrap();
    let reload = async || ask(at, "POST /reload", "content-length: 0\r\n").await;
    assert_eq!(reload().await.status, 200, "the act is done");
    let refused = reload().await;
    assert_eq!(refused.status, 503);
    assert!(
        refused.body.contains("audit.jsonl cannot be written") && refused.body.contains("make room"),
        "{}",
        refused.body
    );
    let status: Status = serde_json::from_str(&get(at, "/status").await.body).unwrap();
    let failing = status.audit.clone().unwrap().failing.unwrap();
    assert!(failing.contains("cannot be written"), "{failing}");
    assert!(status.render_human().contains("Acts of operators are refused"));
    std::fs::create_dir(&log).unwrap();
    assert_eq!(reload().await.status, 200);
    let found: Vec<_> = lines(&state)
        .iter()
        .map(|line| (line.n, line.who.clone().unwrap(), line.status))
        .collect();
    assert_eq!(
        found,
        [(1, "local".to_owned(), 200), (2, "local".to_owned(), 200)]
    );
    stop.cancel();
    server.stopped().await;
}
